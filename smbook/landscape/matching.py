"""Copies of one network: which units of two networks are each other's counterparts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from scipy.optimize import linear_sum_assignment
from torch import nn

from smbook.landscape import _model, _points, _vectors
from smbook.landscape.loss import Loss

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from smbook.landscape._vectors import Vector

    Reals = NDArray[np.float64]
    Order = tuple[NDArray[np.int64], NDArray[np.int64]]  # of the units of a layer, and their signs

_ODD = (nn.Tanh, nn.Identity)
_LEAST_GAIN = 1e-12  # of the squared lengths, by which another round must improve


class Matching(NamedTuple):
    """Which unit of a network takes the place of which of another, hidden layer by hidden layer.

    Two results are equal if all their numbers are.

    Attributes
    ----------
    permutations
        For each hidden layer, by the name of the module that holds its weights, an array: entry j is the unit
        of the second network that takes the place of unit j of the first.
    signs
        For each hidden layer +1 or -1 for each place: -1 where the unit is turned, with all its weights.
    distance_before, distance_after
        The distance of both points, with the second as it was and rearranged.
    """

    permutations: dict[str, NDArray[np.int64]]
    signs: dict[str, NDArray[np.int64]]
    distance_before: float
    distance_after: float

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Matching) and self[2:] == other[2:] and all(map(_same, self[:2], other[:2]))

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __repr__(self) -> str:
        moved = sum(int((order != np.arange(order.size)).sum()) for order in self.permutations.values())
        turned = sum(int((each < 0).sum()) for each in self.signs.values())
        units = sum(order.size for order in self.permutations.values())
        return (
            f"Matching({moved} of {units} units moved, {turned} turned, "
            f"distance {self.distance_before:.4g} -> {self.distance_after:.4g})"
        )


class _Hidden(NamedTuple):
    """A hidden layer: its name, where its weights and those that read it lie, if its functions are odd."""

    name: str
    layer: _points.Dense
    reader: _points.Dense
    odd: bool


def match_units(model: Loss | nn.Module, theta_a: Any, theta_b: Any) -> Matching:
    r"""Return how to rearrange the units of one network such that its weights come near those of another.

    What a network computes does not change if the m units of a hidden layer change places, and for an odd
    function of the fields, such as tanh, if signs of units are turned with all their weights: each point has
    m! or :math:`2^m m!` copies. Of those of :math:`\theta_B` this seeks the nearest to :math:`\theta_A`. With
    all other layers fixed, that of one layer is a linear assignment problem, to maximize

    .. math:: \sum_j s_j C_{j,p(j)}, \qquad C_{jk} = w_j^A \cdot w_k^B + b_j^A b_k^B + a_j^A \cdot a_k^B

    over permutations p, and signs s where they are free, with the weights w into a unit, its bias b and the
    weights a out of it. One hidden layer is thus solved exactly. Several are taken in turn, again and again,
    until the distance falls no more: from the units as they are, and from units matched one layer after the
    other by the weights into them; the nearer of both copies counts. It never is farther than the point as it
    is, but another one may be nearer still. (Ainsworth, Hayase and Srinivasa 2023.)

    ReLU units may also take a factor with their inputs that the next layer divides by. These rescalings are
    left as they are.

    Parameters
    ----------
    model
        A `Loss` or a `torch.nn.Module` that is a sequence of linear layers and functions of single units; all
        its parameters are trainable.
    theta_a, theta_b
        The two points (n_parameters,), arrays or tensors.

    Returns
    -------
    Matching
        What `rearrange_units` does to :math:`\theta_B`.

    Raises
    ------
    TypeError
        If the model is another one than such a sequence, or a point of the wrong kind.
    ValueError
        If the model has no hidden layer or uses a layer twice, or a point has another number of parameters
        or is not finite.

    Examples
    --------
    >>> model = nn.Sequential(nn.Linear(1, 2, bias=False), nn.Tanh(), nn.Linear(2, 1, bias=False)).double()
    >>> one, other = np.array([1.0, 3.0, 1.0, 2.0]), np.array([-3.0, 1.0, -2.0, 1.0])
    >>> found = match_units(model, one, other)
    >>> found
    Matching(2 of 2 units moved, 1 turned, distance 5.477 -> 0)
    >>> rearrange_units(model, other, found)
    array([1., 3., 1., 2.])
    """
    known = _layers(model)
    a, b = (
        _vectors.to_array(known.vector(name, theta).double())[None]
        for name, theta in (("theta_a", theta_a), ("theta_b", theta_b))
    )
    before = float(np.linalg.norm(a - b))
    starts = [known.as_they_are(), _by_inputs(known.hidden, a, b)]
    candidates = [_descended(known.hidden, a, b, orders) for orders in starts]
    distances = [float(np.linalg.norm(a - _rearranged(known.hidden, b, orders))) for orders in candidates]
    best = int(np.argmin(distances))
    if distances[best] >= before:
        candidates, distances, best = [known.as_they_are()], [before], 0
    names = [each.name for each in known.hidden]
    permutations, signs = zip(*candidates[best], strict=True)
    return Matching(
        dict(zip(names, permutations, strict=True)),
        dict(zip(names, signs, strict=True)),
        before,
        distances[best],
    )


def rearrange_units(model: Loss | nn.Module, theta: Vector, matching: Matching) -> Any:
    r"""Return the copy of a point with its units in the order, and of the signs, of a matching.

    .. math:: w_j \to s_j w_{p(j)}, \qquad b_j \to s_j b_{p(j)}, \qquad a_j \to s_j a_{p(j)}

    for the weights w into a unit, its bias b and the weights a out of it. The network computes the same
    function, up to rounding: sums over units are taken in another order.

    Parameters
    ----------
    model
        As for `match_units`.
    theta
        The point (n_parameters,), an array or a tensor, which is left as it is.
    matching
        A `Matching`, such as `match_units` returns it.

    Returns
    -------
    NDArray | torch.Tensor
        As `theta`, in the model's dtype.

    Raises
    ------
    TypeError, ValueError
        As for `match_units`; if the matching is that of another model, or turns units whose function is not
        odd.
    """
    known = _layers(model)
    orders = _checked_orders(known.hidden, matching)
    point = _vectors.to_array(known.vector("theta", theta))[None]
    moved = _rearranged(known.hidden, point, orders)[0]
    return _vectors.like(torch.as_tensor(moved).to(known.dtype), theta)


class _Layers(NamedTuple):
    """The hidden layers of a model, and what its points are."""

    hidden: list[_Hidden]
    n_parameters: int
    dtype: torch.dtype

    def vector(self, name: str, theta: Any) -> torch.Tensor:
        """Return a point as a tensor (n,) on the CPU, or raise."""
        return _vectors.to_tensor(name, theta, self.n_parameters, self.dtype, torch.device("cpu"))

    def as_they_are(self) -> list[Order]:
        """Return the orders that change nothing."""
        widths = [each.layer.width for each in self.hidden]
        return [(np.arange(width), np.ones(width, dtype=np.int64)) for width in widths]


def _layers(model: Any) -> _Layers:
    """Return the hidden layers of a loss's model or a model, or raise."""
    module = model._model if isinstance(model, Loss) else model
    if not isinstance(module, nn.Module):
        raise TypeError(f"model must be a Loss or a torch.nn.Module; got {type(model).__name__}")
    known = _model.checked_parameters(module)
    where = _places(known)
    stack = _points.stack_of(module, where, mode="eval")
    if stack is None:
        raise TypeError(
            "model must be a sequence of linear layers and functions of single units, all of its parameters "
            f"trainable; got {type(module).__name__}"
        )
    hidden = _hidden((stack.first, *stack.rest), {where[name].start: name for name in known})
    first = next(iter(known.values()))
    return _Layers(hidden, sum(parameter.numel() for parameter in known.values()), first.dtype)


