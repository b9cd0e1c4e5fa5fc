"""What the chapter on diffusion writes out agrees with smbook, and holds on other seeds."""

import re
from itertools import pairwise

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.special import softmax
from scipy.stats import ks_2samp, norm

from smbook import statistics
from smbook.datasets import digit_images
from smbook.diffusion import (
    CurieWeissData,
    PointCloud,
    TwoClusters,
    add_noise,
    generate,
    nearest,
    reverse,
    time_grid,
)
from smbook.hopfield import DenseMemory, random_patterns
from smbook.network import SpinNetwork, ferromagnet
from smbook.theory import diffusion as theory
from smbook.theory.ising import curie_weiss_finite, curie_weiss_solutions
from smbook.widgets import DiffusionLab, Question
from tests.chapters import Chapter, source

SEEDS = range(10)
MEAN = np.ones(16)


def average(values):
    return statistics.disorder_mean(np.asarray(values, float)).mean


CHAPTER = Chapter(
    "learning/diffusion.ipynb",
    pairwise=pairwise,
    np=np,
    softmax=softmax,
    statistics=statistics,
    ks_2samp=ks_2samp,
    theory=theory,
    average=average,
    TwoClusters=TwoClusters,
    add_noise=add_noise,
    reverse=reverse,
    time_grid=time_grid,
    Question=Question,
    mean=MEAN,
)
TEXT = "\n".join(source(cell) for cell in CHAPTER.cells if cell["cell_type"] == "markdown")
BY_HAND = CHAPTER.definitions("algorithm-reverse")
SCATTER = CHAPTER.functions("steps-code")["scatter"]
CLONES = CHAPTER.functions("cloning-code")["clones"]
WEIGHTS = CHAPTER.definitions("algorithm-memory").recall_weights


def noise_at(t):
    return -np.expm1(-2 * t)


def good(z):
    """Tell whether scores of independent estimates scatter as their errors say."""
    z = np.ravel(z)
    return abs(z.mean()) < 4 / np.sqrt(z.size) and abs(np.mean(z**2) - 1) < 6 * np.sqrt(2 / z.size)


def exact_score(x, t):
    return BY_HAND.score_of_clusters(x, t, MEAN, 0.5)


# ---- Back and forth.


def test_the_score_by_hand_is_that_of_the_package_and_the_gradient_of_the_density():
    rng, data = np.random.default_rng(1), TwoClusters(MEAN, deviation=0.5)
    for t in (0.01, 0.3, 1.0, 4.0):
        x = rng.normal(size=(6, 16))
        score = exact_score(x, t)
        assert np.abs(score - data.score(x, t)).max() < 1e-11 / noise_at(t)
        for i in (0, 7):
            h = 1e-5 * np.eye(16)[i]
            slope = (data.log_density(x + h, t) - data.log_density(x - h, t)) / 2e-5
            assert score[:, i] == pytest.approx(slope, rel=1e-5, abs=1e-6)


def test_the_score_is_a_denoiser():
    """Tweedie's formula, with the mean of the clean data by Bayes' rule over a thousand points."""
    rng, t = np.random.default_rng(2), 0.4
    points, x = rng.normal(size=(1000, 3)) ** 3, rng.normal(size=(5, 3))
    density = np.exp(-np.sum((x[:, None] - np.exp(-t) * points) ** 2, axis=2) / (2 * noise_at(t)))
    guess = density @ points / density.sum(axis=1, keepdims=True)
    assert PointCloud(points).score(x, t) == pytest.approx((np.exp(-t) * guess - x) / noise_at(t))
    field = np.exp(-t) * x / noise_at(t)
    spring = np.exp(-2 * t) * np.sum(points**2, axis=1) / (2 * noise_at(t))
    assert softmax(field @ points.T - spring, axis=1) @ points == pytest.approx(guess)
    assert WEIGHTS(points, x, t) @ points == pytest.approx(guess)


