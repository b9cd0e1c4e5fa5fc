"""What computing, learning and haste cost at least: Landauer, driven traps, transport, efficiency."""

from __future__ import annotations

__all__: list[str] = []
