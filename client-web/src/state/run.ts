// The loaded part of a conversation: one run of messages without holes, of bounded length.

import type { Message } from "../api/protocol";
import { type Mine, settle, withMine } from "./reaction";

/** How many messages a run holds at most: a window over any length of history. */
export const RUN_LIMIT = 150;

/** One run of messages, oldest first. Between its first and its last id nothing is missing. */
export interface Run {
  readonly messages: readonly Message[];
  /** Whether there are older messages than the loaded ones. */
  readonly moreBefore: boolean;
  /** Whether there are newer ones. If not, the run grows as messages arrive. */
  readonly moreAfter: boolean;
}

/** The oldest loaded message's id. */
export const firstId = (run: Run) => run.messages[0]?.id;

/** The newest loaded message's id. */
export const lastId = (run: Run) => run.messages.at(-1)?.id;

/** A loaded message. */
export function get(run: Run, id: bigint): Message | undefined {
  const message = run.messages[place(run.messages, id)];
  return message?.id === id ? message : undefined;
}

/** Where a message stands, or would stand. */
function place(messages: readonly Message[], id: bigint): number {
  let [low, high] = [0, messages.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    const found = messages[middle];
    if (found && found.id < id) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * Puts a message in its place: an upsert where the higher `changed` wins, inside the run, or behind its end when it
 * reaches the present. All other messages are none of its business. `following` says which side gives way when the run
 * is full: the old one if the reader looks at the end, else the run stops growing.
 */
export function put(run: Run, message: Message, mine: Mine, reader: bigint, following: boolean): Run {
  const index = place(run.messages, message.id);
  const known = run.messages[index];
  if (known?.id === message.id) {
    const newer = message.changed > known.changed || (message.changed === known.changed && mine === "told");
    return newer ? { ...run, messages: run.messages.with(index, settle(message, known, mine, reader)) } : run;
  }
  const behind = index === run.messages.length;
  const before = index === 0 && run.moreBefore;
  if ((behind && run.moreAfter) || (before && !behind)) return run;
  const full = run.messages.length >= RUN_LIMIT;
  if (full && behind && !following) return { ...run, moreAfter: true };
  const messages = run.messages.toSpliced(index, 0, settle(message, undefined, mine, reader));
  return full ? { ...run, messages: messages.slice(1), moreBefore: true } : { ...run, messages };
}

/** Adds a page in front; the newest messages give way. */
export function prepend(run: Run, page: readonly Message[], moreBefore: boolean): Run {
  const messages = [...page, ...run.messages];
  const moreAfter = run.moreAfter || messages.length > RUN_LIMIT;
  return { messages: messages.slice(0, RUN_LIMIT), moreBefore, moreAfter };
}

/** Adds a page behind; the oldest messages give way. */
export function append(run: Run, page: readonly Message[], moreAfter: boolean): Run {
  const messages = [...run.messages, ...page];
  const moreBefore = run.moreBefore || messages.length > RUN_LIMIT;
  return { messages: messages.slice(-RUN_LIMIT), moreBefore, moreAfter };
}

/** Says of a loaded message whether the reader's own reaction stands. */
export function setMine(run: Run, id: bigint, emote: string, mine: boolean): Run {
  const index = place(run.messages, id);
  const known = run.messages[index];
  if (known?.id !== id) return run;
  const settled = withMine(known, emote, mine);
  return settled === known ? run : { ...run, messages: run.messages.with(index, settled) };
}

/** How many messages a reader has not read, and how many of those mention her, or everyone. */
export interface Unread {
  readonly unread: bigint;
  readonly unreadMentions: bigint;
}

/** How many messages above `read` count as unread for `reader`; none if not all of those are loaded. */
export function unreadAbove(run: Run, read: bigint, reader: bigint): Unread | undefined {
  const first = firstId(run);
  const whole = !run.moreBefore || (first !== undefined && first <= read + 1n);
  if (run.moreAfter || !whole) return undefined;
  let [unread, unreadMentions] = [0n, 0n];
  for (let index = run.messages.length - 1; index >= 0; index--) {
    const message = run.messages[index];
    if (!message || message.id <= read) break;
    if (!countsAsUnread(message, reader)) continue;
    unread++;
    if (mentions(message, reader)) unreadMentions++;
  }
  return { unread, unreadMentions };
}

/** Whether a message is one that its reader has to read: another's, not deleted, not a system line. */
export function countsAsUnread(message: Message, reader: bigint): boolean {
  return message.authorId !== reader && !message.deleted && !message.system;
}

/** Whether a message mentions its reader, or everyone. */
export function mentions(message: Message, reader: bigint): boolean {
  return message.mentions.some(({ userId }) => userId === reader || userId === 0n);
}
