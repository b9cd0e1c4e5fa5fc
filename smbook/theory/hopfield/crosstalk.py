"""Signal and noise: what one step of the dynamics does to a stored pattern, in the limit and exactly."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import betainc, erfc

from smbook import _checks
from smbook.theory._shared import Floats, Values, plain

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike

_MOST_SPINS = 10**7


def one_step_error(alpha: ArrayLike) -> Values:
    """Return the chance erfc(1 / sqrt(2 alpha)) / 2 that a bit of a stored pattern is unstable, for large N.

    The field of a spin in the pattern is 1 and a crosstalk with the other patterns, Gaussian with the
    variance alpha = P / N; a step at T = 0 turns the spin if the sum is negative. `alpha` may be an array.
    (Hertz, Krogh and Palmer 1991.)

    Examples
    --------
    >>> [round(one_step_error(alpha), 6) for alpha in (0.105, 0.138, 0.185, 0.37)]
    [0.001014, 0.003552, 0.010037, 0.050089]
    """
    alphas = _checks.reals("alpha", alpha, minimum=0.0)
    with np.errstate(divide="ignore"):
        return plain(erfc(1 / np.sqrt(2 * alphas)) / 2)


def one_step_error_exact(n_patterns: ArrayLike, n_spins: ArrayLike) -> Values:
    """Return the same chance for P random patterns and N spins, exactly.

    In units of 1 / N the field is N - 1, as no spin is coupled to itself, and a crosstalk of K = (P - 1)
    (N - 1) independent signs. It is negative if more than P (N - 1) / 2 of them are against the spin, which a
    binomial sum counts; a field of zero keeps the spin. Both may be arrays, which are broadcast.

    Examples
    --------
    >>> round(one_step_error_exact(15, 100), 8), round(one_step_error(0.15), 8)
    (0.00390485, 0.00491164)
    """
    patterns = _checks.integers("n_patterns", n_patterns, minimum=1)
    spins = _checks.integers("n_spins", n_spins, minimum=2, maximum=_MOST_SPINS)
    return plain(_tail(patterns.astype(np.float64), spins.astype(np.float64)))


def error_free_capacity(n_spins: int, *, patterns: str = "one", probability: float = 0.5) -> int:
    """Return the largest P whose stored patterns are kept by one step with at least a probability.

    With the chance p of `one_step_error_exact` a pattern of N bits is kept with the probability (1 - p)^N and
    all P of them with (1 - p)^(N P), if bits fail independently. The mean numbers of wrong bits, N p and
    N P p, are exact, but bits fail together: at N = 100 and P = 17, 58 % of patterns are kept where this says
    53 %. A pattern that is kept is a fixed point of the dynamics at T = 0.

    For large N the results grow as N / (2 ln N) and N / (4 ln N) at any probability (Weisbuch and
    Fogelman-Soulie 1985; McEliece, Posner, Rodemich and Venkatesh 1987).

    Parameters
    ----------
    patterns
        "one" for a given pattern, "all" for all of them at once.

    Examples
    --------
    >>> error_free_capacity(1000), error_free_capacity(1000, patterns="all")
    (98, 57)
    """
    size = _checks.integer("n_spins", n_spins, minimum=2, maximum=_MOST_SPINS)
    _checks.choice("patterns", patterns, ("one", "all"))
    chance = _checks.real("probability", probability)
    if not 0.5**size < chance < 1:  # an error is never more likely than not
        raise ValueError(f"probability must be between 2^-n_spins and 1; got {chance}")

    def kept(n_patterns: int) -> bool:
        n_bits = size * (n_patterns if patterns == "all" else 1)
        error = float(_tail(np.asarray(float(n_patterns)), np.asarray(float(size))))
        return n_bits * math.log1p(-error) >= math.log(chance)

    return max(_last(kept, start) for start in (1, 2))


def _tail(n_patterns: Floats, n_spins: Floats) -> Floats:
    """Return the chance that of (P - 1)(N - 1) fair signs more than P (N - 1) / 2 are negative."""
    n_signs = (n_patterns - 1) * (n_spins - 1)
    n_more = np.floor(n_patterns * (n_spins - 1) / 2) + 1
    possible = n_more <= n_signs
    return np.where(possible, betainc(n_more, np.where(possible, n_signs - n_more + 1, 1.0), 0.5), 0.0)


def _last(kept: Callable[[int], bool], start: int) -> int:
    """Return the last of start, start + 2, ... that is kept; a tie keeps a bit, so that parities differ."""
    step = 1
    while kept(start + 2 * step):
        step *= 2
    low, high = step // 2, step
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if kept(start + 2 * middle) else (low, middle)
    return start + 2 * low
