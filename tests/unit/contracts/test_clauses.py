import re
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from procur.contracts.clauses import LIBRARY_VERSION, Clauses, draft, library
from procur.contracts.contract_facts import (
    Billing,
    ContractFacts,
    Evidence,
    Instalment,
    PartyFacts,
    notice_deadline,
)
from procur.contracts.paper import contract_paper
from procur.contracts.schedules import payments, price_years
from procur.core.deal import PAYMENT_TERMS, Terms
from procur.core.errors import InvalidInput
from procur.core.finance import add_months

GAP = re.compile(r"\[to be completed: ([^\]]+)\]")


def words(drafted: Clauses) -> str:
    return "\n".join(
        f"{c.title}\n" + "\n".join(f"{p.number} {p.text} {' '.join(p.items)}" for p in c.paragraphs)
        for c in drafted.clauses
    )


def keys(drafted: Clauses) -> set[str]:
    return {clause.key for clause in drafted.clauses}


@pytest.fixture
def goods(saas: ContractFacts) -> ContractFacts:
    return ContractFacts(
        "C-2",
        date(2026, 1, 15),
        saas.buyer,
        saas.vendor,
        "goods",
        "Safety helmet, white",
        Terms(Decimal("19.90"), 200, 0, "NET60", "EUR"),
        incoterm="DDP",
        delivery_place="London",
        delivery_date=date(2026, 3, 1),
        warranty_period="24 months",
    )


@pytest.fixture
def services(goods: ContractFacts) -> ContractFacts:
    return replace(
        goods,
        request_type="services",
        item="Data migration",
        terms=Terms(Decimal(960), 25, 0, "MILESTONES", "EUR"),
        unit="day",
        payment_schedule=(
            Instalment("Design", "on acceptance", Decimal(10000)),
            Instalment("Go-live", date(2026, 6, 30), Decimal(14000)),
        ),
    )


def test_a_goods_contract_knows_no_subscription(goods: ContractFacts) -> None:
    for kind in ("goods", "hardware"):
        text = words(draft(replace(goods, request_type=kind))).lower()
        for word in ("seat", "subscription", "user", "service level", "buyer data", "deliverable", "saas"):
            assert word not in text, word
        assert {"delivery", "title_risk", "inspection", "goods_warranty"} <= keys(draft(goods))
    assert "spare_parts" in keys(draft(replace(goods, request_type="hardware")))
    assert "spare_parts" not in keys(draft(goods))


def test_a_subscription_knows_no_delivery(saas: ContractFacts) -> None:
    text = words(draft(saas)).lower()
    for word in ("deliver", "incoterms", "goods,", "the goods", "milestones", "inspection", "personnel"):
        assert word not in text, word
    assert {
        "subscription",
        "service_levels",
        "data_protection",
        "security",
        "data_exit",
        "price_hold",
    } <= keys(draft(saas))


def test_a_services_contract_has_work_and_milestones(services: ContractFacts) -> None:
    drafted = draft(services)
    assert {"statement_of_work", "milestones", "personnel"} <= keys(drafted)
    text = words(drafted).lower()
    for word in ("incoterms", "subscription", "users", "spare parts", "buyer data"):
        assert word not in text, word


def test_clauses_and_paragraphs_are_numbered_through(saas: ContractFacts) -> None:
    drafted = draft(saas)
    assert [clause.number for clause in drafted.clauses] == list(range(1, len(drafted.clauses) + 1))
    for clause in drafted.clauses:
        assert [p.number for p in clause.paragraphs] == [
            f"{clause.number}.{n}" for n in range(1, len(clause.paragraphs) + 1)
        ]
    assert drafted.clauses[0].key == "definitions"
    assert drafted.clauses[-1].key == "signatures"
    assert drafted.library_version == LIBRARY_VERSION


def test_references_point_at_the_clause_they_mean(saas: ContractFacts) -> None:
    drafted = draft(saas)
    number = {clause.key: clause.number for clause in drafted.clauses}
    liability = next(clause for clause in drafted.clauses if clause.key == "liability")
    assert f"clause {number['confidentiality']}" in liability.paragraphs[1].text


