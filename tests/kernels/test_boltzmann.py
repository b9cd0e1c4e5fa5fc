"""Kernels of Boltzmann machines: sums over states in NumPy, laws of chains, and the browser's bits."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import logsumexp

from smbook import statistics
from smbook.kernels import boltzmann as kernels
from smbook.kernels.rng import seed_state
from smbook.network import SpinNetwork
from smbook.widgets import compiler
from tests.network.exact import all_states, energies, gibbs, p_value, random_couplings
from tests.wasm import Kernels


@pytest.fixture(scope="module")
def wasm():
    return Kernels(compiler.WASM.read_bytes())


def a_machine(n_units, seed, strength=1.0):
    random = np.random.default_rng(seed)
    return strength * random_couplings(n_units, seed), strength * random.normal(size=n_units) / 2


def a_law(n_visible, seed, *, blank=0):
    law = np.random.default_rng(seed).random(2**n_visible)
    law[:blank] = 0.0
    return law / law.sum()


def exact_phases(library, matrix, fields, data):
    """Both phases as a page finds them: averages of the clamped one and of the free one, F, p and ln Z."""
    n, n_states = fields.size, data.size
    averages = np.zeros(n), np.zeros((n, n)), np.zeros(n), np.zeros((n, n))
    room = np.ones(n, np.int8), np.zeros(n), np.zeros(2**n)
    free_energies, law = np.zeros(n_states), np.zeros(n_states)
    log_partition = library.exact_phases(
        matrix, fields, data, *room, free_energies, law, np.zeros(2**n), *averages
    )
    return *averages, free_energies, law, log_partition


@given(st.integers(1, 5), st.integers(0, 3), st.integers(0, 10**6), st.floats(0, 5), st.booleans())
def test_exact_phases_are_sums_over_all_states(n_visible, n_hidden, seed, strength, sparse):
    n = n_visible + n_hidden
    matrix, fields = a_machine(n, seed, strength)
    data = a_law(n_visible, seed, blank=2 ** (n_visible - 1) if sparse else 0)
    *averages, free_energies, law, log_partition = exact_phases(kernels, matrix, fields, data)
    network = SpinNetwork(matrix, fields)
    joint = gibbs(network, 1.0).reshape(2**n_hidden, 2**n_visible)
    clamped = joint / joint.sum(axis=0) * data
    states = all_states(n).astype(float)
    for means, products, expected in zip(averages[::2], averages[1::2], (clamped, joint), strict=True):
        np.testing.assert_allclose(means, expected.ravel() @ states, atol=1e-12)
        np.testing.assert_allclose(products, (states.T * expected.ravel()) @ states, atol=1e-12)
        assert (products.diagonal() == 1.0).all()
    np.testing.assert_allclose(law, joint.sum(axis=0), atol=1e-14, rtol=1e-11)
    found = energies(network).reshape(joint.shape)
    np.testing.assert_allclose(free_energies, -logsumexp(-found, axis=0), atol=1e-11)
    assert log_partition == pytest.approx(logsumexp(-found), rel=1e-12, abs=1e-12)
    kept = data > 0
    likelihood = data[kept] @ np.log(law[kept])
    assert kernels.log_likelihood(data, free_energies, log_partition) == pytest.approx(likelihood, rel=1e-9)
    kl = data[kept] @ np.log(data[kept] / law[kept])
    assert kernels.kl_divergence(data, free_energies, log_partition) == pytest.approx(kl, abs=1e-11, rel=1e-9)


def test_no_energy_is_too_large():
    """exp(1000) is no float64; likelihoods of improbable data are right all the same."""
    matrix, fields = a_machine(4, 1, 1000.0)
    data = np.full(4, 0.25)
    *averages, free_energies, law, log_partition = exact_phases(kernels, matrix, fields, data)
    assert all(np.isfinite(part).all() for part in (*averages, free_energies, law))
    assert law.sum() == pytest.approx(1.0)
    found = energies(SpinNetwork(matrix, fields)).reshape(4, 4)
    log_law = logsumexp(-found, axis=0) - logsumexp(-found)
    assert kernels.log_likelihood(data, free_energies, log_partition) == pytest.approx(log_law.mean())
    assert kernels.log_likelihood(data, free_energies, log_partition) < -500


@given(st.integers(1, 4), st.integers(0, 10**6))
def test_a_divergence_is_never_negative_and_vanishes_between_equals(n_visible, seed):
    matrix, fields = a_machine(n_visible + 2, seed)
    *_, free_energies, law, log_partition = exact_phases(kernels, matrix, fields, a_law(n_visible, seed))
    assert kernels.kl_divergence(law, free_energies, log_partition) == pytest.approx(0.0, abs=1e-14)
    assert kernels.kl_divergence(a_law(n_visible, seed), free_energies, log_partition) >= 0.0


# Chains


def phase(library, matrix, fields, rows, shares, count, n_sweeps, state):
    """Chains and averages after a phase that begins with chains of its own."""
    n, n_clamped = fields.size, rows.shape[1]
    chains, weights = np.ones((count, n), np.int8), np.zeros(count)
    library.begin_phase(rows, shares, state, chains, weights)
    sites = np.arange(n_clamped, n)
    room = np.zeros(sites.size, np.uint64), np.zeros(sites.size), np.zeros(n), np.zeros(1, np.int64)
    means, products = np.zeros(n), np.zeros((n, n))
    library.sample_phase(matrix, fields, chains, weights, sites, state, *room, n_sweeps, means, products)
    return chains, weights, means, products


ROWS, SHARES = np.array([[1, -1], [-1, 1], [1, 1]], np.int8), np.array([0.5, 0.2, 0.3])
FREE = np.empty((1, 0), np.int8), np.ones(1)


def test_chains_are_clamped_to_rows_and_weigh_as_they_do():
    matrix, fields = a_machine(5, 3)
    chains, weights, means, products = phase(kernels, matrix, fields, ROWS, SHARES, 8, 20, seed_state(1))
    for c in range(8):
        assert chains[c, :2].tolist() == ROWS[c % 3].tolist()
    assert weights.tolist() == pytest.approx(
        [0.5 / 3, 0.2 / 3, 0.15, 0.5 / 3, 0.2 / 3, 0.15, 0.5 / 3, 0.2 / 3]
    )
    np.testing.assert_allclose(means, weights @ chains, atol=1e-15)
    np.testing.assert_allclose(products, (chains.T * weights) @ chains, atol=1e-15)
    np.testing.assert_allclose(means[:2], SHARES @ ROWS, atol=1e-15)


@pytest.mark.parametrize("clamped", [True, False])
def test_chains_follow_the_law_given_their_rows(clamped):
    """Independent chains, a chi-square over the states of the units that move."""
    matrix, fields = a_machine(5, 3)
    rows, shares = (ROWS[:1], np.ones(1)) if clamped else FREE
    chains, *_ = phase(kernels, matrix, fields, rows, shares, 40_000, 60, seed_state(2))
    law = gibbs(SpinNetwork(matrix, fields), 1.0)
    if clamped:
        given = law[np.arange(32) % 4 == 1]
        assert p_value(chains[:, 2:], given / given.sum()) > 1e-4
        assert p_value(chains[:, 2:], law.reshape(8, 4).sum(axis=1)) < 1e-9  # that of other rows, too
    else:
        assert p_value(chains, law) > 1e-4


def z_of_energy(clamped, *, beta, n_sweeps):
    """How many errors the mean energy of long chains is off, of couplings and fields times `beta`."""
    matrix, fields = a_machine(6, 5, 1.5)
    rows, shares = (ROWS, SHARES) if clamped else FREE
    state, count = seed_state(1), 999
    chains, weights, means, products = phase(kernels, matrix, fields, rows, shares, count, 50, state)
    sites = np.arange(rows.shape[1], 6)
    room = np.zeros(sites.size, np.uint64), np.zeros(sites.size), np.zeros(6), np.zeros(1, np.int64)
    series = np.empty(n_sweeps)
    for k in range(series.size):
        kernels.sample_phase(
            beta * matrix, beta * fields, chains, weights, sites, state, *room, 1, means, products
        )
        series[k] = -(matrix * products).sum() / 2 - fields @ means + matrix.trace() / 2
    network = SpinNetwork(matrix, fields)
    law = gibbs(network, 1.0)
    if clamped:
        data = np.zeros(4)
        data[(ROWS > 0) @ [1, 2]] = SHARES
        joint = law.reshape(16, 4)
        law = (joint / joint.sum(axis=0) * data).ravel()
    return statistics.mean(series).z(law @ energies(network))


@pytest.mark.parametrize(("clamped", "n_sweeps", "bias"), [(False, 20_000, 2e-3), (True, 5000, 4e-3)])
def test_averages_of_chains_are_those_of_the_law(clamped, n_sweeps, bias):
    """The energy to 3e-4 or 6e-4 of itself; chains that are colder by the bias are seen."""
    assert abs(z_of_energy(clamped, beta=1.0, n_sweeps=n_sweeps)) < 4
    assert abs(z_of_energy(clamped, beta=1.0 + bias, n_sweeps=n_sweeps)) > 4


@given(st.integers(1, 5), st.integers(1, 30), st.integers(0, 10**6))
def test_a_tally_is_the_law_of_the_rows(n_visible, count, seed):
    random = np.random.default_rng(seed)
    rows = random.choice(np.array([-1, 1], np.int8), (count, n_visible + 2))
    weights, law = random.random(count), np.ones(2**n_visible)
    kernels.tally(rows, weights, law)
    expected = np.zeros(2**n_visible)
    for row, weight in zip(rows, weights, strict=True):
        expected[(row[:n_visible] > 0) @ (1 << np.arange(n_visible))] += weight
    np.testing.assert_allclose(law, expected)


# Learning


def test_a_step_goes_up_the_gradient_where_there_are_connections():
    random, n = np.random.default_rng(1), 4
    means, others = random.normal(size=(2, n))
    products, apart = (random_couplings(n, seed) for seed in (1, 2))
    matrix, fields = a_machine(n, 3)
    mask = np.ones((n, n), np.int8) - np.eye(n, dtype=np.int8)
    mask[0, 1] = mask[1, 0] = 0
    before, was = matrix.copy(), fields.copy()
    steps = random_couplings(n, 4), random.normal(size=n)
    earlier = steps[0].copy(), steps[1].copy()
    kernels.learn(means, products, others, apart, mask, 0.1, 0.9, 0.01, matrix, fields, *steps)
    expected = 0.9 * earlier[0] + 0.1 * (products - apart - 0.01 * before)
    np.testing.assert_allclose(matrix, before + np.where(mask > 0, expected, 0.0), atol=1e-15)
    np.testing.assert_allclose(steps[0][mask > 0], expected[mask > 0], atol=1e-15)
    np.testing.assert_allclose(fields, was + 0.9 * earlier[1] + 0.1 * (means - others), atol=1e-15)
    assert (matrix == matrix.T).all()
    assert matrix[0, 1] == before[0, 1]
    assert not matrix.diagonal().any()


# A page


def a_page(library, seed):
    """A machine that learns in a page, exactly and by samples: all that it knows in the end."""
    n, data, state = 5, np.zeros(4), seed_state(seed)
    matrix, fields = a_machine(n, seed)
    mask, steps = np.ones((n, n), np.int8), (np.zeros((n, n)), np.zeros(n))
    library.tally(ROWS, SHARES, data)
    notes = []
    for _ in range(3):
        *averages, free_energies, law, log_partition = exact_phases(library, matrix, fields, data)
        notes += [library.kl_divergence(data, free_energies, log_partition)]
        notes += [library.log_likelihood(data, free_energies, log_partition), *law]
        library.learn(*averages, mask, 0.3, 0.5, 0.01, matrix, fields, *steps)
        sampled = [phase(library, matrix, fields, *rows, 7, 3, state)[2:] for rows in ((ROWS, SHARES), FREE)]
        library.learn(*sampled[0], *sampled[1], mask, 0.3, 0.5, 0.01, matrix, fields, *steps)
    return *notes, *matrix.flat, *fields, *state


@pytest.mark.parametrize("seed", range(5))
def test_a_page_computes_the_same_bits(wasm, seed):
    assert a_page(wasm, seed) == a_page(kernels, seed)


def test_a_page_that_computes_other_bits_is_seen(wasm):
    assert a_page(wasm, 1) != a_page(kernels, 2)
    assert math.isfinite(sum(map(float, a_page(kernels, 1))))
