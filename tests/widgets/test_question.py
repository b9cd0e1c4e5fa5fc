"""Question: what Python refuses and judges, and the same on a page that Chromium opens from a file."""

import itertools
import json
import math

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from hypothesis import example, given
from hypothesis import strategies as st
from ipywidgets.embed import embed_data

from smbook.theory import ising as theory
from smbook.widgets import Question, _modules
from smbook.widgets.question import _measured, _number, read
from tests.widgets.alone import written

ANSWER = theory.CRITICAL_BETA  # 0.4406868


def critical(**changes):
    """Return a question for a number, with the hints of a teacher."""
    arguments = {
        "tolerance": 0.001,
        "hints": [
            (1 / theory.CRITICAL_BETA, "That is T, not β."),
            (0.25, "That is mean field.", 0.01),
        ],
        "advice": "Set sinh 2K to 1.",
        "because": "There sinh 2K = 1.",
    }
    return Question("What is βJ at the transition?", ANSWER, **arguments | changes)


def choice(**changes):
    arguments = {"options": ["a ring", "a sheet", "neither"], "hints": [("a ring", "A wall costs 2J.")]}
    return Question("Which one orders?", "a sheet", **arguments | changes)


def measured(**changes):
    arguments = {"largest_error": 0.05, "unit": "J", "hints": [(1.0, "That is the field.", 0.05)]}
    return Question("How wide is the loop?", -0.37, **arguments | changes)


QUESTIONS = {"number": critical, "choice": choice, "measured": measured}


# Numbers that readers type

TYPED = {
    "0.5": 0.5,
    " 0,5 ": 0.5,
    ".5": 0.5,
    "5.": 5.0,
    "+2": 2.0,
    "\u22122": -2.0,
    "1e-3": 1e-3,
    "1E+3": 1000.0,
    "\u22121,5e\u22123": -1.5e-3,
    "1/3": 1 / 3,
    "\u22121 / 3": -1 / 3,
    "0,5/2": 0.25,
    "1\u202f/\u00a04": 0.25,
    "007": 7.0,
    "1/1e999": 0.0,
    "0": 0.0,
    "61 200": 61200.0,
    "1\u00a0234\u2009567\u202f890,5": 1234567890.5,
    "1,234,567": 1234567.0,
    "\u22121,234.5": -1234.5,
    "1,234,567/1,000,000": 1.234567,
    "0,500": 0.5,
    "1234,567": 1234.567,
    "1,2345": 1.2345,
    "\u30001": 1.0,
    "\ufeff1\n": 1.0,
}
# Where a comma may group digits, two numbers may be meant.
DOUBTFUL = {
    "61,200": (61.2, 61200.0),
    " \u22121,500e3": (-1500.0, -1.5e6),
    "2/1,000": (2.0, 0.002),
    "10,000/1,000": (10.0,),
}
NONSENSE = [
    *("", " ", "a lot", "1,23.4", "1.2.3", "1/0", "0/0", "1/2/3", "1e999", "1e", "e3", "--1", "1 2", "0x10"),
    *("NaN", "Infinity", "1/", "/2", "50%", "½", "٣", "1_000", "2+2", "alert(1)", "1e308/1e-308"),
    *("61 20", "1234 567", "61  200", "0 200", "1,,000", "1,234,56", "1\x85", "1.234 567", "1.234,567"),
]


@pytest.mark.parametrize(("text", "number"), TYPED.items())
def test_numbers_are_read_as_readers_type_them(text, number):
    assert read(text)[0] == number


@pytest.mark.parametrize("text", NONSENSE)
def test_nonsense_is_no_number(text):
    assert read(text) == []


@pytest.mark.parametrize(("text", "numbers"), DOUBTFUL.items())
def test_a_comma_is_a_decimal_point_or_groups_digits(text, numbers):
    assert tuple(read(text)) == numbers


# The verdict in Python


@pytest.mark.parametrize(
    ("value", "right", "words"),
    [
        (ANSWER, True, "There sinh 2K = 1."),
        (ANSWER + 0.00099, True, "There sinh 2K = 1."),
        (ANSWER + 0.00101, False, ""),
        ("0,4407", True, "There sinh 2K = 1."),
        (np.float32(0.4407), True, "There sinh 2K = 1."),
        (2.2692, False, "That is T, not β."),
        (2.2712, False, ""),
        (0.259, False, "That is mean field."),
        (0.261, False, ""),
        (-0.4407, False, "The size is right, the sign is not."),
        (12, False, ""),
    ],
)
def test_a_number_is_right_within_its_tolerance_and_a_usual_mistake_has_its_hint(value, right, words):
    assert critical().check(value) == (right, words)


