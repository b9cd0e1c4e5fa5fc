"""Boltzmann machines: gradients, learning, samples and refusals against sums over all states."""

import copy
import math
import pickle
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from smbook.boltzmann import BoltzmannMachine, LearningHistory
from smbook.datasets import bars_and_stripes, logic_gate
from smbook.network import SpinNetwork, ferromagnet, from_lattice
from smbook.statistics import disorder_mean
from tests.network.exact import all_states, gibbs, numbers_of, p_value, random_couplings

SEEDS = range(10)
XOR = logic_gate("xor", units="spin")


def a_network(n_units, seed, strength=1.0):
    random = np.random.default_rng(seed)
    return SpinNetwork(strength * random_couplings(n_units, seed), random.normal(size=n_units) / 2)


def a_machine(n_visible, n_hidden, seed, strength=1.0, **hyperparameters):
    return BoltzmannMachine.from_network(
        a_network(n_visible + n_hidden, seed, strength), n_visible, **hyperparameters
    )


def some_rows(n_visible, seed, count=7):
    return np.random.default_rng(seed).choice(np.array([-1, 1], np.int8), (count, n_visible))


def joint_law(machine):
    """p(v, h), (2^m, 2^n)."""
    return gibbs(machine.network_, 1.0).reshape(-1, 2**machine.n_visible)


# What a machine knows


@given(st.integers(1, 5), st.integers(0, 4), st.integers(0, 10**6), st.floats(0, 3))
def test_exact_results_are_sums_over_all_states(n_visible, n_hidden, seed, strength):
    machine = a_machine(n_visible, n_hidden, seed, strength)
    joint, rows = joint_law(machine), some_rows(n_visible, seed)
    law = joint.sum(axis=0)
    np.testing.assert_allclose(machine.visible_law(), law, rtol=1e-10, atol=1e-15)
    places = numbers_of(rows)
    np.testing.assert_allclose(machine.score_samples(rows), np.log(law[places]), rtol=1e-10, atol=1e-10)
    weights = np.random.default_rng(seed).random(len(rows))
    shares = weights / weights.sum()
    likelihood = shares @ np.log(law[places])
    assert machine.log_likelihood(rows, sample_weight=weights) == pytest.approx(
        likelihood, rel=1e-10, abs=1e-10
    )
    data = np.bincount(places, weights=shares, minlength=law.size)
    kept = data > 0
    kl = data[kept] @ np.log(data[kept] / law[kept])
    assert machine.kl_divergence(rows, sample_weight=weights) == pytest.approx(kl, rel=1e-9, abs=1e-10)
    hidden = (joint / law)[:, places].T @ all_states(n_hidden)
    np.testing.assert_allclose(machine.transform(rows), hidden, atol=1e-12)
    assert machine.transform(rows).shape == (7, n_hidden)


@given(st.integers(1, 5), st.integers(0, 3), st.integers(0, 10**6))
def test_a_clamped_law_is_the_law_given_these_units(n_visible, n_hidden, seed):
    machine = a_machine(n_visible, n_hidden, seed)
    clamped = np.random.default_rng(seed).integers(-1, 2, n_visible)
    fits = (all_states(n_visible) * clamped >= 0).all(axis=1)
    law = np.where(fits, joint_law(machine).sum(axis=0), 0.0)
    np.testing.assert_allclose(machine.visible_law(clamped=clamped), law / law.sum(), rtol=1e-10, atol=1e-15)


