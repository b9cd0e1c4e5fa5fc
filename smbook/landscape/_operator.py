"""What operators on vectors of parameters share: products with arrays and tensors, blocks, SciPy."""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from scipy.sparse.linalg import LinearOperator
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.overrides import TorchFunctionMode

from smbook.landscape import _vectors
from smbook.landscape.loss import Loss

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from smbook.landscape._batches import Chunk
    from smbook.landscape._vectors import Vector

    Tensors = Sequence[torch.Tensor]


class Product(ABC):
    """The part of an operator that one chunk of rows makes, at one point."""

    @abstractmethod
    def __init__(self, loss: Loss, leaves: Tensors, chunk: Chunk) -> None: ...

    @abstractmethod
    def __call__(self, vector: Tensors, chosen: Sequence[int]) -> Tensors:
        """Return the product with a vector whose entries other than in the chosen parameters are zero.

        The vector and what is returned are in the shapes of the chosen parameters.
        """

    @abstractmethod
    def gradient(self, chosen: Sequence[int]) -> Tensors:
        """Return the gradient of the loss by the chosen parameters."""


class Operator:
    """A symmetric matrix that is known by its products.

    `operator @ v` takes v of shape (n,), or (n, k) for the products with k columns, a NumPy array or a torch
    tensor, real and finite; what comes in goes out. SciPy's solvers, such as `scipy.sparse.linalg.eigsh`,
    take the operator as it is.

    Attributes
    ----------
    shape : tuple
        (n, n) with the number n of parameters that the operator acts on.
    dtype : numpy.dtype
    layers : dict
        Where each parameter lies in a vector, as a slice.
    loss : Loss
    theta : array or tensor
        The point, of all parameters.
    """

    _kind: type[Product]

    def __init__(self, loss: Loss, theta: Any, layers: str | Sequence[str] | None) -> None:
        if not isinstance(loss, Loss):
            raise TypeError(f"loss must be a Loss; got {type(loss).__name__}")
        chosen = range(len(loss.layers)) if layers is None else _chosen(loss, layers)
        with _vectors.differentiated():
            point = loss._point(theta).clone()
            self._point, self._leaves = point, loss._leaves(point)
        self.loss, self.theta = loss, _vectors.like(point.clone(), theta)
        self._kept: list[Product] = []
        self._choose(chosen)

    def _choose(self, chosen: Sequence[int]) -> None:
        self._chosen = tuple(chosen)
        names = [name for k, name in enumerate(self.loss.layers) if k in set(chosen)]
        self._shapes = [self._leaves[k].shape for k in self._chosen]
        self._sizes = [shape.numel() for shape in self._shapes]
        ends = np.cumsum([0, *self._sizes]).tolist()
        self.layers = {name: slice(*ends[k : k + 2]) for k, name in enumerate(names)}
        self.shape = (ends[-1], ends[-1])

    def __repr__(self) -> str:
        return f"{type(self).__name__}(shape {self.shape}, {self.dtype}, of {self.loss!r})"

    @property
    def dtype(self) -> np.dtype[Any]:
        return _vectors.to_array(torch.empty(0, dtype=self.loss.dtype)).dtype

    @cached_property
    def gradient(self) -> Any:
        """The gradient of the loss at the point, in the parameters that the operator acts on, (n,)."""
        parts = self._each(lambda product: _vectors.flat(product.gradient(self._chosen)).detach())
        return _vectors.like(torch.stack(parts).sum(dim=0), self.theta)

    def block(self, name: str) -> Operator:
        """Return the diagonal block of a parameter, or of all those of a layer, by its name in the model.

        It shares what is retained with this operator.

        Raises
        ------
        ValueError
            If there is no such name, or nothing of it in this operator; the error lists those there are.
        """
        inner = [k for k in _chosen(self.loss, name) if k in self._chosen]
        if not inner:
            raise ValueError(f"name must be one of {', '.join(self.layers)}; got {name!r}")
        block = object.__new__(type(self))
        block.__dict__ |= {key: value for key, value in self.__dict__.items() if key != "gradient"}
        block._choose(inner)
        return block

    def __matmul__(self, vectors: Vector) -> Any:
        loss = self.loss
        given = _vectors.to_tensor("v", vectors, self.shape[0], loss.dtype, loss.device, columns=True)
        if given.ndim == 1:
            return _vectors.like(self._times(given[None])[0], vectors)
        return _vectors.like(self._times(given.T.contiguous()).T, vectors)

    def _times(self, rows: torch.Tensor) -> torch.Tensor:
        """Return the products with each of the rows (k, n), while each chunk is at hand."""
        total, first = torch.empty_like(rows), True

        def add(product: Product) -> None:
            nonlocal first
            for row, out in zip(rows, total, strict=True):
                found = product(self._parts(row), self._chosen)
                if first:
                    torch.cat([part.detach().reshape(-1) for part in found], out=out)
                else:
                    out += _vectors.flat(found)
            first = False

        self._each(add)
        return total

    def _parts(self, row: torch.Tensor) -> Tensors:
        """Return views of the entries of a vector in the shapes of the chosen parameters."""
        parts = torch.split(row, self._sizes)
        return [part.view(shape) for part, shape in zip(parts, self._shapes, strict=True)]

    def _each(self, use: Callable[[Product], Any]) -> list[Any]:
        """Use the part of each chunk. A batch of one chunk keeps its graph, others have one at a time."""
        if self._kept:
            return [use(product) for product in self._kept]
        found = []
        for chunk in self.loss._batches:
            product = self._part(chunk)
            if self.loss.fixed and self.loss.n_chunks == 1:
                self._kept[:] = [product]  # one, even if threads come here together
            found.append(use(product))
            del product  # before the next one is made
        return found

    def _part(self, chunk: Chunk) -> Product:
        """Return the part of a chunk, and no mode of torch behind, which an interrupt could leave on."""
        depth = torch._C._len_torch_function_stack()
        try:
            with _vectors.differentiated(), _TwiceDifferentiable(), sdpa_kernel(SDPBackend.MATH):
                return self._kind(self.loss, self._leaves, chunk)
        finally:
            while torch._C._len_torch_function_stack() > depth:
                torch._C._pop_torch_function_stack()

    def matvec(self, vector: NDArray[Any]) -> NDArray[Any]:
        """Return the product with a vector (n,) or (n, 1), for SciPy."""
        return np.asarray(self @ np.asarray(vector).reshape(-1))

    rmatvec = matvec

    def matmat(self, columns: NDArray[Any]) -> NDArray[Any]:
        """Return the products with columns (n, k), for SciPy."""
        return np.asarray(self @ np.asarray(columns))

    rmatmat = matmat

    def to_scipy(self) -> LinearOperator:
        """Return a `scipy.sparse.linalg.LinearOperator` that makes the same products."""
        return LinearOperator(
            self.shape, matvec=self.matvec, rmatvec=self.matvec, matmat=self.matmat, rmatmat=self.matmat,
            dtype=self.dtype,
        )  # fmt: skip


