"""Policy says who must approve; nobody approves their own; a rejection frees the request again."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import text

from factories.house import ALICE, BOB, OLGA, House
from procur.approvals.policy import DEFAULT_POLICY
from procur.approvals.service import activate_policy
from procur.cli.steps import deciding, requesting, setting_up
from procur.core.actor import Actor, negotiating_agent
from procur.core.errors import Conflict, DecisionNeeded, InvalidInput, NotAllowed, NotFound, ProcurError
from procur.db import Session
from procur.db.models import RequestRecord
from procur.db.repositories import (
    ApprovalRepository,
    AuditRepository,
    EventRepository,
    OfferRepository,
    VendorRepository,
)
from procur.identity.service import actor_of, add_user, own_organization
from procur.negotiation.award import Award, decide_award, propose_award
from procur.negotiation.briefs import Economics
from procur.negotiation.offers_compared import compare_offers

REQUEST = "REQ-2026-00001"


class Office:
    """The shared company's request, in a session that is rolled back."""

    def __init__(self, house: House, session: Session) -> None:
        self.house, self.session = house, session
        self.request: RequestRecord = house.row(session, REQUEST)
        self.now = house.workspace.clock.now()

    def actor(self, who: str) -> Actor:
        return self.house.actor(self.session, who)

    def add(self, name: str, role: str) -> Actor:
        organization = own_organization(self.session)
        values = {"email": f"{name}@acme.example", "full_name": name.title(), "role": role, "now": self.now}
        return actor_of(add_user(self.session, self.actor(OLGA), organization, **values))

    def award(self, choice: str = "best_value", who: str = ALICE, **more: Any) -> Award:
        compared = compare_offers(self.session, self.request, Economics(), now=self.now)
        return propose_award(
            self.session, self.actor(who), self.request, compared, choice=choice, now=self.now, **more
        )

    def decide(self, actor: Actor, *, approve: bool = True, reason: str | None = None) -> list[str]:
        rows = decide_award(self.session, actor, self.request, approve=approve, reason=reason, now=self.now)
        return [row.decision for row in rows]

    def policy(self, **rules: Any) -> None:
        """Put rules in force that ask what the test is about."""
        data = {"name": "p", "version": 1, "currency": "USD", "roles": ["approver", "owner"], "rules": []}
        data["rules"] = [
            {"id": name, "description": name, "priority": 1, "when": {"all": []}, "then": then}
            for name, then in rules.items()
        ]
        activate_policy(self.session, self.actor(OLGA), data, now=self.now)

    def written(self) -> tuple[int, ...]:
        tables = (ApprovalRepository, AuditRepository, EventRepository)
        accepted = OfferRepository(self.session).count(accepted=True)
        return (*(table(self.session).count() for table in tables), accepted)


@pytest.fixture
def office(negotiated: House, desk: Session) -> Office:
    return Office(negotiated, desk)


STEPS = {
    "first": [{"require_approval": {"role": "approver", "order": 1}}],
    "second": [{"require_approval": {"role": "owner", "order": 2}}],
}


def test_an_approved_award_moves_the_request_and_names_who_approved(office: Office) -> None:
    award = office.award()
    assert office.request.status == "awaiting_approval"
    assert [row.required_role for row in award.approvals] == ["approver"]
    assert office.decide(office.actor(BOB)) == ["approved"]
    assert (office.request.status, office.request.awarded_offer_id) == ("approved", award.offer.id)
    assert office.request.approved_by == office.actor(BOB).user_id


def test_below_the_thresholds_nobody_has_to_approve(office: Office) -> None:
    office.policy(free=[{"warn": "nothing to do"}])
    assert office.award().approvals == []
    assert office.request.status == "approved"
    with pytest.raises(NotFound):
        office.decide(office.actor(BOB))


@pytest.mark.parametrize("role", ["owner", "admin", "approver"])
def test_nobody_approves_a_request_of_their_own_whatever_their_role(office: Office, role: str) -> None:
    office.award()
    before = office.written()
    requester = replace(office.actor(ALICE), role=role)
    with pytest.raises(NotAllowed, match="asked for this"):
        office.decide(requester)
    assert office.written() == before


def test_nor_when_somebody_else_made_the_award(office: Office) -> None:
    """Olga awards Alice's request: neither of them may approve it."""
    office.award(who=OLGA)
    for actor in (replace(office.actor(ALICE), role="approver"), office.actor(OLGA)):
        with pytest.raises(NotAllowed, match="asked for this"):
            office.decide(actor)
    assert office.decide(office.actor(BOB)) == ["approved"]


