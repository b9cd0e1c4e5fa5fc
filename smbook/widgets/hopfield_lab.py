"""A live associative memory: patterns that can be drawn, and recalled neuron by neuron."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import traitlets

from smbook import _checks
from smbook.datasets import LETTERS
from smbook.hopfield import DenseMemory, Recall, corrupt, hebb, recall
from smbook.hopfield.patterns import checked_patterns
from smbook.kernels import associative as kernels
from smbook.network import SpinNetwork
from smbook.theory.hopfield import CAPACITY
from smbook.widgets._lab import (
    LARGEST_SEED,
    Binary,
    Choice,
    Integer,
    Lab,
    Real,
    RefusedValueError,
    Switch,
    read_out,
    refusing,
)
from smbook.widgets._stored import LETTER_PIXELS, stored

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Spins = NDArray[np.int8]

MOST_NEURONS = 1024  # of a reader's own patterns
MOST_PATTERNS = 200
MOST_DRAWN = 20


class HopfieldLab(Lab, script="hopfield_lab.js"):
    """Neurons that recall patterns: corrupted by a slider or a brush, they fall to a minimum of the energy.

    The first `count` patterns are ten letters, and then random ones of N = side^2 neurons ("letters"); random
    ones alone ("random"); or, with ``patterns``, the reader's own, int8 (P, N) of up to 200 patterns
    and 1024 neurons, shown in rows; `kind`, `side` and `count` say nothing then. What a reader has drawn on
    the page and stored comes last. Letters resemble each other, so that Hebb's rule loses the first of them
    far below the load that it carries of random patterns.

    They are stored by Hebb's rule; in couplings that project on them ("pseudo-inverse", in float32); or in
    energies of higher order ("polynomial" of a `degree`, "exponential"), by `smbook.hopfield.DenseMemory`.

    From Reset on the page recalls pattern number `cue`, counted from 1 (the last one if there are fewer), of
    which a share `noise` of the neurons has been turned: after k sweeps it shows the spins of
    ``simulate(k)``, bit for bit. At T = 0 it rests where a whole sweep has turned no neuron. Corrupt tries
    again with other neurons turned, of that pattern or of what the reader has painted since. The view
    "compact" has few controls, and shows by itself what it can do until it is touched.

    Energies are per neuron. Read-outs are None until a page shows the lab.

    Examples
    --------
    >>> lab = HopfieldLab(count=5, running=False)
    >>> lab
    HopfieldLab(view='full', kind='letters', side=16, count=5, rule='hebb', degree=3, noise=0.25,
                temperature=0.0, cue=1, speed=150.0, seed=1, running=False)
    >>> lab.network
    SpinNetwork(256 spins, couplings of 5 patterns in float64)
    >>> found = lab.simulate(20)
    >>> found.outcome, found.overlaps[-1, 0]
    ('fixed point', np.float64(1.0))
    >>> lab.noise = 0.6
    Traceback (most recent call last):
        ...
    smbook.widgets._lab.RefusedValueError: noise must be at most 0.5; got 0.6
    """

    alt: ClassVar[dict[str, str]] = {
        "full": (
            "A square of neurons in two colours that shows the letter J with a few wrong pixels; beside it "
            "small pictures of the stored letters, each with a bar of its overlap, and the energy, which "
            "falls in steps to that of the letter."
        ),
        "compact": (
            "A square of neurons in two colours with a letter A that is half restored from noise; beside it "
            "the four stored letters A, C, F and V, each with a bar of its overlap, and the falling energy."
        ),
    }

    view = Choice("full", "compact", doc="all controls, or few and a figure that begins by itself")
    kind = Choice("letters", "random", doc="letters first, or random patterns alone")
    side = Integer(16, 8, 32, doc="the number of neurons along each side of the picture; N is its square")
    count = Integer(4, 1, MOST_PATTERNS, doc="the number of patterns, without those that were drawn")
    rule = Choice("hebb", "pseudo-inverse", "polynomial", "exponential", doc="how patterns are stored")
    degree = Integer(3, 2, 8, doc="n, of the rule polynomial")
    noise = Real(0.25, 0.0, 0.5, doc="the share of neurons that is turned in the cue")
    temperature = Real(0.0, 0.0, 1.5, doc="T, where 1 is the critical one of a single pattern")
    cue = Integer(1, 1, MOST_PATTERNS + MOST_DRAWN, doc="the number of the pattern that is cued, from 1 on")
    speed = Real(150.0, 5.0, 100_000.0, doc="neurons a second, as far as the machine keeps up")
    seed = Integer(1, 0, LARGEST_SEED, doc="the seed of random patterns, of the noise and of the order")
    running = Switch(True, doc="whether the lab is running")

    updates = read_out("how often a neuron was asked since Reset")
    sweeps = read_out("how often all neurons were asked since Reset")
    overlap = read_out("the overlap m with the nearest pattern now, of which the absolute value is largest")
    nearest = read_out("the number of the nearest pattern, from 1 on")
    energy = read_out("the energy per neuron now")

    _aspect = traitlets.Unicode("view", read_only=True).tag(sync=True)
    _names = traitlets.Unicode(LETTERS, read_only=True).tag(sync=True)
    _capacity = traitlets.Float(round(CAPACITY, 6), read_only=True).tag(sync=True)
    _letters = traitlets.Unicode(LETTER_PIXELS, read_only=True).tag(sync=True)
    _patterns = Binary()  # the reader's own, of `_neurons` neurons
    _neurons = traitlets.Int(0, read_only=True).tag(sync=True)
    _drawn = Binary()  # what was drawn on the page and stored
    _spins = Binary()

    def __init__(self, *, patterns: Spins | None = None, **settings: Any) -> None:
        super().__init__(**settings)
        self.patterns = patterns

    @property
    def patterns(self) -> Spins:
        """All stored patterns, int8 (P, N), those that were drawn last.

        Assign patterns to store them in the place of letters and random ones, None to go back to these. What
        was drawn is forgotten then.

        Raises
        ------
        TypeError, ValueError
            If they are no int8 array (P, N) of +1 and -1, or more than 200 of up to 1024 neurons.
        """
        drawn = np.frombuffer(self._drawn, dtype=np.int8).reshape(-1, self._size)
        return np.concatenate([self._own if self._neurons else self._made, drawn])

    @patterns.setter
    def patterns(self, patterns: Spins | None) -> None:
        with refusing():
            known = np.empty((0, 0), np.int8) if patterns is None else _checked(patterns)
        with self.hold_sync():
            self.set_trait("_neurons", known.shape[1])
            self._patterns = known.tobytes()
            self._drawn = b""

    @traitlets.observe("side")
    def _forget(self, _change: Any) -> None:
        self._drawn = b""  # it is of another size

    @property
    def _size(self) -> int:
        return int(self._neurons or self.side**2)

    @property
    def _own(self) -> Spins:
        return np.frombuffer(self._patterns, dtype=np.int8).reshape(-1, self._neurons)

    @property
    def _made(self) -> Spins:
        return stored(self.kind, self.count, self.side, self.seed)

    @property
    def load(self) -> float:
        """P / N of all stored patterns."""
        return len(self.patterns) / self._size

    @property
    def network(self) -> SpinNetwork | DenseMemory:
        """What the patterns are stored in: a `SpinNetwork` by Hebb's rule or projection, or a `DenseMemory`.

        The projection leaves out patterns that depend on those before them, as the page does.
        """
        patterns = self.patterns
        if self.rule == "hebb":
            return hebb(patterns)
        if self.rule == "pseudo-inverse":
            return SpinNetwork(_projection(patterns))
        return DenseMemory(patterns, self.rule, degree=self.degree)

    @property
    def spins(self) -> Spins:
        """The neurons, int8 (N,), as the page last paused, was stepped or painted; before, those of Reset."""
        flat = np.frombuffer(self._spins, dtype=np.int8)
        return flat.copy() if flat.size == self._size else self.simulate(0).spins

    def simulate(self, n_sweeps: int) -> Recall:
        """Return the recall that the page shows from Reset on, as `smbook.hopfield.recall` does.

        Neurons are asked in an order drawn anew for each sweep, of the seed; it is spoiled by
        `smbook.hopfield.corrupt` with the same seed.

        Parameters
        ----------
        n_sweeps
            At most so many sweeps, at least 0: at T = 0 it ends at a fixed point.

        Raises
        ------
        TypeError, ValueError
            If `n_sweeps` is no whole number, or negative.

        Examples
        --------
        >>> lab = HopfieldLab(kind="random", count=80, rule="polynomial", cue=80)
        >>> lab.simulate(10).overlaps[-1, 79]
        np.float64(1.0)
        """
        given: dict[str, Any] = {
            "order": "random",
            "beta": 1.0 / self.temperature if self.temperature else math.inf,
            "max_sweeps": _checks.integer("n_sweeps", n_sweeps, minimum=0),
            "rng": self.seed,
        }
        network, patterns = self.network, self.patterns
        spoiled = corrupt(patterns[min(self.cue, len(patterns)) - 1], self.noise, rng=self.seed)
        if isinstance(network, DenseMemory):
            return network.recall(spoiled, **given)
        return recall(network, spoiled, patterns=patterns, **given)


def _checked(patterns: Any) -> Spins:
    """Return a reader's own patterns, or raise."""
    known = checked_patterns(patterns)
    n_patterns, n_neurons = known.shape
    if not 1 <= n_patterns <= MOST_PATTERNS:
        raise RefusedValueError(f"patterns must be 1 to {MOST_PATTERNS}; got {n_patterns}")
    if n_neurons > MOST_NEURONS:
        raise RefusedValueError(f"patterns must have at most {MOST_NEURONS} neurons; got {n_neurons}")
    return np.ascontiguousarray(known)


def _projection(patterns: Spins) -> NDArray[np.float32]:
    """Return the couplings of the pseudo-inverse rule, pattern by pattern as a page learns them."""
    n_patterns, n_neurons = patterns.shape
    sites = np.ascontiguousarray(patterns.T)
    vectors, matrix = np.zeros((n_patterns, n_neurons)), np.zeros((n_neurons, n_neurons), np.float32)
    for mu in range(n_patterns):
        kernels.learn_projection(sites, mu, vectors, matrix)
    return matrix
