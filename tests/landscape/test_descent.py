"""Walks along directions of functions whose course is known, and of networks."""

import pickle

import numpy as np
import pytest
import torch
from torch import nn

from smbook.landscape import Loss, check, descend_along, extreme_eigenpairs, hessian, random_directions
from tests.landscape.models import function_loss, line, problem, same, snapshot, trained


def quartic(curvature, x=0.0):
    """L = curvature x^2 / 2 + x^4 / 4, which is lowest at the root of -curvature."""
    return function_loss(lambda w: (curvature * w**2 / 2 + w**4 / 4).sum(), [x])


@pytest.mark.parametrize("curvature", [-4.0, -2.0, -1.0, -0.25])
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_the_drop_of_a_double_well(curvature, sign):
    found = descend_along(quartic(curvature), None, np.array([3.0 * sign]))
    assert found.best_step == pytest.approx(np.sqrt(-curvature))
    assert found.drop == pytest.approx(curvature**2 / 4)
    assert found.predicted_drop == pytest.approx(curvature**2 / 2)
    assert found.curvature == pytest.approx(curvature)
    assert (found.start, found.slope, found.gradient_norm, found.share_of_slope) == (0.0, 0.0, 0.0, 0.0)
    assert found.direction == pytest.approx([sign])
    assert found.theta == pytest.approx([sign * found.best_step])
    assert found.losses[-1] > 0.0
    assert found.steps[-1] <= 4 * found.best_step  # it ends where the loss has risen


def test_a_best_step_between_powers_of_two_is_found():
    found = descend_along(quartic(-0.3), None, np.ones(1))
    assert found.drop == pytest.approx(0.3**2 / 4, rel=0.01)
    ladder = found.steps[np.log2(found.steps) % 1 == 0]
    losses = found.losses[np.log2(found.steps) % 1 == 0]
    assert len(ladder) < len(found.steps)
    assert found.losses.min() < losses.min()


@pytest.mark.parametrize("curvature", [-3.0, -0.7])
def test_steps_that_are_given(curvature):
    root = np.sqrt(-curvature)
    found = descend_along(quartic(curvature), np.zeros(1), np.ones(1), steps=[2 * root, root, 0.5 * root])
    assert found.steps == pytest.approx([0.5 * root, root, 2 * root])
    assert found.drop == pytest.approx(curvature**2 / 4, rel=1e-14)
    assert found.losses == pytest.approx(found.steps**2 * curvature / 2 + found.steps**4 / 4)
    assert found.predicted == pytest.approx(found.steps**2 * curvature / 2)


def test_slope_and_curvature_are_parted():
    """L = (x - 1)^2 / 2 - 2 y^2 from (0, 0), along x and y together."""
    loss = function_loss(lambda w: (w[0] - 1) ** 2 / 2 - 2 * w[1] ** 2, [0.0, 0.0])
    found = descend_along(loss, None, np.array([-1.0, -1.0]), steps=[0.5, 1.0])
    assert found.direction == pytest.approx(np.sqrt([0.5, 0.5]))  # turned
    assert found.slope == pytest.approx(-np.sqrt(0.5))
    assert found.curvature == pytest.approx(0.5 - 2.0)
    assert found.gradient_norm == pytest.approx(1.0)
    assert found.losses == pytest.approx(found.predicted)
    assert found.drop == pytest.approx(found.predicted_drop) == pytest.approx(np.sqrt(0.5) + 0.75)
    assert found.share_of_slope == pytest.approx(np.sqrt(0.5) / (np.sqrt(0.5) + 0.75))
    against = descend_along(loss, None, np.array([1.0, 0.0]), steps=[0.5])
    assert against.share_of_slope == pytest.approx(0.5 / (0.5 - 0.125))


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_without_a_slope_the_lower_way_is_taken(sign):
    """L = -x^2 / 2 + x^3 / 3 + x^4 / 4 falls further to the left, down to x = -(1 + sqrt(5)) / 2."""
    loss = function_loss(lambda w: (-(w**2) / 2 + w**3 / 3 + w**4 / 4).sum(), [0.0])
    found = descend_along(loss, None, np.array([sign]))
    assert found.direction.tolist() == [-1.0]
    assert found.theta == pytest.approx([-(1 + np.sqrt(5)) / 2], rel=0.05)


def test_no_step_leads_down_from_a_minimum():
    loss = quartic(1.0)
    found = descend_along(loss, None, np.ones(1))
    assert (found.drop, found.best_step, found.predicted_drop) == (0.0, 0.0, 0.0)
    assert np.isnan(found.share_of_slope)
    assert found.theta.tolist() == [0.0]
    assert "but no step lowers the loss" in str(check(found))


