"""Labs alone on pages of their own."""

import pytest

from tests.browser import DESKTOP, Lab
from tests.widgets.alone import written


@pytest.fixture
def alone(browser, tmp_path):
    """Show a lab alone on a page, on which nothing may go wrong."""
    pages, errors = [], []

    def show(lab, *, viewport=DESKTOP, name="", **options):
        page = browser.new_page(viewport=viewport, **options)
        pages.append(page)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        page.goto(written(lab, tmp_path / "page.html", name=name))
        page.locator(".smbook-lab").evaluate("e => { e.dataset.lab = 'lab-1'; }")
        return Lab(page, "lab-1")

    yield show
    for page in pages:
        page.close()
    assert errors == []
