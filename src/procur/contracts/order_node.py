"""Reading a parsed order: texts, numbers and places, and the violation that a rule reports."""

import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from lxml.etree import _Element

Severity = Literal["fatal", "warning"]

NS = {
    "cac": "urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2",
    "cbc": "urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2",
}
ORDER = "{urn:oasis:names:specification:ubl:schema:xsd:Order-2}Order"
CAC, CBC = (f"{{{NS[prefix]}}}" for prefix in ("cac", "cbc"))


@dataclass(frozen=True, slots=True)
class Violation:
    """One broken rule: where, and what is wrong in words."""

    rule: str
    severity: Severity
    location: str
    message: str


def said(node: "_Element", path: str) -> str:
    """Return the text at `path`, or "" where there is none."""
    return (node.findtext(path, "", NS) or "").strip()


def is_charge(item: "_Element") -> bool:
    """Tell a charge from an allowance."""
    return said(item, "cbc:ChargeIndicator") in {"true", "1"}


def every(node: "_Element", path: str) -> "list[_Element]":
    """Return all elements at `path`."""
    return node.findall(path, NS)


def number(node: "_Element", path: str = ".") -> Decimal | None:
    """Return the number at `path`; None where it is missing or (the schema reports that) not a number."""
    text = said(node, path)
    try:
        value = Decimal(text) if text else None
    except InvalidOperation:
        return None
    return value if value is not None and value.is_finite() else None


def _place(node: "_Element") -> str:
    return re.sub(r"^/\*", "/Order", node.getroottree().getpath(node))


def fatal(rule: str, node: "_Element", message: str) -> Violation:
    """Report a rule for which a receiver refuses the order."""
    return Violation(rule, "fatal", _place(node), message)


def warning(rule: str, node: "_Element", message: str) -> Violation:
    """Report a rule that a receiver only remarks on."""
    return Violation(rule, "warning", _place(node), message)
