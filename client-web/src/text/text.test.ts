// What texts look like, one table for every client: client-core/tests/texts/*.json, where README.md says how to read it. The desktop
// client runs the same by the same names.

import { create } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";

import { MentionSchema } from "../gen/rookery/v1/message_pb";
import { type Block, type Span, parse } from "./text";

/* eslint-disable @typescript-eslint/no-explicit-any -- the tables are free JSON */
const tables = import.meta.glob<any[]>("../../../client-core/tests/texts/*.json", { eager: true, import: "default" });
const nameOf = (path: string) => path.replace(/^.*\/|\.json$/g, "");

let count = 0;
for (const [path, cases] of Object.entries(tables)) {
  describe(nameOf(path), () => {
    for (const { name, text, mentions = [], blocks } of cases) {
      count++;
      test(name, () => {
        const found = mentions.map(([userId, start, length]: [number, number, number]) =>
          create(MentionSchema, { userId: BigInt(userId), start, length }),
        );
        expect(parse(text, found).map(shownBlock)).toEqual(blocks);
      });
    }
  });
}

test("all texts were found", () => expect(count).toBeGreaterThanOrEqual(70));

function shownBlock(block: Block): any {
  switch (block.is) {
    case "paragraph":
      return { p: block.spans.map(shown) };
    case "code":
      return { code: block.text, language: block.language };
    case "quote":
      return { quote: block.blocks.map(shownBlock) };
    case "list":
      return { list: block.items.map(({ level, number, spans }) => [level, number ?? null, spans.map(shown)]) };
  }
}

const SHORT = { bold: "b", italic: "i", strike: "s", spoiler: "spoiler" };

function shown(span: Span): any {
  switch (span.is) {
    case "text":
      return span.text;
    case "code":
      return { code: span.text };
    case "mention":
      return { mention: Number(span.userId), text: span.text };
    case "link": {
      const { target, spans, reveal } = span;
      return { link: target, label: spans.map(shown), ...(reveal === undefined ? {} : { reveal }) };
    }
    default:
      return { [SHORT[span.is]]: span.spans.map(shown) };
  }
}

test("the worst texts take no longer than others", () => {
  const repeated = (part: string) => part.repeat((16 * 1024) / part.length);
  const parts = ["*", "**a", "_", "||", "`", "[", "](", "[a](https://x.org", "[a](https://x.org/((", "> ", "- ", "<https://x", "*a **b ", "\\"];
  const texts = [...parts, ...parts.map((part) => `${part} `)].map(repeated);
  texts.push(Array.from({ length: 180 }, (_, n) => `${"`".repeat(n)} `).join(""));
  texts.push(`https://x.org/${")".repeat(16_000)}`, `https://${"é".repeat(8000)}`);
  for (const text of texts) {
    const took = () => {
      const begin = performance.now();
      parse(text, []);
      return performance.now() - begin;
    };
    // One of five: the machine has other things to do.
    expect(Math.min(took(), took(), took(), took(), took()), text.slice(0, 20)).toBeLessThan(100);
  }
});
