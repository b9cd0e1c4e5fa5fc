"""Milliseconds of products with a Hessian, of its ends, of traces and of surfaces: smbook and its peers.

A product is told in gradients of the same loss, which `torch.autograd.grad` makes in the same round.
"""

from __future__ import annotations

import importlib.util
import math
from functools import cache, partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from benchmarks import timing
from benchmarks.timing import Code
from smbook import landscape

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from benchmarks.results import Table

ROUNDS = 7
N_PRODUCTS = 100
N_POINTS = 25
ROWS = 256
SEED = 1
N_STEPS = 20
PEERS = {
    "pyhessian": "PyHessian",
    "hessian_eigenthings": "hessian-eigenthings",
    "loss_landscapes": "loss-landscapes",
}
PACKAGES = ("smbook", "torch", *PEERS.values())


class Block(nn.Module):
    """Two convolutions with batch norm, and a way around them."""

    def __init__(self, n_in: int, n_out: int, stride: int) -> None:
        super().__init__()
        self.inner = nn.Sequential(
            nn.Conv2d(n_in, n_out, 3, stride, 1, bias=False), nn.BatchNorm2d(n_out), nn.ReLU(),
            nn.Conv2d(n_out, n_out, 3, 1, 1, bias=False), nn.BatchNorm2d(n_out),
        )  # fmt: skip
        around = nn.Sequential(nn.Conv2d(n_in, n_out, 1, stride, bias=False), nn.BatchNorm2d(n_out))
        self.around = nn.Identity() if n_in == n_out else around

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return what the block makes of x."""
        return torch.relu(self.inner(x) + self.around(x))


def resnet(depth: int) -> nn.Sequential:
    """Return the residual network of 6k + 2 layers for images of ten classes (He et al. 2016)."""
    parts: list[nn.Module] = [nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU()]
    count = (depth - 2) // 6
    sizes = [16] + [16] * count + [32] * count + [64] * count
    for one, other in pairwise(sizes):
        parts.append(Block(one, other, other // one))
    return nn.Sequential(*parts, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))


def mlp() -> nn.Sequential:
    """Return a network of 784, 120, 40 and 10 units."""
    return nn.Sequential(
        nn.Linear(784, 120), nn.ReLU(), nn.Linear(120, 40), nn.ReLU(), nn.Linear(40, 10)
    )  # fmt: skip


@cache
def _problem(name: str) -> tuple[nn.Module, torch.Tensor, torch.Tensor]:
    torch.manual_seed(SEED)
    model, shape = (mlp(), (784,)) if name == "mlp" else (resnet(20), (3, 16, 16))
    return model.eval(), torch.randn(ROWS, *shape), torch.randint(10, (ROWS,))


@cache
def _loss(name: str) -> landscape.Loss:
    model, inputs, targets = _problem(name)
    return landscape.Loss(model, nn.CrossEntropyLoss(), inputs, targets)


@cache
def _vectors(name: str, count: int) -> torch.Tensor:
    return torch.randn(count, _loss(name).n_parameters)


# Products


def _gradients(name: str, count: int) -> None:
    model, inputs, targets = _problem(name)
    for _ in range(count):
        torch.autograd.grad(nn.functional.cross_entropy(model(inputs), targets), list(model.parameters()))


def _products(name: str, count: int, kind: Callable[..., Any] = landscape.hessian) -> None:
    operator = kind(_loss(name))
    for vector in _vectors(name, count):
        operator @ vector


def _products_of_pyhessian(name: str, count: int) -> None:
    from pyhessian import hessian
    from pyhessian.utils import hessian_vector_product

    model, inputs, targets = _problem(name)
    peer = hessian(model, nn.CrossEntropyLoss(), data=(inputs, targets), cuda=False)
    for vector in _vectors(name, count):
        parts = [
            part.view_as(p)
            for part, p in zip(vector.split([p.numel() for p in peer.params]), peer.params, strict=True)
        ]
        hessian_vector_product(peer.gradsH, peer.params, parts)
    model.zero_grad(set_to_none=True)


def products(name: str, count: int) -> Table:
    """Return a table of products, each in gradients."""
    codes: dict[str, Callable[[], object]] = {
        "a gradient": partial(_gradients, name, count),
        "smbook, Hessian": partial(_products, name, count),
        "smbook, Gauss-Newton": partial(_products, name, count, landscape.gauss_newton),
    }
    if _there("pyhessian"):
        codes["PyHessian"] = partial(_products_of_pyhessian, name, count)
    each = {code: Code(run, count) for code, run in codes.items()}
    return timing.times(f"{name}, {count} products", each, "ms each", rounds=ROUNDS, ratio="gradients each")


# Both ends of the spectrum


def _ends(name: str) -> landscape.Eigenpairs:
    return landscape.extreme_eigenpairs(landscape.hessian(_loss(name)), n_steps=N_STEPS, rng=SEED)


def _ends_of_hessian_eigenthings(name: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Take both ends of one run of the peer: asked for the outermost ones, it gives one end a run."""
    import hessian_eigenthings as peer

    model, inputs, targets = _problem(name)
    loss = peer.supervised_loss(nn.CrossEntropyLoss())
    operator = peer.HessianOperator(model, [(inputs, targets)], loss)
    run = peer.lanczos_tridiagonal(operator, _vectors(name, 1)[0], N_STEPS)
    beside = torch.diag(run.betas, 1)
    values, inner = torch.linalg.eigh(torch.diag(run.alphas) + beside + beside.T)
    return values[[-1, 0]], inner[:, [-1, 0]].T @ torch.stack(run.basis)


