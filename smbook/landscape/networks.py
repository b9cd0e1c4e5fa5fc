"""Networks to look at: fully connected ones, LeNet, and residual ones with and without their shortcuts."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import nn
from torch.nn import functional

from smbook import _checks
from smbook.landscape._seeds import seeded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from smbook.kernels.rng import Randomness

ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "relu": nn.ReLU,
    "tanh": nn.Tanh,
    "gelu": nn.GELU,
    "softplus": nn.Softplus,
    "identity": nn.Identity,
}
SHORTCUTS = ("convolution", "identity", "none")

_GAINS: dict[str, Literal["relu", "tanh", "linear"]] = {
    "relu": "relu",
    "tanh": "tanh",
    "gelu": "relu",
    "softplus": "relu",
    "identity": "linear",
}
_SMALLEST = 8  # side of an image that LeNet takes
_PADDED_TWICE = 12  # side of an image below which its second convolution is padded too


class _Sequence(nn.Sequential):
    """A sequence whose parts, taken by a slice, are a plain one."""

    def __getitem__(self, place: Any) -> Any:
        children = list(self.children())
        return nn.Sequential(*children[place]) if isinstance(place, slice) else children[place]


class FullyConnected(_Sequence):
    r"""A sequence of linear layers with an activation between each and the next.

    .. math:: h_0 = x, \qquad h_l = \phi(W_l h_{l-1} + b_l), \qquad f = W_L h_{L-1} + b_L

    Weights are normal with variance g^2 / n for n inputs of the layer and the gain g of the activation, 2
    being g^2 for ReLU (He, Zhang, Ren and Sun 2015) and here for GELU and softplus too; biases are uniform
    up to :math:`\pm 1/\sqrt n`, so that the kinks of units of one input do not all lie in 0. It is a
    `torch.nn.Sequential`; `surface` takes its fast path.

    Parameters
    ----------
    widths
        The numbers of inputs, of units of each hidden layer, and of outputs; at least two, each at least 1.
    activation
        "relu", "tanh", "gelu", "softplus" or "identity".
    bias
        Whether layers have biases.
    rng
        An int seed, a `numpy.random.SeedSequence` or a `numpy.random.Generator`; None draws a seed from the
        operating system. Torch's own generator is left as it was.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range.

    Examples
    --------
    >>> model = FullyConnected([2, 8, 1], activation="tanh", rng=1)
    >>> sum(parameter.numel() for parameter in model.parameters())
    33
    >>> model(torch.zeros(5, 2)).shape
    torch.Size([5, 1])
    """

    def __init__(
        self, widths: Iterable[int], activation: str = "relu", bias: bool = True, *, rng: Randomness = None
    ) -> None:
        sizes = [_checks.integer("each of widths", width, minimum=1) for width in widths]
        if len(sizes) < 2:
            raise ValueError(f"widths must have inputs and outputs, two numbers or more; got {sizes}")
        between = ACTIVATIONS[_checks.choice("activation", activation, ACTIVATIONS)]
        with seeded(rng), torch.device("cpu"):
            layers = [nn.Linear(one, other, bias=bias) for one, other in itertools.pairwise(sizes)]
            _initialize(layers, activation)
        super().__init__(*[part for layer in layers for part in (layer, between())][:-1])


def fcnn_1(rng: Randomness = None) -> FullyConnected:
    """Return a network of one input, two hidden layers of 100 ReLU and one output: 10 401 parameters.

    The smaller of the two networks with which Boettcher and Wheeler (2024) approximate a function. Its number
    of layers is as we recall it and could not be confirmed: the pictures of the paper name it, its text on
    hand does not give the widths. Its first weights are ours.

    Parameters
    ----------
    rng
        As for `FullyConnected`.

    Examples
    --------
    >>> sum(parameter.numel() for parameter in fcnn_1(rng=1).parameters())
    10401
    """
    return FullyConnected([1, 100, 100, 1], rng=rng)


def fcnn_2(rng: Randomness = None) -> FullyConnected:
    """Return a network of one input, ten hidden layers of 100 ReLU and one output: 91 201 parameters.

    The deeper network of the same pictures, recalled and unconfirmed as that of `fcnn_1` is. (With eleven
    hidden layers there would be 101 301 parameters.)

    Parameters
    ----------
    rng
        As for `FullyConnected`.

    Examples
    --------
    >>> sum(parameter.numel() for parameter in fcnn_2(rng=1).parameters())
    91201
    """
    return FullyConnected([1, *[100] * 10, 1], rng=rng)


class LeNet(_Sequence):
    """Two convolutions of 5 x 5 with pooling, and three linear layers, in the proportions of LeNet-5.

    6 and 16 channels, then 120, 84 and `n_classes` units. The first convolution is padded by 2, as LeNet-5
    had its images; the second only for images smaller than 12 x 12. LeCun, Bottou, Bengio and Haffner (1998)
    had sigmoids, learned averages and not all connections of the second convolution; here are ReLU, largest
    values and all connections, as is usual today. One channel of 28 x 28 gives 61 706 parameters.

    Parameters
    ----------
    in_channels
        Of the images, at least 1.
    size
        Pixels along a side of the square images, at least 8.
    n_classes
        Outputs, at least 1.
    activation, rng
        As for `FullyConnected`.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range.

    References
    ----------
    LeCun, Bottou, Bengio and Haffner (1998).

    Examples
    --------
    >>> model = LeNet(size=8, rng=1)
    >>> sum(parameter.numel() for parameter in model.parameters())
    21386
    >>> model(torch.zeros(5, 1, 8, 8)).shape
    torch.Size([5, 10])
    """

    def __init__(
        self,
        in_channels: int = 1,
        size: int = 28,
        n_classes: int = 10,
        *,
        activation: str = "relu",
        rng: Randomness = None,
    ) -> None:
        in_channels = _checks.integer("in_channels", in_channels, minimum=1)
        size = _checks.integer("size", size, minimum=_SMALLEST)
        n_classes = _checks.integer("n_classes", n_classes, minimum=1)
        between = ACTIVATIONS[_checks.choice("activation", activation, ACTIVATIONS)]
        padding = 2 if size < _PADDED_TWICE else 0
        side = (size // 2 + 2 * padding - 4) // 2
        with seeded(rng), torch.device("cpu"):
            parts: list[nn.Module] = [
                nn.Conv2d(in_channels, 6, 5, padding=2), between(), nn.MaxPool2d(2),
                nn.Conv2d(6, 16, 5, padding=padding), between(), nn.MaxPool2d(2),
                nn.Flatten(),
                nn.Linear(16 * side**2, 120), between(), nn.Linear(120, 84), between(),
                nn.Linear(84, n_classes),
            ]  # fmt: skip
            _initialize(parts, activation)
        super().__init__(*parts)


class ResNet(nn.Module):
    r"""The residual networks that He et al. (2016) have for CIFAR-10, with or without their shortcuts.

    .. math:: h \to \operatorname{relu}(F(h) + s(h)), \qquad
              F = \text{two convolutions of } 3 \times 3

    A convolution, three stages of (depth - 2) / 6 blocks, the mean over pixels, and a linear layer. The
    second and third stage halve the sides of the images and double the channels. Where a block does so, its
    shortcut s is a convolution of 1 x 1, or every other pixel with channels of 0 beside it ("identity"); in
    other blocks it is the identity. With "none" there is no s in any block.

    With 56 layers of 16, 32 and 64 channels there are 855 770 parameters with shortcuts of convolutions, as
    in Li, Xu, Taylor, Studer and Goldstein (2018), and 853 018 with identities or none. Weights are normal
    with variance 2 / n for n inputs of a unit; biases begin as torch has them.

    Parameters
    ----------
    depth
        Layers with weights, 6 n + 2: 8, 14, 20, 32, 44, 56, 110 and so on.
    shortcuts
        "convolution", "identity" or "none".
    width
        Channels of the first stage, at least 1.
    in_channels
        Of the images, at least 1, whose sides are of any size.
    n_classes
        Outputs, at least 1.
    normalization
        Have batch norm after each convolution. Without it convolutions have biases, and deep networks are
        hard to train.
    rng
        As for `FullyConnected`.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range.

    References
    ----------
    He, Zhang, Ren and Sun (2016); Li, Xu, Taylor, Studer and Goldstein (2018).

    Examples
    --------
    >>> model = ResNet(8, width=4, in_channels=1, rng=1)
    >>> sum(parameter.numel() for parameter in model.parameters())
    5142
    >>> model.eval()(torch.zeros(5, 1, 8, 8)).shape
    torch.Size([5, 10])
    """

    def __init__(
        self,
        depth: int,
        *,
        shortcuts: str = "convolution",
        width: int = 16,
        in_channels: int = 3,
        n_classes: int = 10,
        normalization: bool = True,
        rng: Randomness = None,
    ) -> None:
        depth = _checks.integer("depth", depth, minimum=8)
        if (depth - 2) % 6:
            raise ValueError(f"depth must be 6 n + 2 for blocks of two in three stages; got {depth}")
        shortcuts = _checks.choice("shortcuts", shortcuts, SHORTCUTS)
        width = _checks.integer("width", width, minimum=1)
        in_channels = _checks.integer("in_channels", in_channels, minimum=1)
        n_classes = _checks.integer("n_classes", n_classes, minimum=1)
        super().__init__()
        channels = [width, *(width << stage for stage in range(3) for _ in range((depth - 2) // 6))]
        with seeded(rng), torch.device("cpu"):
            self.first = _convolution(in_channels, width, 3, 1, normalization)
            self.blocks = nn.Sequential(
                *[_Block(*pair, shortcuts, normalization) for pair in itertools.pairwise(channels)]
            )
            self.last = nn.Linear(channels[-1], n_classes)
            _initialize([part for part in self.modules() if isinstance(part, nn.Conv2d)], "relu")
            nn.init.kaiming_normal_(self.last.weight)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return the outputs (rows, n_classes) for images (rows, in_channels, height, width)."""
        found: torch.Tensor = self.blocks(functional.relu(self.first(images)))
        return self.last(found.mean(dim=(2, 3)))  # type: ignore[no-any-return]