@pytest.mark.parametrize(
    ("typed", "right", "words"),
    [
        ("61,200", True, ""),
        ("61\u202f200", True, ""),
        ("61,2", False, ""),
        ("62,900", False, "“62,900” was read as 62.9; type 62900 if you mean that."),
        (" 30,000 ", False, "“30,000” was read as 30; type 30000 if you mean that."),
        ("-61,200", False, "“-61,200” was read as -61.2; type -61200 if you mean that."),
        ("0,061", False, ""),
        ("1,061", False, "One and a bit."),
    ],
)
def test_a_comma_that_groups_digits_is_forgiven_or_told(typed, right, words):
    question = Question("?", 61145, relative_tolerance=0.02, hints=[(1.06, "One and a bit.")])
    assert question.check(typed) == (right, words)
    assert Question("?", 61.2, tolerance=0.1).check("61,200").right


def test_a_comma_that_groups_digits_is_forgiven_in_a_measured_value_and_its_error():
    question = Question("?", 61_200, largest_error=2000)
    assert question.check("61,100", "1,000").right
    assert question.check("61,200", 10).right
    words = question.check("62,000", "1,00").words
    assert words.startswith("“62,000” was read as 62; type 62000 if you mean that. That is more than")


def test_the_tolerance_itself_is_within_the_tolerance():
    question = Question("?", 0.3, tolerance=0.1)
    assert 0.4 - 0.3 > 0.1
    assert [question.check(value).right for value in (0.4, 0.2, 0.4001, 0.1999)] == [True, True, False, False]
    assert Question("?", 7, tolerance=0).check("7").right
    assert not Question("?", 7, tolerance=0).check(7.001).right


def test_a_relative_tolerance_is_one_of_the_answer_and_of_each_hint():
    question = Question("?", -200.0, relative_tolerance=0.01, hints=[(1000.0, "Five times too much.")])
    assert [question.check(value).right for value in (-198, -202, -197.9, 200)] == [True, True, False, False]
    assert question.check(1009).words == "Five times too much."
    assert question.check(1011).words == ""


def test_a_choice_is_right_or_has_its_hint():
    assert choice().check("a sheet") == (True, "")
    assert choice().check("a ring") == (False, "A wall costs 2J.")
    assert choice().check("neither") == (False, "")


@pytest.mark.parametrize(
    ("value", "error", "right", "words"),
    [
        (-0.37, 0.01, True, ""),
        (-0.399, 0.01, True, ""),
        (-0.401, 0.01, False, "an honest error bar misses now and then: measure again"),
        (-0.419, 0.01, False, "an honest error bar misses now and then"),
        (-0.421, 0.01, False, "Is the error too small"),
        (-0.38, 0.001, False, "more than three of your errors"),
        (-0.37, 0.05, True, ""),
        (-0.37, 0.051, False, "An error of at most 0.05 is asked for"),
        (1.04, 0.01, False, "That is the field."),
        (0.36, 0.01, False, "The size is right, the sign is not."),
    ],
)
def test_a_measured_value_is_right_within_three_of_its_own_errors(value, error, right, words):
    verdict = measured().check(value, error)
    assert verdict.right == right
    assert words in verdict.words


@pytest.mark.parametrize(
    ("question", "arguments", "error", "words"),
    [
        (critical, ("a lot",), ValueError, "value must be a number such as .*; got 'a lot'"),
        (critical, (math.nan,), ValueError, "value must be finite; got nan"),
        (critical, (None,), TypeError, "value must be a real number; got None"),
        (critical, (True,), TypeError, "value must be a real number; got True"),
        (critical, (0.4, 0.1), TypeError, "error must be given for a measured value, .* got 0.1"),
        (choice, ("both",), ValueError, "value must be one of 'a ring', .*; got 'both'"),
        (choice, (1,), ValueError, "value must be one of 'a ring', .*; got 1"),
        (measured, (0.4,), TypeError, "error must be given .*; got None"),
        (measured, (0.4, 0.0), ValueError, r"error must be positive; got 0\.0"),
        (measured, (0.4, "-1"), ValueError, "error must be positive; got '-1'"),
        (measured, (0.4, "tiny"), ValueError, "error must be a number such as .*; got 'tiny'"),
    ],
)
def test_what_cannot_be_judged_is_refused(question, arguments, error, words):
    with pytest.raises(error, match=words):
        question().check(*arguments)


