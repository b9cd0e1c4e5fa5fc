"""Linear regression on random examples: a teacher of real numbers, and the student of least squares."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from smbook import _checks, _runs
from smbook._records import equal
from smbook.kernels import regression as kernels
from smbook.kernels.rng import fill_normal, seed_state, streams

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from smbook._runs import Call
    from smbook.kernels.rng import Randomness, State

    Floats = NDArray[np.float64]

__all__ = ["LinearExamples", "Streamed", "linear_examples", "ridge", "stream_least_squares"]

_LARGEST = 1e100  # whose square is a float


class LinearExamples(NamedTuple):
    """Hold examples of a linear rule.

    Attributes
    ----------
    inputs
        float64, (n, d), an example a row.
    targets
        float64, (n,).
    coefficients
        float64, (d,): the teacher's, of the features that are seen.
    """

    inputs: Floats
    targets: Floats
    coefficients: Floats

    def __eq__(self, other: object) -> bool:
        return equal(self, other)

    def __ne__(self, other: object) -> bool:
        return not equal(self, other)

    def __repr__(self) -> str:
        n, d = self.inputs.shape
        return f"LinearExamples({n} of {d} features)"


class Streamed(NamedTuple):
    """Hold the errors of runs that saw each example once.

    Attributes
    ----------
    times
        int64, (T,), how many examples had been seen.
    errors
        float64, (n_runs, T), mean squared errors on a new example, less the noise.
    """

    times: NDArray[np.int64]
    errors: Floats

    def __eq__(self, other: object) -> bool:
        return equal(self, other)

    def __ne__(self, other: object) -> bool:
        return not equal(self, other)

    def __repr__(self) -> str:
        runs, times = self.errors.shape
        return f"Streamed({runs} run{'s' * (runs > 1)}, noted {times} times)"


def linear_examples(
    n_samples: int,
    n_features: int,
    *,
    signal: float = 1.0,
    noise: float = 0.0,
    n_hidden: int = 0,
    spectrum: ArrayLike | None = None,
    coefficients: ArrayLike | None = None,
    rng: Randomness = None,
) -> LinearExamples:
    r"""Return examples of a linear rule, random or given, with noise on the targets.

    .. math:: y = x \cdot \beta + x' \cdot \beta' + \sigma \xi

    Features x (seen), x' (hidden) and xi are independent standard normal numbers. The coefficients (beta,
    beta') are uniform on the sphere of radius r in d + h dimensions. For a student who sees x alone, what is
    hidden is more noise: `smbook.theory.regression.seen_part` says how much.

    A spectrum gives the features x other variances, and coefficients may be given in place of random ones.

    Parameters
    ----------
    n_samples, n_features
        n and d, at least 1.
    signal
        r, at least 0.
    noise
        sigma, at least 0.
    n_hidden
        h, how many features take part in the rule and are left out of `inputs`.
    spectrum
        Variances of the features that are seen, positive, (d,); None is 1 for all.
    coefficients
        beta, (d,), in place of random ones; then `signal` has no part, and `n_hidden` must be 0.
    rng
        As for `smbook.ising.simulate`. A seed draws the same inputs whatever signal, noise and `n_hidden`.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range.

    Examples
    --------
    >>> found = linear_examples(4, 3, signal=2.0, rng=1)
    >>> found
    LinearExamples(4 of 3 features)
    >>> bool(np.allclose(found.targets, found.inputs @ found.coefficients))
    True
    >>> round(float(np.linalg.norm(found.coefficients)), 12)
    2.0
    """
    n = _checks.integer("n_samples", n_samples, minimum=1)
    d = _checks.integer("n_features", n_features, minimum=1)
    h = _checks.integer("n_hidden", n_hidden, minimum=0)
    radius = _checks.real("signal", signal, minimum=0.0, maximum=_LARGEST)
    sigma = _checks.real("noise", noise, minimum=0.0, maximum=_LARGEST)
    scales = None if spectrum is None else np.sqrt(_row("spectrum", spectrum, d, positive=True))
    given = None if coefficients is None else _row("coefficients", coefficients, d)
    if given is not None and h:
        raise ValueError(f"n_hidden must be 0 where coefficients are given; got {h}")
    state = seed_state(rng)
    inputs, direction = _normal(state, n, d), _normal(state, d + h)
    if scales is not None:
        inputs *= scales
    beta = direction * (radius / np.linalg.norm(direction)) if given is None else given
    targets = inputs @ beta[:d] + sigma * _normal(state, n)
    if h:
        targets += _normal(state, n, h) @ beta[d:]
    return LinearExamples(inputs, targets, beta[:d].copy())


def ridge(inputs: ArrayLike, targets: ArrayLike, penalty: float = 0.0) -> Floats:
    r"""Return the coefficients of least squares, kept short by a penalty.

    .. math:: \hat\beta = \arg\min_b\; \lvert y - X b \rvert^2 + \lambda \lvert b \rvert^2
              = (X^T X + \lambda)^{-1} X^T y

    Without a penalty, of all that fit equally well the shortest, which is the limit of a penalty that goes to
    0 ("ridgeless"). With as many features as examples or more it fits all, noise included.

    Parameters
    ----------
    inputs
        X, (n, d), an example a row.
    targets
        y, (n,).
    penalty
        lambda, at least 0, in units of the sum over the examples.

    Returns
    -------
    Floats
        (d,). Without a penalty, singular values of X below max(n, d) times the rounding of the largest count
        as 0.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind, shape or range.

    References
    ----------
    Hoerl and Kennard (1970) for the penalty; Penrose (1956) for the shortest.

    Examples
    --------
    >>> ridge([[1.0, 1.0], [1.0, -1.0]], [3.0, 1.0])
    array([2., 1.])
    >>> ridge([[1.0, 1.0]], [3.0]), ridge([[1.0, 1.0]], [3.0], 1.0)
    (array([1.5, 1.5]), array([1., 1.]))
    """
    rows, y = _checks.reals("inputs", inputs), _checks.reals("targets", targets)
    if rows.ndim != 2 or 0 in rows.shape:
        raise ValueError(f"inputs must be a matrix (n, d); got the shape {rows.shape}")
    if y.shape != rows.shape[:1]:
        raise ValueError(f"targets must be {len(rows)} numbers; got the shape {y.shape}")
    shrink = _checks.real("penalty", penalty, minimum=0.0)
    left, sizes, right = np.linalg.svd(rows, full_matrices=False)
    kept = sizes > max(rows.shape) * np.finfo(np.float64).eps * sizes[0] if shrink == 0 else sizes > 0
    with np.errstate(over="ignore", invalid="ignore"):
        along = left[:, kept].T @ y
        found = np.asarray(right[kept].T @ (along / (sizes[kept] + shrink / sizes[kept])))
    if not all(np.isfinite(numbers).all() for numbers in (sizes, along, found)):
        raise ValueError(
            f"numbers must stay in the range of floats; got inputs up to {np.abs(rows).max():g} "
            f"and targets up to {np.abs(y).max():g}"
        )
    return found


def stream_least_squares(
    spectrum: ArrayLike,
    coefficients: ArrayLike,
    n_steps: int,
    *,
    rate: float,
    noise: float = 0.0,
    n_runs: int = 1,
    every: int = 1,
    rng: Randomness = None,
    progress: bool = False,
) -> Streamed:
    r"""Learn a linear rule by steps along the gradient of one fresh example each, from zero coefficients.

    .. math:: b \leftarrow b + \eta (y - x \cdot b)\, x

    The error that is noted is exact for the coefficients at that time, sum_k lambda_k (b_k - beta_k)^2, and
    not measured on examples. `smbook.theory.scaling.online_error` is its mean.

    Parameters
    ----------
    spectrum, coefficients
        Variances lambda of the independent normal features, positive, and the rule beta, (d,).
    n_steps
        Examples, at least 1.
    rate
        eta, positive.
    noise
        Deviation of the targets' noise, at least 0.
    n_runs
        Independent runs, at least 1.
    every
        The error is noted at the start and after each `every`-th step.
    rng
        As for `smbook.ising.simulate`; each run has a stream of its own.
    progress
        Whether a bar shows the runs.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range, or if coefficients outgrow all floats.

    References
    ----------
    Widrow and Hoff (1960).

    Examples
    --------
    >>> found = stream_least_squares([1.0, 0.25], [1.0, 1.0], 100, rate=0.2, every=50, rng=1)
    >>> found
    Streamed(1 run, noted 3 times)
    >>> float(found.errors[0, 0]), bool(found.errors[0, 2] < 0.01)
    (1.25, True)
    """
    steps = _checks.integer("n_steps", n_steps, minimum=1)
    variances = _checks.reals("spectrum", spectrum)
    if variances.ndim != 1 or not variances.size:
        raise ValueError(f"spectrum must be a row of variances; got the shape {variances.shape}")
    variances = _row("spectrum", variances, variances.size, positive=True)
    beta = _row("coefficients", coefficients, variances.size)
    pace = _checks.positive("rate", rate)
    sigma = _checks.real("noise", noise, minimum=0.0, maximum=_LARGEST)
    runs = _checks.integer("n_runs", n_runs, minimum=1)
    each = _checks.integer("every", every, minimum=1)
    times = each * np.arange(steps // each + 1)
    errors = np.empty((runs, times.size))
    scales, states, room = np.sqrt(variances), streams(rng, runs), np.empty(variances.size + 1)
    with _runs.progress_bar(runs, "run", progress) as tell:
        for state, noted in zip(states, errors, strict=True):
            missing = beta.copy()
            noted[0] = variances @ missing**2
            _stream(state, scales, pace, sigma, each, missing, room, noted[1:])
            tell(1)
    if not np.isfinite(errors).all():
        last = int(times[np.isfinite(errors).all(axis=0)].max())
        raise ValueError(
            f"rate must be smaller: coefficients outgrew all floats after step {last}; got {pace:g}"
        )
    return Streamed(times, errors)


def _stream(
    state: State,
    scales: Floats,
    rate: float,
    noise: float,
    every: int,
    missing: Floats,
    room: Floats,
    noted: Floats,
) -> None:
    def show(call: Call) -> None:
        kernels.stream_least_squares(
            state, scales, rate, noise, call.steps, missing, room, noted[call.entries]
        )

    _runs.advance(show, every * noted.size, every, updates=4 * scales.size)


def _row(name: str, values: ArrayLike, size: int, *, positive: bool = False) -> Floats:
    row = _checks.reals(name, values)
    if row.shape != (size,):
        raise ValueError(f"{name} must be {size} numbers; got the shape {row.shape}")
    if np.abs(row).max() > _LARGEST:
        raise ValueError(f"{name} must be at most 1e100; got {np.abs(row).max():g}")
    if positive and row.min() <= 0:
        raise ValueError(f"{name} must be positive; got {row.min():g}")
    return row


def _normal(state: State, *shape: int) -> Floats:
    numbers = np.empty(shape)
    fill_normal(state, numbers.ravel())
    return numbers
