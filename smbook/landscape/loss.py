"""The loss of a model on a batch, as a function of one vector of all parameters."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from smbook import _checks
from smbook.landscape import _model, _rows, _vectors
from smbook.landscape._batches import Batches, Chunk

if TYPE_CHECKING:
    import contextlib
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from smbook.landscape._vectors import Vector

_ROUNDING = 64.0  # units in the last place by which sums in another order may differ


class Loss:
    r"""The loss of a model on a batch as a function L(theta) of one flat vector of its parameters.

    .. math:: L(\theta) = \frac1N \sum_{\mu=1}^N \ell(f_\theta(x_\mu), y_\mu)

    or the sum without 1/N. The model is never changed, but for `assign`: it is called with other parameters
    and with copies of its buffers. What it holds when it is called, running statistics and parameters that
    are frozen, belongs to the function. `theta` is a vector (n_parameters,), a NumPy array or a torch tensor,
    real and finite. A result is of the model's dtype, and an array or a tensor on its device as theta was.

    Parameters
    ----------
    model
        A `torch.nn.Module`. Its parameters are those that require a gradient, in the order of
        `named_parameters`, a shared one once. They are real, of one dtype and on one device.
    loss_function
        Takes the outputs of the model and targets, and returns one number: the mean or the sum over the rows.
    inputs
        A tensor or an array with a row for each example, or a tuple or list of them that the model takes as
        its arguments. Without targets, an iterable of pairs (inputs, targets), such as a DataLoader. Real
        numbers are brought to the model's dtype, everything to its device.
    targets
        A tensor or an array with as many rows.
    chunk_size
        The most rows that go through the model at once, which bounds the memory; None takes each batch at
        once. Losses of chunks are weighted such that the result is that of all rows.
    mode
        "eval": batch norm has its running statistics and dropout is off, as after training. "train": batch
        norm has the statistics of the batch, which must be one chunk; dropout would be random, and is
        refused.
    reduction
        "mean" or "sum", what the loss function does with rows. None takes that of `loss_function.reduction`,
        of a keyword of a `functools.partial`, or else "mean".
    keep
        Read the batches once and hold copies of them. If False, they are read each time, and memory stays
        bounded.

    Attributes
    ----------
    n_parameters : int
    layers : dict
        Where each named parameter lies in theta, as a slice.
    shapes : dict
        The shape of each.
    n_rows, n_chunks : int
    fixed : bool
        Whether the batch is held. Else batches in another order give rounding, and no more: a loader that
        draws other examples each time is refused.
    dtype, device
        Of the parameters.

    Raises
    ------
    TypeError
        If an argument is of the wrong kind; if parameters are complex, or of several dtypes or devices.
    ValueError
        If there are no parameters or no rows, or other numbers of inputs and targets; if the loss is not one
        number, not finite at the parameters of the model, or not the mean or sum over rows that chunks need,
        as with weights of classes or targets that are ignored; if the model writes to its inputs or
        parameters, or in chunks makes other outputs of a row beside another one; if in "train" there are
        several chunks; if the loss is another one when it is computed again. On a CPU with a fixed batch it
        must be the same to the last bit, elsewhere up to rounding.

    Notes
    -----
    Derivatives are those that torch takes. Of the row `padding_idx` of an embedding it takes none, and in
    "train" spectral norm counts as fixed, though the loss depends on both.

    Examples
    --------
    >>> model = torch.nn.Linear(2, 1, bias=False).double()
    >>> loss = Loss(model, torch.nn.MSELoss(), np.eye(2), np.zeros((2, 1)))
    >>> loss(np.array([3.0, 4.0]))
    12.5
    >>> loss.gradient(np.array([3.0, 4.0]))
    array([3., 4.])
    >>> loss
    Loss(2 parameters, 2 rows, mode 'eval', torch.float64 on cpu)
    """

    def __init__(
        self,
        model: torch.nn.Module,
        loss_function: Callable[[Any, Any], torch.Tensor],
        inputs: Any,
        targets: Any = None,
        *,
        chunk_size: int | None = None,
        mode: str = "eval",
        reduction: str | None = None,
        keep: bool = True,
    ) -> None:
        known = _model.checked_parameters(model)
        if not callable(loss_function):
            raise TypeError(f"loss_function must be callable; got {type(loss_function).__name__}")
        self.mode = _checks.choice("mode", mode, ("eval", "train"))
        reduction = _reduction_of(loss_function) if reduction is None else reduction
        self.reduction = _checks.choice("reduction", reduction, ("mean", "sum"))
        self._model, self._loss_function, self._names = model, loss_function, tuple(known)
        self._places = _model.places(model, known)
        self.shapes = {name: tuple(parameter.shape) for name, parameter in known.items()}
        ends = np.cumsum([0, *(parameter.numel() for parameter in known.values())]).tolist()
        self.layers = {name: slice(*ends[k : k + 2]) for k, name in enumerate(known)}
        self.n_parameters: int = ends[-1]
        self.dtype, self.device = next((each.dtype, each.device) for each in known.values())
        with self._forked(), _vectors.differentiated():
            self._batches = Batches(
                inputs, targets, chunk_size=chunk_size, mean=self.reduction == "mean", keep=keep,
                dtype=self.dtype, device=self.device,
            )  # fmt: skip
        self.fixed, self.n_rows = self._batches.fixed, self._batches.n_rows
        self.n_chunks = self._batches.n_chunks
        self._check()

    def __repr__(self) -> str:
        return (
            f"Loss({self.n_parameters} parameters, {self.n_rows} rows, mode {self.mode!r}, "
            f"{self.dtype} on {self.device})"
        )

    @property
    def parameters(self) -> NDArray[Any]:
        """A copy of the parameters that the model has now, as one vector (n_parameters,)."""
        return _vectors.to_array(self._point(None))

    def __call__(self, theta: Vector | None = None) -> float:
        """Return the loss at theta, or at the parameters of the model if there is none.

        It is not finite where the model overflows.
        """
        leaves = self._split(self._point(theta))
        with torch.no_grad():
            return sum((value.item() for value in self._values(leaves)), 0.0)

    def gradient(self, theta: Vector | None = None) -> Any:
        """Return the gradient at theta (n_parameters,), or at the parameters of the model, as an array."""
        with _vectors.differentiated():
            leaves = self._leaves(self._point(theta))
            total = sum(_vectors.flat(self._derivative(value, leaves)) for value in self._values(leaves))
        return _vectors.like(torch.as_tensor(total), theta)

    def assign(self, theta: Vector) -> None:
        """Write theta into the model."""
        parts = self._split(self._point(theta))
        with _model.ALONE, torch.no_grad():
            own = dict(self._model.named_parameters())
            for name, part in zip(self._names, parts, strict=True):
                own[name].copy_(part)

    # What follows is for the operators and surfaces of this package.

    def _point(self, theta: Any) -> torch.Tensor:
        """Return a point as a tensor (n,) without a gradient, or raise; None is a copy of the model's."""
        if theta is not None:
            return _vectors.to_tensor("theta", theta, self.n_parameters, self.dtype, self.device)
        with _model.ALONE:
            own = dict(self._model.named_parameters())
            return _vectors.flat([own[name].detach() for name in self._names])

    def _split(self, vector: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Return views of a vector in the shapes of the parameters."""
        pairs = zip(self.layers.values(), self.shapes.values(), strict=True)
        return tuple(vector[where].view(shape) for where, shape in pairs)

    def _leaves(self, vector: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Return the same as `_split`, to be differentiated by, where torch notes how to."""
        known = vector.clone() if vector.is_inference() else vector
        return tuple(part.detach().requires_grad_() for part in self._split(known))

    def _derivative(
        self, value: torch.Tensor, leaves: Sequence[torch.Tensor], **options: Any
    ) -> tuple[torch.Tensor, ...]:
        """Return the gradient of a value of `_values`, in the shapes of the parameters, or raise."""
        if not value.requires_grad:
            raise ValueError("loss must depend on the parameters in a way that torch differentiates")
        return torch.autograd.grad(value, leaves, materialize_grads=True, **options)

    def _outputs(self, leaves: Sequence[torch.Tensor], chunk: Chunk) -> Any:
        """Return the outputs of the model for the rows of a chunk."""
        training = self.mode == "train"
        return _model.outputs(self._model, self._places, leaves, chunk.inputs, training=training)

    def _values(self, leaves: Sequence[torch.Tensor]) -> Iterator[torch.Tensor]:
        """Yield the share of each chunk in the loss, a tensor without axes; they add up to it."""
        for chunk in self._batches:
            yield self._value(self._outputs(leaves, chunk), chunk)

    def _value(self, found: Any, chunk: Chunk) -> torch.Tensor:
        """Return the share in the loss of a chunk of these outputs, or raise if it is not one real number."""
        value = self._loss_function(found, chunk.targets)
        if not isinstance(value, torch.Tensor):
            raise TypeError(f"loss_function must return a tensor; got {type(value).__name__}")
        if value.ndim or not value.is_floating_point():
            raise ValueError(
                f"loss_function must return one real number; got {value.dtype} of shape {tuple(value.shape)}"
            )
        return value if chunk.weight == 1.0 else chunk.weight * value

    def _check(self) -> None:
        """Raise if this is no function of the parameters that is finite and adds up over chunks."""
        if self.n_chunks > 1 and _model.joins_rows(self._model, self.mode):
            raise ValueError(
                f"chunk_size must leave the {self.n_rows} rows in one chunk where batch norm takes its "
                f"statistics from them (mode {self.mode!r}); got {self.n_chunks} chunks"
            )
        with self._forked(), _vectors.differentiated(), torch.no_grad():
            first, second = self(), self._checked_again(self._point(None))
        if not math.isfinite(first):
            raise ValueError(f"loss must be finite at the parameters of the model; got {first}")
        exact = self.fixed and self.device.type == "cpu"
        tolerance = 0.0 if exact else _ROUNDING * torch.finfo(self.dtype).eps * abs(first)
        if not abs(first - second) <= tolerance:
            raise ValueError(
                f"loss must answer the same twice; got {first!r} and {second!r}. Dropout that is on, and "
                "loaders that draw or change their examples, make it random"
            )

    def _forked(self) -> contextlib.AbstractContextManager[None]:
        """Return what leaves torch's random numbers as they were."""
        return torch.random.fork_rng([self.device] if self.device.type == "cuda" else [])

    def _checked_again(self, point: torch.Tensor) -> float:
        """Return the loss, or raise if the model writes to what it gets or chunks do not add up."""
        known, leaves, total = point.clone(), self._split(point), 0.0
        before: tuple[Any, Chunk] | None = None
        for chunk in self._batches:
            versions = [part._version for part in chunk.inputs]
            found = self._outputs(leaves, chunk)
            if [part._version for part in chunk.inputs] != versions:
                raise ValueError("model must not write to its inputs, which are held for other calls")
            if point._version or not torch.equal(point, known):
                raise ValueError("model must not write to its parameters when it is called")
            total += self._value(found, chunk).item()
            if before is not None:
                self._check_chunks(leaves, before, (found, chunk))
            before = found, chunk
        return total

    def _check_chunks(
        self, leaves: Sequence[torch.Tensor], one: tuple[Any, Chunk], other: tuple[Any, Chunk]
    ) -> None:
        """Raise if two chunks together have another loss than they have one by one."""
        pair = [(found, chunk.targets) for found, chunk in (one, other)]
        both = [pair] if _rows.joined(pair) else [_rows.halves(rows) for rows in pair]
        mean = self.reduction == "mean"

        def value(found: Any, targets: torch.Tensor) -> torch.Tensor:
            return self._value(found, Chunk((), targets, 1.0))

        if not all(_rows.add_up(value, parts, mean=mean) for parts in both):
            raise ValueError(
                f"loss_function must be the {self.reduction} over rows, to be taken in chunks; weights of "
                "classes and targets that are ignored make it another mean"
            )
        ends = (slice(-1, None), slice(0, 1))
        data = [(chunk.inputs, chunk.targets) for _, chunk in (one, other)]
        two, known = (
            _rows.joined([_rows.part(rows, where) for rows, where in zip(each, ends, strict=True)])
            for each in (data, pair)
        )
        if two and known and not _rows.same(self._outputs(leaves, Chunk(*two, 1.0)), known[0]):
            raise ValueError(
                "model must treat each row by itself, to be taken in chunks; beside another row, one "
                "has other outputs"
            )


def _reduction_of(loss_function: Any) -> Any:
    keywords = getattr(loss_function, "keywords", {})
    found = getattr(loss_function, "reduction", keywords.get("reduction", "mean"))
    return "mean" if found == "batchmean" else found  # as the divergence of Kullback and Leibler has it
