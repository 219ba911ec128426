// Who is signed in. What proves it is a cookie that no script can read (`browser = true`); what is kept here is no secret:
// whose chats this browser shows, and which history they belong to.

import type { Client } from "@connectrpc/connect";

import type { AccountService, User } from "./protocol";

/** Who is signed in, and to which history what is kept belongs. */
export interface Session {
  readonly userId: bigint;
  /** Empty until the server said it. */
  readonly historyId: string;
}

const PLACE = "rookery session";

let kept: Session | undefined = read();

/** Who is signed in in this browser, if anybody. */
export function current(): Session | undefined {
  return kept;
}

/** Makes an account and signs it in. */
export async function register(
  accounts: Client<typeof AccountService>,
  account: { name: string; password: string; displayName: string; invite: string },
): Promise<Session> {
  return begin(await accounts.register({ ...account, device: device(), browser: true }));
}

/** Signs in. */
export async function signIn(
  accounts: Client<typeof AccountService>,
  account: { name: string; password: string },
): Promise<Session> {
  return begin(await accounts.signIn({ ...account, device: device(), browser: true }));
}

/** What is kept belongs to this history from now on. */
export function setHistory(historyId: string): void {
  if (kept) write({ ...kept, historyId });
}

/** Nobody is signed in any more. */
export function end(): void {
  write(undefined);
}

/** Calls back when another tab signs out, or somebody else in: the cookie is one for all tabs. Gives a way to stop. */
export function onChanged(changed: () => void): () => void {
  const heard = (event: StorageEvent) => {
    if (event.key === PLACE && read()?.userId !== kept?.userId) changed();
  };
  addEventListener("storage", heard);
  return () => removeEventListener("storage", heard);
}

function begin(answer: { user?: User }): Session {
  const session = { userId: answer.user?.id ?? 0n, historyId: "" };
  write(session);
  return session;
}

function write(next: Session | undefined): void {
  kept = next;
  try {
    if (next) localStorage.setItem(PLACE, JSON.stringify({ ...next, userId: String(next.userId) }));
    else localStorage.removeItem(PLACE);
  } catch {
    // Storage is switched off: this page knows as long as it lives.
  }
}

function read(): Session | undefined {
  try {
    const text = localStorage.getItem(PLACE);
    if (!text) return undefined;
    const { userId, historyId } = JSON.parse(text) as { userId: string; historyId: string };
    return { userId: BigInt(userId), historyId };
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
