"""Training: steps by hand, theory of descent, seeds to the last bit, and what is left when it breaks off."""

import itertools
import math
import pickle

import numpy as np
import pytest
import torch
from torch import nn

from smbook.datasets import digit_images, oscillation, sampled_function
from smbook.landscape import FullyConnected, Loss, ResNet, Training, accuracy, train
from smbook.theory import descent
from tests.interrupts import interrupted
from tests.landscape.models import problem, same, snapshot


def vector(model):
    return nn.utils.parameters_to_vector(model.parameters()).detach().numpy().copy()


def linear(weights=(0.5, -1.0)):
    """A linear function without a bias, from two numbers."""
    model = nn.Linear(len(weights), 1, bias=False).double()
    with torch.no_grad():
        model.weight.copy_(torch.tensor([weights], dtype=torch.float64))
    return model


def rows(n=7, width=2, seed=1):
    random = np.random.default_rng(seed)
    return random.normal(size=(n, width)), random.normal(size=(n, 1))


# Steps


@pytest.mark.parametrize("nesterov", [False, True])
@pytest.mark.parametrize("weight_decay", [0.0, 0.3])
def test_steps_are_what_the_formula_says(nesterov, weight_decay):
    x, y = rows()
    theta, v = np.array([0.5, -1.0]), np.zeros(2)
    path, losses = [theta], [np.square(x @ theta - y[:, 0]).mean()]
    for _ in range(4):
        g = 2.0 * x.T @ (x @ theta - y[:, 0]) / len(x) + weight_decay * theta
        v = 0.8 * v + g
        theta = theta - 0.05 * (g + 0.8 * v if nesterov else v)
        path.append(theta)
        losses.append(np.square(x @ theta - y[:, 0]).mean())
    model = linear()
    found = train(
        model, nn.MSELoss(), x, y, n_epochs=4, learning_rate=0.05, momentum=0.8, nesterov=nesterov,
        weight_decay=weight_decay, keep=1,
    )  # fmt: skip
    assert found.path == pytest.approx(np.array(path), rel=1e-13)
    assert found.losses == pytest.approx(losses, rel=1e-13)
    assert found.epochs.tolist() == found.path_epochs.tolist() == [0, 1, 2, 3, 4]
    assert (vector(model) == found.theta).all()
    assert (found.theta == found.path[-1]).all()


class Batches:
    """Squares, with a note of the rows of each batch that is differentiated; targets are their numbers."""

    def __init__(self):
        self.seen = []

    def __call__(self, outputs, targets):
        if outputs.requires_grad:
            self.seen.append(targets[:, 0].long().tolist())
        return (outputs - targets).square().mean()


def test_an_epoch_takes_each_row_once_in_an_order_of_its_own():
    function, n = Batches(), 10
    x, targets = rows(n)[0], np.arange(n, dtype=float)[:, None]
    train(linear(), function, x, targets, n_epochs=3, learning_rate=1e-3, batch_size=4, rng=1)
    assert [len(batch) for batch in function.seen] == [4, 4, 2] * 3
    epochs = [list(itertools.chain(*function.seen[k : k + 3])) for k in (0, 3, 6)]
    assert [sorted(epoch) for epoch in epochs] == [list(range(n))] * 3
    assert len({tuple(epoch) for epoch in epochs}) == 3


def test_all_rows_at_once_draw_no_order():
    function = Batches()
    x, targets = rows(5)[0], np.arange(5.0)[:, None]
    one = train(linear(), function, x, targets, n_epochs=2, learning_rate=1e-3, rng=1)
    assert function.seen == [[0, 1, 2, 3, 4]] * 2
    assert one == train(linear(), function, x, targets, n_epochs=2, learning_rate=1e-3, rng=2)
    assert function.seen[2:] == function.seen[:2]


def test_batches_are_those_of_torch_s_own_optimizer():
    """The same order of rows, read off a first run, makes torch's steps; dropping momentum would be seen."""
    case = problem("tanh")
    n, start = len(case.inputs), vector(case.model)
    orders = []

    def function(outputs, targets):
        if outputs.requires_grad:
            orders.append(targets.clone())
        return nn.functional.cross_entropy(outputs, targets[:, 0].long()) * 1.0

    marked = torch.stack([case.targets.double(), torch.arange(n).double()], dim=1)
    options = {"n_epochs": 3, "learning_rate": 0.3, "momentum": 0.7, "weight_decay": 0.01, "nesterov": True}
    found = train(case.model, function, case.inputs, marked, batch_size=5, rng=1, **options)
    model = problem("tanh").model
    assert (vector(model) == start).all()
    optimizer = torch.optim.SGD(model.parameters(), 0.3, 0.7, weight_decay=0.01, nesterov=True)
    for batch in orders:
        optimizer.zero_grad()
        chosen = batch[:, 1].long()
        nn.functional.cross_entropy(model(case.inputs[chosen]), case.targets[chosen]).backward()
        optimizer.step()
    assert found.theta == pytest.approx(vector(model), rel=1e-12)
    assert abs(found.theta - start).max() > 0.1


