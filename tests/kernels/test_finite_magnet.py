"""The walk of a finite magnet: its table against the explicit matrix, its moves against the table."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smbook.kernels import finite_magnet as kernels
from smbook.kernels.lattice import CERTAIN, IMPOSSIBLE
from smbook.kernels.rng import next_uint64, seed_state, streams
from smbook.theory.ising import curie_weiss_finite, curie_weiss_first_passage
from smbook.widgets.compiler import EXPORTS, WASM
from tests.wasm import Kernels

CASES = [
    (1, 0.7, 1.0, 0.2),
    (2, 1.3, -0.8, 0.0),
    (12, 1.25, 1.0, 0.1),
    (35, 1 / 0.6, 1.0, -0.05),
    (60, 0.0, 1.0, 3.0),
    (101, 0.9, -1.0, 0.4),
]
EXACT = 2.0**-62  # to a unit of a 63-bit draw, or of the probability itself


def flip_table(n, beta, coupling=1.0, field=0.0):
    table = np.empty((2, n + 1), dtype=np.int64)
    kernels.flip_table(beta, coupling, field, table)
    return table


def probabilities(table):
    """How probable it is that a draw turns a spin up, and that it turns one down."""
    return [
        np.array([float(int(count) * 2.0**-63) for count in counts])
        for counts in (table[0].astype(object) + 1, int(CERTAIN) - table[1].astype(object))
    ]


@pytest.mark.parametrize(("n", "beta", "coupling", "field"), CASES)
def test_the_table_holds_the_probabilities_of_the_heat_bath(n, beta, coupling, field):
    gain, loss = probabilities(flip_table(n, beta, coupling, field))
    k = np.arange(n + 1)
    seen_by_down, seen_by_up = (coupling * (2 * k - n + to) / n + field for to in (1, -1))
    np.testing.assert_allclose(
        gain, (1 - k / n) * (1 + np.tanh(beta * seen_by_down)) / 2, atol=EXACT, rtol=1e-13
    )
    np.testing.assert_allclose(loss, k / n * (1 - np.tanh(beta * seen_by_up)) / 2, atol=EXACT, rtol=1e-13)


@pytest.mark.parametrize(("n", "beta", "coupling", "field"), CASES)
def test_detailed_balance_with_the_exact_law(n, beta, coupling, field):
    """p_k g_k = p_{k+1} l_{k+1} for every pair, and p P = p for the matrix of one update and of a sweep."""
    gain, loss = probabilities(flip_table(n, beta, coupling, field))
    p = curie_weiss_finite(n, beta, coupling=coupling, field=field).probability
    np.testing.assert_allclose(p[:-1] * gain[:-1], p[1:] * loss[1:], rtol=1e-11, atol=EXACT)
    matrix = np.diag(1 - gain - loss) + np.diag(gain[:-1], 1) + np.diag(loss[1:], -1)
    np.testing.assert_allclose(p @ matrix, p, atol=1e-14)
    np.testing.assert_allclose(p @ np.linalg.matrix_power(matrix, n), p, atol=1e-12)


def test_a_table_without_the_spin_itself_left_out_breaks_balance():
    """The field of all N spins, M in place of M +- 1, is a wrong sampler that the check above catches."""
    n, beta = 12, 1.25
    k = np.arange(n + 1)
    local = (2 * k - n) / n
    gain, loss = (1 - k / n) * (1 + np.tanh(beta * local)) / 2, k / n * (1 - np.tanh(beta * local)) / 2
    p = curie_weiss_finite(n, beta).probability
    assert abs(p[:-1] * gain[:-1] / (p[1:] * loss[1:]) - 1).max() > 0.05


@given(st.integers(1, 300), st.floats(0.0, 50.0), st.floats(-2.0, 2.0), st.floats(-5.0, 5.0))
def test_no_draw_turns_a_spin_both_ways(n, beta, coupling, field):
    table = flip_table(n, beta, coupling, field)
    assert (table[0] <= table[1]).all()
    assert (table[0, -1], table[1, 0]) == (IMPOSSIBLE, CERTAIN)  # no spin is left to turn


def test_cold_magnets_do_not_move_against_their_field():
    table = flip_table(4, 1e6, 1.0, 0.0)
    assert table[0].tolist()[:2] == [IMPOSSIBLE] * 2
    assert table[1].tolist()[3:] == [CERTAIN] * 2
    assert math.isclose(float(table[0, 3]) * 2.0**-63, 0.25)


def test_a_walk_makes_the_moves_of_its_draws():
    table, state = flip_table(9, 0.8, 1.0, 0.1), seed_state(5)
    up, record, states = np.array([4]), np.empty((6, 1), dtype=np.int64), streams(5, 1)
    kernels.walk(up, table, states, 2, record)
    k, noted = 4, []
    for _ in range(6):
        for _ in range(2 * 9):
            draw = int(next_uint64(state)) >> 1
            k += int(draw <= table[0, k]) - int(draw > table[1, k])
        noted.append(k)
    assert record[:, 0].tolist() == noted
    assert up[0] == noted[-1]
    assert states[0].tolist() == state.tolist()


def test_magnets_start_with_spins_that_are_tossed():
    up, state = np.empty(3, dtype=np.int64), streams(2, 3)
    kernels.randomize(up, 100, state)
    twin = streams(2, 3)
    expected = [sum(int(next_uint64(row)) >> 63 for _ in range(100)) for row in twin]
    assert up.tolist() == expected
    assert state.tolist() == twin.tolist()


@pytest.mark.parametrize("n_updates", [1, 7, 1000])
def test_a_passage_goes_on_where_it_was_left(n_updates):
    """And it makes the moves of the walk: the first time that the walk is there, update by update."""
    n, table = 10, flip_table(10, 1 / 0.6, 1.0, -0.05)
    up, states, elapsed = np.full(5, 9), streams(3, 5), np.zeros(5, dtype=np.int64)
    while (up > 1).any():
        kernels.first_passage(up, table, states, 1, n_updates, elapsed)
    for magnet, state in enumerate(streams(3, 5)):
        k, made = 9, 0
        while k > 1:
            draw = int(next_uint64(state)) >> 1
            k += int(draw <= table[0, k]) - int(draw > table[1, k])
            made += 1
        assert (up[magnet], elapsed[magnet]) == (1, made)
        assert states[magnet].tolist() == state.tolist()
    assert elapsed.min() >= n - 2


def test_a_passage_ends_from_below_too():
    up, states, elapsed = np.array([1]), streams(3, 1), np.zeros(1, dtype=np.int64)
    kernels.first_passage(up, flip_table(10, 1 / 0.6, 1.0, 0.05), states, 8, 10**6, elapsed)
    mirrored, again = np.zeros(1, dtype=np.int64), np.array([1])
    assert up[0] == 8
    assert elapsed[0] >= 7
    kernels.first_passage(again, flip_table(10, 1 / 0.6, 1.0, 0.05), states, 1, 10**6, mirrored)
    assert mirrored[0] == 0  # it is there already


# Laws and times

SIZES = (1, 2, 9, 100, 3001)
STATES = [(0.5, 0.0), (1.0, 0.01), (1 / 0.8, 1e-3), (1 / 0.3, -0.5), (1 / 0.6, -0.05)]


def law_of(n, beta, field):
    law = np.empty(n + 1)
    kernels.log_law(beta, 1.0, field, law)
    return law


@pytest.mark.parametrize(("n", "state"), list(itertools.product(SIZES, STATES)))
def test_the_law_is_that_of_theory(n, state):
    exact = curie_weiss_finite(n, state[0], field=state[1])
    np.testing.assert_allclose(np.exp(law_of(n, *state)), exact.probability, rtol=1e-10, atol=1e-290)


@pytest.mark.parametrize(("n", "state"), list(itertools.product(SIZES, STATES)))
def test_the_means_are_those_of_theory(n, state):
    """From the law without a field, also in fields that turn it around."""
    fields = np.array([state[1], 0.0, 0.3, -1e-4])
    m, absolute = np.empty(4), np.empty(4)
    kernels.means(law_of(n, state[0], 0.0), state[0], fields, m, absolute)
    for field, signed, size in zip(fields, m, absolute, strict=True):
        exact = curie_weiss_finite(n, state[0], field=field)
        assert signed == pytest.approx(exact.magnetization @ exact.probability, abs=1e-11)
        assert size == pytest.approx(exact.moments.absolute, abs=1e-11)


@pytest.mark.parametrize("size", [1, 3, 7, 200])
def test_a_gathered_law_is_summed_in_order(size):
    law = law_of(100, 1.1, 0.01)
    shares = np.full(-(-101 // size), np.nan)
    kernels.gather(law, size, shares)
    expected = np.add.reduceat(np.exp(law), np.arange(0, 101, size))
    np.testing.assert_allclose(shares, expected, rtol=1e-12)
    assert shares.sum() == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize(("n", "state"), list(itertools.product((1, 9, 60, 300), STATES)))
def test_the_mean_passage_is_that_of_theory(n, state):
    """Two formulas, one summed in logarithms, the other a recursion of positive terms."""
    for start, stop in ((n, 0), (n, n // 2), (-(-n // 2), 0)):
        time = kernels.passage_time(state[0], 1.0, state[1], n, start, stop)
        exact = curie_weiss_first_passage(n, state[0], field=state[1], start=start, stop=stop)
        assert time == pytest.approx(exact, rel=1e-10)


def test_a_passage_that_never_comes_takes_forever():
    assert kernels.passage_time(1 / 0.6, 1.0, -0.05, 100_000, 94_000, 4000) == math.inf
    assert kernels.passage_time(1 / 0.3, 1.0, -0.0, 100_000, 99_800, 200) == math.inf


# The same bits in a page

OURS = sorted(
    name for name, (kernel, _, _) in EXPORTS.items() if kernel.py_func.__module__ == kernels.__name__
)


@pytest.fixture(scope="module")
def page():
    return Kernels(WASM.read_bytes())


def arguments(name, n, beta, field):
    """Arguments for a kernel, with arrays of their own."""
    up, states = np.full(3, -(-n // 2)), streams(5, 3)
    table, fields = flip_table(n, beta, 1.0, field), np.array([field, 0.0, 0.5])
    return {
        "flip_table": (beta, 1.0, field, np.zeros((2, n + 1), np.int64)),
        "walk": (up, table, states, 3, np.zeros((4, 3), np.int64)),
        "first_passage": (up, table, states, 0, 5000, np.zeros(3, np.int64)),
        "passage_time": (beta, 1.0, field, n, n, 0),
        "log_law": (beta, 1.0, field, np.zeros(n + 1)),
        "gather": (law_of(n, beta, field), 7, np.zeros(-(-(n + 1) // 7))),
        "means": (law_of(n, beta, 0.0), beta, fields, np.zeros(3), np.zeros(3)),
    }[name]


@pytest.mark.parametrize("name", OURS)
def test_numba_and_webassembly_give_the_same_bits(page, name):
    for n, state in itertools.product((1, 10, 999), STATES):
        native, foreign = arguments(name, n, *state), arguments(name, n, *state)
        returned = EXPORTS[name][0](*native), page.call(name, *foreign)
        for here, there in zip((*native, returned[0]), (*foreign, returned[1]), strict=True):
            assert bits(here) == bits(there)


def bits(value):
    return b"" if value is None else np.asarray(value).tobytes()
