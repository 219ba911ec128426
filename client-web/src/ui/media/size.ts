// How large things are: on the page, and in words.

/** A size in pixels. */
export interface Size {
  readonly width: number;
  readonly height: number;
}

/** As large as it fits into a frame, and not larger than it is. */
export function fit({ width, height }: Size, frame: Size): Size {
  const scale = Math.min(1, frame.width / Math.max(width, 1), frame.height / Math.max(height, 1));
  return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) };
}

const UNITS = ["bytes", "KB", "MB", "GB", "TB"];

/** So many bytes, for people. */
export function bytes(count: number | bigint): string {
  let size = Number(count);
  let unit = 0;
  while (size >= 1_000 && unit < UNITS.length - 1) {
    size /= 1_024;
    unit++;
  }
  const shown = unit > 0 && size < 10 ? size.toFixed(1) : Math.round(size).toString();
  return unit === 0 && shown === "1" ? "1 byte" : `${shown} ${UNITS[unit]}`;
}