def constant_slope(outputs, _):
    return outputs.mean()


def rates(schedule, n_epochs):
    """The learning rates of epochs, from a loss of slope 1 and steps without momentum."""
    found = train(
        linear([0.0]), constant_slope, np.ones((3, 1)), np.zeros(3), n_epochs=n_epochs, learning_rate=0.5,
        momentum=0.0, schedule=schedule, keep=1,
    )  # fmt: skip
    return -np.diff(found.path[:, 0])


def test_schedules_multiply_the_learning_rate():
    assert rates(None, 3) == pytest.approx([0.5] * 3)
    assert rates("cosine", 4) == pytest.approx([0.25 * (1 + math.cos(math.pi * k / 4)) for k in range(4)])
    assert rates({2: 0.1, 4: 0.01}, 6) == pytest.approx([0.5, 0.5, 0.05, 0.05, 0.005, 0.005])
    assert rates({0: 0.2, 9: 3.0}, 2) == pytest.approx([0.1, 0.1])


def test_the_sum_over_rows_makes_steps_of_the_sum():
    x, y = rows()
    one = train(linear(), nn.MSELoss(reduction="sum"), x, y, n_epochs=3, learning_rate=0.01 / 7)
    other = train(linear(), nn.MSELoss(), x, y, n_epochs=3, learning_rate=0.01)
    assert one.theta == pytest.approx(other.theta, rel=1e-13)
    assert one.losses == pytest.approx(7 * other.losses, rel=1e-13)


# Theory


@pytest.mark.parametrize(("momentum", "nesterov"), [(0.0, False), (0.9, False), (0.9, True), (0.5, True)])
def test_descent_bears_the_learning_rates_that_theory_says_and_no_others(momentum, nesterov):
    """A parabola of curvature 2: 1 % below the edge the loss falls, 1 % above it grows."""
    method = "nesterov" if nesterov else "heavy-ball"
    edge = descent.largest_rate(2.0, momentum=momentum, method=method)
    for factor, falls in ((0.99, True), (1.01, False)):
        found = train(
            linear([1.0]), nn.MSELoss(), np.ones((1, 1)), np.zeros((1, 1)), n_epochs=1500,
            learning_rate=factor * edge, momentum=momentum, nesterov=nesterov, every=1500,
        )  # fmt: skip
        assert (found.losses[-1] < found.losses[0]) == falls
        assert not 0.1 < found.losses[-1] < 10


def test_two_weights_in_a_row_follow_the_path_of_theory():
    model = nn.Sequential(nn.Linear(1, 1, bias=False), nn.Linear(1, 1, bias=False)).double()
    nn.utils.vector_to_parameters(torch.tensor([2.0, 0.3], dtype=torch.float64), model.parameters())

    def half_square(outputs, targets):
        return 0.5 * (outputs - targets).square().mean()

    found = train(
        model, half_square, np.ones((1, 1)), np.ones((1, 1)), n_epochs=60, learning_rate=0.3, momentum=0.0,
        keep=1,
    )  # fmt: skip
    path = descent.product_path(2.0, 0.3, 0.3, 60)
    assert found.path == pytest.approx(np.stack([path.x, path.y], axis=1), rel=1e-10)
    assert found.losses == pytest.approx(path.loss, rel=1e-9, abs=1e-14)


@pytest.mark.parametrize("seed", range(10))
def test_digits_are_learned(seed):
    """At every one of ten seeds, on images that were not seen: by chance it would be 0.1."""
    data = digit_images(rng=seed)
    model = nn.Sequential(nn.Flatten(), FullyConnected([64, 30, 10], rng=seed))
    found = train(
        model, nn.CrossEntropyLoss(), *data[:2], n_epochs=12, learning_rate=0.05, batch_size=64,
        test_inputs=data.test_inputs, test_targets=data.test_targets, rng=seed, every=12,
    )  # fmt: skip
    assert accuracy(model, data.test_inputs, data.test_targets) > 0.9
    assert found.test_losses[-1] < 0.4 < found.test_losses[0]


