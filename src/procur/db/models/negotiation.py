"""Mandates, negotiation sessions, offers. Triggers hold every accepted offer to its mandate."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Double, Index, Integer, String, Text, UniqueConstraint, Uuid, text
from sqlalchemy.orm import Mapped, mapped_column

from procur.core.deal import PAYMENT_TERMS, Mandate, Terms
from procur.db.base import Base, SoftDelete, TenantRow, Times, belongs_to, check, newest_first, unique_live
from procur.db.types import Money, UtcDateTime, choice, json_list, json_object


class MandateRecord(TenantRow, SoftDelete, Times, Base):
    """How far the buyer's agent may go for one request; never edited, a change is a new version."""

    __tablename__ = "mandates"

    request_id: Mapped[UUID] = mapped_column(Uuid())
    version: Mapped[int] = mapped_column(Integer)
    max_total: Mapped[Decimal] = mapped_column(Money())
    max_yearly: Mapped[Decimal | None] = mapped_column(Money())
    max_unit_price: Mapped[Decimal] = mapped_column(Money())
    min_quantity: Mapped[int] = mapped_column(BigInteger)
    max_quantity: Mapped[int] = mapped_column(BigInteger)
    terms_months: Mapped[list[int]] = mapped_column(json_list())
    payment_terms: Mapped[list[str]] = mapped_column(json_list())
    currency: Mapped[str] = mapped_column(String(3))
    expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime())
    source: Mapped[str] = mapped_column(choice("source", "person", "policy"))
    created_by: Mapped[UUID | None] = mapped_column(Uuid())
    reason: Mapped[str | None] = mapped_column(Text)

    __table_args__ = (
        belongs_to("requests", "request_id", of="mandates"),
        belongs_to("user_accounts", "created_by", of="mandates"),
        UniqueConstraint("organization_id", "request_id", "version", info={"field": "version"}),
        check("version", "version > 0", field="version"),
        check("max_total", "max_total >= 0", field="max_total"),
        check("max_yearly", "max_yearly >= 0", field="max_yearly"),
        check("max_unit_price", "max_unit_price >= 0", field="max_unit_price"),
        check("min_quantity", "min_quantity > 0", field="min_quantity"),
        check("max_quantity", "max_quantity >= min_quantity", field="max_quantity"),
        check("currency", "length(currency) = 3", field="currency"),
    )

    @property
    def limits(self) -> Mandate:
        """The mandate as the negotiation's arithmetic takes it."""
        return Mandate(
            max_total=self.max_total,
            max_yearly=self.max_yearly,
            max_unit_price=self.max_unit_price,
            min_quantity=self.min_quantity,
            max_quantity=self.max_quantity,
            terms_months=tuple(self.terms_months),
            payment_terms=tuple(self.payment_terms),
            currency=self.currency,
            version=self.version,
        )


class NegotiationSessionRecord(TenantRow, SoftDelete, Times, Base):
    """The talks with one vendor about one request."""

    __tablename__ = "negotiation_sessions"

    session_id: Mapped[str] = mapped_column(String(64))
    request_id: Mapped[UUID] = mapped_column(Uuid())
    vendor_id: Mapped[UUID] = mapped_column(Uuid())
    mandate_id: Mapped[UUID | None] = mapped_column(Uuid())
    status: Mapped[str] = mapped_column(
        choice("status", "active", "completed", "failed", "cancelled"), default="active"
    )
    current_round: Mapped[int] = mapped_column(Integer, default=0)
    max_rounds: Mapped[int] = mapped_column(Integer, default=8)
    outcome: Mapped[str | None] = mapped_column(
        choice("outcome", "accepted", "no_agreement", "withdrawn", "escalated")
    )
    outcome_reason: Mapped[str | None] = mapped_column(Text)
    final_offer_id: Mapped[UUID | None] = mapped_column(Uuid())
    counterpart: Mapped[str] = mapped_column(
        choice("counterpart", "simulated", "person", "agent"), default="simulated"
    )
    plan: Mapped[str | None] = mapped_column(String(120))
    list_unit_price: Mapped[Decimal | None] = mapped_column(Money())
    seed: Mapped[int | None] = mapped_column(BigInteger)
    # Buyer's and seller's private state never meet: no buyer code reads seller_state.
    buyer_state: Mapped[dict[str, Any]] = mapped_column(json_object(), default=dict)
    seller_state: Mapped[dict[str, Any]] = mapped_column(json_object(), default=dict)
    opponent_model: Mapped[dict[str, Any]] = mapped_column(json_object(), default=dict)
    started_at: Mapped[datetime | None] = mapped_column(UtcDateTime())
    completed_at: Mapped[datetime | None] = mapped_column(UtcDateTime())
    total_messages: Mapped[int] = mapped_column(Integer, default=0)
    savings_achieved: Mapped[Decimal | None] = mapped_column(Money())

    __table_args__ = (
        belongs_to("requests", "request_id", of="negotiation_sessions"),
        belongs_to("vendor_profiles", "vendor_id", of="negotiation_sessions"),
        belongs_to("mandates", "mandate_id", of="negotiation_sessions"),
        belongs_to("offers", "final_offer_id", of="negotiation_sessions", use_alter=True),
        unique_live("negotiation_sessions", "session_id"),
        unique_live("negotiation_sessions", "request_id", "vendor_id"),
        newest_first("negotiation_sessions"),
        Index("ix_negotiation_sessions_status", "organization_id", "status", "created_at"),
        check("max_rounds", "max_rounds > 0", field="max_rounds"),
        check("current_round", "current_round BETWEEN 0 AND max_rounds", field="current_round"),
        check("list_unit_price", "list_unit_price >= 0", field="list_unit_price"),
        check("total_messages", "total_messages >= 0", field="total_messages"),
    )


