"""How well a student with weights +1 and -1 knows a teacher of its kind, and the jump to knowing it exactly.

The teacher answers P = alpha N examples, N large; inputs are Gaussian or signs. A student is drawn with
probability proportional to exp(-beta * wrong answers) from all 2^N weights, at beta = inf from those that
answer right to all. The overlap R is the mean of w.teacher / N, and the error arccos(R) / pi the probability
of a wrong answer to a new input.

Two kinds of weights compete. Far from the teacher there are exp(N phi) of them, counted with their weights
exp(-beta * wrong answers); the teacher itself is one. As soon as phi is negative, it outweighs all others.
"""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy.optimize import brentq, minimize_scalar
from scipy.special import entr, log_ndtr, ndtr

from smbook import _checks
from smbook._records import equal
from smbook.theory._shared import (
    Values,
    gaussian_rule,
    inverse_temperature,
    local_fields,
    log_binomials,
    plain,
    sech_squared,
    spin_entropy,
)
from smbook.theory.perceptron import _tails
from smbook.theory.perceptron._arguments import loads as checked_loads
from smbook.theory.perceptron._roots import rising_root

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


_BRANCHES = ("student", "equilibrium")
_DISTRIBUTIONS = ("binary", "gaussian")
_WARMEST, _LIGHTEST = 0.01, 1e-6
_WEAKEST = -25.0  # ln of the conjugate of R
_SPINODALS = -1.0, 2.5  # between which the student's branch ends
_FEW = 0.3
_RATIOS = -20.0, 2.0  # ln of the conjugate of q over that of R
_MOST_INPUTS = 1001  # 2^1001 is a float


class BinaryStudent(NamedTuple):
    """Hold what a student with weights +1 and -1 is like, a number or an array for each load.

    `overlap` is R, `error` arccos(R) / pi, `entropy` s that of the students, per weight in nats.
    `training_error` is the share of examples that they answer wrong, and `free_entropy` phi = s - alpha beta
    training_error is ln Z / N, where Z sums exp(-beta * wrong answers). Two results are equal if all their
    numbers are.
    """

    overlap: Values
    error: Values
    entropy: Values
    training_error: Values
    free_entropy: Values

    def __eq__(self, other: object) -> bool:
        return equal(self, other)

    def __ne__(self, other: object) -> bool:
        return not equal(self, other)


