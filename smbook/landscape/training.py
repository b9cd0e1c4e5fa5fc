"""Stochastic gradient descent, with a record of the losses and of the path."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch

from smbook import _checks
from smbook._records import equal
from smbook._runs import progress_bar
from smbook.landscape import _model, _probes, _vectors
from smbook.landscape._batches import Chunk
from smbook.landscape._seeds import seeded
from smbook.landscape.loss import Loss

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from numpy.typing import NDArray

    from smbook.kernels.rng import Randomness

    Reals = NDArray[np.float64]


class Training(NamedTuple):
    """How a model was trained. Two results are equal if all their numbers are.

    Attributes
    ----------
    epochs
        After which epochs the losses were evaluated, (m,), beginning with 0, before the first.
    losses
        The loss on all rows then, (m,).
    test_losses
        The loss on the rows to test with, (m,), nan without any.
    path
        The parameters after the epochs `path_epochs`, a row each, (M, n_parameters), none if they were not
        to be kept; as `Loss.parameters`.
    path_epochs
        (M,), beginning with 0 and ending with the last epoch.
    theta
        The parameters at the end, (n_parameters,).
    """

    epochs: NDArray[np.int64]
    losses: Reals
    test_losses: Reals
    path: NDArray[Any]
    path_epochs: NDArray[np.int64]
    theta: NDArray[Any]

    def __eq__(self, other: object) -> bool:
        return equal(self, other)

    def __ne__(self, other: object) -> bool:
        return not equal(self, other)

    def __repr__(self) -> str:
        test = self.test_losses[-1]
        tested = "" if math.isnan(test) else f", {test:.4g} in the test"
        return (
            f"Training({self.epochs[-1]} epochs, loss {self.losses[0]:.4g} to {self.losses[-1]:.4g}{tested})"
        )


def train(
    model: torch.nn.Module,
    loss_function: Callable[[Any, Any], torch.Tensor],
    inputs: Any,
    targets: Any,
    *,
    n_epochs: int,
    learning_rate: float,
    momentum: float = 0.9,
    nesterov: bool = False,
    weight_decay: float = 0.0,
    batch_size: int | None = None,
    schedule: str | Mapping[int, float] | None = None,
    keep: int | None = None,
    test_inputs: Any = None,
    test_targets: Any = None,
    every: int = 1,
    chunk_size: int | None = None,
    rng: Randomness = None,
    progress: bool = False,
    callback: Callable[[int, float, float], Any] | None = None,
) -> Training:
    r"""Train a model, in place, by stochastic gradient descent with momentum.

    .. math:: v \leftarrow \mu v + \nabla L_B(\theta) + w \theta, \qquad
              \theta \leftarrow \theta - \eta v

    for one batch B of rows after another, or :math:`\theta \leftarrow \theta - \eta (g + \mu v)` with the
    same g as is added to v if Nesterov's, as torch has both. An epoch takes all rows once, in a new random
    order, the last batch being smaller where the numbers do not divide. v begins as 0 in each call.

    Steps are made in training mode: batch norm takes its statistics from the batch and moves the running
    ones, dropout is on. The losses of the record are those of `Loss` in mode "eval", with the running
    statistics, of whole sets of rows and without weight decay. All flags are as before in the end.

    Batches and dropout are drawn from `rng`, and torch's own generator is left alone: one seed gives the same
    bits on one machine with one number of threads.

    Parameters
    ----------
    model, loss_function, inputs, targets
        As for `Loss`. Parameters that require no gradient stay where they are.
    n_epochs
        At least 0.
    learning_rate
        Eta, positive.
    momentum
        Mu, from 0 to below 1.
    nesterov
        Take the gradient's step ahead of the momentum's.
    weight_decay
        w, at least 0, for all parameters.
    batch_size
        Rows of a batch, at least 1; None takes all at once, and so draws no order.
    schedule
        What eta is multiplied by: "cosine" for (1 + cos(pi e / n_epochs)) / 2 in epoch e = 0, 1, ..., or a
        dictionary {epoch: factor}, in which a factor holds from its epoch on until another follows, as
        {150: 0.1, 225: 0.01} does. None is 1.
    keep
        Keep the parameters after every so many epochs, those before the first, and the last; None keeps none.
    test_inputs, test_targets
        Other rows, whose loss is recorded too.
    every
        Evaluate the losses after every so many epochs, and the last.
    chunk_size
        As for `Loss`, to bound the memory of these evaluations.
    rng
        An int seed, a `numpy.random.SeedSequence` or a `numpy.random.Generator`; None draws a seed from the
        operating system.
    progress
        Show a progress bar.
    callback
        Called as callback(epoch, loss, test_loss) whenever the losses were evaluated, epoch 0 included;
        training ends there if it returns True.

    Returns
    -------
    Training

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range, or as `Loss`.
    FloatingPointError
        If the loss of a batch or of all rows is not finite, as where the learning rate is too large. It names
        the epoch, and the model is back at the last point where an epoch began or ended with a finite loss.

    Notes
    -----
    An interrupt, and an error of the callback, leave the model at that point too, parameters, statistics and
    flags. The loss of a batch is by `loss_function`: if that is a sum, so is the step.

    References
    ----------
    Polyak (1964); Nesterov (1983); Sutskever, Martens, Dahl and Hinton (2013) for the form of both.

    Examples
    --------
    >>> from smbook.datasets import oscillation, sampled_function
    >>> from smbook.landscape import FullyConnected
    >>> model = FullyConnected([1, 20, 20, 1], rng=1)
    >>> data = sampled_function(oscillation, 50, 49)
    >>> found = train(model, torch.nn.MSELoss(), *data[:2], n_epochs=300, learning_rate=0.05)
    >>> bool(found.losses[-1] < 0.1 * found.losses[0])
    True
    """
    step = _checked_step(learning_rate, momentum, nesterov, weight_decay)
    n_epochs = _checks.integer("n_epochs", n_epochs, minimum=0)
    every = _checks.integer("every", every, minimum=1)
    keep = None if keep is None else _checks.integer("keep", keep, minimum=1)
    batch_size = None if batch_size is None else _checks.integer("batch_size", batch_size, minimum=1)
    factors = _factors(schedule, n_epochs)
    _check_rest(targets, test_inputs, test_targets, callback)
    loss = Loss(model, loss_function, inputs, targets, chunk_size=chunk_size)
    test = None
    if test_targets is not None:
        test = Loss(model, loss_function, test_inputs, test_targets, chunk_size=chunk_size)
    random = _probes.generator(rng)
    record, run = _Record(loss, test, keep, callback), _Run(loss, step)
    with (
        seeded(random, loss.device),
        _vectors.differentiated(),
        run.guarded(),
        progress_bar(n_epochs, "epoch", progress) as tell,
    ):
        stop = record.note(0, run, evaluated=True, last=n_epochs == 0)
        for epoch, factor in enumerate(factors, 1):
            if stop:
                break
            run.epoch(epoch, factor, _batches(loss.n_rows, batch_size, random))
            last = epoch == n_epochs
            stop = record.note(epoch, run, evaluated=last or epoch % every == 0, last=last)
            tell(1)
    return record.result()


class _Step(NamedTuple):
    """What a step of descent is made of."""

    learning_rate: float
    momentum: float
    nesterov: bool
    weight_decay: float


class _Record:
    """What `Training` holds, as it grows."""

    def __init__(self, loss: Loss, test: Loss | None, keep: int | None, callback: Any) -> None:
        self._loss, self._test, self._keep, self._callback = loss, test, keep, callback
        self._losses: list[tuple[int, float, float]] = []
        self._path: list[tuple[int, NDArray[Any]]] = []

    def note(self, epoch: int, run: _Run, *, evaluated: bool, last: bool) -> bool:
        """Take in the model after an epoch, and tell whether training ends there; raise if it diverged."""
        stop = self._evaluate(epoch, run) if evaluated else False
        if self._keep is not None and (epoch % self._keep == 0 or last or stop):
            self._path.append((epoch, self._loss.parameters))
        return stop

    def _evaluate(self, epoch: int, run: _Run) -> bool:
        value = self._loss()
        run.check(value, epoch)
        run.save(epoch)
        self._losses.append((epoch, value, math.nan if self._test is None else self._test()))
        answer = None if self._callback is None else self._callback(*self._losses[-1])
        return isinstance(answer, (bool, np.bool_)) and bool(answer)

    def result(self) -> Training:
        epochs, losses, test_losses = zip(*self._losses, strict=True)
        theta = self._loss.parameters
        rows = [row for _, row in self._path]
        return Training(
            np.array(epochs),
            np.array(losses),
            np.array(test_losses),
            np.array(rows) if rows else np.empty((0, theta.size), theta.dtype),
            np.array([epoch for epoch, _ in self._path], dtype=np.int64),
            theta,
        )


class _Run:
    """A model that descends, and its last state from which an epoch began with a finite loss."""

    def __init__(self, loss: Loss, step: _Step) -> None:
        self._loss, self._model, self._step = loss, loss._model, step
        self._parameters = list(_model.checked_parameters(self._model).values())
        self._velocities = [torch.zeros_like(each) for each in self._parameters]
        self._held = [*self._parameters, *self._model.buffers()]
        self._flags = [(part, part.training) for part in self._model.modules()]
        self._rate = step.learning_rate
        self._saved: tuple[int, list[torch.Tensor]] = (-1, [])
        self.save(0)

    @contextlib.contextmanager
    def guarded(self) -> Iterator[None]:
        """Put the model back to its saved state if anything is raised, and its flags in any case."""
        try:
            yield
        except BaseException:
            with _model.ALONE, torch.no_grad():
                for each, value in zip(self._held, self._saved[1], strict=True):
                    each.copy_(value)
            raise
        finally:
            for part, flag in self._flags:
                part.training = flag

    def save(self, epoch: int) -> None:
        """Save the state after so many epochs."""
        self._saved = self._state(epoch)

    def _state(self, epoch: int) -> tuple[int, list[torch.Tensor]]:
        """Return the state after so many epochs, a copy, or the saved one if that is it."""
        if epoch == self._saved[0]:
            return self._saved
        return epoch, [each.detach().clone() for each in self._held]

    def check(self, value: float, epoch: int) -> None:
        """Raise if the loss is not finite."""
        if not math.isfinite(value):
            raise FloatingPointError(
                f"the loss became {value} in epoch {epoch}, with a learning rate of {self._rate:g}; the "
                f"model is back where it was after {self._saved[0]} epochs"
            )

    def epoch(self, epoch: int, factor: float, batches: Iterator[torch.Tensor | None]) -> None:
        """Make a step for each batch of rows; None stands for all rows."""
        inputs, targets = self._loss._batches.whole()
        self._rate = factor * self._step.learning_rate
        with _model.ALONE:
            begun = self._state(epoch - 1)
            self._model.train()
            for rows in batches:
                if rows is None:
                    value = self._value(inputs, targets)
                else:
                    rows = rows.to(targets.device)
                    value = self._value(tuple(part[rows] for part in inputs), targets[rows])
                self.check(value.item(), epoch)
                self._saved = begun
                self._move(self._loss._derivative(value, self._parameters))

    def _value(self, inputs: tuple[torch.Tensor, ...], targets: torch.Tensor) -> torch.Tensor:
        return self._loss._value(self._model(*inputs), Chunk(inputs, targets, 1.0))

    def _move(self, gradient: Iterable[torch.Tensor]) -> None:
        """Make one step against a gradient."""
        _, momentum, nesterov, decay = self._step
        with torch.no_grad():
            for each, velocity, slope in zip(self._parameters, self._velocities, gradient, strict=True):
                slope = slope.add(each, alpha=decay) if decay else slope
                velocity.mul_(momentum).add_(slope)
                step = slope.add(velocity, alpha=momentum) if nesterov else velocity
                each.add_(step, alpha=-self._rate)


def _batches(n: int, size: int | None, random: np.random.Generator) -> Iterator[torch.Tensor | None]:
    """Yield the rows of one batch after another, all in a new order, or None once for all."""
    if size is None:
        yield None
    else:
        order = torch.from_numpy(random.permutation(n))
        yield from (order[start : start + size] for start in range(0, n, size))


def _checked_step(learning_rate: Any, momentum: Any, nesterov: Any, weight_decay: Any) -> _Step:
    step = _Step(
        _checks.positive("learning_rate", learning_rate),
        _checks.share_below_one("momentum", momentum),
        bool(nesterov),
        _checks.real("weight_decay", weight_decay, minimum=0.0),
    )
    if step.nesterov and not step.momentum:
        raise ValueError("momentum must be positive with nesterov; got 0.0")
    return step


def _factors(schedule: Any, n_epochs: int) -> list[float]:
    """Return what the learning rate is multiplied by in each epoch, or raise."""
    if schedule is None:
        return [1.0] * n_epochs
    if isinstance(schedule, Mapping):
        known = {
            _checks.integer("each epoch of schedule", epoch, minimum=0): _checks.real(
                "each factor of schedule", factor, minimum=0.0
            )
            for epoch, factor in schedule.items()
        }
        found, factor = [], 1.0
        for epoch in range(n_epochs):
            factor = known.get(epoch, factor)
            found.append(factor)
        return found
    if not isinstance(schedule, str) or schedule != "cosine":
        raise ValueError(f"schedule must be 'cosine', a dictionary or None; got {schedule!r}")
    return [0.5 * (1.0 + math.cos(math.pi * epoch / n_epochs)) for epoch in range(n_epochs)]


def _check_rest(targets: Any, test_inputs: Any, test_targets: Any, callback: Any) -> None:
    if targets is None:
        raise TypeError("targets must be an array or a tensor; got None")
    if (test_inputs is None) != (test_targets is None):
        given = "test_targets" if test_inputs is None else "test_inputs"
        raise ValueError(f"test_inputs and test_targets must be given together; got only {given}")
    if callback is not None and not callable(callback):
        raise TypeError(f"callback must be callable; got {type(callback).__name__}")
