// Which message of the outbox is sent when: one at a time in each conversation, in the order in which they were written.

import type { Failure } from "../api/error";
import type { Pending } from "../state/update";
import { Backoff } from "./backoff";
import { earliest } from "./core";

/** The queue of one conversation. Its first message may be on its way. */
interface Lane {
  readonly queue: Pending[];
  onItsWay: boolean;
  notBefore?: number;
  /** The server named the time: a new connection does not shorten it. */
  told: boolean;
  readonly backoff: Backoff;
}

/** What an answer means for a message: it stays in the queue, is out of it, or was not in it any more. */
export type Verdict = "again" | "refused" | "unknown";

/** All that waits to be sent. */
export class Sending {
  private readonly lanes = new Map<bigint, Lane>();

  push(pending: Pending): void {
    const known = this.lanes.get(pending.conversationId);
    const lane = known ?? { queue: [], onItsWay: false, told: false, backoff: new Backoff() };
    lane.queue.push(pending);
    this.lanes.set(pending.conversationId, lane);
  }

  /** The same message with more known of its files. */
  replace(pending: Pending): void {
    const queue = this.lanes.get(pending.conversationId)?.queue ?? [];
    const index = queue.findIndex(({ requestId }) => requestId === pending.requestId);
    if (index >= 0) queue[index] = pending;
  }

  /** The messages to send now; each is on its way from here on. */
  due(now: number): Pending[] {
    const due = [];
    for (const lane of this.lanes.values()) {
      const [first] = lane.queue;
      if (!first || lane.onItsWay || (lane.notBefore ?? 0) > now) continue;
      lane.onItsWay = true;
      due.push(first);
    }
    return due;
  }

  /** When something is due that is not due yet. */
  nextDue(): number | undefined {
    return earliest([...this.lanes.values()].map((lane) => (lane.onItsWay ? undefined : lane.notBefore)));
  }

  /** There is a connection again: waits that were only guesses are over. */
  hurry(): void {
    for (const lane of this.lanes.values()) {
      if (lane.told) continue;
      lane.notBefore = undefined;
      lane.backoff.reset();
    }
  }

  /** A message was stored, or taken back: the next one may go. Says whether it was waiting. */
  remove(requestId: string): boolean {
    let found = false;
    for (const [id, lane] of this.lanes) {
      const index = lane.queue.findIndex((pending) => pending.requestId === requestId);
      if (index < 0) continue;
      lane.queue.splice(index, 1);
      if (index === 0) {
        free(lane);
        lane.backoff.reset();
      }
      if (lane.queue.length === 0) this.lanes.delete(id);
      found = true;
    }
    return found;
  }

  /** The server did not take a message. */
  failed(pending: Pending, failure: Failure, now: number, jitter: number): Verdict {
    const lane = this.lanes.get(pending.conversationId);
    if (!lane?.onItsWay || lane.queue[0]?.requestId !== pending.requestId) return "unknown";
    free(lane);
    if (failure.retryAfter !== undefined) {
      lane.notBefore = now + failure.retryAfter;
      lane.told = true;
      return "again";
    }
    // A session that ended says nothing about the message: it goes out with the next one.
    if (failure.isMaybe || failure.isSignedOut) {
      lane.notBefore = now + lane.backoff.next(jitter);
      return "again";
    }
    lane.queue.shift();
    if (lane.queue.length === 0) this.lanes.delete(pending.conversationId);
    return "refused";
  }

  clear(): void {
    this.lanes.clear();
  }
}

function free(lane: Lane): void {
  lane.onItsWay = false;
  lane.notBefore = undefined;
  lane.told = false;
}
