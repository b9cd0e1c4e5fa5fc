"""Largest entropy and dice with a fixed total: beside theory, all sequences, and the same bits in a page."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smbook.kernels import inference as kernels
from smbook.kernels.inference import DIE, OSCILLATOR, SPIN
from smbook.kernels.rng import seed_state, uniform
from smbook.theory import inference as theory
from smbook.widgets.compiler import WASM
from tests.wasm import Kernels

shares = st.floats(0.01, 0.99)
sizes = st.integers(2, 20)


def levels_of(system, n=6):
    levels = np.empty(2 if system == SPIN else n)
    kernels.fill_levels(system, levels)
    return levels


def tilted(levels, weights, mean):
    p = np.full(levels.size, -7.0)
    return kernels.tilt(levels, weights, mean, p), p


def weights_of(seed, n):
    return np.random.default_rng(seed).dirichlet(np.ones(n)) + 1e-6


# Largest entropy


def test_the_levels_of_the_systems():
    assert levels_of(DIE).tolist() == [1, 2, 3, 4, 5, 6]
    assert levels_of(SPIN).tolist() == [-1, 1]
    assert levels_of(OSCILLATOR, 4).tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("system", [DIE, SPIN, OSCILLATOR])
@given(n=sizes, share=shares)
def test_the_maximum_is_that_of_theory(system, n, share):
    levels = levels_of(system, n)
    mean = levels[0] + share * (levels[-1] - levels[0])
    multiplier, p = tilted(levels, np.ones(levels.size), mean)
    exact = theory.maximum_entropy([levels], [mean])
    assert multiplier == pytest.approx(exact.multipliers[0], rel=1e-9, abs=1e-11)
    np.testing.assert_allclose(p, exact.probabilities, rtol=1e-9)
    assert kernels.entropy(p) == pytest.approx(exact.entropy, rel=1e-10)
    assert kernels.log_partition(levels, multiplier) == pytest.approx(exact.log_partition, rel=1e-9, abs=1e-9)
    assert abs(p @ levels - mean) < 1e-13 * np.ptp(levels)


@given(n=sizes, share=st.floats(0.02, 0.98), seed=st.integers(0, 1000))
def test_a_tilted_law_is_the_nearest_to_the_weights(n, share, seed):
    levels, weights = levels_of(DIE, n), weights_of(seed, n)
    mean = 1 + share * (n - 1)
    multiplier, p = tilted(levels, weights, mean)
    exact = theory.maximum_entropy([levels], [mean], prior=weights)
    np.testing.assert_allclose(p, exact.probabilities, rtol=1e-7, atol=1e-12)
    assert multiplier == pytest.approx(exact.multipliers[0], rel=1e-7, abs=1e-9)


def test_jaynes_die_and_a_wrong_sign():
    levels = levels_of(DIE)
    multiplier, p = tilted(levels, np.ones(6), 4.5)
    assert multiplier == pytest.approx(-0.37104893808, abs=1e-11)
    wrong = np.exp(multiplier * levels)
    assert wrong @ levels / wrong.sum() == pytest.approx(2.5)  # the mirror image
    assert p @ levels == pytest.approx(4.5, abs=1e-14)


@pytest.mark.parametrize("mean", [1.0, 6.0])
def test_at_an_end_one_state_is_left(mean):
    _, p = tilted(levels_of(DIE), np.ones(6), mean)
    assert p[int(mean) - 1] == 1
    assert kernels.entropy(p) < 1e-80


def test_a_mean_keeps_from_the_ends():
    levels = levels_of(DIE)
    found = [kernels.nearest_mean(levels, mean) for mean in (-50.0, 1.0, 3.3, 5.999, 50.0)]
    assert found == pytest.approx([1.05, 1.05, 3.3, 5.95, 5.95])


def test_entropies_along_the_means():
    levels, means = levels_of(OSCILLATOR, 5), np.linspace(0, 4, 41)
    entropies, room = np.empty(41), np.empty(5)
    kernels.fill_entropies(levels, np.ones(5), means, room, entropies)
    assert entropies[[0, -1]].max() < 1e-80
    assert entropies.argmax() == 20
    assert entropies[20] == pytest.approx(math.log(5))
    assert (np.diff(entropies, 2) < 0).all()  # a hill
    exact = [theory.maximum_entropy([levels], [mean]).entropy for mean in means[1:-1]]
    np.testing.assert_allclose(entropies[1:-1], exact, rtol=1e-11)


@given(seed=st.integers(0, 1000), n=sizes)
def test_entropies_are_those_of_theory(seed, n):
    p, q = weights_of(seed, n), weights_of(seed + 1, n)
    p, q = p / p.sum(), q / q.sum()
    assert kernels.entropy(p) == pytest.approx(theory.entropy(p), rel=1e-13)
    assert kernels.relative_entropy(p, q) == pytest.approx(theory.relative_entropy(p, q), abs=1e-13)
    assert kernels.relative_entropy(p, p) == 0


# One's own


@given(n=st.integers(3, 20), share=shares, data=st.data())
def test_pulling_keeps_sum_and_mean_and_costs_the_relative_entropy(n, share, data):
    levels, p, room = levels_of(DIE, n), np.empty(n), np.empty(n)
    mean = 1 + share * (n - 1)
    kernels.begin_own(levels, mean, room, p)
    _, best = tilted(levels, np.ones(n), mean)
    for _ in range(3):
        i, value = data.draw(st.integers(0, n - 1)), data.draw(st.floats(0, 1))
        before = p.copy()
        kernels.pull(levels, mean, i, value, room, p)
        assert p.sum() == pytest.approx(1, abs=1e-12)
        assert p @ levels == pytest.approx(mean, abs=1e-10)
        assert (p >= 0).all()
        lost = theory.relative_entropy(p / p.sum(), best)
        assert kernels.entropy(best) - kernels.entropy(p) == pytest.approx(lost, abs=1e-9)
        others = np.arange(n) != i
        if p[i] == value and min(before.min(), p.min()) > 1e-250:  # the others are tilted
            logs, x = np.log(p / before)[others], levels[others]
            np.testing.assert_allclose(np.polyval(np.polyfit(x, logs, 1), x), logs, atol=1e-6)


def test_what_cannot_be_is_not_pulled():
    """With the mean 5.5 of a die a six has at least one half, and a one at most a tenth."""
    levels, room = levels_of(DIE), np.empty(6)
    for i, value, least, most in ((5, 0.0, 0.5, 0.51), (0, 1.0, 0.099, 0.1)):
        p = np.empty(6)
        kernels.begin_own(levels, 5.5, room, p)
        kernels.pull(levels, 5.5, i, value, room, p)
        assert least < p[i] < most
    p = np.array([0.25, 0.75])
    kernels.pull(levels_of(SPIN), 0.5, 0, 0.9, np.empty(2), p)
    assert p.tolist() == [0.25, 0.75]


def test_collisions_raise_the_entropy_to_its_maximum():
    """Boltzmann's theorem: never down, and the end is the distribution of largest entropy."""
    rng = np.random.default_rng(4)
    for n in (2, 3, 6, 20):
        p, pairs, levels = rng.dirichlet(np.full(n, 0.3)), np.empty(2 * n - 1), levels_of(DIE, n)
        mean, last = p @ levels, 0.0
        for _ in range(400):
            kernels.collide(p, 0.5, pairs)
            now = kernels.entropy(p)
            assert now >= last - 1e-14
            last = now
        assert p @ levels == pytest.approx(mean, abs=1e-11)
        np.testing.assert_allclose(p, tilted(levels, np.ones(n), mean)[1], atol=1e-8)


