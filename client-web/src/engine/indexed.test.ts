// The disk of a browser, against a stand-in for IndexedDB that keeps what a browser would.

import "fake-indexeddb/auto";

import { create } from "@bufbuild/protobuf";
import { expect, test } from "vitest";

import { GifSchema, MediaSchema } from "../api/protocol";
import type { Pending } from "../state/update";
import { openDisk } from "./indexed";

const waiting = (requestId: string, more: Partial<Pending> = {}): Pending => ({
  requestId,
  conversationId: 1n,
  text: "",
  replyTo: 0n,
  attachments: [],
  writtenAt: 0,
  ...more,
});

/** What the browser has of it. */
async function stored(name: string): Promise<{ requestId: string }[]> {
  const database = await new Promise<IDBDatabase>((resolve) => {
    const request = indexedDB.open("rookery");
    request.onsuccess = () => resolve(request.result);
  });
  return new Promise((resolve) => {
    const request = database.transaction(name).objectStore(name).getAll();
    request.onsuccess = () => resolve(request.result);
  });
}

test("a message waits with its files, in the order of writing, for its writer alone", async () => {
  const disk = await openDisk();
  await disk.begin("h", 1n);
  const gif = create(GifSchema, { id: "builtin/party", width: 128, height: 96, preview: "/gif/builtin/party" });
  const content = new Blob(["content"], { type: "text/plain" });
  const picture = { width: 3, height: 2 };
  const pending = waiting("one", {
    attachments: [
      { name: "a.txt", size: 7, source: { is: "file", content } },
      { name: "party", size: 0, picture, source: { is: "gif", gif } },
    ],
  });
  await disk.putPending(pending);
  await disk.putPending(waiting("two", { text: "two" }));
  const media = create(MediaSchema, { id: "m", size: 7n });
  await disk.putPending({ ...pending, attachments: pending.attachments.with(0, { ...pending.attachments[0], media } as never) });

  const kept = (await (await openDisk()).begin("h", 1n)).pending;
  expect(kept.map(({ requestId }) => requestId)).toEqual(["one", "two"]);
  const [file, found] = kept[0]?.attachments ?? [];
  expect(file?.media).toEqual(media);
  expect(file?.source.is === "file" && (await file.source.content.text())).toBe("content");
  expect(found).toEqual(pending.attachments[1]);
  expect((await disk.begin("h", 2n)).pending).toEqual([]);

  await disk.removePending("one");
  expect(await stored("files")).toEqual([]);
});

test("what was written before there were files is taken over", async () => {
  const disk = await openDisk();
  await disk.begin("old", 1n);
  await disk.putPending(waiting("old"));
  expect((await stored("pending")).find(({ requestId }) => requestId === "old")).not.toHaveProperty("attachments");
  expect((await disk.begin("old", 1n)).pending).toEqual([waiting("old")]);
});

test("whom the user blocks is known before the network answers, and forgotten with the rest", async () => {
  const disk = await openDisk();
  await disk.begin("b", 1n);
  await disk.write({ conversations: [], removed: [], users: [], blocked: [4n, 9n] });
  await disk.write({ conversations: [], removed: [], users: [] });
  expect((await (await openDisk()).begin("b", 1n)).blocked).toEqual([4n, 9n]);
  expect((await disk.begin("b", 2n)).blocked).toEqual([]);
  await disk.begin("b", 1n);
  await disk.forget();
  expect((await disk.begin("b", 1n)).blocked).toEqual([]);
});
