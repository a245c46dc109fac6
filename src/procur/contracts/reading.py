"""Who reads which contracts and orders: the buyer's people all of them, a vendor's person their own."""

from typing import Any
from uuid import UUID

from procur.core.actor import Actor
from procur.core.errors import NotFound
from procur.db import Session
from procur.db.models import ContractRecord, PurchaseOrderRecord
from procur.db.repositories import (
    ContractRepository,
    PurchaseOrderRepository,
    UserRepository,
    VendorRepository,
)

READ, READ_OWN = "contract.read", "contract.read_own"


def vendor_of(session: Session, actor: Actor) -> UUID | None:
    """Return the vendor for which this person signs, or None."""
    user = UserRepository(session).get(actor.user_id)
    vendor_id = user.preferences.get("vendor_id")
    vendor = VendorRepository(session).get_by_key(vendor_id) if isinstance(vendor_id, str) else None
    return None if vendor is None else vendor.id


def rows_for(session: Session, actor: Actor) -> dict[str, Any]:
    """Return what narrows contracts and orders to those that this person may read."""
    if actor.may(READ):
        return {}
    if not actor.may(READ_OWN):
        actor.require(READ)
    own = vendor_of(session, actor)
    if own is None:
        raise NotFound(f"{actor.name} belongs to a vendor that is not on record")
    return {"vendor_id": own}


def contract_for(session: Session, actor: Actor, contract_id: str) -> ContractRecord:
    """Return a contract that this person may read; another vendor's is not found."""
    narrowed = rows_for(session, actor)
    row = ContractRepository(session).named(contract_id)
    if narrowed and row.vendor_id != narrowed["vendor_id"]:
        raise NotFound(f"no Contract {contract_id[:64]!r}", field="contract_id")
    return row


def order_for(session: Session, actor: Actor, po_number: str) -> PurchaseOrderRecord:
    """Return an order that this person may read; another vendor's is not found."""
    narrowed = rows_for(session, actor)
    row = PurchaseOrderRepository(session).named(po_number)
    if narrowed and row.vendor_id != narrowed["vendor_id"]:
        raise NotFound(f"no PurchaseOrder {po_number[:64]!r}", field="po_number")
    return row
