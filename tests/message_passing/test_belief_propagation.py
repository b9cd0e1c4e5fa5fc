"""Belief propagation: exact on trees and forests, its errors on loops, its onset of order, and bad input."""

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.sparse.csgraph import shortest_path
from scipy.stats import linregress

from smbook.message_passing import belief_propagation
from smbook.network import SpinNetwork, ferromagnet, from_edges, random_regular, random_tree
from smbook.statistics import binned_error
from smbook.theory.message_passing import bethe_lattice, non_backtracking_radius, ring
from tests.network.exact import dense

TREE = [(0, 1), (0, 2), (1, 3), (1, 4), (2, 5), (2, 6)]
TREE_COUPLINGS = [0.5, -0.7, 0.9, 0.3, -0.4, 1.1]
TREE_FIELDS = [0.1, -0.2, 0.3, -0.4, 0.5, -0.6, 0.7]
TRIANGLE = [(0, 1), (1, 2), (0, 2)]
GRID = [(i, i + 1) for i in range(9) if i % 3 < 2] + [(i, i + 3) for i in range(6)]


def longest_path(network):
    """The number of edges of the longest of all shortest paths, at least 1."""
    lengths = shortest_path(dense(network) != 0, unweighted=True)
    return max(1, int(lengths[np.isfinite(lengths)].max()))


def in_time(network, beta):
    """What is believed after as many updates as the longest path has edges."""
    return belief_propagation(network, beta, max_steps=longest_path(network), tolerance=0.0)


def assert_exact(network, beta, found, tolerance=1e-12):
    exact = network.enumerate(beta)
    np.testing.assert_allclose(found.magnetization, exact.magnetization, rtol=0, atol=tolerance)
    np.testing.assert_allclose(found.correlations, exact.correlations[tuple(found.edges.T)], atol=tolerance)
    assert abs(found.log_partition - exact.log_partition) < tolerance * max(1.0, exact.log_partition)


# Trees


def test_the_tree_of_seven_has_the_numbers_of_its_table():
    network = from_edges(7, TREE, couplings=TREE_COUPLINGS, fields=TREE_FIELDS)
    found = belief_propagation(network, 1.0)
    assert found.converged
    assert found.steps == 5  # the fifth update changes nothing
    assert found.change == 0.0
    assert abs(found.log_partition - 7.1199492713) < 1e-10
    pairs = {tuple(edge): value for edge, value in zip(found.edges.tolist(), found.correlations, strict=True)}
    assert abs(pairs[0, 1] - 0.5572583401) < 1e-10
    assert abs(pairs[2, 6] - 0.8868714046) < 1e-10
    assert_exact(network, 1.0, in_time(network, 1.0), 1e-14)


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("beta", [0.0, 0.7, 3.0])
def test_random_trees_are_exact_as_soon_as_all_have_heard_of_all(seed, beta):
    random = np.random.default_rng(seed)
    n = int(random.integers(2, 13))
    network = random_tree(n, fields=random.normal(size=n), rng=seed)
    assert longest_path(network) <= n - 1
    assert_exact(network, beta, in_time(network, beta))


def test_one_update_too_few_is_not_enough():
    """At an end of the longest path nothing is known of the other end's field."""
    network = from_edges(6, [(i, i + 1) for i in range(5)], fields=[2.0, 0, 0, 0, 0, 0])
    early = belief_propagation(network, 1.0, max_steps=4)
    assert early.magnetization[5] == 0.0
    assert not early.converged
    assert network.enumerate(1.0).magnetization[5] > 0.1


@pytest.mark.parametrize("seed", range(10))
def test_forests_with_isolated_spins_are_exact_piece_by_piece(seed):
    random = np.random.default_rng(seed)
    edges = [(0, 1), (1, 2), (4, 5), (5, 6), (5, 7), (9, 8)]  # 3 and 10 stand alone
    order = random.permutation(11)
    network = from_edges(
        11,
        [(int(order[i]), int(order[j])) for i, j in edges],
        couplings=random.normal(size=6),
        fields=random.normal(size=11),
    )
    found = in_time(network, 1.1)
    assert_exact(network, 1.1, found)
    np.testing.assert_allclose(
        found.magnetization[order[[3, 10]]], np.tanh(1.1 * network.fields[order[[3, 10]]]), rtol=1e-15
    )


