// The messages that loaded ones answer and that are not loaded themselves: asked for once each, on this connection or the next.

import { Failure } from "../api/error";
import type { Message } from "../api/protocol";
import type { Core } from "./core";
import { patiently } from "./patience";

interface Wish {
  readonly conversationId: bigint;
  readonly id: bigint;
  onItsWay: boolean;
  /** As the stream gave it while the call was on its way. */
  changed?: Message;
}

/** What is wished for and has not been answered. */
export class Replies {
  private readonly wishes = new Map<string, Wish>();

  constructor(private readonly core: Core) {}

  /** Wants a message. */
  want(conversationId: bigint, id: bigint): void {
    const key = keyOf(conversationId, id);
    if (this.wishes.has(key)) return;
    const wish = { conversationId, id, onItsWay: false };
    this.wishes.set(key, wish);
    if (this.core.ready) void this.ask(wish);
  }

  /** Ready has come: what could not be asked for before. */
  begun(): void {
    for (const wish of this.wishes.values()) if (!wish.onItsWay) void this.ask(wish);
  }

  /** A message changed. */
  changed(message: Message): void {
    const wish = this.wishes.get(keyOf(message.conversationId, message.id));
    if (wish && (wish.changed?.changed ?? 0n) < message.changed) wish.changed = message;
  }

  /** The conversation has begun anew: what is still wanted will be wanted again. */
  forget(conversationId: bigint): void {
    for (const [key, wish] of this.wishes) if (wish.conversationId === conversationId) this.wishes.delete(key);
  }

  /** Another history has begun. */
  clear(): void {
    this.wishes.clear();
  }

  private async ask(wish: Wish): Promise<void> {
    const { conversationId, id } = wish;
    const key = keyOf(conversationId, id);
    const stands = () => this.wishes.get(key) === wish;
    wish.onItsWay = true;
    try {
      const { message, users } = await patiently(() => this.core.api.messages.getMessage({ conversationId, id }));
      if (!stands()) return;
      this.wishes.delete(key);
      this.core.emit({ kind: "usersLoaded", users });
      // The answer may be from before what the stream gave.
      const later = (wish.changed?.changed ?? 0n) > (message?.changed ?? 0n) ? wish.changed : message;
      if (later) this.core.emit({ kind: "replyLoaded", message: later });
    } catch (thrown) {
      wish.onItsWay = false;
      // It stays a stub: not to be seen by this reader, or not now.
      if (stands() && Failure.from(thrown).isNo) this.wishes.delete(key);
    }
  }
}

function keyOf(conversationId: bigint, id: bigint): string {
  return `${conversationId} ${id}`;
}
