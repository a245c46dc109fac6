"""What the house does when something has happened elsewhere."""

from procur.db import Session
from procur.events.event import Event
from procur.events.facts import OrganizationSetUp
from procur.events.handlers import on
from procur.workers.schedules import plan_for


@on(OrganizationSetUp, group="schedules")
def plan_new_organization(session: Session, _event: Event) -> None:
    """Give an organisation the schedules it lacks."""
    plan_for(session)
