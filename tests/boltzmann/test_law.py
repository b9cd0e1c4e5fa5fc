"""What a restricted machine says of its states against sums over all of them, for all kinds of units."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import logsumexp

from smbook.boltzmann import RBM, LogLikelihood, Parameters
from tests.boltzmann.exact import (
    KINDS,
    all_units,
    law,
    log_law,
    log_likelihood,
    log_weights,
    parameters_of,
    random_machine,
)
from tests.network.exact import gibbs, p_value

N, M = 4, 3
kinds = pytest.mark.parametrize(("visible", "hidden"), KINDS)


# Energies and probabilities


@kinds
def test_probabilities_of_rows_are_those_of_all_pairs_of_states(visible, hidden):
    machine = random_machine(visible, hidden, 6, 4)
    parameters, rows = parameters_of(machine), all_units(visible, 6)
    expected = log_law(parameters, visible, hidden)
    np.testing.assert_allclose(machine.score_samples(rows), expected, rtol=0, atol=1e-12)
    np.testing.assert_allclose(
        -machine.free_energy(rows), log_weights(parameters, visible, hidden), atol=1e-12
    )
    assert machine.score(rows) == pytest.approx(expected.mean(), abs=1e-12)
    found = machine.log_likelihood(rows)
    assert found == LogLikelihood(pytest.approx(machine.score(rows), abs=1e-12), 0.0, "exact")
    assert np.exp(expected).sum() == pytest.approx(1.0)


@kinds
def test_energies_summed_over_hidden_units_are_free_energies(visible, hidden):
    machine = random_machine(visible, hidden)
    v = all_units(visible, N)
    if hidden == "gaussian":
        nodes, shares = np.polynomial.hermite_e.hermegauss(60)
        h = np.array(list(itertools.product(nodes, repeat=M)))
        log_shares = np.log(
            [math.prod(s) / (2 * math.pi) ** (M / 2) for s in itertools.product(shares, repeat=M)]
        )
    else:
        h = all_units(hidden, M)
        log_shares = np.zeros(len(h))
    joint = log_shares - machine.energy(v[:, None, :], h[None, :, :])
    np.testing.assert_allclose(machine.free_energy(v), -logsumexp(joint, axis=1), atol=1e-9)


@kinds
def test_means_of_a_layer_are_those_of_its_conditional_law(visible, hidden):
    machine = random_machine(visible, hidden)
    rows = all_units(visible, N)
    if hidden == "gaussian":
        h = np.random.default_rng(1).normal(size=(5, M))
        expected = rows @ machine.weights_ + machine.hidden_biases_
    else:
        h = all_units(hidden, M)
        joint = np.exp(-machine.energy(rows[:, None, :], h[None, :, :]))
        expected = joint @ h / joint.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(machine.transform(rows), expected, atol=1e-12)
    joint = np.exp(-machine.energy(rows[:, None, :], h[None, :, :]))
    expected = (joint.T @ rows) / joint.sum(axis=0)[:, None]
    np.testing.assert_allclose(machine.inverse_transform(h), expected, atol=1e-12)


@given(st.integers(1, 7), st.integers(1, 7), st.sampled_from(KINDS), st.integers(0, 10**6))
def test_the_exact_partition_function_sums_over_either_layer(n, m, kind, seed):
    machine = random_machine(*kind, n, m, seed=seed)
    expected = logsumexp(log_weights(parameters_of(machine), *kind))
    found = machine.log_partition("exact", rng=1)
    assert found.value == pytest.approx(expected, abs=1e-12)
    assert (found.error, found.method, found.log_weights.size) == (0.0, "exact", 0)


@pytest.mark.parametrize("hidden", ["binary", "spin"])
def test_more_states_than_a_piece_are_summed(hidden):
    """2^14 states in four pieces, of the visible and of the hidden layer, which are each other's mirror."""
    machine = random_machine("spin", hidden, 14, 15, scale=0.3)
    weights, biases, others = parameters_of(machine)
    v = all_units("spin", 14)
    fields = v @ weights + others
    phi = np.logaddexp(fields, -fields if hidden == "spin" else 0.0)
    expected = logsumexp(v @ biases + phi.sum(axis=1))
    assert machine.log_partition("exact").value == pytest.approx(expected, abs=1e-11)
    if hidden == "spin":
        mirrored = RBM.from_parameters(
            machine.weights_.T, machine.hidden_biases_, machine.visible_biases_, visible="spin", hidden="spin"
        )
        assert mirrored.log_partition("exact").value == pytest.approx(expected, abs=1e-11)


