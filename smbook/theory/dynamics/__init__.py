"""Learning in time, exactly: modes, order parameters, the jump of signs, tangent kernels and p-spins."""

from __future__ import annotations

__all__: list[str] = []
