"""Sizes, and where things lie in `work`, the room that kernels share."""

from __future__ import annotations

import numpy as np

BLOCK = 32  # words that are updated together, and streams of random numbers
LANES = 64
PLANES, ROWS, WORDS, GHOSTS, PLANE_SIZE, COLOUR_SIZE, START, N_SITES = range(8)  # entries of `grid`
GRID_SIZE = 8
PADDING = 8  # words before a colour's first row; after its last one there are PADDING + BLOCK

# Where things lie in `work`: the streams, numbers of unlike neighbours in bits, classes of spins, thresholds.
S0, S1, S2, S3 = 0, BLOCK, 2 * BLOCK, 3 * BLOCK
ONES, TWOS, FOURS = 4 * BLOCK, 5 * BLOCK, 6 * BLOCK
LOW, HIGH, TOP, HALF = 7 * BLOCK, 8 * BLOCK, 9 * BLOCK, 10 * BLOCK
FLIP, UNDECIDED = 11 * BLOCK, 12 * BLOCK
NEIGHBOURS = 13 * BLOCK  # six rows, one for each neighbour
THRESHOLDS = 19 * BLOCK  # three rows of 64, the highest bit first
SMALL, COUNTER_PLANES = 8, 14  # bits of a vertical counter, and of the room that adding it up takes
MOST_COUNTED = 42  # blocks, of up to six unlike neighbours a spin, that fit into a counter
UNLIKE = 19 * BLOCK + 3 * 64
UP = UNLIKE + COUNTER_PLANES * BLOCK
WORK_SIZE = UP + COUNTER_PLANES * BLOCK

NO_BITS, ALL_BITS = np.uint64(0), np.uint64(0xFFFFFFFFFFFFFFFF)
ONE_BIT = np.uint64(1)
