"""What the chapter on image classifiers writes out agrees with smbook, and holds on other seeds."""

import math
import re

import numpy as np
import pytest
import torch
from scipy import stats
from torch import nn

from smbook import statistics
from smbook.datasets import digit_images
from smbook.landscape import (
    FullyConnected,
    Loss,
    ResNet,
    accuracy,
    barrier,
    curve,
    diagonal,
    exact_trace,
    extreme_eigenpairs,
    filter_normalized,
    hessian,
    match_units,
    random_directions,
    rearrange_units,
    straight_path,
    train,
)
from smbook.widgets import Question
from tests.chapters import Chapter

SEEDS = range(10)
DIGITS = digit_images(n_test=797)
CROSS_ENTROPY = nn.CrossEntropyLoss()
PIXELS = [torch.from_numpy(x).double().flatten(1) for x in DIGITS[::2]]
LABELS = [torch.from_numpy(y) for y in DIGITS[1::2]]
FEW = PIXELS[0][:400], LABELS[0][:400]
REST = [torch.cat([one[400:], two]) for one, two in (PIXELS, LABELS)]
CHAPTER = Chapter(
    "landscapes/image-classifiers.ipynb",
    np=np,
    nn=nn,
    torch=torch,
    stats=stats,
    statistics=statistics,
    FullyConnected=FullyConnected,
    Loss=Loss,
    ResNet=ResNet,
    exact_trace=exact_trace,
    extreme_eigenpairs=extreme_eigenpairs,
    hessian=hessian,
    match_units=match_units,
    rearrange_units=rearrange_units,
    straight_path=straight_path,
    train=train,
    Question=Question,
    DIGITS=DIGITS,
    CROSS_ENTROPY=CROSS_ENTROPY,
    PIXELS=PIXELS,
    LABELS=LABELS,
    FEW=FEW,
    REST=REST,
)
TEXT = " ".join("".join(cell["source"]) for cell in CHAPTER.cells if cell["cell_type"] == "markdown")


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    """Let torch compute on one core, as fast as it can with networks so small, and as before afterwards."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def chapter(*cells):
    """Return the functions of cells, of which later ones may use earlier ones."""
    names = {}
    for cell in cells:
        found = CHAPTER.functions(f"images-{cell}", **names)
        names |= {name: value for name, value in found.items() if name not in CHAPTER.names}
    return names


def small_loss(seed):
    """Return the loss of an untrained network on the upper middle of some digits."""
    model = FullyConnected([20, 6, 10], rng=seed).double()
    return Loss(model, CROSS_ENTROPY, FEW[0][:40, 10:30], FEW[1][:40])


def dense(loss, theta):
    return hessian(loss, theta) @ np.eye(loss.n_parameters)


# ---- Shortcuts.


def test_without_shortcuts_the_same_training_ends_higher_and_sharper():
    """Half of the chapter's epochs; with all of them the ratios are larger still."""
    trained = chapter("train")["trained"]
    higher, sharper, worse = [], [], []
    for seed in SEEDS:
        losses, tests, tops = [], [], []
        for shortcuts in ("convolution", "none"):
            model, record = trained(shortcuts, 4, seed)
            losses.append(record.losses[-1])
            tests.append(record.test_losses[-1])
            loss = Loss(model, CROSS_ENTROPY, DIGITS.inputs[:100], DIGITS.targets[:100])
            pairs = extreme_eigenpairs(hessian(loss), n_steps=12, tolerance=0.1, rng=seed)
            tops.append(pairs.largest)
        higher.append(losses[1] / losses[0])
        sharper.append(tops[1] / tops[0])
        worse.append(tests[1] - tests[0])
    assert min(higher) > 2.5
    assert min(sharper) > 1.5
    assert np.median(sharper) > 3
    assert min(worse) > 0


