"""Kernels for linear regression on a stream of examples."""

from __future__ import annotations

from smbook.kernels import kernel
from smbook.kernels.rng import fill_normal


@kernel
def stream_least_squares(state, scales, rate, noise, every, missing, drawn, errors):
    """Show fresh examples of a linear rule, `every` for each entry of `errors`, and follow their gradients.

    `missing` (d) is beta - b, true coefficients less found ones; `scales` (d) are the features' deviations,
    and `drawn` (d + 1) is to work in. `errors` takes the sum of (scales missing)^2
    after each `every` examples.

    Source: Widrow and Hoff (1960).

    Examples
    --------
    >>> import numpy as np
    >>> from smbook.kernels.rng import seed_state
    >>> missing, errors = np.array([1.0]), np.empty(3)
    >>> stream_least_squares(seed_state(1), np.ones(1), 0.5, 0.0, 10, missing, np.empty(2), errors)
    >>> bool((np.diff(errors) < 0).all()), bool(errors[2] == missing[0] ** 2)
    (True, True)
    """
    d = missing.size
    for entry in range(errors.size):
        for _ in range(every):
            _show(state, scales, rate, noise, missing, drawn)
        error = 0.0
        for k in range(d):
            error += (scales[k] * missing[k]) ** 2
        errors[entry] = error


@kernel
def _show(state, scales, rate, noise, missing, drawn):
    """Show one fresh example, whose features and whose noise are drawn."""
    d = missing.size
    fill_normal(state, drawn)
    gap = noise * drawn[d]
    for k in range(d):
        drawn[k] *= scales[k]
        gap += drawn[k] * missing[k]
    for k in range(d):
        missing[k] -= rate * gap * drawn[k]