@settings(max_examples=30)
@given(st.integers(1, 4), st.integers(0, 3), st.integers(0, 10**6))
def test_the_gradient_is_the_slope_of_the_likelihood(n_visible, n_hidden, seed):
    """Central differences of the exact likelihood in every coupling and field, to 1e-7."""
    machine = a_machine(n_visible, n_hidden, seed)
    rows, weights = some_rows(n_visible, seed), np.random.default_rng(seed).random(7)
    n, step = n_visible + n_hidden, 1e-4
    found = machine.gradient(rows, sample_weight=weights)

    def at(couplings, fields):
        moved = BoltzmannMachine.from_network(SpinNetwork(couplings, fields), n_visible)
        return moved.log_likelihood(rows, sample_weight=weights)

    couplings, fields = machine.network_.couplings, machine.network_.fields
    for i in range(n):
        shift = step * np.eye(n)[i]
        slope = (at(couplings, fields + shift) - at(couplings, fields - shift)) / (2 * step)
        assert found.fields[i] == pytest.approx(slope, abs=1e-7)
        for j in range(i):
            pair = np.zeros((n, n))
            pair[i, j] = pair[j, i] = step
            slope = (at(couplings + pair, fields) - at(couplings - pair, fields)) / (2 * step)
            assert found.couplings[i, j] == found.couplings[j, i] == pytest.approx(slope, abs=1e-7)


@pytest.mark.parametrize("n_hidden", [0, 2])
def test_sampled_gradients_are_the_exact_ones_within_their_errors(n_hidden):
    """Every entry, and their squares: over 40 draws the z-scores are those of a normal number."""
    machine, rows = a_machine(3, n_hidden, 4, n_chains=1000), some_rows(3, 4, count=5)
    exact = machine.gradient(rows)
    drawn = [machine.gradient(rows, method="sampled", n_sweeps=30, rng=seed) for seed in range(40)]
    pairs = np.tril_indices(3 + n_hidden, -1)
    for of, right in (
        (lambda g: g.couplings[pairs], exact.couplings[pairs]),
        (lambda g: g.fields, exact.fields),
    ):
        table = np.array([of(one) for one in drawn])
        z = (table.mean(axis=0) - right) / (table.std(axis=0, ddof=1) / math.sqrt(40))
        assert abs(z).max() < 4
    wrong = a_machine(3, n_hidden, 4, strength=1.1, n_chains=1000).gradient(rows)
    table = np.array([one.couplings[pairs] for one in drawn])
    z = (table.mean(axis=0) - wrong.couplings[pairs]) / (table.std(axis=0, ddof=1) / math.sqrt(40))
    assert abs(z).max() > 4


def test_there_is_no_gradient_where_there_is_no_connection():
    rows = some_rows(2, 1)
    machine = BoltzmannMachine.from_network(SpinNetwork(np.zeros((4, 4))), 2, connections="restricted")
    gradient = machine.gradient(rows).couplings
    assert not gradient[:2, :2].any()
    assert not gradient[2:, 2:].any()


# Samples


def test_samples_follow_the_law_of_the_visible_units():
    machine = a_machine(4, 2, 3)
    samples = machine.sample(20_000, n_sweeps=60, rng=1)
    assert samples.dtype == np.int8
    assert p_value(samples, machine.visible_law()) > 1e-4
    assert p_value(samples, a_machine(4, 2, 3, strength=1.1).visible_law()) < 1e-4


def test_samples_given_some_units_follow_the_law_given_these():
    machine, clamped = a_machine(4, 2, 3), [0, 1, 0, -1]
    samples = machine.sample(20_000, n_sweeps=60, clamped=clamped, rng=1)
    assert (samples[:, [1, 3]] == [1, -1]).all()
    assert p_value(samples, machine.visible_law(clamped=clamped)) > 1e-4
    other = machine.sample(20_000, n_sweeps=60, clamped=[0, 1, 0, 1], rng=1)
    other[:, 3] = -1
    assert p_value(other, machine.visible_law(clamped=clamped)) < 1e-4


def test_all_units_may_be_clamped_and_a_seed_gives_the_same_samples():
    machine = a_machine(3, 0, 1)
    assert machine.sample(2, clamped=[1, -1, 1]).tolist() == [[1, -1, 1]] * 2
    machine = a_machine(3, 2, 1)
    assert machine.sample(5, rng=3).tolist() == machine.sample(5, rng=3).tolist()
    assert machine.sample(2, n_sweeps=0, rng=1).shape == (2, 3)


# Learning


