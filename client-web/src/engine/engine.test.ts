// The engine against a server that is a script: what it asks for, what it repeats, and in which order.

import { create } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { Failure } from "../api/error";
import * as v1 from "../api/protocol";
import { pending, upload } from "../state/state";
import type { PendingAttachment } from "../state/update";
import { Backoff } from "./backoff";
import { type Batch, MemoryDisk } from "./disk";
import { Report } from "./here";
import { Reading } from "./reading";
import { ROOM, caughtUp, changed, message, pass, ready, script } from "./script";
import { OthersTyping, OwnTyping } from "./typing";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

test("an own message that is known before others makes the cache believe nothing of those", async () => {
  const disk = new MemoryDisk();
  const written = vi.spyOn(disk, "write");
  const { engine, feeds, say } = script(disk);
  await pass();
  feeds[0]?.push(ready(), caughtUp);
  await pass();
  engine.open(ROOM);
  await pass();
  say.send = async ({ requestId }) => ({ message: message(20n, { authorId: 1n, requestId }) });
  await engine.send(ROOM, "sent before");
  await pass(2_000);
  const [kept] = (written.mock.lastCall as unknown as [Batch])[0].conversations;
  expect(kept?.newest?.messages.map(({ id }) => id)).toEqual([10n, 20n]);
  // The next start goes on from here: whatever lies between comes again, in its place.
  expect(kept?.cursor).toBe(10n);
  feeds[0]?.push(changed(11n, 10n), changed(12n));
  await pass();
  expect(engine.state.conversations.get(ROOM)?.run?.messages.map(({ id }) => id)).toEqual([10n, 11n, 12n, 20n]);
  engine.stop();
});

test("a hole is filled before what comes behind it", async () => {
  const { engine, feeds, changes, say } = script();
  await pass();
  feeds[0]?.push(ready(), caughtUp);
  await pass();
  engine.open(ROOM);
  await pass();
  say.changes = () => ({ messages: [message(11n), message(12n)], position: 12n });
  feeds[0]?.push(changed(13n), changed(14n));
  await pass();
  expect(changes.map(({ after }) => after)).toEqual([10n]);
  const known = engine.state.conversations.get(ROOM);
  expect(known?.run?.messages.map(({ id }) => id)).toEqual([10n, 11n, 12n, 13n, 14n]);
  expect(known?.cursor).toBe(14n);
  engine.stop();
});

test("a broken stream is resumed from the last cursor", async () => {
  const { engine, feeds } = script();
  await pass();
  feeds[0]?.push(ready(), caughtUp, changed(11n));
  await pass();
  feeds[0]?.push(new ConnectError("gone", Code.Unavailable));
  await pass();
  expect(engine.state.connection.is).toBe("offline");
  await pass(600);
  expect(feeds).toHaveLength(2);
  expect(feeds[1]?.request.cursors).toEqual({ "1": 11n });
  expect(feeds[1]?.request.historyId).toBe("h");
  engine.stop();
});

test("a silent stream is given up after the timeout", async () => {
  const { engine, feeds } = script();
  await pass();
  feeds[0]?.push(ready(), caughtUp);
  await pass();
  expect(engine.state.connection.is).toBe("online");
  await pass(44_000);
  expect(engine.state.connection.is).toBe("online");
  await pass(2_000);
  expect(feeds.length).toBe(2);
  engine.stop();
});

test("one send at a time, in order, and a lost answer is repeated under the same name", async () => {
  const { engine, feeds, sends, say } = script();
  await pass();
  feeds[0]?.push(ready(), caughtUp);
  await pass();
  const answered = say.send;
  say.send = () => Promise.reject(new ConnectError("lost", Code.Unavailable));
  await Promise.all([engine.send(ROOM, "one"), engine.send(ROOM, "two")]);
  await pass();
  expect(sends.map(({ text }) => text)).toEqual(["one"]);
  say.send = answered;
  await pass(1_000);
  expect(sends.map(({ requestId, text }) => [requestId, text])).toEqual([
    ["request 1", "one"],
    ["request 1", "one"],
    ["request 2", "two"],
  ]);
  expect(pending(engine.state, ROOM)).toEqual([]);
  engine.stop();
});

