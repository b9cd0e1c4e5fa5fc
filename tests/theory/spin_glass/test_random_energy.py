"""The random energy model against the limit, one integral for two levels, and samples that are drawn."""

import itertools
import math

import numpy as np
import pytest
from scipy.integrate import quad

from smbook.theory.spin_glass import (
    RANDOM_ENERGY_GROUND_ENERGY,
    RANDOM_ENERGY_TEMPERATURE,
    random_energy_ground_state,
    random_energy_model,
    random_energy_model_finite,
)
from tests.theory.spin_glass.reference import slope

T_C = RANDOM_ENERGY_TEMPERATURE
TABLE = [
    (10, 0.2, -0.731817, 0.711985),
    (10, 0.3, -0.739631, 0.573981),
    (10, 0.45, -0.759782, 0.386159),
    (10, T_C, -0.792224, 0.235526),
    (10, 0.8, -0.855445, 0.107743),
    (10, 1.2, -1.038604, 0.020874),
    (15, 0.3, -0.764266, 0.554402),
    (15, T_C, -0.805822, 0.190145),
    (15, 0.8, -0.862151, 0.062514),
    (20, 0.2, -0.773357, 0.693257),
    (20, 0.3, -0.777761, 0.543566),
    (20, 0.45, -0.790011, 0.333835),
    (20, T_C, -0.812525, 0.163427),
    (20, 0.8, -0.864602, 0.039326),
    (20, 1.2, -1.040084, 0.000786),
]


@pytest.mark.parametrize(("n", "temperature", "free_energy", "participation"), TABLE)
def test_table_at_finite_size(n, temperature, free_energy, participation):
    exact = random_energy_model_finite(n, 1 / temperature)
    assert exact.free_energy == pytest.approx(free_energy, abs=6e-7)
    assert exact.participation == pytest.approx(participation, abs=6e-7)
    assert exact.annealed_free_energy < exact.free_energy
    assert exact.annealed_free_energy == pytest.approx(-temperature * math.log(2) - 1 / (4 * temperature))
    assert exact.free_energy == pytest.approx(exact.energy - temperature * exact.entropy, abs=1e-14)


@pytest.mark.parametrize(
    ("n", "energy", "deviation"),
    [(10, -0.7263285, 0.0784), (15, -0.7547768, 0.0522), (20, -0.7703773, 0.0391)],
)
def test_lowest_level(n, energy, deviation):
    lowest = random_energy_ground_state(n)
    assert lowest.energy == pytest.approx(energy, abs=6e-8)
    assert lowest.deviation == pytest.approx(deviation, abs=6e-5)
    law = RANDOM_ENERGY_GROUND_ENERGY
    law += (math.log(4 * math.pi * n * math.log(2)) - 2 * np.euler_gamma) / (4 * n * math.sqrt(math.log(2)))
    assert law == pytest.approx(energy, abs=0.007)


def test_lowest_of_two_levels():
    """The mean of the smaller of two unit Gaussians is -1 / sqrt(pi), its variance 1 - 1 / pi."""
    lowest = random_energy_ground_state(1)
    assert lowest.energy == pytest.approx(-math.sqrt(0.5 / math.pi), rel=1e-12)
    assert lowest.deviation == pytest.approx(math.sqrt(0.5 * (1 - 1 / math.pi)), rel=1e-12)


@pytest.mark.parametrize("temperature", [0.05, 0.5, 1.0, 50.0])
def test_two_levels_are_one_integral(temperature):
    """Of two levels only the difference counts, a unit Gaussian."""
    beta = 1 / temperature

    def average(function):
        ends = [k * temperature for k in (0, 3, 10, 40) if k * temperature < 12] + [12]
        parts = [
            quad(lambda z: function(z) * math.exp(-z * z / 2), *pair, epsabs=1e-15)[0]
            for pair in itertools.pairwise(ends)
        ]
        return math.fsum(parts) / math.sqrt(math.pi / 2)

    exact = random_energy_model_finite(1, beta)
    log_partition = average(lambda z: beta * z / 2 + math.log1p(math.exp(-beta * z)))
    assert exact.free_energy == pytest.approx(-temperature * log_partition, rel=1e-12)
    assert exact.participation == pytest.approx(
        average(lambda z: (1 + math.tanh(beta * z / 2) ** 2) / 2), rel=1e-12
    )


def test_energy_is_the_derivative():
    for n, beta in ((3, 0.7), (10, 2.0), (20, 4.0)):
        by_beta = slope(lambda b, n=n: b * random_energy_model_finite(n, b).free_energy, beta)
        assert random_energy_model_finite(n, beta).energy == pytest.approx(by_beta, abs=1e-11)


