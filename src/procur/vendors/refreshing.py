"""Asks for vendors' data that nobody has looked up for long: some at a time, spread over an hour."""

from datetime import datetime, timedelta

from procur.db import Session
from procur.db.repositories import ReminderRepository
from procur.vendors.kinds import ENRICH, EnrichVendor

_OVER = timedelta(hours=1)
# Behind what people ask for themselves.
_PRIORITY = 10


def refresh_stale_vendors(session: Session, *, now: datetime, days: int, most: int) -> int:
    """Ask for the data of vendors that is older than `days`; return how many were asked for.

    They have a website or named pages. A vendor is asked for once per period of so many days, whatever
    becomes of it: one that never answers does not keep others waiting.
    """
    reminders = ReminderRepository(session)
    reminders.hold("vendors")
    period = str(now.toordinal() // days)
    stale = reminders.stale_vendors(
        before=now - timedelta(days=days), kind=ENRICH.name, period=period, limit=most
    )
    for place, vendor in enumerate(stale):
        ENRICH.ask(
            session,
            EnrichVendor(vendor.vendor_id),
            dedupe_key=f"{vendor.vendor_id}:{period}",
            run_at=now + _OVER * place / len(stale),
            priority=_PRIORITY,
        )
    return len(stale)
