"""Messages: what a bond passes on against mpmath, and the kernels beside enumeration and each other."""

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numba import njit

from smbook.kernels import messages
from smbook.network import from_edges
from tests.network.exact import rebuilt

TREE = [(0, 1), (0, 2), (1, 3), (1, 4), (2, 5), (2, 6)]
STRENGTHS = [0.5, -0.7, 0.9, 0.3, -0.4, 1.1]
FIELDS = np.array([0.1, -0.2, 0.3, -0.4, 0.5, -0.6, 0.7])
NUMBERS = st.floats(-40, 40) | st.floats(-1, 1) | st.floats(-1e-6, 1e-6)


def rows_of(network):
    """Return entries, columns and starts of a sparse network, and the reverse of each entry."""
    couplings = network.couplings
    entries, columns = couplings.data.copy(), couplings.indices.astype(np.int64)
    starts, reverse = couplings.indptr.astype(np.int64), np.empty_like(columns)
    messages.reverse_entries(columns, starts, np.empty(network.n_spins, np.int64), reverse)
    return entries, columns, starts, reverse


def passed(network, beta, n_steps, *, damping=0.0, kernels=messages):
    """Return messages after some updates from 0, the changes, and what is believed then."""
    entries, _, starts, reverse = rows_of(network)
    fields = network.fields.copy()
    sent, cavities = np.zeros(entries.size), np.empty(entries.size)
    known = beta, entries, starts, reverse, fields
    changes = [kernels.pass_messages(*known, damping, sent, cavities) for _ in range(n_steps)]
    means, correlations = np.empty(fields.size), np.empty(entries.size)
    kernels.beliefs(beta, starts, fields, sent, means)
    kernels.edge_correlations(*known, sent, cavities, correlations)
    return sent, changes, means, correlations, kernels.bethe_log_partition(*known, sent, cavities)


def enumerated(network, beta):
    entries, columns, starts, _ = rows_of(network)
    means, correlations = np.empty(network.n_spins), np.empty(entries.size)
    log_z = messages.enumerate_spins(
        beta, entries, columns, starts, network.fields.copy(), means, correlations
    )
    return means, correlations, log_z


@given(NUMBERS, NUMBERS)
def test_what_a_bond_passes_on_has_its_digits(a, b):
    with mpmath.workprec(400):
        exact = mpmath.atanh(mpmath.tanh(mpmath.mpf(a)) * mpmath.tanh(mpmath.mpf(b)))
        error = abs(mpmath.mpf(messages.passed_on(a, b)) - exact)
    assert error <= 4e-15 * abs(exact) + 1e-300
    assert messages.passed_on(a, b) == messages.passed_on(b, a) == -messages.passed_on(-a, b)


@given(st.floats(-1e300, 1e300), st.floats(-1e300, 1e300))
def test_no_field_is_too_large(a, b):
    assert abs(messages.passed_on(a, b)) <= min(abs(a), abs(b)) * (1 + 1e-14)
    assert abs(messages.log_cosh(a) - (np.logaddexp(a, -a) - np.log(2))) <= 1e-15 * max(1, abs(a))


def test_each_entry_finds_its_mirror_image():
    entries, columns, _, reverse = rows_of(from_edges(7, TREE, couplings=STRENGTHS))
    assert (reverse[reverse] == np.arange(12)).all()
    assert (entries[reverse] == entries).all()
    assert (columns[reverse][reverse] == columns).all()
    assert columns[reverse].tolist() == sorted(columns[reverse])


