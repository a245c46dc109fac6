"""From a request in plain words to a purchase order: one figure everywhere, and every step on record."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

import databases
from factories.house import SETTLED, House, make_house
from procur.audit.verify import verify
from procur.cli.steps import closing, deciding, negotiating, requesting
from procur.contracts.order_rules import validate_order
from procur.core.errors import Conflict, DecisionNeeded
from procur.db import DatabaseSession
from procur.db.repositories import (
    ApprovalRepository,
    AuditRepository,
    ContractRepository,
    EventRepository,
    MandateRepository,
    NegotiationRepository,
    OfferRepository,
    PurchaseOrderRepository,
    RequestRepository,
)


@dataclass
class Bought:
    """What came out of a purchase, step by step."""

    house: House
    told: dict[str, dict[str, Any]]

    @property
    def request_id(self) -> str:
        found: str = self.told["match"]["request_id"]
        return found


def buy(house: House, *, seed: int = 42) -> Bought:
    """Play the whole purchase through the steps that the command line uses."""
    told: dict[str, dict[str, Any]] = {}
    request_id = house.request()
    told["match"] = requesting.match_request(house.alice, request_id, limit=5)
    told["negotiate"] = house.negotiate(request_id, seed=seed)
    told["compare"] = deciding.compare_request(house.alice, request_id)
    told["award"] = house.award(request_id)
    told["approve"] = house.approve(request_id)
    vendor_id = told["award"]["vendor_id"]
    told["contract"] = house.draft(request_id, vendor_id)
    told["signed"] = house.sign(told["contract"]["contract_id"], vendor_id)
    told["order"] = closing.issue(house.alice, told["contract"]["contract_id"])
    told["savings"] = closing.savings(house.alice, request_id)
    return Bought(house, told)


def offers_of(bought: Bought) -> list[dict[str, Any]]:
    with bought.house.session() as session:
        request = RequestRepository(session).named(bought.request_id)
        return [
            {"id": offer.offer_id, "by": offer.actor, "accepted": offer.accepted, "said": offer.message}
            | offer.terms.as_dict()
            for offer in OfferRepository(session).for_request(request.id)
        ]


def hashes(bought: Bought) -> tuple[str, str]:
    return bought.told["contract"]["sha256"], bought.told["order"]["sha256"]


@pytest.fixture(scope="module")
def bought(kept_house: House) -> Bought:
    """A finished purchase, for reading only."""
    return buy(kept_house)


def test_every_figure_of_a_purchase_is_the_figure_of_the_stored_offer(bought: Bought) -> None:
    told = bought.told
    with bought.house.session() as session:
        request = RequestRepository(session).named(bought.request_id)
        offer = OfferRepository(session).get(request.awarded_offer_id)
        contract = ContractRepository(session).named(told["contract"]["contract_id"])
        order = PurchaseOrderRepository(session).named(told["order"]["po_number"])
        lines = PurchaseOrderRepository(session).lines_of(order.id)
        total = offer.unit_price * offer.quantity * offer.term_months
        assert request.status == "contracted"
        assert contract.total_value == total == order.payable == sum(line.line_total for line in lines)
        assert sum(Decimal(part["amount"]) for part in contract.payment_schedule) == total
        assert (contract.unit_price, contract.quantity, contract.term_months, contract.payment_terms) == (
            offer.unit_price,
            offer.quantity,
            offer.term_months,
            offer.payment_terms,
        )
        assert contract.value_adds == offer.value_adds
        assert Decimal(told["award"]["terms"]["total"]) == total
    xml = Path(told["order"]["xml"]).read_bytes()
    payable = etree.fromstring(xml).xpath("string(//*[local-name()='PayableAmount'])")
    assert Decimal(str(payable)) == total
    assert validate_order(xml).ok


def test_the_savings_are_differences_to_stored_figures(bought: Bought) -> None:
    told = {each["baseline"]: each for each in bought.told["savings"]["savings"]}
    with bought.house.session() as session:
        request = RequestRepository(session).named(bought.request_id)
        awarded = OfferRepository(session).get(request.awarded_offer_id)
        talks = NegotiationRepository(session).get(awarded.negotiation_session_id)
        offers = OfferRepository(session).for_session(talks.id)
        listed, total, months = talks.list_unit_price, awarded.terms.total, awarded.term_months
        budget, quantity = request.budget_max, awarded.quantity
    first = next(offer for offer in offers if offer.actor == "seller")
    assert Decimal(bought.told["savings"]["awarded_total"]) == total
    assert listed is not None
    assert budget is not None
    expected = {"list price": listed * quantity * months, "budget": budget * months / 12}
    if (first.quantity, first.term_months) == (quantity, months):
        expected["first offer"] = first.terms.total
    for baseline, amount in expected.items():
        found = told[baseline]
        assert Decimal(found["baseline_total"]) == amount, found
        assert Decimal(found["amount"]) == amount - total, found


def test_the_trail_of_a_purchase_is_intact_and_each_entry_has_its_event(bought: Bought) -> None:
    with bought.house.session() as session:
        audit = AuditRepository(session)
        assert verify(session).intact
        entries = audit.since(limit=10_000)
        events = EventRepository(session).get_all(limit=1000)
    assert Counter(entry.action.replace("_", "") for entry in entries) == Counter(
        event.type.casefold() for event in events
    )
    assert Counter((entry.resource_type, entry.resource_id, entry.actor_id) for entry in entries) == Counter(
        (event.aggregate_type, event.aggregate_id, event.actor_id) for event in events
    )
    told = {entry.action for entry in entries}
    assert told >= {
        "request_opened",
        "vendors_shortlisted",
        "mandate_written",
        "negotiation_started",
        "round_played",
        "negotiation_settled",
        "award_proposed",
        "approval_decided",
        "contract_drafted",
        "contract_signed",
        "contract_activated",
        "purchase_order_issued",
    }


def test_the_agent_bargains_and_people_decide(bought: Bought) -> None:
    with bought.house.session() as session:
        kinds: dict[str, set[str]] = {}
        for entry in AuditRepository(session).since(limit=10_000):
            kinds.setdefault(entry.action, set()).add(entry.actor_type)
    assert kinds["round_played"] == {"agent"}
    assert kinds["negotiation_settled"] == {"agent"}
    for action in ("mandate_written", "award_proposed", "approval_decided", "contract_signed"):
        assert kinds[action] == {"user"}


def test_the_second_contract_order_and_negotiation_are_refused(bought: Bought) -> None:
    house, told = bought.house, bought.told
    with pytest.raises(DecisionNeeded, match="contracted"):
        closing.draft(house.alice, bought.request_id)
    with pytest.raises(Conflict, match="has the order"):
        closing.issue(house.alice, told["contract"]["contract_id"])
    with pytest.raises(Conflict, match="negotiated already"):
        house.negotiate(bought.request_id)


def test_the_same_seed_gives_the_same_offers_and_documents_on_both_databases(
    sqlite_template: Path, postgres_server: Any, postgres_template: str, tmp_path: Path
) -> None:
    found = []
    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        with databases.sqlite_database(sqlite_template, folder) as database:
            bought = buy(make_house(database, folder, ids_seed=len(found)))
            found.append((offers_of(bought), hashes(bought)))
    (tmp_path / "three").mkdir()
    with databases.postgres_database(postgres_server, postgres_template) as database:
        bought = buy(make_house(database, tmp_path / "three", ids_seed=9))
        found.append((offers_of(bought), hashes(bought)))
    assert found[0] == found[1] == found[2]


def test_another_seed_gives_another_deal(sqlite_database: DatabaseSession, tmp_path: Path) -> None:
    house = make_house(sqlite_database, tmp_path)
    talks = []
    for seed in (1, 2):
        request_id = house.request()
        talks.append([each["final"] for each in house.negotiate(request_id, seed=seed)["negotiations"]])
    assert talks[0] != talks[1]


TABLES = (
    RequestRepository,
    MandateRepository,
    NegotiationRepository,
    OfferRepository,
    ApprovalRepository,
    ContractRepository,
    PurchaseOrderRepository,
    AuditRepository,
    EventRepository,
)


def rows_of(house: House) -> tuple[dict[str, int], dict[str, str]]:
    """Count every row, and tell the status of each request and contract."""
    with house.session() as session:
        counts = {table.__name__: table(session).count() for table in TABLES}
        statuses = {row.request_id: row.status for row in RequestRepository(session).get_all()}
        statuses |= {
            row.contract_id: f"{row.status} {row.signed_by_buyer} {row.purchase_order_id}"
            for row in ContractRepository(session).get_all()
        }
    return counts, statuses


class Stopped(Exception):
    """A failure in the middle of a transaction."""


def steps_of(house: House) -> Iterator[tuple[str, Callable[[], Any]]]:
    """Yield each step of a purchase, to be played by whoever takes it."""
    yield "request", house.request
    request_id = "REQ-2026-00001"
    yield "match", lambda: requesting.match_request(house.alice, request_id, limit=5)
    yield "negotiate", lambda: house.negotiate(request_id, counterpart="person")
    yield "mandate", lambda: negotiating.set_mandate(house.alice, request_id, max_total=Decimal(26000))
    for number in ("1", "2", "3"):
        session_id = f"NEG-2026-0000{number}"
        yield (
            f"answer {number}",
            lambda name=session_id: negotiating.answer_for_vendor(
                house.alice, name, "counter", message=None, unit_price=Decimal("9.50")
            ),
        )
        yield (
            f"end {number}",
            lambda name=session_id: negotiating.answer_for_vendor(house.alice, name, "end", message="no"),
        )
    yield "award", lambda: house.award(request_id, "tasklane")
    yield "approve", lambda: house.approve(request_id)
    yield "address", lambda: house.address("tasklane")
    yield "draft", lambda: closing.draft(house.alice, request_id, details=SETTLED)
    contract_id = "CON-2026-00001"
    signer = house.add("sales@tasklane.example", "vendor", "tasklane")
    yield "sign for the buyer", lambda: closing.sign(house.alice, contract_id, "buyer")
    yield "sign for the vendor", lambda: closing.sign(house.as_(signer), contract_id, "vendor")
    yield "order", lambda: closing.issue(house.alice, contract_id)


def test_a_step_that_fails_leaves_neither_row_nor_entry_nor_event(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each step is stopped right after its first event: the row and the entry before it must go too."""
    append = EventRepository.append

    def stop(self: EventRepository, **values: Any) -> Any:
        append(self, **values)
        raise Stopped

    for name, play in steps_of(house):
        before = rows_of(house)
        with monkeypatch.context() as patch:
            patch.setattr(EventRepository, "append", stop)
            with pytest.raises(Stopped):
                play()
        assert rows_of(house) == before, name
        play()
        (after, _), (counts, _) = rows_of(house), before
        written = after["AuditRepository"] - counts["AuditRepository"]
        assert written == after["EventRepository"] - counts["EventRepository"] > 0, name
    with house.session() as session:
        assert verify(session).intact
        assert ContractRepository(session).named("CON-2026-00001").purchase_order_id == "PO-2026-00001"
