"""Couplings that are kept as the patterns they come from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from smbook.kernels import hopfield as kernels
from smbook.network._couplings import read_only

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Spins = NDArray[np.int8]


class Factors(NamedTuple):
    """Hebb's couplings J_ij = sum_mu xi_i^mu xi_j^mu / N, i != j, as patterns: no coupling is formed.

    `sites` (N, P) are the entries of the patterns site by site, `own` (N,) their sums of squares: the
    diagonal that the couplings do not have.
    """

    sites: Spins
    own: NDArray[np.int64]

    @property
    def n_spins(self) -> int:
        return len(self.sites)

    @property
    def patterns(self) -> Spins:
        """The patterns, (P, N), a read-only view."""
        return read_only(self.sites).T

    @property
    def strongest(self) -> float:
        """What no local field exceeds: P."""
        return float(self.sites.shape[1])

    def sums(self, spins: Spins) -> NDArray[Any]:
        """Return sum_i xi_i^mu s_i of checked spins (N,), in the narrowest type: the narrower, the faster."""
        narrow = self.n_spins <= np.iinfo(np.int16).max
        found = np.empty(self.sites.shape[1], dtype=np.int16 if narrow else np.int32)
        kernels.find_sums(self.sites, spins, found)
        return found

    def energy(self, spins: Spins) -> float:
        """Return the total energy of checked spins (N,), exact but for the scale 1 / N."""
        return float(1.0 / self.n_spins * kernels.factor_energy(self.own, self.sums(spins)))

    def local_fields(self, spins: Spins) -> NDArray[np.float64]:
        """Return the local fields of checked spins (N,), exact but for the scale 1 / N."""
        found = np.empty(self.n_spins)
        kernels.factor_fields(self.sites, self.own, spins, self.sums(spins), found)
        found *= 1.0 / self.n_spins
        return found

    def products(self, dtype: np.dtype[Any]) -> NDArray[Any]:
        """Return N J, (N, N): whole numbers, summed in a type that holds them exactly."""
        exact = np.float32 if self.sites.shape[1] <= 2**24 else np.float64
        sites: NDArray[Any] = self.sites.astype(exact)
        found: NDArray[Any] = (sites @ sites.T).astype(dtype, copy=False)
        np.fill_diagonal(found, 0.0)
        return found

    def couplings(self, dtype: np.dtype[Any]) -> NDArray[Any]:
        """Return J, (N, N)."""
        found = self.products(dtype)
        found /= self.n_spins
        return found
