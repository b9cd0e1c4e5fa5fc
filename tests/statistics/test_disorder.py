"""Errors over samples are honest whatever the runs do, and words say which scatter they come from."""

import math

import numpy as np
import pytest
from scipy import stats

from smbook.statistics import Estimate, disorder_mean

N_SAMPLES = 40
ONE_SIGMA = stats.t.cdf(1, N_SAMPLES - 1) - stats.t.cdf(-1, N_SAMPLES - 1)


def drawn(between, within, count, seed, n=N_SAMPLES):
    """Measured values and errors of many experiments, a row each, about the mean 0.3."""
    rng = np.random.default_rng(seed)
    errors = within * rng.uniform(0.5, 1.5, size=(count, n))
    return 0.3 + rng.normal(scale=between, size=(count, n)) + errors * rng.normal(size=(count, n)), errors


def covers(results, exact, expected=ONE_SIGMA):
    hits = np.mean([abs(result.z(exact)) < 1 for result in results])
    return abs(hits - expected) < 4 * math.sqrt(expected * (1 - expected) / len(results))


@pytest.mark.parametrize(
    ("between", "within"), [(0.1, 0.0), (0.1, 0.03), (0.1, 0.1), (0.03, 0.1), (0.0, 0.1)]
)
def test_error_bars_cover_for_any_ratio(between, within):
    values, errors = drawn(between, within, 2000, 1)
    results = [disorder_mean(*pair) for pair in zip(values, errors, strict=True)]
    assert covers(results, 0.3)
    rms = within * math.sqrt(1 + 1 / 12)
    expected = math.sqrt((between**2 + rms**2) / N_SAMPLES)
    assert np.mean([result.mean.error for result in results]) == pytest.approx(expected, rel=0.02)
    assert np.mean([result.within for result in results]) == pytest.approx(rms, rel=0.02)
    if between >= within:
        squares = np.mean([result.between**2 for result in results])
        assert squares == pytest.approx(between**2, rel=0.05)


@pytest.mark.parametrize(("between", "within"), [(0.1, 0.1), (0.1, 0.03)])
def test_errors_within_samples_alone_do_not_cover(between, within):
    """Neither do they once they are combined as if all samples had one value."""
    values, errors = drawn(between, within, 2000, 1)
    naive = [
        Estimate(x.mean(), math.sqrt((e**2).sum()) / x.size) for x, e in zip(values, errors, strict=True)
    ]
    assert not covers(naive, 0.3)


def test_coverage_catches_errors_that_are_a_tenth_off():
    values, errors = drawn(0.1, 0.1, 2000, 1)
    for factor in (0.9, 1.1):
        results = [disorder_mean(*pair) for pair in zip(values, errors, strict=True)]
        assert not covers([Estimate(r.mean.value, factor * r.mean.error) for r in results], 0.3)


def test_by_hand():
    result = disorder_mean([1.0, 2.0, 3.0, 6.0], [1.0, 1.0, 1.0, 1.0])
    assert result.mean == Estimate(3.0, pytest.approx(math.sqrt(14 / 3 / 4)))
    assert result.between == pytest.approx(math.sqrt(14 / 3 - 1))
    assert (result.within, result.n_samples, result.warning) == (1.0, 4, "")
    assert result.z(1.0) == pytest.approx(2 / result.mean.error)
    assert result == disorder_mean([Estimate(x, 1.0) for x in (1.0, 2.0, 3.0, 6.0)])
    assert result == disorder_mean(iter([Estimate(x, 1.0) for x in (1.0, 2.0, 3.0, 6.0)]))
    assert repr(result) == "3.0(1.1) over 4 samples; spread between them 1.9; error within one 1"
    alone = disorder_mean(np.array([1, 2, 3, 6], dtype=np.int8))
    assert alone[:2] == (result.mean, pytest.approx(math.sqrt(14 / 3)))
    assert math.isnan(alone.within)
    assert repr(alone) == "3.0(1.1) over 4 samples; spread between them 2.2"
    constant = disorder_mean([0.1] * 5)
    assert constant.mean == Estimate(pytest.approx(0.1), 0.0)
    assert (constant.between, constant.n_samples, constant.warning) == (0.0, 5, "")


