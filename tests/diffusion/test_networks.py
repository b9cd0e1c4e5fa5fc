"""A learnt score: against scores that are known, the least loss there is, and what few points make of it."""

import copy
import math
import pickle

import numpy as np
import pytest
import torch

from smbook.diffusion import (
    PointCloud,
    ScoreNetwork,
    ScoreTraining,
    TwoClusters,
    add_noise,
    generate,
    memorized_share,
    nearest,
    reverse,
    time_grid,
    train_score,
)
from smbook.landscape import FullyConnected

MEAN = np.array([2.0, 1.0, 0.0, -1.0])
CLUSTERS = TwoClusters(MEAN, deviation=0.5)
SMALL = {"widths": (32, 32), "n_steps": 60}


class Known(ScoreNetwork):
    """A network of the right c and s that answers by a score that is known, times a factor."""

    def __init__(self, data, points, factor=1.0):
        centre = points.mean(axis=0)
        super().__init__(points.shape[1], centre=centre, scale=math.sqrt(np.square(points - centre).mean()))
        self.data, self.factor = data, factor

    def _answer(self, inputs, t):
        left, noise, spread = self._process(t)
        x = inputs * spread.sqrt() + left * self.centre
        score = self.factor * torch.from_numpy(self.data.score(x.numpy(), float(t[0])))
        return (score + inputs / spread.sqrt()) * (spread * noise).sqrt() / (left * self.scale)


def least_loss(t, scale):
    """Return the mean of Var(a | x_t) of a coordinate of two clusters, over that of a round Gaussian."""
    left, noise = math.exp(-t), -math.expm1(-2 * t)
    inner = CLUSTERS.deviation**2 * left**2 + noise
    nodes, weights = np.polynomial.hermite_e.hermegauss(80)
    a = math.sqrt(MEAN @ MEAN) * left / math.sqrt(inner)
    unknown_side = (weights * (1 - np.tanh(a * a + a * nodes) ** 2)).sum() / weights.sum()
    variance = CLUSTERS.deviation**2 * noise / inner + MEAN @ MEAN * (noise / inner) ** 2 * unknown_side / 4
    return variance * (scale**2 * left**2 + noise) / (scale**2 * noise)


@pytest.fixture(scope="module")
def points():
    return CLUSTERS.sample(4000, rng=1)


@pytest.fixture(scope="module")
def learnt(points):
    return train_score(points, widths=(64, 64), n_steps=1000, rng=2)


# The score that is learnt


@pytest.mark.parametrize("t", [0.05, 0.2, 0.7, 1.5])
def test_the_score_of_two_clusters_is_learnt(learnt, t):
    x = add_noise(CLUSTERS.sample(2000, rng=3), t, rng=3)
    exact, found = CLUSTERS.score(x, t), learnt.network.score(x, t)
    assert np.square(found - exact).mean() < 0.04 * np.square(exact).mean()
    before = ScoreNetwork(4, centre=learnt.network.centre.numpy(), scale=learnt.network.scale).score(x, t)
    assert np.square(found - exact).mean() < 0.2 * np.square(before - exact).mean()


def test_the_learnt_score_leads_noise_back_to_the_clusters(learnt):
    made = generate(learnt.network, 1500, start=3.0, end=0.02, rng=4)
    made = learnt.network.denoise(made, 0.02)
    along = made @ MEAN / np.linalg.norm(MEAN)
    assert abs((along > 0).mean() - 0.5) < 4 * 0.5 / math.sqrt(1500) + 0.03
    assert np.abs(along).mean() == pytest.approx(np.linalg.norm(MEAN), abs=0.15)
    assert np.abs(along).std() == pytest.approx(0.5, abs=0.12)


# The loss, and the least there is


@pytest.mark.parametrize("t", [0.05, 0.3, 1.0, 2.5])
def test_the_loss_of_the_exact_score_is_what_noise_leaves_open(points, t):
    exact = Known(CLUSTERS, points)
    losses = [exact.loss(CLUSTERS.sample(2000, rng=seed), t, rng=seed) for seed in range(40)]
    error = np.std(losses, ddof=1) / math.sqrt(40)
    assert error < 0.01 * np.mean(losses)
    assert abs(np.mean(losses) - least_loss(t, exact.scale)) < 4 * error


