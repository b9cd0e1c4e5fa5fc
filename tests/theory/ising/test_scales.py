"""Any unit of energy, any temperature: an answer that is right in the limit, or a refusal that says why."""

import itertools
import math
import re

import mpmath as mp
import numpy as np
import pytest

from smbook.theory import ising
from tests.theory.ising.reference import counted_states

BY_BETA = {
    "ring": lambda beta, **k: ising.ring(6, beta, **k),
    "odd ring": lambda beta, **k: ising.ring(7, beta, **k),
    "chain": ising.chain,
    "observables": lambda beta, **k: counted_states((3, 4)).observables(beta, **k),
    "moments": lambda beta, **k: counted_states((3, 4)).moments(beta, **k),
    "transfer_matrix": ising.transfer_matrix,
    "curie_weiss_magnetization": lambda beta, **k: [ising.curie_weiss_magnetization(beta, **k)],
    "curie_weiss_solutions": ising.curie_weiss_solutions,
    "curie_weiss_free_energy": lambda beta, **k: [ising.curie_weiss_free_energy(0.1, beta, **k)],
    "curie_weiss_finite": lambda beta, **k: ising.curie_weiss_finite(6, beta, **k),
    "curie_weiss_finite, moments": lambda beta, **k: ising.curie_weiss_finite(6, beta, **k).moments,
    "curie_weiss_first_passage": lambda beta, **k: [
        ising.curie_weiss_first_passage(6, beta, start=5, stop=1, **k)
    ],
    "flip_flop": lambda beta, *, field, coupling: ising.flip_flop(
        beta, fields=(field, -field / 3), coupling=coupling
    ),
}
WITHOUT_FIELD = {
    "onsager": ising.onsager,
    "kaufman": lambda beta, **k: ising.kaufman((4, 6), beta, **k),
    "spontaneous_magnetization": lambda beta, **k: [ising.spontaneous_magnetization(beta, **k)],
    "surface_tension": lambda beta, **k: [ising.surface_tension(beta, **k)],
    "correlation_length": lambda beta, **k: [ising.correlation_length(beta, **k)],
    "ring_correlation": lambda beta, **k: ising.ring_correlation(6, beta, distance=[0, 1, 3, 5], **k),
    "ring_correlation, odd": lambda beta, **k: ising.ring_correlation(7, beta, distance=[0, 1, 5], **k),
    "curie_weiss_susceptibility": lambda beta, **k: [ising.curie_weiss_susceptibility(0.1, beta, **k)],
    "spinodal": ising.spinodal,
}
FUNCTIONS = BY_BETA | {
    name: lambda beta, *, field, function=function, **k: function(beta, **k)  # noqa: ARG005
    for name, function in WITHOUT_FIELD.items()
}
BETAS = (0.0, 5e-324, 1e-300, 1e-17, 1.0, 1e10, 1e155, 1e300, 1.7e308)
STRENGTHS = (0.0, 5e-324, 1e-300, 1e-9, 1.0, 1e155, 1e300, 1.7e308)
REFUSALS = "overflows|must be positive|at least 1 for a metastable|too cold|frustrates"


def numbers(result):
    return np.concatenate([np.ravel(part) for part in result]).astype(float)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_at_every_scale_there_is_a_number_or_a_refusal(name):
    """Warnings are errors. A number may be infinite: a response at T = 0, or a length."""
    answered, refusals = 0, []
    fields = STRENGTHS if name in BY_BETA else (0.0,)
    for beta, size, sign, field in itertools.product(BETAS, STRENGTHS, (1, -1), fields):
        try:
            result = FUNCTIONS[name](beta, coupling=sign * size, field=field)
        except ValueError as error:
            refusals.append(str(error))
            continue
        assert not np.isnan(numbers(result)).any(), (beta, sign * size, field)
        answered += 1
    assert answered > 10
    assert [message for message in refusals if not re.search(REFUSALS, message)] == []


UNITS = (2.0**900, 2.0**-900)
# What has a unit: energies (1), responses (-1), fields of a spinodal; all else is a pure number.
POWERS = {
    "ring": (0, 1, 0, 0, -1),
    "odd ring": (0, 1, 0, 0, -1),
    "chain": (0, 1, 0, 0, -1),
    "observables": (0, 1, 0, 0, -1),
    "curie_weiss_free_energy": (1,),
    "onsager": (0, 1, 0),
    "kaufman": (0, 1, 0),
    "curie_weiss_susceptibility": (-1,),
    "spinodal": (0, 1),
    "surface_tension": (1,),
}


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_units_of_energy_are_free(name, unit):
    """A power of two in the unit of energy changes hardly a digit."""
    one = FUNCTIONS[name](1.3, coupling=0.9, field=0.2 if name in BY_BETA else 0.0)
    other = FUNCTIONS[name](1.3 / unit, coupling=0.9 * unit, field=0.2 * unit if name in BY_BETA else 0.0)
    scale = np.array([unit**power for power in POWERS.get(name, (0,))])
    np.testing.assert_allclose(numbers(other) / scale, numbers(one), rtol=1e-13)


