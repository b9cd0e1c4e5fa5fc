"""The inverse Ising problem: couplings and fields from the averages or the states of spins, all visible."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from smbook import _checks
from smbook.boltzmann._data import Data, checked_data
from smbook.boltzmann._phases import check_size
from smbook.kernels import network as kernels
from smbook.network import SpinNetwork

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike, NDArray

    Reals = NDArray[np.float64]
    Found = tuple[Reals, Reals]  # couplings and fields

_HALVINGS = 40
_ROUNDING = 1e-13  # of a log-likelihood
_SINGULAR = 1e-12


def inverse_ising(
    X: ArrayLike,
    *,
    method: str = "likelihood",
    sample_weight: ArrayLike | None = None,
    tolerance: float = 1e-9,
    max_steps: int = 100,
) -> SpinNetwork:
    r"""Return the network whose states at beta = 1 the rows are, as far as a method can tell.

    With m_i = <s_i>, C_ij = <s_i s_j> - m_i m_j and c = (C^-1)_ij of the rows:

    * "likelihood": the largest likelihood, at which the network's means and correlations are those of the
      rows. Exact, by Newton's method and sums over 2^N states.
    * "pseudo-likelihood": the largest mean of sum_i ln p(s_i given the others): N logistic regressions by
      Newton's method, and the mean of the two values of each coupling. No sum over states, and right as data
      grow.
    * "naive-mean-field": J = -c, h_i = artanh m_i - sum_j J_ij m_j.
    * "tap": c = -J - 2 J^2 m_i m_j, and sum_j J_ij^2 (1 - m_j^2) m_i more in h_i.
    * "independent-pairs": J and h as if each pair were alone: J = ln(p++ p-- / (p+- p-+)) / 4.
    * "bethe": exact on a tree, J = -artanh(2c / (A + sqrt(A^2 - 4c^2))) with A = D - 2 m_i m_j c and
      D = sqrt(1 + 4 (1 - m_i^2) (1 - m_j^2) c^2).
    * "sessak-monasson": the sum of the couplings of naive mean field and of independent pairs, less what both
      have, C_ij / ((1 - m_i^2) (1 - m_j^2) - C_ij^2). Fields are those of "tap" with these couplings.

    Parameters
    ----------
    X
        Rows of +1 and -1, (rows, N), N at least 2.
    method
        One of these.
    sample_weight
        How much each row counts, at least 0 and not all 0; None counts all alike.
    tolerance
        Newton's method ends when no parameter changes by more; at least 0.
    max_steps
        And it may make so many steps, at least 1.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range, N exceeds 20 for "likelihood", or no finite
        couplings fit: a spin or a pair of spins that never changes, too few rows, correlations that are too
        strong for the method.

    References
    ----------
    Besag (1975) for pseudo-likelihood; Kappen and Rodriguez (1998) and Tanaka (1998) for mean field and TAP;
    Sessak and Monasson (2009); Ricci-Tersenghi (2012) for Bethe's; Nguyen, Zecchina and Berg (2017) for all.

    Examples
    --------
    >>> states = np.array([[-1, -1], [1, -1], [-1, 1], [1, 1]])
    >>> network = inverse_ising(states, sample_weight=[3, 1, 1, 3])
    >>> bool(np.isclose(network.couplings[0, 1], np.log(9) / 4))
    True
    """
    data = checked_data(X, sample_weight)
    name = _checks.choice("method", method, _METHODS)
    tolerance = _checks.real("tolerance", tolerance, minimum=0.0)
    max_steps = _checks.integer("max_steps", max_steps, minimum=1)
    _check_spins(data)
    if name in _NEWTON:
        couplings, fields = _NEWTON[name](data, tolerance, max_steps)
    else:
        couplings, fields = _CLOSED[name](*_moments(data))
    return SpinNetwork((couplings + couplings.T) / 2.0, fields)


def _check_spins(data: Data) -> None:
    rows = data.rows
    if rows.shape[1] < 2:
        raise ValueError(f"X must have at least 2 columns, one a spin; got {rows.shape[1]}")
    constant = np.flatnonzero((rows == rows[0]).all(axis=0))
    if constant.size:
        i = int(constant[0])
        raise ValueError(
            f"no finite field makes a spin constant; got column {i}, {rows[0, i]} in every row of X"
        )


def _moments(data: Data) -> tuple[Reals, Reals]:
    """Return m and C, with 1 - m_i^2 on the diagonal."""
    means, products = data.moments()
    return means, products - np.outer(means, means)


# Newton's method


def _by_likelihood(data: Data, tolerance: float, max_steps: int) -> Found:
    """Climb sum_k theta_k t_k - ln Z, t the s_i and s_i s_j: its Hessian is minus their covariance."""
    n = data.rows.shape[1]
    check_size(n)
    means, products = data.moments()
    pairs = np.triu_indices(n, 1)
    bits = 1 << np.arange(n)
    bits = np.append(bits, bits[pairs[0]] | bits[pairs[1]])
    signs = np.where(np.arange(bits.size) < n, -1.0, 1.0)
    target = np.append(means, products[pairs])

    def at(parameters: Reals) -> tuple[float, Reals, Reals]:
        exact = SpinNetwork(*_unpacked(parameters, n)).enumerate(1.0)
        transformed = exact.probabilities.copy()
        kernels.walsh_transform(transformed)
        found = signs * transformed[bits]
        covariance = np.outer(signs, signs) * transformed[bits[:, None] ^ bits] - np.outer(found, found)
        return float(parameters @ target) - exact.log_partition, target - found, covariance

    return _unpacked(_newton(at, bits.size, tolerance, max_steps), n)


def _unpacked(parameters: Reals, n: int) -> Found:
    couplings = np.zeros((n, n))
    couplings[np.triu_indices(n, 1)] = parameters[n:]
    return couplings + couplings.T, parameters[:n]


def _by_pseudo_likelihood(data: Data, tolerance: float, max_steps: int) -> Found:
    """Climb the mean of s_i x - ln 2cosh x, x = h_i + sum_j J_ij s_j, for one spin after another."""
    units = data.rows.astype(np.float64)
    n = units.shape[1]
    couplings, fields = np.zeros((n, n)), np.zeros(n)
    for i in range(n):
        others = np.arange(n) != i
        inputs = np.column_stack([np.ones(len(units)), units[:, others]])
        found = _newton(_conditional(inputs, units[:, i], data.shares), n, tolerance, max_steps)
        fields[i], couplings[i, others] = found[0], found[1:]
    return couplings, fields


def _conditional(
    inputs: Reals, outputs: Reals, shares: Reals
) -> Callable[[Reals], tuple[float, Reals, Reals]]:
    def at(parameters: Reals) -> tuple[float, Reals, Reals]:
        x = inputs @ parameters
        value = float(shares @ (outputs * x - np.logaddexp(x, -x)))
        means = np.tanh(x)
        curvature = shares * (1.0 - means) * (1.0 + means)
        return value, inputs.T @ (shares * (outputs - means)), (inputs.T * curvature) @ inputs

    return at


def _newton(
    at: Callable[[Reals], tuple[float, Reals, Reals]], count: int, tolerance: float, max_steps: int
) -> Reals:
    """Return where a concave function is largest; `at` gives its value, gradient and minus its Hessian."""
    parameters = np.zeros(count)
    value, slope, curvature = at(parameters)
    for _ in range(max_steps):
        try:
            step = np.linalg.solve(curvature, slope)
        except np.linalg.LinAlgError:
            break
        for _ in range(_HALVINGS):
            now = at(parameters + step)
            if now[0] >= value - _ROUNDING * (1.0 + abs(value)):
                break
            step = step / 2.0
        parameters = parameters + step
        value, slope, curvature = now
        if np.abs(step).max() <= tolerance:
            return parameters
    raise ValueError(
        f"no finite couplings make these rows of X most likely, or none within {max_steps} steps: "
        f"they have grown to {np.abs(parameters).max():.3g}; there may be too few rows"
    )


# Closed forms


def _by_naive_mean_field(means: Reals, correlations: Reals) -> Found:
    couplings = _off_diagonal(-_inverse(correlations))
    return couplings, np.arctanh(means) - couplings @ means


def _by_tap(means: Reals, correlations: Reals) -> Found:
    inverse = _inverse(correlations)
    square = 1.0 - 8.0 * np.outer(means, means) * inverse
    _check_pairs("tap", square >= 0.0)
    couplings = _off_diagonal(-2.0 * inverse / (1.0 + np.sqrt(np.abs(square))))
    return couplings, _tap_fields(means, couplings)


def _tap_fields(means: Reals, couplings: Reals) -> Reals:
    reaction: Reals = couplings**2 @ (1.0 - means**2)
    return np.asarray(np.arctanh(means) - couplings @ means + means * reaction)


def _by_independent_pairs(means: Reals, correlations: Reals) -> Found:
    laws = _pair_laws(means, correlations + np.outer(means, means))
    _check_pairs("independent-pairs", (laws > 0.0).all(axis=(0, 1)))
    return _pair_couplings(laws), _pair_fields(means, laws)


def _by_bethe(means: Reals, correlations: Reals) -> Found:
    inverse, product, variances = _inverse(correlations), np.outer(means, means), 1.0 - means**2
    level = np.sqrt(1.0 + 4.0 * np.outer(variances, variances) * inverse**2) - 2.0 * product * inverse
    square = level**2 - 4.0 * inverse**2
    tangents = -2.0 * inverse / (level + np.sqrt(np.abs(square)))
    _check_pairs("bethe", (square >= 0.0) & (level > 0.0) & (np.abs(tangents) < 1.0))
    couplings = np.arctanh(_off_diagonal(tangents))
    doubled, squares = np.tanh(2.0 * couplings), means[:, None] ** 2 + means**2
    rest = doubled * (1.0 - squares) + 2.0 * product
    products = rest / (1.0 + np.sqrt(1.0 - doubled * rest))  # <s_i s_j> of a pair with this coupling
    return couplings, _pair_fields(means, _pair_laws(means, products))


def _by_sessak_monasson(means: Reals, correlations: Reals) -> Found:
    loops, _ = _by_naive_mean_field(means, correlations)
    pairs, _ = _by_independent_pairs(means, correlations)
    variances = np.outer(1.0 - means**2, 1.0 - means**2)
    with np.errstate(divide="ignore"):  # on the diagonal
        both = correlations / (variances - correlations**2)
    couplings = loops + pairs - _off_diagonal(both)
    return couplings, _tap_fields(means, couplings)


def _pair_laws(means: Reals, products: Reals) -> Reals:
    """Return four times p(s_i, s_j), (2, 2, N, N), the first index up for s_i = +1; ones for i = j."""
    signs = np.array([-1.0, 1.0])
    one, other = signs[:, None, None, None], signs[None, :, None, None]
    laws: Reals = 1.0 + one * means[:, None] + other * means + one * other * products
    laws[..., np.eye(means.size, dtype=bool)] = 1.0
    return laws


def _pair_couplings(laws: Reals) -> Reals:
    return np.asarray(np.log(laws[1, 1] * laws[0, 0] / (laws[1, 0] * laws[0, 1])) / 4.0)


def _pair_fields(means: Reals, laws: Reals) -> Reals:
    """Return h_i = artanh m_i + sum_j (h_i(j) - artanh m_i), with h_i(j) the field of i alone with j."""
    alone = np.arctanh(means)
    fields = np.log(laws[1, 1] * laws[1, 0] / (laws[0, 1] * laws[0, 0])) / 4.0
    return np.asarray(alone + _off_diagonal(fields - alone[:, None]).sum(axis=1))


def _inverse(correlations: Reals) -> Reals:
    values, vectors = np.linalg.eigh(correlations)
    if values[0] <= _SINGULAR * values[-1]:
        raise ValueError(
            f"correlations of X have no inverse: eigenvalues reach from {values[0]:.3g} to {values[-1]:.3g}; "
            "there are too few rows, or spins that follow from others"
        )
    return np.asarray((vectors / values) @ vectors.T)


def _off_diagonal(matrix: Reals) -> Reals:
    np.fill_diagonal(matrix, 0.0)
    return matrix


def _check_pairs(method: str, good: Any) -> None:
    wrong = np.argwhere(~good & ~np.eye(len(good), dtype=bool))
    if wrong.size:
        i, j = (int(k) for k in wrong[0])
        raise ValueError(
            f"{method} finds no finite coupling of spins {(i, j)}: they are too strongly correlated"
        )


_NEWTON = {"likelihood": _by_likelihood, "pseudo-likelihood": _by_pseudo_likelihood}
_CLOSED = {
    "naive-mean-field": _by_naive_mean_field,
    "tap": _by_tap,
    "independent-pairs": _by_independent_pairs,
    "bethe": _by_bethe,
    "sessak-monasson": _by_sessak_monasson,
}
_METHODS = (*_NEWTON, *_CLOSED)
