"""Products with the Hessian and the Gauss-Newton matrix against the whole matrix, in float64."""

import functools
import weakref
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from scipy.sparse.linalg import LinearOperator, aslinearoperator, eigsh
from torch import nn
from torch.nn.utils import parametrizations

from smbook.landscape import GaussNewton, Hessian, Loss, gauss_newton, hessian
from smbook.landscape._batches import Batches
from smbook.landscape._folding import Folding
from tests.landscape.models import SMOOTH_OR_NOT, dense_hessian, problem, same, snapshot

ALL = [*SMOOTH_OR_NOT, "dropout", "linear"]


def moved(loss, size=0.1, seed=0):
    theta = loss.parameters
    return theta + size * np.random.default_rng(seed).normal(size=theta.size)


def dense_gauss_newton(case, theta):
    """The sum of J^T B J over rows, each from its own Jacobian."""
    loss = case.loss()
    total = np.zeros((theta.size, theta.size))
    for row in range(len(case.targets)):
        x, y = case.inputs[row : row + 1], case.targets[row : row + 1]
        single = Loss(case.model, case.loss_function, x, y)
        chunk = next(iter(single._batches))

        def outputs(vector, single=single, chunk=chunk):
            return single._outputs(single._split(vector), chunk)

        jacobian = torch.autograd.functional.jacobian(outputs, torch.from_numpy(theta))[0].numpy()
        here = outputs(torch.from_numpy(theta)).detach()
        bent = torch.autograd.functional.hessian(lambda f, y=y: case.loss_function(f, y), here)[
            0, :, 0
        ].numpy()
        total += jacobian.T @ bent @ jacobian / loss.n_rows
    return total


# Products


@pytest.mark.parametrize("options", [{}, {"chunk_size": 5}])
@pytest.mark.parametrize("name", ALL)
def test_products_are_those_of_the_dense_hessian(name, options):
    case = problem(name)
    loss = case.loss(**options)
    theta = moved(loss)
    operator, dense = hessian(loss, theta), dense_hessian(case, theta)
    columns = operator @ np.eye(theta.size)
    np.testing.assert_allclose(columns, dense, atol=1e-13)
    vector = np.random.default_rng(2).normal(size=theta.size)
    np.testing.assert_allclose(operator @ vector, dense @ vector, atol=1e-13)
    np.testing.assert_allclose(operator.gradient, loss.gradient(theta), atol=1e-14)


@pytest.mark.parametrize("name", SMOOTH_OR_NOT)
def test_in_training_the_statistics_of_the_batch_are_differentiated_too(name):
    case = problem(name)
    loss = case.loss(mode="train")
    theta = moved(loss)
    found = hessian(loss, theta) @ np.eye(theta.size)
    np.testing.assert_allclose(found, dense_hessian(case, theta, "train"), atol=1e-13)
    if name in ("batch norm", "residual"):
        assert np.abs(found - dense_hessian(case, theta)).max() > 1e-3


@pytest.mark.parametrize("name", ["tanh", "shared"])
def test_products_are_differences_of_gradients(name):
    loss = problem(name).loss()
    theta, step = moved(loss), 1e-5
    vector = np.random.default_rng(2).normal(size=theta.size)
    slope = (loss.gradient(theta + step * vector) - loss.gradient(theta - step * vector)) / (2 * step)
    np.testing.assert_allclose(hessian(loss, theta) @ vector, slope, atol=1e-8)


def test_a_gradient_that_is_cut_off_would_be_seen():
    """The Gauss-Newton matrix is what is left if second derivatives of the model are forgotten."""
    case = problem("tanh")
    loss = case.loss()
    theta = moved(loss)
    difference = gauss_newton(loss, theta) @ np.eye(64) - dense_hessian(case, theta)
    assert np.abs(difference).max() > 1e-2


