// A conversation's messages as lines to draw: what is grouped, where days and new messages begin.

import { type Message, SystemKind } from "../api/protocol";
import { countsAsUnread } from "../state/run";
import type { Pending } from "../state/update";
import { dayKey, local } from "./clock";

/** Messages of one author within this time stand together. */
const GROUP = 7 * 60_000;

/** One line of the list; `key` names it. */
export type Line =
  /** Nothing comes before. */
  | { readonly key: string; readonly is: "beginning" }
  | { readonly key: string; readonly is: "day"; readonly at: Date }
  /** Here begins what has not been read. */
  | { readonly key: string; readonly is: "new" }
  /** A change of the conversation. */
  | { readonly key: string; readonly is: "system"; readonly message: Message; readonly at?: Date }
  /** A message; the first of a group has a head: picture, name and time. */
  | { readonly key: string; readonly is: "message"; readonly message: Message; readonly head: boolean; readonly at?: Date }
  /** A message of one's own that is not sent yet. */
  | { readonly key: string; readonly is: "pending"; readonly pending: Pending; readonly head: boolean };

/** What the lines depend on, beside the messages. */
export interface Reader {
  readonly userId: bigint;
  /** Above this message others' messages are new; none if nothing is. */
  readonly newAbove?: bigint;
}

/** The key of a message's own line. */
export const messageKey = (id: bigint) => `m${id}`;

/** Makes the lines. `complete` says that the first message is the first of all. */
export function lines(
  messages: readonly Message[],
  pending: readonly Pending[],
  complete: boolean,
  reader: Reader,
): Line[] {
  const lines: Line[] = complete ? [{ key: "beginning", is: "beginning" }] : [];
  let group: { author: bigint; at: number } | undefined;
  let day: string | undefined;
  let newShown = false;
  const begins = (author: bigint, at: number, replyTo: bigint) => {
    const goesOn = group?.author === author && at - group.at <= GROUP && replyTo === 0n;
    group = { author, at };
    return !goesOn;
  };
  for (const message of messages) {
    if (message.system?.kind === SystemKind.LEFT_SILENTLY) continue;
    const at = local(message.createdAt);
    if (at && dayKey(at) !== day) {
      day = dayKey(at);
      group = undefined;
      lines.push({ key: `d${message.id}`, is: "day", at });
    }
    const isNew = reader.newAbove !== undefined && message.id > reader.newAbove;
    if (!newShown && isNew && countsAsUnread(message, reader.userId)) {
      newShown = true;
      group = undefined;
      lines.push({ key: "new", is: "new" });
    }
    const key = messageKey(message.id);
    if (message.system) {
      group = undefined;
      lines.push({ key, is: "system", message, at });
    } else {
      lines.push({ key, is: "message", message, head: begins(message.authorId, at?.getTime() ?? 0, message.replyTo), at });
    }
  }
  for (const waiting of pending) {
    const head = begins(reader.userId, waiting.writtenAt, waiting.replyTo);
    lines.push({ key: `p${waiting.requestId}`, is: "pending", pending: waiting, head });
  }
  return lines;
}
