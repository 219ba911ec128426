// Sentences about people: who types, what changed, how many.

import { ConversationKind, MediaKind, type Message, PresenceState, SystemKind, type SystemLine } from "../api/protocol";
import type { Conversation } from "../state/conversation";
import type { State } from "../state/state";

/** More people than this are counted instead of named. */
const NAMES_MOST = 4;

/** What to call a person: her name, or "You". */
export function nameOf(state: State, id: bigint): string {
  return id === state.userId ? "You" : shownName(state, id);
}

/** What a person is called by everybody. */
export function shownName(state: State, id: bigint): string {
  // What the command line announces is nobody's.
  return state.users.get(id)?.displayName ?? (id === 0n ? "The operator" : "Somebody");
}

/** Who is typing; empty if nobody does. */
export function typing(names: readonly string[]): string {
  const [one, two, three] = names;
  if (names.length === 0) return "";
  if (names.length === 1) return `${one} is typing…`;
  if (names.length === 2) return `${one} and ${two} are typing…`;
  return names.length === 3 ? `${one}, ${two} and ${three} are typing…` : "Several people are typing…";
}

/** A system line as a sentence. */
export function system(state: State, message: Message): string {
  const line = message.system;
  if (!line) return "";
  const who = nameOf(state, message.authorId);
  const sentence = deed(line.kind, who, people(state, line.userIds), line);
  if (line.newOwnerId === 0n) return sentence;
  const owner = nameOf(state, line.newOwnerId);
  return `${sentence} ${owner === "You" ? "You own" : `${owner} owns`} it now.`;
}

function deed(kind: SystemKind, who: string, whom: string, line: SystemLine): string {
  const { name, text } = line;
  const anybody = line.userIds.length > 0;
  switch (kind) {
    case SystemKind.CREATED:
      return `${who} made the group “${name}”${anybody ? ` with ${whom}` : ""}.`;
    case SystemKind.JOINED:
      return `${who} joined.`;
    case SystemKind.ADDED:
      return `${who} added ${whom}.`;
    case SystemKind.LEFT:
    case SystemKind.LEFT_SILENTLY:
      return `${who} left.`;
    case SystemKind.REMOVED:
      return `${who} removed ${whom}.`;
    case SystemKind.RENAMED:
      return `${who} named the group “${name}”.`;
    case SystemKind.MADE_PUBLIC:
      return `${who} made the group public.`;
    case SystemKind.MADE_PRIVATE:
      return `${who} made the group private.`;
    case SystemKind.OWNER_CHANGED:
      return `${who} handed the group over.`;
    case SystemKind.ICON_CHANGED:
      return `${who} changed the group's picture.`;
    case SystemKind.HISTORY_OPENED:
      return `${who} lets those who join read everything.`;
    case SystemKind.HISTORY_CLOSED:
      return `${who} lets those who join read only what comes after.`;
    case SystemKind.OWNER_MANAGES:
      return `${who} keeps the group's name, picture and new members to the owner.`;
    case SystemKind.MEMBERS_MANAGE:
      return `${who} lets all members name the group and add people.`;
    case SystemKind.ANNOUNCED:
      return `${who} to everybody: ${text}`;
    default:
      return `${who} changed the group.`;
  }
}

function people(state: State, ids: readonly bigint[]): string {
  const names = ids.map((id) => (id === state.userId ? "you" : shownName(state, id)));
  const last = names.at(-1);
  if (names.length <= 1) return last ?? "nobody";
  if (names.length <= NAMES_MOST) return `${names.slice(0, -1).join(", ")} and ${last}`;
  return `${names[0]}, ${names[1]} and ${names.length - 2} others`;
}

/** A message's first line, for the chat list, replies and the composer. */
export function firstLine(text: string): string {
  return text.split("\n").find((line) => line.trim() !== "") ?? "";
}

/** What a message says, in one line: its text, else what came with it. */
export function gist({ text, attachments }: Message): string {
  const line = firstLine(text);
  if (line !== "" || attachments.length === 0) return line;
  const [first] = attachments;
  const pictures = attachments.filter(({ kind }) => kind === MediaKind.PICTURE);
  if (pictures.length === attachments.length) {
    if (pictures.length > 1) return `${pictures.length} pictures`;
    return first?.animated ? "GIF" : "Picture";
  }
  return attachments.length === 1 ? (first?.name ?? "") : `${attachments.length} files`;
}

/** The second line of a chat in the list. */
export function preview(state: State, known: Conversation): string {
  const message = known.lastMessage;
  const { kind } = known.info;
  if (!message) return kind === ConversationKind.GLOBAL ? "Everybody on this server" : "No messages yet";
  if (message.system) return system(state, message);
  if (message.deleted) return "Message deleted";
  const says = gist(message);
  const alone = kind === ConversationKind.DIRECT && message.authorId !== state.userId;
  return alone ? says : `${nameOf(state, message.authorId)}: ${says}`;
}

/** A presence as a word. */
export function presenceWord(presence: PresenceState): string {
  if (presence === PresenceState.ONLINE) return "Online";
  if (presence === PresenceState.DO_NOT_DISTURB) return "Do not disturb";
  return presence === PresenceState.IDLE ? "Idle" : "Offline";
}

/** So many of something. */
export function count(number: number | bigint, one: string, many: string): string {
  return `${number} ${Number(number) === 1 ? one : many}`;
}

/** The first letters of two words. */
export function initials(name: string): string {
  const words = name.split(/[^\p{L}\p{N}]+/u).filter((word) => word !== "");
  const letters = words.slice(0, 2).map((word) => [...word][0] ?? "");
  return letters.join("").toUpperCase() || "?";
}
