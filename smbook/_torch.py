"""What is said where PyTorch is needed and is not there."""

from __future__ import annotations


def explain(name: str, error: ModuleNotFoundError) -> None:
    """Raise in place of `error` if it is PyTorch that `name` misses, and say what to install.

    Raises
    ------
    ImportError
        If PyTorch is not installed.
    """
    if error.name == "torch":
        raise ImportError(
            f'{name} needs PyTorch: pip install "smbook[landscape]". On Linux pip takes a build with '
            "CUDA, several GB, unless it is told of the index of CPU builds that the PyTorch project names."
        ) from error
