"""Couplings from states: the published accuracy of each method, exact cases, and the error of samples."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smbook.boltzmann import inverse, inverse_ising
from smbook.network import SpinNetwork, from_lattice
from tests.network.exact import all_states, gibbs, random_couplings

N = 10
METHODS = [
    "likelihood",
    "pseudo-likelihood",
    "naive-mean-field",
    "tap",
    "independent-pairs",
    "bethe",
    "sessak-monasson",
]
PAIRS = np.triu_indices(N, 1)


def the_network(beta, *, field=True):
    """J_ij = beta sqrt(2 / N) sin(1 + 3 i + 5 j + i j), i < j, and h_i = 0.3 beta cos(2 i + 1)."""
    i, j = np.indices((N, N))
    upper = np.triu(beta * math.sqrt(2 / N) * np.sin(1 + 3 * i + 5 * j + i * j), 1)
    return SpinNetwork(upper + upper.T, 0.3 * beta * np.cos(2 * np.arange(N) + 1) if field else None)


def found_from(network, method, **options):
    """What a method makes of the exact law of a network."""
    states = all_states(network.n_spins)
    return inverse_ising(states, method=method, sample_weight=gibbs(network, 1.0), **options)


def rms(values):
    return math.sqrt(np.mean(np.square(values)))


def error(found, network):
    """The rms error of J relative to its rms."""
    pairs = np.triu_indices(network.n_spins, 1)
    return rms((found.couplings - network.couplings)[pairs]) / rms(network.couplings[pairs])


def test_the_network_is_the_one_that_was_published():
    network = the_network(0.5)
    assert rms(network.couplings[PAIRS]) == pytest.approx(0.5 * 0.3197244, abs=1e-7)
    assert network.couplings[0, 1] == pytest.approx(-0.5 * 0.1249584, abs=1e-7)


# Relative errors of J from exact correlations: theory-more.md 10
TABLE = {
    0.1: (0.001145, 0.001146, 0.001142, 0.070958, 0.000186, 0.000017, 0.00021, 0.00001),
    0.3: (0.010933, 0.010907, 0.010626, 0.219707, 0.004559, 0.001359, 0.00583, 0.00047),
    0.5: (0.033596, 0.033887, 0.031329, 0.364787, 0.019634, 0.010040, 0.02828, 0.00418),
    0.8: (0.113131, 0.122532, 0.099238, 0.543363, 0.078195, 0.060718, 0.13807, 0.03464),
    1.0: (0.214207, 0.245939, 0.186907, 0.626409, 0.170287, 0.135223, 0.32031, 0.11295),
}
COLUMNS = ["naive-mean-field", "naive-mean-field", "tap", "independent-pairs", "bethe", "sessak-monasson"]


@pytest.mark.parametrize("beta", TABLE)
@pytest.mark.parametrize("column", range(6))
def test_couplings_are_as_good_as_known(beta, column):
    network = the_network(beta, field=column > 0)
    assert error(found_from(network, COLUMNS[column]), network) == pytest.approx(
        TABLE[beta][column], abs=6e-7
    )


@pytest.mark.parametrize("beta", TABLE)
@pytest.mark.parametrize(("column", "method"), [(6, "naive-mean-field"), (7, "tap")])
def test_fields_are_as_good_as_known(beta, column, method):
    network = the_network(beta)
    off = rms(found_from(network, method).fields - network.fields)
    assert off == pytest.approx(TABLE[beta][column], abs=6e-6)


@pytest.mark.parametrize("beta", TABLE)
@pytest.mark.parametrize("method", ["likelihood", "pseudo-likelihood"])
def test_likelihoods_return_the_couplings_themselves(beta, method):
    network = the_network(beta)
    found = found_from(network, method)
    np.testing.assert_allclose(found.couplings, network.couplings, atol=1e-12)
    np.testing.assert_allclose(found.fields, network.fields, atol=1e-12)


@settings(max_examples=20)
@given(st.integers(2, 6), st.integers(0, 1000), st.floats(0, 1.5))
def test_the_likelihood_matches_means_and_correlations(n, seed, beta):
    network = SpinNetwork(beta * random_couplings(n, seed), np.random.default_rng(seed).normal(size=n))
    for method in ("likelihood", "pseudo-likelihood"):
        exact = found_from(network, method).enumerate(1.0)
        np.testing.assert_allclose(exact.magnetization, network.enumerate(1.0).magnetization, atol=1e-9)
        np.testing.assert_allclose(exact.correlations, network.enumerate(1.0).correlations, atol=1e-9)


@pytest.mark.parametrize("method", METHODS)
def test_two_spins_are_solved_by_all_methods_that_can(method):
    network = SpinNetwork([[0.0, 0.4], [0.4, 0.0]], [0.2, -0.3])
    found = found_from(network, method)
    right = method not in ("naive-mean-field", "tap")
    assert (abs(found.couplings - network.couplings).max() < 1e-12) == right
    right = right and method != "sessak-monasson"
    assert (abs(found.fields - network.fields).max() < 1e-12) == right


def test_bethe_is_exact_on_a_tree():
    """Spins in the order of a walk; each hangs on one before it. Off the edges C^-1 vanishes."""
    random, n = np.random.default_rng(4), 9
    couplings = np.zeros((n, n))
    for i in range(1, n):
        j = random.integers(i)
        couplings[i, j] = couplings[j, i] = random.normal()
    network = SpinNetwork(couplings, random.normal(size=n) / 2)
    found = found_from(network, "bethe")
    np.testing.assert_allclose(found.couplings, couplings, atol=1e-12)
    np.testing.assert_allclose(found.fields, network.fields, atol=1e-12)
    exact = network.enumerate(1.0)
    inverse_of = np.linalg.inv(exact.correlations - np.outer(exact.magnetization, exact.magnetization))
    assert abs(inverse_of[(couplings == 0) & ~np.eye(n, dtype=bool)]).max() < 1e-10


@pytest.mark.parametrize("method", METHODS)
def test_spins_that_do_not_know_each_other_have_no_couplings(method):
    network = SpinNetwork(np.zeros((4, 4)), [0.1, -0.5, 0.0, 2.0])
    found = found_from(network, method)
    assert abs(found.couplings).max() < 1e-12
    np.testing.assert_allclose(found.fields, network.fields, atol=1e-12)


@pytest.mark.parametrize("method", METHODS)
def test_turning_all_spins_turns_the_fields(method):
    network = the_network(0.4)
    found = found_from(network, method)
    turned = inverse_ising(-all_states(N), method=method, sample_weight=gibbs(network, 1.0))
    np.testing.assert_allclose(turned.couplings, found.couplings, atol=1e-11)
    np.testing.assert_allclose(turned.fields, -found.fields, atol=1e-11)


# Samples


def scaled_errors(method, size, n_sets, seed):
    """rms error of J times the root of the number of rows, of each set."""
    network = the_network(0.5)
    random, states, law = np.random.default_rng(seed), all_states(N), gibbs(network, 1.0)
    counts = random.multinomial(size, law, size=n_sets)
    return np.array(
        [
            rms((inverse_ising(states, method=method, sample_weight=c).couplings - network.couplings)[PAIRS])
            * math.sqrt(size)
            for c in counts
        ]
    )


def cramer_rao():
    """The least rms error of J times the root of the number of rows: Fisher's information, inverted."""
    states, law = all_states(N).astype(float), gibbs(the_network(0.5), 1.0)
    features = np.column_stack([states, states[:, PAIRS[0]] * states[:, PAIRS[1]]])
    centred = features - law @ features
    return math.sqrt(np.diag(np.linalg.inv((centred.T * law) @ centred))[N:].mean())


