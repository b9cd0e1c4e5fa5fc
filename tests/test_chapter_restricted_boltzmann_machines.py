"""What the chapter on restricted machines writes out agrees with smbook, and holds on other seeds."""

import itertools
import re

import numpy as np
import pytest
from scipy.special import expit, logsumexp

from smbook.boltzmann import RBM
from smbook.datasets import bars_and_stripes, digits
from smbook.hopfield import hebb, overlap, random_patterns
from smbook.theory import boltzmann as theory
from smbook.widgets import Question
from tests.chapters import Chapter

SEEDS = range(10)
IMAGES, LABELS = digits()
DEAL = np.random.default_rng(1998).permutation(len(IMAGES))
TRAIN, TEST = IMAGES[DEAL[:1500]], IMAGES[DEAL[1500:]]
BARS = bars_and_stripes(3, doubled=True)
CHAPTER = Chapter(
    "boltzmann/restricted-boltzmann-machines.ipynb",
    np=np,
    itertools=itertools,
    expit=expit,
    logsumexp=logsumexp,
    RBM=RBM,
    Question=Question,
    bars=BARS,
)
WAYS = {
    "exact": {"method": "exact"},
    "CD-1": {"method": "cd"},
    "CD-10": {"method": "cd", "n_steps": 10},
    "PCD": {"method": "pcd"},
    "tempered": {"method": "tempered", "n_temperatures": 6, "n_chains": 50},
}


@pytest.fixture(scope="module")
def by_hand():
    return CHAPTER.definitions("algorithm-block-gibbs", "algorithm-cd", "algorithm-annealing")


def small_parameters(seed, scale=1.0):
    rng = np.random.default_rng(seed)
    return scale * rng.normal(size=(4, 3)), rng.normal(size=4), rng.normal(size=3)


def all_states(n):
    return (np.arange(2**n)[:, None] >> np.arange(n) & 1).astype(np.int8)


def rows(cell):
    """Return the numbers in each printed line of a cell, without errors in brackets."""
    lines = CHAPTER.printed(cell).splitlines()
    return [[float(x) for x in re.findall(r"-?\d+\.\d+", re.sub(r"\(.*?\)", "", line))] for line in lines]


# ---- Two layers.


@pytest.mark.parametrize("seed", SEEDS)
def test_block_gibbs_by_hand_keeps_the_law_of_the_package(by_hand, seed):
    """Start in equilibrium, and stay there: the counts of all states before and after a sweep."""
    weights, b, c = small_parameters(seed)
    states = all_states(4)
    law = np.exp(RBM.from_parameters(weights, b, c).score_samples(states))
    assert law.sum() == pytest.approx(1, abs=1e-12)
    rng = np.random.default_rng([seed, 1])
    start = states[rng.choice(16, size=40_000, p=law)].astype(float)
    after = by_hand.block_gibbs(start, weights, b, c, rng)
    counts = np.bincount((after @ [1, 2, 4, 8]).astype(int), minlength=16)
    assert np.sum((counts - 40_000 * law) ** 2 / (40_000 * law)) < 45


def test_block_gibbs_by_hand_makes_the_steps_of_the_package(by_hand):
    weights, b, c = small_parameters(3)
    machine = RBM.from_parameters(weights, b, c)
    start = np.tile([1, 0, 1, 1], (40_000, 1)).astype(np.int8)
    ours = by_hand.block_gibbs(start.astype(float), weights, b, c, np.random.default_rng(3))
    theirs = machine.sample(40_000, n_sweeps=1, initial=start, rng=3)
    counts = [np.bincount((one @ [1, 2, 4, 8]).astype(int), minlength=16) for one in (ours, theirs)]
    assert np.sum((counts[0] - counts[1]) ** 2 / np.maximum(counts[0] + counts[1], 1)) < 45


