"""Laws of Langevin learning: recursions, the generator's equation, known moments, and the bias of steps."""

import math

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import expm, solve_continuous_lyapunov
from scipy.special import gamma

from smbook.theory import dynamics as theory

G = np.array([[2.0, 0.6, 0.0], [0.6, 0.5, -0.1], [0.0, -0.1, 1.2]])
START = np.array([1.0, -2.0, 0.5])


def test_the_law_in_continuous_time():
    """Mean exp(-G t), covariance by Lyapunov's equation of the long run, and of what it has forgotten."""
    end = solve_continuous_lyapunov(G, 2 * 0.7 * np.eye(3))
    for t in (0.0, 1e-9, 0.3, 5.0):
        law = theory.langevin_law(G, t, temperature=0.7, start=START)
        decay = expm(-G * t)
        np.testing.assert_allclose(law.mean, decay @ START, atol=1e-13)
        np.testing.assert_allclose(law.covariance, end - decay @ end @ decay, atol=1e-13)
    law = theory.langevin_law(G, temperature=0.7, start=START)
    np.testing.assert_allclose(law.covariance, 0.7 * np.linalg.inv(G), atol=1e-13)
    assert not law.mean.any()
    assert law == theory.langevin_law(G, temperature=0.7)
    assert law != theory.langevin_law(G, temperature=0.8)


def recursion(curvature, n_steps, rate, temperature):
    """Mean and covariance step by step."""
    forward = np.eye(len(curvature)) - rate * curvature
    mean, covariance = START[: len(curvature)].copy(), np.zeros_like(curvature)
    for _ in range(n_steps):
        mean = forward @ mean
        covariance = forward @ covariance @ forward.T + 2 * rate * temperature * np.eye(len(curvature))
    return mean, covariance


@settings(max_examples=40, deadline=None)
@given(rate=st.floats(1e-4, 1.5), n_steps=st.integers(0, 60), shift=st.floats(-1.0, 1.0))
def test_the_law_of_steps_is_its_recursion(rate, n_steps, shift):
    """At any curvature, unstable ones too."""
    curvature = G + shift * np.eye(3)
    law = theory.langevin_step_law(curvature, n_steps, rate=rate, temperature=0.3, start=START)
    mean, covariance = recursion(curvature, n_steps, rate, 0.3)
    np.testing.assert_allclose(law.mean, mean, rtol=1e-9, atol=1e-9 * max(1, np.abs(mean).max()))
    np.testing.assert_allclose(law.covariance, covariance, atol=1e-9 * max(1, np.abs(covariance).max()))


def test_the_long_run_of_steps():
    """T G^-1 (1 - eta G / 2)^-1, and its first term in eta by the bias of any loss."""
    for rate in (0.01, 0.4):
        law = theory.langevin_step_law(G, rate=rate, temperature=0.3)
        exact = 0.3 * np.linalg.inv(G @ (np.eye(3) - rate * G / 2))
        np.testing.assert_allclose(law.covariance, exact, atol=1e-13)
        long = theory.langevin_step_law(G, 100_000, rate=rate, temperature=0.3, start=START)
        np.testing.assert_allclose(long.covariance, exact, atol=1e-12)
    parabola = (lambda w: 1.5 * w**2, lambda w: 3 * w, lambda w: np.full_like(w, 3.0))
    bias = theory.langevin_bias(np.square, *parabola, temperature=0.3, limits=(-4, 4))
    step = theory.langevin_step_law(3.0, rate=1e-6, temperature=0.3).covariance[0, 0] - 0.1
    assert bias == pytest.approx(0.15, rel=1e-10)
    assert step / 1e-6 == pytest.approx(bias, rel=1e-5)


def test_small_steps_are_continuous_time():
    """The difference is in proportion to the rate."""
    exact = theory.langevin_law(G, 2.0, temperature=1.0, start=START)
    gaps = []
    for n in (2000, 4000):
        law = theory.langevin_step_law(G, n, rate=2.0 / n, temperature=1.0, start=START)
        gaps.append(np.abs(law.covariance - exact.covariance).max())
    assert gaps[0] < 2e-3
    assert gaps[0] / gaps[1] == pytest.approx(2.0, rel=1e-2)


