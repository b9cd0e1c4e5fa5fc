"""Free energies from Gaussian works, whose answers are known, and annealing as the same estimate."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smbook.boltzmann import RBM, partition
from smbook.statistics import log_mean
from smbook.thermodynamics import CrooksRatio, bennett, crooks_ratio, jarzynski

# Gaussian works of variance v: dF = mean - v / 2 forward, and in reverse the mean is v / 2 - dF.
DIFFERENCE = 1.5


def works(seed, n_forward=1000, n_reverse=2000, deviation=1.0):
    random = np.random.default_rng(seed)
    lost = deviation**2 / 2
    forward = random.normal(DIFFERENCE + lost, deviation, n_forward)
    return forward, random.normal(lost - DIFFERENCE, deviation, n_reverse)


def scores(estimate, seeds=200):
    found = [estimate(*works(seed)) for seed in range(seeds)]
    return np.array([(value - DIFFERENCE) / error for value, error in found])


@pytest.mark.parametrize(
    ("estimate", "bias"),
    [
        (
            lambda f, _: jarzynski(f)[:2],
            0.16,
        ),  # in units of its error, from half of its square and its skewness
        (lambda f, r: bennett(f, r)[:2], 0.0),
        (lambda f, r: crooks_ratio(f, r)[5:7], 0.05),
    ],
)
def test_errors_are_honest(estimate, bias):
    z = scores(estimate)
    assert abs(z.mean() - bias) < 4 / math.sqrt(z.size)
    assert 0.85 < z.std() < 1.15


def test_wrong_estimates_are_caught():
    """The mean work, and the mean of exp(+W), by hundreds of errors; a sign of M by dozens."""
    forward, reverse = works(1, 20_000, 40_000)
    right = jarzynski(forward)
    assert abs(right.value - DIFFERENCE) < 4 * right.error
    assert right.mean_work - DIFFERENCE > 50 * right.error
    assert right.dissipated == pytest.approx(0.5, abs=0.05)
    assert abs(-jarzynski(-forward).value - DIFFERENCE) > 50 * right.error
    one = bennett(forward, reverse)
    wrong = np.log(
        (1 / (1 + np.exp(reverse + one.value))).mean() / (1 / (1 + np.exp(forward - one.value))).mean()
    )
    assert abs(one.value - DIFFERENCE) < 4 * one.error
    assert wrong == pytest.approx(0, abs=4 * one.error)  # of equal weights both averages agree too
    assert one.error < right.error


def test_bennett_solves_its_equation():
    forward, reverse = works(3, 50, 700)
    found = bennett(forward, reverse)
    shift = math.log(50 / 700)
    one = (1 / (1 + np.exp(shift + forward - found.value))).sum()
    other = (1 / (1 + np.exp(-shift + reverse + found.value))).sum()
    assert one == pytest.approx(other, rel=1e-10)
    # both ways round it is the same difference with the other sign
    assert bennett(reverse, forward).value == pytest.approx(-found.value, abs=1e-10)


def test_crooks_line_has_slope_one():
    z = []
    for seed in range(100):
        line = crooks_ratio(*works(seed))
        z.append((line.slope - 1) / line.slope_error)
    assert abs(np.mean(z)) < 4 / math.sqrt(100)
    assert 0.8 < np.std(z) < 1.2
    forward, reverse = works(1, 200_000, 200_000)
    line = crooks_ratio(forward, reverse, n_bins=100)
    away = (line.log_ratio - (line.work - DIFFERENCE)) / line.error
    assert (away**2).mean() < 2
    # works of a system at another temperature than is thought have another slope
    hot = crooks_ratio(1.1 * forward, 1.1 * reverse)
    assert (1 - hot.slope) / hot.slope_error > 10
    assert hot.slope == pytest.approx(1 / 1.1, abs=4 * hot.slope_error)


def test_without_fluctuations_all_agree():
    assert jarzynski([0.7] * 5)[:3] == (0.7, 0.0, 5.0)
    found = bennett([0.7] * 5, [-0.7] * 3)
    assert found.value == pytest.approx(0.7, abs=1e-12)
    assert found.error == 0
    assert jarzynski([2.0])[:4] == (2.0, math.inf, 1.0, 1)
    assert bennett([2.0], [1.0]).error == math.inf


def test_works_without_a_slope_cross_nowhere():
    line = crooks_ratio([0.0, 1.0, 2.0], [0.0, -1.0, -2.0])
    assert line.slope == 0.0
    assert line.slope_error > 0.9
    assert math.isnan(line.crossing)
    assert math.isinf(line.crossing_error)
    far = crooks_ratio([0.0, 2e299, 1e300], [-1e299, -3e299])
    assert far.crossing == pytest.approx(crooks_ratio([0.0, 2.0, 10.0], [-1.0, -3.0]).crossing * 1e299)


def test_large_works_neither_overflow_nor_vanish():
    assert jarzynski([1e5, 1e5 + 1, 1e5 + 2]).value == pytest.approx(
        1e5 + math.log(3) - np.log(1 + math.exp(-1) + math.exp(-2))
    )
    found = bennett([1e5, 1e5 + 1], [-1e5, 1e4])
    assert found.value == pytest.approx(1e5, abs=1)
    assert jarzynski([1e300, -1e300]).value == pytest.approx(-1e300)


@settings(max_examples=50)
@given(st.lists(st.floats(-30, 30), min_size=2, max_size=20), st.floats(-50, 50))
def test_estimates_move_with_the_works(work, shift):
    found, moved = jarzynski(work), jarzynski(np.array(work) + shift)
    assert moved.value == pytest.approx(found.value + shift, abs=1e-9)
    assert min(work) - 1e-9 <= found.value <= found.mean_work + 1e-9  # Jensen, of every sample
    assert 1 - 1e-9 <= found.effective_samples <= len(work) + 1e-9
    both = bennett(work, [-w for w in work])
    assert bennett(np.array(work) + shift, [-w - shift for w in work]).value == pytest.approx(
        both.value + shift, abs=1e-8
    )


# Annealed importance sampling is Jarzynski's equality


def machine():
    random = np.random.default_rng(3)
    return RBM.from_parameters(
        random.normal(size=(8, 5)),
        random.normal(size=8),
        random.normal(size=5),
        visible="binary",
        hidden="binary",
    )


def test_log_weights_are_minus_works():
    """The same function measures ln Z and a free energy, to the last bit."""
    rbm = machine()
    exact = rbm.log_partition("exact").value
    start = partition.log_partition_at_zero(rbm._machine)
    found = rbm.log_partition("annealed", n_chains=2000, betas=20, rng=1)
    as_work = jarzynski(-found.log_weights)
    assert found.value == start - as_work.value
    assert found.error == as_work.error
    assert found.effective_chains == as_work.effective_samples
    assert abs(as_work.value - (start - exact)) < 4 * as_work.error
    # the mean work bounds the free energy from above
    assert as_work.mean_work > start - exact + 4 * as_work.error


def test_annealing_both_ways_by_bennett():
    rbm = machine()
    exact = rbm.log_partition("exact").value
    start = partition.log_partition_at_zero(rbm._machine)
    samples = rbm._fair_samples(1000, np.array([1, 2, 3, 4], dtype=np.uint64))
    z = []
    for seed in range(20):
        forward = rbm.log_partition("annealed", n_chains=500, betas=4, rng=seed)
        back = rbm.log_partition("reverse", betas=4, initial=samples, rng=seed + 100)
        found = bennett(-forward.log_weights, -back.log_weights)
        z.append((found.value - (start - exact)) / found.error)
        assert found.error < forward.error
    # the samples at which all reversed runs begin are the same: half of the variance is common
    assert abs(np.mean(z)) < 4
    assert np.std(z) < 1.5


def test_log_mean_refuses_what_is_no_row():
    for bad in ([], [[1.0]], 1.0):
        with pytest.raises(ValueError, match="log_weights must be a row of at least one"):
            log_mean(bad)
    with pytest.raises(ValueError, match="log_weights must be finite; got inf"):
        log_mean([0.0, math.inf])


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: jarzynski([]),
            ValueError,
            "work must be a row of at least one work; got the shape \\(0,\\)",
        ),
        (lambda: jarzynski(1.0), ValueError, "work must be a row"),
        (lambda: jarzynski([1.0, math.nan]), ValueError, "work must be finite; got nan"),
        (lambda: jarzynski([1.0, -math.inf]), ValueError, "work must be finite; got -inf"),
        (lambda: jarzynski([1e301]), ValueError, "work must be within 1e\\+300; got 1e\\+301"),
        (lambda: jarzynski(["1"]), TypeError, "work must hold real numbers"),
        (lambda: jarzynski([True]), TypeError, "work must hold real numbers"),
        (lambda: jarzynski(np.ma.array([1.0])), TypeError, "masked"),
        (lambda: bennett([1.0], [[1.0]]), ValueError, "reverse must be a row"),
        (lambda: bennett([], [1.0]), ValueError, "forward must be a row"),
        (
            lambda: crooks_ratio([1.0, 2.0], [5.0, 6.0]),
            ValueError,
            "works must overlap; forward ones go from 1 to 2",
        ),
        (lambda: crooks_ratio([1.0, 2.0], [1.0], n_bins=1), ValueError, "n_bins must be at least 2; got 1"),
        (
            lambda: crooks_ratio([1.0, 2.0], [1.0], n_bins=2.5),
            TypeError,
            "n_bins must be an integer; got 2.5",
        ),
    ],
)
def test_bad_input(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_inputs_stay_as_they_are_and_results_compare():
    forward, reverse = works(5)
    kept = forward.copy(), reverse.copy()
    one, other = crooks_ratio(forward, reverse), crooks_ratio(forward, reverse)
    assert one == other
    assert one != crooks_ratio(forward, reverse, n_bins=7)
    assert isinstance(one, CrooksRatio)
    np.testing.assert_array_equal(forward, kept[0])
    np.testing.assert_array_equal(reverse, kept[1])
    assert "count)" in repr(jarzynski(forward))
