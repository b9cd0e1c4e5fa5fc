"""The dictionary goes both ways, in order, in the words of the glossary."""

import re
from pathlib import Path

BOOK = Path(__file__).parents[1] / "book"
_, FORTH, BACK, FRIENDS = re.split(
    r"^## .*$", (BOOK / "reference/dictionary.md").read_text(), flags=re.MULTILINE
)
ROLE = re.compile(r"\{term\}`(?:[^`<]*<)?([^`>]+)>?`")


def rows(table):
    """Return the cells of each row below the head of a table."""
    lines = [line for line in table.splitlines() if line.startswith("|")][2:]
    return [tuple(cell.strip() for cell in line.strip("|").split(" | ")) for line in lines]


def spoken(cell):
    """Return an entry as it is read, without roles and formulas."""
    named = re.sub(r"\{term\}`([^`<]*?)(?: <[^`]*>)?`", r"\1", cell)
    return re.sub(r"\$[^$]*\$", "", named).strip().lower()


def test_both_tables_hold_the_same_pairs():
    forth = [(physics, learning) for physics, learning, _ in rows(FORTH)]
    back = [(physics, learning) for learning, physics in rows(BACK)]
    assert len(set(forth)) == len(forth) > 40
    assert sorted(forth) == sorted(back)


def test_the_way_back_and_the_false_friends_are_in_order():
    words = [spoken(learning) for learning, _ in rows(BACK)]
    friends = [line.strip("$").lower() for line in re.findall(r"^(\S.*)\n:", FRIENDS, re.MULTILINE)]
    assert words == sorted(words)
    assert friends == sorted(friends)


def test_every_term_is_in_the_glossary():
    glossary = (BOOK / "reference/glossary.md").read_text().splitlines()
    assert set(ROLE.findall(FORTH + BACK + FRIENDS)) <= set(glossary)
