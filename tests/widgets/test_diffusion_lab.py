"""DiffusionLab: sides, clones and memories of its clouds against theory, and a page that shows the same."""

import math

import numpy as np
import pytest

from smbook.diffusion import PointCloud, TwoClusters, time_grid
from smbook.kernels import cloud
from smbook.theory import diffusion as theory
from smbook.widgets.diffusion_lab import Cloud, DiffusionLab, _Flow
from tests.widgets.alone import FRAMES

TIMES = time_grid(4.0, 0.001)
SEEDS = range(10)


def course(lab):
    """Return u of all particles and their participation at each time of a run, (K + 1, m) both."""
    flow = _Flow(lab)
    flow.begin()
    seen = [(flow.positions[:, 0].copy(), flow.participation.copy())]
    for _ in flow.times[1:]:
        flow.step()
        seen.append((flow.positions[:, 0].copy(), flow.participation.copy()))
    return flow.times, *map(np.array, zip(*seen, strict=True))


def score(hits, n, p):
    """Return how many standard errors a count of n lies off."""
    return (hits - n * p) / math.sqrt(n * p * (1 - p))


# Kernels


@pytest.mark.parametrize(("mean", "deviation"), [(4.0, 1.0), (2.0, 0.3), (8.0, 2.0)])
def test_times_and_shares_are_those_of_the_theory(mean, deviation):
    assert cloud.speciation(mean, deviation) == pytest.approx(
        theory.speciation_time(mean, deviation=deviation)
    )
    for t in (0.01, 0.7, 2.0):
        a = theory.cluster_signal(t, mean, deviation=deviation)
        assert cloud.signal(t, mean, deviation) == pytest.approx(a)
        assert cloud.clone_agreement(min(a, 5.0)) == pytest.approx(theory.cloning_probability(min(a, 5.0)))


@pytest.mark.parametrize(("n", "d", "deviation"), [(16, 8, 1.0), (256, 16, 1.0), (1024, 32, 0.5)])
def test_with_one_cluster_the_collapse_is_that_of_gaussian_data(n, d, deviation):
    assert cloud.collapse(n, d, 0.0, deviation) == pytest.approx(
        theory.collapse_time(n, d, deviation=deviation), rel=1e-9
    )
    for t in (0.1, 0.4, 1.0):
        gaussian = theory.mean_own_weight(t, n, d, deviation=deviation)
        assert cloud.own_weight(t, n, d, 0.0, deviation) == pytest.approx(gaussian, abs=2e-3)


@pytest.mark.parametrize("t", [0.05, 0.5, 1.5])
def test_a_side_is_kept_as_often_as_two_normal_numbers_agree(t):
    """One cluster: u at both times is normal, and the signs agree with 1/2 + arcsin(correlation) / pi."""
    places, weights = np.empty((2, 257))
    cloud.fill_sides(0.0, 0.7, places, weights)
    correlation = 0.7 * math.exp(-t) / cloud.cluster_width(t, 0.7)
    exact = 0.5 + math.asin(correlation) / math.pi
    assert cloud.kept_side(t, places, weights) == pytest.approx(exact, abs=2e-3)


def test_clones_of_the_law_have_the_mean_of_the_law():
    """E[P(u_0 > 0 | u_t)] over P_t is 1/2, and over one cluster's u_t what that cluster has right of 0."""
    z = np.linspace(-8, 8, 4001)
    weights = np.exp(-(z**2) / 2) / np.exp(-(z**2) / 2).sum()
    for t, mean, deviation in [(1.0, 1.0, 1.0), (0.3, 2.0, 0.5)]:
        sides = []
        for sign in (1, -1):
            u = sign * math.exp(-t) * mean + cloud.cluster_width(t, deviation) * z
            sides.append(weights @ [cloud.clone_right(t, x, mean, deviation) for x in u])
        assert np.mean(sides) == pytest.approx(0.5, abs=1e-9)


def test_the_potential_of_many_points_is_that_of_their_law():
    lab = DiffusionLab(learner="memory", count=1024)
    u = np.linspace(-6, 6, 25)
    values = np.empty(25)
    cloud.points_potential(1.0, lab.points[:, 0].copy(), u, values)
    law = TwoClusters([4.0], deviation=1.0).log_density(u[:, None], 1.0)
    seen = law > -6
    assert np.abs(values + law)[seen].max() < 0.35
    mixture = PointCloud(lab.points[:, :1]).log_density(u[:, None], 1.0)
    np.testing.assert_allclose(values, -mixture, rtol=1e-9)


# Clouds


