// The disk in a browser: IndexedDB. Messages of the protocol are kept as its own bytes.

import { fromBinary, toBinary } from "@bufbuild/protobuf";

import { ConversationSchema, GifSchema, MediaSchema, MessageSchema, UserSchema } from "../api/protocol";
import type { Pending, PendingAttachment } from "../state/update";
import { type Batch, type Disk, type Kept, type KeptConversation, MemoryDisk } from "./disk";

const NAME = "rookery";
const VERSION = 3;

/** What else is kept of a user. */
interface AccountRow {
  scope: string;
  blocked: bigint[];
}

interface ConversationRow {
  scope: string;
  id: string;
  conversation: Uint8Array;
  cursor?: bigint;
  newest?: { messages: Uint8Array[]; moreBefore: boolean };
}

interface AttachmentRow {
  name: string;
  size: number;
  picture?: PendingAttachment["picture"];
  /** Without it: a file, whose content is a row of its own. */
  gif?: Uint8Array;
  media?: Uint8Array;
}

/** The content of a file that waits. The browser keeps a copy, once: the original may go, and the message changes often. */
interface FileRow {
  requestId: string;
  index: number;
  content: Blob;
}

interface PendingRow {
  number?: number;
  scope: string;
  requestId: string;
  pending: Omit<Pending, "attachments">;
  /** Rows from before there were files have none. */
  attachments?: AttachmentRow[];
}

/** The disk of this browser; a memory if it has none. */
export async function openDisk(): Promise<Disk> {
  try {
    return new IndexedDisk(await open());
  } catch (error) {
    console.warn("nothing can be kept in this browser", error);
    return new MemoryDisk();
  }
}

async function open(): Promise<IDBDatabase> {
  const request = indexedDB.open(NAME, VERSION);
  request.onupgradeneeded = ({ oldVersion }) => {
    const database = request.result;
    if (oldVersion < 1) {
      const pending = database.createObjectStore("pending", { keyPath: "number", autoIncrement: true });
      pending.createIndex("scope", "scope");
      pending.createIndex("requestId", "requestId", { unique: true });
      for (const name of ["conversations", "users", "drafts"]) {
        database.createObjectStore(name, { keyPath: ["scope", "id"] }).createIndex("scope", "scope");
      }
    }
    if (oldVersion < 2) database.createObjectStore("files", { keyPath: ["requestId", "index"] });
    if (oldVersion < 3) database.createObjectStore("accounts", { keyPath: "scope" });
  };
  const opened = await answer(request);
  // A newer page in another tab wants to go on.
  opened.onversionchange = () => opened.close();
  return opened;
}

/** All files of a message. */
const filesOf = (requestId: string) => IDBKeyRange.bound([requestId, 0], [requestId, Infinity]);

class IndexedDisk implements Disk {
  private scope = "";

  constructor(private readonly database: IDBDatabase) {}

  async begin(historyId: string, userId: bigint): Promise<Kept> {
    this.scope = `${historyId} ${userId}`;
    const all = this.database.transaction(["pending", "files", "conversations", "users", "accounts", "drafts"], "readonly");
    const list = <Row>(name: string): Promise<Row[]> =>
      answer(all.objectStore(name).index("scope").getAll(this.scope) as IDBRequest<Row[]>);
    const account = answer(all.objectStore("accounts").get(this.scope) as IDBRequest<AccountRow | undefined>);
    const [pending, conversations, users, drafts] = await Promise.all([
      list<PendingRow>("pending"),
      list<ConversationRow>("conversations"),
      list<{ user: Uint8Array }>("users"),
      list<{ id: string; text: string }>("drafts"),
    ]);
    const files = (row: PendingRow): Promise<FileRow[]> =>
      row.attachments ? answer(all.objectStore("files").getAll(filesOf(row.requestId))) : Promise.resolve([]);
    const waiting = pending.sort((one, other) => (one.number ?? 0) - (other.number ?? 0));
    return {
      pending: await Promise.all(waiting.map(async (row) => readPending(row, await files(row)))),
      conversations: conversations.map(readConversation),
      users: users.map((row) => fromBinary(UserSchema, row.user)),
      blocked: (await account)?.blocked ?? [],
      drafts: new Map(drafts.map(({ id, text }) => [BigInt(id), text])),
    };
  }

