"""The order rules about figures: amounts, totals, allowances, prices, tax rates and lines."""

from collections.abc import Iterator
from decimal import ROUND_FLOOR, Decimal
from typing import TYPE_CHECKING

from procur.contracts.order_codes import TAX_CATEGORIES
from procur.contracts.order_node import (
    CAC,
    CBC,
    NS,
    ORDER,
    Violation,
    every,
    fatal,
    is_charge,
    number,
    said,
    warning,
)

if TYPE_CHECKING:
    from lxml.etree import _Element

_SLACK = Decimal("0.02")
_HALF, _HUNDRED, _ONE, _ZERO = Decimal("0.5"), Decimal(100), Decimal(1), Decimal(0)
_DECIMALS = 2


def amounts(root: "_Element") -> Iterator[Violation]:
    """Check that every amount has the currency of the order and two decimals at most."""
    currency = said(root, "cbc:DocumentCurrencyCode")
    for node in root.iter(f"{CBC}*"):
        stated = node.get("currencyID")
        if stated is None:
            continue
        if currency and stated != currency:
            yield fatal("R003", node, f"The amount is in {stated}, the order in {currency}")
        decimals = len((node.text or "").strip().partition(".")[2])
        if decimals > _DECIMALS and not any(above.tag == f"{CAC}Price" for above in node.iterancestors()):
            yield fatal("R028", node, f"An amount has two decimals at most, not {decimals}")


def totals(root: "_Element") -> Iterator[Violation]:
    """Check that the totals are not negative and add up."""
    total = root.find("cac:AnticipatedMonetaryTotal", NS)
    if total is None:
        return
    lines, payable = number(total, "cbc:LineExtensionAmount"), number(total, "cbc:PayableAmount")
    less = number(total, "cbc:AllowanceTotalAmount") or _ZERO
    more = number(total, "cbc:ChargeTotalAmount") or _ZERO
    if payable is not None and payable < 0:
        yield fatal("R006", total, f"The payable amount {payable} must not be negative")
    if lines is None:
        yield fatal("MANDATORY", total, "The totals need the sum of the lines (cbc:LineExtensionAmount)")
        lines = _sum(every(root, "cac:OrderLine/cac:LineItem/cbc:LineExtensionAmount"))
    elif lines < 0:
        yield fatal("R007", total, f"The sum of the lines {lines} must not be negative")
    added = _sum(every(root, "cac:OrderLine/cac:LineItem/cbc:LineExtensionAmount"))
    for rule, stated, sums, what in (
        ("R008", lines, added, "lines"),
        ("R009", less, _side(root, charge=False), "allowances"),
        ("R010", more, _side(root, charge=True), "charges"),
    ):
        if stated != sums:
            yield fatal(rule, total, f"The stated sum of the {what} is {stated}, they add up to {sums}")
    yield from _tax_totals(root, total, lines - less + more, payable)


def _tax_totals(
    root: "_Element", total: "_Element", computed: Decimal, payable: Decimal | None
) -> Iterator[Violation]:
    stated, inclusive = number(total, "cbc:TaxExclusiveAmount"), number(total, "cbc:TaxInclusiveAmount")
    exclusive = computed if stated is None else stated
    if exclusive != computed:
        yield fatal(
            "R011", total, f"The total without tax is {exclusive}; lines - allowances + charges = {computed}"
        )
    if inclusive is None:
        return
    prepaid = number(total, "cbc:PrepaidAmount") or _ZERO
    due = inclusive - prepaid + (number(total, "cbc:PayableRoundingAmount") or _ZERO)
    if payable is not None and payable != due:
        yield fatal("R016", total, f"The payable amount is {payable}; with tax - prepaid + rounding = {due}")
    # Tax restated in another currency is not part of the sum (and broken rule R003 already).
    currency = said(root, "cbc:DocumentCurrencyCode")
    amounts = [
        node for node in every(root, "cac:TaxTotal/cbc:TaxAmount") if node.get("currencyID") == currency
    ]
    taxes = [tax for tax in map(number, amounts) if tax is not None]
    if taxes and inclusive != exclusive + sum(taxes):
        yield fatal(
            "R017", total, f"The total with tax is {inclusive}; without tax + tax = {exclusive + sum(taxes)}"
        )


