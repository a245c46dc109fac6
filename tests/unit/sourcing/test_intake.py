import json
import subprocess
import sys
import time
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scoring import TODAY, sentences

from procur.core.errors import InvalidInput
from procur.sourcing.intake import LONGEST, Intake, read_request
from procur.sourcing.spans import Found, Span
from procur.vendors.vocabulary import load

REQUEST = (
    "Project tracking and shared notes for 50 people, at most $9,000 a year, single sign-on a must, "
    "SOC 2 if possible, prefer NET60"
)


def read(text: str, default_currency: str | None = None) -> Intake:
    return read_request(text, vocabulary=load(), today=TODAY, default_currency=default_currency)


def everything(intake: Intake) -> list[Found[Any] | Span]:
    found: list[Found[Any] | Span] = list(intake.unread)
    for name in intake.__dataclass_fields__:
        value = getattr(intake, name)
        if isinstance(value, Found):
            found.append(value)
        elif isinstance(value, tuple):
            found += [one for one in value if isinstance(one, Found)]
    return found + [span for one in intake.contradictions for span in one.spans]


def test_the_words_of_every_field_stand_in_the_request() -> None:
    intake = read(REQUEST)
    assert intake.is_complete
    assert intake.unread == ()
    assert intake.budget_yearly is not None
    assert intake.budget_yearly.words == "at most $9,000 a year"
    assert intake.budget_yearly.value.maximum == Decimal("9000.00")
    for one in everything(intake):
        assert one.words == REQUEST[one.start : one.end]


def test_the_arithmetic_is_told() -> None:
    intake = read("CRM for 50 people, $15 per user per month")
    assert intake.budget_yearly is not None
    assert intake.budget_yearly.note == "$15.00 per user per month × 50 × 12 = $9,000.00 a year"


@pytest.mark.parametrize("text", ["", "   ", "a\x00b", "CRM \ud800", "x" * (LONGEST + 1)])
def test_what_is_not_text_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        read(text)
    assert caught.value.field == "text"


ODD = [
    "$",
    "€",
    "9k",
    "1/2/2027",
    "٣٥",
    "５０",
    "İ",
    "ß",
    "🎨",
    "\u202e",
    "Q4",
    "and",
    ",",
    "31",
    "February",
    "2027",
    "\n-",
]
PIECES = st.sampled_from(
    [word for one in sentences("sentences.toml") for word in one["text"].split(" ")] + ODD
)


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.text(max_size=200), st.lists(PIECES, max_size=40).map(" ".join)))
def test_any_text_is_read_or_refused_and_never_breaks(text: str) -> None:
    try:
        intake = read(text)
    except InvalidInput:
        return
    for one in everything(intake):
        assert one.words == text[one.start : one.end]
    assert read(text) == intake
    assert json.loads(json.dumps(intake.as_dict())) == intake.as_dict()


REPEATED = [
    "1 ",
    "1,",
    "9.",
    "a ",
    "$9k-",
    "need ",
    "up to ",
    "50 a b c ",
    "not ",
    "and ",
    "sso, ",
    "twenty ",
    "(",
    "- a\n",
    "per ",
    "payment terms ",
    "111 ",
    "at most ",
    "in 6 ",
    "for ",
    "    ",
    "1 March ",
    "cost center ",
    "we are ",
    "\n",
    " \n",
    "\t",
    "a\n\n",
    "$1 a year ",
    "- sso\n",
    "must have: ",
    "no ",
    "soc ",
    "2 ",
    ",",
    ".",
    "\xa0",
    "one two ",
    "the ",
]


@pytest.mark.parametrize("piece", REPEATED)
def test_long_text_takes_no_longer_than_its_length(piece: str) -> None:
    load()
    text = (piece * LONGEST)[: LONGEST - 1] + "x"
    started = time.process_time()
    read(text)
    assert time.process_time() - started < 2


def test_an_answer_closes_its_question() -> None:
    intake = read("Project tracking for 50 people, at most 9,000 a year")
    assert [one.field for one in intake.questions] == ["currency"]
    done = intake.answer("currency", "EUR")
    assert done.is_complete
    assert done.budget_yearly is not None
    assert done.budget_yearly.value.currency == "EUR"
    for one in everything(done):
        assert one.words == done.text[one.start : one.end]


@pytest.mark.parametrize(
    ("text", "field", "answer", "read_as"),
    [
        ("Wiki, $2,000 a year", "quantity", "50", 50),
        ("Wiki, $2,000 a year", "quantity", "about fifty people", 50),
        ("Wiki for 50 people and later 60 people, $2,000 a year", "quantity", "60", 60),
        ("Something for 50 people, $2,000 a year", "category", "Team chat", "team-chat"),
        ("CRM for 5 users, $900 a year", "needed_by", "by 1 March 2027", date(2027, 3, 1)),
        ("CRM for 5 users, $900 a year", "term_months", "2 years", 24),
        ("CRM for 5 users, $900 a year", "cost_center", "cost center 4711", "4711"),
    ],
)
def test_answers_are_read_by_the_same_readers(text: str, field: str, answer: str, read_as: object) -> None:
    done = read(text).answer(field, answer)
    assert getattr(done, field).value == read_as
    assert field not in {one.field for one in (*done.questions, *done.contradictions)}


def test_a_budget_answer_settles_a_contradiction() -> None:
    intake = read("CRM for 5 users. At most $9,000 a year. The budget is $12,000.")
    assert [one.field for one in intake.contradictions] == ["budget"]
    assert intake.budget_yearly is None
    done = intake.answer("budget", "$9,000 a year")
    assert done.is_complete
    assert done.budget_yearly is not None
    assert done.budget_yearly.value.maximum == Decimal("9000.00")


def test_the_period_can_be_answered() -> None:
    intake = read("CRM for 20 people at $15 per user").answer("budget_period", "per month")
    assert intake.budget_yearly is not None
    assert intake.budget_yearly.value.maximum == Decimal("3600.00")


def test_an_unknown_thing_is_asked_about_and_can_be_answered() -> None:
    intake = read("We need 200 lanyards, $300 in total")
    assert intake.quantity is not None
    assert intake.quantity.value == 200
    done = intake.answer("category", "lanyards").answer("request_type", "goods")
    assert done.is_complete
    assert done.budget_total is not None


def test_an_answer_that_says_nothing_is_refused() -> None:
    intake = read("Wiki, $2,000 a year")
    for field, answer in (
        ("quantity", "many"),
        ("quantity", ""),
        ("nonsense", "5"),
        ("currency", "Mars bars"),
    ):
        with pytest.raises(InvalidInput) as caught:
            intake.answer(field, answer)
        assert caught.value.field == field


def test_a_deadline_in_the_past_is_a_contradiction() -> None:
    intake = read("CRM for 5 users, $900 a year, by 1 March 2020")
    assert intake.needed_by is None
    assert [one.field for one in intake.contradictions] == ["needed_by"]


def test_importing_the_parser_loads_nothing_heavy() -> None:
    heavy = "sqlalchemy pydantic openai pydantic_ai httpx2 procur.db procur.llm"
    code = f"import sys, procur.sourcing.intake; print([m for m in '{heavy}'.split() if m in sys.modules])"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"