def test_what_is_unknown_is_asked_for_and_listed(saas: ContractFacts) -> None:
    bare = replace(
        saas,
        vendor=PartyFacts("Chat Systems Inc."),
        governing_law=None,
        availability=None,
        service_credit=" ",
        renewal_cap_percent=None,
        renewal_notice_days=None,
        billing=None,
    )
    drafted = draft(bare)
    asked = set(GAP.findall(words(drafted)))
    listed = {point.what for point in drafted.open_points}
    assert asked <= listed
    assert {
        "governing law",
        "availability per month in percent",
        "service credit per shortfall",
        "cap on price increases at renewal",
        "notice period in days",
        "last day for notice",
        "invoicing interval",
        "e-mail address of Vendor for notices",
    } <= asked
    assert "address of Vendor" in {point.what for point in contract_paper(bare).open_points}
    assert all(point.clauses for point in drafted.open_points)


def test_nothing_is_open_when_everything_is_known(saas: ContractFacts) -> None:
    known = replace(saas, compliance=())
    paper = contract_paper(known)
    assert paper.open_points == ()
    assert "[to be completed" not in words(draft(known)) + str(paper.data)


def test_only_evidenced_frameworks_are_claimed(saas: ContractFacts) -> None:
    drafted = draft(saas)
    security = next(clause for clause in drafted.clauses if clause.key == "security")
    claimed, promised, unclaimed = (p for p in security.paragraphs if p.items)
    assert claimed.items == ("SOC 2 Type II: audit report, report of 3 March 2025, valid until 2 March 2026",)
    assert promised.items == ("ISO 27001 (evidence lapsed on 31 December 2025)",)
    assert unclaimed.items == ("HIPAA",)
    assert "makes no representation" in unclaimed.text
    assert "evidence of ISO 27001" in {point.what for point in drafted.open_points}


@pytest.mark.parametrize(
    "evidence",
    [
        Evidence("X", "certified"),
        Evidence("X", "report", " "),
        Evidence("X", "unknown", "s"),
        Evidence("X", "certified", "s", date(2026, 1, 14)),
    ],
)
def test_a_claim_needs_status_source_and_date(evidence: Evidence) -> None:
    assert not evidence.holds(date(2026, 1, 15))


def test_renewal(saas: ContractFacts) -> None:
    text = words(draft(saas))
    # 14 January 2028 less 60 days is Monday 15 November 2027.
    assert "on or before 15 November 2027" in text
    assert "by more than 5%" in text
    ends = words(draft(replace(saas, auto_renew=False, renewal_cap_percent=None)))
    assert "renews for further periods" not in ends
    assert "ends with the Initial Term without notice" in ends


@pytest.mark.parametrize(
    ("end", "days", "deadline"),
    [
        (date(2026, 12, 31), 30, date(2026, 12, 1)),
        (date(2026, 12, 31), 31, date(2026, 11, 30)),
        (date(2026, 12, 31), 32, date(2026, 11, 27)),  # a Sunday moves back to Friday
        (date(2026, 12, 31), 33, date(2026, 11, 27)),  # a Saturday too
        (date(2026, 12, 31), 0, date(2026, 12, 31)),
    ],
)
def test_notice_moves_back_to_a_business_day(end: date, days: int, deadline: date) -> None:
    assert notice_deadline(end, days) == deadline


@given(st.dates(date(2000, 1, 1), date(2100, 1, 1)), st.integers(0, 365))
def test_notice_is_never_late_nor_on_a_weekend(end: date, days: int) -> None:
    deadline = notice_deadline(end, days)
    assert deadline.weekday() < 5
    assert days <= (end - deadline).days <= days + 2


@pytest.mark.parametrize(
    ("day", "months", "later"),
    [
        (date(2026, 1, 31), 1, date(2026, 2, 28)),
        (date(2024, 2, 29), 12, date(2025, 2, 28)),
        (date(2026, 12, 15), 1, date(2027, 1, 15)),
    ],
)
def test_months_end_on_a_day_that_exists(day: date, months: int, later: date) -> None:
    assert add_months(day, months) == later


