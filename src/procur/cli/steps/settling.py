"""Tell every handler what has happened and do the work that follows, in this process, until all is done."""

from collections.abc import Iterable
from typing import Any

from procur.app import handlers
from procur.cli.workspace import Workspace
from procur.db.repositories import EventRepository, JobRepository
from procur.events.groups import groups_of
from procur.events.inprocess import deliver
from procur.events.standing import standing
from procur.jobs.drain import drain
from procur.jobs.task import Task


def settle(workspace: Workspace, tasks: Iterable[Task[Any]]) -> None:
    """Deliver facts and do due jobs in turn, until neither is left in the organisation."""
    organization = workspace.organization or workspace.database.config.default_organization
    known = tuple(tasks)
    while True:
        told = deliver(workspace.database, handlers(), organization=organization)
        done = drain(
            workspace.database,
            known,
            organization=organization,
            clock=workspace.clock,
            ids=workspace.ids,
        )
        if done:
            workspace.to_seal()
        if not told and not done:
            return


def settled(workspace: Workspace) -> dict[str, Any]:
    """Return how many jobs are done and facts told, and what still waits, by the tables."""
    groups = groups_of(handlers())
    with workspace.session(read_only=True) as session:
        workspace.actor(session, "negotiation.read")
        jobs = JobRepository(session).counts()
        facts = EventRepository(session).count()
        behind = sum(each.behind + each.pending + each.dead for each in standing(session, groups))
    return {
        "jobs_done": jobs["done"],
        "facts": facts,
        "groups": [group.name for group in groups],
        "jobs_open": jobs["ready"] + jobs["running"],
        "jobs_stuck": jobs["failed"] + jobs["dead"],
        "facts_undelivered": behind,
    }