def test_a_score_that_is_a_little_wrong_is_seen_in_the_loss(points):
    """The comparison above would see a score that is too large by a fifth."""
    wrong = Known(CLUSTERS, points, factor=1.2)
    losses = [wrong.loss(CLUSTERS.sample(2000, rng=seed), 0.3, rng=seed) for seed in range(40)]
    error = np.std(losses, ddof=1) / math.sqrt(40)
    assert np.mean(losses) - least_loss(0.3, wrong.scale) > 8 * error


@pytest.mark.parametrize("t", [0.05, 0.3, 1.0])
def test_what_a_network_loses_beyond_the_least_is_its_distance_to_the_score(points, learnt, t):
    """Denoising and matching of scores: L(S) - L(exact) is the mean of |S - exact|^2, in the same units."""
    exact, network = Known(CLUSTERS, points), learnt.network
    more, apart = [], []
    left, noise = math.exp(-t), -math.expm1(-2 * t)
    unit = (network.scale**2 * left**2 + noise) * noise / (network.scale * left) ** 2
    for seed in range(20):
        fresh = CLUSTERS.sample(2000, rng=100 + seed)
        more.append(network.loss(fresh, t, rng=seed) - exact.loss(fresh, t, rng=seed))
        x = add_noise(fresh, t, rng=seed)
        apart.append(unit * np.square(network.score(x, t) - CLUSTERS.score(x, t)).mean())
    error = np.hypot(np.std(more, ddof=1), np.std(apart, ddof=1)) / math.sqrt(20)
    assert abs(np.mean(more) - np.mean(apart)) < 4 * error
    assert np.mean(more) > -4 * np.std(more, ddof=1) / math.sqrt(20)


def test_a_new_network_has_the_score_and_the_loss_of_a_round_gaussian(points):
    centre = points.mean(axis=0)
    scale = math.sqrt(np.square(points - centre).mean())
    network = ScoreNetwork(4, widths=(8,), centre=centre, scale=scale, rng=1)
    x, t = points[:5], 0.4
    variance = scale**2 * math.exp(-2 * t) - math.expm1(-2 * t)
    np.testing.assert_allclose(network.score(x, t), -(x - math.exp(-t) * centre) / variance, rtol=1e-12)
    assert network.loss(points, t, rng=1) == pytest.approx(1.0, abs=0.05)


def test_the_noise_that_is_left_is_taken_off_by_the_mean(points):
    """Tweedie's formula with the exact score is the mean of the points weighed by the empirical law."""
    few = points[:7]
    exact, x = Known(PointCloud(few), few), add_noise(few, 0.5, rng=1)
    np.testing.assert_allclose(exact.denoise(x, 0.5), PointCloud(few).weights(x, 0.5) @ few, rtol=1e-9)


# Few points are remembered, many are not


def test_long_training_on_few_points_comes_to_their_empirical_score():
    few = np.array([[1.5, 0.5], [-1.0, 1.0], [-0.5, -1.5], [0.8, -0.4]])
    network = train_score(few, widths=(64, 64), n_steps=1200, rng=1).network
    cloud = PointCloud(few)
    for t in (0.05, 0.2, 0.8):
        x = add_noise(cloud.sample(1000, rng=2), t, rng=2)
        assert (
            np.square(network.score(x, t) - cloud.score(x, t)).mean()
            < 0.03 * np.square(cloud.score(x, t)).mean()
        )
    made = network.denoise(generate(network, 300, start=3.0, end=0.02, rng=3), 0.02)
    assert np.quantile(nearest(made, few).distances, 0.9) < 0.2


def test_samples_of_few_points_are_copies_and_samples_of_many_are_not():
    random = np.random.default_rng(1)
    mixing = random.standard_normal((4, 16)) / 2
    data, held = (random.standard_normal((n, 4)) @ mixing for n in (2000, 300))
    ratios, shares = [], []
    for n in (10, 2000):
        network = train_score(data[:n], widths=(128, 128), n_steps=700, rng=2).network
        made = network.denoise(generate(network, 300, start=3.0, end=0.02, rng=3), 0.02)
        ratios.append(nearest(made, data[:n]).distances.mean() / nearest(held, data[:n]).distances.mean())
        shares.append(memorized_share(made, data[:n]))
    assert ratios[0] < 0.5
    assert 0.8 < ratios[1] < 1.2
    assert shares[0] > 0.4
    assert shares[1] < 0.05


