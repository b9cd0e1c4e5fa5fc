"""One step from a stored pattern: simulation of the rule as it is written, exact sums, and large networks."""

import math
from fractions import Fraction

import numpy as np
import pytest

from smbook.theory.hopfield import error_free_capacity, one_step_error, one_step_error_exact

ERRORS = {0.05: 3.872e-6, 0.1: 7.827e-4, 0.105: 0.001014, 0.138: 0.003552, 0.185: 0.010037, 0.37: 0.050089}


@pytest.mark.parametrize(("alpha", "error"), ERRORS.items())
def test_error_of_large_networks(alpha, error):
    assert one_step_error(alpha) == pytest.approx(error, rel=5e-4)
    assert one_step_error(np.array([alpha, 0.0])).tolist() == [one_step_error(alpha), 0.0]
    size = 10**6
    patterns = round(alpha * size)
    assert one_step_error_exact(patterns, size) == pytest.approx(one_step_error(alpha), rel=1e-3)


def unstable(n_patterns, n_spins, n_samples, rng):
    """Wrong bits of the first pattern after one step with Hebb's couplings, for each sample."""
    patterns = rng.choice([-1, 1], size=(n_samples, n_patterns, n_spins)).astype(np.int64)
    overlaps = patterns @ patterns[:, 0, :, np.newaxis]  # N m
    fields = (patterns * overlaps).sum(axis=1) - n_patterns * patterns[:, 0]  # without the diagonal
    return (patterns[:, 0] * fields < 0).sum(axis=1)


@pytest.mark.parametrize(("n_patterns", "n_spins"), [(3, 6), (4, 9), (7, 20), (12, 40), (15, 40)])
def test_exact_error_by_simulation(n_patterns, n_spins):
    wrong = unstable(n_patterns, n_spins, 20_000, np.random.default_rng(n_spins))
    deviation = wrong.std() / math.sqrt(len(wrong))
    score = (wrong.mean() - n_spins * one_step_error_exact(n_patterns, n_spins)) / deviation
    assert abs(score) < 4
    gaussian = (wrong.mean() - n_spins * one_step_error(n_patterns / n_spins)) / deviation
    assert abs(gaussian) > 4


@pytest.mark.parametrize(("n_patterns", "n_spins"), [(1, 5), (2, 5), (3, 4), (3, 5), (8, 12), (9, 12)])
def test_exact_error_by_whole_numbers(n_patterns, n_spins):
    n_signs = (n_patterns - 1) * (n_spins - 1)
    against = sum(math.comb(n_signs, k) for k in range(n_signs + 1) if n_spins - 1 + n_signs - 2 * k < 0)
    expected = float(Fraction(against, 2**n_signs))
    assert one_step_error_exact(n_patterns, n_spins) == pytest.approx(expected, rel=1e-12)


def test_patterns_that_are_kept():
    """Shares of patterns, and of sets of patterns, without a wrong bit, against independent bits."""
    n_spins, rng = 100, np.random.default_rng(4)
    one, every = error_free_capacity(n_spins), error_free_capacity(n_spins, patterns="all")
    for n_patterns in (one, one + 1):
        share = (unstable(n_patterns, n_spins, 4000, rng) == 0).mean()
        error = one_step_error_exact(n_patterns, n_spins)
        assert 1 - n_spins * error < (1 - error) ** n_spins < share < (1 - error) ** n_spins + 0.1
    assert (1 - one_step_error_exact(one, n_spins)) ** n_spins >= 0.5
    assert (1 - one_step_error_exact(every, n_spins)) ** (n_spins * every) >= 0.5
    for more in range(1, 20):
        assert (1 - one_step_error_exact(one + more, n_spins)) ** n_spins < 0.5
        assert (1 - one_step_error_exact(every + more, n_spins)) ** (n_spins * (every + more)) < 0.5


def test_error_free_capacity_of_large_networks():
    """Both laws are approached from above, as ln ln N / ln N."""
    for patterns, factor in (("one", 2), ("all", 4)):
        sizes = np.array([10**3, 10**5, 10**7])
        capacities = [error_free_capacity(n, patterns=patterns) for n in sizes.tolist()]
        ratios = np.array(capacities) * factor * np.log(sizes) / sizes
        assert (np.diff(ratios) < 0).all()
        assert 1 < ratios[-1] < 1.3
    assert error_free_capacity(1000, probability=0.9) < 98 < error_free_capacity(1000, probability=0.1)


def test_bad_arguments_are_refused():
    for value in (-0.1, math.nan):
        with pytest.raises(ValueError, match="alpha must be"):
            one_step_error(value)
    with pytest.raises(TypeError, match="alpha must"):
        one_step_error("0.1")
    for patterns, spins, error, message in (
        (0, 5, ValueError, "n_patterns must be at least 1; got 0"),
        (3, 1, ValueError, "n_spins must be at least 2; got 1"),
        (3, 10**8, ValueError, "n_spins must be at most 10000000; got 100000000"),
        (3.0, 5, TypeError, "n_patterns must hold integers"),
        (True, 5, TypeError, "n_patterns must hold integers"),
        (3, "5", TypeError, "n_spins must hold integers"),
    ):
        with pytest.raises(error, match=message):
            one_step_error_exact(patterns, spins)
    for probability in (0.0, 1.0, 1e-4):
        with pytest.raises(ValueError, match=r"probability must be between 2\^-n_spins and 1; got"):
            error_free_capacity(10, probability=probability)
    with pytest.raises(ValueError, match="patterns must be one of 'one', 'all'; got 'most'"):
        error_free_capacity(10, patterns="most")
    with pytest.raises(TypeError, match="n_spins must be an integer"):
        error_free_capacity(10.0)
