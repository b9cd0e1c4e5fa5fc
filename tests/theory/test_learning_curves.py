"""Learning curves beside the book's table, 30-digit solutions, expansions at both ends, and simulations."""

import math

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.optimize import brentq, minimize_scalar
from scipy.special import ndtr

from smbook.perceptron import adatron, is_separable, teacher, teacher_examples
from smbook.theory import perceptron as theory

# Theory notes of the book, six digits.
LOADS = [0.5, 1, 2, 3, 5, 10, 20, 50]
GIBBS = [0.280326, 0.486264, 0.728298, 0.842606, 0.932064, 0.981378, 0.995227, 0.999231]
GIBBS_ERRORS = [0.409558, 0.338359, 0.240312, 0.181020, 0.118006, 0.061525, 0.031113, 0.012485]
BAYES_ERRORS = [0.322395, 0.254373, 0.174534, 0.129855, 0.083935, 0.043573, 0.022009, 0.008829]
STABILITY = {  # load: R, kappa, error
    0.5: (0.512148, 1.256380, 0.328850),
    1: (0.671358, 0.786550, 0.265711),
    2: (0.829758, 0.454578, 0.188479),
    3: (0.900998, 0.317765, 0.142836),
    5: (0.956870, 0.196710, 0.093827),
    8: (0.981751, 0.124483, 0.060904),
    20: (0.996939, 0.050152, 0.024913),
}
HEBB_ERRORS = {0.5: 0.336493, 1: 0.285634, 2: 0.230823, 5: 0.162614, 10: 0.120111}
AMPLITUDES = {  # seven digits
    "hebb": 0.3989423,
    "pseudo-inverse": 0.2404865,
    "gibbs": 0.6246582,
    "bayes": 0.4417000,
    "stability": 0.5004889,
    "online-perceptron": 0.2780693,
    "online-adatron": 1.5,
    "online-optimal": 0.8834001,
}
BATCH = {
    "hebb": theory.hebb_curve,
    "pseudo-inverse": theory.pseudo_inverse_curve,
    "gibbs": theory.gibbs_curve,
    "bayes": theory.bayes_curve,
    "stability": theory.stability_curve,
}
NOISY = ("hebb", "pseudo-inverse", "stability")
loads = st.floats(-6, 6).map(lambda exponent: 10.0**exponent)


def density(x):
    return math.exp(-x * x / 2) / math.sqrt(2 * math.pi)


def test_the_table():
    np.testing.assert_allclose(theory.gibbs_curve(LOADS).overlap, GIBBS, atol=6e-7)
    np.testing.assert_allclose(theory.gibbs_curve(LOADS).error, GIBBS_ERRORS, atol=6e-7)
    np.testing.assert_allclose(theory.bayes_curve(LOADS).error, BAYES_ERRORS, atol=6e-7)
    np.testing.assert_allclose(
        theory.hebb_curve(list(HEBB_ERRORS)).error, list(HEBB_ERRORS.values()), atol=6e-7
    )
    found = theory.stability_curve(list(STABILITY))
    rows = np.column_stack([found.overlap, found.stability, found.error])
    np.testing.assert_allclose(rows, list(STABILITY.values()), atol=6e-7)


@pytest.mark.parametrize("load", [0.2, 0.5, 0.9, 1.1, 3.0])
def test_closed_forms_of_hebb_and_least_squares(load):
    """As the table has them, without noise."""
    hebb = math.sqrt(2 * load / (2 * load + math.pi))
    few, many = 2 * load * (1 - load) / (math.pi - 2 * load), 2 * (load - 1) / (math.pi + 2 * load - 4)
    fit = math.sqrt(few if load < 1 else many)
    for curve, overlap in ((theory.hebb_curve, hebb), (theory.pseudo_inverse_curve, fit)):
        assert curve(load).overlap == pytest.approx(overlap, rel=1e-14)
        assert curve(load).error == pytest.approx(math.acos(overlap) / math.pi, rel=1e-13)


def test_least_squares_learns_nothing_where_it_just_fits():
    for noise in (0.0, 0.2, 0.8):
        assert theory.pseudo_inverse_curve(1.0, label_noise=noise) == (0.0, 0.5)
    near = theory.pseudo_inverse_curve([1 - 1e-12, 1 + 1e-12])
    expected = 1e-6 * math.sqrt(2 / (math.pi - 2))
    np.testing.assert_allclose(near.overlap, expected, rtol=1e-4)


