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
