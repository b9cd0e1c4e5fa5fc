"""Ising networks that are driven: a field switched on, couplings changed, or the temperature lowered."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from smbook import _checks, _runs
from smbook._records import equal
from smbook.kernels import driven_network as kernels
from smbook.kernels.rng import seed_state
from smbook.network import SpinNetwork, _chains

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    from smbook.kernels.rng import Randomness, State

    Floats = NDArray[np.float64]
    Spins = NDArray[np.int8]

_MOST_ENUMERATED = 20
_UPDATES_PER_CALL = 10_000_000


class DrivenNetwork(NamedTuple):
    """Hold work and heat of each chain, in units of k_B T, and its spins at the end.

    Attributes
    ----------
    work
        (n_chains,): what changing the network, or the temperature, has cost. Minus it is the logarithm of the
        weight by which annealed importance sampling counts the chain.
    heat
        (n_chains,): what the sweeps gave to the bath.
    spins
        int8, (n_chains, N).
    """

    work: Floats
    heat: Floats
    spins: Spins

    @property
    def energy_change(self) -> Floats:
        """Work - heat, the change of beta E from the first network to the last one."""
        return self.work - self.heat

    def __eq__(self, other: object) -> bool:
        return equal(self, other)

    def __ne__(self, other: object) -> bool:
        return not equal(self, other)

    def __repr__(self) -> str:
        chains, n = self.spins.shape
        means = f"mean work {self.work.mean():.4f}, mean heat {self.heat.mean():.4f}"
        return f"DrivenNetwork({chains} chains of {n} spins, {means})"


def drive_network(
    network: SpinNetwork,
    path: Sequence[SpinNetwork] | ArrayLike,
    n_chains: int,
    *,
    beta: float = 1.0,
    n_steps: int = 1,
    initial: Spins | None = None,
    algorithm: str = "heat-bath",
    order: str = "sequential",
    rng: Randomness = None,
    progress: bool = False,
) -> DrivenNetwork:
    r"""Drive chains that begin in equilibrium along a path of networks or of temperatures.

    .. math:: W = \sum_k \left[ u_{k+1}(s_k) - u_k(s_k) \right], \qquad
              Q = \sum_k \left[ u_{k+1}(s_k) - u_{k+1}(s_{k+1}) \right], \qquad u_k = \beta_k E_k

    where s_k is the state in which the change from k to k + 1 finds the spins, and s_(k+1) the one to which
    `n_steps` sweeps at k + 1 bring them. The mean of exp(-W) is the ratio of the partition functions Z of
    the last and the first network, for every path and any number of sweeps: `smbook.thermodynamics.jarzynski`
    of the work is -ln of it.

    Parameters
    ----------
    network
        The network at the beginning, a `SpinNetwork`.
    path
        The networks to come, of as many spins, all at `beta`; or inverse temperatures, a row of two or more,
        of which the first is that at the beginning.
    n_chains
        Number of chains, at least 1.
    beta
        Inverse temperature, at least 0, if the path is of networks.
    n_steps
        Sweeps after each change, at least 0.
    initial
        int8 spins (n_chains, N), samples of the network at the beginning; they are copied. None draws exact
        ones, which is possible at beta = 0, without couplings, or up to 20 spins.
    algorithm, order
        "heat-bath" or "metropolis"; "sequential" or "random".
    rng
        As for `smbook.ising.simulate`.
    progress
        Whether a bar shows the path.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range, or if no exact samples can be drawn.

    References
    ----------
    Jarzynski (1997); Neal (2001); Crooks (1998) for Markov chains.

    Examples
    --------
    >>> from smbook.network import ferromagnet
    >>> from smbook.thermodynamics import jarzynski
    >>> magnet = ferromagnet(12)
    >>> cooled = drive_network(magnet, np.linspace(0, 1.5, 20), 5000, rng=1)
    >>> found = jarzynski(cooled.work)
    >>> exact = 12 * np.log(2) - magnet.enumerate(1.5).log_partition
    >>> bool(abs(found.value - exact) < 4 * found.error)
    True
    """
    networks, betas = _checked_path(network, path, beta)
    n_chains = _checks.integer("n_chains", n_chains, minimum=1)
    n_steps = _checks.integer("n_steps", n_steps, minimum=0)
    rule = _chains.checked_rule(algorithm, order)
    given = _checked_spins(network, betas[0], initial, n_chains)
    state = seed_state(rng)
    spins = _equilibrium(network, betas[0], n_chains, state) if given is None else given
    chains = _Chains(spins, rule, state)
    work, heat = np.zeros(n_chains), np.zeros(n_chains)
    with _runs.progress_bar(len(betas) - 1, "step", progress) as tell:
        before = betas[0] * chains.switch(networks[0])
        for one, now in zip(networks[1:], betas[1:], strict=True):
            after = now * chains.switch(one)
            work += after - before
            before = now * chains.relax(now, n_steps)
            heat += after - before
            tell(1)
    return DrivenNetwork(work, heat, spins)


class _Chains:
    """Spins of all chains in one network after another."""

    def __init__(self, spins: Spins, rule: tuple[np.int64, np.int64], state: State) -> None:
        self.spins, self.rule, self.state = spins, rule, state
        self.turned = np.zeros((len(spins), 1), dtype=np.int64)
        self.room = _chains.room(spins.shape[1])
        self.energies = np.empty(len(spins))
        self.network: SpinNetwork | None = None

    def switch(self, network: SpinNetwork) -> Floats:
        """Change the network, and return the total energies in it."""
        if network is not self.network:
            self.network, self.model = network, network._model
            self.local = np.empty(self.spins.shape, dtype=network.dtype)
            kernels.switch(self.model.arrays, self.spins, self.local, self.turned, self.energies)
        return self.energies.copy()

    def relax(self, beta: float, n_steps: int) -> Floats:
        """Make sweeps, in calls that are short enough to be stopped, and return the total energies."""
        most = max(1, _UPDATES_PER_CALL // (len(self.spins) * self.model.updates_per_sweep()))
        while n_steps > 0:
            steps = min(n_steps, most)
            chains = self.spins, self.local, self.turned, self.state, self.room
            kernels.relax(self.model.arrays, *chains, *self.rule, beta, steps, self.energies)
            n_steps -= steps
        return self.energies.copy()


def _checked_path(
    network: SpinNetwork, path: Sequence[SpinNetwork] | ArrayLike, beta: float
) -> tuple[list[SpinNetwork], list[float]]:
    """Return networks and inverse temperatures of all states of a path, the first included."""
    if not isinstance(network, SpinNetwork):
        raise TypeError(f"network must be a SpinNetwork; got {network!r}")
    if isinstance(path, SpinNetwork):
        raise TypeError("path must be a row of networks, or of inverse temperatures; got one network")
    if isinstance(path, (list, tuple)) and any(isinstance(one, SpinNetwork) for one in path):
        networks = [network, *path]
        for k, one in enumerate(networks):
            if not isinstance(one, SpinNetwork):
                raise TypeError(f"path must hold networks only, or no network; entry {k - 1} is {one!r}")
            if one.n_spins != network.n_spins:
                raise ValueError(
                    f"path must hold networks of {network.n_spins} spins; entry {k - 1} has {one.n_spins}"
                )
            beta = _chains.checked_beta(one._model, beta)
        return networks, [beta] * len(networks)
    _checks.real("beta", beta, minimum=0.0)
    if beta != 1.0:
        raise ValueError(f"beta must be left out where path holds inverse temperatures; got {beta}")
    betas = _checks.reals("path", path, minimum=0.0)  # type: ignore[arg-type]
    if betas.ndim != 1 or betas.size < 2:
        raise ValueError(
            f"path must be a row of two inverse temperatures or more; got the shape {betas.shape}"
        )
    _chains.checked_betas(network._model, betas)
    return [network] * betas.size, betas.tolist()


def _checked_spins(network: SpinNetwork, beta: float, initial: Spins | None, n_chains: int) -> Spins | None:
    """Return a copy of spins that were given, or None if exact ones can be drawn."""
    n = network.n_spins
    if initial is not None:
        given = _chains.checked_spins("initial", initial, n)
        if given.shape != (n_chains, n):
            raise ValueError(f"initial must have the shape {(n_chains, n)}; got {given.shape}")
        return np.array(given, order="C")
    if n > _MOST_ENUMERATED and not _independent(network, beta):
        raise ValueError(
            f"initial must be given for {n} spins with couplings at beta = {beta:g}; equilibrium is drawn "
            f"for up to {_MOST_ENUMERATED}"
        )
    return None


def _independent(network: SpinNetwork, beta: float) -> bool:
    return beta == 0 or not network._model.rows.values.any()


def _equilibrium(network: SpinNetwork, beta: float, n_chains: int, state: State) -> Spins:
    """Draw independent states of a network by its exact law."""
    random = np.random.default_rng(state)
    if _independent(network, beta):
        chance = 1 / (1 + np.exp(-np.clip(2 * beta * network.fields.astype(np.float64), -700, 700)))
        return np.where(random.random((n_chains, network.n_spins)) < chance, 1, -1).astype(np.int8)
    exact = network.enumerate(beta)
    ends = np.cumsum(exact.probabilities)
    numbers = np.searchsorted(ends, random.random(n_chains) * ends[-1], side="right")
    return np.array(exact.states(np.minimum(numbers, ends.size - 1)), order="C")
