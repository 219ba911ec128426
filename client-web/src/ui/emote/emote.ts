// The emotes: all of Unicode's that the font has. The list is fetched when it is needed first; searching it is quick.

import { Recent, choice } from "../habit";

/** One emote. */
export interface Emote {
  readonly emoji: string;
  readonly name: string;
  /** What one types between colons, the usual one first. */
  readonly short: readonly string[];
  /** More words to find it by. */
  readonly words: readonly string[];
  /** With the lightest skin; none where skin makes no difference. */
  readonly light?: string;
}

/** Emotes that belong together. */
export interface EmoteGroup {
  readonly name: string;
  readonly emotes: readonly Emote[];
}

/** All of them. */
export interface EmoteSet {
  readonly groups: readonly EmoteGroup[];
  readonly all: readonly Emote[];
  readonly byEmoji: ReadonlyMap<string, Emote>;
  readonly byShort: ReadonlyMap<string, Emote>;
}

/** A line of emotes.json. */
export type Row = readonly string[];

/** From none to dark. */
export const TONES = ["", "\u{1F3FB}", "\u{1F3FC}", "\u{1F3FD}", "\u{1F3FE}", "\u{1F3FF}"] as const;

/** What is offered for a reaction at once, as far as nothing was used yet. */
export const QUICK = ["👍", "❤️", "😂", "🎉", "😮", "😢"] as const;

/** Used last. */
export const recent = new Recent<string>("emotes", 32, (emoji) => emoji);

const tone = choice("tone");

/** The chosen skin: a place in TONES. */
export const chosenTone = () => {
  const kept = tone.get();
  return typeof kept === "number" && TONES[kept] !== undefined ? kept : 0;
};
export const chooseTone = (place: number) => tone.set(place);

let set: Promise<EmoteSet> | undefined;

/** The list, fetched once. */
export function emotes(): Promise<EmoteSet> {
  set ??= import("./emotes.json").then(
    (file) => build(file.default as { name: string; emotes: Row[] }[]),
    (error: unknown) => {
      set = undefined;
      throw error;
    },
  );
  return set;
}

/** Makes the set of its lines. */
export function build(file: readonly { name: string; emotes: readonly Row[] }[]): EmoteSet {
  const groups = file.map(({ name, emotes }) => ({ name, emotes: emotes.map(read) }));
  const all = groups.flatMap(({ emotes }) => emotes);
  const byShort = new Map<string, Emote>();
  for (const emote of all) {
    for (const short of emote.short) if (!byShort.has(short)) byShort.set(short, emote);
  }
  return { groups, all, byEmoji: new Map(all.map((emote) => [emote.emoji, emote])), byShort };
}

function read([emoji = "", name = "", short = "", words = "", light]: Row): Emote {
  return { emoji, name, short: short.split(" "), words: words === "" ? [] : words.split(" "), light };
}

/** An emote in the chosen skin. */
export function toned(emote: Emote, place: number): string {
  const tone = TONES[place];
  return emote.light && tone ? emote.light.replaceAll(TONES[1], tone) : emote.emoji;
}

const SEGMENTER = new Intl.Segmenter();
const ANY_TONE = /[\u{1F3FB}-\u{1F3FF}]/gu;

/** What one of them is, whatever its skin. */
export function known({ byEmoji }: EmoteSet, emoji: string): Emote | undefined {
  const plain = emoji.replace(ANY_TONE, "");
  return byEmoji.get(emoji) ?? byEmoji.get(plain) ?? byEmoji.get(`${plain}\uFE0F`);
}

/** The short names of emotes, as one would type them. */
export function called(set: EmoteSet, emotes: string): string {
  const names = [...SEGMENTER.segment(emotes)].flatMap(({ segment }) => known(set, segment)?.short[0] ?? []);
  return names.map((name) => `:${name}:`).join(" ");
}

/** The emotes that some words find, the nearest first: every word has to begin or be within something of it. */
export function search({ all }: EmoteSet, query: string, most = Infinity): Emote[] {
  const words = query.toLowerCase().split(/[\s_]+/).filter(Boolean);
  if (words.length === 0) return [];
  const found: { emote: Emote; rank: number; place: number }[] = [];
  for (const [place, emote] of all.entries()) {
    let rank = 0;
    for (const word of words) {
      const near = nearness(emote, word);
      if (near === undefined) {
        rank = -1;
        break;
      }
      rank = Math.max(rank, near);
    }
    if (rank >= 0) found.push({ emote, rank, place });
  }
  found.sort((one, other) => one.rank - other.rank || one.place - other.place);
  return found.slice(0, most).map(({ emote }) => emote);
}

/** How far an emote is from a word: 0 is the very word, the others follow; none if it has nothing of it. */
function nearness({ emoji, name, short, words }: Emote, word: string): number | undefined {
  if (short.includes(word) || emoji === word || words.includes(word)) return short[0] === word ? 0 : 1;
  if (short.some((other) => other.startsWith(word))) return 2;
  const parts = [...name.toLowerCase().split(/[^\p{L}\p{N}]+/u), ...words, ...short.flatMap((other) => other.split("_"))];
  if (parts.some((part) => part.startsWith(word))) return 3;
  return parts.some((part) => part.includes(word)) ? 4 : undefined;
}
