"""A request in plain words becomes a structured request; every field keeps the words it came from."""

import re
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from procur.core.errors import InvalidInput
from procur.sourcing.arithmetic import Limit
from procur.sourcing.budget import Budget
from procur.sourcing.limits import settle_budget
from procur.sourcing.questions import ask
from procur.sourcing.readings import Readings, finish, read_page
from procur.sourcing.replies import Part, apply_part
from procur.sourcing.settle import (
    Settled,
    check_date,
    settle_kind,
    settle_quantity,
    settle_terms,
)
from procur.sourcing.spans import Contradiction, Found, Page, Question, Span
from procur.vendors.vocabulary import Vocabulary

LONGEST = 8000
_LONGEST_REPLY = 500
_MOST_REPLIES = 30
_SURROGATE = re.compile("[\ud800-\udfff]")
_LISTS = (
    "must_haves", "nice_to_haves", "not_needed", "compliance_required", "compliance_preferred", "also_wanted",
    "payment_terms", "payment_refused",
)  # fmt: skip
_SINGLE = (
    "request_type", "category", "quantity", "unit", "budget", "budget_yearly", "budget_total", "currency",
    "billing_cadence", "term_months", "needed_by", "department", "cost_center",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Intake:
    """What a request says, what it leaves open and where it disagrees with itself.

    A field that is not stated is None (or empty), with a question where it is needed; nothing is guessed.
    `text` is the request, followed by the answers given since.
    """

    text: str
    today: date
    request_type: Found[str] | None = None
    category: Found[str] | None = None
    also_wanted: tuple[Found[str], ...] = ()
    quantity: Found[int] | None = None
    unit: Found[str] | None = None
    budget: Found[Budget] | None = None
    budget_yearly: Found[Limit] | None = None
    budget_total: Found[Limit] | None = None
    currency: Found[str] | None = None
    billing_cadence: Found[str] | None = None
    term_months: Found[int] | None = None
    payment_terms: tuple[Found[str], ...] = ()
    payment_refused: tuple[Found[str], ...] = ()
    must_haves: tuple[Found[str], ...] = ()
    nice_to_haves: tuple[Found[str], ...] = ()
    not_needed: tuple[Found[str], ...] = ()
    compliance_required: tuple[Found[str], ...] = ()
    compliance_preferred: tuple[Found[str], ...] = ()
    needed_by: Found[date] | None = None
    department: Found[str] | None = None
    cost_center: Found[str] | None = None
    unread: tuple[Span, ...] = ()
    questions: tuple[Question, ...] = ()
    contradictions: tuple[Contradiction, ...] = ()
    parts: tuple[Part, ...] = field(default=(), repr=False)
    default_currency: str | None = field(default=None, repr=False)
    vocabulary: Vocabulary | None = field(default=None, repr=False, compare=False)

    @property
    def is_complete(self) -> bool:
        """Tell whether nothing is missing and nothing disagrees."""
        return not self.questions and not self.contradictions

    def answer(self, name: str, text: str) -> "Intake":
        """Return the request with this field read from an answer the requester typed."""
        if self.vocabulary is None:
            raise InvalidInput("this intake was not made by read_request", field=name)
        check_text(text, _LONGEST_REPLY, name)
        if len(self.parts) > _MOST_REPLIES:
            raise InvalidInput(
                f"at most {_MOST_REPLIES} answers can be added; write the request anew", field=name
            )
        start = len(self.text) + 1
        part = Part(name, start, start + len(text))
        kept = tuple(one for one in self.parts if one.name != name)
        return _assemble(
            f"{self.text}\n{text}", (*kept, part), self.vocabulary, self.today, self.default_currency
        )

    def as_dict(self) -> dict[str, Any]:
        """Return everything as a JSON object; money as text."""
        told: dict[str, Any] = {"text": self.text, "is_complete": self.is_complete}
        for name in _SINGLE:
            found = getattr(self, name)
            told[name] = None if found is None else _found_dict(found)
        for name in _LISTS:
            told[name] = [_found_dict(found) for found in getattr(self, name)]
        told["unread"] = [_span_dict(span) for span in self.unread]
        told["questions"] = [
            {"field": one.field, "text": one.text, "why": one.why, "choices": list(one.choices)}
            for one in self.questions
        ]
        told["contradictions"] = [
            {"field": one.field, "text": one.text, "spans": [_span_dict(span) for span in one.spans]}
            for one in self.contradictions
        ]
        return told


def read_request(
    text: str, *, vocabulary: Vocabulary, today: date, default_currency: str | None = None
) -> Intake:
    """Read a request in plain words; the same text, vocabulary and day always give the same result."""
    check_text(text, LONGEST, "text")
    day = today.date() if isinstance(today, datetime) else today
    return _assemble(text, (Part("", 0, len(text)),), vocabulary, day, default_currency)


def read_part(intake: Intake, part: Part) -> Intake:
    """Return the request with one more piece of its own text read for one field."""
    if intake.vocabulary is None:
        raise InvalidInput("this intake was not made by read_request", field=part.name)
    return _assemble(
        intake.text, (*intake.parts, part), intake.vocabulary, intake.today, intake.default_currency
    )


def check_text(text: str, longest: int, name: str) -> None:
    """Refuse what cannot be read or stored."""
    if not text.strip():
        raise InvalidInput(f"{name} is empty", field=name, hint="Say what you want to buy.")
    if len(text) > longest:
        raise InvalidInput(f"{name} has {len(text)} characters; at most {longest} are read", field=name)
    if "\x00" in text or _SURROGATE.search(text):
        raise InvalidInput(f"{name} holds characters that are not text", field=name)


def _assemble(
    text: str, parts: tuple[Part, ...], vocabulary: Vocabulary, today: date, default_currency: str | None
) -> Intake:
    read = read_page(Page(text, parts[0].start, parts[0].end), vocabulary, today)
    for part in parts[1:]:
        apply_part(part, read, vocabulary, today)
    settled = _settle(read, today, default_currency)
    for part in parts[1:]:
        read.page.claim(part.start, part.end)
    finish(read, settled.used)
    for part in parts[1:]:
        if part.model:
            _mark_suggested(settled.fields, part)
    return Intake(
        text=text,
        today=today,
        **settled.fields,
        unread=read.unread,
        questions=ask(settled, vocabulary),
        contradictions=tuple(settled.contradictions),
        parts=parts,
        default_currency=default_currency,
        vocabulary=vocabulary,
    )


def _settle(read: Readings, today: date, default_currency: str | None) -> Settled:
    settled = Settled()
    settle_kind(read, settled)
    settle_quantity(read, settled)
    settle_terms(read, settled)
    check_date(settled, today)
    settle_budget(read, settled, default_currency)
    return settled


def _mark_suggested(fields: dict[str, Any], part: Part) -> None:
    """Say of everything read from this piece that a model pointed at it."""
    for name, found in fields.items():
        if isinstance(found, tuple):
            fields[name] = tuple(_suggested(one, part) for one in found)
        elif found is not None:
            fields[name] = _suggested(found, part)


def _suggested(found: Found[Any], part: Part) -> Found[Any]:
    inside = part.start <= found.start and found.end <= part.end
    return replace(found, confidence=f"suggested by {part.model}") if inside else found


def _found_dict(found: Found[Any]) -> dict[str, Any]:
    told = {
        "value": _plain(found.value),
        "words": found.words,
        "start": found.start,
        "end": found.end,
        "confidence": found.confidence,
        "note": found.note,
    }
    return told | ({"strength": found.strength} if found.strength else {})


def _plain(value: Any) -> Any:
    if isinstance(value, Limit):
        return {
            "maximum": str(value.maximum),
            "minimum": None if value.minimum is None else str(value.minimum),
            "currency": value.currency,
            "approximate": value.approximate,
        }
    if isinstance(value, Budget):
        return {
            "minimum": None if value.minimum is None else str(value.minimum),
            "maximum": None if value.maximum is None else str(value.maximum),
            "months": value.months,
            "per_unit": value.per_unit,
            "approximate": value.approximate,
            "tax": value.tax,
        }
    if isinstance(value, Decimal):
        return str(value)
    return value.isoformat() if isinstance(value, date) else value


def _span_dict(span: Span) -> dict[str, Any]:
    return {"words": span.words, "start": span.start, "end": span.end}
