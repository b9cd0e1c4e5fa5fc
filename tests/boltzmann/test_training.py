"""How restricted machines learn: steps against plain ones, likelihoods that rise, bars and stripes, bits."""

import copy
import math
import pickle

import numpy as np
import pytest
from sklearn.base import clone
from threadpoolctl import threadpool_limits

from smbook.boltzmann import RBM, TrainingHistory, training
from smbook.boltzmann._layers import Machine, Parameters
from smbook.kernels.rng import seed_state
from tests.boltzmann.exact import (
    KINDS,
    all_units,
    bars_and_stripes,
    log_law,
    log_likelihood,
    parameters_of,
    random_machine,
)
from tests.boltzmann.plain import Learner, means

BOUND = -math.log(14)
PATTERNS = bars_and_stripes(3)
METHODS = ("pcd", "cd", "tempered", "exact")
QUICK = {"n_epochs": 3, "learning_rate": 0.1, "n_chains": 20, "n_temperatures": 4}
EASIER = {"n_epochs": 400, "n_chains": 200, "evaluate_every": 400}


def rows_of(visible, *, n_rows=60, n=6, seed=1):
    """Rows of two groups of units that mostly agree, with some units off by chance."""
    random = np.random.default_rng(seed)
    up = np.repeat(random.random((n_rows, 2)) < 0.6, (n + 1) // 2, axis=1)
    up = up[:, :n] ^ (random.random((n_rows, n)) < 0.1)
    return np.where(up, 1, 0 if visible == "binary" else -1).astype(np.int8)


def a_run(machine, data, **options):
    """A run of a copy of a machine's parameters, in float64."""
    parameters = Parameters(*(part.copy() for part in parameters_of(machine)))
    given = {
        "method": "pcd", "n_steps": 1, "learning_rate": 0.1, "momentum": 0.0, "weight_decay": 0.0,
        "batch_size": len(data), "n_chains": 30, "n_temperatures": 4, "centering": True,
    } | options  # fmt: skip
    own = Machine(parameters, machine.visible, machine.hidden, parameters.visible_biases.copy())
    return training.Run(own, training.Options(**given), seed_state(1), data.mean(axis=0))


# One step, and some

RULES = {
    "plain": {"centering": False},
    "centred": {"centering": True},
    "momentum": {"centering": False, "momentum": 0.7},
    "decay": {"centering": False, "weight_decay": 0.3},
    "all": {"centering": True, "momentum": 0.7, "weight_decay": 0.3},
}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize(
    ("visible", "hidden"), [("binary", "binary"), ("spin", "spin"), ("binary", "gaussian")]
)
def test_steps_are_those_of_a_plain_learner(visible, hidden, rule, method, monkeypatch):
    """Five of them; the rows of the machine's phase are those that it drew. Means are right to 2e-7."""
    machine, data = random_machine(visible, hidden, 6, 3), rows_of(visible)
    run = a_run(machine, data, method=method, **RULES[rule])
    learner = Learner(parameters_of(machine), hidden, run.offsets, learning_rate=0.1, **RULES[rule])
    rows = []
    found = training.Run._asleep
    monkeypatch.setattr(training.Run, "_asleep", lambda *given: rows.append(found(*given)) or rows[-1])
    for _ in range(5):
        run.learn(data)
        drawn, averages, weights = (np.array(part, dtype=float) for part in rows[-1])
        assert weights.sum() == pytest.approx(-0.1)
        if method != "exact":  # which enumerates either layer
            expected = means(hidden, drawn @ learner.weights + learner.hidden_biases)
            np.testing.assert_allclose(averages, expected, atol=2e-6)
        learner.step(data.astype(float), (drawn, averages, -weights / 0.1))
        for mine, other in zip(run.machine.parameters, learner.parameters, strict=True):
            np.testing.assert_allclose(mine, other, rtol=0, atol=1e-6)


@pytest.mark.parametrize(("visible", "hidden"), KINDS)
def test_an_exact_step_follows_the_gradient(visible, hidden):
    """Of all rows at once, without centring; with it, along W in the same way but for the offsets."""
    machine, data = random_machine(visible, hidden, 6, 3), rows_of(visible)
    run = a_run(machine, data, method="exact", centering=False, learning_rate=0.01)
    run.learn(data)
    for mine, old, gradient in zip(
        run.machine.parameters, parameters_of(machine), machine.gradient(data), strict=True
    ):
        np.testing.assert_allclose((mine - old) / 0.01, gradient, atol=1e-5)


@pytest.mark.parametrize(("visible", "hidden"), KINDS)
def test_a_centred_machine_climbs_as_well(visible, hidden):
    """A small exact step raises the likelihood by rate x (gradient . direction), which is above zero."""
    machine, data = random_machine(visible, hidden, 6, 3), rows_of(visible)
    run = a_run(machine, data, method="exact", learning_rate=1e-3)
    run.learn(data)
    step = [mine - old for mine, old in zip(run.machine.parameters, parameters_of(machine), strict=True)]
    expected = sum((s * g).sum() for s, g in zip(step, machine.gradient(data), strict=True))
    before, after = (
        log_likelihood(parameters, visible, hidden, data)
        for parameters in (parameters_of(machine), run.machine.parameters)
    )
    assert after - before == pytest.approx(expected, rel=0.05)
    assert expected > 0


@pytest.mark.parametrize("method", METHODS)
def test_batches_are_all_rows_once_in_random_order(method, monkeypatch):
    data = rows_of("binary", n_rows=23)
    seen = []
    step = training.Run._step
    monkeypatch.setattr(
        training.Run, "_step", lambda run, rows: seen.append(rows.astype(np.int8)) or step(run, rows)
    )
    run = a_run(random_machine("binary", "binary", 6, 3), data, batch_size=10, method=method)
    run.learn(data)
    run.learn(data)
    assert [len(rows) for rows in seen] == [10, 10, 3] * 2
    first, second = (np.concatenate(seen[k : k + 3]) for k in (0, 3))
    assert sorted(first.tolist()) == sorted(second.tolist()) == sorted(data.tolist())
    assert first.tolist() != second.tolist()


def test_learning_begins_with_the_means_of_the_data():
    """One row up and one row down are added, so that a unit that is always up has a finite bias."""
    data = np.array([[1, 0, 1], [1, 0, 0], [1, 0, 1]])
    machine = RBM(2, n_epochs=0, initial_scale=0.0).fit(data)
    np.testing.assert_allclose(1 / (1 + np.exp(-machine.visible_biases_)), np.array([4, 1, 3]) / 5, rtol=1e-6)
    spins = RBM(2, visible="spin", n_epochs=0, initial_scale=0.0).fit(2 * data - 1)
    np.testing.assert_allclose(np.tanh(spins.visible_biases_), np.array([3, -3, 1]) / 5, rtol=1e-5)
    assert not machine.weights_.any()
    assert not machine.hidden_biases_.any()
    wide = RBM(500, n_epochs=0, initial_scale=0.3, rng=1).fit(rows_of("binary"))
    assert wide.weights_.std() == pytest.approx(0.3, rel=0.05)


# Chains


@pytest.mark.parametrize(("visible", "hidden"), KINDS)
@pytest.mark.parametrize("method", ["pcd", "tempered"])
def test_chains_of_a_machine_that_stands_still_are_of_its_law(visible, hidden, method):
    """A rate of 1e-12: after some steps the visible units of 30,000 chains are samples."""
    machine = random_machine(visible, hidden, 4, 3, scale=0.5)
    data = rows_of(visible, n=4)
    run = a_run(machine, data, method=method, n_chains=30_000, learning_rate=1e-12, n_steps=30)
    visible_units, _, _ = run._asleep(data.astype(float))
    expected = np.exp(log_law(parameters_of(machine), visible, hidden))
    numbers = (visible_units > 0) @ (1 << np.arange(4))
    counts = np.bincount(numbers, minlength=16)
    due = len(visible_units) * expected
    assert (((counts - due) ** 2 / due)[due > 5]).sum() < 60  # of 15 degrees: 4e-7


def test_tempered_chains_swap_and_say_how_often():
    machine = RBM(8, method="tempered", n_epochs=200, n_temperatures=6, learning_rate=0.2, rng=1)
    machine.fit(PATTERNS)
    assert machine.swap_rates_.shape == (5,)
    assert (machine.swap_rates_ > 0.1).all()
    assert (machine.swap_rates_ < 1).all()
    assert machine.chains_.shape == (600, 8)
    assert not hasattr(RBM(8, n_epochs=1, rng=1).fit(PATTERNS), "swap_rates_")


# Likelihoods that rise


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("visible", "hidden"), KINDS)
def test_every_method_climbs_the_exact_likelihood(visible, hidden, method):
    """From independent units, of which the data are none, to near what exact learning reaches."""
    data = rows_of(visible, n_rows=100)
    start = RBM(4, visible=visible, hidden=hidden, n_epochs=0, rng=1).fit(data).score(data)
    rate = (
        0.05 if (visible, hidden) == ("spin", "gaussian") else 0.2
    )  # where the likelihood is the most curved
    options = {"visible": visible, "hidden": hidden, "learning_rate": rate, "rng": 1} | EASIER
    ends = {name: RBM(4, method=name, **options).fit(data) for name in {method, "exact"}}
    reached = ends[method].score(data)
    assert reached > start + 0.5
    assert reached > ends["exact"].score(data) - 0.25
    assert ends[method].history_.log_likelihood[-1] == pytest.approx(reached, abs=1e-5)


