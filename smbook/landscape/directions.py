"""Directions in which to look at a landscape: random ones, and ones in proportion to a model's filters."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from smbook import _checks
from smbook.landscape import _probes, _vectors
from smbook.landscape.loss import Loss

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from smbook.kernels.rng import Randomness

    Reals = NDArray[np.floating[Any]]

KINDS = ("gaussian", "unit", "orthogonal")
_PARALLEL = 1e-6  # the smallest singular value of unit vectors, up to which they count as parallel


def random_directions(
    loss: Loss | int, n_directions: int = 2, *, kind: str = "gaussian", rng: Randomness = None
) -> Reals:
    r"""Return random directions, a row each.

    "gaussian" ones have independent entries of mean 0 and variance 1, so that their length is about the root
    of N; "unit" ones are those divided by their length, uniform on the sphere; "orthogonal" ones are uniform
    among the sets of orthonormal vectors. With a symmetric H the curvature along one has the mean and the
    variance

    .. math:: \langle v^T H v \rangle = \operatorname{tr} H, \quad 2 \operatorname{tr} H^2
              \qquad\text{(Gaussian)}, \qquad
              \frac{\operatorname{tr} H}{N}, \quad
              \frac{2 (N \operatorname{tr} H^2 - (\operatorname{tr} H)^2)}{N^2 (N + 2)}
              \qquad\text{(unit, orthogonal)}

    Parameters
    ----------
    loss
        A `Loss`, or a number N of parameters.
    n_directions
        How many, k.
    kind
        "gaussian", "unit" or "orthogonal".
    rng
        An int seed, a `numpy.random.SeedSequence` or a `numpy.random.Generator`; None draws a seed from the
        operating system.

    Returns
    -------
    NDArray
        (k, N), in the model's dtype; float64 for a number. With one seed the first rows are the same whatever
        k is.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range; if more orthogonal directions are asked for than
        there are parameters.

    Examples
    --------
    >>> plane = random_directions(1000, kind="orthogonal", rng=1)
    >>> plane.shape, np.abs(plane @ plane.T).round(12).tolist()
    ((2, 1000), [[1.0, 0.0], [0.0, 1.0]])
    """
    n, dtype = _space(loss)
    n_directions = _checks.integer("n_directions", n_directions, minimum=1)
    kind = _checks.choice("kind", kind, KINDS)
    if kind == "orthogonal" and n_directions > n:
        raise ValueError(f"n_directions must be at most the {n} parameters if orthogonal; got {n_directions}")
    drawn = _probes.generator(rng).standard_normal((n_directions, n))
    if kind == "unit":
        drawn /= np.linalg.norm(drawn, axis=1, keepdims=True)
    if kind == "orthogonal":
        drawn = orthonormal(drawn)
    return drawn.astype(dtype)


def filter_normalized(loss: Loss, directions: Any, theta: Any = None, *, ignore_vectors: bool = True) -> Any:
    r"""Return directions whose filters are as long as those of the model.

    .. math:: d_{ij} \to \frac{d_{ij}}{\|d_{ij}\|} \|\theta_{ij}\|

    for filter j, the j-th entry along the first axis, of parameter i. Layers between which a factor can be
    shifted without any change of what the network computes are then moved in proportion, and pictures of
    networks that differ by such factors agree. (Li, Xu, Taylor, Studer and Goldstein 2018.) This holds for
    whole layers: a factor of one unit changes single entries of the filters of the next layer.

    Parameters
    ----------
    loss
        A `Loss`.
    directions
        (k, N) or one direction (N,), an array or a tensor.
    theta
        The point whose filters count, (N,); None takes the model's own.
    ignore_vectors
        Parameters of one axis, which are biases and those of normalisation, stay where they are: their
        entries become 0, as Li et al. have it. If False such a vector counts as one filter. (With their
        option their code puts the model's own values there.)

    Returns
    -------
    NDArray | torch.Tensor
        As `directions`, in the model's dtype.

    Warns
    -----
    UserWarning
        If filters of the model are all 0: there the directions become 0 too.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or shape, or not finite.
    """
    rows = checked_directions(loss, directions)
    point = loss._point(theta)
    scaled, empty = torch.zeros_like(rows), []
    for name, where in loss.layers.items():
        shape = loss.shapes[name]
        if len(shape) < 2 and ignore_vectors:
            continue
        filters = shape[0] if len(shape) > 1 else 1
        model = point[where].reshape(1, filters, -1).norm(dim=2, keepdim=True)
        drawn = rows[:, where].reshape(len(rows), filters, -1)
        length = drawn.norm(dim=2, keepdim=True)
        factor = torch.where(length > 0, model / length, torch.zeros_like(length))
        scaled[:, where] = (drawn * factor).reshape(len(rows), -1)
        if not bool((model > 0).all()):
            empty.append(name)
    if empty:
        warnings.warn(
            f"filters of the model are 0, and so the directions there: in {', '.join(empty)}", stacklevel=2
        )
    return _vectors.like(scaled.reshape(tuple(np.shape(directions))), _first(directions))


def orthonormal(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return orthonormal rows of the same span; Gaussian rows give uniform ones (Mezzadri 2007)."""
    basis, triangle = np.linalg.qr(rows.T)
    return np.asarray((basis * np.where(np.diagonal(triangle) < 0, -1.0, 1.0)).T)


def checked_directions(loss: Loss, directions: Any, *, at_most: int | None = None) -> torch.Tensor:
    """Return directions as rows of a tensor of the model, (k, N); one vector is one row. Or raise."""
    if not isinstance(loss, Loss):
        raise TypeError(f"loss must be a Loss; got {type(loss).__name__}")
    several = not isinstance(directions, (np.ndarray, torch.Tensor)) or directions.ndim != 1
    if several and not isinstance(directions, (np.ndarray, torch.Tensor, list, tuple)):
        raise TypeError(f"directions must be an array or a tensor; got {type(directions).__name__}")
    rows = list(directions) if several else [directions]
    most = loss.n_parameters if at_most is None else at_most
    if not 1 <= len(rows) <= most:
        raise ValueError(f"directions must be 1 to {most} vectors; got {len(rows)}")
    return torch.stack(
        [
            _vectors.to_tensor("each direction", row, loss.n_parameters, loss.dtype, loss.device)
            for row in rows
        ]
    )


def check_independent(name: str, rows: NDArray[np.float64]) -> None:
    """Raise if rows are parallel, or one lies in the span of others, up to the rounding of float32."""
    if len(rows) < 2:
        return
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    if not lengths.all():
        raise ValueError(f"{name} must have lengths above 0; got 0")
    unit = rows / lengths
    sizes = np.linalg.svd(unit, compute_uv=False)
    if len(rows) <= rows.shape[1] and sizes[-1] > _PARALLEL:
        return
    if len(rows) == 2:
        raise ValueError(f"{name} must not be parallel; got abs(cos) = {abs(unit[0] @ unit[1]):.9g} of them")
    smallest = sizes[-1] if len(rows) <= rows.shape[1] else 0.0
    raise ValueError(
        f"{name} must be independent; got {smallest:.2g} for the smallest singular value at unit length"
    )


def _first(directions: Any) -> Any:
    return directions[0] if isinstance(directions, (list, tuple)) else directions


def _space(loss: Any) -> tuple[int, np.dtype[Any]]:
    """Return the number of parameters and the dtype of directions among them, or raise."""
    if isinstance(loss, (int, np.integer)):
        return _checks.integer("loss", loss, minimum=1), np.dtype(np.float64)
    if not hasattr(loss, "n_parameters"):
        raise TypeError(f"loss must be a Loss or a number of parameters; got {type(loss).__name__}")
    return loss.n_parameters, _vectors.to_array(torch.empty(0, dtype=loss.dtype)).dtype
