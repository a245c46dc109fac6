"""Give up a purchase before its contract is in force: with its approvals, talks and drafts."""

from dataclasses import dataclass
from datetime import datetime

from procur.approvals.service import expire_open
from procur.contracts.service import withdraw_contract
from procur.core.actor import Actor
from procur.core.errors import InvalidInput
from procur.db import Session
from procur.db.models import ApprovalRecord, ContractRecord, NegotiationSessionRecord, RequestRecord
from procur.db.repositories import ContractRepository, RequestRepository
from procur.negotiation.award import SUBJECT
from procur.negotiation.service import withdraw_talks
from procur.sourcing.service import move_request


@dataclass(frozen=True, slots=True)
class Cancelled:
    """What ended with a request."""

    talks: list[NegotiationSessionRecord]
    approvals: list[ApprovalRecord]
    contracts: list[ContractRecord]


def cancel_request(
    session: Session, actor: Actor, request: RequestRecord, *, reason: str, now: datetime
) -> Cancelled:
    """Cancel a request that is not contracted: nothing of it can be decided or signed any more."""
    actor.require("request.write")
    reason = " ".join(reason.split())
    if not reason:
        raise InvalidInput("say why it is not needed any more", field="reason")
    request = RequestRepository(session).locked(request.id)
    move_request(session, actor, request, "cancelled", now=now, reason=reason)
    talks = withdraw_talks(session, actor, request, now=now, reason=reason)
    approvals = expire_open(
        session, actor, subject_type=SUBJECT, subject_id=request.request_id, reason=reason, now=now
    )
    contracts = ContractRepository(session)
    open_contracts = [
        contracts.locked(row.id) for row in contracts.for_request(request.id) if row.status != "terminated"
    ]
    for row in open_contracts:
        withdraw_contract(session, actor, request, row, reason=reason, now=now)
    return Cancelled(talks, approvals, open_contracts)
