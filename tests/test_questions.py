"""The questions on the built pages, answered in Chromium as readers answer them."""

from __future__ import annotations

import base64
import json

import pytest

from smbook.widgets.question import _stream
from tests.browser import PAGES, Visit, states_on, watched, without_formulas

pytestmark = pytest.mark.browser

ASKED = {page: states for page in PAGES if (states := states_on(page, "question"))}


def right_answer(state):
    """Return what a reader who knows the answer types or chooses."""
    sealed = base64.b64decode(state["_sealed"])
    rule = json.loads(
        bytes(byte ^ noise for byte, noise in zip(sealed, _stream(state["_key"]), strict=False))
    )
    if state["_form"] == "choice":
        return [state["_options"][int(rule["answer"])]]
    return [repr(rule["answer"]), *([repr(rule["largest"] / 2)] if state["_form"] == "measured" else [])]


def give(root, entry):
    """Give an answer, and return what the page says."""
    fields = root.get_by_role("textbox").all()
    for field, text in zip(fields, entry if fields else (), strict=True):
        field.fill(text)
    if not fields:
        root.get_by_role("radio", name=entry[0], exact=True).check()
    root.get_by_role("button", name="Check").click()
    return root.get_by_role("status").inner_text()


def asked_on(page, name):
    """Return the places of the questions of an open page, once all are there."""
    root = page.locator(".smbook-question")
    root.nth(len(ASKED[name]) - 1).wait_for()
    return root.all()


def badge(root):
    return root.get_by_text("✓ solved", exact=True)


KEPT = "Object.keys(localStorage).filter(name => name.startsWith('smbook question')).length"


def test_there_are_questions():
    assert len(ASKED) >= 2


def one_of_each_form():
    """List few pages that ask questions of every form."""
    first = {state["_form"]: page for page in reversed(ASKED) for state in ASKED[page]}
    return list(dict.fromkeys(first.values()))


def open_page(context, home, name, visit):
    """Open a page with questions in `context`, without formulas, and figures at rest: both take seconds."""
    page = watched(context, home, visit)
    page.emulate_media(reduced_motion="reduce")
    without_formulas(page)
    page.goto(home + name)
    return page


def answer_all(page, name):
    """Answer the questions of an open page, each wrong and then right."""
    for number, (root, state) in enumerate(zip(asked_on(page, name), ASKED[name], strict=True), start=1):
        assert root.get_attribute("data-question") == f"question-{number}"
        wrong = {"number": ["123456789"], "measured": ["123456789", "1e-9"]}
        wrong["choice"] = [option for option in state["_options"] if [option] != right_answer(state)][:1]
        assert give(root, wrong[state["_form"]]).startswith("✗ Not yet.")
        assert give(root, right_answer(state)).startswith("✓ Right.")
    assert page.evaluate(KEPT) == len(ASKED[name])


def stand_once(page, name):
    """See that each question of an open page is on the screen live, and on paper written, and never twice."""
    live, written = asked_on(page, name), page.locator(".plain-question").all()
    assert [root.is_visible() for root in live] == [True] * len(ASKED[name])
    assert [root.is_visible() for root in written] == [False] * len(ASKED[name])
    page.emulate_media(media="print")
    text = page.locator("article").first.inner_text()
    assert [text.count(state["text"]) for state in ASKED[name]] == [1] * len(ASKED[name])
    assert [root.is_visible() for root in live] == [False] * len(ASKED[name])
    page.emulate_media(media="screen")


@pytest.mark.parametrize("name", ASKED)
def test_the_questions_of_a_page_stand_once_and_are_answered(browser, addresses, name):
    context, visit = browser.new_context(), Visit(name)
    page = open_page(context, addresses["file"], name, visit)
    stand_once(page, name)
    answer_all(page, name)
    assert visit.troubles == []
    context.close()


@pytest.mark.parametrize("name", one_of_each_form())
@pytest.mark.parametrize("scheme", ["file", "http"])
def test_what_is_solved_is_remembered_on_its_page_alone(browser, addresses, scheme, name):
    """What is kept, and where, depends on origin and form; each page counts it above."""
    context, visit = browser.new_context(), Visit(name)
    page = open_page(context, addresses[scheme], name, visit)
    answer_all(page, name)
    page.reload()
    if page.evaluate(KEPT) == 0:  # Chromium writes late, and once in some hundred reloads it loses all of it
        for root, state in zip(asked_on(page, name), ASKED[name], strict=True):
            give(root, right_answer(state))
        page.reload()
    for root in asked_on(page, name):
        badge(root).wait_for()
    other = next(page for page in ASKED if page != name)
    page.goto(addresses[scheme] + other)
    assert not any(badge(root).is_visible() for root in asked_on(page, other))
    assert visit.troubles == []
    context.close()


def test_a_second_window_of_a_page_learns_what_is_solved_and_forgotten(browser, addresses):
    name = next(iter(ASKED))
    context = browser.new_context()
    first, second = (watched(context, addresses["http"], Visit(name)) for _ in range(2))
    for page in (first, second):
        page.goto(addresses["http"] + name)
    here, there = (asked_on(page, name)[0] for page in (first, second))
    assert give(here, right_answer(ASKED[name][0])).startswith("✓ Right.")
    badge(there).wait_for()
    there.get_by_role("button", name="Forget that I solved it").click()
    badge(here).wait_for(state="hidden")
    assert not any(badge(root).is_visible() for root in asked_on(first, name))
    context.close()


def test_a_link_in_the_text_leads_to_a_live_figure(browser, addresses):
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.goto(addresses["file"] + "ising/monte-carlo.html")
    page.locator("[data-lab=lab-1] canvas").first.wait_for()
    page.get_by_role("link", name="the first live figure").click()
    page.wait_for_function(
        """() => {
            const { top, bottom } = document.querySelector("[data-lab=lab-1]").getBoundingClientRect();
            return top >= 0 && top < 300 && bottom > top;
        }"""
    )
    context.close()