def binary_student(load: ArrayLike, *, branch: str = "student", beta: float = math.inf) -> BinaryStudent:
    r"""Return overlap, error and entropy of students with weights +1 and -1, by replica theory.

    .. math:: R = \int Dz \tanh(\hat R + \sqrt{\hat q} z), \qquad
              q = \int Dz \tanh^2(\hat R + \sqrt{\hat q} z),

    .. math:: \hat R = \frac{2 \alpha}{\sqrt{q - R^2}} \sqrt{\frac q{1 - q}} \int Dt\, \phi(a t)\, g, \qquad
              \hat q = \frac{2 \alpha}{1 - q} \int Dt\, \Phi(a t)\, g^2

    with the density phi and the distribution Phi of a unit Gaussian, x = sqrt(q / (1 - q)) t,
    a = R / sqrt(q - R^2), F = exp(-beta) + (1 - exp(-beta)) Phi(x) and g = (1 - exp(-beta)) phi(x) / F. They
    make stationary

    .. math:: \varphi = -R \hat R - \tfrac12 \hat q (1 - q) + \int Dz \ln 2\cosh(\hat R + \sqrt{\hat q} z)
              + 2 \alpha \int Dt\, \Phi(a t) \ln F.

    At beta = inf the teacher is a student like any other, q = R, and two students overlap as student and
    teacher do. Two answers compete:

    * "student": the solution that begins with R = 0 at alpha = 0. It ends at `spinodal_load`. Beyond
      `transition_load` it is metastable, and s may come out negative there, as at beta = inf, where the
      values continue the formulas only: no such students are left.
    * "equilibrium": the same up to `transition_load`, where phi is 0, and from there on the teacher itself,
      R = 1 and s = 0. The teacher's state is metastable below, at any beta: one weight turned costs of the
      order of sqrt(N) answers, which is why nothing lies next to it.

    Parameters
    ----------
    load
        alpha = P / N, at least 1e-6, any shape; for "student" at most `spinodal_load`.
    branch
        "student" or "equilibrium".
    beta
        Inverse temperature of the number of wrong answers, at least 0.01; inf allows no wrong answer.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range.

    References
    ----------
    Gyorgyi (1990); Sompolinsky, Tishby and Seung (1990); Seung, Sompolinsky and Tishby (1992) for beta
    finite.

    Examples
    --------
    >>> student = binary_student([0.5, 1.0])
    >>> student.overlap.round(6), student.entropy.round(4)
    (array([0.293089, 0.560715]), array([0.3721, 0.1061]))
    >>> binary_student(1.3, branch="equilibrium").overlap
    1.0
    """
    alpha = checked_loads(load)
    if (alpha < _LIGHTEST).any():
        raise ValueError(f"load must be at least {_LIGHTEST:g}; got {alpha.min()}")
    _checks.choice("branch", branch, _BRANCHES)
    beta = _checked_beta(beta)
    last = (_spinodal(beta)[1] if branch == "student" else _transition(beta)).load
    if branch == "student" and (alpha > last * (1 + 1e-15)).any():
        raise ValueError(f"load must be at most {last:.7f}, where the student ends; got {alpha.max()}")
    rows = [
        _TEACHER if branch == "equilibrium" and one >= last else _student(one, beta)
        for one in alpha.ravel().tolist()
    ]
    table = np.reshape(np.array(rows, np.float64), (*alpha.shape, len(BinaryStudent._fields)))
    return BinaryStudent(*(plain(table[..., k]) for k in range(table.shape[-1])))


def transition_load(*, beta: float = math.inf) -> float:
    """Return the load from which on the teacher outweighs all other students, where their phi is 0.

    At beta = inf it is 1.2446840: the last students other than the teacher go, and R jumps from 0.693760
    to 1. It is larger at higher temperatures, 1.70 / beta for beta to 0.

    Parameters
    ----------
    beta
        As for `binary_student`.

    Raises
    ------
    TypeError, ValueError
        If `beta` is of the wrong kind or out of range.

    References
    ----------
    Gyorgyi (1990); Sompolinsky, Tishby and Seung (1990).

    Examples
    --------
    >>> round(transition_load(), 7)
    1.244684
    """
    return _transition(_checked_beta(beta)).load


def spinodal_load(*, beta: float = math.inf) -> float:
    """Return the load at which the student's branch ends, so that nothing but the teacher attracts.

    At beta = inf it is 1.4926318, with R = 0.893661. In between the teacher outweighs all others, and
    yet what starts far from it is held by a barrier that grows with N; message passing finds it beyond only.

    Parameters
    ----------
    beta
        As for `binary_student`.

    Raises
    ------
    TypeError, ValueError
        If `beta` is of the wrong kind or out of range.

    References
    ----------
    Sompolinsky, Tishby and Seung (1990); Barbier, Krzakala, Macris, Miolane and Zdeborova (2019) for message
    passing.

    Examples
    --------
    >>> round(spinodal_load(), 7)
    1.4926318
    """
    return _spinodal(_checked_beta(beta))[1].load