def test_too_rough_a_measurement_is_told_in_the_words_of_the_author():
    generic = "An error of at most 0.05 is asked for: measure longer, or more often."
    assert measured().check(-0.37, 0.1) == (False, generic)
    own = "An error of at most 0.05 is asked for. Take smaller steps."
    assert measured(advice="Take smaller steps.").check(-0.37, 0.1) == (False, own)
    assert "at most 0.0123456789 is" in measured(largest_error=0.0123456789).check(0, 1).words


# The answer that the page shows


@pytest.mark.parametrize(
    ("answer", "within", "shown"),
    [
        (61145, 1223, "61100"),
        (61145, 60, "61140"),
        (1000, 100, "1000"),
        (999.99, 1, "1000"),
        (theory.CRITICAL_BETA, 0.001, "0.4407"),
        (-1 / 3, 0, "\u22120.3333333333333333"),
        (123456789.123, 0, "123456789.123"),
        (1e-4, 1e-9, "0.0001"),
        (-1.25e-5, 0, "\u22121.25e\u22125"),
        (9e14, 0, "900000000000000"),
        (6.02e23, 1e20, "6.02e23"),
        (-0.0, 0.1, "0"),
        (7, 1000, "7"),
    ],
)
def test_the_answer_is_shown_with_few_digits_as_one_writes_it(answer, within, shown):
    assert _number(answer, within, None)["shown"] == shown


def test_the_answer_of_a_measurement_is_shown_more_sharply_than_it_is_asked_for():
    assert measured()._rule["shown"] == "\u22120.37 J"
    assert _measured(-0.266422, 0.01, "")["shown"] == "\u22120.2664"


FINITE = st.floats(allow_nan=False, allow_infinity=False)
POSITIVE = st.floats(min_value=0, exclude_min=True, allow_infinity=False)


@given(FINITE, st.one_of(POSITIVE, st.just(0.0)))
@example(1e308, 0.1)
@example(1.0, 1e-320)
@example(1e308, 1e308)
@example(1e-300, 1e308)
@example(1.7976931348623157e308, 1.7976931348623157e308)
def test_whatever_the_numbers_what_is_shown_is_right_when_it_is_typed(answer, within):
    rule = _number(answer, within, None)
    assert math.isfinite(rule["reach"])
    assert abs(read(rule["shown"])[0] - answer) <= within / 10
    assert ("e" in rule["shown"]) == (answer != 0 and not 9.5e-5 < abs(read(rule["shown"])[0]) < 1e15)
    if within > 0.0:
        rule = _measured(answer, within, "")
        assert math.isfinite(rule["largest"])
        assert abs(read(rule["shown"])[0] - answer) <= within / 100


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (1e308, {"tolerance": 0.1}),
        (1.0, {"tolerance": 1e-320}),
        (1e308, {"tolerance": 1e308}),
        (1e-300, {"tolerance": 1e308}),
        (-1.7976931348623157e308, {"relative_tolerance": 1}),
        (5e-324, {"relative_tolerance": 0.1}),
        (1e308, {"largest_error": 1.7976931348623157e308}),
        (1.0, {"largest_error": 5e-324}),
    ],
)
def test_a_question_may_have_extreme_numbers(answer, kind):
    question = Question("?", answer, **kind)
    error = ["5e-324"] if "largest_error" in kind else []
    assert question.check(question._rule["shown"], *error).right
    assert question.check(answer, *error).right


