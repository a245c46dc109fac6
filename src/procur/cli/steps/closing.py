"""From an approved award to a signed contract, a purchase order and the savings."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from procur.cli.steps.negotiating import economics_of
from procur.cli.steps.setting_up import vocabulary_of
from procur.cli.workspace import Workspace
from procur.contracts.kinds import GENERATE, GenerateContract
from procur.contracts.orders import issue_order
from procur.contracts.reading import contract_for, order_for, rows_for
from procur.contracts.service import Wanted, draft_contract, plan_draft
from procur.contracts.signing import SIDES, sign_contract
from procur.contracts.signing import Wanted as Signing
from procur.core.actor import Actor
from procur.core.errors import DecisionNeeded
from procur.db.models import ContractRecord, PurchaseOrderRecord
from procur.db.repositories import (
    ContractRepository,
    NegotiationRepository,
    OfferRepository,
    PurchaseOrderRepository,
    RequestRepository,
    VendorRepository,
)
from procur.insights.savings import Baselines, ListPrice, per_needed_unit, savings_of
from procur.sourcing.budgets import budget_over


def draft(
    workspace: Workspace,
    request_id: str,
    *,
    start: date | None = None,
    details: Mapping[str, str] | None = None,
    special_terms: Sequence[str] = (),
) -> dict[str, Any]:
    """Draft the contract of an approved request and store its PDF."""
    drafted = draft_contract(
        workspace.session,
        _person(workspace, "contract.draft"),
        workspace.store,
        vocabulary_of(workspace),
        Wanted(request_id, start, dict(details or {}), tuple(special_terms)),
        now=workspace.clock.now(),
    )
    return _contract_dict(workspace, drafted.row) | {
        "title": drafted.paper.title,
        "clauses": [f"{clause.number}. {clause.title}" for clause in drafted.paper.clauses],
        "open_points": [
            {"what": point.what, "clauses": list(point.clauses)} for point in drafted.paper.open_points
        ],
    }


def ask_for_draft(
    workspace: Workspace,
    request_id: str,
    *,
    start: date | None = None,
    details: Mapping[str, str] | None = None,
    special_terms: Sequence[str] = (),
) -> dict[str, Any]:
    """Ask a worker to draft the contract; what can be seen to be wrong is refused at once."""
    wanted = Wanted(request_id, start, dict(details or {}), tuple(special_terms))
    with workspace.session() as session:
        person = workspace.actor(session, "contract.draft")
        plan_draft(session, person, vocabulary_of(workspace), wanted, now=workspace.clock.now())
        payload = GenerateContract(request_id, person.id, start, dict(wanted.details), wanted.special_terms)
        job, _ = GENERATE.ask(session, payload, correlation_id=request_id, created_by=person.user_id)
        return {"request_id": request_id, "job_id": str(job.id), "queue": job.queue}


def show_contract(workspace: Workspace, contract_id: str) -> dict[str, Any]:
    """Return a contract and check that its document is the one that was stored."""
    with workspace.session() as session:
        row = contract_for(session, workspace.actor(session), contract_id)
    workspace.store.get(row.document_path or "", sha256=row.document_hash)
    return _contract_dict(workspace, row) | {"document_unchanged": True}


def list_contracts(workspace: Workspace, *, limit: int, cursor: str | None) -> dict[str, Any]:
    """Return a page of contracts, newest first."""
    with workspace.session() as session:
        page = ContractRepository(session).page(
            limit=limit, cursor=cursor, **rows_for(session, workspace.actor(session))
        )
        return {
            "contracts": [_contract_dict(workspace, row) for row in page.rows],
            "next_cursor": page.next_cursor,
        }


def list_orders(workspace: Workspace, *, limit: int, cursor: str | None) -> dict[str, Any]:
    """Return a page of purchase orders, newest first."""
    with workspace.session() as session:
        page = PurchaseOrderRepository(session).page(
            limit=limit, cursor=cursor, **rows_for(session, workspace.actor(session))
        )
        contracts = ContractRepository(session).get_many(row.contract_id for row in page.rows)
        return {
            "orders": [
                _order_dict(workspace, row, contracts[row.contract_id].contract_id, ()) for row in page.rows
            ],
            "next_cursor": page.next_cursor,
        }


def sign(
    workspace: Workspace, contract_id: str, side: str, *, despite_open_points: bool = False
) -> dict[str, Any]:
    """Sign a contract for one side, as the person who runs the command."""
    person = _person(workspace, f"contract.sign_for_{side}" if side in SIDES else None)
    with workspace.session(read_only=True) as session:
        contract = ContractRepository(session).named(contract_id)
    row = sign_contract(
        workspace.session,
        person,
        workspace.store,
        Signing(contract.id, side, despite_open_points),
        now=workspace.clock.now(),
    )
    return _contract_dict(workspace, row) | {"signed_now_by": person.name}


def issue(workspace: Workspace, contract_id: str, *, note: str | None = None) -> dict[str, Any]:
    """Issue the purchase order of an active contract."""
    person = _person(workspace, "order.issue")
    with workspace.session(read_only=True) as session:
        contract = ContractRepository(session).named(contract_id)
    row = issue_order(
        workspace.session, person, workspace.store, contract.id, now=workspace.clock.now(), note=note
    )
    with workspace.session(read_only=True) as session:
        lines = PurchaseOrderRepository(session).lines_of(row.id)
    return _order_dict(workspace, row, contract_id, lines)


def show_order(workspace: Workspace, po_number: str) -> dict[str, Any]:
    """Return a purchase order and check that its XML is the one that was stored."""
    with workspace.session() as session:
        orders = PurchaseOrderRepository(session)
        row = order_for(session, workspace.actor(session), po_number)
        contract = ContractRepository(session).get(row.contract_id)
        lines = orders.lines_of(row.id)
    workspace.store.get(row.xml_path or "", sha256=row.xml_hash)
    workspace.store.get(row.document_path or "", sha256=row.document_hash)
    return _order_dict(workspace, row, contract.contract_id, lines)


def savings(workspace: Workspace, request_id: str) -> dict[str, Any]:
    """Measure the award of a request against what it can be measured against, from stored rows only."""
    with workspace.session() as session:
        workspace.actor(session, "negotiation.read")
        request = RequestRepository(session).named(request_id)
        if request.awarded_offer_id is None:
            raise DecisionNeeded(
                f"{request_id} is not awarded", field="status", hint=f"procur award {request_id}"
            )
        offers = OfferRepository(session)
        offer = offers.get(request.awarded_offer_id)
        terms = per_needed_unit(offer.terms, request.quantity)
        talks = NegotiationRepository(session).get(offer.negotiation_session_id)
        vendor = VendorRepository(session).get(offer.vendor_id)
        first = next((o for o in offers.for_session(talks.id) if o.actor == "seller"), None)
        rivals = NegotiationRepository(session).for_request(request.id)
        finals = offers.get_many(row.final_offer_id for row in rivals if row.final_offer_id)
        others = [o for o in finals.values() if o.negotiation_session_id != talks.id]
        factor = talks.buyer_state.get("prepay_factor")
        listed = None
        if talks.list_unit_price is not None:
            listed = ListPrice(
                talks.list_unit_price,
                str(vendor.vendor_metadata.get("captured_on") or "an unknown date"),
                None if factor is None else Decimal(factor),
            )
        economics = economics_of(session)
        report = savings_of(
            terms,
            Baselines(
                list_price=listed,
                # An opening ask for more units than needed is no baseline for a saving: its unit price is.
                first_offer=None if first is None else first.terms,
                budget_total=budget_over(request, terms.term_months),
                other_final_offers=tuple(per_needed_unit(o.terms, request.quantity) for o in others),
            ),
            cost_of_capital=economics.cost_of_capital,
            billing=economics.billing,
        )
        return {"request_id": request_id, "vendor": vendor.name, **report.as_dict()}


def _person(workspace: Workspace, permission: str | None) -> Actor:
    """Return who runs the command, before anything is printed."""
    with workspace.session(read_only=True) as session:
        return workspace.actor(session, permission)


def _contract_dict(workspace: Workspace, row: ContractRecord) -> dict[str, Any]:
    return {
        "contract_id": row.contract_id,
        "status": row.status,
        "unit_price": row.unit_price,
        "quantity": row.quantity,
        "term_months": row.term_months,
        "payment_terms": row.payment_terms,
        "total_value": row.total_value,
        "currency": row.currency,
        "start_date": row.start_date.isoformat(),
        "end_date": None if row.end_date is None else row.end_date.isoformat(),
        "document": workspace.store.location(row.document_path or ""),
        "sha256": row.document_hash,
        "template_version": row.template_version,
        "signed_by_buyer": row.buyer_signer_id if row.signed_by_buyer else None,
        "signed_by_vendor": row.vendor_signer_id if row.signed_by_vendor else None,
        "purchase_order": row.purchase_order_id,
        "certificate": _stored(workspace, row.special_terms.get("certificate", {}).get("path")),
    }


def _stored(workspace: Workspace, path: str | None) -> str | None:
    return None if path is None else workspace.store.location(path)


def _order_dict(
    workspace: Workspace, row: PurchaseOrderRecord, contract_id: str, lines: Sequence[Any]
) -> dict[str, Any]:
    return {
        "po_number": row.po_number,
        "contract_id": contract_id,
        "status": row.status,
        "issue_date": row.issue_date.isoformat(),
        "currency": row.currency,
        "payable": row.payable,
        "xml": workspace.store.location(row.xml_path or ""),
        "document": workspace.store.location(row.document_path or ""),
        "sha256": row.xml_hash,
        "lines": [
            {
                "item": line.item_name,
                "description": line.description,
                "quantity": line.quantity,
                "unit_price": line.unit_price,
                "line_total": line.line_total,
            }
            for line in lines
        ],
    }
