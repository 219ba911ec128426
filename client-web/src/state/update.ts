// What the engine tells: everything the state is made of, in the order in which it happened.

import type * as v1 from "../api/protocol";
import type { Mine } from "./reaction";
import type { Unread } from "./run";

/** Where a file of a waiting message comes from. */
export type Source =
  /** A file of this device, kept until it is sent. */
  | { readonly is: "file"; readonly content: Blob }
  /** A GIF that was found; the server has its bytes. */
  | { readonly is: "gif"; readonly gif: v1.Gif };

/** A file of a message that waits. */
export interface PendingAttachment {
  readonly name: string;
  /** In bytes; 0 where only the server knows. */
  readonly size: number;
  readonly source: Source;
  /** How large it is in pixels, if it is a picture: what shows it has its size from the start. */
  readonly picture?: { readonly width: number; readonly height: number };
  /** What the server has made of it; none until it is there. A repeated send names the same. */
  readonly media?: v1.Media;
}

/** A message that the user has written and the server has not acknowledged. */
export interface Pending {
  /** The client's name for it; the message that comes of it carries the same. */
  readonly requestId: string;
  readonly conversationId: bigint;
  readonly text: string;
  /** The message that it answers; 0 if none. */
  readonly replyTo: bigint;
  /** At most as many as the server takes, in the order in which they were chosen. */
  readonly attachments: readonly PendingAttachment[];
  /** When it was written, by the clock of this device, in milliseconds. */
  readonly writtenAt: number;
  /** Why it was refused, for people. Without it: being sent, or will be; it may have arrived already. */
  readonly failed?: string;
}

/** The state of the connection. */
export type Connection =
  | { readonly is: "connecting" }
  /** Connected; what was missed comes in. */
  | { readonly is: "catchingUp" }
  /** Connected, and up to date. */
  | { readonly is: "online" }
  /** Not connected; will try again at `retryAt` by the engine's clock. `why` is for people. */
  | { readonly is: "offline"; readonly why: string; readonly retryAt: number }
  /** The session has ended: only signing in again helps. */
  | { readonly is: "signedOut" };

/** Where a page of messages lies. */
export type PageAt =
  | { readonly at: "newest" }
  | { readonly at: "before"; readonly id: bigint }
  | { readonly at: "after"; readonly id: bigint }
  | { readonly at: "around"; readonly id: bigint };

/** The newest page. */
export const NEWEST: PageAt = { at: "newest" };

/** A name for the place, the same for the same place. */
export function placeName(at: PageAt): string {
  return at.at === "newest" ? at.at : `${at.at} ${at.id}`;
}

/** A message that changed, and what to believe of `mine` in it. */
export interface Changed {
  readonly message: v1.Message;
  readonly mine: Mine;
}

/** A page of messages, from the server or from the disk. */
export interface Page {
  readonly conversationId: bigint;
  readonly at: PageAt;
  /** Oldest first. */
  readonly messages: readonly v1.Message[];
  readonly users: readonly v1.User[];
  readonly moreBefore: boolean;
  readonly moreAfter: boolean;
  /** Messages that changed while the page was on its way: to be applied to it. */
  readonly changes: readonly Changed[];
}

/** What changed in a conversation between a cursor and a position: one answer to ListChanges. */
export interface Changes {
  readonly conversationId: bigint;
  /** The new cursor. */
  readonly position: bigint;
  readonly messages: readonly v1.Message[];
  readonly users: readonly v1.User[];
}

/** What the disk kept from last time. */
export interface Restored {
  readonly userId: bigint;
  readonly historyId: string;
  /** Conversations as they were, and up to where their messages are known. */
  readonly conversations: readonly { readonly conversation: v1.Conversation; readonly cursor?: bigint }[];
  readonly users: readonly v1.User[];
  /** Whom the user blocked. */
  readonly blocked: readonly bigint[];
  /** Messages that still wait to be sent, in the order in which they were written. */
  readonly pending: readonly Pending[];
}

/** One thing that happened. */
export type Update =
  | { readonly kind: "connectionChanged"; readonly connection: Connection }
  /** At most once, before anything else. */
  | { readonly kind: "restored"; readonly restored: Restored }
  /** An event of the stream, none missing before it. Heartbeats are left out. */
  | { readonly kind: "eventReceived"; readonly response: v1.SubscribeResponse }
  /** What was missing between a cursor and an event. */
  | { readonly kind: "changesLoaded"; readonly changes: Changes }
  /** A conversation as an answer gave it, with `mine`; also one that was just opened, made or joined. */
  | { readonly kind: "conversationLoaded"; readonly conversation?: v1.Conversation; readonly users: readonly v1.User[] }
  /** People, as an answer gave them; `asOf`: what told.count was when it was asked for. */
  | {
      readonly kind: "usersLoaded";
      readonly users: readonly v1.User[];
      readonly presences?: { readonly asOf: number; readonly list: readonly v1.Presence[] };
    }
  | { readonly kind: "pageRequested"; readonly conversationId: bigint; readonly at: PageAt }
  | { readonly kind: "pageLoaded"; readonly page: Page }
  | { readonly kind: "pageFailed"; readonly conversationId: bigint; readonly at: PageAt; readonly why: string }
  /** One message, as an answer to a call of this user gave it: what was sent, edited, deleted, reacted to. */
  | { readonly kind: "messageLoaded"; readonly message: v1.Message }
  /** A message that another one answers and that is not in the loaded run. */
  | { readonly kind: "replyLoaded"; readonly message: v1.Message }
  /** A conversation was opened: its messages are kept loaded from now on. */
  | { readonly kind: "conversationOpened"; readonly conversationId: bigint }
  /** Whether the view of a conversation stands at its end. */
  | { readonly kind: "followingChanged"; readonly conversationId: bigint; readonly following: boolean }
  /** The user has read up to here on this device; `unread` as the server counted it, if it has. */
  | {
      readonly kind: "readMoved";
      readonly conversationId: bigint;
      readonly readPosition: bigint;
      readonly unread?: Unread;
    }
  /** A message waits to be sent, or its sending failed; replaces what was known under its requestId. */
  | { readonly kind: "pendingChanged"; readonly pending: Pending }
  /** A message waits no more: it was sent, or taken back. */
  | { readonly kind: "pendingRemoved"; readonly conversationId: bigint; readonly requestId: string }
  /** So many bytes of a waiting message's files are on the server. */
  | {
      readonly kind: "uploadProgressed";
      readonly conversationId: bigint;
      readonly requestId: string;
      readonly sent: number;
      readonly total: number;
    }
  /** Nobody has repeated that she types in a conversation. */
  | { readonly kind: "typingExpired"; readonly conversationId: bigint };
