"""What all functions of series have in common."""

import math
from functools import partial

import numpy as np
import pytest

from smbook.statistics import (
    Estimate,
    binder_cumulant,
    binned_error,
    bootstrap,
    integrated_autocorrelation_time,
    jackknife,
    mean,
    reweight,
)
from tests.statistics.series import autoregressive


@pytest.mark.parametrize("function", [integrated_autocorrelation_time, mean, binned_error, binder_cumulant])
def test_refuses_what_is_no_series(function):
    good = autoregressive(0, 2000, 1)
    for bad in (3, good.reshape(2, 1000), [], [1.0]):
        with pytest.raises(ValueError, match=r"must (be one-dimensional|hold at least 2)"):
            function(bad)
    for bad in (good > 0, good.astype(complex), good.astype(str), [None, 1.0]):
        with pytest.raises(TypeError, match="must hold real numbers"):
            function(bad)
    for bad in (math.nan, math.inf):
        with pytest.raises(ValueError, match="must be finite"):
            function(np.append(good, bad))


def test_constant_series_has_no_time_but_a_mean():
    with pytest.raises(ValueError, match=r"constant at 0\.1"):
        integrated_autocorrelation_time(np.full(1000, 0.1))
    assert mean(np.full(1000, 0.1)) == Estimate(0.1, 0.0)
    assert binned_error(np.full(1000, 0.1)).error == 0
    assert binder_cumulant(np.full(1000, -0.7)) == Estimate(pytest.approx(2 / 3), 0.0)


def test_arguments_are_left_as_they_were():
    energy = np.round(4 * autoregressive(0.0, 5000, 1))
    before = energy.copy()
    integrated_autocorrelation_time(energy)
    mean(energy)
    binned_error(energy)
    binder_cumulant(energy)
    reweight(energy, energy, n_sites=1, beta=0.4, targets=[0.5])
    np.testing.assert_array_equal(energy, before)


ESTIMATORS = [mean, binned_error, partial(jackknife, np.max), partial(jackknife, lambda x: x[:100].mean())]
ESTIMATORS += [partial(bootstrap, np.median, rng=1)]


@pytest.mark.parametrize("exponent", [-1000, -664, 0, 100, 1020])
@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_errors_know_no_unit(estimator, exponent):
    series = 0.25 + autoregressive(0.5, 4000, 1)
    one, other = estimator(series), estimator(np.ldexp(series, exponent))
    assert one.error > 0
    assert other == Estimate(math.ldexp(one.value, exponent), math.ldexp(one.error, exponent))


@pytest.mark.parametrize("scale", [1e-320, 1e-310, 1e-200, 1e200, 1e307])
def test_shape_knows_no_unit(scale):
    series = 0.25 + autoregressive(0.5, 4000, 1)
    for function in (integrated_autocorrelation_time, binder_cumulant):
        np.testing.assert_allclose(function(scale * series), function(series), rtol=1e-2)
    assert mean(scale * series).z(0.0) == pytest.approx(mean(series).z(0.0), rel=0.05)
    assert mean(np.full(1000, scale)) == Estimate(scale, 0.0)


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.uint16, np.uint64, np.float32])
def test_narrow_and_unsigned_numbers_are_numbers(dtype):
    series = np.random.default_rng(3).integers(0, 120, 4000).astype(dtype)
    wide = series.astype(np.float64)
    for function in (mean, binned_error, binder_cumulant, integrated_autocorrelation_time):
        assert function(series) == function(wide)
    assert jackknife(np.ptp, series, n_bins=np.uint8(200)) == jackknife(np.ptp, wide, n_bins=200)
    one = reweight(series, series, n_sites=np.uint8(200), beta=0.0, targets=1e-6)
    assert one == reweight(wide, wide, n_sites=200, beta=0.0, targets=1e-6)
