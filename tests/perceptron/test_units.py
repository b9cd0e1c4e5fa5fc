"""Threshold units: tables and delays of their nets, circles as automata, what one weighted unit can do."""

import copy
import itertools
import math
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smbook.perceptron import (
    ThresholdNet,
    Unit,
    as_automaton,
    conjoined_negation,
    conjunction,
    counter,
    disjunction,
    heat_illusion,
    latch,
    net_of_automaton,
    net_of_table,
    oscillator,
    precession,
    threshold_output,
    threshold_unit_of,
    truth_table_inputs,
)

THE_FOUR = {
    "precession": (precession(), [0, 1]),
    "disjunction": (disjunction(), [0, 1, 1, 1]),
    "conjunction": (conjunction(), [0, 0, 0, 1]),
    "conjoined negation": (conjoined_negation(), [0, 0, 1, 0]),
}


def tables(n):
    return (np.array(table) for table in itertools.product((0, 1), repeat=2**n))


@st.composite
def nets(draw, *, circles=True, most_inputs=3, least=0):
    """Nets of up to five units; without circles a unit has earlier ones as sources alone."""
    n, n_units = draw(st.integers(0, most_inputs)), draw(st.integers(1, 5))
    units = []
    for i in range(n_units):
        n_sources = n + (n_units if circles else i)
        sources = st.lists(st.integers(0, n_sources - 1), max_size=4) if n_sources else st.just([])
        units.append(Unit(tuple(draw(sources)), tuple(draw(sources)), draw(st.integers(least, 3))))
    return ThresholdNet(n, units)


def bits(seed, *shape):
    return np.random.default_rng(seed).integers(0, 2, shape)


seeds = st.integers(0, 10**6)


# The nets of 1943


@pytest.mark.parametrize(("net", "table"), THE_FOUR.values(), ids=THE_FOUR)
def test_the_four_nets_answer_by_their_tables_one_step_later(net, table):
    assert net.truth_table().tolist() == table
    assert (net.depth, net.n_units, net.has_circles) == (1, 1, False)
    inputs = bits(1, 60, net.n_inputs)
    fires = net.run(inputs)[:, 0]
    assert fires[0] == 0
    numbers = inputs @ 2 ** np.arange(net.n_inputs - 1, -1, -1)
    assert fires[1:].tolist() == np.array(table)[numbers].tolist()


@pytest.mark.parametrize("n", [1, 2, 3, 5])
def test_gates_of_more_inputs(n):
    rows = truth_table_inputs(n)
    assert disjunction(n).truth_table().tolist() == rows.any(axis=1).astype(int).tolist()
    assert conjunction(n).truth_table().tolist() == rows.all(axis=1).astype(int).tolist()


def test_rows_of_tables_count_up_with_input_0_as_the_most_significant_bit():
    for n in range(6):
        rows = truth_table_inputs(n)
        assert (rows.dtype, rows.shape) == (np.int8, (2**n, n))
        if n:
            assert ["".join(map(str, row)) for row in rows] == [f"{k:0{n}b}" for k in range(2**n)]


@given(seeds)
def test_the_heat_illusion_follows_the_formulas_of_the_paper(seed):
    """N3(t) = N1(t-1) or (N2(t-3) and not N2(t-2)); N4(t) = N2(t-2) and N2(t-1); nothing came before."""
    inputs = bits(seed, 12, 2)
    net = heat_illusion()
    hot, cold = (np.r_[0, 0, 0, column] for column in inputs.T)  # entry t + 3 is that of time t
    heat_felt, cold_felt = net.run(inputs)[:, -2:].T
    for t in range(13):
        assert heat_felt[t] == (hot[t + 2] | (cold[t] & (1 - cold[t + 1])))
        assert cold_felt[t] == (cold[t + 1] & cold[t + 2])
    assert net.names[-2:] == ("heat", "cold")
    assert net.depth == 3


@pytest.mark.parametrize("lasts", [1, 2, 5])
def test_a_touch_of_cold_is_warm_and_longer_cold_is_not_warm_first(lasts):
    touch = np.zeros((10, 2), dtype=int)
    touch[:lasts, 1] = 1
    heat, cold = heat_illusion().run(touch)[:, -2:].T
    assert np.flatnonzero(heat).tolist() == [lasts + 2]  # it is warm as the cold goes, in the formula too
    assert np.flatnonzero(cold).tolist() == list(range(2, lasts + 1))


