"""When a cloud that flows back from noise takes a side, and when it falls onto its data: closed forms."""

from __future__ import annotations

__all__: list[str] = [
]