@pytest.mark.parametrize("load", ["1e-6", "0.3", "2.5", "1e6"])
def test_gibbs_and_bayes_with_more_digits(load):
    """Another variable, 1 - R, another quadrature, more digits than floats have."""

    def integral(rest):
        root = mp.sqrt(1 - rest)
        return mp.quad(
            lambda t: mp.npdf(t) * mp.exp(-(root**2) * t * t / 2) / mp.ncdf(-root * t), [-10, -3, 3, 10]
        )

    with mp.workdps(20):
        alpha = mp.mpf(load)
        guess = mp.sin(mp.pi * theory.gibbs_curve(float(load)).error / 2) ** 2 * 2
        rest = mp.findroot(
            lambda x: mp.log((1 - x) / mp.sqrt(x) * mp.pi / alpha / integral(x)),
            (guess, guess * 0.999),
            tol=1e-30,
        )
        gibbs, bayes = mp.acos(1 - rest) / mp.pi, mp.acos(mp.sqrt(1 - rest)) / mp.pi
    assert theory.gibbs_curve(float(load)).error == pytest.approx(float(gibbs), rel=2e-14)
    assert theory.gibbs_curve(float(load)).overlap == pytest.approx(float(1 - rest), rel=2e-14)
    assert theory.bayes_curve(float(load)).error == pytest.approx(float(bayes), rel=2e-14)


@given(load=loads)
def test_bayes_overlap_is_the_root_of_gibbs_overlap(load):
    gibbs, bayes = theory.gibbs_curve(load), theory.bayes_curve(load)
    assert bayes.overlap == pytest.approx(math.sqrt(gibbs.overlap), rel=1e-15)
    # and the error keeps the digits that arccos(R) loses: sin^2(pi eps / 2) = (1 - R) / 2
    assert math.sin(math.pi * bayes.error) ** 2 == pytest.approx(
        2 * math.sin(math.pi * gibbs.error / 2) ** 2, rel=1e-13
    )


def test_gibbs_at_small_loads():
    """R + R^2 / 2 = (2 alpha / pi) (1 + (2 / pi - 1/2) R) up to alpha^3."""
    for load in (1e-2, 1e-3, 1e-4):
        r = theory.gibbs_curve(load).overlap
        assert abs(r + r * r / 2 - 2 * load / math.pi * (1 + (2 / math.pi - 0.5) * r)) < load**3
        assert abs(r + r * r / 2 - 2 * load / math.pi) > 0.05 * load**2


@pytest.mark.parametrize("load", ["1e-6", "0.7", "4", "1e6"])
def test_the_largest_margin_to_twelve_digits(load):
    """Both equations as they are written, for kappa / s and s at once, with 20 digits."""
    with mp.workdps(20):
        alpha = mp.mpf(load)

        def equations(u, s):
            r, kappa = mp.sqrt(1 - s * s), u * s
            edges = sorted([*(s * x for x in (-11, -6, -3, 0, 3, 6)), 4, 9])
            inner = [x for x in edges if x < kappa]
            g = mp.quad(lambda h: mp.npdf(h) * mp.ncdf(r * h / s) * (kappa - h) ** 2, [*inner, kappa])
            second = alpha * mp.sqrt(2 / mp.pi) * (kappa * mp.ncdf(u) + s * mp.npdf(u))
            return 1 - 2 * alpha * g / s**2, 1 - second / r

        curve = theory.stability_curve(float(load))
        s = mp.sin(mp.pi * mp.mpf(curve.error))
        found = mp.findroot(equations, (mp.mpf(curve.stability) / s, s), tol=1e-32, maxsteps=8)
        u, s = found
        error, r = mp.asin(s) / mp.pi, mp.sqrt(1 - s * s)
    assert curve.error == pytest.approx(float(error), rel=1e-12)
    assert curve.stability == pytest.approx(float(u * s), rel=1e-12)
    assert curve.overlap == pytest.approx(float(r), rel=1e-12)


def room(overlap, kappa, load, noise, own_noise=None):
    """1 - R^2 - alpha G(R) by adaptive quadrature."""
    s, own = math.sqrt(1 - overlap**2), noise if own_noise is None else own_noise

    def integrand(h):
        right = ndtr(overlap * h / s)
        return 2 * density(h) * ((1 - own) * right + own * (1 - right)) * (kappa - h) ** 2

    return s * s - load * quad(integrand, -12, kappa, points=[0.0] if kappa > 0 else None, limit=200)[0]


def best(kappa, load, noise, own_noise=None):
    """The angle at which most room is left, and the room."""
    found = minimize_scalar(
        lambda angle: -room(math.cos(angle), kappa, load, noise, own_noise),
        bounds=(0.02, math.pi - 0.02),
        method="bounded",
        options={"xatol": 1e-10},
    )
    return found.x, -found.fun