def test_ten_lines_make_the_variance_that_the_recursion_says_and_one_score_for_two_does_not():
    """Ten seeds; the flow without noise, with noise added to it, would have another law."""
    times, z, wrong = time_grid(), [], []
    exact = theory.euler_variance(times, deviation=0.5)[-1]
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        start = rng.normal(size=(400, 16))
        z.append(SCATTER(BY_HAND.backwards(exact_score, start, times, rng)).z(exact))
        half = BY_HAND.backwards(lambda x, t: exact_score(x, t) / 2, start, times, rng)
        wrong.append(SCATTER(half).z(exact))
    assert good(z)
    assert np.mean(wrong) > 10


def test_both_programs_return_the_law_on_ten_seeds():
    names = CHAPTER.functions("backward-check", np=np)
    two_samples, seen = names["two_samples"], []
    for seed in SEEDS:
        rng, data = np.random.default_rng(seed), TwoClusters(MEAN, deviation=0.5)
        drawn, noise = data.sample(1000, rng=rng), rng.normal(size=(1000, 16))
        seen += two_samples(BY_HAND.backwards(exact_score, noise, time_grid(), rng), drawn)
        seen += two_samples(generate(data, 1000, rng=rng), drawn)
        coarse = BY_HAND.backwards(exact_score, noise, np.linspace(6, 0.001, 61), rng)
        assert not all(two_samples(coarse, drawn))
    assert np.mean(seen) > 0.98
    rows = CHAPTER.printed("backward-check").splitlines()[1:]
    assert [row.count("True") for row in rows] == [3, 3, 2]


def test_the_errors_of_finite_steps():
    wanted = 0.25 + 0.75 * noise_at(0.001)
    ends = [
        theory.euler_variance(times, deviation=0.5)[-1] / wanted - 1
        for times in (time_grid(), time_grid(largest=0.025, relative=0.05), np.linspace(6, 0.001, 61))
    ]
    assert ends[0] == pytest.approx(0.04, abs=0.005)
    assert ends[1] == pytest.approx(ends[0] / 2, rel=0.1)
    assert 0.4 < ends[2] < 0.5
    assert CHAPTER.printed("steps-code").count("True") == 3


def test_noise_obeys_the_second_law():
    """D falls at the rate of the mean square velocity, and entropy falls where the data are broad."""

    def spread(t, s):
        return 1 + np.exp(-2 * t) * (s * s - 1)

    def apart(t, s):
        return (spread(t, s) - 1 - np.log(spread(t, s))) / 2

    for s in (0.3, 2.0):
        for t in (0.1, 1.0):
            rate = (apart(t + 1e-5, s) - apart(t - 1e-5, s)) / 2e-5
            v = 1 / spread(t, s) - 1  # velocity over x
            assert rate == pytest.approx(-(v**2) * spread(t, s), rel=1e-6)
        assert (spread(0.5, s) < spread(0.0, s)) == (s > 1)
    assert -np.log(noise_at(4)) / 2 < 1e-3


def test_the_flow_without_noise_returns_the_law_and_keeps_the_side():
    flow, data = CHAPTER.functions("flow-code")["flow"], TwoClusters(MEAN, deviation=0.5)
    times = time_grid(largest=0.025, relative=0.05)
    for seed in range(3):
        rng = np.random.default_rng(seed)
        start = rng.normal(size=(1000, 16))
        end = flow(exact_score, start, times)
        assert np.array_equal(end @ MEAN > 0, start @ MEAN > 0)
        drawn = data.sample(1000, rng=rng)
        assert ks_2samp(end @ MEAN, drawn @ MEAN).pvalue > 1e-3
        assert ks_2samp(np.sum(end**2, 1), np.sum(drawn**2, 1)).pvalue > 1e-3
    assert "False" not in CHAPTER.printed("flow-code")


# ---- Speciation.