def _places(known: dict[str, nn.Parameter]) -> dict[str, slice]:
    ends = np.cumsum([0, *(parameter.numel() for parameter in known.values())]).tolist()
    return {name: slice(*ends[k : k + 2]) for k, name in enumerate(known)}


def _hidden(steps: Sequence[_points.Dense | nn.Module], names: dict[int, str]) -> list[_Hidden]:
    """Return the layers between which and the next one units can change places, or raise."""
    places = [k for k, step in enumerate(steps) if isinstance(step, _points.Dense)]
    layers = [step for step in steps if isinstance(step, _points.Dense)]
    starts = [part.start for layer in layers for part in (layer.weight, layer.bias) if part is not None]
    if len(set(starts)) < len(starts):
        raise ValueError("model must use each layer once: units of one that is used twice are tied to others")
    if len(layers) < 2:
        raise ValueError("model must have a hidden layer, whose units can change places; got none")
    return [
        _Hidden(
            names[layers[k].weight.start].removesuffix("weight").removesuffix("."),
            layers[k],
            layers[k + 1],
            all(type(step) in _ODD for step in steps[places[k] + 1 : places[k + 1]]),
        )
        for k in range(len(layers) - 1)
    ]


def _weights(layer: _points.Dense, point: NDArray[Any]) -> NDArray[Any]:
    """Return a view of the weights of a layer (width, fan_in) at a point (1, n)."""
    return point[0, layer.weight].reshape(layer.width, layer.fan_in)


