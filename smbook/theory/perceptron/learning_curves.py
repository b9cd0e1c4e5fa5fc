"""How well a student answers after P = alpha N examples of a teacher, by rules that see them all at once.

Teacher and student are weights of N inputs, N large; inputs are Gaussian or signs. The overlap R is the
cosine of the angle between them, and the error, angle / pi, the probability of different answers to a new
input. With noise l each label was turned, with probability l, before it was learned. The error counts against
the teacher itself, not against its noisy labels, of which the student gets a share l + (1 - 2 l) error wrong.
At l = 1/2 nothing is learned (R = 0, error 1/2), above it the opposite of the teacher is: R is negative.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from smbook._records import equal
from smbook.theory._shared import Values, plain
from smbook.theory.perceptron._shared import checked_loads, checked_noise, surprise

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from smbook.theory._shared import Floats

_PASSES = 60  # each takes away nine tenths of what is missing


class LearningCurve(NamedTuple):
    """Hold the overlap R of a student with its teacher, and the error arccos(R) / pi, with all its digits."""

    overlap: Values
    error: Values

    def __eq__(self, other: object) -> bool:
        return equal(self, other)

    def __ne__(self, other: object) -> bool:
        return not equal(self, other)


def hebb_curve(load: ArrayLike, *, label_noise: float = 0.0) -> LearningCurve:
    r"""Return how well the sum of all y x answers, Hebb's rule, in one pass or as many as one likes.

    .. math:: R = \frac{c \sqrt\alpha}{\sqrt{1 + c^2 \alpha}}, \qquad
              \epsilon = \frac1\pi \operatorname{arccot}(c \sqrt\alpha), \qquad
              c = (1 - 2 l) \sqrt{2 / \pi}

    An example adds c, the mean of its label times the teacher's field, along the teacher, and a random vector
    of length 1 across. For large alpha the error falls like 1 / (c pi sqrt(alpha)).

    Parameters
    ----------
    load
        alpha = P / N, positive, any shape.
    label_noise
        l, the share of labels that were turned, from 0 to 1.

    Raises
    ------
    TypeError, ValueError
        If an argument does not hold real numbers, or is out of range.

    References
    ----------
    Vallet (1989); Watkin, Rau and Biehl (1993).

    Examples
    --------
    >>> curve = hebb_curve(2.0)
    >>> round(curve.overlap, 6), round(curve.error, 6)
    (0.748398, 0.230823)
    """
    loads = checked_loads(load)
    noise, sign = checked_noise(label_noise)
    return _curve((1 - 2 * noise) * math.sqrt(2 / math.pi) * np.sqrt(loads), np.ones_like(loads), sign)


def pseudo_inverse_curve(load: ArrayLike, *, label_noise: float = 0.0) -> LearningCurve:
    r"""Return how well least squares on the labels answers: w = X^+ y, the shortest where many fit.

    .. math:: R^2 = \frac{c^2 \alpha (1 - \alpha)}{1 - c^2 \alpha} \quad (\alpha \le 1), \qquad
              R^2 = \frac{c^2 (\alpha - 1)}{1 + c^2 (\alpha - 2)} \quad (\alpha \ge 1), \qquad
              c = (1 - 2 l) \sqrt{2 / \pi}

    The label is c times the teacher's field and a rest of variance 1 - c^2, which no linear unit can give:
    noise to the student. At alpha = 1, the last load at which it meets all labels, it fits this noise with
    weights that grow without bound: R = 0, and the error is 1/2. More examples are better, and so are fewer.

    Parameters
    ----------
    load
        alpha = P / N, positive, any shape.
    label_noise
        l, the share of labels that were turned, from 0 to 1.

    Raises
    ------
    TypeError, ValueError
        If an argument does not hold real numbers, or is out of range.

    References
    ----------
    Opper, Kinzel, Kleinz and Nehl (1990); Watkin, Rau and Biehl (1993).

    Examples
    --------
    >>> [round(error, 6) for error in pseudo_inverse_curve([0.5, 1.0, 2.0]).error.tolist()]
    [0.339479, 0.5, 0.205952]
    """
    loads = checked_loads(load)
    noise, sign = checked_noise(label_noise)
    square = (1 - 2 * noise) ** 2 * 2 / math.pi
    few, many = np.minimum(loads, 1.0), np.maximum(loads, 1.0)
    below = np.sqrt(1 - square * few * (2 - few))
    along = np.where(loads < 1, np.sqrt(square * few * (1 - few)), np.sqrt(square * (many - 1)))
    return _curve(along, np.where(loads < 1, below, math.sqrt(1 - square)), sign)


def gibbs_curve(load: ArrayLike) -> LearningCurve:
    r"""Return how well a student answers that is drawn at random from all that answer right to all examples.

    .. math:: \frac{R}{\sqrt{1 - R}} = \frac\alpha\pi \int Dt\, \frac{e^{-R t^2 / 2}}{H(\sqrt R\, t)}

    with H(x) = Phi(-x). Two such students overlap as much as student and teacher do, who is one of them. The
    error falls like sqrt(2) / (I alpha) = 0.6246582 / alpha, where I = 2.263980 is the integral at R = 1.

    Parameters
    ----------
    load
        alpha = P / N, positive, any shape.

    Raises
    ------
    TypeError, ValueError
        If the load does not hold positive real numbers.

    References
    ----------
    Gyorgyi and Tishby (1990); Seung, Sompolinsky and Tishby (1992).

    Examples
    --------
    >>> curve = gibbs_curve([1.0, 10.0])
    >>> curve.overlap.round(6), curve.error.round(6)
    (array([0.486264, 0.981378]), array([0.338359, 0.061525]))
    """
    overlap, rest = _version_space(checked_loads(load))
    return _curve(overlap, rest * np.sqrt(1 + overlap), 1.0)


def bayes_curve(load: ArrayLike) -> LearningCurve:
    r"""Return how well the best student answers, which asks all right students and goes with the majority.

    It answers as their centre of mass does, whose overlap with the teacher is the root of theirs,

    .. math:: \epsilon = \frac1\pi \arccos \sqrt{R_{Gibbs}(\alpha)}.

    No rule has a smaller error on average over teachers. It falls like 0.4417000 / alpha, by sqrt(2) better
    than `gibbs_curve`.

    Parameters
    ----------
    load
        alpha = P / N, positive, any shape.

    Raises
    ------
    TypeError, ValueError
        If the load does not hold positive real numbers.

    References
    ----------
    Opper and Haussler (1991); Watkin (1993) for the centre of mass.

    Examples
    --------
    >>> curve = bayes_curve([1.0, 10.0])
    >>> curve.overlap.round(6), curve.error.round(6)
    (array([0.697326, 0.990645]), array([0.254373, 0.043573]))
    """
    overlap, rest = _version_space(checked_loads(load))
    return _curve(np.sqrt(overlap), rest, 1.0)


def _curve(along: Floats, across: Floats, sign: float) -> LearningCurve:
    """Return the curve of weights with these lengths along the teacher and across it."""
    length = np.hypot(along, across)
    error = np.arctan2(across, sign * along) / math.pi
    return LearningCurve(plain(sign * along / length), plain(error))


def _version_space(loads: Floats) -> tuple[Floats, Floats]:
    """Return R of Gibbs' students, and sqrt(1 - R).

    Of y = R / sqrt(1 - R) both are known without a difference, and y = alpha I(R) / pi, where I hardly moves.
    """
    y = 2 * loads / math.pi
    for _ in range(_PASSES):
        before, y = y, loads * surprise(_of_ratio(y)[0]) / math.pi
        if (np.abs(y - before) <= 4e-16 * y).all():
            break
    return _of_ratio(y)


def _of_ratio(y: Floats) -> tuple[Floats, Floats]:
    """Return R and sqrt(1 - R) of y = R / sqrt(1 - R)."""
    rest = 2 / (np.hypot(y, 2.0) + y)
    return np.asarray(y * rest), np.asarray(rest)