def test_the_wells_are_those_of_the_mean_field_magnet():
    data = TwoClusters(np.array([5.0]), deviation=0.7)
    for t in (1.0, 1.3, 1.7, 3.0):
        heat = theory.cluster_signal(t, 5.0, deviation=0.7) ** 2
        unit = np.exp(-t) * 5
        for m in curie_weiss_solutions(heat):
            assert abs(data.score([[unit * m]], t)[0, 0]) < 1e-8
        m = np.array([-0.9, -0.2, 0.4, 1.3])
        level = -data.log_density(unit * m[:, None], t) + data.log_density([[0.0]], t)
        assert heat * m**2 / 2 - np.log(np.cosh(heat * m)) == pytest.approx(level, abs=1e-10)
    parting = theory.speciation_time(5.0, deviation=0.7)
    assert theory.cluster_signal(parting, 5.0, deviation=0.7) == pytest.approx(1)
    assert parting == pytest.approx(np.log(25 + 1 - 0.49) / 2)
    assert theory.drift_instability_time(8.0) - theory.speciation_time(8.0) == pytest.approx(np.log(2) / 2)


def test_the_eigenvalue_of_samples_tells_the_time_on_ten_seeds():
    wide = TwoClusters(np.ones(64))
    for seed in SEEDS:
        top = np.linalg.eigvalsh(np.cov(wide.sample(4000, rng=seed).T))[-1]
        assert theory.speciation_time_of_eigenvalue(top) == pytest.approx(np.log(8), abs=0.05)


def test_the_drift_of_the_motion_near_the_middle():
    data = TwoClusters(np.array([4.0]))
    for t in (0.5, 1.4, 2.0):
        u, a = 1e-6, theory.cluster_signal(t, 4.0)
        assert (u + 2 * data.score([[u]], t)[0, 0]) / u == pytest.approx(1 - 2 + 2 * a**2)


def test_a_step_back_is_a_step_forwards_by_bayes_rule():
    """What the proof for whole films expands, against the exact law of the point before a short step."""
    data, t, dt, x = TwoClusters(np.array([4.0]), deviation=0.5), 0.8, 1e-4, 0.7
    back = np.linspace(-0.15, 0.15, 3001)
    log = data.log_density((x + back)[:, None], t) - (back - (x + back) * dt) ** 2 / (4 * dt)
    law = softmax(log)
    mean = law @ back
    drift = x + 2 * data.score([[x]], t)[0, 0]
    assert mean == pytest.approx(drift * dt, rel=5e-3)
    assert law @ (back - mean) ** 2 == pytest.approx(2 * dt, rel=5e-3)


def test_the_points_that_carry_the_annealed_mean():
    """One in exp(I) of the points of the law, with energies near d/2."""
    d, t, rng = 40, 0.7, np.random.default_rng(8)
    x = np.exp(-t) * rng.normal(size=(4000, d)) + np.sqrt(noise_at(t)) * rng.normal(size=(4000, d))
    drawn = np.exp(-t) * x + np.sqrt(noise_at(t)) * rng.normal(size=(4000, d))  # by the law tilted by x
    energies = np.sum((x - np.exp(-t) * drawn) ** 2, axis=1) / (2 * noise_at(t))
    assert energies.mean() == pytest.approx(d / 2, rel=0.02)
    tilt = np.sum(drawn**2 - (drawn - np.exp(-t) * x) ** 2 / noise_at(t), axis=1) / 2
    rarity = tilt - d / 2 * np.log(noise_at(t))  # the logarithm of the tilted law over the law
    assert rarity.mean() == pytest.approx(d * theory.mutual_information(t), rel=0.03)


def test_clones_agree_as_often_as_the_formula_says():
    """Ten seeds at three times; in 64 dimensions as in one, where it is the chapter's."""
    z = []
    for seed in SEEDS:
        for t in (2.6, np.log(8), 1.5):
            exact = theory.cloning_probability(theory.cluster_signal(t, 8.0))
            found = CLONES(
                TwoClusters(np.array([8.0])), t, lambda x: x[:, 0] > 0, 500, np.random.default_rng(seed)
            )
            z.append(found.z(exact))
    assert good(z)
    wide, t = TwoClusters(np.ones(64)), np.log(8)
    found = CLONES(wide, t, lambda x: x.sum(axis=1) > 0, 1000, np.random.default_rng(3))
    assert abs(found.z(theory.cloning_probability(1.0))) < 4
    z_axis = np.linspace(-9, 9, 4001)
    mean_square = np.mean(norm.pdf(z_axis) * np.tanh(1 + z_axis) ** 2) * 18
    assert (1 + mean_square) / 2 == pytest.approx(theory.cloning_probability(1.0), abs=1e-3)
    assert CHAPTER.printed("cloning-code").count("True") == 8


