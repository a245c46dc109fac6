"""A small trade for jobs to do: each writes one row that shows that it was done, by which attempt."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import text

from procur.db import DatabaseSession, Session
from procur.db.models import JobRecord
from procur.db.repositories import JobRepository, NumberRepository
from procur.jobs.drain import drain
from procur.jobs.kinds import Kind
from procur.jobs.task import Task, Work


@dataclass(frozen=True)
class Add:
    """Add an amount to the sum of this name."""

    name: str
    amount: int = 1


ADD = Kind("add", "default", Add, max_attempts=3)
LASTING = Kind("add", "default", Add, max_attempts=100)


def write(session: Session, work: Work, payload: Add, thought: Any) -> dict[str, Any]:
    """The effect: as many numbers taken as the amount says."""
    numbers = NumberRepository(session)
    last = [numbers.next(payload.name, 2026) for _ in range(payload.amount)]
    return {"last": last[-1]}


def adding(
    think: Callable[[Work, Add], Any] | None = None,
    commit: Callable[[Session, Work, Add, Any], dict[str, Any] | None] | None = write,
    kind: Kind[Add] = ADD,
) -> Task[Add]:
    return Task(kind, think=think, commit=commit)


def ask(database: DatabaseSession, name: str = "sum", *, kind: Kind[Add] = ADD, **more: Any) -> UUID:
    with database.get_session(more.pop("organization", "acme")) as session:
        return kind.ask(session, Add(name), **more)[0].id


def job(database: DatabaseSession, key: UUID) -> JobRecord:
    with database.system_session() as session:
        return JobRepository(session).get(key)


def total(database: DatabaseSession, name: str = "sum") -> int:
    """How often the effect of this name was written, in all organisations."""
    with database.system_session() as session:
        found = session.execute(
            text("SELECT coalesce(sum(value), 0) FROM number_sequences WHERE kind = :name"), {"name": name}
        )
        return int(found.scalar_one())


def make_due(database: DatabaseSession) -> None:
    """Let everything that was put off be due now."""
    with database.system_session() as session:
        session.execute("UPDATE jobs SET run_at = created_at WHERE state = 'ready'")


def expire(database: DatabaseSession) -> None:
    """Let every lease run out, as if its worker had been away for long."""
    with database.system_session() as session:
        session.execute("UPDATE jobs SET lease_until = created_at WHERE state = 'running'")


def drain_with(database: DatabaseSession, *tasks: Task[Any], **options: Any) -> int:
    return drain(database, tasks, **options)


def until(true: Callable[[], bool], seconds: float = 20.0) -> None:
    """Wait for something that other threads or processes bring about."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "this has not happened in time"
        time.sleep(0.01)
