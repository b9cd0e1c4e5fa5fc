import itertools
import pickle

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq
from torch import nn

from smbook.landscape import Loss, LossPath, barrier, curve, paths, straight_path
from tests.landscape.models import SMOOTH_OR_NOT, plain_loss, problem, same, snapshot


def half_square(outputs, targets):
    return 0.5 * ((outputs - targets) ** 2).mean()


def product(width):
    """L = (1 - x . y)^2 / 2 of two layers of that many weights each, and the minimum x = y = e_1."""
    layers = [nn.Linear(1, width, bias=False), nn.Linear(width, 1, bias=False)]
    start = np.zeros(2 * width)
    start[[0, width]] = 1.0
    return Loss(nn.Sequential(*layers).double(), half_square, np.ones((1, 1)), np.ones((1, 1))), start


def two_units(activation, x, targets, weights):
    """L = <(sum_j a_j f(w_j x) - y)^2> / 2 with weights of the points x that add up to 1."""

    def weighted(outputs, rows):
        return 0.5 * (rows[:, 1:] * (outputs - rows[:, :1]) ** 2).sum()

    model = nn.Sequential(nn.Linear(1, 2, bias=False), activation(), nn.Linear(2, 1, bias=False)).double()
    return Loss(model, weighted, x[:, None], np.column_stack([targets, weights]), reduction="sum")


def normal_line():
    """Points and weights of averages over a normal number, exact to rounding for what is smooth.

    The trapezoidal rule is, up to exp(-2 pi d / h) for functions with poles at a distance d from the line:
    here pi/6, for tanh 3x. Gauss and Hermite's still misses by 7e-8 at 300 points.
    """
    x = np.arange(-12.0, 12.025, 0.05)
    weights = np.exp(-0.5 * x**2)
    return x, weights / weights.sum()


@pytest.mark.parametrize("name", [*SMOOTH_OR_NOT, "dropout", "linear"])
def test_a_straight_path_is_what_a_plain_loop_over_copies_of_the_model_gives(name):
    case = problem(name)
    loss, before = case.loss(), snapshot(case.model)
    start, end = loss.parameters, np.random.default_rng(1).normal(size=loss.n_parameters)
    found = straight_path(loss, start, end, n_points=7)
    by_hand = [plain_loss(case, (1.0 - t) * start + t * end) for t in np.linspace(0.0, 1.0, 7)]
    assert found.losses == pytest.approx(by_hand, rel=1e-12)
    assert (found.losses[0], found.losses[-1]) == (loss(start), loss(end))
    assert found == straight_path(loss, None, torch.as_tensor(end), n_points=7)
    assert same(before, snapshot(case.model))


def test_ends_are_exact_where_single_precision_would_miss_them():
    case = problem("tanh")
    case.model.float()
    loss = case.loss()
    start, end = loss.parameters * 1e3, loss.parameters / 3
    found = straight_path(loss, start, end, n_points=3)
    assert (found.losses[0], found.losses[-1]) == (loss(start), loss(end))
    assert (found.at(0.0) == start).all()
    assert (found.at(1.0) == end).all()
    assert (start + (end - start) != end).any()
    assert found.at(0.5).dtype == found.control_points.dtype == np.float32


def casteljau(points, t):
    """The point of a Bezier curve by repeated division of straight lines."""
    while len(points) > 1:
        points = (1.0 - t) * points[:-1] + t * points[1:]
    return points[0]


@pytest.mark.parametrize("count", [2, 3, 4, 7])
@pytest.mark.parametrize("name", ["tanh", "convolution"])
def test_a_curve_divides_its_lines_as_de_casteljau_does(name, count):
    case = problem(name)
    loss = case.loss()
    controls = np.random.default_rng(count).normal(size=(count, loss.n_parameters))
    found = paths._path(loss, torch.as_tensor(controls), 9, progress=False)
    points = np.array([casteljau(controls, t) for t in found.positions])
    assert found.at(found.positions) == pytest.approx(points, abs=1e-14)
    assert found.at(found.positions[3]) == pytest.approx(points[3], abs=1e-14)
    assert found.losses == pytest.approx([plain_loss(case, point) for point in points], rel=1e-12)


def only_path(*controls):
    return LossPath(np.linspace(0.0, 1.0, 3), np.zeros(3), np.array(controls, dtype=np.float64))


