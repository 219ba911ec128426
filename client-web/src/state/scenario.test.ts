// The reducer's scenarios, one table for every client: client-core/tests/scenarios/*.json, where README.md says how to
// read them. The desktop client runs the same ones by the same names.

import { type DescMessage, type JsonValue, type MessageShape, create, fromJson } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";

import * as v1 from "../api/protocol";
import { apply } from "./apply";
import { type Conversation, isHidden } from "./conversation";
import { type Run, firstId, lastId } from "./run";
import { EMPTY, type State, chats, chosenStatus, pending, presence, statusText, title, unread } from "./state";
import { NEWEST, type PageAt, type Pending, type Update } from "./update";

/* eslint-disable @typescript-eslint/no-explicit-any -- the tables are free JSON */
const tables = import.meta.glob<any[]>("../../../client-core/tests/scenarios/*.json", { eager: true, import: "default" });
const nameOf = (path: string) => path.replace(/^.*\/|\.json$/g, "");
const base = Object.entries(tables).find(([path]) => nameOf(path) === "base")?.[1] ?? [];

/** When the scenarios play, for texts that end. */
const NOW = 1_000_000;

let count = 0;
for (const [path, scenarios] of Object.entries(tables)) {
  if (scenarios === base) continue;
  describe(nameOf(path), () => {
    for (const scenario of scenarios) {
      count++;
      test(scenario.name, () => {
        const updates = [...(scenario.bare ? [] : base), ...scenario.updates];
        const end = updates.map(toUpdate).reduce(apply, EMPTY);
        compare(JSON.parse(JSON.stringify(shown(end))), scenario.expect, "");
      });
    }
  });
}

test("all scenarios were found", () => expect(count).toBeGreaterThanOrEqual(40));

/** All that is expected has to be there; what is not mentioned is free. */
function compare(found: any, expected: any, place: string): void {
  if (expected !== null && typeof expected === "object" && !Array.isArray(expected)) {
    for (const [name, value] of Object.entries(expected)) compare(found?.[name], value, `${place} / ${name}`);
  } else {
    expect(found ?? null, place).toEqual(expected);
  }
}

function shown(state: State) {
  const users = [...state.users.values()].map((user) => [
    user.id,
    { name: user.displayName, presence: v1.PresenceState[presence(state, user.id)], says: statusText(state, user.id, NOW) },
  ]);
  return {
    connection: state.connection.is,
    me: Number(state.userId),
    status: v1.StatusKind[chosenStatus(state)],
    says: state.status?.text ?? "",
    hidesLastSeen: state.status?.hideLastSeen ?? false,
    uploads: Object.fromEntries([...state.uploads].map(([id, { sent, total }]) => [id, [sent, total]])),
    unread: Number(unread(state)),
    blocked: [...state.blocked].map(Number).sort((one, other) => one - other),
    opened: state.opened.map(Number),
    chats: chats(state).map(({ id }) => Number(id)),
    conversations: Object.fromEntries(
      [...state.conversations.values()].map((known) => [known.id, shownConversation(state, known)]),
    ),
    users: Object.fromEntries(users),
  };
}

const number = (value: bigint | undefined) => (value === undefined ? null : Number(value));

function shownConversation(state: State, known: Conversation) {
  return {
    title: title(state, known),
    name: known.info.name,
    owner: Number(known.info.ownerId),
    icon: known.info.icon,
    history: v1.HistoryRule[known.info.history],
    ownerManages: known.info.ownerManages,
    cursor: number(known.cursor),
    unread: Number(known.unread),
    unreadMentions: Number(known.unreadMentions),
    mutedUntil: number(known.mutedUntil?.seconds),
    hidden: isHidden(known),
    readPosition: Number(known.readPosition),
    pinned: [...known.pinned].map(Number).sort((a, b) => a - b),
    lastMessage: number(known.lastMessage?.id),
    typing: known.typing.map(Number),
    following: known.following,
    loading: known.loading.length,
    failed: known.failed?.why ?? null,
    pending: pending(state, known.id).map(({ requestId, failed }) =>
      failed === undefined ? `${requestId} sending` : `${requestId} failed: ${failed}`,
    ),
    run: known.run ? shownRun(known.run) : null,
  };
}

function shownRun(run: Run) {
  const reactions = (message: v1.Message) =>
    message.reactions.map(({ emote, count, mine }) => `${emote} ${count} ${mine ? "mine" : "others"}`);
  return {
    ids: run.messages.map(({ id }) => Number(id)),
    count: run.messages.length,
    first: number(firstId(run)),
    last: number(lastId(run)),
    moreBefore: run.moreBefore,
    moreAfter: run.moreAfter,
    texts: Object.fromEntries(run.messages.map((message) => [message.id, message.deleted ? null : message.text])),
    attachments: Object.fromEntries(run.messages.map(({ id, attachments }) => [id, attachments.map(({ name }) => name)])),
    mentions: Object.fromEntries(
      run.messages.map(({ id, mentions }) => [id, mentions.map(({ userId }) => Number(userId))]),
    ),
    reactions: Object.fromEntries(run.messages.map((message) => [message.id, reactions(message)])),
  };
}

