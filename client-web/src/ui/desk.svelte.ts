// What the whole window shares: the engine, its state, what is open, and whether somebody is there.

import { createContext } from "svelte";

import { Failure } from "../api/error";
import type { User } from "../api/protocol";
import { span } from "../api/span";
import { connect } from "../api/transport";
import { REAL } from "../engine/ambient";
import { Engine } from "../engine/engine";
import { openDisk } from "../engine/indexed";
import { ConversationKind, type Media, type Message } from "../api/protocol";
import { EMPTY, type State, chats, unread } from "../state/state";
import type { Chosen } from "./media/chosen";

/** A dialog over the window. */
export type Dialog =
  | { readonly is: "addChat" }
  | { readonly is: "addGroup" }
  | { readonly is: "addMembers"; readonly conversationId: bigint }
  | { readonly is: "invite"; readonly conversationId: bigint }
  | { readonly is: "rename"; readonly conversationId: bigint }
  | { readonly is: "leave"; readonly conversationId: bigint }
  | { readonly is: "removeMember"; readonly conversationId: bigint; readonly user: User }
  | { readonly is: "deleteMessage"; readonly message: Message }
  | { readonly is: "react"; readonly message: Message }
  | { readonly is: "person"; readonly userId: bigint }
  | { readonly is: "profile" }
  | { readonly is: "viewer"; readonly pictures: readonly Media[]; readonly index: number }
  | { readonly is: "signOut" };

/** How often times on show are looked at again. */
const TICK = 20_000;

export class Desk {
  state = $state.raw<State>(EMPTY);
  /** The open conversation. */
  openId = $state.raw<bigint>();
  dialog = $state.raw<Dialog>();
  showsMembers = $state(false);
  /** What went wrong last, for people. */
  error = $state("");
  now = $state.raw(new Date());
  focused = $state(document.hasFocus());
  /** Whether the page is on a screen. */
  visible = $state(document.visibilityState === "visible");
  engine = $state.raw<Engine>();
  /** Files that are chosen and not sent, by conversation. */
  readonly chosen = new Map<bigint, readonly Chosen[]>();
  /** On a narrow screen the open conversation covers the list. */
  showsChat = $state(false);

  /** Whether pictures move: only while somebody looks, and does not mind. */
  get moves(): boolean {
    return this.focused && !this.calm;
  }

  private calm = $state(matchMedia("(prefers-reduced-motion: reduce)").matches);
  private lastTouch = Date.now();
  private readonly ends: (() => void)[] = [];

  constructor(private readonly onSignedOut: () => void) {}

  /** Connects; until `stop`. */
  async start(): Promise<void> {
    const engine = new Engine(connect(), REAL, await openDisk(), (state) => this.show(state));
    this.engine = engine;
    this.listen(engine);
    await engine.start();
  }

  stop(): void {
    this.engine?.stop();
    for (const end of this.ends) end();
  }

  /** Shows a conversation. */
  open(conversationId: bigint): void {
    this.showsChat = true;
    this.dialog = undefined;
    if (this.openId === conversationId) return;
    this.openId = conversationId;
    this.engine?.open(conversationId);
    this.engine?.setView([conversationId]);
  }

  /** Does something, and shows what went wrong with it. */
  async run(deed: Promise<unknown> | undefined): Promise<void> {
    this.error = "";
    try {
      await deed;
    } catch (thrown) {
      this.error = Failure.from(thrown).message;
    }
  }

  private show(state: State): void {
    this.state = state;
    if (state.connection.is === "signedOut") return this.onSignedOut();
    const gone = this.openId !== undefined && !state.conversations.has(this.openId);
    if (gone || this.openId === undefined) this.openFirst(state);
    document.title = unread(state) > 0n ? `(${unread(state)}) Rookery` : "Rookery";
  }

  /** The global room: where one lands, and where one is when the open conversation is gone. */
  private openFirst(state: State): void {
    const first = chats(state).find((known) => known.info.kind === ConversationKind.GLOBAL);
    this.showsMembers = false;
    this.openId = first?.id;
    // Inside a turn of the engine: it is told after it.
    queueMicrotask(() => {
      if (!first || this.openId !== first.id) return;
      this.engine?.open(first.id);
      this.engine?.setView([first.id]);
    });
  }

  private listen(engine: Engine): void {
    const on = (target: EventTarget, names: string[], heard: () => void) => {
      for (const name of names) {
        target.addEventListener(name, heard, { passive: true });
        this.ends.push(() => target.removeEventListener(name, heard));
      }
    };
    const look = () => {
      this.now = new Date();
      const idleAfter = span(this.state.timings?.idleAfter, 600_000);
      engine.setIdle(Date.now() - this.lastTouch > idleAfter);
    };
    const touch = () => {
      this.lastTouch = Date.now();
    };
    on(window, ["focus", "blur"], () => {
      this.focused = document.hasFocus();
      if (this.focused) touch();
      look();
    });
    const motion = matchMedia("(prefers-reduced-motion: reduce)");
    on(motion, ["change"], () => (this.calm = motion.matches));
    on(window, ["keydown", "pointermove", "pointerdown", "wheel"], touch);
    on(window, ["online"], () => engine.reconnect());
    on(window, ["pagehide"], () => engine.flush());
    on(document, ["visibilitychange"], () => {
      this.visible = document.visibilityState === "visible";
      if (!this.visible) return engine.flush();
      look();
      engine.reconnect();
    });
    const timer = setInterval(look, TICK);
    this.ends.push(() => clearInterval(timer));
    look();
  }
}

const [getHolder, setHolder] = createContext<{ readonly current: Desk }>();

/** The desk of this window; to be called while a component is made. */
export const getDesk = () => getHolder().current;

/** Where the components below find the desk. */
export const setDesk = setHolder;
