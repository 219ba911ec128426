import { create } from "@bufbuild/protobuf";
import { expect, test } from "vitest";

import { ListMembersResponseSchema } from "../../api/protocol";
import type { Engine } from "../../engine/engine";
import { EMPTY } from "../../state/state";
import { MemberList } from "./list.svelte";

/** A list, and its calls in the order in which they were made: each is answered by hand. */
function script() {
  const calls: { pageToken: string; answer: (ids: bigint[], nextPageToken?: string) => Promise<void> }[] = [];
  const listMembers = ({ pageToken }: { pageToken: string }) =>
    new Promise((resolve) => {
      const answer = async (ids: bigint[], nextPageToken = "") => {
        const members = ids.map((id) => ({ user: { id } }));
        resolve(create(ListMembersResponseSchema, { members, nextPageToken, total: 3 }));
        await new Promise((resolve) => setTimeout(resolve));
      };
      calls.push({ pageToken, answer });
    });
  const engine = { api: { conversations: { listMembers } }, state: EMPTY, emit: () => {} };
  const list = new MemberList(engine as unknown as Engine, 1n);
  return { list, calls, ids: () => list.members.map(({ user }) => user?.id) };
}

test("a page is appended once, however often it is asked for", async () => {
  const { list, calls, ids } = script();
  void list.reload();
  void list.more();
  await calls[0]?.answer([1n, 2n], "next");
  void list.more();
  void list.more();
  expect(calls.map(({ pageToken }) => pageToken)).toEqual(["", "next"]);
  await calls[1]?.answer([3n]);
  expect([ids(), list.hasMore]).toEqual([[1n, 2n, 3n], false]);
});

test("of two lists the one that was asked for last stays", async () => {
  const { list, calls, ids } = script();
  void list.reload();
  void list.reload();
  await calls[1]?.answer([1n, 2n, 3n]);
  await calls[0]?.answer([1n]);
  expect(ids()).toEqual([1n, 2n, 3n]);
});

test("a page that the members' change has overtaken is left out", async () => {
  const { list, calls, ids } = script();
  void list.reload();
  await calls[0]?.answer([1n, 2n], "next");
  void list.more();
  void list.reload();
  await calls[1]?.answer([3n]);
  expect(ids()).toEqual([1n, 2n]);
  await calls[2]?.answer([2n, 3n]);
  expect(ids()).toEqual([2n, 3n]);
});
