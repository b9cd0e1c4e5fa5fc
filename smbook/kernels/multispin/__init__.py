"""Kernels for 64 Ising spins in a word of 64 bits: a bit is 1 where its spin is up.

The bits of a word are either up to 64 blocks of one lattice, or one site of 64 lattices, each with a
temperature of its own. Either way the neighbours of a word's spins are the bits of its neighbouring words,
which only at a border of the words' own lattice have to change places: a spin at the edge of a block has its
neighbour in the block beyond. `crossings` says how, `fill_crossings` makes it.

The words form a lattice of two or three dimensions with even sides, coloured like a chessboard. `words`
(uint64, flat) holds one colour after the other; each is `grid[PLANES]` planes of `grid[ROWS]` rows of
`grid[WORDS]` words, half of the sites of a row, between two rows that repeat those beyond the border. In
three dimensions two planes do the same. `fill_grid` tells the sizes. `bonds` (uint64) has for each neighbour
of each word the bits whose bond is negative. If there is no such bond it is None in two dimensions, for
which there is a faster way, and a block of zeros in three.

A sweep updates one colour and then the other, `BLOCK` words at a time. Bit-sliced adders count the unlike
neighbours of all spins of a word at once. A flip that needs luck has a probability p among up to three,
and happens where a number of 64 random bits is below p 2**64. The bits of these numbers come word by word,
the highest 12 for all spins. Those few that are equal so far to the bits of p draw on until they differ, so
that p is exact to 2**-64. Each of the `BLOCK` words has a stream of its own, and each bit its own luck.

Sources: Zorn, Herrmann and Rebbi (1981) for many spins a word; Williams and Kalos (1984) for logic on bits.
"""

from __future__ import annotations

from smbook.kernels.multispin.layout import (
    fill_crossings,
    fill_grid,
    fill_parities,
    pack,
    pack_bonds,
    repeat_borders,
    unpack,
)
from smbook.kernels.multispin.luck import begin_streams, exchange, fill_thresholds, randomize_lanes
from smbook.kernels.multispin.measuring import measure, measure_lanes
from smbook.kernels.multispin.neighbours import count_general
from smbook.kernels.multispin.room import (
    BLOCK,
    COLOUR_SIZE,
    GHOSTS,
    GRID_SIZE,
    LANES,
    PLANE_SIZE,
    PLANES,
    ROWS,
    START,
    WORDS,
    WORK_SIZE,
)
from smbook.kernels.multispin.runs import run, run_lanes, run_square_lanes
from smbook.kernels.multispin.sweeps import sweep

__all__ = [
    "BLOCK",
    "COLOUR_SIZE",
    "GHOSTS",
    "GRID_SIZE",
    "LANES",
    "PLANES",
    "PLANE_SIZE",
    "ROWS",
    "START",
    "WORDS",
    "WORK_SIZE",
    "begin_streams",
    "count_general",
    "exchange",
    "fill_crossings",
    "fill_grid",
    "fill_parities",
    "fill_thresholds",
    "measure",
    "measure_lanes",
    "pack",
    "pack_bonds",
    "randomize_lanes",
    "repeat_borders",
    "run",
    "run_lanes",
    "run_square_lanes",
    "sweep",
    "unpack",
]