def test_a_small_class_gets_its_well_later():
    h = np.log(9) / 2
    when = brentq(lambda s: s * np.sqrt(1 - 1 / s) - np.arctanh(np.sqrt(1 - 1 / s)) - h, 1.01, 9)
    assert when == pytest.approx(2.75, abs=0.005)
    assert "$a_t^2=2.75$" in TEXT
    for heat, count in ((2.7, 1), (2.8, 3)):
        assert len(curie_weiss_solutions(heat, field=h / heat)) == count


def test_the_coarse_feature_parts_first():
    rows = [line.split()[2:] for line in CHAPTER.printed("two-code").splitlines()]
    coarse, fine = ([float(re.sub(r"\(.*", "", x)) for x in row] for row in rows)
    for size, found in ((12.0, coarse), (3.0, fine)):
        for t, share in zip((3.5, 2.5, 1.8, 1.1, 0.5), found, strict=True):
            exact = theory.cloning_probability(theory.cluster_signal(t, size))
            assert abs(share - exact) < 4 * np.sqrt(exact * (1 - exact) / 2000) + 6e-3
    assert coarse[2] > 0.95
    assert fine[2] < 0.65


# ---- The magnet.


def test_the_magnet_in_a_field_is_that_of_enumeration():
    in_field = CHAPTER.definitions("algorithm-magnet").in_field
    rng = np.random.default_rng(5)
    for d, beta in ((3, 0.4), (8, 1.5)):
        fields = rng.normal(size=(3, d))
        for h, m in zip(fields, in_field(fields, beta), strict=True):
            network = SpinNetwork(ferromagnet(d).couplings, fields=h / beta)
            assert m == pytest.approx(network.enumerate(beta).magnetization, abs=1e-10)


def test_the_magnet_comes_back_on_ten_seeds():
    """The steps make the second moment at most 4 percent too small where the magnet is ordered."""
    times, d = time_grid(4.0, 0.01, largest=0.02, relative=0.05), 16
    for beta, low in ((0.5, 0.98), (1.5, 0.96)):
        law, squares = curie_weiss_finite(d, beta), []
        for seed in SEEDS:
            rng = np.random.default_rng(seed)
            run = reverse(CurieWeissData(d, beta), rng.normal(size=(60, d)), times, rng=rng)
            squares += list(np.mean(np.sign(run.points), axis=1) ** 2)
        exact, found = law.magnetization**2 @ law.probability, average(squares)
        assert low * exact - 4 * found.error < found.value < 1.01 * exact + 4 * found.error
    for row, exact in zip(
        CHAPTER.printed("magnet-figure").splitlines()[1:], ((0.195, 1.89), (0.813, 21.99)), strict=True
    ):
        _, size, known, square, known_square, agree, _ = row.split()
        assert agree == "True"
        assert (float(known), float(known_square)) == exact
        for text, value, slack in ((size, exact[0], 0.01), (square, exact[1], 0.03)):
            digits, error = re.fullmatch(r"([\d.]+)\((\d+)\)", text).groups()
            scale = 10.0 ** -len(digits.partition(".")[2])
            assert abs(float(digits) - value) < 4 * float(error) * scale + slack * value


def test_the_eigenvalue_of_a_disordered_magnet_stays():
    for beta in (0.3, 0.5):
        law = curie_weiss_finite(4000, beta)
        assert 4000 * law.magnetization**2 @ law.probability == pytest.approx(1 / (1 - beta), rel=0.01)


# ---- The perfect learner.


