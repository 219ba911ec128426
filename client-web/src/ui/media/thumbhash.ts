// A picture's thumbhash, made visible: some twenty bytes that hold the lowest frequencies of its light and colours.
// The layout is that of https://evanw.github.io/thumbhash/.

/** A small picture, as ImageData takes it. */
export interface Blur {
  readonly width: number;
  readonly height: number;
  readonly pixels: Uint8ClampedArray<ArrayBuffer>;
}

/** Its longer side. */
const SIDE = 32;

/** One channel: its mean, and how strong each wave is. */
interface Channel {
  readonly mean: number;
  readonly waves: readonly { readonly x: number; readonly y: number; readonly strength: number }[];
}

/** Decodes one; none if it is none. */
export function decode(hash: Uint8Array): Blur | undefined {
  if (hash.length < 5) return undefined;
  const bits = (at: number, count: number) => {
    let value = 0;
    for (let bit = 0; bit < count; bit++) {
      value |= (((hash[(at + bit) >> 3] ?? 0) >> ((at + bit) & 7)) & 1) << bit;
    }
    return value;
  };
  const hasAlpha = bits(23, 1) === 1;
  const isWide = bits(39, 1) === 1;
  const [long, short] = [hasAlpha ? 5 : 7, bits(24, 3)];
  const [across, down] = isWide ? [long, short] : [short, long];
  if (across === 0 || down === 0) return undefined;
  // The strengths follow, four bits each, channel by channel.
  let at = (hasAlpha ? 6 : 5) * 8;
  const channel = (mean: number, scale: number, nx: number, ny: number): Channel => {
    const waves = [];
    for (let y = 0; y < ny; y++) {
      for (let x = y === 0 ? 1 : 0; x * ny < nx * (ny - y); x++) {
        waves.push({ x, y, strength: (bits(at, 4) / 7.5 - 1) * scale });
        at += 4;
      }
    }
    return { mean, waves };
  };
  const [nx, ny] = [Math.max(3, across), Math.max(3, down)];
  const light = channel(bits(0, 6) / 63, bits(18, 5) / 31, nx, ny);
  const yellowBlue = channel(bits(6, 6) / 31.5 - 1, (bits(27, 6) / 63) * 1.25, 3, 3);
  const redGreen = channel(bits(12, 6) / 31.5 - 1, (bits(33, 6) / 63) * 1.25, 3, 3);
  const alpha = hasAlpha ? channel(bits(40, 4) / 15, bits(44, 4) / 15, 5, 5) : { mean: 1, waves: [] };

  const ratio = across / down;
  const width = Math.max(1, Math.round(ratio > 1 ? SIDE : SIDE * ratio));
  const height = Math.max(1, Math.round(ratio > 1 ? SIDE / ratio : SIDE));
  const [acrossAt, downAt] = [cosines(width), cosines(height)];
  const pixels = new Uint8ClampedArray(width * height * 4);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const value = ({ mean, waves }: Channel) =>
        waves.reduce((sum, wave) => sum + wave.strength * acrossAt(x, wave.x) * downAt(y, wave.y) * 2, mean);
      const [l, p, q] = [value(light), value(yellowBlue), value(redGreen)];
      const blue = l - (2 / 3) * p;
      const red = (3 * l - blue + q) / 2;
      pixels.set([red, red - q, blue, value(alpha)].map((part) => part * 255), (y * width + x) * 4);
    }
  }
  return { width, height, pixels };
}

/** Waves of up to seven half turns over so many points, looked up rather than computed for each pixel. */
function cosines(size: number): (at: number, wave: number) => number {
  const table = Array.from({ length: size * 8 }, (_, index) =>
    Math.cos((Math.PI / size) * ((index % size) + 0.5) * Math.floor(index / size)),
  );
  return (at, wave) => table[wave * size + at] ?? 0;
}
