"""Linear regression on Gaussian features: what least squares, with a penalty or none, gets wrong on average.

The examples are those of `smbook.regression.linear_examples`: n of them, d independent standard normal
features, coefficients uniform on the sphere of radius r ("signal"), noise of deviation sigma on the targets.
The risk is the mean of the squared distance from the found coefficients to the true ones, which is the mean
squared error on a new example less sigma^2, the noise that none can predict. It is linear in r^2 and
sigma^2: with noise 0 it is the bias alone, with signal 0 the variance alone.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from smbook import _checks
from smbook.theory._shared import Floats, Values, plain
from smbook.theory.random_matrices import wishart

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike

__all__ = [
    "SeenPart",
    "optimal_penalty",
    "ridge_risk",
    "ridge_risk_limit",
    "ridge_training_error",
    "ridgeless_risk",
    "ridgeless_risk_limit",
    "ridgeless_training_error",
    "seen_part",
]

_LARGEST = 1e100  # whose square is a float
_LEAST_PENALTY = 1e-30  # eigenvalues are resolved to below that


class SeenPart(NamedTuple):
    """Hold the signal and the noise of a rule as one who sees some of its features has them."""

    signal: float
    noise: float


def seen_part(n_features: int, n_hidden: int, *, signal: float = 1.0, noise: float = 0.0) -> SeenPart:
    r"""Return signal and noise of a rule of d + h features for a student who sees d of them.

    .. math:: r_d^2 = r^2 \frac{d}{d + h}, \qquad \sigma_d^2 = \sigma^2 + r^2 \frac{h}{d + h}

    Hidden Gaussian features are independent noise. The squares are means over the coefficients, in which all
    risks of this module are linear, so that a risk at (r_d, sigma_d) is exact for the seen coefficients; the
    mean squared error on a new example is sigma_d^2 more.

    Parameters
    ----------
    n_features, n_hidden
        d, at least 1, and h, at least 0.
    signal, noise
        r and sigma, at least 0.

    References
    ----------
    Breiman and Freedman (1983); Belkin, Hsu and Xu (2020).

    Examples
    --------
    >>> seen_part(30, 90, signal=2.0, noise=1.0)
    SeenPart(signal=1.0, noise=2.0)
    """
    d = _checks.integer("n_features", n_features, minimum=1)
    h = _checks.integer("n_hidden", n_hidden, minimum=0)
    bias, variance = _squares(signal, noise)
    return SeenPart(math.sqrt(bias * d / (d + h)), math.sqrt(variance + bias * h / (d + h)))


def ridgeless_risk(
    n_samples: ArrayLike, n_features: ArrayLike, *, signal: float = 1.0, noise: float = 0.0
) -> Values:
    r"""Return the mean risk of the shortest least squares fit, exact at every size.

    .. math:: E \lvert \hat\beta - \beta \rvert^2 = \begin{cases}
                  \sigma^2 \dfrac{d}{n - d - 1} & d < n - 1 \\
                  r^2 \Bigl(1 - \dfrac nd\Bigr) + \sigma^2 \dfrac{n}{d - n - 1} & d > n + 1
              \end{cases}

    With fewer features than examples there is variance alone, sigma^2 E tr (X^T X)^(-1). With more, the fit
    knows beta only within the n directions of the examples, and the variance is sigma^2 E tr (X X^T)^(-1).
    For d = n - 1, n and n + 1 with noise the mean is infinite: the smallest eigenvalue s of the matrix that
    is inverted has a density that goes as s^((abs(n - d) - 1) / 2) towards 0, so that 1 / s has a mean only
    if abs(n - d) is at least 2. Every single fit is finite, and averages over more and more do not settle.
    Without noise nothing diverges: the risk is 0 up to d = n and r^2 (1 - n / d) from there on.

    Parameters
    ----------
    n_samples, n_features
        n and d, integers of at least 1, of any shapes that go together.
    signal, noise
        r and sigma, at least 0.

    Returns
    -------
    Values
        inf where the mean is.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range.

    References
    ----------
    Breiman and Freedman (1983) for d < n; Belkin, Hsu and Xu (2020) for both sides; Hastie, Montanari, Rosset
    and Tibshirani (2022) for the limit.

    Examples
    --------
    >>> ridgeless_risk(60, [10, 45, 90, 120], noise=0.5).round(5).tolist()
    [0.05102, 0.80357, 0.85057, 0.75424]
    >>> ridgeless_risk(60, 60, noise=0.5), ridgeless_risk(60, 60)
    (inf, 0.0)
    """
    n, d = _sizes(n_samples, n_features)
    bias, variance = _squares(signal, noise)
    spread = np.full(n.shape, math.inf if variance > 0 else 0.0)
    far = np.abs(n - d) > 1
    spread[far] = variance * (np.minimum(n, d)[far] / (np.abs(n - d)[far] - 1))
    return plain(bias * np.maximum(1 - n / d, 0.0) + spread)


def ridgeless_training_error(n_samples: ArrayLike, n_features: ArrayLike, *, noise: float = 0.0) -> Values:
    r"""Return the mean squared error of the shortest least squares fit on its own examples.

    .. math:: \frac1n E \lvert y - X \hat\beta \rvert^2 = \sigma^2 \max\Bigl(1 - \frac dn, 0\Bigr)

    Each feature fits one share of the noise; from d = n on nothing is left to see. The signal has no part.

    Parameters
    ----------
    n_samples, n_features
        n and d, integers of at least 1, of any shapes that go together.
    noise
        sigma, at least 0.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range.

    Examples
    --------
    >>> ridgeless_training_error(60, [15, 45, 60, 90], noise=2.0).tolist()
    [3.0, 1.0, 0.0, 0.0]
    """
    n, d = _sizes(n_samples, n_features)
    return plain(_squares(0.0, noise)[1] * np.maximum(1 - d / n, 0.0))


def ridge_risk(
    n_samples: ArrayLike,
    n_features: ArrayLike,
    penalty: ArrayLike,
    *,
    signal: float = 1.0,
    noise: float = 0.0,
) -> Values:
    r"""Return the mean risk of least squares with a penalty, exact at every size.

    .. math:: E \lvert \hat\beta - \beta \rvert^2
              = E \sum_{i=1}^{d} \frac{\lambda^2 r^2 / d + \sigma^2 w_i}{(w_i + \lambda)^2}

    over the eigenvalues w of X^T X, d - n of which are 0 if d > n. The others have the mean density of
    `smbook.theory.random_matrices.wishart_density`. It is good to some 1e-12 of itself.

    Every term is least at lambda = d sigma^2 / r^2, `optimal_penalty`, whatever w is: so is the risk, at
    every n and d, for each sample of features as well as on average. It is then sigma^2 E tr (X^T X +
    lambda)^(-1), which falls with every example more.

    Parameters
    ----------
    n_samples, n_features
        n and d, integers of at least 1, the smaller up to 1000 and the larger up to 10^6.
    penalty
        lambda as in `smbook.regression.ridge`: 0, which is `ridgeless_risk`, or at least 1e-30. All three go
        together in shape.
    signal, noise
        r and sigma, at least 0.

    Returns
    -------
    Values
        inf where `ridgeless_risk` is, at penalty 0.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range.

    References
    ----------
    Hoerl and Kennard (1970). Krogh and Hertz (1992), Advani, Saxe and Sompolinsky (2020) and Hastie,
    Montanari, Rosset and Tibshirani (2022) for the limit, `ridge_risk_limit`.

    Examples
    --------
    >>> ridge_risk(60, 60, [0.0, 0.6, 15.0, 600.0], noise=0.5).round(6).tolist()
    [inf, 1.181027, 0.392733, 0.847178]
    """
    bias, variance = _squares(signal, noise)

    def risk(n: int, d: int, pull: float) -> float:
        if pull == 0:
            return float(ridgeless_risk(n, d, signal=signal, noise=noise))
        w, weights = wishart.quadrature(d, n)
        terms = bias / d * (pull / (w + pull)) ** 2 + variance * (w / (w + pull)) / (w + pull)
        return float(weights @ terms) + bias * max(1 - n / d, 0.0)

    return _each(risk, n_samples, n_features, penalty)


def ridge_training_error(
    n_samples: ArrayLike,
    n_features: ArrayLike,
    penalty: ArrayLike,
    *,
    signal: float = 1.0,
    noise: float = 0.0,
) -> Values:
    r"""Return the mean squared error of least squares with a penalty on its own examples, exact.

    .. math:: \frac1n E \lvert y - X \hat\beta \rvert^2
              = \frac{\lambda^2}{n} E \sum_{i=1}^{n} \frac{w_i r^2 / d + \sigma^2}{(w_i + \lambda)^2}

    over the eigenvalues w of X X^T, n - d of which are 0 if n > d.

    Parameters
    ----------
    n_samples, n_features, penalty, signal, noise
        As for `ridge_risk`; a penalty of 0 is `ridgeless_training_error`.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range.

    Examples
    --------
    >>> ridge_training_error(60, [15, 60, 240], 15.0, noise=0.5).round(6).tolist()
    [0.23452, 0.098183, 0.006087]
    """
    bias, variance = _squares(signal, noise)

    def error(n: int, d: int, pull: float) -> float:
        if pull == 0:
            return float(ridgeless_training_error(n, d, noise=noise))
        w, weights = wishart.quadrature(d, n)
        terms = (w * (bias / d) + variance) * (pull / (w + pull)) ** 2
        return float(weights @ terms) / n + variance * max(1 - d / n, 0.0)

    return _each(error, n_samples, n_features, penalty)


def ridgeless_risk_limit(ratio: ArrayLike, *, signal: float = 1.0, noise: float = 0.0) -> Values:
    r"""Return the risk of the shortest least squares fit for many examples and features.

    .. math:: \sigma^2 \frac{\gamma}{1 - \gamma} \quad (\gamma < 1), \qquad
              r^2 \Bigl(1 - \frac1\gamma\Bigr) + \frac{\sigma^2}{\gamma - 1} \quad (\gamma > 1)

    at gamma = d / n. If r > sigma it has a minimum beyond the peak, r^2 - (r - sigma)^2 at gamma = r / (r -
    sigma); else it falls to r^2, which is what no fit at all gets wrong.

    Parameters
    ----------
    ratio
        gamma, above 0, of any shape.
    signal, noise
        r and sigma, at least 0.

    Returns
    -------
    Values
        inf at gamma = 1 with noise.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range.

    References
    ----------
    Krogh and Hertz (1992), without a penalty; Advani, Saxe and Sompolinsky (2020); Hastie, Montanari, Rosset
    and Tibshirani (2022).

    Examples
    --------
    >>> ridgeless_risk_limit([0.5, 1.0, 2.0], noise=0.5).tolist()
    [0.25, inf, 0.75]
    """
    g, (bias, variance) = _ratios(ratio), _squares(signal, noise)
    spread = np.full(g.shape, math.inf if variance > 0 else 0.0)
    off = g != 1
    spread[off] = variance * (np.minimum(g, 1.0)[off] / np.abs(1 - g)[off])
    return plain(bias * np.maximum(1 - 1 / g, 0.0) + spread)


def ridge_risk_limit(
    ratio: ArrayLike, penalty: ArrayLike, *, signal: float = 1.0, noise: float = 0.0
) -> Values:
    r"""Return the risk of least squares with a penalty for many examples and features.

    .. math:: \frac{r^2 \lambda m (\lambda + \gamma \lambda m) + \sigma^2 \gamma (1 - \lambda m)}
                   {\sqrt{(1 - \gamma + \lambda)^2 + 4\gamma\lambda}}, \qquad
              \gamma\lambda m^2 + (1 - \gamma + \lambda) m = 1

    with the mean m of 1 / (s + lambda) over Marchenko and Pastur's law of the eigenvalues s of X^T X / n, the
    positive root. `smbook.regression.ridge` takes the penalty n lambda for this lambda. It is least at lambda
    = gamma sigma^2 / r^2, where it is sigma^2 gamma m.

    Parameters
    ----------
    ratio
        gamma = d / n, above 0.
    penalty
        lambda per example, at least 0, where 0 is `ridgeless_risk_limit`. It goes together with `ratio`.
    signal, noise
        r and sigma, at least 0.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range.

    References
    ----------
    Krogh and Hertz (1992); Hastie, Montanari, Rosset and Tibshirani (2022). Marchenko and Pastur (1967) (m).

    Examples
    --------
    >>> ridge_risk_limit(1.0, [0.0, 0.01, 0.25, 10.0], noise=0.5).round(5).tolist()
    [inf, 1.17962, 0.39039, 0.84693]
    """
    bias, variance = _squares(signal, noise)
    g, pull = np.broadcast_arrays(_ratios(ratio), _checks.reals("penalty", penalty, minimum=0.0))
    risk = np.array(ridgeless_risk_limit(g, signal=signal, noise=noise))
    some = pull > 0
    g, pull = g[some], pull[some]
    slope = 1 - g + pull
    root = np.hypot(slope, 2 * np.sqrt(g) * np.sqrt(pull))
    high = np.maximum(slope, 0.0) + root
    p = np.where(slope >= 0, 2 * pull / high, (root - slope) / (2 * g))  # lambda m
    risk[some] = (bias * p * (pull + g * p) + variance * g * (p / (pull + g * p))) / root
    return plain(risk)


def optimal_penalty(n_features: ArrayLike, *, signal: float = 1.0, noise: float = 0.0) -> Values:
    r"""Return the penalty of least risk, d sigma^2 / r^2, whatever the number of examples.

    For given features with the eigenvalues w of X^T X the risk is a sum over them of

    .. math:: \frac{\lambda^2 r^2 / d + \sigma^2 w}{(w + \lambda)^2}

    and each term is least at this lambda. It makes `smbook.regression.ridge` the posterior mean for
    coefficients of the normal law with variance r^2 / d each, which the sphere's have too.

    Parameters
    ----------
    n_features
        d, integers of at least 1 of any shape.
    signal
        r, above 0.
    noise
        sigma, at least 0.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range.

    References
    ----------
    Hoerl and Kennard (1970); Krogh and Hertz (1992).

    Examples
    --------
    >>> optimal_penalty([10, 40], noise=0.5).tolist()
    [2.5, 10.0]
    """
    d = _checks.integers("n_features", n_features, minimum=1)
    r = _checks.positive("signal", signal)
    return plain(d * (_checks.real("noise", noise, minimum=0.0) / r) ** 2)


def _sizes(n_samples: ArrayLike, n_features: ArrayLike) -> tuple[Floats, Floats]:
    """Return n and d as arrays of one shape."""
    n = _checks.integers("n_samples", n_samples, minimum=1).astype(np.float64)
    d = _checks.integers("n_features", n_features, minimum=1).astype(np.float64)
    return tuple(np.broadcast_arrays(n, d))  # type: ignore[return-value]


def _each(
    function: Callable[[int, int, float], float],
    n_samples: ArrayLike,
    n_features: ArrayLike,
    penalty: ArrayLike,
) -> Values:
    """Return a function of n, d and lambda for each of them."""
    pull = _checks.reals("penalty", penalty, minimum=0.0)
    if ((pull > 0) & (pull < _LEAST_PENALTY)).any():
        raise ValueError(f"penalty must be 0 or at least {_LEAST_PENALTY}; got {pull[pull > 0].min()}")
    n, d, pull = np.broadcast_arrays(*_sizes(n_samples, n_features), pull)
    found = [
        function(int(n), int(d), p) for n, d, p in zip(n.flat, d.flat, pull.ravel().tolist(), strict=True)
    ]
    return plain(np.reshape(np.array(found, dtype=np.float64), pull.shape))


def _squares(signal: float, noise: float) -> tuple[float, float]:
    """Return r^2 and sigma^2."""
    r = _checks.real("signal", signal, minimum=0.0, maximum=_LARGEST)
    return r**2, _checks.real("noise", noise, minimum=0.0, maximum=_LARGEST) ** 2


def _ratios(ratio: ArrayLike) -> Floats:
    values = _checks.reals("ratio", ratio)
    if (values <= 0).any():
        raise ValueError(f"ratio must be positive; got {values.min()}")
    return values