def test_all_verdicts_of_the_three_networks_hold():
    lines = [line for line in CHAPTER.printed("images-numbers").splitlines() if "longer:" not in line]
    assert len(lines) == 10
    assert all(line.endswith("True") for line in lines)


def test_the_model_that_is_not_trained_guesses():
    """The check of a test loss would be worth nothing if the classes were not told apart by training."""
    model = ResNet(20, shortcuts="none", width=4, in_channels=1, rng=0)
    assert accuracy(model, *DIGITS[2:]) < 0.3


# ---- Rescaling.


@pytest.mark.parametrize("seed", SEEDS)
def test_rescaled_units_compute_the_same_and_change_the_hessian_as_told(seed):
    rescale = chapter("rescaled")
    rng = np.random.default_rng(seed)
    loss, c = small_loss(seed), np.exp(rng.normal(size=6))
    theta = loss.parameters
    moved = rescale["rescaled"](loss, c)
    assert loss(moved) == pytest.approx(loss(theta), rel=1e-12)
    factors = moved / theta
    h, changed = dense(loss, theta), dense(loss, moved)
    assert changed * np.outer(factors, factors) == pytest.approx(h, abs=1e-10 * np.abs(h).max())
    assert loss.gradient(moved) * factors == pytest.approx(loss.gradient(theta), abs=1e-12)
    relative = moved**2 @ np.diag(changed)
    assert relative == pytest.approx(theta**2 @ np.diag(h), rel=1e-9)
    assert np.trace(changed) != pytest.approx(np.trace(h), rel=0.01)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_trace_of_a_layer_that_is_rescaled_as_a_whole(seed):
    rescale = chapter("rescaled")
    loss = small_loss(seed)
    h = dense(loss, loss.parameters)
    parts = {key: np.trace(h[where, where]) for key, where in loss.layers.items()}
    t_1, t_2 = parts["0.weight"] + parts["0.bias"], parts["2.weight"]
    for c in (0.3, 2.0, (t_1 / t_2) ** 0.25):
        moved = rescale["rescaled"](loss, c)
        law = t_1 / c**2 + c**2 * t_2 + parts["2.bias"]
        changed = dense(loss, moved)
        assert np.trace(changed) == pytest.approx(law, rel=1e-9)
        filters = [rescale["by_filters"](loss, *each) for each in ((loss.parameters, h), (moved, changed))]
        assert filters[1] == pytest.approx(filters[0], rel=1e-9)
    assert law == pytest.approx(2 * math.sqrt(t_1 * t_2) + parts["2.bias"], rel=1e-9)


def test_what_pictures_show_changes_if_each_unit_has_its_own_factor():
    rescale, loss = chapter("rescaled"), small_loss(0)
    moved = rescale["rescaled"](loss, np.exp(np.linspace(-2, 2, 6)))
    pair = [(theta, dense(loss, theta)) for theta in (loss.parameters, moved)]
    one, other = (rescale["by_filters"](loss, *each) for each in pair)
    assert abs(other / one - 1) > 0.05


def test_the_curvature_by_filters_is_the_mean_of_normalized_directions():
    loss = small_loss(3)
    h = dense(loss, loss.parameters)
    rows = filter_normalized(loss, random_directions(loss, 190, rng=3))
    curvatures = np.einsum("ki,ij,kj->k", rows, h, rows)
    exact = chapter("rescaled")["by_filters"](loss, loss.parameters, h)
    assert abs(statistics.disorder_mean(curvatures).mean.z(exact)) < 4


def test_the_mean_rise_by_random_factors():
    """Half of the relative sharpness, per squared epsilon, to second order."""
    loss = small_loss(4)
    h, theta = dense(loss, loss.parameters), loss.parameters
    z = np.random.default_rng(4).choice([-1.0, 1.0], (500, len(theta)))
    rises = [
        (loss(theta * (1 + 1e-3 * s)) + loss(theta * (1 - 1e-3 * s)) - 2 * loss(theta)) / 1e-6 for s in z
    ]
    assert abs(statistics.disorder_mean(rises).mean.z(theta**2 @ np.diag(h))) < 4


