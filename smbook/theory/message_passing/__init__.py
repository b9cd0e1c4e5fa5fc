"""What messages come to: expansions about independent spins, trees without an end, and the course of AMP."""

from __future__ import annotations

__all__: list[str] = [
]