def test_sides_are_kept_as_theory_says():
    """On ten seeds at three times, the share that is on its final side."""
    z = []
    places, weights = np.empty((2, 257))
    cloud.fill_sides(4.0, 1.0, places, weights)
    for seed in SEEDS:
        times, u, _ = course(DiffusionLab(dimensions=2, seed=seed))
        for t in (2.0, 1.4, 0.8):
            k = np.abs(times - t).argmin()
            hits = (np.sign(u[k]) == np.sign(u[-1])).sum()
            z.append(score(hits, 400, cloud.kept_side(times[k], places, weights)))
    assert np.abs(z).max() < 4
    assert abs(np.sum(z)) / math.sqrt(len(z)) < 6  # the same runs at three times: they lean together


def test_a_cloud_comes_back_to_its_law_but_for_its_steps():
    """Euler's steps widen the clusters as the recursion says, 0.2618 for 0.25, and bring them nearer."""
    z, centres, (*_, wanted) = [], [], theory.euler_variance(TIMES, deviation=0.5)
    assert wanted > 0.26
    for seed in SEEDS:
        lab = DiffusionLab(dimensions=3, particles=500, deviation=0.5, seed=seed)
        end = lab.simulate(lab.n_steps)
        assert end.time == 0.001
        x = end.positions
        centres.append(np.abs(x[:, 0]).mean())
        z += [score((x[:, 0] > 0).sum(), 500, 0.5), (x[:, 1].var() / wanted - 1) / math.sqrt(2 / 500)]
    assert np.abs(z).max() < 4
    assert np.mean(centres) == pytest.approx(3.975, abs=4 * 0.51 / math.sqrt(5000))


def test_forward_the_law_at_each_time_is_that_of_the_process():
    z = []
    for seed in SEEDS:
        lab = DiffusionLab(direction="forward", particles=500, seed=seed)
        assert lab.time == 0.001
        seen = lab.simulate(80)
        gamma = cloud.cluster_width(seen.time, 1.0) ** 2
        square = gamma + (4 * math.exp(-seen.time)) ** 2
        spread = math.sqrt((2 * gamma**2 + 4 * gamma * (square - gamma)) / 500)
        z += [((seen.positions[:, 0] ** 2).mean() - square) / spread]
        z += [(seen.positions[:, 2] ** 2).mean() / gamma - 1]
    assert np.abs(z).max() < 4


def test_two_clusters_collapse_later_than_one_and_the_page_knows():
    """n = 1024 in d = 32: without the cluster the formula is 0.1 low."""
    lab = DiffusionLab(learner="memory", count=1024, dimensions=32, particles=200)
    flow = _Flow(lab)
    flow.begin()
    apart, naive = [], []
    while flow.time > 0.3:
        flow.step()
        if 0.45 < flow.time < 1.0:
            measured = flow.participation.mean()
            given = flow.time, lab.count, lab.dimensions
            apart.append(measured - cloud.own_weight(*given, 4.0, 1.0))
            naive.append(measured - cloud.own_weight(*given, 0.0, 1.0))
    assert max(np.abs(apart)) < 0.09
    assert np.mean(naive) > 0.07 > 2 * abs(np.mean(apart))


def test_a_memory_ends_on_its_points_and_an_exact_score_does_not():
    lab = DiffusionLab(learner="memory", dimensions=16, count=256)
    end = lab.simulate(lab.n_steps)
    assert end.memorized == 1.0
    apart = np.linalg.norm(end.positions - math.exp(-0.001) * end.points[end.nearest], axis=1)
    assert np.sqrt((apart**2).mean() / 16) == pytest.approx(0.0447, rel=0.08)
    fresh = DiffusionLab(dimensions=16).simulate(lab.n_steps)
    near = np.linalg.norm(fresh.positions[:, None] - end.points, axis=2).min(axis=1)
    assert near.min() > 1.0 > apart.max()
    assert math.isnan(fresh.memorized)
    assert repr(end).endswith("100.0% memorized)")


def test_many_points_in_few_dimensions_stay_apart_until_late():
    few, many = (DiffusionLab(learner="memory", count=n, dimensions=4, particles=200) for n in (16, 1000))
    k = int(np.abs(TIMES - 0.1).argmin())
    assert few.simulate(k).memorized > 0.8
    assert many.simulate(k).memorized < 0.1
    assert few.collapse_time > 0.2 > 0.03 > many.collapse_time