@pytest.mark.parametrize("name", ["ring", "chain", "observables"])
@pytest.mark.parametrize("beta", [1e155, 1e200, 1e300])
def test_a_frozen_ferromagnet(name, beta):
    log_partition, energy, specific_heat, magnetization, susceptibility = BY_BETA[name](beta, field=0.5)
    bonds = 2 if name == "observables" else 1
    assert log_partition == pytest.approx((bonds + 0.5) * beta)
    assert energy == pytest.approx(-bonds - 0.5)
    assert (magnetization, susceptibility) == (pytest.approx(1), 0)
    assert specific_heat == pytest.approx(0, abs=1e-290)


def test_a_strong_field():
    for field in (1e200, -1e200, 1e300):
        chain = ising.chain(0.5, field=field)
        assert chain.magnetization == math.copysign(1, field)
        assert chain.energy == pytest.approx(-abs(field))
        assert (chain.specific_heat, chain.susceptibility) == (0, 0)
        assert ising.curie_weiss_solutions(0.5, field=field).tolist() == [math.copysign(1, field)]
        assert ising.flip_flop(0.5, fields=(field, -field)).tolist() == [
            [chain.magnetization, -chain.magnetization]
        ]
    with pytest.raises(ValueError, match=r"overflows; got beta=0.5, coupling=1.0, field=1.7e\+308"):
        ising.chain(0.5, field=1.7e308)


@pytest.mark.parametrize("beta", [1e155, 1e200, 1e300])
def test_a_frozen_square_lattice(beta):
    assert ising.onsager(beta)[1:] == (-2, 0)
    assert ising.kaufman((4, 6), beta)[1:] == (-2, 0)
    assert ising.spontaneous_magnetization(beta) == 1
    assert ising.surface_tension(beta) == 2


@pytest.mark.parametrize("beta", [1e3, 1e10, 1e200])
def test_a_cold_antiferromagnet_where_its_orders_cross(beta):
    """At h = 2 abs(J) all states of no two neighbours down cost the same: entropy ln of the golden ratio."""
    chain = ising.chain(beta, coupling=-1.0, field=2.0)
    assert chain.log_partition - beta == pytest.approx(math.log((1 + math.sqrt(5)) / 2), abs=1e-15 * beta)
    assert chain.magnetization == pytest.approx(1 / math.sqrt(5))
    assert chain.specific_heat == 0


def test_beside_the_crossing_a_cold_antiferromagnet_keeps_its_specific_heat():
    """Spins flip at the cost 2 delta alone, delta = h - 2 abs(J): the derivative of the exact energy."""
    beta, delta = 2.0**12, 2.0**-12
    with mp.workdps(60):

        def energy(b):
            return -mp.diff(lambda x: chain_log_partition(x, -1, 2 + mp.mpf(delta)), b)

        expected = float(-(mp.mpf(beta) ** 2) * mp.diff(energy, beta, h=mp.mpf(10) ** -15))
    result = ising.chain(beta, coupling=-1.0, field=2.0 + delta)
    assert result.specific_heat == pytest.approx(expected, rel=1e-9)


def chain_log_partition(beta, coupling, field):
    k, b = mp.mpf(beta) * coupling, mp.mpf(beta) * field
    return k + mp.log(mp.cosh(b) + mp.sqrt(mp.sinh(b) ** 2 + mp.exp(-4 * k)))


@pytest.mark.parametrize("k", [1e-300, 1e-17, 1e-10, 1e-5, 0.1, 0.49, 0.51, 3.0, 100.0])
def test_a_correlation_length_keeps_its_digits(k):
    with mp.workdps(400):
        expected = float(-1 / mp.log(mp.tanh(mp.mpf(k))))
    assert ising.correlation_length(k) == pytest.approx(expected, rel=2e-15)


def test_a_hot_ring_correlates_no_spins():
    assert ising.ring_correlation(10, 0.0, distance=[0, 1, 5]).tolist() == [1, 0, 0]
    assert ising.ring_correlation(10, 1e-17, distance=1) == pytest.approx(1e-17, rel=1e-12)


def test_a_cumulant_of_spins_that_always_cancel():
    """<m^4> / <m^2>^2 grows without bound as the last states with a magnetization die out."""
    cumulants = [counted_states((2, 2)).moments(beta, coupling=-1.0).binder for beta in (1.0, 2.0, 50.0, 1e4)]
    assert cumulants == sorted(cumulants, reverse=True)
    assert cumulants[-1] == -math.inf
