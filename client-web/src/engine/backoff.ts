// How long to wait before the next try: twice as long each time, up to a limit, and never at the same moment as all
// others.

/** The waits between tries, in milliseconds. */
export class Backoff {
  private tries = 0;

  constructor(
    private readonly first = 500,
    private readonly most = 30_000,
  ) {}

  /** The next wait: between half of it and the whole, as `jitter` (0 to 1) says. */
  next(jitter: number): number {
    const whole = Math.min(this.first * 2 ** Math.min(this.tries, 20), this.most);
    this.tries++;
    return whole * (0.5 + jitter / 2);
  }

  /** A try has worked. */
  reset(): void {
    this.tries = 0;
  }
}
