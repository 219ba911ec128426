import { expect, test } from "vitest";

import { columns } from "./columns";
import { neighbour } from "./grid";

const box = (left: number, top: number, height = 10) => ({ left, top, right: left + 10, bottom: top + height });

test("arrow keys go on in the next row, and stay in their column", () => {
  const boxes = [box(0, 0), box(10, 0), box(20, 0), box(0, 10), box(10, 10)];
  const from = (index: number) => ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"].map((key) => neighbour(boxes, index, key));
  expect(from(0)).toEqual([undefined, 1, undefined, 3]);
  expect(from(2)).toEqual([1, 3, undefined, 4]);
  expect(from(3)).toEqual([2, 4, 0, undefined]);
  expect([neighbour(boxes, 1, "Home"), neighbour(boxes, 1, "End"), neighbour(boxes, 1, "a")]).toEqual([0, 4, undefined]);
});

test("columns of different heights have neighbours too", () => {
  const boxes = [box(0, 0, 30), box(0, 30), box(10, 0), box(10, 10, 30)];
  expect(neighbour(boxes, 1, "ArrowRight")).toBe(3);
  expect(neighbour(boxes, 2, "ArrowLeft")).toBe(0);
  expect(neighbour(boxes, 0, "ArrowDown")).toBe(1);
});

test("things of different heights fill their columns evenly, and stay where they are when more come", () => {
  const things = [2, 1, 1, 1, 3].map((height, id) => ({ id, width: 1, height }));
  const ids = (list: typeof things) => columns(list, 2).map((column) => column.map(({ id }) => id));
  expect(ids(things)).toEqual([
    [0, 3],
    [1, 2, 4],
  ]);
  expect(ids(things.slice(0, 3))).toEqual([[0], [1, 2]]);
});
