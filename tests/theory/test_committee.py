"""Saad and Solla's equations: their averages by quadrature and by chance, the plateau, and how it is left."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import dblquad
from scipy.special import erf

from smbook.theory.dynamics import (
    CommitteeCurve,
    committee_curve,
    committee_error,
    committee_flow,
    committee_largest_rate,
    committee_plateau,
)
from smbook.theory.dynamics.committee import averages
from smbook.theory.dynamics.committee_plateau import _alike, _jacobian, _second

seeds = st.integers(0, 2**32 - 1)


def g(x):
    return erf(x / math.sqrt(2))


def slope_of_g(x):
    return math.sqrt(2 / math.pi) * np.exp(-x * x / 2)


def random_overlaps(seed, k, m, scale=1.0):
    """Overlaps of units with K + M inputs, which may be nearly the same vector."""
    rng = np.random.default_rng(seed)
    weights = scale * rng.standard_normal((k + m, rng.integers(1, k + m + 3)))
    return weights @ weights.T / weights.shape[1]


def parts(overlaps, k):
    return overlaps[:k, :k], overlaps[:k, k:], overlaps[k:, k:]


def third(c, i, b, d):
    """Saad and Solla's I3, as they print it: the mean of g'(i) b g(d)."""
    root = math.sqrt((1 + c[i, i]) * (1 + c[d, d]) - c[i, d] ** 2)
    return 2 / math.pi * (c[b, d] * (1 + c[i, i]) - c[i, b] * c[i, d]) / (1 + c[i, i]) / root


def fourth(c, a, b, d, e):
    """Saad and Solla's I4: the mean of g'(a) g'(b) g(d) g(e)."""
    four = (1 + c[a, a]) * (1 + c[b, b]) - c[a, b] ** 2
    zero = four * c[d, e] - c[b, d] * c[b, e] * (1 + c[a, a]) - c[a, d] * c[a, e] * (1 + c[b, b])
    zero += c[a, b] * (c[a, d] * c[b, e] + c[a, e] * c[b, d])

    def width(f):
        rest = c[b, f] ** 2 * (1 + c[a, a]) + c[a, f] ** 2 * (1 + c[b, b])
        return four * (1 + c[f, f]) - rest + 2 * c[a, b] * c[a, f] * c[b, f]

    return 4 / math.pi**2 / math.sqrt(four) * math.asin(zero / math.sqrt(width(d) * width(e)))


@given(seed=seeds, k=st.integers(1, 3), m=st.integers(1, 3), noise=st.floats(0, 2))
@settings(max_examples=40, deadline=None)
def test_the_averages_are_those_of_saad_and_solla_in_their_own_form(seed, k, m, noise):
    c = random_overlaps(seed, k, m)
    signs = [-1.0] * k + [1.0] * m
    units = range(k + m)
    drift, spread = averages(c, k, noise)
    for i in range(k):
        for b in units:
            assert drift[i, b] == pytest.approx(sum(signs[d] * third(c, i, b, d) for d in units), abs=1e-11)
        for j in range(k):
            own = (1 + c[i, i]) * (1 + c[j, j]) - c[i, j] ** 2
            mean = sum(signs[d] * signs[e] * fourth(c, i, j, d, e) for d in units for e in units)
            wanted = mean + noise**2 * 2 / math.pi / math.sqrt(own)
            assert spread[i, j] == pytest.approx(wanted, abs=1e-11)


@pytest.mark.parametrize(("q", "r", "t"), [(0.7, 0.3, 1.0), (1.5, -0.9, 0.8), (0.4, 0.6, 1.0)])
def test_one_unit_by_quadrature(q, r, t):
    root = np.linalg.cholesky([[q, r], [r, t]])

    def mean(function):
        def inside(v, u):
            x, y = root @ [u, v]
            return function(x, y) * math.exp(-(u * u + v * v) / 2) / (2 * math.pi)

        return dblquad(inside, -9, 9, -9, 9, epsabs=1e-9)[0]

    delta = lambda x, y: slope_of_g(x) * (g(y) - g(x))  # noqa: E731
    flow = committee_flow([[q]], [[r]], [[t]], rate=1.7, noise=0.3)
    gain = mean(lambda x, y: delta(x, y) ** 2 + 0.09 * slope_of_g(x) ** 2)
    assert flow.cross[0, 0] == pytest.approx(1.7 * mean(lambda x, y: delta(x, y) * y), abs=1e-8)
    change = 2 * 1.7 * mean(lambda x, y: delta(x, y) * x) + 1.7**2 * gain
    assert flow.student[0, 0] == pytest.approx(change, abs=1e-8)
    loss = mean(lambda x, y: (g(x) - g(y)) ** 2 / 2)
    assert committee_error([[q]], [[r]], [[t]]) == pytest.approx(loss, abs=1e-8)


