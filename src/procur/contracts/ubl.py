"""A purchase order as UBL 2.1 Order XML with the Peppol BIS Order 3 identifiers.

Written with the standard library, so an order can be sent even where the `documents` extra is missing; the
same facts give the same bytes.
"""

import re
import xml.etree.ElementTree as ET  # only writes, never parses
from datetime import date
from decimal import Decimal

from procur.contracts.order_facts import Allowance, OrderFacts, OrderLine, OrderParty, TaxCategory, cents
from procur.core.errors import InvalidInput

CUSTOMIZATION = "urn:fdc:peppol.eu:poacc:trns:order:3"
PROFILES = {
    name: f"urn:fdc:peppol.eu:poacc:bis:{name}:3" for name in ("order_only", "ordering", "advanced_ordering")
}
NAMESPACES = {
    "xmlns": "urn:oasis:names:specification:ubl:schema:xsd:Order-2",
    "xmlns:cac": "urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2",
    "xmlns:cbc": "urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2",
}
# What XML 1.0 cannot carry, even escaped.
_ILLEGAL = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_LARGEST_SCALE = 10
_CENTS = 2
_UNTAXED = frozenset({"Z", "E", "AE", "G", "K"})


def order_xml(facts: OrderFacts) -> bytes:
    """Return the order as UTF-8 XML; InvalidInput names a field that XML or the order rules cannot carry."""
    if not facts.lines:
        raise InvalidInput("An order needs at least one line", field="lines")
    if facts.profile not in PROFILES:
        raise InvalidInput(f"profile must be one of {', '.join(PROFILES)}", field="profile")
    for number, line in enumerate(facts.lines):
        _refuse_figures(line, f"lines[{number}]")
    root = ET.Element("Order", NAMESPACES)
    _head(root, facts)
    _party(_aggregate(_aggregate(root, "BuyerCustomerParty"), "Party"), facts.buyer, "buyer")
    _party(_aggregate(_aggregate(root, "SellerSupplierParty"), "Party"), facts.seller, "seller")
    _delivery(root, facts)
    if facts.payment_terms:
        _text(_aggregate(root, "PaymentTerms"), "Note", facts.payment_terms, "payment_terms")
    for number, item in enumerate(facts.allowances):
        _allowance(root, item, facts.currency, f"allowances[{number}]")
    _totals(root, facts)
    for number, line in enumerate(facts.lines):
        _line(root, line, facts.currency, f"lines[{number}]")
    ET.indent(root)
    text: str = ET.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'.encode()


def _head(root: ET.Element, facts: OrderFacts) -> None:
    _text(root, "CustomizationID", CUSTOMIZATION, "customization")
    _text(root, "ProfileID", PROFILES[facts.profile], "profile")
    _text(root, "ID", facts.id, "id")
    _text(root, "IssueDate", facts.issue_date.isoformat(), "issue_date")
    _text(root, "OrderTypeCode", facts.order_type, "order_type")
    _optional(root, "Note", facts.note, "note")
    _text(root, "DocumentCurrencyCode", facts.currency, "currency")
    _optional(root, "CustomerReference", facts.customer_reference, "customer_reference")
    if facts.valid_until:
        _text(_aggregate(root, "ValidityPeriod"), "EndDate", facts.valid_until.isoformat(), "valid_until")
    if facts.contract_reference:
        _text(_aggregate(root, "Contract"), "ID", facts.contract_reference, "contract_reference")


def _party(node: ET.Element, party: OrderParty, where: str) -> None:
    _text(node, "EndpointID", party.endpoint_id, f"{where}.endpoint_id", schemeID=party.endpoint_scheme)
    _text(_aggregate(node, "PartyName"), "Name", party.legal_name, f"{where}.legal_name")
    _address(_aggregate(node, "PostalAddress"), party, where)
    if party.tax_id:
        scheme = _aggregate(node, "PartyTaxScheme")
        _text(scheme, "CompanyID", party.tax_id, f"{where}.tax_id")
        _text(_aggregate(scheme, "TaxScheme"), "ID", party.tax_scheme, f"{where}.tax_scheme")
    legal = _aggregate(node, "PartyLegalEntity")
    _text(legal, "RegistrationName", party.legal_name, f"{where}.legal_name")
    _optional(legal, "CompanyID", party.registration_id, f"{where}.registration_id")
    if party.contact and (party.contact.name or party.contact.phone or party.contact.email):
        contact = _aggregate(node, "Contact")
        _optional(contact, "Name", party.contact.name, f"{where}.contact.name")
        _optional(contact, "Telephone", party.contact.phone, f"{where}.contact.phone")
        _optional(contact, "ElectronicMail", party.contact.email, f"{where}.contact.email")


