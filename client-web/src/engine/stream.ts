// The events of the stream: what is applied at once, and what has to wait because something before it is missing.

import { Failure } from "../api/error";
import type { Message, Ready, SubscribeResponse } from "../api/protocol";
import { span } from "../api/span";
import { countsItself, leftMeanwhile, mayMentionOthers, mineAt, movesBack } from "../state/conversation";
import type { Mine } from "../state/reaction";
import { NEWEST } from "../state/update";
import type { Core } from "./core";
import { type Ask, Holds } from "./holds";
import type { Loading } from "./loading";
import { patiently } from "./patience";
import { type People, named, namedIn } from "./people";
import type { Reading } from "./reading";
import type { OthersTyping } from "./typing";

/** The parts of the engine that events are about. */
export interface Parts {
  readonly core: Core;
  readonly loading: Loading;
  readonly people: People;
  readonly reading: Reading;
  readonly othersTyping: OthersTyping;
  /** A message of the stream is in the state. */
  arrived(message: Message, mine: Mine): void;
  /** Another history begins; done when what waits in it is known. */
  switchHistory(ready: Ready): Promise<() => void>;
  /** Ready is in the state. */
  begun(): void;
}

/** What happens on the stream, in order. */
export class Stream {
  private readonly holds = new Holds();

  constructor(private readonly parts: Parts) {}

  async receive(response: SubscribeResponse): Promise<void> {
    const kind = response.event?.kind;
    if (kind?.case === "heartbeat") return;
    if (kind?.case === "ready") await this.begin(response, kind.value);
    else if (!this.holds.keep(subject(response), response)) this.deliver(response);
  }

  /** The stream is down: the next one begins at the cursors, and what was held comes again. */
  clear(): void {
    this.holds.clear();
  }

  nextDue(): number | undefined {
    return this.holds.nextDue();
  }

  work(now: number): void {
    for (const ask of this.holds.due(now)) void this.ask(ask).finally(() => this.parts.core.wake());
  }

  /** The conversation is no longer the user's. */
  remove(id: bigint, response: SubscribeResponse): void {
    this.holds.drop(id);
    this.parts.loading.spoil(id);
    this.parts.core.emit({ kind: "eventReceived", response });
  }

  /** The start of a stream, or a new start within one. */
  private async begin(response: SubscribeResponse, ready: Ready): Promise<void> {
    const { core, loading, people } = this.parts;
    let afterwards = () => {};
    if (core.state.historyId !== ready.historyId) {
      this.holds.clear();
      loading.spoilAll();
      afterwards = await this.parts.switchHistory(ready);
    }
    // A cursor from the future: those messages belong to another history. And who left and came in again has lost them.
    for (const listed of ready.conversations) {
      const known = core.state.conversations.get(listed.id);
      if (known && ((known.cursor ?? 0n) > listed.position || leftMeanwhile(known, listed))) loading.spoil(listed.id);
    }
    core.emit({ kind: "eventReceived", response });
    people.want(namedIn(response));
    afterwards();
    this.parts.begun();
    for (const id of core.state.opened) {
      if (!core.state.conversations.get(id)?.run) loading.load(id, NEWEST);
    }
  }

  /** An event of a conversation that is not held. */
  private deliver(response: SubscribeResponse): void {
    const { core, people } = this.parts;
    const id = subject(response);
    // None: a kind from the future. What it says about the numbers still holds.
    const kind = response.event?.kind;
    if (kind?.case === "conversationRemoved") return this.remove(kind.value.conversationId, response);
    if (kind?.case === "conversationReset") return this.reset(id, response);
    const known = core.state.conversations.get(id);
    // Events of the user's own carry her own counter, which is the server's matter: a hole there brings Ready again.
    if (response.conversationId > 0n && response.position > 0n) {
      if (known?.cursor === undefined) return this.holds.hold(id, "fetch", response);
      if (response.position <= known.cursor) return;
      if (response.after > known.cursor) return this.holds.hold(id, "hole", response);
    } else if (!known && (kind?.case === "conversationChanged" || kind?.case === "membershipChanged")) {
      return this.holds.hold(id, "fetch", response);
    }
    const recount = this.needsCount(id, response);
    this.note(response);
    people.want(namedIn(response));
    core.emit({ kind: "eventReceived", response });
    if (known && kind?.case === "messageChanged" && kind.value.message) {
      this.parts.arrived(kind.value.message, mineAt(known, response.position));
    }
    if (recount) this.holds.hold(id, "fetch");
  }