# ---- Scale invariance.


@pytest.mark.parametrize("seed", SEEDS)
def test_weights_before_batch_normalization(seed):
    model = ResNet(8, width=2, in_channels=1, rng=seed).double()
    for part in model.modules():
        if isinstance(part, nn.BatchNorm2d):
            part.eps = 1e-12
    rows = [part[:60] for part in DIGITS[:2]]
    loss = Loss(model, CROSS_ENTROPY, *rows, mode="train")
    theta, inside = loss.parameters, np.zeros(loss.n_parameters, bool)
    for key, where in loss.layers.items():
        inside[where] = len(loss.shapes[key]) == 4
    gradient, w = loss.gradient(theta), theta * inside
    assert abs(w @ gradient) < 1e-9 * np.linalg.norm(w) * np.linalg.norm(gradient[inside])
    pulled = (hessian(loss, theta) @ w)[inside]
    assert pulled == pytest.approx(-gradient[inside], abs=1e-7 * np.abs(gradient).max())
    v = inside * np.random.default_rng(seed).normal(size=theta.size)
    bent = chapter("scale")["block_curvature"]
    moved = np.where(inside, 3 * theta, theta)
    assert loss(moved) == pytest.approx(loss(theta), rel=1e-8)
    assert 9 * bent(loss, moved, v) == pytest.approx(bent(loss, theta, v), rel=1e-6)


def test_the_gradient_is_not_perpendicular_without_normalization():
    loss = small_loss(5)
    theta, where = loss.parameters, loss.layers["0.weight"]
    g, w = loss.gradient(theta)[where], theta[where]
    assert abs(w @ g) > 1e-3 * np.linalg.norm(w) * np.linalg.norm(g)


@pytest.mark.parametrize("gamma", [0.5, 3.0])
def test_a_step_settles_to_an_angle_that_no_data_change(gamma):
    rng = np.random.default_rng(7)
    eta, mu, w = 0.1, 5e-3, rng.normal(size=30)
    for _ in range(20_000):
        before = w
        g = rng.normal(size=30)
        g -= (g @ w) / (w @ w) * w
        g *= gamma / np.linalg.norm(w) / np.linalg.norm(g)
        w = w - eta * (g + mu * w)
    cosine = w @ before / np.linalg.norm(w) / np.linalg.norm(before)
    assert np.linalg.norm(w) ** 4 == pytest.approx(eta * gamma**2 / 2 / mu, rel=0.01)
    assert math.acos(cosine) == pytest.approx(math.sqrt(2 * eta * mu), rel=0.01)


# ---- Flat minima.


def test_descent_by_hand_is_that_of_the_package():
    descend = chapter("descend")["descend_to"]
    by_hand, by_package = (FullyConnected([64, 5, 10], rng=1).double() for _ in range(2))
    start = Loss(by_hand, CROSS_ENTROPY, *FEW)()
    descend(start * (1 - 1e-9), by_hand, 400, 0.1, np.random.default_rng(0))
    train(by_package, CROSS_ENTROPY, *FEW, n_epochs=1, learning_rate=0.1, momentum=0.0)
    pairs = zip(by_hand.parameters(), by_package.parameters(), strict=True)
    assert all(torch.allclose(one, other, rtol=0, atol=1e-13) for one, other in pairs)