def test_given_a_layer_the_units_of_the_other_are_independent():
    weights, b, c = small_parameters(5)
    machine = RBM.from_parameters(weights, b, c)
    v, h = np.array([1, 0, 0, 1], dtype=np.int8), all_states(3)
    joint = np.exp(-machine.energy(np.tile(v, (8, 1)), h))
    up = expit(v @ weights + c)
    assert joint / joint.sum() == pytest.approx(np.prod(np.where(h, up, 1 - up), axis=1), abs=1e-14)
    assert -np.log(joint.sum()) == pytest.approx(machine.free_energy(v[None])[0], abs=1e-12)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_machine_with_gaussian_hidden_units_is_a_hopfield_network(seed):
    patterns, beta, n = random_patterns(3, 12, rng=seed), 0.7, 12
    machine = RBM.from_parameters(np.sqrt(beta / n) * patterns.T, visible="spin", hidden="gaussian")
    assert machine.to_network().couplings == pytest.approx(beta * hebb(patterns).couplings, abs=1e-14)
    states = random_patterns(20, n, rng=seed + 100)
    squares = [-beta * n / 2 * np.sum(overlap(patterns, s) ** 2) for s in states]
    assert machine.free_energy(states) == pytest.approx(squares, abs=1e-12)
    assert machine.free_energy(states) == pytest.approx(
        beta * np.array([hebb(patterns).energy(s) for s in states]) - beta * 3 / 2, abs=1e-12
    )


def test_the_machine_on_one_page():
    machine = RBM.from_parameters(np.array([[1.0], [-1.0]]))
    p = np.exp(machine.score_samples(np.array([[0, 0], [1, 1], [1, 0], [0, 1]])))
    assert p == pytest.approx([0.220, 0.220, 0.409, 0.151], abs=5e-4)
    assert np.exp(machine.log_partition("exact").value) == pytest.approx(9.086, abs=5e-4)


def test_a_machine_of_zeros_and_ones_as_spins():
    weights, b, c = small_parameters(8)
    spins = RBM.from_parameters(weights, b, c).to_network()
    assert spins.couplings[:4, 4:] == pytest.approx(weights / 4, abs=1e-15)
    fields = np.concatenate([b / 2 + weights.sum(axis=1) / 4, c / 2 + weights.sum(axis=0) / 4])
    assert spins.fields == pytest.approx(fields, abs=1e-15)


# ---- Learning.


def test_contrastive_divergence_by_hand_is_on_average_that_of_the_package(by_hand):
    """Many copies of the data make one update its mean."""
    weights, b, c = small_parameters(2)
    data = np.array([[1, 0, 0, 1], [1, 1, 0, 0], [0, 0, 0, 1]], dtype=np.int8)
    many = np.repeat(data, 40_000, axis=0)
    ours = by_hand.cd1_update(many.astype(float), weights, b, c, 1.0, np.random.default_rng(1))
    learner = RBM.from_parameters(
        weights, b, c, method="cd", centering=False, batch_size=len(many), learning_rate=1.0, rng=1
    ).set_params(evaluate_every=0)
    learner.partial_fit(many)
    theirs = learner.weights_, learner.visible_biases_, learner.hidden_biases_
    for one, other in zip(ours, theirs, strict=True):
        assert one == pytest.approx(other, abs=4 * 2 * 0.5 / np.sqrt(len(many)))
    assert np.abs(ours[0] - weights).max() > 0.05


def test_contrastive_divergence_of_a_perfect_machine_does_not_move_it(by_hand):
    weights, b, c = small_parameters(4)
    law = np.exp(RBM.from_parameters(weights, b, c).score_samples(all_states(4)))
    rng = np.random.default_rng(4)
    data = all_states(4)[rng.choice(16, size=200_000, p=law)].astype(float)
    moved = by_hand.cd1_update(data, weights, b, c, 1.0, rng)[0] - weights
    assert np.abs(moved).max() < 5 * 0.7 / np.sqrt(len(data))


def test_contrastive_divergence_does_not_know_shares():
    """With two sets that no chain connects it is content with any mixture of both."""
    strong = np.array([[9.0, -9.0]] * 4 + [[-9.0, 9.0]] * 4)
    machine = RBM.from_parameters(strong, 0.0, [-18.0, -18.0])
    states = all_states(8)
    p = np.exp(machine.score_samples(states))
    first = states[:, :4].sum(axis=1) > states[:, 4:].sum(axis=1)
    second = states[:, :4].sum(axis=1) < states[:, 4:].sum(axis=1)
    assert p[first].sum() + p[second].sum() > 0.999
    rng = np.random.default_rng(1)
    data = states[
        rng.choice(256, size=50_000, p=np.where(first, 0.9, 0.1) * p / (np.where(first, 0.9, 0.1) @ p))
    ]
    before = machine.gradient(data).weights
    learner = RBM.from_parameters(strong, 0.0, [-18.0, -18.0], method="cd", centering=False, rng=1)
    learner.set_params(batch_size=len(data), learning_rate=1.0, evaluate_every=0).partial_fit(data)
    assert np.abs(before).max() > 0.3
    assert np.abs(learner.weights_ - strong).max() < 0.01


