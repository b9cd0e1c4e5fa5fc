"""Reweighting of independent draws from the exact density of states of the 4x4 torus."""

import math

import numpy as np
import pytest
from scipy.special import logsumexp

from smbook.statistics import binned_error, jackknife, reweight, reweight_multiple
from smbook.statistics._histograms import _levels
from tests.statistics.series import honest

ENERGY = np.array([-32, -24, -20, -16, -12, -8, -4, 0, 4, 8, 12, 16, 20, 24, 32], dtype=float)
COUNT = np.array([2, 32, 64, 424, 1728, 6688, 13568, 20524, 13568, 6688, 1728, 424, 64, 32, 2], dtype=float)


def boltzmann(beta):
    weights = np.log(COUNT) - beta * ENERGY
    return np.exp(weights - logsumexp(weights))


def exact_energy(beta):
    return boltzmann(beta) @ ENERGY


def exact_variance(beta):
    return boltzmann(beta) @ ENERGY**2 - exact_energy(beta) ** 2


def exact_log_partition(beta):
    return logsumexp(np.log(COUNT) - beta * ENERGY)


def draw(beta, n, seed):
    return np.random.default_rng(seed).choice(ENERGY, size=n, p=boltzmann(beta))


def variance(first, second):
    return second - first**2


def squares(energies):
    return [np.array([energy, energy**2]) for energy in energies]


def test_density_of_states_is_complete():
    assert COUNT.sum() == 2**16
    assert exact_energy(1.0) / 16 == pytest.approx(-1.9971584403, abs=1e-10)


def test_single_histogram_is_the_weighted_mean():
    energy, betas = draw(0.4, 5000, 1), np.array([[0.35, 0.4], [0.43, 0.5]])
    result = reweight(energy, energy**2, beta=0.4, targets=betas)
    for index, beta in np.ndenumerate(betas):
        weights = np.exp(-(beta - 0.4) * energy)
        assert result.value[index] == pytest.approx(weights @ energy**2 / weights.sum(), rel=1e-12)
        assert result.effective[index] == pytest.approx(weights.sum() ** 2 / np.sum(weights**2), rel=1e-12)
        assert result.log_partition[index] == pytest.approx(np.log(weights.mean()), abs=1e-12)
        left_out = jackknife(lambda e, t=beta: np.average(e**2, weights=np.exp(-(t - 0.4) * e)), energy)
        assert result.error[index] == pytest.approx(left_out.error, rel=1e-9)


def test_at_its_own_temperature_reweighting_changes_nothing():
    energy = draw(0.4, 3200, 1)
    result = reweight(energy, energy, beta=0.4, targets=0.4)
    np.testing.assert_allclose([result.value, result.error], binned_error(energy), rtol=1e-10)
    assert result.effective == pytest.approx(3200)
    assert result.log_partition == pytest.approx(0, abs=1e-12)


def test_one_run_is_a_single_histogram():
    energy, betas = draw(0.4, 5000, 1), [0.3, 0.45]
    one = reweight(energy, squares([energy])[0], beta=0.4, targets=betas, function=variance)
    many = reweight_multiple(
        [energy], squares([energy]), betas=[0.4], targets=betas, inefficiencies=[7.0], function=variance
    )
    np.testing.assert_allclose(many, one, rtol=1e-12)


def test_effective_number_tells_when_reweighting_has_gone_too_far():
    energy = draw(0.0, 2000, 3)
    result = reweight(energy, energy, beta=0.0, targets=np.linspace(0.0, 0.8, 9))
    assert (np.diff(result.effective) < 0).all()
    assert result.effective[-1] < 10
    assert abs(result.value[-1] - exact_energy(0.8)) > 1


def test_huge_energies_do_not_overflow():
    energy = 1e6 + 1e3 * np.random.default_rng(1).normal(size=3200)
    result = reweight(energy, energy, beta=1.0, targets=[0.5, 2.0])
    assert np.isfinite(result.value).all()
    assert np.isfinite(result.log_partition).all()
    assert (result.effective >= 1).all()


