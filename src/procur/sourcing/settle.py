"""From readings to fields: what agrees becomes a value, what disagrees a contradiction, the rest None."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from procur.sourcing.quantity import Count
from procur.sourcing.readings import Readings, one_of
from procur.sourcing.spans import Contradiction, Found, Page, Span
from procur.sourcing.terms import Wish
from procur.sourcing.wants import Named


@dataclass(slots=True)
class Settled:
    """The fields of a request so far, and which of them contradict themselves."""

    fields: dict[str, Any] = field(default_factory=dict)
    contradictions: list[Contradiction] = field(default_factory=list)
    asks: dict[str, str] = field(default_factory=dict)
    used: list[tuple[int, int]] = field(default_factory=list)

    def contradict(self, name: str, text: str, spans: Iterable[Any]) -> None:
        """Note that these words cannot both hold."""
        told = tuple(Span(one.words, one.start, one.end) for one in spans)
        self.contradictions.append(Contradiction(name, text, told))


def settle_kind(read: Readings, settled: Settled) -> None:
    """Conclude what kind of purchase this is, its category, features and frameworks."""
    page = read.page
    wanted = [name for name in read.names if name.category and read.strength.get(name.start) != "not"]
    first_item = _main_item(read, wanted[0].start if wanted else None)
    if first_item is not None:
        place = first_item.start, first_item.end
        settled.fields["request_type"] = page.found(
            first_item.request_type, *place, derived=True, note="from what is bought"
        )
        settled.fields["category"] = page.found(first_item.category, *place)
        settled.used += [
            (item.start, item.end) for item in read.items if item.category == first_item.category
        ]
    elif wanted:
        place = wanted[0].start, wanted[0].end
        settled.fields["category"] = page.found(str(wanted[0].category), *place)
        settled.fields["request_type"] = page.found(
            "saas", *place, derived=True, note="the category is software"
        )
    elif read.software is not None:
        settled.fields["request_type"] = page.found("saas", read.software.start, read.software.end)
        settled.used.append((read.software.start, read.software.end))
    _settle_names(read, settled, main=None if first_item else (wanted[0].category if wanted else None))


def _main_item(read: Readings, category_at: int | None) -> Any:
    """Return the thing bought if it is not software: a counted one, else one named before any software."""
    for item in read.items:
        counted = any(one.unit_start <= item.start < one.end for one in read.counts if one.rank == 0)
        # "Project tracking for 10 consultants" buys software, "10 laptops for project tracking" does not.
        if counted and (item.request_type != "services" or category_at is None or item.start < category_at):
            return item
    first = read.items[0] if read.items else None
    if first is None or (category_at is not None and category_at < first.start):
        return None
    if read.software is not None and category_at is None and read.software.start <= first.start:
        return None
    return first


def _settle_names(read: Readings, settled: Settled, main: str | None) -> None:
    page = read.page
    lists: dict[str, list[Found[str]]] = {
        name: []
        for name in (
            "must_haves",
            "nice_to_haves",
            "not_needed",
            "also_wanted",
            "compliance_required",
            "compliance_preferred",
        )
    }
    seen_main = False
    last_main = -1
    for name in read.names:
        told = read.strength.get(name.start)
        place = name.start, name.end
        if name.framework:
            target = {"prefer": "compliance_preferred", "not": "not_needed"}.get(
                told or "", "compliance_required"
            )
            _add(lists[target], page.found(name.framework, *place, strength=told or "must"))
        elif name.category and main is None and not name.feature:
            continue
        elif name.category == main and main is not None and 0 <= name.start - last_main <= 1:
            pass  # "business intelligence dashboards" names one thing
        elif name.category and not (name.feature and seen_main and _as_feature(read, name, told, main)):
            if told == "not":
                _add(lists["not_needed"], page.found(name.category, *place, strength="not"))
            elif main is not None and name.category != main:
                _add(lists["also_wanted"], page.found(name.category, *place, strength=told))
            seen_main = seen_main or main is not None
            last_main = name.end if name.category == main else last_main
        else:
            target = {"prefer": "nice_to_haves", "not": "not_needed"}.get(told or "", "must_haves")
            _add(lists[target], page.found(str(name.feature), *place, strength=told or "must"))
        settled.used.append(place)
    _check_strengths(lists, settled)
    settled.fields |= {name: tuple(found) for name, found in lists.items()}


def _as_feature(read: Readings, name: Named, told: str | None, main: str | None) -> bool:
    """Tell whether a word that is both ("time tracking") is meant as a feature of what was named before."""
    if name.category == main:
        return name.feature != main
    before = read.page.text[max(0, name.start - 14) : name.start].casefold().rstrip()
    return told is not None or before.endswith(("with", "including", "incl.", "has", "offers", "supports"))


def _add(found: list[Found[str]], one: Found[str]) -> None:
    if all(other.value != one.value for other in found):
        found.append(one)


def _check_strengths(lists: dict[str, list[Found[str]]], settled: Settled) -> None:
    """Find what is both wanted and refused; a must beats a wish said elsewhere."""
    for wanted in (
        "must_haves",
        "nice_to_haves",
        "compliance_required",
        "compliance_preferred",
        "also_wanted",
    ):
        for refused in lists["not_needed"]:
            for one in [one for one in lists[wanted] if one.value == refused.value]:
                settled.contradict(wanted, f"“{one.words}” is asked for and also not needed", (one, refused))
                lists[wanted].remove(one)
    for strong, weak in (("must_haves", "nice_to_haves"), ("compliance_required", "compliance_preferred")):
        values = {one.value for one in lists[strong]}
        lists[weak] = [one for one in lists[weak] if one.value not in values]


def settle_quantity(read: Readings, settled: Settled) -> None:
    """Conclude how many; what is bought counts before the people it is for."""
    page = read.page
    counts = [count for count in read.counts if count.rank == min(other.rank for other in read.counts)]
    kind = settled.fields.get("request_type")
    if not counts:
        _without_count(read, settled, kind.value if kind else None)
        return
    first = counts[0]
    settled.used += [(count.unit_start, count.unit_end) for count in read.counts]
    spans = [page.span(count.start, count.end) for count in counts]
    if len({count.number for count in counts}) > 1:
        told = " and ".join(f"“{span.words.strip()}”" for span in spans)
        settled.contradict("quantity", f"The quantity is given as {told}", spans)
        return
    bought = [
        item
        for item in read.items
        for one in counts
        if one.rank == 0 and one.unit_start <= item.start < one.end
    ]
    if len({item.category for item in bought}) > 1:
        settled.contradict("category", "Several things are asked for; make a request for each", spans)
        settled.fields["category"] = None
    if first.upper is not None and first.upper != first.number:
        settled.asks["quantity"] = f"“{spans[0].words.strip()}” leaves open how many"
        return
    settled.fields["quantity"] = page.found(
        first.number, first.start, first.end, note=_count_note(first, read)
    )
    settled.fields["unit"] = page.found(first.unit, first.unit_start, first.unit_end)


def _count_note(count: Count, read: Readings) -> str:
    others = [page for page in read.counts if page.rank != count.rank]
    told = "; ".join(
        f"also said: {read.page.text[one.start : one.end].strip()}"
        for one in others
        if one.number != count.number
    )
    note = "" if count.note == "unknown" else count.note
    return "; ".join(part for part in (note, told) if part)


def _without_count(read: Readings, settled: Settled, kind: str | None) -> None:
    main = settled.fields.get("category")
    item = next((item for item in read.items if main is not None and item.start == main.start), None)
    if item is None:
        return
    one = one_of(read.page, item)
    if one is not None:
        settled.fields["quantity"] = read.page.found(
            1, one.start, one.end, derived=True, note="one is asked for"
        )
    elif kind == "services":
        settled.fields["quantity"] = read.page.found(
            1, item.start, item.end, derived=True, note="a service bought as a whole"
        )


def settle_terms(read: Readings, settled: Settled) -> None:
    """Conclude payment terms, billing, contract length, the date and who pays."""
    page = read.page
    wanted = [
        wish for wish in read.payments if read.strength.get(wish.start) != "not" and wish.value is not None
    ]
    refused = [
        wish for wish in read.payments if read.strength.get(wish.start) == "not" and wish.value is not None
    ]
    settled.fields["payment_terms"] = tuple(_distinct(_wish(page, wish, read.strength) for wish in wanted))
    settled.fields["payment_refused"] = tuple(_distinct(_wish(page, wish, read.strength) for wish in refused))
    for wish in read.payments:
        if wish.value is None:
            settled.asks["payment_terms"] = f"“{page.text[wish.start : wish.end].strip()}”: {wish.note}"
    for name, wishes in (("term_months", read.terms), ("billing_cadence", read.cadences)):
        kept = [wish for wish in wishes if read.strength.get(wish.start) != "not"]
        _settle_one(name, [_wish(page, wish, read.strength) for wish in kept], settled)
    _settle_one("needed_by", read.needed_by, settled)
    _settle_one("department", read.departments, settled)
    _settle_one("cost_center", read.cost_centers, settled)


def check_date(settled: Settled, today: date) -> None:
    """Find a deadline that has passed."""
    day = settled.fields.get("needed_by")
    if day is not None and day.value < today:
        settled.fields["needed_by"] = None
        settled.contradict("needed_by", f"{day.value.isoformat()} has passed", (day,))


def _wish(page: Page, wish: Wish, strength: dict[int, str]) -> Found[Any]:
    told = strength.get(wish.start, "must")
    return page.found(
        wish.value, wish.start, wish.end, derived=bool(wish.note), note=wish.note, strength=told
    )


def _distinct(found: Iterable[Found[Any]]) -> list[Found[Any]]:
    kept: list[Found[Any]] = []
    for one in found:
        _add(kept, one)
    return kept


def _settle_one(name: str, found: list[Found[Any]], settled: Settled) -> None:
    kept = _distinct(found)
    if len(kept) > 1:
        told = " and ".join(f"“{one.words.strip()}”" for one in kept)
        settled.contradict(name, f"{name.replace('_', ' ').capitalize()}: {told}", kept)
    elif kept:
        settled.fields[name] = kept[0]
