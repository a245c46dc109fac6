"""Export readiness: a report about one product and market, what has to be done for it, what it has brought.

A report goes with its person and its parts go with it (ON DELETE CASCADE), but only `purge` uses that.
Amounts are in Indian rupees unless a report says otherwise: the schemes it calculates with are India's.
"""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKeyConstraint, Index, Integer, String, Text, UniqueConstraint, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from procur.db.base import Base, SoftDelete, TenantRow, Times, belongs_to, check, newest_first
from procur.db.types import Money, Percent, UtcDateTime, choice, json_list, json_object

DOCUMENT_TYPES = (
    "commercial_invoice",
    "packing_list",
    "shipping_bill",
    "gst_lut",
    "softex",
    "certificate_of_origin",
)
DAYS = 7  # a plan of action lasts a week


class Report(TenantRow, SoftDelete, Times, Base):
    """What it takes to export one product to one market."""

    __tablename__ = "reports"

    user_id: Mapped[UUID] = mapped_column(Uuid())
    product_name: Mapped[str] = mapped_column(String(255))
    product_image_url: Mapped[str | None] = mapped_column(String(500))
    ingredients: Mapped[str | None] = mapped_column(Text)
    bom: Mapped[str | None] = mapped_column(Text)
    destination_country: Mapped[str] = mapped_column(String(100))
    business_type: Mapped[str] = mapped_column(choice("business_type", "Manufacturing", "SaaS", "Merchant"))
    company_size: Mapped[str] = mapped_column(choice("company_size", "Micro", "Small", "Medium"))
    monthly_volume: Mapped[int | None] = mapped_column(BigInteger)
    price_range: Mapped[str | None] = mapped_column(String(100))
    payment_mode: Mapped[str | None] = mapped_column(String(100))
    hs_code: Mapped[str | None] = mapped_column(String(20))
    hs_code_confidence: Mapped[Decimal | None] = mapped_column(Percent())
    risk_score: Mapped[int | None] = mapped_column(Integer)
    estimated_cost: Mapped[Decimal | None] = mapped_column(Money())
    currency: Mapped[str] = mapped_column(String(3), default="INR")
    estimated_timeline_days: Mapped[int | None] = mapped_column(Integer)
    report_data: Mapped[dict[str, Any]] = mapped_column(json_object(), default=dict)
    status: Mapped[str] = mapped_column(
        choice("status", "processing", "completed", "failed"), default="completed"
    )

    __table_args__ = (
        belongs_to("user_accounts", "user_id", of="reports", ondelete="CASCADE"),
        newest_first("reports"),
        Index("ix_reports_user_id", "organization_id", "user_id", "created_at", "id"),
        Index("ix_reports_hs_code", "organization_id", "hs_code"),
        Index("ix_reports_destination_country", "organization_id", "destination_country", "created_at"),
        Index("ix_reports_status", "organization_id", "status", "created_at"),
        check("monthly_volume", "monthly_volume >= 0", field="monthly_volume"),
        check(
            "hs_code_confidence",
            "hs_code_confidence >= 0 AND hs_code_confidence <= 100",
            field="hs_code_confidence",
        ),
        check("risk_score", "risk_score >= 0 AND risk_score <= 100", field="risk_score"),
        check("estimated_cost", "estimated_cost >= 0", field="estimated_cost"),
        check("currency", "length(currency) = 3", field="currency"),
        check("estimated_timeline_days", "estimated_timeline_days >= 0", field="estimated_timeline_days"),
    )


class PartOfReport(TenantRow):
    """A row that belongs to a report, and to the person whose report it is."""

    user_id: Mapped[UUID] = mapped_column(Uuid(), sort_order=-10)
    report_id: Mapped[UUID] = mapped_column(Uuid(), sort_order=-9)


def _goes_with_report(table: str) -> tuple[ForeignKeyConstraint, ForeignKeyConstraint, Index]:
    return (
        belongs_to("user_accounts", "user_id", of=table, ondelete="CASCADE"),
        belongs_to("reports", "report_id", of=table, ondelete="CASCADE"),
        Index(f"ix_{table}_user_id", "organization_id", "user_id"),
    )


class CertificationProgress(PartOfReport, Times, Base):
    """How far one certification of a report has come."""

    __tablename__ = "certification_progress"

    certification_id: Mapped[str] = mapped_column(String(100))
    certification_name: Mapped[str] = mapped_column(String(255))
    certification_type: Mapped[str] = mapped_column(String(50))
    status: Mapped[str] = mapped_column(
        choice("status", "not_started", "in_progress", "completed", "rejected"), default="not_started"
    )
    documents_completed: Mapped[list[Any]] = mapped_column(json_list(), default=list)
    notes: Mapped[str | None] = mapped_column(Text)
    started_at: Mapped[datetime | None] = mapped_column(UtcDateTime())
    completed_at: Mapped[datetime | None] = mapped_column(UtcDateTime())

    __table_args__ = (
        *_goes_with_report("certification_progress"),
        UniqueConstraint(  # named here: the convention's name has more than PostgreSQL's 63 characters
            "organization_id", "report_id", "certification_id", name="uq_certification_progress_certification"
        ),
        newest_first("certification_progress"),
        Index("ix_certification_progress_status", "organization_id", "status"),
    )