class _TwiceDifferentiable(TorchFunctionMode):
    """Have norms of weights in steps: of the fused function torch takes wrong second derivatives."""

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if func is torch._weight_norm:
            return _weight_norm(*args, **(kwargs or {}))
        return func(*args, **(kwargs or {}))


def _weight_norm(v: torch.Tensor, g: torch.Tensor, dim: int = 0) -> torch.Tensor:
    others = [axis for axis in range(v.ndim) if dim == -1 or axis != dim % v.ndim]
    found: torch.Tensor = v * (g / v.norm(dim=others, keepdim=True))
    return found


def _chosen(loss: Loss, layers: str | Sequence[str]) -> list[int]:
    """Return the numbers of the parameters that have one of these names, or lie in layers that do."""
    if not isinstance(layers, (str, list, tuple, set, frozenset, dict)):
        raise TypeError(f"layers must be a name or several; got {layers!r}")
    wanted = [layers] if isinstance(layers, str) else list(layers)
    if not wanted:
        raise ValueError("layers must name at least one; got none")
    found: set[int] = set()
    for name in wanted:
        here = [k for k, known in enumerate(loss.layers) if known == name or known.startswith(f"{name}.")]
        if not (isinstance(name, str) and here):
            raise ValueError(
                f"layers must be among {', '.join(loss.layers)}, or what holds them; got {name!r}"
            )
        found.update(here)
    return sorted(found)


def derivative(values: Tensors, points: Tensors, weights: Tensors) -> Tensors:
    """Return the derivative of sum(values * weights) by the points, with the graph retained.

    Values that depend on none of the points, as the gradient of a linear function does, add nothing.
    """
    kept = [(value, weight) for value, weight in zip(values, weights, strict=True) if value.requires_grad]
    if not kept:
        return [torch.zeros_like(point) for point in points]
    found, given = zip(*kept, strict=True)
    return torch.autograd.grad(found, points, given, retain_graph=True, materialize_grads=True)
