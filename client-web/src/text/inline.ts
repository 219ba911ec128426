// Marks within lines. One pass, left to right, that keeps at most one open mark of each kind: a mark that closes drops all that were
// opened behind it and did not close, and one that opens again takes the place of the earlier one. So the tree is never deeper than
// there are kinds, and the time is in proportion to the length, whatever the text.

import type { Mention } from "../api/protocol";
import { type Address, address, addressEnd, beginsWord, inParentheses, reveal, trimmed } from "./link";
import type { Mark, Span } from "./text";

/** Where a line begins and ends. */
export type Line = readonly [number, number];

/** The marks: their character, how many of it, and what they make of what they enclose. */
const MARKS: readonly { readonly c: string; readonly count: number; readonly is: Mark }[] = [
  { c: "*", count: 2, is: "bold" },
  { c: "*", count: 1, is: "italic" },
  { c: "_", count: 2, is: "bold" },
  { c: "_", count: 1, is: "italic" },
  { c: "~", count: 2, is: "strike" },
  { c: "|", count: 2, is: "spoiler" },
];
/** The `[` of a link, among them. */
const BRACKET = MARKS.length;
/** What a backslash makes text of. Not all signs: a path of Windows stays what it is. */
const ESCAPABLE = "*_~|`[]@";

/** What is between the beginning and the end of a text, before it is a tree. */
type Piece = Span | { readonly is: "open"; readonly mark: number } | { readonly is: "close" };

export const isBlank = (c: string | undefined) => c !== undefined && /^\p{White_Space}$/u.test(c);
const isOfWord = (c: string) => /^[\p{Alphabetic}\p{N}]$/u.test(c);

/** Mentions by where they begin. */
export function places(mentions: readonly Mention[]): ReadonlyMap<number, Mention> {
  return new Map(mentions.map((mention) => [mention.start, mention]));
}

/** The spans of some lines, which are one text with breaks in between. */
export function parseSpans(
  chars: readonly string[],
  lines: readonly Line[],
  mentions: ReadonlyMap<number, Mention>,
): readonly Span[] {
  return new Scan(chars, mentions).spans(lines);
}

class Scan {
  private pieces: Piece[] = [];
  /** The text behind the last piece. */
  private text = "";
  /** For each kind of mark, the piece that opened it. */
  private readonly open = new Array<number | undefined>(BRACKET + 1).fill(undefined);

  constructor(
    private readonly chars: readonly string[],
    private readonly mentions: ReadonlyMap<number, Mention>,
  ) {}

  spans(lines: readonly Line[]): readonly Span[] {
    lines.forEach(([begin, end], index) => {
      if (index > 0) this.text += "\n";
      this.line(this.chars.slice(begin, end), begin);
    });
    this.flush();
    for (const piece of this.open) if (piece !== undefined) this.dropMark(piece);
    return tree(this.pieces);
  }

  private line(line: readonly string[], begin: number): void {
    const closing = closingTicks(line);
    let at = 0;
    while (at < line.length) {
      const taken = this.token(line, at, begin, closing);
      if (taken === 0) this.text += line[at];
      at += Math.max(taken, 1);
    }
  }

  /** How much of a line is something of its own here; 0: its next character is text. */
  private token(line: readonly string[], at: number, begin: number, closing: Runs): number {
    const next = line[at + 1];
    switch (line[at]) {
      case "\\":
        if (next === undefined || !ESCAPABLE.includes(next)) return 0;
        this.text += next;
        return 2;
      case "`":
        return this.ticks(line, at, closing);
      case "*":
      case "_":
      case "~":
      case "|":
        return this.marks(line, at);
      case "[":
        this.pushOpen(BRACKET);
        return 1;
      case "]":
        return this.closeBracket(line, at);
      case "<":
        return this.bracketed(line, at);
      case "@":
        return this.mention(line, at, begin);
      case "h":
      case "H":
      case "m":
      case "M":
        return beginsWord(line, at) ? this.address(line, at) : 0;
      default:
        return 0;
    }
  }

