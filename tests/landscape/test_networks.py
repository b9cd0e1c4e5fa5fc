"""Networks: what they compute by hand, how many parameters they have, and how their weights are drawn."""

import copy
import math
import pickle

import numpy as np
import pytest
import torch
from torch import nn

from smbook.landscape import FullyConnected, LeNet, Loss, ResNet, _points, fcnn_1, fcnn_2, hessian, surface
from smbook.landscape.directions import random_directions
from smbook.landscape.networks import SHORTCUTS


def count(model):
    return sum(parameter.numel() for parameter in model.parameters())


@pytest.fixture
def double():
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


MAKERS = {
    "fully connected": lambda **options: FullyConnected([3, 7, 2], **options),
    "fcnn 1": fcnn_1,
    "fcnn 2": fcnn_2,
    "lenet": lambda **options: LeNet(size=8, **options),
    "resnet": lambda **options: ResNet(8, width=2, in_channels=1, **options),
}
IMAGES = {"lenet": (1, 8, 8), "resnet": (1, 8, 8), "fully connected": (3,)}


# How their weights are drawn


@pytest.mark.parametrize("name", MAKERS)
def test_a_seed_draws_the_same_weights_and_leaves_torch_alone(name):
    state = torch.get_rng_state()
    one, again, other = (nn.utils.parameters_to_vector(MAKERS[name](rng=k).parameters()) for k in (1, 1, 2))
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(one, again)
    assert not torch.equal(one, other)
    generator = np.random.default_rng(1)
    one, other = (nn.utils.parameters_to_vector(MAKERS[name](rng=generator).parameters()) for _ in range(2))
    assert not torch.equal(one, other)
    assert not torch.equal(one, nn.utils.parameters_to_vector(MAKERS[name]().parameters()))


@pytest.mark.usefixtures("double")
@pytest.mark.parametrize("name", MAKERS)
def test_they_are_of_the_default_dtype_and_on_the_cpu(name):
    with torch.device("meta"):
        model = MAKERS[name](rng=1)
    assert {(each.dtype, each.device.type) for each in model.parameters()} == {(torch.float64, "cpu")}


def z_of_variance(weights, variance):
    """Of the sum of squares of normal numbers of mean 0, in standard errors."""
    return (weights.square().mean().item() / variance - 1) * math.sqrt(weights.numel() / 2)


def layers_with_gains():
    """Yield layers, how many inputs a unit has, and the variance that the signal is to be multiplied by."""
    for name, square in (("relu", 2.0), ("tanh", (5 / 3) ** 2), ("gelu", 2.0), ("identity", 1.0)):
        for layer in FullyConnected([50, 100, 100, 70], name, rng=3)[::2]:
            yield layer, layer.in_features, square
    for layer in (part for part in LeNet(rng=3) if isinstance(part, (nn.Conv2d, nn.Linear))):
        yield layer, layer.weight[0].numel(), 2.0
    for layer in (part for part in ResNet(14, rng=3).modules() if isinstance(part, (nn.Conv2d, nn.Linear))):
        yield layer, layer.weight[0].numel(), 2.0


def test_weights_keep_the_size_of_signals():
    """A gain that is off by 5 % would be seen in the larger layers."""
    z = np.array([z_of_variance(layer.weight, square / n) for layer, n, square in layers_with_gains()])
    assert abs(z).max() < 4
    assert abs(z.mean()) * math.sqrt(z.size) < 4
    wrong = [z_of_variance(layer.weight, 1.05 * square / n) for layer, n, square in layers_with_gains()]
    assert abs(np.array(wrong)).max() > 4


