"""When a cron line is due, in its own time zone."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError

from procur.core.errors import InvalidInput


def next_time(cron: str, timezone: str, after: datetime) -> datetime:
    """Return the first time after `after` (aware) at which the five fields are due, in UTC.

    As Vixie's cron does it: where the clock is put forward, a fixed time that is skipped is due right after;
    where it is put back, a fixed time that comes twice is due once. InvalidInput names the field at fault.
    """
    try:
        zone = ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise InvalidInput(
            f"there is no time zone {timezone[:64]!r}", field="timezone", hint="such as Europe/Berlin"
        ) from error
    try:
        times = (found.astimezone(UTC) for found in CronSim(cron, after.astimezone(zone)))
        # Where an hour comes twice, a fixed time of its first pass may be behind us.
        return next(found for found in times if found > after)
    except (CronSimError, StopIteration) as error:
        raise InvalidInput(
            f"{cron[:120]!r} is no cron line that is ever due", field="cron", hint="such as '0 6 * * 1'"
        ) from error