def test_batches_that_are_read_each_time_make_the_same_products():
    model, function, inputs, targets = problem("relu")
    batches = [(inputs[:5], targets[:5]), (inputs[5:], targets[5:])]
    loss = Loss(model, function, batches, keep=False)
    assert not loss.fixed
    np.testing.assert_allclose(hessian(loss) @ np.eye(64), dense_hessian(problem("relu")), atol=1e-13)


def test_a_reduced_precision_is_that_of_the_model():
    case = problem("tanh")
    dense = dense_hessian(case)
    single = Loss(case.model.float(), case.loss_function, case.inputs, case.targets)
    operator = hessian(single)
    assert operator.dtype == np.float32
    found = operator @ np.eye(64)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, dense, atol=1e-5)


def test_the_point_is_a_copy():
    loss = problem("tanh").loss()
    theta = torch.from_numpy(loss.parameters)
    operator = hessian(loss, theta)
    first = operator @ np.ones(64)
    theta.zero_()
    assert np.array_equal(operator @ np.ones(64), first)
    assert np.array_equal(operator.theta.numpy(), loss.parameters)


@pytest.mark.parametrize("kind", [hessian, gauss_newton])
def test_the_model_is_left_as_it_was(kind):
    case = problem("shared")
    before = snapshot(case.model)
    kind(case.loss()) @ np.eye(27)
    assert same(before, snapshot(case.model))


def test_a_linear_function_has_no_curvature():
    model = nn.Linear(3, 1).double()
    for function in (lambda o, _: o.mean(), nn.L1Loss()):
        loss = Loss(model, function, torch.eye(3), torch.zeros(3, 1))
        for kind in (hessian, gauss_newton):
            assert not (kind(loss) @ np.eye(4)).any()


# What comes in goes out


def test_arrays_and_tensors_of_one_and_of_many_columns():
    loss = problem("tanh").loss()
    operator = hessian(loss)
    columns = np.random.default_rng(1).normal(size=(64, 3))
    found = operator @ columns
    for k in range(3):
        assert np.array_equal(found[:, k], operator @ columns[:, k])
    tensor = operator @ torch.from_numpy(columns)
    assert isinstance(tensor, torch.Tensor)
    assert not tensor.requires_grad
    assert np.array_equal(tensor.numpy(), found)
    assert (operator @ columns[:, :0]).shape == (64, 0)
    assert isinstance(hessian(loss, torch.from_numpy(loss.parameters)).gradient, torch.Tensor)


def test_scipy_takes_the_operator_as_it_is():
    case = problem("tanh")
    operator, exact = hessian(case.loss()), np.linalg.eigvalsh(dense_hessian(case))
    linear = operator.to_scipy()
    assert isinstance(linear, LinearOperator)
    for each in (operator, linear):
        found = eigsh(each, k=3, which="BE", return_eigenvectors=False)
        np.testing.assert_allclose(np.sort(found), [exact[0], *exact[-2:]], atol=1e-10)
    columns = np.random.default_rng(1).normal(size=(64, 2))
    for each in (linear, aslinearoperator(operator)):
        for product in (each.matmat, each.rmatmat):
            np.testing.assert_allclose(product(columns), operator @ columns, atol=1e-15)
        assert each.matvec(columns[:, :1]).shape == (64, 1)


def test_names():
    operator = hessian(problem("tanh").loss())
    assert isinstance(operator, Hessian)
    assert operator.shape == (64, 64)
    assert repr(operator).startswith("Hessian(shape (64, 64), float64, of Loss(64 parameters, 12 rows")


# Blocks


@pytest.mark.parametrize("kind", [hessian, gauss_newton])
@pytest.mark.parametrize("options", [{}, {"chunk_size": 5}])
def test_blocks_are_those_of_the_matrix(kind, options):
    loss = problem("tanh").loss(**options)
    whole = kind(loss)
    dense = whole @ np.eye(64)
    for name, where in {**loss.layers, "2": slice(25, 49)}.items():
        block = whole.block(name)
        size = where.stop - where.start
        np.testing.assert_allclose(block @ np.eye(size), dense[where, where], atol=1e-14)
        np.testing.assert_allclose(block.gradient, whole.gradient[where], atol=1e-15)
    assert whole.block("2").layers == {"2.weight": slice(0, 20), "2.bias": slice(20, 24)}
    places = [*range(20, 25), *range(49, 64)]
    some = kind(loss, layers=["4", "0.bias"])
    np.testing.assert_allclose(some @ np.eye(20), dense[np.ix_(places, places)], atol=1e-14)
    np.testing.assert_allclose(some.block("0") @ np.eye(5), dense[20:25, 20:25], atol=1e-14)


