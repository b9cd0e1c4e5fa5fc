"""A learner of one weight, which is solved: what it learns of its label, and the heat that this costs.

A weight w in equilibrium with a bath, kT = 1, is told a label s = +1 or -1 by a force:

    dw/dt = -w + nu s + sqrt(2) noise,      w(0) ~ N(0, 1), the force from t = 0 on.

Given the label it stays Gaussian, with variance 1 and mean s m, m = nu (1 - e^-t). The bath takes the heat
Q = m (nu - m / 2), the entropy of the weight grows by dS, and the second law, for each label by itself, says
I(s : w) <= dS + Q. The answer of the weight is its sign.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy.special import erf, ndtr

from smbook import _checks
from smbook._records import equal
from smbook.theory._shared import Values, gaussian_rule, plain
from smbook.theory.thermodynamics.landauer import information_of_mean

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from smbook.theory._shared import Floats

_STRONGEST = 1e100
_WEAKEST = 1e-8  # information goes like the square below, to all digits


class OneWeight(NamedTuple):
    """Hold the balance of a weight that has learned one label; all in units of k_B T and in nats.

    Attributes
    ----------
    heat
        Q, the mean heat that went to the bath.
    entropy_change
        dS, by which the entropy of the weight has grown, whatever the label.
    information_weight
        I(s : w), what the weight knows of the label. Here it is equal to the change of entropy.
    information_readout
        I(s : sign w), what its answer says of the label.
    probability
        That the answer is right.
    efficiency
        I(s : sign w) / (dS + Q), at most 1, and here at most 0.318677.
    """

    heat: Values
    entropy_change: Values
    information_weight: Values
    information_readout: Values
    probability: Values
    efficiency: Values

    def __eq__(self, other: object) -> bool:
        return equal(self, other)

    def __ne__(self, other: object) -> bool:
        return not equal(self, other)


def one_weight_engine(field: ArrayLike, *, duration: ArrayLike = math.inf) -> OneWeight:
    r"""Return heat, information and efficiency of a weight that is told a label by a force.

    .. math:: Q = m \left(\nu - \frac m2\right), \qquad m = \nu (1 - e^{-t}), \qquad
              \Delta S = I(s{:}w) = \ln 2 - \int Dx \, \ln(1 + e^{-2 m (m + x)})

    and p = Phi(m) for the sign of the weight to be right, Dx the unit Gaussian measure. Without end, t = inf,
    Q = nu^2 / 2. Of the cost nu^2 of a weak force half becomes knowledge of the weight (the sudden start
    wastes the other half), and the sign keeps 2 / pi of that: 1 / pi = 0.318310 of the cost is there to be
    read. No force does much better: the largest efficiency is 0.318677, at nu = 0.328154.

    Parameters
    ----------
    field
        nu, the force with which the label pulls, within 1e100, any shape. Its sign does not matter, as long
        as the learner knows it.
    duration
        t, for which it pulls, in units of the relaxation time, at least 0; inf is allowed. It broadcasts with
        the field.

    Raises
    ------
    TypeError, ValueError
        If an argument does not hold real numbers, is out of range, or if the shapes do not broadcast.

    References
    ----------
    After Goldt and Seifert (2017), for one weight and one label.

    Examples
    --------
    >>> engine = one_weight_engine([0.1, 0.5, 1.0, 2.0, 3.0])
    >>> engine.information_weight.round(6)
    array([0.004975, 0.111421, 0.336831, 0.63272 , 0.689298])
    >>> engine.efficiency.round(4)
    array([0.3184, 0.3182, 0.3056, 0.222 , 0.1316])
    """
    strength, share = _checked(field, duration)
    mean = strength * share
    root = np.maximum(mean, _WEAKEST)
    weight, sign = symmetric_information(root), information_of_mean(erf(root / math.sqrt(2)))
    part = np.minimum(mean / root, 1.0) ** 2  # of the information, where the mean is below the weakest
    cost = (1 - share / 2) + share * weight / root**2
    heat = mean * (strength - mean / 2)
    values = (
        heat,
        part * weight,
        part * weight,
        part * sign,
        ndtr(mean),
        share * (sign / root**2) / cost,
    )
    return OneWeight(*(plain(value) for value in values))


def symmetric_information(mean: Floats) -> Floats:
    r"""Return what x = s m + noise says of the label s, in nats; noise of variance 1.

    .. math:: I = \ln 2 - \int Dx \, \ln(1 + e^{-2 m (m + x)})
                = m^2 - \int Dx \, \ln \cosh(m^2 + m x)
    """
    return np.asarray(np.vectorize(_information, otypes=[np.float64])(np.abs(mean)))


def _information(mean: float) -> float:
    if mean == 0:
        return 0.0
    if mean > 40:  # what is missing is below 1e-300
        return math.log(2)
    rule = gaussian_rule(-mean, 1 / mean)  # the kink is where the label is in doubt
    fields = mean * rule.distance
    if mean < 1:  # no difference of large numbers
        half = np.minimum(np.abs(fields) / 2, 300.0)
        return mean * mean - float(rule.mean(np.log1p(2 * np.sinh(half) ** 2)))
    return math.log(2) - float(rule.mean(np.logaddexp(0.0, -2 * fields)))


def _checked(field: ArrayLike, duration: ArrayLike) -> tuple[Floats, Floats]:
    """Return the size of the field and the share of it that the mean weight has reached, in one shape."""
    strength = np.abs(_checks.reals("field", field))
    if (strength > _STRONGEST).any():
        raise ValueError(f"field must be within {_STRONGEST:g}; got {strength.max()}")
    share = -np.expm1(-durations("duration", duration))
    try:
        strength, share = np.broadcast_arrays(strength, share)
    except ValueError:
        shapes = f"{strength.shape} and {share.shape}"
        raise ValueError(f"field and duration must broadcast; got {shapes}") from None
    return strength, share


def durations(name: str, values: Any) -> Floats:
    """Return times of at least 0, inf among them, or raise."""
    try:
        given = np.asarray(values)
    except ValueError:
        given = np.empty(0)
    plain_array = given.dtype.kind == "f" and not isinstance(values, np.ma.MaskedArray)
    endless = given == math.inf if plain_array else np.zeros(given.shape, np.bool_)
    finite = _checks.reals(name, np.where(endless, 0.0, given) if endless.any() else values, minimum=0.0)
    return np.where(endless, math.inf, finite) if endless.any() else finite
