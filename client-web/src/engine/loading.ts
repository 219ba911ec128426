// The pages and replied-to messages that are being fetched, and what changed in their conversations meanwhile.

import { Failure } from "../api/error";
import type { Message } from "../api/protocol";
import type { Mine } from "../state/reaction";
import { firstId, lastId, get } from "../state/run";
import { type Changed, NEWEST, type PageAt, placeName } from "../state/update";
import type { Core } from "./core";
import type { People } from "./people";
import { patiently } from "./patience";
import { named } from "./people";
import { Replies } from "./replies";

/** Messages of one page. */
const PAGE_SIZE = 50;

/** A page on its way. */
interface Meanwhile {
  readonly conversationId: bigint;
  readonly changes: Changed[];
  /** More happened than changes: the page is worth nothing. */
  stale: boolean;
}

/** All that is on its way. */
export class Loading {
  readonly replies: Replies;
  private readonly pages = new Map<string, Meanwhile>();

  constructor(
    private readonly core: Core,
    private readonly people: People,
  ) {
    this.replies = new Replies(core);
  }

  /** The page before the loaded run. Does nothing while it is on its way, and where there is none. */
  older(id: bigint): void {
    const run = this.core.state.conversations.get(id)?.run;
    const first = run?.moreBefore ? firstId(run) : undefined;
    if (first !== undefined) this.load(id, { at: "before", id: first });
  }

  /** The page after the loaded run. */
  newer(id: bigint): void {
    const run = this.core.state.conversations.get(id)?.run;
    const last = run?.moreAfter ? lastId(run) : undefined;
    if (last !== undefined) this.load(id, { at: "after", id: last });
  }

  /** Replaces the loaded run by the messages around one of them, unless it is loaded already. */
  around(id: bigint, messageId: bigint): void {
    const known = this.core.state.conversations.get(id);
    if (known && !(known.run && get(known.run, messageId))) this.load(id, { at: "around", id: messageId });
  }

  /** Replaces the loaded run by the newest messages, unless it ends with them already. The view follows the end. */
  newest(id: bigint): void {
    const known = this.core.state.conversations.get(id);
    if (!known) return;
    if (known.run && !known.run.moreAfter) {
      this.core.emit({ kind: "followingChanged", conversationId: id, following: true });
    } else {
      this.load(id, NEWEST);
    }
  }

  /** Fetches a page from the server. */
  load(conversationId: bigint, at: PageAt): void {
    if (!this.core.ready) {
      const why = "There is no connection to the server.";
      return this.core.emit({ kind: "pageFailed", conversationId, at, why });
    }
    const key = `${conversationId} ${placeName(at)}`;
    if (this.pages.has(key)) return;
    const meanwhile = { conversationId, changes: [], stale: false };
    this.pages.set(key, meanwhile);
    this.core.emit({ kind: "pageRequested", conversationId, at });
    void this.call(at, meanwhile).finally(() => this.core.wake());
  }

  /** A message changed. */
  changed(message: Message, mine: Mine): void {
    for (const page of this.of(message.conversationId)) page.changes.push({ message, mine });
    this.replies.changed(message);
  }

  /** The conversation has begun anew. */
  spoil(conversationId: bigint): void {
    for (const page of this.of(conversationId)) page.stale = true;
    this.replies.forget(conversationId);
  }

  /** Another history has begun. */
  spoilAll(): void {
    for (const page of this.pages.values()) page.stale = true;
    this.replies.clear();
  }

  private of(conversationId: bigint): Meanwhile[] {
    return [...this.pages.values()].filter((page) => page.conversationId === conversationId);
  }

  private async call(at: PageAt, meanwhile: Meanwhile): Promise<void> {
    const { conversationId, changes } = meanwhile;
    const place = at.at === "newest" ? ({ case: undefined } as const) : ({ case: at.at, value: at.id } as const);
    const key = `${conversationId} ${placeName(at)}`;
    try {
      const request = { conversationId, at: place, pageSize: PAGE_SIZE };
      const { messages, users, moreBefore, moreAfter } = await patiently(() => this.core.api.messages.listMessages(request));
      this.pages.delete(key);
      if (meanwhile.stale) return this.moved(conversationId, at);
      this.people.want(messages.flatMap(named));
      const page = { conversationId, at, messages, users, moreBefore, moreAfter, changes };
      this.core.emit({ kind: "pageLoaded", page });
    } catch (thrown) {
      this.pages.delete(key);
      this.core.emit({ kind: "pageFailed", conversationId, at, why: Failure.from(thrown).message });
    }
  }

  private moved(conversationId: bigint, at: PageAt): void {
    const why = "The conversation has moved on.";
    this.core.emit({ kind: "pageFailed", conversationId, at, why });
    if (at.at === "newest" && this.core.state.conversations.has(conversationId)) this.load(conversationId, at);
  }
}