# What a question is made of


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"text": ""}, ValueError, "text must not be empty; got ''"),
        ({"text": 3}, TypeError, "text must be a text; got 3"),
        ({"answer": "0.44"}, TypeError, "answer must be a real number; got '0.44'"),
        ({"answer": math.nan}, ValueError, "answer must be finite; got nan"),
        ({"answer": None}, TypeError, "answer must be a real number; got None"),
        ({"tolerance": -1.0}, ValueError, r"tolerance must be at least 0; got -1\.0"),
        ({"tolerance": "wide"}, TypeError, "tolerance must be a real number; got 'wide'"),
        ({"tolerance": None}, ValueError, "give one of tolerance, .*; got none"),
        ({"relative_tolerance": 0.1}, ValueError, "got tolerance, relative_tolerance"),
        (
            {"tolerance": None, "relative_tolerance": 2},
            ValueError,
            "relative_tolerance must be at most 1; got 2",
        ),
        (
            {"tolerance": None, "relative_tolerance": 0.1, "answer": 0},
            ValueError,
            "an answer of 0 has no relative_tolerance",
        ),
        ({"tolerance": None, "largest_error": 0}, ValueError, "largest_error must be positive; got 0"),
        ({"tolerance": None, "options": "abc"}, TypeError, "options must be a sequence; got 'abc'"),
        ({"tolerance": None, "options": 3}, TypeError, "options must be a sequence; got 3"),
        ({"tolerance": None, "options": ["a"]}, ValueError, r"two or more different ones; got \['a'\]"),
        ({"tolerance": None, "options": ["a", "a"]}, ValueError, "two or more different ones"),
        ({"tolerance": None, "options": ["a", 1]}, TypeError, "each option must be a text; got 1"),
        ({"tolerance": None, "options": ["a", "b"]}, ValueError, "answer must be one of 'a', 'b'; got 0.44"),
        ({"unit": 1}, TypeError, "unit must be a text; got 1"),
        ({"advice": None}, TypeError, "advice must be a text; got None"),
        ({"because": 1}, TypeError, "because must be a text; got 1"),
        ({"reveal": 1}, TypeError, "reveal must be True or False; got 1"),
        ({"hints": "none"}, TypeError, "hints must be a sequence; got 'none'"),
        ({"hints": 1}, TypeError, "hints must be a sequence; got 1"),
        ({"hints": [(1.0,)]}, TypeError, r"each hint must be a tuple .*; got \(1\.0,\)"),
        ({"hints": ["12"]}, TypeError, "each hint must be a tuple .*; got '12'"),
        ({"hints": [("a", "b")]}, TypeError, "the value of a hint must be a real number; got 'a'"),
        ({"hints": [(1.0, "")]}, ValueError, "the words of a hint must not be empty"),
        ({"hints": [(1.0, "b", -1)]}, ValueError, "the tolerance of a hint must be at least 0; got -1"),
        ({"hints": [(0.4408, "b")]}, ValueError, "a hint for 0.4408 would never be said"),
        ({"solution": 1}, TypeError, "Question has no argument 'solution'"),
    ],
)
def test_a_bad_question_is_refused(changes, error, words):
    arguments = {"text": "What is βJ?", "answer": ANSWER, "tolerance": 0.001} | changes
    with pytest.raises(error, match=words):
        Question(arguments.pop("text"), arguments.pop("answer"), **arguments)


@pytest.mark.parametrize("hint", [("a sheet", "b"), ("both", "b"), ("a ring", "b", 0.1)])
def test_a_bad_hint_for_a_choice_is_refused(hint):
    with pytest.raises((TypeError, ValueError), match="hint"):
        choice(hints=[hint])


def test_a_question_can_be_watched_but_not_be_set():
    question, seen = critical(), []
    question.observe(lambda change: seen.append((change.name, change.new)), ["solved", "attempts"])
    question.set_state({"solved": True, "attempts": 2})
    assert seen == [("solved", True), ("attempts", 2)]
    for name, value in (("solved", False), ("attempts", 0), ("text", "?")):
        with pytest.raises(Exception, match="read-only"):
            setattr(question, name, value)


def test_the_repr_does_not_tell_the_answer():
    assert repr(critical()) == "Question('What is βJ at the transition?', tolerance=0.001)"
    assert repr(measured()) == "Question('How wide is the loop?', largest_error=0.05)"
    assert repr(choice()) == "Question('Which one orders?', options=['a ring', 'a sheet', 'neither'])"


@pytest.mark.parametrize("kind", QUESTIONS)
def test_the_state_is_whole_and_small_and_the_same_each_time(kind):
    question = QUESTIONS[kind]()
    embedded = embed_data([question])["manager_state"]["state"][question.model_id]["state"]
    assert set(embedded) == set(question.keys)
    assert embedded["_kind"] == "question"
    own = {name: value for name, value in embedded.items() if name not in ("_esm", "_css", "layout")}
    assert 100 < len(json.dumps(own)) < 3000
    assert own == {name: QUESTIONS[kind]().get_state()[name] for name in own}


