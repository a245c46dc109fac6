"""What administrators have to look at."""

from procur.db import Session
from procur.events.event import Event
from procur.notifications.messages import Message
from procur.notifications.readers import Reader, allowed
from procur.notifications.telling.model import Tell, Told


def switched_off(session: Session, event: Event) -> Told | None:
    """Tell administrators that an endpoint is told nothing any more, unless one of them has done it."""
    facts = event.payload
    if event.actor_type == "user":
        return None

    def write(reader: Reader) -> Message:
        del reader
        return Message(
            f"A webhook was switched off: {facts['address']}",
            (str(facts["reason"]), "Nothing is lost: once it is on again, replay what was not delivered."),
            command=f"procur webhooks enable {event.aggregate_id}",
        )

    return Told("operations", allowed(session, "webhook.manage"), write)


def stuck(session: Session, event: Event) -> Told:
    """Tell those who manage work that jobs or facts were given up."""
    facts = event.payload
    jobs, letters, failed = int(facts["jobs"]), int(facts["facts"]), int(facts.get("failed", 0))
    what = " and ".join(
        f"{count} {name}{'s' if count > 1 else ''}"
        for count, name in ((jobs, "job"), (letters, "fact"))
        if count
    )

    def write(reader: Reader) -> Message:
        del reader
        return Message(
            f"Given up: {what}",
            ("They wait until somebody has removed the cause and has them tried again.",),
            (("About", ", ".join(facts["about"])),),
            f"procur jobs list --state {'dead' if jobs > failed else 'failed'}"
            if jobs
            else "procur events dead",
        )

    return Told("operations", allowed(session, "work.manage"), write)


def usage(session: Session, event: Event) -> Told:
    """Tell those who may change the plan that a meter is nearly or wholly used up."""
    facts = event.payload

    def write(reader: Reader) -> Message:
        del reader
        return Message(
            f"{facts['percent']} % of {facts['meter']} is used",
            (f"{facts['used']} of {facts['limit']}.",),
            command="procur usage",
        )

    return Told("usage_near_limit", allowed(session, "plan.write"), write)


TELL: dict[str, Tell] = {"WebhookDisabled": switched_off, "UsageNearLimit": usage, "WorkStuck": stuck}
