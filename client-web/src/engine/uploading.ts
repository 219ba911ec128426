// A waiting message's files on their way to the server, one after the other.

import { Code } from "@connectrpc/connect";

import { Failure } from "../api/error";
import type { Media } from "../api/protocol";
import type { Pending, PendingAttachment } from "../state/update";
import type { Core } from "./core";

/** Brings up what is not there yet. `noted` is done when the disk knows the message with one more file on the server. */
export async function uploadAll(
  core: Core,
  waiting: Pending,
  signal: AbortSignal,
  noted: (pending: Pending) => Promise<void>,
): Promise<Pending> {
  const { conversationId, requestId } = waiting;
  const total = waiting.attachments.reduce((sum, { size }) => sum + size, 0);
  const tell = (sent: number) => core.emit({ kind: "uploadProgressed", conversationId, requestId, sent, total });
  let pending = waiting;
  let before = 0;
  for (const [index, attachment] of waiting.attachments.entries()) {
    if (!attachment.media) {
      if (total > 0) tell(before);
      const media = await bring(core, attachment, (sent) => tell(before + Math.min(sent, attachment.size)), signal);
      signal.throwIfAborted();
      pending = { ...pending, attachments: pending.attachments.with(index, { ...attachment, media }) };
      await noted(pending);
      signal.throwIfAborted();
    }
    before += attachment.size;
  }
  return pending;
}

async function bring(
  core: Core,
  { name, source }: PendingAttachment,
  onProgress: (sent: number) => void,
  signal: AbortSignal,
): Promise<Media> {
  if (source.is === "file") return core.api.upload(source.content, name, onProgress, signal);
  const { media } = await core.api.gifs.saveGif({ gifId: source.gif.id }, { signal });
  if (!media) throw new Failure(Code.Internal, "The server's answer is incomplete.");
  return media;
}
