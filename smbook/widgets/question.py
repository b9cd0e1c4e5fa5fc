"""A question that the page checks: a number, a choice, or a value measured in a live figure."""

from __future__ import annotations

import base64
import itertools
import json
import math
import re
import sys
from collections.abc import Iterable
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

import traitlets

from smbook import _checks
from smbook.widgets._lab import Figure

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ERRORS_ALLOWED = 3.0  # how many of the reader's own errors a measured value may be off
ERRORS_ASTRAY = 5.0  # how many of them even an honest error bar may miss by
_SLACK = 1e-12  # relative; so that 0.4 is within 0.1 of 0.3
_BLANKS = "\t\n\v\f\r \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"  # JavaScript's


def _grammar(mark: str, groups: str) -> re.Pattern[str]:
    """Return the form of a number or a fraction, by its decimal points and what groups digits in threes."""
    whole = f"(?:[1-9][0-9]{{0,2}}(?:[{groups}][0-9]{{3}})+|[0-9]+)"
    number = f"([+-]?(?:{whole}(?:[{mark}][0-9]*)?|[{mark}][0-9]+)(?:[eE][+-]?[0-9]+)?)"
    return re.compile(f"[{_BLANKS}]*{number}(?:[{_BLANKS}]*/[{_BLANKS}]*{number})?[{_BLANKS}]*")


# A comma is a decimal point, or it groups digits.
_TYPED = {".": _grammar(".,", " \u00a0\u2009\u202f"), "": _grammar(".", " \u00a0\u2009\u202f,")}


class Verdict(NamedTuple):
    """Whether an answer is right, and the words that the page adds: a hint, or why it is right."""

    right: bool
    words: str


def read(text: str) -> list[float]:
    """Return the numbers that a reader may mean by a text, the likelier one first; none if it is no number.

    A comma is a decimal point, or it groups digits in threes, as a blank may; any minus is one, and a
    fraction of two numbers is a number.

    Examples
    --------
    >>> read("0,5"), read("1/4"), read("−2e-3"), read("61 200"), read("a lot")
    ([0.5], [0.25], [-0.002], [61200.0], [])
    >>> read("61,200"), read("1,234,567")
    ([61.2, 61200.0], [1234567.0])
    """
    matches = {comma: form.fullmatch(text.replace("\u2212", "-")) for comma, form in _TYPED.items()}
    numbers = [_quotient(match, comma) for comma, match in matches.items() if match]
    return [number for number in dict.fromkeys(numbers) if math.isfinite(number)]


def _quotient(match: re.Match[str], comma: str) -> float:
    """Return the number that was matched, or infinity for one divided by zero."""
    above, below = (float("".join(part.split()).replace(",", comma)) for part in match.groups(default="1"))
    return above / below if below else math.inf