def test_the_weights_by_hand_are_those_of_the_package_and_of_attention():
    rng = np.random.default_rng(6)
    for t in (0.05, 0.5, 2.0):
        points, x = rng.normal(size=(40, 7)), rng.normal(size=(9, 7))
        assert np.abs(WEIGHTS(points, x, t) - PointCloud(points).weights(x, t)).max() < 1e-12
        patterns = random_patterns(40, 20, rng=rng)
        x = rng.normal(size=(9, 20))
        recalled = DenseMemory(patterns, "exponential").attend(np.exp(t) * x, beta=1 / np.expm1(2 * t))
        assert np.abs(WEIGHTS(patterns.astype(float), x, t) @ patterns - recalled).max() < 1e-11
    assert "False" not in CHAPTER.printed("memory-code")


def test_the_empirical_score_returns_its_points_on_ten_seeds():
    plane = TwoClusters(np.array([2.0, 1.0]), deviation=0.7)
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        shown = plane.sample(30, rng=rng)
        far = nearest(generate(PointCloud(shown), 100, rng=rng), shown).distances
        fresh = nearest(generate(plane, 100, rng=rng), shown).distances
        assert np.sqrt(np.mean(far**2) / 2) == pytest.approx(np.sqrt(noise_at(0.001)), rel=0.25)
        assert fresh.mean() > 4 * far.mean()


@pytest.fixture(scope="module")
def own_and_shared():
    names = CHAPTER.functions("freezing", recall_weights=WEIGHTS)
    return names["own_and_shared"]


def test_the_own_weight_on_ten_seeds(own_and_shared):
    """Above the collapse within 0.05 of the formula, from there on above it by a tenth at most."""
    gaps = []
    for d, n in ((16, 256), (64, 2048)):
        fall = theory.collapse_time(n, d)
        for ratio in (0.5, 0.75, 1.0, 1.25, 1.5, 2.0):
            rows = [own_and_shared(ratio * fall, n, d, np.random.default_rng(seed)) for seed in SEEDS]
            own, shared = np.transpose(rows)
            gaps.append(average(own - shared).z(0))
            over, error = np.mean(own) - theory.mean_own_weight(ratio * fall, n, d), average(own).error
            assert -0.01 - 4 * error < over < (0.05 if ratio > 1 else 0.105) + 4 * error
    assert good(gaps)


def test_the_collapse_is_where_the_noisy_point_tells_ln_n():
    for n, d in ((256, 16), (4096, 64)):
        t = theory.collapse_time(n, d)
        assert d * theory.mutual_information(t) == pytest.approx(np.log(n))
        assert theory.mean_own_weight(t, n, d) == pytest.approx(0.5, abs=2e-3)
        assert t < theory.speciation_time(8.0)


def test_clones_of_the_memory_agree_as_its_weights_say():
    rows = CHAPTER.printed("frozen-clones").splitlines()[1:-1]
    assert [row.split()[3] for row in rows] == ["True"] * 3
    left = CHAPTER.column("frozen-clones", "noise at the end:", 0)
    assert all(left < float(row.split()[4]) < 1.1 * left for row in rows)


def test_the_curse_of_dimension():
    found = [noise_at(t) ** -32.0 for t in (0.5, 0.1, 0.01)]
    for number, told in zip(found, (2.4e6, 5e23, 3e54), strict=True):
        assert number == pytest.approx(told, rel=0.1)
        mantissa, power = f"{told:e}".split("e+")
        assert f"{float(mantissa):g}\\cdot10^{{{int(power)}}}".replace("{6}", "6") in TEXT
    assert int(2 * np.log(1e6) / -np.log(noise_at(0.1))) == 16
    assert theory.collapse_time([4096, 8192], 64) == pytest.approx([0.737, 0.702], abs=5e-4)


# ---- The network.


def test_the_printed_networks():
    rows = [line.split() for line in CHAPTER.printed("yardstick-code").splitlines()]
    told = {" ".join(row[:-3]): row[-3:] for row in rows[1:4]}
    assert told == {
        "20 digits": ["True", "False", "-"],
        "708 digits": ["False", "True", "True"],
        "708 others": ["False", "True", "True"],
    }
    assert rows[-1][-1] == "True"
    assert [row[-3:].count("True") for row in rows[-5:-1]] == [3, 2, 1, 0]
    assert CHAPTER.printed("train-code").count("True") == 5