# Bars and stripes, 3 x 3: no machine can have more than -ln 14 a pattern

FALLING = ((0.2, 2000), (0.05, 1000), (0.01, 500))  # learning rates and epochs


def excess(seed, stages, **options):
    """How far below the bound a machine ends, as a share of it."""
    (rate, n_epochs), *others = stages
    machine = RBM(12, learning_rate=rate, n_epochs=n_epochs, evaluate_every=0, rng=seed, **options)
    machine.fit(PATTERNS)
    for rate, n_epochs in others:
        machine.set_params(learning_rate=rate)
        for _ in range(n_epochs):
            machine.partial_fit(PATTERNS)
    return machine.score(PATTERNS) / BOUND - 1.0


@pytest.mark.parametrize("seed", range(10))
def test_persistent_chains_learn_bars_and_stripes_within_three_percent(seed):
    """A rate that falls: at a constant one the chains' noise keeps the machine some percent away."""
    assert 0.0 < excess(seed, FALLING, n_chains=200, n_steps=5) < 0.03


@pytest.mark.parametrize("seed", range(3))
def test_tempered_chains_do_so_at_a_constant_rate(seed):
    options = {"method": "tempered", "n_chains": 200, "n_temperatures": 5}
    assert 0.0 < excess(seed, ((0.2, 4000),), **options) < 0.03