def test_the_bound_of_cramer_and_rao_is_the_published_one():
    assert cramer_rao() == pytest.approx(1.2349, abs=5e-5)


def z_of_errors(method, size, expected):
    """How far off the published value the error is; that has an error of 0.026 itself."""
    found = scaled_errors(method, size, 40, seed=7)
    return (found.mean() - expected) / math.hypot(found.std(ddof=1) / math.sqrt(found.size), 0.026)


@pytest.mark.parametrize(
    ("method", "size", "expected"),
    [
        ("likelihood", 1000, 1.254),
        ("likelihood", 10_000, 1.233),
        ("likelihood", 100_000, 1.257),
        ("pseudo-likelihood", 1000, 1.255),
        ("pseudo-likelihood", 10_000, 1.232),
        ("pseudo-likelihood", 100_000, 1.259),
        ("naive-mean-field", 1000, 1.32),
        ("naive-mean-field", 10_000, 1.36),
        ("naive-mean-field", 100_000, 2.17),
    ],
)
def test_errors_of_samples_shrink_with_the_root_of_their_number(method, size, expected):
    """Until the systematic error of mean field takes over."""
    assert abs(z_of_errors(method, size, expected)) < 4


def test_couplings_that_are_some_percent_too_large_are_seen(monkeypatch):
    def stronger(*arguments):
        couplings, fields = inverse._by_pseudo_likelihood(*arguments)
        return 1.03 * couplings, fields

    monkeypatch.setitem(inverse._NEWTON, "pseudo-likelihood", stronger)
    assert z_of_errors("pseudo-likelihood", 100_000, 1.259) > 10


