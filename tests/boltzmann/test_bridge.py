"""A Hopfield network and the machine with hidden units that is the same, and what a machine has stored."""

import itertools
import tracemalloc

import numpy as np
import pytest
from scipy.special import logsumexp
from scipy.stats import ortho_group

from smbook import ising
from smbook.boltzmann import (
    RBM,
    RetrievalOrder,
    StoredPatterns,
    from_hopfield,
    order_parameters,
    patterns_of,
)
from smbook.hopfield import hebb, pseudo_inverse, random_patterns
from smbook.theory.hopfield import replica_symmetric
from tests.boltzmann.exact import all_units, law, parameters_of

SIZES = list(itertools.product((8, 11, 14), (1, 3, 6), (0.2, 0.7, 1.5)))


def rotated(machine, seed=1):
    """The same law of the visible units, with hidden units that are mixtures of the old ones."""
    turn = ortho_group.rvs(machine.n_hidden, random_state=seed) if machine.n_hidden > 1 else [[-1.0]]
    return RBM.from_parameters(machine.weights_ @ turn, visible="spin", hidden="gaussian")


def both_sides(patterns, beta, gain=None, couplings=None):
    """ln Z of a network of patterns with its diagonal, and by quadrature over the hidden units."""
    n = patterns.shape[1]
    spins = all_units("spin", n).astype(float)
    couplings = patterns.T.astype(float) @ patterns / n if couplings is None else couplings
    energies = -((spins @ couplings) * spins).sum(axis=1) / 2.0
    nodes, shares = np.polynomial.hermite_e.hermegauss(120)  # of one hidden unit after the other
    fields = (np.sqrt(beta / n) if gain is None else gain) * spins @ patterns.T
    means = logsumexp(np.log(shares / np.sqrt(2 * np.pi)) + fields[:, :, None] * nodes, axis=2)
    return logsumexp(-beta * energies), logsumexp(means.sum(axis=1))


# The identity


@pytest.mark.parametrize(("n", "count", "beta"), SIZES)
def test_the_two_partition_functions_are_one_number(n, count, beta):
    patterns = random_patterns(count, n, rng=n + count)
    network, machine = hebb(patterns), from_hopfield(patterns, beta)
    exact = network.enumerate(beta).log_partition + beta * count / 2.0
    assert machine.log_partition("exact").value == pytest.approx(exact, abs=1e-10)
    left, right = both_sides(patterns, beta)
    assert left == pytest.approx(exact, abs=1e-10)
    if beta * n < 12:  # where 120 nodes are enough for the largest field
        assert right == pytest.approx(exact, abs=1e-8)


@pytest.mark.parametrize("wrong", ["no root", "no size", "twice", "no diagonal"])
def test_what_is_often_wrong_about_it_would_be_seen(wrong):
    patterns, beta = random_patterns(3, 8, rng=1), 0.7
    n = patterns.shape[1]
    gain = {"no root": beta / n, "no size": np.sqrt(beta), "twice": 2 * np.sqrt(beta / n)}.get(wrong)
    couplings = hebb(patterns).couplings if wrong == "no diagonal" else None
    left, right = both_sides(patterns, beta, gain, couplings)
    assert abs(left - right) > 0.1


@pytest.mark.parametrize("rule", ["hebb", "pseudo-inverse"])
@pytest.mark.parametrize(("n", "count", "beta"), SIZES[::2])
def test_visible_units_have_the_law_of_the_network(rule, n, count, beta):
    patterns = random_patterns(count, n, rng=n + count)
    network = (hebb if rule == "hebb" else pseudo_inverse)(patterns)
    machine = from_hopfield(patterns, beta, rule=rule)
    spins = all_units("spin", n)
    expected = -beta * network.energy(spins)
    expected -= logsumexp(expected)
    np.testing.assert_allclose(machine.score_samples(spins), expected, rtol=0, atol=1e-10)
    exact = network.enumerate(beta)
    probabilities = np.exp(machine.score_samples(spins))
    np.testing.assert_allclose((spins.T * probabilities) @ spins, exact.correlations, atol=1e-10)
    np.testing.assert_allclose(law(machine), probabilities, atol=1e-12)


