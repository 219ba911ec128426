// Whose profiles to ask for: those who are named somewhere and not known, and after each connection those on show.

import type { Message, SubscribeResponse } from "../api/protocol";
import { partnerId } from "../state/conversation";
import type { State } from "../state/state";
import type { Core } from "./core";
import { patiently } from "./patience";

/** GetUsers takes so many at once. */
const BATCH = 100;

/** Who is wanted. */
export class People {
  private readonly wanted = new Set<bigint>();
  /** Asked for since the last connection: who was not given does not exist. */
  private readonly asked = new Set<bigint>();
  private onItsWay = false;

  constructor(private readonly core: Core) {}

  /** Wants those who are not known. */
  want(ids: Iterable<bigint>): void {
    for (const id of ids) {
      if (id > 0n && !this.core.state.users.has(id) && !this.asked.has(id)) this.wanted.add(id);
    }
  }

  /** Wants everybody on show anew: what changed while the stream was down is not replayed. */
  refresh(state: State): void {
    this.asked.clear();
    this.onItsWay = false;
    for (const known of state.conversations.values()) {
      const shown = [partnerId(known, state.userId) ?? 0n, ...(known.run?.messages.flatMap(named) ?? [])];
      shown.filter((id) => id > 0n).forEach((id) => this.wanted.add(id));
    }
  }

  work(): void {
    if (this.onItsWay || this.wanted.size === 0) return;
    const batch = [...this.wanted].slice(0, BATCH);
    batch.forEach((id) => {
      this.wanted.delete(id);
      this.asked.add(id);
    });
    this.onItsWay = true;
    void this.call(batch);
  }

  private async call(userIds: bigint[]): Promise<void> {
    const asOf = this.core.state.told.count;
    try {
      const { users, presences } = await patiently(() => this.core.api.users.getUsers({ userIds }));
      this.core.emit({ kind: "usersLoaded", users, presences: { asOf, list: presences } });
    } catch {
      // Asked for again after the next connection at the latest.
      userIds.forEach((id) => this.asked.delete(id));
    }
    this.onItsWay = false;
    this.core.wake();
  }
}

/** Everybody whom an event names. */
export function namedIn(response: SubscribeResponse): bigint[] {
  const kind = response.event?.kind;
  switch (kind?.case) {
    case "messageChanged":
      return kind.value.message ? named(kind.value.message) : [];
    case "typing":
      return kind.value.userIds;
    case "conversationChanged":
      return kind.value.conversation?.directUserIds ?? [];
    case "ready":
      return kind.value.conversations.flatMap(({ directUserIds, lastMessage }) => [
        ...directUserIds,
        ...(lastMessage ? named(lastMessage) : []),
      ]);
    default:
      return [];
  }
}

/** Everybody whom a message names. */
export function named(message: Message): bigint[] {
  const { system, reactions, mentions, pin } = message;
  const told = system ? [...system.userIds, system.newOwnerId] : [];
  const pinned = pin ? [pin.userId] : [];
  const reacted = reactions.flatMap(({ userIds }) => userIds);
  return [message.authorId, ...told, ...reacted, ...mentions.map(({ userId }) => userId), ...pinned];
}
