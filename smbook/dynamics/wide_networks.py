"""Wide networks: their tangent kernels as they are drawn, and training that moves the kernel or leaves it.

The network is that of `smbook.theory.dynamics.tangent_kernel`: hidden layers of equal width, rectifiers, no
biases, standard normal weights with the factors sqrt(2 / width) outside of them.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from smbook import _checks
from smbook._records import equal
from smbook._runs import progress_bar
from smbook.kernels.rng import fill_normal, state_apart

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from smbook.kernels.rng import Randomness

    Floats = NDArray[np.float64]

_WEIGHTS_APART = 4  # from examples that an equal seed draws
_MOST_WEIGHTS = 2**31
_DEEPEST = 10_000
_LARGEST = 1e100  # of a loss
_MOST = 1e20  # of a number that comes in
_SHARE_OF_CRITICAL = 0.1

_Way = tuple[float, float, int, float, int]  # scale, rate, most steps, tolerance, thin


class WideNetwork(NamedTuple):
    """Hold the weights of a network with hidden layers of one width m and one output.

    Attributes
    ----------
    hidden
        Of each hidden layer, float64: (m, n_inputs), and then (m, m).
    readout
        a, float64, (m,).
    """

    hidden: tuple[Floats, ...]
    readout: Floats

    @property
    def width(self) -> int:
        """The number of units of a hidden layer."""
        return self.readout.size

    @property
    def depth(self) -> int:
        """The number of hidden layers."""
        return len(self.hidden)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, WideNetwork)
            and equal(self.hidden, other.hidden)
            and np.array_equal(self.readout, other.readout)
        )

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __repr__(self) -> str:
        widths = "-".join(map(str, (self.hidden[0].shape[1], *[self.width] * self.depth, 1)))
        return f"WideNetwork({widths})"


class WideTraining(NamedTuple):
    """Hold what training made of a network.

    Attributes
    ----------
    network
        The `WideNetwork` at the end.
    times
        Steps times rate: 0, and after each `thin` steps, and the last one, float64.
    outputs
        scale (h - h_0) of the examples at these times, float64, (times, P).
    losses
        sum (f - y)^2 / (2 P) at these times, float64.
    kernel_distance
        1 - cos of the angle between the empirical kernels before and after, as vectors of P^2 numbers.
    kernel_change
        The length of the kernel's change, divided by that of the kernel before.
    parameter_change
        The length of the change of all weights, divided by that of all weights before.
    n_steps
        The number of steps that were made.
    """

    network: WideNetwork
    times: Floats
    outputs: Floats
    losses: Floats
    kernel_distance: float
    kernel_change: float
    parameter_change: float
    n_steps: int

    def __eq__(self, other: object) -> bool:
        return equal(self, other)

    def __ne__(self, other: object) -> bool:
        return not equal(self, other)

    def __repr__(self) -> str:
        return (
            f"WideTraining({self.network!r}, {self.n_steps} steps, loss {self.losses[0]:.6g} to "
            f"{self.losses[-1]:.6g}, kernel distance {self.kernel_distance:.3g})"
        )


def wide_network(n_inputs: int, width: int, *, depth: int = 1, rng: Randomness = None) -> WideNetwork:
    """Draw a network with `depth` hidden layers of `width` rectifiers: all weights are standard normal.

    Parameters
    ----------
    n_inputs, width, depth
        At least 1, the depth at most 10,000. There are width (n_inputs + 1 + (depth - 1) width) weights.
    rng
        As for `smbook.ising.simulate`. An integer that has drawn examples draws independent weights.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range.

    Examples
    --------
    >>> network = wide_network(10, 512, depth=2, rng=1)
    >>> network
    WideNetwork(10-512-512-1)
    >>> [weights.shape for weights in network.hidden], network.readout.shape
    ([(512, 10), (512, 512)], (512,))
    """
    n = _checks.integer("n_inputs", n_inputs, minimum=1)
    m = _checks.integer("width", width, minimum=1)
    layers = _checks.integer("depth", depth, minimum=1, maximum=_DEEPEST)
    if m * (n + 1 + (layers - 1) * m) > _MOST_WEIGHTS:
        raise ValueError(
            f"width must make at most 2**31 weights; got {width} with {n} inputs, depth {layers}"
        )
    state = state_apart(rng, _WEIGHTS_APART)
    shapes = [(m, n), *[(m, m)] * (layers - 1), (m,)]
    weights = [np.empty(shape) for shape in shapes]
    for part in weights:
        fill_normal(state, part.reshape(-1))
    return WideNetwork(tuple(weights[:-1]), weights[-1])


def outputs(network: WideNetwork, inputs: ArrayLike) -> Floats:
    r"""Return what a wide network answers.

    .. math:: f(x) = a \cdot h_D, \qquad h_l = \sqrt{2 / m}\, \max(W_l h_{l-1}, 0), \qquad h_0 = x

    Parameters
    ----------
    network
        From `wide_network`, or weights of one's own.
    inputs
        (P, n_inputs), an input a row.

    Returns
    -------
    NDArray
        float64, (P,).

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or shape.
    FloatingPointError
        If what comes out is beyond the range of floats.

    Examples
    --------
    >>> network = WideNetwork((np.array([[1.0], [-1.0]]),), np.array([1.0, 1.0]))
    >>> outputs(network, [[3.0], [-2.0]])  # abs(x)
    array([3., 2.])
    """
    known = _checked_network(network)
    return _finite("answers", _passed(known, _checked_inputs(known, "inputs", inputs)).answers)


def empirical_kernel(network: WideNetwork, inputs: ArrayLike, others: ArrayLike | None = None) -> Floats:
    r"""Return the tangent kernel of a network as it is: products of the gradients of its answers.

    .. math:: \Theta(x, x') = h_D \cdot h_D' + \sum_{l=1}^{D} (\delta_l \cdot \delta_l')
              (h_{l-1} \cdot h_{l-1}'), \qquad \delta_l = \frac{\partial f(x)}{\partial (W_l h_{l-1})}

    by back-propagation, without forming the gradients. The slope of a rectifier at 0 counts as 0.

    Parameters
    ----------
    network
        From `wide_network`, or weights of one's own.
    inputs
        (P, n_inputs), an input a row.
    others
        (P', n_inputs); None takes the inputs themselves.

    Returns
    -------
    NDArray
        float64, (P, P').

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or shape.
    FloatingPointError
        If what comes out is beyond the range of floats.

    References
    ----------
    Jacot, Gabriel and Hongler (2018). `smbook.theory.dynamics.tangent_kernel` is the limit of infinite width.

    Examples
    --------
    >>> network = WideNetwork((np.array([[1.0], [-1.0]]),), np.array([1.0, 1.0]))
    >>> empirical_kernel(network, [[3.0], [-2.0]])  # 9 + 9, 4 + 4, and nothing in common
    array([[18.,  0.],
           [ 0.,  8.]])
    """
    known = _checked_network(network)
    rows = _checked_inputs(known, "inputs", inputs)
    one = _passed(known, rows)
    other = one if others is None else _passed(known, _checked_inputs(known, "others", others))
    return _finite("tangent kernel", _kernel(one, other))


def train_network(
    network: WideNetwork,
    inputs: ArrayLike,
    targets: ArrayLike,
    *,
    scale: float = 1.0,
    rate: float | None = None,
    n_steps: int = 10_000,
    tolerance: float = 0.0,
    thin: int = 1,
    progress: bool = False,
) -> WideTraining:
    r"""Train a network by gradient descent, lazily if its output is scaled up, richly if it is scaled down.

    What answers is the network less what it answers before training, times alpha, the scale:

    .. math:: f = \alpha\, (h - h_0), \qquad
              L = \frac{1}{\alpha^2} \frac{1}{2 P} \sum_\mu (f_\mu - y_\mu)^2, \qquad
              w \leftarrow w - \eta\, \partial L / \partial w

    A step moves f by eta times what a kernel Theta makes of it, -Theta (f - y) / P, whatever the scale. With
    a large one the weights need hardly move, by 1 / alpha, and the kernel stays ("lazy"); with a small one
    they must move far, and the kernel learns ("rich"). The width does the same more slowly.

    Parameters
    ----------
    network
        Where training begins; it is left as it is.
    inputs
        (P, n_inputs), an example a row.
    targets
        y, (P,).
    scale
        alpha, from 1e-6 to 1e6.
    rate
        eta, above 0, in units of time of gradient flow. Descent with a fixed kernel swings from P / lambda
        on and diverges at 2 P / lambda, lambda being its largest eigenvalue; None takes a tenth of P /
        lambda, of the kernel before training.
    n_steps
        At most so many steps, at least 0.
    tolerance
        Training ends when sum (f - y)^2 / (2 P) is at most that; at least 0.
    thin
        Between how many steps answers and loss are kept, at least 1.
    progress
        Whether to show a bar.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind, shape or range.
    FloatingPointError
        If the loss grows beyond 1e100: it says in which step.

    References
    ----------
    Chizat, Oyallon and Bach (2019); Jacot, Gabriel and Hongler (2018).

    Examples
    --------
    >>> inputs, targets = [[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]], [1.0, -1.0, 1.0]
    >>> network = wide_network(2, 200, rng=1)
    >>> rich, lazy = (
    ...     train_network(network, inputs, targets, scale=scale, tolerance=1e-3) for scale in (0.1, 100.0)
    ... )
    >>> bool(rich.losses[-1] <= 1e-3), bool(lazy.losses[-1] <= 1e-3)
    (True, True)
    >>> round(rich.kernel_distance, 3), lazy.kernel_distance < 1e-5
    (0.007, True)
    """
    known = _checked_network(network)
    rows = _checked_inputs(known, "inputs", inputs)
    y = _checked_targets(targets, len(rows))
    alpha = _checks.real("scale", scale, minimum=1e-6, maximum=1e6)
    most = _checks.integer("n_steps", n_steps, minimum=0)
    enough = _checks.real("tolerance", tolerance, minimum=0.0)
    every = _checks.integer("thin", thin, minimum=1)
    before = _passed(known, rows)
    kernel = _finite("tangent kernel", _kernel(before, before))
    step = _default_rate(kernel) if rate is None else _checks.positive("rate", rate)
    trained = WideNetwork(tuple(part.copy() for part in known.hidden), known.readout.copy())
    kept, made, after = _descend(trained, rows, y, before, (alpha, step, most, enough, every), progress)
    times, answers, losses = (np.array(column) for column in zip(*kept, strict=True))
    later = _finite("tangent kernel", _kernel(after, after))
    return WideTraining(
        trained,
        times * step,
        answers,
        losses,
        _distance(kernel, later),
        float(np.linalg.norm(later - kernel) / np.linalg.norm(kernel)) if kernel.any() else 0.0,
        _moved(known, trained),
        made,
    )


class _Pass(NamedTuple):
    """Hold what the layers answer to all examples, h_0 ... h_D, the slopes delta_l, and the answers."""

    layers: list[Floats]
    slopes: list[Floats]
    answers: Floats


@np.errstate(all="ignore")  # what is beyond the range of floats is seen in the answers
def _passed(network: WideNetwork, rows: Floats) -> _Pass:
    """Pass examples forward through a network, and the slope of its answer back."""
    factor, layers, gates = math.sqrt(2.0 / network.width), [rows], []
    for weights in network.hidden:
        fields = layers[-1] @ weights.T
        gates.append(np.where(fields > 0.0, factor, 0.0))
        layers.append(np.maximum(fields, 0.0) * factor)
    slopes = [gates[-1] * network.readout]
    for weights, gate in zip(network.hidden[:0:-1], gates[-2::-1], strict=True):
        slopes.append(gate * (slopes[-1] @ weights))
    return _Pass(layers, slopes[::-1], layers[-1] @ network.readout)


@np.errstate(all="ignore")
def _kernel(one: _Pass, other: _Pass) -> Floats:
    found = one.layers[-1] @ other.layers[-1].T
    for slopes, others, before, before_others in zip(
        one.slopes, other.slopes, one.layers[:-1], other.layers[:-1], strict=True
    ):
        found += (slopes @ others.T) * (before @ before_others.T)
    return found


def _descend(
    network: WideNetwork, rows: Floats, y: Floats, start: _Pass, way: _Way, progress: bool
) -> tuple[list[tuple[float, Floats, float]], int, _Pass]:
    """Move the weights; return (step, answers, loss) of the steps that are kept, their number, the end."""
    alpha, rate, most, enough, every = way
    now, made, kept = start, 0, []
    with progress_bar(most, "step", progress) as tell:
        while True:
            answers, missing, loss = _loss(now.answers, start.answers, alpha, y)
            if not loss < _LARGEST:
                raise FloatingPointError(
                    f"the loss is {loss:.3g} after {made} steps: descent has run away at the rate {rate:g}; "
                    "try a smaller one"
                )
            last = made == most or loss <= enough
            if last or made % every == 0:
                kept.append((float(made), answers, loss))
            if last:
                return kept, made, now
            _step(network, now, missing * (rate / (alpha * len(y))))
            now, made = _passed(network, rows), made + 1
            tell(1)


@np.errstate(all="ignore")
def _loss(now: Floats, before: Floats, alpha: float, y: Floats) -> tuple[Floats, Floats, float]:
    answers = alpha * (now - before)
    missing = answers - y
    return answers, missing, float(missing @ missing) / (2 * len(y))


@np.errstate(all="ignore")
def _step(network: WideNetwork, now: _Pass, pushes: Floats) -> None:
    """Move all weights against the gradients of the answers, each example by its push."""
    for weights, slopes, before in zip(network.hidden, now.slopes, now.layers[:-1], strict=True):
        weights[:] -= (slopes * pushes[:, np.newaxis]).T @ before
    network.readout[:] -= pushes @ now.layers[-1]


def _default_rate(kernel: Floats) -> float:
    """Return a tenth of P / lambda, or 1 where nothing can be learned."""
    largest = float(np.linalg.eigvalsh(kernel)[-1])
    return _SHARE_OF_CRITICAL * len(kernel) / largest if largest > 0.0 else 1.0


def _distance(one: Floats, other: Floats) -> float:
    """Return 1 - cos of the angle between two matrices, from the difference of their directions."""
    sizes = np.linalg.norm(one), np.linalg.norm(other)
    if 0.0 in sizes:
        return 0.0 if sizes[0] == sizes[1] else 1.0
    return float(np.linalg.norm(one / sizes[0] - other / sizes[1]) ** 2 / 2)


def _moved(before: WideNetwork, after: WideNetwork) -> float:
    """Return how far all weights have moved, in units of their length before."""
    pairs = [*zip(before.hidden, after.hidden, strict=True), (before.readout, after.readout)]
    length = math.sqrt(sum(float((old**2).sum()) for old, _ in pairs))
    change = math.sqrt(sum(float(((new - old) ** 2).sum()) for old, new in pairs))
    return change / length if length else 0.0


def _finite(name: str, values: Floats) -> Floats:
    if not np.isfinite(values).all():
        raise FloatingPointError(f"the network's {name} go beyond the range of floats")
    return np.asarray(values)


def _checked_network(network: WideNetwork) -> WideNetwork:
    """Return a network of float64 arrays, or raise."""
    if not isinstance(network, WideNetwork):
        raise TypeError(f"network must be a WideNetwork; got {type(network).__name__}")
    if not isinstance(network.hidden, tuple) or not network.hidden:
        raise ValueError("network must have a tuple of at least one hidden layer")
    readout = _checked_numbers("network.readout", network.readout)
    hidden = tuple(_checked_numbers("network.hidden", part) for part in network.hidden)
    if readout.ndim != 1 or not readout.size or hidden[0].ndim != 2 or not hidden[0].size:
        raise ValueError("network must have hidden layers of matrices, and as readout a vector")
    m = readout.size
    for k, part in enumerate(hidden):
        wanted = (m, hidden[0].shape[1] if k == 0 else m)
        if part.shape != wanted:
            raise ValueError(f"network.hidden[{k}] must have the shape {wanted}; got {part.shape}")
    return WideNetwork(hidden, readout)


def _checked_inputs(network: WideNetwork, name: str, inputs: ArrayLike) -> Floats:
    rows, n_inputs = _checked_numbers(name, inputs), network.hidden[0].shape[1]
    if rows.ndim != 2 or len(rows) == 0 or rows.shape[1] != n_inputs:
        raise ValueError(f"{name} must have the shape (P, {n_inputs}), an input a row; got {rows.shape}")
    return rows


def _checked_targets(targets: ArrayLike, n_examples: int) -> Floats:
    y = _checked_numbers("targets", targets)
    if y.shape != (n_examples,):
        raise ValueError(f"targets must be one for each of {n_examples} examples; got the shape {y.shape}")
    return y


def _checked_numbers(name: str, values: ArrayLike) -> Floats:
    found = _checks.reals(name, values)
    if found.size and np.abs(found).max() > _MOST:
        raise ValueError(f"{name} must be at most {_MOST:g} in size; got {np.abs(found).max():g}")
    return found
