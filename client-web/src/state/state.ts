// What there is to draw, and the questions a view asks of it. Values: `apply` makes the next state of one.

import { type Conversation, isHidden, partnerId } from "./conversation";
import type * as v1 from "../api/protocol";
import { ConversationKind } from "../gen/rookery/v1/conversation_pb";
import { PresenceState, StatusKind } from "../gen/rookery/v1/user_pb";
import type { Connection, PageAt, Pending } from "./update";

/** How far a message's files are, in bytes. */
export interface Upload {
  readonly sent: number;
  readonly total: number;
}

/** When the stream told presences, by a count of its tellings: an answer that was asked for before is older. */
export interface Told {
  readonly count: number;
  /** The count of the last Ready. */
  readonly ready: number;
  readonly of: ReadonlyMap<bigint, number>;
}

/** Everything a client knows and may draw. */
export interface State {
  /** The caller's id; 0 until it is known. */
  readonly userId: bigint;
  /** The server's history that all this belongs to; empty until it is known. */
  readonly historyId: string;
  /** The name of the event stream, for SetView and SetActivity; empty until there was one. */
  readonly sessionId: string;
  readonly connection: Connection;
  readonly conversations: ReadonlyMap<bigint, Conversation>;
  readonly users: ReadonlyMap<bigint, v1.User>;
  readonly presences: ReadonlyMap<bigint, v1.Presence>;
  readonly told: Told;
  /** Whom the caller blocks: their messages in groups are to be folded away, and give no notice. */
  readonly blocked: ReadonlySet<bigint>;
  /** Apart from the conversations: what waits to be sent outlives their coming and going. */
  readonly pending: ReadonlyMap<bigint, readonly Pending[]>;
  /** How far the files of waiting messages are, by requestId. */
  readonly uploads: ReadonlyMap<string, Upload>;
  /** The conversations whose messages are kept loaded; the one opened last comes first. */
  readonly opened: readonly bigint[];
  readonly limits?: v1.ServerLimits;
  readonly timings?: v1.ServerTimings;
  /** How the caller wants to be seen, and what she says of it; none until the server said it. */
  readonly status?: v1.Status;
}

export const EMPTY: State = {
  userId: 0n,
  historyId: "",
  sessionId: "",
  connection: { is: "connecting" },
  conversations: new Map(),
  users: new Map(),
  presences: new Map(),
  told: { count: 0, ready: 0, of: new Map() },
  blocked: new Set(),
  pending: new Map(),
  uploads: new Map(),
  opened: [],
};

/**
 * The conversations to list, in order: the global room, then the one with the newest message first. A direct chat without
 * a message is listed only while it is open or something waits to be sent there, a hidden one only for the latter.
 */
export function chats(state: State): Conversation[] {
  return [...state.conversations.values()].filter((known) => isListed(state, known)).sort(byActivity);
}

function isListed(state: State, known: Conversation): boolean {
  const begun = known.lastMessage !== undefined || state.opened[0] === known.id;
  return (
    known.info.kind !== ConversationKind.DIRECT ||
    (begun && !isHidden(known)) ||
    pending(state, known.id).length > 0
  );
}

function byActivity(one: Conversation, other: Conversation): number {
  const isGlobal = (known: Conversation) => known.info.kind === ConversationKind.GLOBAL;
  if (isGlobal(one) !== isGlobal(other)) return isGlobal(one) ? -1 : 1;
  const [first, second] = [activeAt(one), activeAt(other)];
  const difference =
    Number((second?.seconds ?? 0n) - (first?.seconds ?? 0n)) || (second?.nanos ?? 0) - (first?.nanos ?? 0);
  return difference || Number(one.id - other.id);
}

/** When something last happened there. */
export function activeAt(known: Conversation) {
  return known.lastMessage ? known.lastMessage.createdAt : known.info.createdAt;
}

/** What to call a conversation: its name; a direct chat is called by the other person's. */
export function title(state: State, known: Conversation): string {
  return known.info.kind === ConversationKind.DIRECT ? (partner(state, known)?.displayName ?? "") : known.info.name;
}

/** The other person of a direct chat, once known. */
export function partner(state: State, known: Conversation): v1.User | undefined {
  return state.users.get(partnerId(known, state.userId) ?? 0n);
}

/** The caller, once known. */
export function me(state: State): v1.User | undefined {
  return state.users.get(state.userId);
}

/** How reachable a person is; offline where nothing is known. */
export function presence(state: State, userId: bigint): PresenceState {
  return state.presences.get(userId)?.state || PresenceState.OFFLINE;
}

/** How the caller wants to be seen. */
export function chosenStatus(state: State): StatusKind {
  return state.status?.kind || StatusKind.ONLINE;
}

/** What a person says of what she is doing, as long as it holds. `now` is in milliseconds. */
export function statusText(state: State, userId: bigint, now: number): string {
  const user = state.users.get(userId);
  const ends = user?.statusExpiresAt;
  const ended = ends !== undefined && Number(ends.seconds) * 1000 + ends.nanos / 1e6 <= now;
  return ended ? "" : (user?.statusText ?? "");
}

/** How reachable the caller is to others, as far as she is told: by her own choice, then by what her devices say. */
export function ownPresence(state: State): PresenceState {
  switch (chosenStatus(state)) {
    case StatusKind.INVISIBLE:
      return PresenceState.OFFLINE;
    case StatusKind.DO_NOT_DISTURB:
      return PresenceState.DO_NOT_DISTURB;
    case StatusKind.IDLE:
      return PresenceState.IDLE;
    default:
      return presence(state, state.userId);
  }
}

const NONE: readonly Pending[] = [];

/** The user's messages of a conversation that are not sent yet, oldest first: to be drawn below all others. */
export function pending(state: State, conversationId: bigint): readonly Pending[] {
  return state.pending.get(conversationId) ?? NONE;
}

/** One message that waits, wherever it does. */
export function findPending(state: State, requestId: string): Pending | undefined {
  return [...state.pending.values()].flat().find((waiting) => waiting.requestId === requestId);
}

/** How far the files of a waiting message are; none while nothing of them is on its way. */
export function upload(state: State, requestId: string): Upload | undefined {
  return state.uploads.get(requestId);
}

/** How many messages are unread in all conversations but hidden ones. */
export function unread(state: State): bigint {
  const shown = [...state.conversations.values()].filter((known) => !isHidden(known));
  return shown.reduce((sum, known) => sum + known.unread, 0n);
}

/** Whether a page of a conversation is being fetched. */
export function isLoading(known: Conversation, at: PageAt["at"]): boolean {
  return known.loading.some((page) => page.at === at);
}