def test_one_step_of_contrast_ends_lower_than_exact_gradients():
    stages = ((0.1, 6000),)
    contrast, exact = (excess(1, stages, method=method) for method in ("cd", "exact"))
    assert 0.0 < exact < 0.02 < contrast < 0.08


# Bits


@pytest.mark.parametrize("method", METHODS)
def test_a_seed_gives_the_same_bits(method):
    one, same, other = (RBM(5, method=method, **QUICK, rng=seed).fit(PATTERNS) for seed in (3, 3, 4))
    assert one.weights_.tobytes() == same.weights_.tobytes() != other.weights_.tobytes()
    assert one.chains_.tobytes() == same.chains_.tobytes()
    assert one.history_ == same.history_ != other.history_


@pytest.mark.parametrize("evaluate_every", [0, 2, 5])
def test_looking_changes_nothing(evaluate_every):
    """Also where ln Z is estimated, by random numbers of its own."""
    data = rows_of("binary", n_rows=30, n=18)
    often, seldom = (
        RBM(18, n_epochs=5, evaluate_every=every, rng=1).fit(data) for every in (1, evaluate_every)
    )
    assert often.weights_.tobytes() == seldom.weights_.tobytes()
    assert often.chains_.tobytes() == seldom.chains_.tobytes()
    assert often.history_.epoch.tolist() == [1, 2, 3, 4, 5]
    assert (often.history_.log_partition_error > 0).all()
    assert seldom.history_.epoch.tolist() == {0: [], 2: [2, 4], 5: [5]}[evaluate_every]