class Question(Figure, script="question.js", style="question.css"):
    r"""A question in the text, whose answer the page checks with no Python behind it.

    There are three kinds, told apart by the one of these that is given: a number within `tolerance` or
    `relative_tolerance` of the answer; a choice among `options`; a value that the reader measured in a live
    figure and types with its error, accepted when it is off by no more than three of the reader's own errors
    and the error is no larger than `largest_error`.

    The page says in words, which a screen reader announces, whether an answer is right, and the hint for a
    usual mistake. After two wrong answers it adds `advice`, after four it offers to show the answer. What the
    reader has solved stays in the browser, until the reader has it forgotten.

    The answer lies scrambled in the page, so that nobody reads it there by chance. It is no secret: whoever
    wants to know it can unscramble it, as the page does, since a tolerance cannot be checked without it.

    Parameters
    ----------
    text
        The question, as plain text. The pages of the book set a formula between ``\(`` and ``\)``;
        JupyterLab shows it as it is typed, so prefer Unicode where it does.
    answer
        A number, which the package should compute, or the option that is right.
    tolerance, relative_tolerance
        How far a right answer may be off: by a number of at least 0, or by a fraction of the answer.
    options
        What there is to choose from, at least two.
    largest_error
        The largest error with which a measured value is accepted.
    unit
        The unit of the answer, ``"J"``, say.
    hints
        What to say to usual mistakes: pairs ``(value, words)``, or ``(value, words, tolerance)`` where the
        tolerance, absolute, is not that of the question. For a choice the value is an option.
    advice
        A hint for all, said after two answers that were wrong or had too large an error. To an error that is
        too large the page says it at once; without it, that one is to measure longer, or more often.
    because
        Why the answer is right, said after it was found or shown.
    reveal
        Whether the page may show the answer after four wrong ones.

    Raises
    ------
    TypeError
        If an argument is of the wrong kind.
    ValueError
        If a number is not finite or out of range, `answer` or a hint is none of the options, a hint is for
        the right answer, or not exactly one of the four that tell the kind is given.

    Examples
    --------
    >>> from smbook.theory import ising as theory
    >>> question = Question(
    ...     "At which temperature does the square lattice order?",
    ...     theory.CRITICAL_TEMPERATURE,
    ...     tolerance=0.01,
    ...     hints=[(4.0, "That is mean field: it overrates the order.")],
    ... )
    >>> question
    Question('At which temperature does the square lattice order?', tolerance=0.01)
    >>> question.check(2.27).right
    True
    >>> question.check("4,0")
    Verdict(right=False, words='That is mean field: it overrates the order.')
    """

    _kind = traitlets.Unicode("question", read_only=True).tag(sync=True)
    text = traitlets.Unicode(read_only=True, help="the question").tag(sync=True)
    solved = traitlets.Bool(False, read_only=True, help="whether the page has found it solved").tag(sync=True)
    attempts = traitlets.Int(0, read_only=True, help="how many different answers were tried").tag(sync=True)

    _form = traitlets.Unicode(read_only=True).tag(sync=True)
    _options = traitlets.List(traitlets.Unicode(), read_only=True).tag(sync=True)
    _labels = traitlets.List(traitlets.Unicode(), read_only=True).tag(sync=True)
    _key = traitlets.Unicode(read_only=True).tag(sync=True)
    _sealed = traitlets.Unicode(read_only=True).tag(sync=True)

    def __init__(
        self,
        text: str,
        answer: float | str,
        *,
        tolerance: float | None = None,
        relative_tolerance: float | None = None,
        options: Sequence[str] | None = None,
        largest_error: float | None = None,
        unit: str = "",
        hints: Iterable[tuple[Any, ...]] = (),
        advice: str = "",
        because: str = "",
        reveal: bool = True,
        **keywords: Any,
    ) -> None:
        kinds = {
            "tolerance": tolerance,
            "relative_tolerance": relative_tolerance,
            "options": options,
            "largest_error": largest_error,
        }
        given = _only_one(kinds)
        text, unit = _words("text", text), _words("unit", unit, empty=True)
        known = [] if options is None else _options(options)
        if given == "options":
            form, rule = "choice", _choice(answer, known)
        elif given == "largest_error":
            form, rule = "measured", _measured(answer, largest_error, _words("advice", advice, empty=True))
        else:
            form, rule = "number", _number(answer, tolerance, relative_tolerance)
        rule["shown"] += f" {unit}" if unit else ""
        rule["because"] = _words("because", because, empty=True)
        rule["advice"] = _words("advice", advice, empty=True)
        if not isinstance(reveal, bool):
            raise TypeError(f"reveal must be True or False; got {reveal!r}")
        rule["reveal"] = reveal
        rule["hints"] = [_hint(hint, rule, known, relative_tolerance) for hint in _listed("hints", hints)]
        unknown = set(keywords) - set(self.trait_names())
        if unknown:
            raise TypeError(f"Question has no argument {min(unknown)!r}")
        self._rule, self._told = rule, (given, kinds[given])
        super().__init__(**keywords)
        key = f"{_hash(json.dumps([text, form, known, rule])):08x}"  # another rule, another question
        self.set_trait("text", text)
        self.set_trait("_form", form)
        self.set_trait("_options", known)
        self.set_trait("_labels", _labels(form, unit, rule))
        self.set_trait("_key", key)
        self.set_trait("_sealed", _sealed(rule, key))

    def check(self, value: float | str, error: float | str | None = None) -> Verdict:
        """Judge an answer as the page does; nothing is counted.

        Parameters
        ----------
        value
            A number, the text that a reader would type, or one of the options.
        error
            The error of a measured value.

        Raises
        ------
        TypeError, ValueError
            If there is no such option, what is typed is no number, or an error is missing, superfluous or
            not positive.

        Examples
        --------
        >>> question = Question("How long is 1 m?", 100.0, unit="cm", largest_error=2.0)
        >>> question.check(98.9, 0.5).right, question.check(97.0, 0.5).right
        (True, False)
        >>> question.check(98.0, 3.0)
        Verdict(right=False, words='An error of at most 2 is asked for: measure longer, or more often.')
        """
        if (error is None) == (self._form == "measured"):
            raise TypeError(f"error must be given for a measured value, and for no other; got {error!r}")
        if self._form == "choice":
            place = self._options.index(_checks.choice("value", value, self._options))
            return _judge(self._form, self._rule, float(place), 0.0)
        typed = {"value": value} if error is None else {"value": value, "error": error}
        numbers = [_typed(name, given) for name, given in typed.items()]
        if error is not None and numbers[1][0] <= 0.0:
            raise ValueError(f"error must be positive; got {error!r}")
        verdicts = [_judge(self._form, self._rule, *read) for read in itertools.product(*numbers)]
        for verdict in verdicts:
            if verdict.right:
                return verdict
        if verdicts[0].words != self._rule["otherwise"]:
            return verdicts[0]  # to a usual mistake, which was read as it was meant
        misread = [
            _misread(str(given)) for given, read in zip(typed.values(), numbers, strict=True) if read[1:]
        ]
        return Verdict(False, " ".join(filter(None, [*misread, verdicts[0].words])))

    def __repr__(self) -> str:
        name, value = self._told
        return f"Question({self.text!r}, {name}={value!r})"