@pytest.mark.usefixtures("one_thread")
def test_the_training_by_hand_finds_a_score_and_its_loss_is_that_of_the_package():
    torch = pytest.importorskip("torch")
    from smbook.diffusion import ScoreNetwork

    train = CHAPTER.functions("train-code", torch=torch)["train"]
    data = TwoClusters(np.array([4.0]), deviation=0.5)
    seen = torch.from_numpy(data.sample(5000, rng=1)).float()
    for seed in (5, 6):
        told = train(seen, 1000, seed=seed)
        for t in (2.0, 1.0, 0.5, 0.2, 0.05):
            x = add_noise(data.sample(1000, rng=2), t, rng=3)
            noise = told(torch.tensor(np.c_[x, np.full(1000, np.log(t))]).float()).detach().numpy()
            missed = -noise / np.sqrt(noise_at(t)) - data.score(x, t)
            assert np.mean(missed**2) < 0.15**2 * np.mean(data.score(x, t) ** 2)
    network, t = ScoreNetwork(3, scale=2.0, rng=1), 0.4
    points, z = np.random.default_rng(4).normal(size=(2, 20000, 3))
    x = np.exp(-t) * points + np.sqrt(noise_at(t)) * z
    loss = np.mean((-np.sqrt(noise_at(t)) * network.score(x, t) - z) ** 2)
    spread = 4 * np.exp(-2 * t) + noise_at(t)
    assert network.loss(points, t, rng=5) == pytest.approx(loss * spread / (4 * np.exp(-2 * t)), rel=0.03)


@pytest.fixture
def one_thread():
    """Two threads on a busy machine wait for each other."""
    torch = pytest.importorskip("torch")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.mark.usefixtures("one_thread")
def test_other_networks_do_the_same():
    """Another split, other seeds and fewer steps: few digits are copied, many are not, and twins agree."""
    from smbook.diffusion import train_score

    alike = CHAPTER.functions("yardstick-code")["alike"]
    gaussian = CHAPTER.functions("learners")["gaussian_learner"]
    split = digit_images(rng=5)
    points, held = (part.reshape(-1, 64).astype(float) for part in (split.inputs, split.test_inputs))
    start, drawn, far = np.random.default_rng(6).normal(size=(200, 64)), [], []
    middle, others = points[20:1436].mean(axis=0), []
    for seed, shown in enumerate((points[:20], points[20:728], points[728:1436])):
        network = train_score(shown, n_steps=1200, rng=seed).network
        back = reverse(network, start, time_grid(3.0, 0.02), rng=7).points
        drawn.append(network.denoise(back, 0.02))
        far.append(nearest(drawn[-1], shown).distances.mean() / nearest(held, shown).distances.mean())
    assert 0.1 < far[0] < 0.36
    assert far[1:] == pytest.approx([1.05, 1.05], abs=0.1)
    own = [nearest(drawn[k], points[20:728]).distances for k in (1, 2)]
    other = [nearest(drawn[k], points[728:1436]).distances for k in (1, 2)]
    assert average(other[0] - own[0]).z(0) > 2
    assert average(own[1] - other[1]).z(0) > 2
    for shown in (points[20:728], points[728:1436]):
        score = gaussian(shown)
        back = reverse(score, start, time_grid(3.0, 0.02), rng=7).points
        others.append(np.exp(0.02) * (back + noise_at(0.02) * score(back, 0.02)))
    assert alike(*others, middle) > 0.95
    assert 0.7 < alike(drawn[1], drawn[2], middle) < 0.9
    assert abs(alike(drawn[1], np.roll(drawn[2], 1, axis=0), middle)) < 0.2