BETAS = np.array([0.2, 0.35, 0.44, 0.6])
TARGETS = np.array([0.2, 0.28, 0.4, 0.44068679350977147, 0.5, 0.6])


def runs(n, seed, shift=0.0):
    return [draw(beta + shift, n, [seed, k]) for k, beta in enumerate(BETAS)]


def multiple(energies, **options):
    return reweight_multiple(
        energies, squares(energies), betas=BETAS, targets=TARGETS, function=variance, **options
    )


def test_multiple_histograms_reproduce_the_exact_specific_heat_and_energy():
    energies = runs(20_000, 5)
    result = reweight_multiple(energies, energies, betas=BETAS, targets=TARGETS)
    assert (np.abs(result.value - [exact_energy(b) for b in TARGETS]) < 4 * result.error).all()
    assert (result.error < 0.06).all()
    result = multiple(energies)
    assert (np.abs(result.value - [exact_variance(b) for b in TARGETS]) < 4 * result.error).all()
    assert (result.error < 0.5).all()


def test_multiple_histograms_catch_a_sampler_one_percent_too_cold():
    result = multiple(runs(20_000, 5, shift=0.004))
    assert (np.abs(result.value - [exact_variance(b) for b in TARGETS]) > 4 * result.error).any()


def test_error_bars_of_multiple_histograms_are_honest():
    exact = np.array([exact_variance(b) for b in TARGETS])
    results = [multiple(runs(1000, seed)) for seed in range(40)]
    pulls = np.array([(result.value - exact) / result.error for result in results])
    assert all(honest(column) for column in pulls.T)


def test_free_energy_differences_are_exact():
    exact = np.array([exact_log_partition(b) - exact_log_partition(BETAS[0]) for b in TARGETS])
    results = [multiple(runs(1000, seed)) for seed in range(40)]
    found = np.array([result.log_partition for result in results])
    errors = np.array([result.log_partition_error for result in results])
    assert all(honest(column) for column in ((found - exact) / errors)[:, 1:].T)
    spread = found.std(axis=0, ddof=1) / math.sqrt(40)
    assert (np.abs(found.mean(axis=0) - exact)[1:] < 4 * spread[1:]).all()
    assert (spread < 0.02).all()
    assert abs(found[:, 0]).max() < 1e-10
    assert errors[:, 0].max() < 1e-10


def test_partition_functions_solve_the_equations():
    energies = runs(1000, 3)
    slow = np.array([1.0, 2.0, 9.0, 3.0])
    logs = reweight_multiple(
        energies, energies, betas=BETAS, targets=BETAS, inefficiencies=slow
    ).log_partition
    pooled, weight = np.concatenate(energies), np.repeat(1 / slow, 1000)
    denominator = logsumexp(np.log(1000 / slow) - logs - np.outer(pooled, BETAS), axis=1)
    again = [logsumexp(-beta * pooled - denominator, b=weight) for beta in BETAS]
    np.testing.assert_allclose(again, logs, atol=1e-9)


def test_continuous_energies_of_harmonic_modes():
    betas, rng = np.array([1.0, 1.3, 0.8]), np.random.default_rng(12)
    energies = [rng.gamma(10.0, 1 / beta, size=2000) for beta in betas]  # ln Z = -10 ln beta
    targets = np.array([0.9, 1.15])
    result = reweight_multiple(energies, energies, betas=betas, targets=targets)
    assert (np.abs(result.value - 10 / targets) < 4 * result.error).all()
    np.testing.assert_allclose(result.log_partition, -10 * np.log(targets), atol=0.05)


def test_close_energies_are_summed_as_one_without_harm():
    energy = np.random.default_rng(3).gamma(200.0, 1.0, size=50_000)
    betas = np.array([0.9, 1.1])
    levels, _, _ = _levels(energy, 0.2)
    assert levels.size < 3000
    result = reweight(energy, energy, beta=1.0, targets=betas)
    naive = [np.average(energy, weights=np.exp(-(beta - 1) * (energy - 200))) for beta in betas]
    assert (np.abs(result.value - naive) < 1e-3 * result.error).all()
    levels, level, origin = _levels(draw(0.4, 5000, 1), 0.6)
    np.testing.assert_allclose(levels[level] + origin, draw(0.4, 5000, 1), atol=1e-12)


