"""The loss at many points of a line or a plane, point by point or, where the model allows it, in one go."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple, TypeGuard

import numpy as np
import torch
from torch import nn

from smbook.landscape.networks import FullyConnected

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from smbook.landscape._batches import Chunk
    from smbook.landscape.loss import Loss

    Reals = NDArray[np.float64]

_ENTRYWISE = (nn.ReLU, nn.LeakyReLU, nn.ELU, nn.GELU, nn.SiLU, nn.Softplus, nn.Sigmoid, nn.Tanh, nn.Identity)
_ENTRIES = 1 << 18  # of the fields or weights of a layer at all points that are taken together


class Section(NamedTuple):
    """The affine set theta + sum_i c_i d_i: a point (n,) and the rows d_i (k, n), of the model's dtype."""

    point: torch.Tensor
    rows: torch.Tensor

    def at(self, coefficients: torch.Tensor) -> torch.Tensor:
        """Return the points with coefficients (m, k), a row each; those with none but 0 are exact."""
        moved = self.point.expand(len(coefficients), -1)
        for column, row in zip(coefficients.T, self.rows, strict=True):
            moved = torch.addcmul(moved, column[:, None], row)
        return moved


def values(
    loss: Loss, section: Section, coefficients: Reals, tell: Callable[[int], Any] = lambda _: None
) -> Reals:
    """Return the loss at the points of a section with coefficients (m, k), in an array (m,).

    Up to rounding it is what `plain_values` returns. `tell` hears of points done.
    """
    stack = linear_stack(loss)
    if stack is None:
        return plain_values(loss, section, coefficients, tell)
    return stacked_values(loss, stack, section, coefficients, tell)


def plain_values(
    loss: Loss, section: Section, coefficients: Reals, tell: Callable[[int], Any] = lambda _: None
) -> Reals:
    """Return the same by calling the loss at each point."""
    found = np.empty(len(coefficients))
    for k, row in enumerate(_tensor(loss, coefficients)):
        found[k] = loss(section.at(row[None])[0])
        tell(1)
    return found


