"""The business rules of a Peppol BIS Order 3 purchase order, checked on any UBL 2.1 Order.

The schema lets an order through whose totals do not add up; these rules do not. Rule names are the
specification's (R008 is PEPPOL-T01-R008, C-R040 is PEPPOL-COMMON-R040); MANDATORY and the code lists are
named in words. Where two rules of the specification would fire for one mistake, only the telling one is
reported.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from procur.contracts import order_codes as codes
from procur.contracts import order_sums as sums
from procur.contracts.order_node import CBC, NS, ORDER, Violation, every, fatal, is_charge, said, warning
from procur.contracts.order_schema import parse, schema_errors
from procur.core.errors import InvalidInput

if TYPE_CHECKING:
    from lxml.etree import _Element

CUSTOMIZATION = "urn:fdc:peppol.eu:poacc:trns:order:3"
PROFILE_IDS = frozenset(
    f"urn:fdc:peppol.eu:poacc:bis:{name}:3" for name in ("order_only", "ordering", "advanced_ordering")
)
_DATES = ("IssueDate", "DueDate", "TaxPointDate", "StartDate", "EndDate", "ActualDeliveryDate")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_GLN = re.compile(r"\d{13}|\d{8}|\d{12}|\d{14}")


@dataclass(frozen=True, slots=True)
class OrderReport:
    """What the schema and the rules say about an order."""

    xsd_errors: tuple[str, ...]
    violations: tuple[Violation, ...]

    @property
    def fatal(self) -> tuple[Violation, ...]:
        """Return the violations for which a receiver refuses the order."""
        return tuple(found for found in self.violations if found.severity == "fatal")

    @property
    def ok(self) -> bool:
        """Tell whether a receiver would accept the order."""
        return not self.xsd_errors and not self.fatal


def validate_order(xml: bytes) -> OrderReport:
    """Check an order against the schema and the rules; unreadable XML is reported, not raised."""
    try:
        root = parse(xml)
    except InvalidInput as error:
        return OrderReport((error.message,), ())
    errors = schema_errors(root)
    return OrderReport(errors, tuple(check_order(root)) if root.tag == ORDER else ())


def check_order(root: "_Element") -> list[Violation]:
    """Return every rule that the parsed order breaks, in document order of the rules."""
    figures = (sums.amounts, sums.totals, sums.allowances, sums.prices, sums.taxes, sums.lines)
    parts = (_identity, _parties, *figures, _code_lists, _reasons, _form)
    return [found for part in parts for found in part(root)]


def _identity(root: "_Element") -> Iterator[Violation]:
    if not said(root, "cbc:CustomizationID").startswith(CUSTOMIZATION):
        yield fatal("R034", root, f"CustomizationID must start with {CUSTOMIZATION}")
    if said(root, "cbc:ProfileID") not in PROFILE_IDS:
        yield fatal("R031", root, "ProfileID must be order_only, ordering or advanced_ordering, version 3")
    if not said(root, "cac:ValidityPeriod/cbc:EndDate"):
        yield warning("R002", root, "The order should say until when it is valid")
    needed = {
        "cbc:ID": "an order number",
        "cbc:IssueDate": "an issue date",
        "cbc:DocumentCurrencyCode": "a currency",
        "cac:OrderLine": "an order line",
    }
    for path, what in needed.items():
        if root.find(path, NS) is None:
            yield fatal("MANDATORY", root, f"The order needs {what} ({path})")


def _parties(root: "_Element") -> Iterator[Violation]:
    seller = {"cac:PostalAddress/cac:Country/cbc:IdentificationCode": "a country"}
    for role, more in (("BuyerCustomerParty", {}), ("SellerSupplierParty", seller)):
        party = root.find(f"cac:{role}/cac:Party", NS)
        if party is None:
            yield fatal("MANDATORY", root, f"{role} needs a Party")
            continue
        needed = {
            "cbc:EndpointID": "an electronic address",
            "cac:PartyLegalEntity/cbc:RegistrationName": "a legal name",
        }
        for path, what in (needed | more).items():
            if not said(party, path):
                yield fatal("MANDATORY", party, f"{role} needs {what} ({path})")
        endpoint = party.find("cbc:EndpointID", NS)
        if endpoint is not None and not endpoint.get("schemeID"):
            yield fatal("MANDATORY", endpoint, "An electronic address needs its scheme (schemeID)")
    for party in every(root, "cac:OriginatorCustomerParty"):
        if not said(party, "cac:Party/cac:PartyName/cbc:Name") and not said(
            party, "cac:Party/cac:PartyIdentification/cbc:ID"
        ):
            yield fatal("R014", party, "The originator needs a name or an identifier")
    for scheme in every(root, ".//cac:PartyTaxScheme"):
        company = said(scheme, "cbc:CompanyID")
        if said(scheme, "cac:TaxScheme/cbc:ID") == "VAT" and company[:2] not in codes.VAT_PREFIXES:
            yield fatal(
                "R026", scheme, f"The VAT number {company!r} must start with its country (Greece: EL)"
            )


def _code_lists(root: "_Element") -> Iterator[Violation]:
    currency = said(root, "cbc:DocumentCurrencyCode")
    if currency and currency not in codes.CURRENCIES:
        yield fatal("CURRENCY", root, f"{currency!r} is not an ISO 4217 currency")
    for node in every(root, ".//cac:Country/cbc:IdentificationCode"):
        if (node.text or "").strip() not in codes.COUNTRIES:
            yield fatal("COUNTRY", node, f"{node.text!r} is not an ISO 3166-1 country code")
    for node in root.iter(f"{CBC}Quantity"):
        unit = node.get("unitCode")
        if not unit:
            yield fatal("MANDATORY", node, "A quantity needs its unit (unitCode)")
        elif unit not in codes.UNITS:
            yield warning("UNIT", node, f"{unit!r} is not among the UN/ECE units known here")
    for node in root.iter(f"{CBC}EndpointID"):
        scheme = node.get("schemeID")
        if scheme and scheme not in codes.ENDPOINT_SCHEMES:
            yield warning("EAS", node, f"{scheme!r} is not an electronic address scheme known here")


def _reasons(root: "_Element") -> Iterator[Violation]:
    for node in root.iter(f"{CBC}AllowanceChargeReasonCode"):
        parent = node.getparent()
        charge = parent is not None and is_charge(parent)
        allowed = codes.CHARGE_REASONS if charge else codes.ALLOWANCE_REASONS
        if (node.text or "").strip() not in allowed:
            rule, what = ("CL002", "charge") if charge else ("CL001", "allowance")
            yield fatal(rule, node, f"{node.text!r} is not a reason code for a {what}")


def _form(root: "_Element") -> Iterator[Violation]:
    for node in root.iter(*(f"{CBC}{name}" for name in _DATES)):
        if not _DATE.fullmatch(node.text or ""):
            yield fatal("C-R030", node, f"A date is written YYYY-MM-DD, not {node.text!r}")
    for node in root.iter("{*}*"):
        if len(node) == 0 and not (node.text or "").strip():
            yield fatal("C-R001", node, "An element must not be empty")
        if node.get("schemeID") == "0088" and not _is_gln((node.text or "").strip()):
            yield fatal("C-R040", node, f"{node.text!r} is not a GLN: digits or check digit are wrong")


def _is_gln(text: str) -> bool:
    """Check the GS1 check digit: weights 3 and 1 from the right."""
    if not _GLN.fullmatch(text):
        return False
    *digits, check = (int(digit) for digit in text)
    weighted = sum(digit * (1 if place % 2 else 3) for place, digit in enumerate(reversed(digits)))
    return -weighted % 10 == check
