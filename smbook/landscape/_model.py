"""A model as a function of its parameters, which leaves the model itself as it was."""

from __future__ import annotations

import copy
import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    Attributes = tuple[dict[str, Any], list[tuple[Any, Any]]]

ALONE = threading.RLock()  # other parameters stand in a model while it is called
_GROWING = (dict, OrderedDict, list, set)


def checked_parameters(model: Any) -> dict[str, torch.nn.Parameter]:
    """Return the parameters that require a gradient, a shared one under its first name, or raise."""
    if not isinstance(model, torch.nn.Module):
        raise TypeError(f"model must be a torch.nn.Module; got {type(model).__name__}")
    found = {name: each for name, each in model.named_parameters() if each.requires_grad}
    if not found:
        raise ValueError("model must have parameters that require a gradient; got none")
    for name, parameter in found.items():
        if not parameter.is_floating_point():
            raise TypeError(f"model must have real parameters; got {parameter.dtype} in {name}")
        if torch.nn.parameter.is_lazy(parameter) or parameter.is_meta:
            raise ValueError(f"model must have parameters with values; got none in {name}")
    kinds = {(parameter.dtype, parameter.device) for parameter in found.values()}
    if len(kinds) > 1:
        listed = ", ".join(sorted(f"{dtype} on {device}" for dtype, device in kinds))
        raise TypeError(f"model must have parameters of one dtype on one device; got {listed}")
    return found


def places(model: torch.nn.Module, known: dict[str, torch.nn.Parameter]) -> list[tuple[str, int]]:
    """Return where each of the known parameters stands, each part of the model being named once."""
    order = {id(parameter): k for k, parameter in enumerate(known.values())}
    every = _own(model, "named_parameters")
    return [(place, order[id(parameter)]) for place, parameter in every if id(parameter) in order]


def outputs(
    model: torch.nn.Module,
    where: Sequence[tuple[str, int]],
    parameters: Sequence[torch.Tensor],
    inputs: tuple[torch.Tensor, ...],
    *,
    training: bool,
) -> Any:
    """Return the outputs of a model with other parameters, and with copies of its buffers to write to.

    All its parts have that training flag meanwhile. It is left as it was, with all attributes and what
    dictionaries and lists among them hold, after an interrupt too. One thread at a time has a model.
    """
    with ALONE:
        before, restored = [(part, _attributes(part)) for part in model.modules()], False
        try:
            try:
                return _outputs(model, where, parameters, inputs, training)
            finally:
                _restore(before)
                restored = True
        finally:  # once more, if an interrupt came in between
            if not restored:
                _restore(before)


def _outputs(
    model: torch.nn.Module,
    where: Sequence[tuple[str, int]],
    parameters: Sequence[torch.Tensor],
    inputs: tuple[torch.Tensor, ...],
    training: bool,
) -> Any:
    for part in model.modules():
        part.training = training
    copies: dict[int, torch.Tensor] = {}
    state = {place: parameters[k] for place, k in where}
    for place, buffer in _own(model, "named_buffers"):
        state[place] = copies.setdefault(id(buffer), buffer.clone())
    # Without tied weights: torch would exchange those of a part with two names twice, and put back others.
    return torch.func.functional_call(model, state, inputs, tie_weights=False)


def _own(model: torch.nn.Module, kind: str) -> Iterator[tuple[str, torch.Tensor]]:
    for name, part in model.named_modules():
        yield from getattr(part, kind)(name, recurse=False, remove_duplicate=False)


def _attributes(part: torch.nn.Module) -> Attributes:
    """Return the attributes of a part, and copies of those that can grow."""
    known = dict(vars(part))
    return known, [(value, value.copy()) for value in known.values() if type(value) in _GROWING]


def _restore(before: Sequence[tuple[torch.nn.Module, Attributes]]) -> None:
    for part, (known, growing) in before:
        own = vars(part)
        for name in own.keys() - known.keys():
            del own[name]
        own.update(known)
        for value, content in growing:
            if isinstance(content, list):
                value[:] = content
            elif value or content:
                value.clear()
                value.update(content)


def copied(model: torch.nn.Module) -> torch.nn.Module:
    """Return a copy, with plain values of what hooks have computed from parameters."""
    with ALONE:
        held = [value for part in model.modules() for value in vars(part).values()]
        made = [each for each in held if isinstance(each, torch.Tensor) and not each.is_leaf]
        return copy.deepcopy(model, {id(each): each.detach().clone() for each in made})


def joins_rows(model: torch.nn.Module, mode: str) -> bool:
    """Tell whether the output of a row depends on the other rows of its chunk."""
    norms = [part for part in model.modules() if isinstance(part, torch.nn.modules.batchnorm._BatchNorm)]
    return mode == "train" or any(part.running_mean is None for part in norms)
