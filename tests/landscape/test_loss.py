"""The loss as a function of one vector: its value and gradient, and a model that is left as it was."""

import builtins
import functools
import importlib
import itertools
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from smbook.landscape import Loss
from tests.landscape.models import SMOOTH_OR_NOT, dense_hessian, plain_loss, problem, same, snapshot


def moved(loss, size=0.1, seed=0):
    theta = loss.parameters
    return theta + size * np.random.default_rng(seed).normal(size=theta.size)


class Pairs:
    """A loader that gives a list of batches each time, or other lists in turn."""

    def __init__(self, *lists):
        self.lists, self.turn = lists, 0

    def __iter__(self):
        self.turn += 1
        return iter(self.lists[(self.turn - 1) % len(self.lists)])


# Values


@pytest.mark.parametrize("name", [*SMOOTH_OR_NOT, "dropout", "linear"])
def test_the_loss_is_that_of_the_model_with_theta_written_into_it(name):
    case = problem(name)
    loss = case.loss()
    for theta in (loss.parameters, moved(loss)):
        assert loss(theta) == plain_loss(case, theta)
    assert loss() == loss(loss.parameters)


@pytest.mark.parametrize("name", SMOOTH_OR_NOT)
def test_in_training_batch_norm_has_the_statistics_of_the_batch(name):
    case = problem(name)
    loss = case.loss(mode="train")
    theta = moved(loss)
    assert loss(theta) == plain_loss(case, theta, "train")
    assert (loss(theta) != case.loss()(theta)) == (name in ("batch norm", "residual"))


