"""Maximum entropy against arithmetic of fifty digits, enumeration, differences and inequalities."""

import math
import pickle
from decimal import Decimal, localcontext

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import logsumexp

from smbook.network import SpinNetwork
from smbook.theory import inference

FACES = np.arange(1.0, 7.0)
SHARES = st.lists(st.floats(0, 1), min_size=2, max_size=8).filter(lambda shares: sum(shares) > 1e-3)


def exact_die(mean, faces=range(1, 7)):
    """Return multiplier, probabilities and entropy in fifty digits, by bisection of exp(-lambda)."""
    with localcontext() as context:
        context.prec = 50
        faces, target = [Decimal(face) for face in faces], Decimal(mean)
        low, high = Decimal(-60), Decimal(60)
        for _ in range(180):
            middle = (low + high) / 2
            weights = [(-middle * face).exp() for face in faces]
            found = sum(f * w for f, w in zip(faces, weights, strict=True)) / sum(weights)
            low, high = (middle, high) if found > target else (low, middle)
        p = [weight / sum(weights) for weight in weights]
        return middle, p, -sum(share * share.ln() for share in p)


def spins(n):
    return np.array([1.0 - 2.0 * ((np.arange(2**n) >> k) & 1) for k in range(n)])


def pairs(states):
    i, j = np.triu_indices(len(states), 1)
    return states[i] * states[j]


def normalized(shares):
    return np.array(shares) / np.sum(shares)


# Jaynes' die


def test_jaynes_die_has_the_published_numbers():
    die = inference.maximum_entropy([FACES], [4.5])
    assert die.multipliers[0] == pytest.approx(-0.37104893808, abs=1e-11)
    assert die.entropy == pytest.approx(1.6135810982, abs=1e-10)
    published = [0.05435, 0.07877, 0.11416, 0.16545, 0.23977, 0.34749]
    np.testing.assert_allclose(die.probabilities, published, atol=5e-6)


@pytest.mark.parametrize("mean", ["4.5", "3.5", "1.25", "2", "5.875", "5.9990234375"])
def test_a_die_in_fifty_digits(mean):
    multiplier, p, entropy = exact_die(mean)
    die = inference.maximum_entropy([FACES], [float(mean)])
    assert die.multipliers[0] == pytest.approx(float(multiplier), rel=1e-12, abs=1e-14)
    np.testing.assert_allclose(die.probabilities, [float(share) for share in p], rtol=1e-12)
    assert die.entropy == pytest.approx(float(entropy), rel=1e-12)


def test_a_wrong_die_is_caught():
    """A die that is tilted on a straight line has the mean 4.5 too, and less entropy."""
    tilted = 1 / 6 + (FACES - 3.5) * 1.0 / 17.5
    assert tilted @ FACES == pytest.approx(4.5)
    die = inference.maximum_entropy([FACES], [4.5])
    assert inference.entropy(tilted) < die.entropy - 1e-3
    lost = inference.relative_entropy(tilted, die.probabilities)
    assert die.entropy - inference.entropy(tilted) == pytest.approx(lost, rel=1e-10)


@pytest.mark.parametrize("power", [3, 6, 9])
def test_next_to_the_boundary(power):
    """In an oscillator whose mean is tiny each quantum costs ln((1 + n) / n)."""
    away = 2.0**-30 if power == 9 else 10.0**-power
    levels = np.arange(400.0)
    found = inference.maximum_entropy([levels], [away])
    assert found.multipliers[0] == pytest.approx(math.log1p(1 / away), rel=1e-12)
    die = inference.maximum_entropy([FACES], [6 - away])
    assert abs(die.probabilities @ FACES - (6 - away)) < 1e-15
    assert die.probabilities[4] == pytest.approx(away, rel=4 * away + 1e-6)
    correlated = inference.maximum_entropy(pairs(spins(3)), [away - 1 / 3] * 3)
    aligned = correlated.probabilities[[0, 7]].sum()  # where the sum of the pairs is 3, not -1
    assert aligned == pytest.approx(3 * away / 4, rel=1e-6)


# Properties