def test_measures_are_what_they_are_called():
    model = FullyConnected([64, 6, 10], rng=2).double()
    found = chapter("batches")["measured"](model)
    loss = Loss(model, CROSS_ENTROPY, *FEW)
    h, theta = dense(loss, loss.parameters), loss.parameters
    assert found[0] == pytest.approx(np.trace(h), rel=1e-9)
    assert found[1] == pytest.approx(np.linalg.eigvalsh(h)[-1], rel=1e-3)
    inner = theta[:, None] * h * theta
    error = math.sqrt(2 * (np.sum(inner**2) - np.sum(np.diag(inner) ** 2)) / 40)
    assert abs(found[2] - np.trace(inner)) < 4 * error
    assert np.trace(inner) == pytest.approx(theta**2 @ diagonal(hessian(loss)).values, rel=1e-9)
    assert found[3] == pytest.approx(Loss(model, CROSS_ENTROPY, *REST)())


def test_small_batches_end_flatter_and_no_better():
    by_batch = chapter("descend", "batches")["by_batch"]
    apart = np.array([np.subtract(by_batch(400, seed), by_batch(10, seed)) for seed in SEEDS])
    for k in range(3):
        assert (apart[:, k] > 0).all()
        assert statistics.disorder_mean(apart[:, k]).mean.z(0.0) > 5
    assert abs(statistics.disorder_mean(apart[:, 3]).mean.z(0.0)) < 4


def test_which_measures_rank_networks_as_the_test_does():
    """Ten populations of seven; the trace takes either side, the length of the weights one."""
    any_network = chapter("descend", "batches", "many")["any_network"]
    ranks = []
    for population in SEEDS:
        found = np.array([any_network(100 * population + seed) for seed in range(7)]).T
        ranks.append([stats.spearmanr(found[k], found[4])[0] for k in (1, 3, 5)])
    trace, relative, length = np.mean(ranks, axis=0)
    assert abs(trace) < 0.5
    assert relative > 0.5
    assert length > 0.7
    assert np.ptp(np.array(ranks)[:, 0]) > 0.5


@pytest.mark.parametrize("alpha", [1.0, 3.0, 10.0])
def test_confidence_is_flat(alpha):
    rng = np.random.default_rng(8)
    outputs = rng.normal(size=(50, 10))
    labels = rng.integers(10, size=50)
    right = (np.arange(50), labels)
    outputs[right] = outputs.max(axis=1) + 0.2
    margins = outputs[right][:, None] - outputs
    margins[right] = np.inf
    bound = 9 * math.exp(-alpha * margins.min())
    p = np.exp(alpha * (outputs - outputs.max(axis=1, keepdims=True)))
    p /= p.sum(axis=1, keepdims=True)
    assert -np.log(p[right]).mean() <= bound
    assert ((p * (1 - p)).sum(axis=1) <= 2 * (1 - p[right]) + 1e-12).all()
    assert (1 - p[right] <= bound + 1e-12).all()


# ---- Valleys.


def test_the_toys_are_exact():
    lines = CHAPTER.printed("images-toys").splitlines()
    heights = [[float(x) for x in re.findall(r"\d\.\d{10}", line)] for line in lines]
    assert heights == [[0.5, 0.0], [0.0080824615, 0.0]]
    toy = CHAPTER.functions(
        "images-toys",
        X_GAUSS=(x := np.linspace(-12, 12, 4801)),
        WEIGHTS=np.exp(-(x**2) / 2) / np.exp(-(x**2) / 2).sum(),
    )
    t = np.linspace(0, 1, 101)
    walked = toy["toy_path"]((1, -1), (-1, 1), toy["relu"], np.abs)
    assert walked == pytest.approx((1 - np.abs(1 - 2 * t)) ** 2 / 2, abs=1e-12)


@pytest.mark.parametrize("seed", SEEDS)
def test_every_path_of_width_one_climbs_and_a_circle_does_not(seed):
    """A path is a random walk that is bent to its ends; no step may be so large as to jump over the pass."""
    rng = np.random.default_rng(seed)
    t = np.linspace(0, 1, 20_001)[:, None]
    walk = np.cumsum(rng.normal(size=t.size * 2).reshape(-1, 2), axis=0) / 100
    path = walk - walk[0] - t * (walk[-1] - walk[0]) + (1 - 2 * t)
    assert (0.5 * (1 - path[:, 0] * path[:, 1]) ** 2).max() > 0.49
    phi = np.pi * t[:, 0]
    circle = np.array([np.cos(phi), np.sin(phi)])
    assert np.abs(0.5 * (1 - np.sum(circle * circle, axis=0)) ** 2).max() < 1e-30
    assert barrier(0.5 * (1 - (1 - 2 * t[:, 0]) ** 2) ** 2) == pytest.approx(0.5)


