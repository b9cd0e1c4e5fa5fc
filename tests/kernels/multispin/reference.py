"""The multi-spin kernels once more, spin by spin, with 64-bit integers for chances and random numbers.

Nothing here is shared with the kernels but the generator, where its 32 streams begin, and in which order they
are drawn from: 12 words for the highest bits, the lowest of them first, then word after word as long as a
spin's random number agrees with its threshold.
"""

import itertools
import math
import types
from typing import NamedTuple

import mpmath
import numpy as np

from smbook.ising import _multispin
from smbook.ising._model import Model
from smbook.kernels import multispin
from smbook.kernels.multispin.room import S0, S1, S2, S3
from smbook.kernels.rng import next_uint64, seed_state

BITS = np.arange(64, dtype=np.uint64)
BLOCK, DRAWN = 32, 12


def bits_of(word):
    return (np.uint64(word) >> BITS & np.uint64(1)).astype(int)


def word_of(bits):
    return sum(int(bit) << k for k, bit in enumerate(bits))


# What the kernels take


class Engine(NamedTuple):
    """A model, how it lies in words, and what the kernels take."""

    model: Model
    layout: _multispin.Layout
    arrays: _multispin.Arrays
    betas: np.ndarray
    bath: bool
    in_lanes: bool

    def fill(self, states):
        """Put one state, or 64, into words."""
        for lane, spins in enumerate(states if self.in_lanes else [states]):
            flat = np.ascontiguousarray(spins, dtype=np.int8).reshape(-1)
            multispin.pack(flat, *self.layout, self.arrays.grid, lane, self.arrays.words)

    def spins(self):
        """The state in all words, or those of 64 lanes."""
        found = np.zeros((64 if self.in_lanes else 1, *self.model.sides), dtype=np.int8)
        for lane, spins in enumerate(found):
            flat = spins.reshape(-1)
            multispin.unpack(self.arrays.words, *self.layout, self.arrays.grid, lane, flat)
        return found if self.in_lanes else found[0]

    def sweep(self, count=1, kernels=multispin):
        kernels.sweep(*self.arrays, count)

    def measured(self):
        """The sums over bonds and spins, by lane if there are lanes."""
        totals, sums = np.zeros((2, 64), dtype=np.int64)
        if self.in_lanes:
            multispin.measure_lanes(*self.arrays[:5], self.arrays.work, totals, sums)
            return totals, sums
        multispin.measure(*self.arrays[:5], self.arrays.work, totals[:2])
        return int(totals[0]), int(totals[1])


def engine(shape, beta, blocks=None, *, algorithm="heat-bath", coupling=1.0, bonds=None, seed=1):
    """A lattice in `blocks` (one number an axis), or 64 lattices if there are none."""
    parts = (1,) * 3 if blocks is None else (1,) * (3 - len(shape)) + tuple(blocks)
    layout = _multispin.Layout(_multispin._three(shape), np.array(parts, dtype=np.int64))
    betas = np.broadcast_to(np.asarray(beta, dtype=float), 64).copy()
    model = Model(tuple(shape), float(betas[0]), coupling, 0.0, bonds)
    arrays = _multispin.arrays(model, layout, algorithm, betas, seed_state(seed))
    return Engine(model, layout, arrays, betas, algorithm == "heat-bath", blocks is None)


def random_states(engine, seed=1):
    random = np.random.default_rng(seed)
    size = (64,) * engine.in_lanes + engine.model.sides
    return random.choice(np.array([-1, 1], dtype=np.int8), size)


def bond_sum(spins, bonds=None):
    """The sum of b_ij s_i s_j over all bonds."""
    wide = spins.astype(np.int64)
    signs = np.ones((spins.ndim, 1)) if bonds is None else bonds
    return int(sum((sign * wide * np.roll(wide, -1, axis)).sum() for axis, sign in enumerate(signs)))


# Chances and random numbers as integers


def exact_chance(beta, coupling, unlike, bath):
    """The probability in 200 bits: of a flip that costs 4 J u, or of the minority by the heat bath."""
    with mpmath.workprec(200):
        weight = mpmath.exp(-4 * mpmath.mpf(beta) * abs(mpmath.mpf(coupling)) * unlike)
        return weight / (1 + weight) if bath else weight


def thresholds_of(work):
    """The integers that `work` holds in bits: three classes by 64 lanes."""
    start = 19 * BLOCK
    found = np.zeros((3, 64), dtype=object)
    for row, k in itertools.product(range(3), range(64)):
        found[row] += bits_of(work[start + 64 * row + k]).astype(object) << (63 - k)
    return found


class Stream:
    """The words of one of the 32 streams, bit by bit for 64 spins."""

    def __init__(self, work, j):
        self.state = work[[S0 + j, S1 + j, S2 + j, S3 + j]].copy()

    def bits(self):
        return bits_of(next_uint64(self.state))

    def begin(self):
        """The highest 12 bits of 64 random numbers."""
        return sum((self.bits() << k for k in range(DRAWN)), np.zeros(64, dtype=int)).astype(object)


