"""Each rule is broken once in an order that is otherwise valid; all of these pass the schema."""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
from lxml import etree

from procur.contracts.order_facts import OrderFacts
from procur.contracts.order_node import NS
from procur.contracts.order_rules import validate_order
from procur.contracts.ubl import order_xml

LINE = "cac:OrderLine[{}]/cac:LineItem"
LINE_ALLOWANCE = f"{LINE.format(1)}/cac:AllowanceCharge[1]"
PRICE = f"{LINE.format(1)}/cac:Price"
TOTAL = "cac:AnticipatedMonetaryTotal"
SYNTHETIC = Path(__file__).parents[4] / "shared" / "data" / "ubl"
Change = Callable[[etree._Element], None]


def one(root: etree._Element, path: str) -> etree._Element:
    (found,) = root.findall(path, NS)
    return found


def put(path: str, text: str) -> Change:
    def change(root: etree._Element) -> None:
        one(root, path).text = text

    return change


def drop(path: str) -> Change:
    def change(root: etree._Element) -> None:
        node = one(root, path)
        parent = node.getparent()
        assert parent is not None
        parent.remove(node)

    return change


def attribute(path: str, name: str, value: str | None) -> Change:
    def change(root: etree._Element) -> None:
        node = one(root, path)
        if value is None:
            del node.attrib[name]
        else:
            node.set(name, value)

    return change


def add(amount: int, *names: str) -> Change:
    """Move some of the totals, so that exactly one of the sums no longer holds."""

    def change(root: etree._Element) -> None:
        for name in names:
            node = one(root, f"{TOTAL}/cbc:{name}")
            node.text = str(Decimal(node.text or "0") + amount)

    return change


def both(*changes: Change) -> Change:
    def change(root: etree._Element) -> None:
        for each in changes:
            each(root)

    return change


def originator(root: etree._Element) -> None:
    cac = f"{{{NS['cac']}}}"
    party = etree.Element(f"{cac}OriginatorCustomerParty")
    contact = etree.SubElement(etree.SubElement(party, f"{cac}Party"), f"{cac}Contact")
    etree.SubElement(contact, f"{{{NS['cbc']}}}Name").text = "Ada"
    one(root, "cac:SellerSupplierParty").addnext(party)


def currencies(root: etree._Element) -> None:
    one(root, "cbc:DocumentCurrencyCode").text = "EUX"
    for node in root.iter():
        if node.get("currencyID"):
            node.set("currencyID", "EUX")


def negative_lines(root: etree._Element) -> None:
    """A line allowance so large that the lines are negative, and a charge that keeps the order positive."""
    one(root, f"{LINE.format(1)}/cac:AllowanceCharge[2]/cbc:ChargeIndicator").text = "false"
    one(root, f"{LINE.format(1)}/cac:AllowanceCharge[2]/cbc:AllowanceChargeReasonCode").text = "95"
    one(root, f"{LINE.format(1)}/cac:AllowanceCharge[2]/cbc:Amount").text = "30028.00"
    one(root, f"{LINE.format(1)}/cbc:LineExtensionAmount").text = "-14476.00"
    one(root, f"{TOTAL}/cbc:LineExtensionAmount").text = "-12076.00"
    one(root, "cac:AllowanceCharge[2]/cbc:Amount").text = "30106.00"
    one(root, f"{TOTAL}/cbc:ChargeTotalAmount").text = "30106.00"


def negative_allowance(root: etree._Element) -> None:
    one(root, "cac:AllowanceCharge[1]/cbc:Amount").text = "-500.00"
    one(root, f"{TOTAL}/cbc:AllowanceTotalAmount").text = "-500.00"
    add(1000, "TaxExclusiveAmount", "TaxInclusiveAmount", "PayableAmount")(root)