def test_biases_are_uniform_so_that_kinks_are_spread():
    layers = FullyConnected([1, 400, 300, 1], rng=2)[::2]
    for layer in layers:
        scaled = layer.bias * math.sqrt(layer.in_features)
        assert scaled.abs().max() <= 1.0
    assert abs(z_of_variance(layers[1].bias, 1 / (3 * 400))) < 4  # an upper bound of the deviation
    kinks = -layers[0].bias / layers[0].weight[:, 0]
    assert (kinks.abs() < 1).sum() > 200
    assert kinks.unique().numel() == 400
    assert all(layer.bias is None for layer in FullyConnected([2, 3, 1], bias=False)[::2])


# Fully connected ones


@pytest.mark.parametrize(("k", "published"), [(2, 10_401), (3, 20_501), (10, 91_201), (11, 101_301)])
def test_hidden_layers_of_a_hundred_units_have_as_many_parameters(k, published):
    assert count(FullyConnected([1, *[100] * k, 1])) == 200 + (k - 1) * 10_100 + 101 == published


def test_the_networks_for_functions_have_two_and_ten_hidden_layers():
    for make, k in ((fcnn_1, 2), (fcnn_2, 10)):
        layers = [(part.in_features, part.out_features) for part in make(1)[::2]]
        assert layers == [(1, 100), *[(100, 100)] * (k - 1), (100, 1)]
        assert {type(part) for part in make(1)[1::2]} == {nn.ReLU}


ACTIVATIONS = {
    "relu": lambda x: np.maximum(x, 0.0),
    "tanh": np.tanh,
    "softplus": lambda x: np.log1p(np.exp(x)),
    "identity": lambda x: x,
    "gelu": lambda x: x * 0.5 * (1.0 + np.vectorize(math.erf)(x / math.sqrt(2.0))),
}


@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize("bias", [True, False])
def test_a_fully_connected_network_is_what_its_formula_says(name, bias):
    model = FullyConnected([3, 4, 5, 2], name, bias, rng=1).double()
    x = np.random.default_rng(1).normal(size=(6, 3))
    found = x
    for k, layer in enumerate(model[::2]):
        found = (found if k == 0 else ACTIVATIONS[name](found)) @ layer.weight.detach().numpy().T
        found = found + (layer.bias.detach().numpy() if bias else 0.0)
    assert model(torch.as_tensor(x)).detach().numpy() == pytest.approx(found, rel=1e-12)


def test_a_network_without_hidden_layers_is_linear():
    model = FullyConnected([2, 3], rng=1)
    assert len(model) == 1
    x, y = torch.eye(2)
    bias = model(torch.zeros(2))
    assert torch.allclose(model(2 * x - y) - bias, 2 * (model(x) - bias) - (model(y) - bias), atol=1e-6)


def plane(model, inputs, targets):
    loss = Loss(model.double(), nn.MSELoss(), inputs, targets)
    return loss, torch.as_tensor(random_directions(loss, 2, rng=1))


@pytest.mark.parametrize("name", ["relu", "tanh"])
def test_surface_takes_its_fast_path_to_the_same_values(name):
    x = np.linspace(-1, 1, 20)[:, None]
    loss, rows = plane(FullyConnected([1, 8, 8, 1], name, rng=1), x, np.sin(4 * x))
    assert _points.linear_stack(loss) is not None
    found = surface(loss, rows, n_points=5)
    coefficients = np.stack(np.meshgrid(*found.axes, indexing="ij"), axis=-1).reshape(-1, 2)
    plain = _points.plain_values(loss, _points.Section(loss._point(None), rows), coefficients)
    assert found.values.ravel() == pytest.approx(plain, rel=1e-12)


class Doubled(FullyConnected):
    def forward(self, x):
        return 2.0 * super().forward(x)


def hooked(widths, rng):
    model = FullyConnected(widths, rng=rng)
    model.register_forward_hook(lambda *arguments: 2.0 * arguments[2])
    return model


@pytest.mark.parametrize("make", [Doubled, hooked])
def test_what_computes_another_thing_has_no_fast_path(make):
    x = np.linspace(-1, 1, 20)[:, None]
    loss, rows = plane(make([1, 8, 1], rng=1), x, np.sin(4 * x))
    assert _points.linear_stack(loss) is None
    assert surface(loss, rows[0], n_points=3).values[2] == pytest.approx(loss(loss._point(None) + rows[0]))


