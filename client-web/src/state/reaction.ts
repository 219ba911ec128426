// Whose reactions a message carries: `mine` is not told in live events, so what is known must be carried over.

import type { Message } from "../api/protocol";

/** What to believe of Reaction.mine: it is right in answers to this user, and false for everybody in live events. */
export type Mine = "told" | "untold";

/** How many people a reaction names; with no more than these the list is complete. */
const NAMED = 10;

/** The message with `mine` set right in its reactions, as far as it can be known. */
export function settle(message: Message, known: Message | undefined, mine: Mine, reader: bigint): Message {
  if (mine === "told" || message.reactions.length === 0) return message;
  const reactions = message.reactions.map((reaction) => {
    const right =
      reaction.userIds.includes(reader) ||
      (reaction.count > NAMED && (known?.reactions.some((old) => old.emote === reaction.emote && old.mine) ?? false));
    return reaction.mine === right ? reaction : { ...reaction, mine: right };
  });
  return { ...message, reactions };
}

/** The message with the reader's own reaction standing or not. */
export function withMine(message: Message, emote: string, mine: boolean): Message {
  if (!message.reactions.some((reaction) => reaction.emote === emote && reaction.mine !== mine)) return message;
  const reactions = message.reactions.map((reaction) => (reaction.emote === emote ? { ...reaction, mine } : reaction));
  return { ...message, reactions };
}
