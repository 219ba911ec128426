// Where an answer crosses an event, or one call another: what is newer stays, and what was asked for comes.

import { create } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { afterEach, beforeEach, expect, test, vi } from "vitest";

import * as v1 from "../api/protocol";
import { get } from "../state/run";
import { leaveGroup } from "./deeds";
import { Reading } from "./reading";
import { ROOM, caughtUp, changed, message, pass, ready, script } from "./script";

type Script = ReturnType<typeof script>;

/** A script that is connected, with the room open. */
async function opened(): Promise<Script> {
  const played = script();
  await pass();
  played.feeds[0]?.push(ready(), caughtUp);
  await pass();
  played.engine.open(ROOM);
  await pass();
  return played;
}

/** An answer that is on its way until it is given. */
function later<Answer>() {
  let give: (answer: Answer) => void = () => {};
  const answer = new Promise<Answer>((resolve) => (give = resolve));
  return { answer, give };
}

function readChanged(readPosition: bigint, asOf: bigint) {
  const value = { conversationId: ROOM, readPosition, unread: 0n, asOf };
  return { event: { kind: { case: "readChanged" as const, value } } };
}

const room = ({ engine }: Script) => engine.state.conversations.get(ROOM);

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

test("the echo of an older reading does not take back what is read since", async () => {
  const played = await opened();
  const { engine, feeds, marks, say } = played;
  const first = later<{ readPosition: bigint }>();
  say.read = () => first.answer;
  engine.markRead(ROOM, 10n);
  await pass();
  feeds[0]?.push(changed(11n));
  await pass();
  engine.markRead(ROOM, 11n);
  feeds[0]?.push(readChanged(10n, 10n));
  await pass();
  expect(room(played)?.readPosition).toBe(11n);
  first.give({ readPosition: 10n });
  await pass(2_000);
  expect(marks).toEqual(["read 10", "read 11"]);
  engine.stop();
});

test("marking as unread is not undone by what was read before it", async () => {
  const played = await opened();
  const { engine, feeds, marks, say } = played;
  feeds[0]?.push(changed(11n), readChanged(9n, 11n));
  await pass();
  const first = later<{ readPosition: bigint }>();
  say.read = () => first.answer;
  engine.markRead(ROOM, 10n);
  await pass();
  engine.markRead(ROOM, 11n);
  const unread = engine.markUnread(ROOM, 9n);
  await pass();
  expect(marks, "the server might do the second call first").toEqual(["read 10"]);
  feeds[0]?.push(readChanged(10n, 11n), readChanged(8n, 11n));
  await pass();
  first.give({ readPosition: 10n });
  await unread;
  await pass(5_000);
  expect(marks).toEqual(["read 10", "unread 9"]);
  expect(room(played)?.readPosition).toBe(8n);
  engine.stop();
});

test("what was read before it was marked as unread is not told any more", async () => {
  const reading = new Reading();
  reading.want(ROOM, 5n, 0);
  expect(reading.due(0)).toEqual([[ROOM, 5n]]);
  reading.want(ROOM, 6n, 0);
  const unmark = vi.fn();
  const turn = reading.unmark(ROOM, 0).then(unmark);
  expect(reading.done(ROOM, 5n), "its answer is from before").toBe(false);
  await turn;
  expect(unmark).toHaveBeenCalledOnce();
  reading.want(ROOM, 7n, 0);
  expect(reading.due(2_000)).toEqual([]);
  expect(reading.done(ROOM)).toBe(true);
  expect(reading.due(2_000), "what is read afterwards is").toEqual([[ROOM, 7n]]);
  expect(reading.done(ROOM)).toBe(true);
});

test("a message that is answered shows as it is now, not as the answer read it", async () => {
  const played = await opened();
  const { engine, feeds, say } = played;
  const asked = later<{ message: v1.Message }>();
  say.message = () => asked.answer;
  engine.loadReply(ROOM, 5n);
  await pass();
  feeds[0]?.push({
    conversationId: ROOM,
    after: 10n,
    position: 11n,
    event: { kind: { case: "messageChanged", value: { message: message(5n, { changed: 11n, deleted: true }) } } },
  });
  await pass();
  asked.give({ message: message(5n) });
  await pass();
  expect(room(played)?.replies.get(5n)?.deleted).toBe(true);
  engine.emit({ kind: "replyLoaded", message: message(5n) });
  expect(room(played)?.replies.get(5n)?.deleted).toBe(true);
  engine.stop();
});

test("messages that are answered are asked for when there is a connection", async () => {
  const played = await opened();
  const { engine, feeds, say } = played;
  const answered = say.message;
  say.message = () => Promise.reject(new ConnectError("gone", Code.Unavailable));
  engine.loadReply(ROOM, 5n);
  await pass();
  feeds[0]?.push(new ConnectError("gone", Code.Unavailable));
  await pass();
  engine.loadReply(ROOM, 6n);
  await pass(600);
  say.message = answered;
  feeds[1]?.push(ready(), caughtUp);
  await pass();
  expect([...(room(played)?.replies.keys() ?? [])]).toEqual([5n, 6n]);
  engine.stop();
});

test("a message that may not be seen is asked for once", async () => {
  const { engine, feeds, say } = await opened();
  say.message = vi.fn(() => Promise.reject(new ConnectError("not here", Code.NotFound)));
  engine.loadReply(ROOM, 5n);
  await pass();
  feeds[0]?.push(new ConnectError("gone", Code.Unavailable));
  await pass(600);
  feeds[1]?.push(ready(), caughtUp);
  await pass();
  expect(say.message).toHaveBeenCalledOnce();
  engine.stop();
});

test("quotes of the loaded messages stay, however many were loaded before", async () => {
  const played = await opened();
  const { engine, feeds } = played;
  feeds[0]?.push(changed(11n, 10n, { replyTo: 1n }));
  await pass();
  for (let id = 1n; id <= 101n; id++) engine.emit({ kind: "replyLoaded", message: message(id) });
  expect([...(room(played)?.replies.keys() ?? [])]).toEqual([1n, 101n]);
  engine.stop();
});

test("an answer about a conversation that was left meanwhile does not bring it back", async () => {
  const played = await opened();
  const { engine, feeds, say } = played;
  const asked = later<{ conversation: v1.Conversation }>();
  say.conversation = () => asked.answer;
  const conversation = create(v1.ConversationSchema, { id: 2n, kind: v1.ConversationKind.GROUP, position: 5n });
  feeds[0]?.push({ event: { kind: { case: "conversationChanged", value: { conversation } } } });
  await pass();
  await leaveGroup(engine, 2n);
  asked.give({ conversation });
  await pass();
  expect(engine.state.conversations.has(2n)).toBe(false);
  engine.stop();
});

test("of an own reaction the answer to it is believed, also on a page that was on its way", async () => {
  const played = await opened();
  const { engine, say } = played;
  const asked = later<{ messages: v1.Message[] }>();
  say.page = () => asked.answer;
  engine.loadAround(ROOM, 5n);
  await pass();
  const reactions = (mine: boolean) => [create(v1.ReactionSchema, { emote: "🎉", count: 12, mine })];
  engine.learn(message(5n, { changed: 12n, reactions: reactions(true) }));
  asked.give({ messages: [message(5n, { reactions: reactions(false) })] });
  await pass();
  const run = room(played)?.run;
  expect(run && get(run, 5n)?.reactions[0]?.mine).toBe(true);
  engine.stop();
});
