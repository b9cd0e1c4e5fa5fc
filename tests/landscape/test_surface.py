import functools
import itertools
import pickle

import numpy as np
import pytest
import torch
from torch import nn

from smbook.landscape import Loss, _points
from smbook.landscape.directions import random_directions
from smbook.landscape.surface import checked_axes, surface
from tests.landscape.models import SMOOTH_OR_NOT, plain_loss, problem, same, snapshot

ALL = (*SMOOTH_OR_NOT, "dropout", "linear")


def by_hand(case, rows, axes, theta):
    """The loss of a copy of the model at each point, one after another."""
    points = itertools.product(*axes)
    values = [plain_loss(case, theta + np.asarray(point) @ rows) for point in points]
    return np.reshape(values, [axis.size for axis in axes])


@pytest.mark.parametrize("name", ALL)
def test_a_plane_is_what_a_plain_loop_over_copies_of_the_model_gives(name):
    case = problem(name)
    case.model.eval()
    loss = case.loss()
    rows = random_directions(loss, 2, rng=1)
    found = surface(loss, rows, extent=(-0.4, 0.5), n_points=(5, 7))
    assert found.values.shape == (5, 7)
    assert found.values == pytest.approx(by_hand(case, rows, found.axes, loss.parameters), rel=1e-12)


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_centre_is_the_model_and_the_model_is_left_alone(name, dtype):
    case = problem(name)
    case.model.to(dtype)
    loss = case.loss()
    before = snapshot(case.model)
    found = surface(loss, random_directions(loss, 2, rng=1), n_points=3)
    assert found.centre == found.values[1, 1] == loss(loss.parameters) == loss()
    assert (found.theta == loss.parameters).all()
    assert same(before, snapshot(case.model))


def test_a_grid_that_starts_a_step_too_early_is_not_centred():
    """As loss-landscapes 3.0.6 has it: adding a step before the first value moves all by one point."""
    loss = problem("tanh").loss()
    rows = random_directions(loss, 1, rng=1)
    found = surface(loss, rows, n_points=5)
    late = [loss(loss.parameters + (a + 0.5) * rows[0]) for a in found.axes[0]]
    assert late[2] != found.values[2]
    assert late[:-1] == pytest.approx(found.values[1:])


def test_a_plane_far_from_the_model_has_its_own_centre():
    case = problem("relu")
    loss = case.loss()
    theta = loss.parameters + 0.3
    found = surface(loss, random_directions(loss, 1, rng=2), theta=theta, n_points=3)
    assert found.values[1] == loss(theta) != loss()
    assert surface(loss, torch.as_tensor(found.directions), theta=torch.as_tensor(theta), n_points=3) == found


class Stop(KeyboardInterrupt):
    pass


@pytest.mark.parametrize("error", [Stop, RuntimeError])
@pytest.mark.parametrize("name", ["tanh", "batch norm"])
def test_an_interrupted_surface_leaves_the_model_as_it_was(name, error):
    case = problem(name)
    calls = itertools.count()

    def interrupted(outputs, targets):
        if next(calls) == 20:
            raise error
        return case.loss_function(outputs, targets)

    loss = Loss(case.model, interrupted, case.inputs, case.targets)
    case.model.train()
    before = snapshot(case.model)
    with pytest.raises(error):
        surface(loss, random_directions(loss, 2, rng=1), n_points=5)
    assert same(before, snapshot(case.model))
    assert next(calls) == 21


STACKED = {
    "flattened": lambda: nn.Sequential(nn.Flatten(), nn.Linear(4, 5), nn.GELU(), nn.Linear(5, 3)),
    "nested": lambda: nn.Sequential(nn.Sequential(nn.Linear(4, 5), nn.SiLU()), nn.Linear(5, 3)),
    "no biases": lambda: nn.Sequential(nn.Linear(4, 5, bias=False), nn.Tanh(), nn.Linear(5, 3, bias=False)),
    "one layer": lambda: nn.Linear(4, 3),
    "no functions": lambda: nn.Sequential(nn.Linear(4, 5), nn.Linear(5, 3)),
    "functions at both ends": lambda: nn.Sequential(nn.Tanh(), nn.Linear(4, 3), nn.Softplus()),
    "dropout that is off": lambda: nn.Sequential(nn.Linear(4, 5), nn.Dropout(), nn.Linear(5, 3)),
    "in place": lambda: nn.Sequential(nn.Linear(4, 5), nn.ReLU(inplace=True), nn.Linear(5, 3)),
    "shared": lambda: nn.Sequential(*[nn.Linear(4, 4)] * 2, nn.Tanh(), nn.Linear(4, 3)),
}