def test_a_block_shares_what_is_retained():
    operator = hessian(problem("tanh").loss())
    operator @ np.ones(64)
    assert operator.block("2")._kept is operator._kept


# Gauss-Newton


@pytest.mark.parametrize("options", [{}, {"chunk_size": 5}])
@pytest.mark.parametrize("name", SMOOTH_OR_NOT)
def test_gauss_newton_is_the_sum_over_rows_of_its_definition(name, options):
    case = problem(name)
    loss = case.loss(**options)
    theta = moved(loss)
    operator = gauss_newton(loss, theta)
    found = operator @ np.eye(theta.size)
    np.testing.assert_allclose(found, dense_gauss_newton(case, theta), atol=1e-13)
    assert np.linalg.eigvalsh(found)[0] > -1e-13
    np.testing.assert_allclose(operator.gradient, loss.gradient(theta), atol=1e-14)
    assert isinstance(operator, GaussNewton)


def test_it_is_the_hessian_of_a_linear_model():
    case = problem("linear")
    np.testing.assert_allclose(gauss_newton(case.loss()) @ np.eye(15), dense_hessian(case), atol=1e-14)


def test_relu_gives_it_the_diagonal_of_the_hessian():
    case = problem("relu")
    diagonal = np.diagonal(dense_hessian(case))
    np.testing.assert_allclose(np.diagonal(gauss_newton(case.loss()) @ np.eye(64)), diagonal, atol=1e-14)


def test_a_loss_that_is_not_convex_may_bend_it_down():
    model, _, inputs, targets = problem("tanh")
    loss = Loss(model, lambda o, _: torch.cos(3 * o).mean(), inputs, targets)
    assert np.linalg.eigvalsh(gauss_newton(loss) @ np.eye(64))[0] < -0.1


# Batch norm in the weights before it


def normed(affine, bias, kind="linear"):
    first, norm, shape = {
        "linear": (nn.Linear(4, 5, bias=bias), nn.BatchNorm1d, (4,)),
        "conv1d": (nn.Conv1d(2, 5, 2, bias=bias), nn.BatchNorm1d, (2, 2)),
        "conv2d": (nn.Conv2d(1, 5, (2, 2), bias=bias), nn.BatchNorm2d, (1, 2, 2)),
    }[kind]
    rest = (norm(5, affine=affine), nn.Flatten(), nn.Tanh(), nn.Linear(5, 3))
    model = nn.Sequential(first, *rest).double()
    case = problem("tanh")._replace(model=model)
    case = case._replace(inputs=case.inputs.reshape(-1, *shape))
    model(2.0 * case.inputs + 1.0)
    return case


@pytest.mark.parametrize("layer", ["linear", "conv1d", "conv2d"])
@pytest.mark.parametrize(("affine", "bias"), [(True, False), (False, True), (False, False), (True, True)])
def test_batch_norm_goes_into_the_weights(layer, affine, bias):
    case = normed(affine, bias, layer)
    with Folding() as folding, torch.no_grad():
        outputs = case.model.eval()(case.inputs)
    assert folding.n_folded == 1
    np.testing.assert_allclose(outputs.numpy(), case.model(case.inputs).detach().numpy(), atol=1e-14)
    dense = dense_hessian(case)
    np.testing.assert_allclose(hessian(case.loss()) @ np.eye(len(dense)), dense, atol=1e-13)


def test_batch_norm_with_statistics_of_its_own_stays():
    case = normed(True, True)
    with Folding() as folding, torch.no_grad():
        case.model.train()(case.inputs)
    assert folding.n_folded == 0