ALL = ("TaxExclusiveAmount", "TaxInclusiveAmount", "PayableAmount")
CASES: list[tuple[str, Change]] = [
    ("R001", put(f"{LINE.format(2)}/cbc:ID", "1")),
    ("R003", attribute(f"{PRICE}/cbc:PriceAmount", "currencyID", "USD")),
    ("R003", attribute(f"{TOTAL}/cbc:PayableAmount", "currencyID", "USD")),
    ("R004", put(f"{LINE.format(3)}/cbc:Quantity", "-1")),
    (
        "R005",
        both(
            put(f"{LINE.format(3)}/cbc:Quantity", "0"),
            put(f"{LINE.format(3)}/cac:Price/cbc:PriceAmount", "-1"),
        ),
    ),
    ("R006", both(add(-30000, "PayableAmount"), add(30000, "PrepaidAmount"))),
    ("R007", negative_lines),
    ("R008", add(1, "LineExtensionAmount", *ALL)),
    ("R009", both(add(1, "AllowanceTotalAmount"), add(-1, *ALL))),
    ("R010", both(add(1, "ChargeTotalAmount"), add(1, *ALL))),
    ("R011", add(1, *ALL)),
    ("R014", originator),
    ("R016", add(1, "PayableAmount")),
    ("R016", add(1, "PayableRoundingAmount")),
    ("R016", drop(f"{TOTAL}/cbc:PrepaidAmount")),
    ("R017", add(1, "TaxInclusiveAmount", "PayableAmount")),
    ("R019", put(f"{PRICE}/cac:AllowanceCharge/cbc:BaseAmount", "151")),
    ("R020", drop(f"{LINE_ALLOWANCE}/cbc:BaseAmount")),
    ("R021", drop(f"{LINE_ALLOWANCE}/cbc:MultiplierFactorNumeric")),
    ("R022", put(f"{LINE_ALLOWANCE}/cbc:BaseAmount", "17280.30")),
    ("R023", drop("cac:AllowanceCharge[1]/cbc:AllowanceChargeReason")),
    ("R024", put(f"{LINE.format(2)}/cac:Price/cbc:PriceAmount", "960.02")),
    ("R025", put(f"{LINE.format(2)}/cac:Price/cbc:BaseQuantity", "0")),
    ("R026", put("cac:SellerSupplierParty/cac:Party/cac:PartyTaxScheme/cbc:CompanyID", "123456789")),
    ("R026", put("cac:SellerSupplierParty/cac:Party/cac:PartyTaxScheme/cbc:CompanyID", "QQ123456789")),
    ("R028", put(f"{TOTAL}/cbc:PrepaidAmount", "100.000")),
    ("R029", drop(f"{LINE.format(1)}/cac:Item/cac:ClassifiedTaxCategory/cbc:Percent")),
    ("R030", put(f"{LINE.format(1)}/cac:Item/cac:ClassifiedTaxCategory/cbc:Percent", "0")),
    ("R031", put("cbc:ProfileID", "urn:fdc:peppol.eu:poacc:bis:catalogue_only:3")),
    ("R032", negative_allowance),
    (
        "R033",
        both(
            put(f"{PRICE}/cac:AllowanceCharge/cbc:BaseAmount", "140"),
            put(f"{PRICE}/cac:AllowanceCharge/cbc:Amount", "-4"),
        ),
    ),
    ("R034", put("cbc:CustomizationID", "urn:fdc:peppol.eu:poacc:trns:invoice:3")),
    ("CL001", put(f"{LINE_ALLOWANCE}/cbc:AllowanceChargeReasonCode", "FC")),
    ("CL002", put(f"{LINE.format(1)}/cac:AllowanceCharge[2]/cbc:AllowanceChargeReasonCode", "95")),
    ("C-R001", put("cbc:OrderTypeCode", " ")),
    ("C-R030", put("cbc:IssueDate", "2026-05-04Z")),
    ("C-R040", put("cac:BuyerCustomerParty/cac:Party/cbc:EndpointID", "7300010000002")),
    ("CURRENCY", currencies),
    (
        "COUNTRY",
        put(
            "cac:SellerSupplierParty/cac:Party/cac:PostalAddress/cac:Country/cbc:IdentificationCode",
            "Germany",
        ),
    ),
    ("TAX-CATEGORY", put(f"{LINE.format(1)}/cac:Item/cac:ClassifiedTaxCategory/cbc:ID", "X")),
    ("MANDATORY", drop("cac:BuyerCustomerParty/cac:Party/cbc:EndpointID")),
    ("MANDATORY", attribute("cac:BuyerCustomerParty/cac:Party/cbc:EndpointID", "schemeID", None)),
    ("MANDATORY", drop("cac:BuyerCustomerParty/cac:Party/cac:PartyLegalEntity")),
    ("MANDATORY", drop("cac:SellerSupplierParty/cac:Party/cbc:EndpointID")),
    ("MANDATORY", drop("cac:SellerSupplierParty/cac:Party/cac:PostalAddress")),
    ("MANDATORY", drop("cac:SellerSupplierParty/cac:Party/cac:PartyLegalEntity")),
    ("MANDATORY", drop(f"{LINE.format(1)}/cac:Item/cbc:Name")),
    ("MANDATORY", drop(f"{TOTAL}/cbc:LineExtensionAmount")),
    ("MANDATORY", attribute(f"{LINE.format(1)}/cbc:Quantity", "unitCode", None)),
]
# What the receiver is told without refusing the order.
WARNINGS: list[tuple[str, Change]] = [
    ("R002", drop("cac:ValidityPeriod")),
    ("R013", drop(f"{LINE.format(3)}/cbc:Quantity")),
    ("UNIT", attribute(f"{LINE.format(1)}/cbc:Quantity", "unitCode", "XPP")),
    ("EAS", attribute("cac:SellerSupplierParty/cac:Party/cbc:EndpointID", "schemeID", "8888")),
]