class GeneratedDocument(PartOfReport, Times, Base):
    """A paper made for a report."""

    __tablename__ = "generated_documents"

    document_type: Mapped[str] = mapped_column(choice("document_type", *DOCUMENT_TYPES))
    document_data: Mapped[dict[str, Any]] = mapped_column(json_object())
    pdf_url: Mapped[str | None] = mapped_column(String(500))
    editable_url: Mapped[str | None] = mapped_column(String(500))
    validation_results: Mapped[dict[str, Any]] = mapped_column(json_object(), default=dict)
    is_valid: Mapped[bool] = mapped_column(default=False)

    __table_args__ = (
        *_goes_with_report("generated_documents"),
        newest_first("generated_documents"),
        Index(
            "ix_generated_documents_report_id", "organization_id", "report_id", "document_type", "created_at"
        ),
        Index("ix_generated_documents_document_type", "organization_id", "document_type"),
    )


class ActionPlanProgress(PartOfReport, Times, Base):
    """One task of the seven-day plan."""

    __tablename__ = "action_plan_progress"

    task_id: Mapped[str] = mapped_column(String(100))
    day_number: Mapped[int] = mapped_column(Integer)
    task_title: Mapped[str] = mapped_column(String(255))
    task_description: Mapped[str | None] = mapped_column(Text)
    task_category: Mapped[str | None] = mapped_column(String(50))
    completed: Mapped[bool] = mapped_column(default=False)
    completed_at: Mapped[datetime | None] = mapped_column(UtcDateTime())

    __table_args__ = (
        *_goes_with_report("action_plan_progress"),
        UniqueConstraint("organization_id", "report_id", "task_id"),
        newest_first("action_plan_progress"),
        Index("ix_action_plan_progress_completed", "organization_id", "completed"),
        check("day_number", f"day_number >= 1 AND day_number <= {DAYS}", field="day_number"),
    )


class FinanceAnalysis(PartOfReport, Times, Base):
    """What the export costs and brings, and when: one per report."""

    __tablename__ = "finance_analysis"

    working_capital_data: Mapped[dict[str, Any]] = mapped_column(json_object())
    pre_shipment_credit_data: Mapped[dict[str, Any] | None] = mapped_column(json_object())
    rodtep_benefit_data: Mapped[dict[str, Any] | None] = mapped_column(json_object())
    gst_refund_data: Mapped[dict[str, Any] | None] = mapped_column(json_object())
    cash_flow_timeline: Mapped[dict[str, Any] | None] = mapped_column(json_object())
    financing_options: Mapped[list[Any] | None] = mapped_column(json_list())

    __table_args__ = (
        *_goes_with_report("finance_analysis"),
        UniqueConstraint("organization_id", "report_id"),
        newest_first("finance_analysis"),
    )


class LogisticsAnalysis(PartOfReport, Times, Base):
    """How the goods get there, and what may go wrong: one per report."""

    __tablename__ = "logistics_analysis"

    lcl_fcl_comparison: Mapped[dict[str, Any] | None] = mapped_column(json_object())
    rms_probability_data: Mapped[dict[str, Any] | None] = mapped_column(json_object())
    route_analysis: Mapped[dict[str, Any] | None] = mapped_column(json_object())
    freight_estimate: Mapped[dict[str, Any] | None] = mapped_column(json_object())
    insurance_recommendation: Mapped[dict[str, Any] | None] = mapped_column(json_object())

    __table_args__ = (
        *_goes_with_report("logistics_analysis"),
        UniqueConstraint("organization_id", "report_id"),
        newest_first("logistics_analysis"),
    )


class UserMetrics(TenantRow, Times, Base):
    """What one person has achieved: counters that outlive the reports they counted."""

    __tablename__ = "user_metrics"

    user_id: Mapped[UUID] = mapped_column(Uuid())
    reports_generated: Mapped[int] = mapped_column(Integer, default=0)
    certifications_completed: Mapped[int] = mapped_column(Integer, default=0)
    documents_generated: Mapped[int] = mapped_column(Integer, default=0)
    exports_completed: Mapped[int] = mapped_column(Integer, default=0)
    timeline_reduction_days: Mapped[int] = mapped_column(Integer, default=0)
    cost_savings: Mapped[Decimal] = mapped_column(Money(), default=Decimal(0))
    last_export_date: Mapped[datetime | None] = mapped_column(UtcDateTime())

    __table_args__ = (
        belongs_to("user_accounts", "user_id", of="user_metrics", ondelete="CASCADE"),
        UniqueConstraint("organization_id", "user_id"),
        newest_first("user_metrics"),
        *(
            check(name, f"{name} >= 0", field=name)
            for name in (
                "reports_generated",
                "certifications_completed",
                "documents_generated",
                "exports_completed",
                "timeline_reduction_days",
                "cost_savings",
            )
        ),
    )
