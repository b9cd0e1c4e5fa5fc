"""Hidden signals: the laws of the matrices without them, and what the leading vector knows of them."""

import math
import pickle

import numpy as np
import pytest
from scipy.stats import kstest

from smbook.datasets import Spiked, spiked_covariance, spiked_wigner
from smbook.theory import random_matrices as theory


def test_a_wigner_matrix_is_noise_and_signal():
    strong, none = (spiked_wigner(60, theta, rng=1) for theta in (3.0, 0.0))
    assert (strong.signal == none.signal).all()
    assert set(strong.signal.tolist()) == {-1.0, 1.0}
    assert strong.matrix - none.matrix == pytest.approx(np.outer(none.signal, none.signal) / 20, abs=1e-14)
    assert (strong.matrix == strong.matrix.T).all()
    assert strong.matrix.dtype == strong.signal.dtype == np.float64


def test_the_noise_of_a_wigner_matrix():
    n = 400
    noise = spiked_wigner(n, 0.0, rng=2).matrix * math.sqrt(n)
    assert kstest(noise[np.triu_indices(n, 1)], "norm").pvalue > 1e-3
    assert kstest(np.diag(noise) / math.sqrt(2), "norm").pvalue > 1e-3
    assert kstest(np.diag(noise), "norm").pvalue < 0.05


@pytest.mark.parametrize("theta", [1.8, -2.0])
def test_the_leading_eigenvalue_of_a_wigner_matrix(theta):
    n, rng = 200, np.random.default_rng(3)
    expected = theory.spiked_wigner(theta)
    found = []
    for _ in range(100):
        spiked = spiked_wigner(n, theta, rng=rng)
        values, vectors = np.linalg.eigh(spiked.matrix)
        leading = np.abs(values).argmax()
        found.append((values[leading], spiked.overlap(vectors[:, leading])))
    eigenvalue, overlap = np.mean(found, axis=0)
    spread = math.sqrt(expected.variance / n)
    assert abs(eigenvalue - expected.eigenvalue) < 4 * spread / 10 + 3 / n
    assert abs(overlap - expected.overlap) < 5 / n
    assert np.std(found, axis=0)[0] == pytest.approx(spread, rel=0.3)


def test_a_covariance_is_stretched_along_one_direction():
    strong, none = (spiked_covariance(50, 20, ell, rng=1) for ell in (9.0, 1.0))
    v = strong.signal
    assert (v == none.signal).all()
    assert v @ v == pytest.approx(1.0, rel=1e-14)
    assert strong.matrix @ v == pytest.approx(3 * (none.matrix @ v), rel=1e-10)
    across = np.eye(20) - np.outer(v, v)
    assert strong.matrix @ across == pytest.approx(none.matrix @ across, abs=1e-13)
    assert kstest(none.matrix.ravel(), "norm").pvalue > 1e-3
    wide = spiked_covariance(2000, 3, 0.25, rng=2)
    assert kstest(wide.matrix @ wide.signal, "norm", (0.0, 0.5)).pvalue > 1e-3


@pytest.mark.parametrize("ell", [4.0, 0.2])
def test_the_extreme_eigenvalue_of_a_covariance(ell):
    n, p, rng = 300, 75, np.random.default_rng(4)
    expected = theory.spiked_covariance(ell, p / n)
    found = []
    for _ in range(60):
        samples = spiked_covariance(n, p, ell, rng=rng)
        values, vectors = np.linalg.eigh(samples.matrix.T @ samples.matrix / n)
        extreme = -1 if ell > 1 else 0
        found.append((values[extreme], samples.overlap(vectors[:, extreme])))
    eigenvalue, overlap = np.mean(found, axis=0)
    assert abs(eigenvalue - expected.eigenvalue) < 4 * math.sqrt(expected.variance / n / 60) + 3 * ell / n
    assert abs(overlap - expected.overlap) < 0.03


def test_directions_are_uniform():
    rng = np.random.default_rng(5)
    shown = np.array([spiked_covariance(1, 3, 2.0, rng=rng).signal for _ in range(2000)])
    assert kstest(shown[:, 0], "uniform", (-1.0, 2.0)).pvalue > 1e-4
    signs = np.array([spiked_wigner(2, 2.0, rng=rng).signal for _ in range(2000)])
    assert np.abs(signs.mean(axis=0)).max() < 4 / math.sqrt(2000)
    assert abs(signs.prod(axis=1).mean()) < 4 / math.sqrt(2000)


def test_overlaps():
    spiked = Spiked(np.eye(2), np.array([1.0, -1.0]))
    assert spiked.overlap([1, -1]) == spiked.overlap([-1e200, 1e200]) == pytest.approx(1.0)
    assert spiked.overlap([1e-300, 0.0]) == pytest.approx(0.5)
    assert spiked.overlap([3.0, 3.0]) == 0.0


def test_results_compare_travel_and_say_what_they_hold():
    found = spiked_covariance(5, 3, 2.0, rng=1)
    assert repr(found) == "Spiked(matrix 5 x 3)"
    assert found == pickle.loads(pickle.dumps(found)) == spiked_covariance(5, 3, 2.0, rng=1)
    assert found != spiked_covariance(5, 3, 2.0, rng=2)
    assert spiked_wigner(1, 0.5, rng=1).matrix.shape == (1, 1)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: spiked_wigner(0, 1.0), ValueError, "n must be at least 1; got 0"),
        (lambda: spiked_wigner(3.0, 1.0), TypeError, r"n must be an integer; got 3\.0"),
        (lambda: spiked_wigner(3, math.nan), ValueError, "theta must be finite; got nan"),
        (lambda: spiked_wigner(3, "1"), TypeError, "theta must be a real number; got '1'"),
        (lambda: spiked_covariance(0, 3, 1.0), ValueError, "n_samples must be at least 1; got 0"),
        (lambda: spiked_covariance(3, True, 1.0), TypeError, "n_features must be an integer; got True"),
        (lambda: spiked_covariance(3, 3, 0.0), ValueError, r"ell must be positive; got 0\.0"),
        (lambda: spiked_covariance(3, 3, 2.0, rng="1"), TypeError, "rng must be"),
        (
            lambda: spiked_wigner(3, 1.0, rng=1).overlap([1, 2]),
            ValueError,
            r"must have the shape \(3,\); got \(2,\)",
        ),
        (lambda: spiked_wigner(3, 1.0, rng=1).overlap([0, 0, 0]), ValueError, "vector must not be 0"),
        (lambda: spiked_wigner(3, 1.0, rng=1).overlap([0, 0, math.nan]), ValueError, "vector must be finite"),
    ],
)
def test_bad_arguments_are_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()
