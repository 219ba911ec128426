// The reducer: what each update makes of the state. No I/O, no clock, cannot fail, ignores what it does not know. The same
// transitions as client-core's; client-core/tests/scenarios holds both to them.

import { equals } from "@bufbuild/protobuf";

import type * as v1 from "../api/protocol";
import { ConversationKind } from "../gen/rookery/v1/conversation_pb";
import { UserSchema } from "../gen/rookery/v1/user_pb";
import * as conversations from "./conversation";
import type { Conversation } from "./conversation";
import { EMPTY, type State, type Upload, findPending } from "./state";
import type { Changes, Connection, Page, Pending, Restored, Update } from "./update";

/** How many conversations keep their messages loaded, the one opened last included. */
const LOADED_CONVERSATIONS = 4;

/** The state after one update. All of them, in the order in which the engine gives them, make the state. */
export function apply(state: State, update: Update): State {
  switch (update.kind) {
    case "connectionChanged":
      return connect(state, update.connection);
    case "restored":
      return restore(state, update.restored);
    case "eventReceived":
      return receive(state, update.response);
    case "changesLoaded":
      return catchUp(state, update.changes);
    case "conversationLoaded": {
      const known = know(state, update.users);
      return update.conversation ? meet(known, update.conversation) : known;
    }
    case "usersLoaded": {
      const { asOf, list } = update.presences ?? { asOf: 0, list: [] };
      const { ready, of } = state.told;
      const news = list.filter(({ userId }) => (of.get(userId) ?? ready) <= asOf);
      return see(know(state, update.users), news);
    }
    case "pageRequested":
      return change(state, update.conversationId, (known) => conversations.requested(known, update.at));
    case "pageLoaded":
      return page(state, update.page);
    case "pageFailed":
      return change(state, update.conversationId, (known) => conversations.failedAt(known, update.at, update.why));
    case "messageLoaded":
      return answer(state, update.message);
    case "replyLoaded":
      return change(state, update.message.conversationId, (known) => conversations.addReply(known, update.message));
    case "conversationOpened":
      return open(state, update.conversationId);
    case "followingChanged":
      return change(state, update.conversationId, (known) => ({ ...known, following: update.following }));
    case "readMoved":
      return change(state, update.conversationId, (known) =>
        conversations.readHere(known, update.readPosition, update.unread, state.userId),
      );
    case "pendingChanged":
      return pend(state, update.pending);
    case "pendingRemoved":
      return unpend(state, update.conversationId, update.requestId);
    case "uploadProgressed":
      return progress(state, update.requestId, { sent: update.sent, total: update.total });
    case "typingExpired":
      return change(state, update.conversationId, (known) => conversations.setTyping(known, []));
  }
}

function change(state: State, id: bigint, next: (known: Conversation) => Conversation | undefined): State {
  const known = state.conversations.get(id);
  const changed = known && next(known);
  if (!changed || changed === known) return state;
  return { ...state, conversations: new Map(state.conversations).set(id, changed) };
}

function connect(state: State, connection: Connection): State {
  const next = { ...state, connection };
  if (connection.is !== "offline" && connection.is !== "signedOut") return next;
  // Nobody would tell us that they have stopped.
  const silent = [...state.conversations].map(
    ([id, known]) => [id, conversations.setTyping(known, [])] as const,
  );
  return { ...next, conversations: new Map(silent) };
}

function restore(state: State, restored: Restored): State {
  const { userId, historyId, users } = restored;
  const blocked = new Set(restored.blocked);
  const known = new Map(state.conversations);
  for (const { conversation, cursor } of restored.conversations) {
    known.set(conversation.id, conversations.create(conversation, cursor));
  }
  return restored.pending.reduce(pend, know({ ...state, userId, historyId, blocked, conversations: known }, users));
}

