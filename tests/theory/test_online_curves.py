"""Curves of online rules beside other integrators, averages by quadrature, and the process at finite N."""

import math

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad, solve_ivp
from scipy.special import log_ndtr, ndtr

from smbook.perceptron import online, teacher, teacher_examples
from smbook.theory import perceptron as theory

RULES = ("hebb", "perceptron", "adatron", "optimal")
N = 500


def density(x):
    return math.exp(-x * x / 2) / math.sqrt(2 * math.pi)


def hazard(u):
    """phi(u) / Phi(u)"""
    return np.exp(-u * u / 2 - log_ndtr(u)) / math.sqrt(2 * math.pi)


def factor(rule, stability, overlap, length, noise=0.0):
    """By what y x is multiplied in an example at y h, where h has variance 1 and the rate is 1."""
    wrong = stability <= 0
    if rule == "hebb":
        return np.ones_like(stability)
    if rule == "perceptron":
        return wrong * 1.0
    if rule == "adatron":
        return wrong * np.abs(stability) * length
    s = np.sqrt(1 - overlap**2)
    u, rho = overlap * stability / s, 1 - 2 * noise
    return s * rho * hazard(u) * ndtr(u) / (noise + rho * ndtr(u)) * length / overlap


def drift(rule, overlap, length, rate, noise):
    """The slopes of R and Q from averages over y h by quadrature; t given h is a normal variable cut at 0."""
    s, rho = math.sqrt(1 - overlap**2), 1 - 2 * noise

    def mean(function):
        options = {"epsabs": 1e-12, "epsrel": 1e-12, "limit": 200}
        return sum(
            quad(lambda u: 2 * density(u) * function(u), *ends, **options)[0] for ends in ((-9, 0), (0, 9))
        )

    def f(u):
        return rate * float(factor(rule, np.float64(u), overlap, length, noise))

    def weight(u):
        return noise + rho * ndtr(overlap * u / s)

    along = mean(lambda u: f(u) * (overlap * u * weight(u) + rho * s * density(overlap * u / s)))
    q_slope = mean(lambda u: f(u) * u * weight(u)) + mean(lambda u: f(u) ** 2 * weight(u)) / (2 * length)
    return (along - overlap * q_slope) / length, q_slope


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("load", [0.3, 2.0, 9.0])
@pytest.mark.parametrize("noise", [0.0, 0.15])
def test_slopes_are_the_averages_over_an_example(rule, load, noise):
    """By central differences. Noise of 0.01 more is seen."""
    rate = 1.0 if rule == "optimal" else 0.7
    step = 1e-4 * load
    curve = theory.online_curve([load - step, load, load + step], rule=rule, rate=rate, label_noise=noise)
    slopes = [(x[2] - x[0]) / (2 * step) for x in (curve.overlap, curve.length)]
    expected = drift(rule, curve.overlap[1], curve.length[1], rate, noise)
    np.testing.assert_allclose(slopes, expected, rtol=1e-6, atol=1e-8)
    wrong = drift(rule, curve.overlap[1], curve.length[1], rate, noise + 0.01)
    assert abs(slopes[0] - wrong[0]) > 1e-4 * abs(slopes[0])


@pytest.mark.parametrize("load", [0.2, 1.0, 5.0, 40.0])
def test_the_table_s_form_of_the_perceptron(load):
    step = 1e-4 * load
    curve = theory.online_curve([load - step, load, load + step])
    r, q, eps = curve.overlap[1], curve.length[1], curve.error[1]
    root = math.sqrt(2 * math.pi)
    q_slope = -(1 - r) / root + eps / (2 * q)
    r_slope = (1 - r) * (1 + r) / root / q - r * eps / (2 * q * q)
    assert (curve.length[2] - curve.length[0]) / (2 * step) == pytest.approx(q_slope, rel=1e-6, abs=1e-8)
    assert (curve.overlap[2] - curve.overlap[0]) / (2 * step) == pytest.approx(r_slope, rel=1e-6)


