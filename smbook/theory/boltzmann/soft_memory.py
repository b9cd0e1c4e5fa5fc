"""Extensive load with hidden units of any softness: replica-symmetric states, and where they end."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from smbook import _checks
from smbook._records import equal
from smbook.theory._shared import Floats, Values, columns, plain
from smbook.theory.boltzmann import _soft_states
from smbook.theory.boltzmann.soft_units import checked_softness
from smbook.theory.hopfield import CAPACITY

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

_PHASES = {"retrieval": _soft_states.retrieval, "glass": _soft_states.glass}
_COLDEST = 1e-100  # whose inverse has a square


class SoftState(NamedTuple):
    """Hold a replica-symmetric state of a memory with soft hidden units.

    Attributes
    ----------
    m
        The overlap with the pattern that is retrieved.
    q
        The overlap of two replicas of the visible spins, the mean of <s_i>^2.
    p
        The overlap of two replicas of the hidden units of the other patterns, the mean of <z_mu>^2; beta r
        at softness 1.
    free_energy
        f = -T ln Z / N, with i = j included and the measure of the hidden units normalized.
    at_stability
        The eigenvalue of de Almeida and Thouless; the solution is stable where it is positive.
    """

    m: Values
    q: Values
    p: Values
    free_energy: Values
    at_stability: Values

    def __eq__(self, other: object) -> bool:
        return equal(self, other)

    def __ne__(self, other: object) -> bool:
        return not equal(self, other)


def soft_state(
    load: ArrayLike, temperature: ArrayLike, softness: ArrayLike, *, phase: str = "retrieval"
) -> SoftState:
    r"""Return a replica-symmetric state of N spins with alpha N hidden units of one softness.

    The weights are sqrt(beta / N) xi with random patterns, and the energy is `marginal_energy`. Then

    .. math:: m = \int Dg\, \tanh(\beta\Omega m + \sqrt{\alpha\beta p}\, g), \qquad
              q = \int Dg\, \tanh^2(\beta\Omega m + \sqrt{\alpha\beta p}\, g)

    .. math:: p = \int Dg \Bigl[\frac{\Omega h + \sqrt{1-\Omega} \tanh(\sqrt{1-\Omega}\, h / D)}{D}\Bigr]^2,
              \qquad h = \sqrt{\beta q}\, g, \qquad D = 1 - \beta\Omega(1 - q)

    with the unit Gaussian measure Dg. They make stationary

    .. math:: f = \frac{\Omega m^2}{2} + \frac{\alpha p (1-q)}{2} - \frac1\beta \int Dg
              \ln 2\cosh(\beta\Omega m + \sqrt{\alpha\beta p}\, g) - \frac\alpha\beta \Bigl[
              \frac{\beta(1-q)(1-\Omega) + \beta q\Omega}{2D} - \frac{\ln D}{2} + \int Dg
              \ln\cosh\frac{\sqrt{1-\Omega}\, h}{D}\Bigr]

    and are stable against breaking the symmetry of replicas where

    .. math:: 1 - \alpha\beta^2 \langle \cosh^{-4}(\beta\Omega m + \sqrt{\alpha\beta p}\, g) \rangle
              \langle [\Omega / D + (1-\Omega) / (D \cosh(\sqrt{1-\Omega}\, h / D))^2]^2 \rangle

    is positive. At softness 1 this is `smbook.theory.hopfield.replica_symmetric`, with r = p T, and f is
    less by alpha / 2, the diagonal. At softness 0 there are spins on both sides, and to exchange the layers
    is to exchange q and p. The limit of many spins is slow: the bounded part of the unit whose pattern is
    retrieved adds a field of sqrt(beta (1 - Omega) / N) that lifts m, for a single pattern at T = 0.4 and
    Omega = 1/2 and N = 1000 from 0.710 to 0.748.
    (Barra, Genovese, Sollich and Tantari 2018.)

    Parameters
    ----------
    load
        alpha = P / N, hidden units for each visible one, at least 0.
    temperature
        T = 1 / beta, positive.
    softness
        Omega from 0 to 1. All three may be arrays, which are broadcast.
    phase
        "retrieval" is the state with m > 0, the one of two that is stable in m; "glass" has m = 0 and q > 0.

    Raises
    ------
    ValueError
        If there is no such state: no retrieval above `soft_capacity` or at T >= Omega, no glass from
        `soft_glass_temperature` on or at load 0.

    Examples
    --------
    >>> memory = soft_state(0.02, 0.3, 0.8)
    >>> round(memory.m, 10), round(memory.q, 10), round(memory.p, 10)
    (0.9836840684, 0.9679986427, 3.4317687595)
    >>> soft_state(0.1, 0.3, 0.8)
    Traceback (most recent call last):
    ...
    ValueError: no retrieval state at load=0.1, temperature=0.3, softness=0.8: it ends at the load 0.0590579
    """
    _checks.choice("phase", phase, _PHASES)
    loads, hot, soft = np.broadcast_arrays(
        _checks.reals("load", load, minimum=0.0), _temperatures(temperature), checked_softness(softness)
    )
    points = zip(loads.ravel().tolist(), hot.ravel().tolist(), soft.ravel().tolist(), strict=True)
    records = [_record(*point, phase) for point in points]
    return SoftState(*columns(records, loads, len(SoftState._fields)))


def soft_capacity(temperature: ArrayLike, softness: ArrayLike) -> Values:
    r"""Return the largest load at which `soft_state` has a retrieval state; 0 for T >= Omega.

    It is where alpha = s^2 T / p, as a function of the ratio of signal and noise y = Omega m / (s T) in the
    field of a visible spin, is largest; m and q at a given ratio are those of Hopfield's network at the
    temperature T / Omega. At T = 0 the capacity is that of Hopfield's network, 0.137906, at every softness
    but 0; it falls from there with the square root of T. Next to T = Omega it vanishes as (Omega - T)^3, at
    softness 1 as (1 - T)^2 only.

    Parameters
    ----------
    temperature, softness
        T, at least 0, and Omega from 0 to 1. Both may be arrays, which are broadcast.

    Examples
    --------
    >>> [round(soft_capacity(0.2, softness), 8) for softness in (0.0, 0.5, 1.0)]
    [0.0, 0.03473297, 0.12255886]
    """
    hot, soft = np.broadcast_arrays(
        _checks.reals("temperature", temperature, minimum=0.0), checked_softness(softness)
    )
    pairs = zip(hot.ravel().tolist(), soft.ravel().tolist(), strict=True)
    return plain(np.reshape(np.array([_capacity(*pair) for pair in pairs]), hot.shape))


def soft_glass_temperature(load: ArrayLike, softness: ArrayLike) -> Values:
    r"""Return the temperature below which the paramagnet gives way to a spin glass, continuously.

    .. math:: \sqrt\alpha\, \beta\, (1 - \beta\Omega^2) = (1 - \beta\Omega)^2, \qquad
              T_g = \Omega + \frac{\sqrt\alpha}{2} +
              \sqrt{\frac\alpha4 + \sqrt\alpha\, \Omega (1 - \Omega)}

    It is 1 + sqrt(alpha) at softness 1 (Amit, Gutfreund and Sompolinsky 1985) and sqrt(alpha) at softness 0,
    where it is the transition of a spin glass on two layers (Barra, Genovese, Sollich and Tantari 2018).

    Parameters
    ----------
    load, softness
        alpha, at least 0, and Omega from 0 to 1. Both may be arrays, which are broadcast.

    Examples
    --------
    >>> [round(soft_glass_temperature(0.25, softness), 10) for softness in (0.0, 0.5, 1.0)]
    [0.5, 1.1830127019, 1.5]
    """
    root = np.sqrt(_checks.reals("load", load, minimum=0.0))
    omega = checked_softness(softness)
    return plain(omega + root / 2 + np.sqrt(root**2 / 4 + root * omega * (1 - omega)))


def _temperatures(temperature: ArrayLike) -> Floats:
    values = _checks.reals("temperature", temperature)
    if (values < _COLDEST).any():
        raise ValueError(f"temperature must be positive, at least {_COLDEST:g}; got {values.min()}")
    return values


def _capacity(temperature: float, softness: float) -> float:
    if temperature >= softness:
        return 0.0
    return CAPACITY if temperature == 0 else math.exp(_soft_states.fold(temperature, softness)[1])


def _record(load: float, temperature: float, softness: float, phase: str) -> tuple[float, ...]:
    state = _PHASES[phase](load, temperature, softness)
    if state is None:
        place = f"load={load}, temperature={temperature}, softness={softness}"
        raise ValueError(f"no {phase} state at {place}: {_limit(load, temperature, softness, phase)}")
    return (
        state.m,
        state.q,
        _soft_states.hidden_overlap(state.q, state.stiffness, temperature, softness),
        _soft_states.free_energy(state, load, temperature, softness),
        _soft_states.stability(state, load, temperature, softness),
    )


def _limit(load: float, temperature: float, softness: float, phase: str) -> str:
    """Return where a state ends, in words."""
    if phase == "glass":
        if load == 0:
            return "it needs a positive load"
        return f"it ends at T_g = {soft_glass_temperature(load, softness):.6g}"
    if temperature >= softness:
        return "it needs a temperature below the softness"
    return f"it ends at the load {_capacity(temperature, softness):.6g}"
