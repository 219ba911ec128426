import { create } from "@bufbuild/protobuf";
import { expect, test } from "vitest";

import { GifSchema } from "../../api/protocol";
import { Favorites } from "./gifs.svelte";

const gif = (id: string) => create(GifSchema, { id });

test("a star that was taken off does not come back with a list from before", () => {
  const favorites = new Favorites();
  favorites.listed([gif("party"), gif("cat")]);
  favorites.choose("party", false);
  favorites.choose("dog", true);
  favorites.listed([gif("party"), gif("cat"), gif("hat")]);
  expect(["party", "cat", "dog", "hat"].filter((id) => favorites.has(id))).toEqual(["cat", "dog", "hat"]);
});
