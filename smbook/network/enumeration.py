"""Exact averages of a small network, by a sum over all its states."""

from __future__ import annotations

import math
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from smbook import _checks, _pool
from smbook.kernels import network as kernels
from smbook.network import _chains

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Reals = NDArray[np.float64]
    Spins = NDArray[np.int8]

MOST_SPINS = 24  # whose energies take 128 MiB

_STATES_PER_PIECE = 2**16
_DEGENERATE = 1e-12  # of the range of energies: what counts as equal, ten times what rounding does


class OverlapLaw(NamedTuple):
    """The probability of each overlap q = sum_i s_i s'_i / N of two independent replicas, q rising."""

    q: Reals
    probability: Reals


class Enumeration:
    """Exact results for a network of N spins at one temperature; energies are totals.

    State k has s_i = +1 where bit i of k is set, else -1. What takes another pass over all 2^N states is
    computed when it is first asked for.

    Attributes
    ----------
    beta, log_partition, energy, entropy
        1/T, ln Z, <E> and S = ln Z + beta <E>.
    specific_heat
        beta^2 Var(E) / N, per spin.
    energies, probabilities
        Of all states, (2^N,), float64, read-only.
    ground_energy
        The least energy.
    """

    def __init__(self, beta: float, energies: Reals) -> None:
        self.beta = beta
        self.energies = energies
        self.n_spins = energies.size.bit_length() - 1
        self.ground_energy = float(energies.min())
        reduced = beta * (energies - self.ground_energy)
        weights = np.exp(-reduced)
        total = float(weights.sum())
        weights /= total
        self.probabilities = weights
        self.log_partition = math.log(total) - beta * self.ground_energy
        self.energy = float(weights @ energies)
        mean = float(weights @ reduced)
        self.entropy = math.log(total) + mean
        reduced -= mean
        reduced *= np.sqrt(weights)  # before they are squared, as a state of no weight may overflow
        self.specific_heat = float(reduced @ reduced) / self.n_spins
        for numbers in (energies, weights):
            numbers.flags.writeable = False

    def __repr__(self) -> str:
        return (
            f"Enumeration({self.n_spins} spins at beta = {self.beta:g}, ln Z = {self.log_partition:.6f}, "
            f"energy {self.energy:.6f}, ground energy {self.ground_energy:.6f})"
        )

    def states(self, numbers: ArrayLike) -> Spins:
        """Return the spins of the states with these numbers, int8 of shape (..., N).

        Raises
        ------
        TypeError, ValueError
            If a number is no integer from 0 to 2^N - 1.
        """
        found = _checks.integers("numbers", numbers, minimum=0, maximum=self.energies.size - 1)
        bits = found[..., None] >> np.arange(self.n_spins) & 1
        return (2 * bits - 1).astype(np.int8)

    @cached_property
    def ground_states(self) -> Spins:
        """All states of least energy, to within rounding, int8 of shape (n, N)."""
        limit = self.ground_energy + _DEGENERATE * float(np.ptp(self.energies))
        return self.states(np.flatnonzero(self.energies <= limit))

    @cached_property
    def _products(self) -> Reals:
        """Return (-1)^n times the mean product of the spins whose bits are set in each number."""
        transformed = self.probabilities.copy()
        kernels.walsh_transform(transformed)
        return transformed

    @cached_property
    def magnetization(self) -> Reals:
        """The means <s_i>, (N,)."""
        means: Reals = -self._products[1 << np.arange(self.n_spins)]
        return means

    @cached_property
    def correlations(self) -> Reals:
        """The means <s_i s_j>, (N, N), with ones on the diagonal."""
        bits = 1 << np.arange(self.n_spins)
        means: Reals = self._products[bits[:, None] ^ bits]
        return means

    @cached_property
    def overlaps(self) -> OverlapLaw:
        """The law of the overlap of two independent replicas."""
        law = self._products**2
        kernels.walsh_transform(law)  # now 2**N times the chance that two replicas differ in these spins
        differing = np.bitwise_count(np.arange(law.size, dtype=np.uint32))
        shares = np.bincount(differing, weights=law, minlength=self.n_spins + 1) / law.size
        q = 1.0 - 2.0 * np.arange(self.n_spins + 1) / self.n_spins
        return OverlapLaw(q[::-1].copy(), np.maximum(shares[::-1], 0.0))  # rounding can leave -1e-17


def enumerate_states(model: _chains.Model, beta: float) -> Enumeration:
    """See `smbook.network.SpinNetwork.enumerate`."""
    beta = _chains.checked_beta(model, beta)
    if model.n_spins > MOST_SPINS:
        raise ValueError(f"enumerate sums over 2^N states, for N up to {MOST_SPINS}; got N = {model.n_spins}")
    couplings, fields = model.rows.dense(), model.fields.astype(np.float64)
    energies = np.empty(2**model.n_spins)
    pieces = energies.reshape(-1, min(_STATES_PER_PIECE, energies.size))

    def fill(k: int) -> None:
        spins, local = np.empty(model.n_spins, dtype=np.int8), np.empty(model.n_spins)
        kernels.find_energies(couplings, fields, k * pieces.shape[1], spins, local, pieces[k])

    with _pool.over(len(pieces)) as each:
        each(fill)
    return Enumeration(beta, energies)
