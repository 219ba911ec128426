// What a GIF picker shows: a page of GIFs after the other, of the words that were asked for last alone.

import { fromJson, toJson, type JsonValue } from "@bufbuild/protobuf";

import { Failure } from "../../api/error";
import { type Gif, GifSchema } from "../../api/protocol";
import type { Api } from "../../api/transport";
import { Recent } from "../habit";

/** Where GIFs come from. */
export type Place =
  | { readonly is: "search"; readonly query: string }
  | { readonly is: "trending" }
  | { readonly is: "favorites" }
  | { readonly is: "recent" };

const PAGE = 24;
const RECENT_MOST = 24;

const kept = new Recent<JsonValue>("gifs", RECENT_MOST, (gif) => String((gif as { id?: unknown } | null)?.id));

/** Those sent last from this browser. */
export const recentGifs = {
  list: (): Gif[] =>
    kept.list().flatMap((json) => {
      try {
        return [fromJson(GifSchema, json, { ignoreUnknownFields: true })];
      } catch {
        return [];
      }
    }),
  use: (gif: Gif) => kept.use(toJson(GifSchema, gif)),
};

/** Which GIFs have the user's star: as the server listed them, but for what she has chosen here. */
export class Favorites {
  private stars = $state.raw<ReadonlyMap<string, boolean>>(new Map());

  has(gifId: string): boolean {
    return this.stars.get(gifId) ?? false;
  }

  /** A list may be older than what was chosen since. */
  listed(gifs: readonly Gif[]): void {
    const unknown = gifs.filter(({ id }) => !this.stars.has(id));
    if (unknown.length > 0) this.stars = new Map([...this.stars, ...unknown.map(({ id }) => [id, true] as const)]);
  }

  choose(gifId: string, likes: boolean): void {
    this.stars = new Map(this.stars).set(gifId, likes);
  }
}

/** A list that grows as one scrolls. */
export class GifList {
  gifs = $state.raw<readonly Gif[]>([]);
  busy = $state(false);
  error = $state("");
  private next = "";
  private call?: AbortController;

  constructor(
    private readonly gifCalls: Api["gifs"],
    readonly place: Place,
  ) {}

  /** The next page; nothing while one is on its way, and at the end. */
  async more(): Promise<void> {
    if (this.busy || (this.gifs.length > 0 && this.next === "")) return;
    this.busy = true;
    this.error = "";
    const call = new AbortController();
    this.call = call;
    try {
      const { gifs, nextPageToken } = await this.page({ pageSize: PAGE, pageToken: this.next }, call.signal);
      const known = new Set(this.gifs.map(({ id }) => id));
      this.gifs = [...this.gifs, ...gifs.filter(({ id }) => !known.has(id))];
      this.next = nextPageToken;
    } catch (thrown) {
      if (!call.signal.aborted) this.error = Failure.from(thrown).message;
    }
    this.busy = false;
  }

  /** Nobody wants it any more. */
  end(): void {
    this.call?.abort();
  }

  private async page(
    page: { pageSize: number; pageToken: string },
    signal: AbortSignal,
  ): Promise<{ gifs: readonly Gif[]; nextPageToken: string }> {
    const { place } = this;
    switch (place.is) {
      case "search":
        return this.gifCalls.searchGifs({ query: place.query, ...page }, { signal });
      case "trending":
        return this.gifCalls.listTrendingGifs(page, { signal });
      case "favorites":
        return this.gifCalls.listFavoriteGifs(page, { signal });
      case "recent":
        return { gifs: recentGifs.list(), nextPageToken: "" };
    }
  }
}
