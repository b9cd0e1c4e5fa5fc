"""ln Z by annealing against machines that are solved, forward, backward and along what was learned."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import logsumexp
from scipy.stats import chi2

from smbook.boltzmann import RBM, LogPartition, partition
from smbook.kernels.rng import seed_state
from smbook.theory.boltzmann import uniform
from tests.boltzmann.exact import KINDS, bars_and_stripes, law, log_weights, parameters_of, random_machine
from tests.network.exact import p_value

SOLVED = {  # theory: n, m, w, a, b and ln Z
    "10x5": ((10, 5, 0.3, -0.5, -1.0), 9.7300812172),
    "20x20": ((20, 20, 0.3, -0.5, -1.0), 90.2198306241),
    "100x50": ((100, 50, 0.05, -0.5, -1.0), 164.3877616004),
    "784x500": ((784, 500, 0.01, -1.0, -2.0), 2151.9045442667),
}


NEAR = np.full(784, 2.0)  # a base nearer to 98 % of units on, as data would give it


def uniform_machine(n, m, weight, visible_bias, hidden_bias, **more):
    return RBM.from_parameters(np.full((n, m), weight), visible_bias, hidden_bias, **more)


def uniform_samples(n, m, weight, visible_bias, hidden_bias, *, rows, seed):
    """Rows of visible units by the exact law of how many are on; which ones is a matter of chance."""
    random = np.random.default_rng(seed)
    probabilities = uniform(n, m, weight, visible_bias, hidden_bias).law
    counts = random.choice(n + 1, rows, p=probabilities / probabilities.sum())
    on = np.arange(n) < counts[:, None]
    return random.permuted(on, axis=1).astype(np.int8)


def z_of(found, exact):
    return (found.value - exact) / found.error


@pytest.mark.parametrize("name", SOLVED)
def test_annealing_is_within_its_error_on_machines_that_are_solved(name):
    sizes, exact = SOLVED[name]
    assert uniform(*sizes).log_partition == pytest.approx(exact, abs=1e-9)
    found = uniform_machine(*sizes, dtype="float32").log_partition("annealed", rng=1)
    assert abs(z_of(found, exact)) < 4
    assert found.error < 0.35
    assert (found.method, found.log_weights.size) == ("annealed", 100)


@pytest.mark.parametrize("name", ["10x5", "20x20"])
def test_a_sum_gives_all_digits(name):
    sizes, exact = SOLVED[name]
    assert uniform_machine(*sizes).log_partition("exact").value == pytest.approx(exact, abs=1e-10)


def test_annealing_forward_and_backward_brackets_the_largest_machine():
    """The mean logarithm of weights is a bound below, and from exact samples backward one above (Jensen)."""
    sizes, exact = SOLVED["784x500"]
    machine = uniform_machine(*sizes, dtype="float32", base=NEAR)
    samples = uniform_samples(*sizes, rows=100, seed=1)
    forward = machine.log_partition("annealed", betas=100, rng=1)
    backward = machine.log_partition("reverse", betas=100, initial=samples, rng=2)
    start = partition.log_partition_at_zero(machine._machine)
    lower, upper = start + forward.log_weights.mean(), start - backward.log_weights.mean()
    assert lower < exact < upper
    assert abs(z_of(backward, exact)) < 4
    assert abs(z_of(forward, exact)) < 4
    assert forward.value - 4 * forward.error < exact < backward.value + 4 * backward.error


def test_backward_from_samples_that_are_not_of_the_machine_is_no_bound():
    """As a warning in the documentation says: chains that start from independent units are far off."""
    sizes, exact = SOLVED["20x20"]
    machine = uniform_machine(*sizes)
    wrong = machine.log_partition("reverse", betas=100, initial=np.zeros((100, 20)), rng=1)
    right = machine.log_partition(
        "reverse", betas=100, initial=uniform_samples(*sizes, rows=100, seed=1), rng=1
    )
    assert abs(z_of(right, exact)) < 4 < abs(z_of(wrong, exact))


@pytest.mark.parametrize("method", ["annealed", "reverse"])
@pytest.mark.parametrize(("visible", "hidden"), KINDS)
def test_errors_are_honest_over_many_seeds(visible, hidden, method):
    """z-scores have the mean 0 and the spread 1, of 40 seeds, for all kinds of units."""
    machine = random_machine(visible, hidden, 6, 4, scale=0.5)
    exact = logsumexp(log_weights(parameters_of(machine), visible, hidden))
    runs = [machine.log_partition(method, n_chains=60, betas=20, rng=seed) for seed in range(40)]
    z = np.array([z_of(run, exact) for run in runs])
    assert abs(z.mean()) < 4 / math.sqrt(40)
    assert chi2.ppf(1e-4, 39) < ((z - z.mean()) ** 2).sum() < chi2.ppf(1 - 1e-5, 39)


def test_ten_seeds_of_the_largest_machine_scatter_as_their_errors_say():
    sizes, exact = SOLVED["784x500"]
    machine = uniform_machine(*sizes, dtype="float32", base=NEAR)
    runs = [machine.log_partition("annealed", n_chains=50, betas=200, rng=seed) for seed in range(10)]
    z = np.array([z_of(run, exact) for run in runs])
    assert abs(z.mean()) < 4 / math.sqrt(10)
    assert chi2.ppf(1e-4, 9) < ((z - z.mean()) ** 2).sum() < chi2.ppf(1 - 1e-4, 9)


def test_a_hasty_run_flatters_the_largest_machine_and_shows_it():
    """From the machine's own biases, where 27 % of its units are on and not 98 %: nats too low."""
    sizes, exact = SOLVED["784x500"]
    hasty = uniform_machine(*sizes, dtype="float32").log_partition("annealed", betas=100, rng=1)
    assert hasty.value < exact - 4 * hasty.error
    assert hasty.effective_chains < 5


