// What the server should know of this page: which conversations it shows, and whether somebody is there.

import { earliest } from "./core";

/** One thing to tell: on change, on a new stream, and every `repeat`. One call at a time, so that an older one never overtakes a newer one. */
export class Report<T> {
  private value?: T;
  private due?: number;
  private onItsWay = false;

  constructor(private readonly isSame: (one: T, other: T) => boolean = Object.is) {}

  set(value: T, now: number): void {
    if (this.value !== undefined && this.isSame(this.value, value)) return;
    this.value = value;
    this.due = now;
  }

  /** What to tell now, if anything; nothing is told that nobody said. */
  take(now: number, repeat: number): T | undefined {
    if (this.value === undefined || this.onItsWay || this.due === undefined || this.due > now) return undefined;
    this.due = now + repeat;
    this.onItsWay = true;
    return this.value;
  }

  done(): void {
    this.onItsWay = false;
  }

  /** A new stream knows nothing. */
  restart(now: number): void {
    this.onItsWay = false;
    this.due = now;
  }

  nextDue(): number | undefined {
    return this.onItsWay || this.value === undefined ? undefined : this.due;
  }
}

/** Both reports. */
export class Here {
  readonly view = new Report<readonly bigint[]>((one, other) => one.join() === other.join());
  readonly idle = new Report<boolean>();

  restart(now: number): void {
    this.view.restart(now);
    this.idle.restart(now);
  }

  nextDue(): number | undefined {
    return earliest([this.view.nextDue(), this.idle.nextDue()]);
  }
}