def _judge(form: str, rule: dict[str, Any], value: float, error: float = 0.0) -> Verdict:
    """Judge a number, the place of an option, or a value with its error; question.js has the same rule."""

    def near(target: float, reach: float | None) -> bool:
        far = ERRORS_ALLOWED * error + rule["slack"] if reach is None else reach
        return bool(abs(value - target) <= far)

    if form == "measured" and error > rule["largest"]:
        return Verdict(False, rule["rough"])
    if near(rule["answer"], rule["reach"]):
        return Verdict(True, rule["because"])
    for target, reach, words in rule["hints"]:
        if near(target, reach):
            return Verdict(False, words)
    if form != "choice" and near(-rule["answer"], rule["reach"]):
        return Verdict(False, "The size is right, the sign is not.")
    if form == "measured" and near(rule["answer"], ERRORS_ASTRAY * error):
        return Verdict(False, rule["astray"])
    return Verdict(False, rule["otherwise"])


def _number(answer: Any, tolerance: Any, relative_tolerance: Any) -> dict[str, Any]:
    """Return the rule for a number."""
    answer = _checks.real("answer", answer)
    if tolerance is not None:
        within = _checks.real("tolerance", tolerance, minimum=0.0)
    else:
        within = _checks.real("relative_tolerance", relative_tolerance, minimum=0.0, maximum=1.0)
        if answer == 0.0:
            raise ValueError("an answer of 0 has no relative_tolerance; give a tolerance")
        within *= abs(answer)
    return {
        "answer": answer,
        "reach": _reach(answer, within),
        "shown": _shown(answer, within),
        "otherwise": "",
    }


def _measured(answer: Any, largest_error: Any, advice: str) -> dict[str, Any]:
    """Return the rule for a value with its error."""
    answer = _checks.real("answer", answer)
    largest = _checks.real("largest_error", largest_error, minimum=0.0)
    if largest == 0.0:
        raise ValueError(f"largest_error must be positive; got {largest_error!r}")
    asked = f". {advice}" if advice else ": measure longer, or more often."
    off, most = "That is more than three of your errors off.", _shown(largest, 0.0)
    return {
        "answer": answer,
        "reach": None,
        "slack": _SLACK * abs(answer),
        "largest": _reach(0.0, largest),
        "shown": _shown(answer, largest / 10.0),  # a reader's own error may be that small
        "most": most,
        "rough": f"An error of at most {most} is asked for{asked}",
        "astray": f"{off} Even an honest error bar misses now and then: measure again.",
        "otherwise": f"{off} Is the error too small, or had the figure not yet settled?",
    }


def _options(options: Any) -> list[str]:
    """Return what there is to choose from."""
    known = [_words("each option", option) for option in _listed("options", options)]
    if len(known) < 2 or len(set(known)) < len(known):
        raise ValueError(f"options must be two or more different ones; got {known!r}")
    return known


def _choice(answer: Any, options: list[str]) -> dict[str, Any]:
    """Return the rule for a choice, by its place among the options."""
    place = options.index(_checks.choice("answer", answer, options))
    return {"answer": float(place), "reach": 0.0, "shown": options[place], "otherwise": ""}