def test_the_database_refuses_it_too(office: Office) -> None:
    row = office.award().approvals[0]
    values = {"id": row.id.hex if office.session.get_bind().dialect.name == "sqlite" else row.id}
    with pytest.raises(ProcurError), office.session.begin_nested():
        office.session.execute(
            text("UPDATE approvals SET decision = 'approved', decided_by = requester_id WHERE id = :id"),
            values,
        )


def test_an_agent_the_system_and_roles_without_the_permission_never_approve(office: Office) -> None:
    office.award()
    bob = office.actor(BOB)
    for actor in (
        negotiating_agent(bob),
        replace(bob, kind="agent"),
        replace(bob, kind="system", user_id=None),
        *(replace(bob, role=role) for role in ("buyer", "member", "viewer", "vendor", "agent", "nobody")),
    ):
        with pytest.raises(NotAllowed):
            office.decide(actor)
    assert office.request.status == "awaiting_approval"


def test_an_agent_cannot_propose_an_award(office: Office) -> None:
    compared = compare_offers(office.session, office.request, Economics(), now=office.now)
    with pytest.raises(NotAllowed, match=r"award\.propose"):
        propose_award(
            office.session, negotiating_agent(office.actor(ALICE)), office.request, compared,
            choice="best_value", now=office.now,
        )  # fmt: skip


def test_a_step_waits_for_the_steps_before_it(office: Office) -> None:
    office.policy(**STEPS)
    office.award()
    with pytest.raises(NotAllowed, match="comes after it"):
        office.decide(office.actor(OLGA))
    assert office.decide(office.actor(BOB)) == ["approved", "pending"]
    assert office.request.status == "awaiting_approval"
    with pytest.raises(NotAllowed, match="role owner"):
        office.decide(office.add("ben", "approver"))
    assert office.decide(office.actor(OLGA)) == ["approved", "approved"]
    assert office.request.status == "approved"


def test_one_person_decides_once_even_where_two_are_needed(office: Office) -> None:
    office.policy(two=[{"require_approval": {"role": "approver", "order": 1, "mode": "any", "count": 2}}])
    office.award()
    office.decide(office.actor(BOB))
    with pytest.raises(Conflict, match="decided"):
        office.decide(office.actor(BOB))
    assert office.decide(office.add("ben", "approver")) == ["approved", "approved"]


def test_a_rejection_needs_a_reason(office: Office) -> None:
    office.award()
    before = office.written()
    with pytest.raises(DecisionNeeded) as told:
        office.decide(office.actor(BOB), approve=False)
    assert told.value.field == "reason"
    assert office.written() == before


def test_a_rejected_request_can_be_awarded_again_and_approved(office: Office) -> None:
    """The first round of approvals is history: its rejection does not weigh on the second."""
    office.policy(**STEPS)
    first = office.award("boards")
    office.decide(office.actor(BOB))
    assert office.decide(office.actor(OLGA), approve=False, reason="too dear") == ["approved", "rejected"]
    assert (office.request.status, office.request.awarded_offer_id) == ("rejected", None)
    second = office.award("tasklane")
    assert second.offer.id != first.offer.id
    assert office.decide(office.actor(BOB)) == ["approved", "pending"]
    assert office.decide(office.actor(OLGA)) == ["approved", "approved"]
    assert (office.request.status, office.request.awarded_offer_id) == ("approved", second.offer.id)


def test_a_rejection_closes_the_steps_that_are_still_open(office: Office) -> None:
    office.policy(**STEPS)
    office.award()
    assert office.decide(office.actor(BOB), approve=False, reason="no") == ["rejected", "expired"]
    with pytest.raises(NotFound, match="rejected"):
        office.decide(office.actor(OLGA))


def test_an_awarded_request_cannot_be_awarded_again(office: Office) -> None:
    office.award()
    with pytest.raises(Conflict, match="awaiting_approval"):
        office.award("tasklane")


def test_more_than_the_budget_is_blocked_and_changes_nothing(office: Office) -> None:
    office.request.budget_max = Decimal(1000)
    before = office.written()
    with pytest.raises(DecisionNeeded, match="over budget") as told:
        office.award()
    assert told.value.field == "policy"
    assert office.written() == before
    assert office.request.status == "negotiating"


def test_an_unknown_budget_is_blocked_not_taken_for_unlimited(office: Office) -> None:
    office.request.budget_max = None
    with pytest.raises(DecisionNeeded, match="budget is unknown"):
        office.award()