@pytest.mark.parametrize("name", MAKERS)
def test_networks_travel_and_are_copied(name):
    model = MAKERS[name](rng=1).eval()
    x = torch.randn(4, *IMAGES.get(name, (1,)), generator=torch.Generator().manual_seed(1))
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert type(other) is type(model)
        assert torch.equal(other(x), model(x))
    fresh = MAKERS[name](rng=2).eval()
    assert not torch.equal(fresh(x), model(x))
    fresh.load_state_dict(model.state_dict())
    assert torch.equal(fresh(x), model(x))


def test_a_slice_is_a_plain_sequence():
    model = FullyConnected([2, 3, 4, 1], rng=1)
    x = torch.randn(5, 2, generator=torch.Generator().manual_seed(1))
    assert type(model[:3]) is type(model[3:]) is nn.Sequential
    assert torch.equal(model[3:](model[:3](x)), model(x))
    assert model[-1] is list(model)[4]


# Images


@pytest.mark.parametrize(("channels", "size"), [(1, 8), (1, 11), (1, 12), (2, 13), (1, 28), (3, 32)])
def test_lenet_takes_images_of_any_size(channels, size):
    model = LeNet(channels, size, 4, rng=1)
    assert model(torch.zeros(2, channels, size, size)).shape == (2, 4)
    assert sum(isinstance(part, nn.Conv2d) for part in model) == 2


def test_lenet_has_the_parameters_of_lenet_5():
    layers = (25 + 1) * 6, (6 * 25 + 1) * 16, (400 + 1) * 120, (120 + 1) * 84, (84 + 1) * 10
    assert count(LeNet()) == sum(layers) == 61_706


BY_HAND = {"convolution": 855_770, "identity": 853_018, "none": 853_018}


def parameters_of_resnet(depth, width, in_channels, shortcuts):
    """Convolutions without biases, two numbers a channel for each norm, and the last layer."""
    n = (depth - 2) // 6
    one, two, three = width, 2 * width, 4 * width

    def convolution(before, after, size=3):
        return before * after * size**2 + 2 * after

    total = convolution(in_channels, one) + 2 * n * convolution(one, one)
    total += convolution(one, two) + (2 * n - 1) * convolution(two, two)
    total += convolution(two, three) + (2 * n - 1) * convolution(three, three)
    if shortcuts == "convolution":
        total += convolution(one, two, 1) + convolution(two, three, 1)
    return total + (three + 1) * 10


@pytest.mark.parametrize("shortcuts", SHORTCUTS)
def test_residual_networks_have_as_many_parameters_as_published(shortcuts):
    assert count(ResNet(56, shortcuts=shortcuts)) == BY_HAND[shortcuts]
    for depth, width, channels in ((8, 4, 1), (20, 16, 3), (56, 16, 3)):
        found = count(ResNet(depth, shortcuts=shortcuts, width=width, in_channels=channels))
        assert found == parameters_of_resnet(depth, width, channels, shortcuts)


def test_the_depth_is_that_of_layers_with_weights():
    for depth in (8, 20):
        layers = ResNet(depth, shortcuts="none").modules()
        assert sum(isinstance(part, (nn.Conv2d, nn.Linear)) for part in layers) == depth


def bare(shortcuts, **options):
    """A residual network whose blocks do nothing but what goes around their convolutions."""
    model = ResNet(
        14, shortcuts=shortcuts, width=2, in_channels=1, n_classes=3, normalization=False, rng=1, **options
    )
    with torch.no_grad():
        for block in model.blocks:
            for part in (*block.one, *block.two):
                part.weight.zero_()
                part.bias.zero_()
    return model