def test_two_pieces_are_worth_the_sum_of_both():
    """A loop beside a tree: what is wrong on the one does not touch the other."""
    both = from_edges(6, [*TRIANGLE, (3, 4), (4, 5)], fields=[0.2, 0.2, 0.2, 0.5, 0.0, -0.1])
    loop = from_edges(3, TRIANGLE, fields=0.2)
    tree = from_edges(3, [(0, 1), (1, 2)], fields=[0.5, 0.0, -0.1])
    found, parts = belief_propagation(both, 0.5), [belief_propagation(part, 0.5) for part in (loop, tree)]
    assert found.log_partition == pytest.approx(sum(part.log_partition for part in parts), abs=1e-13)
    assert parts[1].log_partition == pytest.approx(tree.enumerate(0.5).log_partition, abs=1e-13)
    np.testing.assert_allclose(
        found.magnetization, np.concatenate([part.magnetization for part in parts]), atol=1e-13
    )


@pytest.mark.parametrize(
    "network",
    [
        from_edges(1, [], fields=0.3),
        from_edges(5, [], fields=[0.1, 0.0, -2.0, 3.0, 0.5]),
        from_edges(10, [(i, i + 1) for i in range(9)], couplings=-0.8, fields=[0.7] + 9 * [0.0]),
        from_edges(10, [(0, i) for i in range(1, 10)], couplings=0.4, fields=0.2),
        from_edges(4, [(0, 1), (1, 2), (2, 3)], couplings=[1.0, 0.0, -1.0], fields=[0.5, 0.1, 0.2, 0.3]),
        from_edges(4, [(0, 1), (1, 2), (2, 3)], couplings=0.0, fields=0.4),
        SpinNetwork([[0, 0, 2], [0, 0, 0], [2, 0, 0]], [0.1, 0.2, 0.3]),
    ],
    ids=["one spin", "no bonds", "chain", "star", "a bond of 0", "all bonds 0", "dense"],
)
def test_special_trees_are_exact(network):
    assert_exact(network, 1.0, in_time(network, 1.0))
    assert belief_propagation(network, 1.0).converged


def test_bonds_of_zero_are_no_edges():
    network = from_edges(4, [(0, 1), (1, 2), (2, 3)], couplings=[1.0, 0.0, -1.0])
    found = belief_propagation(network, 1.0)
    assert found.edges.tolist() == [[0, 1], [2, 3]]
    assert found.edges.dtype == np.int64
    assert found.messages.shape == (4,)


@pytest.mark.parametrize("beta", [500.0, 1e6, 1e150])
def test_a_cold_tree_is_in_its_ground_state(beta):
    network = from_edges(7, TREE, couplings=TREE_COUPLINGS, fields=TREE_FIELDS)
    exact = network.enumerate(500.0)
    found = belief_propagation(network, beta)
    np.testing.assert_array_equal(found.magnetization, exact.ground_states[0])
    assert found.converged
    assert found.log_partition == pytest.approx(-beta * exact.ground_energy, rel=1e-14)
    spins = exact.ground_states[0].astype(float)
    np.testing.assert_array_equal(found.correlations, spins[found.edges].prod(axis=1))


def test_bonds_of_five_hundred_and_a_degenerate_ground_state():
    """Without a field a chain has two ground states, whose means cancel and whose products do not."""
    network = from_edges(4, [(0, 1), (1, 2), (2, 3)], couplings=[500.0, -500.0, 500.0])
    found = belief_propagation(network, 1.0)
    assert found.log_partition == pytest.approx(1500.0 + math.log(2.0), abs=1e-12)
    assert found.correlations.tolist() == [1.0, -1.0, 1.0]
    assert not found.magnetization.any()
    pinned = belief_propagation(
        from_edges(4, network_edges(network), couplings=500.0, fields=[1e-3, 0, 0, 0]), 1
    )
    np.testing.assert_allclose(pinned.magnetization, math.tanh(1e-3), rtol=1e-12)


def network_edges(network):
    return [(int(i), int(j)) for i, j in np.argwhere(np.triu(dense(network)))]


# Loops


