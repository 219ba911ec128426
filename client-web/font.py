"""Makes Twemoji.woff2 of Twemoji's drawings: a COLRv0 font with all emoji sequences, joined with and without U+FE0F.

    pip install fonttools brotli picosvg
    npm pack @discordapp/twemoji@16.0.1 && tar xzf discordapp-twemoji-16.0.1.tgz
    python3 font.py package/dist/svg Twemoji.ttf Twemoji.woff2
"""
import multiprocessing
import os
import sys

from fontTools.feaLib.builder import addOpenTypeFeaturesFromString
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.cu2quPen import Cu2QuPen
from fontTools.pens.transformPen import TransformPen
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.svgLib.path import parse_path
from picosvg.svg import SVG

EM, ASCENT, DESCENT = 512, 448, -64
FE0F, JOINER = 0xFE0F, 0x200D


def layers(path):
    """The shapes of a drawing, each one glyph of one colour."""
    svg = SVG.parse(path).topicosvg()
    box = svg.view_box()
    scale = EM / max(box.w, box.h)
    move = (scale, 0, 0, -scale, -box.x * scale, ASCENT + box.y * scale)
    made = []
    for shape in svg.shapes():
        pen = TTGlyphPen(None)
        # Turned over, outlines run the other way round.
        parse_path(shape.as_path().d, TransformPen(Cu2QuPen(pen, 0.5, reverse_direction=True), move))
        glyph = pen.glyph(dropImpliedOnCurves=True)
        if glyph.numberOfContours == 0:
            continue
        made.append((glyph, color(shape.fill), shape.opacity))
    return made


NAMED = {"black": "#000000", "red": "#ff0000", "green": "#008000", "navy": "#000080"}


def color(fill):
    """Red, green and blue of 0 to 1."""
    digits = NAMED.get(fill, fill).lstrip("#")
    if len(digits) == 3:
        digits = "".join(digit * 2 for digit in digits)
    return tuple(int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4))


def read(task):
    name, path = task
    return tuple(int(code, 16) for code in name.split("-")), layers(path)