  async putPending(pending: Pending): Promise<void> {
    // A message is acknowledged to its writer by its bubble: it has to survive a power cut from then on.
    const change = this.database.transaction(["pending", "files"], "readwrite", { durability: "strict" });
    const [store, files] = [change.objectStore("pending"), change.objectStore("files")];
    const known = store.index("requestId").getKey(pending.requestId);
    known.onsuccess = () => {
      const { attachments, ...rest } = pending;
      const row: PendingRow = { scope: this.scope, requestId: pending.requestId, pending: rest };
      if (attachments.length > 0) row.attachments = attachments.map(writeAttachment);
      if (typeof known.result === "number") row.number = known.result;
      store.put(row);
    };
    for (const [index, { source }] of pending.attachments.entries()) {
      if (source.is !== "file") continue;
      const row: FileRow = { requestId: pending.requestId, index, content: source.content };
      const there = files.getKey([row.requestId, index]);
      there.onsuccess = () => {
        if (there.result === undefined) files.put(row);
      };
    }
    await done(change);
  }

  async removePending(requestId: string): Promise<void> {
    const change = this.database.transaction(["pending", "files"], "readwrite");
    const store = change.objectStore("pending");
    change.objectStore("files").delete(filesOf(requestId));
    const known = store.index("requestId").getKey(requestId);
    known.onsuccess = () => {
      if (known.result !== undefined) store.delete(known.result);
    };
    await done(change);
  }

  async write(batch: Batch): Promise<void> {
    const stores = ["conversations", "users", "accounts"];
    const change = this.database.transaction(stores, "readwrite", { durability: "relaxed" });
    const [conversations, users] = [change.objectStore("conversations"), change.objectStore("users")];
    for (const kept of batch.conversations) conversations.put(this.writeConversation(kept));
    for (const id of batch.removed) conversations.delete([this.scope, String(id)]);
    for (const user of batch.users) {
      users.put({ scope: this.scope, id: String(user.id), user: toBinary(UserSchema, user) });
    }
    if (batch.blocked) {
      const row: AccountRow = { scope: this.scope, blocked: [...batch.blocked] };
      change.objectStore("accounts").put(row);
    }
    await done(change);
  }

  async putDraft(conversationId: bigint, text: string): Promise<void> {
    const change = this.database.transaction("drafts", "readwrite", { durability: "relaxed" });
    const id = String(conversationId);
    if (text) change.objectStore("drafts").put({ scope: this.scope, id, text });
    else change.objectStore("drafts").delete([this.scope, id]);
    await done(change);
  }

  async forget(): Promise<void> {
    const names = ["conversations", "users", "drafts"];
    const change = this.database.transaction([...names, "accounts"], "readwrite");
    change.objectStore("accounts").delete(this.scope);
    for (const name of names) {
      const rows = change.objectStore(name).index("scope").openCursor(this.scope);
      rows.onsuccess = () => {
        rows.result?.delete();
        rows.result?.continue();
      };
    }
    await done(change);
  }

  private writeConversation({ conversation, cursor, newest }: KeptConversation): ConversationRow {
    return {
      scope: this.scope,
      id: String(conversation.id),
      conversation: toBinary(ConversationSchema, conversation),
      cursor,
      newest: newest && {
        messages: newest.messages.map((message) => toBinary(MessageSchema, message)),
        moreBefore: newest.moreBefore,
      },
    };
  }
}

function readPending({ pending, attachments = [] }: PendingRow, files: readonly FileRow[]): Pending {
  const content = (index: number) => files.find((file) => file.index === index)?.content;
  return { ...pending, attachments: attachments.flatMap((row, index) => readAttachment(row, content(index)) ?? []) };
}

function writeAttachment({ name, size, picture, source, media }: PendingAttachment): AttachmentRow {
  const gif = source.is === "gif" ? toBinary(GifSchema, source.gif) : undefined;
  return { name, size, picture, gif, media: media && toBinary(MediaSchema, media) };
}

function readAttachment(row: AttachmentRow, content: Blob | undefined): PendingAttachment | undefined {
  const { name, size, picture, gif, media } = row;
  const source = content
    ? ({ is: "file", content } as const)
    : gif && ({ is: "gif", gif: fromBinary(GifSchema, gif) } as const);
  return source && { name, size, picture, source, media: media && fromBinary(MediaSchema, media) };
}

function readConversation(row: ConversationRow): KeptConversation {
  return {
    conversation: fromBinary(ConversationSchema, row.conversation),
    cursor: row.cursor,
    newest: row.newest && {
      messages: row.newest.messages.map((message) => fromBinary(MessageSchema, message)),
      moreBefore: row.newest.moreBefore,
    },
  };
}

function answer<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error("IndexedDB"));
  });
}

function done(change: IDBTransaction): Promise<void> {
  return new Promise((resolve, reject) => {
    change.oncomplete = () => resolve();
    change.onabort = change.onerror = () => reject(change.error ?? new Error("IndexedDB"));
  });
}