@pytest.mark.parametrize("method", ["exact", "sampled"])
def test_a_seed_gives_the_same_machine_to_the_bit(method):
    one, two, other = (
        BoltzmannMachine(2, method=method, n_epochs=20, rng=seed).fit(XOR) for seed in (1, 1, 2)
    )
    assert one.history_ == two.history_ != other.history_
    assert one.network_.couplings.tolist() == two.network_.couplings.tolist()
    assert one.chains_.tolist() == two.chains_.tolist()
    generator = np.random.default_rng(1)
    again = [BoltzmannMachine(2, method=method, n_epochs=5, rng=generator).fit(XOR) for _ in range(2)]
    assert again[0].history_ != again[1].history_


@settings(max_examples=20)
@given(st.integers(1, 4), st.integers(0, 2), st.integers(0, 10**6))
def test_small_steps_never_lower_the_likelihood(n_visible, n_hidden, seed):
    machine = BoltzmannMachine(n_hidden, n_epochs=40, learning_rate=0.05, initial_scale=0.5, rng=seed)
    history = machine.fit(some_rows(n_visible, seed)).history_
    assert (np.diff(history.log_likelihood) > -1e-13).all()
    assert (history.kl >= 0).all()
    assert np.ptp(history.kl + history.log_likelihood) < 1e-12  # minus the entropy of the data


def test_the_history_tells_what_the_machine_was_like():
    machine = BoltzmannMachine(1, n_epochs=25, evaluate_every=10, rng=1).fit(XOR)
    history = machine.history_
    assert history.epoch.tolist() == [0, 10, 20, 25]
    assert history.kl[-1] == machine.kl_divergence(XOR)
    assert history.log_likelihood[-1] == machine.log_likelihood(XOR)
    gradient = machine.gradient(XOR)
    assert history.gradient[-1] == max(abs(gradient.couplings).max(), abs(gradient.fields).max())
    assert re.fullmatch(r"LearningHistory\(25 epochs, KL 0.7040 before, 0.6932 after\)", repr(history))
    assert repr(LearningHistory(*np.empty((4, 0)))) == "LearningHistory(no epochs)"


@pytest.mark.parametrize("seed", SEEDS)
def test_couplings_between_visible_units_know_nothing_of_xor(seed):
    """Means and correlations of XOR are those of free spins, wherever learning starts."""
    machine = BoltzmannMachine(0, n_epochs=2000, learning_rate=0.5, initial_scale=1.0, rng=seed).fit(XOR)
    assert machine.kl_divergence(XOR) == pytest.approx(math.log(2), abs=1e-12)
    assert abs(machine.network_.couplings).max() < 1e-6


@pytest.mark.parametrize("seed", SEEDS)
def test_one_hidden_unit_learns_xor(seed):
    machine = BoltzmannMachine(1, n_epochs=3000, learning_rate=0.5, initial_scale=0.3, rng=seed).fit(XOR)
    assert machine.kl_divergence(XOR) < 0.005
    assert machine.visible_law()[numbers_of(XOR)] == pytest.approx(np.full(4, 0.25), abs=0.005)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", ["and", "or", "nand", "nor"])
def test_other_gates_need_no_hidden_unit(name, seed):
    rows = logic_gate(name, units="spin")
    machine = BoltzmannMachine(0, n_epochs=3000, learning_rate=0.5, rng=seed).fit(rows)
    assert machine.kl_divergence(rows) < 0.001
    for row in rows:
        law = machine.visible_law(clamped=[*row[:2], 0])
        assert law[numbers_of(row)] > 0.99


@pytest.mark.parametrize("seed", SEEDS)
def test_chains_learn_xor_too(seed):
    """Their noise leaves more of the divergence than exact averages do."""
    machine = BoltzmannMachine(
        1, method="sampled", n_epochs=2000, learning_rate=0.2, initial_scale=0.5, n_chains=1000, n_sweeps=2,
        evaluate_every=2000, rng=seed,
    ).fit(XOR)  # fmt: skip
    assert machine.kl_divergence(XOR) < 0.1
    assert machine.chains_.shape == (1000, 4)


