"""Celery as one way to run jobs: a message names a job's row, its task claims that row and runs it.

The rows are the truth; messages only say where work waits. Losing them all loses nothing, and a message too
many finds its job taken. So Celery keeps no results, retries nothing and knows no times of its own.

    celery -A procur.workers.celery_app worker
    celery -A procur.workers.celery_app flower
"""

import os
import socket
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from uuid import UUID

from celery import Celery
from celery.signals import setup_logging, worker_process_shutdown

from procur.core import logs, tracing
from procur.db import DatabaseSession
from procur.jobs.kinds import Kind
from procur.jobs.task import Task
from procur.workers.celery_settings import CelerySettings, broker_url
from procur.workers.single import run_one
from procur.workers.tasks import QUEUES, tasks
from procur.workers.tools import Tools

Built = tuple[DatabaseSession, tuple[Task[Any], ...]]


def publisher(settings: CelerySettings | None = None) -> Celery:
    """Return an app that can send messages; it knows no tasks."""
    settings = settings or CelerySettings()
    app = Celery("procur", broker=broker_url(settings), set_as_current=False)
    app.conf.update(
        broker_transport="procur.workers.celery_transport:Transport",
        accept_content=["json"],
        task_serializer="json",
        task_queues={name: {"routing_key": name} for name in QUEUES},
        task_default_queue="default",
        task_ignore_result=True,
        task_store_errors_even_if_ignored=False,
        # Until its job has ended a message counts as taken, so that a worker leaves the others in Redis.
        task_acks_late=True,
        task_acks_on_failure_or_timeout=True,
        task_publish_retry=False,
        task_send_sent_event=True,
        worker_send_task_events=True,
        worker_prefetch_multiplier=1,
        # Messages find their worker when Redis comes back, however long that takes.
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_transport_options={"global_keyprefix": settings.prefix},
    )
    return app


def worker_app(
    build: Callable[[], Built], settings: CelerySettings | None = None, *, lease: float = 30.0
) -> Celery:
    """Return an app that runs jobs: one Celery task for every kind, under the kind's name.

    `build` gives the database and the tasks; each process calls it once, so that none uses the connections
    of the process it was forked from. `lease`: seconds until others may have a job whose process went away.
    """
    app, executor = publisher(settings), _Executor(build, lease)
    for kind in executor.kinds():
        # A process whose job hangs is ended when others have that job, and another one takes its place.
        app.task(executor.run, name=kind.name, lazy=False, time_limit=kind.lasts + 2 * lease)
    setup_logging.connect(_write_lines, weak=False, dispatch_uid="procur")
    worker_process_shutdown.connect(executor.end, weak=False)
    return app


def _write_lines(**_: Any) -> None:
    """Write the lines of Celery and of jobs as all our programs do, instead of as Celery does."""
    logs.configure()


class _Executor:
    """What runs a job in this process."""

    def __init__(self, build: Callable[[], Built], lease: float) -> None:
        self._build, self._lease = build, lease
        self._built: Built | None = None
        self._process = 0
        self._end_traces: Callable[[], None] | None = None

    def kinds(self) -> Iterable[Kind[Any]]:
        """Return every kind of work, by name."""
        return sorted((task.kind for task in self._build()[1]), key=lambda kind: kind.name)

    def run(self, organization_id: str, job_id: str) -> None:
        """Claim this job and run it; do nothing when it is taken, done, cancelled or not due."""
        if self._built is None or self._process != os.getpid():
            self._built, self._process = self._build(), os.getpid()
            self._end_traces = tracing.configure("procur-work")
        database, known = self._built
        worker = f"celery@{socket.gethostname()}:{self._process}"
        run_one(database, known, UUID(organization_id), UUID(job_id), worker=worker, lease=self._lease)

    def end(self, **_: Any) -> None:
        """Send what is left of the traces of this process."""
        if self._end_traces is not None and self._process == os.getpid():
            self._end_traces()
            self._end_traces = None


def _from_environment() -> Built:
    tools = Tools.from_environment(Path(os.environ.get("PROCUR_HOME", ".")))
    return tools.database, tasks(tools)


def __getattr__(name: str) -> Any:
    """Make the app when Celery's command asks for it, so that importing this module needs no settings."""
    if name != "app":
        raise AttributeError(name)
    made = globals()["app"] = worker_app(_from_environment)
    return made