def test_order_of_runs_and_scale_of_inefficiencies_do_not_matter():
    energies, slow = runs(1000, 7), np.array([1.0, 2.0, 5.0, 3.0])
    one = multiple(energies, inefficiencies=slow)
    np.testing.assert_allclose(multiple(energies, inefficiencies=10 * slow), one, rtol=1e-8, atol=1e-8)
    order = [2, 0, 3, 1]
    shuffled = [energies[k] for k in order]
    other = reweight_multiple(
        shuffled,
        squares(shuffled),
        betas=BETAS[order],
        targets=TARGETS,
        inefficiencies=slow[order],
        function=variance,
    )
    np.testing.assert_allclose(other[:3], one[:3], rtol=1e-8)
    np.testing.assert_allclose(np.diff(other.log_partition), np.diff(one.log_partition), atol=1e-9)


def test_two_runs_at_one_temperature_are_one_longer_run():
    halves = [draw(0.4, 2000, 1), draw(0.4, 2000, 2)]
    joint = reweight_multiple(halves, halves, betas=[0.4, 0.4], targets=[0.38])
    long = np.concatenate(halves)
    assert joint.value == pytest.approx(reweight(long, long, beta=0.4, targets=[0.38]).value, rel=1e-10)


def test_a_run_that_hardly_counts_is_left_out():
    energies = runs(1000, 7)
    with_it = multiple(energies, inefficiencies=[1, 1, 1, 1e9])
    without = reweight_multiple(
        energies[:3], squares(energies[:3]), betas=BETAS[:3], targets=TARGETS, function=variance
    )
    np.testing.assert_allclose(with_it.value[:4], without.value[:4], rtol=1e-5)


def test_runs_without_common_energies_are_refused():
    energies = [np.resize([0.0, 1.0, 2.0], 300), np.resize([100.0, 101.0, 102.0], 300)]
    with pytest.raises(ValueError, match=r"beta = \[.\.\d*\] do not overlap with those at \[.\.\d*\]"):
        reweight_multiple(energies, energies, betas=[1.0, 0.1], targets=[0.5])


def test_reweighting_refuses_what_does_not_fit():
    energy = draw(0.4, 100, 1)
    for observable in (energy[1:], energy[:, None], [energy, energy], 1.0):
        with pytest.raises(ValueError, match="observable must have the shape"):
            reweight(energy, observable, beta=0.4, targets=[0.4])
    with pytest.raises(ValueError, match=r"\(k, 100\), for a function"):
        reweight(energy, energy, beta=0.4, targets=[0.4], function=variance)
    with pytest.raises(ValueError, match="beta must be finite"):
        reweight(energy, energy, beta=math.nan, targets=[0.4])
    with pytest.raises(TypeError, match="targets must hold real numbers"):
        reweight(energy, energy, beta=0.4, targets=["0.4"])
    with pytest.raises(ValueError, match="targets must hold at least one"):
        reweight(energy, energy, beta=0.4, targets=[])
    with pytest.raises(ValueError, match="too short for 64 bins"):
        reweight(energy, energy, beta=0.4, targets=[0.4], n_bins=64)
    with pytest.raises(ValueError, match="one a run"):
        reweight_multiple([energy], [energy, energy], betas=[0.4], targets=[0.4])
    with pytest.raises(ValueError, match="inefficiencies must be positive; got 0"):
        reweight_multiple([energy], [energy], betas=[0.4], targets=[0.4], inefficiencies=[0])
    with pytest.raises(ValueError, match="as many observables"):
        reweight_multiple(
            [energy, energy], [[energy], [energy, energy]], betas=[0.4, 0.5], targets=0.4, function=variance
        )
    with pytest.raises(TypeError, match=r"function must return shape \(2,\) for that shape; got \(\)"):
        reweight(energy, [energy], beta=0.4, targets=[0.4, 0.5], function=np.sum)
    with pytest.raises(TypeError, match="energy must hold real numbers"):
        reweight(energy > 0, energy, beta=0.4, targets=[0.4])