@pytest.mark.parametrize(
    ("edges", "couplings", "field", "beta", "exact_log", "bethe", "exact", "believed"),
    [
        (TRIANGLE, 1.0, 0.2, 0.3, 2.24622904, 2.22227698, [0.103597], [0.108744]),
        (TRIANGLE, 1.0, 0.2, 0.5, 2.56703637, 2.47986433, [0.218853], [0.262717]),
        (TRIANGLE, 1.0, 0.2, 1.0, 3.90947938, 3.69966350, [0.515774], [0.829930]),
        (TRIANGLE, [1, 1, -1], 0.2, 0.5, 2.35359414, 2.45435608, [0.099668, 0.153946], [0.082233, 0.127016]),
        (TRIANGLE, [1, 1, -1], 0.2, 1.0, 2.87004121, 3.40960757, [0.197375, 0.319219], [0.081207, 0.131338]),
        (GRID, 1.0, 0.1, 0.3, 6.81169143, 6.78103561, [0.067127, 0.078753], [0.069571, 0.082530]),
        (GRID, 1.0, 0.1, 0.5, 7.94312391, 7.75960924, [0.207751, 0.235987], [0.299710, 0.352923]),
        (GRID, 1.0, 0.1, 0.7, 9.72758656, 9.46051443, [0.421549, 0.453174], [0.771049, 0.847469]),
        (GRID, 1.0, 0.1, 1.0, 13.15130317, 12.98899855, [0.675328, 0.692019], [0.956219, 0.983818]),
    ],
)
def test_loops_have_the_numbers_of_their_table(
    edges, couplings, field, beta, exact_log, bethe, exact, believed
):
    network = from_edges(1 + max(map(max, edges)), edges, couplings=couplings, fields=field)
    found, true = belief_propagation(network, beta), network.enumerate(beta)
    assert found.converged
    assert abs(true.log_partition - exact_log) < 1e-8
    assert abs(found.log_partition - bethe) < 1e-8
    np.testing.assert_allclose(true.magnetization[: len(exact)], exact, atol=1e-6)
    np.testing.assert_allclose(found.magnetization[: len(believed)], believed, atol=1e-6)
    if np.min(couplings) > 0:
        assert found.log_partition < true.log_partition
    else:
        assert found.log_partition > true.log_partition
    if edges is GRID:
        centres = {0.3: 0.098378, 0.5: 0.415263, 0.7: 0.919497, 1.0: 0.997792}
        assert abs(found.magnetization[4] - centres[beta]) < 1e-6


@given(st.data())
@settings(max_examples=60)
def test_bethe_never_exceeds_ln_z_of_a_ferromagnet(data):
    """In any fields, at any fixed point (Ruozzi, 2012)."""
    n = data.draw(st.integers(3, 6))
    upper = np.triu_indices(n, 1)
    strengths = st.lists(st.floats(0, 1.5), min_size=upper[0].size, max_size=upper[0].size)
    couplings = np.zeros((n, n))
    couplings[upper] = data.draw(strengths)
    fields = data.draw(st.lists(st.floats(-1, 1), min_size=n, max_size=n))
    network = SpinNetwork(couplings + couplings.T, fields)
    start = data.draw(st.floats(-2, 2))
    found = belief_propagation(network, 1.0, initial=start, damping=0.2)
    assume(found.converged)
    assert found.log_partition <= network.enumerate(1.0).log_partition + 1e-12


def test_a_frustrated_glass_may_not_settle_and_says_so():
    random = np.random.default_rng(3)
    couplings = np.triu(random.normal(size=(10, 10)), 1)
    network = SpinNetwork(couplings + couplings.T, 0.1 * random.normal(size=10))
    found = belief_propagation(network, 3.0, max_steps=300)
    assert not found.converged
    assert found.steps == 300
    assert "not converged after 300 steps, the last change was" in repr(found)
    assert np.isfinite(found.magnetization).all()
    assert math.isfinite(found.log_partition)


def test_damping_lets_some_settle_that_do_not():
    """Dense couplings, beta = 1.5: 16 of 100 settle without damping, 54 with a half of it."""
    settled = np.zeros((2, 20), dtype=bool)
    for seed in range(20):
        random = np.random.default_rng(seed)
        couplings = np.triu(random.normal(size=(10, 10)) / math.sqrt(10), 1)
        network = SpinNetwork(couplings + couplings.T, 0.1 * random.normal(size=10))
        for k, damping in enumerate((0.0, 0.5)):
            settled[k, seed] = belief_propagation(network, 1.5, damping=damping, max_steps=1000).converged
    plain, damped = settled.sum(axis=1)
    assert plain < damped
    assert not (settled[0] & ~settled[1]).any()


# The onset of order


