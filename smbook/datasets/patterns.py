"""Patterns of units that are on or off: pictures and truth tables."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from smbook import _checks
from smbook._records import equal
from smbook.datasets._units import check_units, in_units

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Rows = NDArray[np.int8]

LETTERS = "ACFVXJLTSZ"
MOST_SIDE = 20  # of bars and stripes

_GATES: dict[str, Callable[..., Any]] = {
    "and": np.logical_and,
    "or": np.logical_or,
    "xor": np.logical_xor,
    "nand": lambda a, b: ~(a & b),
    "nor": lambda a, b: ~(a | b),
    "xnor": np.equal,
}
_LETTER_SIDE = 16  # pixels


class Digits(NamedTuple):
    """Pictures of digits, int8 (n, 64), and which digits they show, int64 (n,). Equal if all numbers are."""

    images: Rows
    labels: NDArray[np.int64]

    def __eq__(self, other: object) -> bool:
        return equal(self, other)

    def __ne__(self, other: object) -> bool:
        return not equal(self, other)

    def __repr__(self) -> str:
        return f"Digits({len(self.images)} pictures of {self.images.shape[1]} pixels)"


def bars_and_stripes(side: int, *, doubled: bool = False, units: str = "binary") -> Rows:
    """Return all pictures in which each row is of one colour, and all in which each column is.

    Parameters
    ----------
    side
        Pixels along a side, from 1 to 20.
    doubled
        Keep the white and the black picture twice, as rows and as columns: drawing the direction first and
        then the colours makes these two twice as likely as the others.
    units
        "binary" or "spin".

    Returns
    -------
    Rows
        int8, (2^(side + 1) - 2, side^2), or two more if doubled.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range.

    References
    ----------
    MacKay (2003), chapter 43.

    Examples
    --------
    >>> bars_and_stripes(2)
    array([[0, 0, 0, 0],
           [1, 1, 0, 0],
           [0, 0, 1, 1],
           [1, 1, 1, 1],
           [1, 0, 1, 0],
           [0, 1, 0, 1]], dtype=int8)
    """
    side = _checks.integer("side", side, minimum=1, maximum=MOST_SIDE)
    colours = np.arange(2**side)[:, None] >> np.arange(side) & 1
    bars = np.repeat(colours, side, axis=1)
    stripes = np.tile(colours if doubled else colours[1:-1], side)
    return in_units(np.concatenate([bars, stripes]) > 0, units)


def logic_gate(name: str, *, units: str = "binary") -> Rows:
    """Return the truth table of a gate: rows of two inputs and the output, (4, 3).

    Parameters
    ----------
    name
        "and", "or", "xor", "nand", "nor" or "xnor".
    units
        "binary" or "spin".

    Raises
    ------
    ValueError
        If an argument is none of these.

    Examples
    --------
    >>> logic_gate("xor")
    array([[0, 0, 0],
           [1, 0, 1],
           [0, 1, 1],
           [1, 1, 0]], dtype=int8)
    """
    gate = _GATES[_checks.choice("name", name, _GATES)]
    inputs = (np.arange(4)[:, None] >> np.arange(2) & 1) > 0
    return in_units(np.column_stack([inputs, gate(*inputs.T)]), units)


def digits(*, threshold: float = 8, units: str = "binary") -> Digits:
    """Return scikit-learn's 1797 handwritten digits of 8 x 8 pixels; ink is what is above the threshold.

    Parameters
    ----------
    threshold
        From 0 to below 16, the darkest grey.
    units
        "binary" or "spin".

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range.

    References
    ----------
    Alpaydin and Kaynak (1998); Garris et al. (1994) for the forms that were scanned.

    Examples
    --------
    >>> digits()
    Digits(1797 pictures of 64 pixels)
    """
    threshold = _checks.real("threshold", threshold, minimum=0.0, maximum=math.nextafter(16, 0))
    check_units(units)
    from sklearn.datasets import load_digits  # which loads SciPy's larger part, for these two alone

    found = load_digits()
    return Digits(in_units(found.data > threshold, units), found.target.astype(np.int64))


def letters(side: int = _LETTER_SIDE, *, units: str = "binary") -> Rows:
    """Return pictures of the ten `LETTERS` on side x side pixels, (10, side^2); the first four differ most.

    They are drawn on 16 x 16 pixels, of which each pixel takes the nearest.

    Parameters
    ----------
    side
        Pixels along a side, at least 1.
    units
        "binary" or "spin".

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range.

    Examples
    --------
    >>> letters(8)[2].reshape(8, 8)[:3]
    array([[1, 1, 1, 1, 1, 1, 1, 1],
           [1, 1, 1, 1, 1, 1, 1, 0],
           [1, 1, 0, 0, 0, 0, 0, 0]], dtype=int8)
    """
    side = _checks.integer("side", side, minimum=1, maximum=4096)
    bands = [band.split() for band in _SHEET.strip().split("\n\n")]
    drawn = "".join(row for band in bands for k in range(5) for row in band[k::5])
    pixels = np.array(list(drawn)).reshape(-1, _LETTER_SIDE, _LETTER_SIDE) == "#"
    place = (2 * np.arange(side) + 1) * _LETTER_SIDE // (2 * side)
    return in_units(pixels[:, place][:, :, place].reshape(len(LETTERS), -1), units)


_SHEET = """
......####...... ......######.... .##############. ####........#### ###..........###
.....######..... ....##########.. ################ ####........#### ####........####
.....######..... ..#############. ################ #####......##### #####......#####
.....######..... ..############## ###############. .####......####. .#####....#####.
....########.... .######....####. ####............ .#####....#####. ..#####..#####..
....########.... #####........... ####............ ..####....####.. ...##########...
...##########... ####............ #############... ..#####..#####.. ....########....
...####..####... ####............ ##############.. ...####..####... .....######.....
...####..####... ####............ ##############.. ...####..####... .....######.....
..############.. ####............ #############... ...##########... ....########....
..############.. #####........... ####............ ....########.... ...##########...
..############.. .######....####. ####............ ....########.... ..#####..#####..
.##############. ..############## ####............ .....######..... .#####....#####.
.####......####. ..#############. ####............ .....######..... #####......#####
#####......##### ....##########.. ####............ ......####...... ####........####
####........#### ......######.... ####............ ......####...... ###..........###

...############. ####............ ################ ....########.... ###############.
..############## ####............ ################ ..############.. ################
..############## ####............ ################ .##############. ################
...############. ####............ ################ .##############. ###############.
.........####... ####............ ......####...... #####......###.. .........#####..
.........####... ####............ ......####...... #####........... ........#####...
.........####... ####............ ......####...... .###########.... .......#####....
.##......####... ####............ ......####...... .#############.. ......#####.....
####.....####... ####............ ......####...... ..#############. .....#####......
####.....####... ####............ ......####...... ....###########. ....#####.......
####.....####... ####............ ......####...... ...........##### ...#####........
#####...#####... ####............ ......####...... ..###......##### ..#####.........
.###########.... ################ ......####...... .##############. .###############
.###########.... ################ ......####...... .##############. ################
..#########..... ################ ......####...... ..############.. ################
....#####....... .############### ......####...... ....########.... .###############
"""