def test_the_tree_of_seven_is_exact_after_four_updates():
    network = from_edges(7, TREE, couplings=STRENGTHS, fields=FIELDS)
    _, _, means, correlations, log_z = passed(network, 1.0, 4)
    exact_means, exact_correlations, exact = enumerated(network, 1.0)
    assert abs(log_z - 7.1199492713) < 1e-10
    assert abs(log_z - exact) < 1e-13
    np.testing.assert_allclose(means, exact_means, rtol=0, atol=1e-14)
    np.testing.assert_allclose(correlations, exact_correlations, rtol=0, atol=1e-14)
    np.testing.assert_allclose(
        exact_means,
        [-0.5100157788, -0.4813147338, 0.7885371343, -0.5183949258, 0.3184005294, -0.70193849, 0.8065263083],
        atol=6e-11,
    )
    assert abs(passed(network, 1.0, 3)[2] - exact_means).max() > 1e-3


def echoing(beta, starts, fields, messages, cavities):
    """Find cavities that still have in them what the neighbour told: a wrong rule."""
    for i in range(fields.size):
        total = beta * fields[i]
        for k in range(starts[i], starts[i + 1]):
            total += messages[k]
        for k in range(starts[i], starts[i + 1]):
            cavities[k] = total


def test_a_spin_that_tells_its_neighbour_what_it_told_is_caught():
    wrong = rebuilt(messages, _find_cavities=njit(echoing))
    network = from_edges(7, TREE, couplings=STRENGTHS, fields=FIELDS)
    means = passed(network, 1.0, 50, kernels=wrong)[2]
    assert abs(means - enumerated(network, 1.0)[0]).max() > 0.02


def test_bethe_is_stationary_at_the_fixed_point():
    """Messages that are wrong by e change it by e^2, on a loop too; where u alone were wrong, by e."""
    network = from_edges(4, [(0, 1), (1, 2), (2, 3), (0, 3), (0, 2)], fields=[0.1, 0.2, -0.3, 0.4])
    entries, _, starts, reverse = rows_of(network)
    sent, changes, _, _, log_z = passed(network, 0.4, 300)
    assert changes[-1] < 1e-15
    random = np.random.default_rng(1).normal(size=sent.size)
    known, cavities = (0.4, entries, starts, reverse, network.fields.copy()), np.empty(sent.size)
    errors = [
        abs(messages.bethe_log_partition(*known, sent + scale * random, cavities) - log_z)
        for scale in (1e-2, 1e-3)
    ]
    assert 80 < errors[0] / errors[1] < 120


def test_damping_keeps_a_share_and_the_change_is_told_without_it():
    network = from_edges(3, [(0, 1), (1, 2)], fields=[0.3, -0.2, 0.5])
    plain, changes, *_ = passed(network, 0.8, 1)
    damped, damped_changes, *_ = passed(network, 0.8, 1, damping=0.25)
    np.testing.assert_allclose(damped, 0.75 * plain, rtol=1e-15)
    assert changes == damped_changes == [abs(plain).max()]


@pytest.mark.parametrize("seed", range(10))
def test_enumeration_agrees_with_that_of_the_network(seed):
    random = np.random.default_rng(seed)
    pairs = np.array(np.triu_indices(7, 1)).T[random.permutation(21)[:11]]
    network = from_edges(7, pairs, couplings=random.normal(size=11), fields=random.normal(size=7))
    exact = network.enumerate(1.3)
    means, correlations, log_z = enumerated(network, 1.3)
    assert abs(log_z - exact.log_partition) < 1e-12
    np.testing.assert_allclose(means, exact.magnetization, atol=1e-13)
    rows = np.repeat(np.arange(7), np.diff(network.couplings.indptr))
    np.testing.assert_allclose(correlations, exact.correlations[rows, network.couplings.indices], atol=1e-13)


def test_fourteen_spins_at_any_temperature():
    network = from_edges(14, [(i, i + 1) for i in range(13)], couplings=-2.0, fields=0.5)
    means, correlations, log_z = enumerated(network, 500.0)
    assert log_z == pytest.approx(500 * 26.0 + np.log(2.0), abs=1e-9)  # two states, of no magnetization
    assert abs(means).max() < 1e-12
    assert (correlations == -1.0).all()
