"""What N weights learn in a bath, and what that costs: labels by heart, and the rule of a teacher.

Inputs are random, of N numbers with mean 0 and variance 1; there are P = load * N examples, N large. Weights
in equilibrium with a bath, k_B T = 1, w_n ~ N(0, 1), feel the force of all examples from t = 0 on,

    dw_n/dt = -w_n + (nu / sqrt(N)) sum_mu s_mu x_mu,n f(s_mu w.x_mu / sqrt(N)) + sqrt(2) noise,

with the labels s. Hebb's force has f = 1, the perceptron's f = 1 for wrong answers and else 0, the AdaTron's
f = -s w.x / sqrt(N) for wrong answers. All three push down a convex potential, so that the end is Gibbs' law
in it, and heat is the difference of two energies. Heat, entropy and information are per weight.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.optimize import minimize_scalar, root
from scipy.special import erf, log_ndtr, ndtr

from smbook import _checks
from smbook._records import equal
from smbook.theory._shared import Values, plain
from smbook.theory.thermodynamics._arguments import one_shape
from smbook.theory.thermodynamics.landauer import information_of_mean
from smbook.theory.thermodynamics.one_weight import durations, symmetric_information

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike

    from smbook.theory._shared import Floats

RULES = ("hebb", "perceptron", "adatron")
_WEAKEST, _STRONGEST = 1e-3, 1e2
_LIGHTEST, _HEAVIEST = 1e-3, 1e2
_ROUNDS = 100  # before Newton's
_CLOSE = 1e-10
_NODES = np.linspace(-12.0, 12.0, 1201)  # a trapezoidal sum over a Gaussian


class LabelLearning(NamedTuple):
    """Hold what N weights know of random labels by Hebb's force, and the cost; per weight, in units of k_B T.

    Attributes
    ----------
    heat
        Q, mean heat.
    entropy_change
        dS, by which the entropy of each single weight has grown.
    information_weights
        I(labels : w | inputs), what all weights together know; it is at most dS, as weights are dependent.
    information_readout
        load * I(s : answer), what the answers to the learned inputs say, each of its label.
    probability
        That such an answer is right.
    efficiency
        The last information over dS + Q, at most 1.
    """

    heat: Values
    entropy_change: Values
    information_weights: Values
    information_readout: Values
    probability: Values
    efficiency: Values

    def __eq__(self, other: object) -> bool:
        return equal(self, other)

    def __ne__(self, other: object) -> bool:
        return not equal(self, other)


class RuleLearning(NamedTuple):
    """Hold what N weights know of a teacher's rule, and what it cost; per weight, in units of k_B T.

    Attributes
    ----------
    overlap
        R, the mean of w_n T_n, of a teacher with T_n ~ N(0, 1).
    square
        The mean of w_n^2.
    error
        Probability of a wrong answer to a new input, arccos(R / sqrt(square)) / pi.
    heat
        Q, mean heat.
    entropy_change
        dS, by which the entropy of each weight has grown; negative where learning confines it.
    information
        I(T_n : w_n), what a weight knows of the teacher's.
    efficiency
        information / (dS + Q), at most 1.
    """

    overlap: Values
    square: Values
    error: Values
    heat: Values
    entropy_change: Values
    information: Values
    efficiency: Values

    def __eq__(self, other: object) -> bool:
        return equal(self, other)

    def __ne__(self, other: object) -> bool:
        return not equal(self, other)


def label_learning(field: ArrayLike, load: ArrayLike, *, duration: ArrayLike = math.inf) -> LabelLearning:
    r"""Return what Hebb's force makes N weights know of load * N random labels, and the cost.

    .. math:: Q = \alpha m \left(\nu - \frac m2\right), \quad \Delta S = \frac12 \ln(1 + \alpha m^2), \quad
              p = \Phi\left(\frac{m}{\sqrt{1 + \alpha m^2}}\right), \qquad m = \nu (1 - e^{-t})

    and all weights together know, per label (Tanaka 2002; the labels are the bits of a channel),

    .. math:: \min_E \left\{ J\left(\frac{m}{\sqrt{1 + \alpha m^2 E}}\right) + \frac1{2 \alpha} \left[
              \ln(1 + \alpha m^2 E) - \frac{\alpha m^2 E}{1 + \alpha m^2 E} \right] \right\}

    with J the information of one weight, as in `one_weight_engine`. The second law, for given labels and
    inputs, says that this is at most dS + Q. Weak forces are 1 / pi efficient at every load.

    Parameters
    ----------
    field
        nu, from 1e-3 to 100, any shape.
    load
        alpha = P / N, from 1e-3 to 100.
    duration
        t, for which the force acts, in units of the relaxation time, at least 0; inf is allowed.

    Raises
    ------
    TypeError, ValueError
        If an argument does not hold real numbers, is out of range, or if the shapes do not broadcast.

    References
    ----------
    Goldt and Seifert (2017), Physical Review Letters 118, 010601, for Hebbian learning; Tanaka (2002), proved
    by Barbier, Dia, Macris and Krzakala (2016) and Reeves and Pfister (2019), for the information.

    Examples
    --------
    >>> found = label_learning(1.0, [0.1, 1.0, 10.0])
    >>> found.information_readout.round(6)
    array([0.023698, 0.142356, 0.283476])
    >>> found.efficiency.round(4)
    array([0.2427, 0.1682, 0.0457])
    """
    strength, alpha, share = one_shape(
        field=_between("field", field, _WEAKEST, _STRONGEST),
        load=_between("load", load, _LIGHTEST, _HEAVIEST),
        duration=-np.expm1(-durations("duration", duration)),
    )
    mean = strength * share
    stability = mean / np.sqrt(1 + alpha * mean**2)
    heat = alpha * mean * (strength - mean / 2)
    entropy = np.log1p(alpha * mean**2) / 2
    readout = alpha * information_of_mean(erf(stability / math.sqrt(2)))
    rows = zip(mean.ravel().tolist(), alpha.ravel().tolist(), strict=True)
    weights = np.reshape([a * _channel(m, a) if m > 0 else 0.0 for m, a in rows], mean.shape)
    cost = heat + entropy
    efficiency = np.divide(readout, cost, out=np.zeros(mean.shape), where=cost > 0)
    values = heat, entropy, np.minimum(weights, entropy), readout, ndtr(stability), efficiency
    return LabelLearning(*(plain(value) for value in values))


def rule_learning(field: ArrayLike, load: ArrayLike, *, rule: str = "hebb") -> RuleLearning:
    r"""Return what N weights know of a teacher from load * N of its answers, in equilibrium, and the cost.

    Replica symmetry is exact here, as the potential is convex. With V = <w^2> - q the width of a weight for
    given examples and u = q^(1/2) z a cavity field, the mean force g(u) of an example, and its slope, close
    the equations

    .. math:: V = \frac1{1 + \hat A}, \quad R = \hat m V, \quad q = (\hat m^2 + \hat\chi) V^2, \qquad
              \hat A = -\alpha \langle g' \rangle, \quad \hat\chi = \alpha \langle g^2 \rangle, \quad
              \hat m = \alpha \langle g \, \partial_b \rangle

    with b the teacher's field. For Hebb's force g = nu, V = 1, R = nu alpha sqrt(2 / pi) and
    <w^2> = 1 + R^2 + alpha nu^2. Weights and teacher are jointly Gaussian, I = -ln(1 - R^2 / <w^2>) / 2 and
    dS = ln(<w^2>) / 2. Weak Hebbian forces have the efficiency c alpha / (2 + 2 c alpha), c = 2 / pi, which
    tends to 1/2 for many examples: half of the cost is lost to the sudden start.

    Parameters
    ----------
    field
        nu, from 1e-3 to 100, any shape.
    load
        alpha = P / N, from 1e-3 to 100.
    rule
        "hebb", "perceptron" or "adatron", the force.

    Raises
    ------
    TypeError, ValueError
        If an argument does not hold real numbers, is out of range, or if the shapes do not broadcast.
    RuntimeError
        If the equations are not solved.

    References
    ----------
    Goldt and Seifert (2017), New Journal of Physics 19, 113001, ask this of learning from one example after
    another; the equations for all at once are those of Gyorgyi and Tishby (1990) for a convex potential.

    Examples
    --------
    >>> found = rule_learning(1.0, [0.5, 5.0])
    >>> found.error.round(6), found.efficiency.round(4)
    (array([0.399765, 0.175276]), array([0.0865, 0.054 ]))
    """
    _checks.choice("rule", rule, RULES)
    strength, alpha = one_shape(
        field=_between("field", field, _WEAKEST, _STRONGEST),
        load=_between("load", load, _LIGHTEST, _HEAVIEST),
    )
    rows = zip(strength.ravel().tolist(), alpha.ravel().tolist(), strict=True)
    found = np.array([_balance(nu, a, rule) for nu, a in rows]).reshape(*strength.shape, 3)
    overlap, square, heat = found[..., 0], found[..., 1], found[..., 2]
    entropy = np.log(square) / 2
    information = -np.log1p(-(overlap**2) / square) / 2
    error = np.arctan2(np.sqrt(square - overlap**2), overlap) / math.pi
    values = overlap, square, error, heat, entropy, information, information / (heat + entropy)
    return RuleLearning(*(plain(value) for value in values))


def _channel(mean: float, alpha: float) -> float:
    """Return the information per label of all weights together."""

    def potential(share: Floats) -> Floats:
        crosstalk = alpha * mean**2 * share
        lost = np.log1p(crosstalk) - crosstalk / (1 + crosstalk)
        return np.asarray(symmetric_information(mean / np.sqrt(1 + crosstalk)) + lost / (2 * alpha))

    shares = np.concatenate([np.geomspace(1e-12, 0.1, 60), np.linspace(0.1, 1, 60)[1:]])
    values = potential(shares)
    k = int(values.argmin())
    low, high = float(shares[max(k - 1, 0)]), float(shares[min(k + 1, shares.size - 1)])
    best = minimize_scalar(
        lambda share: float(potential(np.array(share))), bounds=(low, high), method="bounded"
    )
    return float(min(values[k], best.fun, float(potential(np.array(0.0)))))


def _balance(nu: float, alpha: float, rule: str) -> tuple[float, float, float]:
    """Return R, <w^2> and the heat."""
    along = math.sqrt(2 / math.pi)
    if rule == "hebb":
        overlap = nu * alpha * along
        return overlap, 1 + overlap**2 + alpha * nu**2, (overlap**2 + alpha * nu**2) / 2
    tilt = _tilt_of_perceptron if rule == "perceptron" else _tilt_of_adatron
    start = nu * alpha * (1 / math.sqrt(2 * math.pi) if rule == "perceptron" else 0.25)

    def onward(logs: Floats) -> Floats:
        """Return ln of V, R and q - R^2 as the examples make them of what they are."""
        width, overlap, across = np.exp(logs).tolist()
        force, slope, _, weights, pull = _example(nu, width, overlap, across, tilt)
        now = 1 / (1 - alpha * float(weights @ slope))
        noise = float(weights @ force**2)
        return np.log([now, alpha * float(pull @ force) * now, alpha * noise * now**2])

    logs = np.log([1.0, 0.5, 0.25])
    for _ in range(_ROUNDS):
        logs = (logs + onward(logs)) / 2
    with np.errstate(all="ignore"):  # where Newton's method tries what is out of range
        logs = root(lambda x: onward(x) - x, logs, tol=1e-13).x
    if not np.abs(onward(logs) - logs).max() < _CLOSE:
        raise RuntimeError(f"the equations of the {rule} are not solved at field {nu:g}, load {alpha:g}")
    width, overlap, across = np.exp(logs).tolist()
    cost = _example(nu, width, overlap, across, tilt)[2]
    square = width + across + overlap**2
    return overlap, square, 0.5 + start - square / 2 - nu * alpha * cost


def _example(
    nu: float, width: float, overlap: float, across: float, tilt: Callable[..., tuple[Floats, ...]]
) -> tuple[Floats, Floats, float, Floats, Floats]:
    """Return force, its slope, the mean potential, and the weights of two averages over the cavity field.

    All is for the label +1. Beside it the teacher's field is Gaussian, with the mean R u / q.
    """
    q = overlap**2 + across
    u = math.sqrt(q) * _NODES
    rest = math.sqrt(across / q)
    mean = overlap / q * u / rest
    gauss = 2 * (_NODES[1] - _NODES[0]) * np.exp(-(_NODES**2) / 2) / math.sqrt(2 * math.pi)
    weights = gauss * ndtr(mean)
    pull = gauss * np.exp(-(mean**2) / 2) / (math.sqrt(2 * math.pi) * rest)
    force, slope, potential = _tilted(u, nu, width, tilt)
    return force, slope, float(weights @ potential), weights, pull


def _tilted(
    u: Floats, nu: float, width: float, tilt: Callable[..., tuple[Floats, ...]]
) -> tuple[Floats, Floats, Floats]:
    """Return the mean force on a field N(u, width) with the potential, its slope in u, and the potential."""
    root = math.sqrt(width)
    log_factor, mean, variance = tilt(u, nu, width)
    sd = np.sqrt(variance)
    right, left = log_ndtr(u / root), log_factor + log_ndtr(-mean / sd)
    wrong = np.exp(left - np.logaddexp(right, left))
    up = u + root * _ratio(u / root)
    up_square = width + u * up
    down = mean - sd * _ratio(-mean / sd)
    down_square = variance + mean * down
    first = (1 - wrong) * up + wrong * down
    second = (1 - wrong) * up_square + wrong * down_square
    potential = wrong * (-down if tilt is _tilt_of_perceptron else down_square / 2)
    return (first - u) / width, (second - first**2 - width) / width**2, potential


def _tilt_of_perceptron(u: Floats, nu: float, width: float) -> tuple[Floats, ...]:
    """Return ln of the factor, mean and variance of the Gaussian that exp(nu field) makes of N(u, width)."""
    return nu * u + nu**2 * width / 2, u + nu * width, np.full_like(u, width)


def _tilt_of_adatron(u: Floats, nu: float, width: float) -> tuple[Floats, ...]:
    """Return the same for exp(-nu field^2 / 2)."""
    shrunk = 1 + nu * width
    return -nu * u**2 / (2 * shrunk) - math.log(shrunk) / 2, u / shrunk, np.full_like(u, width / shrunk)


def _ratio(x: Floats) -> Floats:
    """Return phi(x) / Phi(x)."""
    return np.asarray(np.exp(-(x**2) / 2 - log_ndtr(x)) / math.sqrt(2 * math.pi))


def _between(name: str, values: ArrayLike, least: float, most: float) -> Floats:
    found = _checks.reals(name, values)
    if (found < least).any() or (found > most).any():
        raise ValueError(f"{name} must be from {least:g} to {most:g}; got {found.min()} to {found.max()}")
    return found