@pytest.mark.parametrize("seed", range(10))
def test_several_units_by_chance(seed):
    """With 2 10^5 fields an average that is off by 1 in 100 of its scatter is 4 errors off."""
    k, m, rate, noise, count = 2, 3, 1.3, 0.4, 200_000
    c = random_overlaps(seed, k, m)
    rng = np.random.default_rng([seed, 1])
    fields = rng.multivariate_normal(np.zeros(k + m), c, count, method="eigh")
    missing = g(fields[:, k:]).sum(axis=1) - g(fields[:, :k]).sum(axis=1)
    loss = missing**2 / 2
    delta = (missing + noise * rng.standard_normal(count))[:, None] * slope_of_g(fields[:, :k])
    cross = rate * delta[:, :, None] * fields[:, None, k:]
    own = rate * delta[:, :, None] * fields[:, None, :k]
    own = own + np.swapaxes(own, 1, 2) + rate**2 * delta[:, :, None] * delta[:, None]
    flow = committee_flow(*parts(c, k), rate=rate, noise=noise)
    pairs = [(cross, flow.cross), (own, flow.student), (loss, committee_error(*parts(c, k)))]
    for found, wanted in pairs:
        assert (np.abs(found.mean(axis=0) - wanted) < 4 * found.std(axis=0) / math.sqrt(count)).all()
    _, spread = averages(c, k, noise)
    for wrong in (own.mean(axis=0) - rate**2 * spread, own.mean(axis=0) + rate**2 * spread):
        assert (np.abs(wrong - flow.student) > 4 * own.std(axis=0) / math.sqrt(count)).any()


@given(seed=seeds, k=st.integers(1, 4), m=st.integers(1, 4))
def test_an_error_is_never_below_zero_and_zero_for_the_teacher_itself(seed, k, m):
    c = random_overlaps(seed, k, m)
    assert committee_error(*parts(c, k)) >= 0
    t = c[k:, k:]
    assert committee_error(t, t, t) == pytest.approx(0.0, abs=1e-13)
    flow = committee_flow(t, t, t, rate=1.0)
    np.testing.assert_allclose(flow.cross, 0, atol=1e-12)
    np.testing.assert_allclose(flow.student, 0, atol=1e-12)


@given(seed=seeds)
@settings(max_examples=30)
def test_the_numbering_of_units_makes_no_difference(seed):
    c, rng = random_overlaps(seed, 3, 2), np.random.default_rng(seed)
    order = rng.permutation(3)
    q, r, t = parts(c, 3)
    flow = committee_flow(q, r, t, rate=0.7)
    other = committee_flow(q[np.ix_(order, order)], r[order], t, rate=0.7)
    np.testing.assert_allclose(other.cross, flow.cross[order], atol=1e-12)
    np.testing.assert_allclose(other.student, flow.student[np.ix_(order, order)], atol=1e-12)
    assert committee_error(q[np.ix_(order, order)], r[order], t) == pytest.approx(committee_error(q, r, t))


@given(seed=seeds)
@settings(max_examples=10, deadline=None)
def test_gradient_flow_never_goes_up(seed):
    """At a small rate the error is a function that is descended; at any, overlaps stay those of weights."""
    c = random_overlaps(seed, 2, 2)
    names = dict(zip(("student", "cross", "teacher"), parts(c, 2), strict=True))
    slow = committee_curve(np.linspace(0, 2000, 21), rate=1e-3, **names)
    assert (np.diff(slow.error) < 1e-6).all()
    fast = committee_curve(np.linspace(0, 20, 21), rate=1.5, noise=0.2, **names)
    whole = np.block([[fast.student[-1], fast.cross[-1]], [fast.cross[-1].T, names["teacher"]]])
    assert np.linalg.eigvalsh(whole).min() > -1e-9