@st.composite
def problems(draw):
    """Features with moments that a distribution without zeros has."""
    n = draw(st.integers(2, 12))
    k = min(draw(st.integers(1, 4)), n - 1)
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    features = (rng.normal(size=(k, n)) + rng.normal(size=(k, 1))) * 10.0 ** rng.integers(-6, 7, size=(k, 1))
    p = rng.dirichlet(np.ones(n)) * 0.99 + 0.01 / n
    return features, p


@given(problem=problems())
def test_moments_entropy_and_inequality(problem):
    features, p = problem
    moments = features @ p
    found = inference.maximum_entropy(features, moments)
    size = np.abs(features - moments[:, None]).max(axis=1)
    assert (np.abs(features @ found.probabilities - moments) / size).max() < 1e-12
    assert found.probabilities.sum() == pytest.approx(1, abs=1e-14)
    assert found.entropy == pytest.approx(inference.entropy(found.probabilities), abs=1e-10)
    scale = 1 + np.abs(found.multipliers * moments).sum()
    assert abs(found.entropy - found.log_partition - found.multipliers @ moments) < 1e-13 * scale
    exponents = -found.multipliers @ features
    assert found.log_partition == pytest.approx(
        logsumexp(exponents), abs=1e-14 * (99 + (np.abs(found.multipliers) @ np.abs(features)).max())
    )
    assert inference.entropy(p) <= found.entropy + 1e-12
    lost = inference.relative_entropy(p, found.probabilities)
    assert found.entropy - inference.entropy(p) == pytest.approx(lost, abs=1e-9)


@given(problem=problems())
def test_the_covariance_is_what_enumeration_gives(problem):
    features, p = problem
    found = inference.maximum_entropy(features, features @ p)
    expected = np.cov(features, aweights=found.probabilities, ddof=0).reshape(found.covariance.shape)
    size = np.sqrt(np.outer(np.diag(expected), np.diag(expected)))
    assert (np.abs(found.covariance - expected) / size).max() < 1e-9


def test_derivatives_of_the_log_partition_function():
    rng = np.random.default_rng(5)
    features = rng.normal(size=(3, 10))
    found = inference.maximum_entropy(features, features @ rng.dirichlet(np.ones(10)))
    step = 1e-4

    def log_z(change):
        return inference.log_partition((found.multipliers + change) @ features)

    for k in range(3):
        one = np.eye(3)[k] * step
        assert -(log_z(one) - log_z(-one)) / (2 * step) == pytest.approx(
            features[k] @ found.probabilities, abs=1e-8
        )
        for other in range(3):
            two = np.eye(3)[other] * step
            mixed = log_z(one + two) - log_z(one - two) - log_z(two - one) + log_z(-one - two)
            assert mixed / (4 * step**2) == pytest.approx(found.covariance[k, other], abs=1e-6)


def test_the_multiplier_is_the_slope_of_the_entropy():
    for mean in (1.5, 3.0, 4.5, 5.5):
        low, high = (inference.maximum_entropy([FACES], [mean + step]).entropy for step in (-1e-4, 1e-4))
        multiplier = inference.maximum_entropy([FACES], [mean]).multipliers[0]
        assert (high - low) / 2e-4 == pytest.approx(multiplier, abs=1e-6)


@pytest.mark.parametrize("n", [2, 3, 4, 5, 6])
def test_means_and_pair_correlations_give_the_ising_model_that_made_them(n):
    for seed in range(10):
        rng = np.random.default_rng([n, seed])
        couplings = np.triu(rng.normal(size=(n, n)) / math.sqrt(n), 1)
        fields = rng.normal(size=n) / 2
        exact = SpinNetwork(couplings + couplings.T, fields).enumerate(1.0)
        correlations = exact.correlations[np.triu_indices(n, 1)]
        features = np.concatenate([spins(n), pairs(spins(n))])
        found = inference.maximum_entropy(features, np.concatenate([exact.magnetization, correlations]))
        np.testing.assert_allclose(-found.multipliers[:n], fields, atol=1e-9)
        np.testing.assert_allclose(-found.multipliers[n:], couplings[np.triu_indices(n, 1)], atol=1e-9)
        assert found.log_partition == pytest.approx(exact.log_partition, abs=1e-9)