def test_the_grid_orders_where_messages_grow():
    """tanh(beta) rho(B) = 1, with rho = sqrt(3) for the open 3 x 3 grid: beta = .65848."""
    network, critical = from_edges(9, GRID), math.atanh(1 / math.sqrt(3))
    assert abs(critical - 0.6584789485) < 1e-9
    below = belief_propagation(network, critical - 0.02, initial=1e-3, max_steps=4000)
    above = belief_propagation(network, critical + 0.02, initial=1e-3, max_steps=4000)
    assert below.converged
    assert above.converged
    assert abs(below.magnetization).max() < 1e-11
    assert above.magnetization.min() > 0.1


@pytest.mark.parametrize("seed", range(4))
def test_small_messages_grow_as_the_non_backtracking_matrix_says(seed):
    """On random graphs with couplings of both signs; the largest eigenvalue may be complex."""
    network = random_regular(30, 3, disorder="gaussian", rng=seed)
    sizes, messages = [], np.random.default_rng(seed).normal(size=90) * 1e-6
    for _ in range(300):
        messages = belief_propagation(network, 0.8, initial=messages, max_steps=1).messages
        sizes.append(math.log(np.linalg.norm(messages)))
        messages *= 1e-6 / np.linalg.norm(messages)
    growth = math.exp(np.mean(sizes[100:]) - math.log(1e-6))
    assert abs(growth / non_backtracking_radius(network.couplings, 0.8) - 1) < 0.01


# Large graphs


@pytest.mark.parametrize("beta", [0.3, 0.5, 0.6, 1.0])
def test_a_regular_graph_is_a_bethe_lattice_to_its_messages(beta):
    network, theory = random_regular(2000, 3, fields=0.1, rng=1), bethe_lattice(beta, 3, field=0.1)
    found = belief_propagation(network, beta)
    assert found.converged
    np.testing.assert_allclose(found.magnetization, theory.magnetization, atol=1e-12)
    np.testing.assert_allclose(found.correlations, theory.correlation, atol=1e-12)
    assert abs(found.log_partition / 2000 + beta * theory.free_energy) < 1e-12


def test_a_regular_graph_is_a_bethe_lattice_to_its_spins():
    """Sampled in a field above T_c; a lattice of one neighbour more or less would be ten errors off."""
    network, theory = random_regular(2000, 3, fields=0.2, rng=2), bethe_lattice(0.45, 3, field=0.2)
    run = network.sample(0.45, 1200, rng=3)
    for found, expected in ((run.energy / 2000, "energy"), (run.magnetization, "magnetization")):
        mean = binned_error(found[0, 200:], n_bins=25)
        assert abs(mean.value - getattr(theory, expected)) < 4 * mean.error
        for degree in (2, 4):
            other = getattr(bethe_lattice(0.45, degree, field=0.2), expected)
            assert abs(mean.value - other) > 10 * mean.error


def test_a_random_tree_of_twenty_thousand_is_quick_and_consistent():
    """The slope of ln Z by one field is beta times the mean of that spin."""
    random = np.random.default_rng(4)
    edges = [(int(random.integers(k)), k) for k in range(1, 20_000)]
    bonds, fields = random.normal(size=19_999), random.normal(size=20_000)
    known = belief_propagation(from_edges(20_000, edges, couplings=bonds, fields=fields), 0.9)
    assert known.converged
    logs = []
    for change in (-1e-2, 1e-2):
        turned = fields.copy()
        turned[7] += change
        network = from_edges(20_000, edges, couplings=bonds, fields=turned)
        logs.append(belief_propagation(network, 0.9).log_partition)
    assert abs((logs[1] - logs[0]) / 0.02 - 0.9 * known.magnetization[7]) < 1e-4


# How it goes


def test_an_earlier_result_can_be_continued():
    network = from_edges(9, GRID, fields=0.1)
    whole = belief_propagation(network, 0.5, max_steps=20)
    half = belief_propagation(network, 0.5, max_steps=12)
    rest = belief_propagation(network, 0.5, max_steps=8, initial=half.messages)
    np.testing.assert_array_equal(rest.messages, whole.messages)
    assert rest._replace(steps=20) == whole
    assert rest != whole


def test_messages_stand_in_the_order_of_edges_both_ways():
    """On an edge alone each end tells what its own field is worth beyond the bond."""
    network = from_edges(2, [(1, 0)], couplings=0.7, fields=[0.3, -0.9])
    found = belief_propagation(network, 1.0)
    expected = [math.atanh(math.tanh(0.7) * math.tanh(field)) for field in (0.3, -0.9)]
    np.testing.assert_allclose(found.messages, expected, rtol=1e-14)