@pytest.mark.parametrize("side", [8, 9])
def test_identities_pass_every_other_pixel_and_the_others_nothing(side):
    x = torch.randn(5, 1, side, side, generator=torch.Generator().manual_seed(1))
    model = bare("identity")
    seen = torch.relu(model.first(x))[:, :, ::2, ::2][:, :, ::2, ::2].mean(dim=(2, 3))
    expected = seen @ model.last.weight[:, :2].T + model.last.bias
    assert torch.allclose(model(x), expected, atol=1e-6)
    assert torch.equal(bare("none")(x), bare("none").last.bias.expand(5, -1))


def test_convolutions_beside_a_block_take_the_pixels_that_it_takes():
    model = bare("convolution")
    x = torch.randn(5, 1, 8, 8, generator=torch.Generator().manual_seed(1))
    found = torch.relu(model.first(x))
    for block in (model.blocks[2], model.blocks[4]):
        weight, bias = block.shortcut[0].weight[:, :, 0, 0], block.shortcut[0].bias
        found = torch.relu(torch.einsum("nchw,dc->ndhw", found[:, :, ::2, ::2], weight) + bias[:, None, None])
    expected = found.mean(dim=(2, 3)) @ model.last.weight.T + model.last.bias
    assert torch.allclose(model(x), expected, atol=1e-5)


@pytest.mark.parametrize("shortcuts", SHORTCUTS)
def test_residual_networks_have_losses_and_curvature(shortcuts):
    model = ResNet(8, shortcuts=shortcuts, width=2, in_channels=1, rng=1).double()
    random = np.random.default_rng(1)
    loss = Loss(model, nn.CrossEntropyLoss(), random.normal(size=(9, 1, 8, 8)), random.integers(10, size=9))
    one, other = random.normal(size=(2, loss.n_parameters))
    operator = hessian(loss)
    assert one @ (operator @ other) == pytest.approx(other @ (operator @ one), rel=1e-9)
    model.train()
    with pytest.raises(ValueError, match="chunk_size must leave the 9 rows in one chunk"):
        Loss(model, nn.CrossEntropyLoss(), random.normal(size=(9, 1, 8, 8)), random.integers(10, size=9),
             mode="train", chunk_size=3)  # fmt: skip


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: FullyConnected([3]), ValueError, r"widths must have inputs and outputs, .* got \[3\]"),
        (lambda: FullyConnected([3, 0, 1]), ValueError, "each of widths must be at least 1; got 0"),
        (lambda: FullyConnected([3, 2.5, 1]), TypeError, "each of widths must be an integer; got 2.5"),
        (lambda: FullyConnected([3, 1], "sine"), ValueError, "activation must be one of 'relu', .*'sine'"),
        (lambda: FullyConnected([3, 1], rng="x"), TypeError, "rng must be an integer, .* got 'x'"),
        (lambda: LeNet(size=7), ValueError, "size must be at least 8; got 7"),
        (lambda: LeNet(0), ValueError, "in_channels must be at least 1; got 0"),
        (lambda: LeNet(n_classes=0), ValueError, "n_classes must be at least 1; got 0"),
        (lambda: LeNet(activation="sine"), ValueError, "activation must be one of"),
        (lambda: ResNet(18), ValueError, "depth must be 6 n \\+ 2 .* got 18"),
        (lambda: ResNet(2), ValueError, "depth must be at least 8; got 2"),
        (lambda: ResNet(8, shortcuts="A"), ValueError, "shortcuts must be one of 'convolution', .* got 'A'"),
        (lambda: ResNet(8, width=0), ValueError, "width must be at least 1; got 0"),
        (lambda: ResNet(8, in_channels=1.0), TypeError, "in_channels must be an integer; got 1.0"),
        (lambda: ResNet(8, n_classes=0), ValueError, "n_classes must be at least 1; got 0"),
    ],
)
def test_networks_that_are_none_are_refused(make, error, words):
    state = torch.get_rng_state()
    with pytest.raises(error, match=words):
        make()
    assert torch.equal(torch.get_rng_state(), state)
