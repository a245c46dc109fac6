from datetime import date
from decimal import Decimal

import pytest

from procur.contracts.contract_facts import ContractFacts, Evidence, PartyFacts
from procur.contracts.order_facts import (
    Allowance,
    OrderContact,
    OrderFacts,
    OrderLine,
    OrderParty,
    TaxCategory,
)
from procur.core.deal import Terms

STANDARD = TaxCategory("S", Decimal(21))


@pytest.fixture
def order() -> OrderFacts:
    """An order that uses every part of which a rule speaks."""
    buyer = OrderParty(
        "Harbour Robotics Ltd",
        "7300010000001",
        "0088",
        "BE",
        ("Kaai 1", "Building C", "Second floor"),
        city="Gent",
        postal_code="9000",
        tax_id="BE0123456789",
        contact=OrderContact("Ada", email="ada@harbour.example"),
    )
    seller = OrderParty("Chat & Söhne <GmbH>", "sales@chat.example", "EM", "DE", tax_id="DE123456789")
    return OrderFacts(
        id="PO-2026-0001",
        issue_date=date(2026, 5, 4),
        currency="EUR",
        buyer=buyer,
        seller=seller,
        lines=(
            OrderLine(
                "1",
                "Team chat, 12 months",
                Decimal(120),
                "C62",
                Decimal(144),
                gross_price=Decimal(150),
                tax=STANDARD,
                allowances=(
                    Allowance(
                        Decimal(1728), "Volume", reason_code="95", percent=Decimal(10), base=Decimal(17280)
                    ),
                    Allowance(Decimal(28), "Set-up", charge=True, reason_code="FC"),
                ),
            ),
            OrderLine(
                "2", "Workshop", Decimal("2.5"), "DAY", Decimal(960), base_quantity=Decimal(1), tax=STANDARD
            ),
            OrderLine("3", "Onboarding", Decimal(1), "C62", Decimal(0), tax=STANDARD),
        ),
        valid_until=date(2026, 6, 30),
        contract_reference="C-2026-0001",
        delivery_from=date(2026, 5, 10),
        delivery_until=date(2027, 5, 9),
        payment_terms="Net 45 days",
        allowances=(
            Allowance(Decimal(500), "Negotiated", tax=STANDARD),
            Allowance(Decimal(50), "Handling", charge=True, tax=STANDARD),
        ),
        prepaid=Decimal(100),
        rounding=Decimal("0.20"),
    )


@pytest.fixture
def saas() -> ContractFacts:
    buyer = PartyFacts(
        "Harbour Robotics Ltd",
        ("1 Harbour Street", "London"),
        "United Kingdom",
        email="legal@harbour.example",
    )
    vendor = PartyFacts(
        "Chat Systems Inc.", ("5 Main Street",), "United States", email="contracts@chat.example"
    )
    return ContractFacts(
        number="C-2026-0001",
        effective_date=date(2026, 1, 15),
        buyer=buyer,
        vendor=vendor,
        request_type="saas",
        item="Team chat, Business plan",
        terms=Terms(Decimal("12.50"), 50, 24, "NET45", "USD", ("Free onboarding",)),
        auto_renew=True,
        renewal_notice_days=60,
        renewal_cap_percent=Decimal(5),
        must_haves=("Single sign-on",),
        compliance=(
            Evidence("SOC 2 Type II", "report", "report of 3 March 2025", date(2026, 3, 2), required=True),
            Evidence("ISO 27001", "certified", "certificate 12345", date(2025, 12, 31), required=True),
            Evidence("HIPAA"),
        ),
        billing="yearly",
        governing_law="the law of England and Wales",
        courts="the courts of London",
        availability="99.9%",
        service_credit="10% of the Charges of that month",
        support="by e-mail on Business Days",
    )
