"""The map on the front page says of each chapter what the chapter says of itself."""

import ast
import json
import re
from pathlib import Path

BOOK = Path(__file__).parents[1] / "book"
CELLS = {
    cell["id"]: "".join(cell["source"]) for cell in json.loads((BOOK / "intro.ipynb").read_text())["cells"]
}
CHAPTERS = re.findall(r"file: ((?!reference)\S+)", (BOOK.parent / "_toc.yml").read_text())
LINK = re.compile(r"\{doc\}`(?:[^`<]*<)?([\w./-]+)>?`")


def assigned(cell):
    """Return what the dictionaries of a cell say, by their names."""
    body = [node for node in ast.parse(CELLS[cell]).body if isinstance(node, ast.Assign)]
    return {node.targets[0].id: ast.literal_eval(node.value) for node in body}


def linked(text, folder=""):
    """Return the chapters that a text links to, by their place in the book."""
    places = {(BOOK / folder / link).resolve().relative_to(BOOK).as_posix() for link in LINK.findall(text)}
    return places & set(CHAPTERS)


def before_you_read(chapter):
    """Return what a chapter needs, and what else it names there, from its paragraph "Before you read"."""
    first = "".join(json.loads((BOOK / f"{chapter}.ipynb").read_text())["cells"][0]["source"])
    (paragraph,) = re.findall(r"\*Before you read\.\*(.*?)(?:\n\n|\Z)", first, re.DOTALL)
    sentences = re.split(r"(?<=\.)\s+(?=[A-Z])", paragraph)
    folder = Path(chapter).parent.as_posix()
    needed = " ".join(sentence for sentence in sentences if "You need" in sentence)
    return linked(needed, folder), linked(paragraph, folder)


def closure(chapter, needs):
    """Return what a chapter needs, and what that needs in turn."""
    found = set(needs.get(chapter, ()))
    return found.union(*(closure(other, needs) for other in found))


NEEDS, HELPS = assigned("map-needs")["needs"], assigned("map-helps")["helps"]


def test_the_map_holds_every_chapter_once_in_the_order_of_the_book():
    rows = re.findall(r"^\| \{doc\}`([^`]*)` \|", CELLS["map"], re.MULTILINE)
    assert rows == CHAPTERS
    assert set(assigned("map-places")["places"]) == set(CHAPTERS)
    assert len({place[:2] for place in assigned("map-places")["places"].values()}) == len(CHAPTERS)


def test_the_table_needs_what_the_picture_draws():
    for row in re.findall(r"^\| \{doc\}.*$", CELLS["map"], re.MULTILINE):
        name, _, needed = (linked(cell) for cell in row.split("|")[1:4])
        assert needed == set(NEEDS.get(*name, ())), row


def test_no_chapter_needs_a_later_one():
    for chapter, sources in (NEEDS | HELPS).items():
        assert all(CHAPTERS.index(source) < CHAPTERS.index(chapter) for source in sources)


def test_each_chapter_says_that_it_needs_what_the_map_says():
    """And what else it says to need is needed by these in turn; what helps it names beside that."""
    for chapter in CHAPTERS:
        needed, named = before_you_read(chapter)
        assert set(NEEDS.get(chapter, ())) <= needed <= closure(chapter, NEEDS), chapter
        assert set(HELPS.get(chapter, ())) <= named, chapter


def test_no_arrow_of_the_map_repeats_what_others_say():
    for chapter, sources in NEEDS.items():
        for source in sources:
            others = set(sources) - {source}
            assert source not in set().union(*(closure(other, NEEDS) for other in others)), chapter


def test_the_road_from_a_neuron_to_a_landscape_goes_forward():
    places = [CHAPTERS.index(link) for link in LINK.findall(CELLS["thread"]) if link in CHAPTERS]
    road = places[: places.index(CHAPTERS.index("landscapes/random-projections")) + 1]
    assert len(road) >= 10
    assert road == sorted(road)


def test_the_sections_of_the_article_name_every_chapter():
    rows = CELLS["thread"].split("## The article and the book")[1]
    assert linked(rows) == set(CHAPTERS)