def test_fields_that_are_left_out_are_missed():
    """Without the pairs the same means make free spins of other fields: the test above would see it."""
    couplings = np.array([[0, 1.0], [1.0, 0]])
    exact = SpinNetwork(couplings, [0.3, -0.1]).enumerate(1.0)
    found = inference.maximum_entropy(spins(2), exact.magnetization)
    np.testing.assert_allclose(-found.multipliers, np.arctanh(exact.magnetization), atol=1e-12)
    assert np.abs(-found.multipliers - [0.3, -0.1]).max() > 0.1


def test_sixteen_spins():
    rng = np.random.default_rng(2)
    means, states = rng.uniform(-0.9, 0.9, 16), spins(16)
    found = inference.maximum_entropy(states, means)
    np.testing.assert_allclose(-found.multipliers, np.arctanh(means), atol=1e-12)
    np.testing.assert_allclose(found.covariance, np.diag(1 - means**2), atol=1e-12)
    p = (1 + np.outer([1, -1], means)) / 2
    assert found.entropy == pytest.approx(inference.entropy(p.T).sum(), rel=1e-12)
    everything = np.concatenate([states[:6], pairs(states[:6])])
    multipliers = rng.normal(size=21) / 4
    moments = everything @ inference.gibbs(multipliers @ everything)
    again = inference.maximum_entropy(everything, moments)
    np.testing.assert_allclose(again.multipliers, multipliers, atol=1e-9)


# Features in all units, and too many


def test_units_do_not_matter():
    plain = inference.maximum_entropy([FACES, FACES**2], [4.5, 22.5])
    units = np.array([1e-6, 1e6])
    scaled = inference.maximum_entropy(
        np.array([FACES, FACES**2]) * units[:, None], np.array([4.5, 22.5]) * units
    )
    np.testing.assert_allclose(scaled.multipliers * units, plain.multipliers, rtol=1e-10)
    np.testing.assert_allclose(scaled.probabilities, plain.probabilities, rtol=1e-11)
    np.testing.assert_allclose(scaled.covariance, plain.covariance * np.outer(units, units), rtol=1e-9)
    shifted = inference.maximum_entropy([FACES + 1e6], [1e6 + 4.5])
    assert shifted.multipliers[0] == pytest.approx(-0.37104893808, abs=1e-9)


def test_redundant_features():
    alone = inference.maximum_entropy([FACES], [4.5])
    two = inference.maximum_entropy([FACES, FACES], [4.5, 4.5])
    np.testing.assert_allclose(two.multipliers, alone.multipliers[0] / 2 * np.ones(2), rtol=1e-12)
    more = inference.maximum_entropy([FACES, 3 * FACES + 2, 0 * FACES + 5], [4.5, 15.5, 5])
    np.testing.assert_allclose(more.multipliers, alone.multipliers[0] / 10 * np.array([1, 3, 0]), atol=1e-12)
    assert more.entropy == pytest.approx(alone.entropy, rel=1e-13)
    indicators = inference.maximum_entropy(np.eye(4), [0.1, 0.2, 0.3, 0.4])  # all of them, with the sum 1
    np.testing.assert_allclose(indicators.probabilities, [0.1, 0.2, 0.3, 0.4], rtol=1e-12)
    assert indicators.multipliers.sum() == pytest.approx(0, abs=1e-12)


def test_nothing_known():
    nothing = inference.maximum_entropy(np.empty((0, 6)), [])
    np.testing.assert_allclose(nothing.probabilities, 1 / 6)
    assert nothing.entropy == nothing.log_partition == pytest.approx(math.log(6))
    single = inference.maximum_entropy([[3.0]], [3])
    assert (single.probabilities == 1).all()
    assert single.entropy == 0


def test_a_prior():
    prior = np.array([0.3, 0.25, 0.2, 0.15, 0.1, 0.0])
    found = inference.maximum_entropy([FACES], [3.5], prior=prior)
    expected = prior * np.exp(-found.multipliers[0] * FACES)
    np.testing.assert_allclose(found.probabilities, expected / expected.sum(), rtol=1e-12)
    assert found.probabilities @ FACES == pytest.approx(3.5, abs=1e-12)
    assert found.entropy == pytest.approx(-inference.relative_entropy(found.probabilities, prior), abs=1e-12)
    same = inference.maximum_entropy([FACES], [prior @ FACES], prior=prior)
    assert same.multipliers[0] == pytest.approx(0, abs=1e-14)
    with pytest.raises(inference.ImpossibleMomentsError, match="at most 5"):
        inference.maximum_entropy([FACES], [5.5], prior=prior)