def test_a_curve_goes_on_from_any_of_its_points():
    start = {"student": [[0.2, 0.0], [0.0, 0.3]], "cross": [[0.02, 0.0], [0.0, 0.01]]}
    curve = committee_curve([[60.0, 0.0], [30.0, 60.0]], rate=1.5, teacher=np.eye(2), **start)
    assert curve.student.shape == curve.cross.shape == (2, 2, 2, 2)
    np.testing.assert_array_equal(curve.cross[0, 0], curve.cross[1, 1])
    np.testing.assert_array_equal(curve.cross[0, 1], start["cross"])
    rest = committee_curve(
        30.0, rate=1.5, student=curve.student[1, 0], cross=curve.cross[1, 0], teacher=np.eye(2)
    )
    np.testing.assert_allclose(rest.cross, curve.cross[0, 0], atol=1e-9)
    assert type(rest.error) is float
    assert rest == rest != curve
    assert repr(curve) == "CommitteeCurve(2 units that learn from 2, at 4 times)"
    empty = committee_curve([], rate=1.5, teacher=np.eye(2), **start)
    assert isinstance(empty, CommitteeCurve)
    assert empty.cross.shape == (0, 2, 2)


# The plateau


@pytest.mark.parametrize("k", [2, 3, 5])
def test_the_plateau_of_small_rates(k):
    plateau = committee_plateau(k)
    assert plateau.overlap == plateau.between == pytest.approx(1 / (2 * k - 1))
    assert plateau.cross == pytest.approx(1 / math.sqrt(k * (2 * k - 1)))
    error = k / math.pi * (math.pi / 6 - k * math.asin(1 / (2 * k)))
    assert plateau.error == pytest.approx(error, rel=1e-12)
    growth = 2 * k / math.pi / math.sqrt(2 * k - 1) / (2 * k + 1) ** 1.5
    assert plateau.escape_rate == pytest.approx(growth, rel=1e-12)
    slow = committee_plateau(k, rate=1e-4)
    assert slow.escape_rate / 1e-4 == pytest.approx(growth, rel=1e-3)
    assert 0 < slow.overlap - slow.between < 1e-4
    np.testing.assert_allclose(slow[:3], plateau[:3], atol=1e-4)


@pytest.mark.parametrize(
    ("k", "rate", "noise"), [(2, 0.3, 0.0), (2, 1.5, 0.0), (2, 1.0, 0.3), (3, 1.0, 0.0), (4, 0.5, 0.2)]
)
def test_the_plateau_is_a_fixed_point_and_stable_but_for_specialization(k, rate, noise):
    """(K - 1)^2 directions grow at the escape rate; all others shrink."""
    plateau = committee_plateau(k, rate=rate, noise=noise)
    overlaps = _alike(np.array([plateau.overlap, plateau.between, plateau.cross]), k)
    flow = committee_flow(*parts(overlaps, k), rate=rate, noise=noise)
    np.testing.assert_allclose(np.column_stack(flow), 0, atol=1e-9)

    def change(moved):
        drift, spread = averages(moved, k, noise)
        drift[:, :k] += drift[:, :k].T + rate * spread
        return rate * drift

    growth = np.linalg.eigvals(_jacobian(overlaps, k, change))
    grows = np.isclose(growth, plateau.escape_rate, rtol=1e-6)
    assert plateau.escape_rate > 0
    assert grows.sum() == (k - 1) ** 2
    assert (growth[~grows].real < 0).all()


def on_its_way(times, size, k=2, rate=1.0):
    """A curve of units that are alike at first, but for a specialization of that size."""
    special = np.eye(k) - 1 / k
    return committee_curve(
        times, rate=rate, student=0.5 * np.eye(k), cross=0.05 + size * special, teacher=np.eye(k)
    )