def test_lengths():
    assert only_path([0.0, 0.0], [3.0, 4.0]).length == 5.0
    assert only_path([0.0, 0.0], [1.5, 2.0], [3.0, 4.0]).length == pytest.approx(5.0, rel=1e-14)
    assert only_path([0.0], [1.0], [0.0]).length == pytest.approx(1.0, rel=1e-14)  # to 1/2 and back
    parabola = only_path([-1.0, 1.0], [0.0, -1.0], [1.0, 1.0])  # y = x^2
    assert parabola.length == pytest.approx(np.sqrt(5.0) + np.arcsinh(2.0) / 2.0, rel=1e-13)
    cubic = only_path(*np.random.default_rng(2).normal(size=(4, 5)))
    pieces = np.diff(cubic.at(np.linspace(0.0, 1.0, 20001)), axis=0)
    assert cubic.length == pytest.approx(np.linalg.norm(pieces, axis=1).sum(), rel=1e-7)


def test_barriers_by_hand():
    assert barrier([0.0, 0.0]) == 0.0
    assert barrier([2.0, 1.0, 0.0, 4.0]) == 0.0
    assert barrier([0.0, 3.0, 4.0], positions=[0.0, 0.25, 1.0]) == 2.0
    with pytest.raises(AssertionError):  # the height above the lower end is another number
        assert barrier([0.0, 3.0, 4.0]) == max([0.0, 3.0, 4.0])


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.floats(-10.0, 10.0), min_size=2, max_size=9),
    st.floats(-5.0, 5.0),
    st.floats(-5.0, 5.0),
    st.floats(0.0, 3.0),
)
def test_a_barrier_sees_neither_heights_nor_slopes_nor_directions(losses, height, slope, factor):
    found = barrier(losses)
    t = np.linspace(0.0, 1.0, len(losses))
    assert found >= 0.0
    assert barrier(factor * np.array(losses) + height + slope * t) == pytest.approx(factor * found, abs=1e-12)
    assert barrier(losses[::-1]) == pytest.approx(found, abs=1e-13)


def test_convex_losses_have_no_barriers():
    loss = problem("linear").loss()
    ends = np.random.default_rng(1).normal(size=(2, loss.n_parameters))
    assert straight_path(loss, *(3.0 * ends)).barrier == 0.0


def test_two_rectified_units_that_change_places_climb_to_a_half():
    """f = relu(w_1 x) + relu(w_2 x) for |x|, x of variance 1: L(t) = (1 - |1 - 2t|)^2 / 2."""
    x = np.array([-1.0, 1.0])
    loss = two_units(nn.ReLU, x, np.abs(x), [0.5, 0.5])
    found = straight_path(loss, np.array([1.0, -1, 1, 1]), np.array([-1.0, 1, 1, 1]), n_points=101)
    assert found.losses == pytest.approx(0.5 * (1.0 - np.abs(1.0 - 2.0 * found.positions)) ** 2, abs=1e-15)
    assert found.barrier == pytest.approx(0.5, abs=1e-15)


@pytest.mark.parametrize(
    ("start", "end", "known"),
    [
        ([1.0, 3.0, 1.0, 1.0], [3.0, 1.0, 1.0, 1.0], 0.0080824615),
        ([1.0, 3.0, 1.0, 2.0], [3.0, 1.0, 2.0, 1.0], 0.0048821741),
    ],
)
def test_two_smooth_units_that_change_places_have_the_known_barriers(start, end, known):
    x, weights = normal_line()
    loss = two_units(nn.Tanh, x, start[2] * np.tanh(x) + start[3] * np.tanh(3.0 * x), weights)
    found = straight_path(loss, np.array(start), np.array(end), n_points=101)
    assert found.barrier == pytest.approx(known, abs=6e-11)
    assert found.positions[found.losses.argmax()] == 0.5


@pytest.mark.parametrize("n_bends", [1, 2, 4])
def test_no_path_between_two_valleys_of_width_one_stays_below_the_pass(n_bends):
    """On xy = 1 the two branches are parted by xy = 0, where L = 1/2: the mountain pass."""
    loss, start = product(1)
    random = np.random.default_rng(n_bends)
    for _ in range(20):
        controls = np.stack([start, *random.normal(scale=2.0, size=(n_bends, 2)), -start])
        found = paths._path(loss, torch.as_tensor(controls), 401, progress=False)
        crossing = brentq(lambda t, path=found: path.at(t)[0], 0.0, 1.0, xtol=1e-15)
        assert loss(found.at(crossing)) == pytest.approx(0.5, abs=1e-12)
        assert found.losses.max() > 0.5 - np.abs(np.diff(found.losses)).max()
    learned = curve(loss, start, -start, n_bends=n_bends, n_points=401, rng=1)
    assert learned.losses.max() > 0.499


def test_width_two_joins_the_valleys_but_not_by_the_straight_line():
    loss, start = product(2)
    line = straight_path(loss, start, -start)
    assert line.barrier == line.losses[12] == 0.5
    options = {"n_steps": 2000, "learning_rate": 0.2, "n_points": 101}
    found = [curve(loss, start, -start, n_bends=2, rng=seed, **options) for seed in range(10)]
    assert max(path.losses.max() for path in found) < 1e-3
    assert min(path.length for path in found) > line.length


