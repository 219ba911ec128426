import { expect, test } from "vitest";

import { choose } from "./chosen";
import { bytes, fit } from "./size";
import { decode } from "./thumbhash";

test("a picture fits its frame and is never enlarged", () => {
  const frame = { width: 400, height: 320 };
  expect(fit({ width: 4_000, height: 1_000 }, frame)).toEqual({ width: 400, height: 100 });
  expect(fit({ width: 1_000, height: 4_000 }, frame)).toEqual({ width: 80, height: 320 });
  expect(fit({ width: 30, height: 20 }, frame)).toEqual({ width: 30, height: 20 });
  expect(fit({ width: 8_000, height: 1 }, frame)).toEqual({ width: 400, height: 1 });
});

test("sizes are told as people say them", () => {
  const told = [1, 999, 1_000, 1_536, 10_240, 52_428_800, 5n * 1_073_741_824n].map(bytes);
  expect(told).toEqual(["1 byte", "999 bytes", "1.0 KB", "1.5 KB", "10 KB", "50 MB", "5.0 GB"]);
});

test("what the server would refuse is said before anything goes up", () => {
  const file = (name: string, size: number) => new File([new Uint8Array(size)], name);
  const limits = { attachments: 2, fileBytes: 2_048n } as never;
  const { chosen, problem } = choose([file("a", 1), file("empty", 0), file("large", 4_096), file("b", 2)], 0, limits);
  expect(chosen.map(({ attachment }) => attachment.name)).toEqual(["a", "b"]);
  expect(problem).toBe("“empty” is empty. And 1 more.");
  expect(choose([file("large", 4_096)], 0, limits).problem).toBe("“large” is larger than 2.0 KB.");
  expect(choose([file("c", 1)], 2, limits)).toEqual({ chosen: [], problem: "A message holds at most 2 files." });
});

test("a thumbhash is a small picture", () => {
  const opaque = decode(new Uint8Array([32, 8, 2, 2, 0, 122, 95, 199, 122, 95, 172, 207, 118, 48, 125, 8, 227]));
  expect([opaque?.width, opaque?.height]).toEqual([9, 32]);
  expect([...(opaque?.pixels.slice(0, 4) ?? [])]).toEqual([133, 129, 127, 255]);
  const clear = decode(
    new Uint8Array([32, 8, 130, 2, 0, 7, 121, 127, 135, 249, 135, 103, 5, 154, 32, 177, 144, 86, 135, 119, 135, 120, 120]),
  );
  expect([clear?.width, clear?.height, clear?.pixels[3]]).toEqual([13, 32, 119]);
  expect(decode(new Uint8Array())).toBeUndefined();
  expect(decode(new Uint8Array([1, 2, 3, 0, 0, 0]))).toBeUndefined();
});