def learned_bars(way, seed, n_epochs=4000, rate=0.1, every=200):
    """Return the log-likelihoods of all 16 rows, and the history."""
    options = {"n_epochs": n_epochs, "learning_rate": rate, "evaluate_every": every, "dtype": "float64"}
    history = RBM(16, rng=seed, **options, **WAYS[way]).fit(BARS).history_
    return 16 * history.log_likelihood, history


def test_what_five_ways_make_of_bars_and_stripes():
    best = theory.bars_and_stripes(3, doubled=True).total
    times = {"exact": 3, "CD-1": 10, "CD-10": 3, "tempered": 6}
    ends = {way: np.array([learned_bars(way, seed)[0][-1] for seed in range(n)]) for way, n in times.items()}
    off = {way: 100 * (found / best - 1) for way, found in ends.items()}
    assert all((found > 0).all() for found in off.values())
    assert ends["exact"] == pytest.approx(-42.5, abs=0.25)
    assert ((off["exact"] > 1.8) & (off["exact"] < 3)).all()
    assert np.sum(off["CD-10"] < 5.3) >= 2
    assert np.sum(off["tempered"] < 6) >= 4
    assert off["tempered"].max() < 15
    assert np.sum((off["CD-1"] > 5) & (off["CD-1"] < 10.5)) >= 9
    assert np.median(off["CD-10"]) < np.median(off["CD-1"]) - 2
    assert np.median(off["tempered"]) < np.median(off["CD-1"]) - 2


def test_chains_that_persist_turn_round():
    highest, ends = [], []
    for seed in SEEDS:
        found, history = learned_bars("PCD", seed)
        late = history.reconstruction_error[history.epoch >= 2500]
        assert late[-1] < late[0] < 1e-2 * history.reconstruction_error[0]
        highest.append(found.max())
        ends.append(found[-1])
    assert np.sum((np.array(highest) > -47.5) & (np.array(highest) < -44.5)) >= 9
    assert np.sum(np.array(ends) < np.array(highest) - 1) >= 9
    assert np.sum((np.array(ends) > -66) & (np.array(ends) < -48)) >= 8


def test_a_larger_rate_is_worse_for_chains_that_persist_at_the_same_sum_of_rates():
    ends = {
        rate: [learned_bars("PCD", seed, round(400 / rate), rate, 1000)[0][-1] for seed in range(6)]
        for rate in (0.05, 0.2)
    }
    assert np.mean(ends[0.2]) < np.mean(ends[0.05]) - 2


def test_the_printed_table_of_bars_and_stripes():
    found = {
        line.split()[0]: [float(x) for x in line.split()[1:3]]
        for line in CHAPTER.printed("bars").splitlines()[1:]
    }
    assert list(found) == list(WAYS)
    assert found["exact"][1] == pytest.approx(-42.5, abs=0.25)
    assert found["PCD"][1] < found["PCD"][0] - 1
    assert found["PCD"][1] < found["CD-1"][1] < found["CD-10"][1] < found["exact"][1]


@pytest.mark.parametrize("seed", SEEDS)
def test_contrastive_divergence_forgets_the_shares_while_its_reconstructions_improve(seed):
    shares = CHAPTER.definitions("algorithm-shares")
    kinds = shares.two_kinds(np.random.default_rng([2010, seed]))
    cd, share = shares.learn_shares(*kinds, every=50, rng=seed, method="cd")
    assert cd.log_likelihood.max() > -6.0
    assert cd.log_likelihood[-1] < -9.0
    assert share[0] > 0.95
    assert share[-1] < 0.05
    assert (np.diff(cd.reconstruction_error) < 2e-4).all()
    exact, right = shares.learn_shares(*kinds, every=150, rng=seed, method="exact")
    assert right[-1] == pytest.approx(0.87, abs=0.03)
    assert exact.log_likelihood[-1] > -4.2
    assert cd.reconstruction_error[-1] < exact.reconstruction_error[-1]
    if seed < 3:
        _, delayed = shares.learn_shares(*kinds, every=300, rng=seed, method="cd", n_steps=10)
        assert 0.15 < delayed[-1] < 0.45