def _hint(
    hint: Any, rule: dict[str, Any], options: list[str], relative: float | None
) -> tuple[float, float | None, str]:
    """Return a hint as (value, reach, words)."""
    if not isinstance(hint, tuple) or len(hint) not in ((2,) if options else (2, 3)):
        form = "(value, words)" if options else "(value, words) or (value, words, tolerance)"
        raise TypeError(f"each hint must be a tuple {form}; got {hint!r}")
    value, words, *own = hint
    words, reach = _words("the words of a hint", words), rule["reach"]
    if options:
        number = float(options.index(_checks.choice("the value of a hint", value, options)))
    else:
        number = _checks.real("the value of a hint", value)
    if relative is not None:
        reach = _reach(number, relative * abs(number))
    if own:
        reach = _reach(number, _checks.real("the tolerance of a hint", own[0], minimum=0.0))
    if abs(number - rule["answer"]) <= (rule["reach"] or 0.0):
        raise ValueError(f"a hint for {value!r} would never be said; that answer is right")
    return number, reach, words


def _labels(form: str, unit: str, rule: dict[str, Any]) -> list[str]:
    """Return the labels of the fields."""
    unit = f" in {unit}" if unit else ""
    if form == "measured":
        return [f"Your value{unit}", f"its error (at most {rule['most']})"]
    return [f"Your answer{unit}"] if form == "number" else []


def _reach(target: float, within: float) -> float:
    return min(within + _SLACK * abs(target) + _SLACK * within, sys.float_info.max)


def _shown(answer: float, within: float) -> str:
    """Return the answer with the fewest digits that lie within a tenth of its tolerance.

    Examples
    --------
    >>> _shown(61145.0, 1200.0), _shown(1000.0, 100.0), _shown(1 / 3, 0.0), _shown(-6.02214e23, 1e21)
    ('61100', '1000', '0.3333333333333333', '−6.022e23')
    """
    answer += 0.0  # no zero has a sign
    rounded = (f"{answer:.{digits}e}" for digits in range(17))  # the last of them is the answer itself
    text = next(text for text in rounded if abs(float(text) - answer) <= within / 10.0)
    if answer == 0.0 or 1e-4 <= abs(float(text)) < 1e15:
        text = f"{Decimal(text):f}"
    else:
        size, _, power = text.partition("e")
        text = f"{size}e{int(power)}"
    return text.replace("-", "\u2212")


def _typed(name: str, value: Any) -> list[float]:
    """Return a number, or the numbers that a text may say."""
    if not isinstance(value, str):
        return [_checks.real(name, value)]
    numbers = read(value)
    if not numbers:
        raise ValueError(f"{name} must be a number such as 0.5, 1e-3 or 1/3; got {value!r}")
    return numbers


def _misread(text: str) -> str:
    """Say how a comma was read that may have been meant to group digits."""
    text = re.sub(f"^[{_BLANKS}]+|[{_BLANKS}]+$", "", text)
    pointed = re.sub(",([0-9]*?)0*(?![0-9])", lambda match: match[1] and f".{match[1]}", text)
    return f"“{text}” was read as {pointed}; type {text.replace(',', '')} if you mean that."


def _words(name: str, value: Any, *, empty: bool = False) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a text; got {value!r}")
    if not value.strip() and not empty:
        raise ValueError(f"{name} must not be empty; got {value!r}")
    return value


def _listed(name: str, values: Any) -> list[Any]:
    if isinstance(values, str) or not isinstance(values, Iterable):
        raise TypeError(f"{name} must be a sequence; got {values!r}")
    return list(values)


def _only_one(kinds: dict[str, Any]) -> str:
    """Return the name of the one that is given."""
    names = [name for name, value in kinds.items() if value is not None]
    if len(names) != 1:
        raise ValueError(f"give one of {', '.join(kinds)}; got {', '.join(names) or 'none'}")
    return names[0]


# The scramble: a stream of bytes from the key, laid over the text. question.js takes it off again.


def _hash(text: str) -> int:
    """Return the 32 bits of FNV-1a."""
    state = 0x811C9DC5
    for byte in text.encode():
        state = (state ^ byte) * 0x01000193 & 0xFFFFFFFF
    return state


def _stream(key: str) -> Iterator[int]:
    """Yield the low bytes of xorshift32."""
    state = _hash(key) or 1
    while True:
        state ^= state << 13 & 0xFFFFFFFF
        state ^= state >> 17
        state ^= state << 5 & 0xFFFFFFFF
        yield state & 0xFF


def _sealed(rule: dict[str, Any], key: str) -> str:
    text = json.dumps(rule, ensure_ascii=False, allow_nan=False).encode()
    mixed = bytes(byte ^ noise for byte, noise in zip(text, _stream(key), strict=False))
    return base64.b64encode(mixed).decode()
