"""The largest and the smallest eigenvalue of a symmetric operator, with their vectors."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy import linalg
from scipy.sparse.linalg import ArpackNoConvergence, LinearOperator, eigsh

from smbook import _checks
from smbook._records import equal
from smbook._runs import progress_bar
from smbook.landscape import _probes
from smbook.landscape._lanczos import EXHAUSTED, lanczos

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from smbook.kernels.rng import Randomness
    from smbook.landscape._probes import Reals

    Times = Callable[[NDArray[Any]], Reals]
    Draw = Callable[[], NDArray[Any]]
    Tell = Callable[[int], Any]

METHODS = ("lanczos", "shifted")
UNITS = 10.0  # in the last place of the largest eigenvalue: what rounding may leave of a residual
_ROOM = 0.1  # of that, and of the tolerance, at which a run stops, as rounding adds to its bounds
_SEEN = 20  # products that are remembered for an estimate, as many as ARPACK takes at once


class Eigenpairs(NamedTuple):
    """Hold the outermost eigenvalues of a symmetric operator with their vectors, the largest first.

    Two results are equal if all their numbers are.

    Attributes
    ----------
    values
        The largest and the smallest eigenvalue, (2,).
    vectors
        Their vectors, unit rows (2, N), of the operator's dtype.
    residuals
        The lengths of H v - lambda v, from products of their own, (2,).
    n_products
        How many products with a vector it took, these two included.
    method
        "lanczos" or "shifted".
    converged
        Whether each residual is below the tolerance times its own eigenvalue, or what rounding leaves.
    """

    values: Reals
    vectors: NDArray[Any]
    residuals: Reals
    n_products: int
    method: str
    converged: bool

    @property
    def largest(self) -> float:
        """The largest eigenvalue."""
        return float(self.values[0])

    @property
    def smallest(self) -> float:
        """The smallest eigenvalue."""
        return float(self.values[1])

    def __eq__(self, other: object) -> bool:
        return equal(self, other)

    def __ne__(self, other: object) -> bool:
        return not equal(self, other)

    def __repr__(self) -> str:
        ends = [f"{value:.6g} +- {off:.1g}" for value, off in zip(self.values, self.residuals, strict=True)]
        state = "" if self.converged else ", NOT converged"
        return (
            f"Eigenpairs(largest {ends[0]}, smallest {ends[1]}, {self.n_products} products by "
            f"{self.method!r}{state})"
        )


class NotConvergedError(RuntimeError):
    """Say that a search for eigenpairs has come to its end before it found them.

    Attributes
    ----------
    estimate : Eigenpairs
        The best that the last products tell, with its residuals: inside the spectrum, as a rule.
    """

    def __init__(self, message: str, estimate: Eigenpairs) -> None:
        super().__init__(message, estimate)
        self.estimate = estimate

    def __str__(self) -> str:
        return str(self.args[0])


def extreme_eigenpairs(
    operator: Any,
    *,
    method: str = "lanczos",
    n_steps: int = 100,
    tolerance: float = 1e-6,
    rng: Randomness = None,
    progress: bool = False,
) -> Eigenpairs:
    r"""Return the largest and the smallest eigenvalue of a symmetric operator, with their vectors.

    .. math:: \lambda_{\max} = \max_{\|v\| = 1} v^T H v, \qquad \lambda_{\min} = \min_{\|v\| = 1} v^T H v

    "lanczos" takes both from one run of Lanczos' algorithm from a random vector, each step made orthogonal to
    all before it. The outermost eigenvalues of its tridiagonal matrix approach those of H from within, and
    first of all. With s the last component of its unit eigenvector and beta the length of what the last
    product leaves, abs(beta s) is the length of the residual H v - lambda v. The run stops when this is, at
    both ends, at most `tolerance` times the eigenvalue at that end: a share of the larger of the two would be
    met by a vector that has missed a small eigenvalue at the other end altogether.

    "shifted" is Algorithm 1 of Boettcher and Wheeler: the eigenvalue of largest magnitude, by ARPACK, and
    then that of H minus it times the identity, whose spectrum has one sign.

    A residual of length r says that some eigenvalue of H lies within r of the value. It does not say that
    this is the outermost one: a start that has next to nothing of the outermost vector converges to another
    first. Nor does it say that the vector is accurate: that takes a residual small beside the distance to the
    next eigenvalue. What helps is a second seed, and more steps by a smaller tolerance.

    Parameters
    ----------
    operator
        As for `trace`.
    method
        "lanczos" or "shifted".
    n_steps
        For "lanczos" the most steps; memory holds as many vectors. For "shifted" the most restarts of each of
        its two searches, which take up to 20 products each and hold 40 vectors.
    tolerance
        The residual at each end, relative to the absolute value of its eigenvalue. Ten units in the last
        place of the larger of the two always suffice, so that an eigenvalue 0 is found.
    rng, progress
        As for `trace`.

    Returns
    -------
    Eigenpairs
        From "lanczos" also where it has not converged, and then says so. Of a multiple of the identity any
        two orthogonal vectors are right; of one parameter both rows are the same.

    Raises
    ------
    TypeError, ValueError
        As `trace`.
    NotConvergedError
        If "shifted" does not converge; it carries an estimate.

    References
    ----------
    Lanczos (1950); Boettcher and Wheeler (2024) for "shifted".

    Examples
    --------
    >>> found = extreme_eigenpairs(np.diag([3.0, 1.0, 0.0, -0.25]), rng=1)
    >>> found.values.round(9)
    array([ 3.  , -0.25])
    >>> abs(found.vectors).round(6)
    array([[1., 0., 0., 0.],
           [0., 0., 0., 1.]])
    >>> found.converged, found.n_products
    (True, 6)
    """
    times, n, dtype = _probes.checked_operator(operator)
    _checks.choice("method", method, METHODS)
    n_steps = _checks.integer("n_steps", n_steps, minimum=1)
    tolerance = _checks.positive("tolerance", tolerance)
    random = _probes.generator(rng)

    def draw() -> NDArray[Any]:
        return random.standard_normal(n).astype(dtype)

    find = _by_lanczos if method == "lanczos" else _by_shifts
    return find(times, draw, n_steps, tolerance, progress)


def _by_lanczos(times: Times, draw: Draw, n_steps: int, tolerance: float, progress: bool) -> Eigenpairs:
    """Take both ends of one run."""
    start = draw()
    n_steps = min(n_steps, len(start))

    def met(middle: Reals, beside: Reals, rest: float) -> bool:
        values, last = _ends(middle, beside)
        return bool((np.abs(rest * last) <= _ROOM * allowed(values, tolerance, start.dtype)).all())

    with progress_bar(n_steps, "product", progress) as tell:
        run = lanczos(times, start, n_steps, start.dtype, tell, met)
        tell(n_steps - len(run.middle))
    _, inner = linalg.eigh_tridiagonal(run.middle, run.beside)
    rows = inner[:, [-1, 0]].T.astype(start.dtype) @ run.basis
    if len(run.middle) == 1:
        rows[1] = _beside(rows[0], draw())
    return _finished(times, rows, tolerance, len(run.middle), "lanczos")


def _ends(middle: Reals, beside: Reals) -> tuple[Reals, Reals]:
    """Return both outermost eigenvalues of a tridiagonal matrix, and the last components of their vectors.

    Each costs as many operations as there are rows; all of them, after each step, would cost more than the
    products where many steps are needed.
    """
    found = [
        linalg.eigh_tridiagonal(middle, beside, select="i", select_range=(k, k)) for k in (len(middle) - 1, 0)
    ]
    return np.array([value[0] for value, _ in found]), np.array([vector[-1, 0] for _, vector in found])


def _by_shifts(times: Times, draw: Draw, n_steps: int, tolerance: float, progress: bool) -> Eigenpairs:
    """Take the end of largest magnitude, and the other one after a shift."""
    with progress_bar(None, "product", progress) as tell:
        start = draw()
        search = _Search(times, start, n_steps, tolerance, tell)
        value, one = search.farthest_from(0.0, start)
        _, other = search.farthest_from(value, _beside(one, draw()))
        rows = np.stack([one, other] if value >= 0 else [other, one])
        return _finished(times, rows, tolerance, search.made, "shifted")


class _Search:
    """Search for the eigenvalue that is farthest from a number; remember the last products."""

    def __init__(self, times: Times, start: NDArray[Any], n_steps: int, tolerance: float, tell: Tell) -> None:
        self._times, self._tell, self._dtype = times, tell, start.dtype
        self._n, self._most, self._tolerance = len(start), n_steps, tolerance
        self._seen: deque[tuple[NDArray[Any], Reals]] = deque(maxlen=_SEEN)
        self.made = 0

    def farthest_from(self, shift: float, start: NDArray[Any]) -> tuple[float, NDArray[Any]]:
        """Return an eigenvalue and its vector, found from a vector, or raise."""
        unit = start / np.linalg.norm(start)
        image = self._product(unit)
        value = float(unit.astype(np.float64) @ image)
        nothing = np.finfo(self._dtype).eps ** EXHAUSTED * max(abs(shift), float(np.linalg.norm(image)))
        if self._n == 1 or np.linalg.norm(image - shift * unit) <= nothing:
            return value, unit
        value, vector = self._by_arpack(shift, unit, self._tolerance)
        share = abs(value / (value - shift))  # ARPACK's tolerance is one of value - shift
        if share < 1.0:
            value, vector = self._by_arpack(shift, unit, self._tolerance * share)
        return value, vector

    def _by_arpack(self, shift: float, start: NDArray[Any], tolerance: float) -> tuple[float, NDArray[Any]]:
        moved = LinearOperator(
            (self._n, self._n),
            matvec=lambda v: (self._product(v.reshape(-1)) - shift * v.reshape(-1)).astype(self._dtype),
            dtype=self._dtype,
        )
        finest = float(np.finfo(self._dtype).eps)
        options = {"k": 1, "which": "LM", "maxiter": self._most, "tol": max(tolerance, finest)}
        try:
            values, vectors = eigsh(moved, v0=start, **options)
        except ArpackNoConvergence:
            estimate = self._estimate()
            raise NotConvergedError(
                f"n_steps must be more than the {self._most} restarts in which ARPACK has not converged to "
                f"the tolerance {tolerance:.2g}; it is at {estimate!r}",
                estimate,
            ) from None
        return float(values[0]) + shift, vectors[:, 0]

    def _product(self, vector: NDArray[Any]) -> Reals:
        image = self._times(vector[:, None])[:, 0]
        self._seen.append((vector.copy(), image))
        self.made += 1
        self._tell(1)
        return image

    def _estimate(self) -> Eigenpairs:
        """Return the outermost pairs in the span of the last vectors."""
        vectors, images = (np.array(each, dtype=np.float64) for each in zip(*self._seen, strict=True))
        basis, triangle = np.linalg.qr(vectors.T)
        small = linalg.solve_triangular(triangle.T, images @ basis, lower=True)
        _, inner = np.linalg.eigh((small + small.T) / 2.0)
        rows = (basis @ inner[:, [-1, 0]]).T.astype(self._dtype)
        found = _finished(self._times, rows, self._tolerance, self.made, "shifted")
        return found._replace(converged=False)


def allowed(values: Reals, tolerance: float, dtype: np.dtype[Any]) -> Reals:
    """Return the residuals up to which eigenvalues count as found, each relative to its own size."""
    sizes = np.abs(values)
    return np.asarray(np.maximum(tolerance * sizes, UNITS * np.finfo(dtype).eps * sizes.max()))


def _beside(row: NDArray[Any], other: NDArray[Any]) -> NDArray[Any]:
    """Return the unit vector of what of another one is orthogonal to a unit vector; of one number, this."""
    if len(row) == 1:
        return row
    for _ in range(2):
        other = other - (row @ other) * row
        other = other / np.linalg.norm(other)
    return other


def _finished(times: Times, rows: NDArray[Any], tolerance: float, n_products: int, method: str) -> Eigenpairs:
    """Return the pairs of two vectors, with the values and residuals that products with them give."""
    rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    exact = rows.astype(np.float64)
    images = times(np.ascontiguousarray(rows.T)).T
    values = np.einsum("kn,kn->k", exact, images) / np.einsum("kn,kn->k", exact, exact)
    residuals = np.linalg.norm(images - values[:, None] * exact, axis=1)
    order = [0, 1] if values[0] >= values[1] else [1, 0]
    converged = bool((residuals <= allowed(values, tolerance, rows.dtype)).all())
    return Eigenpairs(values[order], rows[order], residuals[order], n_products + 2, method, converged)
