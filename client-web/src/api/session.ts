// Who is signed in, and what proves it. The only file that knows how: today a bearer token, kept for this tab alone; with
// `browser = true` in Register and SignIn the server will set a cookie that no script can read, and the token goes.

import type { Client } from "@connectrpc/connect";

import type { AccountService, User } from "./protocol";

/** Who is signed in, and to which history what is kept belongs. */
export interface Session {
  readonly userId: bigint;
  /** Empty until the server said it. */
  readonly historyId: string;
}

interface Kept {
  token: string;
  userId: string;
  historyId: string;
}

const PLACE = "rookery session";

let kept: Kept | undefined = read();

/** Who is signed in in this tab, if anybody. */
export function current(): Session | undefined {
  return kept && { userId: BigInt(kept.userId), historyId: kept.historyId };
}

/** Makes an account and signs it in. */
export async function register(
  accounts: Client<typeof AccountService>,
  account: { name: string; password: string; displayName: string },
): Promise<Session> {
  return begin(await accounts.register({ ...account, device: device() }));
}

/** Signs in. */
export async function signIn(
  accounts: Client<typeof AccountService>,
  account: { name: string; password: string },
): Promise<Session> {
  return begin(await accounts.signIn({ ...account, device: device() }));
}

/** What is kept belongs to this history from now on. */
export function setHistory(historyId: string): void {
  if (kept) write({ ...kept, historyId });
}

/** Nobody is signed in any more. */
export function end(): void {
  write(undefined);
}

/** Proves to the server who calls. */
export function prove(headers: Headers): void {
  if (kept) headers.set("authorization", `Bearer ${kept.token}`);
}

function begin(answer: { token: string; user?: User }): Session {
  const userId = answer.user?.id ?? 0n;
  write({ token: answer.token, userId: String(userId), historyId: "" });
  return { userId, historyId: "" };
}

function write(next: Kept | undefined): void {
  kept = next;
  try {
    if (next) sessionStorage.setItem(PLACE, JSON.stringify(next));
    else sessionStorage.removeItem(PLACE);
  } catch {
    // Storage is switched off: the session lives as long as the page.
  }
}

function read(): Kept | undefined {
  try {
    const text = sessionStorage.getItem(PLACE);
    return text ? (JSON.parse(text) as Kept) : undefined;
  } catch {
    return undefined;
  }
}

/** What to call this browser in a list of sessions. */
function device(): string {
  const agent = navigator.userAgent;
  const [browser] = ["Firefox", "Edg", "Chrome", "Safari"].filter((name) => agent.includes(`${name}/`));
  return browser ? `${browser === "Edg" ? "Edge" : browser} browser` : "Browser";
}