def test_the_shares_of_chains_that_persist_wander_farther_and_farther():
    shares, soon, later = CHAPTER.definitions("algorithm-shares"), [], []
    for seed in range(8):
        kinds = shares.two_kinds(np.random.default_rng([2010, seed]))
        _, wandering = shares.learn_shares(*kinds, n_epochs=600, every=25, rng=seed, method="pcd")
        soon.append(wandering[4:12].min())
        later.append(wandering.min())
    assert np.sum(np.array(soon) > 0.45) >= 6
    assert np.sum(np.array(later) < 1 / 3) >= 4


def test_the_law_from_which_the_two_kinds_were_drawn():
    (line,) = [line for line in CHAPTER.printed("shares-figure").splitlines() if line.startswith("the law")]
    kinds = CHAPTER.definitions("algorithm-shares").two_kinds(np.random.default_rng(2010))
    away = np.sum(kinds[0] != np.tile([1, 1, 0, 0], 4), axis=1)
    p = 0.9 * 0.05**away * 0.95 ** (16 - away) + 0.1 * 0.95**away * 0.05 ** (16 - away)
    assert float(line.split()[-1]) == pytest.approx(np.log(p).mean(), abs=0.006)


def test_without_centring_contrastive_divergence_forgets_them_later():
    shares, late = CHAPTER.definitions("algorithm-shares"), []
    for seed in range(7):
        kinds = shares.two_kinds(np.random.default_rng([2010, seed]))
        learner = {"n_epochs": 1500, "every": 300, "rng": seed, "method": "cd", "centering": False}
        history, share = shares.learn_shares(*kinds, **learner)
        assert share[0] > 0.85
        late.append(share[-1])
        if share[-1] < 0.1:
            assert history.log_likelihood[-1] < history.log_likelihood[0] - 1
    assert np.median(late) < 0.2
    assert np.sum(np.array(late) < 0.65) >= 5


# ---- Annealing.


@pytest.mark.parametrize("seed", SEEDS)
def test_annealing_by_hand_is_right_and_so_is_that_of_the_package(by_hand, seed):
    shape = np.full((30, 10), 0.1), np.full(30, -0.5), np.full(10, -0.2)
    exact = theory.uniform(30, 10, 0.1, -0.5, -0.2).log_partition
    value, error = by_hand.anneal(*shape, 100, 100, np.random.default_rng(seed))
    assert abs(value - exact) < 4 * error
    found = RBM.from_parameters(*shape, base=0.0).log_partition("annealed", betas=100, rng=seed)
    assert abs(found.value - exact) < 4 * found.error
    assert error == pytest.approx(found.error, rel=0.6)


def test_annealing_is_flattering_and_reverse_annealing_the_opposite():
    printed = rows("bracket")[-4:]
    assert len(printed) == 4
    assert all(low < 0 < high for low, high in printed)
    assert printed[0] == pytest.approx([-0.98, 0.96], abs=0.15)
    assert max(map(abs, printed[-1])) < 0.04


@pytest.mark.parametrize("seed", SEEDS)
def test_annealing_misses_a_mode_without_a_sign_of_it(seed):
    island = RBM.from_parameters(np.full((100, 1), 4.0), 0.0, -320.0, base=0.0)
    exact = theory.one_hidden_unit(np.full(100, 4.0), 0.0, -320.0).log_partition
    assert exact == pytest.approx(81.815, abs=1e-3)
    up = island.log_partition("annealed", rng=seed)
    assert up.value == pytest.approx(101 * np.log(2) - np.log(2), abs=0.02)
    assert up.error < 0.01
    assert up.effective_chains > 99
    down = island.log_partition("reverse", rng=seed)
    assert down.value > exact + 12
    lit = np.ones((1, 100), dtype=np.int8)
    assert -island.free_energy(lit)[0] - up.value > 10


