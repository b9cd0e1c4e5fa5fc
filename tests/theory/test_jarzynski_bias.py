"""The bias of few works beside simulation, its limits, other integrals; and what certainty costs a walker."""

import math

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smbook.theory.thermodynamics import jarzynski_bias, uncertainty_bound
from smbook.thermodynamics import jarzynski


@pytest.mark.parametrize(("n", "sd"), [(2, 0.5), (3, 3.0), (10, 2.0), (100, 2.0)])
def test_few_works_are_wrong_by_the_bias(n, sd):
    """The estimate of the package, of many samples of n Gaussian works with dF = 1.5."""
    random = np.random.default_rng(n)
    works = random.normal(1.5 + sd**2 / 2, sd, (4000, n))
    found = np.array([jarzynski(row).value for row in works]) - 1.5
    error = found.std() / math.sqrt(len(found))
    assert abs(found.mean() - jarzynski_bias(n, sd)) < 4 * error
    # the leading order, half of the squared error, is not it
    assert abs(found.mean() - np.expm1(sd**2) / (2 * n)) > 4 * error or sd < 1


@pytest.mark.parametrize("sd", ["0.3", "1", "4"])
def test_two_works_by_an_integral_over_one(sd):
    """The mean of ln(e^(s x) + e^(s y)) is that of s abs(x - y) / 2 + ln(1 + e^(-s abs(x - y)))."""
    with mp.workdps(20):
        s = mp.mpf(sd)
        mean = mp.quad(
            lambda z: 2 * mp.npdf(z) * (s * z / mp.sqrt(2) + mp.log1p(mp.exp(-s * mp.sqrt(2) * z))),
            [0, 1, 4, 14],
        )
        exact = s**2 / 2 + mp.log(2) - mean
    assert jarzynski_bias(2, float(sd)) == pytest.approx(float(exact), rel=1e-10)


@pytest.mark.parametrize("sd", [1e-8, 1e-4, 3e-3])
def test_faint_works_keep_their_digits(sd):
    """By the moments of a weight less 1, also where the bias is below the rounding of a quadrature."""
    v = math.expm1(sd * sd)
    for n in (2, 7, 10**6):
        exact = v / (2 * n) + (3 * v * v / 4 - v * v * (v + 3) / 3) / n**2
        assert jarzynski_bias(n, sd) == pytest.approx(exact, rel=1e-9)
    # where series and quadrature meet
    below, above = (jarzynski_bias(n, 0.5) for n in (28_500, 28_300))
    assert above / below == pytest.approx(28_500 / 28_300, rel=1e-7)


def test_limits():
    assert jarzynski_bias(1, 3.0) == 4.5
    assert jarzynski_bias(7, 0.0) == 0.0
    # many works: half the variance of a weight, over n; next order smaller by about e^(4 sd^2) / n
    assert jarzynski_bias(10**6, 1.0) == pytest.approx(math.expm1(1.0) / 2e6, rel=1e-4)
    # huge spreads: the bias is the whole work lost less the best of n, sd^2 / 2 - sd <max of n>
    assert jarzynski_bias(2, 30.0) == pytest.approx(450 + math.log(2) - 30 / math.sqrt(math.pi), abs=0.05)
    found = jarzynski_bias([[1, 10, 100]], [[1.0], [2.0]])
    assert found.shape == (2, 3)


@settings(max_examples=30)
@given(st.integers(1, 10**6), st.floats(0.01, 12))
def test_the_bias_falls_with_works_and_grows_with_their_spread(n, sd):
    found = jarzynski_bias([n, 2 * n], sd)
    assert 0 <= found[1] < found[0] <= sd**2 / 2
    assert jarzynski_bias(n, 1.1 * sd) > found[0]
    assert found[0] <= np.expm1(sd**2) / (2 * n) * (1 + 1e-9) + 1e-12


@given(st.floats(1e-3, 1e3), st.floats(1e-3, 30))
def test_a_walker_on_a_ring_is_no_more_certain_than_it_pays_for(time, force):
    """Rates e^(f/2) to the right, e^(-f/2) to the left: a step dissipates f. Weak forces saturate."""
    right, left = math.exp(force / 2), math.exp(-force / 2)
    relative = (right + left) / ((right - left) ** 2 * time)
    bound = uncertainty_bound(force * (right - left) * time)
    assert relative >= bound * (1 - 1e-12)
    assert relative / bound == pytest.approx(force / 2 / math.tanh(force / 2), rel=1e-9)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: jarzynski_bias(0, 1.0), ValueError, "n_samples must be at least 1; got 0"),
        (lambda: jarzynski_bias(2.0, 1.0), TypeError, "n_samples must hold integers"),
        (lambda: jarzynski_bias(True, 1.0), TypeError, "n_samples must hold integers"),
        (lambda: jarzynski_bias(10**16, 1.0), ValueError, "n_samples must be at most"),
        (lambda: jarzynski_bias(2, -1.0), ValueError, "sd must be at least 0; got -1.0"),
        (lambda: jarzynski_bias(2, math.nan), ValueError, "sd must be finite; got nan"),
        (lambda: jarzynski_bias(2, 31.0), ValueError, "sd must be at most 30; got 31.0"),
        (lambda: jarzynski_bias(2, "1"), TypeError, "sd must hold real numbers"),
        (lambda: jarzynski_bias([1, 2], [1.0, 2.0, 3.0]), ValueError, "must broadcast"),
        (lambda: uncertainty_bound(0.0), ValueError, "entropy_production must be at least 1e-300; got 0.0"),
        (
            lambda: uncertainty_bound([1.0, math.inf]),
            ValueError,
            "entropy_production must be finite; got inf",
        ),
        (lambda: uncertainty_bound(np.ma.array([1.0])), TypeError, "masked"),
    ],
)
def test_bad_input(call, error, message):
    with pytest.raises(error, match=message):
        call()