@pytest.mark.parametrize("load", [0.2, 1.0, 5.0, 40.0])
def test_the_table_s_form_of_the_optimal_rule(load):
    """dR^2 / d alpha = (1 - R^2) 2 int Dh phi^2 / Phi (R h / s), and Gibbs' integral I at q = R^2."""
    step = 1e-4 * load
    curve = theory.online_curve([load - step, load, load + step], rule="optimal")
    square = curve.overlap**2
    ratio = curve.overlap[1] / math.sqrt(1 - square[1])
    integral = quad(
        lambda h: 2 * density(h) * hazard(ratio * h) ** 2 * ndtr(ratio * h), -30, 12, points=[0], epsabs=1e-13
    )[0]
    slope = (square[2] - square[0]) / (2 * step)
    assert slope == pytest.approx((1 - square[1]) * integral, rel=1e-6)
    shared = quad(
        lambda t: density(t) * math.exp(-square[1] * t * t / 2 - log_ndtr(-curve.overlap[1] * t)), -12, 12
    )
    assert slope == pytest.approx((1 - square[1]) ** 1.5 * shared[0] / math.pi, rel=1e-6)


def by_angle(rule, loads, rate, noise, overlap, length):
    """R and Q from the angle and ln Q in ln alpha, by an explicit rule of order 8."""
    rho, first = 1 - 2 * noise, 1e-9

    def slope(tau, state):
        angle, q, alpha = state[0], math.exp(state[1]), math.exp(tau)
        sine, cosine, eps = math.sin(angle), math.cos(angle), angle / math.pi
        if rule == "perceptron":
            root = math.sqrt(2 * math.pi)
            turn = -rate * rho * sine / (root * q) + rate**2 * cosine * (noise + rho * eps) / (
                2 * q * q * sine
            )
            grow = -rate * (1 - rho * cosine) / (root * q) + rate**2 * (noise + rho * eps) / (2 * q * q)
        else:
            product, square = (sine - angle * cosine) / math.pi, (angle - sine * cosine) / math.pi
            along = rho * product - noise * cosine
            turned = noise + rho * square
            turn = -rate * (along + cosine * (1 - rate / 2) * turned) / sine
            grow = -rate * (1 - rate / 2) * turned
        return alpha * turn, alpha * grow

    found = solve_ivp(
        slope,
        (math.log(first), math.log(loads[-1])),
        [math.acos(overlap), math.log(length)],
        "DOP853",
        np.log(loads),
        rtol=1e-12,
        atol=1e-13,
    )
    return np.cos(found.y[0]), np.exp(found.y[1])


@pytest.mark.parametrize("rule", ["perceptron", "adatron"])
@pytest.mark.parametrize(
    ("rate", "noise", "overlap", "length"),
    [(1.0, 0.0, 0.2, 1.5), (0.6, 0.1, -0.5, 0.8), (1.8, 0.3, 0.9, 3.0), (2.5, 0.0, 0.0, 1.0)],
)
def test_beside_another_integrator(rule, rate, noise, overlap, length):
    loads = np.array([0.01, 0.3, 1.0, 4.0, 30.0])
    found = theory.online_curve(
        loads, rule=rule, rate=rate, label_noise=noise, initial_overlap=overlap, initial_length=length
    )
    expected = by_angle(rule, loads, rate, noise, overlap, length)
    # the other one begins at alpha = 1e-9 with the values of 0
    np.testing.assert_allclose(found.overlap, expected[0], rtol=1e-8, atol=3e-9)
    np.testing.assert_allclose(found.length, expected[1], rtol=1e-8)


