"""Reading schema.org JSON-LD: who the vendor is, what it sells at what price, how it is rated."""

import json
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from procur.core.errors import InvalidInput
from procur.vendors.catalogue import checks
from procur.vendors.catalogue.model import Plan
from procur.vendors.enrichment.amounts import read_amount
from procur.vendors.enrichment.model import Observation, Page, VendorView, clean, quote
from procur.vendors.enrichment.prices import plan_observations

METHOD = "schema.org JSON-LD"
_MOST_NODES = 2000
_DEEPEST = 12
_LARGEST = 300_000
_MOST_PLANS = 12
_ORGANIZATIONS = {"organization", "corporation", "localbusiness", "onlinebusiness", "onlinestore", "brand"}
_SOLD = {"product", "softwareapplication", "webapplication", "mobileapplication", "service", "productgroup"}
_OFFERS = {"offer", "aggregateoffer"}
_UNITS = {"month": "month", "mon": "month", "p1m": "month", "year": "year", "ann": "year", "p1y": "year"}
_PLAIN = re.compile(r"\d{1,9}(?:\.\d{1,4})?")
_COMMA = re.compile(r",\s*([}\]])")

Node = dict[str, Any]


def read_nodes(page: Page) -> list[Node]:
    """Return every object of a page's JSON-LD, nested ones too; a script that cannot be read gives none."""
    found: list[Node] = []
    for script in page.tree.css('script[type*="ld+json"]')[:50]:
        text = script.text()[:_LARGEST]
        for node in _walk(_load(text), 0):
            found.append(node)
            if len(found) >= _MOST_NODES:
                return found
    return found


def observe(page: Page, vendor: VendorView) -> list[Observation]:
    """Return what a page's JSON-LD says of the vendor."""
    nodes = read_nodes(page)
    by_id = {node["@id"]: node for node in nodes if isinstance(node.get("@id"), str) and len(node) > 1}
    sold = [node for node in nodes if types(node) & _SOLD]
    owner = _organization(nodes, vendor)
    found = [] if owner is None else _of_organization(page, owner)
    found += _prices(page, sold, by_id)
    rated = next((node for node in [*sold, *([owner] if owner else [])] if node.get("aggregateRating")), None)
    if rated is not None and (rating := _rating(_first(rated["aggregateRating"], by_id))):
        words = f"rated {rating['rating']} of 5 by {rating['count']}"
        found.append(_observed(page, "rating", rating, words))
    if sold and not any(each.field == "description" for each in found):
        found += _texts(page, sold[0], {"description": "description"})
    return found


def types(node: Node) -> set[str]:
    """Return a node's types without their vocabulary: "https://schema.org/Product" is "product"."""
    given = node.get("@type")
    names = given if isinstance(given, list) else [given]
    return {re.split(r"[/:#]", name)[-1].casefold() for name in names if isinstance(name, str)}


def _load(text: str) -> Any:
    """Read JSON as pages write it: with comments around it, a comma too many, line breaks in strings."""
    told = re.sub(r"^\s*(?:<!--|//\s*<!\[CDATA\[|<!\[CDATA\[)|(?:-->|//\s*\]\]>|\]\]>)\s*$", "", text).strip()
    for attempt in (told, _COMMA.sub(r"\1", told)):
        try:
            return json.loads(attempt.rstrip(";"), strict=False, parse_float=Decimal)
        except (ValueError, RecursionError):
            continue
    return None