class OfferRecord(TenantRow, SoftDelete, Times, Base):
    """What one side put on the table in one round; its terms never change afterwards."""

    __tablename__ = "offers"

    offer_id: Mapped[str] = mapped_column(String(64))
    request_id: Mapped[UUID] = mapped_column(Uuid())
    vendor_id: Mapped[UUID] = mapped_column(Uuid())
    negotiation_session_id: Mapped[UUID | None] = mapped_column(Uuid())
    mandate_id: Mapped[UUID | None] = mapped_column(Uuid())
    unit_price: Mapped[Decimal] = mapped_column(Money())
    quantity: Mapped[int] = mapped_column(BigInteger)
    term_months: Mapped[int] = mapped_column(Integer)
    payment_terms: Mapped[str] = mapped_column(choice("payment_terms", *PAYMENT_TERMS), default="NET30")
    currency: Mapped[str] = mapped_column(String(3), default="USD")
    discount_percent: Mapped[Decimal | None] = mapped_column(Money())
    value_adds: Mapped[list[Any]] = mapped_column(json_list(), default=list)
    conditions: Mapped[list[Any]] = mapped_column(json_list(), default=list)
    score: Mapped[float | None] = mapped_column(Double)
    utility_buyer: Mapped[float | None] = mapped_column(Double)
    utility_seller: Mapped[float | None] = mapped_column(Double)
    tco: Mapped[Decimal | None] = mapped_column(Money())
    accepted: Mapped[bool] = mapped_column(default=False)
    accepted_at: Mapped[datetime | None] = mapped_column(UtcDateTime())
    rejected: Mapped[bool] = mapped_column(default=False)
    round_number: Mapped[int] = mapped_column(Integer, default=1)
    actor: Mapped[str] = mapped_column(choice("actor", "buyer", "seller"))
    rationale: Mapped[list[Any]] = mapped_column(json_list(), default=list)
    strategy: Mapped[str | None] = mapped_column(String(120))
    valid_until: Mapped[datetime | None] = mapped_column(UtcDateTime())
    message: Mapped[str | None] = mapped_column(Text)

    __table_args__ = (
        belongs_to("requests", "request_id", of="offers"),
        belongs_to("vendor_profiles", "vendor_id", of="offers"),
        belongs_to("negotiation_sessions", "negotiation_session_id", of="offers"),
        belongs_to("mandates", "mandate_id", of="offers"),
        unique_live("offers", "offer_id"),
        Index(
            "uq_offers_round",
            "organization_id",
            "negotiation_session_id",
            "round_number",
            "actor",
            unique=True,
            info={"field": "round_number"},
        ),
        Index(
            "uq_offers_one_accepted",
            "organization_id",
            "negotiation_session_id",
            unique=True,
            postgresql_where=text("accepted AND deleted_at IS NULL"),
            sqlite_where=text("accepted AND deleted_at IS NULL"),
            info={"field": "accepted"},
        ),
        Index("ix_offers_request_id", "organization_id", "request_id", "created_at"),
        Index("ix_offers_vendor_id", "organization_id", "vendor_id"),
        check("unit_price", "unit_price >= 0", field="unit_price"),
        check("quantity", "quantity > 0", field="quantity"),
        check("term_months", "term_months >= 0", field="term_months"),
        check("round_number", "round_number >= 0", field="round_number"),
        check("accepted_at", "accepted_at IS NULL OR accepted", field="accepted_at"),
        check("decided_once", "NOT (accepted AND rejected)", field="accepted"),
        check("currency", "length(currency) = 3", field="currency"),
    )

    @property
    def terms(self) -> Terms:
        """What is offered, as the negotiation's arithmetic takes it."""
        return Terms(
            unit_price=self.unit_price,
            quantity=self.quantity,
            term_months=self.term_months,
            payment_terms=self.payment_terms,
            currency=self.currency,
            value_adds=tuple(self.value_adds),
        )