# What a unit does


@given(nets(), seeds)
def test_a_run_is_one_step_after_another_by_the_definition(net, seed):
    inputs, initial = bits(seed, 8, net.n_inputs), bits(seed + 1, net.n_units)
    states = net.run(inputs, initial=initial)
    assert (states.dtype, states.shape) == (np.int8, (9, net.n_units))
    assert states[0].tolist() == initial.tolist()
    for t, row in enumerate(inputs):
        active = [*row, *states[t]]
        fires = [
            int(sum(active[s] for s in unit.excitatory) >= unit.threshold)
            * int(not any(active[s] for s in unit.inhibitory))
            for unit in net.units
        ]
        assert states[t + 1].tolist() == fires == net.step(states[t], row).tolist()


@given(st.integers(0, 6), st.integers(0, 6), st.integers(0, 4), st.integers(1, 3))
def test_inhibition_is_absolute(n_excited, n_inhibiting, threshold, n_active):
    """However much excites: one active inhibitory source, and the unit keeps still."""
    n = n_excited + n_inhibiting
    net = ThresholdNet(n, [Unit(tuple(range(n_excited)), tuple(range(n_excited, n)), threshold)])
    inputs = np.ones(n, dtype=int)
    inputs[n_excited:] = np.arange(n_inhibiting) < n_active
    assert net.step([0], inputs) == (n_excited >= threshold and n_inhibiting == 0)
    inputs[n_excited:] = 0
    assert net.step([0], inputs) == (n_excited >= threshold)


def test_inhibition_that_only_subtracts_would_be_seen():
    """Two against one: a unit that took the difference would fire."""
    net, inputs = ThresholdNet(3, [Unit((0, 1), (2,))]), np.ones(3, dtype=int)
    assert inputs @ [1, 1, -1] >= net.units[0].threshold
    assert net.step([0], inputs) == 0


@pytest.mark.parametrize("n", [1, 4, 9])
def test_a_pulse_takes_a_step_for_every_unit_of_a_chain(n):
    chain = ThresholdNet(1, [Unit((i,)) for i in range(n)])
    assert chain.depth == n
    pulse = np.zeros((n + 2, 1), dtype=int)
    pulse[0] = 1
    assert chain.run(pulse)[1 : n + 1].tolist() == np.eye(n, dtype=int).tolist()
    assert not chain.run(pulse)[n + 1 :].any()


# Nets of tables


@pytest.mark.parametrize("n", [0, 1, 2, 3])
def test_a_net_of_two_layers_has_any_table(n):
    for table in tables(n):
        net = net_of_table(table)
        assert net.truth_table().tolist() == table.tolist()
        assert net.depth == 1 + table.any()
        assert net.n_units == 1 + table.sum()


@given(seeds)
def test_tables_of_four_and_five_inputs(seed):
    for n in (4, 5):
        table = bits(seed, 2**n)
        assert net_of_table(table).truth_table().tolist() == table.tolist()


def test_just_the_tables_that_begin_with_1_need_a_threshold_of_0():
    for n in (1, 2, 3):
        for table in tables(n):
            assert (0 in {unit.threshold for unit in net_of_table(table).units}) == table[0]


@given(nets(least=1))
def test_without_threshold_0_nothing_comes_out_of_silence(net):
    """So that no such net, of whatever depth, has a table that begins with 1."""
    assert not net.run(np.zeros((6, net.n_inputs), dtype=int)).any()
    if not net.has_circles:
        for unit in range(net.n_units):
            assert net.truth_table(unit)[0] == 0


# Loops or none


@given(nets(circles=False), seeds)
def test_a_net_without_circles_forgets_after_its_depth(net, seed):
    """What fires is the same whatever the net was like, and whatever came in, `depth` steps ago."""
    assert not net.has_circles
    last = bits(seed, net.depth, net.n_inputs)
    earlier = [bits(seed + k, 4, net.n_inputs) for k in (1, 2)]
    initial = [bits(seed + k, net.n_units) for k in (3, 4)]
    one, other = (net.run(np.r_[e, last], initial=i)[-1] for e, i in zip(earlier, initial, strict=True))
    assert one.tolist() == other.tolist()


