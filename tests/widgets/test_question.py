"""Question: what Python refuses and judges, and the same on a page that Chromium opens from a file."""

import itertools
import json
import math

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from ipywidgets.embed import embed_data

from smbook.theory import ising as theory
from smbook.widgets import Question, _modules
from smbook.widgets.question import read
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
}
NONSENSE = [
    *("", " ", "a lot", "1,234.5", "1.2.3", "1/0", "0/0", "1/2/3", "1e999", "1e", "e3", "--1", "1 2", "0x10"),
    *("NaN", "Infinity", "1/", "/2", "50%", "½", "٣", "1_000", "2+2", "alert(1)", "1e308/1e-308", "1\n"),
]


@pytest.mark.parametrize(("text", "number"), TYPED.items())
def test_numbers_are_read_as_readers_type_them(text, number):
    assert read(text) == number


@pytest.mark.parametrize("text", NONSENSE)
def test_nonsense_is_no_number(text):
    assert read(text) is None


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
        (-0.401, 0.01, False, "more than three of your errors"),
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
    keys = [question()._key for question in QUESTIONS.values()]
    keys += [critical(tolerance=0.01)._key, choice(options=["a ring", "a sheet"])._key]
    assert keys[3] == keys[0]  # the same question, more gently judged
    assert len(set(keys)) == 4


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
    assert "“a lot” is no number" in shown.type("a lot", "0.01")
    invalid = [field.get_attribute("aria-invalid") for field in shown.root.get_by_role("textbox").all()]
    assert invalid == ["true", None]
    assert shown.type("0.3", "") == "There is a field to fill in."
    assert "An error is greater than 0" in shown.type("0.3", "0")
    assert "at most 0.05" in shown.type("0.3", "0.2")
    assert shown.state == [False, 0]
    assert shown.root.locator("[aria-invalid]").count() == 0


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
    assert shown.status == "The answer is 0.44069. There sinh 2K = 1."
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
def test_an_answer_that_is_right_no_more_is_not_solved(show):
    show(critical()).type("0.4407")
    moved = Question("What is βJ at the transition?", 0.5, tolerance=0.001)
    assert not show(moved).solved


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
    asked = []
    for question, value, error in cases:
        place = question._options.index(value) if isinstance(value, str) else value
        asked.append([question._form, question._sealed, question._key, place, error or 0.0])
    parts = "".join(_modules.wrapped(part) for part in _modules.ordered("question.js"))
    (tmp_path / "judge.html").write_text(
        f"<meta charset=utf-8><script>const modules = {{}};\n{parts}</script>", encoding="utf8"
    )
    page.goto((tmp_path / "judge.html").as_uri())
    judged = page.evaluate(
        """cases => {
            const { judge, unsealed } = modules["question.js"];
            return cases.map(([form, sealed, key, value, error]) =>
                Object.values(judge(form, unsealed(sealed, key), value, error)));
        }""",
        asked,
    )
    ours = [question.check(value, error) for question, value, error in cases]
    assert [(outcome == "right", words) for outcome, words in judged] == [tuple(verdict) for verdict in ours]
    assert len(ours) > 100
    assert 10 < sum(verdict.right for verdict in ours) < len(ours) - 10
    typed = page.evaluate("texts => texts.map(modules['question.js'].read)", [*TYPED, *NONSENSE])
    assert typed == [read(text) for text in [*TYPED, *NONSENSE]]


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
