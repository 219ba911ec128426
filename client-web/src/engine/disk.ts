// What outlives the page: the outbox, drafts, and a small cache. Kept per history and user.

import type { Conversation, Message, User } from "../api/protocol";
import type { Pending } from "../state/update";

/** A conversation as it was, and the end of its messages if it was open: one record, so that they always fit together. */
export interface KeptConversation {
  /** With `mine` and `lastMessage`. */
  readonly conversation: Conversation;
  readonly cursor?: bigint;
  /** The newest messages as of the cursor. */
  readonly newest?: { readonly messages: readonly Message[]; readonly moreBefore: boolean };
}

/** What was kept of one user in one history. */
export interface Kept {
  readonly conversations: readonly KeptConversation[];
  readonly users: readonly User[];
  /** Whom the user blocks. */
  readonly blocked: readonly bigint[];
  /** In the order in which they were written. */
  readonly pending: readonly Pending[];
  readonly drafts: ReadonlyMap<bigint, string>;
}

/** What is not as it was on the disk. */
export interface Batch {
  readonly conversations: readonly KeptConversation[];
  readonly removed: readonly bigint[];
  readonly users: readonly User[];
  readonly blocked?: readonly bigint[];
}

/** Where it is kept. */
export interface Disk {
  /** Goes over to this history and user, and gives what was kept of them. Nothing else may be called before. */
  begin(historyId: string, userId: bigint): Promise<Kept>;
  /** Keeps a message that waits, or what has become of it. It is on the disk when this is done. */
  putPending(pending: Pending): Promise<void>;
  removePending(requestId: string): Promise<void>;
  /** All or nothing. */
  write(batch: Batch): Promise<void>;
  /** An empty text takes the draft away. */
  putDraft(conversationId: bigint, text: string): Promise<void>;
  /** Forgets everything of the present user but what waits to be sent, which is never thrown away. */
  forget(): Promise<void>;
}

/** Nothing kept: for browsers without storage, and for tests. */
export class MemoryDisk implements Disk {
  private readonly pending = new Map<string, Map<string, Pending>>();
  private scope = "";

  async begin(historyId: string, userId: bigint): Promise<Kept> {
    this.scope = `${historyId} ${userId}`;
    return { conversations: [], users: [], blocked: [], pending: [...this.own().values()], drafts: new Map() };
  }

  async putPending(pending: Pending): Promise<void> {
    this.own().set(pending.requestId, pending);
  }

  async removePending(requestId: string): Promise<void> {
    this.own().delete(requestId);
  }

  async write(): Promise<void> {}

  async putDraft(): Promise<void> {}

  async forget(): Promise<void> {}

  private own(): Map<string, Pending> {
    const own = this.pending.get(this.scope) ?? new Map<string, Pending>();
    this.pending.set(this.scope, own);
    return own;
  }
}
