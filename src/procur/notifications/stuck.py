"""The task `look_for_stuck_work`: what was given up is told to administrators, in one message.

A message whose job has ended without it (its workers crashed, somebody cancelled it) is noted as failed, so
that it can be sent again.
"""

from datetime import datetime
from typing import Any

from procur.db import Session
from procur.db.repositories import (
    EventDeliveryRepository,
    EventRepository,
    JobRepository,
    NotificationRepository,
    OrganizationRepository,
)
from procur.events.facts import WorkStuck
from procur.events.outbox import publish
from procur.jobs.task import Task, Work
from procur.notifications.kinds import LOOK, SEND, LookForStuckWork

_MOST = 1000


def look_for_stuck_work() -> Task[LookForStuckWork]:
    """Return the task."""
    return Task(LOOK, commit=_commit)


def _commit(session: Session, work: Work, payload: LookForStuckWork, thought: None) -> dict[str, Any]:
    """Tell what was given up since it was told last, if anything was."""
    del payload, thought
    messages = NotificationRepository(session).give_up_abandoned(
        SEND.name, "the job that sends it was given up"
    )
    slug = OrganizationRepository(session).own().slug
    since = _told_until(session, slug)
    jobs = JobRepository(session).given_up(since, _MOST)
    letters = EventDeliveryRepository(session).dead_letters(limit=_MOST)
    facts = [row for row in letters if since is None or row.updated_at > since]
    ended = [row.updated_at for row in jobs] + [row.updated_at for row in facts]
    if ended:
        fact = WorkStuck(
            slug,
            len(jobs),
            len(facts),
            tuple(sorted({row.kind for row in jobs} | {row.consumer for row in facts})),
            max(ended).isoformat(),
            sum(row.state == "failed" for row in jobs),
        )
        publish(session, fact, actor_type="system", actor_id=work.actor.id, now=work.now())
    return {"jobs": len(jobs), "facts": len(facts), "messages": messages}


def _told_until(session: Session, slug: str) -> datetime | None:
    last = EventRepository(session).find(
        aggregate_type="organization", aggregate_id=slug, type=WorkStuck.__name__
    )
    return None if last is None else datetime.fromisoformat(last.payload["until"])
