"""The questions on the built pages, answered in Chromium as readers answer them."""

from __future__ import annotations

import base64
import json

import pytest

from smbook.widgets.question import _stream
from tests.browser import PAGES, Visit, states_on, watched

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


@pytest.mark.parametrize("name", ASKED)
@pytest.mark.parametrize("scheme", ["file", "http"])
def test_the_questions_of_a_page_are_answered_and_remembered(browser, addresses, scheme, name):
    context, visit = browser.new_context(), Visit(name)
    page = watched(context, addresses[scheme], visit)
    page.route("**/mathjax/*.js*", lambda route: route.fulfill(body="", content_type="text/javascript"))
    page.goto(addresses[scheme] + name)
    roots = asked_on(page, name)
    for number, (root, state) in enumerate(zip(roots, ASKED[name], strict=True), start=1):
        assert root.get_attribute("data-question") == f"question-{number}"
        wrong = {"number": ["123456789"], "measured": ["123456789", "1e-9"]}
        wrong["choice"] = [option for option in state["_options"] if [option] != right_answer(state)][:1]
        assert give(root, wrong[state["_form"]]).startswith("✗ Not yet.")
        assert give(root, right_answer(state)).startswith("✓ Right.")
    assert page.evaluate(KEPT) == len(roots)
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


# What stands in the place of a question.


def words_of(state):
    """Return the text of a question, and its options or labels."""
    return [state["text"], *state["_options"], *state["_labels"]]


@pytest.mark.parametrize("name", ASKED)
def test_without_scripts_the_questions_are_there_to_be_read(browser, addresses, name):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(addresses["file"] + name)
    written = page.locator(".plain-question").all()
    for root, state in zip(written, ASKED[name], strict=True):
        assert root.is_visible()
        shown = root.inner_text()
        assert all(words in shown for words in words_of(state))
        assert shown.endswith("This page checks the answer where JavaScript is on.")
        page.emulate_media(media="print")
        assert root.inner_text().endswith("The page from which this was printed checks the answer.")
        page.emulate_media(media="screen")
    context.close()


@pytest.mark.parametrize("name", ASKED)
def test_each_question_stands_once_on_the_screen_and_once_on_paper(browser, addresses, name):
    context = browser.new_context()
    page = context.new_page()
    page.route("**/mathjax/*.js*", lambda route: route.fulfill(body="", content_type="text/javascript"))
    page.goto(addresses["file"] + name)
    live, written = asked_on(page, name), page.locator(".plain-question").all()
    assert [root.is_visible() for root in live] == [True] * len(ASKED[name])
    assert [root.is_visible() for root in written] == [False] * len(ASKED[name])
    page.emulate_media(media="print")
    text = page.locator("article").first.inner_text()
    assert [text.count(state["text"]) for state in ASKED[name]] == [1] * len(ASKED[name])
    assert [root.is_visible() for root in live] == [False] * len(ASKED[name])
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