def of(model, seed=1, **options):
    generator = torch.Generator().manual_seed(seed)
    inputs = torch.randn(10, 4, generator=generator, dtype=torch.float64)
    targets = torch.randint(3, (10,), generator=generator)
    function = options.pop("loss_function", nn.CrossEntropyLoss())
    return Loss(model.double(), function, inputs, targets, **options)


@pytest.mark.parametrize("name", STACKED)
@pytest.mark.parametrize("chunk_size", [None, 3])
def test_stacks_of_layers_take_the_fast_path_to_the_same_values(name, chunk_size, monkeypatch):
    monkeypatch.setattr(_points, "_ENTRIES", 200)  # some points at a time
    loss = of(STACKED[name](), chunk_size=chunk_size)
    stack = _points.linear_stack(loss)
    assert stack is not None
    section = _points.Section(loss._point(None), torch.as_tensor(random_directions(loss, 2, rng=1)))
    coefficients = np.random.default_rng(2).normal(size=(13, 2))
    plain = _points.plain_values(loss, section, coefficients)
    assert _points.stacked_values(loss, stack, section, coefficients) == pytest.approx(plain, rel=1e-13)


CLASSES = torch.tensor([0, 2, 1, 1, 0, 2, 2, 0, 1, 0])
LOSSES = {
    "cross-entropy": (nn.CrossEntropyLoss(), CLASSES),
    "its sum": (nn.CrossEntropyLoss(reduction="sum"), CLASSES),
    "smoothed": (nn.CrossEntropyLoss(label_smoothing=0.2), CLASSES),
    "weighted": (nn.CrossEntropyLoss(weight=torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64)), CLASSES),
    "of probabilities": (nn.CrossEntropyLoss(), torch.eye(3)[CLASSES]),
    "with rows left out": (nn.CrossEntropyLoss(ignore_index=1), CLASSES),
    "as a function": (nn.functional.cross_entropy, CLASSES),
    "squares": (nn.MSELoss(), torch.eye(3)[CLASSES]),
    "of margins": (nn.MultiMarginLoss(), CLASSES),
}


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_loss_functions_mean_the_same_on_the_fast_path(name, dtype):
    function, targets = LOSSES[name]
    if name == "weighted":
        function = nn.CrossEntropyLoss(weight=function.weight.to(dtype))
    model = STACKED["flattened"]().to(dtype)
    inputs = torch.randn(10, 2, 2, generator=torch.Generator().manual_seed(1))
    chunk_size = None if name in ("weighted", "with rows left out") else 4
    loss = Loss(model, function, inputs, targets, chunk_size=chunk_size)
    section = _points.Section(loss._point(None), torch.as_tensor(random_directions(loss, 2, rng=1)))
    coefficients = np.random.default_rng(2).normal(size=(7, 2))
    plain = _points.plain_values(loss, section, coefficients)
    found = _points.stacked_values(loss, _points.linear_stack(loss), section, coefficients)
    assert found == pytest.approx(plain, rel=20 * torch.finfo(dtype).eps)


def test_a_fast_path_without_the_second_direction_would_be_caught():
    torch.manual_seed(1)
    loss = of(STACKED["nested"]())
    rows = torch.as_tensor(random_directions(loss, 2, rng=1))
    section, coefficients = _points.Section(loss._point(None), rows), np.array([[0.1, 0.2], [0.3, -0.1]])
    wrong = section._replace(rows=torch.stack([rows[0], torch.zeros_like(rows[1])]))
    plain = _points.plain_values(loss, section, coefficients)
    assert abs(_points.values(loss, wrong, coefficients) / plain - 1).max() > 1e-3


def hooked():
    model = STACKED["nested"]()
    model[0].register_forward_hook(lambda *arguments: arguments[2] * 2.0)
    return model


def frozen():
    model = STACKED["nested"]()
    model[1].bias.requires_grad_(False)
    return model


class Doubled(nn.Linear):
    def forward(self, x):
        return 2.0 * super().forward(x)


def replaced():
    model = STACKED["nested"]()
    model[1].forward = lambda x: x[:, :3]
    return model


def normed():
    return nn.utils.parametrizations.weight_norm(nn.Linear(4, 3))


