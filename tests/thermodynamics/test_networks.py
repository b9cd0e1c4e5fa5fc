"""Driven Ising networks beside sums over all states, and beside the matrix of a sweep."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import gammaln, logsumexp

from smbook.network import SpinNetwork, ferromagnet, sherrington_kirkpatrick
from smbook.thermodynamics import DrivenNetwork, bennett, crooks_ratio, drive_network, jarzynski


def glass(n, seed=1, field=0.0):
    random = np.random.default_rng(seed)
    couplings = np.triu(random.normal(size=(n, n)) / math.sqrt(n), 1)
    return SpinNetwork(couplings + couplings.T, field)


def in_fields(network, fields):
    return [SpinNetwork(network.couplings, field) for field in fields]


def z_score(values, exact):
    return (values.mean() - exact) / (values.std(ddof=1) / math.sqrt(len(values)))


def sweep_matrix(network, beta):
    """The matrix of a heat-bath sweep in the order of the spins, on all states."""
    n = network.n_spins
    states = network.enumerate(1.0).states(np.arange(2**n))
    whole = np.eye(2**n)
    for i in range(n):
        up = 1 / (1 + np.exp(-2 * beta * network.local_fields(states)[:, i]))
        step = np.zeros((2**n, 2**n))
        numbers = np.arange(2**n)
        np.add.at(step, (numbers, numbers | 1 << i), up)
        np.add.at(step, (numbers, numbers & ~(1 << i)), 1 - up)
        whole = whole @ step
    return whole


def exact_moments(networks, betas):
    """Mean work and mean of exp(-W), by the matrices of all sweeps."""
    first = networks[0].enumerate(betas[0])
    law, tilted, mean = first.probabilities.copy(), first.probabilities.copy(), 0.0
    for k in range(1, len(networks)):
        levels = [betas[j] * networks[j].enumerate(1.0).energies for j in (k - 1, k)]
        work = levels[1] - levels[0]
        mean += law @ work
        sweep = sweep_matrix(networks[k], betas[k])
        law, tilted = law @ sweep, (tilted * np.exp(-work)) @ sweep
    return mean, tilted.sum()


PATHS = {
    "field": (lambda: (glass(4), in_fields(glass(4), [0.3, 0.8, 1.5]), 0.7)),
    "couplings": (lambda: (glass(4, 1, 0.2), [glass(4, 2, 0.2), glass(4, 3, 0.2)], 1.1)),
    "temperature": (lambda: (glass(4, 4, 0.1), [0.3, 0.6, 1.4], 1.0)),
}


@pytest.mark.parametrize("name", PATHS)
def test_mean_work_by_the_matrices_of_the_sweeps(name):
    network, path, beta = PATHS[name]()
    driven = drive_network(network, path, 40_000, beta=beta, rng=1)
    networks = [network] * len(path) if name == "temperature" else [network, *path]
    betas = path if name == "temperature" else [beta] * len(networks)
    mean, weight = exact_moments(networks, betas)
    assert weight == pytest.approx(
        math.exp(networks[-1].enumerate(betas[-1]).log_partition - network.enumerate(betas[0]).log_partition)
    )
    assert abs(z_score(driven.work, mean)) < 4
    assert abs(z_score(np.exp(-driven.work), weight)) < 4
    # chains that begin anywhere else do not obey the equality
    wrong = drive_network(
        network, path, 40_000, beta=beta, rng=1, initial=np.ones((40_000, 4), dtype=np.int8)
    )
    assert abs(z_score(np.exp(-wrong.work), weight)) > 4


@pytest.mark.parametrize(("algorithm", "order"), [("heat-bath", "random"), ("metropolis", "sequential")])
@pytest.mark.parametrize("n_steps", [0, 1, 5])
def test_jarzynski_for_any_rule_and_speed(algorithm, order, n_steps):
    network = glass(10, 2)
    path = in_fields(network, np.linspace(0, 1, 6)[1:])
    exact = network.enumerate(0.8).log_partition - path[-1].enumerate(0.8).log_partition
    for seed in range(5):
        driven = drive_network(
            network, path, 2000, beta=0.8, n_steps=n_steps, algorithm=algorithm, order=order, rng=seed
        )
        found = jarzynski(driven.work)
        assert abs(found.value - exact) < 4 * found.error
        assert found.mean_work > exact


def test_a_sudden_change_costs_the_mean_of_the_change():
    network = glass(8, 3)
    other = SpinNetwork(network.couplings, 0.5)
    exact = network.enumerate(1.0)
    driven = drive_network(network, [other], 50_000, n_steps=0, rng=1)
    assert abs(z_score(driven.work, -0.5 * exact.magnetization.sum())) < 4
    assert (driven.heat == 0).all()
    magnet = ferromagnet(8)
    cooled = drive_network(magnet, [0.5, 1.0], 50_000, n_steps=0, rng=1)
    assert abs(z_score(cooled.work, 0.5 * magnet.enumerate(0.5).energy)) < 4


def test_slow_driving_costs_the_free_energy():
    network = glass(8, 3)
    exact = network.enumerate(1.0).log_partition
    lost = []
    for n in (2, 10, 100):
        path = in_fields(network, np.linspace(0, 1, n + 1)[1:])
        works = drive_network(network, path, 4000, n_steps=2, rng=n).work
        lost.append(works.mean() - exact + path[-1].enumerate(1.0).log_partition)
    assert lost[0] > 3 * lost[1] > 9 * lost[2] > 0


def test_both_ways():
    network = glass(10, 5)
    path = in_fields(network, np.linspace(0, 0.6, 4)[1:])
    exact = network.enumerate(1.0).log_partition - path[-1].enumerate(1.0).log_partition
    forward = drive_network(network, path, 20_000, rng=1).work
    reverse = drive_network(path[-1], [*path[-2::-1], network], 20_000, rng=2).work
    found, line = bennett(forward, reverse), crooks_ratio(forward, reverse)
    assert abs(found.value - exact) < 4 * found.error
    # a sweep in order of the spins is not its own reverse: Crooks' line holds for sites at random only
    forward = drive_network(network, path, 20_000, order="random", rng=1).work
    reverse = drive_network(path[-1], [*path[-2::-1], network], 20_000, order="random", rng=2).work
    line = crooks_ratio(forward, reverse)
    assert abs(line.slope - 1) < 4 * line.slope_error
    assert abs(line.crossing - exact) < 4 * line.crossing_error


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 6), st.integers(0, 3), st.integers(0, 10**6), st.floats(0, 2))
def test_the_first_law(n, n_steps, seed, beta):
    network = glass(n, seed)
    path = [glass(n, seed + 1, 0.3), glass(n, seed + 2)]
    initial = np.random.default_rng(seed).choice(np.array([-1, 1], np.int8), (7, n))
    driven = drive_network(network, path, 7, beta=beta, n_steps=n_steps, initial=initial, rng=seed)
    change = beta * (path[-1].energy(driven.spins) - network.energy(initial))
    np.testing.assert_allclose(driven.work - driven.heat, change, atol=1e-12)
    np.testing.assert_allclose(driven.energy_change, change, atol=1e-12)


def test_a_network_of_many_spins_from_infinite_temperature():
    """Annealed importance sampling of 60 spins, against the exact sum over the magnetization."""
    n, beta = 60, 0.8
    k = np.arange(n + 1)
    spin = 2 * k - n
    log_z = logsumexp(gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1) + beta * (spin**2 - n) / (2 * n))
    driven = drive_network(ferromagnet(n), np.linspace(0, beta, 30), 3000, rng=1)
    found = jarzynski(driven.work)
    assert abs(n * math.log(2) - found.value - log_z) < 4 * found.error
    assert found.error < 0.05
    # without couplings spins in fields are drawn exactly at any size
    loose = SpinNetwork(np.zeros((n, n)), np.linspace(-1, 1, n))
    driven = drive_network(loose, in_fields(loose, [np.linspace(-0.9, 1, n)]), 20_000, n_steps=0, rng=1)
    exact = np.log(np.cosh(np.linspace(-1, 1, n)) / np.cosh(np.linspace(-0.9, 1, n))).sum()
    assert abs(z_score(np.exp(-driven.work), math.exp(-exact))) < 4


def test_seeds_kinds_and_copies():
    network = sherrington_kirkpatrick(9, rng=1)
    one, other = (drive_network(network, [0.2, 0.5, 1.0], 50, rng=3) for _ in range(2))
    assert one == other
    assert one != drive_network(network, [0.2, 0.5, 1.0], 50, rng=4)
    assert isinstance(one, DrivenNetwork)
    assert "50 chains of 9 spins" in repr(one)
    narrow = SpinNetwork(network.couplings.astype(np.float32))
    assert abs(drive_network(narrow, [0.2, 1.0], 50, rng=3).work.mean() - one.work.mean()) < 1
    initial = np.ones((50, 9), dtype=np.int8)
    drive_network(network, [0.2, 1.0], 50, initial=initial, rng=1, progress=True)
    assert (initial == 1).all()


PAIR = ferromagnet(2)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: drive_network(1.0, [0.0, 1.0], 3), TypeError, "network must be a SpinNetwork; got 1.0"),
        (lambda: drive_network(PAIR, PAIR, 3), TypeError, "path must be a row of networks"),
        (lambda: drive_network(PAIR, [0.5], 3), ValueError, "path must be a row of two inverse temperatures"),
        (lambda: drive_network(PAIR, [], 3), ValueError, "path must be a row of two"),
        (lambda: drive_network(PAIR, [0.5, -1.0], 3), ValueError, "path must be at least 0; got -1.0"),
        (lambda: drive_network(PAIR, [0.5, math.nan], 3), ValueError, "path must be finite; got nan"),
        (
            lambda: drive_network(PAIR, [PAIR, 1.0], 3),
            TypeError,
            "networks only, or no network; entry 1 is 1.0",
        ),
        (lambda: drive_network(PAIR, [ferromagnet(3)], 3), ValueError, "networks of 2 spins; entry 0 has 3"),
        (lambda: drive_network(PAIR, [PAIR], 3, beta=-1.0), ValueError, "beta must be at least 0; got -1.0"),
        (
            lambda: drive_network(PAIR, [0.0, 1.0], 3, beta=2.0),
            ValueError,
            "beta must be left out .* got 2.0",
        ),
        (lambda: drive_network(PAIR, [PAIR], 0), ValueError, "n_chains must be at least 1; got 0"),
        (
            lambda: drive_network(PAIR, [PAIR], 3, n_steps=-1),
            ValueError,
            "n_steps must be at least 0; got -1",
        ),
        (lambda: drive_network(PAIR, [PAIR], 3, algorithm="wolff"), ValueError, "algorithm must be one of"),
        (lambda: drive_network(PAIR, [PAIR], 3, order="odd"), ValueError, "order must be one of"),
        (lambda: drive_network(PAIR, [PAIR], 3, rng="x"), TypeError, "rng"),
        (
            lambda: drive_network(PAIR, [PAIR], 3, initial=np.ones((2, 2), np.int8)),
            ValueError,
            "initial must have the shape \\(3, 2\\); got \\(2, 2\\)",
        ),
        (
            lambda: drive_network(PAIR, [PAIR], 3, initial=np.ones((3, 2))),
            TypeError,
            "initial must be an int8",
        ),
        (
            lambda: drive_network(ferromagnet(21), [0.5, 1.0], 3),
            ValueError,
            "initial must be given for 21 spins",
        ),
    ],
)
def test_bad_input(call, error, message):
    with pytest.raises(error, match=message):
        call()
