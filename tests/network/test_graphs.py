"""Networks of chosen edges: what is refused and where, and whether random graphs are as random as told."""

import itertools
import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse.csgraph import connected_components

from smbook.network import from_edges, random_regular, random_tree
from tests.network.exact import dense


def edges_of(network):
    upper = np.triu(dense(network))
    return [tuple(map(int, pair)) for pair in np.argwhere(upper)]


# From edges


def test_couplings_and_fields_go_where_they_are_told():
    network = from_edges(4, [(2, 0), (1, 3)], couplings=[0.5, -2.0], fields=[1, 2, 3, 4])
    expected = np.zeros((4, 4))
    expected[0, 2] = expected[2, 0] = 0.5
    expected[1, 3] = expected[3, 1] = -2.0
    np.testing.assert_array_equal(dense(network), expected)
    np.testing.assert_array_equal(network.fields, [1.0, 2.0, 3.0, 4.0])
    assert network.couplings.nnz == 4


@pytest.mark.parametrize("edges", [[], (), np.empty((0, 2), int)])
def test_there_may_be_no_edges(edges):
    network = from_edges(3, edges, couplings=[], fields=0.5)
    assert network.couplings.nnz == 0
    assert network.enumerate(1.0).log_partition == pytest.approx(3 * math.log(2 * math.cosh(0.5)))


PATH = [(0, 1), (1, 2), (2, 3)]


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"n": 0}, ValueError, "n must be at least 1; got 0"),
        ({"n": 4.0}, TypeError, "n must be an integer; got 4.0"),
        ({"n": True}, TypeError, "n must be an integer; got True"),
        ({"n": 3}, ValueError, r"from 0 to 2; got edge 2, \(2, 3\)"),
        ({"edges": [(0, 1), (-1, 2)]}, ValueError, r"from 0 to 3; got edge 1, \(-1, 2\)"),
        ({"edges": [(0, 1), (2, 2)]}, ValueError, r"got edge 1, \(2, 2\), from one to itself"),
        ({"edges": [(0, 1), (2, 3), (1, 0)]}, ValueError, r"once; got edge 2, \(1, 0\), which edge 0 is too"),
        ({"edges": [(0, 1, 2)]}, ValueError, r"\(E, 2\); got shape \(1, 3\)"),
        ({"edges": [0, 1]}, ValueError, r"\(E, 2\); got shape \(2,\)"),
        ({"edges": [(0.0, 1.0)]}, TypeError, "edges must hold integers; got dtype float64"),
        ({"edges": [(0, 1), (2,)]}, TypeError, "edges must hold integers in rows of one length"),
        ({"edges": np.ma.array(PATH)}, TypeError, "masked"),
        ({"couplings": [1.0, 2.0]}, ValueError, r"one number or 3, one for each edge; got shape \(2,\)"),
        ({"couplings": [1.0, math.nan, 1.0]}, ValueError, r"finite; got nan at edge 1, \(1, 2\)"),
        ({"couplings": [1.0, 1.0, -math.inf]}, ValueError, r"finite; got -inf at edge 2, \(2, 3\)"),
        ({"couplings": math.nan}, ValueError, r"couplings must be finite; got nan"),
        ({"couplings": "1"}, TypeError, "couplings must hold real numbers"),
        ({"couplings": [1j, 1, 1]}, TypeError, "got dtype complex128"),
        ({"couplings": np.ma.array([1.0, 1.0, 1.0])}, TypeError, "couplings .* masked"),
        ({"couplings": [[1.0], [1.0, 2.0]]}, TypeError, "couplings .* rows of one length"),
        ({"fields": [0.0, 0.0, math.nan, 0.0]}, ValueError, "fields must be finite; got nan at spin 2"),
        ({"fields": [0.0, math.inf, 0.0, 0.0]}, ValueError, "fields must be finite; got inf at spin 1"),
        ({"fields": [0.0]}, ValueError, r"one number or 4, one for each spin; got shape \(1,\)"),
        ({"couplings": 1e308}, ValueError, "energy overflows"),
    ],
)
def test_bad_graphs_are_refused_by_name(change, error, message):
    arguments = {"n": 4, "edges": PATH, "couplings": 1.0, "fields": 0.0} | change
    with pytest.raises(error, match=message):
        from_edges(arguments.pop("n"), arguments.pop("edges"), **arguments)


def test_what_is_given_is_not_changed():
    edges, couplings, fields = np.array(PATH)[:, ::-1].copy(), np.arange(3.0), np.arange(4.0)
    copies = edges.copy(), couplings.copy(), fields.copy()
    from_edges(4, edges, couplings=couplings, fields=fields)
    for given_, copy in zip((edges, couplings, fields), copies, strict=True):
        np.testing.assert_array_equal(given_, copy)


# Trees


@given(st.integers(1, 40), st.integers(0, 10**6))
def test_a_random_tree_is_one(n, seed):
    network = random_tree(n, disorder="plus-minus", rng=seed)
    assert connected_components(network.couplings)[0] == 1
    assert network.couplings.nnz == 2 * (n - 1)
    assert set(network.couplings.data) <= {-1.0, 1.0}