@pytest.mark.parametrize("learner", ["exact", "memory"])
def test_clones_end_on_a_side_as_theory_says(learner):
    z, agreements = [], []
    for seed in SEEDS:
        lab = DiffusionLab(learner=learner, count=20, cloned_at=1.4, seed=seed, dimensions=3)
        begun = lab.simulate(0)
        assert (begun.positions == begun.positions[0]).all()
        if learner == "exact":
            p = cloud.clone_right(begun.time, begun.positions[0, 0], 4.0, 1.0)
        else:
            p = PointCloud(begun.points).weights(begun.positions[:1], begun.time)[0] @ (
                begun.points[:, 0] > 0
            )
        right = lab.simulate(lab.n_steps).right
        if 0.02 < p < 0.98:
            z.append(score(400 * right, 400, p))
        agreements.append(p * p + (1 - p) ** 2)
    assert len(z) > 4
    assert np.abs(z).max() < 4
    if learner == "exact":
        assert (
            0.5
            < lab.cloning_probability
            == pytest.approx(theory.cloning_probability(theory.cluster_signal(1.4, 4.0)))
        )


def test_runs_go_on_and_seeds_differ():
    lab = DiffusionLab(particles=60, dimensions=2)
    n = lab.n_steps
    first, again, later = lab.simulate(n), lab.simulate(n), lab.simulate(2 * n)
    assert first == again != later
    assert (first.positions != later.positions).any()
    assert first != DiffusionLab(particles=60, dimensions=2, seed=2).simulate(n)
    assert repr(lab.simulate(0)).startswith("Cloud(60 particles in 2 dimensions at t = 4: ")


def test_the_same_noise_leads_both_learners():
    """So that a reader who changes n sees what the points change."""
    exact, memory = (DiffusionLab(learner=learner).simulate(3) for learner in ("exact", "memory"))
    assert np.corrcoef(exact.positions.ravel(), memory.positions.ravel())[0, 1] > 0.99


def test_points_of_your_own_are_learned():
    own = np.array([[2.0, 0.0, 1.0], [-2.0, 1.0, 0.0], [0.0, -3.0, 0.5]])
    given = own.copy()
    lab = DiffusionLab(own, seed=3)
    assert (lab.learner, lab.count, lab.dimensions) == ("memory", 3, 3)
    np.testing.assert_array_equal(lab.points, given)
    end = lab.simulate(lab.n_steps)
    np.testing.assert_allclose(end.positions, given[end.nearest], atol=0.25)
    shares = np.bincount(end.nearest, minlength=3)
    assert np.abs([score(hits, 400, 1 / 3) for hits in shares]).max() < 4
    with pytest.raises(ValueError, match="learner must be one of 'memory'; got 'exact'"):
        lab.learner = "exact"


@pytest.mark.parametrize(
    ("points", "error", "words"),
    [
        ([1.0, 2.0], ValueError, r"points must have the shape \(n, d\); got \(2,\)"),
        (np.zeros((1, 3)), ValueError, "2 to 1024 in 2 to 32 dimensions; got 1 in 3"),
        (np.zeros((4, 33)), ValueError, "got 4 in 33"),
        ([[0.0, 1.0], [11.0, 0.0]], ValueError, "from -10 to 10; one is 11"),
        ([[0.0, math.nan], [1.0, 0.0]], ValueError, "points must be finite"),
        ([["a", "b"], ["c", "d"]], TypeError, "points must hold real numbers"),
    ],
)
def test_points_that_are_none_are_refused(points, error, words):
    with pytest.raises(error, match=words):
        DiffusionLab(points)


def test_points_and_settings_that_contradict_them_are_refused():
    with pytest.raises(ValueError, match="count and dimensions of their own; got count=5, dimensions=2"):
        DiffusionLab(np.zeros((3, 2)), count=5)


@pytest.mark.parametrize(("steps", "error"), [(-1, ValueError), (2.0, TypeError), ("2", TypeError)])
def test_a_bad_number_of_steps_is_refused(steps, error):
    with pytest.raises(error, match="n_steps must be"):
        DiffusionLab().simulate(steps)


# In a page


@pytest.fixture
def shown(alone):
    return lambda lab, **options: alone(lab, viewport={"width": 900, "height": 1300}, **options)


NAMES = [name for name, trait in DiffusionLab.class_traits().items() if trait.read_only] + ["time", "running"]


def told(page):
    """What the page reports to Python, to the last bit."""
    return page.page.evaluate(f"() => Object.fromEntries({NAMES}.map(name => [name, window.saved[name]]))")


def arrives(page, steps):
    page.page.wait_for_function(
        "k => window.saved?.steps === k && window.saved.kept !== null", arg=steps, timeout=30_000
    )


