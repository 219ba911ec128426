"""Makes the pieces of the built-in GIF collection: half the size and half the frames of the originals, as animated WebP.

encode.py INDEX OUT SHEET ASSETS...: reads INDEX, finds each code's original in one of the ASSETS folders, writes
OUT/NAME.webp, removes what the index does not name, and draws all of them on dark and on light into SHEET, to look at.
"""

import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from PIL import Image

SIZE = 128
# Two of the original's frames make one.
STEP = 2
# What is all but clear or all but solid becomes so: nobody sees it, and it is a third of the bytes.
ALPHA = [0 if a < 12 else 255 if a > 243 else a for a in range(256)]
ENCODER = {"quality": 42, "alpha_quality": 45, "method": 6}


def pieces(index):
    for line in index.read_text("utf-8").splitlines():
        if " | " in line and not line.startswith("#"):
            code, name = line.split(" | ")[0].split()
            yield code, name


def frames(source):
    with Image.open(source) as picture:
        shown, times = [], []
        for number in range(picture.n_frames):
            picture.seek(number)
            picture.load()
            if number % STEP == 0:
                frame = picture.convert("RGBA").resize((SIZE, SIZE), Image.Resampling.LANCZOS)
                frame.putalpha(frame.getchannel("A").point(ALPHA))
                shown.append(frame)
                times.append(0)
            times[-1] += picture.info["duration"]
    return shown, times


def encode(source, target):
    shown, times = frames(source)
    if len(shown) < 2:
        raise SystemExit(f"{source} does not move")
    shown[0].save(target, "WEBP", save_all=True, append_images=shown[1:], duration=times, loop=0, **ENCODER)
    return target.stat().st_size


def sheet(targets, path):
    columns = 16
    rows = -(-len(targets) // columns)
    picture = Image.new("RGB", (2 * columns * SIZE, rows * SIZE))
    for half, ground in enumerate([(30, 30, 34), (255, 255, 255)]):
        for place, target in enumerate(targets):
            with Image.open(target) as piece:
                piece.seek(piece.n_frames // 3)
                tile = Image.new("RGBA", (SIZE, SIZE), (*ground, 255))
                tile.alpha_composite(piece.convert("RGBA"))
            x, y = half * columns + place % columns, place // columns
            picture.paste(tile.convert("RGB"), (x * SIZE, y * SIZE))
    picture.save(path)


def main():
    index, out, shown, *folders = map(Path, sys.argv[1:])
    listed = list(pieces(index))
    sources = []
    for code, name in listed:
        found = [folder / f"{code}.webp" for folder in folders if (folder / f"{code}.webp").is_file()]
        if not found:
            raise SystemExit(f"there is no original of {name} ({code})")
        sources.append(found[0])
    targets = [out / f"{name}.webp" for _, name in listed]
    for old in set(out.glob("*.webp")) - set(targets):
        old.unlink()
    with ProcessPoolExecutor() as pool:
        sizes = list(pool.map(encode, sources, targets))
    sheet(targets, shown)
    print(f"{len(sizes)} pieces, {sum(sizes) / 1e6:.1f} MB, the largest {max(sizes) / 1e3:.0f} kB; look at {shown}")


if __name__ == "__main__":
    main()
