"""Naive mean field and TAP: bounds, tables, and the Sherrington-Kirkpatrick model with a reaction or none."""

import functools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smbook.kernels import messages as kernels
from smbook.message_passing import naive_mean_field, tap
from smbook.network import SpinNetwork, ferromagnet, from_edges, sherrington_kirkpatrick
from smbook.theory.message_passing import plefka_free_energy
from smbook.theory.spin_glass import almeida_thouless_stability, sk_replica_symmetric
from tests.network.exact import dense

TREE = [(0, 1), (0, 2), (1, 3), (1, 4), (2, 5), (2, 6)]
TRIANGLE = [(0, 1), (1, 2), (0, 2)]
GRID = [(i, i + 1) for i in range(9) if i % 3 < 2] + [(i, i + 3) for i in range(6)]
BOTH = pytest.mark.parametrize("method", [naive_mean_field, tap])


def sk(n, field, seed):
    return SpinNetwork(sherrington_kirkpatrick(n, rng=seed).couplings, field)


# Tables


def test_the_tree_of_seven_is_beyond_mean_fields():
    network = from_edges(
        7, TREE, couplings=[0.5, -0.7, 0.9, 0.3, -0.4, 1.1], fields=[0.1, -0.2, 0.3, -0.4, 0.5, -0.6, 0.7]
    )
    exact = network.enumerate(1.0).magnetization
    for found, log_partition, error in (
        (naive_mean_field(network, 1.0), 6.8297, 0.37),
        (tap(network, 1.0), 7.0489, 0.14),
    ):
        assert found.converged
        assert abs(found.log_partition - log_partition) < 5e-5
        assert abs(abs(found.magnetization - exact).max() - error) < 5e-3


@pytest.mark.parametrize(
    ("edges", "couplings", "field", "beta", "naive", "onsager"),
    [
        (TRIANGLE, 1.0, 0.2, 0.3, 2.092818, 2.223739),
        (TRIANGLE, 1.0, 0.2, 0.5, 2.221330, 2.484640),
        (TRIANGLE, 1.0, 0.2, 1.0, 3.638568, None),
        (TRIANGLE, [1, 1, -1], 0.2, 0.5, 2.106549, 2.468446),
        (TRIANGLE, [1, 1, -1], 0.2, 1.0, 2.361650, None),
        (GRID, 1.0, 0.1, 0.3, 6.262736, 6.787862),
        (GRID, 1.0, 0.1, 0.5, 7.227447, 7.774348),
        (GRID, 1.0, 0.1, 0.7, 9.309367, 9.353350),
        (GRID, 1.0, 0.1, 1.0, 12.968957, 12.971499),
    ],
)
def test_loops_have_the_numbers_of_their_table(edges, couplings, field, beta, naive, onsager):
    network = from_edges(1 + max(map(max, edges)), edges, couplings=couplings, fields=field)
    found = naive_mean_field(network, beta, damping=0.5)
    assert found.converged
    assert abs(found.log_partition - naive) < 1e-6
    if onsager is not None:
        found = tap(network, beta, damping=0.5, initial=0.9)  # .7 has two solutions on the grid
        assert found.converged
        assert abs(found.log_partition - onsager) < 1e-6


def test_many_weak_couplings_of_one_sign_are_mean_field():
    """The Curie-Weiss magnet: both methods solve m = tanh(beta m), within 1 / N."""
    n, beta = 500, 1.5
    m = naive_mean_field(ferromagnet(n), beta, initial=0.5).magnetization[0]
    assert abs(m - math.tanh(beta * m * (n - 1) / n)) < 1e-12
    assert abs(tap(ferromagnet(n), beta, initial=0.5).magnetization[0] - m) < 3 / n


# The bound


@given(st.data())
def test_naive_mean_field_never_exceeds_ln_z(data):
    """Whatever the couplings, and long before it has settled: it is the bound of some independent spins."""
    n = data.draw(st.integers(1, 5))
    numbers = st.floats(-3, 3)
    upper = np.triu_indices(n, 1)
    couplings = np.zeros((n, n))
    couplings[upper] = data.draw(st.lists(numbers, min_size=upper[0].size, max_size=upper[0].size))
    fields = data.draw(st.lists(numbers, min_size=n, max_size=n))
    network, beta = SpinNetwork(couplings + couplings.T, fields), data.draw(st.floats(0, 3))
    first = data.draw(st.floats(-1, 1))
    steps, damping = data.draw(st.integers(1, 30)), data.draw(st.floats(0, 0.9))
    found = naive_mean_field(network, beta, initial=first, max_steps=steps, damping=damping)
    exact = network.enumerate(beta).log_partition
    assert found.log_partition <= exact + 1e-12 * max(1.0, abs(exact))


