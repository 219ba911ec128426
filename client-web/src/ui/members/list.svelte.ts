// Who is in a conversation, page by page: of two that are asked for, the last one counts.

import { Failure } from "../../api/error";
import type { Member } from "../../api/protocol";
import type { Engine } from "../../engine/engine";

const PAGE = 100;

/** A list that begins anew whenever the members change. */
export class MemberList {
  members = $state.raw<readonly Member[]>([]);
  total = $state(0);
  error = $state("");
  private next = $state("");
  private busy = false;
  private call?: AbortController;

  constructor(
    private readonly engine: Engine,
    private readonly conversationId: bigint,
  ) {}

  get hasMore(): boolean {
    return this.next !== "";
  }

  /** The first page, in place of all that is there. */
  reload(): Promise<void> {
    return this.load("");
  }

  /** The next page; nothing while any is on its way. */
  async more(): Promise<void> {
    if (!this.busy && this.hasMore) await this.load(this.next);
  }

  /** Nobody wants it any more. */
  end(): void {
    this.call?.abort();
  }

  private async load(pageToken: string): Promise<void> {
    this.end();
    const call = new AbortController();
    this.call = call;
    this.busy = true;
    const { engine, conversationId } = this;
    const asOf = engine.state.told.count;
    try {
      const request = { conversationId, pageSize: PAGE, pageToken };
      const answer = await engine.api.conversations.listMembers(request, { signal: call.signal });
      if (call.signal.aborted) return;
      const users = answer.members.flatMap(({ user }) => (user ? [user] : []));
      engine.emit({ kind: "usersLoaded", users, presences: { asOf, list: answer.presences } });
      this.members = pageToken ? [...this.members, ...answer.members] : answer.members;
      this.total = answer.total;
      this.next = answer.nextPageToken;
      this.error = "";
    } catch (thrown) {
      if (call.signal.aborted) return;
      this.error = Failure.from(thrown).message;
    }
    this.busy = false;
  }
}
