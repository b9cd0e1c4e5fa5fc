"""Try the operators of `smbook.landscape` on a device, and time a ResNet-56 there.

    python -m benchmarks.device cuda

On a machine without a GPU, `python -m benchmarks.device cpu --rows 8` does the same on the processor. It
exits with the status 1 where a number on the device is not that of the dense matrix on the processor.
"""

from __future__ import annotations

import argparse
import copy
import sys
import time
from statistics import median
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn

from benchmarks.landscape import resnet
from smbook import landscape
from tests.landscape.models import SMOOTH_OR_NOT, dense_hessian, problem

if TYPE_CHECKING:
    from collections.abc import Callable

ROUNDS = 7
N_PRODUCTS = 10
TOLERANCE = 1e-10


def differences(name: str, device: torch.device) -> dict[str, float]:
    """Return by how much the results of one small network in float64 on a device miss the dense Hessian."""
    case = problem(name)
    dense = dense_hessian(case)
    model = copy.deepcopy(case.model).to(device)
    before = copy.deepcopy(model.state_dict())
    loss = landscape.Loss(model, case.loss_function, case.inputs.to(device), case.targets.to(device))
    operator, theta = landscape.hessian(loss), torch.as_tensor(loss.parameters, device=device)
    on_device = operator @ torch.eye(len(theta), dtype=theta.dtype, device=device)
    block = next(iter(loss.layers))
    inner = dense[loss.layers[block], loss.layers[block]]
    directions = landscape.random_directions(loss, rng=1)
    plane = landscape.surface(loss, directions, extent=0.1, n_points=5)
    slopes = directions @ case.loss().gradient()
    ends = landscape.extreme_eigenpairs(operator, rng=1)
    rows = landscape.hessian_directions(loss, theta, pairs=ends)
    walk = landscape.descend_along(loss, theta, rows[1])
    found = {
        "columns": np.abs(on_device.cpu().numpy() - dense),
        "array": np.abs(operator @ np.eye(len(dense)) - dense),
        "block": np.abs(operator.block(block) @ np.eye(len(inner)) - inner),
        "trace": abs(landscape.exact_trace(loss) - np.trace(dense)),
        "section": np.abs(landscape.projected_hessian(loss, directions) - directions @ dense @ directions.T),
        "ends": np.abs(ends.values - np.linalg.eigvalsh(dense)[[-1, 0]]),
        "walk": abs(walk.curvature - ends.smallest) + abs(walk.start - walk.drop - case.loss()(walk.theta)),
        "slopes": np.abs(plane.slopes - slopes),
        "state": float(not all(torch.equal(value, before[key]) for key, value in model.state_dict().items())),
    }
    return {key: float(np.max(value)) for key, value in found.items()}


def milliseconds(code: Callable[[], object], device: torch.device) -> float:
    """Return the median over rounds, after one that is not counted, with all that was queued done."""
    seconds = []
    for _ in range(ROUNDS + 1):
        start = time.perf_counter()
        code()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        seconds.append(time.perf_counter() - start)
    return 1e3 * median(seconds[1:])


def time_resnet(device: torch.device, rows: int) -> str:
    """Return how long a gradient and products with the Hessian of a ResNet-56 take, and the memory."""
    torch.manual_seed(1)
    model = resnet(56).eval().to(device)
    inputs, targets = torch.randn(rows, 3, 32, 32, device=device), torch.randint(10, (rows,), device=device)
    loss = landscape.Loss(model, nn.CrossEntropyLoss(), inputs, targets)
    vectors = torch.randn(N_PRODUCTS, loss.n_parameters, device=device)
    parameters = list(model.parameters())

    def gradient() -> None:
        torch.autograd.grad(nn.functional.cross_entropy(model(inputs), targets), parameters)

    operator = landscape.hessian(loss)
    first = milliseconds(lambda: landscape.hessian(loss) @ vectors[0], device)
    each = milliseconds(lambda: [operator @ vector for vector in vectors], device) / N_PRODUCTS
    unit = milliseconds(gradient, device)
    words = (
        f"ResNet-56, {loss.n_parameters} parameters, {rows} rows of 3 x 32 x 32: a gradient {unit:.1f} ms, "
        f"graph and first product {first:.1f} ms, each further product {each:.1f} ms "
        f"({each / unit:.2f} gradients)"
    )
    if device.type == "cuda":
        words += f", at most {torch.cuda.max_memory_allocated(device) / 2**30:.2f} GiB"
    return words


def main() -> int:
    """Print what was found; return 1 if something is wrong, else 0."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("device", nargs="?", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--rows", type=int, default=128, help="of the batch of the ResNet-56")
    options = parser.parse_args()
    device = torch.device(options.device)
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else "the processor"
    print(f"torch {torch.__version__} on {name}")
    wrong = 0
    for kind in SMOOTH_OR_NOT:
        found = differences(kind, device)
        bad = max(found.values()) > TOLERANCE
        wrong += bad
        listed = ", ".join(f"{key} {value:.1e}" for key, value in found.items())
        print(f"{'WRONG' if bad else 'right'}  {kind}: {listed}")
    print(time_resnet(device, options.rows))
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
