"""Reading a price page: plans with their prices, from tables and from cards."""

import re
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from procur.vendors.catalogue.model import Plan, cheapest
from procur.vendors.enrichment.amounts import Price, prices_in
from procur.vendors.enrichment.model import Observation, Page, clean, parse, quote

if TYPE_CHECKING:
    from selectolax.lexbor import LexborHTMLParser, LexborNode

METHOD = "price page"
_MOST_PLANS = 12
_LONGEST_NAME = 60
_LONGEST_CARD = 4000
_MOST_HEADINGS = 80
_HIGHEST = 20  # how far above its heading a card's box is looked for
_QUOTED = re.compile(
    r"\b(?:contact (?:us|sales|our sales team)|talk to (?:us|sales)|custom (?:pricing|price|quote)|"
    r"get (?:a|your) quote|request (?:a |your )?(?:quote|pricing)|let[’']s talk|price on request|"
    r"preis auf anfrage|sur devis|individuell(?:es angebot)?|custom)\b",
    re.IGNORECASE,
)
_FREE = re.compile(
    r"\bfree\b(?![- ](?:trial|for \d|demo|shipping|migration|onboarding|setup|consultation))", re.IGNORECASE
)
_NO_NAME = re.compile(
    r"[?]|\b(?:faq|frequently|questions|compare|testimonial|customers|choose|our plans|pricing|add-?ons?|"
    r"features|trusted|start (?:your|free)|newsletter|subscribe|contact us|talk to|get started)\b",
    re.IGNORECASE,
)
_JOINED = re.compile(r"(?<=\d)[\u00a0\u202f](?=\d{3})")
_STRUCK = ["del", "s", "strike"]
# From what is made for names to what may hold one.
_HEADINGS = (
    ", ".join(
        f"[class*={part}]"
        for part in (
            *("plan-name", "plan__name", "planName", "plan-title", "plan__title", "tier-name", "tier__name"),
            *("pricing-title", "package-name"),
        )
    ),
    "h2",
    "h3",
    "h4",
    "h5",
    "dt, strong",
)


def read_plans(html: str) -> list[tuple[Plan, str, str]]:
    """Return the plans of a page, each with its currency and the words it was read from.

    A plan that only says whom to ask is quote only; its currency is "".
    """
    tree = parse(html)
    tree.strip_tags([*_STRUCK, "nav", "footer", "script"])
    readings = [_from_tables(tree), *(_from_cards(tree, selector) for selector in _HEADINGS)]
    return max(readings, key=lambda plans: (_priced(plans), len(plans)), default=[]) if readings else []


def observe(page: Page) -> list[Observation]:
    """Return what a price page says: its plans and the cheapest paid list price."""
    read = read_plans(page.html)
    priced = [(plan, currency) for plan, currency, _ in read if plan.list_price is not None]
    if not priced and not any(plan.quote_only for plan, *_ in read):
        return []
    names = [currency for plan, currency in priced if plan.list_price] or [currency for _, currency in priced]
    main = max(sorted(set(names)), key=names.count) if names else None
    # A list is of one currency: what stands beside it in another is an example or another region's.
    plans = [plan for plan, currency, _ in read if plan.quote_only or currency == main or not plan.list_price]
    words = "; ".join(text for plan, currency, text in read if plan in plans)
    return plan_observations(page, plans, main, kind="price_page", method=METHOD, words=words)


def plan_observations(
    page: Page, plans: Sequence[Plan], currency: str | None, *, kind: str, method: str, words: str
) -> list[Observation]:
    """Return the observations that a list of plans makes; the list price is the cheapest paid one."""
    told: list[tuple[str, dict[str, Any]]] = []
    if plans:
        told.append(
            ("plans", {"plans": [plan.as_dict() for plan in plans[:_MOST_PLANS]], "currency": currency})
        )
    plan = cheapest(plans)
    if plan and currency:
        amount = {"amount": str(plan.list_price), "currency": currency}
        told.append(("list_price", {**amount, "unit": plan.unit, "period": plan.period}))
    return [
        Observation(name, value, page.url, kind, method, page.fetched_at, page.content_hash, quote(words))
        for name, value in told
    ]


def _from_cards(tree: "LexborHTMLParser", selector: str) -> list[tuple[Plan, str, str]]:
    """Read the boxes around headings of one kind: the largest part of the page with one such heading each."""
    headings = tree.css(selector)[:_MOST_HEADINGS]
    plans: dict[str, tuple[Plan, str, str]] = {}
    for heading in headings:
        name = _text(heading, 200)
        if not _is_name(name):
            continue
        box = _box(heading, selector)
        text = _text(box, _LONGEST_CARD)
        if name.casefold() not in plans and (plan := _plan(name, text.replace(name, " ", 1))):
            plans[name.casefold()] = plan
    return list(plans.values())[:_MOST_PLANS]


