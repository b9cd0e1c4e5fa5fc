"""Deep linear networks that learn by gradient descent; `smbook.theory.dynamics` solves them for small rates.

A network is a tuple of weights (W_1, ..., W_D), W_l of shape (n_l, n_(l-1)), and answers W_D ... W_1 x. Of
a task it needs no examples, but the correlations E[y x^T] and E[x x^T], of which its squared error is made.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from smbook import _checks
from smbook._records import equal
from smbook._runs import advance
from smbook.kernels import linear_network as kernels
from smbook.kernels.rng import fill_normal, state_apart

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    from smbook._runs import Call
    from smbook.kernels.rng import Randomness, State

    Floats = NDArray[np.float64]

_APART = 5  # from tasks and examples that an equal seed draws
_KINDS = ("aligned", "random", "orthogonal")
_WIDEST = 2**20
_ROUNDING = 1e-9  # of a covariance
_LARGEST = 1e50  # of rates and covariances


class LinearTraining(NamedTuple):
    """Hold how a linear network has learned.

    Attributes
    ----------
    times
        The rate times the number of steps, (T + 1,).
    weights
        The weights at the end, as `linear_network` returns them.
    strengths
        u_k^T W_D ... W_1 v_k of the modes of E[y x^T], the strongest first; (T + 1, K).
    losses
        Half the mean squared error minus that of the best linear map, (T + 1,).
    steps
        The number of steps, (T + 1,).

    All are nan once the network has run away, as it does where the rate is too large.
    """

    times: Floats
    weights: tuple[Floats, ...]
    strengths: Floats
    losses: Floats
    steps: NDArray[np.int64]

    @property
    def diverged(self) -> bool:
        """Whether it has run away."""
        return bool(np.isnan(self.losses[-1]))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, LinearTraining) and (
            equal(self.weights, other.weights) and equal(self[:1] + self[2:], other[:1] + other[2:])
        )

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __repr__(self) -> str:
        end = "has run away" if self.diverged else f"loss {self.losses[-1]:.4g}"
        return f"LinearTraining({len(self.weights)} layers, {self.steps[-1]} steps, {end})"


def linear_network(
    widths: ArrayLike,
    *,
    strength: float,
    kind: str = "aligned",
    cross_covariance: ArrayLike | None = None,
    rng: Randomness = None,
) -> tuple[Floats, ...]:
    r"""Return weights to begin with, of a deep linear network.

    * "aligned": the first layer reads the v_k of E[y x^T], the last writes the u_k, each mode has a random
      direction of its own in every layer between, and all layers are equally strong, so that
      :math:`W_D \cdots W_1 = a_0 \sum_k u_k v_k^T`. Its modes stay apart for ever.
    * "random": independent normal numbers, of variance :math:`a_0^{2/D} / n_{l-1}` in layer l.
    * "orthogonal": in each layer :math:`a_0^{1/D}` times a random matrix whose rows or columns, those that
      are fewer, are orthonormal: balanced, where widths do not change, and not aligned.

    Parameters
    ----------
    widths
        n_0, n_1, ... n_D: the inputs, and the units of each layer.
    strength
        a_0, from 0 to 1e50. From 0 on no network of two layers or more learns.
    kind
        As above.
    cross_covariance
        E[y x^T], (n_D, n_0), for "aligned", which needs it, and no layer narrower than its n_D or n_0,
        whichever is less.
    rng
        As for `smbook.ising.simulate`. An integer that has drawn a task draws weights independent of it.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range, or if there is no task to be aligned to.

    References
    ----------
    Saxe, McClelland and Ganguli (2014).

    Examples
    --------
    >>> task = [[3.0, 0.0], [0.0, 1.0]]
    >>> first, second = linear_network((2, 3, 2), strength=0.01, cross_covariance=task, rng=1)
    >>> (second @ first).round(12)
    array([[0.01, 0.  ],
           [0.  , 0.01]])
    """
    sizes = _sizes(widths)
    start = _checks.real("strength", strength, minimum=0.0, maximum=1e50)
    _checks.choice("kind", kind, _KINDS)
    modes = _modes_for(kind, sizes, cross_covariance)
    state = state_apart(rng, _APART)
    if kind == "random":
        theta = np.empty(int((sizes[1:] * sizes[:-1]).sum()))
        kernels.fill_random(sizes, start, state, theta)
        return _matrices(sizes, theta)
    gain = start ** (1 / (len(sizes) - 1))
    pairs = list(zip(sizes[1:].tolist(), sizes[:-1].tolist(), strict=True))
    if modes is None:
        return tuple(gain * _orthonormal(*pair, state) for pair in pairs)
    left, right = modes
    between = [_orthonormal(n, left.shape[1], state) for n in sizes[1:-1].tolist()]
    frames = [right, *between, left]
    return tuple(gain * (frames[k + 1] @ frames[k].T) for k in range(len(pairs)))


def train_linear(
    weights: Sequence[ArrayLike],
    cross_covariance: ArrayLike,
    *,
    rate: float,
    n_steps: int,
    thin: int = 1,
    input_covariance: ArrayLike | None = None,
    progress: bool = False,
) -> LinearTraining:
    r"""Let a linear network learn, by steps of gradient descent on 1/2 E|y - W_D ... W_1 x|^2.

    .. math:: \Delta W_l = \eta\, (W_D \cdots W_{l+1})^T
              \bigl(E[y x^T] - W_D \cdots W_1 E[x x^T]\bigr) (W_{l-1} \cdots W_1)^T

    For white inputs and small rates it follows `smbook.theory.dynamics.mode_strength`, up to an error
    in proportion to the rate, from an aligned start on. At the end all settle only if
    :math:`\eta D s_1^{2 - 2/D} < 2`.

    Parameters
    ----------
    weights
        W_1, ... W_D, as `linear_network` returns them; they are not changed.
    cross_covariance
        E[y x^T], (n_D, n_0), its entries at most 1e50.
    rate
        eta, above 0, at most 1e50.
    n_steps, thin
        Strengths and losses are noted at the start and after every `thin`-th step.
    input_covariance
        E[x x^T], (n_0, n_0), symmetric, not negative, and at most 1e50; None for white inputs, the identity.
        If some direction is missing in the inputs, E[y x^T] must vanish there.
    progress
        Whether a bar shows the steps.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range, or if shapes do not go together.

    References
    ----------
    Saxe, McClelland and Ganguli (2014).

    Examples
    --------
    >>> task = np.diag([3.0, 1.0])
    >>> start = linear_network((2, 2, 2), strength=0.001, cross_covariance=task, rng=1)
    >>> found = train_linear(start, task, rate=0.01, n_steps=400, thin=200)
    >>> found.strengths[1:].round(3)  # at times 2 and 4; theory: 2.946, 0.052 and 3, 0.749
    array([[2.946, 0.051],
           [3.   , 0.745]])
    """
    sizes, theta = _flat(weights)
    task = _matrix("cross_covariance", cross_covariance, (int(sizes[-1]), int(sizes[0])))
    rate = _at_most("rate", _checks.positive("rate", rate))
    n_steps = _checks.integer("n_steps", n_steps, minimum=0)
    thin = _checks.integer("thin", thin, minimum=1)
    _at_most("cross_covariance", np.abs(task).max())
    inputs, best, root = _inputs(input_covariance, task)
    left, strengths, right = np.linalg.svd(task, full_matrices=False)
    forward = np.empty((int(sizes[1:].sum()), sizes[0]))
    errors = np.empty((2, int(sizes.max()), sizes[0]))
    kernels.follow(sizes, theta, forward)
    if not np.abs(forward[-len(task) :]).max() <= kernels.LARGEST:
        raise ValueError(f"weights must have a product of at most {kernels.LARGEST:g}; it is larger")
    noted = np.empty((n_steps // thin + 1, len(strengths)))
    losses = np.empty(len(noted))

    def note(entries: slice, maps: Floats) -> None:
        noted[entries] = ((left.T @ maps) * right).sum(axis=2)  # map by map: bits do not depend on the call
        losses[entries] = (((maps - best) @ root) ** 2).reshape(len(maps), -1).sum(axis=1) / 2

    def run(call: Call) -> None:
        maps = np.empty((call.entries.stop - call.entries.start, *task.shape))
        kernels.descend(sizes, theta, task, inputs, rate, call.steps, forward, errors, maps)
        if call.complete:
            note(slice(call.entries.start + 1, call.entries.stop + 1), maps)

    note(slice(0, 1), forward[np.newaxis, -len(task) :])
    work = int(sizes[0] * theta.size)
    advance(run, n_steps, thin, updates=3 * work, unit="step", progress=progress)
    steps = thin * np.arange(len(noted))
    return LinearTraining(
        np.asarray(rate * steps, dtype=np.float64), _matrices(sizes, theta), noted, losses, steps
    )


def _sizes(widths: ArrayLike) -> NDArray[np.int64]:
    sizes = _checks.integers("widths", widths, minimum=1, maximum=_WIDEST)
    if sizes.ndim != 1 or sizes.size < 2:
        raise ValueError(f"widths must be at least two numbers in a row; got {widths!r}")
    return sizes


def _modes_for(
    kind: str, sizes: NDArray[np.int64], cross_covariance: ArrayLike | None
) -> tuple[Floats, Floats] | None:
    """Return the u_k and the v_k, one a column, for an aligned start."""
    if kind != "aligned":
        if cross_covariance is not None:
            raise ValueError(f"cross_covariance is for kind 'aligned'; got kind {kind!r}")
        return None
    if cross_covariance is None:
        raise ValueError("cross_covariance must be given for kind 'aligned'; got None")
    task = _matrix("cross_covariance", cross_covariance, (int(sizes[-1]), int(sizes[0])))
    if sizes.min() < min(task.shape):
        raise ValueError(f"widths must be at least {min(task.shape)}, one unit a mode; got {sizes.min()}")
    left, _, right = np.linalg.svd(task, full_matrices=False)
    return left, right.T


def _orthonormal(n_rows: int, n_columns: int, state: State) -> Floats:
    """Return a random matrix whose columns are orthonormal, or its rows if they are fewer."""
    normal = np.empty(n_rows * n_columns)
    fill_normal(state, normal)
    tall = np.reshape(normal, (max(n_rows, n_columns), -1))
    frame, triangle = np.linalg.qr(tall)
    frame = frame * np.where(np.diagonal(triangle) < 0, -1.0, 1.0)  # uniform, whatever the signs of LAPACK
    return np.asarray(frame if n_rows >= n_columns else frame.T)


def _flat(weights: Sequence[ArrayLike]) -> tuple[NDArray[np.int64], Floats]:
    """Return the widths and all weights in a row, or raise."""
    if isinstance(weights, (str, bytes)) or not isinstance(weights, (tuple, list)) or not weights:
        raise TypeError(f"weights must be a tuple of matrices, one a layer; got {weights!r}")
    layers = [_matrix(f"weights[{k}]", layer) for k, layer in enumerate(weights)]
    for k, (one, other) in enumerate(pairwise(layers)):
        if one.shape[0] != other.shape[1]:
            raise ValueError(
                f"weights[{k + 1}] must have {one.shape[0]} columns, a unit each of the layer before; "
                f"got {other.shape[1]}"
            )
    sizes = np.array([layers[0].shape[1], *(len(layer) for layer in layers)])
    return sizes, np.concatenate([layer.ravel() for layer in layers])


def _matrices(sizes: NDArray[np.int64], theta: Floats) -> tuple[Floats, ...]:
    ends = np.cumsum(sizes[1:] * sizes[:-1])[:-1]
    shapes = zip(sizes[1:].tolist(), sizes[:-1].tolist(), strict=True)
    return tuple(np.reshape(part, shape) for part, shape in zip(np.split(theta, ends), shapes, strict=True))


def _matrix(name: str, values: Any, shape: tuple[int, int] | None = None) -> Floats:
    array = _checks.reals(name, values)
    if array.ndim != 2 or 0 in array.shape:
        raise ValueError(f"{name} must be a matrix; got the shape {array.shape}")
    if shape is not None and array.shape != shape:
        raise ValueError(f"{name} must have the shape {shape}; got {array.shape}")
    return array


def _at_most(name: str, value: float) -> float:
    if value > _LARGEST:
        raise ValueError(f"{name} must be at most {_LARGEST:g}; got {value:g}")
    return value


def _inputs(input_covariance: ArrayLike | None, task: Floats) -> tuple[Floats, Floats, Floats]:
    """Return E[x x^T], the best linear map, and a root of the former."""
    n = task.shape[1]
    if input_covariance is None:
        return np.eye(n), task, np.eye(n)
    inputs = _matrix("input_covariance", input_covariance, (n, n))
    _at_most("input_covariance", np.abs(inputs).max())
    largest = float(np.abs(inputs).max())
    apart = float(np.abs(inputs - inputs.T).max())
    if apart > _ROUNDING * largest:
        raise ValueError(f"input_covariance must be symmetric; C - C.T reaches {apart:g}")
    variances, axes = np.linalg.eigh(inputs)
    if variances[0] < -_ROUNDING * largest:
        raise ValueError(f"input_covariance must have no negative eigenvalue; got {variances[0]:g}")
    seen = variances > _ROUNDING * largest
    lost = float(np.abs(task @ axes[:, ~seen]).max(initial=0.0))
    if lost > _ROUNDING * float(np.abs(task).max()):
        raise ValueError(
            "cross_covariance must vanish where input_covariance does, or no linear map is best; "
            f"got {lost:g} there"
        )
    with np.errstate(over="ignore", invalid="ignore"):
        best = (task @ axes[:, seen] / variances[seen]) @ axes[:, seen].T
    if not np.abs(best).max() <= kernels.LARGEST:
        raise ValueError(f"input_covariance must not be so small; got entries of at most {largest:g}")
    return inputs, best, axes[:, seen] * np.sqrt(variances[seen])
