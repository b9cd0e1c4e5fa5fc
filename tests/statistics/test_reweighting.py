"""Reweighting of independent draws from the exact density of states of the 4x4 torus, and of runs."""

import copy
import functools
import math
import pickle

import numpy as np
import pytest
from scipy.special import logsumexp

from smbook import ising
from smbook.statistics import (
    ReweightingError,
    binned_error,
    integrated_autocorrelation_time,
    jackknife,
    reweight,
    reweight_multiple,
)
from smbook.statistics._histograms import _levels
from smbook.theory.ising import kaufman
from tests.statistics.series import autoregressive, honest

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
    result = reweight(energy, energy**2, n_sites=1, beta=0.4, targets=betas)
    for index, beta in np.ndenumerate(betas):
        weights = np.exp(-(beta - 0.4) * energy)
        assert result.value[index] == pytest.approx(weights @ energy**2 / weights.sum(), rel=1e-12)
        assert result.effective[index] == pytest.approx(weights.sum() ** 2 / np.sum(weights**2), rel=1e-12)
        assert result.log_partition[index] == pytest.approx(np.log(weights.mean()), abs=1e-12)
        left_out = jackknife(lambda e, t=beta: np.average(e**2, weights=np.exp(-(t - 0.4) * e)), energy)
        assert result.error[index] == pytest.approx(left_out.error, rel=1e-9)


def test_at_its_own_temperature_reweighting_changes_nothing():
    energy = draw(0.4, 3200, 1)
    result = reweight(energy, energy, n_sites=1, beta=0.4, targets=0.4)
    np.testing.assert_allclose([result.value, result.error], binned_error(energy), rtol=1e-10)
    assert result.effective == pytest.approx(3200)
    assert result.log_partition == pytest.approx(0, abs=1e-12)


def test_one_run_is_a_single_histogram():
    energy, betas = draw(0.4, 5000, 1), [0.3, 0.45]
    one = reweight(energy, squares([energy])[0], n_sites=1, beta=0.4, targets=betas, function=variance)
    many = reweight_multiple(
        [energy],
        squares([energy]),
        n_sites=1,
        betas=[0.4],
        targets=betas,
        inefficiencies=[7.0],
        function=variance,
    )
    np.testing.assert_allclose(many, one, rtol=1e-12)


def test_effective_number_tells_when_reweighting_has_gone_too_far():
    energy = draw(0.0, 2000, 3)
    with pytest.raises(
        ReweightingError, match=r"beta = 0\.8 is out of reach: .* it reaches 0 to 0\.[23];"
    ) as caught:
        reweight(energy, energy, n_sites=1, beta=0.0, targets=np.linspace(0.0, 0.8, 9))
    result = caught.value.result
    assert (np.diff(result.effective) < 0).all()
    assert result.effective[-1] < 10
    assert abs(result.value[-1] - exact_energy(0.8)) > 1


def test_huge_energies_do_not_overflow():
    energy = 1e6 + 1e3 * np.random.default_rng(1).normal(size=3200)
    with pytest.raises(ReweightingError) as caught:
        reweight(energy, energy, n_sites=1, beta=1.0, targets=[0.5, 2.0])
    assert np.isfinite(caught.value.result).all()
    assert (caught.value.result.effective >= 1).all()


BETAS = np.array([0.2, 0.35, 0.44, 0.6])
TARGETS = np.array([0.2, 0.28, 0.4, 0.44068679350977147, 0.5, 0.6])


def runs(n, seed, shift=0.0):
    return [draw(beta + shift, n, [seed, k]) for k, beta in enumerate(BETAS)]


def multiple(energies, **options):
    return reweight_multiple(
        energies, squares(energies), n_sites=1, betas=BETAS, targets=TARGETS, function=variance, **options
    )


def test_multiple_histograms_reproduce_the_exact_specific_heat_and_energy():
    energies = runs(20_000, 5)
    result = reweight_multiple(energies, energies, n_sites=1, betas=BETAS, targets=TARGETS)
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
        energies, energies, n_sites=1, betas=BETAS, targets=BETAS, inefficiencies=slow
    ).log_partition
    pooled, weight = np.concatenate(energies), np.repeat(1 / slow, 1000)
    denominator = logsumexp(np.log(1000 / slow) - logs - np.outer(pooled, BETAS), axis=1)
    again = [logsumexp(-beta * pooled - denominator, b=weight) for beta in BETAS]
    np.testing.assert_allclose(again, logs, atol=1e-9)