def test_tap_is_no_bound():
    network = from_edges(3, TRIANGLE, couplings=[1, 1, -1], fields=0.2)
    assert tap(network, 0.5, damping=0.5).log_partition > network.enumerate(0.5).log_partition + 0.1


# Where the equations come from


@pytest.mark.parametrize("seed", range(5))
def test_what_has_settled_makes_the_free_energy_stationary(seed):
    """The slopes of Plefka's series of order 1 and 2 vanish there, and its value is ln Z."""
    random = np.random.default_rng(seed)
    upper = np.triu(random.normal(size=(6, 6)), 1) * 0.4
    network = SpinNetwork(upper + upper.T, random.normal(size=6))
    for order, method in ((1, naive_mean_field), (2, tap)):
        found = method(network, 0.9, damping=0.3)
        assert found.converged
        energy = functools.partial(
            plefka_free_energy, network.couplings, network.fields, beta=0.9, order=order
        )
        m = found.magnetization
        assert abs(found.log_partition + energy(m)) < 1e-12
        for i in range(6):
            shift = 1e-6 * np.eye(6)[i]
            assert abs(energy(m + shift) - energy(m - shift)) / 2e-6 < 1e-6


def test_naive_mean_field_orders_at_the_largest_eigenvalue():
    """beta lambda_max = 1: sqrt(8) for the 3 x 3 grid, where belief propagation waits until .6585."""
    network, critical = from_edges(9, GRID), 1 / math.sqrt(8)
    assert abs(np.linalg.eigvalsh(dense(network))[-1] - math.sqrt(8)) < 1e-12
    below = naive_mean_field(network, critical - 0.01, initial=1e-3, max_steps=3000)
    above = naive_mean_field(network, critical + 0.01, initial=1e-3, max_steps=3000)
    assert below.converged
    assert above.converged
    assert abs(below.magnetization).max() < 1e-11
    assert above.magnetization.min() > 0.05


# The Sherrington-Kirkpatrick model above the line of de Almeida and Thouless

CORES = 1.0, 1.0  # T and h, where the stability is .682 and beta h is of order 1


def settled_with(reaction, network, beta):
    """Return means with another factor in front of Onsager's term: 1 is right, 0 leaves it out."""
    couplings, h = np.asarray(network.couplings), network.fields
    m = older = np.zeros(network.n_spins)
    for _ in range(300):
        response = beta * couplings**2 @ (1 - m**2)
        new = np.tanh(beta * (h + couplings @ m - reaction * response * older))
        m, older = 0.4 * new + 0.6 * m, m
    return m


def deviations(n, samples, method):
    """Return the mean squared deviation of the means from those of enumeration, one for each sample."""
    temperature, field = CORES
    assert almeida_thouless_stability(1 / temperature, field=field) > 0.6
    found = []
    for seed in range(samples):
        network = sk(n, field, 1000 * n + seed)
        found.append(np.mean((method(network, 1 / temperature) - exact_means(n, seed)) ** 2))
    return np.array(found)


@functools.cache
def exact_means(n, seed):
    temperature, field = CORES
    return sk(n, field, 1000 * n + seed).enumerate(1 / temperature).magnetization


def by_tap(network, beta):
    found = tap(network, beta, damping=0.3, max_steps=5000)
    assert found.change < 1e-6 or network.n_spins < 15
    return found.magnetization


def by_naive(network, beta):
    return naive_mean_field(network, beta, damping=0.5).magnetization


SAMPLES = {10: 300, 14: 200, 20: 24}


def test_tap_is_within_its_one_over_n_of_enumeration_and_naive_mean_field_is_not():
    """At T = 1, h = 1 the mean squared error of m is .024 / N for TAP and .024, whatever N, without Onsager.

    The bounds leave 4 errors over samples at each N. At N = 20 naive mean field is some twenty times worse.
    """
    scaled, naive = {}, {}
    for n, samples in SAMPLES.items():
        for found, method in ((scaled, by_tap), (naive, by_naive)):
            values = deviations(n, samples, method)
            found[n] = values.mean(), values.std() / math.sqrt(samples)
        mean, error = scaled[n]
        assert abs(n * mean - 0.024) < 4 * n * error
        assert n * mean < 0.04
        mean, error = naive[n]
        assert abs(mean - 0.0237) < 4 * error
    assert naive[20][0] > 10 * scaled[20][0]


