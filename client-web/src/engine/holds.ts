// Conversations whose events wait until an answer is there, because something before them is missing.

import type { SubscribeResponse } from "../api/protocol";
import { earliest } from "./core";

/** So long after a call that failed the engine asks again. */
const AGAIN = 1_000;

interface Hold {
  readonly events: SubscribeResponse[];
  /** Something is missing between the cursor and the first event: ListChanges has it. */
  hole: boolean;
  /** The conversation is not known, or its unread messages have to be counted by the server: GetConversation. */
  fetch: boolean;
  onItsWay?: Ask;
  notBefore: number;
}

/** What to ask for. Its answer counts for the hold that it was asked for alone. */
export interface Ask {
  readonly conversationId: bigint;
  readonly hole: boolean;
}

/** All that is held. */
export class Holds {
  private readonly holds = new Map<bigint, Hold>();

  /** Keeps an event back if its conversation is held; says whether it did. */
  keep(conversationId: bigint, response: SubscribeResponse): boolean {
    const hold = this.holds.get(conversationId);
    hold?.events.push(response);
    return hold !== undefined;
  }

  /** Holds a conversation from this event on. */
  hold(conversationId: bigint, why: "hole" | "fetch", ...events: SubscribeResponse[]): void {
    const hold = this.holds.get(conversationId) ?? {
      events: [],
      hole: false,
      fetch: false,
      notBefore: 0,
    };
    hold.events.push(...events);
    hold[why] = true;
    this.holds.set(conversationId, hold);
  }

  /** What to ask for now; on its way from here on. */
  due(now: number): Ask[] {
    const asks: Ask[] = [];
    for (const [conversationId, hold] of this.holds) {
      if (hold.onItsWay || hold.notBefore > now) continue;
      hold.onItsWay = { conversationId, hole: hold.hole };
      asks.push(hold.onItsWay);
    }
    return asks;
  }

  nextDue(): number | undefined {
    const waiting = [...this.holds.values()].filter((hold) => !hold.onItsWay);
    return earliest(waiting.map((hold) => hold.notBefore));
  }

  /** Whether its answer is still waited for. */
  waits(ask: Ask): boolean {
    return this.holds.get(ask.conversationId)?.onItsWay === ask;
  }

  /** A part of what is waited for is there. Gives the events that may go on. */
  filled(conversationId: bigint, part: "hole" | "fetch", more = false): SubscribeResponse[] {
    const hold = this.holds.get(conversationId);
    if (!hold) return [];
    hold.onItsWay = undefined;
    hold.notBefore = 0;
    hold[part] = more;
    return hold.hole || hold.fetch ? [] : this.release(conversationId);
  }

  /** What is waited for did not come. `known`: the state has the conversation. Gives the events that may go on. */
  unfilled(conversationId: bigint, refused: boolean, known: boolean, now: number): SubscribeResponse[] {
    const hold = this.holds.get(conversationId);
    if (!hold) return [];
    hold.onItsWay = undefined;
    if (!refused) {
      hold.notBefore = now + AGAIN;
      return [];
    }
    // The count stays as it was; the events are good.
    if (known && !hold.hole) return this.release(conversationId);
    // The caller is not in it any more; that she was removed comes by the stream.
    this.drop(conversationId);
    return [];
  }

  private release(conversationId: bigint): SubscribeResponse[] {
    const events = this.holds.get(conversationId)?.events ?? [];
    this.drop(conversationId);
    return events;
  }

  drop(conversationId: bigint): void {
    this.holds.delete(conversationId);
  }

  clear(): void {
    this.holds.clear();
  }
}