function receive(state: State, response: v1.SubscribeResponse): State {
  const { conversationId, after, position } = response;
  const kind = response.event?.kind;
  switch (kind?.case) {
    case "ready":
      return begin(state, kind.value);
    case "caughtUp":
      return { ...state, connection: { is: "online" } };
    case "messageChanged":
      return kind.value.message ? changeMessage(state, response, kind.value.message) : state;
    case "conversationChanged": {
      const answer = kind.value.conversation;
      return answer ? change(state, answer.id, (known) => conversations.merge(known, answer)) : state;
    }
    case "conversationRemoved":
      return remove(state, kind.value.conversationId);
    case "conversationReset":
      return change(state, conversationId, (known) => conversations.reset(known, kind.value.position));
    case "typing": {
      const others = kind.value.userIds.filter((id) => id !== state.userId);
      return change(state, kind.value.conversationId, (known) => conversations.setTyping(known, others));
    }
    case "presenceChanged":
      return hear(state, kind.value.presences);
    case "userChanged":
      return kind.value.user ? know(state, [kind.value.user]) : state;
    case "readChanged": {
      const { readPosition, unread, unreadMentions, asOf } = kind.value;
      return change(state, kind.value.conversationId, (known) =>
        conversations.read(known, readPosition, { unread, unreadMentions }, asOf, state.userId),
      );
    }
    case "reactionChanged": {
      const { messageId, emote, mine } = kind.value;
      return change(state, kind.value.conversationId, (known) => conversations.setMine(known, messageId, emote, mine));
    }
    case "statusChanged":
      return { ...state, status: kind.value.status ?? state.status };
    case "membershipChanged": {
      const { mutedUntil, hiddenThrough } = kind.value;
      return change(state, kind.value.conversationId, (known) => ({ ...known, mutedUntil, hiddenThrough }));
    }
    case "blockChanged":
      return block(state, kind.value.userId, kind.value.blocked);
    case "heartbeat":
    case "reconnect":
      return state;
    // Also a kind from the future: what it says about the numbers still holds.
    case "skipped":
    case undefined:
      return change(state, conversationId, (known) => conversations.advance(known, after, position));
  }
}

function begin(old: State, ready: v1.Ready): State {
  // Another history: what is known belongs to conversations that are no longer these.
  let state = old.historyId === ready.historyId ? old : { ...EMPTY, historyId: ready.historyId };
  state = know(state, ready.user ? [ready.user, ...ready.users] : ready.users);
  const count = old.told.count + 1;
  const told = { count, ready: count, of: new Map() };
  state = see({ ...state, presences: new Map(), told }, ready.presences);
  // What is not listed any more is gone, or hidden: then whatever happens there brings it again. Direct chats in which nobody
  // has said anything yet stay, and those where something waits to be sent.
  const listed = new Set(ready.conversations.map(({ id }) => id));
  const stays = (known: Conversation) =>
    listed.has(known.id) ||
    (known.info.kind === ConversationKind.DIRECT && (!known.lastMessage || state.pending.has(known.id)));
  const kept = new Map([...state.conversations].filter(([, known]) => stays(known)));
  for (const answer of ready.conversations) {
    const known = kept.get(answer.id);
    const met = known ? conversations.meet(known, answer) : conversations.create(answer, answer.position);
    kept.set(answer.id, conversations.startFrom(met, answer.position));
  }
  return {
    ...state,
    connection: { is: "catchingUp" },
    sessionId: ready.sessionId,
    userId: ready.user?.id ?? state.userId,
    limits: ready.limits ?? state.limits,
    timings: ready.timings ?? state.timings,
    status: ready.status ?? state.status,
    blocked: new Set(ready.blockedUserIds),
    conversations: kept,
    opened: state.opened.filter((id) => kept.has(id)),
  };
}

/** A conversation from an answer, perhaps a new one. */
function meet(state: State, answer: v1.Conversation): State {
  const known = state.conversations.get(answer.id);
  const met = known ? conversations.meet(known, answer) : conversations.create(answer, answer.position);
  return { ...state, conversations: new Map(state.conversations).set(answer.id, met) };
}

function remove(state: State, id: bigint): State {
  const left = new Map(state.conversations);
  left.delete(id);
  return { ...state, conversations: left, opened: state.opened.filter((other) => other !== id) };
}

function changeMessage(state: State, response: v1.SubscribeResponse, message: v1.Message): State {
  const known = state.conversations.get(response.conversationId);
  const advanced = known && conversations.advance(known, response.after, response.position);
  if (!known || !advanced) return state;
  const mine = conversations.mineAt(known, response.position);
  const cursor = known.cursor ?? response.after;
  const next = change(state, known.id, () => conversations.change(advanced, message, cursor, mine, state.userId));
  return sent(next, message);
}

