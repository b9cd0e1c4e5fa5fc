"""The Sherrington-Kirkpatrick model with one step of replica-symmetry breaking, and the end of all steps."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.optimize import root
from scipy.special import expit, logit

from smbook._records import equal
from smbook.theory._shared import (
    Floats,
    Values,
    columns,
    gaussian_rule,
    inverse_temperatures,
    log_two_cosh,
    sech_squared,
    spin_entropy,
)

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

GROUND_ENERGY = -0.7631667265

_CLOSEST = 0.05  # 1 - T; nearer to 1 rounding hides the step, as free energies differ by order (1 - T)^5

_TOLERANCE = 1e-9


class OneStep(NamedTuple):
    """Hold the solution with one step of breaking: two overlaps, where the step is, and e, s, f per spin.

    Attributes
    ----------
    q0
        The overlap of two replicas in different groups of states.
    q1
        The overlap of two replicas in the same group.
    m
        The place of the step: two replicas are in the same group with the probability 1 - m, which is 1 at
        T = 0.
    y
        beta m, which stays finite at T = 0: the number of groups grows with their total energy as exp(y E).
    energy
        The energy.
    entropy
        The entropy, which is still negative at low temperature, though eleven times less so.
    free_energy
        The free energy.
    """

    q0: Values
    q1: Values
    m: Values
    y: Values
    energy: Values
    entropy: Values
    free_energy: Values

    def __eq__(self, other: object) -> bool:
        return equal(self, other)

    def __ne__(self, other: object) -> bool:
        return not equal(self, other)


def sk_one_step(beta: ArrayLike) -> OneStep:
    r"""Return the solution of the SK model with one step of replica-symmetry breaking, h = 0 (Parisi 1979).

    .. math:: -\beta f = \ln 2 + \tfrac14 \beta^2 [(1 - q_1)^2 - m (q_1^2 - q_0^2)] + \frac1m \int Dz_0
              \ln \int Dz_1 \cosh^m \beta(\sqrt{q_0} z_0 + \sqrt{q_1 - q_0} z_1)

    stationary in q0, q1 and m. It is a lower bound for the true free energy (Guerra 2003), and higher than
    that of `sk_replica_symmetric`. The entropy is the mean entropy of a spin in its field less
    beta^2 (1 - q1)^2 / 4. `beta` may be an array, and inf, which is T = 0.

    Raises
    ------
    ValueError
        For T >= 1, where there is nothing to break, and for 0.95 < T < 1, where the free energy differs from
        that of the replica-symmetric solution by less than 1.4e-8 and rounding hides the step.
    RuntimeError
        If the search ends anywhere but at a solution with q0 < q1.

    Examples
    --------
    >>> import math
    >>> cold = sk_one_step(math.inf)
    >>> round(cold.energy, 7), round(cold.q0, 5), round(cold.y, 5)
    (-0.7652594, 0.47678, 1.36082)
    """
    betas = inverse_temperatures(beta)
    for value in betas.ravel().tolist():
        if value <= 1:
            raise ValueError(
                f"beta must be above 1 for replica symmetry to break; got {value}: use sk_replica_symmetric"
            )
        if 1 - 1 / value < _CLOSEST * (1 - 1e-12):
            raise ValueError(f"beta must be at least {1 / (1 - _CLOSEST):.6f} to show the step; got {value}")
    records = [_solution(value) for value in betas.ravel().tolist()]
    return OneStep(*columns(records, betas, len(OneStep._fields)))


class _State(NamedTuple):
    """Hold one point of the search; response is beta (1 - q1)."""

    temperature: float
    q0: float
    q1: float
    response: float
    y: float

    @property
    def squares(self) -> float:
        return (self.q1 - self.q0) * (self.q1 + self.q0)


class _Averages(NamedTuple):
    """Hold averages over z0 of what the groups of states average over z1, with the weight cosh^m.

    They are the squared magnetization, beta (1 - tanh^2), the logarithm of the mean weight, T ln 2cosh(x / T)
    and the entropy of a spin.
    """

    square: float
    response: float
    log_weight: float
    size: float
    entropy: float


def _solution(beta: float) -> tuple[float, ...]:
    """Return q0, q1, m, y, e, s and f at one temperature."""
    temperature = 0.0 if beta > 1e12 else 1 / beta  # of the order of rounding
    result = root(lambda x: _residuals(temperature, x), _guess(temperature), tol=1e-13)
    state = _state(temperature, result.x)
    if np.abs(result.fun).max() > _TOLERANCE or not 0 < state.q0 < state.q1 or temperature * state.y >= 1:
        raise RuntimeError(f"no step found at beta={beta}: {' '.join(str(result.message).split())}")
    averages = _averages(state)
    response, y = averages.response, state.y
    energy = -response * (1 + state.q1) / 2 - y * state.squares / 2
    entropy = averages.entropy - response**2 / 4
    free_energy = y * state.squares / 4 - temperature * response**2 / 4 - averages.log_weight / y
    return state.q0, state.q1, temperature * y, y, energy, entropy, free_energy


def _guess(temperature: float) -> Floats:
    """Return q0, q1 - q0 and y, transformed, as they come out to a few percent."""
    tau = 1 - temperature
    q0 = tau * (0.4768 - 0.0935 * temperature - 0.05 * temperature**8)
    q1 = 1 - temperature * (1 - 0.7605 * tau**2)
    y = 1.361 * tau * (1 - 0.68 * temperature * tau)
    gap = logit((q1 - q0) / (1 - q0)) if temperature > 0 else 0.0
    return np.array([logit(q0), gap, math.log(y)])


def _state(temperature: float, x: Floats) -> _State:
    """Return the state that three real numbers stand for, without loss of digits in 1 - q1."""
    q0, rest = float(expit(x[0])), float(expit(-x[0]))
    if temperature == 0:
        return _State(0.0, q0, 1.0, 0.0, math.exp(x[2]))
    outside = rest * float(expit(-x[1]))
    return _State(temperature, q0, 1 - outside, outside / temperature, math.exp(x[2]))


def _residuals(temperature: float, x: Floats) -> list[float]:
    """Return what should be 0 at a stationary point; the second is idle at T = 0, where q1 = 1."""
    state = _state(temperature, x)
    averages = _averages(state)
    slope = averages.size / state.y - averages.log_weight / state.y**2 - state.squares / 4
    second = averages.response / state.response - 1 if temperature > 0 else float(x[1])
    return [averages.square / state.q0 - 1, second, slope / (state.q1 - state.q0) ** 2]


def _averages(state: _State) -> _Averages:
    """Return the averages of one state."""
    temperature, inside, between = state.temperature, math.sqrt(state.q1 - state.q0), math.sqrt(state.q0)
    outer = gaussian_rule(0.0, math.inf)
    half = outer.distance > 0  # the other half is its mirror image
    z0, weight0 = outer.distance[half], 2 * outer.weight[half]
    inner = gaussian_rule(-between / inside * z0, temperature / inside)
    x = inside * inner.distance
    size = log_two_cosh(x, temperature)
    top = state.y * size.max(axis=-1)
    weight = np.exp(state.y * size - top[:, np.newaxis])
    norm = inner.mean(weight)
    if temperature == 0:
        tanh, entropy = np.sign(x), np.zeros_like(x)
    else:
        tanh, entropy = np.tanh(x / temperature), spin_entropy(x / temperature)

    def mean(values: Floats) -> float:
        return float(weight0 @ (inner.mean(weight * values) / norm))

    if temperature == 0:  # 2 delta(x)
        density = np.exp(-((between * z0 / inside) ** 2) / 2 - top) / (math.sqrt(2 * math.pi) * inside)
        response = weight0 @ (2 * density / norm)
    else:
        response = mean(sech_squared(x / temperature)) / temperature
    square = weight0 @ (inner.mean(weight * tanh) / norm) ** 2
    return _Averages(
        *map(float, (square, response, weight0 @ (top + np.log(norm)), mean(size), mean(entropy)))
    )
