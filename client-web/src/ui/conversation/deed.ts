// What can be done to a line of the conversation. The line says it, the conversation does it.

import type { Message } from "../../api/protocol";
import type { Pending } from "../../state/update";

export type Deed =
  | { readonly is: "reply" | "edit" | "copy" | "unread" | "delete"; readonly message: Message }
  | { readonly is: "react"; readonly message: Message; readonly emote: string; readonly stands: boolean }
  | { readonly is: "person"; readonly userId: bigint }
  | { readonly is: "retry" | "rewrite" | "cancel"; readonly pending: Pending };
