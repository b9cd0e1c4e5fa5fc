r"""Scaling laws that can be solved: least squares on features whose variances fall by a power law.

Features are independent normal numbers of variances lambda_k, "the spectrum". Targets are x . beta plus noise
of deviation sigma. The error of coefficients b is the mean squared error on a new example, less sigma^2:

.. math:: \sum_k \lambda_k (b_k - \beta_k)^2

With :math:`\lambda_k = k^{-a}` and a target whose part in feature k has the variance
:math:`\lambda_k \beta_k^2 = k^{-b}`, b > 1, the error falls by power laws in the number of features, of
examples, and in time, and its curves for all sizes are one curve.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.optimize import brentq
from scipy.special import gamma, gammaincc, zeta

from smbook import _checks
from smbook.theory._shared import Floats, Values, plain

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = [
    "Allocation",
    "ScalingExponents",
    "compute_optimal",
    "effective_penalty",
    "flow_error",
    "largest_online_rate",
    "online_error",
    "power_law",
    "ridge_error",
    "scaling_exponents",
    "scaling_function",
    "truncation_error",
]

_LARGEST = 1e100  # whose square is a float
_MOST_ONLINE = 4096  # features, of a matrix that is diagonalized
_MOST_FEATURES = 2**22  # of a sum, in some tenths of a second


class ScalingExponents(NamedTuple):
    """Hold the exponents with which the error falls: error ~ size ** -exponent.

    Attributes
    ----------
    features, time, samples, noisy_samples, compute
        Of the number of features that are used, of the time of gradient flow, of the number of examples
        without noise and with it (at the best penalty), and of the product of features and time at its best.
    """

    features: float
    time: float
    samples: float
    noisy_samples: float
    compute: float


class Allocation(NamedTuple):
    """Hold how a budget, the number of features times the time, is spent best, and the error that is left."""

    n_features: int
    time: float
    error: float


def power_law(n_features: int, exponent: float) -> Floats:
    r"""Return :math:`k^{-\text{exponent}}` for k = 1 to n.

    Parameters
    ----------
    n_features
        n, at least 1.
    exponent
        Any real number for which all values are floats above 0.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range.

    Examples
    --------
    >>> power_law(4, 2.0)
    array([1.        , 0.25      , 0.11111111, 0.0625    ])
    """
    n = _checks.integer("n_features", n_features, minimum=1, maximum=_MOST_FEATURES)
    power = _checks.real("exponent", exponent)
    if abs(power) * math.log(n) > math.log(_LARGEST):
        raise ValueError(f"exponent must keep {n} values within 1e-100 to 1e100; got {power:g}")
    return np.arange(1.0, n + 1.0) ** -power


def effective_penalty(n_samples: ArrayLike, spectrum: ArrayLike, penalty: float = 0.0) -> Values:
    r"""Return the penalty per example that the typical fit feels, the penalty given and that of few examples.

    .. math:: n = \frac{\delta}{\kappa} + \sum_k \frac{\lambda_k}{\lambda_k + \kappa}

    Features of variances well above kappa are learned, those well below are not. Without a penalty it is 0
    from n = d on; below that it is the variance at which n features have been learned.

    Parameters
    ----------
    n_samples
        n, integers of at least 1.
    spectrum
        lambda, positive, (d,).
    penalty
        delta, 0 or from 1e-100 to 1e100, in units of the sum over the examples as in
        `smbook.regression.ridge`.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range.

    References
    ----------
    Bordelon, Canatar and Pehlevan (2020); Simon, Dickens, Karkada and DeWeese (2023).

    Examples
    --------
    >>> effective_penalty([5, 20], [1.0] * 10)  # of equal variances: (d - n) / n
    array([1., 0.])
    >>> round(effective_penalty(10, [1.0] * 10, penalty=5.0), 6)
    1.0
    """
    n = _checks.integers("n_samples", n_samples, minimum=1).astype(np.float64)
    variances = _spectrum(spectrum)
    shrink = _penalty(penalty)
    return plain(np.array([_kappa(m, variances, shrink) for m in n.ravel()]).reshape(n.shape))


def ridge_error(
    n_samples: ArrayLike,
    spectrum: ArrayLike,
    coefficients: ArrayLike,
    *,
    penalty: float = 0.0,
    noise: float = 0.0,
) -> Values:
    r"""Return the typical error of least squares with a penalty, on features of any variances.

    .. math:: \frac{\kappa^2 \sum_k \dfrac{\lambda_k \beta_k^2}{(\lambda_k + \kappa)^2} + \gamma \sigma^2}
                   {1 - \gamma}, \qquad
              \gamma = \frac1n \sum_k \frac{\lambda_k^2}{(\lambda_k + \kappa)^2}

    with the effective penalty kappa. It is what replicas and random matrices give for n and d to infinity
    together. At finite size it is off by a share of order 1 / n: for n > d, where the exact value without a
    penalty is sigma^2 d / (n - d - 1) whatever the spectrum, it says sigma^2 d / (n - d).

    Parameters
    ----------
    n_samples
        n, integers of at least 1.
    spectrum, coefficients
        lambda, positive, and beta, (d,).
    penalty
        delta, 0 or from 1e-100 to 1e100, in units of the sum over the examples.
    noise
        sigma, at least 0.

    Returns
    -------
    Values
        inf at n = d with noise and no penalty.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind, shape or range.

    References
    ----------
    Bordelon, Canatar and Pehlevan (2020); Cui, Loureiro, Krzakala and Zdeborova (2021) for the exponents;
    Hastie, Montanari, Rosset and Tibshirani (2022) for proofs.

    Examples
    --------
    >>> error = ridge_error([10, 100], power_law(1000, 1.5), power_law(1000, 0.25))  # the target's b is 2
    >>> error.round(4).tolist()
    [0.2555, 0.0249]
    """
    n = _checks.integers("n_samples", n_samples, minimum=1).astype(np.float64)
    variances, beta = _problem(spectrum, coefficients)
    shrink = _penalty(penalty)
    spread = _checks.real("noise", noise, minimum=0.0, maximum=_LARGEST) ** 2
    found = [_typical_error(m, variances, beta, shrink, spread) for m in n.ravel()]
    return plain(np.array(found).reshape(n.shape))


def flow_error(time: ArrayLike, spectrum: ArrayLike, coefficients: ArrayLike) -> Values:
    r"""Return the error of gradient flow on the mean loss of all examples there are, from zero coefficients.

    .. math:: \sum_k \lambda_k \beta_k^2 e^{-2 \lambda_k t}, \qquad
              \dot b = -\nabla_b\, \tfrac12 E (y - x \cdot b)^2

    Parameters
    ----------
    time
        t, at least 0.
    spectrum, coefficients
        lambda, positive, and beta, (d,).

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind, shape or range.

    Examples
    --------
    >>> flow_error([0.0, 0.5], [1.0], [3.0]).round(6).tolist()
    [9.0, 3.310915]
    """
    t = _checks.reals("time", time, minimum=0.0)
    variances, beta = _problem(spectrum, coefficients)
    parts = variances * beta**2
    with np.errstate(over="ignore"):
        found = [parts @ np.exp(-2 * (variances * s)) for s in t.ravel()]
    return plain(np.array(found).reshape(t.shape))


def largest_online_rate(spectrum: ArrayLike) -> float:
    r"""Return the rate below which the mean error of steps along single examples settles.

    .. math:: \sum_k \frac{\eta \lambda_k}{2 (1 - \eta \lambda_k)} = 1

    One feature alone allows 2 / (3 lambda), many of small variances 2 over the sum of all.

    Parameters
    ----------
    spectrum
        lambda, positive, (d,).

    Raises
    ------
    TypeError, ValueError
        If the spectrum is of the wrong kind or out of range.

    References
    ----------
    Feuer and Weinstein (1985).

    Examples
    --------
    >>> round(largest_online_rate([1.0]), 12), round(largest_online_rate([0.001] * 1000), 3)
    (0.666666666667, 1.996)
    """
    variances = _spectrum(spectrum)
    largest = variances.max()
    shares = variances / largest

    def excess(x: float) -> float:
        return float((x * shares / (1 - x * shares)).sum()) / 2 - 1

    most = min(2 / float(shares.sum()), 2 / 3)
    return float(brentq(excess, 0.0, most * (1 + 1e-12), xtol=1e-300, rtol=1e-14)) / float(largest)


def online_error(
    n_steps: ArrayLike,
    spectrum: ArrayLike,
    coefficients: ArrayLike,
    *,
    rate: float,
    noise: float = 0.0,
) -> Values:
    r"""Return the mean error after steps along the gradient of one fresh example each, exact at every size.

    A step changes b by :math:`\eta (y - x \cdot b) x`. For normal features the second moments
    :math:`c_k = E (\beta_k - b_k)^2` go, exactly, as

    .. math:: c_k' = (1 - 2 \eta \lambda_k + 2 \eta^2 \lambda_k^2) c_k
                     + \eta^2 \lambda_k \Bigl( \sum_j \lambda_j c_j + \sigma^2 \Bigr)

    from :math:`\beta_k^2`, at zero coefficients. The matrix of the step is symmetric, so its eigenvectors
    give all times at once, to within a share of 1e-16 for each step. For small rates the error is that of
    `flow_error` at time eta times the steps.

    Parameters
    ----------
    n_steps
        Numbers of steps, which are numbers of examples too, at least 0.
    spectrum, coefficients
        lambda, positive, and beta, (d,), d up to 4096.
    rate
        eta, positive and below `largest_online_rate`.
    noise
        sigma, at least 0.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind, shape or range.

    References
    ----------
    Widrow and Hoff (1960) for the rule; Feuer and Weinstein (1985) for the moments.

    Examples
    --------
    >>> online_error([0, 1, 2], [1.0], [1.0], rate=0.5)  # E (1 - eta x^2)^2 = 1 - 2 eta + 3 eta^2
    array([1.    , 0.75  , 0.5625])
    """
    steps = _checks.integers("n_steps", n_steps, minimum=0).astype(np.float64)
    variances, beta = _problem(spectrum, coefficients)
    if variances.size > _MOST_ONLINE:
        raise ValueError(f"spectrum must hold at most {_MOST_ONLINE} variances; got {variances.size}")
    spread = _checks.real("noise", noise, minimum=0.0, maximum=_LARGEST) ** 2
    pace = _checks.positive("rate", rate) * variances
    limit = largest_online_rate(variances)
    if rate >= limit:
        raise ValueError(f"rate must be below {limit:g}, from where on the mean error grows; got {rate:g}")
    decay, turn = np.linalg.eigh(np.diag(2 * pace - 2 * pace**2) - np.outer(pace, pace))
    start, fed = turn.T @ beta**2, turn.T @ (rate * spread * pace)
    seen = turn.T @ variances
    decay = np.maximum(decay, pace.min() * (1 - rate / limit))  # a bound, which rounding may have passed
    logs = np.log1p(-decay) * steps.ravel()[:, None]
    return plain(((np.exp(logs) * start - np.expm1(logs) / decay * fed) @ seen).reshape(steps.shape))


def truncation_error(n_features: ArrayLike, target: float) -> Values:
    r"""Return the part of a target with variances :math:`k^{-b}` in the features beyond the first d.

    .. math:: \sum_{k > d} k^{-b} = \zeta(b, d + 1) \to \frac{d^{1 - b}}{b - 1}

    Parameters
    ----------
    n_features
        d, integers of at least 0.
    target
        b, above 1 and at most 100.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range.

    Examples
    --------
    >>> round(truncation_error(0, 2.0), 6), round(truncation_error(100, 2.0), 6)  # pi^2 / 6, and less
    (1.644934, 0.00995)
    """
    d = _checks.integers("n_features", n_features, minimum=0)
    return plain(np.asarray(zeta(_above_one("target", target), d + 1.0)))


def scaling_exponents(spectrum: float, target: float) -> ScalingExponents:
    r"""Return the exponents of the error for variances :math:`k^{-a}` and a target of parts :math:`k^{-b}`.

    ============================== ==================================
    features d                     :math:`b - 1`
    time t                         :math:`(b - 1) / a`
    examples n, no noise           :math:`\min(b - 1, 2a)`
    examples n, noise, best delta  :math:`\rho / (\rho + 1/a),\ \rho = \min((b - 1)/a, 2)`
    budget d t, spent best         :math:`(b - 1) / (1 + a)`
    ============================== ==================================

    They are limits. Where the sizes of two of them are limited, the smaller one bends the curve of the other.

    Parameters
    ----------
    spectrum
        a, above 1.
    target
        b, above 1.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range.

    References
    ----------
    Caponnetto and De Vito (2007) and Cui, Loureiro, Krzakala and Zdeborova (2021) for the examples; Bordelon,
    Atanasov and Pehlevan (2024) for time and budget.

    Examples
    --------
    >>> scaling_exponents(1.5, 2.0)._asdict()  # doctest: +NORMALIZE_WHITESPACE
    {'features': 1.0, 'time': 0.6666666666666666, 'samples': 1.0, 'noisy_samples': 0.5, 'compute': 0.4}
    """
    a, b = _above_one("spectrum", spectrum), _above_one("target", target)
    source = min((b - 1) / a, 2.0)
    return ScalingExponents(b - 1, (b - 1) / a, a * source, source / (source + 1 / a), (b - 1) / (1 + a))


def scaling_function(ratio: ArrayLike, spectrum: float, target: float) -> Values:
    r"""Return the curve on which the errors of gradient flow with all numbers of features fall.

    With d features of variances :math:`k^{-a}`, and what is beyond them lost,

    .. math:: L(d, t) = \sum_{k \le d} k^{-b} e^{-2 t k^{-a}} + \sum_{k > d} k^{-b}
              \;\to\; d^{1 - b} g(t d^{-a}), \qquad
              g(z) = \frac1{b - 1} + \frac{\Gamma\bigl(\frac{b - 1}a, 2 z\bigr)}{a\, (2 z)^{(b - 1) / a}}

    for d to infinity, with the incomplete gamma function. For small z the features do not matter and
    :math:`L \propto t^{-(b - 1) / a}`; for large z time does not, and :math:`L \propto d^{1 - b}`.

    Parameters
    ----------
    ratio
        z, positive.
    spectrum, target
        a and b, above 1.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range.

    Examples
    --------
    >>> scaling_function([1e-3, 1.0, 1e3], 1.5, 2.0).round(4).tolist()
    [56.8702, 1.0402, 1.0]
    """
    z = _checks.reals("ratio", ratio)
    if (z <= 0).any():
        raise ValueError(f"ratio must be positive; got {z.min()}")
    a, b = _above_one("spectrum", spectrum), _above_one("target", target)
    power = (b - 1) / a
    with np.errstate(over="ignore"):
        early = gamma(power) * gammaincc(power, 2 * z) * (2 * z) ** -power / a
    return plain(np.asarray(1 / (b - 1) + early))


def compute_optimal(compute: float, spectrum: float, target: float) -> Allocation:
    r"""Return the number of features at which a budget C = d t leaves the least error of gradient flow.

    The error is that of `scaling_function`, exact at finite d. For large budgets

    .. math:: d \propto C^{1 / (1 + a)}, \qquad t \propto C^{a / (1 + a)}, \qquad
              L \propto C^{-(b - 1) / (1 + a)}

    Parameters
    ----------
    compute
        C, at least 1, for which the best d is at most 2^22.
    spectrum, target
        a and b, above 1.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range.

    References
    ----------
    Bordelon, Atanasov and Pehlevan (2024).

    Examples
    --------
    >>> best = compute_optimal(1e5, 1.5, 2.0)
    >>> best.n_features, round(best.time, 1), round(best.error, 5)
    (147, 680.3, 0.009)
    """
    budget = _checks.real("compute", compute, minimum=1.0, maximum=1e60)
    a, b = _above_one("spectrum", spectrum), _above_one("target", target)

    def error(d: int) -> float:
        if d > _MOST_FEATURES:
            raise ValueError(
                f"compute must be smaller: its best use takes more than {_MOST_FEATURES} features"
            )
        k = np.arange(1.0, d + 1.0)
        with np.errstate(under="ignore"):
            return float((k**-b) @ np.exp(-2 * (budget / d) * k**-a)) + float(zeta(b, d + 1.0))

    high = 2
    while error(high) < error(high // 2):
        high *= 2
    low = max(1, high // 4)
    while high - low > 2:  # the error falls and then rises
        left, right = low + (high - low) // 3, high - (high - low) // 3
        low, high = (low, right) if error(left) < error(right) else (left, high)
    best = min(range(low, high + 1), key=error)
    return Allocation(best, budget / best, error(best))


def _typical_error(n: float, variances: Floats, beta: Floats, shrink: float, spread: float) -> float:
    kappa = _kappa(n, variances, shrink)
    learned, missing = variances / (variances + kappa), kappa / (variances + kappa)
    missed = float(variances @ (beta * missing) ** 2)
    share = float(learned @ learned) / n
    # 1 - gamma, by the equation of kappa a sum of what is positive
    rest = (shrink / kappa + float(learned @ missing)) / n if kappa > 0 else 1 - share
    if rest == 0:
        return math.inf if spread > 0 else 0.0
    return (missed + share * spread) / rest


def _kappa(n: float, variances: Floats, shrink: float) -> float:
    """Return the effective penalty for one number of examples."""
    d = variances.size
    if shrink == 0 and n >= d:
        return 0.0
    lowest = max(shrink / n, float(variances.min()) * (d - n) / n)
    highest = (shrink + float(variances.sum())) / n
    if highest <= lowest * (1 + 1e-14):  # equal variances, or a penalty that is all
        return highest
    low, high = math.log(lowest) - 1e-9, math.log(highest) + 1e-9
    return math.exp(brentq(_excess, low, high, (n, variances, shrink), xtol=1e-14, rtol=1e-14))


def _excess(log_kappa: float, n: float, variances: Floats, shrink: float) -> float:
    """Return by how much n is too small for this penalty; small differences of whole numbers stay exact."""
    kappa = math.exp(log_kappa)
    large = variances > kappa
    parts = np.where(large, -kappa, variances) / (variances + kappa)
    return shrink / kappa + float(parts.sum()) + (int(large.sum()) - n)


def _spectrum(spectrum: ArrayLike) -> Floats:
    variances = _checks.reals("spectrum", spectrum)
    if variances.ndim != 1 or not variances.size:
        raise ValueError(f"spectrum must be a row of variances; got the shape {variances.shape}")
    if variances.min() <= 0 or variances.max() > _LARGEST or variances.min() < 1 / _LARGEST:
        wrong = variances.min() if variances.min() < 1 / _LARGEST else variances.max()
        raise ValueError(f"spectrum must be positive, from 1e-100 to 1e100; got {wrong:g}")
    return variances


def _problem(spectrum: ArrayLike, coefficients: ArrayLike) -> tuple[Floats, Floats]:
    variances, beta = _spectrum(spectrum), _checks.reals("coefficients", coefficients)
    if beta.shape != variances.shape:
        raise ValueError(f"coefficients must be {variances.size} numbers; got the shape {beta.shape}")
    if np.abs(beta).max() > _LARGEST:
        raise ValueError(f"coefficients must be at most 1e100; got {np.abs(beta).max():g}")
    return variances, beta


def _penalty(penalty: float) -> float:
    number = _checks.real("penalty", penalty, minimum=0.0, maximum=_LARGEST)
    if 0 < number < 1 / _LARGEST:
        raise ValueError(f"penalty must be 0 or at least 1e-100; got {number:g}")
    return number


def _above_one(name: str, value: float) -> float:
    number = _checks.real(name, value, maximum=100.0)
    if number <= 1:
        raise ValueError(f"{name} must be above 1; got {number:g}")
    return number