@given(st.sampled_from(KINDS), st.integers(0, 10**6), st.sampled_from([1, 3]))
def test_weights_are_fair_whatever_the_schedule(kind, seed, n_steps):
    """The mean weight is Z / Z_0 with three temperatures only, from another base as well."""
    machine = random_machine(*kind, 3, 2, seed=seed, scale=0.4, base=np.array([0.5, -0.3, 0.0]))
    exact = logsumexp(log_weights(parameters_of(machine), *kind))
    found = machine.log_partition("annealed", betas=[0.0, 0.3, 1.0], n_chains=4000, n_steps=n_steps, rng=seed)
    assert abs(z_of(found, exact)) < 5


@pytest.mark.parametrize(("visible", "hidden"), KINDS)
def test_fair_samples_are_those_of_the_machine(visible, hidden):
    for m in (3, 6):  # the visible and the hidden layer is the smaller one
        machine = random_machine(visible, hidden, 4 if m > 4 else 5, m)
        samples = machine._fair_samples(60_000, seed_state(1))
        assert p_value(samples, law(machine)) > 1e-4


def test_without_a_seed_an_estimate_is_always_the_same():
    machine = random_machine("binary", "binary", 6, 4)
    one, other = (machine.log_partition("annealed", betas=10) for _ in range(2))
    assert one == other
    assert one != machine.log_partition("annealed", betas=10, rng=1)
    assert machine.log_partition("annealed", betas=10, rng=1) == machine.log_partition(
        "annealed", betas=np.linspace(0, 1, 11), rng=1
    )


def test_beyond_a_sum_the_likelihood_is_estimated():
    sizes, exact = SOLVED["100x50"]
    machine = uniform_machine(*sizes)
    rows = uniform_samples(*sizes, rows=50, seed=2)
    found = machine.log_likelihood(rows)
    assert found.method == "annealed"
    expected = -machine.free_energy(rows).mean() - exact
    assert abs(found.value - expected) < 4 * found.error
    assert machine.score(rows) == pytest.approx(found.value, abs=1e-9)
    given_z = LogPartition(exact, 0.0, "exact", np.empty(0))
    assert machine.log_likelihood(rows, given_z).value == pytest.approx(expected, abs=1e-9)


def test_a_single_chain_knows_no_error():
    found = random_machine("spin", "spin").log_partition("annealed", n_chains=1, betas=5)
    assert found.error == math.inf
    assert found.effective_chains == 1.0


def test_few_effective_chains_tell_of_an_error_that_is_too_small():
    """Two states far apart, and no time to cross: the estimate says how few chains count."""
    machine = RBM.from_parameters(np.full((20, 20), 0.6), visible="spin", hidden="spin")
    hasty = machine.log_partition("annealed", betas=3, rng=1)
    slow = machine.log_partition("annealed", betas=2000, rng=1)
    exact = uniform(20, 20, 0.6, visible="spin", hidden="spin").log_partition
    assert hasty.effective_chains < 10 < 50 < slow.effective_chains <= 100
    assert abs(z_of(slow, exact)) < 4
    assert math.isnan(machine.log_partition("exact").effective_chains)


def test_what_an_estimate_says_of_itself():
    machine = random_machine("binary", "binary")
    assert repr(machine.log_partition()).startswith("LogPartition(")
    assert repr(machine.log_partition()).endswith(", exact)")
    found = machine.log_partition("annealed", n_chains=7, betas=3)
    assert f"{found.value:.4f} +- {found.error:.4f}, annealed, 7 chains" in repr(found)


# Along what was learned


@pytest.mark.parametrize(("visible", "hidden"), KINDS)
def test_a_path_of_checkpoints_ends_at_the_right_value(visible, hidden, tmp_path):
    rows = bars_and_stripes(2, visible)
    options = {
        "visible": visible,
        "hidden": hidden,
        "learning_rate": 0.1,
        "n_epochs": 40,
        "evaluate_every": 0,
    }
    machine = RBM(3, **options, rng=1, dtype="float64").fit(rows, checkpoints=tmp_path)
    exact = machine.log_partition("exact").value
    z = []
    for seed in range(10):
        found = machine.log_partition("path", path=tmp_path, betas=3, n_chains=200, rng=seed)
        assert found.method == "path"
        z.append(z_of(found, exact))
    assert abs(np.mean(z)) < 4 / math.sqrt(10)
    assert max(map(abs, z)) < 4.5


def test_a_path_may_be_machines_and_begins_with_the_youngest(tmp_path):
    rows = bars_and_stripes(3)
    machine = RBM(8, learning_rate=0.2, n_epochs=300, evaluate_every=0, rng=1)
    machine.fit(rows, checkpoints=tmp_path, checkpoint_every=10)
    files = sorted(tmp_path.iterdir())
    machines = [RBM.load(file) for file in files]
    assert len(machines) == 30
    found = machine.log_partition("path", path=machines, rng=1)
    assert found == machine.log_partition("path", path=tmp_path, rng=1)
    assert abs(z_of(found, machine.log_partition("exact").value)) < 4
