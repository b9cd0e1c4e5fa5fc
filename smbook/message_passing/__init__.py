"""Averages without samples: mean fields, belief propagation and approximate message passing.

A spin tells its neighbours where it points when each of them is left out. What comes of it is exact on trees,
good where loops are long or couplings many and weak, and cheap: no run, no error bar.
"""

from __future__ import annotations

from smbook.message_passing.amp import ApproximateMessagePassing, DivergedError, amp
from smbook.message_passing.belief_propagation import Beliefs, belief_propagation
from smbook.message_passing.mean_field import MeanField, naive_mean_field, tap

__all__ = [
    "ApproximateMessagePassing",
    "Beliefs",
    "DivergedError",
    "MeanField",
    "amp",
    "belief_propagation",
    "naive_mean_field",
    "tap",
]
