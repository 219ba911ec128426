// What goes to the cache: the difference between the state that was written last and the present one, a moment later.

import { create } from "@bufbuild/protobuf";

import { MembershipSchema, type User } from "../api/protocol";
import type { Conversation } from "../state/conversation";
import type { State } from "../state/state";
import type { Core } from "./core";
import type { Disk, Kept, KeptConversation } from "./disk";

/** So long changes are gathered. A crash loses them from the cache alone: the cursors there are as old as they are. */
const GATHER = 1_000;
/** How many messages of an open conversation are kept. */
const MESSAGES = 100;

/** The cache's writer. */
export class Keeper {
  private conversations: ReadonlyMap<bigint, Conversation> = new Map();
  private users: ReadonlyMap<bigint, User> = new Map();
  private blocked: ReadonlySet<bigint> = new Set();
  private due?: number;

  constructor(
    private readonly core: Core,
    private readonly disk: Disk,
  ) {}

  /** The state is what was kept. */
  start(state: State): void {
    [this.conversations, this.users, this.blocked] = [state.conversations, state.users, state.blocked];
    this.due = undefined;
  }

  /** Something may have changed. */
  note(state: State): void {
    const { conversations, users, blocked } = this;
    const same = state.conversations === conversations && state.users === users && state.blocked === blocked;
    if (!same) this.due ??= this.core.ambient.now() + GATHER;
  }

  nextDue(): number | undefined {
    return this.due;
  }

  work(now: number): void {
    if (this.due !== undefined && this.due <= now) this.flush();
  }

  /** Writes now what differs. */
  flush(): void {
    const { state } = this.core;
    if (this.due === undefined) return;
    this.due = undefined;
    if (state.userId === 0n) return;
    const changed = [...state.conversations.values()].filter((known) => this.conversations.get(known.id) !== known);
    // What was closed meanwhile loses its messages in the state, and by that here.
    const batch = {
      conversations: changed.map((known) => kept(known)),
      removed: [...this.conversations.keys()].filter((id) => !state.conversations.has(id)),
      users: [...state.users.values()].filter((user) => this.users.get(user.id) !== user),
      blocked: state.blocked === this.blocked ? undefined : [...state.blocked],
    };
    this.start(state);
    this.disk.write(batch).catch((error: unknown) => console.warn("the cache could not be written", error));
  }
}

/** The updates that paint what was kept. */
export function painted(kept: Kept) {
  return kept.conversations.flatMap(({ conversation, newest }) =>
    newest
      ? [
          {
            conversationId: conversation.id,
            at: { at: "newest" as const },
            ...newest,
            users: [],
            moreAfter: false,
            changes: [],
          },
        ]
      : [],
  );
}

function kept(known: Conversation): KeptConversation {
  const { readPosition, unread, visibleFrom, unreadMentions, mutedUntil, hiddenThrough } = known;
  const mine = create(MembershipSchema, {
    readPosition,
    unread,
    visibleFrom,
    unreadMentions,
    mutedUntil,
    hiddenThrough,
  });
  const { lastMessage } = known;
  // As of the count: what comes later is counted when it comes again.
  const conversation = { ...known.info, mine, lastMessage, position: known.counted };
  const whole = known.run && !known.run.moreAfter ? known.run : undefined;
  const newest = whole && {
    messages: whole.messages.slice(-MESSAGES),
    moreBefore: whole.moreBefore || whole.messages.length > MESSAGES,
  };
  return { conversation, cursor: known.cursor, newest };
}
