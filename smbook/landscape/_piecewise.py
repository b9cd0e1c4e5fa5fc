"""The exact trace of the Hessian of a network of linear layers and piecewise linear units."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from smbook.landscape._operator import derivative

if TYPE_CHECKING:
    from collections.abc import Sequence

    from smbook.landscape._batches import Chunk
    from smbook.landscape._operator import Tensors
    from smbook.landscape.loss import Loss

_SAME = 1e-3  # to how much of the largest entry the check for separate rows has to come out

# What acts on each row by itself, with one slope between kinks; `linear` does so for its weights too.
_PIECEWISE = {
    functional.linear, functional.relu, functional.leaky_relu, functional.hardtanh, functional.relu6,
    torch.relu, torch.Tensor.relu, torch.abs, torch.Tensor.abs, torch.Tensor.clone,
    torch.flatten, torch.Tensor.flatten, torch.add, torch.Tensor.add, torch.Tensor.__add__,
}  # fmt: skip


class _Layer(NamedTuple):
    inputs: torch.Tensor
    weight: torch.Tensor
    bias: torch.Tensor | None
    outputs: torch.Tensor
    version: int


class _Recorder(TorchFunctionMode):
    """Note the linear layers that inputs pass, and whether they pass anything that is not `_PIECEWISE`.

    What depends on parameters has to come from a function that was seen, which custom ones are not, and the
    parameters themselves go into linear layers alone.
    """

    def __init__(self) -> None:
        super().__init__()
        self.layers: list[_Layer] = []
        self.known = True
        self._made: dict[int, Any] = {}

    def made(self, value: Any) -> bool:
        """Tell whether a value is no parameter, and depends on none other than through what was seen."""
        return not isinstance(value, torch.Tensor) or not value.requires_grad or id(value) in self._made

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        found = func(*args, **(kwargs or {}))
        idle = func is functional.dropout and found is not None and not (kwargs or {}).get("training", True)
        self.known = self.known and (func in _PIECEWISE or idle)
        if func is functional.linear:
            given = dict(zip(("input", "weight", "bias"), args, strict=False)) | (kwargs or {})
            inputs, weight, bias = given["input"], given["weight"], given.get("bias")
            self.layers.append(_Layer(inputs, weight, bias, found, found._version))
            self.known = self.known and self.made(inputs)
        else:
            self.known = self.known and all(map(self.made, (*args, *(kwargs or {}).values())))
        self._made[id(found)] = found
        return found


def piecewise_trace(loss: Loss, leaves: Tensors) -> float | None:
    r"""Return the trace of the Hessian, or None for a model or a loss function of another kind.

    An output is linear in the weights of any one layer as long as no unit passes its kink, so that the
    diagonal of the Hessian is that of J^T B J, with the second derivatives B of the loss of a row by its
    outputs. With inputs a of a layer and the derivatives M of the outputs by what it gives, a row adds
    (|a|^2 + 1) tr M B M^T: one derivative for each output, and none by the weights.
    """
    total = 0.0
    for chunk in loss._batches:
        found = _of_chunk(loss, leaves, chunk)
        if found is None:
            return None
        total += found
    return total


def _of_chunk(loss: Loss, leaves: Tensors, chunk: Chunk) -> float | None:
    with _Recorder() as seen:
        outputs = loss._outputs(leaves, chunk)
    if not seen.known or not _plain(seen.layers, leaves) or not _of_layers(seen, outputs):
        return None
    bent = _second_derivatives(loss, outputs.detach().requires_grad_(), chunk)
    if bent is None:
        return None
    own = {id(leaf) for leaf in leaves}
    layers = [layer for layer in seen.layers if own & {id(layer.weight), id(layer.bias)}]
    ends = [layer.outputs for layer in layers]
    each = [derivative([column.sum()], ends, [torch.ones_like(column[0])]) for column in outputs.T]
    total = 0.0
    for layer, slopes in zip(layers, zip(*each, strict=True), strict=True):
        squares = (layer.inputs**2).sum(dim=1) * (id(layer.weight) in own) + (id(layer.bias) in own)
        slope = torch.stack(slopes)  # (outputs, rows, units)
        total += torch.einsum("r,cru,rcd,dru->", squares, slope, bent, slope).item()
    return total


def _plain(layers: Sequence[_Layer], leaves: Tensors) -> bool:
    """Tell whether every parameter is that of a linear layer, once, and nothing was written over since."""
    used = [id(each) for layer in layers for each in (layer.weight, layer.bias)]
    kept = all(layer.outputs._version == layer.version and layer.inputs.ndim == 2 for layer in layers)
    return kept and all(used.count(id(leaf)) == 1 for leaf in leaves)


def _of_layers(seen: _Recorder, outputs: Any) -> bool:
    """Tell whether outputs (rows, k) come from what was seen, of as many rows in each layer."""
    if not isinstance(outputs, torch.Tensor) or outputs.ndim != 2 or not seen.made(outputs):
        return False
    return all(len(layer.outputs) == len(outputs) for layer in seen.layers)


def _second_derivatives(loss: Loss, outputs: torch.Tensor, chunk: Chunk) -> torch.Tensor | None:
    """Return B (rows, outputs, outputs), or None if the loss of a row depends on the outputs of others."""
    slope = loss._derivative(loss._value(outputs, chunk), [outputs], create_graph=True)[0]
    directions = torch.eye(outputs.shape[1], dtype=outputs.dtype, device=outputs.device)
    found = [derivative([slope], [outputs], [row.expand_as(outputs)])[0] for row in directions]
    bent = torch.stack(found, dim=1)
    weights = torch.linspace(-1.0, 1.0, len(outputs), dtype=outputs.dtype, device=outputs.device)[:, None]
    mixed = derivative([slope], [outputs], [weights.expand_as(outputs)])[0]
    apart = (mixed - weights * bent.sum(dim=1)).abs().max() <= _SAME * bent.abs().max()
    return bent if apart else None
