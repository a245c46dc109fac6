"""Policies in force, approvals asked for and decided; what they approve is for the rooms above."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from procur.approvals.policy import (
    DEFAULT_POLICY,
    Decision,
    PolicySet,
    RequiredApproval,
    evaluate,
    parse_policy,
)
from procur.audit.trail import record
from procur.core.actor import Actor
from procur.core.errors import Conflict, DecisionNeeded, NotAllowed, NotFound
from procur.db import Session
from procur.db.models import ApprovalRecord
from procur.db.repositories import ApprovalRepository, PolicyRepository, UserRepository
from procur.events.facts import ApprovalDecided, ApprovalsExpired, PolicyActivated

POLICY_NAME = "purchase approval"
POLICY_TYPE = "approval"


def policy_in_force(session: Session) -> PolicySet:
    """Return the organisation's approval policy; the packaged template until it has its own."""
    row = PolicyRepository(session).get_active_policy(POLICY_NAME)
    if row is None:
        return parse_policy(DEFAULT_POLICY)
    return parse_policy({**row.policy_data, "version": row.version})


def activate_policy(session: Session, actor: Actor, data: Mapping[str, Any], *, now: datetime) -> PolicySet:
    """Check a policy and put it in force as the next version."""
    actor.require("policy.write")
    parse_policy(data)
    policies = PolicyRepository(session)
    if not policies.history(POLICY_NAME):
        # What was in force so far becomes version 1, so that old decisions name a version that can be read.
        policies.new_version(POLICY_NAME, policy_type=POLICY_TYPE, policy_data=dict(DEFAULT_POLICY))
    row = policies.new_version(
        POLICY_NAME,
        policy_type=POLICY_TYPE,
        policy_data=dict(data),
        created_by=actor.user_id,
        description=data.get("description"),
    )
    policy = policy_in_force(session)
    record(
        session,
        actor,
        PolicyActivated(policy_name=POLICY_NAME, version=row.version, policy_hash=policy.hash),
        now=now,
        description=f"Policy {POLICY_NAME} version {row.version} is in force",
        category="compliance",
    )
    return policy


def decide_by_policy(session: Session, facts: Mapping[str, object]) -> Decision:
    """Return what the policy in force says about these facts.

    The packaged template names amounts, not a currency: until an organisation has its own policy, they count
    in the currency of what is decided.
    """
    own = PolicyRepository(session).get_active_policy(POLICY_NAME)
    currency = facts.get("currency")
    if own is None and currency is not None:
        return evaluate(parse_policy({**DEFAULT_POLICY, "currency": currency}), facts)
    return evaluate(policy_in_force(session), facts)


def ask_for_approvals(
    session: Session,
    decision: Decision,
    *,
    subject_type: str,
    subject_id: str,
    requester_id: UUID | None,
    proposer: Actor,
    amount: Decimal,
    currency: str,
) -> list[ApprovalRecord]:
    """Write the approvals that a decision requires, one row per decision needed.

    Mode "any" needs `count` people of the role, whoever they are; "all" everybody who has it now. Neither the
    requester nor whoever proposed this can give one.
    """
    asked = decision.as_dict() | {"proposed_by": None if proposer.user_id is None else str(proposer.user_id)}
    repository = ApprovalRepository(session)
    return [
        repository.create(
            subject_type=subject_type,
            subject_id=subject_id,
            step=needed.order,
            required_role=needed.role,
            required_permission="award.approve",
            required_person_id=person,
            requester_id=requester_id,
            amount=amount,
            currency=currency,
            policy_trace=asked | {"reason": needed.reason},
        )
        for needed in decision.approvals
        for person in _people(session, needed, {requester_id, proposer.user_id})
    ]


def _people(session: Session, needed: RequiredApproval, barred: set[UUID | None]) -> list[UUID | None]:
    """Return who must decide by name; None stands for anybody of the role."""
    if needed.mode != "all":
        return [None] * needed.count
    found: list[UUID | None] = [user.id for user in UserRepository(session).with_role(needed.role)]
    people = [user_id for user_id in found if user_id not in barred]
    if not people:
        raise DecisionNeeded(
            f"the policy asks everybody with the role {needed.role}, and nobody who may decide has it",
            field="policy",
            hint=f"procur users add … --role {needed.role}",
        )
    return people