def decide(stream, numbers, thresholds):
    """Tell which of 64 numbers are below their threshold (None for no chance, "half" for a coin)."""
    lucky, drawn = np.zeros(64, dtype=bool), DRAWN
    open_ = {bit: threshold for bit, threshold in enumerate(thresholds) if threshold not in (None, "half")}
    for bit, threshold in enumerate(thresholds):
        if threshold == "half":
            lucky[bit] = numbers[bit] < 2 ** (DRAWN - 1)
    numbers = numbers.copy()
    while True:
        for bit, threshold in list(open_.items()):
            if numbers[bit] != threshold >> (64 - drawn):
                lucky[bit] = numbers[bit] < threshold >> (64 - drawn)
                del open_[bit]
        if not open_ or drawn == 64:
            return lucky
        numbers, drawn = 2 * numbers + stream.bits(), drawn + 1


# A sweep, spin by spin


class Reference:
    """Copies of one lattice, as many as 64 bits have room for; the kernel's are in the first, or in all.

    The last copy may be cut off after the 64th block. Spins beyond are down and never turn.
    """

    def __init__(self, engine, states):
        self.engine, self.model = engine, engine.model
        self.sides = engine.layout.sides.tolist()
        self.blocks = engine.layout.blocks.tolist()
        self.inner = [side // block for side, block in zip(self.sides, self.blocks, strict=True)]
        n_blocks = math.prod(self.blocks)
        self.spins = np.full((-(-64 // n_blocks), *self.sides), -1, dtype=np.int8)
        self.spins[: 64 if engine.in_lanes else 1] = states.reshape(-1, *self.sides)
        self.bonds = np.ones((-(-64 // n_blocks), 3, *self.sides), dtype=np.int8)
        if self.model.bonds is not None:
            axes = slice(3 - len(self.model.sides), None)
            self.bonds[: 64 if n_blocks == 1 else 1, axes] = self.model.bonds.reshape(-1, *self.sides)
        self.copy, block = np.divmod(np.arange(64), n_blocks)
        self.corner = np.array(np.unravel_index(block, self.blocks)) * np.array(self.inner)[:, None]
        self.streams = [Stream(engine.arrays.work, j) for j in range(BLOCK)]
        self.thresholds = thresholds_of(engine.arrays.work)

    def unlike(self, at):
        """How many bonds are unsatisfied, of the 64 spins of a word."""
        here, found = self.spins[self.copy, *at], np.zeros(64, dtype=int)
        sign = -1 if self.model.coupling < 0 else 1
        for axis in range(3 - len(self.model.sides), 3):
            for step in (-1, 1):
                there = at.copy()
                there[axis] = (at[axis] + step) % self.sides[axis]
                bond = self.bonds[self.copy, axis, *(at if step == 1 else there)]
                found += sign * bond * here * self.spins[self.copy, *there] < 0
        return found

    def update(self, at, stream, numbers):
        half = len(self.model.sides)
        unlike = self.unlike(at)
        against = abs(unlike - half)
        chances = self.thresholds[np.maximum(against - 1, 0), np.arange(64)]
        if self.engine.bath:
            chances = [("half" if n == 0 else chance) for n, chance in zip(against, chances, strict=True)]
            flip = (unlike > half) ^ decide(stream, numbers, chances)
        else:
            sure = unlike >= half
            chances = [(None if yes else chance) for yes, chance in zip(sure, chances, strict=True)]
            flip = sure | decide(stream, numbers, chances)
        self.spins[self.copy, *at] *= np.where(flip, -1, 1).astype(np.int8)

    def sweep(self):
        planes, rows, length = self.inner
        for colour, plane in itertools.product(range(2), range(planes)):
            in_plane = rows * length // 2
            for first in range(0, in_plane, BLOCK):
                numbers = [stream.begin() for stream in self.streams]
                for i in range(first, min(first + BLOCK, in_plane)):
                    y, x = divmod(i, length // 2)
                    place = (plane, y, 2 * x + (colour + plane + y) % 2)
                    at = self.corner + np.array(place)[:, None]
                    self.update(at, self.streams[i - first], numbers[i - first])

    def agrees(self):
        """Tell whether the kernels hold the same spins, and their streams have drawn as many words."""
        own = self.spins if self.engine.in_lanes else self.spins[0]
        work = self.engine.arrays.work
        same = [
            stream.state.tolist() == Stream(work, j).state.tolist() for j, stream in enumerate(self.streams)
        ]
        return bool((own.reshape(-1) == self.engine.spins().reshape(-1)).all()) and all(same)


# Functions of a module with other meanings for some names


def in_python(module, **replacements):
    """The functions of a module of kernels as Python runs them, for small pieces of work."""
    scope = dict(vars(module))
    for name, value in vars(module).items():
        if hasattr(value, "py_func"):
            scope[name] = types.FunctionType(value.py_func.__code__, scope, name)
    scope |= replacements
    return types.SimpleNamespace(**scope)
