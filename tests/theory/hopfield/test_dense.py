"""Dense memories: exact laws against enumeration and simulation of the energies as they are written."""

import itertools
import math

import numpy as np
import pytest

from smbook.theory.hopfield import (
    dense,
    dense_capacity,
    dense_one_step_error,
    dense_one_step_error_exact,
    exponential_capacity,
    exponential_one_step_error,
    one_step_error_exact,
)


def wrong_bits(n_patterns, n_spins, function, rng, n_samples=4000):
    """Mean number of bits of the first pattern that a step turns, and its standard error."""
    wrong = np.empty(n_samples)
    for sample in range(n_samples):
        patterns = rng.choice([-1, 1], size=(n_patterns, n_spins))
        overlaps = patterns @ patterns[0]
        turned = overlaps[:, np.newaxis] - 2 * patterns * patterns[0]
        wrong[sample] = ((function(overlaps)[:, np.newaxis] - function(turned)).sum(axis=0) < 0).sum()
    return wrong.mean(), wrong.std() / math.sqrt(n_samples)


@pytest.mark.parametrize(
    ("n_patterns", "n_spins", "degree"), [(10, 9, 3), (30, 12, 3), (40, 8, 4), (25, 7, 4), (60, 10, 5)]
)
def test_polynomial_memories_by_simulation(n_patterns, n_spins, degree):
    rng = np.random.default_rng(n_patterns)
    mean, error = wrong_bits(n_patterns, n_spins, lambda overlap: overlap**degree, rng)
    exact = dense_one_step_error_exact(n_patterns, n_spins, degree)
    assert abs(mean - n_spins * exact) < 4 * error
    assert dense_one_step_error(n_patterns, n_spins, degree) == pytest.approx(exact, rel=0.15)


@pytest.mark.parametrize(("n_patterns", "n_spins"), [(1, 7), (2, 7), (3, 5), (8, 9), (15, 100), (14, 100)])
def test_degree_two_is_hebbs_rule(n_patterns, n_spins):
    exact = one_step_error_exact(n_patterns, n_spins)
    assert dense_one_step_error_exact(n_patterns, n_spins, 2) == pytest.approx(exact, rel=1e-11, abs=1e-15)


@pytest.mark.parametrize(
    ("n_patterns", "n_spins", "degree"), [(3, 4, 3), (4, 3, 3), (3, 4, 4), (4, 4, 2), (3, 3, 5)]
)
def test_exact_law_by_enumeration(n_patterns, n_spins, degree):
    """All patterns besides the first, whose bits are all +1."""
    wrong, rows = 0, np.array(list(itertools.product([1, -1], repeat=n_spins)))
    change = rows.sum(axis=1) ** degree - (rows.sum(axis=1) - 2 * rows[:, 0]) ** degree
    for others in itertools.product(change.tolist(), repeat=n_patterns - 1):
        wrong += n_spins**degree - (n_spins - 2) ** degree + sum(others) < 0
    expected = wrong / len(rows) ** (n_patterns - 1)
    assert dense_one_step_error_exact(n_patterns, n_spins, degree) == pytest.approx(expected, abs=1e-14)


def test_large_networks_have_gaussian_crosstalk():
    """The variance is 4 n^2 (2n - 3)!! N^(n - 1) per pattern, and the law approaches a Gaussian."""
    for degree, factor in ((2, 1), (3, 3), (4, 15)):
        signal, noise = dense._signal_and_noise(10_000, degree)
        assert (signal / noise) ** 2 == pytest.approx(10_000 ** (degree - 1) / factor, rel=2e-3)
    gaps = []
    for n in (40, 80, 160):
        n_patterns = round(n * n / 10)
        exact, gaussian = (
            law(n_patterns, n, 3) for law in (dense_one_step_error_exact, dense_one_step_error)
        )
        gaps.append(abs(exact / gaussian - 1))
    assert gaps[0] < 0.1
    assert gaps[2] < gaps[1] < gaps[0]


def test_capacity_of_polynomial_memories():
    assert dense_capacity(1000, 2) == pytest.approx(1000 / (2 * math.log(1000)))
    assert dense_capacity(100, 4) == pytest.approx(1e6 / (30 * math.log(100)))
    for degree in (2, 3, 5):
        load = dense_capacity(200, degree, error=0.01)
        assert dense_one_step_error(math.floor(load), 200, degree) <= 0.01
        assert dense_one_step_error(math.ceil(load), 200, degree) >= 0.01
        assert dense_one_step_error(math.floor(dense_capacity(200, degree)), 200, degree) < 1 / 200