@pytest.mark.parametrize(("reaction", "right"), [(1.0, True), (0.0, False), (-1.0, False), (0.5, False)])
def test_a_reaction_of_the_wrong_size_is_seen_at_twenty_spins(reaction, right):
    """N times the error is .027, .22 with half of the term, .59 without, and 1.3 with the wrong sign."""
    values = deviations(20, SAMPLES[20], functools.partial(settled_with, reaction))
    assert bool(20 * values.mean() < 0.04) is right


def test_ln_z_of_tap_is_off_by_a_number_that_does_not_grow():
    """ln Z at N = 14 and 20: off by .05 of some 20, where naive mean field is off by .035 a spin."""
    for n in (14, 20):
        found = []
        for seed in range(12):
            network = sk(n, 1.0, 1000 * n + seed)
            exact = network.enumerate(1.0).log_partition
            naive = naive_mean_field(network, 1.0, damping=0.5).log_partition
            found.append([tap(network, 1.0, damping=0.3).log_partition - exact, naive - exact])
        off, naive_off = np.mean(found, axis=0)
        assert abs(off) < 0.15
        assert -0.06 * n < naive_off < -0.02 * n


# Bolthausen's iteration


def steps_of(network, beta, n_steps, same):
    """Return the mean squares of the steps of TAP from sqrt(q), and q at the end."""
    couplings = np.asarray(network.couplings)
    n, field = network.n_spins, network.fields.copy()
    columns = np.ascontiguousarray(np.broadcast_to(np.arange(n), (n, n))).ravel()
    rows = couplings.ravel(), columns, n * np.arange(n + 1)
    first = math.sqrt(sk_replica_symmetric(beta, field=float(field[0])).q)
    means, room, found = np.full(n, first), np.empty(n), []
    older = means.copy() if same else np.zeros(n)
    for _ in range(n_steps):
        before = means.copy()
        kernels.tap_step(beta, *rows, field, 0.0, same, means, older, room)
        found.append(np.mean((means - before) ** 2))
    return np.array(found), np.mean(means**2)


@pytest.mark.parametrize(("temperature", "field"), [(0.5, 1.0), (1.0, 1.0)])
def test_steps_shrink_as_the_line_of_de_almeida_and_thouless_says(temperature, field):
    """By beta^2 <sech^4> each, in the mean of ten samples; and q comes out as the replicas have it."""
    beta = 1 / temperature
    shrinking = 1 - almeida_thouless_stability(beta, field=field)
    runs = [steps_of(sk(600, field, seed), beta, 26, 0) for seed in range(10)]
    factors = np.array([(steps[25] / steps[5]) ** (1 / 20) for steps, _ in runs])
    overlaps = np.array([q for _, q in runs])
    for values, expected in ((factors, shrinking), (overlaps, sk_replica_symmetric(beta, field=field).q)):
        assert abs(values.mean() - expected) < 4 * values.std() / math.sqrt(9)
    assert factors.std() / 3 < 0.03


@pytest.mark.parametrize("seed", range(3))
def test_the_present_means_in_front_of_the_reaction_do_not_settle_where_the_older_do(seed):
    network = sk(300, 1.0, seed)
    older, same = (tap(network, 1.0, reaction=reaction, max_steps=300) for reaction in ("older", "same"))
    assert older.converged
    assert not same.converged
    assert same.change > 0.5
    damped = tap(network, 1.0, reaction="same", damping=0.6, max_steps=2000)
    np.testing.assert_allclose(damped.magnetization, older.magnetization, atol=1e-11)


def test_in_the_glass_neither_settles_and_it_says_so():
    found = tap(sk(500, 0.2, 1), 2.5, initial="random", rng=1, max_steps=200)
    assert not found.converged
    assert "not converged after 200 steps, the last change was" in repr(found)
    assert np.isfinite(found.magnetization).all()


def test_above_its_transition_without_a_field_nothing_is_left():
    found = tap(sk(800, 0.0, 1), 1 / 1.5, initial="random", rng=2, max_steps=400)
    assert abs(found.magnetization).max() < 1e-9
    assert found.log_partition / 800 == pytest.approx(math.log(2) + 1 / (4 * 1.5**2), abs=4e-3)


# How it goes


