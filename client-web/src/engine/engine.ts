// Everything a client does without a window: it hears the link, the user, the answers and the clock, and tells all of it as
// updates of one state.

import { create } from "@bufbuild/protobuf";

import { Failure } from "../api/error";
import { type Message, type Ready, SubscribeResponseSchema } from "../api/protocol";
import * as session from "../api/session";
import { span } from "../api/span";
import type { Api } from "../api/transport";
import { apply } from "../state/apply";
import type { Mine } from "../state/reaction";
import { EMPTY, type State } from "../state/state";
import { NEWEST, type PendingAttachment, type Update } from "../state/update";
import type { Ambient } from "./ambient";
import { type Core, earliest } from "./core";
import type { Disk } from "./disk";
import { Here } from "./here";
import { Keeper, painted } from "./keeper";
import { Link } from "./link";
import { Loading } from "./loading";
import { Outgoing } from "./outgoing";
import { People } from "./people";
import { Reading } from "./reading";
import { Stream } from "./stream";
import { OthersTyping, OwnTyping } from "./typing";

/** SetView takes so many. */
const VIEW_LIMIT = 8;
/** With nothing to do the engine still looks at the clock now and then. */
const REST = 60_000;

/** The engine: what the user does goes in by its methods, what is to be drawn comes out as a state. */
export class Engine implements Core {
  state: State = EMPTY;
  ready = false;
  /** What was written and not sent, by conversation. */
  drafts = new Map<bigint, string>();
  readonly outgoing: Outgoing;

  private readonly link: Link;
  private readonly stream: Stream;
  private readonly loading: Loading;
  private readonly people = new People(this);
  private readonly reading = new Reading();
  private readonly ownTyping = new OwnTyping();
  private readonly othersTyping = new OthersTyping();
  private readonly here = new Here();
  private readonly keeper: Keeper;
  private timer?: ReturnType<typeof setTimeout>;
  private stopped = false;

  constructor(
    readonly api: Api,
    readonly ambient: Ambient,
    private readonly disk: Disk,
    /** Told after each turn in which the state changed. */
    private readonly onChange: (state: State) => void,
  ) {
    this.keeper = new Keeper(this, disk);
    this.loading = new Loading(this, this.people);
    this.outgoing = new Outgoing(this, disk, (message) => this.learn(message));
    const { loading, people, reading, othersTyping } = this;
    this.stream = new Stream({
      core: this,
      loading,
      people,
      reading,
      othersTyping,
      arrived: (message, mine) => this.arrived(message, mine),
      switchHistory: (ready) => this.switchHistory(ready),
      begun: () => this.begun(),
    });
    this.link = new Link(api, ambient, {
      connecting: () => this.emit({ kind: "connectionChanged", connection: { is: "connecting" } }),
      resume: () => this.resume(),
      received: (response) => this.stream.receive(response).then(() => this.wake()),
      down: (why, retryAt) => this.down({ is: "offline", why, retryAt }),
      signedOut: () => this.down({ is: "signedOut" }),
    });
  }

  /** Paints what was there last time, then connects; goes on until it is stopped or the session ends. */
  async start(): Promise<void> {
    const known = session.current();
    if (known?.historyId) {
      const { userId, historyId } = known;
      const kept = await this.disk.begin(historyId, userId);
      const { conversations, users, blocked, pending } = kept;
      this.outgoing.restore(pending);
      this.emit({ kind: "restored", restored: { userId, historyId, conversations, users, blocked, pending } });
      for (const page of painted(kept)) this.emit({ kind: "pageLoaded", page });
      this.keeper.start(this.state);
      this.drafts = new Map(kept.drafts);
    }
    if (!this.stopped) await this.link.run();
  }

  stop(): void {
    this.keeper.flush();
    this.stopped = true;
    this.link.stop();
    clearTimeout(this.timer);
  }

  /** Writes what was gathered for the disk: the page may be going. */
  flush(): void {
    this.keeper.flush();
  }

  /** Shows a conversation. The last few that were opened stay loaded; opening one that is loaded leaves it where it is. */
  open(conversationId: bigint): void {
    this.emit({ kind: "conversationOpened", conversationId });
    const known = this.state.conversations.get(conversationId);
    if (known && !known.run) this.loading.load(conversationId, NEWEST);
  }

  loadOlder(conversationId: bigint): void {
    this.loading.older(conversationId);
  }

  loadNewer(conversationId: bigint): void {
    this.loading.newer(conversationId);
  }

