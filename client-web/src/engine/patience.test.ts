import { Code } from "@connectrpc/connect";
import { expect, test } from "vitest";

import { Failure } from "../api/error";
import { patiently } from "./patience";

const wait = () => new Failure(Code.ResourceExhausted, "too many calls", undefined, new Map(), 20);

test("who is told to wait comes again when it is time, and nobody hears of it", async () => {
  const begun = performance.now();
  let calls = 0;
  const answer = await patiently(() => (++calls < 3 ? Promise.reject(wait()) : Promise.resolve("a page")));
  expect([answer, calls]).toEqual(["a page", 3]);
  expect(performance.now() - begun).toBeGreaterThan(35);
});

test("every other no is told at once", async () => {
  const no = new Failure(Code.NotFound, "there is no such conversation");
  await expect(patiently(() => Promise.reject(no))).rejects.toBe(no);
});
