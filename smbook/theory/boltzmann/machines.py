"""Machines whose partition function is one sum: equal weights, and a single hidden unit."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from smbook import _checks
from smbook._records import equal
from smbook.theory._shared import Floats, log_binomials
from smbook.theory.boltzmann import _units

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

_MOST_UNITS = 10**7
_MOST_TERMS = 10**9  # some ten seconds
_BLOCK = 2**20
_STEP = 0.5  # of the trapezoidal rule, which errs by 2 exp(-2 pi^2 / step^2) = 1e-34 on a unit Gaussian
_REACH = 12.0  # beyond, a unit Gaussian holds 1e-32


class Uniform(NamedTuple):
    """Hold the exact averages of a machine whose weights, and biases in a layer, are all equal.

    Attributes
    ----------
    log_partition
        ln Z of the whole machine.
    law
        The probability that k visible units are on (1, or up), shape (n_visible + 1,).
    fields
        The field x_k of every hidden unit when k visible units are on, shape (n_visible + 1,).
    visible_mean, hidden_mean
        <v_i> and <h_j>.
    correlation, covariance
        <v_i h_j>, and <v_i h_j> - <v_i><h_j>.
    visible_correlation, hidden_correlation
        <v_i v_k> and <h_j h_l> of two different units, 0 where the layer has only one.
    singular_value
        The only one of the weights that is not 0, abs(w) sqrt(n_visible n_hidden); its singular vectors have
        equal entries.
    """

    log_partition: float
    law: Floats
    fields: Floats
    visible_mean: float
    hidden_mean: float
    correlation: float
    covariance: float
    visible_correlation: float
    hidden_correlation: float
    singular_value: float

    def __eq__(self, other: object) -> bool:
        return equal(self, other)

    def __ne__(self, other: object) -> bool:
        return not equal(self, other)


class OneHiddenUnit(NamedTuple):
    """Hold the exact averages of a machine with one hidden unit.

    Attributes
    ----------
    log_partition
        ln Z of the whole machine.
    visible_means
        <v_i>, shape (n_visible,).
    hidden_mean
        <h>.
    correlations
        <v_i h>, shape (n_visible,).
    """

    log_partition: float
    visible_means: Floats
    hidden_mean: float
    correlations: Floats

    def __eq__(self, other: object) -> bool:
        return equal(self, other)

    def __ne__(self, other: object) -> bool:
        return not equal(self, other)


def uniform(
    n_visible: int,
    n_hidden: int,
    weight: float,
    visible_bias: float = 0.0,
    hidden_bias: float = 0.0,
    *,
    visible: str = "binary",
    hidden: str = "binary",
) -> Uniform:
    r"""Return the exact averages of a restricted machine with all weights w and biases b and c equal.

    .. math:: Z = \sum_{k=0}^{n} \binom nk\, e^{b S_k + m \varphi(x_k)}, \qquad x_k = c + w S_k

    with n visible units, m hidden ones and k of the visible units on, so that they sum up to S_k = k, or
    2k - n for spins. phi is ln(1 + e^x), ln 2cosh x or x^2 / 2 for binary, spin or Gaussian hidden units. The
    sum has n + 1 terms and is done in logarithms: ln Z is exact to 1e-12 of its value at any size.

    To draw from p(v, h): draw k from `law`, choose which k visible units are on, all choices being equally
    likely, and draw each hidden unit by itself in the field `fields[k]`. For layers of discrete units the
    numbers of hidden units that are on have the law of the machine with both layers exchanged.

    Parameters
    ----------
    n_visible, n_hidden
        Numbers of units, up to 10^7.
    weight, visible_bias, hidden_bias
        w, b and c, with the inverse temperature absorbed.
    visible, hidden
        Kinds of units: "binary" (0 and 1), "spin" (+1 and -1), and for hidden ones "gaussian" (real, of unit
        variance given the visible ones).

    Raises
    ------
    ValueError
        If a logarithm of a weight is beyond the range of a float.

    Examples
    --------
    >>> machine = uniform(784, 500, 0.01, -1.0, -2.0)
    >>> round(machine.log_partition, 10)
    2151.9045442667
    >>> rng = np.random.default_rng(1)
    >>> on = rng.choice(785, size=1000, p=machine.law)
    >>> v = rng.permuted(np.arange(784) < on[:, np.newaxis], axis=1)
    >>> bool(abs(v.mean() - machine.visible_mean) < 0.01)
    True
    """
    n = _checks.integer("n_visible", n_visible, minimum=1, maximum=_MOST_UNITS)
    m = _checks.integer("n_hidden", n_hidden, minimum=1, maximum=_MOST_UNITS)
    w, b = _checks.real("weight", weight), _checks.real("visible_bias", visible_bias)
    c = _checks.real("hidden_bias", hidden_bias)
    _units.kinds(visible, hidden)
    on = np.arange(n + 1, dtype=np.float64)
    total = on if visible == "binary" else 2 * on - n
    with np.errstate(over="ignore", invalid="ignore"):
        fields = c + w * total
        log_weight = log_binomials(n) + b * total + m * _units.cumulant(hidden, fields)
    if not np.isfinite(log_weight).all():
        raise ValueError(f"a weight overflows; got weight={w}, visible_bias={b}, hidden_bias={c}")
    log_partition, law = _normalized(log_weight)
    hidden_means = _units.mean(hidden, fields)
    visible_mean, hidden_mean = float(law @ total) / n, float(law @ hidden_means)
    squares = total if visible == "binary" else np.full(n + 1, float(n))
    return Uniform(
        log_partition,
        law,
        fields,
        visible_mean,
        hidden_mean,
        float(law @ (total * hidden_means)) / n,
        float(law @ ((total / n - visible_mean) * (hidden_means - hidden_mean))),
        float(law @ (total**2 - squares)) / (n * (n - 1)) if n > 1 else 0.0,
        float(law @ hidden_means**2) if m > 1 else 0.0,
        abs(w) * math.sqrt(n * m),
    )


def one_hidden_unit(
    weights: ArrayLike,
    visible_biases: ArrayLike = 0.0,
    hidden_bias: float = 0.0,
    *,
    visible: str = "binary",
    hidden: str = "binary",
) -> OneHiddenUnit:
    r"""Return the exact averages of a machine with one hidden unit and any number of visible ones.

    .. math:: Z = \sum_h e^{c h} \prod_i e^{\varphi(b_i + w_i h)}, \qquad
              \varphi(x) = \ln(1 + e^x) \;\text{ or }\; \ln 2\cosh x

    for binary or spin visible units. The two values of a discrete hidden unit are added up. A Gaussian one is
    integrated by the trapezoidal rule in steps of 1/2: the integrand is a sum of unit Gaussians, on each of
    which that rule errs by 1e-34 of its value, so that the result is exact to rounding.

    Parameters
    ----------
    weights, visible_biases, hidden_bias
        w, shape (n_visible,); b, of that shape or one number for all; c.
    visible, hidden
        Kinds of units as in `uniform`.

    Raises
    ------
    ValueError
        If a sum overflows, or weights of a Gaussian hidden unit are so large that 10^9 terms do not suffice.

    Examples
    --------
    >>> machine = one_hidden_unit([1.0, -1.0], hidden_bias=0.5)
    >>> round(machine.log_partition, 10), machine.visible_means.round(4).tolist()
    (2.5165395352, [0.6564, 0.3436])
    """
    w, b = _checks.reals("weights", weights), _checks.reals("visible_biases", visible_biases)
    c = _checks.real("hidden_bias", hidden_bias)
    _units.kinds(visible, hidden)
    if w.ndim != 1 or w.size == 0:
        raise ValueError(f"weights must have shape (n_visible,); got {w.shape}")
    if b.shape not in ((), w.shape):
        raise ValueError(f"visible_biases must be a number or have shape {w.shape}; got {b.shape}")
    h, log_measure = _points(hidden, w, c)
    with np.errstate(over="ignore", invalid="ignore"):
        log_weight = log_measure + c * h
        for block in _blocks(h.size, w.size):
            log_weight[block] += _units.cumulant(visible, b + w * h[block, np.newaxis]).sum(axis=1)
    if not np.isfinite(log_weight).all():
        raise ValueError(f"a sum overflows; largest weight {np.abs(w).max()}, hidden_bias={c}")
    log_partition, law = _normalized(log_weight)
    h, law = h[law > 0], law[law > 0]
    means, correlations = np.zeros(w.size), np.zeros(w.size)
    for block in _blocks(h.size, w.size):
        given = _units.mean(visible, b + w * h[block, np.newaxis])
        means += law[block] @ given
        correlations += (law[block] * h[block]) @ given
    return OneHiddenUnit(log_partition, means, float(law @ h), correlations)


def _normalized(log_weight: Floats) -> tuple[float, Floats]:
    """Return the logarithm of the sum of weights, also where one of them is almost all, and their shares."""
    top = int(log_weight.argmax())
    weight = np.exp(log_weight - log_weight[top])
    law = weight / weight.sum()
    weight[top] = 0.0
    return float(log_weight[top] + np.log1p(weight.sum())), law


def _points(hidden: str, w: Floats, c: float) -> tuple[Floats, Floats]:
    """Return the values of the hidden unit and the logarithms of their measure."""
    if hidden != "gaussian":
        return np.array([0.0 if hidden == "binary" else -1.0, 1.0]), np.zeros(2)
    reach = (abs(c) + float(np.abs(w).sum()) + _REACH) / _STEP  # all Gaussians have their centres within
    if not 2 * reach * w.size < _MOST_TERMS:
        raise ValueError(f"weights are too large: their sizes sum up to {np.abs(w).sum():g}")
    h = _STEP * np.arange(-math.ceil(reach), math.ceil(reach) + 1, dtype=np.float64)
    return h, math.log(_STEP / math.sqrt(2 * math.pi)) - h**2 / 2


def _blocks(n_points: int, n_units: int) -> list[slice]:
    """Part the points so that a table of points and units stays small."""
    size = max(1, _BLOCK // n_units)
    return [slice(first, first + size) for first in range(0, n_points, size)]