def test_a_collision_is_an_exchange_of_infinitely_many_dice():
    p, pairs = np.array([0.5, 0.2, 0.3]), np.empty(5)
    expected = np.zeros(3)
    for i, j in itertools.product(range(3), repeat=2):
        ends = [k for k in range(3) if 0 <= i + j - k < 3]
        for k in ends:
            expected[k] += p[i] * p[j] / len(ends)
    found = p.copy()
    kernels.collide(found, 1.0, pairs)
    np.testing.assert_allclose(found, expected)


# Dice


def sequences(n, n_dice, total):
    return [s for s in itertools.product(range(n), repeat=n_dice) if sum(s) == total]


@pytest.mark.parametrize(("n", "n_dice", "total"), [(6, 2, 7), (6, 4, 14), (2, 6, 2), (4, 5, 1), (3, 7, 7)])
def test_a_fixed_total_beside_all_sequences(n, n_dice, total):
    levels, law, marginal = levels_of(OSCILLATOR, n), np.empty(total + 1), np.empty(n)
    _, p = tilted(levels, np.ones(n), total / n_dice)
    log_probability = kernels.fixed_total(p, n_dice, law, marginal)
    all_of_them = sequences(n, n_dice, total)
    firsts = np.bincount([s[0] for s in all_of_them], minlength=n)
    np.testing.assert_allclose(marginal, firsts / len(all_of_them), rtol=1e-11, atol=1e-15)
    number = n_dice * kernels.entropy(p) + log_probability
    assert number == pytest.approx(math.log(len(all_of_them)), abs=1e-11)