def test_continuous_energies_of_harmonic_modes():
    betas, rng = np.array([1.0, 1.3, 0.8]), np.random.default_rng(12)
    energies = [rng.gamma(10.0, 1 / beta, size=2000) for beta in betas]  # ln Z = -10 ln beta
    targets = np.array([0.9, 1.15])
    result = reweight_multiple(energies, energies, n_sites=1, betas=betas, targets=targets)
    assert (np.abs(result.value - 10 / targets) < 4 * result.error).all()
    np.testing.assert_allclose(result.log_partition, -10 * np.log(targets), atol=0.05)


def test_close_energies_are_summed_as_one_without_harm():
    energy = np.random.default_rng(3).gamma(200.0, 1.0, size=50_000)
    betas = np.array([0.9, 1.1])
    levels, _, _ = _levels(energy, 0.2)
    assert levels.size < 3000
    result = reweight(energy, energy, n_sites=1, beta=1.0, targets=betas)
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
        n_sites=1,
        betas=BETAS[order],
        targets=TARGETS,
        inefficiencies=slow[order],
        function=variance,
    )
    np.testing.assert_allclose(other[:3], one[:3], rtol=1e-8)
    np.testing.assert_allclose(np.diff(other.log_partition), np.diff(one.log_partition), atol=1e-9)


def test_two_runs_at_one_temperature_are_one_longer_run():
    halves = [draw(0.4, 2000, 1), draw(0.4, 2000, 2)]
    joint = reweight_multiple(halves, halves, n_sites=1, betas=[0.4, 0.4], targets=[0.38])
    long = np.concatenate(halves)
    assert joint.value == pytest.approx(
        reweight(long, long, n_sites=1, beta=0.4, targets=[0.38]).value, rel=1e-10
    )


def test_a_run_that_hardly_counts_is_left_out():
    energies = runs(1000, 7)
    with_it = multiple(energies, inefficiencies=[1, 1, 1, 1e9])
    without = reweight_multiple(
        energies[:3], squares(energies[:3]), n_sites=1, betas=BETAS[:3], targets=TARGETS, function=variance
    )
    np.testing.assert_allclose(with_it.value[:4], without.value[:4], rtol=1e-5)


def test_runs_without_common_energies_are_refused():
    energies = [np.resize([0.0, 1.0, 2.0], 300), np.resize([100.0, 101.0, 102.0], 300)]
    with pytest.raises(ValueError, match=r"beta = \[.\.\d*\] do not overlap with those at \[.\.\d*\]"):
        reweight_multiple(energies, energies, n_sites=1, betas=[1.0, 0.1], targets=[0.5])


def test_reweighting_refuses_what_does_not_fit():
    energy = draw(0.4, 100, 1)
    for observable in (energy[1:], energy[:, None], [energy, energy], 1.0):
        with pytest.raises(ValueError, match="observable must have the shape"):
            reweight(energy, observable, n_sites=1, beta=0.4, targets=[0.4])
    with pytest.raises(ValueError, match=r"\(k, 100\), for a function"):
        reweight(energy, energy, n_sites=1, beta=0.4, targets=[0.4], function=variance)
    with pytest.raises(ValueError, match="beta must be finite"):
        reweight(energy, energy, n_sites=1, beta=math.nan, targets=[0.4])
    with pytest.raises(TypeError, match="targets must hold real numbers"):
        reweight(energy, energy, n_sites=1, beta=0.4, targets=["0.4"])
    with pytest.raises(ValueError, match="targets must hold at least one"):
        reweight(energy, energy, n_sites=1, beta=0.4, targets=[])
    with pytest.raises(ValueError, match="too short for 64 bins"):
        reweight(energy, energy, n_sites=1, beta=0.4, targets=[0.4], n_bins=64)
    with pytest.raises(ValueError, match="one a run"):
        reweight_multiple([energy], [energy, energy], n_sites=1, betas=[0.4], targets=[0.4])
    with pytest.raises(ValueError, match="inefficiencies must be positive; got 0"):
        reweight_multiple([energy], [energy], n_sites=1, betas=[0.4], targets=[0.4], inefficiencies=[0])
    with pytest.raises(ValueError, match="as many observables"):
        reweight_multiple(
            [energy, energy],
            [[energy], [energy, energy]],
            n_sites=1,
            betas=[0.4, 0.5],
            targets=0.4,
            function=variance,
        )
    with pytest.raises(TypeError, match=r"function must return shape \(2,\) for that shape; got \(\)"):
        reweight(energy, [energy], n_sites=1, beta=0.4, targets=[0.4, 0.5], function=np.sum)
    with pytest.raises(TypeError, match="energy must hold real numbers"):
        reweight(energy > 0, energy, n_sites=1, beta=0.4, targets=[0.4])


