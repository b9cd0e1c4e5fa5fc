"""What share of examples a classifier gets right."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from smbook.landscape import _model, _vectors
from smbook.landscape._batches import Batches


def accuracy(
    model: torch.nn.Module, inputs: Any, labels: Any, theta: Any = None, *, chunk_size: int | None = None
) -> float:
    """Return the share of rows whose largest output is that of their label, in evaluation mode.

    Of several outputs that are the largest, the first counts. The model is left as it was.

    Parameters
    ----------
    model
        Its outputs are (rows, classes).
    inputs
        As for `Loss`.
    labels
        Integers (rows,), an array or a tensor.
    theta
        The parameters, as for `Loss`; None takes the model's own.
    chunk_size
        The most rows that go through the model at once; None takes all.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or shape, or the outputs are not (rows, classes).

    Examples
    --------
    >>> model = torch.nn.Linear(2, 2, bias=False)
    >>> accuracy(model, np.eye(2), np.array([0, 1]), theta=np.array([1.0, 0.0, 0.0, 1.0]))
    1.0
    """
    known = _model.checked_parameters(model)
    places, parts = _model.places(model, known), list(known.values())
    dtype, device = parts[0].dtype, parts[0].device
    leaves = [each.detach() for each in parts]
    if theta is not None:
        ends = np.cumsum([0, *(each.numel() for each in parts)]).tolist()
        vector = _vectors.to_tensor("theta", theta, ends[-1], dtype, device)
        leaves = [vector[ends[k] : ends[k + 1]].view_as(each) for k, each in enumerate(parts)]
    batches = Batches(
        inputs, labels, chunk_size=chunk_size, mean=False, keep=True, dtype=dtype, device=device
    )
    with torch.no_grad():
        right = [
            _right(_model.outputs(model, places, leaves, chunk.inputs, training=False), chunk.targets)
            for chunk in batches
        ]
    return sum(right) / batches.n_rows


def _right(outputs: Any, labels: torch.Tensor) -> int:
    """Return how many rows have their largest output where their label says, or raise."""
    if labels.ndim != 1 or labels.is_floating_point() or labels.dtype == torch.bool:
        raise ValueError(f"labels must be integers (rows,); got {labels.dtype} of {tuple(labels.shape)}")
    if not isinstance(outputs, torch.Tensor) or outputs.ndim != 2 or len(outputs) != len(labels):
        shape = tuple(outputs.shape) if isinstance(outputs, torch.Tensor) else type(outputs).__name__
        raise ValueError(f"model must have outputs (rows, classes) for {len(labels)} rows; got {shape}")
    if int(labels.min()) < 0 or int(labels.max()) >= outputs.shape[1]:
        raise ValueError(
            f"labels must be 0 to {outputs.shape[1] - 1}; got {int(labels.min())} to {int(labels.max())}"
        )
    return int((outputs.argmax(dim=1) == labels).sum())
