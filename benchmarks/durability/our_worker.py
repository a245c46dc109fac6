"""Our side of the comparison: a worker process for empty jobs, jobs that answer, and jobs that write a row.

python our_worker.py URL
"""

import socket
import sys
import threading
from dataclasses import dataclass
from typing import Any

from procur.db import DatabaseSession, Session
from procur.db.repositories import InboxRepository
from procur.jobs.kinds import Kind
from procur.jobs.task import Task, Work
from procur.jobs.worker import Worker


@dataclass(frozen=True)
class Nothing:
    """An empty job's payload."""


@dataclass(frozen=True)
class Port:
    """Where somebody waits for an answer."""

    port: int


NOTHING = Kind("nothing", "default", Nothing)
ROW = Kind("row", "default", Nothing)
ANSWER = Kind("answer", "default", Port)


def _answer(_work: Work, asked: Port) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        out.sendto(b"!", ("127.0.0.1", asked.port))


def _write(session: Session, work: Work, _payload: Nothing, _thought: Any) -> None:
    InboxRepository(session).take_in("bench", work.job_id)


if __name__ == "__main__":
    tasks = [Task(NOTHING), Task(ANSWER, think=_answer), Task(ROW, commit=_write)]
    Worker(DatabaseSession(sys.argv[1]), tasks, threads=2).start()
    threading.Event().wait()