@pytest.mark.parametrize("noise", [0.0, 0.1, 0.4])
def test_the_singular_start_of_the_perceptron(noise):
    """It is the limit of short first weights without a direction, and begins as the expansion says."""
    loads, rho = np.array([1e-3, 0.1, 1.0, 10.0]), 1 - 2 * noise
    short = theory.online_curve(loads, initial_length=1e-7, label_noise=noise)
    zero = theory.online_curve(loads, label_noise=noise)
    np.testing.assert_allclose(zero.overlap, short.overlap, rtol=1e-9)
    np.testing.assert_allclose(zero.length, short.length, rtol=1e-9)
    small = np.array([1e-12, 1e-11, 1e-9, 1e-7])
    begin = theory.online_curve(small, label_noise=noise)
    root = np.sqrt(small / math.pi)
    square = small / 2 - 2 / 3 * (1 + rho**2 / math.pi) * small * root
    along = rho * (small - 2 / 3 * small * root) / math.sqrt(2 * math.pi)
    assert (np.abs(begin.length**2 / square - 1) <= 3 * small + 1e-11).all()
    assert (np.abs(begin.overlap * begin.length / along - 1) <= 3 * small + 1e-11).all()
    assert (np.abs(begin.overlap / (rho * root) - 1) < 2 * root).all()


def test_the_integrals_of_the_optimal_rule_run_the_other_way():
    """alpha as a function of s: 2 pi int dp / I(1 - 1 / p^2) from 1 to 1 / s, with 20 digits."""
    curve = theory.online_curve([1e-6, 0.5, 5.0], rule="optimal")
    with mp.workdps(20):

        def integral(q):
            return mp.quad(
                lambda t: mp.npdf(t) * mp.exp(-q * t * t / 2) / mp.ncdf(-mp.sqrt(q) * t), [-10, -3, 3, 10]
            )

        for load, error in zip((1e-6, 0.5, 5.0), curve.error.tolist(), strict=True):
            end = 1 / mp.sin(mp.pi * mp.mpf(error)) - 1
            nodes, weights = np.polynomial.legendre.leggauss(12)
            alpha = sum(
                w * end / 2 / integral(1 - 1 / (1 + end * (1 + x) / 2) ** 2)
                for x, w in zip(nodes.tolist(), weights.tolist(), strict=True)
            )
            assert float(2 * mp.pi * alpha) == pytest.approx(load, rel=1e-9)


@pytest.mark.parametrize("rule", ["perceptron", "adatron", "optimal", "hebb"])
def test_power_laws(rule):
    name = rule if rule == "hebb" else f"online-{rule}"
    law = theory.learning_exponent(name)
    for load, tolerance in ((1e6, 1e-4), (1e12, 1e-7)):
        expected = law.amplitude * load**-law.exponent
        assert theory.online_curve(load, rule=rule).error == pytest.approx(expected, rel=tolerance)
    assert theory.online_curve(1e12, rate=0.2, initial_length=3.0).error == pytest.approx(
        0.2780693 * 1e-4, rel=1e-4
    )


@pytest.mark.parametrize("rate", [0.3, 1.0, 1.5, 2.0, 2.7])
def test_the_adatron_at_other_rates(rate):
    """1 / (eta (1 - eta / 3) alpha), least at 3/2."""
    found = 1e8 * theory.online_curve(1e8, rule="adatron", rate=rate).error
    assert found == pytest.approx(1 / (rate * (1 - rate / 3)), rel=1e-6)
    assert found >= 4 / 3 * (1 - 1e-6)


def test_the_adatron_learns_no_more_at_high_rates():
    at_three = theory.online_curve([1e6, 1e9], rule="adatron", rate=3.0).error
    assert at_three[0] / at_three[1] == pytest.approx(10, rel=0.01)  # alpha^(-1/3)
    beyond = theory.online_curve([1e3, 1e6], rule="adatron", rate=3.5)
    assert beyond.error[0] == pytest.approx(beyond.error[1], rel=1e-9)
    assert beyond.error[1] > 0.2
    assert beyond.length[1] == math.inf


@pytest.mark.parametrize("noise", [0.02, 0.1, 0.3])
@pytest.mark.parametrize("rate", [0.2, 1.0])
def test_noise_stops_the_perceptron_at_one_less_twice_its_share(noise, rate):
    end = theory.online_curve(1e6, rate=rate, label_noise=noise)
    rho = 1 - 2 * noise
    assert end.overlap == pytest.approx(rho, rel=1e-10)
    length = rate * math.sqrt(math.pi / 2) * (noise + rho * end.error) / (1 - rho**2)
    assert end.length == pytest.approx(length, rel=1e-9)
    # the optimal rule, which knows the noise, goes on
    errors = theory.online_curve([1e6, 1e7], rule="optimal", label_noise=noise).error
    assert errors[0] / errors[1] == pytest.approx(10, rel=1e-4)