# Per site or in total


@functools.cache
def run(beta, seed=1):
    """Energies per site of 16 x 16 spins."""
    return ising.simulate((16, 16), beta, 10_200, algorithm="wolff", initial="up", rng=seed).energy[200:]


def test_energies_are_taken_as_a_trace_holds_them():
    energy, targets = run(0.42), np.array([0.40, 0.42, 0.44])
    exact, start = kaufman((16, 16), targets), kaufman((16, 16), 0.42)
    result = reweight(energy, energy, n_sites=256, beta=0.42, targets=targets)
    assert (np.abs(result.value - exact.energy) < 4 * result.error).all()
    excess = np.abs(result.log_partition - (exact.log_partition - start.log_partition))
    assert (excess < 4 * result.log_partition_error + 1e-15).all()
    assert (result.error < 0.01).all()
    heat = reweight(energy, squares([energy])[0], n_sites=256, beta=0.42, targets=targets, function=variance)
    capacity = 256 * targets**2
    assert (np.abs(capacity * heat.value - exact.specific_heat) < 4 * capacity * heat.error).all()


def test_totals_of_one_site_are_energies_per_site_of_many():
    energy = run(0.42)
    one = reweight(energy, energy, n_sites=256, beta=0.42, targets=[0.40, 0.43])
    other = reweight(256 * energy, energy, n_sites=1, beta=0.42, targets=[0.40, 0.43])
    np.testing.assert_allclose(other[:4], one[:4], rtol=1e-12)
    np.testing.assert_allclose(np.array(other[4:]) / 256, one[4:], rtol=1e-12)


def test_the_number_of_sites_has_to_be_said():
    energy = run(0.42)
    with pytest.raises(TypeError, match=r"missing .* argument: 'n_sites'"):
        reweight(energy, energy, beta=0.42, targets=0.43)
    with pytest.raises(TypeError, match=r"missing .* argument: 'n_sites'"):
        reweight_multiple([energy], [energy], betas=[0.42], targets=0.43)
    for wrong, error in ((0, ValueError), (1.5, TypeError), ((16, 16), TypeError)):
        with pytest.raises(error, match="n_sites must be"):
            reweight(energy, energy, n_sites=wrong, beta=0.42, targets=0.43)


LADDER = (0.40, 0.42, 0.44)


def test_energies_per_site_that_are_called_total_are_found_out():
    energies = [run(beta) for beta in LADDER]
    options = {"betas": LADDER, "targets": [0.41, 0.43]}
    assert reweight_multiple(energies, energies, n_sites=256, **options).independent.min() > 500
    with pytest.raises(ReweightingError, match=r"do not fit one another.* errors off") as caught:
        reweight_multiple(energies, energies, n_sites=1, **options)
    result, exact = caught.value.result, kaufman((16, 16), np.array([0.41, 0.43])).energy
    assert (result.independent > 1000).all()  # they say that all is well
    assert (np.abs(result.value - exact) > 20 * result.error).any()


def test_total_energies_that_are_called_per_site_are_found_out():
    energies = [256 * run(beta) for beta in LADDER]
    with pytest.raises(ReweightingError, match="see that the energies are divided by n_sites"):
        reweight(energies[1], energies[1], n_sites=256, beta=0.42, targets=0.43)
    with pytest.raises(ValueError, match="see that the energies are divided by n_sites"):
        reweight_multiple(energies, energies, n_sites=256, betas=LADDER, targets=0.43)


def test_a_run_at_another_temperature_than_it_says_is_found_out():
    energies = [draw(beta, 20_000, seed) for seed, beta in enumerate((0.3, 0.38, 0.5))]
    options = {"n_sites": 1, "betas": [0.3, 0.4, 0.5], "targets": 0.4}
    with pytest.raises(ReweightingError, match=r"at beta = 0\.4, and the run there has"):
        reweight_multiple(energies, energies, **options)
    energies[1] = draw(0.4, 20_000, 1)
    assert reweight_multiple(energies, energies, **options).error > 0


# How far it reaches


