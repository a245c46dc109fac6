"""Public tenders, what was thought of them, the bids written for them."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Double, Index, Integer, String, Text, UniqueConstraint, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from procur.db.base import Base, SoftDelete, TenantRow, Times, belongs_to, check, newest_first, unique_live
from procur.db.types import Cost, Money, UtcDateTime, choice, json_list, json_object


class TenderStatus(StrEnum):
    """How far the analysis of a tender has come."""

    PENDING = "pending"
    PROCESSING = "processing"
    FILTERED_OUT = "filtered_out"
    RATED_LOW = "rated_low"
    COMPLETE = "complete"
    ERROR = "error"


class TenderDB(TenantRow, SoftDelete, Times, Base):
    """A published tender. What its source says in words stands beside what could be read from it."""

    __tablename__ = "tenders"

    external_id: Mapped[str | None] = mapped_column(String(255))
    source: Mapped[str | None] = mapped_column(String(100))
    title: Mapped[str] = mapped_column(String(500))
    description: Mapped[str] = mapped_column(Text)
    # The buyer's name; `organization_id` is the bidder.
    organization_name: Mapped[str] = mapped_column(String(255))
    deadline: Mapped[str | None] = mapped_column(String(100))
    deadline_at: Mapped[datetime | None] = mapped_column(UtcDateTime())
    estimated_value: Mapped[str | None] = mapped_column(String(100))
    estimated_amount: Mapped[Decimal | None] = mapped_column(Money())
    estimated_currency: Mapped[str | None] = mapped_column(String(3))
    url: Mapped[str | None] = mapped_column(String(1000))
    location: Mapped[str | None] = mapped_column(String(255))
    country: Mapped[str | None] = mapped_column(String(80))
    cpv_codes: Mapped[list[Any]] = mapped_column(json_list(), default=list)
    categories: Mapped[list[Any]] = mapped_column(json_list(), default=list)
    status: Mapped[str] = mapped_column(
        choice("status", *(status.value for status in TenderStatus)), default=TenderStatus.PENDING.value
    )
    processing_time: Mapped[float | None] = mapped_column(Double)
    error_message: Mapped[str | None] = mapped_column(Text)
    published_at: Mapped[datetime | None] = mapped_column(UtcDateTime())
    raw: Mapped[dict[str, Any]] = mapped_column(json_object(), default=dict)
    warnings: Mapped[list[Any]] = mapped_column(json_list(), default=list)
    lots: Mapped[list[Any]] = mapped_column(json_list(), default=list)

    __table_args__ = (
        unique_live("tenders", "source", "external_id", where="external_id IS NOT NULL"),
        # Without a source the rule above counts nothing twice: two NULLs differ.
        unique_live("tenders", "external_id", where="external_id IS NOT NULL AND source IS NULL"),
        newest_first("tenders"),
        Index("ix_tenders_status", "organization_id", "status", "created_at"),
        check("processing_time", "processing_time >= 0", field="processing_time"),
        check("estimated_amount", "estimated_amount >= 0", field="estimated_amount"),
        check("estimated_currency", "length(estimated_currency) = 3", field="estimated_currency"),
    )


class AnalysisResult(TenantRow, Times, Base):
    """What was thought of a tender, one per tender: relevance first, then the ratings from 0 to 10."""

    __tablename__ = "analysis_results"

    tender_id: Mapped[UUID] = mapped_column(Uuid())
    is_relevant: Mapped[bool] = mapped_column()
    confidence: Mapped[float] = mapped_column(Double)
    filter_categories: Mapped[list[Any]] = mapped_column(json_list(), default=list)
    filter_reasoning: Mapped[str | None] = mapped_column(Text)
    overall_score: Mapped[float | None] = mapped_column(Double)
    strategic_fit: Mapped[float | None] = mapped_column(Double)
    financial_attractiveness: Mapped[float | None] = mapped_column(Double)
    win_probability: Mapped[float | None] = mapped_column(Double)
    resource_requirements: Mapped[float | None] = mapped_column(Double)
    strengths: Mapped[list[Any]] = mapped_column(json_list(), default=list)
    risks: Mapped[list[Any]] = mapped_column(json_list(), default=list)
    requirements: Mapped[list[Any]] = mapped_column(json_list(), default=list)
    recommendation: Mapped[str | None] = mapped_column(Text)
    llm_model: Mapped[str | None] = mapped_column(String(100))
    # USD; None: not known.
    processing_cost: Mapped[Decimal | None] = mapped_column(Cost())

    __table_args__ = (
        belongs_to("tenders", "tender_id", of="analysis_results"),
        UniqueConstraint("organization_id", "tender_id"),
        newest_first("analysis_results"),
        Index("ix_analysis_results_overall_score", "organization_id", "overall_score"),
        check("confidence", "confidence BETWEEN 0 AND 1", field="confidence"),
        check("overall_score", "overall_score BETWEEN 0 AND 10", field="overall_score"),
        check("strategic_fit", "strategic_fit BETWEEN 0 AND 10", field="strategic_fit"),
        check(
            "financial_attractiveness",
            "financial_attractiveness BETWEEN 0 AND 10",
            field="financial_attractiveness",
        ),
        check("win_probability", "win_probability BETWEEN 0 AND 10", field="win_probability"),
        check(
            "resource_requirements", "resource_requirements BETWEEN 0 AND 10", field="resource_requirements"
        ),
        check("processing_cost", "processing_cost >= 0", field="processing_cost"),
    )


class BidDocument(TenantRow, Times, Base):
    """One version of the bid for a tender; a new version never overwrites an older one."""

    __tablename__ = "bid_documents"

    tender_id: Mapped[UUID] = mapped_column(Uuid())
    version: Mapped[int] = mapped_column(Integer)
    executive_summary: Mapped[str] = mapped_column(Text)
    capabilities: Mapped[str] = mapped_column(Text)
    approach: Mapped[str] = mapped_column(Text)
    value_proposition: Mapped[str] = mapped_column(Text)
    technical_approach: Mapped[str | None] = mapped_column(Text)
    timeline_estimate: Mapped[str | None] = mapped_column(Text)
    additional_sections: Mapped[dict[str, Any]] = mapped_column(json_object(), default=dict)
    llm_model: Mapped[str | None] = mapped_column(String(100))
    # USD; None: not known.
    generation_cost: Mapped[Decimal | None] = mapped_column(Cost())

    __table_args__ = (
        belongs_to("tenders", "tender_id", of="bid_documents"),
        Index(
            "uq_bid_documents_version",
            "organization_id",
            "tender_id",
            "version",
            unique=True,
            info={"field": "version"},
        ),
        newest_first("bid_documents"),
        check("version", "version >= 1", field="version"),
        check("generation_cost", "generation_cost >= 0", field="generation_cost"),
    )