def process(rule, load, rate, noise, n_runs, rng):
    """Many runs at N = 500 by the two lengths: for Gaussian inputs M and |w| are a Markov chain of their own.

    With an input's fields t along the teacher, g along the rest of the weights, and what is left of it, a
    chi-square of N - 2, a step adds rate f y / N times the input.
    """
    along, side = np.zeros(n_runs), np.zeros(n_runs)
    if rule == "adatron":
        side += 1.0
    for _ in range(round(load * N)):
        t, g, rest = rng.standard_normal(n_runs), rng.standard_normal(n_runs), rng.chisquare(N - 2, n_runs)
        length = np.hypot(along, side)
        h = np.divide(along * t + side * g, length, out=np.zeros(n_runs), where=length > 0)
        y = np.where(t > 0, 1.0, -1.0) * np.where(rng.random(n_runs) < noise, -1, 1)
        if rule == "optimal":  # which takes its own length for R
            variance = np.maximum(1 - length**2, 1e-3)
            f = np.sqrt(variance) * hazard(y * h * length / np.sqrt(variance))
        else:
            f = factor(rule, y * h, along, length)
        step = rate * f * y / N
        along = along + step * t
        side = np.sqrt((side + step * g) ** 2 + step**2 * rest)
    return along, np.hypot(along, side)


@pytest.mark.parametrize(
    ("rule", "rate", "noise"),
    [
        ("hebb", 0.8, 0.1),
        ("perceptron", 1.0, 0.0),
        ("perceptron", 0.5, 0.2),
        ("adatron", 1.0, 0.0),
        ("adatron", 1.5, 0.1),
        ("optimal", 1.0, 0.0),
    ],
)
def test_the_process_at_finite_size(rule, rate, noise):
    """N = 500, alpha = 3, 400 runs: R to some 0.001, and noise of 0.03 more is caught.

    Ten other seeds put the shift of R below 0.3 / N, and that of a length, for "adatron" a product of random
    factors, below 2 / N.
    """
    load, n_runs = 3.0, 400
    along, length = process(rule, load, rate, noise, n_runs, np.random.default_rng(11))
    curve = theory.online_curve(load, rule=rule, rate=rate, label_noise=noise)
    wrong = theory.online_curve(load, rule=rule, rate=rate, label_noise=noise + 0.03)
    overlap = along / length
    error = overlap.std(ddof=1) / math.sqrt(n_runs)
    assert abs(overlap.mean() - curve.overlap) < 4 * error
    assert abs(overlap.mean() - wrong.overlap) > 4 * error
    spread = length.std(ddof=1) / math.sqrt(n_runs)
    assert abs(length.mean() - curve.length) < 4 * spread + 2 / N


@pytest.mark.parametrize(("rule", "rate"), [("hebb", 0.5), ("perceptron", 2.0), ("adatron", 1.2)])
def test_the_conventions_of_the_simulator(rule, rate):
    """Both lengths of `smbook.perceptron.online` at N = 1000, alpha = 2, in 20 runs, with noise."""
    n, load, noise, rng = 1000, 2.0, 0.1, np.random.default_rng(2)
    found = []
    for _ in range(20):
        weights = teacher(n, rng=rng)
        examples = teacher_examples(weights, int(load * n), label_noise=noise, rng=rng)
        initial = None if rule != "adatron" else rng.standard_normal(n) / math.sqrt(n)
        run = online(examples.inputs, examples.labels, rule=rule, rate=rate, initial=initial, every=n).weights
        found.append((run @ weights / np.linalg.norm(run) / np.linalg.norm(weights), np.linalg.norm(run)))
    curve = theory.online_curve(load, rule=rule, rate=rate, label_noise=noise)
    for values, value in zip(np.transpose(found), (curve.overlap, curve.length), strict=True):
        assert abs(values.mean() - value) < 4 * values.std(ddof=1) / math.sqrt(20) + 2 / n
        assert values.mean() == pytest.approx(value, rel=0.1)