@pytest.mark.browser
@pytest.mark.parametrize(
    "settings",
    [
        {"dimensions": 5, "seed": 2**53 - 1},
        {"learner": "memory", "count": 40, "dimensions": 3, "deviation": 0.4},
        {"learner": "memory", "direction": "forward", "count": 7},
        {"cloned_at": 1.1, "particles": 123},
        {"points": np.array([[1.0, 2.0], [-2.0, 0.5], [0.3, -1.0]])},
    ],
)
def test_the_page_shows_the_clouds_of_simulate(shown, settings):
    lab = DiffusionLab(running=False, **settings)
    page = shown(lab)
    n = lab.n_steps
    page.type("Time t", 0.3)
    for _ in range(3):
        page.press("Step")
    first = int(np.abs(np.log(np.array(_Flow(lab).times) / 0.3)).argmin()) + 3
    page.page.wait_for_timeout(300)
    agrees(lab, page, first)
    page.type("Time t", 4.0 if lab.direction == "forward" else 0.001)
    page.page.wait_for_timeout(300)
    agrees(lab, page, n)
    page.press("Step")
    page.page.wait_for_timeout(300)
    agrees(lab, page, n + 1)
    page.press("Reset")
    assert told(page)["steps"] == 0


def agrees(lab, page, steps):
    seen, after = lab.simulate(steps), told(page)
    assert after["steps"] == steps
    assert after["right"] == seen.right
    if lab.learner == "memory":
        assert after["memorized"] == seen.memorized
        assert after["own_weight"] == pytest.approx(seen.participation.mean(), rel=1e-12)
        assert isinstance(seen, Cloud)
    else:
        assert after["memorized"] is None


@pytest.mark.browser
def test_clones_are_counted_against_theory(shown):
    lab = DiffusionLab(cloned_at=1.4, seed=4, running=False)
    page = shown(lab)
    page.type("Time t", 0.001)
    page.page.wait_for_timeout(300)
    after, begun = told(page), lab.simulate(0)
    p = cloud.clone_right(begun.time, begun.positions[0, 0], 4.0, 1.0)
    assert after["expected_clones_right"] == pytest.approx(p, rel=1e-12)
    assert after["clones_right"] == lab.simulate(lab.n_steps).right
    heads = 400 * after["clones_right"]
    pairs = heads * (heads - 1) + (400 - heads) * (399 - heads)
    assert after["agreement"] == pytest.approx(pairs / 400 / 399)
    assert "of the clones ended on the right" in page.root.locator(".lab-description").text_content()


@pytest.mark.browser
def test_a_hand_on_the_time_stops_the_run_and_start_goes_on_from_there(shown):
    page = shown(DiffusionLab())
    page.page.wait_for_function("window.saved?.steps > 3", timeout=20_000)
    chart = page.root.locator(".lab-second svg").last.bounding_box()
    mouse, height = page.page.mouse, chart["y"] + 0.5 * chart["height"]
    mouse.move(chart["x"] + 0.3 * chart["width"], height)
    mouse.down()
    mouse.move(chart["x"] + 0.6 * chart["width"], height)
    mouse.up()
    assert not page.running
    middle = told(page)["time"]
    assert 0.01 < middle < 0.3
    page.root.get_by_label("Time t, slider").press("ArrowRight")
    assert told(page)["time"] < middle
    page.press("Start")
    page.page.wait_for_function("t => window.saved.time < t / 2", arg=middle, timeout=20_000)


@pytest.mark.browser
def test_a_step_of_many_points_leaves_room_for_frames(shown):
    """400 particles and 1024 points in 32 dimensions: 13 million differences a step, made in pieces."""
    page = shown(DiffusionLab(learner="memory", count=1024, dimensions=32, speed=1000))
    frames = np.array(page.page.evaluate(FRAMES, 1500))
    assert np.median(frames) < 100
    page.press("Pause")
    page.type("Training points n", 2)
    page.page.wait_for_timeout(500)
    page.type("Time t", 0.001)
    assert told(page)["memorized"] == 1


@pytest.mark.browser
def test_points_belong_to_the_memory_alone(shown):
    page = shown(DiffusionLab(running=False))
    count = page.root.get_by_label("Training points n, slider")
    assert not count.is_visible()
    page.choose("Learner", "memory")
    assert count.is_visible()
    count.press("ArrowRight")
    assert page.field("Training points n").input_value() == "32"


@pytest.mark.browser
@pytest.mark.parametrize("width", [320, 400])
def test_nothing_sticks_out_on_a_narrow_page(alone, width):
    page = alone(DiffusionLab(learner="memory", running=False), viewport={"width": width, "height": 800})
    assert page.page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.browser
def test_who_asks_for_less_motion_starts_it_by_hand(shown):
    page = shown(DiffusionLab(), reduced_motion="reduce")
    assert not page.running
    assert "Paused" in page.status
