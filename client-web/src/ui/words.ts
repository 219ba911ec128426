// Text as it is drawn: where links are, and what is nothing but emotes.

/** A message of at most this many emotes and nothing else is drawn large. */
const JUMBO_MOST = 6;

/** A stretch of text, perhaps a link, perhaps nothing but emotes. */
export interface Part {
  readonly text: string;
  readonly link?: string;
  readonly emote?: true;
}

const LINK = /https?:\/\/[^\s<>"]+/g;

/** Cuts text at its links. A full stop or bracket at the end belongs to the sentence, not to the link. */
export function parts(text: string): Part[] {
  const found: Part[] = [];
  let end = 0;
  for (const match of text.matchAll(LINK)) {
    const link = trimmed(match[0]);
    if (!URL.canParse(link)) continue;
    if (match.index > end) found.push(...stretches(text.slice(end, match.index)));
    found.push({ text: link, link });
    end = match.index + link.length;
  }
  if (end < text.length) found.push(...stretches(text.slice(end)));
  return found;
}

/** Emotes apart from the rest: the font of emotes draws them, and nothing else. */
function stretches(text: string): Part[] {
  if (!MAYBE_EMOTE.test(text)) return [{ text }];
  const found: Part[] = [];
  for (const { segment } of SEGMENTER.segment(text)) {
    const last = found.at(-1);
    const emote = EMOTE.test(segment);
    if (last && (last.emote ?? false) === emote) found[found.length - 1] = { ...last, text: last.text + segment };
    else found.push(emote ? { text: segment, emote } : { text: segment });
  }
  return found;
}

function trimmed(link: string): string {
  const bare = link.replace(/[.,:;!?'*_]+$/, "");
  return bare.endsWith(")") && !bare.includes("(") ? trimmed(bare.slice(0, -1)) : bare;
}

/** A cluster is an emote when it looks like one by itself, or when it asks to (U+FE0F). */
const SEGMENTER = new Intl.Segmenter();
/** Cheap, for plain text is nearly all there is. */
const MAYBE_EMOTE = /[\u00A9-\u{10FFFF}]/u;
const EMOTE = /\p{Emoji_Presentation}|\p{Extended_Pictographic}\uFE0F|\uFE0F\u20E3|^[\u{1F1E6}-\u{1F1FF}]{2}$/u;

/** Whether it is a few emotes and nothing else. */
export function jumbo(text: string): boolean {
  if (text.length > 100) return false;
  const clusters = [...SEGMENTER.segment(text)].map(({ segment }) => segment.trim()).filter(Boolean);
  return clusters.length > 0 && clusters.length <= JUMBO_MOST && clusters.every((cluster) => EMOTE.test(cluster));
}