function catchUp(old: State, changes: Changes): State {
  const state = know(old, changes.users);
  const known = state.conversations.get(changes.conversationId);
  const cursor = known?.cursor;
  if (!known || cursor === undefined) return state;
  let next = conversations.advance(known, cursor, changes.position) ?? known;
  for (const message of changes.messages) {
    if (message.changed > cursor) next = conversations.change(next, message, cursor, "told", state.userId);
  }
  return changes.messages.reduce(sent, change(state, known.id, () => next));
}

function page(old: State, page: Page): State {
  const state = know(old, page.users);
  const next = change(state, page.conversationId, (known) => conversations.page(known, page, state.userId));
  return page.messages.reduce(sent, next);
}

function answer(state: State, message: v1.Message): State {
  const next = change(state, message.conversationId, (known) => {
    const changed = conversations.put(known, message, "told", state.userId);
    return conversations.recount(changed, state.userId) ?? changed;
  });
  return sent(next, message);
}

function open(state: State, id: bigint): State {
  if (!state.conversations.has(id)) return state;
  const opened = [id, ...state.opened.filter((other) => other !== id)];
  const closed = opened.slice(LOADED_CONVERSATIONS);
  const next: State = { ...state, opened: opened.slice(0, LOADED_CONVERSATIONS) };
  return closed.reduce((state: State, id) => change(state, id, conversations.forget), next);
}

function know(state: State, users: readonly v1.User[]): State {
  const news = users.filter((user) => {
    const known = state.users.get(user.id);
    // An answer that an event has overtaken is older than what is known.
    return !known || (known.revision <= user.revision && !equals(UserSchema, known, user));
  });
  if (news.length === 0) return state;
  const known = new Map(state.users);
  for (const user of news) known.set(user.id, user);
  return { ...state, users: known };
}

/** What the stream tells. */
function hear(state: State, presences: readonly v1.Presence[]): State {
  const count = state.told.count + 1;
  const heard = new Map(state.told.of);
  for (const { userId } of presences) heard.set(userId, count);
  return see({ ...state, told: { ...state.told, count, of: heard } }, presences);
}

function see(state: State, presences: readonly v1.Presence[]): State {
  if (presences.length === 0) return state;
  const known = new Map(state.presences);
  for (const presence of presences) known.set(presence.userId, presence);
  return { ...state, presences: known };
}

function block(state: State, userId: bigint, stands: boolean): State {
  if (state.blocked.has(userId) === stands) return state;
  const blocked = new Set(state.blocked);
  if (stands) blocked.add(userId);
  else blocked.delete(userId);
  return { ...state, blocked };
}

function pend(state: State, pending: Pending): State {
  const waiting = state.pending.get(pending.conversationId) ?? [];
  const index = waiting.findIndex((known) => known.requestId === pending.requestId);
  const next = index < 0 ? [...waiting, pending] : waiting.with(index, pending);
  const uploads = pending.failed === undefined ? state.uploads : without(state.uploads, pending.requestId);
  return { ...state, uploads, pending: new Map(state.pending).set(pending.conversationId, next) };
}

function unpend(state: State, conversationId: bigint, requestId: string): State {
  const waiting = state.pending.get(conversationId);
  if (!waiting?.some((known) => known.requestId === requestId)) return state;
  const pending = new Map(state.pending);
  const left = waiting.filter((known) => known.requestId !== requestId);
  if (left.length > 0) pending.set(conversationId, left);
  else pending.delete(conversationId);
  return { ...state, uploads: without(state.uploads, requestId), pending };
}

/** Of a message that is not waiting any more nobody wants to know. */
function progress(state: State, requestId: string, upload: Upload): State {
  const waiting = findPending(state, requestId);
  return waiting && waiting.failed === undefined ? { ...state, uploads: new Map(state.uploads).set(requestId, upload) } : state;
}

function without(uploads: State["uploads"], requestId: string): State["uploads"] {
  if (!uploads.has(requestId)) return uploads;
  const left = new Map(uploads);
  left.delete(requestId);
  return left;
}

/** A message of the user's own takes the place of the one that waited to be sent. */
function sent(state: State, message: v1.Message): State {
  const own = message.authorId === state.userId && message.requestId !== "";
  return own ? unpend(state, message.conversationId, message.requestId) : state;
}
