"""Milliseconds of storing patterns and of recalling one from noise: smbook and a peer, one thread each."""

from __future__ import annotations

from functools import cache, partial
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks import timing
from benchmarks.timing import Code
from smbook.hopfield import corrupt, hebb, random_patterns, recall
from smbook.network import SpinNetwork

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from benchmarks.results import Table

PACKAGES = ("smbook", "numba", "numpy", "hopfieldkit")
ROUNDS = 15
SIZES = (1000, 4000)
LOAD, NOISE = 0.1, 0.2
SEED = 1
REPEATED = 20  # recalls that are timed as one: some take less than the clock tells well


@cache
def _patterns(n: int) -> Any:
    return random_patterns(round(LOAD * n), n, rng=SEED)


@cache
def _cue(n: int) -> Any:
    return corrupt(_patterns(n)[0], NOISE, rng=SEED)


@cache
def _stored(n: int) -> SpinNetwork:
    return hebb(_patterns(n))


@cache
def _couplings(n: int, dtype: type) -> SpinNetwork:
    return SpinNetwork(hebb(_patterns(n), dtype=dtype).couplings)


def _peer(n: int) -> Any:
    """Return the peer's network with the patterns stored."""
    from hopfieldkit import HopfieldNetwork

    return HopfieldNetwork(n).fit(_patterns(n))


_peer_stored = cache(_peer)


def _recall(network: Callable[[int], SpinNetwork], n: int) -> Any:
    for _ in range(REPEATED):
        found = recall(network(n), _cue(n))
    return found.spins


def _peer_recall(n: int) -> Any:
    return _peer_stored(n).recall(_cue(n), order="sequential")


RECALL: dict[str, Callable[[int], Any]] = {
    "smbook": partial(_recall, _stored),
    "smbook through couplings, float32": partial(_recall, lambda n: _couplings(n, np.float32)),
    "smbook through couplings, float64": partial(_recall, lambda n: _couplings(n, np.float64)),
    "hopfieldkit": _peer_recall,
}
STORE: dict[str, Callable[[int], Any]] = {
    "smbook": lambda n: hebb(_patterns(n)),
    "smbook with couplings, float32": lambda n: hebb(_patterns(n), dtype=np.float32).couplings,
    "smbook with couplings, float64": lambda n: hebb(_patterns(n)).couplings,
    "hopfieldkit": _peer,
}


def _made(codes: dict[str, Callable[[int], Any]], n: int, work: int) -> dict[str, Code]:
    """Return codes of one call each; those of smbook do their work so many times in it."""

    def make(name: str) -> Code:
        if name == "hopfieldkit":
            _peer(10)  # so that a package that is not installed says so
        return Code(partial(codes[name], n), 1.0 if name == "hopfieldkit" else work)

    return timing.there({name: partial(make, name) for name in codes})


def _recalled(names: Iterable[str], n: int) -> None:
    """Raise if a code does not come home."""
    for name in names:
        m = float(np.mean(_patterns(n)[0] * RECALL[name](n)))
        if m < 0.98:
            raise RuntimeError(f"{name} recalls an overlap of {m} only")


def measure() -> Iterator[Table]:
    """Yield a table of recall and one of storing for each size."""
    for n in SIZES:
        codes = _made(RECALL, n, REPEATED)
        _recalled(codes, n)
        yield timing.times(f"N = {n}, recall", codes, "ms", rounds=ROUNDS)
    for n in SIZES:
        yield timing.times(f"N = {n}, storing", _made(STORE, n, 1), "ms")