def test_random_beginnings_follow_their_seed():
    network = from_edges(9, GRID)
    runs = [belief_propagation(network, 1.0, initial="random", rng=seed, max_steps=3) for seed in (1, 1, 2)]
    assert runs[0] == runs[1]
    assert runs[0] != runs[2]
    generator = np.random.default_rng(1)
    assert belief_propagation(network, 1.0, initial="random", rng=generator, max_steps=3) != runs[2]


def test_both_signs_are_found_from_random_beginnings():
    network = from_edges(9, GRID)
    signs = {
        float(np.sign(belief_propagation(network, 1.0, initial="random", rng=seed).magnetization[4]))
        for seed in range(20)
    }
    assert signs == {-1.0, 1.0}


def test_dense_and_sparse_and_single_precision_agree():
    network = from_edges(9, GRID, couplings=0.5, fields=0.25)
    found = belief_propagation(network, 1.0)
    assert belief_propagation(SpinNetwork(dense(network), network.fields), 1.0) == found
    single = SpinNetwork(dense(network).astype(np.float32), network.fields)
    assert belief_propagation(single, 1.0) == found


def test_what_is_given_is_not_changed(capsys):
    network, messages = ferromagnet(5), np.full(20, 0.3)
    belief_propagation(network, 1.0, initial=messages, progress=True)
    assert (messages == 0.3).all()
    assert (network.couplings[0, 1:] == 0.2).all()
    assert "step" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"network": dense(from_edges(3, TRIANGLE))}, TypeError, "SpinNetwork; got ndarray"),
        ({"network": None}, TypeError, "SpinNetwork; got NoneType"),
        ({"beta": math.nan}, ValueError, "beta must be finite; got nan"),
        ({"beta": math.inf}, ValueError, "beta must be finite; got inf"),
        ({"beta": -0.5}, ValueError, "beta must be at least 0; got -0.5"),
        ({"beta": "1"}, TypeError, "beta must be a real number; got '1'"),
        ({"beta": True}, TypeError, "beta must be a real number; got True"),
        ({"beta": 1e308}, ValueError, r"beta times energy overflows; got beta=1e\+308"),
        ({"damping": 1.0}, ValueError, "damping must be below 1; got 1.0"),
        ({"damping": -0.1}, ValueError, "damping must be at least 0; got -0.1"),
        ({"damping": math.nan}, ValueError, "damping must be finite; got nan"),
        ({"max_steps": 0}, ValueError, "max_steps must be at least 1; got 0"),
        ({"max_steps": 2.0}, TypeError, "max_steps must be an integer; got 2.0"),
        ({"tolerance": -1e-9}, ValueError, "tolerance must be at least 0; got -1e-09"),
        ({"tolerance": None}, TypeError, "tolerance must be a real number; got None"),
        ({"initial": np.zeros(3)}, ValueError, r"one number or 6, .*; got shape \(3,\)"),
        ({"initial": [[0.0] * 6]}, ValueError, r"got shape \(1, 6\)"),
        ({"initial": [0, 0, math.nan, 0, 0, 0]}, ValueError, "initial must be finite; got nan"),
        ({"initial": np.ma.zeros(6)}, TypeError, "initial must hold real numbers; got a masked array"),
        ({"initial": "up"}, ValueError, "initial must be one of 'random'; got 'up'"),
        ({"initial": "random", "rng": -1}, ValueError, "rng must be at least 0; got -1"),
    ],
)
def test_bad_arguments_are_refused(change, error, message):
    arguments = {"network": from_edges(3, TRIANGLE), "beta": 1.0} | change
    with pytest.raises(error, match=message):
        belief_propagation(arguments.pop("network"), arguments.pop("beta"), **arguments)


def test_convergence_on_a_loop_is_geometric_with_the_echo_of_the_ring():
    """After each round of the ring what is missing is as much smaller as Bethe's Z is wrong."""
    network = from_edges(5, [(i, (i + 1) % 5) for i in range(5)], fields=[0.3, 0.0, 0.1, -0.2, 0.4])
    end = belief_propagation(network, 0.8).messages
    rounds = np.arange(2, 7)
    missing = [
        abs(belief_propagation(network, 0.8, max_steps=5 * int(k)).messages - end).max() for k in rounds
    ]
    slope = linregress(rounds, np.log(missing)).slope
    assert abs(math.exp(slope) / ring(0.8, np.ones(5), fields=network.fields).echo - 1) < 1e-3
