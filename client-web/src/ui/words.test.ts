import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { expect, test } from "vitest";

import { MessageSchema, SystemKind } from "../api/protocol";
import { beside, brief, day, exact } from "./clock";
import { initials, typing } from "./speech";
import { lines } from "./transcript";
import { jumbo, parts } from "./words";

test("links end where the sentence goes on", () => {
  expect(parts("see https://a.example/b). Then http://c.example/(d)!")).toEqual([
    { text: "see " },
    { text: "https://a.example/b", link: "https://a.example/b" },
    { text: "). Then " },
    { text: "http://c.example/(d)", link: "http://c.example/(d)" },
    { text: "!" },
  ]);
  expect(parts("javascript:alert(1) <b>x</b>")).toEqual([{ text: "javascript:alert(1) <b>x</b>" }]);
});

test("a few emotes and nothing else are drawn large", () => {
  expect(jumbo("🎂 🎉")).toBe(true);
  expect(jumbo("🤦🏽‍♀️❤️🇪🇺")).toBe(true);
  expect(jumbo("🎂!")).toBe(false);
  expect(jumbo("12")).toBe(false);
  expect(jumbo("")).toBe(false);
  expect(jumbo("🎂".repeat(7))).toBe(false);
});

test("initials are the first letters of two words", () => {
  const names = ["Ada Lovelace", "ada", "jean-luc b. picard", "émile", "🎉", ""];
  expect(names.map(initials)).toEqual(["AL", "A", "JL", "É", "?", "?"]);
});

test("several people are not named", () => {
  expect(typing([])).toBe("");
  expect(typing(["Bo", "Cy"])).toBe("Bo and Cy are typing…");
  expect(typing(["A", "B", "C", "D"])).toBe("Several people are typing…");
});

test("a time says as much as is needed", () => {
  const now = new Date(2026, 2, 4, 12);
  expect(brief(new Date(2026, 2, 4, 9, 5), now)).toBe("09:05");
  expect(brief(new Date(2026, 2, 3, 23, 59), now)).toBe("Yesterday");
  expect(brief(new Date(2026, 2, 1, 10), now)).toBe("Sun");
  expect(brief(new Date(2026, 1, 1, 10), now)).toBe("1 Feb");
  expect(brief(new Date(2025, 1, 1, 10), now)).toBe("2025-02-01");
  expect(beside(new Date(2026, 2, 3, 8, 1), now)).toBe("Yesterday 08:01");
  expect(day(new Date(2025, 11, 24), now)).toBe("Wednesday, 24 December 2025");
  expect(exact(new Date(2026, 2, 4, 8))).toBe("Wednesday, 4 March 2026 at 08:00:00");
});

test("messages of one author within seven minutes stand together, but for replies, days and what is new", () => {
  const noon = new Date(2026, 2, 4, 12).getTime();
  const minutes = (id: number, minute: number, more = {}) =>
    create(MessageSchema, {
      id: BigInt(id),
      authorId: 2n,
      createdAt: timestampFromMs(noon + minute * 60_000),
      ...more,
    });
  const shown = lines(
    [
      minutes(1, 0),
      minutes(2, 7),
      minutes(3, 15),
      minutes(4, 16, { replyTo: 1n }),
      minutes(5, 16, { system: { kind: SystemKind.LEFT_SILENTLY } }),
      minutes(6, 17),
      minutes(7, 24 * 60),
    ],
    [],
    true,
    { userId: 1n, newAbove: 5n },
  );
  const told = shown.map((line) => (line.is === "message" ? `${line.message.id}${line.head ? " head" : ""}` : line.is));
  expect(told).toEqual(["beginning", "day", "1 head", "2", "3 head", "4 head", "new", "6 head", "day", "7 head"]);
});
