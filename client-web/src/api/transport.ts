// Every call of the protocol, to the server that this page came from. Knows nothing of state.

import { type Client, type Transport, createClient } from "@connectrpc/connect";
import { createGrpcWebTransport } from "@connectrpc/connect-web";

import { type Upload, upload } from "./media";
import {
  AccountService,
  ConversationService,
  EventService,
  GifService,
  MessageService,
  ServerService,
  UserService,
} from "./protocol";

/** How long a call may take before its outcome counts as unknown. */
const CALL_TIMEOUT = 20_000;

/** The services. What a call throws is Failure.from's to decode. */
export interface Api {
  readonly accounts: Client<typeof AccountService>;
  readonly conversations: Client<typeof ConversationService>;
  readonly events: Client<typeof EventService>;
  readonly gifs: Client<typeof GifService>;
  readonly messages: Client<typeof MessageService>;
  readonly servers: Client<typeof ServerService>;
  readonly users: Client<typeof UserService>;
  /** Files, of any size that the server takes. */
  readonly upload: Upload;
}

/** The server that this page came from; the browser sends its cookie by itself. */
export function connect(): Api {
  return over(createGrpcWebTransport({ baseUrl: location.origin, defaultTimeoutMs: CALL_TIMEOUT }), upload);
}

/** The services over any transport. */
export function over(transport: Transport, upload: Upload): Api {
  return {
    accounts: createClient(AccountService, transport),
    conversations: createClient(ConversationService, transport),
    events: createClient(EventService, transport),
    gifs: createClient(GifService, transport),
    messages: createClient(MessageService, transport),
    servers: createClient(ServerService, transport),
    users: createClient(UserService, transport),
    upload,
  };
}