@pytest.mark.parametrize("method", METHODS)
def test_epochs_can_be_made_one_by_one(method):
    whole = RBM(5, method=method, **QUICK, rng=3).fit(PATTERNS)
    parts = RBM(5, method=method, **{**QUICK, "n_epochs": 1}, rng=3).fit(PATTERNS)
    parts.partial_fit(PATTERNS).partial_fit(PATTERNS)
    fresh = RBM(5, method=method, **QUICK, rng=3)
    for _ in range(3):
        fresh.partial_fit(PATTERNS)
    for other in (parts, fresh):
        assert other.weights_.tobytes() == whole.weights_.tobytes()
        assert other.history_ == whole.history_


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
@pytest.mark.parametrize("method", METHODS)
def test_a_copy_goes_on_to_the_same_bits_and_leaves_its_original_alone(method, copied):
    machine = RBM(5, method=method, **QUICK, rng=3).fit(PATTERNS)
    before = machine.weights_.copy()
    other = copied(machine).partial_fit(PATTERNS)
    assert machine.weights_.tobytes() == before.tobytes()
    machine.partial_fit(PATTERNS)
    assert machine.weights_.tobytes() == other.weights_.tobytes()
    assert machine.history_ == other.history_


def test_threads_change_rounding_at_most():
    """The same bits are promised for one number of BLAS's threads; two may round products otherwise."""
    data, ends = rows_of("binary", n_rows=200, n=120), []
    for threads in (1, 2):
        with threadpool_limits(threads, "blas"):
            machine = RBM(70, method="cd", n_epochs=0, rng=1).fit(data)
            ends.append(machine.transform(data) @ machine.weights_.T.astype(float))
    np.testing.assert_allclose(ends[0], ends[1], rtol=1e-10)


def test_a_callback_sees_every_epoch_and_can_stop():
    seen = []

    def look(machine):
        seen.append((len(machine.history_.epoch), machine.weights_.copy()))
        return len(seen) == 2

    machine = RBM(4, n_epochs=10, rng=1).fit(PATTERNS, callback=look)
    assert [n for n, _ in seen] == [1, 2]
    assert machine.weights_.tobytes() == RBM(4, n_epochs=2, rng=1).fit(PATTERNS).weights_.tobytes()


def test_hyperparameters_are_cloned_and_set():
    machine = RBM(7, hidden="spin", learning_rate=0.3, rng=5).fit(PATTERNS)
    twin = clone(machine)
    assert twin.get_params() == machine.get_params()
    assert not hasattr(twin, "weights_")
    assert twin.set_params(n_hidden=3).fit(PATTERNS).weights_.shape == (9, 3)


# The history


def test_the_history_says_what_the_machine_was_like():
    held = rows_of("binary", n=9)
    machine = RBM(5, n_epochs=4, evaluate_every=2, rng=1, dtype="float64").fit(PATTERNS, validation=held)
    history = machine.history_
    assert history.epoch.tolist() == [2, 4]
    assert history.log_likelihood[-1] == pytest.approx(machine.score(PATTERNS), abs=1e-12)
    assert history.validation[-1] == pytest.approx(machine.score(held), abs=1e-12)
    assert history.log_partition_error.tolist() == [0, 0]
    singular = np.linalg.svd(machine.weights_, compute_uv=False)
    np.testing.assert_allclose(history.singular_values[-1], singular, rtol=1e-10)
    back = machine.inverse_transform(machine.transform(PATTERNS))
    assert history.reconstruction_error[-1] == pytest.approx(((back - PATTERNS) ** 2).mean(), abs=1e-6)
    assert (
        repr(history)
        == f"TrainingHistory(2 epochs, log-likelihood {history.log_likelihood[-1]:.4f} nats after the last)"
    )
    assert repr(RBM(2, n_epochs=0).fit(PATTERNS).history_) == "TrainingHistory(no epochs)"