  loadAround(conversationId: bigint, messageId: bigint): void {
    this.loading.around(conversationId, messageId);
  }

  jumpToPresent(conversationId: bigint): void {
    this.loading.newest(conversationId);
  }

  /** Loads a message that a loaded one answers. */
  loadReply(conversationId: bigint, id: bigint): void {
    this.loading.replies.want(conversationId, id);
  }

  /** Says whether the view of a conversation stands at its end. */
  follow(conversationId: bigint, following: boolean): void {
    if (this.state.conversations.get(conversationId)?.following === following) return;
    this.emit({ kind: "followingChanged", conversationId, following });
  }

  /** Sends a message: it is on the disk with its files before its bubble shows. */
  send(
    conversationId: bigint,
    text: string,
    replyTo = 0n,
    attachments: readonly PendingAttachment[] = [],
  ): Promise<void> {
    this.ownTyping.stop(conversationId);
    return this.outgoing.send(conversationId, text, replyTo, attachments);
  }

  /** The user has seen a message: to be called while the end is in view and the window has the focus, as often as one likes. */
  markRead(conversationId: bigint, id: bigint): void {
    const known = this.state.conversations.get(conversationId);
    if (!known || id <= known.readPosition) return;
    this.reading.want(conversationId, id, this.ambient.now());
    this.emit({ kind: "readMoved", conversationId, readPosition: id });
    this.wake();
  }

  /** It counts as unread again from this message on; what was still to be told of reading is not told. */
  async markUnread(conversationId: bigint, id: bigint): Promise<void> {
    await this.reading.unmark(conversationId, this.ambient.now());
    try {
      await this.api.messages.markUnread({ conversationId, id });
    } finally {
      this.reading.done(conversationId);
      this.wake();
    }
  }

  /** To be called for every change of the draft by a key, and with `stopped` when it became empty. */
  typing(conversationId: bigint, stopped: boolean): void {
    const repeat = span(this.state.timings?.typingRepeat, 4_000);
    const now = this.ambient.now();
    const tell = stopped ? this.ownTyping.stop(conversationId) : this.ownTyping.key(conversationId, now, repeat);
    if (tell && this.ready) this.tellTyping(conversationId, stopped);
    this.wake();
  }

  /** Keeps what was written and not sent. */
  saveDraft(conversationId: bigint, text: string): void {
    if (text) this.drafts.set(conversationId, text);
    else this.drafts.delete(conversationId);
    this.disk.putDraft(conversationId, text).catch((error: unknown) => console.warn("a draft was not kept", error));
  }

  /** The conversations that the window shows. */
  setView(conversationIds: readonly bigint[]): void {
    this.here.view.set(conversationIds.slice(0, VIEW_LIMIT), this.ambient.now());
    this.wake();
  }

  /** Whether nobody has touched the device for a while. */
  setIdle(idle: boolean): void {
    this.here.idle.set(idle, this.ambient.now());
    this.wake();
  }

  /** Tries to connect now instead of waiting, and looks at once whether a connection is dead. */
  reconnect(): void {
    this.link.wake();
    this.wake();
  }

  /** A message as an answer gave it. Its event comes as well, perhaps only after the next start. */
  learn(message: Message): void {
    this.emit({ kind: "messageLoaded", message });
    this.loading.changed(message, "told");
  }

  /** Wants to know these people. */
  wantPeople(ids: Iterable<bigint>): void {
    this.people.want(ids);
    this.wake();
  }

  /** The conversation is no longer the user's. */
  removed(conversationId: bigint): void {
    const kind = { case: "conversationRemoved" as const, value: { conversationId } };
    this.stream.remove(conversationId, create(SubscribeResponseSchema, { event: { kind } }));
  }

  /** Ends the session on the server, and forgets on this device all but what waits to be sent. */
  async signOut(): Promise<void> {
    await this.api.accounts.signOut({}).catch((thrown: unknown) => {
      if (!Failure.from(thrown).isSignedOut) throw thrown;
    });
    this.stopped = true;
    this.link.stop();
    clearTimeout(this.timer);
    await this.disk.forget();
  }

  emit(update: Update): void {
    if (this.stopped) return;
    const next = apply(this.state, update);
    if (next === this.state) return;
    this.state = next;
    this.keeper.note(next);
    this.onChange(next);
  }

  wake(): void {
    this.schedule(0);
  }