OTHERS = {
    "hook": hooked,
    "frozen": frozen,
    "subclass": lambda: nn.Sequential(Doubled(4, 3)),
    "other forward": replaced,
    "parametrized": normed,
    "layer norm": lambda: nn.Sequential(nn.Linear(4, 5), nn.LayerNorm(5), nn.Linear(5, 3)),
    "unflattened": lambda: nn.Sequential(
        nn.Linear(4, 4), nn.Unflatten(1, (2, 2)), nn.Flatten(), nn.Linear(4, 3)
    ),
    "softmax over rows": lambda: nn.Sequential(nn.Linear(4, 3), nn.LogSoftmax(0)),
}


@pytest.mark.parametrize("name", OTHERS)
def test_other_models_take_the_plain_loop(name):
    loss = of(OTHERS[name]())
    assert _points.linear_stack(loss) is None
    rows = random_directions(loss, 1, rng=1)
    found = surface(loss, rows, n_points=3)
    assert found.values == pytest.approx([loss(loss.parameters + a * rows[0]) for a in (-1.0, 0.0, 1.0)])


def test_rows_of_more_axes_take_the_plain_loop_too():
    model = nn.Sequential(nn.Linear(4, 3), nn.Tanh()).double()
    inputs = torch.randn(6, 2, 4, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    loss = Loss(model, nn.MSELoss(), inputs, torch.zeros(6, 2, 3))
    rows = random_directions(loss, 1, rng=1)
    found = surface(loss, rows, n_points=3)
    assert found.values == pytest.approx([loss(loss.parameters + a * rows[0]) for a in (-1.0, 0.0, 1.0)])


def test_batches_that_are_read_anew_and_sums_have_surfaces_too():
    case = problem("relu")
    pairs = [(case.inputs[:5], case.targets[:5]), (case.inputs[5:], case.targets[5:])]
    rows = random_directions(case.loss(), 2, rng=1)
    whole = surface(case.loss(), rows, n_points=3)
    parts = surface(Loss(case.model, case.loss_function, pairs, keep=False), rows, n_points=3)
    assert parts.values == pytest.approx(whole.values, rel=1e-12)
    assert (whole.fixed, parts.fixed) == (True, False)
    case = case._replace(loss_function=nn.CrossEntropyLoss(reduction="sum"))
    assert surface(case.loss(), rows, n_points=3).values == pytest.approx(12 * whole.values, rel=1e-12)


def test_slopes_and_the_lowest_point():
    case = problem("tanh")
    loss = case.loss()
    gradient = loss.gradient()
    rows = np.stack([gradient / np.linalg.norm(gradient), random_directions(loss, 1, rng=1)[0]])
    found = surface(loss, rows, extent=[(-0.2, 0.2), (-0.01, 0.01)], n_points=5)
    assert found.slopes == pytest.approx(rows @ gradient)
    assert found.gradient_norm == pytest.approx(np.linalg.norm(gradient))
    coefficients, value = found.lowest
    assert value == found.values.min() < found.centre
    assert loss(loss.parameters + coefficients @ rows) == pytest.approx(value)


def test_a_loss_without_a_gradient_has_a_surface():
    def errors(outputs, targets):
        return (outputs.argmax(1) != targets).double().mean()

    loss = of(STACKED["nested"](), loss_function=errors)
    found = surface(loss, random_directions(loss, 2, rng=1), n_points=5)
    assert np.isnan(found.slopes).all()
    assert np.isnan(found.gradient_norm)
    assert set(np.round(found.values.flat, 12)) <= set(np.round(np.arange(11) / 10, 12))


def with_logarithm():
    """A loss that is no number where the only weight is below -1."""
    model = nn.Linear(1, 1, bias=False).double()
    with torch.no_grad():
        model.weight.fill_(0.0)
    return Loss(model, lambda outputs, _: torch.log1p(outputs).mean(), np.ones((2, 1)), np.zeros(2))


def test_points_that_are_not_finite_are_nan_and_counted():
    loss = with_logarithm()
    with pytest.warns(UserWarning, match="not finite at 2 of 5 points, which are nan"):
        found = surface(loss, np.ones(1), extent=2.0, n_points=5)
    assert np.isnan(found.values).tolist() == [True, True, False, False, False]
    assert found.lowest[1] == 0.0
    assert found == found
    with pytest.raises(FloatingPointError, match="not finite at 2 of 5 points"):
        surface(loss, np.ones(1), extent=2.0, n_points=5, nonfinite="raise")


def test_a_grid_off_theta_may_have_no_finite_point_but_theta_is_one():
    loss = with_logarithm()
    with pytest.warns(UserWarning, match="not finite at 3 of 3 points"):
        found = surface(loss, np.ones(1), extent=(-3.0, -1.5), n_points=3)
    assert np.isnan(found.lowest[0]).all()
    assert np.isnan(found.lowest[1])
    assert repr(found) == "Surface(3 points, loss not finite, 0 at the centre)"
    with pytest.raises(ValueError, match="theta must be where the loss is finite; got nan there"):
        surface(loss, np.ones(1), theta=np.array([-2.0]))


def test_axes():
    assert [axis.tolist() for axis in checked_axes(1, 3, 2)] == [[-1.0, 0.0, 1.0]] * 2
    first, second = checked_axes(((0, 1), (-0.3, 0.6)), (3, 7), 2)
    assert first.tolist() == [0.0, 0.5, 1.0]
    assert second[2] == 0.0
    assert (checked_axes(0.7, 25, 1)[0][12], checked_axes((-0.7, 0.7), 625, 1)[0][312]) == (0.0, 0.0)
    assert 0.0 not in checked_axes((-0.31, 0.6), 7, 1)[0]


def test_results_compare_and_travel():
    loss = problem("tanh").loss()
    call = functools.partial(surface, loss, random_directions(loss, 2, rng=1), n_points=(3, 5))
    one = call()
    assert one == call()
    assert one != call(extent=0.5)
    assert one != 3
    assert pickle.loads(pickle.dumps(one)) == one
    assert repr(one).startswith("Surface(3 x 5 points, loss ")


def test_progress_is_told_of_every_point(capsys):
    loss = of(STACKED["nested"](), chunk_size=3)
    surface(loss, random_directions(loss, 2, rng=1), n_points=3, progress=True)
    assert "9/9" in capsys.readouterr().err
    surface(loss, random_directions(loss, 2, rng=1), n_points=3)
    assert not capsys.readouterr().err


@pytest.mark.parametrize(
    ("directions", "options", "error", "words"),
    [
        (3, {}, ValueError, "directions must be 1 to 2 vectors; got 3"),
        (2, {"n_points": 4}, ValueError, "n_points must be odd, .* got 4"),
        (2, {"n_points": 1}, ValueError, "n_points must be at least 3; got 1"),
        (2, {"n_points": (3, 3, 3)}, ValueError, r"n_points must be one number or .* 2 .* got \(3, 3, 3\)"),
        (2, {"n_points": 3.0}, TypeError, "n_points must be an integer; got 3.0"),
        (2, {"extent": 0.0}, ValueError, "extent must be positive; got 0.0"),
        (2, {"extent": (1.0, -1.0)}, ValueError, r"extent must rise .* got \(1, -1\)"),
        (2, {"extent": [(0, 1)]}, ValueError, "extent must be a number, .* 2 directions"),
        (2, {"extent": (1, 2, 3)}, ValueError, "extent must be a number, .* 2 directions"),
        (2, {"extent": [(0, 1), (1,)]}, ValueError, r"extent must have pairs .* got \[\(0, 1\), \(1,\)\]"),
        (2, {"extent": "wide"}, TypeError, "extent must be a real number; got 'wide'"),
        (2, {"nonfinite": "drop"}, ValueError, "nonfinite must be one of 'keep', 'raise'; got 'drop'"),
        (2, {"theta": np.zeros(3)}, ValueError, "theta must have the shape"),
    ],
)
def test_what_spans_no_grid_is_refused(directions, options, error, words):
    loss = problem("tanh").loss()
    with pytest.raises(error, match=words):
        surface(loss, random_directions(loss, directions, rng=1), **options)


def test_a_model_is_no_loss():
    with pytest.raises(TypeError, match="loss must be a Loss; got Sequential"):
        surface(problem("tanh").model, np.ones((2, 64)))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("factor", [1.0, -3.0, 1e-9])
def test_parallel_directions_span_no_plane(factor, dtype):
    case = problem("tanh")
    case.model.to(dtype)
    row = random_directions(case.loss(), 1, rng=1)[0]
    with pytest.raises(ValueError, match=r"directions must not be parallel; got abs\(cos\) = 1"):
        surface(case.loss(), [row, factor * row], n_points=3)


def test_directions_that_are_nearly_parallel_span_one():
    loss = problem("tanh").loss()
    one, other = random_directions(loss, 2, rng=1)
    assert surface(loss, [one, one + 1e-4 * other], n_points=3).values.shape == (3, 3)
