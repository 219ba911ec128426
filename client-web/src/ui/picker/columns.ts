// Things of different heights in columns of one width.

import type { Size } from "../media/size";

/** Each thing goes to the column that is the shortest so far. */
export function columns<T extends Size>(things: readonly T[], count: number): T[][] {
  const made: T[][] = Array.from({ length: count }, () => []);
  const heights = Array.from({ length: count }, () => 0);
  for (const thing of things) {
    const at = heights.indexOf(Math.min(...heights));
    made[at]?.push(thing);
    heights[at] = (heights[at] ?? 0) + thing.height / Math.max(1, thing.width);
  }
  return made;
}
