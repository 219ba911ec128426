// The user's own messages: on the disk with their files before they are shown, then sent until the server has said yes or no.

import { Code } from "@connectrpc/connect";

import { Failure } from "../api/error";
import { ErrorReason, type Message } from "../api/protocol";
import { findPending, pending as pendingOf } from "../state/state";
import type { Pending, PendingAttachment } from "../state/update";
import type { Core } from "./core";
import type { Disk } from "./disk";
import { Sending } from "./sending";
import { uploadAll } from "./uploading";

/** The outbox at work. */
export class Outgoing {
  readonly sending = new Sending();
  /** Ends the uploads of a message. */
  private readonly uploads = new Map<string, AbortController>();

  constructor(
    private readonly core: Core,
    private readonly disk: Disk,
    /** A message as an answer gave it. */
    private readonly learn: (message: Message) => void,
  ) {}

  /** Sends a message, now or as soon as there is a connection, also after a reload. `replyTo` is 0 for none. */
  async send(
    conversationId: bigint,
    text: string,
    replyTo: bigint,
    attachments: readonly PendingAttachment[],
  ): Promise<void> {
    const { ambient } = this.core;
    const [requestId, writtenAt] = [ambient.requestId(), ambient.date()];
    await this.put({ requestId, conversationId, text, replyTo, attachments, writtenAt });
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
    await this.send(old.conversationId, text, old.replyTo, old.attachments);
    this.cancel(requestId);
  }

  /** Takes a message back. One that is on its way right now, or whose outcome is not known, may still arrive. */
  cancel(requestId: string): void {
    const pending = findPending(this.core.state, requestId);
    if (!pending) return;
    this.sending.remove(requestId);
    this.uploads.get(requestId)?.abort();
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

  private async call(waiting: Pending): Promise<void> {
    let pending = waiting;
    try {
      pending = await this.upload(waiting);
      const { conversationId, text, requestId, replyTo, attachments } = pending;
      const mediaIds = attachments.flatMap(({ media }) => media?.id ?? []);
      const answer = await this.core.api.messages.sendMessage({ conversationId, text, requestId, replyTo, mediaIds });
      this.sending.remove(requestId);
      if (answer.message) this.learn(answer.message);
      this.settle(pending);
    } catch (thrown) {
      const { ambient } = this.core;
      const failure = Failure.from(thrown);
      // Sent by another tab, or once before with files that had to go up again: it is there, whatever they are called.
      if (failure.reason === ErrorReason.REQUEST_ID_REUSED && pending.attachments.length > 0) {
        this.sending.remove(pending.requestId);
        this.settle(pending);
      } else if (this.sending.failed(waiting, failure, ambient.now(), ambient.jitter()) === "refused") {
        const [field] = failure.fields.values();
        await this.put({ ...withoutGone(pending, failure), failed: field ?? failure.message });
      }
    }
    this.core.wake();
  }

  /** Brings a message's files to the server, those that are not there; each is noted on the disk before it is named. */
  private async upload(waiting: Pending): Promise<Pending> {
    const { requestId } = waiting;
    if (waiting.attachments.every(({ media }) => media)) return waiting;
    const upload = new AbortController();
    this.uploads.set(requestId, upload);
    try {
      return await uploadAll(this.core, waiting, upload.signal, async (pending) => {
        await this.disk.putPending(pending);
        if (upload.signal.aborted) return this.forget(requestId);
        this.sending.replace(pending);
        this.core.emit({ kind: "pendingChanged", pending });
      });
    } finally {
      if (this.uploads.get(requestId) === upload) this.uploads.delete(requestId);
    }
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

/** What nobody sent for a day is gone from the server: a file of this device goes up once more with the next try. */
function withoutGone(pending: Pending, failure: Failure): Pending {
  const gone = failure.code === Code.NotFound || failure.fields.has("media_ids");
  if (!gone) return pending;
  return { ...pending, attachments: pending.attachments.map((attachment) => ({ ...attachment, media: undefined })) };
}