def test_each_question_has_a_key_of_its_own():
    """A question judged or explained in another way is another one, even with the same text."""
    same = [critical, choice, measured]
    others = [critical(tolerance=0.01), critical(because=""), choice(options=["a ring", "a sheet"])]
    others += [Question("What is it?", answer, tolerance=0.1) for answer in (1, 2)]
    keys = [question()._key for question in same]
    assert keys == [question()._key for question in same]
    assert len({*keys, *(question._key for question in others)}) == 8


# The same on a page


class Shown:
    """A question on an open page, and what a reader does with it."""

    def __init__(self, page):
        self.page = page
        self.root = page.locator(".smbook-question")
        self.root.locator("button").first.wait_for()

    def type(self, *entry):
        """Type an entry by keyboard and press Enter."""
        for field, text in zip(self.root.get_by_role("textbox").all(), entry, strict=True):
            field.fill(text)
        field.press("Enter")
        return self.status

    def choose(self, option):
        self.root.get_by_role("radio", name=option, exact=True).check()
        self.button("Check").click()
        return self.status

    def button(self, name):
        return self.root.get_by_role("button", name=name)

    def has(self, name):
        return self.button(name).count() == 1

    @property
    def status(self):
        return self.root.get_by_role("status").inner_text()

    @property
    def state(self):
        return self.page.evaluate("[model.get('solved'), model.get('attempts')]")

    @property
    def solved(self):
        return self.root.get_by_text("solved", exact=False).first.is_visible() and self.state[0]


@pytest.fixture
def page(browser):
    context = browser.new_context(offline=True)
    page = context.new_page()
    page.errors, page.asked = [], []
    page.on("console", lambda message: page.errors.append(message.text))
    page.on("pageerror", lambda error: page.errors.append(str(error)))
    page.on("request", lambda request: page.asked.append(request.url))
    yield page
    assert page.errors == []
    strangers = [url for url in page.asked if not (url.endswith(".html") or url.startswith("blob:"))]
    assert strangers == []
    context.close()


@pytest.fixture
def show(page, tmp_path):
    """Return a function that writes a page for a question and opens it."""

    def opened(question, name="page.html"):
        page.goto(written(question, tmp_path / name))
        return Shown(page)

    return opened


@pytest.mark.browser
def test_wrong_then_the_hint_then_right(show):
    shown = show(critical())
    assert not shown.solved
    assert shown.type("0.6") == "✗ Not yet."
    assert shown.type("2,269") == "✗ Not yet. That is T, not β. Hint: Set sinh 2K to 1."
    assert shown.state == [False, 2]
    assert shown.type("0.4407") == "✓ Right. There sinh 2K = 1."
    assert shown.solved
    assert shown.state == [True, 3]
    assert shown.page.evaluate("[saved.solved, saved.attempts]") == [True, 3]


@pytest.mark.browser
def test_a_verdict_is_announced_and_the_field_has_a_label_and_a_question(show):
    shown = show(critical(unit="1"))
    status = shown.root.get_by_role("status")
    assert status.get_attribute("aria-live") == "polite"
    field = shown.root.get_by_role("textbox", name="Your answer in 1", exact=True)
    described = field.get_attribute("aria-describedby")
    assert shown.page.locator(f"#{described}").inner_text() == "What is βJ at the transition?"
    assert shown.root.get_attribute("aria-labelledby") == described


@pytest.mark.browser
def test_nonsense_is_told_in_words_and_is_no_attempt(show):
    shown = show(measured())
    words = "This page cannot read “a lot” as a number. Type one such as 0.5, \u22122, 1e-3 or 1/3."
    assert shown.type("a lot", "0.01") == words
    invalid = [field.get_attribute("aria-invalid") for field in shown.root.get_by_role("textbox").all()]
    assert invalid == ["true", None]
    assert shown.type("0.3", "") == "Fill in both fields."
    assert "An error is greater than 0" in shown.type("0.3", "0")
    assert "at most 0.05" in shown.type("0.3", "0.2")
    assert shown.state == [False, 0]
    assert shown.root.locator("[aria-invalid]").count() == 0
    assert show(critical(), "number.html").type(" ") == "Type an answer first."


