"""The one list of what the platform is made of: handlers of facts, later routers and pages. Read first."""

from procur.events.handlers import Handler
from procur.notifications.handlers import tell_endpoints, tell_people


def handlers() -> tuple[Handler, ...]:
    """Return every handler of every room; a fact is told to those that want it."""
    return (tell_people, tell_endpoints)
