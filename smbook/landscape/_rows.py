"""What a model and a loss function make of rows together and apart, which decides whether chunks add up."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch
from torch.utils import _pytree

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Rows = tuple[Any, torch.Tensor]  # outputs, a tensor or any nest of tensors, and targets


def halves(rows: Rows) -> list[Rows]:
    """Return rows in two parts, or one if there is but a single row or outputs that are not of rows."""
    outputs, targets = rows
    count = len(targets)
    if count < 2 or not _of_rows(outputs, targets):
        return [rows]
    return [part(rows, where) for where in (slice(count // 2), slice(count // 2, count))]


def part(rows: Rows, where: slice) -> Rows:
    """Return some of the rows, or all where outputs are not of rows."""
    if not _of_rows(*rows):
        return rows
    found: Rows = _pytree.tree_map(lambda each: each[where], rows)
    return found


def joined(parts: Sequence[Rows]) -> Rows | None:
    """Return the rows of parts one after another, or None where their shapes do not allow it."""
    if not all(_of_rows(outputs, targets) for outputs, targets in parts):
        return None
    flat, forms = zip(*map(_pytree.tree_flatten, parts), strict=True)
    if any(form != forms[0] for form in forms):
        return None
    columns = list(zip(*flat, strict=True))
    if any(each.shape[1:] != column[0].shape[1:] for column in columns for each in column):
        return None
    outputs, targets = _pytree.tree_unflatten([torch.cat(column) for column in columns], forms[0])
    return outputs, targets


def add_up(value: Callable[[Any, torch.Tensor], torch.Tensor], parts: Sequence[Rows], *, mean: bool) -> bool:
    """Tell whether the loss of rows together is the mean, or sum, of that of these parts of them.

    So must be its derivatives by the outputs: where all outputs are equal, so is any weighted mean.
    """
    with torch.enable_grad():
        free = [(_pytree.tree_map(_free, outputs), targets) for outputs, targets in parts]
        whole_rows = joined(free)
        if whole_rows is None or len(parts) < 2:
            return True
        whole = value(*whole_rows)
        share = [len(targets) / len(whole_rows[1]) if mean else 1.0 for _, targets in parts]
        apart = torch.stack([w * value(*rows) for w, rows in zip(share, free, strict=True)]).sum()
    if not close([whole.detach()], [apart.detach()]):
        return False
    leaves = [each for each in _pytree.tree_leaves(free) if each.requires_grad]
    if not (whole.requires_grad and apart.requires_grad):
        return True
    slopes = [torch.autograd.grad(each, leaves, materialize_grads=True) for each in (whole, apart)]
    return close(*([each.nan_to_num(0.0, 0.0, 0.0) for each in slope] for slope in slopes))


def same(one: Any, other: Any) -> bool:
    """Tell whether outputs are the same, up to rounding."""
    flat = [_pytree.tree_leaves(each) for each in (one, other)]
    return close(
        *([each.nan_to_num(0.0, 0.0, 0.0) for each in leaves if each.is_floating_point()] for leaves in flat)
    )


def close(one: Sequence[torch.Tensor], other: Sequence[torch.Tensor]) -> bool:
    """Tell whether tensors differ by no more than half of their digits, of the largest entry of all."""
    if not one:
        return True
    away = max((a - b).abs().max().item() for a, b in zip(one, other, strict=True))
    largest = max(each.abs().max().item() for each in (*one, *other))
    return bool(away <= math.sqrt(torch.finfo(one[0].dtype).eps) * largest)


def _free(value: torch.Tensor) -> torch.Tensor:
    return value.detach().requires_grad_(value.is_floating_point())


def _of_rows(outputs: Any, targets: torch.Tensor) -> bool:
    """Tell whether outputs are tensors with a row for each of the targets."""
    leaves = _pytree.tree_leaves(outputs)
    return all(isinstance(each, torch.Tensor) and each.ndim and len(each) == len(targets) for each in leaves)