def test_histories_without_validation_are_equal_if_all_else_is():
    one, other = (RBM(5, n_epochs=2, rng=1).fit(PATTERNS).history_ for _ in range(2))
    assert np.isnan(one.validation).all()
    assert one == other
    assert not (one != other)  # noqa: SIM202
    assert one != other._replace(log_likelihood=other.log_likelihood + 1e-12)
    assert isinstance(one, TrainingHistory)


# Divergence and refusals


@pytest.mark.parametrize("method", ["pcd", "cd", "tempered", "exact"])
def test_weights_that_overflow_are_an_error_and_no_nan(method, tmp_path):
    machine = RBM(4, hidden="gaussian", method=method, learning_rate=1e10, n_epochs=50, rng=1)
    with pytest.raises(
        RuntimeError, match=r"grew beyond all numbers in epoch \d+; a learning_rate below 1e\+10"
    ):
        machine.fit(PATTERNS, checkpoints=tmp_path)
    assert all(np.isfinite(RBM.load(path).weights_).all() for path in tmp_path.iterdir())


WRONG = {
    "n_hidden": [(0, "n_hidden must be at least 1; got 0"), (2.5, "n_hidden must be an integer")],
    "visible": [("gaussian", "visible must be one of 'binary', 'spin'; got 'gaussian'")],
    "hidden": [("relu", "hidden must be one of")],
    "method": [("sgd", "method must be one of 'pcd', 'cd', 'tempered', 'exact'; got 'sgd'")],
    "n_steps": [(0, "n_steps must be at least 1")],
    "n_epochs": [(-1, "n_epochs must be at least 0; got -1")],
    "learning_rate": [
        (0.0, "learning_rate must be positive"),
        (-1.0, "must be positive; got -1"),
        (np.nan, "must be finite"),
    ],
    "momentum": [(1.0, "momentum must be below 1; got 1.0"), (-0.1, "at least 0")],
    "weight_decay": [(-0.1, "weight_decay must be at least 0; got -0.1")],
    "batch_size": [(15, "batch_size must be at most the number of rows, 14; got 15"), (0, "at least 1")],
    "n_chains": [(0, "n_chains must be at least 1")],
    "n_temperatures": [(1, "n_temperatures must be at least 2; got 1")],
    "initial_scale": [(-1.0, "initial_scale must be at least 0"), (np.inf, "initial_scale must be finite")],
    "evaluate_every": [(-1, "evaluate_every must be at least 0")],
    "dtype": [("float16", "dtype must be one of 'float32', 'float64'; got 'float16'")],
    "rng": [(-1, "-1"), ("seed", "seed")],
}


@pytest.mark.parametrize("name", WRONG)
def test_hyperparameters_out_of_range_are_refused_with_their_values(name):
    machine = RBM(4, rng=1, n_epochs=1).fit(PATTERNS)
    before = machine.weights_.copy()
    for value, message in WRONG[name]:
        for learn in (machine.fit, RBM(3).fit):
            learn.__self__.set_params(**{name: value})
            with pytest.raises((TypeError, ValueError), match=message):
                learn(PATTERNS)
    assert machine.weights_.tobytes() == before.tobytes()


def test_exact_learning_of_too_many_units_is_refused():
    with pytest.raises(ValueError, match="for up to 16 units; got 17"):
        RBM(17, method="exact").fit(np.ones((3, 18)))
    with pytest.raises(ValueError, match="for up to 16 units; got 18"):
        RBM(2, hidden="gaussian", method="exact").fit(np.ones((3, 18)))
    RBM(17, method="exact", n_epochs=1).fit(np.ones((3, 4)))