@pytest.mark.parametrize(("k", "rate"), [(2, 1.0), (2, 2.0), (3, 1.0), (3, 0.5)])
def test_a_curve_comes_to_rest_on_the_plateau(k, rate):
    plateau = committee_plateau(k, rate=rate)
    curve = on_its_way(20 / plateau.escape_rate, 0.0, k, rate)
    np.testing.assert_allclose(curve.cross, plateau.cross, rtol=1e-3)
    assert curve.student[0, 0] == pytest.approx(plateau.overlap, rel=2e-3)
    assert curve.student[0, 1] == pytest.approx(plateau.between, rel=4e-3)
    assert curve.error == pytest.approx(plateau.error, rel=2e-3)


@pytest.mark.parametrize(("k", "rate"), [(2, 1.0), (2, 2.0), (3, 1.0), (3, 0.5)])
def test_a_curve_leaves_the_plateau_at_the_escape_rate(k, rate):
    """A linearization that is off by 1 in 1000 would be seen; one that is off by a factor of 2 is."""
    plateau = committee_plateau(k, rate=rate)
    q, r, t = parts(_alike(np.array([plateau.overlap, plateau.between, plateau.cross]), k), k)
    special, times = 1e-5 * (np.eye(k) - 1 / k), np.linspace(0, 4 / plateau.escape_rate, 41)
    curve = committee_curve(times, rate=rate, student=q, cross=r + special, teacher=t)
    size = curve.cross[:, 0, 0] - curve.cross[:, 0, 1]
    growth = np.gradient(np.log(size), times)[1:-1]
    np.testing.assert_allclose(growth, plateau.escape_rate, rtol=1e-3)
    assert (np.abs(growth / (2 * plateau.escape_rate) - 1) > 0.4).all()


def test_a_plateau_is_as_long_as_the_logarithm_of_what_ends_it():
    """A start a hundred times as symmetric leaves later by ln(100) over the escape rate."""
    times = np.linspace(0, 500, 5001)

    def leaves(size):
        curve = on_its_way(times, size)
        return times[np.argmax(curve.cross[:, 0, 0] > 0.6)]

    found = np.array([leaves(10.0**-p) for p in (6, 8, 10)])
    later = math.log(100) / committee_plateau(2, rate=1.0).escape_rate
    np.testing.assert_allclose(np.diff(found), later, rtol=3e-3)


def test_noise_raises_the_plateau_and_slows_the_escape():
    quiet, noisy = (committee_plateau(2, rate=1.0, noise=noise) for noise in (0.0, 0.5))
    assert noisy.escape_rate < quiet.escape_rate
    assert noisy.error > quiet.error


# The largest rate


def test_one_unit_bears_what_biehl_and_schwarze_found():
    assert committee_largest_rate(1) == pytest.approx(math.pi * math.sqrt(5 / 3), rel=1e-9)


@pytest.mark.parametrize("k", [1, 2, 3])
def test_a_teacher_is_kept_below_the_largest_rate_and_left_above(k):
    largest = committee_largest_rate(k)
    learned = np.tile(np.eye(k), (2, 2))
    slow = _jacobian(learned, k, lambda o: np.column_stack(committee_flow_of(o, k)))
    fast = _jacobian(learned, k, lambda o: _second(o, k))
    worst = [
        np.linalg.eigvals(slow + eta * fast).real.max() for eta in (0.5 * largest, largest, 1.01 * largest)
    ]
    assert worst[0] < 0 < worst[2]
    assert worst[1] == pytest.approx(0.0, abs=1e-9)
    errors = []
    for factor in (0.95, 1.05):
        curve = committee_curve(
            [0.0, 400.0],
            rate=factor * largest,
            student=(1 + 1e-4) * np.eye(k),
            cross=np.eye(k),
            teacher=np.eye(k),
        )
        errors.append(curve.error[1] / curve.error[0])
    assert errors[0] < 0.1
    assert errors[1] > 10


def committee_flow_of(overlaps, k):
    """What goes like the rate, of complex overlaps too."""
    drift, _ = averages(overlaps, k, 0.0)
    return drift[:, :k] + drift[:, :k].T, drift[:, k:]


