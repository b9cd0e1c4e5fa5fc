"""Langevin learning: exact laws on a parabola, quadrature elsewhere, the Metropolis test and wrong ones."""

import math

import numpy as np
import pytest

from smbook.dynamics import LangevinPath, langevin
from smbook.theory.dynamics import gibbs_average, langevin_bias, langevin_law, langevin_step_law

G = np.array([[2.0, 0.6], [0.6, 0.5]])
START = np.array([1.0, -2.0])
T = 0.3


def parabola(w):
    return np.einsum("ci,ij,cj->c", w, G, w) / 2


def z_scores(samples, mean, covariance):
    """How many errors the mean and the covariance of independent samples (C, d) are off, at most."""
    count = len(samples)
    off = (samples.mean(axis=0) - mean) / np.sqrt(np.diag(covariance) / count)
    centred = samples - mean
    products = np.einsum("ci,cj->cij", centred, centred)
    errors = products.std(axis=0) / math.sqrt(count)
    return max(np.abs(off).max(), np.abs((products.mean(axis=0) - covariance) / errors).max())


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("n_steps", [1, 4, 60])
def test_the_law_of_steps_at_every_time(n_steps, seed):
    """20,000 runs beside the exact law, |z| < 4; that of continuous time is told from it at rate 0.3."""
    starts = np.tile(START, (20_000, 1))
    path = langevin(lambda w: w @ G, starts, n_steps, rate=0.3, temperature=T, thin=n_steps, rng=seed)
    law = langevin_step_law(G, n_steps, rate=0.3, temperature=T, start=START)
    assert z_scores(path.weights[0], *law) < 4
    assert path.acceptance == 1.0
    smooth = langevin_law(G, 0.3 * n_steps, temperature=T, start=START)
    assert z_scores(path.weights[0], *smooth) > 4


def double_well(w):
    return ((w**2 - 1) ** 2 / 4).sum(axis=-1)


def slope(w):
    return w * (w**2 - 1)


def bend(w):
    return 3 * w**2 - 1


ALONG = {"temperature": T, "limits": (-3.5, 3.5)}
EXACT = gibbs_average(np.square, lambda w: (w**2 - 1) ** 2 / 4, **ALONG)


def mean_square(path, skip):
    """The mean of w^2 and its error over independent runs."""
    runs = (path.weights[skip:] ** 2).mean(axis=(0, 2))
    return runs.mean(), runs.std(ddof=1) / math.sqrt(runs.size)


@pytest.mark.parametrize("seed", range(3))
def test_adjusted_steps_keep_gibbs_on_a_double_well(seed):
    """At a rate at which plain steps are 15 errors off, by what the formula of the bias says, and a fifth."""
    starts = np.ones((2000, 1))
    options = {"rate": 0.15, "temperature": T, "rng": seed}
    value, error = mean_square(langevin(slope, starts, 600, loss=double_well, **options), 200)
    assert abs(value - EXACT) < 4 * error
    assert error < 0.003
    plain, spread = mean_square(langevin(slope, starts, 600, **options), 200)
    bias = 0.15 * langevin_bias(np.square, lambda w: (w**2 - 1) ** 2 / 4, slope, bend, **ALONG)
    assert abs(plain - EXACT) > 8 * spread
    assert abs(plain - EXACT - bias) < 4 * spread + 0.2 * abs(bias)


def test_the_histogram_of_adjusted_steps():
    """Chi-square over twenty bins, one entry a run."""
    options = {"rate": 0.3, "temperature": T, "loss": double_well}
    path = langevin(slope, np.ones((20_000, 1)), 300, thin=300, rng=1, **options)
    path = langevin(slope, path.weights[0], 60, thin=60, rng=2, **options)
    edges = np.r_[-np.inf, np.linspace(-1.6, 1.6, 19), np.inf]
    counts = np.histogram(path.weights[0, :, 0], edges)[0]
    fine = np.linspace(-3.5, 3.5, 70_001)
    density = np.exp(-((fine**2 - 1) ** 2) / 4 / T)
    share = np.histogram(fine, edges, weights=density)[0] / density.sum()
    chi = ((counts - 20_000 * share) ** 2 / (20_000 * share)).sum()
    assert chi < 19 + 4 * math.sqrt(2 * 19)
    assert 0.5 < path.acceptance < 0.99


def test_a_metropolis_test_without_the_way_back_is_caught():
    """As if proposals were symmetric: min(1, exp(-dL / T)), from a loss that hides the drift."""
    rng = np.random.default_rng(4)
    w = np.ones((4000, 1))
    kept = []
    for step in range(400):
        new = w - 0.15 * slope(w) + math.sqrt(0.3 * T) * rng.standard_normal(w.shape)
        odds = np.exp(np.minimum((double_well(w) - double_well(new)) / T, 0.0))
        w = np.where((rng.random(len(w)) < odds)[:, None], new, w)
        if step >= 150:
            kept.append(w)
    value, error = mean_square(LangevinPath(np.array(kept), 1.0), 0)
    assert abs(value - EXACT) > 8 * error


