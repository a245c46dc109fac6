"""What Celery's workers of the tests do: documented kinds of work that leave a countable trace."""

import os
import time
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import text

from procur.db import DatabaseSession, Session
from procur.db.repositories import NumberRepository
from procur.jobs.kinds import Kind
from procur.jobs.task import Task, Work
from procur.workers.celery_app import Built, worker_app

LEASE = 2.0
_QUEUES = {
    "process_negotiation_round": "negotiation",
    "enrich_vendor_data": "enrichment",
    "generate_contract": "contracts",
    "send_notification": "notifications",
    "cleanup": "default",
}


@dataclass(frozen=True)
class Piece:
    seconds: float = 0.05


KINDS = tuple(Kind(name, queue, Piece, max_attempts=100) for name, queue in _QUEUES.items())
# Its first attempt never comes to an end.
HANGING = Kind("refresh_stale_vendors", "enrichment", Piece, lasts=0.5)


def ask(database: DatabaseSession, kind: Kind[Piece], organization: str = "acme") -> UUID:
    with database.get_session(organization) as session:
        return kind.ask(session, Piece(0 if kind is HANGING else 0.05))[0].id


def think(work: Work, payload: Piece) -> None:
    hangs = payload.seconds == 0 and work.attempt == 1
    time.sleep(3600 if hangs else payload.seconds)


def commit(session: Session, work: Work, payload: Piece, thought: None) -> None:
    del work, payload, thought
    NumberRepository(session).next("celery", 2026)


def total(database: DatabaseSession) -> int:
    with database.system_session(read_only=True) as session:
        query = text("SELECT sum(value) FROM number_sequences WHERE kind = 'celery'")
        return int(session.execute(query).scalar_one() or 0)


def build() -> Built:
    tasks: tuple[Task[Any], ...] = tuple(Task(kind, think=think, commit=commit) for kind in (*KINDS, HANGING))
    return DatabaseSession(os.environ["PROCUR_DB_URL"]), tasks


def __getattr__(name: str) -> Any:
    if name != "app":
        raise AttributeError(name)
    made = globals()["app"] = worker_app(build, lease=LEASE)
    return made