def test_too_many_units_for_a_sum_are_refused():
    with pytest.raises(ValueError, match="for up to 25 units; got 26"):
        random_machine("spin", "spin", 30, 26).log_partition("exact")
    with pytest.raises(ValueError, match="for up to 25 units; got 26"):
        random_machine("spin", "gaussian", 26, 2).log_partition("exact")
    for refused in (random_machine("spin", "spin", 17, 17), random_machine("binary", "gaussian", 17, 2)):
        rows = all_units(refused.visible, 2).repeat(9, axis=1)[:, :17]
        with pytest.raises(ValueError, match="for up to 16 units; got 17"):
            refused.gradient(rows)
        with pytest.raises(ValueError, match="up to 16 units in the smaller layer, which has 17"):
            refused.log_partition("reverse")


# Gradients


@kinds
def test_gradients_are_finite_differences_of_the_exact_likelihood(visible, hidden):
    """To 1e-7, of rows that come with different multiplicities."""
    machine = random_machine(visible, hidden, 5, 3)
    rows = all_units(visible, 5)[[1, 7, 7, 30, 18, 18, 18]]
    parameters, step = parameters_of(machine), 1e-5
    found = machine.gradient(rows)
    for name, part, gradient in zip(Parameters._fields, parameters, found, strict=True):
        for index in np.ndindex(part.shape):
            ends = []
            for sign in (1.0, -1.0):
                moved = Parameters(*(p.copy() for p in parameters))
                getattr(moved, name)[index] += sign * step
                ends.append(log_likelihood(moved, visible, hidden, rows))
            assert gradient[index] == pytest.approx((ends[0] - ends[1]) / (2 * step), abs=1e-7)


@kinds
def test_gradients_vanish_where_data_are_all_the_machine_gives(visible, hidden):
    """Rows as often as their probabilities say, to a thousandth."""
    machine = random_machine(visible, hidden, scale=0.4)
    counts = np.round(200_000 * law(machine)).astype(int)
    found = machine.gradient(np.repeat(all_units(visible, N), counts, axis=0))
    assert max(np.abs(part).max() for part in found) < 1e-4


# Networks


@kinds
def test_a_network_has_the_same_probabilities(visible, hidden):
    machine = random_machine(visible, hidden)
    network = machine.to_network()
    joint = gibbs(network, 1.0).reshape(-1, 2**N).sum(axis=0)
    np.testing.assert_allclose(joint, law(machine), rtol=0, atol=1e-12)
    assert network.n_spins == (N if hidden == "gaussian" else N + M)


# Samples

N_CHAINS = 300_000


def z_of(samples, machine, observable, *, beta=1.0):
    """By how many errors the mean of an observable of visible states is off."""
    rows = all_units(machine.visible, samples.shape[1])
    values, probabilities = observable(rows), law(machine, beta=beta)
    mean = probabilities @ values
    error = math.sqrt(probabilities @ (values - mean) ** 2 / len(samples))
    return (observable(samples).mean() - mean) / error


def score_of(machine, rows):
    """What ln p(v) gains with beta, up to a constant: the best observable to tell temperatures apart."""
    parameters = parameters_of(machine)
    ends = [
        log_weights([beta * p for p in parameters], machine.visible, machine.hidden, rows)
        for beta in (0.999, 1.001)
    ]
    return (ends[1] - ends[0]) / 0.002


@kinds
def test_the_histogram_of_samples_is_that_of_all_states(visible, hidden):
    """Independent chains: chi-square, and one mean, which sees 1.5 % in temperature."""
    machine = random_machine(visible, hidden, scale=1.2 if visible == "binary" else 0.6, dtype="float32")
    samples = machine.sample(N_CHAINS, n_sweeps=20, rng=1)
    assert samples.dtype == np.int8
    assert p_value(samples, law(machine)) > 1e-4
    assert abs(z_of(samples, machine, lambda rows: score_of(machine, rows))) < 4
    for unit in range(N):
        assert abs(z_of(samples, machine, lambda rows, unit=unit: rows[:, unit].astype(float))) < 4.5
    warmer = machine.sample(N_CHAINS, n_sweeps=20, beta=0.985, rng=1)
    assert abs(z_of(warmer, machine, lambda rows: score_of(machine, rows))) > 4


