"""The look of the book's figures, and its fixed pair of colours for spin up and spin down.

Nothing here touches matplotlib's settings until `use_style` is called.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from smbook import _checks

if TYPE_CHECKING:
    from collections.abc import Iterable

    from matplotlib.axes import Axes
    from matplotlib.colors import ListedColormap
    from numpy.typing import ArrayLike

__all__ = ["DOWN", "PALETTE", "UP", "draw_circuit", "measured", "show_spins", "spin_colormap", "use_style"]

UP = "#F4A63A"  # amber; told from DOWN by lightness alone
DOWN = "#20458F"  # deep blue

# Okabe and Ito (2008) without their yellow, which is lost on white, and with a dark grey for black.
PALETTE = ("#0072B2", "#D55E00", "#CC79A7", "#009E73", "#E69F00", "#56B4E9", "#4D4D4D")

_INK = "#222222"


def _settings() -> dict[Any, Any]:
    """Return the rcParams of the book."""
    from cycler import cycler

    return {
        "axes.edgecolor": _INK,
        "axes.facecolor": "white",
        "axes.grid": False,
        "axes.labelcolor": _INK,
        "axes.labelsize": 12,
        "axes.linewidth": 0.8,
        "axes.prop_cycle": cycler(color=PALETTE),
        "axes.spines.right": False,
        "axes.spines.top": False,
        "errorbar.capsize": 2.5,
        "figure.constrained_layout.use": True,
        "figure.dpi": 120,
        "figure.edgecolor": "white",
        "figure.facecolor": "white",
        "figure.figsize": (6.4, 3.8),
        "font.family": "sans-serif",
        "font.sans-serif": ["DejaVu Sans"],
        "font.size": 11,
        "image.cmap": "cividis",
        "image.interpolation": "nearest",
        "legend.fontsize": 10,
        "legend.frameon": False,
        "lines.linewidth": 1.6,
        "lines.markersize": 4.5,
        "mathtext.fontset": "dejavusans",
        "savefig.dpi": 120,
        "savefig.edgecolor": "white",
        "savefig.facecolor": "white",
        "savefig.transparent": False,
        "svg.hashsalt": "smbook",
        "text.color": _INK,
        "xtick.color": _INK,
        "xtick.labelsize": 10,
        "ytick.color": _INK,
        "ytick.labelsize": 10,
    }


def use_style() -> None:
    """Give matplotlib the look of the book from now on.

    White opaque paper, seven colours that colour-blind readers can tell apart, constrained layout, and
    letters that are readable at the width of the book. ``matplotlib.rcdefaults()`` goes back to
    matplotlib's own.

    Examples
    --------
    >>> import matplotlib
    >>> with matplotlib.rc_context():
    ...     use_style()
    ...     matplotlib.rcParams["figure.facecolor"]
    'white'
    """
    import matplotlib as mpl

    mpl.rcParams.update(_settings())


def spin_colormap() -> ListedColormap:
    """Return the colour map of two colours that shows -1 as `DOWN` and +1 as `UP`.

    Examples
    --------
    >>> spin_colormap().N
    2
    """
    from matplotlib.colors import ListedColormap

    return ListedColormap([DOWN, UP], name="spins")


def _axes(ax: Axes | None) -> Axes:
    """Return `ax`, or the axes of a new figure."""
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt

    return plt.subplots()[1]


def show_spins(spins: ArrayLike, *, ax: Axes | None = None) -> Axes:
    """Draw spins as squares of the two spin colours, without ticks.

    Parameters
    ----------
    spins
        -1 or +1, of shape (rows, columns), or (n,), which is drawn as one row. Of a cube, draw a layer.
    ax
        Where to draw; a new figure if left out.

    Returns
    -------
    Axes
        The axes, for labels and for more.

    Raises
    ------
    TypeError
        If the entries are no numbers.
    ValueError
        If an entry is neither -1 nor +1, or the shape has not one or two dimensions.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> ax = show_spins([[1, -1], [-1, 1]])
    >>> plt.close(ax.figure)
    """
    values = _checks.reals("spins", spins)
    if values.ndim not in (1, 2) or values.size == 0:
        raise ValueError(f"spins must have the shape (n,) or (rows, columns); got {values.shape}")
    if (odd := values[np.abs(values) != 1]).size:
        raise ValueError(f"spins must be -1 or +1; got {odd[0]:g}")
    ax = _axes(ax)
    ax.imshow(
        np.atleast_2d(values), cmap=spin_colormap(), vmin=-1, vmax=1, interpolation="nearest", aspect="equal"
    )
    ax.set(xticks=[], yticks=[])
    ax.spines[:].set_visible(False)
    return ax


def measured(
    x: ArrayLike, estimates: Iterable[tuple[float, float]], *, ax: Axes | None = None, **style: Any
) -> Axes:
    """Draw estimates as points with error bars of one standard error.

    `estimates` holds a `smbook.statistics.Estimate`, or any pair of value and error, for each entry of `x`.
    Further arguments go to ``Axes.errorbar``.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> ax = measured([1.0, 2.0], [(0.5, 0.1), (0.7, 0.1)], label="Monte Carlo")
    >>> plt.close(ax.figure)
    """
    places = _checks.reals("x", x)
    pairs = _checks.reals("estimates", [tuple(pair) for pair in estimates])
    if pairs.shape != (places.size, 2):
        raise ValueError(f"estimates must be {places.size} pairs of value and error; got shape {pairs.shape}")
    if (pairs[:, 1] < 0).any():
        raise ValueError(f"errors must not be negative; got {pairs[:, 1].min():g}")
    ax = _axes(ax)
    ax.errorbar(places.ravel(), pairs[:, 0], pairs[:, 1], **({"fmt": "o"} | style))
    return ax


def draw_circuit(
    boxes: Iterable[tuple[float, float, str]],
    wires: Iterable[ArrayLike],
    labels: Iterable[tuple[float, float, str]] = (),
    *,
    ax: Axes | None = None,
) -> Axes:
    """Draw a block diagram: boxes with words in them, wires that end in an arrowhead, labels.

    A box is 1.6 wide and 1 high; around a single sign it is a circle of radius 0.3. `boxes` and `labels` are
    (x, y, text), with the middle of each. A wire is a sequence of corners (x, y) and ends at the last. The
    axes have equal scales and no ticks. Raises ValueError if a wire has fewer than two corners.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> ax = draw_circuit([(0, 0, "+"), (2, 0, "tanh")], [[(0.3, 0), (1.2, 0)]], [(0.7, 0.2, "input")])
    >>> plt.close(ax.figure)
    """
    from matplotlib.patches import Circle, Rectangle

    ax = _axes(ax)
    for x, y, text in boxes:
        form = Circle((x, y), 0.3) if len(text) == 1 else Rectangle((x - 0.8, y - 0.5), 1.6, 1.0)
        form.set(facecolor="white", edgecolor=_INK, linewidth=1.2)
        ax.add_patch(form)
        ax.text(x, y, text, ha="center", va="center")
    for corners in wires:
        path = _checks.reals("each wire", corners)
        if path.ndim != 2 or path.shape[0] < 2 or path.shape[1] != 2:
            raise ValueError(f"each wire must have two corners (x, y) or more; got shape {path.shape}")
        ax.plot(*path.T, color=_INK, linewidth=1.2, solid_joinstyle="miter", zorder=0)
        arrow = {"arrowstyle": "-|>", "color": _INK, "shrinkA": 0, "shrinkB": 0, "linewidth": 1.2}
        ax.annotate("", path[-1], path[-2], arrowprops=arrow)
    for x, y, text in labels:
        ax.text(x, y, text, ha="center", va="center")
    ax.set_aspect("equal")
    ax.set_axis_off()
    return ax