def test_many_weights_in_a_skewed_parabola():
    path = langevin(
        lambda w: w @ G, np.zeros((8000, 2)), 80, rate=0.5, temperature=T, loss=parabola, thin=80, rng=9
    )
    assert z_scores(path.weights[0], np.zeros(2), T * np.linalg.inv(G)) < 4


def test_at_temperature_zero_it_descends():
    path = langevin(lambda w: w @ G, START, 3, rate=0.1, temperature=0.0)
    forward = np.eye(2) - 0.1 * G
    expected = [np.linalg.matrix_power(forward, k) @ START for k in (1, 2, 3)]
    np.testing.assert_allclose(path.weights, expected, atol=1e-14)
    assert repr(path) == "LangevinPath(3 kept steps, 2 weights, acceptance 1)"


def test_seeds_and_thinning():
    starts = np.zeros((5, 2))
    whole = langevin(lambda w: w @ G, starts, 12, rate=0.1, temperature=T, rng=3)
    some = langevin(lambda w: w @ G, starts, 12, rate=0.1, temperature=T, rng=3, thin=4)
    np.testing.assert_array_equal(some.weights, whole.weights[3::4])
    assert whole == langevin(lambda w: w @ G, starts, 12, rate=0.1, temperature=T, rng=3)
    assert whole != langevin(lambda w: w @ G, starts, 12, rate=0.1, temperature=T, rng=4)
    assert not starts.any()
    assert langevin(lambda w: w @ G, starts, 0, rate=0.1, temperature=T).weights.shape == (0, 5, 2)


def test_a_function_that_writes_into_its_argument_changes_nothing():
    def careless(w):
        found = w @ G
        w[:] = 7.0
        return found

    careful = langevin(lambda w: w @ G, START, 5, rate=0.1, temperature=T, rng=1)
    assert langevin(careless, START, 5, rate=0.1, temperature=T, rng=1) == careful


def test_extreme_temperatures_keep_to_numbers():
    path = langevin(lambda w: w @ G, START, 30, rate=0.1, temperature=1e-200, loss=parabola, rng=1)
    assert np.isfinite(path.weights).all()
    far = langevin(lambda w: w @ G, 1e90 * START, 30, rate=0.1, temperature=1.0, loss=parabola, rng=1)
    assert np.isfinite(far.weights).all()
    hot = langevin(lambda w: w @ G, START, 30, rate=1e-308, temperature=1e308, loss=parabola, rng=1)
    assert 0.0 < hot.acceptance <= 1.0


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"weights": []}, ValueError, r"weights must have the shape \(d,\) or \(C, d\); got \(0,\)"),
        ({"weights": np.zeros((1, 1, 1))}, ValueError, "weights must have the shape"),
        ({"weights": [math.nan]}, ValueError, "weights must be finite; got nan"),
        ({"weights": np.ma.ones(2)}, TypeError, "weights must hold real numbers; got a masked array"),
        ({"weights": [True]}, TypeError, "weights must hold real numbers"),
        ({"n_steps": -1}, ValueError, "n_steps must be at least 0"),
        ({"rate": 0.0}, ValueError, "rate must be positive; got 0"),
        ({"rate": math.inf}, ValueError, "rate must be finite"),
        ({"temperature": -1.0}, ValueError, "temperature must be at least 0"),
        ({"temperature": "1"}, TypeError, "temperature must be a real number"),
        ({"temperature": 0.0, "loss": parabola}, ValueError, "temperature must be positive for a Metropolis"),
        (
            {"temperature": 1e-200, "rate": 1e-200, "loss": parabola},
            ValueError,
            "rate times temperature must be at least 1e-300",
        ),
        ({"weights": [1e120]}, ValueError, r"weights must be below 1e\+100 in size; got 1e\+120"),
        ({"thin": 0}, ValueError, "thin must be at least 1"),
        ({"gradient": lambda w: w.sum()}, ValueError, r"gradient must return the shape \(1, 2\); got \(\)"),
        ({"gradient": lambda w: w * np.nan}, ValueError, "values of gradient must be finite; got nan"),
        ({"gradient": lambda w: repr(w)}, TypeError, "values of gradient must hold real numbers"),
        ({"loss": lambda w: w}, ValueError, r"loss must return the shape \(1,\); got \(1, 2\)"),
        ({"gradient": lambda w: w**3, "n_steps": 99, "rate": 9.0}, ValueError, "rate must be so small"),
        ({"rng": -1}, ValueError, "rng must be at least 0; got -1"),
    ],
)
def test_bad_arguments_are_refused(options, error, message):
    given = {"gradient": lambda w: w, "weights": START, "n_steps": 1, "rate": 0.1, "temperature": 1.0}
    with pytest.raises(error, match=message):
        langevin(**given | options)