@pytest.mark.parametrize("rule", ["hebb", "pseudo-inverse"])
def test_the_free_energy_is_that_of_the_network_and_half_of_the_diagonal(rule):
    patterns, beta = random_patterns(4, 40, rng=1), 1.3
    network = (hebb if rule == "hebb" else pseudo_inverse)(patterns)
    machine = from_hopfield(patterns, beta, rule=rule)
    spins = random_patterns(50, 40, rng=2)
    expected = beta * network.energy(spins) - beta * 4 / 2.0
    np.testing.assert_allclose(machine.free_energy(spins), expected, rtol=0, atol=1e-11)


@pytest.mark.parametrize("rule", ["hebb", "pseudo-inverse"])
def test_to_network_goes_back(rule):
    patterns = random_patterns(3, 30, rng=1)
    network = (hebb if rule == "hebb" else pseudo_inverse)(patterns)
    again = from_hopfield(patterns, 0.8, rule=rule).to_network()
    np.testing.assert_allclose(again.couplings, 0.8 * network.couplings, atol=1e-14)
    assert (again.fields == 0).all()


def test_hidden_units_stand_where_the_overlaps_are():
    patterns, beta = random_patterns(5, 60, rng=1), 1.7
    machine = from_hopfield(patterns, beta)
    spins = random_patterns(20, 60, rng=2)
    found = order_parameters(machine, spins)
    np.testing.assert_allclose(found.hidden, np.sqrt(beta * 60) * found.overlaps, atol=1e-12)
    h = np.random.default_rng(3).normal(size=(4, 5))
    fields = np.sqrt(beta / 60) * h @ patterns
    np.testing.assert_allclose(machine.inverse_transform(h), np.tanh(fields), atol=1e-12)


def test_hidden_units_of_two_states_agree_to_second_order_and_fall_short_by_the_quartic():
    patterns, n = random_patterns(3, 10, rng=1), 10
    spins = all_units("spin", n)
    gaps = []
    for beta in (0.01, 0.02):
        hard, soft = (from_hopfield(patterns, beta, hidden=kind) for kind in ("spin", "gaussian"))
        fields = np.sqrt(beta / n) * spins @ patterns.T.astype(float)
        lost = hard.free_energy(spins) + 3 * np.log(2.0) - soft.free_energy(spins)
        assert (lost >= 0).all()
        np.testing.assert_allclose(lost, (fields**4 / 12 - fields**6 / 45).sum(axis=1), atol=3e-5)
        gaps.append(lost.max())
    assert gaps[1] / gaps[0] == pytest.approx(4.0, rel=0.05)


def test_a_machine_goes_on_to_learn_with_what_it_is_given():
    patterns = random_patterns(2, 10, rng=1)
    machine = from_hopfield(patterns, 0.3, method="exact", learning_rate=0.02, dtype="float64")
    before = machine.score(patterns)
    for _ in range(50):
        machine.partial_fit(patterns)
    assert machine.score(patterns) > before + 1.0


# Patterns that a machine has stored


@pytest.mark.parametrize("rule", ["hebb", "pseudo-inverse"])
@pytest.mark.parametrize("seed", range(10))
def test_patterns_are_found_whatever_the_rotation(rule, seed):
    patterns = random_patterns(6, 80, rng=seed)
    machine = rotated(from_hopfield(patterns, 2.5, rule=rule), seed + 1)
    found = patterns_of(machine, rng=seed)
    assert found.residual < 1e-12
    products = np.abs(found.patterns.astype(int) @ patterns.T)
    assert sorted(products.argmax(axis=0)) == list(range(6))
    assert (products.max(axis=0) == 80).all()
    if rule == "hebb":
        np.testing.assert_allclose(found.strengths, 2.5 * np.eye(6), atol=1e-10)
        assert found.beta == pytest.approx(2.5)
    else:
        gram = found.patterns.astype(float) @ found.patterns.T / 80
        np.testing.assert_allclose(found.strengths, 2.5 * np.linalg.inv(gram), atol=1e-9)


