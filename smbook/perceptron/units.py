"""All-or-none units with unit delay, the nets that they form, and the automata that nets with circles are."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from smbook import _checks
from smbook.kernels.threshold import step_net

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Bits = NDArray[np.int8]

_MOST_INPUTS = 20  # 2**20 rows of a table


class Unit(NamedTuple):
    """The synapses and the threshold of a unit of a `ThresholdNet`.

    A unit fires at time t if at t - 1 at least `threshold` of its excitatory synapses were active, and no
    inhibitory one was: inhibition is absolute. Sources go by their numbers, inputs first and then units; one
    that is named twice has two synapses. With threshold 0 a unit fires whenever nothing forbids it. No neuron
    of 1943 does so: there, nothing comes out of silence.

    References
    ----------
    McCulloch and Pitts (1943).
    """

    excitatory: tuple[int, ...]
    inhibitory: tuple[int, ...] = ()
    threshold: int = 1


@dataclass(frozen=True, init=False, repr=False)
class ThresholdNet:
    """A net of threshold units that all take one step at a time, each by what was active the step before.

    N_i(t) = [number of active excitatory synapses at t - 1 >= threshold_i] prod_k (1 - N_k(t - 1)), where k
    runs over the inhibitory sources of unit i. Two nets are equal if inputs, units and names are.

    Parameters
    ----------
    n_inputs
        How many inputs, at least 0; they are the sources 0 to n_inputs - 1.
    units
        At least one `Unit`; number i is the source n_inputs + i.
    names
        Of all sources, inputs first; None numbers them as x0, x1, ... and u0, u1, ...

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind, a source is none of the net's, or a threshold is below 0.

    References
    ----------
    McCulloch and Pitts (1943); Kleene (1956) for nets with circles.

    Examples
    --------
    >>> both = ThresholdNet(2, [Unit((0, 1), threshold=2)])
    >>> both
    ThresholdNet(2 inputs, 1 unit, depth 1)
    >>> both.truth_table()
    array([0, 0, 0, 1], dtype=int8)
    >>> latch = ThresholdNet(1, [Unit((0, 1))])  # excites itself
    >>> latch.run([[0], [1], [0], [0]]).ravel()
    array([0, 0, 1, 1, 1], dtype=int8)
    """

    n_inputs: int
    units: tuple[Unit, ...]
    names: tuple[str, ...]

    def __init__(self, n_inputs: int, units: Iterable[Unit], *, names: Iterable[str] | None = None) -> None:
        n = _checks.integer("n_inputs", n_inputs, minimum=0, maximum=2**31)
        found = _checked_units(units, n)
        object.__setattr__(self, "n_inputs", n)
        object.__setattr__(self, "units", found)
        object.__setattr__(self, "names", _checked_names(names, n, len(found)))

    def __repr__(self) -> str:
        depth = "with circles" if self.has_circles else f"depth {self.depth}"
        return f"ThresholdNet({_count(self.n_inputs, 'input')}, {_count(self.n_units, 'unit')}, {depth})"

    @property
    def n_units(self) -> int:
        """The number of units."""
        return len(self.units)

    @property
    def has_circles(self) -> bool:
        """Whether some unit acts back on itself, directly or through others."""
        return self._levels is None

    @property
    def depth(self) -> int:
        """The number of units on the longest path along synapses, whether it begins at an input or not.

        After so many steps a net without circles has forgotten how it began, and what came in before.

        Raises
        ------
        ValueError
            If the net has circles.
        """
        if self._levels is None:
            raise ValueError(f"a net with circles has no depth; unit {self._in_circle()} acts back on itself")
        return max(self._levels)

    def step(self, state: ArrayLike, inputs: ArrayLike) -> Bits:
        """Return what fires, int8 (n_units,), a step after a state (n_units,) and inputs (n_inputs,).

        Raises
        ------
        TypeError, ValueError
            If an argument is of the wrong kind or shape, or holds anything but 0 and 1.

        Examples
        --------
        >>> ThresholdNet(2, [Unit((0,), (1,))]).step([0], [1, 0])
        array([1], dtype=int8)
        """
        before = checked_bits("state", state, (self.n_units,))
        given = checked_bits("inputs", inputs, (self.n_inputs,))
        after: Bits = self._run(given[np.newaxis], before)[1]
        return after

    def run(self, inputs: ArrayLike, *, initial: ArrayLike | None = None) -> Bits:
        """Return the states, int8 (T + 1, n_units), that inputs (T, n_inputs) of 0 and 1 lead through.

        Row 0 is the `initial` state (n_units,), where None is silence; row t + 1 follows from row t of the
        states and row t of the inputs. A net without inputs takes `numpy.zeros((T, 0))`.

        Raises
        ------
        TypeError, ValueError
            If an argument is of the wrong kind or shape, or holds anything but 0 and 1.

        Examples
        --------
        >>> chain = ThresholdNet(1, [Unit((0,)), Unit((1,))])
        >>> chain.run([[1], [0], [0]]).T
        array([[0, 1, 0, 0],
               [0, 0, 1, 0]], dtype=int8)
        """
        given = checked_bits("inputs", inputs, (None, self.n_inputs))
        silence = np.zeros(self.n_units, dtype=np.int8)
        before = silence if initial is None else checked_bits("initial", initial, (self.n_units,))
        return self._run(given, before)

    def truth_table(self, unit: int = -1) -> Bits:
        """Return what a unit answers to all inputs, int8 (2**n_inputs,), each held for `depth` steps.

        Rows are those of `truth_table_inputs`: input 0 is the most significant bit. Units are counted from 0,
        or from -1 backwards.

        Raises
        ------
        TypeError, ValueError
            If the net has circles, or more than 20 inputs, or `unit` is none of its units.

        Examples
        --------
        >>> ThresholdNet(2, [Unit((0, 1))]).truth_table()
        array([0, 1, 1, 1], dtype=int8)
        """
        place = _checks.integer("unit", unit, minimum=-self.n_units, maximum=self.n_units - 1)
        if self.has_circles:
            raise ValueError(
                f"a net with circles has no truth table, since what it does depends on its past; unit "
                f"{self._in_circle()} acts back on itself; see as_automaton"
            )
        silence = np.zeros(self.n_units, dtype=np.int8)
        rows = truth_table_inputs(self.n_inputs)
        held = (np.broadcast_to(row, (self.depth, self.n_inputs)) for row in rows)
        return np.array([self._run(steps, silence)[-1, place] for steps in held], dtype=np.int8)

    def _run(self, inputs: Bits, initial: Bits) -> Bits:
        states = np.empty((len(inputs) + 1, self.n_units), dtype=np.int8)
        states[0] = initial
        active = np.empty(self.n_inputs + self.n_units, dtype=np.int8)
        for t, given in enumerate(inputs):
            active[: self.n_inputs] = given
            active[self.n_inputs :] = states[t]
            step_net(*self._synapses, active, states[t + 1])
        return states

    @functools.cached_property
    def _synapses(self) -> tuple[NDArray[Any], ...]:
        """What the kernel takes: starts, sources, kinds and thresholds."""
        sizes = [len(unit.excitatory) + len(unit.inhibitory) for unit in self.units]
        signs = [sign for unit in self.units for sign in _signs(unit)]
        return (
            np.cumsum([0, *sizes], dtype=np.int64),
            np.array([source for unit in self.units for source in _sources(unit)], dtype=np.int64),
            np.array(signs, dtype=np.int8),
            np.array([unit.threshold for unit in self.units], dtype=np.int64),
        )

    @functools.cached_property
    def _levels(self) -> list[int] | None:
        """Of each unit the number of units on the longest path that ends in it; None if there are circles."""
        levels = [0] * self.n_units
        for _ in range(self.n_units + 1):
            longer = [1 + max((levels[j] for j in self._before(i)), default=0) for i in range(self.n_units)]
            if longer == levels:
                return levels
            levels = longer
        return None

    def _before(self, i: int) -> list[int]:
        """Return the numbers of the units that act on unit i."""
        return [source - self.n_inputs for source in _sources(self.units[i]) if source >= self.n_inputs]

    def _in_circle(self) -> int:
        """Return the number of the first unit that acts back on itself."""
        for i in range(self.n_units):
            seen, ahead = set[int](), self._before(i)
            while ahead:
                j = ahead.pop()
                if j not in seen:
                    seen.add(j)
                    ahead += self._before(j)
            if i in seen:
                return i
        raise AssertionError("no circles")


def truth_table_inputs(n: int) -> Bits:
    """Return all 2**n rows of n inputs of 0 and 1, int8 (2**n, n), as a truth table lists them.

    They count up from 0 in binary; input 0 is the most significant bit.

    Raises
    ------
    TypeError, ValueError
        If `n` is no integer from 0 to 20.

    Examples
    --------
    >>> truth_table_inputs(2).tolist()
    [[0, 0], [0, 1], [1, 0], [1, 1]]
    """
    n = _checks.integer("n", n, minimum=0, maximum=_MOST_INPUTS)
    places = np.arange(n - 1, -1, -1)
    return (np.arange(2**n)[:, np.newaxis] >> places & 1).astype(np.int8)


def as_automaton(net: ThresholdNet) -> NDArray[np.int64]:
    """Return the finite automaton that a net is: the next state, int64 (2**n_units, 2**n_inputs).

    Row and column are the numbers of the state and of what comes in, each read as a binary number whose most
    significant bit is unit 0 or input 0, as in `truth_table_inputs`.

    Raises
    ------
    TypeError, ValueError
        If `net` is no `ThresholdNet`, or has more than 20 units and inputs together.

    References
    ----------
    Kleene (1956).

    Examples
    --------
    >>> latch = ThresholdNet(1, [Unit((0, 1))])
    >>> as_automaton(latch)
    array([[0, 1],
           [1, 1]])
    """
    if not isinstance(net, ThresholdNet):
        raise TypeError(f"net must be a ThresholdNet; got {type(net).__name__}")
    if net.n_units + net.n_inputs > _MOST_INPUTS:
        raise ValueError(
            f"net must have at most {_MOST_INPUTS} units and inputs together; got "
            f"{net.n_units} and {net.n_inputs}"
        )
    given, states = truth_table_inputs(net.n_inputs), truth_table_inputs(net.n_units)
    values = 2 ** np.arange(net.n_units - 1, -1, -1)
    after = [[net._run(row[np.newaxis], state)[1] @ values for row in given] for state in states]
    return np.array(after, dtype=np.int64)


def checked_bits(name: str, values: ArrayLike, shape: tuple[int | None, ...]) -> Bits:
    """Return a copy of `values` as int8, or raise if they are not 0 and 1 in this shape; None: any length."""
    with contextlib.suppress(ValueError):  # rows of several lengths, which are refused next
        if np.size(values) == 0 and not isinstance(values, np.ma.MaskedArray):
            values = np.empty(np.shape(values), dtype=np.int64)  # of nothing no kind is asked
    found = _checks.integers(name, values)
    if found.ndim != len(shape) or any(n not in (None, m) for n, m in zip(shape, found.shape, strict=True)):
        expected = ", ".join("T" if n is None else str(n) for n in shape) + "," * (len(shape) == 1)
        raise ValueError(f"{name} must have the shape ({expected}); got {found.shape}")
    wrong = found[(found != 0) & (found != 1)]
    if wrong.size:
        raise ValueError(f"{name} must hold 0 and 1 only; got {wrong[0]}")
    return found.astype(np.int8)


def _checked_units(units: Any, n_inputs: int) -> tuple[Unit, ...]:
    if isinstance(units, Unit) or not isinstance(units, Iterable):
        raise TypeError(f"units must be a sequence of units; got {units!r}")
    found = tuple(units)
    if not found:
        raise ValueError("units must hold at least one; got none")
    return tuple(_checked_unit(i, unit, n_inputs + len(found)) for i, unit in enumerate(found))


def _checked_unit(i: int, unit: Any, n_sources: int) -> Unit:
    if not isinstance(unit, Unit):
        raise TypeError(f"unit {i} must be a Unit; got {unit!r}")
    excitatory = _checked_sources(f"an excitatory source of unit {i}", unit.excitatory, n_sources)
    inhibitory = _checked_sources(f"an inhibitory source of unit {i}", unit.inhibitory, n_sources)
    threshold = _checks.integer(f"the threshold of unit {i}", unit.threshold, minimum=0)
    return Unit(excitatory, inhibitory, threshold)


def _checked_sources(name: str, sources: Any, n_sources: int) -> tuple[int, ...]:
    if isinstance(sources, str) or not isinstance(sources, Iterable):
        raise TypeError(f"{name} must stand in a tuple of them; got {sources!r}")
    return tuple(_checks.integer(name, source, minimum=0, maximum=n_sources - 1) for source in sources)


def _checked_names(names: Any, n_inputs: int, n_units: int) -> tuple[str, ...]:
    if names is None:
        return (*(f"x{i}" for i in range(n_inputs)), *(f"u{i}" for i in range(n_units)))
    found = () if isinstance(names, str) or not isinstance(names, Iterable) else tuple(names)
    if not found or not all(isinstance(name, str) for name in found):
        raise TypeError(f"names must be a sequence of strings; got {names!r}")
    if len(found) != n_inputs + n_units:
        raise ValueError(
            f"names must be as many as inputs and units, {n_inputs} + {n_units}; got {len(found)} names"
        )
    return found


def _sources(unit: Unit) -> tuple[int, ...]:
    return (*unit.excitatory, *unit.inhibitory)


def _signs(unit: Unit) -> list[int]:
    return [1] * len(unit.excitatory) + [-1] * len(unit.inhibitory)


def _count(n: int, what: str) -> str:
    return f"{n} {what}{'s' * (n != 1)}"
