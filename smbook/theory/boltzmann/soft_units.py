"""Hidden units of other laws than the normal one: between real and binary, and those that count."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from smbook import _checks
from smbook._records import equal
from smbook.theory._shared import Floats, Values, plain, sech_squared

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

_LARGEST_FIELD = 1e150  # whose square is still a float
_LARGEST_EXPONENT = 700.0


class Unit(NamedTuple):
    """Hold what a hidden unit does in a field x, in the shape of the fields.

    Attributes
    ----------
    cumulant
        phi(x) = ln <exp(x z)> over the law of z without a field, which is 0 at x = 0. The unit adds it to
        ln p of the visible units.
    mean
        phi'(x), the mean of z in the field.
    variance
        phi''(x), its variance there.
    """

    cumulant: Values
    mean: Values
    variance: Values

    def __eq__(self, other: object) -> bool:
        return equal(self, other)

    def __ne__(self, other: object) -> bool:
        return not equal(self, other)


def soft_unit(field: ArrayLike, softness: ArrayLike) -> Unit:
    r"""Return a hidden unit between a spin and a Gaussian in a field.

    Without a field z = sqrt(Omega) g + sqrt(1 - Omega) e with a unit Gaussian g and a fair sign e, of mean 0
    and variance 1 at any softness Omega. In a field x

    .. math:: \varphi(x) = \ln \langle e^{xz} \rangle = \tfrac12 \Omega x^2 + \ln\cosh(\sqrt{1-\Omega}\,x),
              \qquad \varphi' = \Omega x + \sqrt{1-\Omega} \tanh(\sqrt{1-\Omega}\,x), \qquad
              \varphi'' = \Omega + \frac{1-\Omega}{\cosh^2(\sqrt{1-\Omega}\,x)}

    so that phi = x^2 / 2 - (1 - Omega)^2 x^4 / 12 + ... for a weak field. At Omega = 1 it is a Gaussian unit
    and at Omega = 0 a spin. The measure is normalized: an `RBM` with spins as hidden units sums over both
    states and has ln 2 more in ln Z for each of them. To draw z in the field: e = 1 with the probability
    1 / (1 + exp(-2 sqrt(1 - Omega) x)), then z = Omega x + sqrt(Omega) g + sqrt(1 - Omega) e.
    (Barra, Genovese, Sollich and Tantari 2018.)

    Parameters
    ----------
    field
        x, any shape.
    softness
        Omega from 0 to 1, in a shape that broadcasts with that of the field.

    Raises
    ------
    ValueError
        If a softness lies outside [0, 1], or a field beyond +-1e150.

    Examples
    --------
    >>> unit = soft_unit(2.0, 0.5)
    >>> round(unit.cumulant, 10), round(unit.mean, 10), round(unit.variance, 10)
    (1.7784912986, 1.6281834549, 0.605385547)
    >>> soft_unit([2.0, -3.0], 1.0).cumulant.tolist()
    [2.0, 4.5]
    """
    x, omega = _checks.reals("field", field), checked_softness(softness)
    if x.size and (largest := np.abs(x).max()) > _LARGEST_FIELD:
        raise ValueError(f"field must be within +-{_LARGEST_FIELD:g}; got one of size {largest:g}")
    root = np.sqrt(1 - omega)
    u = root * x
    return Unit(
        plain(omega * x**2 / 2 + log_cosh(u)),
        plain(omega * x + root * np.tanh(u)),
        plain(omega + (1 - omega) * sech_squared(u)),
    )


def poisson_unit(field: ArrayLike) -> Unit:
    r"""Return a hidden unit that counts, of Poisson's law with mean 1 without a field.

    .. math:: \varphi(x) = \ln \sum_{k=0}^\infty \frac{e^{-1}}{k!} e^{kx} = e^x - 1, \qquad
              \varphi' = \varphi'' = e^x

    With weights that are patterns, of beta = 1, such units make the energy -sum_mu exp(xi^mu . s) of
    Demircigil, Heusel, Loewe, Upgang and Vermet (2017), up to a constant. A polynomial of degree 3 or more is
    the cumulant function of no law at all (Marcinkiewicz 1939): no independent hidden units give the
    energies -sum_mu (xi^mu . s)^n with n > 2 exactly.

    Parameters
    ----------
    field
        x, any shape, up to 700.

    Examples
    --------
    >>> unit = poisson_unit(0.5)
    >>> round(unit.cumulant, 10), round(unit.mean, 10), unit.mean == unit.variance
    (0.6487212707, 1.6487212707, True)
    """
    x = _checks.reals("field", field)
    if (x > _LARGEST_EXPONENT).any():
        raise ValueError(f"field must be at most {_LARGEST_EXPONENT:g}; got {x.max()}")
    mean = plain(np.exp(x))
    return Unit(plain(np.expm1(x)), mean, mean)


def checked_softness(softness: ArrayLike) -> Floats:
    """Return the softness as an array, or raise if an entry lies outside [0, 1]."""
    values = _checks.reals("softness", softness, minimum=0.0)
    if (values > 1).any():
        raise ValueError(f"softness must be at most 1; got {values.max()}")
    return values


def log_cosh(u: Floats) -> Floats:
    """Return ln cosh u, with all its digits next to 0 too."""
    size = np.abs(u)
    small = np.minimum(size, 1.0)
    near = np.log1p(np.sinh(small) ** 2) / 2
    return np.asarray(np.where(size < 1, near, size + np.log1p(np.exp(-2 * size)) - np.log(2)))