@pytest.mark.parametrize("terms", [t for t in PAYMENT_TERMS if t.startswith("NET")])
def test_net_days_are_exact(saas: ContractFacts, terms: str) -> None:
    text = words(draft(replace(saas, terms=replace(saas.terms, payment_terms=terms))))
    assert f"within {terms.removeprefix('NET')} days after the invoice date" in text
    assert "paid in advance" not in text


@pytest.mark.parametrize(("billing", "said"), [("monthly", "each month"), ("quarterly", "each quarter")])
def test_the_schedule_follows_the_invoicing_that_the_clause_states(
    saas: ContractFacts, billing: Billing, said: str
) -> None:
    facts = replace(saas, billing=billing)
    assert f"Vendor invoices {said} in advance" in words(draft(facts))
    first = payments(facts)[0]
    assert first.due == facts.first_day + timedelta(days=45)


def test_prepaid_is_paid_in_advance(saas: ContractFacts, goods: ContractFacts) -> None:
    prepaid = replace(saas, terms=replace(saas.terms, payment_terms="PREPAID"))
    assert "paid in advance, on the first day of that contract year" in words(draft(prepaid))
    assert [(p.due, p.amount) for p in payments(prepaid)] == [
        (date(2026, 1, 15), Decimal("7500.00")),
        (date(2027, 1, 15), Decimal("7500.00")),
    ]
    once = replace(goods, terms=replace(goods.terms, payment_terms="PREPAID"))
    assert "paid in advance, on the Effective Date" in words(draft(once))


@given(
    st.decimals("0.0001", 1000, places=4),
    st.integers(1, 5000),
    st.integers(1, 60),
    st.sampled_from(["monthly", "quarterly", "yearly"]),
)
def test_schedules_add_up_to_the_total(price: Decimal, quantity: int, months: int, billing: str) -> None:
    party = PartyFacts("A")
    facts = ContractFacts(
        "C", date(2026, 1, 31), party, party, "saas", "x", Terms(price, quantity, months, "NET30", "EUR"),
        billing=billing,
    )  # fmt: skip
    total = facts.terms.total.quantize(Decimal("0.01"), "ROUND_HALF_UP")
    years = price_years(facts)
    assert sum(year.amount for year in years) == total
    assert sum(part.amount for part in payments(facts)) == total
    assert years[-1].last == facts.last_day
    assert sum(year.months for year in years) == months


def test_braces_in_facts_are_not_filled(saas: ContractFacts) -> None:
    text = words(draft(replace(saas, item="{total} {0} {ref:ip} {x.__class__}")))
    assert "{total} {0} {ref:ip} {x.__class__}" in text


def test_every_combination_of_type_and_terms_can_be_drafted(saas: ContractFacts) -> None:
    for kind in ("saas", "hardware", "goods", "services"):
        for months in (0, 6, 12, 30):
            if kind == "saas" and not months:
                continue
            for pay in PAYMENT_TERMS:
                for renew in (True, False):
                    terms = Terms(Decimal("9.99"), 3, months, pay, "EUR")
                    drafted = draft(replace(saas, request_type=kind, terms=terms, auto_renew=renew))
                    assert "{" not in words(drafted)


def test_contradictions_are_refused(saas: ContractFacts) -> None:
    with pytest.raises(InvalidInput, match="before it starts"):
        replace(saas, end_date=date(2025, 1, 1))
    with pytest.raises(InvalidInput, match="adds up"):
        replace(saas, payment_schedule=(Instalment("x", "now", Decimal(1)),))
    with pytest.raises(InvalidInput, match="term in months"):
        replace(saas, terms=replace(saas.terms, term_months=0))


def test_library_names_are_unique() -> None:
    names = [clause["key"] for clause in library()["clause"]]
    assert len(names) == len(set(names))
