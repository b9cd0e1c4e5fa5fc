"""Bars and stripes: how many there are, and the likelihood that no machine exceeds."""

from __future__ import annotations

import math
from typing import NamedTuple

from smbook import _checks

_LARGEST_SIDE = 1000


class BarsAndStripes(NamedTuple):
    """Hold what is known of the data set before any machine has seen it.

    Attributes
    ----------
    n_patterns
        The number of different images.
    entropy
        The entropy of a row drawn at random, in nats.
    log_likelihood
        The largest mean of ln p(v) over the rows that any machine can reach, minus the entropy.
    total
        That bound for the sum over all rows.
    n_rows
        The number of rows; with `doubled` two images occur twice.
    """

    n_patterns: int
    entropy: float
    log_likelihood: float
    total: float
    n_rows: int


def bars_and_stripes(side: int, *, doubled: bool = False) -> BarsAndStripes:
    """Return the bounds for images of `side` rows and columns, in which all rows or all columns are uniform.

    Each of the `side` columns, or each of the rows, is on or off; the blank and the full image are both:
    there are 2^(side + 1) - 2 different images. A mean of ln p(v) over data is minus their entropy minus the
    Kullback-Leibler divergence of the machine from them, so that minus the entropy is its bound.

    Parameters
    ----------
    side
        Rows and columns of an image, from 1 to 1000.
    doubled
        Whether the blank and the full image occur twice, as in the data set of 2^(side + 1) rows of the
        literature on contrastive divergence.

    Examples
    --------
    >>> bars_and_stripes(3).n_patterns, round(bars_and_stripes(3).log_likelihood, 6)
    (14, -2.639057)
    >>> round(bars_and_stripes(3, doubled=True).total, 6)
    -41.588831
    """
    size = _checks.integer("side", side, minimum=1, maximum=_LARGEST_SIDE)
    n_patterns = 2 ** (size + 1) - 2
    n_rows = n_patterns + 2 if doubled else n_patterns
    entropy = math.log(n_rows) - (4 / n_rows * math.log(2) if doubled else 0.0)
    return BarsAndStripes(n_patterns, entropy, -entropy, -n_rows * entropy, n_rows)
