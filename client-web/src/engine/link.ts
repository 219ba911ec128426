// The event stream, connected again and again. Knows when, not what: cursors are asked for at each try.

import type { MessageInitShape } from "@bufbuild/protobuf";

import { Failure } from "../api/error";
import { ErrorReason, type SubscribeRequestSchema, type SubscribeResponse } from "../api/protocol";
import { span } from "../api/span";
import type { Api } from "../api/transport";
import type { Ambient } from "./ambient";
import { Backoff } from "./backoff";

/** Without any event for so long a stream is dead, until the server says its own time. */
const SILENCE = 45_000;
/** The same when there is reason to doubt it: a heartbeat and some. */
const DOUBT = 20_000;

/** Who hears of the link. */
export interface Listener {
  connecting(): void;
  /** From where to go on? */
  resume(): MessageInitShape<typeof SubscribeRequestSchema>;
  /** The next event is read when this is done. */
  received(response: SubscribeResponse): void | Promise<void>;
  down(why: string, retryAt: number): void;
  signedOut(): void;
}

/** Why a stream is over. */
type End = { readonly why: string; readonly delay: number } | "signedOut";

/** Keeps the link until it is stopped, or the session has ended. */
export class Link {
  private readonly backoff = new Backoff();
  private stopped = false;
  private silence = SILENCE;
  private deadAt = 0;
  private watch?: ReturnType<typeof setTimeout>;
  private stream?: AbortController;
  private endPause?: () => void;

  constructor(
    private readonly api: Api,
    private readonly ambient: Ambient,
    private readonly listener: Listener,
  ) {}

  async run(): Promise<void> {
    while (!this.stopped) {
      const end = await this.connect();
      if (this.stopped) return;
      if (end === "signedOut") return this.listener.signedOut();
      this.listener.down(end.why, this.ambient.now() + end.delay);
      await this.pause(end.delay);
    }
  }

  /** Tries again now; a stream that is open has to prove itself. */
  wake(): void {
    if (this.endPause) this.endPause();
    else if (this.stream) this.expect(DOUBT);
  }

  stop(): void {
    this.stopped = true;
    this.stream?.abort();
    this.endPause?.();
  }

  private async connect(): Promise<End> {
    const stream = new AbortController();
    this.stream = stream;
    this.silence = SILENCE;
    this.deadAt = Infinity;
    this.listener.connecting();
    this.expect(this.silence);
    try {
      const events = this.api.events.subscribe(this.listener.resume(), { signal: stream.signal, timeoutMs: 0 });
      for await (const response of events) {
        if (this.stopped) break;
        const asked = this.note(response);
        if (asked !== undefined) return { why: "The server is restarting.", delay: Math.max(asked, this.delay()) };
        await this.listener.received(response);
        this.deadAt = Infinity;
        this.expect(this.silence);
      }
      return { why: "The connection was closed.", delay: this.delay() };
    } catch (thrown) {
      return this.broken(Failure.from(thrown));
    } finally {
      clearTimeout(this.watch);
      stream.abort();
      this.stream = undefined;
    }
  }

  /** What an event means for the link itself; a wait if the server asks to connect again. */
  private note(response: SubscribeResponse): number | undefined {
    const kind = response.event?.kind;
    if (kind?.case === "ready") this.silence = span(kind.value.timings?.timeout, SILENCE);
    if (kind?.case === "caughtUp") this.backoff.reset();
    return kind?.case === "reconnect" ? span(kind.value.after, 0) : undefined;
  }

  private broken(failure: Failure): End {
    if (failure.isSignedOut) return "signedOut";
    const silent = this.ambient.now() >= this.deadAt;
    const slow = failure.reason === ErrorReason.SLOW_READER;
    const why = silent ? "The server does not answer." : slow ? "The connection was too slow." : failure.message;
    return { why, delay: Math.max(this.delay(), failure.retryAfter ?? 0) };
  }

  /** Something has to be heard within so long. */
  private expect(within: number): void {
    const deadAt = this.ambient.now() + within;
    if (deadAt >= this.deadAt) return;
    this.deadAt = deadAt;
    clearTimeout(this.watch);
    this.watch = setTimeout(() => this.stream?.abort(), within);
  }

  private delay(): number {
    return this.backoff.next(this.ambient.jitter());
  }

  private async pause(delay: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, delay);
      this.endPause = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.endPause = undefined;
  }
}