def test_free_and_unstable_directions():
    assert theory.langevin_law(0.0, 3.0, temperature=0.5).covariance[0, 0] == pytest.approx(3.0)
    unstable = theory.langevin_law(-1.0, 1.0, temperature=1.0, start=[1.0])
    assert unstable.mean[0] == pytest.approx(math.e)
    assert unstable.covariance[0, 0] == pytest.approx(math.e**2 - 1)
    assert theory.langevin_step_law(0.0, 4, rate=0.5, temperature=1.0).covariance[0, 0] == pytest.approx(4.0)
    at_the_edge = theory.langevin_step_law(4.0, 6, rate=0.5, temperature=1.0)  # 1 - eta lambda = -1
    assert at_the_edge.covariance[0, 0] == pytest.approx(6.0)


@pytest.mark.parametrize("rate", [1e-15, 1e-10, 0.3, 1.0, 1.7, 2.0, 2.5])
@pytest.mark.parametrize("n", [0, 1, 2, 3, 101])
def test_steps_keep_their_digits(rate, n):
    """Beside 60 digits, where A is all but 1, is 0, and is negative."""
    law = theory.langevin_step_law(1.0, n, rate=rate, temperature=3.0, start=[5.0])
    with mp.workdps(60):
        factor = 1 - mp.mpf(rate)
        variance = 6 * mp.mpf(rate) * sum(factor ** (2 * k) for k in range(n))
        exact = float(5 * factor**n), float(variance)
    assert (law.mean[0], law.covariance[0, 0]) == pytest.approx(exact, rel=1e-13)


def test_laws_of_very_long_and_very_short_times():
    for n in (2**62, 2**63 - 1):
        assert theory.langevin_step_law(1.0, n, rate=0.1, temperature=1).covariance == pytest.approx(1 / 0.95)
    assert theory.langevin_law(1e300, 1e300, temperature=1.0, start=[1.0]).mean == 0.0
    assert theory.langevin_law(0.0, 1e-300, temperature=1.0).covariance == pytest.approx(2e-300, abs=0)
    few = np.random.default_rng(1).normal(size=(40, 3, 6))
    for inputs in few:  # of six eigenvalues three are 0 to rounding, above or below
        with pytest.raises(ValueError, match="must be positive for a law in the long run"):
            theory.langevin_law(inputs.T @ inputs, temperature=1.0)


@pytest.mark.parametrize("temperature", [0.1, 1.0, 7.0])
def test_moments_of_a_quartic(temperature):
    """<w^2> of exp(-w^4 / 4 T) is 2 sqrt(T) Gamma(3/4) / Gamma(1/4), and <w L'> = T (equipartition)."""
    limits = (-9.0, 9.0)
    square = theory.gibbs_average(np.square, lambda w: w**4 / 4, temperature=temperature, limits=limits)
    assert square == pytest.approx(2 * math.sqrt(temperature) * gamma(0.75) / gamma(0.25), rel=1e-12)
    virial = theory.gibbs_average(lambda w: w**4, lambda w: w**4 / 4, temperature=temperature, limits=limits)
    assert virial == pytest.approx(temperature, rel=1e-12)


def stationary(gradient, rate, temperature, places):
    """The law of the long run of steps, as the stationary vector of their kernel on a grid."""
    spread = 2 * rate * temperature
    kernel = np.exp(-((places - (places - rate * gradient(places))[:, None]) ** 2) / (2 * spread))
    kernel /= kernel.sum(axis=1, keepdims=True)
    law = np.full(places.size, 1 / places.size)
    for _ in range(14):
        kernel = kernel @ kernel
    law = law @ kernel
    return law / law.sum()


