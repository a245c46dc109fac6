"""The work of this room, for those who ask for it."""

from dataclasses import dataclass
from uuid import UUID

from procur.jobs.kinds import Kind


@dataclass(frozen=True, slots=True)
class SendNotification:
    """Send the message with this key."""

    notification_id: UUID


# How often a message is tried is the delivery log's business: these are for crashes of workers. It lasts
# longer than any conversation with a mail server, so that nobody else sends what a slow server has already.
SEND = Kind("send_notification", "notifications", SendNotification, max_attempts=10, lasts=900.0)


@dataclass(frozen=True, slots=True)
class LookForStuckWork:
    """See whether jobs or facts have been given up since the last look."""


LOOK = Kind("look_for_stuck_work", "default", LookForStuckWork)