def drawn(n, beta, count, rng, variance):
    """ln Z and Y of samples, each of 2^n levels."""
    exponent = -beta * rng.normal(scale=math.sqrt(variance), size=(count, 2**n))
    top = exponent.max(axis=1, keepdims=True)
    weight = np.exp(exponent - top)
    total = weight.sum(axis=1)
    return top[:, 0] + np.log(total), (weight**2).sum(axis=1) / total**2


def z_scores(samples, exact):
    return [
        abs(values.mean() - value) / (values.std() / math.sqrt(values.size))
        for values, value in zip(samples, exact, strict=True)
    ]


@pytest.mark.parametrize("temperature", [0.3, 0.8])
def test_samples_agree(temperature):
    n, beta, count = 9, 1 / temperature, 4000
    exact = random_energy_model_finite(n, beta)
    expected = (-n * beta * exact.free_energy, exact.participation)
    rng = np.random.default_rng(1)
    assert max(z_scores(drawn(n, beta, count, rng, n / 2), expected)) < 4
    assert max(z_scores(drawn(n, beta, count, rng, (n - 1) / 2), expected)) > 8  # the variance of SK's levels


def test_limit():
    assert pytest.approx(0.6005612044, abs=6e-11) == T_C
    assert pytest.approx(-0.8325546112, abs=6e-11) == RANDOM_ENERGY_GROUND_ENERGY
    limit = random_energy_model(1 / np.array([0.2, 0.3, 0.45, 0.8, 1.2]))
    np.testing.assert_allclose(limit.free_energy, [-0.832555] * 3 + [-0.867018, -1.040110], atol=6e-7)
    np.testing.assert_allclose(limit.participation, [0.666978, 0.500467, 0.250701, 0, 0], atol=6e-7)
    np.testing.assert_allclose(limit.energy, [-0.832555] * 3 + [-0.625, -1 / 2.4], atol=6e-7)
    np.testing.assert_allclose(
        limit.free_energy, limit.energy - np.array([0.2, 0.3, 0.45, 0.8, 1.2]) * limit.entropy
    )
    just_above = random_energy_model((1 - 1e-12) / T_C)
    assert just_above.specific_heat == pytest.approx(2 * math.log(2))
    assert just_above.entropy == pytest.approx(0, abs=1e-11)
    assert random_energy_model(1 / T_C).specific_heat == 0
    assert random_energy_model(1 / (0.75 * T_C)).participation_variance == pytest.approx(0.25**2)
    frozen = random_energy_model(math.inf)
    assert frozen.participation == 1
    assert frozen.participation_variance == 0


def test_participation_of_poisson_dirichlet_weights():
    """exp(-E / T) of Poisson levels of density exp(E / T_c): mean 1 - m and variance m (1 - m) / 3 of Y."""
    m = 0.45 / T_C
    rng = np.random.default_rng(3)
    place = rng.exponential(size=(4000, 1000)).cumsum(axis=1)  # exp(E / T_c)
    weight = place ** (-1 / m)
    rest = place[:, -1] ** (1 - 1 / m) / (1 / m - 1)  # all further levels, on average
    y = (weight**2).sum(axis=1) / (weight.sum(axis=1) + rest) ** 2
    limit = random_energy_model(1 / 0.45)
    assert abs(y.mean() - limit.participation) < 4 * y.std() / math.sqrt(y.size)
    assert y.var() == pytest.approx(limit.participation_variance, rel=0.06)


def test_size_leads_to_the_limit():
    for temperature in (0.3, 0.8):
        limit = random_energy_model(1 / temperature)
        gaps = [
            random_energy_model_finite(n, 1 / temperature).free_energy - limit.free_energy
            for n in (10, 50, 250, 900)
        ]
        assert all(0 <= later < earlier for earlier, later in itertools.pairwise(gaps))
        assert gaps[-1] < 0.003
    large = random_energy_model_finite(900, 1 / 0.3)
    assert large.participation == pytest.approx(random_energy_model(1 / 0.3).participation, abs=0.002)


def test_zero_temperature_is_the_limit():
    cold = random_energy_model_finite(12, math.inf)
    assert cold.free_energy == cold.energy == random_energy_ground_state(12).energy
    assert (cold.entropy, cold.participation, cold.annealed_free_energy) == (0, 1, -math.inf)
    near = random_energy_model_finite(12, 1e5)
    assert near.energy == pytest.approx(cold.energy, abs=1e-9)
    assert near.free_energy == pytest.approx(cold.energy, abs=1e-9)
    assert near.participation == pytest.approx(1, abs=1e-4)