function toUpdate(source: any): Update {
  const [kind, value] = Object.entries<any>(source)[0] ?? ["", undefined];
  const conversationId = BigInt(value?.conversationId ?? 0);
  switch (kind) {
    case "ready":
      return event({ event: { ready: value } });
    case "caughtUp":
      return event({ event: { caughtUp: {} } });
    case "event":
      return event(value);
    case "message": {
      // A message in the stream, the next change of its conversation after `after`.
      const { after = value.changed - 1, ...message } = value;
      const position = value.changed;
      return event({ conversationId: value.conversationId, after, position, event: { messageChanged: { message } } });
    }
    case "changes": {
      const { conversationId: _, ...fields } = value;
      const { position, messages, users } = proto(v1.ListChangesResponseSchema, fields);
      return { kind: "changesLoaded", changes: { conversationId, position, messages, users } };
    }
    case "conversation": {
      const { conversation, users } = proto(v1.GetConversationResponseSchema, value);
      return { kind: "conversationLoaded", conversation, users };
    }
    case "users": {
      const { asOf, ...fields } = value;
      const { users, presences } = proto(v1.GetUsersResponseSchema, fields);
      return { kind: "usersLoaded", users, presences: { asOf: asOf ?? Infinity, list: presences } };
    }
    case "pageRequested":
      return { kind: "pageRequested", conversationId, at: pageAt(value.at) };
    case "pageFailed":
      return { kind: "pageFailed", conversationId, at: pageAt(value.at), why: value.why };
    case "page": {
      const messages = listed(conversationId, value.messages ?? []);
      const changes = listed(conversationId, value.changes ?? []).map((message) => ({ message, mine: "untold" as const }));
      const { moreBefore = false, moreAfter = false } = value;
      const page = { conversationId, at: pageAt(value.at), users: [], moreBefore, moreAfter };
      return { kind: "pageLoaded", page: { ...page, messages, changes } };
    }
    case "answer":
      return { kind: "messageLoaded", message: proto(v1.MessageSchema, value) };
    case "opened":
      return { kind: "conversationOpened", conversationId: BigInt(value) };
    case "following":
      return { kind: "followingChanged", conversationId, following: value.following === true };
    case "read": {
      const { unread: messages, unreadMentions = 0 } = value;
      const unread =
        messages === undefined ? undefined : { unread: BigInt(messages), unreadMentions: BigInt(unreadMentions) };
      return { kind: "readMoved", conversationId, readPosition: BigInt(value.readPosition), unread };
    }
    case "pending":
      return { kind: "pendingChanged", pending: waiting(value) };
    case "pendingRemoved":
      return { kind: "pendingRemoved", conversationId, requestId: value.requestId };
    case "uploadProgressed":
      return { kind: "uploadProgressed", conversationId, requestId: value.requestId, sent: value.sent, total: value.total };
    case "typingExpired":
      return { kind: "typingExpired", conversationId: BigInt(value) };
    case "offline":
      return { kind: "connectionChanged", connection: { is: "offline", why: "", retryAt: 0 } };
    case "restored": {
      const conversations = (value.conversations ?? []).map((kept: any) => ({
        conversation: proto(v1.ConversationSchema, kept.conversation),
        cursor: kept.cursor === undefined ? undefined : BigInt(kept.cursor),
      }));
      const users = (value.users ?? []).map((user: JsonValue) => proto(v1.UserSchema, user));
      const pending = (value.pending ?? []).map(waiting);
      const blocked = (value.blocked ?? []).map(BigInt);
      const { userId, historyId } = value;
      return { kind: "restored", restored: { userId: BigInt(userId), historyId, conversations, users, blocked, pending } };
    }
    default:
      throw new Error(`no update is called ${kind}`);
  }
}

function event(value: JsonValue): Update {
  return { kind: "eventReceived", response: proto(v1.SubscribeResponseSchema, value) };
}

function proto<T extends DescMessage>(schema: T, value: JsonValue): MessageShape<T> {
  return fromJson(schema, value);
}

function waiting(value: any): Pending {
  const { requestId, conversationId, failed } = value;
  return { requestId, conversationId: BigInt(conversationId), text: "", replyTo: 0n, attachments: [], writtenAt: 0, failed };
}

function pageAt(value: any): PageAt {
  const [at, id] = typeof value === "object" ? (Object.entries<any>(value)[0] ?? []) : [];
  return at ? { at: at as "before" | "after" | "around", id: BigInt(id) } : NEWEST;
}

/** Messages in full, or `[from, to]`: one of user 2 for each number. */
function listed(conversationId: bigint, value: any[]): v1.Message[] {
  if (typeof value[0] !== "number") return value.map((message) => proto(v1.MessageSchema, message));
  const [from, to] = value as [number, number];
  return Array.from({ length: to - from + 1 }, (_, index) => BigInt(from + index)).map((id) =>
    create(v1.MessageSchema, { conversationId, id, changed: id, authorId: 2n }),
  );
}