@BOTH
def test_independent_spins_are_done_at_once(method):
    network = from_edges(4, [], fields=[0.5, -1.0, 0.0, 1000.0])
    found = method(network, 0.7)
    np.testing.assert_allclose(found.magnetization, np.tanh(0.7 * network.fields), rtol=1e-15)
    assert found.log_partition == pytest.approx(network.enumerate(0.7).log_partition, rel=1e-14)
    assert found.steps == 2
    assert "converged in 2 steps" in repr(found)


@BOTH
def test_pieces_do_not_know_of_each_other(method):
    both = from_edges(6, [*TRIANGLE, (3, 4), (4, 5)], fields=[0.2, 0.2, 0.2, 0.5, 0.0, -0.1])
    parts = [
        method(from_edges(3, TRIANGLE, fields=0.2), 0.4),
        method(from_edges(3, [(0, 1), (1, 2)], fields=[0.5, 0.0, -0.1]), 0.4),
    ]
    found = method(both, 0.4)
    assert found.log_partition == pytest.approx(sum(part.log_partition for part in parts), abs=1e-12)
    np.testing.assert_allclose(
        found.magnetization, np.concatenate([part.magnetization for part in parts]), atol=1e-12
    )


@BOTH
@pytest.mark.parametrize("beta", [500.0, 1e100, 1e200])
def test_no_temperature_is_too_low(method, beta):
    network = from_edges(7, TREE, couplings=[0.5, 0.7, 0.9, 0.3, 0.4, 1.1], fields=0.1)
    found = method(network, beta, damping=0.2, initial=1.0)
    assert np.isfinite(found.magnetization).all()
    assert math.isfinite(found.log_partition)
    np.testing.assert_allclose(found.magnetization, 1.0, atol=1e-10)
    assert found.log_partition == pytest.approx(4.6 * beta, rel=1e-9)


@BOTH
def test_beginnings_are_as_told(method):
    network = from_edges(9, GRID)
    up, down = (method(network, 1.0, initial=sign, damping=0.3) for sign in (0.9, -0.9))
    np.testing.assert_allclose(up.magnetization, -down.magnetization, atol=1e-11)
    assert up.magnetization.min() > 0.1
    assert not method(network, 0.6).magnetization.any()
    one, again, other = (method(network, 0.6, initial="random", rng=seed, max_steps=2) for seed in (1, 1, 2))
    assert one == again
    assert one != other
    given_ = np.linspace(-1, 1, 9)
    method(network, 0.6, initial=given_, max_steps=5)
    np.testing.assert_array_equal(given_, np.linspace(-1, 1, 9))


@BOTH
@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"network": np.eye(3)}, TypeError, "SpinNetwork; got ndarray"),
        ({"beta": math.nan}, ValueError, "beta must be finite; got nan"),
        ({"beta": -1.0}, ValueError, "beta must be at least 0; got -1.0"),
        ({"beta": None}, TypeError, "beta must be a real number; got None"),
        ({"damping": 1}, ValueError, "damping must be below 1; got 1"),
        ({"damping": -1e-3}, ValueError, "damping must be at least 0; got -0.001"),
        ({"max_steps": 0}, ValueError, "max_steps must be at least 1; got 0"),
        ({"tolerance": math.inf}, ValueError, "tolerance must be finite; got inf"),
        ({"initial": 1.5}, ValueError, "initial must be means from -1 to 1; got 1.5"),
        ({"initial": [0.0, 0.1, -2.0]}, ValueError, "from -1 to 1; got -2"),
        ({"initial": [0.0, 0.1]}, ValueError, r"one number or 3, a mean for each spin; got shape \(2,\)"),
        ({"initial": [0.0, math.nan, 0.1]}, ValueError, "initial must be finite; got nan"),
        ({"initial": "up"}, ValueError, "got 'up'"),
        ({"initial": "random", "rng": 1.5}, TypeError, "rng must be .*; got 1.5"),
    ],
)
def test_bad_arguments_are_refused(method, change, error, message):
    arguments = {"network": from_edges(3, TRIANGLE), "beta": 1.0} | change
    with pytest.raises(error, match=message):
        method(arguments.pop("network"), arguments.pop("beta"), **arguments)


def test_an_unknown_reaction_is_refused():
    with pytest.raises(ValueError, match="reaction must be one of 'older', 'same'; got 'newer'"):
        tap(from_edges(3, TRIANGLE), 1.0, reaction="newer")