def test_couplings_change_where_there_are_connections():
    connections = np.zeros((4, 4), dtype=bool)
    connections[:2, 2] = connections[2, :2] = True
    machine = BoltzmannMachine(1, connections=connections, n_epochs=20, learning_rate=0.5, rng=1)
    couplings = machine.fit(logic_gate("and", units="spin")).network_.couplings
    assert not couplings[~connections].any()
    assert couplings[connections].all()


@pytest.mark.parametrize("seed", SEEDS)
def test_bars_and_stripes_are_learned(seed):
    """All pictures alike: the best likelihood is minus the logarithm of their number."""
    rows = bars_and_stripes(2, units="spin")
    machine = BoltzmannMachine(
        3, connections="restricted", n_epochs=2000, learning_rate=0.3, momentum=0.5, initial_scale=0.5,
        evaluate_every=2000, rng=seed,
    ).fit(rows)  # fmt: skip
    assert machine.log_likelihood(rows) == pytest.approx(-math.log(6), abs=0.02)


def test_couplings_between_pixels_know_bars_and_stripes_of_nine():
    """Magnetic bonds along the sides of a square, opposite ones across it: all pictures are ground states."""
    rows = bars_and_stripes(3, units="spin")
    machine = BoltzmannMachine(0, n_epochs=2000, learning_rate=0.2, momentum=0.9, rng=1).fit(rows)
    assert machine.kl_divergence(rows) < 1e-3
    found = machine.network_.couplings
    assert found[0, 1] > 0.5
    assert found[0, 4] < -0.5


@pytest.mark.parametrize("seed", SEEDS)
def test_the_couplings_of_a_magnet_come_back_from_its_law(seed):
    """A distribution goes in as states and their probabilities; the likelihood has one maximum."""
    magnet = from_lattice((3, 3), coupling=0.4, field=0.1) if seed else ferromagnet(6)
    n = magnet.n_spins
    machine = BoltzmannMachine(
        0, n_epochs=1500, learning_rate=0.15, momentum=0.8, initial_scale=0.5, evaluate_every=1500, rng=seed
    ).fit(all_states(n), sample_weight=gibbs(magnet, 1.0))
    couplings = magnet.couplings if isinstance(magnet.couplings, np.ndarray) else magnet.couplings.toarray()
    np.testing.assert_allclose(machine.network_.couplings, couplings, atol=1e-5)
    np.testing.assert_allclose(machine.network_.fields, magnet.fields, atol=1e-5)
    assert machine.history_.gradient[-1] < 1e-6


def test_chains_find_the_couplings_of_a_magnet_on_average():
    """Ten runs from other seeds: their means are within their errors of the exact ones, at a small rate."""
    magnet = SpinNetwork(0.3 * np.eye(4)[[1, 0, 3, 2]], [0.2, 0.0, -0.1, 0.0])
    data = {"X": all_states(4), "sample_weight": gibbs(magnet, 1.0)}
    machine = BoltzmannMachine(
        0, method="sampled", n_epochs=1500, learning_rate=0.02, n_chains=500, evaluate_every=1500
    )
    pairs = np.tril_indices(4, -1)
    found = np.array([clone(machine).set_params(rng=k).fit(**data).network_.couplings[pairs] for k in SEEDS])
    z = [disorder_mean(x).mean.z(right) for x, right in zip(found.T, (0.3, 0, 0, 0, 0, 0.3), strict=True)]
    assert max(map(abs, z)) < 5
    assert abs(found - [0.3, 0, 0, 0, 0, 0.3]).max() < 0.1