@pytest.mark.parametrize("name", SMOOTH_OR_NOT)
def test_the_gradient_is_the_slope_along_every_axis(name):
    loss = problem(name).loss()
    theta, step = moved(loss), 1e-6
    slopes = [(loss(theta + step * e) - loss(theta - step * e)) / (2 * step) for e in np.eye(theta.size)]
    np.testing.assert_allclose(loss.gradient(theta), slopes, atol=1e-8)
    assert np.array_equal(loss.gradient(), loss.gradient(loss.parameters))


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@given(size=st.integers(1, 15), rows=st.integers(2, 13))
@settings(max_examples=15, deadline=None)
def test_chunks_of_any_size_make_up_the_whole(reduction, size, rows):
    model, _, inputs, targets = problem("tanh", rows=rows)
    function = nn.CrossEntropyLoss(reduction=reduction)
    whole = Loss(model, function, inputs, targets)
    parts = Loss(model, function, inputs, targets, chunk_size=size)
    assert parts.n_chunks == -(-rows // size)
    assert parts() == pytest.approx(whole(), rel=1e-13)
    np.testing.assert_allclose(parts.gradient(), whole.gradient(), atol=1e-13)


def test_equal_weights_of_unequal_chunks_would_be_seen():
    loss = problem("tanh").loss(chunk_size=5)  # 5, 5 and 2 rows
    weights = [chunk.weight for chunk in loss._batches]
    wrong = sum(
        value.item() / weight / 3
        for value, weight in zip(loss._values(loss._leaves(loss._point(None))), weights, strict=True)
    )
    assert sum(weights) == pytest.approx(1.0)
    assert abs(wrong - problem("tanh").loss()()) > 1e-3


@pytest.mark.parametrize("keep", [True, False])
def test_a_loader_is_read_once_or_each_time(keep):
    model, function, inputs, targets = problem("tanh")
    loader = DataLoader(TensorDataset(inputs, targets), batch_size=5)
    loss = Loss(model, function, loader, keep=keep)
    whole = Loss(model, function, inputs, targets)
    assert loss.fixed == keep
    assert (loss.n_rows, loss.n_chunks) == (12, 3)
    assert loss() == pytest.approx(whole(), rel=1e-14)
    np.testing.assert_allclose(loss.gradient(), whole.gradient(), atol=1e-15)
    finer = Loss(model, function, loader, keep=keep, chunk_size=2)
    assert (finer.n_chunks, finer()) == (7, pytest.approx(whole(), rel=1e-14))


def test_batches_in_another_order_are_the_same_batch_up_to_rounding():
    model, function, inputs, targets = problem("tanh")
    torch.manual_seed(3)
    loader = DataLoader(TensorDataset(inputs, targets), batch_size=5, shuffle=True)
    loss = Loss(model, function, loader, keep=False)
    assert loss() == pytest.approx(problem("tanh").loss()(), rel=1e-13)


def test_a_batch_is_held_whatever_its_owner_does():
    model, function, inputs, targets = problem("tanh")
    expected = problem("tanh").loss()()

    def refilled():  # a loader that gives the same memory each time
        rows = torch.empty(6, 4, dtype=torch.float64)
        for start in (0, 6):
            yield rows.copy_(inputs[start : start + 6]), targets[start : start + 6]

    assert Loss(model, function, refilled())() == pytest.approx(expected, rel=1e-14)
    loss = Loss(model, function, inputs, targets)
    inputs.zero_()
    assert loss() == expected


def test_a_kept_batch_does_not_change_with_its_loader():
    model, function, inputs, targets = problem("tanh")
    loader = Pairs([(inputs, targets)], [(2 * inputs, targets)])
    loss = Loss(model, function, loader)
    assert loss() == loss() == problem("tanh").loss()()
    assert Loss(model, function, iter([(inputs, targets)]))() == loss()


def test_several_inputs_are_arguments_of_the_model():
    model = nn.Bilinear(2, 3, 1).double()
    one, two, y = np.ones((4, 2)), np.arange(12.0).reshape(4, 3), np.zeros((4, 1))
    loss = Loss(model, nn.MSELoss(), (one, two), y, chunk_size=3)
    expected = (model(torch.from_numpy(one), torch.from_numpy(two)) ** 2).mean().item()
    assert loss() == pytest.approx(expected, rel=1e-14)
    assert Loss(model, nn.MSELoss(), [([one, two], y)])() == pytest.approx(expected, rel=1e-14)


def test_arrays_of_any_kind_are_brought_to_the_model():
    model = nn.Linear(3, 2)
    inputs = np.arange(12.0).reshape(3, 4).T
    inputs.flags.writeable = False
    loss = Loss(model, nn.CrossEntropyLoss(), inputs, np.array([0, 1, 1, 0]))
    assert loss.dtype == torch.float32
    assert loss.gradient().dtype == np.float32


# Vectors


def test_the_result_is_what_theta_is():
    loss = problem("tanh").loss()
    theta = moved(loss)
    array, tensor = loss.gradient(theta), loss.gradient(torch.from_numpy(theta))
    assert isinstance(array, np.ndarray)
    assert isinstance(tensor, torch.Tensor)
    assert not tensor.requires_grad
    assert np.array_equal(array, tensor.numpy())
    assert loss(torch.from_numpy(theta).requires_grad_()) == loss(theta)
    assert loss.gradient(theta.astype(np.float32)).dtype == np.float64


def test_the_layers_say_where_parameters_lie():
    case = problem("tanh")
    loss = case.loss()
    for name, parameter in case.model.named_parameters():
        part = loss.parameters[loss.layers[name]].reshape(loss.shapes[name])
        assert np.array_equal(part, parameter.detach().numpy())
    assert loss.n_parameters == 64
    assert repr(loss) == "Loss(64 parameters, 12 rows, mode 'eval', torch.float64 on cpu)"


def test_shared_parameters_stand_once_and_frozen_ones_not():
    loss = problem("shared").loss()
    assert list(loss.layers) == ["encoder.weight", "encoder.bias", "twice.weight", "twice.bias"]
    case = problem("tanh")
    case.model[2].requires_grad_(False)
    assert list(case.loss().layers) == ["0.weight", "0.bias", "4.weight", "4.bias"]
    assert case.loss()() == problem("tanh").loss()()


# The model


@pytest.mark.parametrize("mode", ["eval", "train"])
@pytest.mark.parametrize("name", SMOOTH_OR_NOT)
def test_the_model_is_left_as_it_was(name, mode):
    case = problem(name)
    next(iter(case.model.modules())).training = mode == "eval"
    before, state = snapshot(case.model), torch.get_rng_state()
    loss = case.loss(mode=mode)
    theta = moved(loss)
    loss(theta), loss.gradient(theta)
    assert same(before, snapshot(case.model))
    assert torch.equal(torch.get_rng_state(), state)


def test_a_loader_draws_no_number_that_others_draw_later():
    model, function, inputs, targets = problem("tanh")
    state = torch.get_rng_state()
    Loss(model, function, DataLoader(TensorDataset(inputs, targets), batch_size=5, shuffle=True))
    assert torch.equal(torch.get_rng_state(), state)


class Counting(nn.Module):
    """A model that notes what it has done."""

    def __init__(self):
        super().__init__()
        self.layer, self.calls, self.seen = nn.Linear(4, 3).double(), 0, []

    def forward(self, x):
        self.calls += 1
        self.seen.append(x)
        self.last = self.layer(x)
        return self.last


def test_attributes_of_the_model_are_as_they_were():
    case = problem("tanh")._replace(model=Counting())
    case.loss().gradient()
    assert (case.model.calls, case.model.seen, hasattr(case.model, "last")) == (0, [], False)


@pytest.mark.filterwarnings("ignore:.*weight_norm.*is deprecated")
def test_a_weight_that_hooks_compute_is_as_it_was():
    model = nn.Sequential(nn.utils.weight_norm(nn.Linear(4, 3).double()))
    before = model[0].weight
    case = problem("tanh")._replace(model=model)
    loss = case.loss()
    loss(2 * loss.parameters)
    assert model[0].weight is before


def test_an_interrupt_at_any_call_leaves_the_model_as_it_was():
    case = problem("batch norm")
    loss = case.loss()
    before, theta, known = snapshot(case.model), 2 * loss.parameters, sys.gettrace()
    for stop in itertools.count(1):
        calls = itertools.count(1)

        def interrupt(*_, calls=calls, stop=stop):
            if next(calls) == stop:
                raise KeyboardInterrupt

        try:
            sys.settrace(interrupt)
            loss(theta)
            break
        except KeyboardInterrupt:
            assert same(before, snapshot(case.model)), stop
        finally:
            sys.settrace(known)
            torch.set_grad_enabled(True)  # which an interrupt of torch's own `no_grad` leaves off
    assert stop > 100


def test_threads_take_turns_with_a_model():
    case = problem("tanh")
    loss = case.loss()
    before, points = snapshot(case.model), [k * loss.parameters for k in range(8)]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(loss, 20 * points))
    assert found == 20 * [loss(point) for point in points]
    assert same(before, snapshot(case.model))