def test_a_layer_that_was_written_over_is_not_folded():
    case = normed(True, False)
    with Folding() as folding, torch.no_grad():
        made = case.model[0](case.inputs)
        made.mul_(2.0)
        found = case.model[1].eval()(made)
    assert folding.n_folded == 0
    assert torch.equal(found, case.model[1](2.0 * case.model[0](case.inputs)))


# What is kept


def graphs_alive(operator, loss, monkeypatch):
    """How many graphs of chunks live at most at once during products."""
    known, most = [], 0
    make = operator._kind.__init__

    def noted(self, *args):
        nonlocal most
        make(self, *args)
        known.append(weakref.ref(self))
        most = max(most, sum(each() is not None for each in known))

    monkeypatch.setattr(operator._kind, "__init__", noted)
    for _ in range(3):
        operator @ np.eye(loss.n_parameters, 2)
    return most, len(known)


@pytest.mark.parametrize("kind", [hessian, gauss_newton])
def test_one_chunk_is_retained_and_of_more_one_at_a_time(kind, monkeypatch):
    whole, parts = problem("tanh").loss(), problem("tanh").loss(chunk_size=3)
    assert graphs_alive(kind(whole), whole, monkeypatch) == (1, 1)
    assert graphs_alive(kind(parts), parts, monkeypatch) == (1, 12)


def test_nothing_outlives_the_operator():
    loss = problem("tanh").loss()
    operator = hessian(loss)
    operator @ np.ones(64)
    gone = weakref.ref(operator._kept[0])
    del operator
    assert gone() is None
    assert isinstance(loss._batches, Batches)


# Refusals


@pytest.mark.parametrize(
    ("error", "match", "vector"),
    [
        (TypeError, "v must be a NumPy array or a torch tensor; got list", [1.0] * 64),
        (TypeError, "v must hold floating-point numbers; got dtype int64", np.ones(64, dtype=np.int64)),
        (TypeError, "floating-point numbers; got dtype torch.bool", torch.ones(64, dtype=torch.bool)),
        (ValueError, r"v must have the shape \(64,\) or \(64, k\); got \(65,\)", np.ones(65)),
        (ValueError, r"got \(1, 64\)", np.ones((1, 64))),
        (ValueError, r"got \(64, 1, 1\)", np.ones((64, 1, 1))),
        (ValueError, "v must be finite in torch.float64; got nan", np.full((64, 2), np.nan)),
    ],
)
@pytest.mark.parametrize("kind", [hessian, gauss_newton])
def test_what_is_no_vector_is_refused(kind, error, match, vector):
    operator = kind(problem("tanh").loss())
    with pytest.raises(error, match=match):
        operator @ vector


@pytest.mark.parametrize("kind", [hessian, gauss_newton])
def test_what_is_no_loss_or_no_layer_is_refused(kind):
    loss = problem("tanh").loss()
    with pytest.raises(TypeError, match="loss must be a Loss; got Sequential"):
        kind(problem("tanh").model)
    with pytest.raises(ValueError, match=r"theta must have the shape \(64,\)"):
        kind(loss, np.zeros(3))
    with pytest.raises(ValueError, match=r"among 0.weight, .*, or what holds them; got '1'"):
        kind(loss, layers=["0", "1"])
    with pytest.raises(ValueError, match="layers must name at least one"):
        kind(loss, layers=[])
    with pytest.raises(ValueError, match=r"name must be one of 2.weight, 2.bias; got '0'"):
        kind(loss, layers="2").block("0")