def _address(node: ET.Element, party: OrderParty, where: str) -> None:
    names = ("StreetName", "AdditionalStreetName")
    for name, text in zip(names, party.address_lines, strict=False):
        _text(node, name, text, f"{where}.address_lines")
    _optional(node, "CityName", party.city, f"{where}.city")
    _optional(node, "PostalZone", party.postal_code, f"{where}.postal_code")
    rest = ", ".join(party.address_lines[len(names) :])
    if rest:
        _text(_aggregate(node, "AddressLine"), "Line", rest, f"{where}.address_lines")
    _text(_aggregate(node, "Country"), "IdentificationCode", party.country, f"{where}.country")


def _delivery(root: ET.Element, facts: OrderFacts) -> None:
    if facts.delivery_from or facts.delivery_until:
        period = _aggregate(_aggregate(root, "Delivery"), "RequestedDeliveryPeriod")
        _day(period, "StartDate", facts.delivery_from)
        _day(period, "EndDate", facts.delivery_until)
    if facts.delivery_terms:
        terms = _aggregate(root, "DeliveryTerms")
        _text(terms, "ID", facts.delivery_terms, "delivery_terms")
        if facts.delivery_place:
            _text(_aggregate(terms, "DeliveryLocation"), "ID", facts.delivery_place, "delivery_place")


def _totals(root: ET.Element, facts: OrderFacts) -> None:
    totals, currency = facts.totals(), facts.currency
    if totals.payable < 0 or totals.lines < 0:
        raise InvalidInput("The total of an order must not be negative", field="lines")
    if totals.tax is not None:
        _amount(_aggregate(root, "TaxTotal"), "TaxAmount", totals.tax, currency)
    node = _aggregate(root, "AnticipatedMonetaryTotal")
    _amount(node, "LineExtensionAmount", totals.lines, currency)
    _amount(node, "TaxExclusiveAmount", totals.exclusive, currency)
    if totals.inclusive is not None:
        _amount(node, "TaxInclusiveAmount", totals.inclusive, currency)
    for name, amount in (
        ("AllowanceTotalAmount", totals.allowances),
        ("ChargeTotalAmount", totals.charges),
        ("PrepaidAmount", facts.prepaid),
        ("PayableRoundingAmount", facts.rounding),
    ):
        if amount:
            _amount(node, name, amount, currency)
    _amount(node, "PayableAmount", totals.payable, currency)


def _refuse_figures(line: OrderLine, where: str) -> None:
    """Before anything is added up: figures that no order can carry."""
    for name, figure in (("quantity", line.quantity), ("unit_price", line.unit_price)):
        if not figure.is_finite() or figure < 0:
            raise InvalidInput(f"{name} must be a number from zero, not {figure}", field=f"{where}.{name}")
    base = line.base_quantity
    if base is not None and not (base.is_finite() and base > 0):
        raise InvalidInput("The base quantity must be above zero", field=f"{where}.base_quantity")


def _line(root: ET.Element, line: OrderLine, currency: str, where: str) -> None:
    node = _aggregate(_aggregate(root, "OrderLine"), "LineItem")
    _text(node, "ID", line.id, f"{where}.id")
    _optional(node, "Note", line.note, f"{where}.note")
    code = {"unitCode": line.unit_code, "unitCodeListID": "UNECERec20"}
    _text(node, "Quantity", _plain(line.quantity, f"{where}.quantity"), f"{where}.quantity", **code)
    _amount(node, "LineExtensionAmount", line.net, currency)
    for number, item in enumerate(line.allowances):
        _allowance(node, item, currency, f"{where}.allowances[{number}]")
    _price(_aggregate(node, "Price"), line, currency, where)
    item_node = _aggregate(node, "Item")
    _optional(item_node, "Description", line.description, f"{where}.description")
    _text(item_node, "Name", line.name, f"{where}.name")
    if line.seller_item_id:
        seller = _aggregate(item_node, "SellersItemIdentification")
        _text(seller, "ID", line.seller_item_id, f"{where}.seller_item_id")
    if line.tax:
        _tax(item_node, "ClassifiedTaxCategory", line.tax, where)


