// For tests: an engine against a server that is a script.

import { type MessageInitShape, create } from "@bufbuild/protobuf";
import { createRouterTransport } from "@connectrpc/connect";
import { vi } from "vitest";

import type { Upload } from "../api/media";
import * as v1 from "../api/protocol";
import { over } from "../api/transport";
import type { Ambient } from "./ambient";
import { type Disk, MemoryDisk } from "./disk";
import { Engine } from "./engine";

export const ROOM = 1n;
type Event = MessageInitShape<typeof v1.SubscribeResponseSchema>;

/** One event stream, fed by hand. */
class Feed {
  private readonly waiting: (Event | Error)[] = [];
  private next?: () => void;

  constructor(readonly request: v1.SubscribeRequest) {}

  push(...events: (Event | Error)[]): void {
    this.waiting.push(...events);
    this.next?.();
  }

  async *[Symbol.asyncIterator]() {
    for (;;) {
      const event = this.waiting.shift();
      if (event instanceof Error) throw event;
      if (event) yield event;
      else await new Promise<void>((resolve) => (this.next = resolve));
    }
  }
}

/** A server that answers as it is told. */
export function script(disk: Disk = new MemoryDisk()) {
  const feeds: Feed[] = [];
  const sends: v1.SendMessageRequest[] = [];
  const changes: v1.ListChangesRequest[] = [];
  const uploads: string[] = [];
  const marks: string[] = [];
  const say = {
    upload: (async (content, name, onProgress) => {
      onProgress?.(content.size / 2, content.size);
      return create(v1.MediaSchema, { id: `media ${uploads.length}`, name, size: BigInt(content.size) });
    }) as Upload,
    send: async (request: v1.SendMessageRequest): Promise<MessageInitShape<typeof v1.SendMessageResponseSchema>> => ({
      message: message(100n + BigInt(sends.length), { authorId: 1n, requestId: request.requestId }),
    }),
    changes: (): MessageInitShape<typeof v1.ListChangesResponseSchema> => ({ position: 0n }),
    conversation: async (): Promise<MessageInitShape<typeof v1.GetConversationResponseSchema>> => ({}),
    page: async (): Promise<MessageInitShape<typeof v1.ListMessagesResponseSchema>> => ({ messages: [message(10n)] }),
    message: async (id: bigint): Promise<MessageInitShape<typeof v1.GetMessageResponseSchema>> => ({ message: message(id) }),
    read: async (id: bigint): Promise<MessageInitShape<typeof v1.MarkReadResponseSchema>> => ({ readPosition: id }),
  };
  const transport = createRouterTransport(({ service }) => {
      service(v1.EventService, {
        subscribe: (request) => {
          const feed = new Feed(request);
          feeds.push(feed);
          return feed;
        },
      });
      service(v1.MessageService, {
        sendMessage: (request) => {
          sends.push(request);
          return say.send(request);
        },
        listChanges: (request) => {
          changes.push(request);
          return say.changes();
        },
        listMessages: () => say.page(),
        getMessage: ({ id }) => say.message(id),
        markRead: ({ id }) => {
          marks.push(`read ${id}`);
          return say.read(id);
        },
        markUnread: ({ id }) => {
          marks.push(`unread ${id}`);
          return {};
        },
      });
      service(v1.ConversationService, { getConversation: () => say.conversation(), leaveGroup: () => ({}) });
      service(v1.GifService, { saveGif: ({ gifId }) => ({ media: { id: `saved ${gifId}` } }) });
      service(v1.UserService, { getUsers: () => ({}) });
  });
  const upload: Upload = (content, name, ...more) => {
    uploads.push(name);
    return say.upload(content, name, ...more);
  };
  let id = 0;
  const ambient: Ambient = {
    now: () => Date.now(),
    date: () => Date.now(),
    jitter: () => 1,
    requestId: () => `request ${++id}`,
  };
  const engine = new Engine(over(transport, upload), ambient, disk, () => {});
  void engine.start();
  return { engine, feeds, sends, changes, uploads, marks, say };
}

export function message(id: bigint, more: MessageInitShape<typeof v1.MessageSchema> = {}) {
  return create(v1.MessageSchema, { conversationId: ROOM, id, changed: id, authorId: 2n, ...more });
}

export function ready(position = 10n): Event {
  const conversations = [{ id: ROOM, kind: v1.ConversationKind.GLOBAL, position, mine: { visibleFrom: 1n } }];
  return { event: { kind: { case: "ready", value: { user: { id: 1n }, historyId: "h", sessionId: "s", conversations } } } };
}

export const caughtUp: Event = { event: { kind: { case: "caughtUp", value: {} } } };

export function changed(id: bigint, after = id - 1n, more = {}): Event {
  const value = { message: message(id, more) };
  return { conversationId: ROOM, after, position: id, event: { kind: { case: "messageChanged", value } } };
}

/** Lets everything happen that happens within so long. */
export const pass = (milliseconds = 20) => vi.advanceTimersByTimeAsync(milliseconds);
