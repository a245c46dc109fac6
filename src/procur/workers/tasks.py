"""The one list of what the platform does later. Read first."""

from typing import Any

from procur.jobs.task import Task
from procur.notifications.tasks import send_notification
from procur.workers.tools import Tools

QUEUES = ("negotiation", "enrichment", "contracts", "notifications", "default")


def tasks(tools: Tools) -> tuple[Task[Any], ...]:
    """Return every task of every room, with the tools it needs."""
    return (send_notification(tools.channels),)
