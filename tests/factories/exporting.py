"""A report with its certifications, plan and analyses."""

from typing import Any

from procur.db import Session
from procur.db.models import Report, UserAccount
from procur.db.repositories import ReportRepository

CERTIFICATIONS: list[dict[str, Any]] = [
    {"certification_id": "fda", "certification_name": "FDA food facility", "certification_type": "FDA"},
    {"certification_id": "zed", "certification_name": "ZED bronze", "certification_type": "ZED"},
]
PLAN: list[dict[str, Any]] = [
    {"task_id": "lut", "day_number": 1, "task_title": "File the LUT"},
    {"task_id": "iec", "day_number": 1, "task_title": "Check the IEC"},
    {"task_id": "ship", "day_number": 6, "task_title": "Book the freight"},
]
FINANCE: dict[str, Any] = {
    "working_capital_data": {"total": "295000"},
    "financing_options": [{"name": "ECGC"}],
}
LOGISTICS: dict[str, Any] = {"freight_estimate": {"sea": 1650}}


def about(person: UserAccount, **values: Any) -> dict[str, Any]:
    """Return what a report of this person may say."""
    plain = {
        "user_id": person.id,
        "product_name": "Turmeric powder",
        "destination_country": "Germany",
        "business_type": "Manufacturing",
        "company_size": "Small",
    }
    return plain | values


def full_report(session: Session, person: UserAccount, **values: Any) -> Report:
    """Write a report with two certifications, three tasks and both analyses."""
    return ReportRepository(session).create_complete(
        report=about(person, **values),
        certifications=CERTIFICATIONS,
        plan=PLAN,
        finance=FINANCE,
        logistics=LOGISTICS,
    )
