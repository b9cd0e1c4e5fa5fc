"""Run notebooks and store what they print, as text only, so that a rerun changes nothing."""

from __future__ import annotations

import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient

WIDGET = "application/vnd.jupyter.widget-view+json"
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}


def text_only(output):
    """Drop images and widgets from an output's data; the build draws every figure anew."""
    if "data" in output:
        drawn = [kind for kind in output.data if kind.startswith("image/") or kind == WIDGET]
        output.data = {kind: text for kind, text in output.data.items() if kind not in drawn}
        output.metadata = {}
    return output


def tidied(notebook):
    """Keep of an executed notebook what is the same on every machine."""
    notebook.metadata = {"kernelspec": KERNEL, "language_info": {"name": "python"}}
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        if cell.cell_type == "code":
            cell.outputs = [text_only(output) for output in cell.outputs]
    return notebook


def store(path):
    """Execute the notebook at `path`, in its own folder, and write it back with its outputs."""
    notebook = nbformat.read(path, as_version=4)
    where = {"metadata": {"path": str(path.parent)}}
    client = NotebookClient(notebook, timeout=600, coalesce_streams=True, resources=where)
    nbformat.write(tidied(client.execute()), path)
    print(f"stored {path}")


if __name__ == "__main__":
    for name in sys.argv[1:]:
        store(Path(name))