@pytest.mark.parametrize("target", [0.6, 1.0, 1000.0])
def test_targets_out_of_reach_are_refused(target):
    energy, exact = run(0.42), kaufman((16, 16), target).energy
    with pytest.raises(ReweightingError, match=rf"beta = {target:g} is out of reach") as caught:
        reweight(energy, energy, n_sites=256, beta=0.42, targets=target)
    result = caught.value.result
    assert result.value > exact + 0.05 or target < 1  # it sticks at the lowest energies of the run
    assert result.independent < 30
    again = pickle.loads(pickle.dumps(caught.value))
    assert str(again) == str(copy.copy(caught.value)) == str(caught.value)
    assert again.result == result


def test_what_is_within_reach_is_right():
    """Where it was accepted before, the farthest of these temperatures were up to 97 errors off."""
    energy, reached = run(0.42), []
    for target in np.linspace(0.30, 0.60, 31):
        try:
            result = reweight(energy, energy, n_sites=256, beta=0.42, targets=target)
        except ReweightingError:
            continue
        reached.append(target)
        assert abs(result.value - kaufman((16, 16), target).energy) < 5 * result.error
    assert 0.36 < min(reached) < 0.40
    assert 0.44 < max(reached) < 0.50


@pytest.mark.parametrize(("share", "accepted"), [(0.1, 1.0), (0.9, 0.0)])
def test_reach_of_gaussian_energies(share, accepted):
    """At the shift s in units of the width, exp(-s^2) of n entries count: sqrt(n) at s^2 = ln(n) / 2."""
    shift, results = math.sqrt(share * math.log(5000)), []
    for seed in range(60):
        energy = np.random.default_rng(seed).normal(size=5000)
        try:
            results.append(reweight(energy, energy, n_sites=1, beta=0.0, targets=shift))
        except ReweightingError:
            continue
    assert len(results) == accepted * 60
    pulls = np.array([(result.value + shift) / result.error for result in results])
    assert not pulls.size or honest(pulls, bias=0.3)


def test_a_ground_state_that_was_seen_often_is_within_reach():
    energy = draw(0.4, 5000, 1)
    result = reweight(energy, energy, n_sites=1, beta=0.4, targets=[10.0, 1000.0])
    np.testing.assert_allclose(result.value, -32.0)
    assert (result.independent > 100).all()


def test_a_ground_state_seen_in_one_stretch_is_not():
    energy = np.sort(draw(0.4, 5000, 1))
    with pytest.raises(ReweightingError, match="out of reach"):
        reweight(energy, energy, n_sites=1, beta=0.4, targets=1000.0)


def test_runs_do_not_reach_beyond_their_ends():
    energies = [run(beta) for beta in LADDER]
    with pytest.raises(ReweightingError, match=r"beta = 0\.6 is out of reach: .* it reaches 0\.4 to 0\.45;"):
        reweight_multiple(energies, energies, n_sites=256, betas=LADDER, targets=[0.4, 0.42, 0.45, 0.6])


@pytest.mark.parametrize("phi", [0.0, 0.9])
def test_independent_entries_are_those_that_correlations_leave(phi):
    energy, observable = autoregressive(0.0, 40_000, 1), autoregressive(phi, 40_000, 2)
    result = reweight(energy, observable, n_sites=1, beta=1.0, targets=[1.0, 1.3], n_bins=200)
    tau = integrated_autocorrelation_time(observable).value
    assert result.independent[0] == pytest.approx(min(40_000, 40_000 / (2 * tau)), rel=0.25)
    assert (result.independent <= result.effective).all()


@pytest.mark.parametrize(("energy_unit", "observable_unit"), [(1000, -1000), (-900, 1000)])
def test_reweighting_knows_no_unit(energy_unit, observable_unit):
    energies = runs(1000, 7)
    one = reweight_multiple(energies, energies, n_sites=1, betas=BETAS, targets=TARGETS)
    other = reweight_multiple(
        [np.ldexp(energy, energy_unit) for energy in energies],
        [np.ldexp(energy, observable_unit) for energy in energies],
        n_sites=1,
        betas=np.ldexp(BETAS, -energy_unit),
        targets=np.ldexp(TARGETS, -energy_unit),
    )
    np.testing.assert_array_equal(np.ldexp(other[:2], -observable_unit), one[:2])
    np.testing.assert_array_equal(other[2:], one[2:])


def test_temperatures_beyond_all_floats_are_refused():
    with pytest.raises(ValueError, match=r"below 1e300; got beta = 1e\+10"):
        reweight(np.ldexp(draw(0.4, 100, 1), 1000), np.ones(100), n_sites=1, beta=1e10, targets=1.0)
