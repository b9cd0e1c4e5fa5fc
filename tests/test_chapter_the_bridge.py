"""What the chapter on the bridge writes out agrees with smbook, and holds on other seeds."""

import re

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import expit, logsumexp, softmax
from scipy.stats import norm, ortho_group

from smbook import statistics
from smbook.boltzmann import RBM, from_hopfield, order_parameters, patterns_of
from smbook.datasets import letters
from smbook.hopfield import DenseMemory, corrupt, hebb, overlap, pseudo_inverse, random_patterns, recall
from smbook.theory import boltzmann as theory
from smbook.theory import hopfield as memory_theory
from smbook.widgets import BridgeLab, Question
from tests.chapters import Chapter

SEEDS = range(10)
CHAPTER = Chapter(
    "boltzmann/the-bridge.ipynb",
    np=np,
    norm=norm,
    expit=expit,
    logsumexp=logsumexp,
    minimize=minimize,
    statistics=statistics,
    random_patterns=random_patterns,
    from_hopfield=from_hopfield,
    order_parameters=order_parameters,
    hebb=hebb,
    RBM=RBM,
    BridgeLab=BridgeLab,
    Question=Question,
)
UNITS = np.array([1, 2, 3, 4, 6, 8, 10, 11, 12])
WATCHED = np.array([1, 2, 3, 4, 11, 12])
COUPLINGS = np.minimum(12 * UNITS - UNITS * (UNITS - 1) // 2, 66)


@pytest.fixture(scope="module")
def by_hand():
    return CHAPTER.definitions("algorithm-integrate", "algorithm-sweep", "algorithm-student")


def rows(cell):
    """Return the numbers in each printed line of a cell, without errors in brackets."""
    lines = [re.sub(r"\(.*?\)", "", line) for line in CHAPTER.printed(cell).splitlines()]
    numbers = [re.findall(r"-?\d+(?:,\d{3})*(?:\.\d+)?", line) for line in lines]
    return [[float(number.replace(",", "")) for number in line] for line in numbers]


# ---- Integrating out.


@pytest.mark.parametrize(
    ("n", "count"), [(8, 1), (8, 3), (9, 5), (10, 2), (11, 20), (12, 4), (13, 1), (14, 3)]
)
@pytest.mark.parametrize("beta", [0.2, 0.7, 1.5])
def test_both_sides_of_the_identity(by_hand, n, count, beta):
    patterns = random_patterns(count, n, rng=n + 100 * count)
    network, machine = by_hand.both_sides(patterns, beta)
    assert machine - network == pytest.approx(beta * count / 2, abs=1e-10)
    assert network == pytest.approx(hebb(patterns).enumerate(beta).log_partition, abs=1e-10)
    assert machine == pytest.approx(from_hopfield(patterns, beta).log_partition().value, abs=1e-10)


def test_the_identity_that_is_in_the_theory_notes(by_hand):
    """Z = 998.21063 of the Hopfield network with its diagonal, for three patterns that are known no more."""
    found = {
        round(float(np.exp(by_hand.both_sides(random_patterns(3, 8, rng=seed), 0.7)[1])), 5)
        for seed in range(60)
    }
    assert 998.21063 in found


def test_the_printed_identity():
    table = rows("identity")[1:-1]
    assert len(table) == 6
    for _, count, beta, network, machine, difference, constant in table:
        assert difference == pytest.approx(constant, abs=1e-5)
        assert constant == pytest.approx(beta * count / 2, abs=1e-5)
        assert machine - network == pytest.approx(difference, abs=2e-5)
    assert CHAPTER.printed("identity").endswith("below 1e-10: True\n")


@pytest.mark.parametrize("seed", SEEDS)
def test_the_two_forces_are_derivatives_of_one_free_energy(seed):
    rng = np.random.default_rng(seed)
    weights, s = rng.normal(size=(6, 3)), rng.choice([-1.0, 1.0], 6)
    machine = RBM.from_parameters(weights, visible="spin", hidden="gaussian")
    x = s @ weights
    assert machine.free_energy(s[None].astype(np.int8))[0] == pytest.approx(-x @ x / 2, abs=1e-12)
    step = 1e-6 * rng.normal(size=weights.shape)
    change = np.sum((s @ (weights + step)) ** 2) / 2 - np.sum((s @ (weights - step)) ** 2) / 2
    assert change == pytest.approx(2 * np.sum(np.outer(s, x) * step), rel=1e-6)
    flipped = np.where(np.arange(6) == 2, -s, s)
    gained = np.sum((s @ weights) ** 2) / 2 - np.sum((flipped @ weights) ** 2) / 2
    diagonal = np.sum(weights[2] ** 2)
    assert gained == pytest.approx(2 * s[2] * (weights[2] @ x) - 2 * diagonal, abs=1e-12)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_hidden_unit_reports_the_overlap_with_an_error(seed):
    """Means are sqrt(beta N) m, and draws of the package scatter around them with variance 1."""
    rng = np.random.default_rng(seed)
    patterns = random_patterns(3, 50, rng=rng)
    machine = from_hopfield(patterns, 1.6)
    states = random_patterns(200, 50, rng=rng)
    m = np.array([overlap(patterns, one) for one in states])
    assert machine.transform(states) == pytest.approx(np.sqrt(80) * m, abs=1e-12)
    z = machine.transform(states) + rng.normal(size=(200, 3))
    up = machine.inverse_transform(z)
    assert up == pytest.approx(np.tanh(1.6 * (z / np.sqrt(80)) @ patterns), abs=1e-12)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("heat", [1.5, 0.6])
def test_without_the_noise_of_the_hidden_layer_the_law_is_littles(by_hand, heat, seed):
    rng = np.random.default_rng([1974, seed])
    pair = random_patterns(2, 10, rng=3)
    states, weights = by_hand.all_spins(10), pair.T / np.sqrt(10 * heat)
    energies = hebb(pair).energy(states)
    hopfield = softmax(-energies / heat)
    little = softmax(np.log(2 * np.cosh(states @ weights @ weights.T)).sum(axis=1))
    assert (little @ energies > hopfield @ energies) == (heat > 1)
    for noise, law, other in ((1.0, hopfield, little), (0.0, little, hopfield)):
        chains = rng.choice([-1.0, 1.0], (20_000, 10))
        for _ in range(30):
            chains = by_hand.sweep(chains, weights, noise, rng)
        seen = statistics.disorder_mean(hebb(pair).energy(chains.astype(np.int8))).mean
        assert abs(seen.z(law @ energies)) < 4
        assert abs(seen.z(other @ energies)) > 10
    assert pair[0] @ pair[1].astype(int) == 0


def test_little_s_law_is_stationary_and_hopfield_s_is_that_of_block_gibbs(by_hand):
    """On the explicit matrices of all states, the hidden layer integrated on a grid."""
    pair, beta = random_patterns(1, 5, rng=8), 1.3
    states, z = by_hand.all_spins(5).astype(float), np.arange(-12, 12.05, 0.1)
    w = np.sqrt(beta / 5) * pair[0]
    x = states @ w
    up = expit(2 * np.multiply.outer(z, w))
    down_to = np.prod(np.where(states[None] > 0, up[:, None], 1 - up[:, None]), axis=2)  # z to s
    gibbs = 0.1 * norm.pdf(z[None] - x[:, None]) @ down_to
    hopfield = softmax(x**2 / 2)
    assert hopfield @ gibbs == pytest.approx(hopfield, abs=1e-12)
    mean_up = expit(2 * np.multiply.outer(x, w))
    parallel = np.prod(np.where(states[None] > 0, mean_up[:, None], 1 - mean_up[:, None]), axis=2)
    little = softmax(np.log(2 * np.cosh(np.multiply.outer(x, w))).sum(axis=1))
    assert little @ parallel == pytest.approx(little, abs=1e-12)
    assert np.abs(hopfield @ parallel - hopfield).max() > 1e-3


@pytest.mark.parametrize("seed", SEEDS)
def test_the_live_figure_is_recall_bit_for_bit_and_a_machine_on_average(seed):
    lab = BridgeLab(running=False, seed=seed)
    run = lab.simulate(60)
    cue = corrupt(lab.patterns[0], lab.noise, rng=seed)
    known = recall(hebb(lab.patterns), cue, order="random", beta=2.0, max_sweeps=60, rng=seed)
    np.testing.assert_array_equal(run.spins, known.spins)
    np.testing.assert_array_equal(run.overlaps, known.overlaps)
    drawn = BridgeLab(running=False, seed=seed, drawn=4).simulate(60)
    assert drawn.overlaps[20:, 0].mean() == pytest.approx(run.overlaps[20:, 0].mean(), abs=0.02)
    binary = BridgeLab(running=False, seed=seed, drawn=4, softness=0.0).simulate(60)
    assert abs(binary.overlaps[20:, 0].mean()) < 0.25


@pytest.mark.parametrize("seed", SEEDS)
def test_the_loud_unit_and_the_quiet_ones(seed):
    patterns = random_patterns(3, 400, rng=seed)
    for heat, loud in ((0.4, 31.2), (0.7, 19.8), (1.3, 0.0)):
        machine = from_hopfield(patterns, 1 / heat)
        states = machine.sample(300, n_sweeps=60, initial=patterns[0], rng=seed)
        means = machine.transform(states).mean(axis=0)
        assert means[0] == pytest.approx(loud, abs=1.5)
        assert np.abs(means[1:]).max() < 7


# ---- Hidden units for each visible one.


@pytest.mark.parametrize("seed", SEEDS)
def test_order_parameters_of_layers_are_those_of_the_theory(seed):
    """One state's own m squared in place of two replicas' product would be off in r by half of it."""
    states = CHAPTER.definitions("algorithm-states")
    rng = np.random.default_rng([1985, seed])
    for load, heat in ((0.05, 0.3), (0.05, 0.46), (0.1, 0.2)):
        found = np.array([states.retrieved_state(2000, load, heat, rng, n_kept=4) for _ in range(5)])
        known = memory_theory.replica_symmetric(load, 1 / heat)
        for column, value in zip(found.T, (known.m, known.q, known.r, known.r / heat), strict=True):
            mean = statistics.disorder_mean(column).mean
            assert abs(mean.value - value) < 4 * 1.25 * mean.error + 0.002 * value
    assert found[:, 3] * 0.2 == pytest.approx(found[:, 2], rel=0.01)


@pytest.mark.parametrize("seed", range(4))
def test_where_the_pattern_is_lost(seed):
    states = CHAPTER.definitions("algorithm-states")
    for place in ((0.1, 0.45), (0.2, 0.3)):
        m, _, r, _ = states.retrieved_state(2000, *place, np.random.default_rng(seed))
        assert m < 0.35
        assert r > 3


def test_the_printed_order_parameters():
    lines = CHAPTER.printed("states-code").splitlines()
    assert len(lines) == 18
    for line in lines[1:7] + lines[10:16]:
        parts = re.findall(r"[\d.]+(?:\([\d.]+\))?", line)[2:]
        for estimate, value in zip(parts[::2], parts[1::2], strict=True):
            number, error = re.fullmatch(r"([\d.]+)\(([\d.]+)\)", estimate).groups()
            scale = 1 if "." in error else 10.0 ** -len(number.split(".")[1])
            assert abs(float(number) - float(value)) < 4 * float(error) * scale + 0.5e-2 * float(value)
    known = memory_theory.replica_symmetric(0.05, 1 / 0.46)
    assert (known.m, known.r) == pytest.approx((0.94, 1.58), abs=0.005)
    assert memory_theory.coexistence_temperature(0.05) == pytest.approx(0.216, abs=5e-4)


# ---- Too many hidden units.


def test_the_law_and_the_gradient_by_hand_are_those_of_the_package(by_hand):
    half = by_hand.all_spins(6)[:32]
    rng = np.random.default_rng(5)
    weights = 0.4 * rng.normal(size=(6, 2))
    machine = RBM.from_parameters(weights, visible="spin", hidden="gaussian")
    assert by_hand.log_law(weights, half.astype(float)) == pytest.approx(
        machine.score_samples(half), abs=1e-12
    )
    data = half[rng.choice(32, size=40)]
    moments = data.T.astype(float) @ data / 40
    learned = by_hand.student(half.astype(float), moments, weights)
    best = RBM.from_parameters(learned, visible="spin", hidden="gaussian")
    assert np.abs(best.gradient(np.vstack([data, -data])).weights).max() < 2e-2
    assert best.score(data) > machine.score(data)


@pytest.mark.parametrize("seed", SEEDS)
def test_one_unit_less_than_spins_makes_any_couplings(by_hand, seed):
    rng = np.random.default_rng(seed)
    couplings = rng.normal(size=(7, 7))
    couplings = np.triu(couplings, 1) + np.triu(couplings, 1).T
    values, vectors = np.linalg.eigh(couplings)
    weights = vectors[:, 1:] * np.sqrt(values[1:] - values[0])
    assert weights.shape == (7, 6)
    machine = RBM.from_parameters(weights, visible="spin", hidden="gaussian")
    assert machine.to_network().couplings == pytest.approx(couplings, abs=1e-12)
    states = by_hand.all_spins(7)
    energies = -np.sum((states @ couplings) * states, axis=1) / 2
    assert machine.free_energy(states) - energies == pytest.approx(np.full(128, values[0] * 7 / 2), abs=1e-12)


@pytest.fixture(scope="module")
def classes(by_hand):
    """Four classes of a hundred rows for each of ten seeds."""
    half = by_hand.all_spins(12)[: 2**11].astype(float)
    teacher = np.sqrt(1.2 / 12) * np.array([[1] * 12, [1] * 6 + [-1] * 6, ([1] * 3 + [-1] * 3) * 2]).T
    names = {"half": half, "teacher": teacher, "truth": by_hand.log_law(teacher, half), "UNITS": WATCHED}
    lessons = CHAPTER.definitions("algorithm-lessons", **names, **vars(by_hand)).lessons
    return np.array([[lessons(100, np.random.default_rng([seed, k])) for k in range(4)] for seed in SEEDS])


def test_training_rows_like_more_units_and_new_rows_like_those_of_the_teacher(classes):
    train, new, minima = np.moveaxis(classes, 3, 0)
    assert np.mean(WATCHED[new.argmax(axis=2)] == 3) > 0.95
    assert (np.diff(train, axis=2) > -2e-3).all()
    assert (new < 0).all()
    assert (np.diff(new.mean(axis=1), axis=1)[:, 2:] < 2e-3).all()
    assert np.abs(train[:, :, -2] - train[:, :, -1]).max() < 2e-3
    price = COUPLINGS[[2, 3, 7]] / 200  # of K = 3, 4 and 11
    for seed in range(0, 10, 2):  # eight classes, of which the chapter has twelve
        pair = train[seed : seed + 2].mean(axis=(0, 1)), new[seed : seed + 2].mean(axis=(0, 1))
        assert pair[0][2:5] == pytest.approx(price, abs=0.07)
        assert ((pair[1][2:5] < -price + 0.04) & (pair[1][2:5] > -price - 0.2)).all()
    assert new.mean(axis=(0, 1))[2:5] == pytest.approx(-price - [0.03, 0.07, 0.1], abs=0.03)
    assert minima[:, :, 2].mean() < 0.3
    assert ((minima[:, :, -2].mean(axis=1) > 0.4) & (minima[:, :, -2].mean(axis=1) < 2.6)).all()


def test_the_printed_price_of_hidden_units(classes):
    table = {int(row[0]): row for row in rows("overfit-figure")[1:10]}
    assert list(table) == list(UNITS)
    for n_hidden, d in zip(UNITS, COUPLINGS, strict=True):
        _, couplings, price, train, new = table[n_hidden]
        assert (couplings, price) == pytest.approx((d, d / 200), abs=6e-4)
        if n_hidden in WATCHED:
            k = list(WATCHED).index(n_hidden)
            assert (train, new) == pytest.approx(classes[:, :, k, :2].mean(axis=(0, 1)), abs=0.07)
    invented, best = CHAPTER.printed("overfit-figure").splitlines()[-2:]
    assert re.findall("True|False", invented) == ["True", "True"]
    assert set(best.split(":")[1].strip(" []").split()) == {"3"}


def test_choosing_the_number_of_units_from_data_alone(by_hand):
    half = by_hand.all_spins(12)[: 2**11].astype(float)
    teacher = np.sqrt(1.2 / 12) * np.array([[1] * 12, [1] * 6 + [-1] * 6, ([1] * 3 + [-1] * 3) * 2]).T
    names = {"half": half, "truth": by_hand.log_law(teacher, half), **vars(by_hand)}
    choices = CHAPTER.functions("data-code", **names)["choices"]
    few = np.array([choices(50, np.random.default_rng([50, seed])) for seed in range(10)])
    many = np.array([choices(500, np.random.default_rng([500, seed])) for seed in range(10)])
    assert np.std(few[:, 0]) > 0.8
    assert 0.25 < np.mean(few[:, 0] == 3) < 0.85
    assert np.mean(few[:, 1] == 3) > 0.5
    assert np.mean(many[:, 0] == 3) > 0.4
    assert np.mean(many[:, 1] == 3) > 0.5


# ---- Soft units.


def test_the_quartic_correction_and_the_couplings_that_it_makes():
    x = np.array([1e-2, 2e-2])
    for softness in (0.0, 0.3, 0.5, 1.0):
        unit = theory.soft_unit(x, softness)
        quartic = (unit.cumulant - x**2 / 2) / x**4
        assert quartic == pytest.approx(np.full(2, -((1 - softness) ** 2) / 12), abs=1e-4)
    for softness in (0.0, 0.5):
        for n in (10, 100):
            beta = 1e-3
            found = theory.effective_couplings(n, beta, softness)
            assert (n / beta) ** 2 * found.quartet == pytest.approx(-2 * (1 - softness) ** 2, rel=0.01)
            lost = (1 - softness) ** 2 * beta * (1 - 4 / (3 * n))
            assert 1 - n / beta * found.pair == pytest.approx(lost, rel=0.01)


def test_the_printed_couplings():
    for beta, softness, *terms in rows("quartic-code")[1:]:
        for n, pair, four in zip((10, 1000), terms[:2], terms[2:], strict=True):
            found = theory.effective_couplings(n, beta, softness)
            assert pair == pytest.approx(n / beta * found.pair, abs=6e-4)
            assert four == pytest.approx((n / beta) ** 2 * found.quartet, abs=6e-3)
    assert theory.effective_couplings(1000, 1.0, 0.0).pair * 1000 == pytest.approx(0.606, abs=6e-4)
    next_order = [
        (1000 / beta) ** 2 * theory.effective_couplings(1000, beta, 0.0).quartet for beta in (0.01, 0.005)
    ]
    assert next_order == pytest.approx([-2 + 0.08, -2 + 0.04], abs=0.01)


@pytest.mark.parametrize("seed", SEEDS)
def test_binary_units_by_hand_forget_as_the_exact_law_says(by_hand, seed):
    binary_sweep = CHAPTER.functions("shout-code")["binary_sweep"]
    rng = np.random.default_rng([2018, seed])
    for n in (100, 1000):
        one = np.full((n, 1), np.sqrt(1 / 0.3 / n))
        gaussian = binary = rng.choice([-1.0, 1.0], (100, n))
        for _ in range(30):
            gaussian, binary = by_hand.sweep(gaussian, one, 1.0, rng), binary_sweep(binary, one, rng)
        for v, softness in ((gaussian, 1.0), (binary, 0.0)):
            seen = statistics.disorder_mean(np.abs(v.mean(axis=1))).mean
            assert abs(seen.z(theory.one_pattern(n, 1 / 0.3, softness).magnetization)) < 4


def test_the_printed_overlaps_of_soft_units():
    for line, softness in zip(rows("soft-figure")[1:5], (1.0, 0.5, 0.2, 0.0), strict=True):
        exact = [theory.one_pattern(10**k, 1 / 0.3, softness).magnetization for k in (2, 3, 4, 6)]
        assert line[:6] == pytest.approx([softness, *exact, theory.soft_retrieval(0.3, softness)], abs=6e-4)


def test_the_overlaps_of_the_live_figure():
    """With four letters the A is left near softness 0.7, far above the limit for one."""
    still = BridgeLab(running=False)
    figure_run = CHAPTER.functions("walk", still=still)["figure_run"]
    live_overlap = CHAPTER.functions("live-code", figure_run=figure_run)["live_overlap"]
    for softness, four in ((1.0, 0.951), (0.7, 0.73), (0.6, 0.33), (0.5, 0.28)):
        exact = theory.one_pattern(256, 2.0, softness).magnetization
        for column, count, known, slack in ((0, 4, four, 0.1), (1, 1, exact, 0.0)):
            runs = [live_overlap(count, softness, seed) for seed in range(100, 120)]
            found = statistics.disorder_mean(runs).mean
            assert abs(found.value - known) < 5 * found.error + slack
            assert CHAPTER.column("live-code", f"{softness:8}", column) == pytest.approx(known, abs=0.1)


# ---- Patterns and back.


@pytest.mark.parametrize("seed", SEEDS)
def test_a_student_learns_the_letters_and_hides_them(seed):
    taught = CHAPTER.definitions(
        "algorithm-taught", four=letters(8, units="spin")[:4], plt=None, patterns_of=patterns_of
    ).taught
    teacher, learner = taught(seed)
    wanted, got = (one.weights_ @ one.weights_.T for one in (teacher, learner))
    assert np.linalg.norm(got - wanted) / np.linalg.norm(wanted) < 0.15
    found = patterns_of(learner, rng=seed)
    four = letters(8, units="spin")[:4].astype(int)
    np.testing.assert_array_equal(np.abs(found.patterns @ four.T).max(axis=0), [64] * 4)
    shares = (learner.weights_.T @ four.T) ** 2 / 64 / np.sum(learner.weights_**2, axis=0)[:, None]
    assert shares.max(axis=1).min() < 0.6
    assert np.abs(learner.visible_biases_).max() < 0.2


@pytest.mark.parametrize("seed", SEEDS)
def test_nobody_sees_a_rotation_of_gaussian_units(by_hand, seed):
    rng = np.random.default_rng(seed)
    three, turn = random_patterns(3, 10, rng=rng), ortho_group.rvs(3, random_state=rng)
    for kind, least in (("gaussian", 0.0), ("spin", 0.02)):
        weights = from_hopfield(three, 2.0, hidden=kind).weights_
        laws = [
            np.exp(RBM.from_parameters(w, visible="spin", hidden=kind).score_samples(by_hand.all_spins(10)))
            for w in (weights, weights @ turn, weights[:, [2, 0, 1]] * [1, -1, 1])
        ]
        distance = np.abs(laws[0] - laws[1]).sum() / 2
        assert distance >= least
        assert (distance < 1e-12) == (kind == "gaussian")
        assert laws[2] == pytest.approx(laws[0], abs=1e-14)
    four = letters(8, units="spin")[:4]
    machine = from_hopfield(four, 1.2, rule="pseudo-inverse")
    assert machine.to_network().couplings == pytest.approx(1.2 * pseudo_inverse(four).couplings, abs=1e-12)


def test_principal_components_find_a_weak_pattern_and_not_the_strength_of_a_strong_one():
    for beta, factor in ((0.3, 0.5), (0.8, 4.0)):
        off = [beta - 1 + 1 / (n * theory.one_pattern(n, beta, 1.0).square) for n in (1000, 10_000)]
        assert 1000 * off[0] == pytest.approx(10_000 * off[1], rel=0.05)
        assert 1000 * off[0] == pytest.approx(factor, rel=0.3)
    for beta, *values in rows("pca-code")[1:]:
        exact = [1 - 1 / (n * theory.one_pattern(n, beta, 1.0).square) for n in (10, 100, 1000, 10_000)]
        assert values == pytest.approx(exact, abs=6e-4)


# ---- Other hidden units.


@pytest.mark.parametrize("seed", SEEDS)
def test_a_unit_that_chooses_is_the_exponential_memory(by_hand, seed):
    keys = random_patterns(4, 8, rng=seed)
    memory, states = DenseMemory(keys, "exponential"), by_hand.all_spins(8)
    sums = states @ keys.T.astype(float)
    assert memory.energy(states) == pytest.approx(-logsumexp(sums, axis=1), abs=1e-12)
    law = softmax(-memory.energy(states))
    products = [np.prod(np.where(states == key, expit(2.0), expit(-2.0)), axis=1) for key in keys]
    assert law == pytest.approx(np.mean(products, axis=0), abs=1e-14)
    posterior = np.transpose(products) / np.sum(products, axis=0)[:, None]
    assert posterior @ keys == pytest.approx(memory.attend(states, beta=1.0), abs=1e-12)
    assert law @ np.sum(posterior * sums, axis=1) / 8 == pytest.approx(np.tanh(1), abs=1e-12)
    counted = theory.poisson_unit(sums).cumulant.sum(axis=1)
    assert counted == pytest.approx(np.exp(sums).sum(axis=1) - 4, rel=1e-12)


def test_what_is_printed_is_true():
    for cell in ("identity", "overfit-teacher", "rotation", "dense-code"):
        assert "True" in CHAPTER.printed(cell), cell
        assert "False" not in CHAPTER.printed(cell), cell
    verdicts = [re.findall("agrees|differs", line) for line in CHAPTER.printed("heat-code").splitlines()[1:]]
    assert verdicts == [["agrees", "differs"], ["differs", "agrees"]] * 2


@pytest.mark.parametrize("seed", SEEDS)
def test_the_energy_is_read_from_the_hidden_layer(by_hand, seed):
    patterns, beta = random_patterns(3, 9, rng=seed), 1.1
    states = by_hand.all_spins(9)
    energies = hebb(patterns).energy(states)
    law = softmax(-beta * energies)
    squares = 1 + np.sum(law[:, None] * from_hopfield(patterns, beta).transform(states) ** 2, axis=0)
    assert law @ energies == pytest.approx(1.5 - np.sum(squares - 1) / (2 * beta), abs=1e-12)


def test_two_neurons_and_one_pattern(by_hand):
    pair = np.ones((1, 2), dtype=np.int8)
    network, machine = by_hand.both_sides(pair, 0.9)
    assert np.exp(network) == pytest.approx(2 * np.exp(0.45) + 2 * np.exp(-0.45))
    assert np.exp(machine) == pytest.approx(2 * np.exp(0.9) + 2)
    equal = np.exp(from_hopfield(pair, 0.9).score_samples(np.array([[1, 1], [-1, -1]], dtype=np.int8))).sum()
    assert equal == pytest.approx(1 / (1 + np.exp(-0.9)))


def test_other_units_that_a_few_neurons_cannot_tell():
    """A lattice unit makes Hebb's rule, a unit of three values the fourth power of four neurons."""
    for n, beta in ((10, 0.9), (10, 6.0), (9, 2.0)):
        z = 2 * np.sqrt(beta / n) * np.arange(-100, 101)
        x = np.sqrt(beta / n) * np.arange(-n, n + 1, 2)
        phi = logsumexp(np.multiply.outer(x, z) - z**2 / 2, axis=1)
        assert np.ptp(phi - x**2 / 2) < 1e-12
    sums, c = np.arange(-4, 5, 2), 0.01
    a = np.arccosh((np.exp(256 * c) - 1) / (np.exp(16 * c) - 1) / 2 - 1) / 2
    p = (np.exp(16 * c) - 1) / (np.cosh(2 * a) - 1)
    assert (a, p) == pytest.approx((2.1007, 0.005356), rel=1e-4)
    assert np.log(1 - p + p * np.cosh(a * sums)) == pytest.approx(c * sums**4, abs=1e-12)


# ---- Questions.


@pytest.mark.parametrize(
    ("name", "right", "wrong"),
    [
        ("question-diagonal", 2.0, (4.0, 0.0, -2.0, 1.0)),
        ("question-mean", 0.8, (1.0, 0.64, 0.05, 1.25)),
        ("question-enough", 19, (20, 15, 190, 3)),
        ("question-soft", 0.7, (1.0, 0.3, 1.43, 0.837)),
    ],
)
def test_questions(name, right, wrong):
    assert CHAPTER.tells_apart(name, right, wrong)


def test_where_the_answers_come_from():
    assert theory.soft_retrieval(0.699, 0.7) > 0
    assert theory.soft_retrieval(0.701, 0.7) == 0
    assert from_hopfield(np.ones((1, 400), dtype=np.int8), 1 / 0.64).weights_.sum() == pytest.approx(25)
