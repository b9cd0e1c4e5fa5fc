"""Kernels of two layers: means and sums against 60 digits; draws, weights, orders, swaps against laws."""

import itertools
import math

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numba import njit
from scipy.special import expit
from scipy.stats import chi2, kstest

from smbook.kernels import bipartite as kernels
from smbook.kernels.bipartite import BINARY, GAUSSIAN, SPIN
from smbook.kernels.rng import fill_uint64, seed_state
from tests.network.exact import rebuilt

KINDS = {"binary": BINARY, "spin": SPIN, "gaussian": GAUSSIAN}
TWO_STATES = {"binary": BINARY, "spin": SPIN}
EXTREMES = [0.0, -0.0, 87.0, -87.0, 88.0, -88.0, 104.0, -104.0, 710.0, -710.0, 1e5, -1e5, 3e38, -3e38]
random = np.random.default_rng(1)
SMALL = random.choice([-1, 1], 500) * np.exp2(random.uniform(-60, 0, 500))
FIELDS = np.concatenate([EXTREMES, SMALL, random.uniform(-20, 20, 1000), random.uniform(-90, 90, 500)])


def exact_mean(kind, x):
    if kind == GAUSSIAN:
        return x
    return mpmath.tanh(x) if kind == SPIN else 1 / (1 + mpmath.exp(-x))


def exact_cumulant(kind, x):
    if kind == GAUSSIAN:
        return x * x / 2
    if kind == SPIN:
        return abs(x) + mpmath.log1p(mpmath.exp(-2 * abs(x)))
    return max(x, mpmath.mpf(0)) + mpmath.log1p(mpmath.exp(-abs(x)))