@pytest.mark.parametrize("seed", range(10))
def test_a_function_is_learned(seed):
    """At points that were not seen; the best line leaves 27 % of the variance."""
    data = sampled_function(oscillation, 50, 49)
    model = FullyConnected([1, 40, 40, 1], rng=seed)
    found = train(
        model, nn.MSELoss(), *data[:2], n_epochs=600, learning_rate=0.03, test_inputs=data.test_inputs,
        test_targets=data.test_targets, every=600,
    )  # fmt: skip
    x, y = data.test_inputs[:, 0], data.test_targets[:, 0]
    assert found.test_losses[-1] < 0.1 * y.var() < (1 - np.corrcoef(x, y)[0, 1] ** 2) * y.var() / 2


# Seeds


def dropped(**options):
    case = problem("dropout")
    return train(
        case.model,
        case.loss_function,
        case.inputs,
        case.targets,
        n_epochs=4,
        learning_rate=0.1,
        keep=1,
        **options,
    )


@pytest.mark.parametrize("batch_size", [None, 5])
def test_a_seed_gives_the_same_bits_and_torch_is_left_alone(batch_size):
    torch.manual_seed(1)
    state = torch.get_rng_state()
    one = dropped(rng=3, batch_size=batch_size)
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(2)
    assert dropped(rng=3, batch_size=batch_size) == one
    assert dropped(rng=4, batch_size=batch_size) != one
    generator = np.random.default_rng(3)
    assert dropped(rng=generator, batch_size=batch_size) != dropped(rng=generator, batch_size=batch_size)


def test_losses_of_the_record_are_those_of_the_model_that_is_evaluated():
    """Dropout is on in the steps and off in the record."""
    case = problem("dropout")
    found = dropped(rng=3)
    loss = case.loss()
    assert found.losses.tolist() == [loss(row) for row in found.path]
    still = train(
        nn.Sequential(*list(case.model)[:2], case.model[3]), case.loss_function, case.inputs, case.targets,
        n_epochs=4, learning_rate=0.1, rng=3,
    )  # fmt: skip
    assert still.losses[0] == found.losses[0]
    assert still.losses[1] != found.losses[1]


@pytest.fixture
def threads():
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


def test_the_number_of_threads_changes_rounding_and_no_more(threads):
    data = sampled_function(oscillation, 400, 10)
    found = []
    for n in (1, 2):
        threads(n)
        model = FullyConnected([1, 200, 200, 1], rng=1).double()
        found.append(
            train(model, nn.MSELoss(), *data[:2], n_epochs=4, learning_rate=0.01, batch_size=200, rng=1)
        )
    assert found[0].theta == pytest.approx(found[1].theta, abs=1e-12)
    assert found[0].losses == pytest.approx(found[1].losses, rel=1e-10)


# Batch norm, frozen parameters, flags


def normed():
    return nn.Sequential(nn.BatchNorm1d(2, affine=False), nn.Linear(2, 1)).double()


def test_steps_move_the_running_statistics_and_evaluation_does_not():
    x, y = rows(9)
    model = normed().eval()
    found = train(model, nn.MSELoss(), x, y, n_epochs=3, learning_rate=0.01)
    assert not model.training
    assert not model[0].training
    kept = 0.9**3
    assert model[0].running_mean.numpy() == pytest.approx((1 - kept) * x.mean(axis=0))
    assert model[0].running_var.numpy() == pytest.approx(kept + (1 - kept) * x.var(axis=0, ddof=1))
    assert model[0].num_batches_tracked == 3
    assert found.losses[-1] == Loss(model, nn.MSELoss(), x, y)()


def test_steps_are_made_with_the_statistics_of_the_batch():
    x, y = rows(9)
    model = normed()
    theta = vector(model)
    found = train(model, nn.MSELoss(), x, y, n_epochs=1, learning_rate=0.1)
    z = np.column_stack([(x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + 1e-5), np.ones(9)])
    gradient = 2.0 * z.T @ (z @ theta - y[:, 0]) / 9
    assert found.theta == pytest.approx(theta - 0.1 * gradient)
    assert model.training


def test_frozen_parameters_and_gradients_of_others_stay():
    case = problem("relu")
    case.model[0].weight.requires_grad_(False)
    for parameter in case.model.parameters():
        parameter.grad = torch.ones_like(parameter)
    before = case.model[0].weight.clone()
    found = train(case.model, case.loss_function, case.inputs, case.targets, n_epochs=2, learning_rate=0.1)
    assert torch.equal(case.model[0].weight, before)
    assert found.losses[-1] < found.losses[0]
    assert all((parameter.grad == 1.0).all() for parameter in case.model.parameters())
    assert found.theta.size == case.loss().n_parameters