def test_a_curve_with_one_bend_comes_as_low_as_any_can():
    """With one control point (x, y) between e_1 and -e_1 on both layers, the even part of x . y in 1 - 2t is

    1 - v + s v^2 with v = 4t(1 - t) and s = x . y / 4. The least mean of (v - s v^2)^2 / 2 is 1/105, at
    s = 9/8, and the least maximum (3 - 2 sqrt 2) / 8.
    """
    loss, start = product(2)
    options = {"n_steps": 2000, "learning_rate": 0.05, "n_points": 401}
    found = [curve(loss, start, -start, rng=seed, **options) for seed in range(10)]
    means = 105.0 * np.array([np.trapezoid(path.losses, path.positions) for path in found])
    assert means.min() > 1.0 - 1e-4
    assert means.max() < 1.02
    bends = np.array([path.control_points[1] for path in found])
    assert np.mean((bends[:, :2] * bends[:, 2:]).sum(axis=1)) == pytest.approx(4.5, abs=0.15)
    assert min(path.losses.max() for path in found) > (3.0 - np.sqrt(8.0)) / 8.0


@pytest.mark.parametrize("n_bends", [1, 3])
def test_a_step_goes_down_the_slope_of_the_loss_at_a_random_point(n_bends):
    case = problem("tanh")
    loss = case.loss()
    end = np.random.default_rng(3).normal(size=loss.n_parameters)
    found = curve(loss, None, end, n_bends=n_bends, n_steps=1, learning_rate=0.01, rng=5)
    random = paths._probes.generator(5)
    before = paths._first_guess(loss._point(None), torch.as_tensor(end), n_bends, random).numpy()
    t = random.random()

    def height(controls):
        return loss(casteljau(controls, t))

    way = np.random.default_rng(4).normal(size=before.shape)
    way[[0, -1]] = 0.0
    slope = (height(before + 1e-5 * way) - height(before - 1e-5 * way)) / 2e-5
    moved = found.control_points - before
    assert not moved[[0, -1]].any()
    assert np.vdot(moved, way) == pytest.approx(-0.01 * slope, rel=1e-6)


def test_a_curve_of_wide_networks_keeps_far_below_the_line():
    case = problem("tanh")
    loss = case.loss()
    ends = []
    for seed in (1, 2):
        theta = np.random.default_rng(seed).normal(size=loss.n_parameters)
        for _ in range(1500):
            theta = theta - 0.5 * loss.gradient(theta)
        ends.append(theta)
    line = straight_path(loss, *ends)
    found = curve(loss, *ends, rng=1)
    assert line.barrier > 0.2
    assert found.barrier < 0.2 * line.barrier
    assert (found.losses[0], found.losses[-1]) == (line.losses[0], line.losses[-1])


def test_one_seed_is_one_curve_whatever_goes_before_and_the_model_is_left_alone():
    case = problem("batch norm")
    loss, before = case.loss(), snapshot(case.model)
    end = loss.parameters[::-1].copy()
    one, again, other = (curve(loss, None, end, n_steps=20, rng=seed) for seed in (7, 7, 8))
    assert one == again != other
    assert same(before, snapshot(case.model))
    state = torch.random.get_rng_state()
    curve(loss, None, end, n_steps=5)
    assert torch.equal(state, torch.random.get_rng_state())


def test_a_path_from_a_point_to_itself():
    loss = problem("relu").loss()
    line = straight_path(loss)
    assert (line.barrier, line.length) == (0.0, 0.0)
    assert line.losses == pytest.approx(loss(), rel=1e-14)


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
@pytest.mark.parametrize("name", ["tanh", "batch norm"])
def test_an_interrupted_curve_leaves_the_model_as_it_was(name, error):
    case = problem(name)
    calls = itertools.count()

    def interrupted(outputs, targets):
        if next(calls) == 20:
            raise error
        return case.loss_function(outputs, targets)

    loss = Loss(case.model, interrupted, case.inputs, case.targets)
    before = snapshot(case.model)
    with pytest.raises(error):
        curve(loss, None, loss.parameters + 1.0)
    assert same(before, snapshot(case.model))


def with_logarithm():
    """A loss that is no number where the only weight is from -2 to -1."""
    model = nn.Linear(1, 1, bias=False).double()
    with torch.no_grad():
        model.weight.fill_(0.0)

    def function(outputs, _):
        return torch.log((outputs + 1.0) * (outputs + 2.0)).mean()

    return Loss(model, function, np.ones((2, 1)), np.zeros(2))