def test_states_counted_together_are_states():
    """The total of two dice, with its numbers of ways as the prior, is two dice."""
    totals, ways = np.arange(2.0, 13), 6.0 - np.abs(np.arange(2, 13) - 7)
    found = inference.maximum_entropy([totals], [9.0], prior=ways)
    die = inference.maximum_entropy([FACES], [4.5])
    np.testing.assert_allclose(
        found.probabilities, np.convolve(die.probabilities, die.probabilities), rtol=1e-11
    )
    assert found.entropy == pytest.approx(2 * die.entropy, rel=1e-12)
    assert found.multipliers[0] == pytest.approx(die.multipliers[0], rel=1e-12)


# What no distribution has


def refused(features, moments, error=inference.ImpossibleMomentsError):
    with pytest.raises(error) as caught:
        inference.maximum_entropy(features, moments)
    return caught.value


@pytest.mark.parametrize(("mean", "possible"), [(7, 6), (6 + 1e-6, 6), (0.5, 1), (-1e9, 1)])
def test_an_impossible_mean(mean, possible):
    error = refused([FACES], [mean])
    assert error.possible == possible
    assert error.asked == mean
    assert f"f_0 is at {'most' if mean > 6 else 'least'} {possible}" in str(error)


def test_impossible_combinations():
    error = refused([FACES, FACES**2], [3.5, 3.5**2 + 7])  # the largest variance is 6.25
    bound = error.combination @ [FACES, FACES**2]
    assert (bound >= error.possible).all() or (bound <= error.possible).all()
    assert abs(error.asked - error.possible) > 0.05
    assert refused([FACES, FACES**2], [3.5, 3.5**2 - 0.1])  # less than none
    error = refused(pairs(spins(3)), [-0.9] * 3)
    np.testing.assert_allclose(error.combination, 1)
    assert error.asked == pytest.approx(-2.7)
    assert error.possible == -1
    assert "f_0 + f_1 + f_2 is at least -1" in str(error)
    assert "1.7 beyond" in str(error)
    error = refused([FACES, FACES], [4.5, 4.4])
    assert "f_0 - f_1 is at most 0" in str(error)
    assert "f_0 is at most 5" in str(refused([0 * FACES + 5], [5.5]))


@given(problem=problems(), beyond=st.floats(1e-6, 10))
def test_the_combination_is_a_proof(problem, beyond):
    features, _ = problem
    highest = features.max(axis=1)
    moments = features.mean(axis=1)
    moments[0] = highest[0] + beyond * np.ptp(features[0])
    error = refused(features, moments)
    values = error.combination @ features
    assert error.combination @ moments == pytest.approx(error.asked)
    assert values.max() < error.asked or values.min() > error.asked
    assert np.abs(error.combination).max() == pytest.approx(1)


def test_extreme_moments():
    error = refused([FACES], [6], inference.BoundaryMomentsError)
    assert error.states.tolist() == [False] * 5 + [True]
    assert "1 of 6 states" in str(error)
    error = refused([FACES, FACES**2], [3.5, 3.5**2 + 6.25], inference.BoundaryMomentsError)
    assert error.states.tolist() == [True] + [False] * 4 + [True]
    found = inference.maximum_entropy([FACES, FACES**2], [3.5, 18.5], prior=error.states.astype(float))
    np.testing.assert_allclose(found.probabilities, [0.5, 0, 0, 0, 0, 0.5])
    error = refused(pairs(spins(3)), [-1 / 3] * 3, inference.BoundaryMomentsError)
    assert error.states.sum() == 6
    assert refused([FACES], [6 - 1e-14], inference.BoundaryMomentsError)


# Entropies


@given(shares=SHARES, others=SHARES)
def test_inequalities(shares, others):
    p, q = normalized(shares), normalized(np.resize(others, len(shares)) + 1e-3)
    assert 0 <= inference.entropy(p) <= math.log(p.size) + 1e-12
    assert inference.relative_entropy(p, q) >= 0
    assert inference.relative_entropy(p, p) == 0
    assert inference.cross_entropy(p, q) >= inference.entropy(p) - 1e-12
    difference = inference.cross_entropy(p, q) - inference.entropy(p)
    assert inference.relative_entropy(p, q) == pytest.approx(difference, abs=1e-12)
    half = np.abs(p - q).sum() ** 2 / 2
    assert inference.relative_entropy(p, q) >= half - 1e-12  # Pinsker