def room_for(n):
    words = np.empty((n + 1) // 2, dtype=np.uint64)
    return words, words.view(np.uint32), np.empty(n)


def activated(kind, fields, *, beta=1.0, biases=None, seed=1, activate=kernels.activate, dtype=np.float32):
    """Means and units of rows of fields, and the state of the generator that is left."""
    rows = np.atleast_2d(fields).astype(dtype)
    means, units, state = np.empty_like(rows), np.empty_like(rows), seed_state(seed)
    biases = np.zeros(rows.shape[1], dtype) if biases is None else biases.astype(dtype)
    activate(kind, beta, rows, biases, state, *room_for(rows.shape[1]), means, units)
    return means, units, state


def found_means(kind, fields, *, beta=1.0, biases=None, dtype=np.float32):
    rows = np.atleast_2d(fields).astype(dtype)
    means = np.empty_like(rows)
    biases = np.zeros(rows.shape[1], dtype) if biases is None else biases.astype(dtype)
    kernels.find_means(kind, beta, rows, biases, means)
    return means


# Means


@pytest.mark.parametrize("kind", TWO_STATES.values(), ids=TWO_STATES)
def test_means_are_right_to_two_units_of_single_precision(kind):
    """Next to 1; a small probability has a relative error that grows with its field, as the field's does."""
    fields = FIELDS.astype(np.float32)
    with mpmath.workdps(60):
        exact = [exact_mean(kind, mpmath.mpf(float(x))) for x in fields]
        wrong = [
            abs(mpmath.mpf(float(f)) - e) for f, e in zip(found_means(kind, fields)[0], exact, strict=True)
        ]
    assert max(wrong) < 2e-7
    if kind == BINARY:
        rare = [(x, float(w / e)) for x, w, e in zip(fields, wrong, exact, strict=True) if -85 < x < 0]
        assert max(relative / (2 - x) for x, relative in rare) < 2e-7


def test_means_of_gaussian_units_are_their_fields():
    fields = FIELDS[np.abs(FIELDS) < 1e30]
    assert found_means(GAUSSIAN, fields, dtype=np.float64)[0].tolist() == fields.tolist()
    narrow = found_means(GAUSSIAN, fields, beta=0.5)[0]
    assert narrow.tolist() == (0.5 * fields.astype(np.float32)).tolist()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_both_kernels_find_the_means_of_beta_fields_and_biases(kind, dtype):
    fields, biases = random.normal(size=(7, 13)), random.normal(size=13)
    exact = np.vectorize(lambda x: float(exact_mean(kind, x)))(0.3 * fields + biases)
    given_to = {"beta": 0.3, "biases": biases, "dtype": dtype}
    means = found_means(kind, fields, **given_to)
    np.testing.assert_allclose(means, exact, rtol=0, atol=5e-7)
    assert activated(kind, fields, **given_to)[0].tolist() == means.tolist()


@pytest.mark.parametrize("kind", TWO_STATES.values(), ids=TWO_STATES)
def test_infinite_fields_leave_no_choice(kind):
    fields = np.array([np.inf, -np.inf, 3e38, -3e38])
    means, units, _ = activated(kind, fields)
    np.testing.assert_allclose(means[0], [1.0, -1.0 if kind == SPIN else 0.0] * 2, atol=2e-38)
    assert units[0].tolist() == [1.0, -1.0 if kind == SPIN else 0.0] * 2


# Draws


@pytest.mark.parametrize("columns", [1, 2, 3, 8, 33])
@pytest.mark.parametrize("kind", TWO_STATES.values(), ids=TWO_STATES)
def test_units_come_from_the_documented_draws(kind, columns):
    """Two to a word, the lower half first; the upper 23 bits of each name the middle of a step."""
    fields = random.normal(size=(5, columns))
    means, units, left = activated(kind, fields, seed=7)
    state, (words, halves, _) = seed_state(7), room_for(columns)
    for row in range(5):
        fill_uint64(state, words)
        drawn = ((halves[:columns] >> 9) + 0.5) / 2**23
        up = means[row] if kind == BINARY else (1.0 + means[row].astype(float)) / 2.0
        clear = np.abs(drawn - up) > 1e-7
        assert (units[row] == 1.0)[clear].tolist() == (drawn < up)[clear].tolist()
    assert left.tolist() == state.tolist()
    assert set(np.unique(units)) <= {1.0, 0.0 if kind == BINARY else -1.0}


CHANCES = np.concatenate([np.linspace(-8, 8, 41), np.linspace(-0.5, 0.5, 21), [0.0, -12.0, 12.0]])


def misfit(kind, *, factor=1.0, n_blocks=8):
    """How often units were up: chi-square's p-value, and by how many errors all fields are too strong."""
    gain, rows = 1.0 if kind == BINARY else 2.0, 50_000 * n_blocks
    fields = np.broadcast_to(factor * CHANCES, (50_000, CHANCES.size))
    seen = sum((activated(kind, fields, seed=seed)[1] == 1.0).sum(axis=0) for seed in range(n_blocks))
    up = expit(gain * CHANCES.astype(np.float32).astype(float))
    z = (seen - rows * up) / np.sqrt(rows * up * (1 - up))
    common = rows * np.minimum(up, 1 - up) > 10
    slope = (CHANCES * np.sqrt(up * (1 - up)))[common]
    return chi2.sf((z[common] ** 2).sum(), common.sum()), slope @ z[common] / np.linalg.norm(slope)


@pytest.mark.parametrize("kind", TWO_STATES.values(), ids=TWO_STATES)
def test_units_are_up_as_often_as_their_fields_say(kind):
    p_value, slope = misfit(kind)
    assert p_value > 1e-4
    assert abs(slope) < 4


@pytest.mark.parametrize("kind", TWO_STATES.values(), ids=TWO_STATES)
def test_fields_too_strong_by_half_a_percent_are_seen(kind):
    _, slope = misfit(kind, factor=1.005)
    assert slope > 4


def test_a_chance_far_below_one_step_never_comes_and_one_step_does():
    """2**-24 is the least chance that is ever taken; that of 1e-6 comes as often as its step says."""
    _, units, _ = activated(BINARY, np.full((50_000, 100), math.log(1e-9)))
    assert units.sum() == 0
    _, units, _ = activated(BINARY, np.full((50_000, 100), math.log(1e-6)))
    due = 5e6 * 8 / 2**23  # eight steps of 2**-23 lie below 1e-6
    assert abs(units.sum() - due) < 4 * math.sqrt(due)


@pytest.mark.parametrize("kind", TWO_STATES.values(), ids=TWO_STATES)
def test_neighbouring_units_and_rows_know_nothing_of_each_other(kind):
    _, units, _ = activated(kind, np.zeros((200_000, 6)), seed=5)
    signs = np.where(units == 1.0, 1.0, -1.0)
    for one, other in ((signs[:, i], signs[:, j]) for i, j in itertools.combinations(range(6), 2)):
        assert abs((one * other).sum()) < 4.5 * math.sqrt(len(signs))
    assert abs((signs[1:] * signs[:-1]).sum(axis=0)).max() < 4.5 * math.sqrt(len(signs))


def test_gaussian_units_are_normal_around_their_fields():
    fields = random.normal(size=60)
    means, units, _ = activated(GAUSSIAN, np.broadcast_to(fields, (5000, 60)), beta=2.0, dtype=np.float64)
    assert means[0].tolist() == (2.0 * fields).tolist()
    assert kstest((units - means).ravel(), "norm").pvalue > 1e-4
    assert kstest((1.02 * (units - means)).ravel(), "norm").pvalue < 1e-4


# Sums of phi


def sums_of(kind, fields, *, beta=1.0, biases=None, begin=0.0):
    rows = np.atleast_2d(fields)
    sums = np.full(len(rows), begin)
    biases = np.zeros(rows.shape[1]) if biases is None else biases
    kernels.sum_cumulants(kind, beta, rows, biases, np.full((2, 512), np.nan), sums)
    return sums


@pytest.mark.parametrize("n", [1, 2, 3, 7, 511, 512, 513, 1024, 1025])
@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_sums_are_right_to_the_last_digits(kind, n):
    fields, biases = random.normal(scale=5, size=(2, n)), random.normal(size=n)
    with mpmath.workdps(60):
        numbers = [[mpmath.mpf(0.7 * x + b) for x, b in zip(row, biases, strict=True)] for row in fields]
        exact = [float(mpmath.fsum(exact_cumulant(kind, x) for x in row)) for row in numbers]
    found = sums_of(kind, fields, beta=0.7, biases=biases)
    np.testing.assert_allclose(found, exact, rtol=2e-14)
    np.testing.assert_allclose(
        sums_of(kind, fields, beta=0.7, biases=biases, begin=3.0), found + 3.0, rtol=1e-15
    )


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_sums_are_right_at_extreme_fields(kind):
    """One field at a time, so that none hides another."""
    fields = [x for x in FIELDS if abs(x) < 1e30] + [1e100, -1e100]
    for x in fields:
        with mpmath.workdps(60):
            exact = float(exact_cumulant(kind, mpmath.mpf(float(x))))
        assert sums_of(kind, np.array([[x]]))[0] == pytest.approx(exact, rel=5e-16, abs=3e-16)


@pytest.mark.parametrize("kind", TWO_STATES.values(), ids=TWO_STATES)
def test_512_factors_at_their_largest_are_a_number(kind):
    assert sums_of(kind, np.zeros((1, 512)))[0] == pytest.approx(512 * math.log(2), rel=1e-14)


# Weights of all states


def brute_log_weights(own, other, weights, biases, fields):
    bits = np.arange(2**biases.size)[:, None] >> np.arange(biases.size) & 1
    units = bits if own == BINARY else 2 * bits - 1
    local = units @ weights + fields
    phi = np.vectorize(lambda x: float(exact_cumulant(other, x)))(local)
    return units @ biases + phi.sum(axis=1)


def log_weights(kinds, weights, biases, fields, *, size=None, first=0):
    out = np.full(2**biases.size if size is None else size, np.nan)
    room = np.empty(biases.size), np.empty(fields.size), np.empty((2, 512))
    kernels.find_log_weights(np.array(kinds), weights, biases, fields, first, *room, out)
    return out


PAIRS = [(own, other) for own in TWO_STATES.values() for other in KINDS.values()]


@pytest.mark.parametrize("n", [1, 2, 5])
@pytest.mark.parametrize(("own", "other"), PAIRS)
def test_weights_by_gray_code_are_those_of_all_states(own, other, n):
    weights, biases, fields = random.normal(size=(n, 4)), random.normal(size=n), random.normal(size=4)
    exact = brute_log_weights(own, other, weights, biases, fields)
    np.testing.assert_allclose(
        log_weights((own, other), weights, biases, fields), exact, rtol=1e-13, atol=1e-13
    )


@pytest.mark.parametrize("own", TWO_STATES.values(), ids=TWO_STATES)
def test_pieces_are_the_whole(own):
    """Each begins anew, and so agrees to rounding; the other layer has more units than factors at once."""
    weights, biases, fields = random.normal(size=(6, 515)), random.normal(size=6), random.normal(size=515)
    whole = log_weights((own, SPIN), weights, biases, fields)
    for size in (1, 8, 32):
        pieces = [
            log_weights((own, SPIN), weights, biases, fields, size=size, first=first)
            for first in range(0, 64, size)
        ]
        np.testing.assert_allclose(np.concatenate(pieces), whole, rtol=1e-13)


def test_rounding_does_not_add_up_along_the_code():
    """4096 states, the piece that the package takes."""
    weights, biases, fields = random.normal(size=(12, 9)), random.normal(size=12), random.normal(size=9)
    exact = brute_log_weights(BINARY, BINARY, weights, biases, fields)
    np.testing.assert_allclose(log_weights((BINARY, BINARY), weights, biases, fields), exact, atol=2e-12)


# Orders


@given(st.integers(1, 20), st.integers(1, 9), st.integers(0, 10**6))
def test_rows_are_gathered_as_they_are(n_rows, n_columns, seed):
    random = np.random.default_rng(seed)
    rows = random.integers(-1, 2, (n_rows, n_columns)).astype(np.int8)
    order = random.integers(0, n_rows, 7)
    out = np.empty((7, n_columns), np.float32)
    kernels.gather(rows, order, out)
    assert out.tolist() == rows[order].tolist()


def p_value_of_orders(shuffle, n_orders=24_000):
    """Of chi-square for the 24 orders of four numbers."""
    state, seen = seed_state(2), dict.fromkeys(itertools.permutations(range(4)), 0)
    for _ in range(n_orders):
        order = np.arange(4)
        shuffle(state, order)
        seen[tuple(order.tolist())] += 1
    due = n_orders / 24
    return chi2.sf(sum((count - due) ** 2 / due for count in seen.values()), 23)


def test_all_orders_are_equally_likely():
    assert p_value_of_orders(kernels.shuffle) > 1e-4


def test_an_order_that_each_place_swaps_with_any_is_not():
    random = np.random.default_rng(1)

    def naive(_, order):
        for k in range(4):
            j = random.integers(4)
            order[k], order[j] = order[j], order[k]

    assert p_value_of_orders(naive) < 1e-10


@pytest.mark.parametrize("n", [0, 1, 2, 1000])
def test_an_order_keeps_its_numbers(n):
    order = np.arange(n)
    kernels.shuffle(seed_state(1), order)
    assert sorted(order.tolist()) == list(range(n))
    assert n < 1000 or order.tolist() != list(range(n))


# Swaps between temperatures

BETAS, LEVELS = np.array([0.0, 0.3, 1.0]), np.array([-1.5, 0.2, 1.0])


def swapped(exchange, *, n_ladders=300_000, seed=4):
    """States before and after swaps of both pairs in ladders that are drawn from the law of all betas."""
    random = np.random.default_rng(seed)
    laws = np.exp(-BETAS[:, None] * LEVELS)
    laws /= laws.sum(axis=1, keepdims=True)
    before = np.array([random.choice(3, n_ladders, p=law) for law in laws])
    at = np.arange(3 * n_ladders).reshape(3, -1)
    tried, done = np.zeros((2, 2), np.int64)
    for first in (0, 1):
        exchange(seed_state(seed + first), BETAS, first, LEVELS[before.ravel()], at, tried, done)
    assert sorted(at.ravel()) == list(range(at.size))
    assert tried.tolist() == [n_ladders] * 2
    return before, before.ravel()[at], laws, done


def p_value_of_ladders(exchange):
    _, after, laws, _ = swapped(exchange)
    counts = np.bincount(np.ravel_multi_index(tuple(after), (3, 3, 3)), minlength=27)
    due = np.einsum("i,j,k->ijk", *laws).ravel() * after.shape[1]
    return chi2.sf(((counts - due) ** 2 / due).sum(), 26)


def test_swaps_keep_the_law_of_all_temperatures():
    assert p_value_of_ladders(kernels.exchange) > 1e-4


def test_swaps_that_are_accepted_too_easily_are_caught():
    exp = kernels.exp
    easier = rebuilt(kernels, exp=njit(lambda x: exp(0.97 * x)))
    assert p_value_of_ladders(easier.exchange) < 1e-4


def test_a_pair_obeys_detailed_balance():
    """pi(a) pi'(b) min(1, e^gain) both ways: as many ladders go from (a, b) to (b, a) as come back."""
    before, _, laws, _ = swapped(kernels.exchange)
    n_ladders = before.shape[1]
    at = np.arange(3 * n_ladders).reshape(3, -1)
    tried, done = np.zeros((2, 2), np.int64)
    kernels.exchange(seed_state(9), BETAS, 1, LEVELS[before.ravel()], at, tried, done)
    moved = at[1] >= 2 * n_ladders
    assert (tried.tolist(), done.tolist()) == ([0, n_ladders], [0, moved.sum()])
    for a, b in itertools.permutations(range(3), 2):
        here = (before[1] == a) & (before[2] == b)
        chance = min(1.0, math.exp((BETAS[1] - BETAS[2]) * (LEVELS[a] - LEVELS[b])))
        found, error = moved[here].mean(), math.sqrt(max(chance * (1 - chance), 1e-12) / here.sum())
        assert abs(found - chance) < 4 * error + 1e-12
        assert laws[1, a] * laws[2, b] * chance == pytest.approx(
            laws[1, b] * laws[2, a] * min(1.0, math.exp((BETAS[1] - BETAS[2]) * (LEVELS[b] - LEVELS[a])))
        )