@kinds
def test_beta_multiplies_all_parameters(visible, hidden):
    machine = random_machine(visible, hidden, dtype="float32")
    for beta in (0.0, 0.6, 1.2):
        samples = machine.sample(60_000, n_sweeps=30, beta=beta, rng=2)
        assert p_value(samples, law(machine, beta=beta)) > 1e-4


@kinds
def test_clamped_units_stay_and_the_others_follow_the_conditional_law(visible, hidden):
    machine = random_machine(visible, hidden)
    low = all_units(visible, 1)[0, 0]
    clamped = np.array([np.nan, 1.0, np.nan, low])
    samples = machine.sample(100_000, n_sweeps=40, clamped=clamped, rng=3)
    rows = all_units(visible, N)
    there = (rows[:, 1] == 1) & (rows[:, 3] == low)
    conditional = np.where(there, law(machine), 0.0)
    conditional /= conditional.sum()
    assert (samples[:, [1, 3]] == [1, low]).all()
    assert p_value(samples, conditional) > 1e-4
    assert p_value(samples, np.where(there, there, 0) / there.sum()) < 1e-6


def test_each_chain_can_have_clamps_of_its_own():
    machine = random_machine("binary", "spin")
    clamped = np.full((40_000, N), np.nan)
    clamped[::2, 0], clamped[1::2, 0] = 0, 1
    samples = machine.sample(40_000, n_sweeps=40, clamped=clamped, rng=3)
    assert samples[:, 0].tolist() == clamped[:, 0].tolist()
    for start in (0, 1):
        conditional = np.where(all_units("binary", N)[:, 0] == start, law(machine), 0.0)
        assert p_value(samples[start::2], conditional / conditional.sum()) > 1e-4


def test_chains_begin_where_they_are_told():
    machine = random_machine("spin", "binary")
    one, several = all_units("spin", N)[5], all_units("spin", N)[:6]
    assert machine.sample(3, n_sweeps=0, initial=one).tolist() == [one.tolist()] * 3
    assert machine.sample(6, n_sweeps=0, initial=several).tolist() == several.tolist()
    clamped = np.array([-1, np.nan, np.nan, np.nan])
    assert machine.sample(6, n_sweeps=0, initial=several, clamped=clamped)[:, 0].tolist() == [-1] * 6
    assert machine.sample(2, n_sweeps=5, clamped=several[0]).tolist() == [several[0].tolist()] * 2


def test_seeds_are_reproduced():
    machine = random_machine("binary", "gaussian")
    one, other = (machine.sample(50, n_sweeps=10, rng=seed) for seed in (5, 6))
    assert machine.sample(50, n_sweeps=10, rng=5).tolist() == one.tolist() != other.tolist()
    generator = np.random.default_rng(1)
    first, second = (machine.sample(50, n_sweeps=10, rng=generator).tolist() for _ in range(2))
    assert first != second


# Refusals