def test_chains_leave_the_second_valley_between_the_transition_and_the_spinodal():
    """Down from beta = 1 in 1000 steps; the visible units matter by their sum only."""
    betas = np.linspace(0.3, 1, 7001)
    assert betas[np.argmax(-320 + 400 * expit(4 * betas) > 0)] == pytest.approx(0.3466, abs=2e-4)
    heavier = 100 * np.logaddexp(0, 4 * betas) - 320 * betas > 100 * np.log(2)
    assert betas[heavier].min() == pytest.approx(0.8203, abs=2e-4)
    rng = np.random.default_rng(82)
    lit, left = rng.binomial(100, expit(4.0), size=2000), np.full(2000, np.nan)
    for beta in np.arange(999, -1, -1) / 1000:
        on = rng.random(2000) < expit(beta * (4 * lit - 320))
        left[np.isnan(left) & ~on] = beta
        lit = rng.binomial(100, np.where(on, expit(4 * beta), 0.5))
    assert np.median(left) == pytest.approx(0.48, abs=0.02)
    assert np.mean((left > 0.3466) & (left < 0.82)) > 0.99


# ---- Digits.


@pytest.mark.parametrize("seed", range(3))
def test_the_likelihoods_of_digits(seed):
    rates = {"n_epochs": 300, "learning_rate": 0.3, "evaluate_every": 0, "dtype": "float64", "rng": seed}
    printed = {
        line[:12].strip(): line.split()[-3:-1] for line in CHAPTER.printed("likelihoods").splitlines()[2:5]
    }
    for way, options, margin in (
        ("CD-1", {"method": "cd"}, 0.3),
        ("PCD-1", {"method": "pcd"}, 0.6),
        ("PCD-5", {"method": "pcd", "n_steps": 5}, 0.3),
    ):
        machine = RBM(16, **rates, **options).fit(TRAIN)
        found = machine.score(TRAIN), machine.score(TEST)
        assert found == pytest.approx([float(x) for x in printed[way]], abs=margin + 0.05)


def test_a_machine_completes_digits_better_than_one_memory_and_about_as_well_as_ten():
    upper, wrong = np.arange(64) < 32, []
    for seed in range(4):
        deal = np.random.default_rng([7, seed]).permutation(len(IMAGES))
        train, test = IMAGES[deal[:1500]], IMAGES[deal[1500:]]
        machine = RBM(
            64, method="pcd", n_steps=5, n_epochs=200, learning_rate=0.2, evaluate_every=0, rng=seed
        )
        clamped = np.repeat(np.where(upper, test, np.nan), 10, axis=0)
        finished = machine.fit(train).sample(len(clamped), n_sweeps=100, clamped=clamped, rng=seed)
        assert (finished[:, upper] == clamped[:, upper]).all()
        vote = machine.inverse_transform(machine.transform(finished)).reshape(-1, 10, 64).mean(axis=1)
        unlike = np.sum(test[:, None, :32] != train[None, :, :32], axis=2)
        similar = train[np.argsort(unlike, axis=1, kind="stable")[:, :10]]
        guesses = vote, similar[:, 0], similar.mean(axis=1)
        wrong.append([100 * np.mean((guess > 0.5) != test, axis=0)[~upper].mean() for guess in guesses])
    by_machine, by_one, by_ten = np.transpose(wrong)
    assert (by_machine < by_one).all()
    assert (np.abs(by_machine - by_ten) < 1.8).all()
    assert by_machine.mean() - by_ten.mean() < 1.5
    assert (by_machine > 13).all()
    assert (by_machine < 16.5).all()


@pytest.fixture(scope="module")
def dreamer():
    """The machine of the live figure."""
    machine = RBM(64, method="pcd", n_steps=5, n_epochs=200, learning_rate=0.2, evaluate_every=0, rng=1)
    return machine.set_params(dtype="float64").fit(TRAIN)


def read(states):
    """Return the label of the training image that is most similar."""
    labels = LABELS[DEAL[:1500]]
    return labels[np.argmin(np.sum(states[:, None] != TRAIN[None], axis=2), axis=1)]