def _into(layer: _points.Dense, point: Reals) -> Reals:
    """Return weights and biases into each unit of a layer, a row each."""
    weights = _weights(layer, point)
    return weights if layer.bias is None else np.column_stack([weights, point[0, layer.bias]])


def _rearranged(hidden: Sequence[_Hidden], point: NDArray[Any], orders: Sequence[Order]) -> NDArray[Any]:
    """Return a copy of a point (1, n) with the units of its hidden layers in these orders."""
    moved = point.copy()
    for each, (order, signs) in zip(hidden, orders, strict=True):
        turned = signs.astype(moved.dtype)
        weights = _weights(each.layer, moved)
        weights[:] = turned[:, None] * weights[order]
        if each.layer.bias is not None:
            moved[0, each.layer.bias] = turned * moved[0, each.layer.bias][order]
        outer = _weights(each.reader, moved)
        outer[:] = outer[:, order] * turned
    return moved


def _assigned(similarity: Reals, odd: bool) -> Order:
    """Return the order and the signs with the largest sum of similarities."""
    rows, order = linear_sum_assignment(np.abs(similarity) if odd else similarity, maximize=True)
    turned = odd & (similarity[rows, order] < 0.0)
    return order.astype(np.int64), np.where(turned, -1, 1).astype(np.int64)


def _by_inputs(hidden: Sequence[_Hidden], a: Reals, b: Reals) -> list[Order]:
    """Match one layer after the other by the weights into its units alone."""
    orders: list[Order] = []
    for k, each in enumerate(hidden):
        moved = _rearranged(hidden[:k], b, orders)
        orders.append(_assigned(_into(each.layer, a) @ _into(each.layer, moved).T, each.odd))
    return orders


def _descended(hidden: Sequence[_Hidden], a: Reals, b: Reals, orders: Sequence[Order]) -> list[Order]:
    """Match each layer with the others fixed, in turn, until the distance falls no more."""
    found, moved = list(orders), _rearranged(hidden, b, orders)
    least = _LEAST_GAIN * float((a**2).sum() + (b**2).sum())
    while True:
        gain = 0.0
        for k, each in enumerate(hidden):
            outer_a, outer_b = _weights(each.reader, a), _weights(each.reader, moved)
            similarity = _into(each.layer, a) @ _into(each.layer, moved).T + outer_a.T @ outer_b
            order, signs = _assigned(similarity, each.odd)
            better = float((signs * similarity[np.arange(order.size), order]).sum() - np.trace(similarity))
            if better <= least:
                continue
            moved = _rearranged([each], moved, [(order, signs)])
            found[k] = found[k][0][order], signs * found[k][1][order]
            gain += better
        if gain == 0.0:
            return found


def _checked_orders(hidden: Sequence[_Hidden], matching: Any) -> list[Order]:
    """Return the orders of a matching for the hidden layers, or raise."""
    if not isinstance(matching, Matching):
        raise TypeError(f"matching must be a Matching; got {type(matching).__name__}")
    names = [each.name for each in hidden]
    for known in matching[:2]:
        if list(known) != names:
            raise ValueError(f"matching must be of the hidden layers {names} of the model; got {list(known)}")
    found = []
    for each in hidden:
        order, signs = np.asarray(matching.permutations[each.name]), np.asarray(matching.signs[each.name])
        width = each.layer.width
        if order.shape != (width,) or not np.array_equal(np.sort(order), np.arange(width)):
            raise ValueError(
                f"matching must have each of the {width} units of layer {each.name!r} once; got "
                f"{order.tolist()}"
            )
        allowed = (-1, 1) if each.odd else (1,)
        if signs.shape != (width,) or not np.isin(signs, allowed).all():
            raise ValueError(
                f"matching must have {width} signs out of {allowed} for layer {each.name!r}; got "
                f"{signs.tolist()}"
            )
        found.append((order, signs))
    return found


def _same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return list(one) == list(other) and all(np.array_equal(one[name], other[name]) for name in one)