# Numbers that come again, and what is left alone


def state():
    return (
        torch.random.get_rng_state().tolist(),
        torch.get_default_dtype(),
        torch.is_grad_enabled(),
        torch.get_num_threads(),
        torch.are_deterministic_algorithms_enabled(),
        np.random.get_state()[1].tolist(),  # noqa: NPY002
    )


def test_one_seed_gives_the_same_bits_and_leaves_no_trace(points, capfd):
    before = state()
    one, other = (train_score(points[:50], rng=7, **SMALL) for _ in range(2))
    assert one == other
    assert one != train_score(points[:50], rng=8, **SMALL)
    x = points[:3]
    assert np.array_equal(one.network.score(x, 0.3), other.network.score(x, 0.3))
    assert (
        one.network.loss(x, 0.3, rng=1)
        == other.network.loss(x, 0.3, rng=1)
        != one.network.loss(x, 0.3, rng=2)
    )
    assert state() == before
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("told", [torch.no_grad, torch.inference_mode])
def test_it_learns_where_torch_is_told_not_to_differentiate(points, told):
    with told():
        found = train_score(points[:50], rng=7, **SMALL)
        assert not torch.is_grad_enabled()
    assert found == train_score(points[:50], rng=7, **SMALL)


def test_what_torch_has_been_told_of_its_kinds_changes_no_bit(points):
    usual = train_score(points[:50], rng=1, **SMALL)
    loss = usual.network.loss(points[:50], 0.5, rng=1)
    kind = torch.get_default_dtype()
    try:
        torch.set_default_dtype(torch.float64)
        torch.set_default_device("meta")
        assert train_score(points[:50], rng=1, **SMALL) == usual
        assert usual.network.loss(points[:50], 0.5, rng=1) == loss
        assert torch.get_default_dtype() == torch.float64
        assert torch.get_default_device().type == "meta"
    finally:
        torch.set_default_device(None)
        torch.set_default_dtype(kind)


def test_times_at_which_nothing_is_left_are_no_trouble(points):
    """e^2t is no number of 32 bits from t = 44.4 on."""
    found = train_score(points[:50], times=(0.02, 350.0), rng=1, **SMALL)
    assert np.isfinite(found.losses).all()
    x = points[:3]
    np.testing.assert_allclose(found.network.score(x, 350.0), -x)


def test_a_generator_advances_and_seeds_of_all_kinds_do(points):
    random = np.random.default_rng(3)
    one, other = (train_score(points[:50], rng=random, **SMALL) for _ in range(2))
    assert one != other
    assert one == train_score(points[:50], rng=np.random.default_rng(3), **SMALL)


def test_points_are_not_touched(points):
    few = points[:20].copy()
    found = train_score(few, rng=1, **SMALL)
    found.network.score(few, 0.1)
    assert np.array_equal(few, points[:20])


# The network by itself


def test_it_is_a_module_and_its_numpy_side_says_what_its_torch_side_says(points, learnt):
    network, x = learnt.network, points[:9]
    times = torch.full((9,), 0.3)
    with torch.no_grad():
        found = network(torch.from_numpy(x).float(), times).numpy()
    scores = network.score(x, 0.3)
    assert scores.dtype == np.float64
    assert scores.shape == (9, 4)
    np.testing.assert_allclose(found, scores, rtol=1e-3, atol=1e-4)
    assert isinstance(network.layers, FullyConnected)
    assert network.score(np.empty((0, 4)), 0.3).shape == (0, 4)


def test_data_moved_and_stretched_with_its_noise_scaled_alike_has_the_same_answer():
    """Where e^-t s / sqrt(Delta) is the same, F is asked at the same place if only c and s differ."""
    network, moved = (
        ScoreNetwork(2, widths=(8,), centre=centre, scale=scale, rng=1)
        for centre, scale in ((None, 1.0), ([100.0, -50.0], 3.0))
    )
    with torch.no_grad():
        for each in (network, moved):
            each.layers[-1].weight.fill_(0.1)
    x, t = np.array([[0.3, -0.8]]), 0.5
    gamma = [scale**2 * math.exp(-2 * t) - math.expm1(-2 * t) for scale in (1.0, 3.0)]
    place = x * math.sqrt(gamma[1] / gamma[0]) + math.exp(-t) * np.array([100.0, -50.0])
    beyond = [
        each.score(y, t) + (y - math.exp(-t) * each.centre.numpy()) / g
        for each, y, g in zip((network, moved), (x, place), gamma, strict=True)
    ]
    np.testing.assert_allclose(beyond[1], beyond[0] * 3.0 * math.sqrt(gamma[0] / gamma[1]), rtol=1e-5)


