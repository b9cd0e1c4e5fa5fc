"""The one model of the book: Ising spins with any symmetric couplings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from smbook.network import _chains, _couplings, enumeration, sampling, tempering

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike, NDArray

    from smbook.kernels.rng import Randomness
    from smbook.network._factors import Factors

    Spins = NDArray[np.int8]


class SpinNetwork:
    """Ising spins s_i = +1 or -1 with energy E(s) = -1/2 sum_ij J_ij s_i s_j - sum_i h_i s_i.

    Parameters
    ----------
    couplings
        J, symmetric with a zero diagonal: an array (N, N), or a `scipy.sparse` array or matrix. An array of
        float64 or float32 is kept as it is, without a copy, and so it must not be changed afterwards; other
        real numbers become float64. Local fields are of the couplings' type; sums over spins are made in
        float64, whatever it is.
    fields
        h, N numbers, or one for all spins; None is zero.

    Raises
    ------
    TypeError
        If the couplings or fields are no real numbers (complex, masked, ...).
    ValueError
        If the couplings are not square, symmetric and finite with a zero diagonal, if sparse ones name an
        entry twice, if there are not N fields, or if an energy overflows.

    Examples
    --------
    >>> triangle = SpinNetwork([[0, -1, -1], [-1, 0, -1], [-1, -1, 0]])
    >>> triangle.energy(np.array([1, 1, -1], dtype=np.int8))
    -1.0
    >>> len(triangle.enumerate(beta=1.0).ground_states)
    6
    """

    def __init__(self, couplings: Any, fields: ArrayLike | None = None) -> None:
        rows = _couplings.checked(couplings)
        found = _couplings.checked_fields(fields, rows.n_spins, rows.values.dtype)
        self._factors: Factors | None = None
        strongest = _couplings.checked_strongest(rows, found)
        self._formed: _chains.Model | None = _chains.Model(rows, found, strongest)
        self._dtype = found.dtype

    @classmethod
    def _of_factors(cls, factors: Factors, dtype: np.dtype[Any]) -> SpinNetwork:
        """Return a network of couplings that are formed when they are asked for."""
        network = cls.__new__(cls)
        network._factors, network._formed, network._dtype = factors, None, dtype
        return network

    @property
    def _model(self) -> _chains.Model:
        if self._formed is None:
            assert self._factors is not None
            rows = _couplings.Rows(self._factors.couplings(self._dtype))
            fields = np.zeros(self.n_spins, dtype=self._dtype)
            self._formed = _chains.Model(rows, fields, self._factors.strongest)
        return self._formed

    @property
    def n_spins(self) -> int:
        """N."""
        return self._model.n_spins if self._factors is None else self._factors.n_spins

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of couplings, fields and local fields, float64 or float32."""
        return self._dtype

    @property
    def patterns(self) -> Spins | None:
        """The patterns that the network keeps instead of couplings, (P, N), a read-only view, or None.

        `smbook.hopfield.hebb` makes such networks. Their couplings are formed when they are asked for, or
        the network is sampled, and kept from then on.
        """
        return None if self._factors is None else self._factors.patterns

    @property
    def couplings(self) -> Any:
        """J, a read-only view: an array (N, N), or a `scipy.sparse.csr_array` if it was given sparse."""
        return self._model.rows.shared()

    @property
    def fields(self) -> NDArray[Any]:
        """h, (N,), a read-only view."""
        if self._factors is not None:
            return _couplings.read_only(np.zeros(self.n_spins, dtype=self._dtype))
        return _couplings.read_only(self._model.fields)

    def __repr__(self) -> str:
        if self._factors is not None:
            count = self._factors.sites.shape[1]
            kept = f"couplings of {count} pattern{'s' * (count != 1)}"
            return f"SpinNetwork({self.n_spins} spins, {kept} in {self.dtype})"
        kind = "sparse" if self._model.rows.matrix is None else "dense"
        field = ", in a field" if self._model.fields.any() else ""
        return f"SpinNetwork({self.n_spins} spins, {kind} couplings in {self.dtype}{field})"

    def energy(self, spins: Spins) -> Any:
        """Return the total energy E(s) of spins (..., N): a float, or an array of shape (...).

        Raises
        ------
        TypeError, ValueError
            If `spins` is no int8 array of +1 and -1 with N entries in its last axis.

        Examples
        --------
        >>> from smbook.network import ferromagnet
        >>> ferromagnet(4).energy(np.array([1, 1, 1, -1], dtype=np.int8))
        0.0
        """
        if self._factors is not None:
            found = self._each(spins, self._factors.energy, ())
            return float(found) if found.ndim == 0 else found
        local = self.local_fields(spins).astype(np.float64)
        total = np.einsum("...i,...i->...", spins.astype(np.float64), local + self._model.fields)
        found = 0.0 - total / 2.0  # 0.0 - 0.0 is no -0.0
        return float(found) if found.ndim == 0 else found

    def local_fields(self, spins: Spins) -> NDArray[Any]:
        """Return l_i = sum_j J_ij s_j + h_i of spins (..., N), in the couplings' type; errors as `energy`."""
        if self._factors is not None:
            return self._each(spins, self._factors.local_fields, (self.n_spins,)).astype(
                self._dtype, copy=False
            )
        return self._model.local_fields(_chains.checked_spins("spins", spins, self.n_spins))

    def _each(self, spins: Spins, of: Callable[[Spins], Any], shape: tuple[int, ...]) -> NDArray[np.float64]:
        """Return what a function makes of each state of spins (..., N), checked, stacked in (..., *shape)."""
        states = _chains.checked_spins("spins", spins, self.n_spins)
        found = np.empty((*states.shape[:-1], *shape))
        for place in np.ndindex(states.shape[:-1]):
            found[place] = of(states[place])
        return found

    def sample(
        self,
        beta: float,
        n_sweeps: int,
        *,
        n_chains: int = 1,
        algorithm: str = "heat-bath",
        order: str = "sequential",
        initial: str | Spins = "random",
        patterns: Spins | None = None,
        keep_spins: bool = False,
        thin: int = 1,
        rng: Randomness = None,
        progress: bool = False,
    ) -> sampling.NetworkTrace:
        """Sample p(s) proportional to exp(-beta E(s)) by independent chains, side by side on all cores.

        A sweep updates N spins: each once, in the order of their numbers, or N times one at random. The heat
        bath puts a spin up with probability 1 / (1 + exp(-2 beta l_i)). Metropolis accepts a flip that costs
        dE with probability min(1, exp(-beta dE)), one that costs nothing with probability 1/2: accepting all
        of these, sweeps in a fixed order would not reach every state. Where it is hot, such sweeps turn
        nearly every spin each time and forget slowly; the heat bath has no such trouble. Nothing is
        discarded.

        Each chain has a stream of random numbers of its own: the first chains of a run are those of a run of
        fewer from the same seed, and the number of cores changes nothing.

        Parameters
        ----------
        beta
            Inverse temperature 1/T, at least 0.
        n_sweeps
            Number of sweeps, at least 0.
        n_chains
            Number of chains, at least 1.
        algorithm, order
            "heat-bath" or "metropolis"; "sequential" or "random".
        initial
            "random", "up", or int8 spins (N,) for all chains or (n_chains, N), which are copied.
        patterns
            int8 of +1 and -1, (P, N), with which overlaps are noted.
        keep_spins
            Keep the states themselves too.
        thin
            Note the state after every `thin`-th sweep.
        rng
            As for `smbook.ising.simulate`.
        progress
            Show a progress bar on the standard error stream.

        Raises
        ------
        TypeError, ValueError
            If an argument is of the wrong kind or out of range, or beta times the energy overflows.

        References
        ----------
        Glauber (1963); Metropolis et al. (1953).

        Examples
        --------
        >>> from smbook.network import ferromagnet
        >>> network = ferromagnet(50)
        >>> trace = network.sample(0.5, 4000, n_chains=2, rng=1)
        >>> trace.energy.shape
        (2, 4000)
        >>> bool(abs(trace.energy[:, 100:].mean() + 0.473) < 0.03)
        True
        """
        return sampling.sample(
            self._model, beta, n_sweeps, n_chains=n_chains, algorithm=algorithm, order=order, initial=initial,
            patterns=patterns, keep_spins=keep_spins, thin=thin, rng=rng, progress=progress,
        )  # fmt: skip

    def anneal(
        self,
        betas: ArrayLike,
        *,
        n_chains: int = 1,
        sweeps_per_beta: int = 1,
        algorithm: str = "heat-bath",
        order: str = "sequential",
        initial: str | Spins = "random",
        rng: Randomness = None,
        progress: bool = False,
    ) -> sampling.Annealing:
        """Search for states of low energy by chains that follow a schedule of temperatures.

        Parameters
        ----------
        betas
            Inverse temperatures in the order of the schedule, each at least 0; usually they rise.
        n_chains, algorithm, order, initial, rng, progress
            As for `sample`.
        sweeps_per_beta
            Sweeps at each temperature, at least 1.

        Raises
        ------
        TypeError, ValueError
            As `sample`, or if `betas` is no row of at least one number.

        References
        ----------
        Kirkpatrick, Gelatt and Vecchi (1983).

        Examples
        --------
        >>> from smbook.network import sherrington_kirkpatrick
        >>> network = sherrington_kirkpatrick(16, rng=3)
        >>> found = network.anneal(np.linspace(0.2, 5.0, 100), n_chains=8, rng=4)
        >>> bool(np.isclose(found.energy, network.enumerate(1.0).ground_energy))
        True
        """
        return sampling.anneal(
            self._model, betas, n_chains=n_chains, sweeps_per_beta=sweeps_per_beta, algorithm=algorithm,
            order=order, initial=initial, rng=rng, progress=progress,
        )  # fmt: skip

    def temper(
        self,
        betas: ArrayLike,
        n_sweeps: int,
        *,
        n_ladders: int = 2,
        algorithm: str = "heat-bath",
        order: str = "sequential",
        initial: str | Spins = "random",
        patterns: Spins | None = None,
        keep_spins: bool = False,
        thin: int = 1,
        rng: Randomness = None,
        progress: bool = False,
    ) -> tempering.Tempering:
        """Sample at many temperatures at once, and let configurations change places between them.

        Each ladder holds a configuration at every temperature. After every sweep of all, neighbours k and
        k + 1 swap with probability min(1, exp((beta_k - beta_k+1) (E_k - E_k+1))), with E the total energies
        of the configurations as they stand; k is even and odd in turns. Ladders are independent replicas of
        one network, and run side by side on all cores.

        Parameters
        ----------
        betas
            Inverse temperatures, increasing, each at least 0; `ladder` lays them out.
        n_sweeps
            Sweeps at each temperature, at least 0.
        n_ladders
            Number of independent ladders, at least 1; overlaps of replicas need 2.
        algorithm, order, patterns, keep_spins, thin, rng, progress
            As for `sample`.
        initial
            As for `sample`, spins of shape (N,) or (n_ladders, K, N).

        Raises
        ------
        TypeError, ValueError
            As `sample`, or if `betas` does not increase.

        References
        ----------
        Swendsen and Wang (1986); Geyer (1991); Hukushima and Nemoto (1996); Lingenheil, Denschlag, Mathias
        and Tavan (2009) for the swaps of even and odd pairs in turns.

        Examples
        --------
        >>> from smbook.network import sherrington_kirkpatrick
        >>> network = sherrington_kirkpatrick(16, rng=3)
        >>> run = network.temper([0.5, 1.0, 1.5, 2.0], 2000, rng=4)
        >>> exact = network.enumerate(2.0)
        >>> bool(abs(run.energy[:, -1].mean() - exact.energy) < 0.2)
        True
        """
        return tempering.temper(
            self._model, betas, n_sweeps, n_ladders=n_ladders, algorithm=algorithm, order=order,
            initial=initial, patterns=patterns, keep_spins=keep_spins, thin=thin, rng=rng, progress=progress,
        )  # fmt: skip

    def ladder(
        self,
        lowest: float,
        highest: float,
        n_temperatures: int | None = None,
        *,
        acceptance: float = 0.4,
        n_sweeps: int = 400,
        rng: Randomness = None,
    ) -> NDArray[np.float64]:
        """Lay out inverse temperatures from `lowest` to `highest` between which swaps are equally likely.

        Pilot runs of `n_sweeps` sweeps measure the chance that neighbours do not swap; added up along the
        ladder it is a barrier of which each step is to have an equal part.

        Parameters
        ----------
        lowest, highest
            The ends, 0 <= lowest < highest.
        n_temperatures
            How many, at least 2; None takes as many as `acceptance` asks for.
        acceptance
            The mean chance of a swap to aim at, between 0 and 1; it only counts without `n_temperatures`.
        n_sweeps
            Sweeps of a pilot run, at least 10.
        rng
            As for `smbook.ising.simulate`.

        Raises
        ------
        TypeError, ValueError
            If an argument is of the wrong kind or out of range.
        RuntimeError
            If the pilot runs do not settle.

        References
        ----------
        Syed, Bouchard-Cote, Deligiannidis and Doucet (2022).

        Examples
        --------
        >>> from smbook.network import sherrington_kirkpatrick
        >>> betas = sherrington_kirkpatrick(64, rng=1).ladder(0.3, 3.0, 8, rng=2)
        >>> betas.shape, float(betas[0]), float(betas[-1])
        ((8,), 0.3, 3.0)
        """
        return tempering.lay_out(
            self._model, lowest, highest, n_temperatures, acceptance=acceptance, n_sweeps=n_sweeps, rng=rng
        )

    def enumerate(self, beta: float) -> enumeration.Enumeration:
        """Return exact results at `beta`, from a sum over all 2^N states, N up to 24.

        At N = 24 this takes about a second and 512 MiB, half of which the result keeps. Means, correlations
        and overlaps take as much again.

        Raises
        ------
        TypeError, ValueError
            If `beta` is no finite number of at least 0, or N exceeds 24.

        Examples
        --------
        >>> pair = SpinNetwork([[0.0, 1.0], [1.0, 0.0]])
        >>> exact = pair.enumerate(beta=0.5)
        >>> bool(np.isclose(exact.energy, -np.tanh(0.5)))
        True
        """
        return enumeration.enumerate_states(self._model, beta)
