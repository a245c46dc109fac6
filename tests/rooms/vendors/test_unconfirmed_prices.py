"""A price that was only read from a page moves nobody else's talks until a person confirms it."""

from decimal import Decimal

import pytest

from procur.cli.steps import setting_up
from procur.core.errors import DecisionNeeded, InvalidInput
from procur.db.repositories import NegotiationRepository, RequestRepository, VendorRepository
from procur.jobs.drain import drain
from procur.negotiation.seats import seats_of
from procur.vendors.enrichment.service import ask_enrichment
from procur.vendors.tasks import enrich_vendor_data

PAGE = "<div><div><h3>Team</h3><p>$0.50 per user / month</p></div></div>"


@pytest.fixture
def cheap(house, pages, tools):
    """A fourth vendor whose page says $0.50."""
    pages.put("/pricing", PAGE)
    known = {"category": "project-management", "features": ["kanban", "single sign-on"]}
    with house.workspace.session() as session:
        VendorRepository(session).create(
            vendor_id="cheap", name="Cheap", website=pages.url("/pricing"), **known
        )
        ask_enrichment(session, house.actor(session), ["cheap"], now=house.workspace.clock.now())
    drain(house.database, [enrich_vendor_data(lambda: tools)], clock=house.workspace.clock)
    return house


def states(house, request_id):
    """Return each vendor's buyer state and reservation."""
    with house.session() as session:
        vendors = {row.id: row.vendor_id for row in VendorRepository(session).everyone()}
        rows = NegotiationRepository(session).for_request(RequestRepository(session).named(request_id).id)
        briefs = {seat.session_id: seat.brief for seat in seats_of(session, request_id)}
        return {vendors[row.vendor_id]: (row.buyer_state, briefs[row.session_id]) for row in rows}


def test_the_talks_with_others_do_not_go_by_it(cheap):
    without = cheap.negotiate(cheap.request())["negotiations"]
    assert sorted(each["vendor_id"] for each in without) == ["boards", "planwell", "tasklane"]
    assert "accepted" in {each["outcome"] for each in without}

    by_hand = cheap.request()
    cheap.negotiate(by_hand, counterpart="person")
    found = states(cheap, by_hand)
    assert set(found) == {"boards", "cheap", "planwell", "tasklane"}
    for state, _ in found.values():
        assert "cheap" not in {each["vendor_id"] for each in state["alternatives"]}
        assert Decimal(state["inputs"]["best_price"]) == Decimal("6.60")  # of Tasklane's 11.00
    assert found["cheap"][1].issues[0].high == Decimal("0.50")  # nobody pays more than what is published


def test_a_person_may_confirm_it(cheap):
    assert setting_up.show_vendor(cheap.alice, "cheap")["unconfirmed_prices_from"].endswith("/pricing")
    told = setting_up.confirm_vendor_prices(cheap.alice, "cheap")
    assert told["prices_from"].endswith("/pricing")
    assert setting_up.show_vendor(cheap.alice, "cheap")["unconfirmed_prices_from"] is None
    request_id = cheap.request()
    cheap.negotiate(request_id, counterpart="person")
    state, _ = states(cheap, request_id)["boards"]
    assert "cheap" in {each["vendor_id"] for each in state["alternatives"]}
    with pytest.raises(InvalidInput, match="waits to be confirmed"):
        setting_up.confirm_vendor_prices(cheap.alice, "cheap")


def test_nobody_is_simulated_around_it(cheap):
    with cheap.workspace.session() as session:
        repository = VendorRepository(session)
        for row in repository.everyone():
            if row.vendor_id != "cheap":
                repository.update(row.id, category="crm")
    with pytest.raises(DecisionNeeded, match="nobody has confirmed, read from pages: cheap"):
        cheap.negotiate(cheap.request())