EYE = np.eye(2)
GOOD = {"student": EYE, "cross": 0.1 * EYE, "teacher": EYE}


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ({"student": [[1.0, 0.2], [0.1, 1.0]]}, ValueError, r"student must be symmetric; got .* 0\.1 apart"),
        ({"student": [1.0, 2.0]}, ValueError, r"student must be square.*; got \(2,\)"),
        ({"student": [[1.0, 2.0]]}, ValueError, r"student must be square.*; got \(1, 2\)"),
        ({"student": np.empty((0, 0))}, ValueError, r"student must be square.*; got \(0, 0\)"),
        ({"cross": [[0.1, 0.0]]}, ValueError, r"cross must have the shape \(2, 2\); got \(1, 2\)"),
        ({"cross": 2 * EYE}, ValueError, r"without an eigenvalue below 0; got -1"),
        ({"teacher": -EYE}, ValueError, r"without an eigenvalue below 0; got -1"),
        ({"student": 1e7 * EYE}, ValueError, r"must be at most 1e\+06 in size; got 1e\+07"),
        ({"student": [[math.nan]]}, ValueError, "student must be finite; got nan"),
        ({"cross": "R"}, TypeError, "cross must hold real numbers"),
        ({"teacher": np.ma.array(EYE)}, TypeError, "teacher must hold real numbers; got a masked array"),
        ({"teacher": [[True]]}, TypeError, "teacher must hold real numbers"),
        ({"teacher": np.stack([EYE, EYE])}, ValueError, r"teacher must have the shape \(M, M\)"),
    ],
)
def test_what_are_no_overlaps_is_refused(given, error, message):
    bad = GOOD | given
    with pytest.raises(error, match=message):
        committee_error(bad["student"], bad["cross"], bad["teacher"])
    with pytest.raises(error, match=message):
        committee_flow(bad["student"], bad["cross"], bad["teacher"], rate=1.0)
    with pytest.raises(error, match=message):
        committee_curve(1.0, rate=1.0, **bad)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: committee_curve(-1.0, rate=1.0, **GOOD), ValueError, r"time must be at least 0; got -1\.0"),
        (lambda: committee_curve(1.0, rate=1e6, **GOOD), ValueError, "rate must be at most 100; got 1000000"),
        (lambda: committee_curve(1.0, rate=1.0, noise=1e3, **GOOD), ValueError, "noise must be at most 100"),
        (lambda: committee_curve("1", rate=1.0, **GOOD), TypeError, "time must hold real numbers"),
        (lambda: committee_curve(1.0, rate=-1.0, **GOOD), ValueError, r"rate must be at least 0; got -1\.0"),
        (lambda: committee_curve(1.0, rate=math.nan, **GOOD), ValueError, "rate must be finite; got nan"),
        (lambda: committee_curve(1.0, rate=1.0, noise=-1, **GOOD), ValueError, "noise must be at least 0"),
        (lambda: committee_curve(1.0, rate=True, **GOOD), TypeError, "rate must be a real number; got True"),
        (
            lambda: committee_curve(1.0, rate=1.0, **GOOD | {"student": EYE[None], "cross": EYE[None]}),
            ValueError,
            r"student must have the shape \(K, K\); got \(1, 2, 2\)",
        ),
        (lambda: committee_plateau(1), ValueError, "n_hidden must be at least 2; got 1"),
        (lambda: committee_plateau(11), ValueError, "n_hidden must be at most 10; got 11"),
        (lambda: committee_plateau(2.0), TypeError, r"n_hidden must be an integer; got 2\.0"),
        (lambda: committee_plateau(2, rate=1e-7), ValueError, "rate must be 0 or at least 1e-06; got 1e-07"),
        (lambda: committee_plateau(2, rate=9.0), ValueError, "rate must be smaller for a plateau of 2 units"),
        (lambda: committee_plateau(2, rate="1"), TypeError, "rate must be a real number"),
        (lambda: committee_largest_rate(0), ValueError, "n_hidden must be at least 1; got 0"),
        (lambda: committee_largest_rate(True), TypeError, "n_hidden must be an integer; got True"),
    ],
)
def test_bad_arguments_are_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_what_is_given_is_left_as_it_is():
    q, r, t = (EYE.copy() for _ in range(3))
    committee_curve([1.0], rate=1.0, student=q, cross=0.1 * r, teacher=t)
    for values in (q, r, t):
        np.testing.assert_array_equal(values, EYE)