def test_weights_of_rows_are_probabilities():
    rows = some_rows(3, 1, count=50)
    distinct, counts = np.unique(rows, axis=0, return_counts=True)
    one = BoltzmannMachine(1, n_epochs=30, rng=1).fit(rows)
    two = BoltzmannMachine(1, n_epochs=30, rng=1).fit(distinct, sample_weight=counts * 1e300)
    np.testing.assert_allclose(one.network_.couplings, two.network_.couplings, atol=1e-13)
    blank = np.vstack([rows, -np.ones((1, 3))])
    three = BoltzmannMachine(1, n_epochs=30, rng=1).fit(blank, sample_weight=[1.0] * 50 + [0.0])
    np.testing.assert_allclose(one.network_.couplings, three.network_.couplings, atol=1e-13)


def test_decay_holds_the_couplings_down_and_momentum_speeds_up():
    rows = logic_gate("and", units="spin")
    plain, decayed, driven = (
        BoltzmannMachine(0, n_epochs=200, learning_rate=0.2, rng=1, **more).fit(rows)
        for more in ({}, {"weight_decay": 0.1}, {"momentum": 0.8})
    )
    assert abs(decayed.network_.couplings).max() < abs(plain.network_.couplings).max()
    gradient = decayed.gradient(rows).couplings - 0.1 * decayed.network_.couplings
    assert abs(gradient).max() < 0.01
    assert driven.kl_divergence(rows) < plain.kl_divergence(rows) / 3


def test_learning_goes_on_from_a_network():
    whole = BoltzmannMachine(1, n_epochs=60, rng=1).fit(XOR)
    part = BoltzmannMachine(1, n_epochs=30, rng=1).fit(XOR)
    part.fit(XOR, initial=part.network_)
    np.testing.assert_allclose(part.network_.couplings, whole.network_.couplings, atol=1e-13)


def test_a_callback_sees_each_epoch_and_may_stop():
    seen = []

    def watch(machine):
        seen.append((int(machine.history_.epoch[-1]), machine.kl_divergence(XOR), machine.history_.kl[-1]))
        return len(seen) == 4

    machine = BoltzmannMachine(1, n_epochs=50, rng=1).fit(XOR, callback=watch)
    assert [epoch for epoch, *_ in seen] == [1, 2, 3, 4] == machine.history_.epoch[1:].tolist()
    assert all(kl == noted for _, kl, noted in seen)


def test_progress_is_shown_on_the_error_stream(capsys):
    BoltzmannMachine(0, n_epochs=3, rng=1).fit(XOR, progress=True)
    out, err = capsys.readouterr()
    assert out == ""
    assert "3/3" in err
    assert "epoch" in err


def test_chains_learn_more_units_than_can_be_enumerated():
    rows = np.tile(some_rows(6, 1, count=3), (1, 5))
    machine = BoltzmannMachine(2, method="sampled", n_epochs=300, rng=1).fit(rows)
    assert np.isnan(machine.history_.kl).all()
    assert machine.history_.gradient[-1] < machine.history_.gradient[0] / 2
    samples = machine.sample(100, n_sweeps=200, rng=1)
    near = (samples @ rows.T.astype(int) / 30).max(axis=1)
    assert near.mean() > 0.5
    with pytest.raises(ValueError, match="for N up to 20; got N = 32"):
        machine.log_likelihood(rows)


# An estimator


def test_it_is_an_estimator_of_scikit_learn():
    machine = BoltzmannMachine(2, learning_rate=0.3, n_epochs=4, rng=5)
    assert machine.get_params()["learning_rate"] == 0.3
    twin = clone(machine)
    assert twin.get_params() == machine.get_params()
    assert twin.set_params(n_epochs=6).n_epochs == 6
    assert repr(machine) == "BoltzmannMachine(learning_rate=0.3, n_epochs=4, n_hidden=2, rng=5)"
    assert machine.fit(XOR) is machine
    assert machine.n_features_in_ == machine.n_visible == 3
    for copied in (copy.deepcopy(machine), pickle.loads(pickle.dumps(machine))):
        assert copied.kl_divergence(XOR) == machine.kl_divergence(XOR)


def test_a_machine_that_has_learned_nothing_says_so():
    for call in (
        lambda machine: machine.visible_law(),
        lambda machine: machine.sample(3),
        lambda machine: machine.score_samples(XOR),
        lambda machine: machine.gradient(XOR),
        lambda machine: machine.n_visible,
    ):
        with pytest.raises(NotFittedError, match="not fitted yet"):
            call(BoltzmannMachine())