def test_gradients_are_had_where_torch_notes_none():
    loss = problem("tanh").loss()
    expected = loss.gradient()
    for without in (torch.no_grad, torch.inference_mode):
        with without():
            assert np.array_equal(problem("tanh").loss().gradient(), expected)
            point = torch.tensor(loss.parameters)
            assert np.array_equal(loss.gradient(point), expected)
            assert np.array_equal(loss.gradient(point.numpy()), expected)


def test_a_call_that_torch_itself_would_make_moves_a_shared_part():
    case = problem("shared")
    before = snapshot(case.model)
    other = {name: 2 * value for name, value in case.model.named_parameters()}
    torch.func.functional_call(case.model, other, case.inputs)
    assert not same(before, snapshot(case.model))


def test_the_flags_come_back_after_an_error():
    case = problem("batch norm")
    loss = case.loss()
    before = snapshot(case.model)
    case.model.append(nn.Linear(7, 7).double())
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        loss()
    assert snapshot(case.model)[1][:-1] == before[1]


def test_only_assign_changes_the_model():
    case = problem("shared")
    loss = case.loss()
    theta = moved(loss)
    loss.assign(theta)
    assert np.array_equal(loss.parameters, theta)
    assert case.model.again.weight is case.model.twice.weight
    assert loss() == plain_loss(case, theta)
    with pytest.raises(ValueError, match=r"theta must have the shape \(27,\)"):
        loss.assign(theta[:-1])
    assert np.array_equal(loss.parameters, theta)


def test_a_loss_that_is_not_finite_elsewhere_is_told_as_it_is():
    case = problem("tanh")
    loss = case.loss()
    assert loss(np.full(64, 1e308)) == pytest.approx(plain_loss(case, np.full(64, 1e308)), nan_ok=True)