def test_depth_is_the_least_after_which_a_chain_forgets():
    chain = ThresholdNet(1, [Unit((0,)), Unit((1,)), Unit((2,))])
    ends = [chain.run(np.r_[[[x]], np.zeros((2, 1), dtype=int)])[-1, -1] for x in (0, 1)]
    assert chain.depth == 3
    assert ends == [0, 1]  # two steps after the input the pulse still arrives


@given(nets())
def test_circles_are_found(net):
    """By powers of the matrix of who acts on whom: some path of n_units steps or fewer returns."""
    acts = np.zeros((net.n_units, net.n_units), dtype=int)
    for i, unit in enumerate(net.units):
        for source in (*unit.excitatory, *unit.inhibitory):
            if source >= net.n_inputs:
                acts[i, source - net.n_inputs] = 1
    powers = [np.linalg.matrix_power(acts, k) for k in range(1, net.n_units + 1)]
    assert net.has_circles == any(np.trace(power) > 0 for power in powers)
    if not net.has_circles:
        assert net.depth == 1 + sum(power.any() for power in powers)


@given(nets(most_inputs=0), seeds)
def test_a_net_that_is_left_alone_soon_repeats_itself(net, seed):
    """There are 2^n states: one is seen again within 2^n steps, and from there on all is as before."""
    steps = 2**net.n_units
    states = net.run(np.zeros((2 * steps, 0), dtype=int), initial=bits(seed, net.n_units))
    numbers = (states @ 2 ** np.arange(net.n_units)).tolist()
    again, first = next((t, numbers.index(x)) for t, x in enumerate(numbers) if x in numbers[:t])
    assert again <= steps
    period = again - first
    assert all(numbers[t + period] == numbers[t] for t in range(first, len(numbers) - period))


@given(nets(), seeds)
def test_the_automaton_makes_the_steps_of_the_net(net, seed):
    table = as_automaton(net)
    assert table.shape == (2**net.n_units, 2**net.n_inputs)
    inputs, state = bits(seed, 10, net.n_inputs), bits(seed, net.n_units)
    values, places = 2 ** np.arange(net.n_units)[::-1], 2 ** np.arange(net.n_inputs)[::-1]
    states = net.run(inputs, initial=state) @ values
    for t, row in enumerate(inputs):
        assert states[t + 1] == table[states[t], row @ places]


# Circles of use


def test_a_latch_remembers_one_pulse_for_ever():
    quiet = np.zeros((1000, 2), dtype=int)
    assert not latch().run(quiet).any()
    pulse = quiet.copy()
    pulse[0, 0] = 1
    assert latch().run(pulse)[1:].all()
    pulse[500, 1] = 1
    assert np.flatnonzero(latch().run(pulse)[:, 0]).tolist() == list(range(1, 501))
    # Columns: nothing, reset, set, both.
    assert as_automaton(latch()).tolist() == [[0, 0, 1, 0], [1, 0, 1, 0]]
    with pytest.raises(ValueError, match="a net with circles has no depth; unit 0 acts back on itself"):
        _ = latch().depth
    with pytest.raises(
        ValueError, match="no truth table, since what it does depends on its past; unit 0 acts"
    ):
        latch().truth_table()


@pytest.mark.parametrize("period", [1, 2, 5])
def test_an_oscillator_has_its_period(period):
    net = oscillator(period)
    start = np.zeros((4 * period + 1, 1), dtype=int)
    assert not net.run(start).any()
    start[0] = 1
    fires = net.run(start)[1:]
    assert fires.tolist() == np.eye(period, dtype=int)[np.arange(4 * period + 1) % period].tolist()


def test_a_unit_that_forbids_itself_alternates():
    net = ThresholdNet(0, [Unit((), (0,), 0)])
    assert net.run(np.zeros((4, 0))).ravel().tolist() == [0, 1, 0, 1, 0]
    assert as_automaton(net).tolist() == [[1], [0]]