def test_data_are_not_written_to():
    x, y = rows()
    held = x.copy(), y.copy()
    train(linear(), nn.MSELoss(), x, y, n_epochs=2, learning_rate=0.1, batch_size=3, rng=1)
    assert (x == held[0]).all()
    assert (y == held[1]).all()


# What is recorded


def test_what_is_kept_and_when():
    x, y = rows()

    def run(**options):
        return train(linear(), nn.MSELoss(), x, y, n_epochs=7, learning_rate=0.01, **options)

    full = run(keep=1)
    assert run().path.shape == (0, 2)
    assert run().path_epochs.size == 0
    some = run(keep=3, every=2)
    assert some.path_epochs.tolist() == [0, 3, 6, 7]
    assert some.epochs.tolist() == [0, 2, 4, 6, 7]
    assert (some.path == full.path[[0, 3, 6, 7]]).all()
    assert (some.losses == full.losses[[0, 2, 4, 6, 7]]).all()
    assert np.isnan(full.test_losses).all()
    tested = run(test_inputs=x[:2], test_targets=y[:2], chunk_size=3)
    assert tested.test_losses == pytest.approx(
        [np.square(x[:2] @ row - y[:2, 0]).mean() for row in full.path]
    )
    assert tested.losses == pytest.approx(full.losses)


def test_no_epochs_leave_the_model_and_tell_its_loss():
    x, y = rows()
    model = linear()
    found = train(model, nn.MSELoss(), x, y, n_epochs=0, learning_rate=0.1, keep=2, schedule="cosine")
    assert found.epochs.tolist() == found.path_epochs.tolist() == [0]
    assert found.path.tolist() == [[0.5, -1.0]] == [vector(model).tolist()]


@pytest.mark.parametrize("kind", [bool, np.bool_])
def test_a_callback_hears_of_each_evaluation_and_may_end_it(kind):
    x, y = rows()
    heard = []

    def callback(*what):
        heard.append(what)
        return kind(what[0] >= 4)

    found = train(
        linear(), nn.MSELoss(), x, y, n_epochs=20, learning_rate=0.01, every=2, keep=3, callback=callback,
        test_inputs=x, test_targets=y,
    )  # fmt: skip
    assert heard == list(zip([0, 2, 4], found.losses, found.test_losses, strict=True))
    assert found.epochs.tolist() == [0, 2, 4]
    assert found.path_epochs.tolist() == [0, 3, 4]


def test_results_compare_travel_and_say_what_came_out():
    x, y = rows()
    one, same_again, other = (
        train(linear(), nn.MSELoss(), x, y, n_epochs=n, learning_rate=0.01) for n in (3, 3, 4)
    )
    assert one == same_again == pickle.loads(pickle.dumps(one))
    assert one != other
    assert repr(one) == f"Training(3 epochs, loss {one.losses[0]:.4g} to {one.losses[-1]:.4g})"
    assert repr(one._replace(test_losses=np.array([0.5]))).endswith(", 0.5 in the test)")
    assert isinstance(one, Training)


def test_progress_is_told_of_every_epoch(capsys):
    x, y = rows()
    train(linear(), nn.MSELoss(), x, y, n_epochs=3, learning_rate=0.01, progress=True)
    assert "3/3" in capsys.readouterr().err
    train(linear(), nn.MSELoss(), x, y, n_epochs=3, learning_rate=0.01)
    assert not capsys.readouterr().err


# When it breaks off


class Stop(KeyboardInterrupt):
    pass


def breaking(case, at, error):
    """The loss function of a problem that raises in its step number `at`, of five rows each."""
    calls = itertools.count()

    def function(outputs, targets):
        if outputs.requires_grad and next(calls) == at:
            raise error
        return case.loss_function(outputs, targets)

    return function


@pytest.mark.parametrize("every", [1, 10])
@pytest.mark.parametrize("error", [Stop, RuntimeError])
@pytest.mark.parametrize("name", ["tanh", "batch norm", "residual", "dropout"])
def test_an_interrupt_leaves_the_model_at_the_beginning_of_the_epoch(name, error, every):
    """The third of three batches of the third epoch breaks off; two epochs are what remains."""
    options = {"learning_rate": 0.1, "batch_size": 5, "rng": 1, "every": every}
    case, whole = problem(name), problem(name)
    train(whole.model.eval(), whole.loss_function, whole.inputs, whole.targets, n_epochs=2, **options)
    with pytest.raises(error):
        train(case.model.eval(), breaking(case, 8, error), case.inputs, case.targets, n_epochs=5, **options)
    assert same(snapshot(case.model)[:2], snapshot(whole.model)[:2])