@pytest.mark.parametrize(("load", "noise"), [(0.3, 0.05), (1.0, 0.2), (1.8, 0.3), (1.2, 0.5), (0.8, 0.9)])
def test_the_largest_margin_with_noise_as_a_maximum(load, noise):
    """Room is concave in R; kappa is the largest at which some R has any left."""
    kappa = brentq(lambda k: best(k, load, noise)[1], 0.01, 5.0, xtol=1e-12)
    curve = theory.stability_curve(load, label_noise=noise)
    assert curve.stability == pytest.approx(kappa, rel=1e-8)
    assert curve.error == pytest.approx(best(kappa, load, noise)[0] / math.pi, abs=1e-6)
    wrong = best(kappa, load, noise, own_noise=0.9 * noise)[1]  # a noise of nine tenths
    assert abs(wrong) > 1e-3


@pytest.mark.parametrize("kappa", [0.0, 0.5, 1.0, 3.0])
def test_random_labels_have_gardners_margin(kappa):
    load = 1 / ((1 + kappa**2) * ndtr(kappa) + kappa * density(kappa))
    curve = theory.stability_curve(load, label_noise=0.5)
    assert curve.stability == pytest.approx(kappa, rel=1e-12, abs=1e-14)
    assert (curve.overlap, curve.error) == (0.0, 0.5)


@pytest.mark.parametrize("noise", [0.01, 0.1, 0.25, 0.4, 0.5])
def test_the_capacity_as_a_maximum(noise):
    """At kappa = 0 it is the largest (1 - R^2) / G(R), taken here over all angles by quadrature."""

    def load(angle):
        r, s = math.cos(angle), math.sin(angle)
        return s * s / -(room(r, 0.0, 1.0, noise) - s * s)

    found = minimize_scalar(lambda a: -load(a), bounds=(0.05, 3.0), method="bounded", options={"xatol": 1e-9})
    capacity = theory.noisy_capacity(noise)
    assert capacity == pytest.approx(-found.fun, rel=1e-10)
    curve = theory.stability_curve(capacity, label_noise=noise)
    assert curve.stability == pytest.approx(0, abs=1e-12)
    assert curve.error == pytest.approx(found.x / math.pi, abs=1e-6)
    assert 1 / capacity == pytest.approx(noise + (1 - 2 * noise) * curve.error, rel=1e-12)


def test_capacity_at_both_ends():
    assert theory.noisy_capacity(0.0) == theory.noisy_capacity(1) == math.inf
    assert theory.noisy_capacity(0.5) == 2.0
    for noise in (1e-15, 1e-12, 1e-9):
        third = (math.pi**2 / 3 / noise) ** (1 / 3)
        assert theory.noisy_capacity(noise) == pytest.approx(third, rel=10 * noise ** (2 / 3))
    shares = np.linspace(0.001, 0.5, 50)
    capacities = [theory.noisy_capacity(share) for share in shares]
    assert (np.diff(capacities) < 0).all()
    assert theory.noisy_capacity(0.75) == theory.noisy_capacity(0.25)


def test_noisy_labels_can_be_learned_up_to_the_capacity():
    """At N = 40 and l = 0.1, where it is 2.99: well below always, well above never; 2 would be neither."""
    rng = np.random.default_rng(5)

    def share(load):
        answers = []
        for _ in range(8):
            examples = teacher_examples(teacher(40, rng=rng), round(40 * load), label_noise=0.1, rng=rng)
            answers.append(is_separable(examples.inputs, examples.labels))
        return np.mean(answers)

    assert share(2.2) >= 0.75
    assert share(4.0) <= 0.25


@pytest.mark.parametrize("rule", BATCH)
@pytest.mark.parametrize("load", [1e6, 1e9, 1e100])
def test_power_laws(rule, load):
    law = theory.learning_exponent(rule)
    expected = law.amplitude * load**-law.exponent
    assert BATCH[rule](load).error == pytest.approx(expected, rel=10 / load + 1e-11)
    assert abs(BATCH[rule](load).error / expected * 1.0001 - 1) > 5e-5


def test_amplitudes():
    for rule, amplitude in AMPLITUDES.items():
        assert theory.learning_exponent(rule).amplitude == pytest.approx(amplitude, abs=6e-8)
    with mp.workdps(30):
        integral = mp.quad(lambda t: mp.npdf(t) * mp.exp(-t * t / 2) / mp.ncdf(-t), mp.linspace(-16, 20, 10))
    for rule, factor in (("gibbs", math.sqrt(2)), ("bayes", 1.0), ("online-optimal", 2.0)):
        assert theory.learning_exponent(rule).amplitude == pytest.approx(factor / float(integral), rel=1e-14)