# Refusals


def refused(error, match, name="tanh", change=None, **options):
    case = problem(name)
    arguments = case._asdict() | (change or {})
    with pytest.raises(error, match=match):
        Loss(**arguments, **options)


def summed(outputs, _):
    return (outputs**2).sum()


def nothing(outputs, _):
    return outputs.sum() * torch.nan


class Writing(nn.Module):
    """A model that shrinks its weights, or what it is given, each time."""

    def __init__(self, what):
        super().__init__()
        self.layer, self.what = nn.Linear(4, 3).double(), what

    def forward(self, x):
        with torch.no_grad():
            {"inputs": x, "weights": self.layer.weight, "data": self.layer.weight.data}[self.what].mul_(0.9)
        return self.layer(x)


class Centred(nn.Module):
    """A model that takes a mean over rows."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(4, 3).double()

    def forward(self, x):
        return self.layer(x - x.mean(dim=0))


class Mixed(nn.Module):
    def __init__(self):
        super().__init__()
        self.one = nn.Linear(4, 4).double()
        self.two = nn.Linear(4, 3)


class Complex(nn.Module):
    def __init__(self):
        super().__init__()
        self.phase = nn.Parameter(torch.ones(3, dtype=torch.complex128))


@pytest.mark.parametrize(
    ("error", "match", "change"),
    [
        (TypeError, "model must be a torch.nn.Module; got function", {"model": summed}),
        (ValueError, "model must have parameters that require a gradient", {"model": nn.Tanh()}),
        (TypeError, "real parameters; got torch.complex128 in phase", {"model": Complex()}),
        (TypeError, "one dtype on one device; got torch.float32 on cpu, torch.float64", {"model": Mixed()}),
        (ValueError, "parameters with values; got none in weight", {"model": nn.LazyLinear(3)}),
        (ValueError, "parameters with values; got none in weight", {"model": nn.Linear(4, 3, device="meta")}),
        (TypeError, "loss_function must be callable; got int", {"loss_function": 3}),
        (TypeError, "loss_function must return a tensor; got float", {"loss_function": lambda *_: 1.0}),
        (ValueError, r"one real number; got torch.float64 of .*\(12, 3\)", {"loss_function": lambda o, _: o}),
        (ValueError, "finite at the parameters of the model; got nan", {"loss_function": nothing}),
        (ValueError, "one of 'mean', 'sum'; got 'none'", {"loss_function": nn.MSELoss(reduction="none")}),
        (ValueError, r"same number of rows; got \[12, 11\]", {"targets": torch.zeros(11)}),
        (ValueError, "at least one row", {"inputs": torch.zeros(0, 4), "targets": torch.zeros(0)}),
        (ValueError, "inputs must have rows; got the single number 1.0", {"inputs": torch.tensor(1.0)}),
        (TypeError, "inputs must be a tensor or an array of numbers; got a str", {"inputs": "abc"}),
        (TypeError, "targets must be a tensor or an array of numbers; got a list of 2", {"targets": [1, 2]}),
        (TypeError, "got a masked array", {"inputs": np.ma.zeros((12, 4))}),
        (ValueError, "model must not write to its inputs", {"model": Writing("inputs")}),
        (ValueError, "model must not write to its parameters", {"model": Writing("weights")}),
        (ValueError, "model must not write to its parameters", {"model": Writing("data")}),
        (ValueError, "model must treat each row by itself", {"model": Centred(), "chunk_size": 6}),
        (ValueError, "model must treat each row by itself", {"model": Centred(), "chunk_size": 1}),
        (TypeError, "targets must be given", {"targets": None}),
        (TypeError, "pair .inputs, targets.; got a Tensor", {"inputs": [torch.ones(3)], "targets": None}),
        (ValueError, "at least one row", {"inputs": [], "targets": None}),
        (ValueError, "mode must be one of", {"mode": "test"}),
        (ValueError, "chunk_size must be at least 1; got 0", {"chunk_size": 0}),
        (TypeError, "chunk_size must be an integer; got 2.5", {"chunk_size": 2.5}),
    ],
)  # fmt: skip
def test_what_is_no_loss_is_refused(error, match, change):
    refused(error, match, change=change)


def test_dropout_that_is_on_is_refused():
    refused(ValueError, "must answer the same twice; got .* and .*Dropout", "dropout", mode="train")
    problem("dropout").loss()


def test_batch_norm_wants_its_batch_in_one_chunk():
    refused(
        ValueError, "chunk_size must leave the 12 rows in one chunk", "batch norm", mode="train", chunk_size=6
    )
    case = problem("batch norm")
    case.model[1] = nn.BatchNorm1d(5, track_running_stats=False).double()
    case.loss(chunk_size=12)
    with pytest.raises(ValueError, match="one chunk where batch norm takes its statistics"):
        case.loss(chunk_size=11)


@pytest.mark.parametrize(
    ("function", "reduction"),
    [
        (nn.CrossEntropyLoss(weight=torch.tensor([1.0, 5.0, 0.2]).double()), None),  # no mean over rows
        (summed, None),
        (lambda outputs, _: (outputs**2).mean(), "sum"),
    ],
)
def test_a_loss_that_does_not_add_up_over_rows_is_not_taken_in_chunks(function, reduction):
    change = {"loss_function": function}
    refused(ValueError, "over rows, to be taken in chunks", change=change, reduction=reduction, chunk_size=7)
    case = problem("tanh")
    Loss(case.model, function, case.inputs, case.targets, reduction=reduction)


CLASSES = nn.CrossEntropyLoss(weight=torch.tensor([1.0, 5.0, 0.2]).double())


@pytest.mark.parametrize("size", [1, 2, 7])
def test_weights_of_classes_are_seen_in_chunks_of_any_size(size):
    refused(
        ValueError, "over rows, to be taken in chunks", change={"loss_function": CLASSES}, chunk_size=size
    )


def test_weights_of_classes_are_seen_where_all_outputs_are_equal():
    case = problem("tanh")
    nn.init.zeros_(case.model[4].weight), nn.init.zeros_(case.model[4].bias)
    with pytest.raises(ValueError, match="over rows, to be taken in chunks"):
        case._replace(loss_function=CLASSES).loss(chunk_size=6)


@pytest.mark.parametrize("size", [3, 4, 6])
@pytest.mark.parametrize("ignored", [slice(0, 3), slice(9, 12), slice(0, 2), slice(10, 12)])
def test_targets_that_are_ignored_in_any_chunk_are_seen(ignored, size):
    case = problem("tanh")
    case.targets[ignored] = -100
    with pytest.raises(ValueError, match="over rows, to be taken in chunks"):
        case.loss(chunk_size=size)


class Pair(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(4, 3).double()

    def forward(self, x):
        return {"logits": self.layer(x), "inputs": x}


def test_chunks_are_checked_where_a_model_has_several_outputs():
    case = problem("tanh")._replace(model=Pair())
    plain, weighted = (lambda o, t, f=f: f(o["logits"], t) for f in (case.loss_function, CLASSES))
    whole = case._replace(loss_function=plain)
    assert whole.loss(chunk_size=5)() == pytest.approx(whole.loss()(), rel=1e-14)
    with pytest.raises(ValueError, match="over rows, to be taken in chunks"):
        case._replace(loss_function=weighted).loss(chunk_size=5)


class Tokens(nn.Module):
    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(5, 3).double()

    def forward(self, x):
        return self.table(x)


def test_rows_of_other_lengths_are_checked_within_their_batch():
    def over_words(outputs, targets):
        return nn.functional.cross_entropy(outputs.flatten(0, 1), targets.flatten(), ignore_index=0)

    batches = [(torch.ones(2, n, dtype=torch.int64), torch.ones(2, n, dtype=torch.int64)) for n in (3, 4)]
    Loss(Tokens(), over_words, batches)
    batches[1][1][0, 1:] = 0
    with pytest.raises(ValueError, match="over rows, to be taken in chunks"):
        Loss(Tokens(), over_words, batches)


def test_the_reduction_is_read_from_the_function():
    model, _, inputs, targets = problem("tanh")
    for function in (
        nn.CrossEntropyLoss(reduction="sum"),
        functools.partial(nn.functional.cross_entropy, reduction="sum"),
    ):
        assert Loss(model, function, inputs, targets, chunk_size=5).reduction == "sum"


def test_a_mean_of_the_batch_is_a_mean():
    model, _, inputs, _ = problem("tanh")
    model.append(nn.LogSoftmax(dim=1))
    shares = torch.softmax(inputs[:, :3], dim=1)
    whole, parts = (
        Loss(model, nn.KLDivLoss(reduction="batchmean"), inputs, shares, chunk_size=size)
        for size in (None, 5)
    )
    assert parts() == pytest.approx(whole(), rel=1e-13)


def test_a_loader_that_changes_its_examples_is_refused():
    model, function, inputs, targets = problem("tanh")
    other = Pairs([(inputs, targets)], [(inputs, targets)], [(1.01 * inputs, targets)])
    with pytest.raises(ValueError, match="must answer the same twice"):
        Loss(model, function, other, keep=False)
    fewer = Pairs([(inputs, targets)], [(inputs[1:], targets[1:])])
    with pytest.raises(RuntimeError, match="the same rows each time; got 12 and then 11"):
        Loss(model, function, fewer, keep=False)
    with pytest.raises(TypeError, match="again and again unless keep=True; got an iterator"):
        Loss(model, function, iter([(inputs, targets)]), keep=False)


@pytest.mark.parametrize(
    ("error", "match", "theta"),
    [
        (TypeError, "theta must be a NumPy array or a torch tensor; got list", [0.0] * 64),
        (TypeError, "theta must hold floating-point numbers; got dtype int64", np.zeros(64, dtype=np.int64)),
        (
            TypeError,
            "floating-point numbers; got dtype torch.complex64",
            torch.zeros(64, dtype=torch.complex64),
        ),
        (TypeError, "got MaskedArray", np.ma.zeros(64)),
        (ValueError, r"theta must have the shape \(64,\); got \(63,\)", np.zeros(63)),
        (ValueError, r"theta must have the shape \(64,\); got \(64, 1\)", np.zeros((64, 1))),
        (ValueError, "theta must be finite in torch.float64; got nan", np.full(64, np.nan)),
        (ValueError, "theta must be finite in torch.float64; got -inf", torch.full((64,), -torch.inf)),
    ],
)
def test_what_is_no_point_is_refused(error, match, theta):
    loss = problem("tanh").loss()
    for function in (loss, loss.gradient, loss.assign):
        with pytest.raises(error, match=match):
            function(theta)


def test_a_point_whose_sum_overflows_is_finite_still():
    loss = Loss(nn.Linear(2, 1, bias=False), nn.L1Loss(), torch.eye(2), torch.zeros(2, 1))
    assert loss(np.array([3e38, 3e38], dtype=np.float32)) == np.inf
    with pytest.raises(ValueError, match=r"finite in torch\.float32; got 1e"):
        loss(np.array([1e300, 0.0]))


def test_a_loss_of_no_parameter_has_no_gradient():
    loss = Loss(nn.Linear(2, 1), lambda o, t: (o.detach() - t).mean(), torch.eye(2), torch.zeros(2, 1))
    with pytest.raises(ValueError, match="loss must depend on the parameters"):
        loss.gradient()


def test_without_torch_the_import_says_what_to_install(monkeypatch):
    real = builtins.__import__

    def without_torch(name, *args, **kwargs):
        if name == "torch":
            raise ModuleNotFoundError("No module named 'torch'", name="torch")
        return real(name, *args, **kwargs)

    for name in [name for name in sys.modules if name.startswith("smbook.landscape")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(builtins, "__import__", without_torch)
    with pytest.raises(ImportError, match=r'pip install "smbook\[landscape\]"'):
        importlib.import_module("smbook.landscape")


def test_the_dense_hessian_of_these_tests_is_that_of_finite_differences():
    case = problem("shared")
    loss = case.loss()
    theta, step = moved(loss), 1e-5
    rows = [
        (loss.gradient(theta + step * e) - loss.gradient(theta - step * e)) / (2 * step) for e in np.eye(27)
    ]
    np.testing.assert_allclose(dense_hessian(case, theta), rows, atol=1e-8)
