"""Who is told: people by what they have to do with a thing, and what each of them may know of it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from procur.core.actor import PERMISSIONS, roles_with
from procur.db import Session
from procur.db.models import ApprovalRecord, ContractRecord, RequestRecord, UserAccount
from procur.db.repositories import (
    ApprovalRepository,
    ContractRepository,
    EventRepository,
    RequestRepository,
    UserRepository,
    VendorRepository,
)

_MOST = 1000


@dataclass(frozen=True, slots=True)
class Reader:
    """Somebody by what they may know."""

    role: str

    def may(self, permission: str) -> bool:
        """Tell whether this reader's role carries the permission."""
        return permission in PERMISSIONS.get(self.role, frozenset())


# Whoever is in a Slack channel: told what everybody in the company may see.
CHANNEL = Reader("viewer")


def approvers(session: Session, request_id: str) -> list[UserAccount]:
    """Return who can take the first open decision about a request; owners where nobody else can."""
    rows = asked_last(ApprovalRepository(session).for_subject("request", request_id))
    pending = [row for row in rows if row.decision == "pending"]
    if not pending:
        return []
    step = [row for row in pending if row.step == pending[0].step]
    barred = {row.requester_id for row in rows} | {row.decided_by for row in rows}
    proposers = {row.policy_trace.get("proposed_by") for row in rows}
    named = [row.required_person_id for row in step if row.required_person_id is not None]
    roles = {row.required_role for row in step if row.required_person_id is None and row.required_role}
    users = UserRepository(session)
    people = [*_by_id(session, named), *(users.with_role(*roles) if roles else ())]
    free = [each for each in people if each.id not in barred and str(each.id) not in proposers]
    if free:
        return _once(free)
    return [each for each in users.with_role("owner") if each.id not in barred]


def asked_last(rows: Sequence[ApprovalRecord]) -> list[ApprovalRecord]:
    """Return the approvals asked for after the last rejection."""
    closed = [row.created_at for row in rows if row.decision in {"rejected", "expired"}]
    return [row for row in rows if not closed or row.created_at > max(closed)]


def involved(session: Session, request: RequestRecord, permission: str) -> list[UserAccount]:
    """Return who asked for a request and who acted on it, as far as they may see what they are told."""
    facts = EventRepository(session).for_aggregate("request", request.request_id)
    acted = {fact.actor_id.casefold() for fact in facts if fact.actor_type == "user" and fact.actor_id}
    users = UserRepository(session)
    people = users.get_all(limit=_MOST, email_key=acted, is_active=True) if acted else []
    found = _once([*_by_id(session, [request.user_id]), *people])
    return [person for person in found if Reader(person.role).may(permission)]


def allowed(session: Session, permission: str, *, but: Iterable[str] = ()) -> list[UserAccount]:
    """Return the active people whose role carries a permission, without the roles in `but`."""
    roles = [role for role in roles_with(permission) if role not in {*but, "agent", "system"}]
    return UserRepository(session).with_role(*roles)


def signers(session: Session, vendor_id: UUID) -> list[UserAccount]:
    """Return the vendor's people, who sign for it."""
    vendor = VendorRepository(session).get_by_id(vendor_id)
    people = [] if vendor is None else UserRepository(session).with_role("vendor")
    return [each for each in people if vendor and each.preferences.get("vendor_id") == vendor.vendor_id]


def request_of(session: Session, number: str) -> RequestRecord | None:
    """Return the request known by this number, or None when it was removed."""
    return RequestRepository(session).get_by_key(number)


def contract_of(session: Session, number: str) -> tuple[ContractRecord, RequestRecord] | None:
    """Return a contract and its request, or None when they were removed."""
    contract = ContractRepository(session).get_by_key(number)
    request = None if contract is None else RequestRepository(session).get_by_id(contract.request_id)
    return None if contract is None or request is None else (contract, request)


def _by_id(session: Session, ids: Iterable[UUID]) -> list[UserAccount]:
    found = UserRepository(session).get_many(ids).values()
    return [person for person in found if person.is_active]


def _once(people: Iterable[UserAccount]) -> list[UserAccount]:
    return list({person.id: person for person in people}.values())
