// What a message's text looks like: marks, links, mentions and code as a tree to draw. Pure; never any HTML. Any text is a valid
// one, whatever its marks: what makes no sense as a mark is text. Takes time in proportion to its length, and the tree is never
// deeper than a handful of quotes and one of each mark. The same as client-core's `text`; client-core/tests/texts holds both to it.

import type { Mention } from "../api/protocol";
import { parseBlocks } from "./block";

/** A part of a text with lines of its own. */
export type Block =
  /** Lines as they were written; their breaks are in the text. */
  | { readonly is: "paragraph"; readonly spans: readonly Span[] }
  /** Code, to be drawn letter by letter; in which language, if it was said, else "". */
  | { readonly is: "code"; readonly language: string; readonly text: string }
  /** What somebody else said. */
  | { readonly is: "quote"; readonly blocks: readonly Block[] }
  | { readonly is: "list"; readonly items: readonly Item[] };

/** A line of a list. */
export interface Item {
  /** How far it is indented: 0 to 3, at most one more than the line before. */
  readonly level: number;
  /** Its number; none: it has a dot. */
  readonly number: number | undefined;
  readonly spans: readonly Span[];
}

/** What marks make of what they enclose. A spoiler is hidden until it is asked for. */
export type Mark = "bold" | "italic" | "strike" | "spoiler";

/** A part of a line. */
export type Span =
  /** As it is, line breaks too. */
  | { readonly is: "text"; readonly text: string }
  | { readonly is: Mark; readonly spans: readonly Span[] }
  /** Code in a line. */
  | { readonly is: "code"; readonly text: string }
  | Link
  /** Somebody's name, as it was written, with its `@`, to be drawn as she is called by now; 0: everyone. */
  | { readonly is: "mention"; readonly userId: bigint; readonly text: string };

/** Something to open, outside. */
export interface Link {
  readonly is: "link";
  /** Where it really leads, in full: http, https or mailto, ASCII alone. */
  readonly target: string;
  /** What to draw. No links and no mentions in it. */
  readonly spans: readonly Span[];
  /** The host or the person that it really leads to, where `spans` look like another address: to be drawn behind them. */
  readonly reveal: string | undefined;
}

/** A text as a tree, with the mentions that the server found in it. One that does not fit the text is ignored. */
export function parse(text: string, mentions: readonly Mention[]): readonly Block[] {
  // By Unicode scalar values, as the server counts.
  return parseBlocks(Array.from(text), mentions);
}