# Traces


def _trace(method: str = "hutchinson") -> float:
    return landscape.trace(landscape.hessian(_loss("mlp")), N_PRODUCTS, method=method, rng=SEED).value


def _trace_of_pyhessian() -> float:
    from pyhessian import hessian

    model, inputs, targets = _problem("mlp")
    peer = hessian(model, nn.CrossEntropyLoss(), data=(inputs, targets), cuda=False)
    found = float(sum(peer.trace(maxIter=N_PRODUCTS, tol=-math.inf))) / N_PRODUCTS
    model.zero_grad(set_to_none=True)
    return found


# Surfaces


def _surface() -> object:
    loss = _loss("mlp")
    directions = landscape.random_directions(loss, rng=SEED)
    return landscape.surface(loss, directions, n_points=N_POINTS)


def _surface_of_loss_landscapes() -> object:
    import loss_landscapes
    from loss_landscapes.metrics import Loss

    model, inputs, targets = _problem("mlp")
    metric = Loss(nn.CrossEntropyLoss(), inputs, targets)
    return loss_landscapes.random_plane(model, metric, distance=1, steps=N_POINTS, deepcopy_model=True)


def _there(module: str) -> bool:
    return importlib.util.find_spec(module) is not None


def _compared(group: str, codes: dict[str, Callable[[], object]], rounds: int = ROUNDS) -> Table:
    return timing.times(group, {name: Code(run) for name, run in codes.items()}, "ms", rounds=rounds)


def measure() -> Iterator[Table]:
    """Yield tables of products, of both ends, of traces and of surfaces."""
    torch.set_num_threads(1)
    for name in (name for module, name in PEERS.items() if not _there(module)):
        print(f"{name} is not installed: left out.")
    for name, count in (("mlp", N_PRODUCTS), ("resnet", 10)):
        yield products(name, count)
    for name, rounds in (("mlp", 2 * ROUNDS + 1), ("resnet", 5)):
        ends: dict[str, Callable[[], object]] = {"smbook": partial(_ends, name)}
        if _there("hessian_eigenthings"):
            ends["hessian-eigenthings"] = partial(_ends_of_hessian_eigenthings, name)
        yield _compared(f"both ends by {N_STEPS} steps of Lanczos, {name}", ends, rounds)
    traces: dict[str, Callable[[], object]] = {
        "smbook": _trace,
        "smbook, hutch++": partial(_trace, "hutch++"),
        "smbook, exact": partial(landscape.exact_trace, _loss("mlp")),
    }
    if _there("pyhessian"):
        traces["PyHessian"] = _trace_of_pyhessian
    yield _compared(f"a trace by {N_PRODUCTS} products", traces)
    surfaces: dict[str, Callable[[], object]] = {"smbook": _surface}
    if _there("loss_landscapes"):
        surfaces["loss-landscapes"] = _surface_of_loss_landscapes
    yield _compared(f"a surface of {N_POINTS} x {N_POINTS} points", surfaces)
