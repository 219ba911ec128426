// One conversation as its reader knows it. Values, never changed: each function gives the next one.

import type * as v1 from "../api/protocol";
import { SystemKind } from "../gen/rookery/v1/message_pb";
import type { Mine } from "./reaction";
import * as runs from "./run";
import type { Run, Unread } from "./run";
import { type Page, type PageAt, placeName } from "./update";

/** How many replied-to messages from outside the run are kept; beyond that, those alone that it answers. */
const REPLY_LIMIT = 100;

/** What it is, how far it is read, and the messages that are loaded. */
export interface Conversation {
  readonly id: bigint;
  /** Without lastMessage and mine; its `position` says as of when the rest holds. */
  readonly info: v1.Conversation;
  /** The newest message that its reader may see. */
  readonly lastMessage?: v1.Message;
  readonly readPosition: bigint;
  /** How far it is read as the server last said by itself: readPosition may be ahead of that. */
  readonly toldRead: bigint;
  readonly unread: bigint;
  readonly visibleFrom: bigint;
  /** How many of the unread ones mention the reader, or everyone. */
  readonly unreadMentions: bigint;
  /** Until when there is to be no notice of it, but for mentions; it may be over by now. */
  readonly mutedUntil?: v1.Membership["mutedUntil"];
  /** A direct chat whose last message has this id or a lower one is hidden; 0: it was not. */
  readonly hiddenThrough: bigint;
  /** Messages up to here are in `unread`. */
  readonly counted: bigint;
  /** Messages up to here come to a newly connected client by replay, for this reader alone. */
  readonly replayed: bigint;
  /** Up to where all changes are known; none until the server said it. */
  readonly cursor?: bigint;
  /** The loaded messages; none if nothing is loaded. */
  readonly run?: Run;
  /** Whether its view stands at the end. */
  readonly following: boolean;
  /** Messages that a loaded one answers and that are not loaded themselves. */
  readonly replies: ReadonlyMap<bigint, v1.Message>;
  /** The pinned messages that are known; ListPins has all. */
  readonly pinned: ReadonlySet<bigint>;
  /** Who else is typing, newest first, at most four. */
  readonly typing: readonly bigint[];
  /** The pages that are being fetched. */
  readonly loading: readonly PageAt[];
  /** The page that could not be fetched last, and why. */
  readonly failed?: { readonly at: PageAt; readonly why: string };
}

export function create(conversation: v1.Conversation, cursor: bigint | undefined): Conversation {
  const empty: Conversation = {
    id: conversation.id,
    info: { ...conversation, position: -1n },
    readPosition: 0n,
    toldRead: 0n,
    unread: 0n,
    visibleFrom: 0n,
    unreadMentions: 0n,
    hiddenThrough: 0n,
    counted: 0n,
    replayed: 0n,
    following: true,
    replies: new Map(),
    pinned: new Set(),
    typing: [],
    loading: [],
  };
  // What the disk kept is as of a position below the cursor where nothing has been counted since.
  return { ...merge(empty, conversation), cursor };
}

/** The other person of a direct chat. */
export function partnerId(known: Conversation, userId: bigint): bigint | undefined {
  const ids = known.info.directUserIds;
  return ids.find((id) => id !== userId) ?? ids[0];
}

/** Whether it is a direct chat that its reader has hidden and nobody has written in since. */
export function isHidden({ hiddenThrough, lastMessage }: Conversation): boolean {
  const newer = lastMessage !== undefined && lastMessage.id > hiddenThrough && !lastMessage.system;
  return hiddenThrough > 0n && !newer;
}

/** A message, if it is loaded or something loaded answers it. */
export function message(known: Conversation, id: bigint): v1.Message | undefined {
  return (known.run && runs.get(known.run, id)) ?? known.replies.get(id);
}

/** Whether all unread messages are loaded, so that they can be counted here. */
export function countsItself(known: Conversation, reader: bigint): boolean {
  return known.run !== undefined && runs.unreadAbove(known.run, known.readPosition, reader) !== undefined;
}

/** Whether an edit of a message that counts as unread already may have changed whom it mentions. */
export function mayMentionOthers(known: Conversation, message: v1.Message): boolean {
  const isNew = message.id > known.counted && (known.cursor === undefined || message.id > known.cursor);
  const before = known.run && runs.get(known.run, message.id);
  const who = (message: v1.Message) => message.mentions.map(({ userId }) => userId).join();
  return !isNew && message.editedAt !== undefined && (!before || who(before) !== who(message));
}