def test_patterns_that_are_columns_keep_their_order_and_their_signs():
    patterns = random_patterns(30, 40, rng=1)  # too many to be found by falling
    found = patterns_of(from_hopfield(patterns, 0.4))
    assert (found.patterns == patterns).all()
    assert found.beta == pytest.approx(0.4, abs=0.0, rel=1e-9)
    found = patterns_of(from_hopfield(random_patterns(30, 10, rng=1), 0.4))  # more than spins
    assert len(found.patterns) == 30
    assert found.residual < 1e-12
    assert found.beta == pytest.approx(0.4)


def test_noise_in_the_weights_shows_in_the_residual_and_leaves_the_patterns():
    patterns = random_patterns(4, 120, rng=1)
    machine = rotated(from_hopfield(patterns, 2.0))
    noise = np.random.default_rng(2).normal(size=(120, 20))
    size = np.sqrt(2.0 / 120)
    weights = np.hstack([machine.weights_ + 0.1 * size * noise[:, :4], 0.1 * size * noise[:, 4:]])
    found = patterns_of(RBM.from_parameters(weights, visible="spin", hidden="gaussian"), rank=4, rng=1)
    assert 0.01 < found.residual < 0.3
    assert (np.abs(found.patterns.astype(int) @ patterns.T).max(axis=0) >= 118).all()
    assert found.beta == pytest.approx(2.0, rel=0.05)


@pytest.mark.parametrize(("count", "n", "n_starts"), [(30, 100, 2000), (30, 200, 2000), (25, 400, 200)])
def test_as_many_patterns_are_found_as_is_promised(count, n, n_starts):
    patterns = random_patterns(count, n, rng=3)
    found = patterns_of(rotated(from_hopfield(patterns, 2.0)), n_starts=n_starts, rng=1)
    assert found.residual < 1e-12
    assert (np.abs(found.patterns.astype(int) @ patterns.T).max(axis=0) == n).all()


def test_missing_patterns_are_told_by_the_residual():
    machine = rotated(from_hopfield(random_patterns(40, 100, rng=3), 2.0))
    assert patterns_of(machine, n_starts=200, rng=1).residual > 0.1


def test_the_order_of_patterns_does_not_hang_on_the_last_bit():
    machine = rotated(from_hopfield(random_patterns(12, 200, rng=1), 2.0))
    weights = machine.weights_ * (1.0 + 1e-15 * np.random.default_rng(2).normal(size=machine.weights_.shape))
    moved = RBM.from_parameters(weights, visible="spin", hidden="gaussian")
    assert (patterns_of(machine, rng=3).patterns == patterns_of(moved, rng=3).patterns).all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_rounding_is_no_pattern(dtype):
    patterns = random_patterns(10, 200, rng=1)
    twice = from_hopfield(np.vstack([patterns, patterns]), 2.0)
    turn = ortho_group.rvs(20, random_state=1)
    machine = RBM.from_parameters(twice.weights_ @ turn, visible="spin", hidden="gaussian", dtype=dtype)
    found = patterns_of(machine, rng=1)
    assert len(found.patterns) == 10
    assert found.beta == pytest.approx(4.0, rel=1e-5)


def test_weights_of_lower_rank_and_of_none():
    pattern = random_patterns(1, 20, rng=1)
    twice = from_hopfield(np.vstack([pattern, -pattern]), 1.0)
    uneven = RBM.from_parameters(twice.weights_ * [1.0, 3.0] + 1e-12, visible="spin", hidden="gaussian")
    mixed = RBM.from_parameters(uneven.weights_ @ [[1.0, 2.0], [0.5, -1.0]], visible="spin", hidden="spin")
    found = patterns_of(mixed, rng=1)
    assert len(found.patterns) in (1, 2)
    assert found.residual < 1e-6
    nothing = RBM.from_parameters(np.zeros((5, 2)), visible="spin")
    found = patterns_of(nothing, rng=1)
    assert found.patterns.shape == (0, 5)
    assert np.isnan(found.beta)
    tiny = RBM.from_parameters(rotated(from_hopfield(pattern, 1.0)).weights_ * 1e-160, visible="spin")
    assert patterns_of(tiny, rank=1, rng=1).residual < 1e-12


