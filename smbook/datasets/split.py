"""Examples to learn from, and others to test with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from smbook._records import equal

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Split(NamedTuple):
    """Examples to learn from and examples to test with, arrays with a row for each.

    `Loss(model, loss_function, *split[:2])` is the loss that a network learns by, and
    `Loss(model, loss_function, *split[2:])` that on what it has not seen. Two are equal if all their numbers
    are.
    """

    inputs: NDArray[Any]
    targets: NDArray[Any]
    test_inputs: NDArray[Any]
    test_targets: NDArray[Any]

    def __eq__(self, other: object) -> bool:
        return equal(self, other)

    def __ne__(self, other: object) -> bool:
        return not equal(self, other)

    def __repr__(self) -> str:
        shape = " x ".join(str(side) for side in self.inputs.shape[1:])
        return f"Split({len(self.inputs)} examples and {len(self.test_inputs)} for tests, inputs {shape})"