def test_half_a_digit(dreamer):
    half = np.where(np.arange(64) < 32, TEST[10], np.nan)
    share = np.bincount(read(dreamer.sample(600, n_sweeps=100, clamped=half, rng=1)), minlength=10) / 600
    assert share[[7, 5, 3]] == pytest.approx([0.81, 0.10, 0.04], abs=0.06)
    assert np.mean(read(dreamer.sample(300, n_sweeps=100, clamped=half, beta=2.0, rng=1)) == 7) > 0.93
    row, column = np.divmod(np.arange(64), 8)
    stroke = np.where((column == 4) & (row >= 2) & (row <= 4), 1.0, np.nan)
    zeros = [np.mean(read(dreamer.sample(1000, clamped=clamped, rng=2)) == 0) for clamped in (stroke, None)]
    assert zeros[0] < 0.01
    assert zeros[1] == pytest.approx(0.23, abs=0.05)


def test_how_long_a_dream_stays_with_a_digit(dreamer):
    warm, hot, cold = (dreamer.sample(200, beta=beta, rng=3) for beta in (1.0, 0.5, 2.0))
    away = [np.min(np.sum(v[:, None] != TRAIN[None], axis=2), axis=1).mean() for v in (cold, warm, hot)]
    assert away[0] < 3 < away[1] < 6 < away[2]
    after = dreamer.sample(200, n_sweeps=10, initial=warm, rng=4)
    assert 64 * np.mean(after != warm) == pytest.approx(10.5, abs=1.5)
    after = dreamer.sample(200, n_sweeps=100, initial=warm, rng=4)
    assert np.mean(read(after) == read(warm)) < 0.35
    after = dreamer.sample(200, n_sweeps=300, initial=cold, beta=2.0, rng=4)
    assert np.mean(read(after) == read(cold)) > 0.75


def test_clamped_chains_have_the_exact_conditional_law():
    machine = RBM(
        8, method="pcd", n_epochs=50, learning_rate=0.3, evaluate_every=0, dtype="float64", rng=1
    ).fit(TRAIN)
    weights, b, c = machine.weights_, machine.visible_biases_, machine.hidden_biases_
    image, upper = TEST[0], np.arange(64) < 32
    h = all_states(8)
    log_p = (
        h @ c
        + h @ (image[upper] @ weights[upper])
        + np.logaddexp(0, h @ weights[~upper].T + b[~upper]).sum(axis=1)
    )
    exact = np.exp(log_p - logsumexp(log_p)) @ expit(h @ weights[~upper].T + b[~upper])
    clamped = np.where(upper, image, np.nan)
    measured = machine.sample(10_000, n_sweeps=100, clamped=clamped, rng=2)[:, ~upper].mean(axis=0)
    assert np.abs(measured - exact).max() < 5 * 0.5 / np.sqrt(10_000)


# ---- One transition after the other.


@pytest.mark.parametrize("seed", range(5))
def test_modes_of_digits_grow_at_the_rates_of_theory(seed):
    covariance = np.cov(IMAGES.T, bias=True)
    values, vectors = np.linalg.eigh(covariance - np.diag(np.diag(covariance)))
    rates = theory.growth_rates(values[:-5:-1], visible_variance=0.0, hidden_variance=0.25, learning_rate=0.2)
    watched = []
    learner = RBM(
        8,
        method="exact",
        n_epochs=100,
        initial_scale=0.001,
        learning_rate=0.2,
        batch_size=len(IMAGES),
        rng=seed,
    )
    learner.set_params(evaluate_every=0, dtype="float64")
    learner.fit(IMAGES, callback=lambda machine: watched.append(machine.weights_.copy()))
    along = np.linalg.norm(np.einsum("ia,tij->taj", vectors[:, :-5:-1], watched), axis=2)
    slopes = np.polyfit(0.2 * np.arange(1, 101), np.log(along), 1)[0]
    assert slopes == pytest.approx(rates, abs=0.0015)
    first = np.linalg.svd(watched[0], compute_uv=False)
    assert 0.9 < first[0] / theory.noise_edge(64, 8, 0.001) < 1.15


def test_the_printed_rates_and_the_answer_on_weight_decay():
    for measured, predicted in rows("modes")[1:5]:
        assert measured == pytest.approx(predicted, abs=0.0015)
    covariance = np.cov(IMAGES.T, bias=True)
    rates = np.linalg.eigvalsh(covariance - np.diag(np.diag(covariance)))[::-1] / 4
    assert rates[:6] == pytest.approx([0.177, 0.159, 0.130, 0.084, 0.053, 0.046], abs=6e-4)
    assert np.sum(rates > 0.05) == 5
    assert "reach 1 at t = 46;" in CHAPTER.printed("modes")