def test_gauss_newton_wants_one_tensor_of_outputs():
    class Two(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(2, 2)

        def forward(self, x):
            return self.layer(x), x

    loss = Loss(Two(), lambda o, _: o[0].mean(), torch.eye(2), torch.zeros(2))
    with pytest.raises(TypeError, match="model must return one tensor; got tuple"):
        gauss_newton(loss) @ np.ones(6)


class Sequences(nn.Module):
    """A linear layer of the last axis, and batch norm of the one before it."""

    def __init__(self, length, width):
        super().__init__()
        self.layer, self.norm = nn.Linear(4, width), nn.BatchNorm1d(length)
        self.last = nn.Linear(width, 3)

    def forward(self, x):
        x = torch.stack([x**k for k in range(self.norm.num_features)], dim=1)
        return self.last(torch.tanh(self.norm(self.layer(x))).mean(dim=1))


@pytest.mark.parametrize("length", [3, 5])
def test_batch_norm_of_another_axis_is_not_folded(length):
    torch.manual_seed(1)
    model = Sequences(length, 5).double()
    nn.init.normal_(model.norm.weight)
    case = problem("tanh")._replace(model=model.eval())
    dense = dense_hessian(case)
    np.testing.assert_allclose(hessian(case.loss()) @ np.eye(len(dense)), dense, atol=1e-13)


def test_a_layer_whose_inputs_were_written_over_is_not_folded():
    case = normed(True, False)
    with Folding() as folding, torch.no_grad():
        inputs = case.inputs.clone()
        made = case.model[0](inputs)
        inputs.zero_()
        case.model[1].eval()(made)
    assert folding.n_folded == 0


# What torch differentiates once only, or wrongly


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.TransformerEncoderLayer(4, 2, 8, batch_first=True)
        self.last = nn.Linear(4, 3)

    def forward(self, x):
        return self.last(self.layer(torch.stack([x, x.roll(1, 1), x**2], 1)).mean(dim=1))


def weight_normalized(dim):
    return nn.Sequential(parametrizations.weight_norm(nn.Linear(4, 5), dim=dim), nn.Tanh(), nn.Linear(5, 3))


def hooked():
    return nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.utils.weight_norm(nn.Linear(5, 3)))


@pytest.mark.filterwarnings("ignore:.*weight_norm.*is deprecated")
@pytest.mark.parametrize(
    "maker",
    [Attention, hooked, *(functools.partial(weight_normalized, dim) for dim in (0, 1, None))],
)
def test_what_torch_takes_in_one_go_has_right_second_derivatives(maker):
    torch.manual_seed(1)
    loss = problem("tanh")._replace(model=maker().double()).loss()
    theta, step = 1.1 * loss.parameters, 1e-5
    operator = hessian(loss, theta)
    v, w = np.random.default_rng(1).normal(size=(2, loss.n_parameters))
    slope = (loss.gradient(theta + step * v) - loss.gradient(theta - step * v)) / (2 * step)
    np.testing.assert_allclose(operator @ v, slope, atol=1e-7)
    assert w @ (operator @ v) == pytest.approx(v @ (operator @ w), rel=1e-10)
    gauss_newton(loss, theta) @ v


def test_products_are_had_where_torch_notes_no_gradient():
    loss = problem("tanh").loss()
    v = np.ones(loss.n_parameters)
    expected = hessian(loss) @ v
    for without in (torch.no_grad, torch.inference_mode):
        with without():
            assert np.array_equal(hessian(problem("tanh").loss()) @ v, expected)


def test_threads_that_come_together_retain_one_graph():
    loss = problem("tanh").loss()
    v = np.ones(loss.n_parameters)
    expected = hessian(loss) @ v
    for _ in range(20):
        operator = hessian(loss)
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda _, o=operator: o @ v, range(8)))
        assert len(operator._kept) == 1
        assert np.array_equal(operator @ v, expected)


def test_a_point_that_is_written_to_later_is_the_same_point():
    loss = problem("tanh").loss()
    operator = hessian(loss, loss.parameters)
    operator.theta[:] = 0.0
    v = np.ones(loss.n_parameters)
    assert np.array_equal(operator @ v, hessian(loss) @ v)


@pytest.mark.parametrize("layers", [3, None])
def test_what_is_no_name_of_a_layer_is_refused(layers):
    loss = problem("tanh").loss()
    with pytest.raises(TypeError, match=f"layers must be a name or several; got {layers}"):
        hessian(loss).block(layers)
