// The user's own messages: on the disk before they are shown, then sent until the server has said yes or no.

import { Failure } from "../api/error";
import type { Message } from "../api/protocol";
import { findPending, pending as pendingOf } from "../state/state";
import type { Pending } from "../state/update";
import type { Core } from "./core";
import type { Disk } from "./disk";
import { Sending } from "./sending";

/** The outbox at work. */
export class Outgoing {
  readonly sending = new Sending();

  constructor(
    private readonly core: Core,
    private readonly disk: Disk,
    /** A message as an answer gave it. */
    private readonly learn: (message: Message) => void,
  ) {}

  /** Sends a message, now or as soon as there is a connection, also after a reload. `replyTo` is 0 for none. */
  async send(conversationId: bigint, text: string, replyTo: bigint): Promise<void> {
    const { ambient } = this.core;
    const [requestId, writtenAt] = [ambient.requestId(), ambient.date()];
    await this.put({ requestId, conversationId, text, replyTo, writtenAt });
  }

  /** Tries a failed message again. */
  async retry(requestId: string): Promise<void> {
    const pending = findPending(this.core.state, requestId);
    if (pending?.failed !== undefined) await this.put({ ...pending, failed: undefined });
  }

  /** Sends another text in place of a failed message. */
  async editFailed(requestId: string, text: string): Promise<void> {
    const old = findPending(this.core.state, requestId);
    if (old?.failed === undefined) return;
    // The new text is on the disk before the old one goes.
    await this.send(old.conversationId, text, old.replyTo);
    this.cancel(requestId);
  }

  /** Takes a message back. One that is on its way right now, or whose outcome is not known, may still arrive. */
  cancel(requestId: string): void {
    const pending = findPending(this.core.state, requestId);
    if (!pending) return;
    this.sending.remove(requestId);
    this.settle(pending);
    this.core.wake();
  }

  /** What the disk kept waits again. */
  restore(pending: readonly Pending[]): void {
    for (const waiting of pending) if (waiting.failed === undefined) this.sending.push(waiting);
  }

  /** A message of the stream is in the state: if it waited here, it waits no more. */
  arrived(message: Message): void {
    if (message.authorId !== this.core.state.userId || !this.sending.remove(message.requestId)) return;
    this.forget(message.requestId);
    this.core.wake();
  }

  work(now: number): void {
    for (const pending of this.sending.due(now)) void this.call(pending);
  }

  private async put(pending: Pending): Promise<void> {
    let kept = pending;
    try {
      await this.disk.putPending(pending);
    } catch {
      if (pending.failed === undefined) kept = { ...pending, failed: "It could not be saved on this device." };
    }
    if (kept.failed === undefined) this.sending.push(kept);
    this.core.emit({ kind: "pendingChanged", pending: kept });
    this.core.wake();
  }

  private async call(pending: Pending): Promise<void> {
    const { conversationId, text, requestId, replyTo } = pending;
    try {
      const answer = await this.core.api.messages.sendMessage({ conversationId, text, requestId, replyTo });
      this.sending.remove(requestId);
      if (answer.message) this.learn(answer.message);
      this.settle(pending);
    } catch (thrown) {
      const { ambient } = this.core;
      const failure = Failure.from(thrown);
      if (this.sending.failed(pending, failure, ambient.now(), ambient.jitter()) === "refused") {
        const [field] = failure.fields.values();
        await this.put({ ...pending, failed: field ?? failure.message });
      }
    }
    this.core.wake();
  }

  /** A message waits no more: off the disk, out of the state. */
  private settle({ conversationId, requestId }: Pending): void {
    this.forget(requestId);
    if (pendingOf(this.core.state, conversationId).some((known) => known.requestId === requestId)) {
      this.core.emit({ kind: "pendingRemoved", conversationId, requestId });
    }
  }

  private forget(requestId: string): void {
    // If it stays it is sent once more after a reload, under the same requestId, and is there once.
    this.disk.removePending(requestId).catch((error: unknown) => console.warn("a sent message stays kept", error));
  }
}
