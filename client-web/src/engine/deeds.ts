// What the user asks of the server and waits for. What changed is in the state when a deed is done; a "no" is thrown.

import { type MessageInitShape, create } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";

import { Failure } from "../api/error";
import { type Conversation, type Message, type StatusKind, SubscribeResponseSchema } from "../api/protocol";
import { type SetStatusRequestSchema } from "../gen/rookery/v1/user_service_pb";
import type { Engine } from "./engine";

/** The direct chat with somebody; it can be opened when this gives its id. */
export async function openDirect(engine: Engine, userId: bigint): Promise<bigint> {
  return learn(engine, (await engine.api.conversations.openDirect({ userId })).conversation);
}

/** Makes a group. */
export async function createGroup(
  engine: Engine,
  group: { name: string; memberIds: bigint[]; public: boolean; requestId: string },
): Promise<bigint> {
  return learn(engine, (await engine.api.conversations.createGroup(group)).conversation);
}

/** Joins a public group by its id, or any by the code of an invite. */
export async function joinGroup(engine: Engine, by: { conversationId: bigint } | { code: string }): Promise<bigint> {
  const place =
    "code" in by
      ? ({ case: "code", value: by.code } as const)
      : ({ case: "conversationId", value: by.conversationId } as const);
  return learn(engine, (await engine.api.conversations.joinGroup({ by: place })).conversation);
}

/** Changes a group's name. */
export async function renameGroup(engine: Engine, conversationId: bigint, name: string): Promise<void> {
  const request = { conversationId, name, updateMask: { paths: ["name"] } };
  learn(engine, (await engine.api.conversations.updateGroup(request)).conversation);
}

/** Leaves a group. */
export async function leaveGroup(engine: Engine, conversationId: bigint): Promise<void> {
  await engine.api.conversations.leaveGroup({ conversationId });
  engine.removed(conversationId);
}

/** Changes the text of a message of the user's own. */
export async function edit(engine: Engine, { conversationId, id }: Message, text: string): Promise<void> {
  learnMessage(engine, (await engine.api.messages.editMessage({ conversationId, id, text })).message);
}

/** Takes a message back. */
export async function remove(engine: Engine, { conversationId, id }: Message): Promise<void> {
  learnMessage(engine, (await engine.api.messages.deleteMessage({ conversationId, id })).message);
}

/** Reacts to a message, or takes the reaction back. */
export async function react(
  engine: Engine,
  { conversationId, id }: Message,
  emote: string,
  stands: boolean,
): Promise<void> {
  const { messages } = engine.api;
  const request = { conversationId, id, emote };
  const answer = stands ? await messages.addReaction(request) : await messages.removeReaction(request);
  learnMessage(engine, answer.message);
}

/** Pins a message, or unpins it. */
export async function pin(engine: Engine, { conversationId, id }: Message, stands: boolean): Promise<void> {
  const { messages } = engine.api;
  const answer = await (stands ? messages.pinMessage : messages.unpinMessage)({ conversationId, id });
  learnMessage(engine, answer.message);
}

/** Changes the user's own profile: those of its parts that are given. */
export async function updateProfile(
  engine: Engine,
  profile: { displayName?: string; about?: string; color?: string; avatar?: string },
): Promise<void> {
  const names = { displayName: "display_name", about: "about", color: "color", avatar: "avatar" } as const;
  const paths = Object.entries(names).flatMap(([key, name]) => (key in profile ? name : []));
  const request = { ...profile, updateMask: { paths } };
  const { user } = await engine.api.users.updateProfile(request);
  if (user) engine.emit({ kind: "usersLoaded", users: [user] });
}

/** Chooses how the user is seen, for so many seconds or until she chooses otherwise. */
export function setStatus(engine: Engine, kind: StatusKind, seconds?: number): Promise<void> {
  return choose(engine, { kind, kindExpiresIn: seconds === undefined ? undefined : { seconds: BigInt(seconds) } });
}

/** Says what the user is doing, for so many seconds or until she says something else; "" takes it back. */
export function setStatusText(engine: Engine, text: string, seconds?: number): Promise<void> {
  return choose(engine, { text, expiresIn: seconds === undefined ? undefined : { seconds: BigInt(seconds) } });
}

/** Whether nobody is told when the user was last connected. */
export function hideLastSeen(engine: Engine, hideLastSeen: boolean): Promise<void> {
  return choose(engine, { hideLastSeen });
}

async function choose(engine: Engine, request: MessageInitShape<typeof SetStatusRequestSchema>): Promise<void> {
  const { status } = await engine.api.users.setStatus(request);
  const changed = { case: "statusChanged" as const, value: { status } };
  engine.emit({ kind: "eventReceived", response: create(SubscribeResponseSchema, { event: { kind: changed } }) });
}

function learn(engine: Engine, conversation: Conversation | undefined): bigint {
  if (!conversation) throw incomplete();
  engine.emit({ kind: "conversationLoaded", conversation, users: [] });
  engine.wantPeople(conversation.directUserIds);
  return conversation.id;
}

function learnMessage(engine: Engine, message: Message | undefined): void {
  if (!message) throw incomplete();
  engine.learn(message);
}

const incomplete = () => new Failure(Code.Internal, "The server's answer is incomplete.");