def test_all_sixteen_trees_of_four_spins_are_as_likely():
    """Joining each new spin to an earlier one, drawn at random, gives stars and paths other chances."""
    draws, random = 4000, np.random.default_rng(1)
    seen = Counter(tuple(edges_of(random_tree(4, disorder="none", rng=random))) for _ in range(draws))
    assert len(seen) == 16
    chi2 = sum((count - draws / 16) ** 2 for count in seen.values()) / (draws / 16)
    assert abs(chi2 - 15) < 4 * math.sqrt(30)
    grown = Counter()
    for _ in range(draws):
        grown[tuple(sorted((int(random.integers(k)), k) for k in range(1, 4)))] += 1
    assert sum((grown[tree] - draws / 16) ** 2 for tree in seen) / (draws / 16) > 15 + 4 * math.sqrt(30)


def test_couplings_of_a_tree_are_gaussian_and_apart_from_a_run_of_equal_seed():
    network = random_tree(20_000, fields=0.3, rng=5)
    bonds = np.triu(network.couplings[:50].toarray())
    values = network.couplings.data[: network.couplings.nnz]
    assert abs(values.mean()) < 4 * math.sqrt(2 / values.size)
    assert abs((values**2).mean() - 1) < 4 * math.sqrt(4 / values.size)
    assert (network.fields == 0.3).all()
    again = random_tree(20_000, rng=5)
    np.testing.assert_array_equal(again.couplings.data, network.couplings.data)
    assert bonds.any()
    assert random_tree(30, rng=6).couplings.data.tolist() != random_tree(30, rng=7).couplings.data.tolist()


# Regular graphs


@given(st.data())
def test_a_regular_graph_is_regular(data):
    n = data.draw(st.integers(1, 24))
    degree = data.draw(st.integers(0, n - 1).filter(lambda k: n * k % 2 == 0))
    network = random_regular(n, degree, rng=data.draw(st.integers(0, 10**6)))
    assert (dense(network).sum(axis=1) == degree).all()
    assert set(np.unique(dense(network))) <= {0.0, 1.0}


def test_all_pentagons_are_as_likely():
    draws, random = 1200, np.random.default_rng(2)
    seen = Counter(tuple(edges_of(random_regular(5, 2, rng=random))) for _ in range(draws))
    assert len(seen) == 12
    assert sum((count - 100) ** 2 for count in seen.values()) / 100 < 11 + 4 * math.sqrt(22)


def test_triangles_are_as_rare_as_in_random_regular_graphs():
    """Their number is Poisson's, of mean (k - 1)^3 / 6, whatever N (Bollobas, 1980; Wormald, 1981).

    Where ends that cannot stay are paired among themselves instead, it is 1.8 rather than 1.33.
    """
    counts = []
    for seed in range(300):
        couplings = random_regular(200, 3, rng=seed).couplings
        counts.append((couplings @ couplings @ couplings).trace() / 6)
    assert abs(np.mean(counts) - 8 / 6) < 4 * math.sqrt(8 / 6 / 300)


def test_a_large_regular_graph_is_made_and_connected():
    network = random_regular(20_000, 4, disorder="gaussian", rng=3)
    assert connected_components(network.couplings)[0] == 1
    assert (np.diff(network.couplings.indptr) == 4).all()


def test_a_complete_graph_is_drawn_too():
    expected = [(i, j) for i, j in itertools.combinations(range(7), 2)]
    assert edges_of(random_regular(7, 6, rng=1)) == expected


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: random_tree(0), ValueError, "n must be at least 1; got 0"),
        (lambda: random_tree("3"), TypeError, "n must be an integer; got '3'"),
        (lambda: random_tree(3, disorder="normal"), ValueError, "disorder must be one of .*; got 'normal'"),
        (lambda: random_tree(3, fields=[0, math.nan, 0]), ValueError, "got nan at spin 1"),
        (lambda: random_tree(3, fields=[0, 0]), ValueError, r"got shape \(2,\)"),
        (lambda: random_tree(3, rng=-1), ValueError, "rng must be at least 0; got -1"),
        (lambda: random_tree(3, rng="a"), TypeError, "rng must be .*; got 'a'"),
        (lambda: random_regular(5, 3), ValueError, "must be even, .*; got 5 times 3"),
        (lambda: random_regular(4, 4), ValueError, "degree must be at most 3; got 4"),
        (lambda: random_regular(4, -1), ValueError, "degree must be at least 0; got -1"),
        (lambda: random_regular(4, 2.5), TypeError, "degree must be an integer; got 2.5"),
        (lambda: random_regular(4, 2, disorder=None), ValueError, "disorder must be one of .*; got None"),
        (lambda: random_regular(4, 2, fields=math.inf), ValueError, "fields must be finite; got inf"),
    ],
)
def test_bad_arguments_are_refused(make, error, message):
    with pytest.raises(error, match=message):
        make()