def test_results_of_the_same_seed_are_equal():
    machine = rotated(from_hopfield(random_patterns(5, 60, rng=1), 2.0))
    one, same = (patterns_of(machine, rng=4) for _ in range(2))
    assert one == same
    assert one != one._replace(residual=0.5)
    assert repr(one).startswith("StoredPatterns(5 patterns of 60 spins, residual ")
    assert isinstance(one, StoredPatterns)


# Order parameters


def test_order_parameters_of_known_states():
    patterns = random_patterns(3, 50, rng=1)
    machine = from_hopfield(patterns, 2.0)
    other = patterns[0].copy()
    other[:5] *= -1
    found = order_parameters(machine, np.array([patterns[0], other, -patterns[2]]))
    np.testing.assert_allclose(found.overlaps, found.overlaps.clip(-1, 1))
    assert found.overlaps[[0, 1, 2], [0, 0, 2]].tolist() == [1.0, 0.8, -1.0]
    assert found.replica_overlap.tolist() == [0.8]
    expected = 50 / 3 * (found.overlaps[0, 1:] * found.overlaps[1, 1:]).sum()
    assert found.crosstalk[0] == pytest.approx(expected)
    m = found.overlaps
    np.testing.assert_allclose(found.participation, (m**2).sum(axis=1) ** 2 / (m**4).sum(axis=1))
    assert repr(found) == "RetrievalOrder(3 states, 3 patterns)"
    assert isinstance(found, RetrievalOrder)
    assert found == order_parameters(machine, np.array([patterns[0], other, -patterns[2]]), patterns=patterns)
    assert found != found._replace(crosstalk=np.zeros(1))


@pytest.mark.parametrize(("load", "temperature"), [(0.02, 0.4), (0.05, 0.3)])
def test_the_machine_has_the_order_parameters_of_the_network(load, temperature):
    n, chains = 1000, 20
    expected = replica_symmetric(load, 1 / temperature)
    rows = []
    for seed in range(8):
        patterns = random_patterns(round(load * n), n, rng=seed)
        machine = from_hopfield(patterns, 1 / temperature, dtype="float32")
        states = machine.sample(chains, initial=patterns[0], n_sweeps=150, rng=seed)
        found = order_parameters(machine, states, patterns=patterns)
        rows.append([found.overlaps[:, 0].mean(), found.replica_overlap.mean(), found.crosstalk.mean()])
    means, errors = np.mean(rows, axis=0), np.std(rows, axis=0, ddof=1) / np.sqrt(len(rows))
    theory = [expected.m, expected.q, expected.r]
    assert (np.abs(means - theory) < 4 * errors + [0.004, 0.004, 0.1]).all()  # 1/N, and 1/P of r


# Training data without a copy


@pytest.mark.parametrize("algorithm", ["heat-bath", "wolff", "swendsen-wang"])
def test_a_machine_learns_from_the_samples_of_a_run_without_a_copy(algorithm, tmp_path):
    trace = ising.simulate((16, 16), 0.4, 40_000, algorithm=algorithm, keep_spins=True, thin=4, rng=1)
    rows = trace.samples.reshape(len(trace.samples), -1)
    assert np.shares_memory(rows, trace.samples)
    machine = RBM(4, visible="spin", hidden="spin", n_epochs=1, evaluate_every=0, batch_size=500, rng=1)
    machine.fit(rows[:500])  # compiles
    tracemalloc.start()
    machine.fit(rows, checkpoints=tmp_path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert rows.nbytes == 10_000 * 256
    assert peak < rows.nbytes


# Bad input


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ((np.ones((2, 4)), 1.0), TypeError, "patterns must be an int8 array; got dtype float64"),
        ((np.ones((0, 4), np.int8), 1.0), ValueError, "patterns must be at least one; got none"),
        ((np.zeros((1, 4), np.int8), 1.0), ValueError, "got 0 at"),
        ((np.ones((1, 4), np.int8), 0.0), ValueError, "beta must be positive; got 0.0"),
        ((np.ones((1, 4), np.int8), np.inf), ValueError, "beta must be finite; got inf"),
        ((np.ones((1, 4), np.int8), "1"), TypeError, "beta must be a real number; got '1'"),
    ],
)
def test_from_hopfield_refuses(arguments, error, words):
    with pytest.raises(error, match=words):
        from_hopfield(*arguments)