def test_points_that_are_not_finite_are_nan_and_so_is_the_barrier():
    loss = with_logarithm()
    with pytest.warns(UserWarning, match="not finite at 1 of 5 points, which are nan"):
        found = straight_path(loss, np.zeros(1), np.full(1, -3.0), n_points=5)
    assert np.isnan(found.losses).tolist() == [False, False, True, False, False]
    assert np.isnan(found.barrier)
    assert "barrier nan" in repr(found)
    with pytest.raises(ValueError, match="end must be where the loss is finite; got nan there"):
        straight_path(loss, None, np.array([-1.5]))


def test_a_rate_that_is_too_large_is_named():
    loss, start = product(2)
    with pytest.raises(FloatingPointError, match=r"not finite after step \d+ of 300: learning_rate .* 1000"):
        curve(loss, start, -start, learning_rate=1e3, n_steps=300, rng=1)


def test_results_compare_and_travel():
    loss, start = product(2)
    found = straight_path(loss, start, -start, n_points=5)
    assert pickle.loads(pickle.dumps(found)) == found
    assert found != straight_path(loss, start, -start, n_points=7)
    assert found != 3
    assert repr(found) == "LossPath(5 points, loss 0 to 0.5, barrier 0.5, length 2.828)"


def test_progress_is_told_of_every_step_and_point(capsys):
    loss, start = product(2)
    curve(loss, start, -start, n_steps=12, rng=1, progress=True)
    told = capsys.readouterr().err
    assert "12/12" in told
    assert "25/25" in told
    straight_path(loss, start, -start)
    assert not capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"start": np.zeros(3)}, ValueError, r"start must have the shape \(64,\); got \(3,\)"),
        ({"end": np.zeros(3)}, ValueError, r"end must have the shape \(64,\); got \(3,\)"),
        ({"end": [0.0] * 64}, TypeError, "end must be a NumPy array or a torch tensor; got list"),
        ({"end": np.full(64, np.inf)}, ValueError, "end must be finite"),
        ({"n_points": 2}, ValueError, "n_points must be at least 3; got 2"),
        ({"n_bends": 0}, ValueError, "n_bends must be at least 1; got 0"),
        ({"n_steps": 1.5}, TypeError, "n_steps must be an integer; got 1.5"),
        ({"learning_rate": 0.0}, ValueError, "learning_rate must be positive; got 0.0"),
        ({"momentum": 1.0}, ValueError, "momentum must be below 1; got 1.0"),
        ({"rng": "seed"}, TypeError, "rng must be an integer.* got 'seed'"),
    ],
)
def test_what_makes_no_curve_is_refused(options, error, words):
    loss = problem("tanh").loss()
    with pytest.raises(error, match=words):
        curve(loss, **options)
    if set(options) <= {"start", "end", "n_points"}:
        with pytest.raises(error, match=words):
            straight_path(loss, **options)


def test_a_loss_without_derivatives_has_a_straight_path_and_no_curve():
    case = problem("tanh")
    loss = Loss(
        case.model, lambda outputs, y: (outputs.argmax(1) != y).double().mean(), case.inputs, case.targets
    )
    assert set(np.round(12 * straight_path(loss, None, -loss.parameters).losses)) <= set(range(13))
    with pytest.raises(ValueError, match="depend on the parameters in a way that torch differentiates"):
        curve(loss, None, -loss.parameters)


@pytest.mark.parametrize(
    ("losses", "positions", "error", "words"),
    [
        ([1.0], None, ValueError, "losses must be a row of at least 2"),
        ([[1.0, 2.0]], None, ValueError, "losses must be a row of at least 2"),
        ([1.0, np.nan], None, ValueError, "losses must be finite; got nan"),
        ([1.0, 2.0], [0.0, 0.5, 1.0], ValueError, r"positions must have the shape \(2,\)"),
        ([1.0, 2.0], [0.0, 0.9], ValueError, r"positions must rise from 0 to 1; got \[0.0, 0.9\]"),
        ([1.0, 2.0, 3.0], [0.0, 1.0, 1.0], ValueError, "positions must rise from 0 to 1"),
        (only_path([0.0], [1.0]), [0.0, 0.5, 1.0], TypeError, "positions must not be given"),
    ],
)
def test_what_has_no_barrier_is_refused(losses, positions, error, words):
    with pytest.raises(error, match=words):
        barrier(losses, positions)


@pytest.mark.parametrize(
    ("t", "words"),
    [
        (-0.1, "t must be at least 0; got -0.1"),
        ([0.5, 1.1], "at most 1; got 1.1"),
        ([[0.5]], "one number or"),
    ],
)
def test_places_off_a_path_are_refused(t, words):
    with pytest.raises(ValueError, match=words):
        only_path([0.0], [1.0]).at(t)


def test_a_model_is_no_loss():
    for function in (straight_path, curve):
        with pytest.raises(TypeError, match="loss must be a Loss; got Sequential"):
            function(problem("tanh").model, np.ones(64), np.ones(64))
