// Emotes in letters, which become emotes as one writes. The desktop client has the same ones.

import { choice } from "../habit";

const EMOTICONS: ReadonlyMap<string, string> = new Map(
  Object.entries({
    "🙂": ":) :-) (:",
    "🙁": ":( :-(",
    "😉": ";) ;-)",
    "😄": ":D :-D",
    "😆": "xD XD",
    "😛": ":P :p :-P :-p",
    "😜": ";P",
    "😮": ":o :O :-o :-O",
    "😐": ":| :-|",
    "😕": ":/ :-/",
    "😢": ":'(",
    "😘": ":* :-*",
    "😎": "8-)",
    "❤️": "<3",
    "💔": "</3",
    "😠": ">:(",
  }).flatMap(([emoji, letters]) => letters.split(" ").map((one) => [one, emoji] as const)),
);

const kept = choice("emoticons");

/** Whether they are replaced; some like them as they are. */
export const replaces = () => kept.get() !== false;
export const setReplaces = (replaces: boolean) => kept.set(replaces);

/** The emoticon that ends at the cursor and stands by itself: where it is, and what it becomes. */
export function emoticon(text: string, cursor: number): { at: number; emoji: string } | undefined {
  const word = /\S*$/.exec(text.slice(0, cursor))?.[0] ?? "";
  const emoji = EMOTICONS.get(word);
  return emoji ? { at: cursor - word.length, emoji } : undefined;
}
