// Typing in both directions: when to say it, and when to forget it.

import { earliest } from "./core";

/** After so long without a key the user has stopped. */
const PAUSE = 5_000;

/** Where the user types. */
export class OwnTyping {
  private readonly places = new Map<bigint, { toldAt: number; keyAt: number }>();

  /** A key was pressed; says whether to tell the server. */
  key(conversationId: bigint, now: number, repeat: number): boolean {
    const place = this.places.get(conversationId);
    if (!place) {
      this.places.set(conversationId, { toldAt: now, keyAt: now });
      return true;
    }
    place.keyAt = now;
    const due = place.toldAt + repeat <= now;
    if (due) place.toldAt = now;
    return due;
  }

  /** The user stopped; says whether to tell the server. */
  stop(conversationId: bigint): boolean {
    return this.places.delete(conversationId);
  }

  /** Where the user has stopped without a word. */
  paused(now: number): bigint[] {
    const paused = [...this.places].filter(([, place]) => place.keyAt + PAUSE <= now).map(([id]) => id);
    paused.forEach((id) => this.places.delete(id));
    return paused;
  }

  nextDue(): number | undefined {
    return earliest([...this.places.values()].map((place) => place.keyAt + PAUSE));
  }
}

/** Where others type, until when. */
export class OthersTyping {
  private readonly until = new Map<bigint, number>();

  /** The server said who is typing. */
  heard(conversationId: bigint, anybody: boolean, until: number): void {
    if (anybody) this.until.set(conversationId, until);
    else this.until.delete(conversationId);
  }

  /** Where it was not repeated in time. */
  expired(now: number): bigint[] {
    const expired = [...this.until].filter(([, until]) => until <= now).map(([id]) => id);
    expired.forEach((id) => this.until.delete(id));
    return expired;
  }

  nextDue(): number | undefined {
    return earliest(this.until.values());
  }

  clear(): void {
    this.until.clear();
  }
}
