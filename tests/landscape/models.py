"""Small networks in float64 with data, and what their losses are by the most direct code."""

from __future__ import annotations

import copy
import itertools
from typing import NamedTuple

import torch
from torch import nn

from smbook.landscape import Loss

ROWS = 12


class Problem(NamedTuple):
    """A model, what its loss is made of, and that loss."""

    model: nn.Module
    loss_function: nn.Module
    inputs: torch.Tensor
    targets: torch.Tensor

    def loss(self, **options):
        return Loss(self.model, self.loss_function, self.inputs, self.targets, **options)


class Shared(nn.Module):
    """An autoencoder whose decoder is the transposed encoder, and a layer that is used twice."""

    def __init__(self):
        super().__init__()
        self.encoder = nn.Linear(4, 3)
        self.twice = nn.Linear(3, 3)
        self.again = self.twice

    def forward(self, x):
        hidden = torch.tanh(self.again(torch.tanh(self.twice(torch.tanh(self.encoder(x))))))
        return hidden @ self.encoder.weight


class Residual(nn.Module):
    """A convolution with batch norm around which its input goes, and a strided one."""

    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(1, 2, 3, padding=1)
        self.norm = nn.BatchNorm2d(2)
        self.strided = nn.Conv2d(2, 2, 3, stride=2, padding=1, bias=False)
        self.last = nn.Linear(2, 3)

    def forward(self, x):
        x = self.first(x)
        x = self.strided(torch.tanh(x + self.norm(x)))
        return self.last(x.mean(dim=(2, 3)))


def _mlp(activation):
    return nn.Sequential(nn.Linear(4, 5), activation(), nn.Linear(5, 4), activation(), nn.Linear(4, 3))


def _convolutional():
    return nn.Sequential(
        nn.Conv2d(1, 3, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(12, 3)
    )  # fmt: skip


def _batch_norm():
    return nn.Sequential(nn.Linear(4, 5), nn.BatchNorm1d(5), nn.ReLU(), nn.Linear(5, 3))


def _dropout():
    return nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Dropout(0.3), nn.Linear(5, 3))


_MAKERS = {
    "tanh": lambda: _mlp(nn.Tanh),
    "relu": lambda: _mlp(nn.ReLU),
    "convolution": _convolutional,
    "batch norm": _batch_norm,
    "residual": Residual,
    "shared": Shared,
    "dropout": _dropout,
    "linear": lambda: nn.Linear(4, 3),
}

SMOOTH_OR_NOT = ("tanh", "relu", "convolution", "batch norm", "residual", "shared")


def problem(name, *, rows=ROWS, seed=1):
    """Return a network of that name, its statistics those of some other rows, and data for it."""
    with torch.random.fork_rng([]):
        torch.manual_seed(seed)
        model = _MAKERS[name]().double()
        shape = (1, 4, 4) if name in ("convolution", "residual") else (4,)
        model(torch.randn(30, *shape, dtype=torch.float64))  # which moves the running statistics
        inputs = torch.randn(rows, *shape, dtype=torch.float64)
        if name == "shared":
            return Problem(model, nn.MSELoss(), inputs, inputs.roll(1, 0))
        return Problem(model, nn.CrossEntropyLoss(), inputs, torch.randint(3, (rows,)))


def line(*hidden, activation=nn.ReLU, rows=40, seed=1):
    """Return a network from one number to one number, for a function on [-1, 1]."""
    sizes = (1, *hidden, 1)
    with torch.random.fork_rng([]):
        torch.manual_seed(seed)
        layers = [nn.Linear(one, other) for one, other in itertools.pairwise(sizes)]
    parts = [part for layer in layers for part in (layer, activation())][:-1]
    x = torch.linspace(-1.0, 1.0, rows, dtype=torch.float64)[:, None]
    return Problem(nn.Sequential(*parts).double(), nn.MSELoss(), x, torch.sin(4.0 * x))


def plain_loss(problem, theta, mode="eval"):
    """The loss of a copy of the model into which torch's own `vector_to_parameters` writes theta."""
    model = copy.deepcopy(problem.model).train(mode == "train")
    nn.utils.vector_to_parameters(torch.as_tensor(theta), model.parameters())
    with torch.no_grad():
        return problem.loss_function(model(problem.inputs), problem.targets).item()


def dense_hessian(problem, theta=None, mode="eval"):
    """The whole matrix by `torch.autograd.functional.hessian`, of a copy, as torch moves shared parts."""
    model = copy.deepcopy(problem.model).train(mode == "train")
    buffers = dict(model.named_buffers())
    names, parameters = zip(*model.named_parameters(), strict=True)
    start = nn.utils.parameters_to_vector(parameters).detach()

    def value(vector):
        parts = vector.split([parameter.numel() for parameter in parameters])
        state = {name: buffer.clone() for name, buffer in buffers.items()}
        state |= {n: part.view_as(p) for n, part, p in zip(names, parts, parameters, strict=True)}
        found = torch.func.functional_call(model, state, problem.inputs)
        return problem.loss_function(found, problem.targets)

    point = start if theta is None else torch.as_tensor(theta)
    return torch.autograd.functional.hessian(value, point).numpy()


def snapshot(model):
    """Everything that a model holds, to be compared with `same`."""
    state = {name: value.clone() for name, value in model.state_dict().items()}
    flags = [part.training for part in model.modules()]
    return state, flags, [(id(p), p.is_leaf and p.grad, p.requires_grad) for p in model.parameters()]


def same(one, other):
    return one[1:] == other[1:] and all(torch.equal(value, other[0][name]) for name, value in one[0].items())


class OfWeights(nn.Module):
    """A model whose output is a function of its weights alone, so that any function can be a loss."""

    def __init__(self, function, weights):
        super().__init__()
        self.function = function
        self.weights = nn.Parameter(torch.as_tensor(weights, dtype=torch.float64))

    def forward(self, x):
        return self.function(self.weights).expand(len(x))


def function_loss(function, weights):
    """The loss that is a function of a vector, at that vector."""
    return Loss(
        OfWeights(function, weights), lambda outputs, _: outputs.mean(), torch.zeros(1), torch.zeros(1)
    )


def saddle(n_up, n=500):
    """The toy of Boettcher and Wheeler: 2 n + 1 weights, n_up curvatures +1, the others -1, and one 0."""
    signs = torch.ones(2 * n, dtype=torch.float64)
    signs[n_up:] = -1.0
    start = torch.zeros(2 * n + 1, dtype=torch.float64)
    start[-1] = 1.0
    return function_loss(lambda w: w[-1] * (signs * w[:-1] ** 2).sum() / 2, start)


def trained(case, n_steps=1500, rate=0.02):
    """Train a model of `line` by steps along the whole gradient, with momentum."""
    optimizer = torch.optim.SGD(case.model.parameters(), lr=rate, momentum=0.9)
    for _ in range(n_steps):
        optimizer.zero_grad()
        case.loss_function(case.model(case.inputs), case.targets).backward()
        optimizer.step()
    optimizer.zero_grad()
    return case