def test_the_bias_of_steps_on_a_double_well():
    """Against the kernel's stationary law at two rates, whose error of the order of eta^2 is taken away.

    With L'^2 / 2 in place of L'^2 / 4, or without L'', it is off by a third and more.
    """

    def loss(w):
        return (w**2 - 1) ** 2 / 4

    def gradient(w):
        return w * (w**2 - 1)

    def curvature(w):
        return 3 * w**2 - 1

    temperature, limits = 0.3, (-3.5, 3.5)
    bias = theory.langevin_bias(np.square, loss, gradient, curvature, temperature=temperature, limits=limits)
    exact = theory.gibbs_average(np.square, loss, temperature=temperature, limits=limits)
    places = np.linspace(-3.0, 3.0, 601)
    slopes = []
    for rate in (0.02, 0.04):
        law = stationary(gradient, rate, temperature, places)
        slopes.append((law @ places**2 - exact) / rate)
    assert 2 * slopes[0] - slopes[1] == pytest.approx(bias, rel=0.02)
    for wrong in (lambda w: 0.0 * w, lambda w: 2 * curvature(w)):
        off = theory.langevin_bias(np.square, loss, gradient, wrong, temperature=temperature, limits=limits)
        assert off != pytest.approx(bias, rel=0.3)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: theory.langevin_law([[1, 2], [0, 1]], temperature=1), ValueError, "must be symmetric"),
        (lambda: theory.langevin_law([1.0], temperature=1), ValueError, r"shape \(d, d\); got \(1,\)"),
        (lambda: theory.langevin_law(0.0, temperature=1), ValueError, "must be positive for a law"),
        (lambda: theory.langevin_law(1.0, -1.0, temperature=1), ValueError, "time must be at least 0"),
        (lambda: theory.langevin_law(1.0, math.nan, temperature=1), ValueError, "time must be finite"),
        (lambda: theory.langevin_law(1.0, temperature=-1), ValueError, "temperature must be at least 0"),
        (lambda: theory.langevin_law("G", temperature=1), TypeError, "curvature must hold real numbers"),
        (
            lambda: theory.langevin_law(1.0, temperature=1, start=[1, 2]),
            ValueError,
            r"start must have the shape \(1,\)",
        ),
        (
            lambda: theory.langevin_step_law(2.0, rate=1.0, temperature=1),
            ValueError,
            "lie between 0 and 2 for a law",
        ),
        (lambda: theory.langevin_step_law(1.0, rate=0, temperature=1), ValueError, "rate must be positive"),
        (
            lambda: theory.langevin_step_law(1.0, 1.5, rate=0.1, temperature=1),
            TypeError,
            "n_steps must be an integer",
        ),
        (
            lambda: theory.gibbs_average(np.square, np.square, temperature=0, limits=(-1, 1)),
            ValueError,
            "temperature must be positive",
        ),
        (
            lambda: theory.gibbs_average(np.square, np.square, temperature=1, limits=(-1, 1)),
            ValueError,
            "limits must hold all of the law; got -1 and 1",
        ),
        (
            lambda: theory.gibbs_average(np.square, np.square, temperature=1e-6, limits=(-6, 6)),
            ValueError,
            "limits must be closer",
        ),
        (
            lambda: theory.gibbs_average(np.square, np.square, temperature=1e-308, limits=(-6, 6)),
            ValueError,
            "limits must be closer",
        ),
        (lambda: theory.langevin_law(-1.0, 1e4, temperature=1), ValueError, "its weights run away"),
        (
            lambda: theory.langevin_step_law(2.0, 9999, rate=2.0, temperature=1),
            ValueError,
            "its weights run away",
        ),
        (
            lambda: theory.gibbs_average(np.square, np.square, temperature=1, limits=(1, -1)),
            ValueError,
            "limits must be two rising numbers",
        ),
        (
            lambda: theory.gibbs_average(np.sum, np.square, temperature=1, limits=(-9, 9)),
            ValueError,
            "observable must return a value for each weight",
        ),
        (
            lambda: theory.gibbs_average(np.square, lambda w: w * np.nan, temperature=1, limits=(-9, 9)),
            ValueError,
            "values of loss must be finite",
        ),
    ],
)
def test_bad_arguments_are_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()
