"""Who sells, and what backs their claims."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Date, Double, Index, Integer, String, Text, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from procur.db.base import Base, SoftDelete, TenantRow, Times, belongs_to, check, newest_first, unique_live
from procur.db.types import Money, UtcDateTime, choice, json_list, json_object


class VendorProfileRecord(TenantRow, SoftDelete, Times, Base):
    """A vendor and its offer as the catalogue knows it."""

    __tablename__ = "vendor_profiles"

    vendor_id: Mapped[str] = mapped_column(String(64))
    name: Mapped[str] = mapped_column(String(200))
    website: Mapped[str | None] = mapped_column(String(500))
    description: Mapped[str | None] = mapped_column(Text)
    category: Mapped[str | None] = mapped_column(String(120))
    list_price: Mapped[Decimal | None] = mapped_column(Money())
    price_tiers: Mapped[dict[str, Any]] = mapped_column(json_object(), default=dict)
    currency: Mapped[str] = mapped_column(String(3), default="USD")
    features: Mapped[list[Any]] = mapped_column(json_list(), default=list)
    integrations: Mapped[list[Any]] = mapped_column(json_list(), default=list)
    certifications: Mapped[list[Any]] = mapped_column(json_list(), default=list)
    compliance_frameworks: Mapped[list[Any]] = mapped_column(json_list(), default=list)
    guardrails: Mapped[dict[str, Any]] = mapped_column(json_object(), default=dict)
    exchange_policy: Mapped[dict[str, Any]] = mapped_column(json_object(), default=dict)
    rating: Mapped[float | None] = mapped_column(Double)
    review_count: Mapped[int] = mapped_column(Integer, default=0)
    vendor_metadata: Mapped[dict[str, Any]] = mapped_column(json_object(), default=dict)
    confidence_score: Mapped[float | None] = mapped_column(Double)
    data_source: Mapped[str | None] = mapped_column(String(200))
    last_enriched_at: Mapped[datetime | None] = mapped_column(UtcDateTime())
    contact_email: Mapped[str | None] = mapped_column(String(254))
    country: Mapped[str | None] = mapped_column(String(80))
    tax_id: Mapped[str | None] = mapped_column(String(64))

    __table_args__ = (
        unique_live("vendor_profiles", "vendor_id"),
        newest_first("vendor_profiles"),
        Index("ix_vendor_profiles_category", "organization_id", "category"),
        Index("ix_vendor_profiles_name", "organization_id", "name"),
        # Which vendors were not looked at for longest.
        Index("ix_vendor_profiles_enriched", "organization_id", "last_enriched_at", "id"),
        check("list_price", "list_price >= 0", field="list_price"),
        check("review_count", "review_count >= 0", field="review_count"),
        check("currency", "length(currency) = 3", field="currency"),
    )


class VendorEvidence(TenantRow, Times, Base):
    """One proof, or claim, that a vendor meets a framework."""

    __tablename__ = "vendor_evidence"

    vendor_id: Mapped[UUID] = mapped_column(Uuid())
    framework: Mapped[str] = mapped_column(String(120))
    kind: Mapped[str] = mapped_column(choice("kind", "certified", "report", "in_progress", "claimed"))
    source: Mapped[str] = mapped_column(String(500))
    valid_until: Mapped[date | None] = mapped_column(Date)

    __table_args__ = (
        belongs_to("vendor_profiles", "vendor_id", of="vendor_evidence"),
        Index(
            "uq_vendor_evidence_claim",
            "organization_id",
            "vendor_id",
            "framework",
            "kind",
            "source",
            unique=True,
            info={"field": "framework"},
        ),
        check("source", "trim(source) <> ''", field="source"),
    )


class VendorObservation(TenantRow, Times, Base):
    """What one source says of one field of a vendor: the newest look, and since when it has said so."""

    __tablename__ = "vendor_observations"

    vendor_id: Mapped[UUID] = mapped_column(Uuid())
    field: Mapped[str] = mapped_column(String(120))
    value: Mapped[dict[str, Any]] = mapped_column(json_object(), default=dict)
    # A URL or a file's name.
    source: Mapped[str] = mapped_column(String(500))
    source_kind: Mapped[str] = mapped_column(
        choice("source_kind", "person", "import", "feed", "json_ld", "price_page", "compliance_page")
    )
    method: Mapped[str] = mapped_column(String(80))
    quote: Mapped[str | None] = mapped_column(String(200))
    # SHA-256 of the page or file that was read.
    content_hash: Mapped[str] = mapped_column(String(64))
    observed_at: Mapped[datetime] = mapped_column(UtcDateTime())
    value_since: Mapped[datetime] = mapped_column(UtcDateTime())

    __table_args__ = (
        belongs_to("vendor_profiles", "vendor_id", of="vendor_observations"),
        Index(
            "uq_vendor_observations_field",
            "organization_id",
            "vendor_id",
            "field",
            "source",
            unique=True,
            info={"field": "field"},
        ),
        newest_first("vendor_observations"),
        check("source", "trim(source) <> ''", field="source"),
    )