def _price(node: ET.Element, line: OrderLine, currency: str, where: str) -> None:
    price = _plain(line.unit_price, f"{where}.unit_price", decimals=_CENTS)
    _text(node, "PriceAmount", price, f"{where}.unit_price", currencyID=currency)
    if line.base_quantity is not None:
        base = _plain(line.base_quantity, f"{where}.base_quantity")
        _text(node, "BaseQuantity", base, f"{where}.base_quantity", unitCode=line.unit_code)
    if line.gross_price is not None:
        if line.gross_price < line.unit_price:
            raise InvalidInput(
                "The gross price must not be below the net price", field=f"{where}.gross_price"
            )
        discount = _aggregate(node, "AllowanceCharge")
        _text(discount, "ChargeIndicator", "false", where)
        off = _plain(line.gross_price - line.unit_price, where)
        _text(discount, "Amount", off, where, currencyID=currency)
        _text(discount, "BaseAmount", _plain(line.gross_price, where), where, currencyID=currency)


def _allowance(parent: ET.Element, item: Allowance, currency: str, where: str) -> None:
    if item.amount < 0:
        raise InvalidInput("An allowance or charge must not be negative", field=f"{where}.amount")
    if (item.percent is None) != (item.base is None):
        raise InvalidInput("A percentage needs its base amount, and the reverse", field=f"{where}.percent")
    node = _aggregate(parent, "AllowanceCharge")
    _text(node, "ChargeIndicator", "true" if item.charge else "false", where)
    _optional(node, "AllowanceChargeReasonCode", item.reason_code, f"{where}.reason_code")
    _text(node, "AllowanceChargeReason", item.reason, f"{where}.reason")
    if item.percent is not None:
        _text(node, "MultiplierFactorNumeric", _plain(item.percent, f"{where}.percent"), f"{where}.percent")
    _amount(node, "Amount", item.amount, currency)
    if item.base is not None:
        _amount(node, "BaseAmount", item.base, currency)
    if item.tax:
        _tax(node, "TaxCategory", item.tax, where)


def _tax(parent: ET.Element, name: str, tax: TaxCategory, where: str) -> None:
    fits = {"S": bool(tax.percent and tax.percent > 0), "O": tax.percent is None}
    zero = tax.code not in _UNTAXED or tax.percent == 0
    if not fits.get(tax.code, tax.percent is not None and zero):
        raise InvalidInput(
            f"Tax category {tax.code} does not go with the rate {tax.percent}",
            field=f"{where}.tax",
            hint="S needs a rate above zero, O none, the untaxed categories Z, E, AE, G and K the rate 0",
        )
    node = _aggregate(parent, name)
    _text(node, "ID", tax.code, f"{where}.tax.code")
    if tax.percent is not None:
        _text(node, "Percent", _plain(tax.percent, f"{where}.tax.percent"), f"{where}.tax.percent")
    _text(_aggregate(node, "TaxScheme"), "ID", tax.scheme, f"{where}.tax.scheme")


def _aggregate(parent: ET.Element, name: str) -> ET.Element:
    return ET.SubElement(parent, f"cac:{name}")


def _text(parent: ET.Element, name: str, text: str, where: str, **attributes: str) -> None:
    said = text.strip()
    for value in (said, *attributes.values()):
        found = _ILLEGAL.search(value)
        if found:
            raise InvalidInput(
                f"{where} holds the character U+{ord(found[0]):04X}, which XML cannot carry", field=where
            )
    if not said:
        raise InvalidInput(f"{where} must not be empty", field=where)
    ET.SubElement(parent, f"cbc:{name}", attributes).text = said


def _optional(parent: ET.Element, name: str, text: str | None, where: str) -> None:
    if text and text.strip():
        _text(parent, name, text, where)


def _day(parent: ET.Element, name: str, day: date | None) -> None:
    if day:
        _text(parent, name, day.isoformat(), name)


def _amount(parent: ET.Element, name: str, amount: Decimal, currency: str) -> None:
    _text(parent, name, f"{cents(amount):f}", name, currencyID=currency)


def _plain(number: Decimal, where: str, decimals: int = 0) -> str:
    """Write a number without exponent or needless zeros, but with at least `decimals` decimals."""
    if not number.is_finite():
        raise InvalidInput(f"{where} must be a finite number", field=where)
    exact = number.normalize()
    exponent = int(exact.as_tuple().exponent)
    if exponent < -_LARGEST_SCALE:
        raise InvalidInput(f"{where} has more than {_LARGEST_SCALE} decimals", field=where)
    return f"{exact:.{max(-exponent, decimals)}f}"
