"""A function evaluated over a grid of parameters, side by side, each finished point kept on disk."""

from __future__ import annotations

from smbook.sweep._result import Failure, Sweep, SweepError
from smbook.sweep._run import run

__all__ = ["Failure", "Sweep", "SweepError", "run"]