def changed(order: OrderFacts, change: Change) -> bytes:
    root = etree.fromstring(order_xml(order))
    change(root)
    return etree.tostring(root)


def test_the_order_breaks_no_rule(order: OrderFacts) -> None:
    report = validate_order(order_xml(order))
    assert report.ok
    assert not report.violations


@pytest.mark.parametrize(("rule", "change"), CASES, ids=[f"{n}-{rule}" for n, (rule, _) in enumerate(CASES)])
def test_one_mistake_is_one_violation(order: OrderFacts, rule: str, change: Change) -> None:
    report = validate_order(changed(order, change))
    assert not report.xsd_errors
    assert [found.rule for found in report.fatal] == [rule]
    assert not report.ok


@pytest.mark.parametrize(("rule", "change"), WARNINGS, ids=[rule for rule, _ in WARNINGS])
def test_warnings_do_not_refuse(order: OrderFacts, rule: str, change: Change) -> None:
    report = validate_order(changed(order, change))
    assert report.ok
    assert [found.rule for found in report.violations] == [rule]


def test_a_negative_gross_price_is_named(order: OrderFacts) -> None:
    change = put(f"{PRICE}/cac:AllowanceCharge/cbc:BaseAmount", "-6")
    assert "R027" in {found.rule for found in validate_order(changed(order, change)).fatal}


@pytest.mark.parametrize(("price", "ok"), [("960.008", True), ("960.0081", False), ("959.992", True)])
def test_a_line_may_be_two_cents_off(order: OrderFacts, price: str, ok: bool) -> None:
    report = validate_order(changed(order, put(f"{LINE.format(2)}/cac:Price/cbc:PriceAmount", price)))
    assert report.ok is ok


@pytest.mark.parametrize("number", ["EL123456789", "XI123456789", "GB123456789"])
def test_vat_prefixes(order: OrderFacts, number: str) -> None:
    path = "cac:SellerSupplierParty/cac:Party/cac:PartyTaxScheme/cbc:CompanyID"
    assert validate_order(changed(order, put(path, number))).ok


def test_a_number_of_another_tax_needs_no_country(order: OrderFacts) -> None:
    scheme = "cac:SellerSupplierParty/cac:Party/cac:PartyTaxScheme"
    change = both(put(f"{scheme}/cbc:CompanyID", "12-3456789"), put(f"{scheme}/cac:TaxScheme/cbc:ID", "TAX"))
    assert validate_order(changed(order, change)).ok


