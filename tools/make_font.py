"""Make the font of the formulas from STIX Math 1.1.1: ``python tools/make_font.py STIXMath-Regular.otf``.

The font is in Debian's package ``fonts-stix``, and writing it needs ``pip install brotli``. What formulas use is
kept, about a tenth of the size. Its name is changed, as its licence asks of a changed font.
"""

from __future__ import annotations

import sys
from pathlib import Path

from fontTools.misc.transform import Scale, Transform
from fontTools.pens.boundsPen import BoundsPen
from fontTools.pens.t2CharStringPen import T2CharStringPen
from fontTools.pens.transformPen import TransformPen
from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont
from fontTools.ttLib.tables import otTables

OUT = Path(__file__).parents[1] / "book" / "_static" / "vendor" / "course-math" / "course-math.woff2"
NAME = "Course Math"
RADICAL = "√"
PRIMES = 0x2032, 0x2033, 0x2034
INTEGRALS = 0x222B, 0x222C, 0x222E
ROOM = 750, -250
"""Above and below a line, in thousandths: the original has room for its highest brackets, 2566."""

CHARACTERS = (
    "20-7E A0 AC AF B0 B1 B4 B7 D7 F7 131 237 2C6 2C7 2C9 2D8-2DD 300-30C 338 391-3A9 3B1-3C9 3D1 3D5 3D6 3F1 3F5 "
    "2013 2014 2016 2020-2022 2026 2032-2034 203E 20D6 20D7 2102 210B 210E 2110-2113 2115 2118-211D 2124 212C 2130 "
    "2131 2133 2190-2195 21A6 21D0-21D5 27F5-27FA 2200-2209 220B 220F 2211-2213 2215-221E 2223-222E 223C 2243 2245 "
    "2248 2260 2261 2264 2265 226A 226B 227A 227B 2282 2283 2286 2287 2295-2297 2299 22A2-22A5 22C5 22EE-22F1 "
    "2308-230B 23DE 23DF 25A0 25A1 27E8 27E9 27F9 1D400-1D467 1D49C-1D4B5 1D538-1D551 1D6A8-1D71B 1D7CE-1D7D7"
)
"""Letters, digits and Greek; upright, italic, bold, script and double-struck; accents, arrows and signs."""


def make(source: Path, out: Path = OUT) -> Path:
    """Write the part of the font ``source`` that formulas use; where it is."""
    font = TTFont(source)
    keep = Subsetter(
        Options(layout_features=[], hinting=False, desubroutinize=True, name_IDs=["*"], notdef_outline=True)
    )
    keep.populate(unicodes=[code for word in CHARACTERS.split() for code in codes(word)])
    keep.subset(font)
    narrow_radicals(font)
    lower_primes(font)
    widen_integrals(font)
    rename(font)
    for table, above, below in (("hhea", "ascent", "descent"), ("OS/2", "sTypoAscender", "sTypoDescender")):
        setattr(font[table], above, ROOM[0])
        setattr(font[table], below, ROOM[1])
    font["OS/2"].usWinAscent, font["OS/2"].usWinDescent = ROOM[0], -ROOM[1]
    font.flavor = "woff2"
    out.parent.mkdir(parents=True, exist_ok=True)
    font.save(out)
    return out


def codes(word: str) -> range:
    """The code points of one or a range of characters.

    >>> list(codes("41-43"))
    [65, 66, 67]
    """
    first, _, last = word.partition("-")
    return range(int(first, 16), int(last or first, 16) + 1)


def narrow_radicals(font: TTFont) -> None:
    """Make the higher signs of a root as wide as the lowest: Chromium leaves room for the widest behind every root."""
    variants = font["MATH"].table.MathVariants
    lowest = font.getBestCmap()[ord(RADICAL)]
    made = variants.VertGlyphConstruction[variants.VertGlyphCoverage.glyphs.index(lowest)]
    names = {record.VariantGlyph for record in made.MathGlyphVariantRecord}
    names |= {part.glyph for part in made.GlyphAssembly.PartRecords}
    width = font["hmtx"][lowest][0]
    for name in names - {lowest}:
        redraw(font, name, Scale(width / font["hmtx"][name][0], 1))


def lower_primes(font: TTFont) -> None:
    """Make primes large and low: all are superscripts, which makes them small and lifts them."""
    for code in PRIMES:
        redraw(font, font.getBestCmap()[code], Scale(1.4, 1.4).translate(0, -240))


def widen_integrals(font: TTFont) -> None:
    """Make integrals as wide as their ink, or the upper limit lies in it; and say how far back the lower one moves."""
    variants = font["MATH"].table.MathVariants
    corrections = {}
    for code in INTEGRALS:
        sign = variants.VertGlyphCoverage.glyphs.index(font.getBestCmap()[code])
        for record in variants.VertGlyphConstruction[sign].MathGlyphVariantRecord:
            name = record.VariantGlyph
            pen = BoundsPen(font.getGlyphSet())
            font.getGlyphSet()[name].draw(pen)
            width, bearing = font["hmtx"][name]
            corrections[name] = round(pen.bounds[2]) - width
            font["hmtx"][name] = width + corrections[name], bearing
    font["MATH"].table.MathGlyphInfo.MathItalicsCorrectionInfo = corrected(font, corrections)


def corrected(font: TTFont, corrections: dict[str, int]) -> otTables.MathItalicsCorrectionInfo:
    """The corrections as the font's table has them."""
    info = otTables.MathItalicsCorrectionInfo()
    info.Coverage = otTables.Coverage()
    info.Coverage.glyphs = sorted(corrections, key=font.getGlyphID)
    info.ItalicsCorrectionCount = len(corrections)
    info.ItalicsCorrection = [otTables.MathValueRecord() for _ in corrections]
    for record, name in zip(info.ItalicsCorrection, info.Coverage.glyphs, strict=True):
        record.Value = corrections[name]
    return info


def redraw(font: TTFont, name: str, change: Transform) -> None:
    """Change the outline of a glyph, and its width with it."""
    width, bearing = (round(size * change[0]) for size in font["hmtx"][name])
    outlines = font["CFF "].cff.topDictIndex[0].CharStrings
    pen = T2CharStringPen(width, font.getGlyphSet())
    font.getGlyphSet()[name].draw(TransformPen(pen, change))
    outlines[name] = pen.getCharString(outlines[name].private, outlines[name].globalSubrs)
    font["hmtx"][name] = width, bearing


def rename(font: TTFont) -> None:
    """Give the font a name that is not reserved; the copyright and the licence stay."""
    for record in font["name"].names:
        if record.nameID in {1, 3, 4, 6, 16}:
            record.string = NAME.replace(" ", "") if record.nameID == 6 else NAME
    font["CFF "].cff.fontNames = [NAME.replace(" ", "")]
    for key in ("FullName", "FamilyName"):
        setattr(font["CFF "].cff.topDictIndex[0], key, NAME)


if __name__ == "__main__":
    if len(sys.argv) != 2 or not Path(sys.argv[1]).is_file():
        sys.exit(f"given {sys.argv[1:]}; allowed: the path of STIXMath-Regular.otf, version 1.1.1")
    made = make(Path(sys.argv[1]))
    print(f"{made}: {made.stat().st_size:,} bytes")
