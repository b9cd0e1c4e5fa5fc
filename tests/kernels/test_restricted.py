"""Restricted machines on a page: chains against enumeration, learning against its formula, wasm and numba."""

import numpy as np
import pytest
from scipy import stats

from smbook.kernels import restricted
from smbook.kernels.bipartite import BINARY, GAUSSIAN, SPIN
from smbook.kernels.rng import seed_state
from smbook.widgets import compiler
from tests.wasm import Kernels

KINDS = [(BINARY, BINARY), (SPIN, SPIN), (BINARY, SPIN), (SPIN, GAUSSIAN)]
IDS = ["binary", "spin", "binary and spin", "spin and gaussian"]
FREE = np.float32(np.nan)


class Machine:
    """A machine of a seed with all that its kernels work in."""

    def __init__(self, kinds, n=7, m=5, *, scale=0.7, rows=30, seed=1):
        random = np.random.default_rng(seed)
        single = lambda *shape: (scale * random.normal(size=shape)).astype(np.float32)  # noqa: E731
        self.kinds, self.n, self.m = np.array(kinds), n, m
        self.weights, self.visible_biases, self.hidden_biases = single(n, m), single(n), single(m)
        self.turned = np.ascontiguousarray(self.weights.T)
        low = -1.0 if kinds[0] == SPIN else 0.0
        self.rows = np.where(random.random((rows, n)) < 0.4, 1.0, low).astype(np.float32)
        words = np.zeros((max(n, m) + 1) // 2, dtype=np.uint64)
        self.state, self.room = seed_state(seed), np.zeros((2, max(n, m)))
        self.work = words, words.view(np.uint32), self.room
        self.free, self.off = np.full(n, FREE), np.full(m, FREE)

    @property
    def parameters(self):
        return self.weights, self.turned, self.visible_biases, self.hidden_biases

    def layers(self, rows):
        return np.zeros((3, rows, self.n), np.float32), np.zeros((3, rows, self.m), np.float32)

    def draw_hidden(self, beta, given, layer, run=restricted):
        chance = self.off, self.state, *self.work
        run.draw_layer(int(self.kinds[1]), beta, self.weights, self.hidden_biases, given, *chance, layer)

    def draw_visible(self, beta, given, layer, run=restricted):
        chance = self.free, self.state, *self.work
        run.draw_layer(int(self.kinds[0]), beta, self.turned, self.visible_biases, given, *chance, layer)

    def free_energies(self, beta, rows, run=restricted):
        energies, fields = np.empty(len(rows)), np.empty((1, self.m), np.float32)
        machine = self.weights, self.visible_biases, self.hidden_biases, self.off
        work = self.room, np.empty((2, 512)), fields, energies
        run.find_free_energies(int(self.kinds[1]), beta, *machine, rows, *work)
        return energies

    def learner(self, batch):
        order, clock = np.arange(len(self.rows)), np.array([len(self.rows), 0, 0])
        return order, clock, [*self.layers(batch), *self.layers(batch)]

    def learn(self, rate, n_steps, persistent, learner, run=restricted):
        order, clock, layers = learner
        data = self.rows, order, clock, *self.parameters
        given = self.kinds, rate, n_steps, persistent, *data, self.free, self.off, self.state, *self.work
        run.learn_batch(*given, *layers)

    def reconstruction_error(self, run=restricted):
        work = self.rows, self.room, *self.layers(1)
        return run.reconstruction_error(self.kinds, *self.parameters, self.off, *work)


def mean(kind, field):
    if kind == GAUSSIAN:
        return field
    return np.tanh(field) if kind == SPIN else 1 / (1 + np.exp(-field))


def cumulant(kind, field):
    if kind == GAUSSIAN:
        return field**2 / 2
    return np.logaddexp(field, -field) if kind == SPIN else np.logaddexp(0, field)


def states(kind, n):
    bits = (np.arange(2**n)[:, None] >> np.arange(n)) & 1
    return np.where(bits, 1.0, -1.0 if kind == SPIN else 0.0).astype(np.float32)


@pytest.fixture(scope="module")
def wasm():
    return Kernels(compiler.WASM.read_bytes())


@pytest.mark.parametrize("kinds", KINDS, ids=IDS)
@pytest.mark.parametrize("beta", [0.0, 0.6, 1.0, 2.5])
def test_means_are_those_of_the_fields(kinds, beta):
    machine = Machine(kinds, n=9, m=6)
    visible, hidden = machine.layers(30)
    machine.draw_hidden(beta, machine.rows, hidden)
    x = machine.rows.astype(float) @ machine.weights + machine.hidden_biases
    np.testing.assert_allclose(hidden[0], x, atol=3e-6)
    np.testing.assert_allclose(hidden[1], mean(kinds[1], beta * x), atol=3e-6)
    machine.draw_visible(beta, hidden[2], visible)
    y = hidden[2].astype(float) @ machine.weights.T + machine.visible_biases
    np.testing.assert_allclose(visible[1], mean(kinds[0], beta * y), atol=3e-6)
    assert set(np.unique(visible[2])) == {-1.0 if kinds[0] == SPIN else 0.0, 1.0}


@pytest.mark.parametrize("kinds", KINDS, ids=IDS)
def test_free_energies_are_those_of_the_formula_and_of_the_sum_over_hidden_units(kinds):
    machine, beta = Machine(kinds), 1.3
    x = machine.rows.astype(float) @ machine.weights + machine.hidden_biases
    bias = machine.rows.astype(float) @ machine.visible_biases
    expected = -beta * bias - cumulant(kinds[1], beta * x).sum(axis=1)
    np.testing.assert_allclose(machine.free_energies(beta, machine.rows), expected, atol=1e-5)
    if kinds[1] != GAUSSIAN:
        hidden = states(kinds[1], machine.m)
        energies = -(bias[:, None] + x @ hidden.T)
        np.testing.assert_allclose(expected, -np.logaddexp.reduce(-beta * energies, axis=1))
        machine.off[1], machine.off[4] = 0.0, 1.0
        free = [0, 2, 3]
        total = -beta * (bias + x[:, 4]) - cumulant(kinds[1], beta * x[:, free]).sum(axis=1)
        np.testing.assert_allclose(machine.free_energies(beta, machine.rows), total, atol=1e-5)


def sampled(machine, beta, n_sweeps=200, n_chains=500):
    """Return the numbers of the states of independent chains after some sweeps."""
    visible, hidden = machine.layers(n_chains)
    machine.draw_visible(0.0, np.zeros((n_chains, machine.m), np.float32), visible)
    for _ in range(n_sweeps):
        machine.draw_hidden(beta, visible[2], hidden)
        machine.draw_visible(beta, hidden[2], visible)
    return (visible[2] > 0) @ (1 << np.arange(machine.n))


def chi_square_of(machine, beta, possible, numbers):
    law = np.exp(-machine.free_energies(beta, states(machine.kinds[0], machine.n)[possible]))
    counts = np.bincount(numbers, minlength=2**machine.n)[possible]
    assert counts.sum() == numbers.size
    return stats.chisquare(counts, numbers.size * law / law.sum()).pvalue


@pytest.mark.parametrize("kinds", KINDS, ids=IDS)
@pytest.mark.parametrize("beta", [0.7, 1.5])
def test_chains_sample_the_law_at_each_temperature_and_with_units_held(kinds, beta):
    """A histogram of 20,000 states, each of a chain of its own, sees an error of some percent in beta."""
    machine = Machine(kinds, n=4, m=3)
    everywhere = np.arange(16)
    numbers = sampled(machine, beta, n_sweeps=40, n_chains=20_000)
    assert chi_square_of(machine, beta, everywhere, numbers) > 1e-4
    assert chi_square_of(machine, 1.25 * beta, everywhere, numbers) < 1e-6
    machine.free[2], machine.off[1] = states(kinds[0], 1)[0, 0], 0.0
    numbers = sampled(machine, beta, n_sweeps=40, n_chains=20_000)
    possible = everywhere[(everywhere & 4) == 0]
    assert chi_square_of(machine, beta, possible, numbers) > 1e-4


@pytest.mark.parametrize("persistent", [0, 1])
@pytest.mark.parametrize("kinds", KINDS, ids=IDS)
def test_an_update_is_the_formula_of_contrastive_divergence(kinds, persistent):
    machine = Machine(kinds)
    machine.off[2] = 0.0
    learner, rate, batch = machine.learner(6), 0.3, 6
    for update in range(7):  # 30 rows are five batches of 6
        before = [
            array.astype(float) for array in (machine.weights, machine.visible_biases, machine.hidden_biases)
        ]
        machine.learn(rate, 2, persistent, learner)
        order, clock, (seen, _, visible, _) = learner
        assert clock.tolist() == [6 * (update % 5 + 1), update + 1, 1]
        np.testing.assert_array_equal(seen[2], machine.rows[order[clock[0] - 6 : clock[0]]])
        v, d = seen[2].astype(float), visible[2].astype(float)
        x = mean(kinds[1], v @ before[0] + before[2]) * np.where(np.arange(5) == 2, 0, 1)
        y = mean(kinds[1], d @ before[0] + before[2]) * np.where(np.arange(5) == 2, 0, 1)
        changes = (v.T @ x - d.T @ y, (v - d).sum(axis=0), (x - y).sum(axis=0))
        after = machine.weights, machine.visible_biases, machine.hidden_biases
        for old, change, new in zip(before, changes, after, strict=True):
            np.testing.assert_allclose(new, old + rate / batch * change, atol=2e-6)
        np.testing.assert_array_equal(machine.turned, machine.weights.T)
        np.testing.assert_array_equal(machine.weights[:, 2], before[0][:, 2].astype(np.float32))
    assert sorted(order) == list(range(30))


def test_persistent_chains_go_on_and_others_begin_at_the_data():
    """At so strong couplings a chain never leaves the hidden state that it starts from."""
    machine = Machine((SPIN, SPIN), n=6, m=1, rows=8)
    machine.weights[:], machine.visible_biases[:], machine.hidden_biases[:] = 50.0, 0.0, 0.0
    machine.turned[:] = machine.weights.T
    machine.rows[:] = -1.0
    machine.rows[:4] = 1.0
    for persistent in (0, 1):
        learner = machine.learner(4)
        machine.learn(0.0, 3, persistent, learner)
        first = learner[2][3][2].copy()
        np.testing.assert_array_equal(first, learner[2][1][2])
        machine.learn(0.0, 3, persistent, learner)
        again, data = learner[2][3][2], learner[2][1][2]
        np.testing.assert_array_equal(again, first if persistent else data)


@pytest.mark.parametrize("kinds", KINDS[:3], ids=IDS[:3])
def test_a_machine_that_forgets_knows_single_pixels_alone(kinds):
    machine = Machine(kinds, n=12, m=9)
    restricted.forget(kinds[0], machine.rows, 0.01, machine.state, machine.room, *machine.parameters)
    share = ((machine.rows > 0).sum(axis=0) + 1) / 32
    low = -1.0 if kinds[0] == SPIN else 0.0
    np.testing.assert_allclose(mean(kinds[0], machine.visible_biases), low + (1 - low) * share, atol=1e-6)
    assert not machine.hidden_biases.any()
    assert 0.008 < machine.weights.std() < 0.012
    np.testing.assert_array_equal(machine.turned, machine.weights.T)


@pytest.mark.parametrize("kinds", KINDS, ids=IDS)
def test_the_reconstruction_error_is_that_of_means(kinds):
    machine = Machine(kinds)
    machine.off[3] = 0.0
    x = machine.rows.astype(float) @ machine.weights + machine.hidden_biases
    h = mean(kinds[1], x) * np.where(np.arange(5) == 3, 0, 1)
    v = mean(kinds[0], h @ machine.weights.T + machine.visible_biases)
    assert machine.reconstruction_error() == pytest.approx(((machine.rows - v) ** 2).mean(), rel=1e-5)


def test_learning_raises_the_exact_likelihood():
    """Two patterns and their noise: the mean of ln p(v) goes up by 0.9 nats."""
    random = np.random.default_rng(2)
    machine = Machine((BINARY, BINARY), n=8, m=4, rows=60)
    patterns = np.array([[1, 1, 1, 1, 0, 0, 0, 0], [0, 1, 0, 1, 0, 1, 0, 1]])
    machine.rows[:] = patterns[random.integers(2, size=60)] ^ (random.random((60, 8)) < 0.05)
    restricted.forget(BINARY, machine.rows, 0.01, machine.state, machine.room, *machine.parameters)

    def likelihood():
        everything = -machine.free_energies(1.0, states(BINARY, 8))
        return -machine.free_energies(1.0, machine.rows).mean() - np.logaddexp.reduce(everything)

    before, learner = likelihood(), machine.learner(20)
    for _ in range(1500):
        machine.learn(0.1, 1, 1, learner)
    assert likelihood() > before + 0.8


@pytest.mark.parametrize("kinds", KINDS, ids=IDS)
def test_wasm_gives_the_same_bits(wasm, kinds):
    """Odd numbers of units, so that half of a word is left over and vectors have a rest."""
    machines = [Machine(kinds, n=13, m=7), Machine(kinds, n=13, m=7)]
    told = []
    for machine, run in zip(machines, (restricted, wasm), strict=True):
        machine.free[3], machine.off[5] = 1.0, 0.0
        visible, hidden = machine.layers(5)
        machine.draw_visible(0.0, hidden[2], visible, run)
        for _ in range(3):
            machine.draw_hidden(0.9, visible[2], hidden, run)
            machine.draw_visible(0.9, hidden[2], visible, run)
        run.forget(int(kinds[0]), machine.rows, 0.1, machine.state, machine.room, *machine.parameters)
        learner = machine.learner(8)
        for update in range(6):
            machine.learn(0.2, 2, int(update > 2), learner, run)
        energies, error = machine.free_energies(1.1, visible[2], run), machine.reconstruction_error(run)
        arrays = [visible, hidden, energies, machine.state, *machine.parameters, *learner[:2], *learner[2]]
        told.append([error, *(array.tobytes() for array in arrays)])
    assert told[0] == told[1]
