"""Nets of threshold units: the four of 1943, one for any truth table or automaton, and some with circles."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from smbook import _checks
from smbook.perceptron.units import ThresholdNet, Unit, checked_bits, truth_table_inputs

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Bits = NDArray[np.int8]

_MOST_INPUTS = 20
_MOST = 10_000  # units that a net is made of


def precession() -> ThresholdNet:
    """Return the net of two neurons whose second does what the first has done: N2(t) = N1(t - 1).

    References
    ----------
    McCulloch and Pitts (1943), figure 1a.

    Examples
    --------
    >>> precession().run([[1], [0], [1], [1]]).ravel()
    array([0, 1, 0, 1, 1], dtype=int8)
    """
    return ThresholdNet(1, (Unit((0,)),), names=("1", "2"))


def disjunction(n: int = 2) -> ThresholdNet:
    """Return the net whose unit fires one step after any of `n` inputs: N3(t) = N1(t - 1) or N2(t - 1).

    Raises
    ------
    TypeError, ValueError
        If `n` is no integer of at least 1.

    References
    ----------
    McCulloch and Pitts (1943), figure 1b.

    Examples
    --------
    >>> disjunction().truth_table()
    array([0, 1, 1, 1], dtype=int8)
    """
    return _gate(n, threshold=1)


def conjunction(n: int = 2) -> ThresholdNet:
    """Return the net whose unit fires one step after all of `n` inputs: N3(t) = N1(t - 1) and N2(t - 1).

    Raises
    ------
    TypeError, ValueError
        If `n` is no integer of at least 1.

    References
    ----------
    McCulloch and Pitts (1943), figure 1c.

    Examples
    --------
    >>> conjunction().truth_table()
    array([0, 0, 0, 1], dtype=int8)
    """
    return _gate(n, threshold=None)


def conjoined_negation() -> ThresholdNet:
    """Return the net whose unit fires one step after the first input came without the second.

    N3(t) = N1(t - 1) and not N2(t - 1): the second input inhibits.

    References
    ----------
    McCulloch and Pitts (1943), figure 1d.

    Examples
    --------
    >>> conjoined_negation().truth_table()
    array([0, 0, 1, 0], dtype=int8)
    """
    return ThresholdNet(2, (Unit((0,), (1,)),), names=("1", "2", "3"))


def heat_illusion() -> ThresholdNet:
    """Return the net that feels heat where something cold touched the skin for a moment.

    The inputs N1 and N2 are receptors of heat and of cold, the last two units N3 and N4 what is felt as heat
    and as cold:

        N3(t) = N1(t - 1) or (N2(t - 3) and not N2(t - 2))
        N4(t) = N2(t - 2) and N2(t - 1)

    One step of cold is felt as heat three steps later. Cold that lasts two steps or more is felt as cold,
    with no warmth before; when it ends there is warmth all the same, which the paper's formula has too. Two
    units between, a and b, put it together: a(t) = N2(t - 1), and b(t) = a(t - 1) and not N2(t - 1).

    References
    ----------
    McCulloch and Pitts (1943), figure 1e; von Foerster (2003) tells of it too.

    Examples
    --------
    >>> cold = [[0, 1], [0, 0], [0, 0], [0, 0]]
    >>> heat_illusion().run(cold)[:, 2:].T  # heat, cold
    array([[0, 0, 0, 1, 0],
           [0, 0, 0, 0, 0]], dtype=int8)
    """
    names = ("heat receptor", "cold receptor", "a", "b", "heat", "cold")
    units = (Unit((1,)), Unit((2,), (1,)), Unit((0, 3)), Unit((1, 2), threshold=2))
    return ThresholdNet(2, units, names=names)


def net_of_table(table: ArrayLike) -> ThresholdNet:
    """Return a net of two layers whose last unit has a given truth table, in two steps.

    It is the disjunctive normal form: a unit for each row of ones, which fires at this row alone, and a
    last one that any of them excites. What is 1 in the row excites, what is 0 inhibits, and the threshold is
    the number of ones in the row. The row without ones therefore needs a unit of threshold 0, which fires
    out of silence. Without such units nets have just the tables that begin with 0, all of them: silence
    comes out of silence. With them they have all tables.

    Parameters
    ----------
    table
        2**n entries of 0 and 1, in the order of `truth_table_inputs`.

    Raises
    ------
    TypeError, ValueError
        If `table` holds anything but 0 and 1, or has another length than 2**n with n from 0 to 20.

    References
    ----------
    McCulloch and Pitts (1943), theorems II and III.

    Examples
    --------
    >>> exclusive_or = net_of_table([0, 1, 1, 0])
    >>> exclusive_or
    ThresholdNet(2 inputs, 3 units, depth 2)
    >>> exclusive_or.truth_table()
    array([0, 1, 1, 0], dtype=int8)
    """
    values = checked_table(table)
    n = len(values).bit_length() - 1
    terms = [_minterm(row) for row in truth_table_inputs(n)[values == 1]]
    any_of_them = Unit(tuple(range(n, n + len(terms))))
    return ThresholdNet(n, (*terms, any_of_them))


def net_of_automaton(transitions: ArrayLike) -> ThresholdNet:
    """Return a net that runs as a given finite automaton, a step of it in a step of time.

    There is a unit for every pair of a state q and of what comes in, x. The one that fires says what the
    last step was, and so the state is transitions[q, x] now. Each unit is excited by all those whose step
    leads into its state and by the inputs that are 1 in its x, and inhibited by those that are 0. Start it
    with one unit firing, as `initial`: that of q and x is unit q 2**n_inputs + x. From silence it never
    wakes.

    Parameters
    ----------
    transitions
        The next state, by state and by the number of what comes in: integers (n_states, 2**n_inputs). Input 0
        is the most significant bit, as in `as_automaton`.

    Raises
    ------
    TypeError, ValueError
        If the table is of the wrong kind or shape, or names a state that is none of its rows, or if the net
        had more than 10,000 units.

    References
    ----------
    Kleene (1956); Minsky (1967).

    Examples
    --------
    >>> parity = net_of_automaton([[0, 1], [1, 0]])  # of how many ones have come
    >>> fires = parity.run([[1], [1], [0], [1]], initial=[1, 0, 0, 0])[1:]
    >>> [(int(k) // 2, int(k) % 2) for k in fires.argmax(axis=1)]  # state and input of each step
    [(0, 1), (1, 1), (0, 0), (0, 1)]
    """
    table = _checked_transitions(transitions)
    n_states, n_symbols = table.shape
    n = n_symbols.bit_length() - 1
    into = [tuple(int(k) + n for k in np.flatnonzero(table.ravel() == state)) for state in range(n_states)]
    rows = truth_table_inputs(n)
    units = [_excited_as_well(_minterm(row), into[state]) for state in range(n_states) for row in rows]
    return ThresholdNet(n, units)


def latch() -> ThresholdNet:
    """Return a net that remembers: its unit fires from a pulse of "set", input 0, to one of "reset", input 1.

    The unit excites itself; a pulse may be any time ago. Where both pulses come at once, "reset" wins.

    References
    ----------
    McCulloch and Pitts (1943), section 3, on nets with circles.

    Examples
    --------
    >>> latch().run([[1, 0], [0, 0], [0, 0], [0, 1], [0, 0]]).ravel()
    array([0, 1, 1, 1, 0, 0], dtype=int8)
    """
    return ThresholdNet(2, (Unit((0, 2), (1,)),), names=("set", "reset", "state"))


def oscillator(period: int = 3) -> ThresholdNet:
    """Return a ring of units in which a pulse of the input, "start", runs round with this period.

    Raises
    ------
    TypeError, ValueError
        If `period` is no integer from 1 to 10,000.

    Examples
    --------
    >>> oscillator(3).run([[1], [0], [0], [0], [0], [0]])[:, 0]
    array([0, 1, 0, 0, 1, 0, 0], dtype=int8)
    """
    period = _checks.integer("period", period, minimum=1, maximum=_MOST)
    units = [Unit((0, period)), *(Unit((i,)) for i in range(1, period))]
    return ThresholdNet(1, units, names=("start", *(f"u{i}" for i in range(period))))


def counter(n_bits: int = 2) -> ThresholdNet:
    """Return a net that counts pulses of its input modulo 2**n_bits, no two of them in neighbouring steps.

    Each bit has three units: "up" fires if a pulse finds the bit down, "carry" if it finds it up, and the bit
    itself fires from "up" to "carry", which is the pulse of the next bit. Bit k, of the value 2**k, is
    unit 3 k + 2, and right k + 2 steps after a pulse. A pulse one step after another would find a bit as it
    was before that one, and is lost or counted wrongly.

    Raises
    ------
    TypeError, ValueError
        If `n_bits` is no integer from 1 to 1000.

    Examples
    --------
    >>> pulses = [[1], [0], [0], [1], [0], [0], [1], [0], [0], [0]]
    >>> counter().run(pulses)[::3, [5, 2]]  # after 0, 1, 2 and 3 pulses, the bits of 2 and of 1
    array([[0, 0],
           [0, 1],
           [1, 0],
           [1, 1]], dtype=int8)
    """
    n_bits = _checks.integer("n_bits", n_bits, minimum=1, maximum=1000)
    names, units = ["pulse"], list[Unit]()
    for k in range(n_bits):
        up, carry, bit = 3 * k + 1, 3 * k + 2, 3 * k + 3
        pulse = max(3 * k - 1, 0)
        units += [Unit((pulse,), (bit,)), Unit((pulse, bit), threshold=2), Unit((up, bit), (carry,))]
        names += [f"up {2**k}", f"carry {2**k}", f"bit {2**k}"]
    return ThresholdNet(1, units, names=names)


def checked_table(table: ArrayLike) -> Bits:
    """Return a truth table as int8 (2**n,), or raise if it is none."""
    values = checked_bits("table", table, (None,))
    if len(values) & (len(values) - 1) or not 1 <= len(values) <= 2**_MOST_INPUTS:
        raise ValueError(f"table must have 2**n entries, n from 0 to {_MOST_INPUTS}; got {len(values)}")
    return values


def _checked_transitions(transitions: ArrayLike) -> NDArray[np.int64]:
    table = _checks.integers("transitions", transitions)
    n_symbols = table.shape[-1] if table.ndim else 0
    if table.ndim != 2 or not len(table) or n_symbols < 1 or n_symbols & (n_symbols - 1):
        raise ValueError(f"transitions must have the shape (n_states, 2**n_inputs); got {table.shape}")
    if table.size > _MOST:
        raise ValueError(f"transitions must have at most {_MOST} entries; got {table.size}")
    if table.min() < 0 or table.max() >= len(table):
        wrong = table[(table < 0) | (table >= len(table))][0]
        raise ValueError(f"transitions must lead to states from 0 to {len(table) - 1}; got {wrong}")
    return table


def _gate(n: int, *, threshold: int | None) -> ThresholdNet:
    """Return a unit on `n` inputs; a threshold of None is that of all of them."""
    n = _checks.integer("n", n, minimum=1, maximum=_MOST)
    unit = Unit(tuple(range(n)), threshold=n if threshold is None else threshold)
    return ThresholdNet(n, (unit,), names=tuple(str(i + 1) for i in range(n + 1)))


def _minterm(row: Bits) -> Unit:
    """Return the unit that fires at this row of inputs alone."""
    ones, zeros = np.flatnonzero(row).tolist(), np.flatnonzero(row == 0).tolist()
    return Unit(tuple(ones), tuple(zeros), len(ones))


def _excited_as_well(unit: Unit, sources: tuple[int, ...]) -> Unit:
    """Return the unit that needs one more of its synapses, of these sources."""
    return Unit((*unit.excitatory, *sources), unit.inhibitory, unit.threshold + 1)
