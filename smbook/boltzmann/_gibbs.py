"""Block Gibbs sampling: all hidden units at once given the visible ones, and the other way round."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from smbook.boltzmann._layers import KINDS, Machine
from smbook.kernels import bipartite as kernels

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from smbook.kernels.rng import State


class Sampler:
    """Rows of states of a machine, drawn in place; blocks of rows may be at different inverse temperatures.

    The parameters may change between calls, as they do when a machine learns.

    Attributes
    ----------
    visible, visible_means, hidden, hidden_means
        What was drawn last, and with which means, (rows, n) and (rows, m).
    products
        v W of the visible units that the hidden ones were drawn from, (rows, m).
    """

    def __init__(self, machine: Machine, rows: int, state: State, *, betas: Any = (1.0,)) -> None:
        self.machine, self.state = machine, state
        self.betas = np.asarray(betas, dtype=np.float64)
        n, m = machine.shape
        dtype = machine.parameters.weights.dtype
        self.visible, self.visible_means, self._back = (np.empty((rows, n), dtype) for _ in range(3))
        self.hidden, self.hidden_means, self.products = (np.empty((rows, m), dtype) for _ in range(3))
        words = np.empty((max(n, m) + 1) // 2, dtype=np.uint64)
        self._rooms = {size: (words[: (size + 1) // 2], np.empty(size)) for size in (n, m)}

    def begin(self, base: NDArray[Any] | None = None) -> None:
        """Draw visible units from the law at beta = 0, which knows no weights, or in the fields `base`."""
        fields = self.machine.base if base is None else base
        self._back[:] = 0
        self._activate(self.machine.visible, 0.0, self._back, fields, self.visible, self.visible_means)

    def draw_hidden(self, visible: NDArray[Any] | None = None) -> None:
        """Draw hidden units, given visible ones; None takes those that were drawn last."""
        self.multiply(self.visible if visible is None else visible)
        self.redraw_hidden()

    def multiply(self, visible: NDArray[Any]) -> None:
        """Find the products v W of visible units."""
        np.matmul(visible, self.machine.parameters.weights, out=self.products)

    def redraw_hidden(self) -> None:
        """Draw hidden units from the products that stand there."""
        biases = self.machine.parameters.hidden_biases
        for beta, rows in self._blocks():
            self._activate(
                self.machine.hidden, beta, self.products[rows], (beta * biases).astype(biases.dtype),
                self.hidden[rows], self.hidden_means[rows],
            )  # fmt: skip

    def draw_visible(self, hidden: NDArray[Any] | None = None) -> None:
        """Draw visible units, given hidden ones; None takes those that were drawn last."""
        weights, biases, _ = self.machine.parameters
        np.matmul(self.hidden if hidden is None else hidden, weights.T, out=self._back)
        for beta, rows in self._blocks():
            fields = (beta * biases + (1.0 - beta) * self.machine.base).astype(biases.dtype)
            self._activate(
                self.machine.visible, beta, self._back[rows], fields,
                self.visible[rows], self.visible_means[rows],
            )  # fmt: skip

    def _blocks(self) -> list[tuple[float, slice]]:
        size = len(self.visible) // len(self.betas)
        return [(float(beta), slice(k * size, (k + 1) * size)) for k, beta in enumerate(self.betas)]

    def _activate(
        self,
        kind: str,
        beta: float,
        products: NDArray[Any],
        biases: NDArray[Any],
        units: NDArray[Any],
        averages: NDArray[Any],
    ) -> None:
        words, noise = self._rooms[products.shape[1]]
        halves = words.view(np.uint32)
        kernels.activate(
            KINDS[kind], beta, products, biases, self.state, words, halves, noise, averages, units
        )