def main(source, *targets):
    tasks = [(name[:-4], os.path.join(source, name)) for name in sorted(os.listdir(source)) if name.endswith(".svg")]
    with multiprocessing.Pool(2) as pool:
        drawn = pool.map(read, tasks, chunksize=32)
    glyphs, metrics, cmap = {}, {}, {}
    empty = TTGlyphPen(None).glyph()

    def add(name, glyph, width):
        glyphs[name], metrics[name] = glyph, (width, 0)
        return name

    add(".notdef", empty, EM)
    add("space", empty, EM // 4)
    cmap[0x20] = "space"
    shapes, palette, colored, joined = {}, {}, {}, {}
    for sequence, made in drawn:
        bare = tuple(code for code in sequence if code != FE0F)
        name = add("e" + "_".join(f"{code:x}" for code in bare), empty, EM)
        colored[name] = []
        largest = 0
        for glyph, rgb, opacity in made:
            key = (bytes(glyph.coordinates.array), bytes(glyph.flags), tuple(glyph.endPtsOfContours))
            shape = shapes.get(key) or shapes.setdefault(key, add(f"s{len(shapes)}", glyph, EM))
            colored[name].append((shape, palette.setdefault((*rgb, opacity), len(palette))))
            # For who draws no colours.
            if len(glyph.coordinates) > largest:
                largest, glyphs[name] = len(glyph.coordinates), alias(shape)
        if len(bare) == 1:
            cmap[bare[0]] = name
        else:
            joined[bare] = name
    for code in sorted({code for sequence in joined for code in sequence} | {FE0F, JOINER}):
        if code not in cmap:
            cmap[code] = add(f"p{code:x}", empty, 0)
    font = FontBuilder(EM, isTTF=True)
    font.setupGlyphOrder(list(glyphs))
    font.setupCharacterMap(cmap)
    font.setupGlyf(glyphs)
    font.setupHorizontalMetrics(metrics)
    for name, glyph in font.font["glyf"].glyphs.items():
        metrics[name] = (metrics[name][0], getattr(glyph, "xMin", 0))
    font.setupHorizontalMetrics(metrics)
    font.setupHorizontalHeader(ascent=ASCENT, descent=DESCENT)
    font.setupNameTable(
        {
            "familyName": "Twemoji Rookery",
            "styleName": "Regular",
            "copyright": "Drawings: Twitter, Inc and other contributors, CC BY 4.0. Drawn from Twemoji 16.0.1.",
            "licenseInfoURL": "https://creativecommons.org/licenses/by/4.0/",
        }
    )
    font.setupOS2(sTypoAscender=ASCENT, sTypoDescender=DESCENT, usWinAscent=ASCENT, usWinDescent=-DESCENT)
    font.setupPost(keepGlyphNames=False)
    font.setupCPAL([list(palette)])
    font.setupCOLR(colored, version=0)
    addOpenTypeFeaturesFromString(font.font, rules(joined, cmap))
    for target in targets:
        font.font.flavor = "woff2" if target.endswith(".woff2") else None
        font.save(target)
    print(len(colored), "emoji,", len(shapes), "shapes,", len(palette), "colours")


def alias(shape):
    pen = TTGlyphPen({shape: None})
    pen.addComponent(shape, (1, 0, 0, 1, 0, 0))
    return pen.glyph()


def rules(joined, cmap):
    """Ligatures. A part may be followed by U+FE0F or not: programs differ in what they leave of it, and so do people."""
    lines = []
    for bare, name in sorted(joined.items(), key=lambda item: -len(item[0])):
        for marks in combinations([at for at, code in enumerate(bare) if code in MARKED]):
            parts = []
            for at, code in enumerate(bare):
                parts += [cmap[code]] + ([cmap[FE0F]] if at in marks else [])
            lines.append((len(parts), f"  sub {' '.join(parts)} by {name};"))
    # A lone one is swallowed too, that it takes no place.
    for code in sorted(MARKED & set(cmap)):
        if cmap[code].startswith("e"):
            lines.append((2, f"  sub {cmap[code]} {cmap[FE0F]} by {cmap[code]};"))
    lines.sort(key=lambda line: -line[0])
    return "feature ccmp {\n" + "\n".join(dict.fromkeys(text for _, text in lines)) + "\n} ccmp;\n"


def combinations(places):
    """All of them, none, and each alone: more is written by nobody."""
    return [set(), set(places), *({place} for place in places)] if len(places) > 1 else [set(), set(places)]


# What is text by itself and an emoji with U+FE0F after it: all below U+1F000, and these (Unicode's emoji-data.txt).
MARKED = {*b"#*0123456789", *range(0xA9, 0xAF), *range(0x203C, 0x329A)} | {
    0x1F170, 0x1F171, 0x1F17E, 0x1F17F, 0x1F202, 0x1F237, 0x1F321, *range(0x1F324, 0x1F32D), 0x1F336, 0x1F37D, 0x1F396,
    0x1F397, *range(0x1F399, 0x1F39C), 0x1F39E, 0x1F39F, *range(0x1F3CB, 0x1F3CF), *range(0x1F3D4, 0x1F3E0), 0x1F3F3,
    0x1F3F5, 0x1F3F7, 0x1F43F, 0x1F441, 0x1F4FD, 0x1F549, 0x1F54A, 0x1F56F, 0x1F570, *range(0x1F573, 0x1F57A), 0x1F587,
    *range(0x1F58A, 0x1F58E), 0x1F590, 0x1F5A5, 0x1F5A8, 0x1F5B1, 0x1F5B2, 0x1F5BC, *range(0x1F5C2, 0x1F5C5),
    *range(0x1F5D1, 0x1F5D4), *range(0x1F5DC, 0x1F5DF), 0x1F5E1, 0x1F5E3, 0x1F5E8, 0x1F5EF, 0x1F5F3, 0x1F5FA, 0x1F6CB,
    *range(0x1F6CD, 0x1F6D0), *range(0x1F6E0, 0x1F6E6), 0x1F6E9, 0x1F6F0, 0x1F6F3,
}

if __name__ == "__main__":
    main(*sys.argv[1:])