/** What to believe of `mine` in an event that ends at `position`. */
export function mineAt(known: Conversation, position: bigint): Mine {
  return position <= known.replayed ? "told" : "untold";
}

/** Whether its reader left and came in again since this was kept: what she could read then she may not read now. */
export function leftMeanwhile(known: Conversation, answer: v1.Conversation): boolean {
  return answer.mine !== undefined && answer.mine.visibleFrom > known.visibleFrom;
}

/**
 * Takes over what an answer says. Of a conversation without a cursor everything is known up to there, but for messages: what
 * is loaded may be from before.
 */
export function meet(known: Conversation, answer: v1.Conversation): Conversation {
  const met = merge(known, answer);
  return met.cursor === undefined ? reset(met, answer.position) : met;
}

/** Takes over what an answer or an event says of the conversation, if it is not older than what is known. */
export function merge(known: Conversation, answer: v1.Conversation): Conversation {
  let next = known;
  if (answer.position >= known.info.position) {
    const { lastMessage, mine: _, ...info } = answer;
    next = { ...next, info: info as v1.Conversation };
    if (lastMessage) next = preview(next, lastMessage);
  }
  if (leftMeanwhile(known, answer)) next = forget(next);
  // An answer that is older than the last event would take back what the event counted.
  if (answer.mine && answer.position >= (next.cursor ?? 0n)) {
    const { readPosition, unread, visibleFrom, unreadMentions, mutedUntil, hiddenThrough } = answer.mine;
    const mine = { readPosition, unread, visibleFrom, unreadMentions, mutedUntil, hiddenThrough };
    next = { ...next, ...mine, toldRead: readPosition, counted: answer.position };
  }
  return next;
}

/** Where the stream of a newly connected client goes on. A cursor from the future belongs to another history. */
export function startFrom(known: Conversation, position: bigint): Conversation {
  const next = { ...known, replayed: position };
  return known.cursor !== undefined && known.cursor <= position ? next : reset(next, position);
}

/** Forgets all messages and goes on from `position`. */
export function reset(known: Conversation, position: bigint): Conversation {
  return forget({ ...known, cursor: position });
}

export function forget(known: Conversation): Conversation {
  return { ...known, run: undefined, replies: new Map(), pinned: new Set(), following: true };
}

/** The conversation after an event about the numbers in (after, position]; none if that is known already or not to be known yet. */
export function advance(known: Conversation, after: bigint, position: bigint): Conversation | undefined {
  const cursor = known.cursor ?? after;
  return position <= cursor || after > cursor ? undefined : { ...known, cursor: position };
}

/** A message from the stream; `cursor` is that from before it. */
export function change(
  known: Conversation,
  message: v1.Message,
  cursor: bigint,
  mine: Mine,
  reader: bigint,
): Conversation {
  const isNew = message.id > known.counted && message.id > cursor;
  let next = notePin(put(known, message, mine, reader), message);
  if (next.typing.includes(message.authorId)) {
    next = { ...next, typing: next.typing.filter((id) => id !== message.authorId) };
  }
  const recounted = recount(next, reader);
  if (recounted) return recounted;
  if (!isNew || !runs.countsAsUnread(message, reader)) return next;
  const more = runs.mentions(message, reader) ? 1n : 0n;
  return { ...next, unread: next.unread + 1n, unreadMentions: next.unreadMentions + more };
}

/** A message in its place, wherever it came from. */
export function put(known: Conversation, message: v1.Message, mine: Mine, reader: bigint): Conversation {
  let next = known;
  if (known.run) next = { ...next, run: runs.put(known.run, message, mine, reader, known.following) };
  const reply = known.replies.get(message.id);
  if (reply && reply.changed < message.changed) {
    next = { ...next, replies: new Map(known.replies).set(message.id, message) };
  }
  return preview(next, message);
}

/** Of what the stream or a page says; an answer to a call may be older than the stream. */
function notePin(known: Conversation, { id, pin }: v1.Message): Conversation {
  if (known.pinned.has(id) === (pin !== undefined)) return known;
  const pinned = new Set(known.pinned);
  if (pin) pinned.add(id);
  else pinned.delete(id);
  return { ...known, pinned };
}

function preview(known: Conversation, message: v1.Message): Conversation {
  const last = known.lastMessage;
  const newer = !last || last.id < message.id || (last.id === message.id && last.changed <= message.changed);
  return newer && message.system?.kind !== SystemKind.LEFT_SILENTLY ? { ...known, lastMessage: message } : known;
}