def _walk(value: Any, depth: int) -> Iterator[Node]:
    if depth > _DEEPEST:
        return
    if isinstance(value, dict):
        yield value
        for inner in value.values():
            yield from _walk(inner, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            yield from _walk(inner, depth + 1)


def _organization(nodes: list[Node], vendor: VendorView) -> Node | None:
    """Return the vendor among the organisations of a page: by its name, or as the only one."""
    found = [node for node in nodes if types(node) & _ORGANIZATIONS and isinstance(node.get("name"), str)]
    words = set(re.findall(r"\w{3,}", vendor.name.casefold()))
    for node in found:
        if words & set(re.findall(r"\w{3,}", node["name"].casefold())):
            return node
    names = {node["name"].strip().casefold() for node in found}
    return found[0] if len(names) == 1 else None


def _of_organization(page: Page, node: Node) -> list[Observation]:
    found = _texts(page, node, {"description": "description", "email": "contact_email"})
    address = _first(node.get("address"), {})
    country = address.get("addressCountry")
    country = country.get("name") if isinstance(country, dict) else country
    if isinstance(country, str):
        found += _checked(page, "country", country)
    return found


def _texts(page: Page, node: Node, names: dict[str, str]) -> list[Observation]:
    return [
        each
        for name, field in names.items()
        if isinstance(node.get(name), str)
        for each in _checked(page, field, node[name])
    ]


def _checked(page: Page, field: str, text: str) -> list[Observation]:
    told = clean(text.removeprefix("mailto:"))
    try:
        if field == "contact_email":
            told = checks.email(told)
        elif field == "country":
            told = checks.country(told)
        else:
            told = checks.text(told, longest=4000)
    except InvalidInput:
        return []  # not what the field holds: nothing was said
    return [_observed(page, field, {"text": told}, told)]


def _prices(page: Page, sold: list[Node], by_id: dict[str, Node]) -> list[Observation]:
    plans: dict[str, tuple[Plan, str]] = {}
    for product in sold[:50]:
        for offer in _all(product.get("offers"), by_id):
            for name, plan, currency in _offered(product, offer, by_id):
                if len(plans) < _MOST_PLANS:
                    plans.setdefault(name.casefold(), (plan, currency))
    if not plans:
        return []
    named = [currency for plan, currency in plans.values() if plan.list_price] or [
        c for _, c in plans.values()
    ]
    main = max(sorted(set(named)), key=named.count)
    kept = [plan for plan, currency in plans.values() if currency == main]
    words = "; ".join(f"{plan.name}: {plan.list_price} {main}" for plan in kept)
    return plan_observations(page, kept, main, kind="json_ld", method=METHOD, words=words)


def _offered(
    product: Node, offer: Node, by_id: dict[str, Node], *, inside: bool = False
) -> Iterator[tuple[str, Plan, str]]:
    inner = [] if inside else _all(offer.get("offers"), by_id)
    if inner:
        for each in inner:
            yield from _offered(product, each, by_id, inside=True)
        return
    for terms in _all(offer.get("priceSpecification"), by_id) or [offer]:
        given = next(
            (terms[name] for name in ("price", "lowPrice", "minPrice") if terms.get(name) is not None), None
        )
        given = offer.get("price", offer.get("lowPrice")) if given is None else given
        currency = terms.get("priceCurrency") or offer.get("priceCurrency")
        name = clean(terms.get("name") or offer.get("name") or product.get("name") or "", longest=60)
        amount = _amount(given, currency)
        if amount is not None and name:
            unit, period = _terms(terms, name)
            yield (
                name,
                Plan(name, amount, unit=unit, period=period, features_complete=False),
                str(currency).upper(),
            )


def _terms(terms: Node, name: str) -> tuple[str, str]:
    """Return unit and period of a price; "billingDuration": "P1M", "unitText": "MONTH", "unitCode": "ANN"."""
    reference = terms.get("referenceQuantity")
    quantities = [terms, reference] if isinstance(reference, dict) else [terms]
    told = " ".join(
        str(each[key])
        for each in quantities
        for key in ("unitText", "unitCode", "billingDuration", "billingIncrement", "description")
        if isinstance(each.get(key), str)
    ).casefold()
    words = re.findall(r"[a-z0-9]+", told)
    period = next((_UNITS[word] for word in words if word in _UNITS), None)
    people = re.search(r"\b(?:users?|seats?|members?|agents?|licen[cs]es?)\b", f"{told} {name.casefold()}")
    return ("user" if people else "account" if period else "other"), period or "month"


def _amount(given: Any, currency: Any) -> Decimal | None:
    if isinstance(given, bool) or not isinstance(given, str | int | Decimal) or not isinstance(currency, str):
        return None
    try:
        checks.currency(currency)
    except InvalidInput:
        return None
    text = re.sub(r"[^\d.,]", "", given) if isinstance(given, str) else str(given)
    # As schema.org wants it: a point is a decimal point.
    return Decimal(text) if _PLAIN.fullmatch(text) else read_amount(text)


def _rating(node: Node) -> dict[str, Any] | None:
    """Return a rating out of five and how many gave it."""
    try:
        value, best = Decimal(str(node["ratingValue"])), Decimal(str(node.get("bestRating") or 5))
        count = int(str(node.get("reviewCount") or node.get("ratingCount") or 0))
        if not (
            value.is_finite() and best.is_finite() and best > 0 and 0 <= value <= best and 0 <= count < 2**31
        ):
            return None
        return {"rating": round(float(value * 5 / best), 2), "count": count}
    except (KeyError, ArithmeticError, ValueError):
        return None


def _all(value: Any, by_id: dict[str, Node]) -> list[Node]:
    """Return a property's objects; a bare {"@id": …} stands for the object of that name."""
    values = value if isinstance(value, list) else [value]
    found = [each for each in values if isinstance(each, dict)]
    return [by_id.get(each["@id"], each) if set(each) == {"@id"} else each for each in found][:50]


def _first(value: Any, by_id: dict[str, Node]) -> Node:
    return next(iter(_all(value, by_id)), {})


def _observed(page: Page, field: str, value: dict[str, Any], words: str) -> Observation:
    return Observation(
        field, value, page.url, "json_ld", METHOD, page.fetched_at, page.content_hash, quote(words)
    )
