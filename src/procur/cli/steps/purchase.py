"""A whole purchase, step after step, as far as it goes without a person's decision."""

from collections.abc import Callable, Mapping
from typing import Any

from procur.cli.steps import closing, deciding, negotiating, requesting
from procur.cli.workspace import Workspace
from procur.core.errors import DecisionNeeded
from procur.db.repositories import ContractRepository, RequestRepository

Shown = Callable[[str, dict[str, Any]], None]


def go_on(
    workspace: Workspace,
    request_id: str,
    shown: Shown,
    negotiate: Mapping[str, Any],
    details: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Take a request from where it stands to where a person must decide; tell what that is and how.

    `shown` gets each step's name and answer as soon as it is done, `negotiate` goes to the negotiation and
    `details` to the contract.
    """
    while True:
        status, contract, order = _standing(workspace, request_id)
        if status in {"pending", "sourcing", "negotiating"}:
            stop = _source(workspace, request_id, status, shown, negotiate)
        else:
            stop = _close(
                workspace, request_id, shown, status=status, contract=contract, order=order, details=details
            )
        if stop is not None:
            return stop


def _source(
    workspace: Workspace, request_id: str, status: str, shown: Shown, negotiate: Mapping[str, Any]
) -> dict[str, Any] | None:
    """Match, negotiate, compare and award; stop where vendors have to answer."""
    if status == "pending":
        shown("match", requesting.match_request(workspace, request_id, limit=negotiate.get("limit", 5)))
    told = negotiating.negotiate_request(workspace, request_id, **negotiate, resume=status == "negotiating")
    shown("negotiate", told)
    if any(each["status"] == "active" for each in told["negotiations"]):
        return _stop(
            "negotiating",
            "the vendors have to answer our offers",
            f"procur negotiation answer SESSION accept|counter|end …, then: procur buy {request_id}",
        )
    shown("compare", deciding.compare_request(workspace, request_id))
    shown("award", deciding.award_request(workspace, request_id, "best_value"))
    return None


def _close(
    workspace: Workspace,
    request_id: str,
    shown: Shown,
    *,
    status: str,
    contract: str | None,
    order: str | None,
    details: Mapping[str, str] | None,
) -> dict[str, Any] | None:
    """Draft and order; stop for approval and for the signatures."""
    if status == "awaiting_approval":
        return _stop(
            status,
            "the award waits for approval by somebody other than the requester",
            f"procur approve {request_id} --as APPROVER, then: procur buy {request_id}",
        )
    if status == "approved" and contract is None:
        shown("draft", closing.draft(workspace, request_id, details=details))
        return None
    if status == "approved":
        return _stop(
            status,
            f"{contract} waits for the signatures of both sides",
            f"procur contract sign {contract} --for buyer --as …, and --for vendor --as … "
            f"(points still to be completed: procur contract draft {request_id} --set FIELD=TEXT writes it "
            f"again); then: procur buy {request_id}",
        )
    if status == "contracted" and order is None and contract is not None:
        shown("order", closing.issue(workspace, contract))
        return None
    if status == "contracted":
        return {"status": status, "needs": None, "next": f"procur savings {request_id}"}
    following = f"procur request show {request_id} says why"
    if status == "rejected":
        following += f"; procur award {request_id} --pick … proposes another offer"
    raise DecisionNeeded(f"{request_id} is {status}", field="status", hint=following)


def _standing(workspace: Workspace, request_id: str) -> tuple[str, str | None, str | None]:
    """Return the request's status, and its contract's and order's numbers where it has them."""
    with workspace.session() as session:
        workspace.actor(session, "request.read")
        row = RequestRepository(session).named(request_id)
        contracts = [c for c in ContractRepository(session).for_request(row.id) if c.status != "terminated"]
        last = contracts[-1] if contracts else None
        return (
            row.status,
            None if last is None else last.contract_id,
            None if last is None else last.purchase_order_id,
        )


def _stop(status: str, needs: str, following: str) -> dict[str, Any]:
    return {"status": status, "needs": needs, "next": following}
