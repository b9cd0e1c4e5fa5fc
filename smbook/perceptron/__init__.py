"""Threshold units and nets of them, rules by which one unit learns, and what it can learn at all.

Inputs are float64 arrays (P, N), an example a row; labels are +1 and -1. A unit answers with the sign of w.x. Its
bias, where it has one, is the weight of one more input that is always 1 (`with_constant`). The margin of weights
is the least y w.x of the examples, divided by the length of w.
"""

from __future__ import annotations

from smbook.perceptron.gibbs import gibbs_learning
from smbook.perceptron.rules import Learned, perceptron_rule, pseudo_inverse
from smbook.perceptron.stability import Adatron, adatron, minover
from smbook.perceptron.streaming import Online, online

__all__ = [
    "Adatron",
    "Learned",
    "Online",
    "adatron",
    "gibbs_learning",
    "minover",
    "online",
    "perceptron_rule",
    "pseudo_inverse",
]
