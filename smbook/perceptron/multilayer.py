"""Networks of several layers: what they answer, the gradient of their loss, and its descent."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from smbook import _checks, _runs
from smbook._records import equal
from smbook.kernels import multilayer as kernels
from smbook.kernels.rng import fill_normal, state_apart
from smbook.perceptron._examples import checked_inputs

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import ArrayLike, NDArray

    from smbook.kernels.rng import Randomness

    Floats = NDArray[np.float64]

ACTIVATIONS = ("identity", "tanh", "relu", "logistic")
LOSSES = ("squared", "logistic")

_LARGEST = 1e100  # of a parameter or a target
_MOST_PARAMETERS = 2**31
_WEIGHTS_APART, _BATCHES_APART = 4, 5  # from examples that an equal seed draws


class Layer(NamedTuple):
    """Hold the weights of a layer, (n_out, n_in), and its biases, (n_out,)."""

    weights: Floats
    biases: Floats

    def __eq__(self, other: object) -> bool:
        return equal(self, other)

    def __ne__(self, other: object) -> bool:
        return not equal(self, other)


class Trained(NamedTuple):
    """Hold what gradient descent came to.

    Attributes
    ----------
    theta
        The parameters at the end, float64 (n_parameters,).
    losses
        The loss of all examples after `steps` steps, float64.
    steps
        0, record_every, 2 record_every, ..., and n_steps, int64.
    """

    theta: Floats
    losses: Floats
    steps: NDArray[np.int64]

    def __eq__(self, other: object) -> bool:
        return equal(self, other)

    def __ne__(self, other: object) -> bool:
        return not equal(self, other)

    def __repr__(self) -> str:
        return f"Trained({self.steps[-1]} steps, loss {self.losses[0]:.6g} to {self.losses[-1]:.6g})"


class Multilayer:
    r"""A network of layers, each connected to all of the next, whose last layer is linear.

    Layer l answers :math:`a^l = \phi(W^l a^{l-1} + b^l)`, with the inputs as :math:`a^0`, and the last one
    without :math:`\phi`. All parameters are one vector theta: for each layer W, row by row, and then b.

    Parameters
    ----------
    widths
        The number of inputs, of units in each layer between, and of outputs: at least two numbers, each at
        least 1.
    activation
        phi: "tanh", "relu", max(x, 0), whose derivative at 0 counts as 0, "logistic", 1 / (1 + e^-x), or
        "identity".
    loss
        Of an example with outputs o and targets t: "squared", sum (o - t)^2 / 2, or "logistic",
        ln(1 + e^(-t o)), with one output and targets of +1 and -1. It is minus the logarithm of the
        probability of t, where that of +1 is 1 / (1 + e^-o). The loss of many is the mean.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range.

    References
    ----------
    Rumelhart, Hinton and Williams (1986).

    Examples
    --------
    >>> net = Multilayer([2, 3, 1], loss="logistic")
    >>> net, net.n_parameters
    (Multilayer(2-3-1, tanh, logistic loss), 13)
    >>> corners, parity = [[-1, -1], [-1, 1], [1, -1], [1, 1]], [-1, 1, 1, -1]
    >>> trained = net.train(net.initial(rng=1), corners, parity, rate=1.0, n_steps=500)
    >>> np.sign(net.outputs(trained.theta, corners)[:, 0])
    array([-1.,  1.,  1., -1.])
    """

    def __init__(self, widths: Iterable[int], *, activation: str = "tanh", loss: str = "squared") -> None:
        self._widths = _checked_widths(widths)
        self._activation = _checks.choice("activation", activation, ACTIVATIONS)
        self._loss = _checks.choice("loss", loss, LOSSES)
        if loss == "logistic" and self._widths[-1] != 1:
            raise ValueError(f"widths must end with one output for the logistic loss; got {self._widths}")
        self._sizes = np.array(self._widths)
        self._kinds = ACTIVATIONS.index(activation), LOSSES.index(loss)

    @property
    def widths(self) -> tuple[int, ...]:
        """The number of inputs, of units in each layer between, and of outputs."""
        return self._widths

    @property
    def activation(self) -> str:
        """The name of phi."""
        return self._activation

    @property
    def loss_name(self) -> str:
        """The name of the loss."""
        return self._loss

    @property
    def n_parameters(self) -> int:
        """How many numbers theta holds."""
        return _count(self._widths)

    def __repr__(self) -> str:
        return f"Multilayer({'-'.join(map(str, self._widths))}, {self._activation}, {self._loss} loss)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Multilayer) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)

    @property
    def _key(self) -> tuple[object, ...]:
        return self._widths, self._activation, self._loss

    def initial(self, *, rng: Randomness = None, scale: float = 1.0) -> Floats:
        """Return random parameters: normal weights of deviation scale / sqrt(n_in), and biases of 0.

        Parameters
        ----------
        rng
            As for `smbook.ising.simulate`. An integer that has drawn examples draws independent parameters.
        scale
            At least 0. Fields of units then have about that deviation, if inputs have one of 1.

        Raises
        ------
        TypeError, ValueError
            If an argument is of the wrong kind or out of range.

        Examples
        --------
        >>> Multilayer([2, 1]).initial(rng=1).round(3)
        array([ 1.935, -0.171,  0.   ])
        """
        deviation = _checks.real("scale", scale, minimum=0.0)
        state, theta = state_apart(rng, _WEIGHTS_APART), np.zeros(self.n_parameters)
        for layer in self._views(theta):
            noise = np.empty(layer.weights.size)
            fill_normal(state, noise)
            layer.weights[:] = noise.reshape(layer.weights.shape)
            layer.weights[:] *= deviation / math.sqrt(layer.weights.shape[1])
        return theta

    def layers(self, theta: ArrayLike) -> tuple[Layer, ...]:
        """Return copies of the weights and biases of each layer.

        Raises
        ------
        TypeError, ValueError
            If theta does not hold n_parameters real numbers.

        Examples
        --------
        >>> Multilayer([2, 1]).layers([1.0, 2.0, 3.0])
        (Layer(weights=array([[1., 2.]]), biases=array([3.])),)
        """
        return self._views(self._checked_theta(theta))

    def activations(self, theta: ArrayLike, inputs: ArrayLike) -> tuple[Floats, ...]:
        """Return what the units of each layer answer, (P, n_out) a layer; the last are the outputs.

        Parameters
        ----------
        theta
            Parameters, (n_parameters,).
        inputs
            Real numbers, (P, widths[0]).

        Raises
        ------
        TypeError, ValueError
            If an argument is of the wrong kind or shape.
        FloatingPointError
            If an answer is beyond the range of float64.

        Examples
        --------
        >>> Multilayer([1, 2, 1], activation="relu").activations([1, -1, 0, 0, 1, 1, 0], [[-3.0]])
        (array([[0., 3.]]), array([[3.]]))
        """
        known = self._checked_theta(theta), self._checked_inputs(inputs)
        ends = np.cumsum(self._widths[1:-1])
        return tuple(part.copy() for part in np.split(self._answers(*known), ends, axis=1))

    def outputs(self, theta: ArrayLike, inputs: ArrayLike) -> Floats:
        """Return the outputs, (P, n_out).

        Parameters and errors are those of `activations`.

        Examples
        --------
        >>> Multilayer([2, 1]).outputs([1.0, 2.0, 3.0], [[0.0, 0.0], [1.0, 1.0]])
        array([[3.],
               [6.]])
        """
        return self.activations(theta, inputs)[-1]

    def loss(self, theta: ArrayLike, inputs: ArrayLike, targets: ArrayLike) -> float:
        """Return the mean loss of examples.

        Parameters
        ----------
        theta
            Parameters, (n_parameters,).
        inputs
            Real numbers, (P, widths[0]).
        targets
            Real numbers, (P, n_out), or (P,) where there is one output; +1 and -1 for the logistic loss.

        Raises
        ------
        TypeError, ValueError
            If an argument is of the wrong kind or shape.
        FloatingPointError
            If an answer or the loss is beyond the range of float64.

        Examples
        --------
        >>> Multilayer([2, 1]).loss([1.0, 2.0, 3.0], [[0.0, 0.0], [1.0, 1.0]], [3.0, 4.0])
        1.0
        """
        known, rows, wanted = self._checked(theta, inputs, targets)
        found = float(kernels.mean_loss(self._kinds[1], wanted, self._answers(known, rows)))
        return float(_finite("the loss", found))

    def gradient(self, theta: ArrayLike, inputs: ArrayLike, targets: ArrayLike) -> Floats:
        """Return the derivatives of the mean loss by theta, (n_parameters,), by back-propagation.

        Parameters and errors are those of `loss`.

        Examples
        --------
        >>> Multilayer([2, 1]).gradient([1.0, 2.0, 3.0], [[0.0, 0.0], [1.0, 1.0]], [3.0, 4.0])
        array([1., 1., 1.])
        """
        return self._gradient(*self._checked(theta, inputs, targets))

    def example_gradients(self, theta: ArrayLike, inputs: ArrayLike, targets: ArrayLike) -> Floats:
        r"""Return the gradient of the loss of each example, (P, n_parameters).

        Their mean is `gradient`. With their covariance C (divided by P), the mean over a batch of B different
        ones of P has the covariance

        .. math:: \frac{P - B}{P - 1} \frac CB.

        Parameters and errors are those of `loss`.

        Examples
        --------
        >>> Multilayer([1, 1]).example_gradients([1.0, 0.0], [[1.0], [2.0]], [0.0, 0.0])
        array([[1., 1.],
               [4., 2.]])
        """
        known, rows, wanted = self._checked(theta, inputs, targets)
        return np.array([self._gradient(known, rows[k : k + 1], wanted[k : k + 1]) for k in range(len(rows))])

    def train(
        self,
        theta: ArrayLike,
        inputs: ArrayLike,
        targets: ArrayLike,
        *,
        rate: float,
        n_steps: int,
        batch_size: int | None = None,
        momentum: float = 0.0,
        rng: Randomness = None,
        record_every: int = 1,
        progress: bool = False,
    ) -> Trained:
        """Return parameters after gradient descent, v' = momentum v - rate g and theta' = theta + v'.

        g is the gradient of the mean loss of all examples or, with `batch_size`, of so many different ones,
        which each step draws anew, every set alike. Its mean is that of all, its covariance stands at
        `example_gradients`.

        Parameters
        ----------
        theta
            Where to begin, (n_parameters,); it is left as it is.
        inputs, targets
            As for `loss`.
        rate
            Above 0.
        n_steps
            At least 0.
        batch_size
            From 1 to P; by default all examples, and nothing is drawn.
        momentum
            From 0 to below 1: of the heavy ball.
        rng
            As for `smbook.ising.simulate`.
        record_every
            Between how many steps the loss of all examples is noted, at least 1.
        progress
            Whether to show a bar.

        Raises
        ------
        TypeError, ValueError
            If an argument is of the wrong kind or out of range.
        FloatingPointError
            If the loss grows beyond 1e100: it says in which step.

        References
        ----------
        Robbins and Monro (1951) for batches; Polyak (1964) for momentum.

        Examples
        --------
        >>> net = Multilayer([1, 1])
        >>> trained = net.train([0.0, 0.0], [[-1.0], [0.0], [1.0]], [-1.0, 1.0, 3.0], rate=0.5, n_steps=20)
        >>> trained.theta.round(2)
        array([2., 1.])
        >>> trained
        Trained(20 steps, loss 1.83333 to 1.20584e-07)
        """
        known, rows, wanted = self._checked(theta, inputs, targets)
        step = _checks.positive("rate", rate)
        n_steps = _checks.integer("n_steps", n_steps, minimum=0)
        n_batch = _checks.integer(
            "batch_size", len(rows) if batch_size is None else batch_size, minimum=1, maximum=len(rows)
        )
        kept = _checks.share_below_one("momentum", momentum)
        every = _checks.integer("record_every", record_every, minimum=1)
        course = _Course(self, known, rows, wanted, n_batch, state_apart(rng, _BATCHES_APART))
        steps = np.unique(np.append(np.arange(0, n_steps + 1, every), n_steps))
        losses = np.empty(steps.size)
        losses[0] = course.loss(step)

        def run(call: _runs.Call) -> None:
            for entry in range(call.entries.start, call.entries.stop):
                course.descend(step, kept, call.steps)
                if call.complete or course.made == n_steps:
                    losses[entry + 1] = course.loss(step)

        updates = n_batch * self.n_parameters
        _runs.advance(run, n_steps, every, updates=updates, unit="step", progress=progress)
        return Trained(course.theta, losses, steps)

    def _views(self, theta: Floats) -> tuple[Layer, ...]:
        found, start = [], 0
        for n_in, n_out in itertools.pairwise(self._widths):
            middle, end = start + n_in * n_out, start + (n_in + 1) * n_out
            found.append(Layer(theta[start:middle].reshape(n_out, n_in), theta[middle:end]))
            start = end
        return tuple(found)

    def _room(self, n_rows: int) -> Floats:
        return np.empty((n_rows, sum(self._widths[1:])))

    def _answers(self, theta: Floats, rows: Floats) -> Floats:
        found = self._room(len(rows))
        kernels.forward(self._sizes, self._kinds[0], theta, rows, found)
        return np.asarray(_finite("what units answer", found))

    def _gradient(self, theta: Floats, rows: Floats, wanted: Floats) -> Floats:
        answers, found = self._room(len(rows)), np.empty_like(theta)
        room = answers, np.empty(answers.shape[1])
        kernels.backward(self._sizes, *self._kinds, theta, rows, wanted, *room, found)
        return np.asarray(_finite("the gradient", found))

    def _checked(
        self, theta: ArrayLike, inputs: ArrayLike, targets: ArrayLike
    ) -> tuple[Floats, Floats, Floats]:
        known, rows = self._checked_theta(theta), self._checked_inputs(inputs)
        return known, rows, self._checked_targets(targets, len(rows))

    def _checked_theta(self, theta: ArrayLike) -> Floats:
        found = np.array(_checks.reals("theta", theta), order="C")
        if found.shape != (self.n_parameters,):
            raise ValueError(
                f"theta must have the shape ({self.n_parameters},) for {self!r}; got {found.shape}"
            )
        if np.abs(found).max() > _LARGEST:
            raise ValueError(f"theta must be at most {_LARGEST:g} in size; got {np.abs(found).max():g}")
        return found

    def _checked_inputs(self, inputs: ArrayLike) -> Floats:
        rows = checked_inputs(inputs)
        if rows.shape[1] != self._widths[0]:
            raise ValueError(f"inputs must have {self._widths[0]} columns for {self!r}; got {rows.shape[1]}")
        return rows

    def _checked_targets(self, targets: ArrayLike, n_rows: int) -> Floats:
        found, n_outputs = _checks.reals("targets", targets), self._widths[-1]
        if found.shape != (n_rows, n_outputs) and (n_outputs > 1 or found.shape != (n_rows,)):
            raise ValueError(f"targets must have the shape ({n_rows}, {n_outputs}); got {found.shape}")
        if np.abs(found).max() > _LARGEST:
            raise ValueError(f"targets must be at most {_LARGEST:g} in size; got {np.abs(found).max():g}")
        if self._loss == "logistic" and (np.abs(found) != 1.0).any():
            wrong = found[np.abs(found) != 1.0][0]
            raise ValueError(f"targets must be +1 or -1 for the logistic loss; got {wrong:g}")
        return np.array(found.reshape(n_rows, n_outputs), order="C")


class _Course:
    """Keep the state of a descent, and room to work in."""

    def __init__(
        self,
        net: Multilayer,
        theta: Floats,
        rows: Floats,
        wanted: Floats,
        n_batch: int,
        state: NDArray[np.uint64],
    ) -> None:
        self.net, self.theta, self.rows, self.wanted = net, theta, rows, wanted
        self.velocity, self.made = np.zeros_like(theta), 0
        self.batch = n_batch, rows, wanted, theta, self.velocity, np.arange(len(rows)), state
        answers = net._room(n_batch)
        self.room = answers, np.empty(answers.shape[1]), np.empty_like(theta)
        self.answers = net._room(len(rows))

    def descend(self, rate: float, momentum: float, n_steps: int) -> None:
        losses, net = np.empty(n_steps), self.net
        made = kernels.descend(net._sizes, *net._kinds, rate, momentum, *self.batch, *self.room, losses)
        self.made += made
        if made < n_steps:
            self._refuse(losses[made], rate)

    def loss(self, rate: float) -> float:
        net = self.net
        kernels.forward(net._sizes, net._kinds[0], self.theta, self.rows, self.answers)
        found = float(kernels.mean_loss(net._kinds[1], self.wanted, self.answers))
        if not found < kernels.LARGEST:
            self._refuse(found, rate)
        return found

    def _refuse(self, loss: float, rate: float) -> None:
        raise FloatingPointError(
            f"the loss is {loss:.3g} after {self.made} steps: descent has run away at the rate {rate:g}; "
            "try a smaller one"
        )


def _checked_widths(widths: Iterable[int]) -> tuple[int, ...]:
    if isinstance(widths, str):
        raise TypeError(f"widths must be a sequence of integers; got {widths!r}")
    try:
        found = tuple(_checks.integer("each of widths", width, minimum=1) for width in widths)
    except TypeError as error:
        if "each of widths" in str(error):
            raise
        raise TypeError(f"widths must be a sequence of integers; got {widths!r}") from None
    if len(found) < 2:
        raise ValueError(f"widths must be those of the inputs and of at least one layer; got {found}")
    if _count(found) > _MOST_PARAMETERS:
        raise ValueError(f"widths must make at most 2**31 parameters; got {found}")
    return found


def _count(widths: tuple[int, ...]) -> int:
    return sum((n_in + 1) * n_out for n_in, n_out in itertools.pairwise(widths))


def _finite(what: str, values: float | Floats) -> float | Floats:
    if not np.isfinite(values).all():
        raise FloatingPointError(f"{what} is beyond the range of float64")
    return values