/** Counts the unread messages where all of them are loaded; none where they are not. */
export function recount(known: Conversation, reader: bigint): Conversation | undefined {
  const unread = known.run && runs.unreadAbove(known.run, known.readPosition, reader);
  if (!known.run || unread === undefined) return undefined;
  const [cursor, last] = [known.cursor ?? 0n, runs.lastId(known.run) ?? 0n];
  return { ...known, ...unread, counted: cursor > last ? cursor : last };
}

/**
 * Whether what the stream says of reading marks something as unread again. To be below what is read here does not: that is
 * on its way.
 */
export function movesBack(known: Conversation, readPosition: bigint): boolean {
  return readPosition < known.toldRead;
}

/** How far its reader has read, as the stream says; `unread` as of the position `asOf`. */
export function read(
  known: Conversation,
  readPosition: bigint,
  unread: Unread,
  asOf: bigint,
  reader: bigint,
): Conversation {
  const overtaken = !movesBack(known, readPosition) && readPosition < known.readPosition;
  const next = { ...known, toldRead: readPosition, readPosition: overtaken ? known.readPosition : readPosition };
  // The count of an overtaken one is too high; the right one comes with what is on its way.
  return recount(next, reader) ?? (overtaken ? next : { ...next, ...unread, counted: asOf });
}

/** How far its reader has just read here; the server's count follows, if it did not come with it. */
export function readHere(
  known: Conversation,
  readPosition: bigint,
  unread: Unread | undefined,
  reader: bigint,
): Conversation {
  const next = { ...known, readPosition: known.readPosition > readPosition ? known.readPosition : readPosition };
  const recounted = recount(next, reader);
  if (recounted) return recounted;
  const [cursor, last] = [known.cursor ?? 0n, known.lastMessage?.id ?? 0n];
  if (unread !== undefined) return { ...next, ...unread, counted: known.counted > cursor ? known.counted : cursor };
  return readPosition >= (cursor > last ? cursor : last) ? { ...next, unread: 0n, unreadMentions: 0n } : next;
}

export function requested(known: Conversation, at: PageAt): Conversation {
  const others = known.loading.filter((other) => placeName(other) !== placeName(at));
  return { ...known, failed: undefined, loading: [...others, at] };
}

export function failedAt(known: Conversation, at: PageAt, why: string): Conversation {
  return { ...arrived(known, at), failed: { at, why } };
}

function arrived(known: Conversation, at: PageAt): Conversation {
  return { ...known, loading: known.loading.filter((other) => placeName(other) !== placeName(at)) };
}

/** A page that was asked for. One that no longer fits the run, which has moved on meanwhile, is dropped. */
export function page(known: Conversation, page: Page, reader: bigint): Conversation {
  let next = arrived(known, page.at);
  const { messages, moreBefore, moreAfter } = page;
  if (page.at.at === "newest" || page.at.at === "around") {
    next = { ...next, run: { messages, moreBefore, moreAfter }, following: !moreAfter };
  } else if (page.at.at === "before" && next.run && runs.firstId(next.run) === page.at.id) {
    const run = runs.prepend(next.run, messages, moreBefore);
    next = { ...next, run, following: next.following && !run.moreAfter };
  } else if (page.at.at === "after" && next.run && runs.lastId(next.run) === page.at.id) {
    next = { ...next, run: runs.append(next.run, messages, moreAfter) };
  } else {
    return next;
  }
  const newest = messages.at(-1);
  if (newest) next = preview(next, newest);
  next = messages.reduce(notePin, next);
  for (const { message, mine } of page.changes) next = notePin(put(next, message, mine, reader), message);
  return recount(next, reader) ?? next;
}

export function setMine(known: Conversation, messageId: bigint, emote: string, mine: boolean): Conversation {
  return known.run ? { ...known, run: runs.setMine(known.run, messageId, emote, mine) } : known;
}

export function setTyping(known: Conversation, typing: readonly bigint[]): Conversation {
  return typing.length === 0 && known.typing.length === 0 ? known : { ...known, typing };
}

export function addReply(known: Conversation, message: v1.Message): Conversation {
  // An answer that an event has overtaken is older than what is known.
  if ((known.replies.get(message.id)?.changed ?? 0n) > message.changed) return known;
  let kept = [...known.replies];
  if (kept.length >= REPLY_LIMIT) {
    const answered = new Set(known.run?.messages.map(({ replyTo }) => replyTo));
    kept = kept.filter(([id]) => answered.has(id));
  }
  return { ...known, replies: new Map(kept).set(message.id, message) };
}
