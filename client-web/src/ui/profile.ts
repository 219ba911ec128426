// What profiles look like.

/** Colours to choose from for a banner; white is readable on each, and so are they on both grounds. */
export const COLORS = [
  "#b8527a",
  "#b25b34",
  "#8d6b1f",
  "#4b7f3e",
  "#2a7f5e",
  "#257c8b",
  "#3d74b8",
  "#6564c4",
  "#8f55b0",
  "#565e6c",
] as const;

/** The longest about text. */
export const ABOUT_MOST = 500;

const COLOR = /^#[0-9a-f]{6}$/i;

/** A colour that somebody chose, if it is one; else one that goes with the person. */
export function bannerColor(color: string, id: bigint): string {
  return COLOR.test(color) ? color : (COLORS[Number((BigInt.asUintN(63, id) * 7n) % 10n)] ?? COLORS[0]);
}