def test_the_suspects_on_ten_seeds():
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        points, fresh = rng.normal(size=(200, 16)), rng.normal(size=(500, 16))
        unit = nearest(fresh, points).distances.mean()
        one, other = points[rng.integers(200, size=(2, 500))]
        copies, mixed = one + 0.25 * rng.normal(size=one.shape), (one + other) / np.sqrt(2)
        assert nearest(copies, points).distances.mean() / unit == pytest.approx(0.30, abs=0.025)
        assert nearest(mixed, points).distances.mean() / unit == pytest.approx(0.83, abs=0.06)
        assert mixed.var() == pytest.approx(1, abs=0.1)
        assert 1 <= 500 - len(np.unique(mixed.round(9), axis=0)) < 25


# ---- The live figure, and the questions.


def test_what_the_text_says_of_the_live_figure():
    steps = int(np.argmax(time_grid(4.0) < 0.41))
    for seed in range(5):
        few = DiffusionLab(learner="memory", count=16, seed=seed, running=False)
        assert few.simulate(steps).time == pytest.approx(0.4, abs=0.03)
        assert few.simulate(steps).memorized > 0.5
        assert few.simulate(few.n_steps).memorized == 1
    many = DiffusionLab(learner="memory", count=1000, running=False)
    assert many.simulate(steps).memorized < 0.05
    assert many.simulate(many.n_steps).memorized == 1
    for seed in range(5):
        early, late = (DiffusionLab(cloned_at=t, seed=seed, running=False) for t in (3.0, 0.5))
        assert 0.05 < early.simulate(early.n_steps).right < 0.95
        share = late.simulate(late.n_steps).right
        assert min(share, 1 - share) < 0.15
    assert DiffusionLab().speciation_time == pytest.approx(np.log(4))
    kept = norm.cdf(theory.cluster_signal(np.array([3.0, 1.4, 0.7]), 4.0))
    assert kept == pytest.approx([0.58, 5 / 6, 0.98], abs=0.01)
    near = DiffusionLab(learner="memory", dimensions=32, mean_norm=1.5)
    assert (near.collapse_time, near.speciation_time) == pytest.approx((0.94, 0.41), abs=0.006)
    assert theory.collapse_time(8, 32) == pytest.approx(1.05, abs=0.005)
    assert [round(DiffusionLab(mean_norm=m).speciation_time, 2) for m in (2, 4, 8)] == [0.69, 1.39, 2.08]
    assert DiffusionLab(mean_norm=1.5, deviation=2.0).speciation_time == 0
    found = [DiffusionLab(learner="memory", dimensions=d).collapse_time for d in (2, 8, 32)]
    assert found == pytest.approx([0.07, 0.45, 1.01], abs=0.005)
    assert DiffusionLab(learner="memory", count=256).collapse_time == pytest.approx(0.18, abs=0.005)


def test_the_names_of_the_live_figure_are_those_of_the_text():
    script = (CHAPTER.path.parents[2] / "smbook/widgets/diffusion_lab.js").read_text(encoding="utf8")
    for name in (
        "Exact score",
        "A perfect learner of 16 points",
        "1,000 points",
        "Clone",
        "Time t",
        "Training points n",
        "Dimensions d",
        "Centres at ±",
        "Deviation σ",
    ):
        escaped = name.encode("ascii", "backslashreplace").decode().replace("\\xb1", r"\u00b1")
        assert f'"{name}"' in script or f'"{escaped}"' in script
        assert f"*{name}*" in TEXT


def test_questions_know_the_usual_mistakes():
    gamma = 2.5
    assert CHAPTER.tells_apart(
        "question-denoise",
        np.sqrt(0.5) * 8 / gamma,
        [2 * np.sqrt(2), -2 / gamma, np.sqrt(2), 2.0, 8 / gamma, 8 / 4.5],
    )
    assert CHAPTER.tells_apart(
        "question-speciation",
        np.log(100) / 2,
        [np.log(100), np.log(400) / 2, np.log(2), np.log(200) / 2, np.log(100) / 4],
    )
    delta = noise_at(0.2)
    assert CHAPTER.tells_apart(
        "question-collapse",
        delta**-10,
        [4.3e9, -10 * np.log(delta), delta**-0.5, 9540.0],
    )
    asked = CHAPTER.question("question-collapse")
    for value in (4.4e9, np.exp(4.0), 2.6e7):
        assert asked.check(value).words != asked.check(123.0).words
