"""What every page has besides its text: a description, pictures that hold their place, and light icon fonts.

Each page says in its head what it is about, in the words of its first paragraph. Its images come when the
reader comes near, into a place of their own size. Behind each live figure stands a picture of it for paper
and for browsers without scripts, and behind each question its text. Of the icon fonts, which hold thousands
of icons, the book keeps those that it shows.
"""

from __future__ import annotations

import html
import importlib
import json
import re
from functools import cache
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pydata_sphinx_theme
from docutils import nodes
from fontTools.ttLib import TTFont
from PIL import Image
from typeface import cut

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sphinx.application import Sphinx

# ---- The head.

LONGEST = 160  # characters of a description; a search engine shows no more
DESCRIPTION = "Statistical mechanics of neural networks: an interactive textbook with running code."


def clipped(text: str, longest: int = LONGEST) -> str:
    """Return the beginning of a text, up to the last sentence or word that fits.

    Examples
    --------
    >>> clipped("Spins agree. Or they do not, which takes more words.", 30)
    'Spins agree.'
    >>> clipped("Spins agree with their neighbours.", 20)
    'Spins agree with …'
    """
    text = " ".join(text.split())
    if len(text) <= longest:
        return text
    sentences = re.match(rf".{{1,{longest - 1}}}[.?!](?= )", text)
    return sentences[0] if sentences else text[: longest - 1].rsplit(" ", 1)[0] + " …"


def described(doctree: nodes.document | None) -> str:
    """Return what a page is about: its first paragraph that is plain text of some length, not of a figure."""
    for paragraph in doctree.findall(nodes.paragraph) if doctree else []:
        formula, text = next(iter(paragraph.findall(nodes.math)), None), paragraph.astext()
        if text.startswith("Live figure."):
            continue
        if isinstance(paragraph.parent, nodes.section) and formula is None and len(text) > 60:
            return clipped(text)
    return DESCRIPTION


def head(metatags: str, description: str) -> str:
    """Return the tags of a head with a description, and without the second viewport, which docutils adds."""
    kept = re.sub(r'<meta name="(viewport|description)"[^>]*>', "", metatags)
    return f'{kept}<meta name="description" content="{html.escape(description, quote=True)}" />'


# ---- Images.


@cache
def size(path: Path) -> tuple[int, int]:
    """Return width and height of an image."""
    with Image.open(path) as image:
        return image.size


def lightened(folder: Path) -> None:
    """Keep what the notebooks have drawn as WebP without loss, which takes less than half of PNG."""
    for path in folder.glob("*.png"):
        with Image.open(path) as image:
            image.save(path.with_suffix(".webp"), lossless=True)
        path.unlink()


def placed(body: str, folder: Path) -> str:
    """Give each image of a page its size, and let it come only when the reader comes near."""

    def attributes(match: re.Match[str]) -> str:
        tag, source = match[0], match["source"]
        path = folder / source
        if "loading=" in tag or "://" in source or path.suffix == ".svg" or not path.is_file():
            return tag
        width, height = ("", "") if "width" in tag else size(path)
        held = f' width="{width}" height="{height}"' if width else ""
        return f'{tag.removesuffix("/>").rstrip()}{held} loading="lazy" decoding="async" />'

    return re.sub(r'<img (?:[^>]*? )?src="(?P<source>[^"]+)"[^>]*/>', attributes, body)


# ---- Pictures of live figures.

VIEW = re.compile(r'<script type="application/vnd\.jupyter\.widget-view\+json">(.*?)</script>', re.DOTALL)
STATE = "application/vnd.jupyter.widget-state+json"
PICTURES = Path(__file__).parents[1] / "_static" / "figures"


def kind(state: dict[str, Any]) -> str:
    """Return how the picture of a live figure is called.

    Examples
    --------
    >>> kind({"_anywidget_id": "smbook.widgets.IsingLab", "_aspect": ""})
    'IsingLab'
    >>> kind({"_anywidget_id": "smbook.widgets.AmplifierLab", "_aspect": "circuit", "circuit": "flip-flop"})
    'AmplifierLab-flip-flop'
    """
    name: str = state["_anywidget_id"].rpartition(".")[2]
    return f"{name}-{state[state['_aspect']]}" if state.get("_aspect") else name


