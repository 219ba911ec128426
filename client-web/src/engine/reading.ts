// When MarkRead is called: at once, then at most every two seconds in each conversation.

import { earliest } from "./core";

const PAUSE = 2_000;

interface Mark {
  wanted: bigint;
  notBefore: number;
  onItsWay: boolean;
}

/** How far everything is read here, and how much of that the server knows. */
export class Reading {
  private readonly marks = new Map<bigint, Mark>();

  /** The user has read up to `id`. */
  want(conversationId: bigint, id: bigint, now: number): void {
    const mark = this.marks.get(conversationId) ?? { wanted: 0n, notBefore: now, onItsWay: false };
    if (id > mark.wanted) mark.wanted = id;
    this.marks.set(conversationId, mark);
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
      Object.assign(mark, { wanted: 0n, notBefore: now + PAUSE, onItsWay: true });
    }
    return due;
  }

  nextDue(): number | undefined {
    const waiting = [...this.marks.values()].filter((mark) => mark.wanted > 0n && !mark.onItsWay);
    return earliest(waiting.map((mark) => mark.notBefore));
  }

  /** The call is over; `again` names the id if it has to be repeated. */
  done(conversationId: bigint, again?: bigint): void {
    const mark = this.marks.get(conversationId);
    if (!mark) return;
    mark.onItsWay = false;
    if (again !== undefined && again > mark.wanted) mark.wanted = again;
  }

  /** The user marked it as unread: what was to be told is not true any more. */
  forget(conversationId: bigint): void {
    const mark = this.marks.get(conversationId);
    if (mark) mark.wanted = 0n;
  }

  clear(): void {
    this.marks.clear();
  }
}