@given(st.integers(1, 4), st.lists(st.integers(2, 6), min_size=1, max_size=20))
def test_a_counter_counts(n_bits, gaps):
    """Bit k is right k + 2 steps after the last pulse, whatever the gaps of two steps or more before."""
    times = np.cumsum(gaps)
    pulses = np.zeros((times[-1] + n_bits + 1, 1), dtype=int)
    pulses[times] = 1
    counted = counter(n_bits).run(pulses)[:, 2::3]
    for k in range(n_bits):
        assert counted[times[-1] + k + 2, k] == len(gaps) >> k & 1


def test_pulses_in_neighbouring_steps_are_too_fast_for_a_counter():
    pulses = np.array([[1], [1], [0], [0], [0], [0]])
    assert counter(2).run(pulses)[-1, [2, 5]].tolist() != [0, 1]


def test_the_automaton_of_a_counter_runs_through_four_states_and_back():
    """Two bits, read whenever things have settled; a pulse and three quiet steps move the count by one."""
    table = as_automaton(counter(2))
    state, counts = 0, []
    for _ in range(9):
        counts.append((state >> 3 & 1) + 2 * (state & 1))  # units 2 and 5 of six are bits 3 and 0
        assert table[state, 0] == state  # nothing moves without a pulse
        for pulse in (1, 0, 0, 0):
            state = table[state, pulse]
    assert counts == [0, 1, 2, 3, 0, 1, 2, 3, 0]


@given(st.integers(1, 5), st.integers(0, 2), seeds)
def test_a_net_can_be_any_automaton(n_states, n_inputs, seed):
    random = np.random.default_rng(seed)
    table = random.integers(0, n_states, (n_states, 2**n_inputs))
    start, inputs = int(random.integers(table.size)), random.integers(0, 2, (12, n_inputs))
    net, initial = net_of_automaton(table), np.eye(table.size, dtype=int)[start]
    fires = net.run(inputs, initial=initial)
    assert (fires.sum(axis=1) == 1).all()
    state, symbols = table.ravel()[start], inputs @ 2 ** np.arange(n_inputs)[::-1]
    for symbol, now in zip(symbols, fires[1:], strict=True):
        assert now.argmax() == state * 2**n_inputs + symbol
        state = table[state, symbol]
    assert not net.run(inputs).any()


# One unit with weights


@pytest.mark.parametrize(("n", "count"), [(0, 2), (1, 4), (2, 14), (3, 104)])
def test_as_many_tables_are_those_of_one_unit_as_is_known(n, count):
    rows, found = truth_table_inputs(n), 0
    for table in tables(n):
        unit = threshold_unit_of(table)
        if unit is None:
            continue
        weights, threshold = unit
        assert weights.dtype == np.int64
        assert type(threshold) is int
        if n:
            assert threshold_output(weights, threshold, rows).tolist() == table.tolist()
        found += 1
    assert found == count


def test_exclusive_or_and_its_negation_are_the_two_of_sixteen_that_no_unit_has():
    none = [table.tolist() for table in tables(2) if threshold_unit_of(table) is None]
    assert none == [[0, 1, 1, 0], [1, 0, 0, 1]]


def tables_of_weights(n, largest):
    """Return all tables of units with whole weights up to so large, as rows, and the least sum of weights."""
    rows = truth_table_inputs(n).astype(np.int8)
    least = {}
    for weights in itertools.product(range(-largest, largest + 1), repeat=n):
        sums = rows @ np.array(weights, dtype=np.int8)
        for threshold in {*sums.tolist(), int(sums.max()) + 1}:
            key = (sums >= threshold).tobytes()
            least[key] = min(least.get(key, math.inf), sum(map(abs, weights)))
    return least


