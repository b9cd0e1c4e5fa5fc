"""Bars and stripes: drawn one by one, counted, and their entropy taken."""

import itertools
import math

import numpy as np
import pytest
from scipy.stats import entropy

from smbook.theory.boltzmann import bars_and_stripes


def rows(side):
    """All images, the blank and the full one twice."""
    lines = [np.array(line) for line in itertools.product((0, 1), repeat=side)]
    bars = [np.tile(line, side) for line in lines]
    return np.array(bars + [np.repeat(line, side) for line in lines])


@pytest.mark.parametrize(
    ("side", "n_patterns", "entropy_", "total"),
    [(2, 6, 1.791759, -13.862944), (3, 14, 2.639057, -41.588831), (4, 30, 3.401197, -108.130960)],
)
def test_known_values(side, n_patterns, entropy_, total):
    bounds = bars_and_stripes(side)
    assert bounds.n_patterns == bounds.n_rows == n_patterns
    assert bounds.entropy == -bounds.log_likelihood == pytest.approx(entropy_, abs=6e-7)
    assert bounds.total == pytest.approx(n_patterns * bounds.log_likelihood)
    assert bars_and_stripes(side, doubled=True).total == pytest.approx(total, abs=6e-7)


@pytest.mark.parametrize("side", [1, 2, 3, 5])
def test_counted_one_by_one(side):
    images, counts = np.unique(rows(side), axis=0, return_counts=True)
    assert bars_and_stripes(side).n_patterns == bars_and_stripes(side, doubled=True).n_patterns == len(images)
    assert bars_and_stripes(side).entropy == pytest.approx(math.log(len(images)))
    doubled = bars_and_stripes(side, doubled=True)
    assert doubled.n_rows == counts.sum() == 2 ** (side + 1)
    assert doubled.entropy == pytest.approx(entropy(counts))
    assert doubled.total == pytest.approx((counts * np.log(counts / counts.sum())).sum())


def test_the_bound_grows_with_the_side():
    entropies = [bars_and_stripes(side).entropy for side in (1, 2, 3, 10, 100, 1000)]
    assert (np.diff(entropies) > 0).all()
    assert entropies[-1] == pytest.approx(1001 * math.log(2))
    assert all(
        bars_and_stripes(side, doubled=True).entropy <= bars_and_stripes(side).entropy
        for side in range(1, 30)
    )


def test_bad_arguments_are_refused():
    for value, error in ((0, ValueError), (1001, ValueError), (3.0, TypeError), (True, TypeError)):
        with pytest.raises(error, match="side must be"):
            bars_and_stripes(value)
