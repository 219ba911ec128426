// Text as it is drawn: where links are, and what is nothing but emotes.

/** What is offered for a reaction at once; the picker comes later. */
export const QUICK = ["👍", "❤️", "😂", "🎉", "😮", "😢"] as const;

/** A message of at most this many emotes and nothing else is drawn large. */
const JUMBO_MOST = 6;

/** A stretch of text, perhaps a link. */
export interface Part {
  readonly text: string;
  readonly link?: string;
}

const LINK = /https?:\/\/[^\s<>"]+/g;

/** Cuts text at its links. A full stop or bracket at the end belongs to the sentence, not to the link. */
export function parts(text: string): Part[] {
  const found: Part[] = [];
  let end = 0;
  for (const match of text.matchAll(LINK)) {
    const link = trimmed(match[0]);
    if (!URL.canParse(link)) continue;
    if (match.index > end) found.push({ text: text.slice(end, match.index) });
    found.push({ text: link, link });
    end = match.index + link.length;
  }
  if (end < text.length) found.push({ text: text.slice(end) });
  return found;
}

function trimmed(link: string): string {
  const bare = link.replace(/[.,:;!?'*_]+$/, "");
  return bare.endsWith(")") && !bare.includes("(") ? trimmed(bare.slice(0, -1)) : bare;
}

/** A cluster is an emote when it looks like one by itself, or when it asks to (U+FE0F). */
const EMOTE = /\p{Emoji_Presentation}|\p{Extended_Pictographic}\uFE0F|\uFE0F\u20E3|^[\u{1F1E6}-\u{1F1FF}]{2}$/u;

/** Whether it is a few emotes and nothing else. */
export function jumbo(text: string): boolean {
  if (text.length > 100) return false;
  const clusters = [...new Intl.Segmenter().segment(text)].map(({ segment }) => segment.trim()).filter(Boolean);
  return clusters.length > 0 && clusters.length <= JUMBO_MOST && clusters.every((cluster) => EMOTE.test(cluster));
}
