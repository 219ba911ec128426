// When MarkRead is called: at once, then at most every two seconds in each conversation. One call at a time, MarkUnread
// among them: of two, the server might do the second first.

import { earliest } from "./core";

const PAUSE = 2_000;

interface Mark {
  wanted: bigint;
  /** Those whose turn to mark it as unread comes after the call on its way. */
  readonly waiting: (() => void)[];
  notBefore: number;
  onItsWay: boolean;
  /** It was marked as unread since the call on its way was made: what comes of that is not true any more. */
  overtaken: boolean;
}

/** How far everything is read here, and how much of that the server knows. */
export class Reading {
  private readonly marks = new Map<bigint, Mark>();

  /** The user has read up to `id`. */
  want(conversationId: bigint, id: bigint, now: number): void {
    const mark = this.mark(conversationId, now);
    if (id > mark.wanted) mark.wanted = id;
  }

  /** The user marks it as unread: to be called, and `done` after it, when this is done. */
  async unmark(conversationId: bigint, now: number): Promise<void> {
    this.forget(conversationId);
    const mark = this.mark(conversationId, now);
    if (mark.onItsWay) await new Promise<void>((resolve) => mark.waiting.push(resolve));
    else go(mark);
  }

  /** What to tell the server now, as [conversation, id]; on its way from here on. */
  due(now: number): [bigint, bigint][] {
    const due: [bigint, bigint][] = [];
    for (const [conversationId, mark] of this.marks) {
      if (mark.onItsWay || mark.notBefore > now) continue;
      // A mark without a wish is kept only for its pause.
      if (mark.wanted === 0n) {
        this.marks.delete(conversationId);
        continue;
      }
      due.push([conversationId, mark.wanted]);
      Object.assign(mark, { wanted: 0n, notBefore: now + PAUSE });
      go(mark);
    }
    return due;
  }

  nextDue(): number | undefined {
    const waiting = [...this.marks.values()].filter((mark) => mark.wanted > 0n && !mark.onItsWay);
    return earliest(waiting.map((mark) => mark.notBefore));
  }

  /** The call is over; `again` names the id if it has to be repeated. Says whether its answer still holds. */
  done(conversationId: bigint, again?: bigint): boolean {
    const mark = this.marks.get(conversationId);
    if (!mark) return true;
    mark.onItsWay = false;
    const stands = !mark.overtaken;
    if (stands && again !== undefined && again > mark.wanted) mark.wanted = again;
    const next = mark.waiting.shift();
    if (next) {
      go(mark);
      next();
    }
    return stands;
  }

  /** The user marked it as unread: what was to be told is not true any more, nor is what the call on its way will say. */
  forget(conversationId: bigint): void {
    const mark = this.marks.get(conversationId);
    if (mark) Object.assign(mark, { wanted: 0n, overtaken: mark.onItsWay });
  }

  /** Another history has begun. */
  clear(): void {
    for (const conversationId of this.marks.keys()) this.forget(conversationId);
  }

  private mark(conversationId: bigint, now: number): Mark {
    const known = this.marks.get(conversationId);
    if (known) return known;
    const mark = { wanted: 0n, waiting: [], notBefore: now, onItsWay: false, overtaken: false };
    this.marks.set(conversationId, mark);
    return mark;
  }
}

function go(mark: Mark): void {
  Object.assign(mark, { onItsWay: true, overtaken: false });
}
