"""Dense associative memories: energies of higher order in the overlaps, and their update as attention."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import logsumexp, softmax

from smbook import _checks
from smbook.hopfield import _memory, retrieval
from smbook.hopfield.patterns import checked_pattern, checked_patterns
from smbook.kernels import hopfield as kernels
from smbook.kernels.rng import seed_state
from smbook.network._chains import checked_spins
from smbook.network._couplings import read_only

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from smbook.kernels.rng import Randomness

    Spins = NDArray[np.int8]

_MOST_PRODUCTS = 2**31


class DenseMemory:
    r"""A memory whose energy is a steep function of the overlaps m_mu of a state with P patterns.

    "polynomial":   E(s) = -(N / n) sum_mu m_mu^n, n the degree; n = 2 is Hebb's rule, but for a constant P/2
    "exponential":  E(s) = -ln sum_mu exp(N m_mu)

    The steeper the function, the less patterns that are far from a state disturb the one that is near: some
    N^(n-1) of them can be stored, or exp(c N). There are no couplings between pairs of neurons; a neuron
    compares the energies of its two states. Minus the exponential of minus the energy, -sum_mu exp(N m_mu),
    is the energy of Demircigil et al.; it falls where this one does.

    Continuous states are recalled by attention: `attend`.

    Parameters
    ----------
    patterns
        int8 of +1 and -1, (P, N), at least one; a copy is kept.
    interaction
        "polynomial" or "exponential".
    degree
        n, at least 2, and such that (N + 1)^n is a float; of the polynomial only.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range, or P N is 2^31 or more.

    References
    ----------
    Krotov and Hopfield (2016); Demircigil, Heusel, Loewe, Upgang and Vermet (2017); Ramsauer et al. (2021).

    Examples
    --------
    >>> from smbook.hopfield import corrupt, random_patterns
    >>> patterns = random_patterns(400, 50, rng=1)
    >>> memory = DenseMemory(patterns, degree=4)
    >>> memory.recall(corrupt(patterns[0], 0.1, rng=2)).overlaps[-1, 0]
    np.float64(1.0)
    """

    def __init__(self, patterns: Spins, interaction: str = "polynomial", *, degree: int = 3) -> None:
        known = checked_patterns(patterns)
        if not len(known):
            raise ValueError("patterns must be at least one; got none")
        if known.size >= _MOST_PRODUCTS:
            raise ValueError(f"patterns must have fewer than 2**31 entries in all; got {known.shape}")
        self._interaction = _checks.choice("interaction", interaction, ("polynomial", "exponential"))
        self._degree = _checked_degree(degree, known.shape[1])
        sites = np.array(known.T, order="C")
        self._patterns = read_only(sites).T
        exponential = self._interaction == "exponential"
        self._store = _memory.of_decays(sites) if exponential else _memory.of_levels(sites, self._degree)

    @property
    def patterns(self) -> Spins:
        """The patterns, (P, N), a read-only view."""
        return self._patterns

    @property
    def n_spins(self) -> int:
        """N."""
        return self._store.n_spins

    def __repr__(self) -> str:
        kind = f"degree {self._degree}" if self._interaction == "polynomial" else "exponential"
        count = len(self._patterns)
        return f"DenseMemory({count} pattern{'s' * (count != 1)} of {self.n_spins} spins, {kind})"

    def energy(self, spins: Spins) -> Any:
        """Return the total energy of spins (..., N): a float, or an array of shape (...).

        Raises
        ------
        TypeError, ValueError
            If `spins` is no int8 array of +1 and -1 with N entries in its last axis.

        Examples
        --------
        >>> pattern = np.ones((1, 10), dtype=np.int8)
        >>> DenseMemory(pattern, degree=5).energy(pattern[0])
        -2.0
        """
        states = checked_spins("spins", spins, self.n_spins)
        found = np.empty(states.shape[:-1])
        for place in np.ndindex(found.shape):
            chain = (states[place], None, self._sums(states[place]), None)
            found[place] = kernels.energy(self._store.arrays, chain, self._store.scale)
        return float(found) if found.ndim == 0 else found

    def local_fields(self, spins: Spins) -> NDArray[np.float64]:
        """Return l_i = (E with s_i = -1 less E with s_i = +1) / 2 of spins (..., N); errors as `energy`.

        The new state of a neuron at T = 0 is its sign, and at T it is up with probability
        1 / (1 + exp(-2 beta l_i)), as in a network of couplings.
        """
        states = checked_spins("spins", spins, self.n_spins)
        found = np.empty(states.shape)
        for place in np.ndindex(states.shape[:-1]):
            chain = (states[place], None, self._sums(states[place]), None)
            kernels.find_fields(self._store.arrays, chain, self._store.scale, found[place])
        return found

    def recall(
        self,
        cue: Spins,
        *,
        dynamics: str = "asynchronous",
        order: str = "sequential",
        beta: float = np.inf,
        max_sweeps: int = 100,
        rng: Randomness = None,
    ) -> retrieval.Recall:
        """Let spins follow their local fields from a cue, as `smbook.hopfield.recall` does.

        One spin after another no flip raises the energy at T = 0. All at once may end in longer cycles than
        couplings between pairs allow.

        Raises
        ------
        TypeError, ValueError
            If an argument is of the wrong kind or out of range.
        """
        way = retrieval.checked_way(dynamics, order, max_sweeps, beta)
        spins = np.array(checked_pattern("cue", cue, self.n_spins))
        return retrieval.run(self._store, spins, seed_state(rng), way, self._patterns, own=True)

    def attend(self, states: ArrayLike, *, beta: float) -> NDArray[np.float64]:
        r"""Return the mean of the patterns, weighted by how similar they are: softmax(beta x . xi) . xi.

        This is one step of recall for continuous states x, and the concave-convex minimization of

            E(x) = -ln(sum_mu exp(beta x . xi^mu)) / beta + x . x / 2

        by which it never rises. It is also what an attention head of a transformer returns for the query x,
        if both keys and values are the patterns and beta = 1 / sqrt(d), d the number of entries of a key.

        Parameters
        ----------
        states
            Real numbers, (..., N).
        beta
            How sharply the weights choose, at least 0: 0 is the mean of all patterns, and a large one takes
            the nearest pattern.

        Raises
        ------
        TypeError, ValueError
            If an argument is of the wrong kind or out of range.

        References
        ----------
        Vaswani et al. (2017); Ramsauer et al. (2021).

        Examples
        --------
        >>> memory = DenseMemory(np.array([[1, 1], [1, -1]], dtype=np.int8))
        >>> memory.attend([1.0, 0.0], beta=1.0)
        array([1., 0.])
        """
        x, sharpness = self._checked_states(states), _checks.real("beta", beta, minimum=0.0)
        rows = self._patterns.astype(np.float64)
        with np.errstate(over="ignore"):
            exponents = sharpness * (x @ rows.T)
        _check_finite(exponents, x, sharpness)
        return np.asarray(softmax(exponents, axis=-1) @ rows)

    def attention_energy(self, states: ArrayLike, *, beta: float) -> Any:
        """Return -ln(sum_mu exp(beta x . xi^mu)) / beta + x . x / 2 of states (..., N), beta > 0.

        Raises
        ------
        TypeError, ValueError
            If an argument is of the wrong kind or out of range.

        Examples
        --------
        >>> memory = DenseMemory(np.ones((1, 4), dtype=np.int8))
        >>> memory.attention_energy(np.ones(4), beta=0.5)
        -2.0
        """
        x, sharpness = self._checked_states(states), _checks.real("beta", beta, minimum=0.0)
        if sharpness == 0.0:
            raise ValueError("beta must be positive for an energy; got 0.0")
        with np.errstate(over="ignore", invalid="ignore"):
            similarity = x @ self._patterns.T.astype(np.float64)
            found = (x * x).sum(axis=-1) / 2.0 - logsumexp(sharpness * similarity, axis=-1) / sharpness
        _check_finite(found, x, sharpness)
        return float(found) if np.ndim(found) == 0 else found

    def _sums(self, spins: Spins) -> NDArray[Any]:
        sums = np.empty(len(self._patterns), dtype=np.int32)
        kernels.find_sums(self._store.arrays[6], spins, sums)
        return sums

    def _checked_states(self, states: ArrayLike) -> NDArray[np.float64]:
        found = _checks.reals("states", states)
        if found.ndim == 0 or found.shape[-1] != self.n_spins:
            raise ValueError(
                f"states must have {self.n_spins} entries each, (..., {self.n_spins}); got {found.shape}"
            )
        return found


def _check_finite(found: Any, states: NDArray[np.float64], beta: float) -> None:
    if not np.isfinite(found).all():
        largest = np.abs(states).max()
        raise ValueError(f"beta times states overflows; got beta={beta}, states of up to {largest:g}")


def _checked_degree(degree: int, n_spins: int) -> int:
    found = _checks.integer("degree", degree, minimum=2)
    most = int(298 / np.log10(n_spins + 1))  # so that the sum of 2**31 such numbers is a float, too
    if found > most:
        raise ValueError(f"degree must be at most {most} for {n_spins} spins; got {found}")
    return found