RANGES = {8: ((1.0, 2.5), (0.2, 1.9)), 32: ((0.2, 0.65), (0.008, 0.06)), 128: ((0.09, 0.26), (0.006, 0.018))}


@pytest.mark.parametrize("width", RANGES)
def test_barriers_between_pairs_and_between_their_copies(width):
    pair_paths = chapter("pairs")["pair_paths"]
    before, after = np.array([[path.barrier for path in pair_paths(width, 2 * seed)[1:]] for seed in SEEDS]).T
    for found, (low, high) in zip((before, after), RANGES[width], strict=True):
        assert low < found.min() < found.max() < high
    assert (after < before).all()
    if width > 8:
        assert (after < 0.15 * before).all()
    else:
        assert np.median(after / before) > 0.15


def test_a_bent_path_has_hardly_a_barrier():
    pair_paths = chapter("pairs")["pair_paths"]
    for seed in SEEDS:
        losses, straight, _ = pair_paths(32, 2 * seed)
        bent = curve(
            losses[0], *straight.control_points, n_steps=250, learning_rate=0.2, n_points=11, rng=seed
        )
        assert bent.barrier < 0.05
        assert bent.barrier < straight.barrier / 5
        assert bent.length < 1.15 * straight.length


def test_what_the_text_says_of_printed_barriers():
    straight, matched = ({w: CHAPTER.column("images-pairs", f"{w:5}", k) for w in RANGES} for k in (3, 4))
    assert all((matched[w] < 0.1 * straight[w]) == (w > 8) for w in RANGES)
    names = "straight", "matched", "curve"
    length, height, tested = ({n: CHAPTER.column("images-curve", n, k) for n in names} for k in range(3))
    assert height["straight"] / height["curve"] == pytest.approx(50, abs=7)
    assert length["curve"] < 1.05 * length["straight"]
    assert tested["curve"] < 0.002
    alone, together, mixed, named = (
        float(line.split()[-1]) for line in CHAPTER.printed("images-mean").splitlines()
    )
    assert together < alone < named < 1.25 * alone
    assert mixed > math.log(10) / 2


def test_what_the_text_says_of_populations_and_batches():
    for row, position in (("trace", 2), ("largest eigenvalue", 2), ("relative sharpness", 2)):
        assert CHAPTER.column("images-batches", row, position) > 0
    assert abs(CHAPTER.column("images-batches", "test loss", 2)) < 0.01
    assert CHAPTER.column("images-ranks", "squared length", 0) > 0.8
    assert abs(CHAPTER.column("images-ranks", "trace", 0)) < 0.3


def test_the_counts_of_the_large_networks():
    count = chapter("count")["n_parameters"]
    assert [count(56, kind) for kind in ("convolution", "identity", "none")] == [855_770, 853_018, 853_018]
    assert "855,770" in TEXT
    assert "has *not* run it" in TEXT


# ---- Questions.


@pytest.mark.parametrize(
    ("name", "right", "wrong"),
    [
        ("images-question-factor", 17.0, (35, 2, 16, 4, 1)),
        ("images-question-copies", 45.05, (35.42, 9.63, 103.74, 81.56, 48.16)),
        ("images-question-barrier", 0.75, (0.8, 0.6, 0.7, 0.65, 1.0)),
    ],
)
def test_questions_take_the_right_answer_and_tell_each_mistake(name, right, wrong):
    assert CHAPTER.tells_apart(name, right, wrong)