def test_of_four_inputs_there_are_1882_and_their_weights_are_small():
    """Weights of 3 suffice, of 2 do not. A sample of the tables is found, and one of the others is not."""
    known = tables_of_weights(4, 3)
    assert len(known) == 1882
    assert len(tables_of_weights(4, 2)) < 1882
    random = np.random.default_rng(1)
    keys = sorted(known)
    for k in random.choice(len(keys), 120, replace=False):
        table = np.frombuffer(keys[k], dtype=np.int8)
        weights, threshold = threshold_unit_of(table)
        assert threshold_output(weights, threshold, truth_table_inputs(4)).tolist() == table.tolist()
        assert np.abs(weights).sum() == known[keys[k]]
    others = (table for table in random.integers(0, 2, (200, 16)) if (table > 0).tobytes() not in known)
    assert all(threshold_unit_of(table) is None for table in others)


@given(st.lists(st.integers(-9, 9), min_size=1, max_size=6), st.integers(-10, 10))
def test_a_unit_is_found_for_the_table_of_a_unit(weights, threshold):
    rows = truth_table_inputs(len(weights))
    table = threshold_output(weights, threshold, rows)
    found, at = threshold_unit_of(table)
    assert threshold_output(found, at, rows).tolist() == table.tolist()
    assert np.abs(found).sum() <= np.abs(weights).sum()


def test_the_majority_has_equal_weights():
    for n in (1, 3, 5):
        majority = (truth_table_inputs(n).sum(axis=1) > n / 2).astype(int)
        weights, threshold = threshold_unit_of(majority)
        assert weights.tolist() == [1] * n
        assert threshold == (n + 1) / 2


def test_outputs_of_one_and_of_many_inputs():
    assert threshold_output([2, -1], 1, [1, 1]) == 1
    assert threshold_output([2, -1], 1, [1, 1]).dtype == np.int8
    assert threshold_output([0.5, 0.25], 0.5, np.ones((3, 4, 2))).shape == (3, 4)


# Nets as values