def _text(node: "LexborNode", longest: int) -> str:
    """Return the words of an element; a blank that must not break inside a number stays told from others."""
    return clean(_JOINED.sub("’", node.text(separator=" ")), longest=longest)


def _box(heading: "LexborNode", selector: str) -> "LexborNode":
    box = heading
    for _ in range(_HIGHEST):
        if box.parent is None or box.parent.tag in {"body", "html", "-undef"}:
            break
        if len(box.parent.css(selector)) > 1:
            break
        box = box.parent
    return box


def _from_tables(tree: "LexborHTMLParser") -> list[tuple[Plan, str, str]]:
    readings = [_from_grid(_grid(table)) for table in tree.css("table")[:20]]
    return max(readings, key=lambda plans: (_priced(plans), len(plans)), default=[])


def _grid(table: "LexborNode") -> list[list[str]]:
    return [[_text(cell, 400) for cell in row.css("th, td")[:20]] for row in table.css("tr")[:200]]


def _from_grid(grid: list[list[str]]) -> list[tuple[Plan, str, str]]:
    """Read a table whose columns are plans, or else one whose rows are."""
    if len(grid) < 2:  # noqa: PLR2004 - a heading and a row
        return []
    columns = _plans(zip(*_aligned(grid), strict=False)) if len(grid[0]) > 1 else []
    rows = _plans(row for row in grid[1:] if len(row) > 1)
    return max(columns, rows, key=_priced)


def _aligned(grid: list[list[str]]) -> list[list[str]]:
    width = len(grid[0])
    return [row if len(row) == width else [*[""] * (width - len(row)), *row][:width] for row in grid]


def _plans(lines: Iterable[Sequence[str]]) -> list[tuple[Plan, str, str]]:
    found = []
    for first, *cells in lines:
        name = first
        telling = next((cell for cell in cells if prices_in(cell) or _QUOTED.search(cell)), None)
        telling = telling or next((cell for cell in cells if _FREE.fullmatch(cell)), None)
        head = prices_in(first)
        if telling is None and head:
            # "Team $9 per user/month" in one cell
            name, telling = first[: first.find(head[0].words)], first
        if telling and _is_name(name) and (plan := _plan(name, telling)):
            found.append(plan)
    return found[:_MOST_PLANS]


def _plan(name: str, text: str) -> tuple[Plan, str, str] | None:
    prices = prices_in(text)
    name = clean(name, longest=_LONGEST_NAME)
    if prices:
        price = _chosen(prices)
        plan = Plan(
            name,
            price.amount,
            unit=price.unit,
            period=price.period,
            features_complete=False,
            prepay_factor=_prepay(prices),
        )
        return plan, price.currency, f"{name}: {clean(price.words, longest=80)}"
    if quoted := _QUOTED.search(text):
        return Plan(name, quote_only=True, features_complete=False), "", f"{name}: {quoted[0]}"
    if _FREE.search(text[:200]) or _FREE.fullmatch(name):
        return Plan(name, Decimal(0), unit="account", features_complete=False), "", f"{name}: free"
    return None


def _chosen(prices: list[Price]) -> Price:
    """Return the list price among a plan's prices: what one month costs when nothing is paid ahead."""
    by_month = [price for price in prices if price.billed and "month" in price.billed]
    chosen = (by_month or prices)[0]
    unit = (
        chosen.unit
        if chosen.unit != "other"
        else next((p.unit for p in prices if p.unit != "other"), "other")
    )
    return Price(chosen.amount, chosen.currency, unit, chosen.period, chosen.words, chosen.billed)


def _prepay(prices: list[Price]) -> Decimal | None:
    monthly = next(
        (p.amount for p in prices if p.billed and "month" in p.billed and p.period == "month"), None
    )
    yearly = next(
        (p.amount for p in prices if p.billed and "month" not in p.billed and p.period == "month"), None
    )
    if not monthly or not yearly or not 0 < yearly <= monthly:
        return None
    return (yearly / monthly).quantize(Decimal("0.0001"))


def _is_name(name: str) -> bool:
    return 0 < len(name) <= _LONGEST_NAME and len(name.split()) <= 6 and not _NO_NAME.search(name)  # noqa: PLR2004


def _priced(plans: list[tuple[Plan, str, str]]) -> int:
    return sum(1 for plan, *_ in plans if plan.list_price)
