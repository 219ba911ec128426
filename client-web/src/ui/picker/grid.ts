// The arrow keys among things that are laid out in two dimensions.

const DIRECTIONS: Readonly<Record<string, readonly [number, number]>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

interface Box {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/** Which of the boxes is reached from one of them by a key; none at the edge, and for other keys. */
export function neighbour(boxes: readonly Box[], from: number, key: string): number | undefined {
  if (key === "Home") return 0;
  if (key === "End") return boxes.length - 1;
  const direction = DIRECTIONS[key];
  const start = boxes[from];
  if (!direction || !start) return undefined;
  let best: { index: number; distance: number } | undefined;
  for (const [index, box] of boxes.entries()) {
    if (index === from) continue;
    const [dx, dy] = [middle(box.left, box.right) - middle(start.left, start.right), middle(box.top, box.bottom) - middle(start.top, start.bottom)];
    const [ahead, aside] = direction[0] === 0 ? [dy * direction[1], dx] : [dx * direction[0], dy];
    if (ahead < 2) continue;
    // What lies beside counts more than distance: up and down stay in their column as long as they can.
    const distance = ahead + Math.abs(aside) * 4;
    if (!best || distance < best.distance) best = { index, distance };
  }
  if (best && (direction[0] === 0 || inRow(start, boxes[best.index]))) return best.index;
  // At the end of a row the next one follows.
  return direction[0] === 0 ? undefined : (boxes[from + direction[0]] && from + direction[0]);
}

const middle = (one: number, other: number) => (one + other) / 2;

function inRow(one: Box, other: Box | undefined): boolean {
  return other !== undefined && other.top < one.bottom && other.bottom > one.top;
}