  private flush(): void {
    if (this.text) this.pieces.push({ is: "text", text: this.text });
    this.text = "";
  }

  private push(span: Span): void {
    this.flush();
    this.pieces.push(span);
  }

  private pushOpen(mark: number): void {
    this.flush();
    const earlier = this.open[mark];
    if (earlier !== undefined) this.dropMark(earlier);
    this.open[mark] = this.pieces.length;
    this.pieces.push({ is: "open", mark });
  }

  /** An opened mark is none after all. */
  private dropMark(index: number): void {
    const piece = this.pieces[index];
    if (piece?.is !== "open") return;
    const mark = MARKS[piece.mark];
    this.pieces[index] = { is: "text", text: mark ? mark.c.repeat(mark.count) : "[" };
  }

  /** All that was opened behind a piece and has not closed. */
  private dropBehind(piece: number): void {
    this.open.forEach((opened, mark) => {
      if (opened === undefined || opened <= piece) return;
      this.open[mark] = undefined;
      this.dropMark(opened);
    });
  }

  /** A run of backticks: code up to the next run of as many in this line, else text. */
  private ticks(line: readonly string[], at: number, closing: Runs): number {
    const ticks = runOf(line, at);
    const begin = at + ticks;
    const end = nextRun(closing, ticks, begin);
    if (end === undefined) {
      this.text += "`".repeat(ticks);
      return ticks;
    }
    let code = line.slice(begin, end);
    // One blank at each end is there to keep backticks apart.
    const apart = code.length > 2 && code[0] === " " && code.at(-1) === " " && code.some((c) => c !== " ");
    if (apart) code = code.slice(1, -1);
    this.push({ is: "code", text: code.join("") });
    return end + ticks - at;
  }

  /** A run of one character that marks are made of. */
  private marks(line: readonly string[], at: number): number {
    const c = line[at] ?? "";
    const run = runOf(line, at);
    const [before, after] = [line[at - 1] ?? "\n", line[at + run] ?? "\n"];
    const inside = (beside: string) => c === "_" && isOfWord(beside);
    let left = run;
    if (!isBlank(before) && !inside(after)) {
      for (let mark = this.closes(c, left); mark; mark = this.closes(c, left)) left -= mark.count;
    }
    if (!isBlank(after) && !inside(before)) {
      const fits = () => MARKS.find((mark) => mark.c === c && mark.count <= left);
      for (let mark = fits(); mark; mark = fits()) {
        this.pushOpen(MARKS.indexOf(mark));
        left -= mark.count;
      }
    }
    this.text += c.repeat(left);
    return run;
  }

  /** Closes the mark of a character that was opened last, if there is one of at most so many. */
  private closes(c: string, most: number) {
    let [last, opened] = [-1, -1];
    MARKS.forEach((mark, index) => {
      const piece = this.open[index] ?? -1;
      if (mark.c === c && mark.count <= most && piece > opened) [last, opened] = [index, piece];
    });
    if (last < 0) return undefined;
    this.flush();
    if (this.pieces.length === opened + 1) return undefined;
    this.dropBehind(opened);
    this.open[last] = undefined;
    this.pieces.push({ is: "close" });
    return MARKS[last];
  }

  /** The end of a label: a link, if an address in parentheses follows. */
  private closeBracket(line: readonly string[], at: number): number {
    const opened = this.open[BRACKET];
    if (opened === undefined) return 0;
    this.open[BRACKET] = undefined;
    this.flush();
    const found = this.pieces.length > opened + 1 ? inParentheses(line, at + 1) : undefined;
    if (!found) {
      this.dropMark(opened);
      return 0;
    }
    this.dropBehind(opened);
    const spans = inert(tree(this.pieces.splice(opened).slice(1)));
    const { target } = found.address;
    this.pieces.push({ is: "link", target, spans, reveal: reveal(plain(spans), found.address) });
    return found.end - at;
  }