  /** What an event means for the clocks beside the state. */
  private note(response: SubscribeResponse): void {
    const { core, othersTyping, reading } = this.parts;
    const kind = response.event?.kind;
    if (kind?.case === "typing") {
      const until = core.ambient.now() + span(core.state.timings?.typingExpires, 8_000);
      othersTyping.heard(kind.value.conversationId, kind.value.userIds.length > 0, until);
    } else if (kind?.case === "readChanged") {
      const known = core.state.conversations.get(kind.value.conversationId);
      if (known && movesBack(known, kind.value.readPosition)) reading.forget(known.id);
    }
  }

  /** Whether only the server can count the unread messages after this event. */
  private needsCount(id: bigint, response: SubscribeResponse): boolean {
    const { state } = this.parts.core;
    const known = state.conversations.get(id);
    const kind = response.event?.kind;
    if (!known || countsItself(known, state.userId)) return false;
    if (kind?.case === "messageChanged") return kind.value.message !== undefined && this.takesBack(kind.value.message);
    return kind?.case === "readChanged" && known.cursor !== undefined && kind.value.asOf < known.cursor;
  }

  /** Whether a message was deleted or edited that may have counted as unread, or as a mention, and only the server knows. */
  private takesBack(message: Message): boolean {
    const { state } = this.parts.core;
    const known = state.conversations.get(message.conversationId);
    if (!known || message.authorId === state.userId || countsItself(known, state.userId)) return false;
    if (!message.deleted && !mayMentionOthers(known, message)) return false;
    return message.id > known.readPosition && message.changed > known.counted;
  }

  private reset(id: bigint, response: SubscribeResponse): void {
    const { core, loading } = this.parts;
    loading.spoil(id);
    core.emit({ kind: "eventReceived", response });
    // Ready may be older than the reset: what is unread and what was said last has to be asked for.
    this.holds.hold(id, "fetch");
    if (core.state.opened.includes(id)) loading.load(id, NEWEST);
  }

  /** Asks for what held events wait for. */
  private async ask(ask: Ask): Promise<void> {
    const { core } = this.parts;
    const { conversationId, hole } = ask;
    const after = core.state.conversations.get(conversationId)?.cursor;
    try {
      if (hole && after !== undefined) await this.askChanges(ask, after);
      else await this.askConversation(ask);
    } catch (thrown) {
      if (!this.holds.waits(ask)) return;
      const failure = Failure.from(thrown);
      const refused = failure.isNo && failure.retryAfter === undefined;
      const known = core.state.conversations.has(conversationId);
      this.goOn(this.holds.unfilled(conversationId, refused, known, core.ambient.now()));
    }
  }

  private async askChanges(ask: Ask, after: bigint): Promise<void> {
    const { core, people } = this.parts;
    const { conversationId } = ask;
    const answer = await patiently(() => core.api.messages.listChanges({ conversationId, after }));
    if (!this.holds.waits(ask)) return;
    const { messages, users, position, more } = answer;
    const cursor = core.state.conversations.get(conversationId)?.cursor ?? 0n;
    const news = messages.filter((message) => message.changed > cursor);
    const recount = news.some((message) => this.takesBack(message));
    core.emit({ kind: "changesLoaded", changes: { conversationId, position, messages, users } });
    people.want(news.flatMap(named));
    news.forEach((message) => this.parts.arrived(message, "told"));
    if (recount) this.holds.hold(conversationId, "fetch");
    this.goOn(this.holds.filled(conversationId, "hole", more));
  }

  private async askConversation(ask: Ask): Promise<void> {
    const { conversationId } = ask;
    const { conversation, users } = await patiently(() => this.parts.core.api.conversations.getConversation({ conversationId }));
    // She has left meanwhile, or another connection began with what is newer.
    if (!this.holds.waits(ask)) return;
    this.parts.core.emit({ kind: "conversationLoaded", conversation, users });
    this.goOn(this.holds.filled(conversationId, "fetch"));
  }

  /** Events that were held. One of them may open the next hole, and holds those behind it. */
  private goOn(events: readonly SubscribeResponse[]): void {
    for (const event of events) {
      if (!this.holds.keep(subject(event), event)) this.deliver(event);
    }
  }
}

/** Which conversation an event is about; 0 if none. */
function subject(response: SubscribeResponse): bigint {
  const kind = response.event?.kind;
  if (response.conversationId !== 0n) return response.conversationId;
  switch (kind?.case) {
    case "messageChanged":
      return kind.value.message?.conversationId ?? 0n;
    case "conversationChanged":
      return kind.value.conversation?.id ?? 0n;
    case "conversationRemoved":
    case "typing":
    case "readChanged":
    case "reactionChanged":
    case "membershipChanged":
      return kind.value.conversationId;
    default:
      return 0n;
  }
}
