// Small habits of whoever uses this browser: emotes and GIFs used last, the tone of skin. No secret, and no loss.

const PREFIX = "rookery habit ";

/** A list of the newest first, without doubles. */
export class Recent<T> {
  constructor(
    private readonly place: string,
    private readonly most: number,
    private readonly key: (item: T) => string,
  ) {}

  list(): T[] {
    const kept = read(this.place);
    return Array.isArray(kept) ? (kept as T[]) : [];
  }

  use(item: T): void {
    const others = this.list().filter((other) => this.key(other) !== this.key(item));
    write(this.place, [item, ...others].slice(0, this.most));
  }
}

/** One choice. */
export function choice(place: string): { get(): unknown; set(value: unknown): void } {
  return { get: () => read(place), set: (value) => write(place, value) };
}

/** Whoever comes next has habits of her own. */
export function forgetHabits(): void {
  try {
    for (const key of Object.keys(localStorage)) if (key.startsWith(PREFIX)) localStorage.removeItem(key);
  } catch {
    // Storage is switched off: there are none.
  }
}

function read(place: string): unknown {
  try {
    return JSON.parse(localStorage.getItem(PREFIX + place) ?? "null");
  } catch {
    return null;
  }
}

function write(place: string, value: unknown): void {
  try {
    localStorage.setItem(PREFIX + place, JSON.stringify(value));
  } catch {
    // Storage is switched off or full: it is only a habit.
  }
}
