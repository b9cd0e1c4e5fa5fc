"""Random numbers of torch's own, such as those of dropout, from a seed and without a trace."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import numpy as np
import torch

from smbook.kernels.rng import seed_state

if TYPE_CHECKING:
    from collections.abc import Iterator

    from smbook.kernels.rng import Randomness


@contextlib.contextmanager
def seeded(rng: Randomness, device: torch.device | None = None) -> Iterator[None]:
    """Have torch draw from a seed, on the CPU and a device, and put its generators back afterwards."""
    seed = int(seed_state(rng)[0] >> np.uint64(1))
    others = [device] if device is not None and device.type == "cuda" else []
    with torch.random.fork_rng(others):
        torch.default_generator.manual_seed(seed)
        for other in others:
            torch.cuda.default_generators[other.index or 0].manual_seed(seed)
        yield