class Dense(NamedTuple):
    """Where the parameters of a linear layer lie, and their shapes."""

    weight: slice
    bias: slice | None
    width: int
    fan_in: int

    @property
    def size(self) -> int:
        return self.width * self.fan_in

    def of(self, vectors: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Return weights (m, width, fan_in) and biases (m, 1, width) of m vectors of all parameters."""
        weights = vectors[:, self.weight].view(-1, self.width, self.fan_in)
        return weights, None if self.bias is None else vectors[:, self.bias, None].mT


class Stack(NamedTuple):
    """A model that flattens, applies a linear layer, and then linear layers and functions of single units."""

    before: tuple[nn.Module, ...]
    first: Dense
    rest: tuple[Dense | nn.Module, ...]


def linear_stack(loss: Loss) -> Stack | None:
    """Return the layers of a loss's model if it is such a stack and all its parameters are in theta."""
    return stack_of(loss._model, loss.layers, mode=loss.mode)


def stack_of(model: nn.Module, layers: dict[str, slice], *, mode: str) -> Stack | None:
    """Return the same of a model whose parameters lie there in theta."""
    parts = _parts(model)
    if parts is None:
        return None
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    steps: list[Dense | nn.Module] = []
    for part in parts:
        if type(part) is nn.Linear:
            known = [names.get(id(each)) for each in part.parameters()]
            if not all(name in layers for name in known):
                return None
            where = [layers[name] for name in known if name is not None]
            steps.append(Dense(where[0], where[1] if part.bias is not None else None, *part.weight.shape))
        elif type(part) is nn.Flatten or type(part) in _ENTRYWISE:
            steps.append(part)
        elif type(part) is not nn.Dropout or mode != "eval":
            return None
    place = next((k for k, step in enumerate(steps) if isinstance(step, Dense)), None)
    if place is None or any(type(step) is nn.Flatten for step in steps[place:]):
        return None
    before = tuple(step for step in steps[:place] if isinstance(step, nn.Module))
    return Stack(before, steps[place], tuple(steps[place + 1 :]))  # type: ignore[arg-type]


def stacked_values(
    loss: Loss,
    stack: Stack,
    section: Section,
    coefficients: Reals,
    tell: Callable[[int], Any] = lambda _: None,
) -> Reals:
    r"""Return the same for a stack of linear layers.

    The fields on the first layer are affine in the coefficients,

    .. math:: X (W + \sum_i c_i D_i)^T = X W^T + \sum_i c_i X D_i^T

    so that this, the dearest product, is taken once for the plane. The layers after it take many points in
    one batched product.
    """
    shares: list[Reals] = []
    with torch.no_grad():
        for number, chunk in enumerate(loss._batches):
            share, made = [], number * len(coefficients)
            for group in _groups(loss, stack, section, coefficients, chunk):
                share += group
                tell((made + len(group)) // loss.n_chunks - made // loss.n_chunks)
                made += len(group)
            shares.append(np.array(share))
    return np.array([math.fsum(column) for column in np.transpose(shares)])


def _groups(
    loss: Loss, stack: Stack, section: Section, coefficients: Reals, chunk: Chunk
) -> Iterator[list[float]]:
    """Yield the shares of a chunk in the loss at some points after others."""
    inputs = chunk.inputs[0]
    for part in stack.before:
        inputs = part(inputs)
    if len(chunk.inputs) != 1 or inputs.ndim != 2:
        yield from ([value] for value in _one_by_one(loss, section, coefficients, chunk))
        return
    fields = _fields(stack.first, inputs, section.point[None])
    slopes = _fields(stack.first, inputs, section.rows).flatten(1)
    later = [step for step in stack.rest if isinstance(step, Dense)]
    largest = max(
        len(inputs) * max(step.width for step in (stack.first, *later)), *(step.size for step in later), 1
    )
    size = max(1, _ENTRIES // largest)
    for start in range(0, len(coefficients), size):
        rows = _tensor(loss, coefficients[start : start + size])
        moved = torch.addmm(fields.view(1, -1), rows, slopes).view(len(rows), *fields.shape[1:])
        found = _through(stack.rest, moved, section, rows)
        yield _shares(loss, found, chunk)


def _shares(loss: Loss, found: torch.Tensor, chunk: Chunk) -> list[float]:
    """Return the share of a chunk in the loss at each point, from the outputs there (m, rows, width).

    Cross-entropy, which takes more time row by row than all products, has classes before rows and all points
    at once.
    """
    function, targets = loss._loss_function, chunk.targets
    if not _is_cross_entropy(function, targets):
        return [loss._value(outputs, chunk).item() for outputs in found]
    losses = nn.functional.cross_entropy(
        found.mT.contiguous(),
        targets.expand(len(found), -1),
        reduction="none",
        label_smoothing=function.label_smoothing,
    )
    shares = losses.mean(dim=1) if function.reduction == "mean" else losses.sum(dim=1)
    return [chunk.weight * share for share in shares.tolist()]


def _is_cross_entropy(function: Any, targets: torch.Tensor) -> TypeGuard[nn.CrossEntropyLoss]:
    """Tell whether a loss function is plainly that, of classes, with no row left out."""
    if type(function) is not nn.CrossEntropyLoss or function.weight is not None or _altered(function):
        return False
    return targets.ndim == 1 and not bool((targets == function.ignore_index).any())


def _one_by_one(loss: Loss, section: Section, coefficients: Reals, chunk: Chunk) -> Iterator[float]:
    for row in _tensor(loss, coefficients):
        leaves = loss._split(section.at(row[None])[0])
        yield loss._value(loss._outputs(leaves, chunk), chunk).item()


def _fields(layer: Dense, inputs: torch.Tensor, vectors: torch.Tensor) -> torch.Tensor:
    """Return the fields on the units of a layer with the parameters of each vector, (m, rows, width)."""
    weights, biases = layer.of(vectors)
    fields = (inputs @ weights.flatten(0, 1).T).view(len(inputs), *weights.shape[:2]).transpose(0, 1)
    return fields.contiguous() if biases is None else fields + biases


def _through(
    steps: tuple[Dense | nn.Module, ...], found: torch.Tensor, section: Section, coefficients: torch.Tensor
) -> torch.Tensor:
    """Return the outputs at all points (m, rows, width) from the fields on the first layer."""
    for step in steps:
        if isinstance(step, nn.Module):
            found = step(found)
            continue
        weights, biases = _at(step, section, coefficients)
        found = found @ weights.mT if biases is None else torch.baddbmm(biases, found, weights.mT)
    return found


def _at(
    layer: Dense, section: Section, coefficients: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Return weights and biases of a layer at points."""
    spans = [layer.weight] if layer.bias is None else [layer.weight, layer.bias]
    first, last = min(span.start for span in spans), max(span.stop for span in spans)
    part = Section(section.point[first:last], section.rows[:, first:last]).at(coefficients)
    moved = [slice(span.start - first, span.stop - first) for span in spans]
    return layer._replace(weight=moved[0], bias=None if layer.bias is None else moved[1]).of(part)


def _parts(model: nn.Module) -> list[nn.Module] | None:
    """Return the parts of nested sequences in the order in which they act, None if there is anything else."""
    if _altered(model):
        return None
    if not isinstance(model, nn.Sequential) or type(model) not in (nn.Sequential, FullyConnected):
        return None if list(model.children()) else [model]
    found: list[nn.Module] = []
    for child in model:
        parts = _parts(child)
        if parts is None:
            return None
        found += parts
    return found


def _altered(part: nn.Module) -> bool:
    """Tell whether a part does other things than its class says."""
    return bool(part._forward_hooks or part._forward_pre_hooks or "forward" in vars(part))


def _tensor(loss: Loss, coefficients: Reals) -> torch.Tensor:
    return torch.as_tensor(coefficients, dtype=loss.dtype, device=loss.device)
