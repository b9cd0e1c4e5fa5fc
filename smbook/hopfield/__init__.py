"""Hopfield networks: rules that store patterns in couplings, recall, and memories of higher order.

Patterns are int8 arrays (P, N) of +1 and -1, the energy is E(s) = -1/2 sum_ij J_ij s_i s_j with J_ii = 0, the
overlap with a pattern m = sum_i xi_i s_i / N, and the load alpha = P / N. Energies are totals.
"""

from __future__ import annotations

from smbook.hopfield.dense import DenseMemory
from smbook.hopfield.patterns import corrupt, overlap, random_patterns
from smbook.hopfield.retrieval import Basin, Recall, basin, recall
from smbook.hopfield.rules import hebb, pseudo_inverse, storkey, unlearn

__all__ = [
    "Basin",
    "DenseMemory",
    "Recall",
    "basin",
    "corrupt",
    "hebb",
    "overlap",
    "pseudo_inverse",
    "random_patterns",
    "recall",
    "storkey",
    "unlearn",
]
