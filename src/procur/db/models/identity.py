"""Organisations and the people in them."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, Integer, String, UniqueConstraint, Uuid
from sqlalchemy.engine.default import DefaultExecutionContext
from sqlalchemy.orm import Mapped, mapped_column, synonym, validates

from procur.core.ids import uuid7
from procur.core.plans import analysis_column, plan_of
from procur.db.base import Base, OfOrganization, SoftDelete, TheOrganization, Times, check, unique_live
from procur.db.types import Money, UtcDateTime, choice, json_list, json_object


def _folded_email(context: DefaultExecutionContext) -> str:
    email: str = context.get_current_parameters()["email"]  # type: ignore[no-untyped-call]
    return email.casefold()


def _email(context: DefaultExecutionContext) -> str:
    email: str = context.get_current_parameters()["email"]  # type: ignore[no-untyped-call]
    return email


class SubscriptionTier(StrEnum):
    """Which plan an organisation is on."""

    FREE = "free"
    BASIC = "basic"
    PRO = "pro"
    ENTERPRISE = "enterprise"


def _analyses_of_the_plan(context: DefaultExecutionContext) -> int:
    tier: str = context.get_current_parameters().get("subscription_tier", "free")  # type: ignore[no-untyped-call]
    return analysis_column(plan_of(tier).limits["analyses"])


class Organization(TheOrganization, SoftDelete, Times, Base):
    """A company that uses this installation: the tenant."""

    __tablename__ = "organizations"

    name: Mapped[str] = mapped_column(String(200))
    slug: Mapped[str] = mapped_column(String(80))
    subscription_tier: Mapped[str] = mapped_column(
        choice("subscription_tier", *(tier.value for tier in SubscriptionTier)),
        default=SubscriptionTier.FREE.value,
    )
    # The plan's, unless another is given; 2147483647 stands for "unlimited". The count is a copy of the
    # month's counter in usage_counters, made by whoever spends; until then it is that of a month before.
    monthly_analysis_limit: Mapped[int] = mapped_column(Integer, default=_analyses_of_the_plan)
    monthly_analysis_count: Mapped[int] = mapped_column(Integer, default=0)
    is_active: Mapped[bool] = mapped_column(default=True)
    industry: Mapped[str | None] = mapped_column(String(120))
    country: Mapped[str | None] = mapped_column(String(80))
    billing_email: Mapped[str | None] = mapped_column(String(254))
    settings: Mapped[dict[str, Any]] = mapped_column(json_object(), default=dict)

    __table_args__ = (
        unique_live("organizations", "slug", tenant=False),
        check("monthly_analysis_limit", "monthly_analysis_limit >= 0", field="monthly_analysis_limit"),
        check("monthly_analysis_count", "monthly_analysis_count >= 0", field="monthly_analysis_count"),
    )


class UserAccount(OfOrganization, SoftDelete, Times, Base):
    """A person who signs in. Found by e-mail before a tenant is known, so its key is `id` alone."""

    __tablename__ = "user_accounts"

    id: Mapped[UUID] = mapped_column(Uuid(), primary_key=True, default=uuid7)
    organization_id: Mapped[UUID] = mapped_column(Uuid(), ForeignKey("organizations.id"))
    email: Mapped[str] = mapped_column(String(254))
    # The e-mail case-folded by Python: databases disagree on lower() beyond ASCII.
    email_key: Mapped[str] = mapped_column(String(508), default=_folded_email)
    username: Mapped[str] = mapped_column(String(150), default=_email)
    hashed_password: Mapped[str] = mapped_column(String(255))
    full_name: Mapped[str | None] = mapped_column(String(200))
    role: Mapped[str] = mapped_column(
        choice("role", "owner", "admin", "approver", "buyer", "member", "viewer", "vendor"), default="member"
    )
    is_active: Mapped[bool] = mapped_column(default=True)
    is_superuser: Mapped[bool] = mapped_column(default=False)
    is_verified: Mapped[bool] = mapped_column(default=False)
    team: Mapped[str | None] = mapped_column(String(120))
    last_login_at: Mapped[datetime | None] = mapped_column(UtcDateTime())
    preferences: Mapped[dict[str, Any]] = mapped_column(json_object(), default=dict)
    business_type: Mapped[str | None] = mapped_column(
        choice("business_type", "Manufacturing", "SaaS", "Merchant")
    )
    company_size: Mapped[str | None] = mapped_column(choice("company_size", "Micro", "Small", "Medium"))
    company_name: Mapped[str | None] = mapped_column(String(200))
    monthly_volume: Mapped[Decimal | None] = mapped_column(Money())
    password_changed_at: Mapped[datetime | None] = mapped_column(UtcDateTime())
    must_change_password: Mapped[bool] = mapped_column(default=False)
    failed_login_attempts: Mapped[int] = mapped_column(Integer, default=0)
    locked_until: Mapped[datetime | None] = mapped_column(UtcDateTime())
    mfa_enabled: Mapped[bool] = mapped_column(default=False)
    mfa_secret: Mapped[str | None] = mapped_column(String(512))
    mfa_backup_codes: Mapped[list[str]] = mapped_column(json_list(), default=list)

    # The names that other systems give these two.
    password_hash: Mapped[str] = synonym("hashed_password")
    last_login: Mapped[datetime | None] = synonym("last_login_at")

    __table_args__ = (
        UniqueConstraint("organization_id", "id"),
        unique_live("user_accounts", "email_key", tenant=False, field="email"),
        unique_live("user_accounts", "username", tenant=False),
        Index("ix_user_accounts_page", "organization_id", "created_at", "id"),
        check("failed_login_attempts", "failed_login_attempts >= 0", field="failed_login_attempts"),
    )

    @validates("email")
    def _fold(self, _key: str, email: str) -> str:
        self.email_key = email.casefold()
        return email


User = UserAccount  # the name that other systems give it