def test_the_amplitude_of_the_largest_margin():
    """Its own equations: with s -> 0, x = h / s and g = int_u Phi(x) (u - x)^2 dx, (i) 1 = 2 a phi(0) g and
    (ii) 1 = a sqrt(2 / pi) (u Phi(u) + phi(u)), where a = alpha s."""
    with mp.workdps(30):

        def second(u):
            return mp.quad(lambda x: mp.ncdf(x) * (u - x) ** 2, [-20, -10, -5, 0, u])

        def first(u):
            return u * mp.ncdf(u) + mp.npdf(u)

        u = mp.findroot(lambda u: second(u) - first(u), (0.6, 0.7))
        amplitude = 1 / (mp.sqrt(2 / mp.pi) * first(u)) / mp.pi
    assert theory.learning_exponent("stability").amplitude == pytest.approx(float(amplitude), rel=1e-14)
    assert float(u) == pytest.approx(0.6388332, abs=6e-8)
    far = theory.stability_curve(1e9)
    assert far.stability / math.sin(math.pi * far.error) == pytest.approx(float(u), rel=1e-9)


@given(load=loads)
@settings(deadline=None)
def test_no_student_is_better_than_bayes(load):
    least = theory.bayes_curve(load).error
    for curve in BATCH.values():
        assert 0 < least * (1 - 1e-14) <= curve(load).error <= 0.5
    assert theory.gibbs_curve(load).error <= math.sqrt(2) * least * (1 + 1e-14)


@given(load=loads, factor=st.floats(1.01, 10))
@settings(deadline=None)
def test_more_examples_are_better_and_leave_less_margin(load, factor):
    for rule in ("hebb", "gibbs", "bayes", "stability"):
        few, many = BATCH[rule](load), BATCH[rule](load * factor)
        assert many.error < few.error
        assert many.overlap >= few.overlap
    few, many = theory.stability_curve(load), theory.stability_curve(load * factor)
    assert many.stability < few.stability


@given(noise=st.floats(0, 1), share=st.floats(0.01, 0.99))
@settings(deadline=None)
def test_noise_turns_the_student_from_the_teacher(noise, share):
    for rule in NOISY:
        load = share * min(theory.noisy_capacity(noise), 50.0)
        found, other = (BATCH[rule](load, label_noise=x) for x in (noise, 1 - noise))
        assert found.overlap == pytest.approx(-other.overlap, abs=1e-12)
        assert found.error == pytest.approx(1 - other.error, abs=1e-12)
        clean = BATCH[rule](load)
        assert abs(found.overlap) <= clean.overlap + 1e-12
        assert (found.overlap > 1e-12) <= (noise < 0.5)
        assert math.cos(math.pi * found.error) == pytest.approx(found.overlap, abs=1e-12)


@pytest.mark.parametrize("rule", NOISY)
def test_of_random_labels_nothing_is_learned(rule):
    found = BATCH[rule]([0.3, 1.5], label_noise=0.5)
    assert (found.overlap == 0).all()
    assert (found.error == 0.5).all()


def simulated(load, noise, n_runs, rng, n=500):
    """Lengths along the teacher and in all of the weights of Hebb's rule and of least squares, by run."""
    p, rows = round(load * n), []
    for _ in range(n_runs):
        x = rng.standard_normal((p, n))
        y = np.where(x[:, 0] > 0, 1.0, -1.0) * np.where(rng.random(p) < noise, -1, 1)
        hebb = y @ x / n
        fit = x.T @ np.linalg.solve(x @ x.T, y) if p < n else np.linalg.solve(x.T @ x, x.T @ y)
        rows.append([hebb[0], hebb @ hebb, fit[0], fit @ fit])
    return np.array(rows)


def jackknifed(along, square):
    """The overlap mean(M) / sqrt(mean(Q^2)) of runs, and its error."""
    n = len(along)
    left = (along.sum() - along) / (n - 1) / np.sqrt((square.sum() - square) / (n - 1))
    return along.mean() / math.sqrt(square.mean()), math.sqrt((n - 1) * left.var())