def test_from_hopfield_refuses_rules_units_and_dependent_patterns():
    patterns = random_patterns(2, 8, rng=1)
    with pytest.raises(ValueError, match=r"rule must be one of 'hebb', 'pseudo-inverse'; got 'storkey'"):
        from_hopfield(patterns, 1.0, rule="storkey")
    with pytest.raises(ValueError, match=r"hidden must be one of 'gaussian', 'spin'; got 'binary'"):
        from_hopfield(patterns, 1.0, hidden="binary")
    with pytest.raises(ValueError, match="0 and 1 are the same or mirror images"):
        from_hopfield(np.vstack([patterns[:1], -patterns[:1]]), 1.0, rule="pseudo-inverse")
    for name, value in {"visible": "binary", "n_hidden": 3, "hidden_biases": 1.0, "base": 0.0}.items():
        with pytest.raises(TypeError, match=f"{name} follows from the patterns; got {value!r}"):
            from_hopfield(patterns, 1.0, **{name: value})


def test_what_has_no_patterns_is_refused():
    machine = from_hopfield(random_patterns(2, 8, rng=1), 1.0)
    with pytest.raises(TypeError, match="machine must be an RBM; got SpinNetwork"):
        patterns_of(machine.to_network())
    with pytest.raises(ValueError, match="visible units of the kind 'spin'; got 'binary'"):
        patterns_of(RBM.from_parameters(np.ones((3, 1))))
    with pytest.raises(ValueError, match="rank must be at most 2; got 3"):
        patterns_of(machine, rank=3)
    with pytest.raises(ValueError, match="rank must be below the number of spins, 8: all states lie in the"):
        patterns_of(rotated(from_hopfield(random_patterns(8, 8, rng=4), 1.0)))
    with pytest.raises(TypeError, match="rng"):
        patterns_of(machine, rng="abc")
    with pytest.raises(ValueError, match="n_starts must be at least 1; got 0"):
        patterns_of(machine, n_starts=0)
    with pytest.raises(
        ValueError, match=r"visible must have the shape \(rows, 8\), at least one; got \(8,\)"
    ):
        order_parameters(machine, np.ones(8, np.int8))
    with pytest.raises(
        ValueError, match=r"visible must have the shape \(rows, 8\), at least one; got \(0, 8"
    ):
        order_parameters(machine, np.ones((0, 8), np.int8))
    with pytest.raises(TypeError, match="visible must hold real numbers; got a masked array"):
        order_parameters(machine, np.ma.masked_array(np.ones((2, 8), np.int8), mask=True))
    with pytest.raises(ValueError, match="visible must hold -1 and 1 only"):
        order_parameters(machine, np.zeros((2, 8), np.int8))
    with pytest.raises(ValueError, match="patterns must be those of 8 spins"):
        order_parameters(machine, np.ones((2, 8), np.int8), patterns=np.ones((1, 7), np.int8))
    with pytest.raises(ValueError, match="patterns must be at least one"):
        order_parameters(machine, np.ones((2, 8), np.int8), patterns=np.ones((0, 8), np.int8))


def test_parameters_are_copies():
    patterns = random_patterns(2, 8, rng=1)
    machine = from_hopfield(patterns, 1.0)
    before = parameters_of(machine)[0].copy()
    patterns *= -1
    assert (parameters_of(machine)[0] == before).all()
