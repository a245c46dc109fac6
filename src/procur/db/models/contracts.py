"""What was agreed, and what was ordered under it."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Date, Index, Integer, String, Text, UniqueConstraint, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from procur.core.deal import PAYMENT_TERMS
from procur.db.base import Base, SoftDelete, TenantRow, Times, belongs_to, check, newest_first, unique_live
from procur.db.types import Money, UtcDateTime, choice, json_list, json_object


class ContractRecord(TenantRow, SoftDelete, Times, Base):
    """A contract made from an accepted offer."""

    __tablename__ = "contracts"

    contract_id: Mapped[str] = mapped_column(String(64))
    request_id: Mapped[UUID] = mapped_column(Uuid())
    vendor_id: Mapped[UUID] = mapped_column(Uuid())
    final_offer_id: Mapped[UUID] = mapped_column(Uuid())
    unit_price: Mapped[Decimal] = mapped_column(Money())
    quantity: Mapped[int] = mapped_column(BigInteger)
    term_months: Mapped[int] = mapped_column(Integer)
    payment_terms: Mapped[str] = mapped_column(choice("payment_terms", *PAYMENT_TERMS))
    total_value: Mapped[Decimal] = mapped_column(Money())
    currency: Mapped[str] = mapped_column(String(3), default="USD")
    start_date: Mapped[date] = mapped_column(Date)
    end_date: Mapped[date | None] = mapped_column(Date)
    renewal_date: Mapped[date | None] = mapped_column(Date)
    renewal_notice_days: Mapped[int | None] = mapped_column(Integer)
    auto_renew: Mapped[bool] = mapped_column(default=False)
    document_url: Mapped[str | None] = mapped_column(String(1000))
    document_path: Mapped[str | None] = mapped_column(String(1000))
    document_hash: Mapped[str | None] = mapped_column(String(128))
    template_version: Mapped[str | None] = mapped_column(String(64))
    signed_by_buyer: Mapped[bool] = mapped_column(default=False)
    signed_by_vendor: Mapped[bool] = mapped_column(default=False)
    buyer_signature_date: Mapped[datetime | None] = mapped_column(UtcDateTime())
    vendor_signature_date: Mapped[datetime | None] = mapped_column(UtcDateTime())
    # Plain text: the vendor's signer has no account here, and a signature outlives the account.
    buyer_signer_id: Mapped[str | None] = mapped_column(String(200))
    vendor_signer_id: Mapped[str | None] = mapped_column(String(200))
    docusign_envelope_id: Mapped[str | None] = mapped_column(String(128))
    status: Mapped[str] = mapped_column(
        choice("status", "draft", "pending_signature", "active", "expired", "terminated"), default="draft"
    )
    purchase_order_id: Mapped[str | None] = mapped_column(String(128))
    erp_sync_status: Mapped[str | None] = mapped_column(String(32))
    erp_synced_at: Mapped[datetime | None] = mapped_column(UtcDateTime())
    value_adds: Mapped[list[Any]] = mapped_column(json_list(), default=list)
    special_terms: Mapped[dict[str, Any]] = mapped_column(json_object(), default=dict)
    sla_terms: Mapped[dict[str, Any]] = mapped_column(json_object(), default=dict)
    payment_schedule: Mapped[list[Any]] = mapped_column(json_list(), default=list)

    __table_args__ = (
        belongs_to("requests", "request_id", of="contracts"),
        belongs_to("vendor_profiles", "vendor_id", of="contracts"),
        belongs_to("offers", "final_offer_id", of="contracts"),
        unique_live("contracts", "contract_id"),
        unique_live("contracts", "request_id", where="status <> 'terminated'"),
        newest_first("contracts"),
        Index("ix_contracts_status", "organization_id", "status", "end_date"),
        Index("ix_contracts_request_id", "organization_id", "request_id"),
        check("unit_price", "unit_price >= 0", field="unit_price"),
        check("quantity", "quantity > 0", field="quantity"),
        check("term_months", "term_months >= 0", field="term_months"),
        check("total_value", "total_value >= 0", field="total_value"),
        check("period", "end_date >= start_date", field="end_date"),
        check("renewal_notice_days", "renewal_notice_days >= 0", field="renewal_notice_days"),
        check("currency", "length(currency) = 3", field="currency"),
    )


class PurchaseOrderRecord(TenantRow, SoftDelete, Times, Base):
    """An order sent to a vendor under a contract."""

    __tablename__ = "purchase_orders"

    po_number: Mapped[str] = mapped_column(String(64))
    contract_id: Mapped[UUID] = mapped_column(Uuid())
    vendor_id: Mapped[UUID] = mapped_column(Uuid())
    status: Mapped[str] = mapped_column(
        choice("status", "draft", "issued", "acknowledged", "received", "invoiced", "closed", "cancelled"),
        default="draft",
    )
    issue_date: Mapped[date] = mapped_column(Date)
    currency: Mapped[str] = mapped_column(String(3), default="USD")
    line_total: Mapped[Decimal] = mapped_column(Money())
    tax_total: Mapped[Decimal] = mapped_column(Money(), default=Decimal(0))
    payable: Mapped[Decimal] = mapped_column(Money())
    xml_path: Mapped[str | None] = mapped_column(String(1000))
    xml_hash: Mapped[str | None] = mapped_column(String(128))
    document_path: Mapped[str | None] = mapped_column(String(1000))
    document_hash: Mapped[str | None] = mapped_column(String(128))
    notes: Mapped[str | None] = mapped_column(Text)

    __table_args__ = (
        belongs_to("contracts", "contract_id", of="purchase_orders"),
        belongs_to("vendor_profiles", "vendor_id", of="purchase_orders"),
        unique_live("purchase_orders", "po_number"),
        unique_live("purchase_orders", "contract_id", where="status <> 'cancelled'"),
        newest_first("purchase_orders"),
        Index("ix_purchase_orders_contract_id", "organization_id", "contract_id"),
        check("totals", "payable = line_total + tax_total", field="payable"),
        check("currency", "length(currency) = 3", field="currency"),
    )


class PurchaseOrderLine(TenantRow, Times, Base):
    """One line of a purchase order."""

    __tablename__ = "purchase_order_lines"

    purchase_order_id: Mapped[UUID] = mapped_column(Uuid())
    line_number: Mapped[int] = mapped_column(Integer)
    item_name: Mapped[str] = mapped_column(String(200))
    description: Mapped[str | None] = mapped_column(Text)
    quantity: Mapped[Decimal] = mapped_column(Money())
    unit_code: Mapped[str] = mapped_column(String(16), default="C62")
    unit_price: Mapped[Decimal] = mapped_column(Money())
    line_total: Mapped[Decimal] = mapped_column(Money())

    __table_args__ = (
        belongs_to("purchase_orders", "purchase_order_id", of="purchase_order_lines"),
        UniqueConstraint(
            "organization_id",
            "purchase_order_id",
            "line_number",
            name="uq_purchase_order_lines_line_number",
            info={"field": "line_number"},
        ),
        check("line_number", "line_number > 0", field="line_number"),
        check("quantity", "quantity > 0", field="quantity"),
    )