def decide(
    session: Session,
    actor: Actor,
    *,
    subject_type: str,
    subject_id: str,
    approve: bool,
    reason: str | None,
    now: datetime,
) -> list[ApprovalRecord]:
    """Decide the first open step of a subject as this person; return the approvals asked for with it.

    Nobody decides on their own request or proposal, an agent never decides, one person decides once, and a
    step waits for the steps before it. A rejection closes the steps that are still open.
    """
    repository = ApprovalRepository(session)
    rows = _asked_last(repository.for_subject(subject_type, subject_id))
    pending = [row for row in rows if row.decision == "pending"]
    if not pending:
        raise NotFound(f"nothing about {subject_id} waits for approval", field="approval")
    row = _row_for(actor, pending)
    person = _may_decide(actor, row, rows)
    repository.decide(
        row.id,
        decision="approved" if approve else "rejected",
        decided_by=person,
        reason=reason,
    )
    if not approve:
        for other in (each for each in pending if each.id != row.id):
            repository.advance(other.id, expected={"decision": "pending"}, decision="expired")
    record(
        session,
        actor,
        ApprovalDecided(
            request_id=subject_id,
            step=row.step,
            decision="approved" if approve else "rejected",
            decided_by=actor.id,
            reason=reason,
        ),
        now=now,
        description=f"{actor.name} {'approved' if approve else 'rejected'} {subject_id}, step {row.step}"
        + (f": {reason}" if reason else ""),
        category="compliance",
    )
    return rows


def expire_open(
    session: Session, actor: Actor, *, subject_type: str, subject_id: str, reason: str, now: datetime
) -> list[ApprovalRecord]:
    """Close the decisions about a subject that nobody has taken; return them."""
    repository = ApprovalRepository(session)
    pending = [row for row in repository.for_subject(subject_type, subject_id) if row.decision == "pending"]
    closed = [
        repository.advance(row.id, expected={"decision": "pending"}, decision="expired") for row in pending
    ]
    if closed:
        record(
            session,
            actor,
            ApprovalsExpired(subject_id, tuple(row.step for row in closed), reason),
            now=now,
            description=f"{len(closed)} open approvals of {subject_id} are not needed any more: {reason}",
            category="compliance",
        )
    return closed


def _row_for(actor: Actor, pending: Sequence[ApprovalRecord]) -> ApprovalRecord:
    """Return the row of the first open step that this person takes: one with their name, or a free one."""
    step = [row for row in pending if row.step == pending[0].step]
    own = [row for row in step if row.required_person_id == actor.user_id]
    free = [row for row in step if row.required_person_id is None]
    return (own or free or step)[0]


def may_decide(actor: Actor, row: ApprovalRecord, rows: Sequence[ApprovalRecord]) -> bool:
    """Tell whether this person could decide the row now, among the rows asked for with it."""
    pending = [each for each in _asked_last(rows) if each.decision == "pending"]
    if not pending or _row_for(actor, pending).id != row.id:
        return False
    try:
        _may_decide(actor, row, _asked_last(rows))
    except (NotAllowed, Conflict):
        return False
    return True


def _asked_last(rows: Sequence[ApprovalRecord]) -> list[ApprovalRecord]:
    """Return the approvals asked for after the last rejection."""
    closed = [row.created_at for row in rows if row.decision in {"rejected", "expired"}]
    return [row for row in rows if not closed or row.created_at > max(closed)]


def _may_decide(actor: Actor, row: ApprovalRecord, rows: Sequence[ApprovalRecord]) -> UUID:
    """Return the person who decides, or raise NotAllowed."""
    if actor.kind != "user" or actor.user_id is None:
        raise NotAllowed("only a person can approve or reject")
    actor.require("award.approve")
    if str(actor.user_id) in {str(row.requester_id), row.policy_trace.get("proposed_by")}:
        raise NotAllowed(
            f"{actor.name} asked for this and cannot decide it",
            hint="somebody else has to: procur approve --as …",
        )
    if row.required_role is not None and actor.role not in {row.required_role, "owner"}:
        raise NotAllowed(
            f"step {row.step} is for the role {row.required_role}; {actor.name} has the role {actor.role}"
        )
    if row.required_person_id not in {None, actor.user_id}:
        raise NotAllowed(f"step {row.step} waits for somebody else by name")
    later = [other for other in rows if other.decision == "pending" and other.step > row.step]
    if actor.role != row.required_role and any(other.required_role == actor.role for other in later):
        raise NotAllowed(
            f"step {row.step} is for the role {row.required_role}; the step for {actor.role} comes after it",
            hint="procur approve --as … by somebody with that role",
        )
    if any(other.decided_by == actor.user_id for other in rows if other.decision == "approved"):
        raise Conflict(f"{actor.name} has decided a step of this already", hint="another person is needed")
    return actor.user_id