@pytest.mark.browser
def test_a_comma_that_groups_digits_is_forgiven_or_told_on_a_page(show):
    many = Question("How many?", 61145, relative_tolerance=0.02)
    shown = show(many)
    words = "✗ Not yet. “62,900” was read as 62.9; type 62900 if you mean that."
    assert shown.type("62,900") == words
    assert shown.type("61,200") == "✓ Right."
    shown.page.reload()
    shown = Shown(shown.page)
    assert shown.solved
    assert shown.root.get_by_role("textbox").input_value() == "61,200"


@pytest.mark.browser
def test_a_rough_measurement_counts_for_the_advice_but_not_for_the_answer(show):
    shown = show(measured(advice="Wait."))
    for _ in range(2):
        assert shown.type("-0.3", "0.1") == "An error of at most 0.05 is asked for. Wait."
    assert "Hint: Wait." in shown.type("-0.9", "0.01")
    assert shown.state == [False, 1]
    for error in ("0.2", "0.3", "0.4", "0.5"):
        shown.type("-0.3", error)
    assert not shown.has("Show the answer")


@pytest.mark.browser
def test_a_choice(show):
    shown = show(choice())
    shown.button("Check").click()
    assert shown.status == "Choose one of the answers first."
    assert shown.choose("a ring") == "✗ Not yet. A wall costs 2J."
    assert shown.choose("a ring") == "✗ Not yet; you have tried that before. A wall costs 2J."
    assert shown.state == [False, 1]
    assert shown.choose("a sheet") == "✓ Right."
    assert shown.solved


@pytest.mark.browser
def test_a_measured_value(show):
    shown = show(measured())
    labels = shown.root.locator("label").all_inner_texts()
    assert labels == ["Your value in J", "its error (at most 0.05)"]
    assert "more than three of your errors" in shown.type("−0.45", "0.02")
    assert "the sign is not" in shown.type("0.36", "0.02")
    assert shown.type("−0,40", "0,02") == "✓ Right."


@pytest.mark.browser
def test_after_four_wrong_answers_the_page_shows_the_answer_if_it_may(show):
    shown = show(critical())
    for text in ("1", "2", "3", "3.0"):
        assert "let the page show" not in shown.type(text)
    assert not shown.has("Show the answer")
    assert shown.type("4").endswith("If you like, let the page show the answer.")
    shown.button("Show the answer").click()
    assert shown.status == "The answer is 0.4407. There sinh 2K = 1."
    assert shown.state == [False, 4]
    shown = show(critical(reveal=False), "secret.html")
    for text in ("1", "2", "3", "4", "5"):
        shown.type(text)
    assert not shown.has("Show the answer")


@pytest.mark.browser
@pytest.mark.parametrize(
    ("kind", "entry"), [("number", ["0.4407"]), ("choice", ["a sheet"]), ("measured", ["-0.36", "0.01"])]
)
def test_what_is_solved_stays_on_its_page_until_it_is_forgotten(show, kind, entry):
    make = QUESTIONS[kind]
    shown = show(make())
    assert not shown.has("Forget")
    shown.choose(*entry) if kind == "choice" else shown.type(*entry)
    shown.page.reload()
    shown = Shown(shown.page)
    assert shown.solved
    assert shown.status.startswith("✓ Solved before.")
    if kind != "choice":
        assert [field.input_value() for field in shown.root.get_by_role("textbox").all()] == entry
    assert not show(make(), "another.html").solved
    shown = show(make())
    assert shown.solved
    shown.button("Forget").click()
    assert not shown.solved
    assert shown.state == [False, 0]
    shown.page.reload()
    assert not Shown(shown.page).solved


@pytest.mark.browser
@pytest.mark.parametrize(("answer", "said"), [("Why?", "Why?"), ("No.", "No."), ("a sheet", "a sheet.")])
def test_an_answer_that_ends_a_sentence_gets_no_second_end(show, answer, said):
    shown = show(Question("?", answer, options=[answer, *"abcd"]))
    for option in "abcd":
        shown.choose(option)
    shown.button("Show the answer").click()
    assert shown.status == f"The answer is {said}"