def allowances(root: "_Element") -> Iterator[Violation]:
    """Check the allowances and charges of the order and of its lines."""
    for item in root.iter(f"{CAC}AllowanceCharge"):
        percent, base = number(item, "cbc:MultiplierFactorNumeric"), number(item, "cbc:BaseAmount")
        amount = number(item, "cbc:Amount") or _ZERO
        if percent is not None and base is None:
            yield fatal("R020", item, "A percentage needs its base amount")
        above = item.getparent()
        if above is None or above.tag not in (ORDER, f"{CAC}LineItem"):
            continue
        if base is not None and percent is None:
            yield fatal("R021", item, "A base amount needs its percentage")
        if percent is not None and base is not None and not _close(amount, base * percent / _HUNDRED):
            yield fatal(
                "R022", item, f"The amount is {amount}; {percent}% of {base} = {base * percent / _HUNDRED}"
            )
        if item.find("cbc:AllowanceChargeReason", NS) is None and (
            item.find("cbc:AllowanceChargeReasonCode", NS) is None
        ):
            yield fatal("R023", item, "An allowance or charge needs a reason or a reason code")
        if amount < 0:
            yield fatal("R032", item, f"An allowance or charge must not be negative: {amount}")


def prices(root: "_Element") -> Iterator[Violation]:
    """Check net price, gross price and price allowance."""
    for price in root.iter(f"{CAC}Price"):
        net = number(price, "cbc:PriceAmount")
        if net is not None and net < 0:
            yield fatal("R005", price, f"The net price {net} must not be negative")
        for item in every(price, "cac:AllowanceCharge"):
            gross, off = number(item, "cbc:BaseAmount"), number(item, "cbc:Amount")
            if gross is not None and gross < 0:
                yield fatal("R027", item, f"The gross price {gross} must not be negative")
            if off is not None and off < 0:
                yield fatal("R033", item, f"The price allowance {off} must not be negative")
            if gross is not None and net is not None and net != gross - (off or _ZERO):
                yield fatal(
                    "R019", item, f"The net price is {net}; gross {gross} - allowance {off or 0} differs"
                )


def taxes(root: "_Element") -> Iterator[Violation]:
    """Check that every tax category has its rate."""
    for category in root.iter(f"{CAC}TaxCategory", f"{CAC}ClassifiedTaxCategory"):
        code, percent = said(category, "cbc:ID"), number(category, "cbc:Percent")
        if percent is None and code != "O":
            yield fatal("R029", category, f"Tax category {code} needs its rate")
        if percent is not None and percent <= 0 and code == "S":
            yield fatal("R030", category, "The standard rate (S) must be above zero")
        if code not in TAX_CATEGORIES:
            yield fatal("TAX-CATEGORY", category, f"{code!r} is not a tax category code")


def lines(root: "_Element") -> Iterator[Violation]:
    """Check ids, quantities and amounts of the lines."""
    seen: set[str] = set()
    for line in every(root, "cac:OrderLine/cac:LineItem"):
        name, quantity = said(line, "cbc:ID"), number(line, "cbc:Quantity")
        if name in seen:
            yield fatal("R001", line, f"The line id {name!r} is not unique")
        seen.add(name)
        if quantity is None:
            yield warning("R013", line, "The line should have a quantity")
        elif quantity < 0:
            yield fatal("R004", line, f"The quantity {quantity} must not be negative")
        if not said(line, "cac:Item/cbc:Name"):
            yield fatal("MANDATORY", line, "The line needs an item name (cac:Item/cbc:Name)")
        yield from _line_net(line, _ONE if quantity is None else quantity)


def _line_net(line: "_Element", quantity: Decimal) -> Iterator[Violation]:
    base = number(line, "cac:Price/cbc:BaseQuantity")
    if base is not None and base <= 0:
        yield fatal("R025", line, f"The base quantity {base} must be above zero")
    price = number(line, "cac:Price/cbc:PriceAmount") or _ZERO
    computed = quantity * price / (base or _ONE) + _side(line, charge=True) - _side(line, charge=False)
    stated = number(line, "cbc:LineExtensionAmount") or _ZERO
    if not _close(stated, computed):
        yield fatal(
            "R024", line, f"The line amount is {stated}; quantity, price and allowances give {computed}"
        )


def _side(node: "_Element", *, charge: bool) -> Decimal:
    items = [item for item in every(node, "cac:AllowanceCharge") if is_charge(item) is charge]
    return _sum([amount for item in items for amount in every(item, "cbc:Amount")])


def _sum(amounts: "list[_Element]") -> Decimal:
    """Add up and round to two decimals the way XPath does (half towards plus infinity)."""
    total = sum((number(amount) or _ZERO for amount in amounts), _ZERO)
    return (total * _HUNDRED + _HALF).to_integral_value(ROUND_FLOOR) / _HUNDRED


def _close(one: Decimal, other: Decimal) -> bool:
    return abs(one - other) <= _SLACK