def test_after_the_largest_time_little_but_the_gaussian_is_left(learnt):
    x = np.random.default_rng(1).standard_normal((20, 4))
    np.testing.assert_allclose(learnt.network.score(x, 8.0), -x, atol=5e-3)
    back = reverse(learnt.network, x, time_grid(5.0, 0.02), rng=1)
    assert np.isfinite(back.points).all()


def test_it_prints_compares_copies_and_travels(learnt, points):
    assert repr(learnt).startswith("ScoreTraining(1000 steps, loss ")
    assert "ScoreNetwork(4 dimensions, hidden layers of 64, 64, 5252 parameters" in repr(learnt)
    assert pickle.loads(pickle.dumps(learnt)) == learnt == copy.deepcopy(learnt)
    assert learnt != ScoreTraining(learnt.network, learnt.steps, learnt.losses + 1)
    assert learnt != tuple(learnt)
    other = copy.deepcopy(learnt)
    with torch.no_grad():
        other.network.layers[0].bias[0] += 1
    assert other != learnt
    assert len({learnt.network, other.network}) == 2
    assert not np.array_equal(other.network.score(points[:1], 0.1), learnt.network.score(points[:1], 0.1))


# The record


def test_losses_are_noted_and_a_callback_ends_the_training(points):
    seen = []

    def note(step, loss, network):
        seen.append((step, loss, network.score(points[:1], 0.5)))
        return step >= 75

    found = train_score(points[:50], widths=(16,), n_steps=100, every=25, rng=1, callback=note)
    assert found.steps.tolist() == [25, 50, 75] == [step for step, _, _ in seen]
    assert found.losses.tolist() == [loss for _, loss, _ in seen]
    assert not np.array_equal(seen[0][2], seen[1][2])
    whole = train_score(points[:50], widths=(16,), n_steps=100, every=30, rng=1)
    assert whole.steps.tolist() == [30, 60, 90, 100]
    assert whole.losses[0] == pytest.approx(1.0, abs=0.3)


def test_progress_is_shown_if_wanted(points, capfd):
    train_score(points[:50], rng=1, progress=True, **SMALL)
    out, err = capfd.readouterr()
    assert not out
    assert "60/60" in err


def test_an_interrupt_is_heard(points):
    def note(step, loss, network):  # noqa: ARG001
        raise KeyboardInterrupt

    before = state()
    with pytest.raises(KeyboardInterrupt):
        train_score(points[:50], rng=1, callback=note, **SMALL)
    assert state() == before


