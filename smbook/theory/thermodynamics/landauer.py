"""What forgetting costs at least, and what a readout that is right with some probability knows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import constants
from scipy.special import xlogy

from smbook import _checks
from smbook.theory._shared import Values, plain

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from smbook.theory._shared import Floats

_MOST = 1e100  # of a temperature or a number of bits


def landauer_work(temperature: ArrayLike, *, bits: ArrayLike = 1.0, error: ArrayLike = 0.0) -> Values:
    r"""Return the least work, in joules, that resets bits to a known state at a temperature.

    .. math:: W = n k_B T \, [\ln 2 - S(\epsilon)], \qquad
              S(\epsilon) = -\epsilon \ln \epsilon - (1 - \epsilon) \ln (1 - \epsilon)

    for n bits that are both states with equal probability before, and wrong with probability epsilon after.
    It is reached by driving infinitely slowly. At 300 K a bit costs 2.87e-21 J, 0.018 eV.

    Parameters
    ----------
    temperature
        T in kelvin, from 0 to 1e100, any shape.
    bits
        n, from 0 to 1e100, of a shape that broadcasts with the others.
    error
        epsilon, from 0 to 1; at 1/2 nothing is erased, and nothing paid.

    Raises
    ------
    TypeError, ValueError
        If an argument does not hold real numbers, is out of range, or if the shapes do not broadcast.

    References
    ----------
    Landauer (1961); Bennett (1982).

    Examples
    --------
    >>> print(f"{landauer_work(300):.6e}")
    2.870979e-21
    >>> print(f"{landauer_work(300, error=0.01):.6e}")
    2.639023e-21
    """
    warm = _checks.reals("temperature", temperature, minimum=0.0)
    count = _checks.reals("bits", bits, minimum=0.0)
    for name, values in (("temperature", warm), ("bits", count)):
        if (values > _MOST).any():
            raise ValueError(f"{name} must be at most {_MOST:g}; got {values.max()}")
    information = _information(_probabilities("error", error))
    try:
        warm, count, information = np.broadcast_arrays(warm, count, information)
    except ValueError:
        shapes = f"{warm.shape}, {count.shape} and {information.shape}"
        raise ValueError(f"temperature, bits and error must broadcast; got {shapes}") from None
    return plain(count * constants.k * warm * information)


def label_information(probability: ArrayLike) -> Values:
    r"""Return what an answer that is right with some probability says about a label of two equal chances.

    .. math:: I = \ln 2 - S(p), \qquad S(p) = -p \ln p - (1 - p) \ln (1 - p)

    in nats: 0 at p = 1/2, ln 2 at p = 1, and also at p = 0, where the opposite of the answer is right. It
    keeps its digits near p = 1/2, where it is 2 (p - 1/2)^2.

    Parameters
    ----------
    probability
        p, from 0 to 1, any shape.

    Raises
    ------
    TypeError, ValueError
        If the probability does not hold real numbers from 0 to 1.

    Examples
    --------
    >>> label_information([0.5, 0.75, 1.0]).round(6)
    array([0.      , 0.130812, 0.693147])
    """
    return plain(_information(_probabilities("probability", probability)))


def _information(probabilities: Floats) -> Floats:
    return information_of_mean(2 * probabilities - 1)


def information_of_mean(mean: Floats) -> Floats:
    """Return ln 2 - S(p) of answers times labels with the mean 2 p - 1, with all digits at small means."""
    size = np.minimum(np.abs(mean), 1.0)
    inner = np.minimum(size, 0.5)
    small = inner * np.arctanh(inner) + np.log1p(-(inner**2)) / 2
    large = (xlogy(1 + size, 1 + size) + xlogy(1 - size, 1 - size)) / 2
    return np.asarray(np.where(size < 0.5, small, np.minimum(large, np.log(2.0))))


def _probabilities(name: str, values: ArrayLike) -> Floats:
    found = _checks.reals(name, values, minimum=0.0)
    if (found > 1).any():
        raise ValueError(f"{name} must be at most 1; got {found.max()}")
    return found