@pytest.mark.browser
def test_two_views_of_a_question_show_the_same(show):
    shown = show(critical())
    shown.page.evaluate(
        """async () => {
            const { default: widget } = await import(code);
            const second = document.querySelector("main").appendChild(document.createElement("section"));
            widget.render({ model, el: second });
        }"""
    )
    second, first = shown.page.locator("section.smbook-question"), shown.page.locator("div.smbook-question")
    first.get_by_role("textbox").fill("0,4407")
    first.get_by_role("button", name="Check").click()
    assert second.get_by_role("textbox").input_value() == "0,4407"
    assert second.get_by_role("status").inner_text() == "✓ Solved before. There sinh 2K = 1."
    assert first.get_by_role("status").inner_text() == "✓ Right. There sinh 2K = 1."
    assert shown.state == [True, 1]
    second.get_by_role("button", name="Forget").click()
    assert first.get_by_role("textbox").input_value() == ""
    assert "open again" in first.get_by_role("status").inner_text()
    assert not first.get_by_text("✓ solved", exact=True).is_visible()
    assert shown.state == [False, 0]


@pytest.mark.browser
def test_an_answer_that_is_right_no_more_is_not_solved(show):
    show(critical()).type("0.4407")
    assert not show(critical(hints=[], tolerance=0.002)).solved


STORE = "([key, value]) => localStorage.setItem(`smbook question ${location.pathname} ${key}`, value)"


@pytest.mark.browser
def test_a_memory_that_makes_no_sense_is_no_memory(show):
    shown = show(critical())
    for stored in ("{", "null", "3", "[]", '["a","b"]', '[{"a": 1}]', '["what"]'):
        shown.page.evaluate(STORE, [critical()._key, stored])
        shown.page.reload()
        shown = Shown(shown.page)
        assert not shown.solved
    shown.page.evaluate(STORE, [critical()._key, '["0.4407"]'])
    shown.page.reload()
    assert Shown(shown.page).solved


@pytest.mark.browser
def test_a_browser_that_remembers_nothing_still_judges(show, page):
    page.add_init_script(
        "Object.defineProperty(window, 'localStorage', {get() { throw new DOMException('no'); }})"
    )
    shown = show(critical())
    assert shown.type("0.4407").startswith("✓ Right.")
    shown.button("Forget").click()
    assert not shown.solved


@pytest.mark.browser
def test_by_keyboard_alone(show):
    shown = show(critical())
    press = shown.page.keyboard.press
    press("Tab")
    shown.page.keyboard.type("0,4407")
    press("Enter")
    assert shown.solved
    press("Tab")
    press("Tab")
    press("Enter")
    assert shown.status == "Forgotten: the question is open again."
    assert shown.page.evaluate("document.activeElement.type") == "text"
    shown = show(choice(), "choice.html")
    press("Tab")
    press("ArrowDown")
    press("Enter")
    assert shown.status == "✓ Right."


ENTRIES = {
    "number": (["9"], ["0.4407"]),
    "choice": (["a ring"], ["a sheet"]),
    "measured": (["9", "0.01"], ["-0.37", "0.01"]),
}


def barriers(page, theme):
    """List what axe-core finds on a page in the light or the dark theme."""
    page.evaluate("theme => { document.documentElement.dataset.theme = theme; }", theme)
    found = Axe().run(page).response["violations"]
    return [(rule["id"], node["html"]) for rule in found for node in rule["nodes"]]


@pytest.mark.browser
@pytest.mark.parametrize("kind", QUESTIONS)
def test_axe_finds_no_barrier(show, kind):
    shown = show(QUESTIONS[kind]())
    for mark, entry in zip("✗✓", ENTRIES[kind], strict=True):
        shown.choose(*entry) if kind == "choice" else shown.type(*entry)
        assert shown.status.startswith(mark)
        assert barriers(shown.page, "light") + barriers(shown.page, "dark") == []


@pytest.mark.browser
def test_formulas_are_marked_and_handed_to_the_page(show, page):
    page.add_init_script("window.set = []; window.smbookTypeset = node => set.push(node.textContent);")
    shown = show(Question(r"What is \(\sinh 2K\)?", 1, tolerance=0, because=r"As \(K=K_c\)."))
    assert shown.root.locator(".question-text .math").inner_text() == r"\(\sinh 2K\)"
    shown.type("1")
    assert shown.root.locator(".question-status .math").inner_text() == r"\(K=K_c\)"
    assert page.evaluate("set") == [r"\(\sinh 2K\)", r"\(K=K_c\)"]