def test_a_callback_that_raises_leaves_the_epochs_that_are_done():
    x, y = rows()
    model = linear()

    def callback(epoch, *_):
        if epoch == 2:
            raise Stop

    with pytest.raises(Stop):
        train(model, nn.MSELoss(), x, y, n_epochs=5, learning_rate=0.01, callback=callback)
    assert (vector(model) == train(linear(), nn.MSELoss(), x, y, n_epochs=2, learning_rate=0.01).theta).all()


CTRL_C = """
import numpy as np
import torch
from smbook.landscape import FullyConnected, Loss, train
x = np.linspace(-1, 1, 200)[:, None]
model = FullyConnected([1, 100, 100, 1], rng=1).eval()
path = []
def callback(*_):
    path.append(torch.nn.utils.parameters_to_vector(model.parameters()).detach().clone())
    if len(path) == 3:
        print("starts", flush=True)
try:
    train(model, torch.nn.MSELoss(), x, np.sin(4 * x), n_epochs=10**6, learning_rate=1e-3, batch_size=20,
          callback=callback, rng=1)
except KeyboardInterrupt:
    print("heard", flush=True)
left = torch.nn.utils.parameters_to_vector(model.parameters())
print(any(torch.equal(left, row) for row in path[-2:]), model.training)
"""


def test_ctrl_c_is_heard_at_once_and_leaves_a_whole_epoch():
    seconds, said = interrupted(CTRL_C)
    assert seconds < 1.0
    assert said == "True False\n"


@pytest.mark.parametrize("batch_size", [None, 5])
@pytest.mark.parametrize("every", [1, 10_000])
def test_a_loss_that_runs_away_is_told_and_the_model_is_back_where_it_was_finite(batch_size, every):
    case = problem("relu")
    kept = []
    words = r"the loss became (nan|inf) in epoch \d+, with a learning rate of 1e\+20; the model is back "
    with pytest.raises(FloatingPointError, match=words) as raised:
        train(
            case.model, nn.MSELoss(), case.inputs, nn.functional.one_hot(case.targets, 3).double(),
            n_epochs=10_000, learning_rate=1e20, batch_size=batch_size, rng=1, every=every,
            callback=lambda *_: kept.append(vector(case.model)),
        )  # fmt: skip
    assert np.isfinite(vector(case.model)).all()
    assert f"after {len(kept) - 1} epochs" in str(raised.value) or every > 1
    assert every > 1 or (vector(case.model) == kept[-1]).all()


