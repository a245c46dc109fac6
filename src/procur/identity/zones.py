"""Where an organisation's days begin: its time zone, if it has named one."""

from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from procur.core.errors import InvalidInput
from procur.db.models import Organization

UTC_NAME = "UTC"


def zone_named(name: str) -> ZoneInfo:
    """Return the time zone of this name, such as Europe/Berlin; InvalidInput where there is none."""
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, KeyError) as error:  # not found, a folder, a path out of the database
        raise InvalidInput(
            f"{name[:60]!r} is no time zone", field="timezone", hint="one such as Europe/Berlin or UTC"
        ) from error


def zone_name_of(organization: Organization) -> str:
    """Return the name of the organisation's time zone (`settings["timezone"]`), UTC unless it has one."""
    named: Any = organization.settings.get("timezone")
    return named if isinstance(named, str) and named else UTC_NAME


def today_of(organization: Organization, now: datetime) -> date:
    """Return which day it is where the organisation is."""
    return now.astimezone(zone_named(zone_name_of(organization))).date()