@pytest.mark.parametrize(("decay", "growing"), [(0.15, 2), (0.2, 0)])
def test_which_features_survive_weight_decay(decay, growing):
    machine = RBM(
        8, method="exact", n_epochs=400, initial_scale=0.001, learning_rate=0.2, batch_size=len(IMAGES),
        weight_decay=decay, evaluate_every=5, dtype="float64", rng=2017,
    ).fit(IMAGES)  # fmt: skip
    values = machine.history_.singular_values
    assert (values[9] < values[0]).all()  # t = 10 and 1
    assert np.sum(values[-1] > values[-10]) == growing


@pytest.mark.parametrize("seed", range(3))
def test_a_machine_cools_itself_along_its_exact_path(seed):
    magnet = theory.gaussian_hidden_curie_weiss(100, 1.2)
    rng = np.random.default_rng(seed)
    ups = np.repeat(np.arange(101), np.rint(4000 * magnet.law).astype(int))
    states = np.where(rng.permuted(np.arange(100) < ups[:, None], axis=1), 1, -1).astype(np.int8)
    machine = RBM.from_parameters(
        np.full((100, 1), 0.001), visible="spin", hidden="gaussian", method="pcd", n_chains=500,
        centering=False, batch_size=len(states), learning_rate=0.00025, evaluate_every=0, rng=seed,
    )  # fmt: skip
    path = [float(machine.partial_fit(states).weights_.sum() / 10) for _ in range(700)]
    times = 0.00025 * np.arange(1, 701)
    assert path[:480] == pytest.approx(magnet.path(times[:480], initial=0.01), rel=0.05)
    assert np.mean(path[-100:]) == pytest.approx(magnet.fixed_point, abs=0.01)
    assert times[np.argmax(np.array(path) > 1)] == pytest.approx(magnet.time_to(1.0, initial=0.01), rel=0.04)


def test_learning_with_chains_that_persist_by_hand(by_hand):
    persistent = CHAPTER.functions("persistent-code", block_gibbs=by_hand.block_gibbs)
    found = {rate: [persistent["persist"](rate, seed) for seed in (20, 21, 22)] for rate in (0.1, 0.2)}
    middle = {rate: np.mean(pairs, axis=0)[0] for rate, pairs in found.items()}
    assert middle[0.1] == pytest.approx(-63, abs=5)
    assert middle[0.2] == pytest.approx(middle[0.1], abs=4)
    assert np.mean(found[0.2], axis=0)[1] < np.mean(found[0.1], axis=0)[1] - 5


def test_the_best_number_of_epochs_for_few_images():
    for seed in range(2):
        deal = np.random.default_rng([5, seed]).permutation(len(IMAGES))
        learner = RBM(16, method="pcd", n_steps=5, n_epochs=600, learning_rate=0.3, batch_size=50, rng=seed)
        learner.set_params(evaluate_every=50).fit(IMAGES[deal[:100]], validation=IMAGES[deal[100:]])
        held, epoch = learner.history_.validation, learner.history_.epoch
        assert 150 <= epoch[np.argmax(held)] <= 500
        assert held.max() == pytest.approx(-21, abs=0.8)
        assert held[-1] < held.max() - 0.5
        assert learner.history_.log_likelihood[-1] > learner.history_.log_likelihood[np.argmax(held)] + 0.5


# ---- Questions.


@pytest.mark.parametrize(
    ("name", "right", "wrong"),
    [("question-field", 0.5, 0.7311), ("question-flatter", 10.69, -1.81)],
)
def test_questions(name, right, wrong):
    island = RBM.from_parameters(np.full((100, 1), 4.0), 0.0, -320.0, base=0.0)
    asked = CHAPTER.question(name, island=island)
    assert asked.check(right).right
    assert not asked.check(wrong).right


def test_the_question_on_a_valley_far_from_the_data():
    asked = CHAPTER.question("question-cd")
    assert asked.check("Nothing: neither of the two sees it.").right
    assert not asked.check("The reconstruction error halves.").right