MACHINE = random_machine("binary", "binary")
REFUSED = {
    "no samples": (lambda m: m.sample(0), "n_samples must be at least 1; got 0"),
    "half a sample": (lambda m: m.sample(1.5), "n_samples must be an integer; got 1.5"),
    "negative sweeps": (lambda m: m.sample(1, n_sweeps=-1), "n_sweeps must be at least 0; got -1"),
    "negative beta": (lambda m: m.sample(1, beta=-1.0), "beta must be at least 0; got -1.0"),
    "beta nan": (lambda m: m.sample(1, beta=math.nan), "beta must be finite; got nan"),
    "initial of spins": (
        lambda m: m.sample(1, initial=[1, -1, 1, 1]),
        "initial must hold 0 and 1 only.*got -1",
    ),
    "initial of nan": (lambda m: m.sample(1, initial=[1, np.nan, 1, 1]), "initial must be finite; got nan"),
    "initial too long": (lambda m: m.sample(1, initial=np.ones(5)), "initial must have 4 columns"),
    "initial of two": (lambda m: m.sample(3, initial=np.ones((2, 4))), r"the shape \(4,\) or \(3, 4\)"),
    "clamped beyond": (
        lambda m: m.sample(1, clamped=[2, np.nan, 1, 1]),
        "clamped must hold 0 and 1 only.*got 2",
    ),
    "clamped infinite": (lambda m: m.sample(1, clamped=[np.inf, 1, 1, 1]), "clamped must be finite; got inf"),
    "clamped words": (lambda m: m.sample(1, clamped=list("abcd")), "clamped must hold real numbers"),
    "clamped masked": (
        lambda m: m.sample(1, clamped=np.ma.masked_array(np.ones(4), [1, 0, 0, 0])),
        "clamped must hold real numbers",
    ),
    "clamped short": (lambda m: m.sample(1, clamped=[1.0]), "clamped must have 4 columns"),
    "energy of spins": (lambda m: m.energy(np.ones(4), -np.ones(3)), "hidden must hold 0 and 1 only"),
    "energy of few": (lambda m: m.energy(np.ones(3), np.ones(3)), "visible must have 4 columns"),
    "rows of few": (lambda m: m.transform(np.ones((2, 3))), "3 features"),
    "rows of many": (lambda m: m.inverse_transform(np.ones((2, 4))), r"shape \(n_samples, 3\); got \(2, 4\)"),
    "hidden nan": (lambda m: m.inverse_transform([[1, np.nan, 0]]), "X must be finite; got nan"),
    "method": (lambda m: m.log_partition("exactly"), "method must be one of .*got 'exactly'"),
    "no chains": (lambda m: m.log_partition("annealed", n_chains=0), "n_chains must be at least 1; got 0"),
    "no betas": (lambda m: m.log_partition("annealed", betas=0), "betas must be at least 1; got 0"),
    "betas fall": (
        lambda m: m.log_partition("annealed", betas=[0, 0.5, 0.5, 1]),
        "betas must rise from 0 to 1",
    ),
    "betas end": (lambda m: m.log_partition("annealed", betas=[0, 0.5]), "betas must rise from 0 to 1"),
    "no path": (lambda m: m.log_partition("path"), "needs a path"),
    "empty path": (lambda m: m.log_partition("path", path=[]), "at least one machine"),
    "another path": (
        lambda m: m.log_partition("path", path=[random_machine("spin", "binary")]),
        "machines like this one",
    ),
    "weights nan": (lambda _: RBM.from_parameters([[np.nan]]), "weights must be finite; got nan"),
    "weights too large": (
        lambda _: RBM.from_parameters([[1e39]], dtype="float32"),
        "weights must be finite in float32",
    ),
    "weights of one row": (
        lambda _: RBM.from_parameters([1.0]),
        r"the shape \(n_visible, n_hidden\); got \(1,\)",
    ),
    "no weights": (lambda _: RBM.from_parameters(np.empty((0, 3))), "the shape"),
    "biases": (lambda _: RBM.from_parameters([[1.0]], [1.0, 2.0]), "visible_biases must be 1 numbers"),
    "visible": (lambda _: RBM.from_parameters([[1.0]], visible="gaussian"), "visible must be one of"),
    "hidden": (lambda _: RBM.from_parameters([[1.0]], hidden="relu"), "hidden must be one of"),
    "dtype": (lambda _: RBM.from_parameters([[1.0]], dtype="float16"), "dtype must be one of"),
}


@pytest.mark.filterwarnings("ignore:overflow encountered in cast")
@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_is_refused_with_its_value(name):
    call, message = REFUSED[name]
    with pytest.raises((TypeError, ValueError), match=message):
        call(MACHINE)


def test_a_machine_that_has_learned_nothing_says_so():
    for method in ("transform", "free_energy", "score_samples", "score", "log_likelihood", "gradient"):
        with pytest.raises(ValueError, match="not fitted"):
            getattr(RBM(), method)([[0, 1]])
    for call in (RBM().log_partition, RBM().to_network, lambda: RBM().sample(1), lambda: RBM().save("x")):
        with pytest.raises(ValueError, match="not fitted"):
            call()


def test_kinds_that_are_set_later_do_not_change_what_was_learned():
    rows = all_units("binary", N)
    machine = random_machine("binary", "binary").set_params(hidden="gaussian", visible="spin")
    np.testing.assert_array_equal(machine.transform(rows), MACHINE.transform(rows))
    np.testing.assert_array_equal(machine.free_energy(rows), MACHINE.free_energy(rows))
    np.testing.assert_array_equal(machine.to_network().couplings, MACHINE.to_network().couplings)