BAD_DATA = {
    "spins for binary": (2 * PATTERNS - 1, "X must hold 0 and 1 only, as its units are 'binary'; got -1"),
    "grey": (0.5 * PATTERNS, "X must hold 0 and 1 only.*got 0.5"),
    "two": (2 * PATTERNS, "X must hold 0 and 1 only.*got 2"),
    "nan": (np.where(PATTERNS, np.nan, 0.0), "contains NaN"),
    "infinite": (np.where(PATTERNS, np.inf, 0.0), "contains infinity"),
    "empty": (PATTERNS[:0], "0 sample"),
    "no units": (PATTERNS[:, :0], "0 feature"),
    "one row": (PATTERNS[0], "Expected 2D array, got 1D"),
    "words": (PATTERNS.astype(str), "not compatible with arrays of bytes/strings"),
    "complex": (PATTERNS.astype(complex), "Complex data not supported"),
    "masked": (np.ma.masked_array(PATTERNS, PATTERNS == 1), "got a masked array"),
}


@pytest.mark.parametrize("name", BAD_DATA)
def test_data_that_are_no_states_are_refused_and_nothing_changes(name, tmp_path):
    data, message = BAD_DATA[name]
    machine = RBM(4, rng=1, n_epochs=1).fit(PATTERNS)
    before = pickle.dumps(machine)
    for call in (
        lambda: machine.fit(data, checkpoints=tmp_path / "new"),
        lambda: machine.fit(PATTERNS, validation=data, checkpoints=tmp_path / "new"),
        lambda: machine.partial_fit(data),
        lambda: machine.score(data),
        lambda: RBM().fit(data),
        lambda: RBM().partial_fit(data),
    ):
        with pytest.raises((TypeError, ValueError), match=message):
            call()
    assert pickle.dumps(machine) == before
    assert not list(tmp_path.iterdir())


def test_other_data_that_are_refused_leave_a_machine_as_it_was():
    machine = RBM(4, rng=1, n_epochs=1).fit(PATTERNS)
    expected = machine.transform(PATTERNS)
    for wrong in (2 * np.ones((5, 3)), np.full((4, 20), -1)):
        with pytest.raises(ValueError, match="must hold 0 and 1 only"):
            machine.fit(wrong)
    with pytest.raises(ValueError, match="at most the number of rows"):
        machine.set_params(batch_size=100).fit(np.ones((5, 3)))
    assert machine.n_features_in_ == 9
    np.testing.assert_array_equal(machine.transform(PATTERNS), expected)
    with pytest.raises(ValueError, match="20 features"):
        machine.partial_fit(np.ones((5, 20)))


def test_units_may_come_in_any_type_of_number():
    expected = RBM(3, n_epochs=1, rng=1).fit(PATTERNS).weights_
    for data in (PATTERNS.astype(bool), PATTERNS.astype(np.uint8), PATTERNS.astype(float), PATTERNS.tolist()):
        assert RBM(3, n_epochs=1, rng=1).fit(data).weights_.tobytes() == expected.tobytes()
    assert RBM(3, n_epochs=1, rng=1).fit(np.asfortranarray(PATTERNS)).weights_.tobytes() == expected.tobytes()
    with pytest.raises(ValueError, match="must hold -1 and 1 only"):
        RBM(3, visible="spin").fit(PATTERNS.astype(bool))


def test_constant_data_and_a_single_row_are_learned():
    for data in (np.ones((5, 3)), np.zeros((1, 3)), np.ones((1, 1))):
        machine = RBM(2, n_epochs=20, learning_rate=0.5, rng=1).fit(data)
        assert np.isfinite(machine.weights_).all()
        assert machine.score(data) > -data.shape[1] * math.log(2)
    assert all_units("binary", 1).tolist() == [[0], [1]]