def test_hebb_online_is_hebb():
    loads = np.array([0.01, 1.0, 100.0])
    for noise in (0.0, 0.3, 0.9):
        found = theory.online_curve(loads, rule="hebb", rate=0.3, label_noise=noise)
        batch = theory.hebb_curve(loads, label_noise=noise)
        np.testing.assert_allclose(found.overlap, batch.overlap, rtol=1e-14)
        np.testing.assert_allclose(found.error, batch.error, rtol=1e-14)


@given(load=st.floats(-4, 4).map(lambda x: 10.0**x), rate=st.floats(0.1, 4), noise=st.floats(0, 0.45))
@settings(deadline=None, max_examples=30)
def test_no_online_rule_is_better_than_the_optimal_one_nor_that_than_bayes(load, rate, noise):
    best = theory.online_curve(load, rule="optimal", label_noise=noise)
    for rule in ("hebb", "perceptron", "adatron"):
        found = theory.online_curve(load, rule=rule, rate=rate, label_noise=noise)
        assert best.error <= found.error * (1 + 1e-9)
    assert best.length == pytest.approx(best.overlap, rel=1e-12)
    assert theory.bayes_curve(load).error <= theory.online_curve(load, rule="optimal").error * (1 + 1e-12)


@given(scale=st.floats(1e-3, 1e3), load=st.floats(0.01, 100))
@settings(deadline=None, max_examples=20)
def test_from_zero_a_rate_is_a_scale(scale, load):
    for rule in ("hebb", "perceptron", "optimal"):
        one, other = (theory.online_curve(load, rule=rule, rate=rate) for rate in (1.0, scale))
        assert other.overlap == pytest.approx(one.overlap, rel=1e-12)
        assert other.length == pytest.approx(scale * one.length, rel=1e-12)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("noise", [0.0, 0.2, 0.5])
def test_more_noise_than_half_learns_the_opposite(rule, noise):
    loads = [0.1, 3.0]
    start = 0.0 if rule == "optimal" else 0.3
    found = theory.online_curve(loads, rule=rule, label_noise=noise, initial_overlap=start)
    other = theory.online_curve(loads, rule=rule, label_noise=1 - noise, initial_overlap=-start)
    np.testing.assert_allclose(other.overlap, -found.overlap, rtol=1e-12)
    np.testing.assert_allclose(other.error, 1 - found.error, rtol=1e-12)
    np.testing.assert_allclose(other.length, found.length, rtol=1e-12)
    if noise == 0.5:
        nothing = theory.online_curve(loads, rule=rule, label_noise=0.5)
        assert (nothing.overlap == 0).all()
        assert (nothing.error == 0.5).all()


@pytest.mark.parametrize("rule", RULES)
def test_numbers_arrays_and_order(rule):
    one = theory.online_curve(2, rule=rule)
    assert all(type(value) is float for value in one)
    table = theory.online_curve([[5.0, 2.0], [0.5, 5.0]], rule=rule)
    assert all(values.shape == (2, 2) for values in table)
    assert table.error[0, 1] == pytest.approx(one.error, rel=1e-9)
    assert table.error[0, 0] == table.error[1, 1]
    assert theory.online_curve([1.0, 2.0], rule=rule) == theory.online_curve([1.0, 2.0], rule=rule) != table
    assert theory.online_curve(np.array([]), rule=rule).length.shape == (0,)


def test_small_loads_alone_and_with_others():
    small = np.array([1e-12, 1.1e-12, 1e-11])
    for rule, power in (("hebb", 0.5), ("perceptron", 0.5), ("adatron", 1.0), ("optimal", 0.5)):
        found = theory.online_curve(small, rule=rule)
        np.testing.assert_allclose(
            found.overlap / small**power, found.overlap[0] / small[0] ** power, rtol=1e-5
        )
        alone = theory.online_curve(small[:1], rule=rule)
        with_others = theory.online_curve([*small, 1.0, 1e6], rule=rule)
        assert with_others.overlap[0] == pytest.approx(alone.overlap[0], rel=1e-12)
        assert with_others.overlap[3] == pytest.approx(theory.online_curve(1.0, rule=rule).overlap, rel=1e-9)