@pytest.mark.parametrize(("load", "noise", "n_runs"), [(0.5, 0.1, 60), (2.0, 0.2, 30), (0.4, 0.7, 60)])
def test_hebb_and_least_squares_with_noise_simulated(load, noise, n_runs):
    """N = 500, to some 0.005 in R. Half the noise is caught, and least squares with weights as long as if
    labels had nothing to do with inputs.
    """
    rows = simulated(load, noise, n_runs, np.random.default_rng(7))
    for k, curve in ((0, theory.hebb_curve), (2, theory.pseudo_inverse_curve)):
        overlap, error = jackknifed(rows[:, k], rows[:, k + 1])
        assert abs(overlap - curve(load, label_noise=noise).overlap) < 4 * error
        assert abs(overlap - curve(load, label_noise=noise / 2).overlap) > 4 * error
        assert error < 0.01
    if noise < 0.5 and load < 1:
        c = (1 - 2 * noise) * math.sqrt(2 / math.pi)
        assert abs(overlap - c * math.sqrt(load * (1 - load))) > 4 * error


def test_the_largest_margin_simulated():
    """N = 200, alpha = 1.2, l = 0.1: the margin to some 0.02, R to 0.01, far from the clean curve."""
    rng, n, load, noise = np.random.default_rng(3), 200, 1.2, 0.1
    margins, overlaps = [], []
    for _ in range(24):
        weights = teacher(n, rng=rng)
        examples = teacher_examples(weights, round(load * n), label_noise=noise, rng=rng)
        found = adatron(examples.inputs, examples.labels, tolerance=1e-4).weights
        length = np.linalg.norm(found)
        margins.append((examples.labels * (examples.inputs @ found)).min() / length)
        overlaps.append(found @ weights / length / np.linalg.norm(weights))
    curve, clean = theory.stability_curve(load, label_noise=noise), theory.stability_curve(load)
    for values, value, wrong in (
        (margins, curve.stability, clean.stability),
        (overlaps, curve.overlap, clean.overlap),
    ):
        error = np.std(values, ddof=1) / math.sqrt(len(values))
        assert abs(np.mean(values) - value) < 4 * error
        assert abs(np.mean(values) - wrong) > 4 * error


@pytest.mark.parametrize("rule", BATCH)
def test_numbers_arrays_and_far_loads(rule):
    curve = BATCH[rule]
    assert all(type(value) is float for value in curve(2))
    table = curve([[0.5, 1.5], [2.0, 0.5]])
    assert all(values.shape == (2, 2) for values in table)
    assert table.error[0, 0] == table.error[1, 1] == pytest.approx(curve(0.5).error, rel=1e-15)
    assert curve([0.5, 2.0]) == curve([0.5, 2.0]) != curve([0.5, 2.1])
    assert curve(np.array([])).error.shape == (0,)
    far = curve([1e-300, 1e300])
    assert far.error[0] == 0.5
    assert far.overlap[1] == 1.0
    assert 0 < far.overlap[0] < 1e-100
    assert 0 < far.error[1] < 1e-100
    given_loads = np.array([1.0, 2.0])
    curve(given_loads)
    assert given_loads.tolist() == [1.0, 2.0]


@pytest.mark.parametrize("curve", BATCH.values())
@pytest.mark.parametrize(
    ("load", "error", "said"),
    [
        (0.0, ValueError, r"load must be positive; got 0.0"),
        ([1.0, -2.0], ValueError, r"load must be positive; got -2.0"),
        (math.nan, ValueError, "load must be finite; got nan"),
        (math.inf, ValueError, "load must be finite; got inf"),
        ("1", TypeError, "load must hold real numbers"),
        (True, TypeError, "load must hold real numbers"),
        (1j, TypeError, "load must hold real numbers"),
        (np.ma.array([1.0, 2.0], mask=[True, False]), TypeError, "masked"),
    ],
)
def test_bad_loads(curve, load, error, said):
    with pytest.raises(error, match=said):
        curve(load)


@pytest.mark.parametrize(
    "function",
    [
        theory.noisy_capacity,
        *(lambda noise, curve=BATCH[rule]: curve(1.0, label_noise=noise) for rule in NOISY),
    ],
)
@pytest.mark.parametrize(
    ("noise", "error", "said"),
    [
        (-0.1, ValueError, "label_noise must be at least 0; got -0.1"),
        (1.1, ValueError, "label_noise must be at most 1; got 1.1"),
        (math.nan, ValueError, "label_noise must be finite; got nan"),
        ("0.1", TypeError, "label_noise must be a real number"),
        ([0.1], TypeError, "label_noise must be a real number"),
    ],
)
def test_bad_noise(function, noise, error, said):
    with pytest.raises(error, match=said):
        function(noise)


def test_more_noisy_labels_than_can_be_learned():
    with pytest.raises(ValueError, match=r"at most 2.39133, the capacity at label_noise=0.8; got 3.0"):
        theory.stability_curve([1.0, 3.0], label_noise=0.8)
    with pytest.raises(ValueError, match=r"rule must be one of 'hebb', .*; got 'svm'"):
        theory.learning_exponent("svm")