def test_words_where_the_runs_dominate():
    values, errors = drawn(0.02, 0.1, 1, 3)
    result = disorder_mean(values[0], errors[0])
    assert result.warning.startswith("the error within a sample, 0.1, exceeds the spread between samples, ")
    assert "longer runs, not more samples" in result.warning
    assert repr(result).endswith(f"; warning: {result.warning}")
    values, errors = drawn(0.1, 0.02, 200, 3)
    assert not any(disorder_mean(*pair).warning for pair in zip(values, errors, strict=True))


def test_words_where_samples_are_one():
    """Forty values of one run, or errors twice too large, lie closer together than forty runs would."""
    rng = np.random.default_rng(1)
    values, errors = rng.normal(scale=0.1, size=N_SAMPLES), np.full(N_SAMPLES, 0.1)
    for result in (disorder_mean(values / 10, errors), disorder_mean(values, 2 * errors)):
        assert result.warning.startswith("values lie closer together than their errors, ")
        assert result.between == 0
    honest, own = drawn(0.0, 0.1, 2000, 5)
    said = [disorder_mean(*pair).warning for pair in zip(honest, own, strict=True)]
    assert sum(text.startswith("values lie closer") for text in said) <= 3
    exact = disorder_mean([0.5, 0.5, 0.5], [0.0, 0.0, 0.0])
    assert (exact.between, exact.within, exact.warning) == (0.0, 0.0, "")


@pytest.mark.parametrize("exponent", [-1000, -664, 0, 100, 1018])
def test_errors_know_no_unit(exponent):
    values, errors = (row[0] for row in drawn(0.1, 0.03, 1, 1))
    one = disorder_mean(values, errors)
    other = disorder_mean(np.ldexp(values, exponent), np.ldexp(errors, exponent))
    assert other.mean == Estimate(*(math.ldexp(number, exponent) for number in one.mean))
    assert (other.between, other.within) == (
        math.ldexp(one.between, exponent),
        math.ldexp(one.within, exponent),
    )
    assert other.warning == one.warning == ""


def test_arguments_are_left_as_they_were():
    values, errors = (row[0] for row in drawn(0.1, 0.03, 1, 1))
    before = values.copy(), errors.copy()
    disorder_mean(values, errors)
    np.testing.assert_array_equal((values, errors), before)


def test_bad_samples_are_refused():
    good = [0.1, 0.2, 0.4]
    for values, errors, message in (
        ([0.1], None, "at least 2 samples; got 1"),
        ([], None, "at least 2 samples; got 0"),
        ([Estimate(0.1, 0.2)], None, "at least 2 samples; got 1"),
        (np.ones((3, 2)), None, r"one-dimensional, one a sample; got shape \(3, 2\)"),
        ([0.1, math.nan], None, "values must be finite; got nan"),
        (good, [0.1, 0.1], r"errors must have the shape \(3,\) of the values; got \(2,\)"),
        (good, 0.1, r"errors must have the shape \(3,\) of the values; got \(\)"),
        (good, [0.1, -0.1, 0.1], "errors must be at least 0; got -0.1"),
        ([Estimate(x, math.nan) for x in good], None, "errors must be finite; got nan"),
    ):
        with pytest.raises(ValueError, match=message):
            disorder_mean(values, errors)
    for values, errors, message in (
        ([Estimate(0.1, 0.2), 0.3], None, "numbers or estimates; got both"),
        ([Estimate(0.1, 0.2)] * 2, [0.1, 0.1], "estimates bring their own errors"),
        (["a", "b"], None, "values must hold real numbers"),
        (np.ma.masked_array(good), None, "values must hold real numbers; got a masked array"),
        (0.5, None, "values must hold one number a sample; got 0.5"),
    ):
        with pytest.raises(TypeError, match=message):
            disorder_mean(values, errors)