def mean_binary_students(n_examples: int, n_inputs: int, *, distribution: str = "binary") -> float:
    r"""Return how many weights +1 and -1 answer like their teacher to P examples, on average, at any N.

    .. math:: \langle \mathcal N \rangle = \sum_{k=0}^N \binom Nk p_k^P

    where p_k is the probability that two sets of weights that differ in k places give the same answer. It is
    1 - arccos(1 - 2 k / N) / pi for Gaussian inputs, and that of an odd sum of N - k signs being larger in
    size than one of k signs where inputs are signs. The teacher is one of them, always. So the others are
    there with a probability of at most the mean minus 1 (Markov), and for N to infinity they are gone above
    `annealed_load`. The mean says too much below: rare examples leave very many students.

    Parameters
    ----------
    n_examples
        P, at least 0.
    n_inputs
        N, from 1 to 1001, and odd for "binary", so that no field is 0.
    distribution
        "binary" or "gaussian" inputs.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range.

    References
    ----------
    Baum and Lyuu (1991).

    Examples
    --------
    >>> [round(mean_binary_students(p, 21), 4) for p in (11, 21, 32, 42)]
    [2780.5922, 32.7019, 1.9201, 1.0832]
    """
    n_examples = _checks.integer("n_examples", n_examples, minimum=0)
    n = _checks.integer("n_inputs", n_inputs, minimum=1, maximum=_MOST_INPUTS)
    if _checks.choice("distribution", distribution, _DISTRIBUTIONS) == "gaussian":
        alike = 1 - np.arccos(1 - 2 * np.arange(n + 1) / n) / math.pi
    elif n % 2 == 0:
        raise ValueError(f"n_inputs must be odd for binary inputs, so that no field is 0; got {n}")
    else:
        alike = np.array([_alike(n, k) for k in range(n + 1)])
    alike[0] = 1.0  # to the last bit, which counts after many examples
    with np.errstate(divide="ignore"):
        logs = np.log(alike) if n_examples else np.zeros(n + 1)
    return float(np.exp(log_binomials(n) + n_examples * logs).sum())


def annealed_load() -> float:
    """Return the load above which the mean number of students other than the teacher vanishes: 1.4479664.

    It is the largest S(R) / -ln(1 - arccos(R) / pi), S the entropy of a sign of mean R, and an upper bound of
    `transition_load` that is a theorem, and needs no replicas.

    References
    ----------
    Lyuu and Rivin (1992), after Baum and Lyuu (1991).

    Examples
    --------
    >>> round(annealed_load(), 7)
    1.4479664
    """

    def load(angle: float) -> float:
        up, down = math.cos(angle / 2) ** 2, math.sin(angle / 2) ** 2
        return float(-(entr(up) + entr(down)) / math.log1p(-angle / math.pi))

    found = minimize_scalar(lambda x: -load(x), bounds=(0.1, 2.0), method="bounded", options={"xatol": 1e-10})
    return load(float(found.x))


class _Point(NamedTuple):
    """Hold the solution at one value of the conjugate of R."""

    load: float
    overlap: float
    rest: float  # 1 - R
    entropy: float
    wrong: float  # answers, per weight
    free_entropy: float

    def record(self) -> tuple[float, ...]:
        """Return what `BinaryStudent` holds."""
        error = math.atan2(math.sqrt(self.rest * (1 + self.overlap)), self.overlap) / math.pi
        return self.overlap, error, self.entropy, self.wrong / self.load, self.free_entropy


_TEACHER = (1.0, 0.0, 0.0, 0.0, 0.0)


class _Prior(NamedTuple):
    """Hold the averages over z: R, 1 - R, 1 - q, q - R^2, and the entropy of a weight in its field."""

    overlap: float
    rest: float
    unsure: float
    spread: float
    entropy: float


def _prior(conjugate: float, square: float) -> _Prior:
    deviation = math.sqrt(square)
    rule, u = local_fields(1.0, conjugate, deviation)
    short = 2 / (1 + np.exp(2 * u))  # 1 - tanh u
    rest, unsure = float(rule.mean(short)), float(rule.mean(sech_squared(u)))
    overlap, spread = 1 - rest, float(rule.mean((short - rest) ** 2))
    if conjugate < _FEW:  # the means of z and -z, whose sum has no difference
        even = gaussian_rule(0.0, 1 / deviation)
        both = math.cosh(2 * conjugate) + np.cosh(2 * deviation * even.distance)
        overlap = float(even.mean(math.sinh(2 * conjugate) / both))
    return _Prior(overlap, rest, unsure, spread, float(rule.mean(spin_entropy(u))))


class _Answers(NamedTuple):
    """Hold the averages over t for one example: both conjugates over alpha, ln F, and wrong answers."""

    conjugate: float
    square: float
    log_weight: float
    wrong: float


