"""What the tests of a chapter look up in its notebook: functions, printed numbers, questions."""

import ast
import json
import re
from pathlib import Path
from types import SimpleNamespace

BOOK = Path(__file__).parents[1] / "book"


class Chapter:
    """A notebook of the book, and the names that its cells take from their imports."""

    def __init__(self, path, **names):
        self.path, self.names = BOOK / path, names
        self.cells = json.loads(self.path.read_text())["cells"]

    def definitions(self, *tags, **names):
        """Execute the functions that the cells with these tags define; they may use `names`."""
        cells = []
        for tag in tags:
            (cell,) = [cell for cell in self.cells if tag in cell["metadata"].get("tags", ())]
            cells.append(cell)
        return SimpleNamespace(**self._executed(cells, names))

    def functions(self, name, **names):
        """Execute the functions that the cell of this id defines; they may use `names`."""
        return self._executed([self.cell(name)], names)

    def _executed(self, cells, names):
        scope = self.names | names
        for cell in cells:
            body = [node for node in ast.parse(source(cell)).body if isinstance(node, ast.FunctionDef)]
            exec(compile(ast.Module(body, []), f"{self.path.name}: {cell['id']}", "exec"), scope)
        return scope

    def cell(self, name):
        """Return the cell of this id."""
        (cell,) = [cell for cell in self.cells if cell["id"] == name]
        return cell

    def printed(self, name):
        """Return what the cell of this id has printed, as the notebook stores it."""
        return "".join("".join(output.get("text", "")) for output in self.cell(name)["outputs"])

    def column(self, name, row, position):
        """Return the number at a position in the printed row that begins with `row`, without its error."""
        (line,) = [line for line in self.printed(name).splitlines() if line.startswith(row)]
        return float(re.sub(r"\(.*?\)|%", "", line[len(row) :]).split()[position])

    def question(self, name, **names):
        """Return the question that the cell of this id asks; it may use `names`."""
        body = ast.parse(source(self.cell(name))).body
        scope = self.names | names
        exec(compile(ast.Module(body[:-1], []), name, "exec"), scope)
        return eval(compile(ast.Expression(body[-1].value), name, "eval"), scope)

    def tells_apart(self, name, right, wrong):
        """Tell whether a question takes the right answer, and tells each of the wrong ones its own."""
        asked = self.question(name)
        said = [asked.check(value) for value in wrong]
        words = {verdict.words for verdict in said}
        refused = not any(verdict.right for verdict in said)
        return asked.check(right).right and refused and all(words) and len(words) == len(wrong)


def source(cell):
    """Return the text of a cell."""
    return "".join(cell["source"])