@pytest.mark.browser
def test_nobody_reads_the_answer_in_the_source_by_chance(show, tmp_path):
    show(critical())
    source = (tmp_path / "page.html").read_text(encoding="utf8")
    assert "What is βJ" in source
    for secret in ("0.440", "4406", "2.269", "mean field", "sinh 2K"):
        assert secret not in source
    show(choice(), "choice.html")
    assert "wall" not in (tmp_path / "choice.html").read_text(encoding="utf8")


@pytest.mark.browser
def test_a_text_is_no_markup(show):
    shown = show(choice(options=["<b>a</b>", "a sheet"], hints=[("<b>a</b>", "<i>No</i></script>")]))
    assert shown.choose("<b>a</b>") == "✗ Not yet. <i>No</i></script>"
    assert shown.root.locator("b, i").count() == 0


@pytest.mark.browser
def test_a_page_and_python_judge_alike(page, tmp_path):
    """The rule stands twice; here each copy judges many answers, those near the edges too."""
    numbers = [critical(), critical(hints=[]), Question("?", -0.0, tolerance=0.1),
               Question("?", -250.0, relative_tolerance=0.02, hints=[(250, "a"), (-240, "b", 5)]),
               Question("?", 0.3, tolerance=0.1), Question("?", 7, tolerance=0)]  # fmt: skip
    cases = [
        (question, value, None)
        for question in numbers
        for value in [0.0, 7.0, 0.4, 0.2, 2.2692, *near(question)]
    ]
    cases += [(choice(), option, None) for option in choice()._options]
    cases += [
        (question, value, error)
        for question in (measured(), measured(hints=[(-0.5, "x")]))
        for value, error in itertools.product([-0.37, -0.4, -0.5, 0.37, 1.0, 1.1], [0.01, 0.05, 0.0501, 1.0])
    ]
    texts = [*TYPED, *DOUBTFUL, "62,100", "\u30007", *random_texts()]
    large = Question("?", 61_200, relative_tolerance=0.01, hints=[(61, "c", 0.5)])
    rough = Question("?", 61_200, largest_error=2000, advice="d")
    cases += [(question, text, None) for question in (critical(), large) for text in texts if read(text)]
    errors = ["1,500", "2,001", "20 000", 10]
    cases += [(rough, text, error) for text in texts[:40] if read(text) for error in errors]
    asked = []
    for question, value, error in cases:
        place = question._options.index(value) if question._form == "choice" else value
        asked.append([question._form, question._sealed, question._key, [place, error][: 1 + bool(error)]])
    parts = "".join(_modules.wrapped(part) for part in _modules.ordered("question.js"))
    (tmp_path / "judge.html").write_text(
        f"<meta charset=utf-8><script>const modules = {{}};\n{parts}</script>", encoding="utf8"
    )
    page.goto((tmp_path / "judge.html").as_uri())
    judged = page.evaluate(
        """cases => {
            const { judgeEntry, read, unsealed } = modules["question.js"];
            const readings = typed => typeof typed === "string" ? read(typed.trim()) : [typed];
            return cases.map(([form, sealed, key, entry]) => {
                const typed = entry.map(part => part.trim?.() ?? part);
                const verdict = judgeEntry(form, unsealed(sealed, key), typed, typed.map(readings));
                return [verdict.outcome, verdict.words];
            });
        }""",
        asked,
    )
    ours = [question.check(value, error) for question, value, error in cases]
    assert [(outcome == "right", words) for outcome, words in judged] == [tuple(verdict) for verdict in ours]
    assert len(ours) > 100
    assert 10 < sum(verdict.right for verdict in ours) < len(ours) - 10
    typed = page.evaluate("texts => texts.map(modules['question.js'].read)", [*texts, *NONSENSE])
    assert typed == [read(text) for text in [*texts, *NONSENSE]]


def random_texts():
    """List texts that are made of what numbers are made of."""
    rng = np.random.default_rng(1)
    parts = [*"0123456789,,..-\u2212+e/ \u00a0\u3000\ufeff\x85\x1c", ",000", ",200", " 345", "61"]
    return ["".join(rng.choice(parts, size)) for size in rng.integers(1, 8, 4000)]


def near(question):
    """List values on either side of the edges of what is right and of what has a hint."""
    rule = question._rule
    edges = [(rule["answer"], rule["reach"]), *((target, reach) for target, reach, _ in rule["hints"])]
    return [
        place
        for target, reach in edges
        for edge in (target - reach, target + reach, -target)
        for place in (math.nextafter(edge, -math.inf), edge, math.nextafter(edge, math.inf))
    ]