@pytest.mark.parametrize(("n_patterns", "n_spins"), [(1, 5), (2, 5), (3, 4), (4, 4), (4, 5), (6, 4), (5, 3)])
def test_exponential_memories_by_enumeration(n_patterns, n_spins):
    """Every number of differing bits of the others, with a sign; sums of -1 are counted as whole numbers."""
    terms = [(sign, k, math.comb(n_spins - 1, k) / 2**n_spins) for sign in (1, -1) for k in range(n_spins)]
    expected = 0.0
    for others in itertools.product(terms, repeat=n_patterns - 1):
        net = [sum(sign for sign, k, _ in others if k == level) for level in range(n_spins)]
        below = sum(n * math.exp(-2 * k) for k, n in enumerate(net)) < -1
        if below and net != [-1, *[0] * (n_spins - 1)]:
            expected += math.prod(chance for *_, chance in others)
    assert exponential_one_step_error(n_patterns, n_spins) == pytest.approx(expected, rel=1e-7, abs=1e-13)


@pytest.mark.parametrize(("n_patterns", "n_spins"), [(60, 10), (200, 10), (30, 8)])
def test_exponential_memories_by_simulation(n_patterns, n_spins):
    rng = np.random.default_rng(n_patterns)
    mean, error = wrong_bits(n_patterns, n_spins, lambda overlap: np.exp(overlap.astype(float)), rng)
    assert abs(mean - n_spins * exponential_one_step_error(n_patterns, n_spins)) < 4 * error


def test_exponential_memories_of_many_spins(monkeypatch):
    """A pattern one bit away decides, and the width of the smearing does not."""
    assert exponential_one_step_error(1000, 30) == pytest.approx(999 * 2.0**-31, rel=1e-4)
    before = [exponential_one_step_error(p, n) for p, n in ((60, 12), (400, 10), (1024, 10))]
    monkeypatch.setattr(dense, "_BLUR", 3e-4)
    after = [exponential_one_step_error(p, n) for p, n in ((60, 12), (400, 10), (1024, 10))]
    np.testing.assert_allclose(after, before, rtol=1e-6)


def test_capacity_of_exponential_memories():
    assert exponential_capacity(20) == 1024
    n_spins = 24
    n_patterns = round(exponential_capacity(n_spins) / 8)
    assert n_patterns * n_spins * exponential_one_step_error(n_patterns, n_spins) < 0.3
    capacities = [exponential_capacity(100, noise) for noise in (0, 0.1, 0.3, 0.4999)]
    assert (np.diff(capacities) < 0).all()
    assert capacities[-1] == pytest.approx(1, abs=1e-3)
    a = 1 - 2 * 0.1
    rate = ((1 + a) * math.log(1 + a) + (1 - a) * math.log(1 - a)) / 2
    assert capacities[1] == pytest.approx(math.exp(100 * rate / 2))


def test_bad_arguments_are_refused():
    for function in (dense_one_step_error, dense_one_step_error_exact):
        for arguments, message in (
            ((0, 10, 3), "n_patterns must be at least 1; got 0"),
            ((5, 1, 3), "n_spins must be at least 2; got 1"),
            ((5, 10, 1), "degree must be at least 2; got 1"),
            ((5, 10, 21), "degree must be at most 20; got 21"),
        ):
            with pytest.raises(ValueError, match=message):
                function(*arguments)
        for arguments in ((5.0, 10, 3), (5, True, 3), (5, 10, "3")):
            with pytest.raises(TypeError, match="must be an integer"):
                function(*arguments)
    with pytest.raises(ValueError, match="more than 8388608; got n_patterns=100000, n_spins=500"):
        dense_one_step_error_exact(100_000, 500, 4)
    for error in (0.0, 0.5, -1.0):
        with pytest.raises(ValueError, match="error must be between 0 and 1/2; got"):
            dense_capacity(100, 3, error=error)
    with pytest.raises(ValueError, match="n_spins must be at most 50; got 51"):
        exponential_one_step_error(10, 51)
    with pytest.raises(ValueError, match="n_patterns must be at most 16; got 17"):
        exponential_one_step_error(17, 4)
    for noise in (0.5, -0.1, math.nan):
        with pytest.raises(ValueError, match="noise must be"):
            exponential_capacity(10, noise)
    with pytest.raises(ValueError, match="n_spins must be at most 2000"):
        exponential_capacity(5000)
