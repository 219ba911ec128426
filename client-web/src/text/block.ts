// Lines that belong together: code, quotes, lists, and paragraphs of what is left.

import type { Mention } from "../api/protocol";
import { type Line, isBlank, parseSpans, places } from "./inline";
import type { Block, Item } from "./text";

/** How deep quotes go; what is deeper is text. */
const QUOTES = 4;
/** How far a line of a list is indented at most. */
const LEVELS = 3;

export function parseBlocks(chars: readonly string[], mentions: readonly Mention[]): readonly Block[] {
  const lines: Line[] = [];
  let begin = 0;
  for (let end = 0; end <= chars.length; end++) {
    if (end < chars.length && chars[end] !== "\n") continue;
    // What some systems end their lines with is not shown.
    lines.push([begin, end > begin && chars[end - 1] === "\r" ? end - 1 : end]);
    begin = end + 1;
  }
  return new Parser(chars, places(mentions)).blocks(lines, 0);
}

class Parser {
  constructor(
    private readonly chars: readonly string[],
    private readonly mentions: ReturnType<typeof places>,
  ) {}

  blocks(lines: readonly Line[], depth: number): readonly Block[] {
    const blocks: Block[] = [];
    let paragraph: Line[] = [];
    const close = () => {
      const block = this.paragraph(paragraph);
      if (block) blocks.push(block);
      paragraph = [];
    };
    let taken = 0;
    lines.forEach((line, at) => {
      if (at < taken) return;
      const found = this.block(lines, at, line, depth);
      taken = at + (found?.taken ?? 1);
      if (found) {
        close();
        blocks.push(found.block);
      } else {
        paragraph.push(line);
      }
    });
    close();
    return blocks;
  }

  /** A block that is no paragraph, and how many lines it takes. */
  private block(lines: readonly Line[], at: number, line: Line, depth: number) {
    const info = this.opensCode(line);
    if (info !== undefined) return this.code(from(lines, at + 1), info, line[1]);
    if (depth < QUOTES && this.quoted(line)) {
      const quoted: Line[] = [];
      for (const next of from(lines, at)) {
        const inner = this.quoted(next);
        if (!inner) break;
        quoted.push(inner);
      }
      return { block: { is: "quote", blocks: this.blocks(quoted, depth + 1) } as Block, taken: quoted.length };
    }
    return this.item(line, 0) && this.list(from(lines, at));
  }

  /** Lines without a form of their own; empty ones at their ends are only the distance to others. */
  private paragraph(lines: readonly Line[]): Block | undefined {
    const filled = (line: Line) => this.of(line).some((c) => !isBlank(c));
    const first = lines.findIndex(filled);
    if (first < 0) return undefined;
    return { is: "paragraph", spans: this.spans(lines.slice(first, lines.findLastIndex(filled) + 1)) };
  }

  private of([begin, end]: Line): readonly string[] {
    return this.chars.slice(begin, end);
  }

  private spans(lines: readonly Line[]) {
    return parseSpans(this.chars, lines, this.mentions);
  }

  /** A line without the mark of a quote; none if it has none. */
  private quoted([begin, end]: Line): Line | undefined {
    const marked = begin < end && this.chars[begin] === ">" && (begin + 1 === end || isBlank(this.chars[begin + 1]));
    return marked ? [Math.min(begin + 2, end), end] : undefined;
  }

  /** Where what follows the backticks begins, if a line opens a block of code: three or more, and none behind them. */
  private opensCode([begin, end]: Line): number | undefined {
    let at = begin;
    while (at < end && isBlank(this.chars[at])) at += 1;
    const ticks = at;
    while (at < end && this.chars[at] === "`") at += 1;
    const rest = this.chars.slice(at, end);
    return at - ticks >= 3 && !rest.includes("`") ? at : undefined;
  }

  /** A block of code, up to the line that ends with three backticks or to the end. */
  private code(lines: Iterable<Line>, begin: number, end: number): { block: Block; taken: number } {
    const info = trimEnd(this.chars.slice(begin, end)).join("").replace(/^\p{White_Space}+/u, "");
    const named = /^[\w+#.-]{0,32}$/.test(info);
    const text: string[] = named ? [] : [info];
    let taken = 1;
    for (const line of lines) {
      taken += 1;
      const trimmed = trimEnd(this.of(line));
      let end = trimmed.length;
      while (end > 0 && trimmed[end - 1] === "`") end -= 1;
      if (trimmed.length - end < 3) {
        text.push(this.of(line).join(""));
        continue;
      }
      const before = trimmed.slice(0, end);
      if (before.some((c) => !isBlank(c))) text.push(before.join(""));
      break;
    }
    return { block: { is: "code", language: named ? info : "", text: text.join("\n") }, taken };
  }

  private list(lines: Iterable<Line>): { block: Block; taken: number } {
    const items: Item[] = [];
    for (const line of lines) {
      const last = items.at(-1);
      const item = this.item(line, last ? last.level + 1 : 0);
      if (!item) break;
      items.push({ level: item.level, number: item.number, spans: this.spans([item.line]) });
    }
    return { block: { is: "list", items }, taken: items.length };
  }

  /** The level, the number and the rest of a line of a list: a dash, a star, a plus or a number, then a blank and something. */
  private item(line: Line, deepest: number) {
    const text = this.of(line);
    let blank = 0;
    while (text[blank] === " " || text[blank] === "\t") blank += 1;
    const found = /^(?:[-*+]|([0-9]{1,9})[.)])/.exec(text.slice(blank, blank + 10).join(""));
    if (!found) return undefined;
    const mark = blank + found[0].length;
    const says = text.slice(mark);
    if (!isBlank(says[0]) || says.every(isBlank)) return undefined;
    const level = Math.min(blank >> 1, LEVELS, deepest);
    const number = found[1] === undefined ? undefined : Number(found[1]);
    return { level, number, line: [line[0] + mark + 1, line[1]] as Line };
  }
}

/** The lines from one on, none of them copied. */
function* from(lines: readonly Line[], at: number): Iterable<Line> {
  for (let line = lines[at]; line; line = lines[++at]) yield line;
}

function trimEnd(chars: readonly string[]): readonly string[] {
  let end = chars.length;
  while (end > 0 && isBlank(chars[end - 1])) end -= 1;
  return chars.slice(0, end);
}