@pytest.mark.parametrize("mean", [0.19, 3.0, 9.5, 17.0])
@pytest.mark.parametrize("n_dice", [2, 3, 200, 201])
def test_two_halves_of_the_dice_make_the_whole(mean, n_dice):
    """What is left out at the ends of a half is nothing to the whole, beside a convolution of all."""
    levels = levels_of(OSCILLATOR, 20)
    total = int(kernels.nearest_total(levels, n_dice, mean))
    _, p = tilted(levels, np.ones(20), total / n_dice)
    law = np.ones(1)
    for _ in range(n_dice - 1):
        law = np.convolve(law, p)[: total + 1]
    exact = np.array([p[i] * law[total - i] if 0 <= total - i < law.size else 0.0 for i in range(20)])
    marginal = np.empty(20)
    log_probability = kernels.fixed_total(p, n_dice, np.full(total + 1, np.nan), marginal)
    np.testing.assert_allclose(marginal, exact / exact.sum(), rtol=1e-12, atol=1e-18)
    assert log_probability == pytest.approx(math.log(exact.sum()), abs=1e-12)


def test_many_dice_have_boltzmanns_weights():
    """The distance goes down as 1 / N, and the logarithm of their number a die comes to the entropy."""
    levels = levels_of(DIE)
    _, p = tilted(levels, np.ones(6), 4.5)
    apart, lacking = [], []
    for n_dice in (10, 100, 1000):
        law, marginal = np.empty(int(3.5 * n_dice) + 1), np.empty(6)
        lacking.append(-kernels.fixed_total(p, n_dice, law, marginal) / n_dice)
        apart.append(np.abs(marginal - p).max())
    np.testing.assert_allclose(np.divide(apart[:-1], apart[1:]), 10, rtol=0.15)
    assert 0 < lacking[2] < lacking[1] < lacking[0]
    variance = p @ levels**2 - 4.5**2
    assert lacking[2] * 1000 == pytest.approx(math.log(2 * math.pi * 1000 * variance) / 2, rel=1e-3)


def visits(exchange, n, n_dice, total, n_sweeps, seed):
    """Count how often each sequence is met, one sweep apart."""
    dice, state, row = np.empty(n_dice, np.int8), seed_state(seed), np.empty((1, n), np.int64)
    kernels.deal(total, dice)
    index = {s: k for k, s in enumerate(sequences(n, n_dice, total))}
    counts = np.zeros(len(index), np.int64)
    for sweep in range(n_sweeps):
        exchange(n, dice, state, row)
        assert dice.sum() == total
        if sweep >= 50:
            counts[index[tuple(dice.tolist())]] += 1
    return counts


