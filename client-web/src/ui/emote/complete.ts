// `:short:` names while one types: where one begins, and what it may become.

import { type Emote, type EmoteSet, search } from "./emote";

/** A name begins to complete with so many characters. */
const LEAST = 2;
/** So many are offered. */
export const OFFERED = 8;

/** The beginning of a name right before the cursor. */
export interface Begun {
  /** Where the colon is. */
  readonly at: number;
  /** What follows it. */
  readonly query: string;
}

const BEGUN = /(^|[\s(["'])(:)([\p{L}\p{N}_+-]*)$/u;
const WHOLE = /(^|[\s(["']):([a-z0-9_+-]+):$/;

/** What of a name stands before the cursor; none where there is too little of it, as in `:D`. */
export function begun(text: string, cursor: number): Begun | undefined {
  const match = BEGUN.exec(text.slice(0, cursor));
  const query = match?.[3] ?? "";
  return match && query.length >= LEAST ? { at: match.index + (match[1]?.length ?? 0), query } : undefined;
}

/** The emotes for a beginning, the nearest first. */
export function offers(set: EmoteSet, query: string): Emote[] {
  return search(set, query, OFFERED);
}

/** A whole name that has just been closed by its second colon: where it is, and its emote. */
export function whole(set: EmoteSet, text: string, cursor: number): { at: number; emote: Emote } | undefined {
  const match = WHOLE.exec(text.slice(0, cursor));
  const emote = match && set.byShort.get(match[2] ?? "");
  return match && emote ? { at: match.index + (match[1]?.length ?? 0), emote } : undefined;
}