  private schedule(delay: number): void {
    clearTimeout(this.timer);
    if (!this.stopped) this.timer = setTimeout(() => this.work(), delay);
  }

  /** Does all that is due now. */
  private work(): void {
    const now = this.ambient.now();
    for (const conversationId of this.othersTyping.expired(now)) this.emit({ kind: "typingExpired", conversationId });
    this.keeper.work(now);
    if (this.ready) {
      this.outgoing.work(now);
      for (const [conversationId, id] of this.reading.due(now)) void this.tellRead(conversationId, id);
      for (const conversationId of this.ownTyping.paused(now)) this.tellTyping(conversationId, true);
      this.people.work();
      this.tellHere(now);
      this.stream.work(now);
    }
    const due = this.nextDue() ?? now + REST;
    this.schedule(Math.min(Math.max(due - now, 0), REST));
  }

  /** When there is something to do again, if nothing happens before. */
  private nextDue(): number | undefined {
    const always = [this.othersTyping, this.keeper];
    const whenReady = [this.outgoing.sending, this.reading, this.ownTyping, this.here, this.stream];
    return earliest((this.ready ? [...always, ...whenReady] : always).map((part) => part.nextDue()));
  }

  private resume() {
    const cursors: Record<string, bigint> = {};
    for (const { id, cursor } of this.state.conversations.values()) {
      if (cursor !== undefined) cursors[String(id)] = cursor;
    }
    return { cursors, historyId: this.state.historyId };
  }

  private down(connection: State["connection"]): void {
    this.ready = false;
    this.stream.clear();
    this.othersTyping.clear();
    this.emit({ kind: "connectionChanged", connection });
    this.wake();
  }

  private begun(): void {
    if (this.ready) return;
    this.ready = true;
    this.outgoing.sending.hurry();
    this.here.restart(this.ambient.now());
    this.people.refresh(this.state);
    this.loading.replies.begun();
  }

  private async switchHistory(ready: Ready): Promise<() => void> {
    this.outgoing.sending.clear();
    this.reading.clear();
    this.keeper.flush();
    // What was kept of the old history is of no use; what waits to be sent in it stays.
    if (this.state.historyId) await this.disk.forget();
    session.setHistory(ready.historyId);
    const kept = await this.disk.begin(ready.historyId, ready.user?.id ?? this.state.userId);
    this.drafts = new Map(kept.drafts);
    this.keeper.start(EMPTY);
    return () => {
      this.outgoing.restore(kept.pending);
      for (const pending of kept.pending) this.emit({ kind: "pendingChanged", pending });
    };
  }

  private arrived(message: Message, mine: Mine): void {
    this.loading.changed(message, mine);
    this.outgoing.arrived(message);
  }

  private async tellRead(conversationId: bigint, id: bigint): Promise<void> {
    const cursor = () => this.state.conversations.get(conversationId)?.cursor;
    const before = cursor();
    try {
      const answer = await this.api.messages.markRead({ conversationId, id });
      if (!this.reading.done(conversationId)) return this.wake();
      // With news in between nobody knows which of them the server counted; its ReadChanged says.
      const { readPosition, unread, unreadMentions } = answer;
      const counted = cursor() === before ? { unread, unreadMentions } : undefined;
      this.emit({ kind: "readMoved", conversationId, readPosition, unread: counted });
    } catch (thrown) {
      const failure = Failure.from(thrown);
      const again = failure.isMaybe || failure.retryAfter !== undefined;
      this.reading.done(conversationId, again ? id : undefined);
    }
    this.wake();
  }

  private tellTyping(conversationId: bigint, stopped: boolean): void {
    // A hint: the next key says it again.
    this.api.events.sendTyping({ conversationId, stopped }).catch(() => {});
  }

  private tellHere(now: number): void {
    const repeat = span(this.state.timings?.activityRepeat, 60_000);
    const { view, idle } = this.here;
    const { sessionId } = this.state;
    const conversationIds = view.take(now, repeat);
    const isIdle = idle.take(now, repeat);
    // Repeated every minute anyway.
    const over = (report: { done(): void }) => () => {
      report.done();
      this.wake();
    };
    if (conversationIds) {
      const request = { sessionId, conversationIds: [...conversationIds] };
      this.api.events.setView(request).then(over(view), over(view));
    }
    if (isIdle !== undefined) {
      this.api.events.setActivity({ sessionId, idle: isIdle }).then(over(idle), over(idle));
    }
  }
}