def test_any_network_makes_a_machine():
    dense = np.array([[0.0, 0.5, 0.0], [0.5, 0.0, 0.0], [0.0, 0.0, 0.0]])
    kinds = [dense, sparse.csr_array(dense), dense.astype(np.float32)]
    laws = [BoltzmannMachine.from_network(SpinNetwork(kind, 0.25), 2).visible_law() for kind in kinds]
    for law in laws:
        np.testing.assert_allclose(law, laws[0], atol=1e-7)
    machine = BoltzmannMachine.from_network(SpinNetwork(kinds[1], 0.25), 2)
    assert machine.sample(50, clamped=[1, 0], n_sweeps=20, rng=1)[:, 0].tolist() == [1] * 50
    assert machine.n_hidden == 1
    assert not machine.history_.epoch.size


# Refusals


@pytest.mark.parametrize(
    ("hyperparameters", "error", "message"),
    [
        ({"n_hidden": -1}, ValueError, "n_hidden must be at least 0; got -1"),
        ({"n_hidden": 1.0}, TypeError, "n_hidden must be an integer; got 1.0"),
        ({"n_hidden": 18}, ValueError, "for N up to 20; got N = 21"),
        ({"connections": "none"}, ValueError, "connections must be one of 'full', 'restricted'; got 'none'"),
        ({"connections": np.ones((3, 3))}, TypeError, "or an array of bool; got dtype float64"),
        ({"connections": np.zeros((2, 2), bool)}, ValueError, r"must have the shape \(3, 3\); got \(2, 2\)"),
        ({"connections": np.eye(3) > 0}, ValueError, r"connect no unit with itself; got True at \(0, 0\)"),
        ({"connections": np.tri(3, k=-1) > 0}, ValueError, r"be symmetric; got False at \(0, 1\)"),
        ({"method": "cd"}, ValueError, "method must be one of 'exact', 'sampled'; got 'cd'"),
        ({"n_epochs": -1}, ValueError, "n_epochs must be at least 0; got -1"),
        ({"learning_rate": 0.0}, ValueError, "learning_rate must be positive; got 0"),
        ({"learning_rate": math.nan}, ValueError, "learning_rate must be finite; got nan"),
        ({"momentum": 1.0}, ValueError, "momentum must be below 1; got 1"),
        ({"momentum": -0.1}, ValueError, "momentum must be at least 0; got -0.1"),
        ({"weight_decay": -1}, ValueError, "weight_decay must be at least 0; got -1"),
        ({"n_chains": 0}, ValueError, "n_chains must be at least 1; got 0"),
        ({"n_sweeps": 0}, ValueError, "n_sweeps must be at least 1; got 0"),
        ({"initial_scale": -1}, ValueError, "initial_scale must be at least 0; got -1"),
        ({"evaluate_every": 0}, ValueError, "evaluate_every must be at least 1; got 0"),
        ({"rng": "seed"}, TypeError, "rng must be an integer"),
        (
            {"weight_decay": 1e4, "learning_rate": 1e4, "n_epochs": 99},
            RuntimeError,
            "couplings overflow in epoch",
        ),
    ],
)
def test_hyperparameters_that_are_none_are_refused_by_fit(hyperparameters, error, message):
    """Not before, and the machine keeps what it has learned."""
    machine = BoltzmannMachine(n_epochs=3, rng=1).fit(XOR)
    before = machine.network_
    machine.set_params(**hyperparameters)
    with pytest.raises(error, match=message):
        machine.fit(XOR)
    assert machine.network_ is before
    assert machine.history_.epoch.size == 4