test("a refused message fails with the server's words, and the next goes on", async () => {
  const { engine, feeds, sends, say } = script();
  await pass();
  feeds[0]?.push(ready(), caughtUp);
  await pass();
  const answered = say.send;
  say.send = (request) =>
    request.text === "one" ? Promise.reject(new ConnectError("not here", Code.PermissionDenied)) : answered(request);
  await engine.send(ROOM, "one");
  await engine.send(ROOM, "two");
  await pass();
  expect(pending(engine.state, ROOM).map(({ text, failed }) => [text, failed])).toEqual([["one", "Not here."]]);
  say.send = answered;
  await engine.outgoing.editFailed("request 1", "one, again");
  await pass();
  expect(sends.at(-1)?.text).toBe("one, again");
  expect(pending(engine.state, ROOM)).toEqual([]);
  engine.stop();
});

test("what waits on the disk is sent when its history is there again", async () => {
  const disk = new MemoryDisk();
  await disk.begin("h", 1n);
  await disk.putPending({ requestId: "kept", conversationId: ROOM, text: "unsent", replyTo: 0n, attachments: [], writtenAt: 0 });
  const { engine, feeds, sends } = script(disk);
  await pass();
  feeds[0]?.push(ready(), caughtUp);
  await pass();
  expect(sends.map(({ requestId }) => requestId)).toEqual(["kept"]);
  expect((await disk.begin("h", 1n)).pending).toEqual([]);
  engine.stop();
});

const file = (name: string, content = "content"): PendingAttachment => ({
  name,
  size: content.length,
  source: { is: "file", content: new Blob([content]) },
});

test("files go up in order, are noted on the disk, and a repeated send names the same", async () => {
  const disk = new MemoryDisk();
  const { engine, feeds, sends, uploads, say } = script(disk);
  await pass();
  feeds[0]?.push(ready(), caughtUp);
  await pass();
  const answered = say.send;
  say.send = () => Promise.reject(new ConnectError("lost", Code.Unavailable));
  await engine.send(ROOM, "", 0n, [file("a.txt"), file("b.txt")]);
  await pass();
  expect(upload(engine.state, "request 1")).toEqual({ sent: 10.5, total: 14 });
  const [kept] = (await disk.begin("h", 1n)).pending;
  expect(kept?.attachments.map(({ media }) => media?.id)).toEqual(["media 1", "media 2"]);
  say.send = answered;
  await pass(1_000);
  expect(uploads).toEqual(["a.txt", "b.txt"]);
  expect(sends.map(({ mediaIds }) => mediaIds)).toEqual([
    ["media 1", "media 2"],
    ["media 1", "media 2"],
  ]);
  expect(pending(engine.state, ROOM)).toEqual([]);
  expect(engine.state.uploads.size).toBe(0);
  engine.stop();
});

test("a file that could not be sent goes up again, one that is refused fails the message", async () => {
  const { engine, feeds, sends, uploads, say } = script();
  await pass();
  feeds[0]?.push(ready(), caughtUp);
  await pass();
  const taken = say.upload;
  say.upload = () => Promise.reject(new Failure(Code.Unavailable, "The server cannot be reached."));
  await engine.send(ROOM, "look", 0n, [file("a.txt")]);
  await pass();
  say.upload = () => Promise.reject(new Failure(Code.ResourceExhausted, "Too much."));
  await pass(1_000);
  expect(uploads).toHaveLength(2);
  expect(pending(engine.state, ROOM).map(({ failed }) => failed)).toEqual(["Too much."]);
  say.upload = taken;
  await engine.outgoing.retry("request 1");
  await pass();
  expect(sends.map(({ text, mediaIds }) => [text, mediaIds])).toEqual([["look", ["media 3"]]]);
  engine.stop();
});

test("a cancelled message's upload stops, and the next message goes", async () => {
  const { engine, feeds, sends, say } = script();
  await pass();
  feeds[0]?.push(ready(), caughtUp);
  await pass();
  let stopped = false;
  say.upload = (_content, _name, _onProgress, signal) =>
    new Promise((_, reject) =>
      signal?.addEventListener("abort", () => {
        stopped = true;
        reject(new Failure(Code.Unavailable, "The server cannot be reached."));
      }),
    );
  await engine.send(ROOM, "with a file", 0n, [file("a.txt")]);
  await engine.send(ROOM, "after it");
  await pass();
  expect(sends).toEqual([]);
  engine.outgoing.cancel("request 1");
  await pass();
  expect(stopped).toBe(true);
  expect(sends.map(({ text }) => text)).toEqual(["after it"]);
  expect(pending(engine.state, ROOM)).toEqual([]);
  engine.stop();
});

