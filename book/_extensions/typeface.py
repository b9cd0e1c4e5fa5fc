"""Cut fonts down to what the book uses: its own faces once, by hand, and the theme's icons in every build.

The faces of `_static/fonts` are Adobe's Source Serif 4 (4.005) and Source Sans 3 (3.052). Their licence keeps
the name "Source" for the whole fonts, so that these parts are called "Book Serif" and "Book Sans". They
were made by

    python book/_extensions/typeface.py <folder with the TTF files> book/_static/fonts
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from fontTools import subset
from fontTools.ttLib import TTFont

if TYPE_CHECKING:
    from collections.abc import Iterable

FACES = {
    "SourceSerif4-Regular": "serif-regular",
    "SourceSerif4-It": "serif-italic",
    "SourceSerif4-Semibold": "serif-bold",
    "SourceSans3-Regular": "sans-regular",
    "SourceSans3-Semibold": "sans-bold",
}
PLAIN = [
    *range(0x20, 0x7F),
    *map(ord, "\u00a0\u2007\u2009–—‘’“”…−×±·²³°§©µ→"),
    *map(ord, "ÄÅÉÖØÜßàáâãäåæçèéêëíîïñóôõöøúûüý"),
]
RICH = [
    *map(ord, "ĆćČčđęěğıŁłńňőřśşŠšůűźżŽž"),  # names of authors
    *range(0x3B1, 0x3CA),  # Greek
    *map(ord, "ΓΔΘΛΣΦΨΩ«»¼½¾÷€‐‑′″←↑↓↔⇒∂√∞∫≈≠≤≥∑∏◆●○"),
]
CHARACTERS = {face: PLAIN + RICH * (face == "serif-regular") for face in FACES.values()}


def cut(font: TTFont, characters: Iterable[int], path: Path, *, features: tuple[str, ...] = ()) -> None:
    """Write the part of a font that these characters need, as WOFF2."""
    options = subset.Options(
        flavor="woff2", layout_features=list(features), hinting=False, desubroutinize=True
    )
    options.name_IDs = [0, 1, 2, 3, 4, 5, 6, 13, 14]  # with the copyright and the licence
    options.recalc_timestamp = False  # the same bytes whenever it is made
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=characters)
    subsetter.subset(font)
    subset.save_font(font, path, options)


def rename(font: TTFont, name: str) -> None:
    """Give a font another name, in every record that holds one."""
    for record in font["name"].names:
        if record.nameID in (1, 3, 4, 6, 16, 18):
            record.string = name.replace(" ", "") if record.nameID == 6 else name


def main(source: Path, target: Path) -> None:
    """Cut all faces of the book."""
    for original, face in FACES.items():
        font = TTFont(source / f"{original}.ttf", recalcTimestamp=False)
        rename(font, "Book " + face.replace("-", " ").title())
        path = target / f"{face}.woff2"
        cut(font, CHARACTERS[face], path, features=("kern", "liga", "tnum"))
        print(f"{path}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