def _answers(prior: _Prior, beta: float) -> _Answers:
    slope = math.sqrt((prior.spread + prior.overlap**2) / prior.unsure)
    sure = prior.overlap / math.sqrt(prior.spread)
    sharp = max(slope, sure)
    field = _tails.cavity(sharp**2 / (1 + sharp**2), 1 / (1 + sharp**2), 0.0)
    x, at = field.x * (slope / sharp), field.x * (sure / sharp)
    likely = math.log(-math.expm1(-beta))
    log_weight = np.logaddexp(-beta, likely + log_ndtr(x))
    ratio = np.exp(likely - x**2 / 2 - log_weight) / math.sqrt(2 * math.pi)
    wrong = np.exp(-beta + log_ndtr(-x) - log_weight)
    return _Answers(
        2 / math.sqrt(prior.spread) * slope * field.mean(_tails.density(at) * ratio),
        2 / prior.unsure * field.mean(ndtr(at) * ratio**2),
        2 * field.mean(ndtr(at) * log_weight),
        2 * field.mean(ndtr(at) * wrong),
    )


def _conjugates(log_conjugate: float, beta: float) -> tuple[float, float]:
    """Return the conjugates of R and q; their ratio does not depend on the load."""
    conjugate = math.exp(log_conjugate)
    if beta == math.inf:
        return conjugate, conjugate

    def gap(log_ratio: float) -> float:
        answers = _answers(_prior(conjugate, conjugate * math.exp(log_ratio)), beta)
        return log_ratio - math.log(answers.square / answers.conjugate)

    log_ratio = rising_root(gap, min(math.log(beta), 0.0), *_RATIOS)
    return conjugate, conjugate * math.exp(log_ratio)


def _point(log_conjugate: float, beta: float) -> _Point:
    conjugate, square = _conjugates(log_conjugate, beta)
    prior = _prior(conjugate, square)
    answers = _answers(prior, beta)
    load = conjugate / answers.conjugate
    free_entropy = prior.entropy + square * prior.unsure / 2 + load * answers.log_weight
    wrong = load * answers.wrong
    warm = 0.0 if beta == math.inf else beta * wrong
    return _Point(load, prior.overlap, prior.rest, free_entropy + warm, wrong, free_entropy)


def _alike(n: int, k: int) -> float:
    """Return the probability that a sum of n - k signs is larger in size than one of k signs; n is odd."""
    one, other = (np.exp(log_binomials(m) - m * math.log(2)) for m in (n - k, k))
    sizes, others = np.abs(2 * np.arange(n - k + 1) - (n - k)), np.abs(2 * np.arange(k + 1) - k)
    at_most = np.cumsum(np.bincount(others, other, minlength=n + 1))
    return float(one @ at_most[sizes])


@functools.lru_cache(maxsize=128)
def _spinodal(beta: float) -> tuple[float, _Point]:
    """Return where the load is largest, ln of the conjugate there and the solution."""
    found = minimize_scalar(
        lambda x: -_point(x, beta).load, bounds=_SPINODALS, method="bounded", options={"xatol": 1e-10}
    )
    return float(found.x), _point(float(found.x), beta)


@functools.lru_cache(maxsize=128)
def _transition(beta: float) -> _Point:
    """Return the solution whose phi is 0."""
    last, _ = _spinodal(beta)
    x = float(brentq(lambda x: _point(x, beta).free_entropy, _SPINODALS[0], last, xtol=1e-14))
    return _point(x, beta)


def _student(load: float, beta: float) -> tuple[float, ...]:
    log, (last, _) = math.log(load), _spinodal(beta)
    x = rising_root(lambda x: math.log(_point(x, beta).load) - log, min(log, last), _WEAKEST, last)
    return _point(x, beta).record()


def _checked_beta(beta: Any) -> float:
    value = inverse_temperature(beta)
    if value < _WARMEST:
        raise ValueError(f"beta must be at least {_WARMEST:g}; got {value:g}")
    return value
