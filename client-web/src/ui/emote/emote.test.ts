import { expect, test } from "vitest";

import { begun, offers, whole } from "./complete";
import { build, called, search, toned } from "./emote";
import { emoticon } from "./emoticon";
import file from "./emotes.json";

const set = build(file as { name: string; emotes: string[][] }[]);
const find = (words: string) => search(set, words).map(({ emoji }) => emoji);

test("all of Unicode 16's emoji are there, in nine groups", () => {
  expect(set.groups.map(({ name }) => name).join()).toBe(
    "Smileys,People,Nature,Food,Travel,Activities,Objects,Symbols,Flags",
  );
  expect(set.all.length).toBeGreaterThan(1_900);
  expect(new Set(set.all.map(({ emoji }) => emoji)).size).toBe(set.all.length);
  expect(set.all.every(({ name, short }) => name !== "" && short[0] !== "")).toBe(true);
  expect(set.byEmoji.get("👍")?.short).toContain("+1");
});

test("everyday words find emotes, the nearest first", () => {
  expect(find("thumbsup")[0]).toBe("👍");
  expect(find("tada")[0]).toBe("🎉");
  expect(find("Red Heart")[0]).toBe("❤️");
  expect(find("pizza")[0]).toBe("🍕");
  expect(find("germany")).toContain("🇩🇪");
  const words = ["party", "cat", "laugh", "heart", "cry", "wow", "dance", "no", "hello", "coffee", "sad", "yes", "dog"];
  expect(words.filter((word) => find(word).length === 0)).toEqual([]);
  expect(find("pple")).toContain("🍎");
  expect(find("qqqq")).toEqual([]);
  expect(find("  ")).toEqual([]);
});

test("an emote takes the chosen skin, wherever in it that stands", () => {
  const of = (short: string, tone: number) => toned(set.byShort.get(short) as never, tone);
  expect(of("+1", 0)).toBe("👍");
  expect(of("+1", 3)).toBe("👍🏽");
  expect(of("woman_astronaut", 5)).toBe("👩🏿‍🚀");
  expect(of("tada", 3)).toBe("🎉");
});

test("emotes are called by their short names, in any skin", () => {
  expect(called(set, "🎉👍🏽☝🏿")).toBe(":tada: :+1: :point_up:");
});

test("a name begins after a colon and two characters, and not within words and times", () => {
  expect(begun("so :th", 6)).toEqual({ at: 3, query: "th" });
  expect(begun("(:TAd", 5)?.query).toBe("TAd");
  expect(begun(":D", 2)).toBeUndefined();
  expect(begun("at 12:30", 8)).toBeUndefined();
  expect(begun("https://a", 9)).toBeUndefined();
  expect(begun(":tada and", 9)).toBeUndefined();
  expect(begun(":tada and", 5)?.query).toBe("tada");
  expect(offers(set, "TAd")[0]?.emoji).toBe("🎉");
  expect(offers(set, "ppl").map(({ emoji }) => emoji)).toContain("🍎");
});

test("emoticons stand by themselves", () => {
  expect(emoticon("well :)", 7)).toEqual({ at: 5, emoji: "🙂" });
  expect(emoticon("<3", 2)).toEqual({ at: 0, emoji: "❤️" });
  expect(emoticon("see:)", 5)).toBeUndefined();
  expect(emoticon("http:/", 6)).toBeUndefined();
  expect(emoticon(":) ", 3)).toBeUndefined();
});

test("a whole name becomes its emote with the second colon", () => {
  expect(whole(set, "well :tada:", 11)).toMatchObject({ at: 5, emote: { emoji: "🎉" } });
  expect(whole(set, ":+1:", 4)?.emote.emoji).toBe("👍");
  expect(whole(set, ":nosuch:", 8)).toBeUndefined();
  expect(whole(set, "10:30:", 6)).toBeUndefined();
});
