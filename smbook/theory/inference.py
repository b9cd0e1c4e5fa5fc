"""Entropy, what it measures, and the distribution that claims least beyond given averages.

All logarithms are natural. Of all distributions with <f_k> = F_k the one of largest entropy is

    p_i = exp(-sum_k lambda_k f_k(i)) / Z,    S = ln Z + sum_k lambda_k F_k,    d ln Z / d lambda_k = -F_k,

Gibbs' distribution if f is the energy, with lambda the inverse temperature. (Jaynes 1957.)
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy.linalg import cho_factor, cho_solve, qr
from scipy.optimize import linprog
from scipy.special import entr, gammaln, kl_div, logsumexp, softmax, xlogy

from smbook import _checks
from smbook._records import equal
from smbook.theory._shared import Floats, Values, plain

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

_SUM = 1e-9  # by how much probabilities may miss 1
_NEAR = 1e-5  # relative step of Newton's method after which it doubles its digits each time
_SLOW = 0.1  # at a boundary what is missed falls to 1 / e in each step, and no step is small
_STEPS = 200
_HALVINGS = 60
_BATCH = 64  # states by which a linear program grows


class ImpossibleMomentsError(ValueError):
    """Say that no distribution has such moments, since a combination of the features never is so large.

    Attributes
    ----------
    combination
        a (K,), the largest entry 1 in size.
    asked
        sum_k a_k F_k, the value that the moments ask for.
    possible
        The value that sum_k a_k f_k(i) does not pass in any state i.
    """

    def __init__(self, combination: Floats, asked: float, possible: float) -> None:
        self.combination, self.asked, self.possible = combination, asked, possible
        limit = "at most" if asked > possible else "at least"
        super().__init__(
            f"no distribution has these moments: {_in_words(combination)} is {limit} {possible:.13g} "
            f"in every state; got {asked:.13g}, {abs(asked - possible):.3g} beyond"
        )


class BoundaryMomentsError(ValueError):
    """Say that moments are extreme, so that some states have probability 0 and multipliers are infinite.

    Attributes
    ----------
    combination
        a (K,), the largest entry 1 in size: sum_k a_k f_k has its extreme value in the states that are left.
    states
        Which states are left, bool (n_states,). With a prior that is 0 in the others finite multipliers may
        exist.
    """

    def __init__(self, combination: Floats, extreme: float, states: NDArray[np.bool_]) -> None:
        self.combination, self.states = combination, states
        super().__init__(
            f"moments lie on the boundary of the possible, or no further from it than rounding: "
            f"{_in_words(combination)} has its extreme value {extreme:.13g} in {int(states.sum())} of "
            f"{states.size} states, all others would have probability 0, and multipliers would be infinite"
        )


class MaximumEntropy(NamedTuple):
    """Hold the distribution of largest entropy among those with given moments.

    Attributes
    ----------
    probabilities
        p_i, (n_states,).
    multipliers
        lambda_k, (K,).
    log_partition
        ln Z with Z = sum_i q_i exp(-sum_k lambda_k f_k(i)).
    entropy
        What is largest: -sum_i p_i ln(p_i / q_i) = ln Z + sum_k lambda_k F_k, in nats.
    covariance
        <f_k f_l> - F_k F_l, (K, K), the second derivatives of ln Z, and -dF_k / dlambda_l.
    """

    probabilities: Floats
    multipliers: Floats
    log_partition: float
    entropy: float
    covariance: Floats

    def __eq__(self, other: object) -> bool:
        return equal(self, other)

    def __ne__(self, other: object) -> bool:
        return not equal(self, other)

    def __repr__(self) -> str:
        shown = ", ".join(f"{value:.6g}" for value in self.multipliers[:4])
        more = ", ..." if self.multipliers.size > 4 else ""
        return (
            f"MaximumEntropy({self.probabilities.size} states, multipliers [{shown}{more}], "
            f"entropy {self.entropy:.6g})"
        )


def entropy(p: ArrayLike, *, base: float = math.e) -> Values:
    r"""Return Shannon's entropy -sum_i p_i log p_i of the probabilities along the last axis.

    Parameters
    ----------
    p
        Probabilities, any shape, with the sum 1 along the last axis.
    base
        Of the logarithm, above 0 and not 1: e for nats, 2 for bits.

    Raises
    ------
    TypeError, ValueError
        If p is no array of probabilities, or base no such number.

    References
    ----------
    Shannon (1948).

    Examples
    --------
    >>> entropy([0.5, 0.25, 0.25], base=2)
    1.5
    >>> round(entropy([1 / 6] * 6), 10)
    1.7917594692
    """
    probabilities = _probabilities("p", p)
    number = _checks.positive("base", base)
    if number == 1:
        raise ValueError("base must not be 1, of which all powers are 1; got 1.0")
    nats = entr(probabilities).sum(axis=-1)
    return plain(nats if number == math.e else nats / math.log(number))


def cross_entropy(p: ArrayLike, q: ArrayLike) -> Values:
    r"""Return -sum_i p_i ln q_i, at least the entropy of p; inf where q_i = 0 and p_i is not.

    It is the mean surprise, in nats, of one who believes q while p is true. The last axes of p and q have the
    same length, and the others are broadcast.

    Examples
    --------
    >>> cross_entropy([1.0, 0.0], [0.5, 0.5]) == math.log(2)
    True
    """
    one, other = _two(p, q)
    return plain(-xlogy(one, other).sum(axis=-1))


def relative_entropy(p: ArrayLike, q: ArrayLike) -> Values:
    r"""Return sum_i p_i ln(p_i / q_i), in nats, which is 0 for p = q only; inf where q_i = 0 and p_i is not.

    Also called the Kullback-Leibler divergence of p from q. Summed are the terms p ln(p / q) - p + q, none of
    which is negative. The last axes of p and q have the same length, and the others are broadcast.

    References
    ----------
    Kullback and Leibler (1951).

    Examples
    --------
    >>> round(relative_entropy([0.5, 0.5], [0.25, 0.75]), 10)
    0.1438410362
    >>> relative_entropy([0.5, 0.5], [1.0, 0.0])
    inf
    """
    return plain(np.maximum(kl_div(*_two(p, q)), 0.0).sum(axis=-1))


def mutual_information(joint: ArrayLike) -> float:
    r"""Return sum_ij p_ij ln(p_ij / (p_i p_j)), in nats: what one of two quantities tells of the other.

    Parameters
    ----------
    joint
        p_ij, (rows, columns), with the sum 1.

    Raises
    ------
    TypeError, ValueError
        If joint is no matrix of probabilities.

    Examples
    --------
    >>> round(mutual_information([[0.5, 0.0], [0.0, 0.5]]), 10)
    0.6931471806
    >>> mutual_information([[0.06, 0.14], [0.24, 0.56]])
    0.0
    """
    table = _checks.reals("joint", joint)
    if table.ndim != 2 or not table.size:
        raise ValueError(f"joint must be a matrix (rows, columns); got shape {table.shape}")
    together = _probabilities("joint", table.ravel())
    apart = np.outer(table.sum(axis=1), table.sum(axis=0)).ravel()
    found = float(np.maximum(kl_div(together, apart), 0.0).sum())
    return found if found > 1e-15 else 0.0  # less is rounding


def gibbs(energies: ArrayLike, beta: float = 1.0) -> Floats:
    r"""Return Gibbs' distribution exp(-beta E_i) / Z over the states along the last axis.

    beta may be negative, as the states are finite in number.

    Examples
    --------
    >>> gibbs([0.0, math.log(3)]).round(10).tolist()
    [0.75, 0.25]
    """
    return np.asarray(softmax(_exponents(energies, beta), axis=-1))


def log_partition(energies: ArrayLike, beta: float = 1.0) -> Values:
    r"""Return ln Z = ln sum_i exp(-beta E_i), the sum over the last axis.

    Examples
    --------
    >>> round(log_partition([0.0, math.log(3)]), 10) == round(math.log(4 / 3), 10)
    True
    """
    return plain(logsumexp(_exponents(energies, beta), axis=-1))


def variational_free_energy(p: ArrayLike, energies: ArrayLike, beta: float = 1.0) -> Values:
    r"""Return <E> - S / beta of a distribution, which is nowhere below -ln Z / beta, its value for Gibbs'.

    .. math:: F[p] = \sum_i p_i E_i + \frac1\beta \sum_i p_i \ln p_i
              = -\frac{\ln Z}\beta + \frac1\beta D(p \| p_\text{Gibbs})

    The last axes of p and energies have the same length, and the others are broadcast; beta is above 0.
    (Gibbs 1902, Bogoliubov, Feynman.)

    Examples
    --------
    >>> energies = [0.0, 1.0, 1.0]
    >>> lowest = -log_partition(energies, 2.0) / 2
    >>> round(variational_free_energy(gibbs(energies, 2.0), energies, 2.0) - lowest, 12)
    0.0
    >>> variational_free_energy([0.5, 0.25, 0.25], energies, 2.0) > lowest
    True
    """
    probabilities, levels = _probabilities("p", p), _checks.reals("energies", energies)
    temperature = 1 / _checks.positive("beta", beta)
    _check_last_axes("p and energies", probabilities, levels)
    mean = (probabilities * levels).sum(axis=-1)
    return plain(mean - temperature * entr(probabilities).sum(axis=-1))


def log_multiplicity(counts: ArrayLike) -> Values:
    r"""Return ln N! / (n_1! n_2! ...), the log of the number of sequences with these counts.

    For large N = n_1 + n_2 + ... it approaches N times the entropy of the shares n_i / N: of all shares with
    given averages those of maximum entropy come about in overwhelmingly many ways. (Boltzmann 1877.)

    Parameters
    ----------
    counts
        n_i, integers of at least 0 along the last axis.

    Raises
    ------
    TypeError, ValueError
        If counts holds anything else.

    Examples
    --------
    >>> round(math.exp(log_multiplicity([2, 1, 1])))
    12
    """
    values = _checks.integers("counts", counts, minimum=0).astype(np.float64)
    if values.ndim == 0:
        raise ValueError(f"counts must have an axis of outcomes; got the number {int(values)}")
    found = np.atleast_1d(gammaln(values.sum(axis=-1) + 1) - gammaln(values + 1).sum(axis=-1))
    found[np.atleast_1d((values > 0).sum(axis=-1)) < 2] = 0.0  # one way, without rounding
    return plain(found if values.ndim > 1 else found[0])


def maximum_entropy(
    features: ArrayLike,
    moments: ArrayLike,
    *,
    prior: ArrayLike | None = None,
    tolerance: float = 1e-12,
) -> MaximumEntropy:
    r"""Return the distribution of largest entropy under which the features have given averages.

    .. math:: p_i = \frac{q_i}{Z} \exp\Bigl(-\sum_k \lambda_k f_k(i)\Bigr), \qquad
              \sum_i p_i f_k(i) = F_k

    The multipliers make ln Z + sum_k lambda_k F_k smallest, a convex function, by Newton's method with steps
    that are halved until they lead down. Features may be measured in any units, and may depend on each other:
    of all multipliers that give the distribution those with the smallest sum of squares are returned.

    Parameters
    ----------
    features
        f_k(i), (K, n_states), the value of each feature in each state.
    moments
        F_k, (K,).
    prior
        q_i, (n_states,), at least 0 and not all 0: prior probabilities, or how many states are counted as
        one; None is 1 for every state. Then -sum_i p_i ln(p_i / q_i) is largest.
    tolerance
        By how much an average may miss its moment, in units of the largest distance of the feature from the
        moment, or rounding of the feature if that is more; above 0. Moments that are nearer to the boundary
        of the possible count as on it.

    Raises
    ------
    ImpossibleMomentsError
        If no distribution has these moments.
    BoundaryMomentsError
        If only distributions that are 0 in some states have them, such as the mean 6 of a die.
    TypeError, ValueError
        If an argument is of the wrong kind or out of range.

    References
    ----------
    Jaynes (1957), Information theory and statistical mechanics.

    Examples
    --------
    A die whose mean is 4.5 (Jaynes).

    >>> die = maximum_entropy([[1, 2, 3, 4, 5, 6]], [4.5])
    >>> die
    MaximumEntropy(6 states, multipliers [-0.371049], entropy 1.61358)
    >>> die.probabilities.round(5).tolist()
    [0.05435, 0.07877, 0.11416, 0.16545, 0.23977, 0.34749]
    >>> try:
    ...     maximum_entropy([[1, 2, 3, 4, 5, 6]], [7])
    ... except ImpossibleMomentsError as error:
    ...     print(error.asked, "but at most", error.possible)
    7.0 but at most 6.0
    """
    values, asked = _checks.reals("features", features), _checks.reals("moments", moments)
    if values.ndim != 2 or not values.shape[1]:
        raise ValueError(f"features must have the shape (features, states); got {values.shape}")
    if asked.shape != values.shape[:1]:
        raise ValueError(f"moments must have shape ({len(values)},), one a feature; got {asked.shape}")
    weights = _prior(prior, values.shape[1])
    allowed = _checks.positive("tolerance", tolerance)
    found = _Dual(values, asked, weights).solve(allowed)
    if not np.isfinite(found.multipliers).all():
        raise ValueError("multipliers overflow; measure the features in other units")
    return found


# The convex dual


class _Dual:
    """The function ln sum_i q_i exp(-sum_k mu_k g_k(i)) of features from which the moments are subtracted.

    Its minimum is the entropy. The g_k are measured in units of their largest size, and rotated and scaled to
    w_r = sum_k c_rk g_k that are uncorrelated under equal weights; as many are kept as are independent.
    """

    def __init__(self, values: Floats, asked: Floats, weights: Floats) -> None:
        self.values, self.asked, self.weights = values, asked, weights
        self.alive = weights > 0
        with np.errstate(over="ignore"):
            apart = values[:, self.alive] - asked[:, None]
        if not np.isfinite(apart).all():
            raise ValueError("features less moments overflow; measure the features in other units")
        size = np.abs(apart).max(axis=1, initial=0.0)
        self.scale = np.where(size > 0, size, 1.0)
        self.apart = apart / self.scale[:, None]
        sizes = np.maximum(np.abs(values[:, self.alive]).max(axis=1, initial=0.0), np.abs(asked))
        self.rounding = max(1e-14, float((4e-16 * sizes / self.scale).max(initial=0.0)))
        self.log_weights = np.log(weights[self.alive])
        self.change, self.null = _independent(self.apart, 10 * self.rounding)
        self.white = self.change.T @ self.apart

    def at(self, nu: Floats) -> tuple[float, Floats]:
        """Return the function and the probabilities."""
        exponents = self.log_weights - nu @ self.white
        top = exponents.max()
        shares = np.exp(exponents - top)
        total = shares.sum()
        return float(top + math.log(total)), shares / total

    def solve(self, tolerance: float) -> MaximumEntropy:
        nu = np.zeros(self.change.shape[1])
        value, p = self.at(nu)
        polish, missed = 0, math.inf
        for _ in range(_STEPS if nu.size else 0):
            step = self._newton_step(p)
            nu, value, p, moved = self._descend(nu, value, p, step)
            if (nu @ self.white).min() > 0 and -nu @ self.white @ p < 0:
                self._explain(nu)
            far = np.abs(moved @ self.white).max() / (1 + np.abs(nu @ self.white).max())
            before, missed = missed, float(np.abs(self.apart @ p).max())
            polish = polish + 1 if far < _NEAR else 0
            if polish == 2:
                break
            if not polish and _SLOW * before < missed < tolerance / 10:
                self._explain(nu)
        allowed = max(tolerance, 10 * self.rounding * math.sqrt(len(self.apart)))
        if np.abs(self.apart @ p).max(initial=0.0) > allowed or (nu.size and not polish):
            self._explain(nu)
            raise ValueError(
                f"found no multipliers within {_STEPS} steps: the averages miss the moments by "
                f"{np.abs(self.apart @ p).max():.3g} of the features' range, tolerance={tolerance:g}"
            )
        return self._result(nu, value, p)

    def _newton_step(self, p: Floats) -> Floats:
        """Return minus the inverse Hessian times the gradient, with a ridge where rounding demands one."""
        mean = self.white @ p
        hessian = (self.white * p) @ self.white.T - np.outer(mean, mean)
        largest = max(float(np.trace(hessian)), 1e-300)
        for ridge in (0.0, 1e-16, 1e-15, 1e-14, 1e-12, 1e-9, 1e-6, 1.0):
            try:
                factor = cho_factor(hessian + ridge * largest * np.eye(mean.size))
            except np.linalg.LinAlgError:
                continue
            step = np.asarray(cho_solve(factor, mean))
            if np.isfinite(step).all():
                return step
        return mean

    def _descend(
        self, nu: Floats, value: float, p: Floats, step: Floats
    ) -> tuple[Floats, float, Floats, Floats]:
        slope = float(-step @ (self.white @ p))
        for _ in range(_HALVINGS):
            there, shares = self.at(nu + step)
            if there <= value + 1e-4 * slope + 4e-16 * (1 + abs(value)):
                break
            step, slope = step / 2, slope / 2
        return nu + step, there, shares, step

    def _result(self, nu: Floats, value: float, p: Floats) -> MaximumEntropy:
        with np.errstate(over="ignore"):
            multipliers = (self.change @ nu) / self.scale
        if self.null.size and np.isfinite(multipliers).all():
            free = np.linalg.qr(self.null / self.scale[:, None])[0]
            multipliers = multipliers - free @ (free.T @ multipliers)
        mean = self.apart @ p
        covariance = (self.apart * p) @ self.apart.T - np.outer(mean, mean)
        probabilities = np.zeros(self.weights.size)
        probabilities[self.alive] = p
        with np.errstate(over="ignore"):
            spread = covariance * np.outer(self.scale, self.scale)
        log_z = value - float(multipliers @ self.asked)
        return MaximumEntropy(probabilities, multipliers + 0.0, log_z, value, spread)

    # Why there is no solution

    def _explain(self, nu: Floats) -> None:
        """Raise if moments are impossible or extreme: a combination of the g_k is negative in no state."""
        k = len(self.apart)
        gap = np.append(np.zeros(k), 1.0)  # the largest t with a . g >= t in all states
        found = _program(self.apart, gap)
        if found[k] > 1e-9:
            self._impossible(found[:k])
        if nu.size and (nu @ self.white).min() > 100 * self.rounding * np.abs(nu @ self.white).max():
            self._impossible(self.change @ nu)
        mean = np.append(self.apart.mean(axis=1), 0.0)  # the largest mean with a . g >= 0
        found = _program(self.apart, mean)
        if mean @ found > 1e-9:
            self._extreme(found[:k])

    def _impossible(self, direction: Floats) -> None:
        combination = self._in_units(direction)
        asked = float(combination @ self.asked)
        values = combination @ self.values[:, self.alive]
        above = bool(values.mean() < asked)
        raise ImpossibleMomentsError(combination, asked, float(values.max() if above else values.min()))

    def _extreme(self, direction: Floats) -> None:
        left = np.zeros(self.weights.size, np.bool_)
        left[self.alive] = direction @ self.apart < 1e-9
        combination = self._in_units(direction)
        raise BoundaryMomentsError(combination, float(combination @ self.asked), left)

    def _in_units(self, direction: Floats) -> Floats:
        """Return coefficients of the features, the largest 1 in size and the first above 0."""
        small = np.abs(direction) < 1e-9 * np.abs(direction).max()
        combination = np.where(small, 0.0, direction) / self.scale
        combination = combination / np.abs(combination).max()
        return np.asarray(combination * np.sign(combination[np.flatnonzero(combination)[0]]) + 0.0)


def _independent(apart: Floats, rounding: float) -> tuple[Floats, Floats]:
    """Return the changes (K, r) to r independent features of mean square 1, and directions that vanish.

    A direction vanishes if its root mean square is no more than `rounding`.
    """
    k, n = apart.shape
    if not k:
        return np.zeros((0, 0)), np.zeros((0, 0))
    triangle = qr(apart.T, mode="r")[0][: min(k, n)]
    _, sizes, rows = np.linalg.svd(triangle)
    kept = int((sizes > rounding * math.sqrt(k * n)).sum())
    return np.asarray(rows[:kept].T / sizes[:kept] * math.sqrt(n)), np.asarray(rows[kept:].T)


def _program(apart: Floats, objective: Floats) -> Floats:
    """Return the a and t, sizes at most 1, with the largest objective for which a . g(i) >= t in all states.

    t stays 0 where the objective does not contain it. The program starts with few states, and those that are
    violated most join it until none is.
    """
    k, n = apart.shape
    rows = np.unique(np.linspace(0, n - 1, _BATCH).astype(np.int64))
    bounds = [(-1.0, 1.0)] * k + [(0.0, 1.0 if objective[k] else 0.0)]
    while True:
        constraints = np.column_stack([-apart[:, rows].T, np.ones(rows.size)])
        options = {"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10}
        answer = linprog(-objective, constraints, np.zeros(rows.size), bounds=bounds, options=options)
        if answer.x is None:
            return np.zeros(k + 1)
        room = answer.x[:k] @ apart - answer.x[k]
        room[rows] = 0.0
        worst = np.argsort(room)[:_BATCH]
        worst = worst[room[worst] < -1e-9]
        if not worst.size:
            return np.asarray(answer.x)
        rows = np.append(rows, worst)


# Checks


def _probabilities(name: str, values: ArrayLike) -> Floats:
    p = _checks.reals(name, values, minimum=0.0)
    if p.ndim == 0 or not p.size:
        raise ValueError(f"{name} must have probabilities along its last axis; got shape {p.shape}")
    with np.errstate(over="ignore"):
        totals = np.atleast_1d(p.sum(axis=-1))
    wrong = np.abs(totals - 1) > _SUM
    if wrong.any():
        raise ValueError(f"{name} must have the sum 1; got {totals[wrong].flat[0]}")
    return p


def _two(p: ArrayLike, q: ArrayLike) -> tuple[Floats, Floats]:
    one, other = _probabilities("p", p), _probabilities("q", q)
    _check_last_axes("p and q", one, other)
    return one, other


def _check_last_axes(names: str, one: Floats, other: Floats) -> None:
    if other.ndim == 0 or one.shape[-1] != other.shape[-1]:
        raise ValueError(f"{names} must have as many states; got shapes {one.shape} and {other.shape}")
    try:
        np.broadcast_shapes(one.shape, other.shape)
    except ValueError:
        raise ValueError(f"{names} must broadcast; got shapes {one.shape} and {other.shape}") from None


def _exponents(energies: ArrayLike, beta: Any) -> Floats:
    levels = _checks.reals("energies", energies)
    if levels.ndim == 0 or not levels.shape[-1]:
        raise ValueError(f"energies must have states along the last axis; got shape {levels.shape}")
    number = _checks.real("beta", beta)
    with np.errstate(over="ignore"):
        exponents = -number * levels
    if not np.isfinite(exponents).all():
        raise ValueError(f"beta times the energies overflows; got beta={number}")
    return np.asarray(exponents)


def _prior(prior: ArrayLike | None, n_states: int) -> Floats:
    if prior is None:
        return np.ones(n_states)
    weights = _checks.reals("prior", prior, minimum=0.0)
    if weights.shape != (n_states,):
        raise ValueError(f"prior must have shape ({n_states},), one weight a state; got {weights.shape}")
    if not weights.any():
        raise ValueError("prior must leave a state; got 0 in all")
    return weights


def _in_words(combination: Floats) -> str:
    """Write a combination of features as f_0 + 0.5 f_1 - f_2, six terms at most."""
    words = ""
    kept = np.flatnonzero(combination)
    for k in kept[:6]:
        size = abs(combination[k])
        factor = "" if round(size, 9) == 1 else f"{size:.6g} "
        sign = ("-" if combination[k] < 0 else "") if not words else (" - " if combination[k] < 0 else " + ")
        words += f"{sign}{factor}f_{k}"
    return words + (" + ..." if kept.size > 6 else "")