def blocked_z(counts_of_blocks):
    """z of each sequence against equal chances, with errors from independent blocks."""
    rates = counts_of_blocks / counts_of_blocks.sum(axis=1, keepdims=True)
    error = rates.std(axis=0, ddof=1) / math.sqrt(len(rates))
    return (rates.mean(axis=0) - 1 / rates.shape[1]) / error


def wrong_exchange(n, dice, state, row):
    """Move one unit between two dice, and choose anew where there is no room: sequences then differ."""
    for _ in range(dice.size):
        while True:
            a, b = (int(uniform(state) * dice.size) for _ in range(2))
            if a != b and dice[a] < n - 1 and dice[b] > 0:
                break
        dice[a] += 1
        dice[b] -= 1
    row[0] = np.bincount(dice, minlength=n)


@pytest.mark.parametrize(("n", "n_dice", "total"), [(6, 3, 11), (2, 5, 2), (4, 4, 6)])
def test_every_sequence_with_the_total_is_equally_likely(n, n_dice, total):
    """At |z| < 4 for each sequence, which tells a bias of some 5 %."""
    counts = np.array([visits(kernels.exchange, n, n_dice, total, 2050, seed) for seed in range(20)])
    assert np.abs(blocked_z(counts)).max() < 4
    assert counts.min(axis=1).min() > 0


def test_a_biased_exchange_is_caught():
    counts = np.array([visits(wrong_exchange, 6, 3, 11, 1050, seed) for seed in range(20)])
    assert np.abs(blocked_z(counts)).max() > 8


def test_counts_are_those_of_the_dice():
    dice, state, record = np.empty(50, np.int8), seed_state(3), np.empty((7, 6), np.int64)
    kernels.deal(175, dice)
    assert sorted(dice.tolist()) == [3] * 25 + [4] * 25
    kernels.exchange(6, dice, state, record)
    assert (record.sum(axis=1) == 50).all()
    assert (record @ np.arange(6) == 175).all()
    assert record[-1].tolist() == np.bincount(dice, minlength=6).tolist()


def test_shares_of_sweeps_are_the_exact_ones():
    """Means of many sweeps at |z| < 4, for dice so few that Boltzmann's weights are 10 to 40 errors off."""
    n_dice, total, means = 4, 14, []
    for seed in range(20):
        dice, record = np.empty(n_dice, np.int8), np.empty((4000, 6), np.int64)
        kernels.deal(total, dice)
        kernels.exchange(6, dice, seed_state(seed), record)
        means.append(record[50:].mean(axis=0) / n_dice)
    _, p = tilted(levels_of(OSCILLATOR), np.ones(6), total / n_dice)
    marginal = np.empty(6)
    kernels.fixed_total(p, n_dice, np.empty(total + 1), marginal)
    error = np.std(means, axis=0, ddof=1) / math.sqrt(20)
    assert (np.abs(np.mean(means, axis=0) - marginal) < 4 * error).all()
    assert (np.abs(np.mean(means, axis=0) - p) / error).max() > 8


def test_throws_follow_their_law():
    p, record = np.array([0.1, 0.2, 0.3, 0.4]), np.empty((1000, 4), np.int64)
    kernels.throw(p, 100, seed_state(2), record)
    assert (record.sum(axis=1) == 100).all()
    z = (record.sum(axis=0) - 1e5 * p) / np.sqrt(1e5 * p * (1 - p))
    assert np.abs(z).max() < 4
    variance = record.var(axis=0, ddof=1) / (100 * p * (1 - p))
    assert np.abs(variance - 1).max() < 4 * math.sqrt(2 / 999)


@pytest.mark.parametrize(("mean", "n_dice", "total"), [(4.5, 2, 7), (4.5, 3, 11), (5.99, 2, 9), (1.01, 2, 1)])
def test_the_nearest_total(mean, n_dice, total):
    assert kernels.nearest_total(levels_of(DIE), n_dice, mean) == total