@pytest.mark.parametrize("noise", [0.4999999999, 0.5])
def test_random_labels_wipe_out_what_was_known(noise):
    """The perceptron forgets its first overlap, down to what rounding of 1 - R would not resolve."""
    found = theory.online_curve([1e3, 1e6, 1e12], initial_overlap=0.3, rate=1e-3, label_noise=noise)
    np.testing.assert_allclose(found.overlap[1:], 1 - 2 * noise, rtol=1e-6, atol=1e-14)
    assert 0 < found.overlap[0] < 0.3


def test_initial_conditions():
    short = 1e-9
    for rule in ("hebb", "perceptron", "adatron"):
        found = theory.online_curve(short, rule=rule, initial_overlap=-0.4, initial_length=2.0)
        assert (found.overlap, found.length) == pytest.approx((-0.4, 2.0), abs=1e-8)
    found = theory.online_curve(short, rule="optimal", initial_overlap=0.4, rate=3.0)
    assert (found.overlap, found.length) == pytest.approx((0.4, 1.2), abs=1e-8)
    found = theory.online_curve(short, rule="optimal", initial_overlap=0.4, initial_length=5.0)
    assert (found.overlap, found.length) == pytest.approx((0.4, 5.0), abs=1e-8)
    assert theory.online_curve(short, initial_overlap=0.1).length == pytest.approx(1.0)
    with pytest.raises(RuntimeError, match=r"was not followed to load 1\.0"):
        theory.online_curve(1.0, initial_overlap=1 - 1e-16, rate=1e6)


@pytest.mark.parametrize(
    ("settings_of", "error", "said"),
    [
        ({"load": 0.0}, ValueError, "load must be positive; got 0.0"),
        ({"load": [1.0, -1.0]}, ValueError, "load must be positive; got -1.0"),
        ({"load": math.inf}, ValueError, "load must be finite; got inf"),
        ({"load": "1"}, TypeError, "load must hold real numbers"),
        (
            {"load": 2e12},
            ValueError,
            r"load must be from 1e-12 to 1e\+12; got 2000000000000.0 to 2000000000000.0",
        ),
        ({"rule": "delta"}, ValueError, "rule must be one of 'hebb', .*; got 'delta'"),
        ({"rate": 0.0}, ValueError, "rate must be positive; got 0.0"),
        ({"load": [1e-101, 1.0]}, ValueError, r"load must be from 1e-12 to 1e\+12; got 1e-101 to 1.0"),
        ({"rate": 1e51}, ValueError, r"rate must be at most 1e\+06; got 1e\+51"),
        ({"rate": [1.0]}, TypeError, "rate must be a real number"),
        ({"label_noise": 1.5}, ValueError, "label_noise must be at most 1; got 1.5"),
        ({"initial_overlap": 1.0}, ValueError, "initial_overlap must be above -1 and below 1; got 1.0"),
        ({"initial_overlap": math.nan}, ValueError, "initial_overlap must be finite; got nan"),
        ({"initial_length": -1.0}, ValueError, "initial_length must be at least 0; got -1.0"),
        (
            {"initial_length": 1e-80},
            ValueError,
            "rate and initial_length must be less far apart; got 1.0 and",
        ),
        ({"initial_overlap": 0.5, "initial_length": 0.0}, ValueError, "with an initial_overlap of 0.5"),
        ({"rule": "adatron", "initial_length": 0.0}, ValueError, "which the rule 'adatron' never leaves"),
        ({"rule": "optimal", "initial_length": 1.0}, ValueError, "without an initial_overlap; got 1.0"),
        ({"rule": "optimal", "initial_overlap": -0.2}, ValueError, "initial_overlap must not be opposed"),
    ],
)
def test_bad_input(settings_of, error, said):
    with pytest.raises(error, match=said):
        theory.online_curve(**{"load": 1.0, **settings_of})
