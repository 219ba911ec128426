// Makes src/ui/emote/emotes.json: every emoji that the font has, with its name, its short names, words to find it by, and
// whether it takes skin tones. Seldom needed, so its source is no dependency:
//   npm install --no-save --ignore-scripts emojibase-data@16.0.3 && node emotes.mjs
import { readFileSync, writeFileSync } from "node:fs";

const read = (name) => JSON.parse(readFileSync(new URL(`node_modules/emojibase-data/en/${name}.json`, import.meta.url)));
const [all, github, cldr] = [read("data"), read("shortcodes/github"), read("shortcodes/cldr")];

/** Twemoji.woff2 has the emoji up to this version of Unicode's. */
const VERSION = 16;
/** Emojibase numbers its groups; 2 are bare skin tones and hair. */
const GROUPS = [
  ["Smileys", 0],
  ["People", 1],
  ["Nature", 3],
  ["Food", 4],
  ["Travel", 5],
  ["Activities", 6],
  ["Objects", 7],
  ["Symbols", 8],
  ["Flags", 9],
];
const TONE = /[\u{1F3FB}-\u{1F3FF}]/gu;

/** As Unicode has it, and every other client: what is colourful by itself does not ask to be (U+FE0F). */
const qualified = (emoji) => emoji.replace(/(\p{Emoji_Presentation})\uFE0F/gu, "$1");
const list = (value) => (value === undefined ? [] : Array.isArray(value) ? value : [value]);

function row({ emoji, label, hexcode, tags, skins }) {
  const short = [...new Set([...list(github[hexcode]), ...list(cldr[hexcode])])];
  // What is said already need not be said again.
  const words = list(tags).filter((tag) => !`${label} ${short.join(" ").replaceAll("_", " ")}`.includes(tag));
  const found = [qualified(emoji), label, short.join(" "), words.join(" ")];
  const light = skins?.find(({ tone }) => tone === 1)?.emoji;
  // The same emoji with one tone, to be exchanged for the others: the place of the tone is not always the end.
  if (light && light.match(TONE)) found.push(qualified(light));
  return found;
}

const groups = GROUPS.map(([name, number]) => ({
  name,
  emotes: all
    .filter(({ group, version }) => group === number && version <= VERSION)
    .sort((one, other) => one.order - other.order)
    .map(row),
}));
const target = new URL("src/ui/emote/emotes.json", import.meta.url);
// A line for each: changes can be read.
const lines = groups.map(
  ({ name, emotes }) => `{"name":${JSON.stringify(name)},"emotes":[\n${emotes.map((emote) => JSON.stringify(emote)).join(",\n")}\n]}`,
);
writeFileSync(target, `[${lines.join(",")}]\n`);
console.log(groups.map(({ name, emotes }) => `${name} ${emotes.length}`).join(", "));
