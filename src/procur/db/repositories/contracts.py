"""Contracts and purchase orders."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from sqlalchemy import select

from procur.db.models import ContractRecord, PurchaseOrderLine, PurchaseOrderRecord
from procur.db.repositories.base import Key, Repository


class ContractRepository(Repository[ContractRecord]):
    """What was agreed."""

    model = ContractRecord
    business_key = "contract_id"
    prefix = "CON"

    def get_by_contract_id(self, contract_id: str) -> ContractRecord | None:
        """Return the contract known by this number, or None."""
        return self.get_by_key(contract_id)

    def for_request(self, request_id: Key) -> list[ContractRecord]:
        """Return the contracts made for a request, oldest first."""
        return self.get_all(limit=1000, request_id=self._key(request_id))

    def for_vendor(self, vendor_id: Key) -> list[ContractRecord]:
        """Return the contracts with a vendor, oldest first."""
        return self.get_all(limit=1000, vendor_id=self._key(vendor_id))

    def get_active(self, limit: int = 1000) -> list[ContractRecord]:
        """Return the contracts in force, oldest first."""
        return self.get_all(limit=limit, status="active")

    def expiring_before(self, day: date, *, limit: int = 1000) -> list[ContractRecord]:
        """Return the contracts in force that end before the day, soonest first."""
        return self._due(ContractRecord.end_date, day, limit)

    def renewing_before(self, day: date, *, limit: int = 1000) -> list[ContractRecord]:
        """Return the contracts in force that renew before the day, soonest first."""
        return self._due(ContractRecord.renewal_date, day, limit)

    def _due(self, column: Any, day: date, limit: int) -> list[ContractRecord]:
        statement = select(ContractRecord).where(ContractRecord.status == "active", column < day)
        return self._all(statement.order_by(column, ContractRecord.id).limit(limit))


class PurchaseOrderRepository(Repository[PurchaseOrderRecord]):
    """What was ordered."""

    model = PurchaseOrderRecord
    business_key = "po_number"
    prefix = "PO"

    def create(self, *, lines: Iterable[Mapping[str, Any]] = (), **values: Any) -> PurchaseOrderRecord:
        """Write an order and its lines, numbered from 1."""
        order = super().create(**values)
        writer = _LineRepository(self.session)
        for number, line in enumerate(lines, start=1):
            writer.create(**{"line_number": number, **line, "purchase_order_id": order.id})
        return order

    def get_by_po_number(self, po_number: str) -> PurchaseOrderRecord | None:
        """Return the order known by this number, or None."""
        return self.get_by_key(po_number)

    def for_contract(self, contract_id: Key) -> list[PurchaseOrderRecord]:
        """Return the orders under a contract, oldest first."""
        return self.get_all(limit=1000, contract_id=self._key(contract_id))

    def lines_of(self, id: Key) -> list[PurchaseOrderLine]:  # noqa: A002
        """Return an order's lines in order."""
        order = self.get(id)
        statement = select(PurchaseOrderLine).where(PurchaseOrderLine.purchase_order_id == order.id)
        return list(self.session.scalars(statement.order_by(PurchaseOrderLine.line_number)))


class _LineRepository(Repository[PurchaseOrderLine]):
    model = PurchaseOrderLine