class _Block(nn.Module):
    """Two convolutions and what goes around them; the first halves the sides where channels double."""

    def __init__(self, before: int, channels: int, shortcuts: str, normalization: bool) -> None:
        super().__init__()
        self.stride, self.added, self.around = 1 if before == channels else 2, channels - before, shortcuts
        self.one = _convolution(before, channels, 3, self.stride, normalization)
        self.two = _convolution(channels, channels, 3, 1, normalization)
        if shortcuts == "convolution" and self.added:
            self.shortcut = _convolution(before, channels, 1, self.stride, normalization)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = self.two(functional.relu(self.one(x)))
        if self.around != "none":
            found = found + self._shortcut(x)
        return functional.relu(found)

    def _shortcut(self, x: torch.Tensor) -> torch.Tensor:
        if not self.added:
            return x
        if self.around == "convolution":
            return self.shortcut(x)  # type: ignore[no-any-return]
        return functional.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, 0, self.added))


def _convolution(before: int, channels: int, size: int, stride: int, normalization: bool) -> nn.Sequential:
    layer = nn.Conv2d(before, channels, size, stride, padding=size // 2, bias=not normalization)
    return nn.Sequential(layer, nn.BatchNorm2d(channels)) if normalization else nn.Sequential(layer)


def _initialize(parts: Iterable[nn.Module], activation: str) -> None:
    """Draw the weights of linear layers and convolutions; their biases stay as torch has drawn them."""
    for part in parts:
        if isinstance(part, (nn.Linear, nn.Conv2d)):
            nn.init.kaiming_normal_(part.weight, nonlinearity=_GAINS[activation])