def test_batch_norm_that_ran_away_has_finite_statistics_again():
    random = np.random.default_rng(1)
    model = ResNet(8, width=2, in_channels=1, rng=1, normalization=True).double()
    x, labels = random.normal(size=(20, 1, 8, 8)), random.integers(10, size=20)

    def growing(outputs, targets):
        return nn.functional.cross_entropy(outputs * outputs.detach().abs().max() ** 40, targets)

    with pytest.raises(FloatingPointError):
        train(model, growing, x, labels, n_epochs=50, learning_rate=1e6, batch_size=7, rng=1)
    assert all(torch.isfinite(value).all() for value in model.state_dict().values())
    assert math.isfinite(Loss(model, growing, x, labels)())
    train(model, nn.CrossEntropyLoss(), x, labels, n_epochs=1, learning_rate=1e-3)


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"n_epochs": -1}, ValueError, "n_epochs must be at least 0; got -1"),
        ({"n_epochs": 1.5}, TypeError, "n_epochs must be an integer; got 1.5"),
        ({"learning_rate": 0.0}, ValueError, "learning_rate must be positive; got 0.0"),
        ({"learning_rate": math.nan}, ValueError, "learning_rate must be finite; got nan"),
        ({"momentum": 1.0}, ValueError, "momentum must be below 1; got 1.0"),
        ({"momentum": 0.0, "nesterov": True}, ValueError, "momentum must be positive with nesterov; got 0.0"),
        ({"weight_decay": -1e-3}, ValueError, "weight_decay must be at least 0; got -0.001"),
        ({"batch_size": 0}, ValueError, "batch_size must be at least 1; got 0"),
        ({"schedule": "step"}, ValueError, "schedule must be 'cosine', a dictionary or None; got 'step'"),
        ({"schedule": {-1: 0.1}}, ValueError, "each epoch of schedule must be at least 0; got -1"),
        ({"schedule": {1: -0.1}}, ValueError, "each factor of schedule must be at least 0; got -0.1"),
        ({"keep": 0}, ValueError, "keep must be at least 1; got 0"),
        ({"every": 0}, ValueError, "every must be at least 1; got 0"),
        ({"chunk_size": 0}, ValueError, "chunk_size must be at least 1; got 0"),
        ({"test_inputs": np.ones((2, 2))}, ValueError, "must be given together; got only test_inputs"),
        ({"test_targets": np.ones((2, 1))}, ValueError, "must be given together; got only test_targets"),
        ({"rng": "x"}, TypeError, "rng must be an integer"),
        ({"callback": 3}, TypeError, "callback must be callable; got int"),
        ({"targets": None}, TypeError, "targets must be an array or a tensor; got None"),
        ({"targets": np.ones((3, 1))}, ValueError, "the same number of rows"),
        ({"model": 3}, TypeError, "model must be a torch.nn.Module; got int"),
        ({"loss_function": 3}, TypeError, "loss_function must be callable; got int"),
    ],
)
def test_what_trains_nothing_is_refused_and_the_model_left(options, error, words):
    x, y = rows()
    model = linear()
    given = {"model": model, "loss_function": nn.MSELoss(), "inputs": x, "targets": y, "n_epochs": 2,
             "learning_rate": 0.1} | options  # fmt: skip
    before = snapshot(model)
    with pytest.raises(error, match=words):
        train(**given)
    assert same(before, snapshot(model))


# Accuracy


def test_accuracy_is_the_share_of_rows_that_are_right():
    case = problem("tanh")
    for theta in (None, case.loss().parameters, case.loss().parameters[::-1].copy()):
        model = problem("tanh").model
        if theta is not None:
            nn.utils.vector_to_parameters(torch.as_tensor(theta), model.parameters())
        right = (model(case.inputs).argmax(dim=1) == case.targets).sum().item()
        assert accuracy(case.model, case.inputs, case.targets, theta) == right / 12
        assert (
            accuracy(case.model, case.inputs.numpy(), case.targets.numpy(), theta, chunk_size=5) == right / 12
        )
    targets = case.model(case.inputs).argmax(dim=1)
    assert accuracy(case.model, case.inputs, targets) == 1.0
    assert accuracy(case.model, case.inputs, (targets + 1) % 3) == 0.0
    assert (
        accuracy(case.model, case.inputs, torch.where(torch.arange(12) < 3, targets, (targets + 1) % 3))
        == 0.25
    )


@pytest.mark.parametrize("name", ["dropout", "batch norm"])
def test_accuracy_is_of_the_model_that_is_evaluated_and_leaves_it_alone(name):
    case = problem(name)
    case.model.train()
    before = snapshot(case.model)
    first = accuracy(case.model, case.inputs, case.targets)
    assert {accuracy(case.model, case.inputs, case.targets, chunk_size=k) for k in (1, 5, 12)} == {first}
    assert same(before, snapshot(case.model))
    case.model.eval()
    assert first == (case.model(case.inputs).argmax(dim=1) == case.targets).double().mean()


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        (
            {"labels": np.zeros(12)},
            ValueError,
            r"labels must be integers \(rows,\); got torch.float64 of \(12,\)",
        ),
        ({"labels": np.zeros((12, 1), int)}, ValueError, r"labels must be integers .* of \(12, 1\)"),
        ({"labels": np.full(12, 3)}, ValueError, "labels must be 0 to 2; got 3 to 3"),
        ({"labels": np.full(12, -1)}, ValueError, "labels must be 0 to 2; got -1 to -1"),
        ({"labels": np.zeros(11, int)}, ValueError, "the same number of rows"),
        ({"theta": np.zeros(3)}, ValueError, "theta must have the shape"),
        ({"model": nn.Flatten(0)}, ValueError, "model must have parameters"),
        ({"model": nn.Sequential(nn.Linear(4, 3), nn.Flatten(0)).double()}, ValueError, r"got \(36,\)"),
    ],
)
def test_labels_that_are_none_are_refused(change, error, words):
    case = problem("tanh")
    given = {"model": case.model, "inputs": case.inputs, "labels": case.targets} | change
    with pytest.raises(error, match=words):
        accuracy(**given)