# What is refused


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"points": [[0.0, np.nan], [1.0, 1.0]]}, ValueError, "points must be finite; got nan"),
        ({"points": [0.0, 1.0]}, ValueError, r"points must be rows of d coordinates, .*; got \(2,\)"),
        ({"points": np.zeros((3, 0))}, ValueError, r"points must be rows .*; got \(3, 0\)"),
        ({"points": [[1.0, 2.0]]}, ValueError, "points must be at least two; got 1"),
        (
            {"points": [[1.0], [1.0]]},
            ValueError,
            "points must have a deviation from 1e-06 to 1e.06, .*; got 0",
        ),
        ({"points": [[1e30], [0.0]]}, ValueError, "points must have a deviation .*; got 5e.29"),
        ({"points": [["a"]]}, TypeError, "points must hold real numbers"),
        ({"points": np.ma.ones((3, 2))}, TypeError, "got a masked array"),
        ({"n_steps": 0}, ValueError, "n_steps must be at least 1; got 0"),
        ({"n_steps": 10.0}, TypeError, "n_steps must be an integer; got 10.0"),
        ({"batch_size": 0}, ValueError, "batch_size must be at least 1; got 0"),
        ({"learning_rate": 0.0}, ValueError, "learning_rate must be positive; got 0.0"),
        ({"learning_rate": math.nan}, ValueError, "learning_rate must be finite; got nan"),
        ({"every": 0}, ValueError, "every must be at least 1; got 0"),
        ({"widths": ()}, ValueError, "widths must be at least one number; got none"),
        ({"widths": (8, 0)}, ValueError, "each of widths must be at least 1; got 0"),
        ({"widths": 8}, TypeError, "widths must be numbers of units, .*; got 8"),
        ({"widths": "8"}, TypeError, "widths must be numbers of units, .*; got '8'"),
        ({"activation": "step"}, ValueError, "activation must be one of .*; got 'step'"),
        (
            {"times": (0.0, 3.0)},
            ValueError,
            "the smallest of times must be a time from 1e-12 to 350; got 0.0",
        ),
        ({"times": (0.1, 400.0)}, ValueError, "the largest of times must be a time .*; got 400.0"),
        ({"times": (0.1, math.inf)}, ValueError, "the largest of times must be finite; got inf"),
        (
            {"times": (3.0, 0.1)},
            ValueError,
            r"times must be the smallest and the largest, .*; got \(3.0, 0.1\)",
        ),
        ({"times": 3.0}, TypeError, "times must be two numbers, .*; got 3.0"),
        ({"times": (0.1, 1.0, 3.0)}, TypeError, "times must be two numbers"),
        ({"rng": "one"}, TypeError, "one"),
        ({"rng": -1}, ValueError, "-1"),
        ({"callback": 3}, TypeError, "callback must be callable; got int"),
    ],
)
def test_bad_training_is_refused(options, error, words):
    before = state()
    with pytest.raises(error, match=words):
        train_score(**{"points": np.eye(3), **SMALL, **options})
    assert state() == before


def test_a_loss_that_is_no_number_is_told():
    with pytest.raises(FloatingPointError, match=r"the loss became (nan|inf) by step 20, .* rate of 1e\+30"):
        train_score(np.eye(3), widths=(8,), n_steps=20, learning_rate=1e30, rng=1)


@pytest.mark.parametrize(
    ("x", "t", "error", "words"),
    [
        ([[0.0, 0.0]], 0.0, ValueError, "t must be a time from 1e-12 to 350; got 0.0"),
        (
            [[0.0, 0.0]],
            0.01,
            ValueError,
            "t must be at least 0.02, the smallest time of this network; got 0.01",
        ),
        ([[0.0, 0.0]], -1.0, ValueError, "t must be a time"),
        ([[0.0, 0.0]], 1e4, ValueError, "t must be a time"),
        ([[0.0, 0.0]], math.nan, ValueError, "t must be finite; got nan"),
        ([[0.0, 0.0]], [0.1], TypeError, "t must be a real number"),
        ([[0.0, 0.0, 0.0]], 0.1, ValueError, r"must be rows of 2 coordinates, .*; got \(1, 3\)"),
        ([0.0, 0.0], 0.1, ValueError, r"must be rows of 2 coordinates, .*; got \(2,\)"),
        ([[0.0, np.inf]], 0.1, ValueError, "must be finite; got inf"),
    ],
)
def test_a_network_is_asked_for_what_it_knows(x, t, error, words):
    network = ScoreNetwork(2, widths=(4,), rng=1)
    for method in (network.score, network.denoise, network.loss):
        with pytest.raises(error, match=words):
            method(x, t)
    with pytest.raises(ValueError, match="points must be at least one; got none"):
        network.loss(np.empty((0, 2)), 0.1)


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"n_dimensions": 0}, ValueError, "n_dimensions must be at least 1; got 0"),
        ({"centre": [1.0]}, ValueError, r"centre must have 2 coordinates; got the shape \(1,\)"),
        ({"centre": [1.0, math.nan]}, ValueError, "centre must be finite; got nan"),
        ({"scale": 0.0}, ValueError, "scale must be at least 1e-06; got 0"),
        ({"widths": []}, ValueError, "widths must be at least one number"),
        ({"times": (1.0, 1.0)}, ValueError, "times must be the smallest and the largest"),
    ],
)
def test_bad_networks_are_refused(options, error, words):
    with pytest.raises(error, match=words):
        ScoreNetwork(**{"n_dimensions": 2, **options})