def test_rounding_is_no_drop():
    """In single precision the loss of a trained network scatters by more than its own last digits."""
    case = trained(line(6, activation=nn.Tanh), n_steps=300, rate=0.1)
    case.model.float()
    loss = case.loss()
    pairs = extreme_eigenpairs(hessian(loss), rng=1)
    found = descend_along(loss, None, pairs.vectors[0])
    assert found.drop < 1e-3 * loss()
    assert 8 * np.finfo(np.float32).eps < found.rounding / loss() < 1e-4
    near = [loss(loss.parameters * (1 + k * np.float32(1.2e-7))) for k in range(-8, 9)]
    assert np.ptp(near) < 8 * found.rounding
    low = found._replace(losses=np.full_like(found.losses, found.start - 0.9 * found.rounding))
    assert (low.drop, low.best_step) == (0.0, 0.0)
    assert low._replace(losses=low.losses - 0.2 * found.rounding).drop > 0.0


@pytest.mark.parametrize("name", ["tanh", "residual", "shared", "convolution"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_network_follows_its_slope_and_curvature(name, dtype):
    case = problem(name)
    case.model.to(dtype)
    loss = case.loss()
    before = snapshot(case.model)
    theta = loss.parameters + 0.1
    row = random_directions(loss, 1, rng=1)[0]
    found = descend_along(loss, theta, row)
    unit = row / np.linalg.norm(row)
    assert found.slope == pytest.approx(-abs(unit @ loss.gradient(theta)), rel=1e-4)
    assert found.curvature == pytest.approx(unit @ (hessian(loss, theta) @ unit), rel=1e-3, abs=1e-6)
    assert found.start == loss(theta)
    assert loss(found.theta) == pytest.approx(found.start - found.drop, rel=1e-6)
    assert found.drop > 0.0
    near = (found.steps > 1e-3) & (found.steps < 1e-2)
    changes, expected = found.losses[near] - found.start, found.predicted[near] - found.start
    assert changes == pytest.approx(expected, rel=0.05)
    assert same(before, snapshot(case.model))
    assert found.direction.dtype == found.theta.dtype == loss.parameters.dtype
    known = descend_along(loss, torch.as_tensor(theta), torch.as_tensor(row), curvature=found.curvature)
    assert known == found
    assert descend_along(loss, theta, row, curvature=0.0) != found


def test_the_valley_beside_a_saddle_of_a_product():
    """L = (1 - x y)^2 / 2 at 0 has the curvatures 1 and -1; x = y = 1 is the minimum along the latter."""
    loss = function_loss(lambda w: (1 - w[0] * w[1]) ** 2 / 2, [0.0, 0.0])
    pairs = extreme_eigenpairs(hessian(loss), rng=1)
    found = descend_along(loss, None, pairs.vectors[1], curvature=pairs.smallest)
    assert found.drop == pytest.approx(0.5)
    assert found.best_step == pytest.approx(np.sqrt(2))
    assert np.abs(found.theta) == pytest.approx([1.0, 1.0])
    assert found.predicted_drop == pytest.approx(1.0)


@pytest.mark.parametrize("length", [1e-320, 1e-200, 1e200, 1e308])
def test_the_length_of_the_direction_does_not_matter(length):
    loss = function_loss(lambda w: (w**4 / 4 - w**2 / 2).sum(), [0.0, 0.0])
    found = descend_along(loss, None, np.full(2, length))
    assert found.direction == pytest.approx(np.sqrt([0.5, 0.5]), rel=1e-15)
    assert found == descend_along(loss, None, np.ones(2))


@pytest.mark.parametrize("curvature", np.geomspace(0.3, 7.0, 10))
def test_no_kinks_are_suspected_where_rounding_hides_all_changes(curvature):
    """Uphill from a minimum of large height the first rise that is seen ends the walk."""
    loss = function_loss(lambda w: 1.0 + (curvature * w**2).sum() / 2, [0.0])
    report = check(descend_along(loss, None, np.ones(1)))
    assert "no step lowers the loss" in str(report)
    assert "kinks" not in str(report)
    assert np.isnan(report.numbers["follows"])


def test_it_is_checked():
    report = check(descend_along(quartic(-1.0), None, np.ones(1)))
    assert report.good
    assert report.numbers["drop"] == pytest.approx(0.25)
    assert 0.2 < report.numbers["follows"] < 0.4473  # where x^4 / 4 is a tenth of x^2 / 2
    assert report.numbers["share of slope"] == 0.0
    assert "curvature makes the rest" in str(report)
    slope = check(descend_along(function_loss(lambda w: (w**2 / 2).sum(), [1.0]), None, np.ones(1)))
    assert not slope.good
    assert slope.numbers["share of slope"] == pytest.approx(2.0)
    assert "NO sign of a saddle" in str(slope)
    assert "no drop is predicted there" in str(check(descend_along(quartic(0.0, x=1.0), None, np.ones(1))))
    with pytest.raises(TypeError, match="operator must be None beside a Descent"):
        check(descend_along(quartic(-1.0), None, np.ones(1)), np.eye(1))


def test_it_checks_the_sum_on_one_side_which_may_hide_two_errors():
    """L = -x^2 / 2 - 0.01 x - x^3 + x^4 is as predicted at 1, though its even part is 1 / 2 there."""
    loss = function_loss(lambda w: (-(w**2) / 2 - 0.01 * w - w**3 + w**4).sum(), [0.0])
    found = descend_along(loss, None, np.ones(1), steps=[0.02, 1.0])
    assert check(found).numbers["follows"] == 1.0
    even = (loss(found.direction) + loss(-found.direction)) / 2 - found.start
    assert even == pytest.approx(0.5)
    assert found.curvature / 2 == pytest.approx(-0.5)


def test_kinks_are_suspected_where_the_loss_leaves_its_parabola_soon():
    """L = 1e-4 |x - 1e-6| - 1e-3 x - x^2 / 2: the slope changes at a millionth."""
    loss = function_loss(
        lambda w: (torch.relu(w - 1e-6) * 9e-4 - 1e-3 * w - w**2 / 2 + w**4 / 4).sum(), [0.0]
    )
    report = check(descend_along(loss, None, np.ones(1)))
    assert 0.0 < report.numbers["follows"] < 2e-6
    assert "kinks are likely" in str(report)


def test_results_compare_and_travel():
    found = descend_along(quartic(-1.0), None, np.ones(1))
    assert pickle.loads(pickle.dumps(found)) == found
    assert repr(found) == (
        "Descent(loss 0 falls by 0.25 in a step of 1, predicted 0.5; slope 0, curvature -1)"
    )


# What is not finite or does not fit


def logarithm(x=0.0):
    """L = ln(1 + x), no number below x = -1."""
    return function_loss(lambda w: torch.log1p(w).sum(), [x])


def test_a_walk_ends_before_the_loss_is_no_number():
    found = descend_along(logarithm(), None, np.ones(1))
    assert found.direction.tolist() == [-1.0]
    assert 0.8 < found.best_step < 1.0
    assert np.isfinite(found.losses).all()
    with pytest.raises(FloatingPointError, match="the loss is nan at the step 2"):
        descend_along(logarithm(), None, np.ones(1), steps=[0.5, 2.0, 3.0])
    with pytest.raises(ValueError, match="theta must be where the loss is finite; got nan there"):
        descend_along(logarithm(), np.array([-2.0]), np.ones(1))


@pytest.mark.parametrize(
    ("direction", "options", "error", "words"),
    [
        (np.zeros(64), {}, ValueError, "direction must have a length above 0; got 0"),
        (np.ones(63), {}, ValueError, r"each direction must have the shape \(64,\); got \(63,\)"),
        (np.ones((2, 64)), {}, ValueError, "directions must be 1 to 1 vectors; got 2"),
        (np.full(64, np.nan), {}, ValueError, "each direction must be finite"),
        (np.ones(64), {"theta": np.ones(63)}, ValueError, r"theta must have the shape \(64,\)"),
        (np.ones(64), {"steps": []}, ValueError, "steps must be at least one; got none"),
        (np.ones(64), {"steps": [0.0, 1.0]}, ValueError, "steps must be above 0; got 0"),
        (np.ones(64), {"steps": [np.inf]}, ValueError, "steps must be finite; got inf"),
        (np.ones(64), {"curvature": "high"}, TypeError, "curvature must be a real number; got 'high'"),
        (np.ones(64), {"curvature": np.nan}, ValueError, "curvature must be finite; got nan"),
    ],
)
def test_what_is_no_walk_is_refused(direction, options, error, words):
    options = dict(options)
    with pytest.raises(error, match=words):
        descend_along(problem("tanh").loss(), options.pop("theta", None), direction, **options)


def test_what_is_not_finite_in_slope_or_curvature_is_refused():
    """sqrt(|x|) has no slope at 0, and |x|^1.5 no curvature."""
    for power in (0.5, 1.5):
        loss = function_loss(lambda w, power=power: ((w**2) ** (power / 2)).sum(), [0.0])
        with pytest.raises(ValueError, match=r"a gradient and a curvature that are finite; got .*nan"):
            descend_along(loss, None, np.ones(1))


def test_a_loss_without_a_gradient_is_refused():
    model = nn.Linear(1, 1).double()
    loss = Loss(model, lambda outputs, _: outputs.detach().mean(), np.ones((2, 1)), np.zeros(2))
    with pytest.raises(ValueError, match="loss must depend on the parameters"):
        descend_along(loss, None, np.ones(2))
