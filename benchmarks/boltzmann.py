"""Milliseconds of learning and of ln Z of a restricted machine of 784 and 500 units: smbook and its peers."""

from __future__ import annotations

import importlib.util
from functools import cache, partial
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks import timing
from benchmarks.timing import Code
from smbook.boltzmann import RBM
from smbook.kernels import bipartite
from smbook.kernels.rng import seed_state

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from benchmarks.results import Table

PACKAGES = ("smbook", "numba", "numpy", "scikit-learn", "rbms", "torch")
ROUNDS = 9
N_VISIBLE, N_HIDDEN = 784, 500
N_ROWS, BATCH, RATE = 10_000, 100, 0.01
N_CHAINS, N_TEMPERATURES = 100, 300
SEED = 1
REPEATED = 200  # layers that are drawn as one


@cache
def _data() -> Any:
    """Return rows of units that agree in blocks, as neighbouring pixels do."""
    random = np.random.default_rng(SEED)
    blocks = random.random((N_ROWS, 49)) < 0.2
    return (np.repeat(blocks, 16, axis=1) ^ (random.random((N_ROWS, N_VISIBLE)) < 0.05)).astype(np.int8)


@cache
def _reals() -> Any:
    return _data().astype(np.float32)


def _epoch(method: str = "pcd", **options: Any) -> Any:
    return RBM(
        N_HIDDEN, method=method, n_epochs=1, learning_rate=RATE, batch_size=BATCH, n_chains=BATCH,
        evaluate_every=0, rng=SEED, **options,
    ).fit(_data())  # fmt: skip


def _epoch_of_scikit_learn() -> Any:
    """One epoch; it works in single precision if the data are so, and has persistent chains, a row each."""
    from sklearn.neural_network import BernoulliRBM

    machine = BernoulliRBM(N_HIDDEN, learning_rate=RATE, batch_size=BATCH, n_iter=1, random_state=SEED)
    return machine.fit(_reals())


def _epoch_of_rbms(*, centered: bool) -> None:
    """Run the loop of `rbms.training.pcd.train`, without its files."""
    import torch
    from rbms.training.pcd import fit_batch_pcd

    params, rows, weights = _rbms_begin()
    chains = params.init_chains(BATCH)
    optimizer = torch.optim.SGD(params.parameters(), lr=RATE, maximize=True)
    with torch.no_grad():
        for _ in range(N_ROWS // BATCH):
            chosen = torch.randperm(N_ROWS)[:BATCH]
            optimizer.zero_grad(set_to_none=False)
            chains, _ = fit_batch_pcd((rows[chosen], weights[chosen]), chains, params, 1, 1.0, centered)
            optimizer.step()


@cache
def _rbms_begin() -> Any:
    import torch
    from rbms.bernoulli_bernoulli.classes import BBRBM

    random = np.random.default_rng(SEED)
    params = BBRBM(
        torch.from_numpy(random.normal(scale=0.01, size=(N_VISIBLE, N_HIDDEN)).astype(np.float32)),
        torch.zeros(N_VISIBLE),
        torch.zeros(N_HIDDEN),
    )
    for part in params.parameters():
        part.grad = torch.zeros_like(part)
    return params, torch.from_numpy(_reals()), torch.ones(N_ROWS)


EPOCH: dict[str, Callable[[], Any]] = {
    "smbook": partial(_epoch, centering=False),
    "smbook, centred": _epoch,
    "scikit-learn": _epoch_of_scikit_learn,
    "rbms": partial(_epoch_of_rbms, centered=False),
    "rbms, centred": partial(_epoch_of_rbms, centered=True),
}


# ln Z


@cache
def _parameters() -> Any:
    random = np.random.default_rng(SEED)
    weights = random.normal(scale=0.05, size=(N_VISIBLE, N_HIDDEN))
    biases = random.normal(-1.0, 0.5, size=N_VISIBLE), random.normal(-1.0, 0.5, size=N_HIDDEN)
    return tuple(part.astype(np.float32) for part in (weights, *biases))


def _annealed() -> Any:
    machine = RBM.from_parameters(*_parameters())
    return machine.log_partition("annealed", n_chains=N_CHAINS, betas=N_TEMPERATURES, rng=SEED)


def _annealed_by_rbms() -> Any:
    import torch
    from rbms.bernoulli_bernoulli.classes import BBRBM
    from rbms.partition_function.ais import compute_partition_function_ais

    weights, visible_biases, hidden_biases = map(torch.from_numpy, _parameters())
    machine = BBRBM(weights, visible_biases, hidden_biases)
    return compute_partition_function_ais(N_CHAINS, N_TEMPERATURES + 1, machine)


def _agreed() -> str:
    """Say what both find, or raise if they differ by more than six errors."""
    mine, other = _annealed(), _annealed_by_rbms()
    if abs(mine.value - other) > 6.0 * mine.error:
        raise RuntimeError(f"smbook finds {mine} and rbms {other}")
    return f"ln Z: smbook {mine.value:.2f} +- {mine.error:.2f}, rbms {other:.2f}"


# A layer of units: from fields to means and states


@cache
def _layer() -> Any:
    fields = np.random.default_rng(SEED).normal(size=(BATCH, N_VISIBLE)).astype(np.float32)
    words = np.empty(N_VISIBLE // 2, dtype=np.uint64)
    rooms = words, words.view(np.uint32), np.empty(N_VISIBLE)
    return fields, np.zeros(N_VISIBLE, np.float32), seed_state(SEED), rooms, np.empty_like(fields)


def _drawn() -> Any:
    fields, biases, state, rooms, units = _layer()
    means = np.empty_like(units)
    for _ in range(REPEATED):
        bipartite.activate(bipartite.BINARY, 1.0, fields, biases, state, *rooms, means, units)
    return units


def _drawn_by_numpy() -> Any:
    from scipy.special import expit

    fields, biases, _, _, _ = _layer()
    random = np.random.default_rng(SEED)
    for _ in range(REPEATED):
        means = expit(fields + biases)
        units = random.random(means.shape, dtype=np.float32) < means
    return units


def _drawn_by_torch() -> Any:
    import torch

    fields, biases, _, _, _ = _layer()
    fields, biases = torch.from_numpy(fields), torch.from_numpy(biases)
    for _ in range(REPEATED):
        units = torch.bernoulli(torch.sigmoid(fields + biases))
    return units


LAYER: dict[str, Callable[[], Any]] = {
    "smbook": _drawn,
    "NumPy and SciPy": _drawn_by_numpy,
    "PyTorch": _drawn_by_torch,
}


def measure() -> Iterator[Table]:
    """Yield a table of an epoch, one of ln Z and one of a layer's draws."""
    import torch

    torch.set_num_threads(1)
    peers = {
        "an epoch of 10,000 rows": (EPOCH, 1),
        "ln Z": ({"smbook": _annealed, "rbms": _annealed_by_rbms}, 1),
        "a unit": (LAYER, REPEATED * BATCH * N_VISIBLE),
    }
    if importlib.util.find_spec("rbms"):
        print(_agreed(), end="\n\n")
    for group, (codes, work) in peers.items():
        here = {
            name: Code(code, work)
            for name, code in codes.items()
            if not name.startswith("rbms") or importlib.util.find_spec("rbms")
        }
        unit, scale = ("ns", 1e-9) if group == "a unit" else ("ms", 1e-3)
        yield timing.times(group, here, unit, scale=scale, rounds=ROUNDS)