NOT_DATA = [
    (np.empty((0, 3)), {}, ValueError, r"X must have at least one row; got shape \(0, 3\)"),
    (np.empty((3, 0)), {}, ValueError, r"X must have the shape \(rows, visible units\); got \(3, 0\)"),
    (XOR[0], {}, ValueError, r"X must have the shape \(rows, visible units\); got \(3,\)"),
    (logic_gate("xor"), {}, ValueError, r"X must hold \+1 and -1 only; got 0 at \(0, 0\)"),
    (XOR * 1.5, {}, ValueError, r"X must hold \+1 and -1 only; got -1.5 at \(0, 0\)"),
    (XOR * math.nan, {}, ValueError, "X must be finite; got nan"),
    (XOR > 0, {}, TypeError, "X must hold real numbers; got dtype bool"),
    ("XOR", {}, TypeError, "X must hold real numbers"),
    ([[1, 1], [1]], {}, TypeError, "X must hold real numbers in rows of one length"),
    (XOR, {"sample_weight": [1, 1, 1]}, ValueError, r"hold 4 numbers, one a row; got shape \(3,\)"),
    (XOR, {"sample_weight": [1, 1, 1, -1]}, ValueError, "sample_weight must be at least 0; got -1"),
    (XOR, {"sample_weight": [0, 0, 0, 0]}, ValueError, "must be positive for some row; got zeros only"),
    (XOR, {"sample_weight": [1, 1, 1, math.inf]}, ValueError, "sample_weight must be finite; got inf"),
]


@pytest.mark.parametrize(("rows", "options", "error", "message"), NOT_DATA)
def test_data_that_are_none_are_refused(rows, options, error, message):
    machine = a_machine(3, 1, 1)
    before = machine.network_
    for call in (machine.fit, machine.log_likelihood, machine.kl_divergence, machine.gradient):
        with pytest.raises(error, match=message):
            call(rows, **options)
    assert machine.network_ is before


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda m: m.score_samples(XOR[:, :2]),
            ValueError,
            "X must have 3 columns, one a visible unit; got 2",
        ),
        (lambda m: m.transform(XOR * 2), ValueError, r"X must hold \+1 and -1 only; got -2"),
        (lambda m: m.gradient(XOR, method="cd"), ValueError, "method must be one of"),
        (lambda m: m.gradient(XOR, method="sampled", n_sweeps=0), ValueError, "n_sweeps must be at least 1"),
        (lambda m: m.sample(0), ValueError, "n_samples must be at least 1; got 0"),
        (lambda m: m.sample(1, n_sweeps=-1), ValueError, "n_sweeps must be at least 0; got -1"),
        (
            lambda m: m.sample(1, clamped=[1, 0]),
            ValueError,
            r"clamped must have the shape \(3,\); got \(2,\)",
        ),
        (lambda m: m.sample(1, clamped=[1, 0, 2]), ValueError, "clamped must be at most 1; got 2"),
        (lambda m: m.visible_law(clamped=[0.5, 0, 0]), TypeError, "clamped must hold integers"),
        (lambda m: m.fit(XOR, initial="cold"), TypeError, "initial must be a SpinNetwork; got str"),
        (lambda m: m.fit(XOR, initial=ferromagnet(3)), ValueError, "initial must have 4 units; got 3"),
        (
            lambda m: m.set_params(connections="restricted").fit(XOR, initial=ferromagnet(4)),
            ValueError,
            r"no coupling where there is no connection; got 0.25 at \(0, 1\)",
        ),
        (
            lambda _: BoltzmannMachine.from_network("net", 2),
            TypeError,
            "network must be a SpinNetwork; got str",
        ),
        (
            lambda _: BoltzmannMachine.from_network(ferromagnet(3), 4),
            ValueError,
            "n_visible must be at most 3; got 4",
        ),
        (
            lambda _: BoltzmannMachine.from_network(ferromagnet(3), 0),
            ValueError,
            "n_visible must be at least 1; got 0",
        ),
    ],
)
def test_arguments_that_are_none_are_refused(call, error, message):
    machine = a_machine(3, 1, 1)
    before = machine.network_
    with pytest.raises(error, match=message):
        call(machine)
    assert machine.network_ is before