test("a GIF is saved by the server before it is named", async () => {
  const { engine, feeds, sends } = script();
  await pass();
  feeds[0]?.push(ready(), caughtUp);
  await pass();
  const gif = create(v1.GifSchema, { id: "builtin/party" });
  await engine.send(ROOM, "", 0n, [{ name: "party", size: 0, source: { is: "gif", gif } }]);
  await pass();
  expect(sends.map(({ mediaIds }) => mediaIds)).toEqual([["saved builtin/party"]]);
  engine.stop();
});

test("a message that another tab sent with files of its own is there once", async () => {
  const { engine, feeds, say } = script();
  await pass();
  feeds[0]?.push(ready(), caughtUp);
  await pass();
  const detail = { desc: v1.ErrorInfoSchema, value: { domain: "rookery", reason: "REQUEST_ID_REUSED" } };
  say.send = () => Promise.reject(new ConnectError("another", Code.AlreadyExists, undefined, [detail]));
  await engine.send(ROOM, "", 0n, [file("a.txt")]);
  await pass();
  expect(pending(engine.state, ROOM)).toEqual([]);
  engine.stop();
});

test("a page that was on its way is brought up to date by what happened meanwhile", async () => {
  const { engine, feeds } = script();
  await pass();
  feeds[0]?.push(ready(), caughtUp);
  await pass();
  engine.open(ROOM);
  feeds[0]?.push(changed(11n));
  await pass();
  expect(engine.state.conversations.get(ROOM)?.run?.messages.map(({ id }) => id)).toEqual([10n, 11n]);
  engine.stop();
});

test("waits double up to the limit and start anew", () => {
  const backoff = new Backoff(500, 3_000);
  expect([1, 2, 3, 4, 5].map(() => backoff.next(1))).toEqual([500, 1_000, 2_000, 3_000, 3_000]);
  backoff.reset();
  expect(backoff.next(0)).toBe(250);
});

test("the first MarkRead goes at once and the rest are merged", () => {
  const reading = new Reading();
  reading.want(ROOM, 5n, 0);
  expect(reading.due(0)).toEqual([[ROOM, 5n]]);
  reading.done(ROOM);
  reading.want(ROOM, 8n, 1);
  reading.want(ROOM, 7n, 1);
  expect(reading.due(1)).toEqual([]);
  expect(reading.nextDue()).toBe(2_000);
  expect(reading.due(2_000)).toEqual([[ROOM, 8n]]);
  reading.done(ROOM, 8n);
  expect(reading.due(4_000)).toEqual([[ROOM, 8n]]);
});

test("keys are told at most every four seconds, five without one are a stop", () => {
  const typing = new OwnTyping();
  const told = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9].filter((second) => typing.key(ROOM, second * 1_000, 4_000));
  expect(told).toEqual([0, 4, 8]);
  expect(typing.paused(13_999)).toEqual([]);
  expect(typing.paused(14_000)).toEqual([ROOM]);
  expect(typing.stop(ROOM)).toBe(false);
});

test("others are forgotten unless it is repeated", () => {
  const typing = new OthersTyping();
  typing.heard(1n, true, 8);
  typing.heard(2n, true, 8);
  typing.heard(1n, true, 12);
  expect(typing.expired(8)).toEqual([2n]);
  expect(typing.nextDue()).toBe(12);
});

test("a report is told on change, on a new stream and every minute, one at a time", () => {
  const report = new Report<number>();
  report.restart(0);
  expect(report.take(0, 60)).toBeUndefined();
  report.set(1, 0);
  expect(report.take(0, 60)).toBe(1);
  report.set(2, 1);
  expect(report.take(1, 60)).toBeUndefined();
  report.done();
  expect(report.take(1, 60)).toBe(2);
  report.done();
  expect(report.nextDue()).toBe(61);
  report.restart(5);
  expect(report.take(5, 60)).toBe(2);
});