@given(shares=SHARES, beta=st.floats(1e-3, 50), seed=st.integers(0, 1000))
def test_the_inequality_of_gibbs(shares, beta, seed):
    p, levels = normalized(shares), np.random.default_rng(seed).normal(size=len(shares))
    lowest = -inference.log_partition(levels, beta) / beta
    free = inference.variational_free_energy(p, levels, beta)
    best = inference.gibbs(levels, beta)
    assert free >= lowest - 1e-13 * (1 + 1 / beta)
    assert inference.variational_free_energy(best, levels, beta) == pytest.approx(lowest, rel=1e-11)
    kept = best > 1e-300
    if kept.all():
        lost = inference.relative_entropy(p, best) / beta
        assert free - lowest == pytest.approx(lost, abs=1e-10 * (1 + 1 / beta))


@given(seed=st.integers(0, 10**6), rows=st.integers(1, 5), columns=st.integers(1, 5))
def test_the_chain_rule(seed, rows, columns):
    joint = np.random.default_rng(seed).dirichlet(np.full(rows * columns, 0.3)).reshape(rows, columns)
    one, other = joint.sum(axis=1), joint.sum(axis=0)
    given_one = sum(
        share * inference.entropy(row / share) for share, row in zip(one, joint, strict=True) if share > 0
    )
    total = inference.entropy(joint.ravel())
    assert total == pytest.approx(inference.entropy(one) + given_one, abs=1e-12)
    shared = inference.mutual_information(joint)
    assert shared == pytest.approx(inference.entropy(other) - given_one, abs=1e-12)
    assert shared == pytest.approx(inference.mutual_information(joint.T), abs=1e-13)
    assert 0 <= shared <= min(inference.entropy(one), inference.entropy(other)) + 1e-12


def test_processing_loses_information():
    rng = np.random.default_rng(3)
    for _ in range(20):
        joint = rng.dirichlet(np.ones(12)).reshape(3, 4)
        channel = rng.dirichlet(np.ones(4), size=4)
        assert inference.mutual_information(joint @ channel) <= inference.mutual_information(joint) + 1e-14


def test_two_spins_share_what_their_correlation_says():
    shared = inference.mutual_information(np.array([[1.5, 0.5], [0.5, 1.5]]) / 4)  # correlation 1/2
    assert shared == pytest.approx(0.75 * math.log(1.5) + 0.25 * math.log(0.5))


def test_many_at_once_and_bases():
    p = np.array([[0.5, 0.5], [1.0, 0.0]])
    assert inference.entropy(p, base=2).tolist() == [1, 0]
    assert inference.relative_entropy(p, [0.5, 0.5]).tolist() == [0, math.log(2)]
    assert inference.cross_entropy([0.5, 0.5], [1.0, 0.0]) == math.inf
    assert inference.relative_entropy([1.0, 0.0], [0.0, 1.0]) == math.inf
    assert inference.entropy([0.25] * 4, base=4) == pytest.approx(1)
    assert inference.log_partition(np.zeros((2, 3))).tolist() == [math.log(3)] * 2
    assert inference.gibbs([0.0, 1.0], -1.0)[1] > 0.5
    assert inference.gibbs([0.0, 1e6]).tolist() == [1, 0]


def test_multiplicity_counts_sequences():
    assert math.exp(inference.log_multiplicity([3, 2, 1])) == pytest.approx(60)
    assert inference.log_multiplicity([7]) == inference.log_multiplicity([0, 7, 0]) == 0
    found = inference.log_multiplicity([[3, 2, 1], [2, 2, 2], [6, 0, 0]])
    np.testing.assert_allclose(np.exp(found), [60, 90, 1])
    p = np.array([0.1, 0.2, 0.3, 0.4])
    gaps = []
    for n in (10, 1000, 100_000):
        gap = inference.entropy(p) - inference.log_multiplicity((p * n).round().astype(int)) / n
        assert 0 < gap < (p.size - 1) / 2 * math.log(2 * math.pi * n) / n
        gaps.append(gap)
    assert gaps == sorted(gaps, reverse=True)


