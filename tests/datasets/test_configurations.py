"""States of magnets against exact results."""

import math

import numpy as np
import pytest
from scipy.stats import chi2

from smbook import network
from smbook.datasets import configurations, ising_configurations
from tests.network.exact import gibbs, p_value


def p_values(states, shape, beta):
    """Of chi-square for the states, and for the pairs of one and the next: independence, too.

    Pairs are counted by energy and the sign of the magnetization.
    """
    lattice = network.from_lattice(shape)
    energies = lattice.energy(states) + np.where(states.sum(axis=1) > 0, 0.25, 0.0)
    _, classes = np.unique(energies, return_inverse=True)
    shares = np.bincount(classes) / len(classes)
    pairs = np.bincount(classes[:-1] * shares.size + classes[1:], minlength=shares.size**2)
    due = np.outer(shares, shares).ravel() * (len(states) - 1)
    common = due >= 10
    squares = (pairs - due)[common] ** 2 / due[common]
    return [p_value(states, gibbs(lattice, beta)), chi2.sf(squares.sum(), common.sum() - 1)]


@pytest.mark.parametrize(
    ("shape", "beta"), [((3, 3), 0.3), ((3, 3), 0.0), ((2, 4), 0.5), (6, 1.0), ((2, 2, 2), 0.2)]
)
def test_states_of_magnets_follow_gibbs_and_are_independent(shape, beta):
    states = ising_configurations(shape, beta, 6000, units="spin", rng=5)
    sides = (shape,) if isinstance(shape, int) else shape
    assert min(p_values(states, sides, beta)) > 1e-4


@pytest.mark.parametrize("fault", ["hotter", "neighbouring sweeps"])
def test_states_that_are_not_so_are_seen(monkeypatch, fault):
    """A temperature off by 4 %, or a chain read after every sweep."""
    beta = 0.5
    if fault == "neighbouring sweeps":
        monkeypatch.setattr(configurations, "_TIMES_APART", 0.1)
    states = ising_configurations(
        (2, 4), beta * (0.96 if fault == "hotter" else 1), 12_000, units="spin", rng=5
    )
    assert min(p_values(states, (2, 4), beta)) < 1e-4


def test_a_seed_gives_the_same_states_and_others_go_on():
    first, second = (ising_configurations((4, 4), 0.4, 20, rng=3) for _ in range(2))
    assert first.tolist() == second.tolist()
    generator = np.random.default_rng(3)
    one, two = (ising_configurations((4, 4), 0.4, 20, rng=generator) for _ in range(2))
    assert one.tolist() != two.tolist()
    assert ising_configurations((4, 4), 0.4, 0, rng=3).shape == (0, 16)


def test_cold_magnets_are_all_up_or_all_down():
    states = ising_configurations((4, 4), 30.0, 200, units="spin", rng=2)
    assert set(states.sum(axis=1).tolist()) == {-16, 16}


def test_a_pilot_run_that_is_too_short_is_made_longer(monkeypatch):
    monkeypatch.setattr(configurations, "_PILOT_SWEEPS", 60)
    assert ising_configurations((8, 8), 0.44, 3, rng=1).shape == (3, 64)
    monkeypatch.setattr(configurations, "_MOST_PILOT_SWEEPS", 10)
    with pytest.raises(configurations.ChainTooShortError):
        ising_configurations((8, 8), 0.44, 3, rng=1)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (((1, 4), 0.4, 2), ValueError, "a side of 1 couples a spin to itself"),
        (((4, 4), -0.4, 2), ValueError, "beta must be at least 0; got -0.4"),
        (((4, 4), math.nan, 2), ValueError, "beta must be finite; got nan"),
        (((4, 4), 0.4, -1), ValueError, "n_samples must be at least 0; got -1"),
        (((4, 4), 0.4, 1.5), TypeError, "n_samples must be an integer; got 1.5"),
    ],
)
def test_magnets_that_are_none_are_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        ising_configurations(*arguments)