def test_nets_say_what_they_are_and_compare():
    net = net_of_table([0, 1, 1, 0])
    assert repr(net) == "ThresholdNet(2 inputs, 3 units, depth 2)"
    assert repr(latch()) == "ThresholdNet(2 inputs, 1 unit, with circles)"
    assert net.names == ("x0", "x1", "u0", "u1", "u2")
    assert net == ThresholdNet(2, list(net.units))
    assert net != ThresholdNet(2, net.units, names=list("abcde"))
    assert len({net, net_of_table([0, 1, 1, 0]), latch()}) == 2
    for same in (copy.copy(net), copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        assert same == net
        assert same.truth_table().tolist() == [0, 1, 1, 0]
    with pytest.raises(AttributeError):
        net.n_inputs = 3


def test_what_is_given_is_kept_apart():
    units, inputs, initial = [Unit([0, 1])], np.ones((2, 1), dtype=int), np.ones(1, dtype=int)
    net = ThresholdNet(1, units)
    assert net.units == (Unit((0, 1)),)
    states = net.run(inputs, initial=initial)
    states[:] = 7
    assert inputs.tolist() == [[1], [1]]
    assert initial.tolist() == [1]
    units.append(None)
    assert net.n_units == 1


# Refusals

UNIT = Unit((0,))
NETS = [
    ((-1, [UNIT]), ValueError, "n_inputs must be at least 0; got -1"),
    ((1.0, [UNIT]), TypeError, r"n_inputs must be an integer; got 1\.0"),
    ((True, [UNIT]), TypeError, "n_inputs must be an integer; got True"),
    ((1, []), ValueError, "units must hold at least one; got none"),
    ((1, UNIT), TypeError, "units must be a sequence of units; got Unit"),
    ((1, 3), TypeError, "units must be a sequence of units; got 3"),
    ((1, [UNIT, ((0,), (), 1)]), TypeError, r"unit 1 must be a Unit; got \(\(0,\), \(\), 1\)"),
    ((1, [Unit((2,))]), ValueError, "an excitatory source of unit 0 must be at most 1; got 2"),
    ((1, [UNIT, Unit((), (-1,))]), ValueError, "an inhibitory source of unit 1 must be at least 0; got -1"),
    ((1, [Unit((0.0,))]), TypeError, r"an excitatory source of unit 0 must be an integer; got 0\.0"),
    ((1, [Unit(0)]), TypeError, "an excitatory source of unit 0 must stand in a tuple of them; got 0"),
    ((1, [Unit("0")]), TypeError, "an excitatory source of unit 0 must stand in a tuple of them; got '0'"),
    ((1, [Unit((0,), threshold=-1)]), ValueError, "the threshold of unit 0 must be at least 0; got -1"),
    ((1, [Unit((0,), threshold=0.5)]), TypeError, r"the threshold of unit 0 must be an integer; got 0\.5"),
]


@pytest.mark.parametrize(("arguments", "error", "message"), NETS)
def test_what_is_no_net_is_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        ThresholdNet(*arguments)


@pytest.mark.parametrize(
    ("names", "error", "message"),
    [
        ("ab", TypeError, "names must be a sequence of strings; got 'ab'"),
        (["a", 1], TypeError, r"names must be a sequence of strings; got \['a', 1\]"),
        (7, TypeError, "names must be a sequence of strings; got 7"),
        (["a"], ValueError, r"names must be as many as inputs and units, 1 \+ 1; got 1 names"),
    ],
)
def test_bad_names_are_refused(names, error, message):
    with pytest.raises(error, match=message):
        ThresholdNet(1, [UNIT], names=names)


BITS = [
    ([[2, 0]], ValueError, "inputs must hold 0 and 1 only; got 2"),
    ([[0, -1]], ValueError, "inputs must hold 0 and 1 only; got -1"),
    ([[0, math.nan]], TypeError, "inputs must hold integers; got dtype float64"),
    ([[0.0, 1.0]], TypeError, "inputs must hold integers; got dtype float64"),
    ([[True, False]], TypeError, "inputs must hold integers; got dtype bool"),
    ([["0", "1"]], TypeError, "inputs must hold integers; got dtype <U1"),
    ([[0, 1], [1]], TypeError, "inputs must hold integers in rows of one length"),
    (np.ma.array([[0, 1]]), TypeError, "inputs must hold integers; got a masked array"),
    (None, TypeError, "inputs must hold integers; got dtype object"),
    ([0, 1], ValueError, r"inputs must have the shape \(T, 2\); got \(2,\)"),
    ([[0, 1, 0]], ValueError, r"inputs must have the shape \(T, 2\); got \(1, 3\)"),
    ([], ValueError, r"inputs must have the shape \(T, 2\); got \(0,\)"),
]


@pytest.mark.parametrize(("inputs", "error", "message"), BITS)
def test_bad_inputs_are_refused(inputs, error, message):
    with pytest.raises(error, match=message):
        latch().run(inputs)


def test_bad_states_are_refused():
    with pytest.raises(ValueError, match=r"initial must have the shape \(1,\); got \(2,\)"):
        latch().run([[0, 0]], initial=[0, 1])
    with pytest.raises(ValueError, match="initial must hold 0 and 1 only; got 3"):
        latch().run([[0, 0]], initial=[3])
    with pytest.raises(ValueError, match=r"state must have the shape \(1,\); got \(1, 1\)"):
        latch().step([[0]], [0, 0])
    with pytest.raises(ValueError, match=r"inputs must have the shape \(2,\); got \(3,\)"):
        latch().step([0], [0, 0, 0])


@pytest.mark.parametrize(
    ("unit", "error"), [(1, ValueError), (-2, ValueError), (0.0, TypeError), ("3", TypeError)]
)
def test_units_that_a_net_has_not_are_refused(unit, error):
    with pytest.raises(error, match="unit must be"):
        disjunction().truth_table(unit)


TABLES = [
    ([0, 1, 0], ValueError, r"table must have 2\*\*n entries, n from 0 to 20; got 3"),
    ([], ValueError, r"table must have 2\*\*n entries, n from 0 to 20; got 0"),
    ([0, 2], ValueError, "table must hold 0 and 1 only; got 2"),
    ([[0, 1]], ValueError, r"table must have the shape \(T,\); got \(1, 2\)"),
    ([0.0, 1.0], TypeError, "table must hold integers; got dtype float64"),
    ([False, True], TypeError, "table must hold integers; got dtype bool"),
    ("01", TypeError, "table must hold integers; got dtype <U2"),
]


@pytest.mark.parametrize("function", [net_of_table, threshold_unit_of])
@pytest.mark.parametrize(("table", "error", "message"), TABLES)
def test_what_is_no_table_is_refused(function, table, error, message):
    with pytest.raises(error, match=message):
        function(table)


OTHERS = [
    (
        threshold_unit_of,
        (np.zeros(2**11, dtype=int),),
        ValueError,
        "table must have at most 1024 entries; got 2048",
    ),
    (truth_table_inputs, (21,), ValueError, "n must be at most 20; got 21"),
    (truth_table_inputs, (-1,), ValueError, "n must be at least 0; got -1"),
    (as_automaton, (7,), TypeError, "net must be a ThresholdNet; got int"),
    (as_automaton, (counter(7),), ValueError, "at most 20 units and inputs together; got 21 and 1"),
    (disjunction, (0,), ValueError, "n must be at least 1; got 0"),
    (conjunction, (2.0,), TypeError, r"n must be an integer; got 2\.0"),
    (oscillator, (0,), ValueError, "period must be at least 1; got 0"),
    (counter, (0,), ValueError, "n_bits must be at least 1; got 0"),
    (net_of_automaton, ([[0, 2], [1, 0]],), ValueError, "must lead to states from 0 to 1; got 2"),
    (net_of_automaton, ([[0, -1]],), ValueError, "must lead to states from 0 to 0; got -1"),
    (net_of_automaton, ([[0, 0, 0]],), ValueError, r"the shape \(n_states, 2\*\*n_inputs\); got \(1, 3\)"),
    (net_of_automaton, ([0, 1],), ValueError, r"the shape \(n_states, 2\*\*n_inputs\); got \(2,\)"),
    (net_of_automaton, (3,), ValueError, r"the shape \(n_states, 2\*\*n_inputs\); got \(\)"),
    (net_of_automaton, ([[0.5, 0]],), TypeError, "transitions must hold integers; got dtype float64"),
    (net_of_automaton, (np.zeros((5001, 2), dtype=int),), ValueError, "at most 10000 entries; got 10002"),
    (threshold_output, ([[1]], 0, [1]), ValueError, r"weights must have the shape \(N,\); got \(1, 1\)"),
    (threshold_output, ([], 0, [1]), ValueError, r"weights must have the shape \(N,\); got \(0,\)"),
    (threshold_output, ([1, math.inf], 0, [1, 1]), ValueError, "weights must be finite; got inf"),
    (threshold_output, ([1, 1], math.nan, [1, 1]), ValueError, "threshold must be finite; got nan"),
    (threshold_output, ([1, 1], "1", [1, 1]), TypeError, "threshold must be a real number; got '1'"),
    (
        threshold_output,
        ([1, 1], 1, [1]),
        ValueError,
        r"inputs must have the shape \(..., 2\), as weights; got \(1,\)",
    ),
    (
        threshold_output,
        ([1], 1, 1),
        ValueError,
        r"inputs must have the shape \(..., 1\), as weights; got \(\)",
    ),
    (
        threshold_output,
        ([1, 1], 1, [True, False]),
        TypeError,
        "inputs must hold real numbers; got dtype bool",
    ),
]


@pytest.mark.parametrize(("function", "arguments", "error", "message"), OTHERS)
def test_other_bad_arguments_are_refused(function, arguments, error, message):
    with pytest.raises(error, match=message):
        function(*arguments)


def test_long_nets_are_measured_in_a_moment():
    """Circles and depth of 10,000 units with some work a synapse; by rounds of all units it is minutes."""
    assert oscillator(10_000).has_circles
    n = 10_000
    backwards = ThresholdNet(1, [*(Unit((i + 2,)) for i in range(n - 1)), Unit((0,))])
    assert backwards.depth == n


def test_a_net_has_a_bounded_number_of_inputs_with_names():
    with pytest.raises(ValueError, match="n_inputs must be at most 1048576; got 2147483648"):
        ThresholdNet(2**31, [Unit((0,))])


def test_a_field_beyond_all_floats_is_refused():
    for inputs in ([1.0, 1.0], [10.0, -10.0]):
        with pytest.raises(
            ValueError, match=r"beyond the range of floats; got weights \[1\.e\+308 1\.e\+308\]"
        ):
            threshold_output([1e308, 1e308], 0, inputs)
