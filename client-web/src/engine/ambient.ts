// Time and chance, in one place: everything else is given them, so that a test can fix them.

/** Where the engine takes time and chance from. */
export interface Ambient {
  /** Milliseconds that only ever go forward. */
  now(): number;
  /** The time of day in milliseconds: only shown, it decides nothing. */
  date(): number;
  /** A number from 0 to 1, for the waits between tries. */
  jitter(): number;
  /** A new requestId: a UUID. */
  requestId(): string;
}

/** The real ones. */
export const REAL: Ambient = {
  now: () => performance.now(),
  date: () => Date.now(),
  jitter: () => Math.random(),
  requestId: uuid,
};

/** A random UUID. crypto.randomUUID is there on https and localhost only; a server in a home network may have neither. */
function uuid(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  const hex = [...bytes].map((byte, index) => {
    const value = index === 6 ? (byte & 0x0f) | 0x40 : index === 8 ? (byte & 0x3f) | 0x80 : byte;
    return value.toString(16).padStart(2, "0");
  });
  const [a, b, c, d, e] = [hex.slice(0, 4), hex.slice(4, 6), hex.slice(6, 8), hex.slice(8, 10), hex.slice(10)];
  return [a, b, c, d, e].map((part) => part?.join("")).join("-");
}