def test_the_slope_of_logarithms():
    levels = levels_of(DIE)
    _, p = tilted(levels, np.ones(6), 4.5)
    assert kernels.log_slope(levels, 1000 * p) == pytest.approx(0.37104893808, abs=1e-10)
    assert math.isnan(kernels.log_slope(levels, np.array([0, 0, 5.0, 0, 0, 0])))
    assert kernels.log_slope(levels, np.array([0, 1.0, 0, 0, 0, math.e**2])) == pytest.approx(0.5)


# In a page


@pytest.fixture(scope="module")
def wasm():
    return Kernels(WASM.read_bytes())


@given(system=st.sampled_from([DIE, SPIN, OSCILLATOR]), n=sizes, share=shares, seed=st.integers(0, 99))
def test_webassembly_finds_the_same_laws(wasm, system, n, share, seed):
    levels = levels_of(system, n)
    again, n = np.empty(levels.size), levels.size
    wasm.fill_system(system, again)
    assert again.tolist() == levels.tolist()
    mean, weights = levels[0] + share * (levels[-1] - levels[0]), weights_of(seed, n)
    assert wasm.nearest_mean(levels, mean) == kernels.nearest_mean(levels, mean)
    found, expected = np.empty((2, n)), np.empty((2, n))
    one = wasm.tilt(levels, weights, mean, found[0])
    other = kernels.tilt(levels, weights, mean, expected[0])
    assert one == other
    assert wasm.log_partition(levels, one) == kernels.log_partition(levels, one)
    wasm.begin_own(levels, mean, np.empty(n), found[1])
    kernels.begin_own(levels, mean, np.empty(n), expected[1])
    room = np.empty(n)
    wasm.pull(levels, mean, seed % n, 0.3, room, found[1])
    kernels.pull(levels, mean, seed % n, 0.3, room, expected[1])
    wasm.collide(found[1], 0.1, np.empty(2 * n - 1))
    kernels.collide(expected[1], 0.1, np.empty(2 * n - 1))
    np.testing.assert_array_equal(found, expected)
    assert wasm.law_entropy(found[0]) == kernels.entropy(found[0])
    assert wasm.relative_entropy(*found) == kernels.relative_entropy(*found)
    np.testing.assert_array_equal(wasm.log_slope(levels, weights), kernels.log_slope(levels, weights))
    means = np.linspace(levels[0], levels[-1], 9)
    curves = np.empty((2, 9))
    wasm.fill_entropies(levels, weights, means, room, curves[0])
    kernels.fill_entropies(levels, weights, means, room, curves[1])
    np.testing.assert_array_equal(curves[0], curves[1])


@pytest.mark.parametrize("n", [2, 6, 20])
def test_webassembly_throws_and_exchanges_alike(wasm, n):
    def course(deal, exchange, throw, fixed_total, nearest_total):
        dice, state = np.empty(30, np.int8), seed_state(11)
        total = int(nearest_total(levels_of(OSCILLATOR, n), 30, 0.7 * (n - 1)))
        deal(total, dice)
        record, thrown = np.empty((9, n), np.int64), np.empty((9, n), np.int64)
        exchange(n, dice, state, record)
        _, p = tilted(levels_of(OSCILLATOR, n), np.ones(n), total / 30)
        throw(p, 30, state, thrown)
        room, marginal = np.empty(total + 1), np.empty(n)
        log_probability = fixed_total(p, 30, room, marginal)
        parts = (dice, state.view(np.int64), record.ravel(), thrown.ravel(), marginal)
        return np.concatenate([*(part.astype(np.float64) for part in parts), [total, log_probability]])

    names = "deal", "exchange", "throw", "fixed_total", "nearest_total"
    found, expected = (course(*(getattr(module, name) for name in names)) for module in (wasm, kernels))
    np.testing.assert_array_equal(found, expected)
