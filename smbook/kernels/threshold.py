"""Kernels for nets of all-or-none units, which sum what excites them and obey whatever inhibits them.

Synapses stand one unit after another: those of unit i from starts[i] to starts[i + 1]. Each has a source, an
input or a unit, inputs first, and a kind, +1 if it excites and -1 if it inhibits.
"""

from __future__ import annotations

import numpy as np

from smbook.kernels import kernel


@kernel
def step_net(starts, sources, kinds, thresholds, active, after):
    """Fill `after` (int8) with what fires one step after the inputs and units that are `active` (int8) now.

    A unit fires if as many of its exciting synapses are active as its threshold (int64) says, or more, and
    not one of its inhibiting ones is. `starts` (n_units + 1) and `sources` are int64, `kinds` int8; `active`
    holds the inputs and then the units, and shares no memory with `after`.

    Source: McCulloch and Pitts (1943).

    Examples
    --------
    >>> starts, sources = np.array([0, 2]), np.array([0, 1])  # one unit that both inputs excite
    >>> kinds, thresholds = np.ones(2, dtype=np.int8), np.array([2])
    >>> after = np.empty(1, dtype=np.int8)
    >>> step_net(starts, sources, kinds, thresholds, np.array([1, 1, 0], dtype=np.int8), after)
    >>> after
    array([1], dtype=int8)
    """
    for i in range(after.size):
        excited, inhibited = np.int64(0), np.int64(0)
        for k in range(starts[i], starts[i + 1]):
            if kinds[k] > 0:
                excited += np.int64(active[sources[k]])
            else:
                inhibited += np.int64(active[sources[k]])
        after[i] = np.int8(inhibited == 0) * np.int8(excited >= thresholds[i])