# Input and records


def test_results_compare_and_are_kept():
    one, other = (inference.maximum_entropy([FACES], [mean]) for mean in (4.5, 4.4))
    assert one == inference.maximum_entropy([FACES], [4.5])
    assert one != other
    assert pickle.loads(pickle.dumps(one)) == one
    features, moments = np.array([FACES]), np.array([4.5])
    inference.maximum_entropy(features, moments, prior=np.ones(6))
    assert (features == FACES).all()
    assert moments.tolist() == [4.5]
    many = inference.maximum_entropy(spins(5), [0.1] * 5)
    assert "..." in repr(many)
    assert "32 states" in repr(many)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: inference.maximum_entropy(FACES, 4.5), ValueError, "features must have the shape"),
        (lambda: inference.maximum_entropy([FACES], 4.5), ValueError, "moments must have shape"),
        (lambda: inference.maximum_entropy([FACES], [4.5, 1]), ValueError, "moments must have shape"),
        (
            lambda: inference.maximum_entropy([FACES], [math.nan]),
            ValueError,
            "moments must be finite; got nan",
        ),
        (lambda: inference.maximum_entropy([FACES * math.inf], [1]), ValueError, "features must be finite"),
        (lambda: inference.maximum_entropy([["1", "2"]], [1]), TypeError, "features must hold real numbers"),
        (
            lambda: inference.maximum_entropy(np.empty((1, 0)), [1]),
            ValueError,
            "features must have the shape",
        ),
        (lambda: inference.maximum_entropy([[1e308, -1e308]], [1e308]), ValueError, "overflow"),
        (lambda: inference.maximum_entropy([FACES], [3], prior=[1, 1]), ValueError, "prior must have shape"),
        (lambda: inference.maximum_entropy([FACES], [3], prior=[0] * 6), ValueError, "prior must leave"),
        (
            lambda: inference.maximum_entropy([FACES], [3], prior=[-1] * 6),
            ValueError,
            "prior must be at least 0",
        ),
        (
            lambda: inference.maximum_entropy([FACES], [3], tolerance=0),
            ValueError,
            "tolerance must be positive",
        ),
        (lambda: inference.maximum_entropy(np.ma.ones((1, 6)), [1]), TypeError, "masked"),
        (lambda: inference.entropy([0.5, 0.6]), ValueError, "p must have the sum 1; got 1.1"),
        (lambda: inference.entropy([1.5, -0.5]), ValueError, "p must be at least 0"),
        (lambda: inference.entropy([]), ValueError, "p must hold|p must have"),
        (lambda: inference.entropy(1.0), ValueError, "p must have probabilities"),
        (lambda: inference.entropy([True, False]), TypeError, "p must hold real numbers"),
        (lambda: inference.entropy([0.5, 0.5], base=1), ValueError, "base must not be 1"),
        (lambda: inference.entropy([0.5, 0.5], base=-2), ValueError, "base must be positive"),
        (lambda: inference.relative_entropy([0.5, 0.5], [1.0]), ValueError, "as many states"),
        (lambda: inference.cross_entropy([[1.0]] * 2, [[1.0]] * 3), ValueError, "broadcast"),
        (lambda: inference.mutual_information([0.5, 0.5]), ValueError, "joint must be a matrix"),
        (lambda: inference.mutual_information([[0.5, 0.4]]), ValueError, "joint must have the sum 1"),
        (lambda: inference.gibbs([0, 1], math.inf), ValueError, "beta must be finite"),
        (lambda: inference.gibbs(3.0), ValueError, "energies must have states"),
        (lambda: inference.gibbs([1e308], 1e10), ValueError, "overflows"),
        (lambda: inference.log_partition([]), (ValueError, TypeError), "energies must"),
        (lambda: inference.variational_free_energy([1.0], [0.0], 0), ValueError, "beta must be positive"),
        (lambda: inference.variational_free_energy([1.0], [0.0, 1.0]), ValueError, "as many states"),
        (lambda: inference.log_multiplicity(3), ValueError, "counts must have an axis"),
        (lambda: inference.log_multiplicity([1.5]), TypeError, "counts must hold integers"),
        (lambda: inference.log_multiplicity([-1]), ValueError, "counts must be at least 0"),
    ],
)
def test_bad_input_is_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()