  /** `<https://…>` */
  private bracketed(line: readonly string[], at: number): number {
    const end = addressEnd(line, at + 1);
    const typed = line.slice(at + 1, end).join("");
    const found = line[end] === ">" && typed ? address(typed) : undefined;
    if (!found) return 0;
    this.pushAddress(typed, found);
    return end + 1 - at;
  }

  /** An address that stands as it is. What only begins like one is text, all of it. */
  private address(line: readonly string[], at: number): number {
    const end = trimmed(line, at, addressEnd(line, at));
    const typed = line.slice(at, end).join("");
    const found = address(typed);
    if (found) this.pushAddress(typed, found);
    else this.text += typed;
    return end - at;
  }

  private pushAddress(typed: string, { target, honest }: Address): void {
    this.push({ is: "link", target, spans: [{ is: "text", text: honest ? typed : target }], reveal: undefined });
  }

  private mention(line: readonly string[], at: number, begin: number): number {
    const found = this.mentions.get(begin + at);
    if (!found || found.length < 2 || at + found.length > line.length) return 0;
    this.push({ is: "mention", userId: found.userId, text: line.slice(at, at + found.length).join("") });
    return found.length;
  }
}

/** Where runs of backticks begin, by their length. */
type Runs = ReadonlyMap<number, readonly number[]>;

function closingTicks(line: readonly string[]): Runs {
  const runs = new Map<number, number[]>();
  let at = 0;
  while (at < line.length) {
    const ticks = line[at] === "`" ? runOf(line, at) : 0;
    const same = runs.get(ticks);
    if (ticks > 0 && same) same.push(at);
    else if (ticks > 0) runs.set(ticks, [at]);
    at += Math.max(ticks, 1);
  }
  return runs;
}

/** Where the first run of so many backticks at or behind a place begins. */
function nextRun(runs: Runs, ticks: number, from: number): number | undefined {
  const same = runs.get(ticks) ?? [];
  let [low, high] = [0, same.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((same[middle] ?? from) < from) low = middle + 1;
    else high = middle;
  }
  return same[low];
}

/** How often the character at a place stands there. */
function runOf(line: readonly string[], at: number): number {
  let end = at;
  while (end < line.length && line[end] === line[at]) end += 1;
  return end - at;
}

/** Pieces as a tree. What opens closes: the others were dropped. */
function tree(pieces: readonly Piece[]): Span[] {
  const outer: { mark: number; before: Span[] }[] = [];
  let spans: Span[] = [];
  for (const piece of pieces) {
    if (piece.is === "open") {
      outer.push({ mark: piece.mark, before: spans });
      spans = [];
    } else if (piece.is === "close") {
      const opened = outer.pop();
      const mark = opened && MARKS[opened.mark];
      if (!mark) continue;
      opened.before.push({ is: mark.is, spans });
      spans = opened.before;
    } else {
      add(spans, piece);
    }
  }
  return spans;
}

/** Neighbouring texts are one. */
function add(spans: Span[], span: Span): void {
  const last = spans.at(-1);
  if (last?.is === "text" && span.is === "text") spans[spans.length - 1] = { is: "text", text: last.text + span.text };
  else spans.push(span);
}

/** The spans of a label, in which nothing else can be opened. */
function inert(spans: readonly Span[]): Span[] {
  const all: Span[] = [];
  for (const span of spans) {
    if (span.is === "link" || span.is === "mention") add(all, { is: "text", text: plain([span]) });
    else if ("spans" in span) all.push({ ...span, spans: inert(span.spans) });
    else add(all, span);
  }
  return all;
}

/** The letters of some spans. */
function plain(spans: readonly Span[]): string {
  return spans.map((span) => ("spans" in span ? plain(span.spans) : span.text)).join("");
}