def test_rows_and_weights_say_the_same():
    rows = np.random.default_rng(2).choice([-1, 1], (400, 4))
    distinct, counts = np.unique(rows, axis=0, return_counts=True)
    for method in METHODS:
        one, other = (
            inverse_ising(rows, method=method),
            inverse_ising(distinct, method=method, sample_weight=counts),
        )
        np.testing.assert_allclose(one.couplings, other.couplings, atol=1e-12)


def test_a_lattice_is_recovered_from_its_states():
    """The bonds of a 4 x 4 magnet stand out: 0.3 where there is one, within five errors of 0 elsewhere."""
    lattice = from_lattice((4, 4))
    beta, size = 0.3, 20_000
    states = lattice.sample(beta, size, n_chains=1, thin=1, keep_spins=True, rng=3).samples[0, 100:]
    found = inverse_ising(states, method="pseudo-likelihood").couplings
    bonds = np.asarray(lattice.couplings.toarray()) > 0
    others = ~bonds & ~np.eye(16, dtype=bool)
    assert found[bonds].mean() == pytest.approx(beta, abs=0.01)
    assert found[bonds].min() > 0.24
    assert abs(found[others]).max() < 0.06


# Refusals

FOUR = all_states(2)


@pytest.mark.parametrize(
    ("rows", "options", "error_type", "message"),
    [
        (FOUR, {"method": "guess"}, ValueError, "method must be one of 'likelihood', .*; got 'guess'"),
        (FOUR, {"tolerance": -1}, ValueError, "tolerance must be at least 0; got -1"),
        (FOUR, {"max_steps": 0}, ValueError, "max_steps must be at least 1; got 0"),
        (FOUR, {"sample_weight": [1, 1, -1, 1]}, ValueError, "sample_weight must be at least 0; got -1"),
        (FOUR, {"sample_weight": [0, 0, 0, 0]}, ValueError, "sample_weight must be positive for some row"),
        (FOUR, {"sample_weight": [1, 2]}, ValueError, r"sample_weight must hold 4 numbers.*\(2,\)"),
        (FOUR, {"sample_weight": [1, 1, 1, np.nan]}, ValueError, "sample_weight must be finite; got nan"),
        (FOUR[:, :1], {}, ValueError, "X must have at least 2 columns, one a spin; got 1"),
        (FOUR[:0], {}, ValueError, r"X must have at least one row; got shape \(0, 2\)"),
        (FOUR[0], {}, ValueError, r"X must have the shape \(rows, visible units\); got \(2,\)"),
        (FOUR / 2, {}, ValueError, r"X must hold \+1 and -1 only; got -0.5 at \(0, 0\)"),
        (FOUR * np.nan, {}, ValueError, "X must be finite; got nan"),
        (FOUR[1::2], {}, ValueError, r"column 0, 1 in every row of X"),
        (np.ones((2, 2), dtype=bool), {}, TypeError, "X must hold real numbers; got dtype bool"),
        ([[1, 1], [1]], {}, TypeError, "X must hold real numbers in rows of one length"),
        (np.ma.array(FOUR), {}, TypeError, "X must hold real numbers; got a masked array"),
        (
            np.sign(np.random.default_rng(1).normal(size=(30, 21))),
            {},
            ValueError,
            "for N up to 20; got N = 21",
        ),
    ],
)
def test_input_that_is_none_is_refused(rows, options, error_type, message):
    with pytest.raises(error_type, match=message):
        inverse_ising(rows, **options)


@pytest.mark.parametrize("method", METHODS)
def test_a_pair_that_always_agrees_has_no_finite_coupling(method):
    rows = np.array([[1, 1, 1], [-1, -1, 1], [1, 1, -1], [-1, -1, -1]])
    with pytest.raises(ValueError, match=r"no finite coupling|no inverse"):
        inverse_ising(rows, method=method)


@pytest.mark.parametrize("method", METHODS)
def test_too_few_rows_are_refused(method):
    """Three rows of six spins: one of them follows from others."""
    rows = np.array([[1, 1, -1, 1, -1, 1], [-1, 1, 1, 1, -1, -1], [1, -1, 1, -1, 1, -1]])
    with pytest.raises(ValueError, match=r"no finite coupling|no inverse"):
        inverse_ising(rows, method=method)


@pytest.mark.parametrize("method", ["tap", "bethe"])
def test_correlations_that_are_too_strong_for_a_method_are_refused(method):
    strong = {
        "tap": SpinNetwork([[0.0, -1.0], [-1.0, 0.0]], [2.0, 2.0]),
        "bethe": SpinNetwork(3.0 * random_couplings(4, 0), 0.5),
    }[method]
    with pytest.raises(ValueError, match=f"{method} finds no finite coupling of spins"):
        found_from(strong, method)


def test_steps_that_do_not_suffice_are_told():
    with pytest.raises(ValueError, match="or none within 1 steps"):
        found_from(the_network(1.0), "likelihood", max_steps=1)