def alternative(state: dict[str, Any]) -> str:
    """Return what the picture of a live figure shows, in words."""
    place, _, name = state["_anywidget_id"].rpartition(".")
    alt: str | dict[str, str] = getattr(importlib.import_module(place), name).alt
    return alt if isinstance(alt, str) else alt[state[state["_aspect"]]]


def states(context: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the states of the widgets of a page, by their ids."""
    found: dict[str, dict[str, Any]] = {}
    for asset in context["script_files"]:
        attributes = getattr(asset, "attributes", {})
        if attributes.get("type") == STATE:
            models = json.loads(attributes["body"])["state"]
            found |= {name: model["state"] for name, model in models.items()}
    return found


def picture(state: dict[str, Any], root: str) -> str:
    """Return what stands in the place of a live figure on paper and without scripts."""
    path = PICTURES / f"{kind(state)}.webp"
    if not path.exists():
        return ""
    width, height = size(path)
    words = html.escape(alternative(state), quote=True)
    return (
        f'<figure class="live-figure"><img src="{root}_static/figures/{path.name}" alt="{words}"'
        f' width="{width}" height="{height}" loading="lazy" />'
        "<figcaption><p>A picture of this kind of live figure. "
        "The figure itself runs in a browser with JavaScript.</p></figcaption></figure>"
    )


def pictured(body: str, found: dict[str, dict[str, Any]], root: str) -> str:
    """Put the pictures behind the live figures of a page."""

    def both(match: re.Match[str]) -> str:
        state = found.get(json.loads(match[1])["model_id"], {})
        return match[0] + (picture(state, root) if "_anywidget_id" in state else "")

    return VIEW.sub(both, body)


# ---- Questions in plain text, and places to link to.


def plain(state: dict[str, Any]) -> str:
    """Return what stands in the place of a question on paper and without scripts."""
    fields = "".join(f"<p>{html.escape(label)}: <span></span></p>" for label in state["_labels"])
    options = "".join(f"<li>{formulas(option)}</li>" for option in state["_options"])
    return (
        f'<div class="plain-question"><p><strong>Question</strong></p><p>{formulas(state["text"])}</p>'
        f"{fields}{f'<ul>{options}</ul>' if options else ''}"
        '<p class="on-screen">This page checks the answer where JavaScript is on.</p>'
        '<p class="on-paper">The page from which this was printed checks the answer.</p></div>'
    )


def formulas(text: str) -> str:
    r"""Return a text with its formulas marked for the page to set.

    Examples
    --------
    >>> formulas(r"Is \(x\) < 1?")
    'Is <span class="math notranslate nohighlight">\\(x\\)</span> &lt; 1?'
    """
    return re.sub(
        r"\\\(.*?\\\)",
        r'<span class="math notranslate nohighlight">\g<0></span>',
        html.escape(text, quote=False),
    )


def complemented(body: str, found: dict[str, dict[str, Any]]) -> str:
    """Put behind each question its plain text, and before each live figure the place that a link names."""
    labs = count(1)

    def both(match: re.Match[str]) -> str:
        state = found.get(json.loads(match[1])["model_id"], {})
        if state.get("_kind") == "question":
            return match[0] + plain(state)
        return f'<span id="lab-{next(labs)}"></span>{match[0]}' if "_anywidget_id" in state else match[0]

    return VIEW.sub(both, body)


def furnish(_app: Sphinx, page: str, _template: str, context: dict[str, Any], doctree: Any) -> None:
    """Complete the head and the body of a page."""
    context["metatags"] = head(context.get("metatags", ""), described(doctree))
    if "body" not in context:
        return
    root = "../" * page.count("/")
    found = states(context)
    context["body"] = complemented(pictured(context["body"], found, root), found)


def corrected(text: str) -> str:
    """Return a page with what the theme's templates cannot be told.

    A link to a notebook keeps it, where it would open it as text; where no script chooses the colours, they
    are the light ones, where the theme would have none.
    """
    text = re.sub(r'(<a href="[^"]*\.ipynb") target="_blank"', r"\1 download", text)
    text = re.sub(r'((?:src|href)="[^"]*_images/[0-9a-f]+)\.png"', r'\1.webp"', text)
    return text.replace('data-theme="auto">', 'data-theme="light">', 1)


# ---- Icons.

AWESOME = Path(pydata_sphinx_theme.__file__).parent / "theme/pydata_sphinx_theme/static/vendor/fontawesome"
RULE = re.compile(r'((?:\.fa-[\w-]+:{1,2}before,?)+)\{content:"((?:\\[0-9a-f]+|[^"])+)"\}')
PRIVATE = re.compile(r"[\ue000-\uf8ff]|\\(f[0-9a-f]{3})\b")  # characters of a style sheet that are icons


def built(static: Path) -> Iterator[str]:
    """Yield the texts that may name an icon: pages, and the scripts and styles that they load."""
    for path in static.parent.rglob("*.html"):
        yield path.read_text(encoding="utf8")
    for folder in (static, static / "scripts", static / "styles"):
        for path in (*folder.glob("*.js"), *folder.glob("*.css")):
            yield path.read_text(encoding="utf8")


def wanted(static: Path) -> tuple[set[str], set[int]]:
    """Return the names of the icons that the book shows, and the characters that style sheets use."""
    names: set[str] = set()
    characters: set[int] = set()
    for text in built(static):
        names |= set(re.findall(r"\bfa-[a-z0-9][\w-]*", text))
        characters |= {int(code, 16) if code else ord(sign[0]) for sign, code in signs(text)}
    return names, characters


def signs(text: str) -> list[tuple[str, str]]:
    """Return the icons that a style sheet names by their characters: as they stand there, and their codes."""
    return [(match[0], match[1]) for match in PRIVATE.finditer(text)]


def spare(static: Path) -> None:
    """Cut the icon fonts and their style sheet down to what the book shows."""
    names, characters = wanted(static)
    for sheet in AWESOME.glob("*/css/all.min.css"):
        target = static / "vendor" / "fontawesome" / sheet.relative_to(AWESOME)
        kept, codes = rules(sheet.read_text(encoding="utf8"), names)
        target.write_text(kept, encoding="utf8")
        for font in sheet.parents[1].glob("webfonts/*.woff2"):
            whole = TTFont(font, recalcTimestamp=False)  # or no two builds were the same
            cut(whole, characters | codes, target.parents[1] / "webfonts" / font.name)
        for unused in (*target.parents[1].glob("webfonts/*.ttf"), *target.parents[1].glob("js/*")):
            unused.unlink()


def rules(sheet: str, names: set[str]) -> tuple[str, set[int]]:
    """Return a style sheet of icons with the rules of those named, and their characters."""
    codes: set[int] = set()

    def chosen(match: re.Match[str]) -> str:
        if not names & set(re.findall(r"fa-[\w-]+", match[1])):
            return ""
        content = re.sub(r"\\([0-9a-f]+)", lambda code: chr(int(code[1], 16)), match[2])
        codes.update(map(ord, content))
        return match[0]

    kept = RULE.sub(chosen, sheet)
    return re.sub(r',url\([^)]*\.ttf\) format\("truetype"\)', "", kept), codes


def finish(app: Sphinx, exception: Exception | None) -> None:
    """Do what needs the whole book."""
    if app.builder.format != "html" or exception:
        return
    lightened(Path(app.outdir, "_images"))
    for path in Path(app.outdir).rglob("*.html"):
        text = path.read_text(encoding="utf8")
        if (changed := placed(corrected(text), path.parent)) != text:
            path.write_text(changed, encoding="utf8")
    spare(Path(app.outdir, "_static"))


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect to Sphinx."""
    app.connect("html-page-context", furnish, priority=950)  # behind live, which rewrites the widgets' state
    app.connect("build-finished", finish)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