def test_without_tax_inclusive_the_payable_amount_is_free(order: OrderFacts) -> None:
    change = both(drop(f"{TOTAL}/cbc:TaxInclusiveAmount"), drop("cac:TaxTotal"), add(7, "PayableAmount"))
    assert validate_order(changed(order, change)).ok


def subtotals(root: etree._Element) -> None:
    total = one(root, "cac:TaxTotal")
    for taxable, tax in (("17530.00", "3681.30"), ("0.00", "0.00")):
        xml = (
            f'<cac:TaxSubtotal xmlns:cac="{NS["cac"]}" xmlns:cbc="{NS["cbc"]}">'
            f'<cbc:TaxableAmount currencyID="EUR">{taxable}</cbc:TaxableAmount>'
            f'<cbc:TaxAmount currencyID="EUR">{tax}</cbc:TaxAmount>'
            "<cac:TaxCategory><cbc:ID>S</cbc:ID><cbc:Percent>21</cbc:Percent>"
            "<cac:TaxScheme><cbc:ID>VAT</cbc:ID></cac:TaxScheme></cac:TaxCategory></cac:TaxSubtotal>"
        )
        total.append(etree.fromstring(xml))


def test_tax_subtotals_are_not_added_twice(order: OrderFacts) -> None:
    assert validate_order(changed(order, subtotals)).ok


def dollars(root: etree._Element) -> None:
    total = one(root, "cac:TaxTotal")
    xml = (
        f'<cac:TaxTotal xmlns:cac="{NS["cac"]}" xmlns:cbc="{NS["cbc"]}">'
        '<cbc:TaxAmount currencyID="USD">4000.00</cbc:TaxAmount></cac:TaxTotal>'
    )
    total.addnext(etree.fromstring(xml))


def test_tax_in_a_second_currency_breaks_only_the_currency_rule(order: OrderFacts) -> None:
    assert [found.rule for found in validate_order(changed(order, dollars)).fatal] == ["R003"]


def test_a_violation_says_where(order: OrderFacts) -> None:
    (found,) = validate_order(changed(order, put(f"{LINE.format(2)}/cbc:ID", "1"))).fatal
    assert found.location == "/Order/cac:OrderLine[2]/cac:LineItem"
    assert "'1'" in found.message


@pytest.mark.parametrize(
    "xml",
    [
        b"",
        b"no xml",
        b"<Order>",
        b'<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>',
        b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>',
        "<?xml version='1.0' encoding='utf-16'?><!DOCTYPE a><a/>".encode("utf-16"),
        b"<a>" + b" " * 5_000_000 + b"</a>",
    ],
    ids=["empty", "text", "open", "entity", "external", "utf-16", "large"],
)
def test_hostile_or_broken_xml_is_reported(xml: bytes) -> None:
    report = validate_order(xml)
    assert not report.ok
    assert report.xsd_errors


def test_another_document_is_no_order() -> None:
    report = validate_order(b'<Invoice xmlns="urn:oasis:names:specification:ubl:schema:xsd:Invoice-2"/>')
    assert report.xsd_errors


def test_figures_that_are_no_numbers_are_the_schemas_business(order: OrderFacts) -> None:
    report = validate_order(changed(order, put(f"{TOTAL}/cbc:PayableAmount", "a lot")))
    assert report.xsd_errors


@pytest.mark.skipif(not SYNTHETIC.is_dir(), reason="the shared UBL files are not on this machine")
def test_synthetic_orders_are_valid_and_oasis_examples_lack_identifiers() -> None:
    for path in sorted((SYNTHETIC / "synthetic").glob("*.xml")):
        assert validate_order(path.read_bytes()).violations == ()
    example = validate_order((SYNTHETIC / "examples-2.1" / "UBL-Order-2.1-Example.xml").read_bytes())
    assert not example.xsd_errors
    assert {found.rule for found in example.fatal} == {"R034", "R031"}