def test_from_ten_thousand_fewer_than_three_quotes_need_a_reason(office: Office) -> None:
    """Two quotes are left after the third has expired."""
    assert office.award("boards").offer.terms.total >= 10_000
    office.session.rollback()
    office.request = office.house.row(office.session, REQUEST)
    office.session.execute(
        text("UPDATE offers SET valid_until = :day WHERE offer_id LIKE 'NEG-2026-00001-%'"),
        {"day": "2026-12-01 00:00:00.000000+00:00"},
    )
    office.session.expire_all()
    with pytest.raises(DecisionNeeded, match="quotes"):
        office.award("boards")
    with pytest.raises(DecisionNeeded, match="quotes"):
        office.award("boards", sole_source_reason="   ")
    assert office.award("boards", sole_source_reason="The third no longer sells it").approvals


def _evidence(office: Office, kind: str, valid_until: date | None = None) -> None:
    vendor = VendorRepository(office.session).named("planwell")
    VendorRepository(office.session).add_evidence(
        vendor.id, framework="soc2", kind=kind, source="seen", valid_until=valid_until
    )


def test_a_required_framework_without_evidence_blocks_until_somebody_records_it(office: Office) -> None:
    """A claim, a work in progress and what has ended are not evidence; a report is."""
    office.request.compliance_requirements = ["soc2"]
    yesterday = office.now.date() - timedelta(days=1)
    for kind, until in ((None, None), ("claimed", None), ("in_progress", None), ("certified", yesterday)):
        if kind is not None:
            _evidence(office, kind, until)
        before = office.written()
        with pytest.raises(DecisionNeeded) as told:
            office.award("planwell")
        assert "vendors evidence planwell" in str(told.value.hint)
        assert office.written() == before
    _evidence(office, "report", office.now.date())
    assert office.award("planwell").approvals


def test_evidence_recorded_on_the_command_line_frees_the_award(house: House) -> None:
    request_id = house.request("Project tracking for 50 people, at most $9,000 a year, SOC 2 required")
    shown = requesting.show_request(house.alice, request_id)
    assert shown["status"] == "pending"
    house.negotiate(request_id, rounds=2)
    with pytest.raises(DecisionNeeded, match="policy blocks"):
        house.award(request_id, "tasklane")
    told = {"vendor_id": "tasklane", "framework": "SOC 2", "source": "the auditor's letter"}
    setting_up.add_evidence(house.alice, **told, kind="claimed", valid_until=None)
    with pytest.raises(DecisionNeeded, match="policy blocks"):
        house.award(request_id, "tasklane")
    with pytest.raises(InvalidInput, match="ended"):
        setting_up.add_evidence(house.alice, **told, kind="report", valid_until=date(2026, 11, 30))
    setting_up.add_evidence(house.alice, **told, kind="report", valid_until=date(2027, 11, 30))
    assert house.award(request_id, "tasklane")["status"] == "awaiting_approval"


def test_a_pick_that_does_not_exist_is_refused_naming_those_that_do(office: Office) -> None:
    with pytest.raises(NotFound) as told:
        office.award("nobody")
    assert told.value.field == "choice"
    assert "boards" in str(told.value.hint)


def test_what_waits_is_shown_only_to_those_who_may_decide_it(house: House) -> None:
    request_id = house.request()
    house.negotiate(request_id, rounds=2)
    house.award(request_id)
    waiting = {who: len(deciding.waiting_approvals(house.as_(who))["waiting"]) for who in (ALICE, BOB, OLGA)}
    assert waiting == {ALICE: 0, BOB: 1, OLGA: 1}
    deciding.approve_request(house.bob, request_id, approve=False, reason="not now")
    assert deciding.waiting_approvals(house.bob)["waiting"] == []
    assert requesting.show_request(house.alice, request_id)["status"] == "rejected"
    house.award(request_id)
    assert deciding.approve_request(house.bob, request_id, approve=True, reason=None)["status"] == "approved"


def test_only_those_who_may_put_a_policy_in_force(office: Office) -> None:
    data = dict(DEFAULT_POLICY)
    for who in (ALICE, BOB):
        with pytest.raises(NotAllowed, match=r"policy\.write"):
            activate_policy(office.session, office.actor(who), data, now=office.now)
    before = office.written()
    with pytest.raises(InvalidInput):
        activate_policy(office.session, office.actor(OLGA), {"rules": "none"}, now=office.now)
    assert office.written() == before
