"""Figures for Prometheus: what this process has counted, and what the database says at the moment."""

import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from procur.core.errors import ProcurError
from procur.core.metrics import metrics
from procur.db import DatabaseSession
from procur.db.repositories import FigureRepository

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry
    from prometheus_client.core import GaugeMetricFamily

FRESH = 1.0  # seconds for which the database is not asked again


class Figures:
    """A collector of what stands in the database. Every process tells the same."""

    def __init__(self, database: DatabaseSession, groups: Iterable[str] = ()) -> None:
        self._database = database
        self._groups = sorted(set(groups))
        self._lock = threading.Lock()
        self._asked = -FRESH
        self._known: list[GaugeMetricFamily] = []

    def collect(self) -> Iterator["GaugeMetricFamily"]:
        """Return the families, asking the database at most once a second."""
        with self._lock:
            if time.monotonic() - self._asked >= FRESH:
                self._known = self._ask()
                self._asked = time.monotonic()
            yield from self._known

    def _ask(self) -> list["GaugeMetricFamily"]:
        up = _gauge("procur_database_up", "1 if the database could be asked for the figures below, else 0")
        try:
            with self._database.system_session(read_only=True) as session:
                families = self._families(FigureRepository(session))
        except ProcurError:
            up.add_metric((), 0)
            return [up]
        up.add_metric((), 1)
        return [up, *families]

    def _families(self, figures: FigureRepository) -> list["GaugeMetricFamily"]:
        return [
            *_of_queues(figures),
            _of_stuck(figures),
            *_of_groups(figures, self._groups),
            _single("procur_audit_unsealed", "Audit entries that wait for their seal", figures.unsealed()),
            _single(
                "procur_facts_unnumbered",
                "Committed facts that wait for their place in the log",
                figures.unnumbered(),
            ),
        ]


def all_of(figures: Figures) -> "CollectorRegistry":
    """Return the process's own figures and those of the database in one registry."""
    from prometheus_client import CollectorRegistry

    both = CollectorRegistry(auto_describe=False)
    both.register(metrics().registry)
    both.register(figures)
    return both


def exposition(figures: Figures, accept: str = "") -> tuple[bytes, str]:
    """Return all figures as text, and its media type."""
    from prometheus_client.exposition import choose_encoder

    encode, media_type = choose_encoder(accept)
    return encode(all_of(figures)), media_type


@contextmanager
def answering(figures: Figures, host: str, port: int) -> Iterator[int]:
    """Answer `/metrics` on a port of its own (0: any free one) while the block runs; lend the port."""
    from prometheus_client import start_http_server

    server, thread = start_http_server(port, host, all_of(figures))
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


def _of_queues(figures: FigureRepository) -> list["GaugeMetricFamily"]:
    label = ("queue",)
    ready = _gauge("procur_jobs_ready", "Jobs that wait for a worker or for their time", label)
    due = _gauge("procur_jobs_due", "Jobs that wait for a worker", label)
    oldest = _gauge("procur_jobs_oldest_due_seconds", "For how long the oldest due job has waited", label)
    running = _gauge("procur_jobs_running", "Jobs that a worker has", label)
    expired = _gauge("procur_jobs_expired_leases", "Running jobs whose worker gave no sign of life", label)
    for each in figures.queues():
        ready.add_metric((each.queue,), each.ready)
        due.add_metric((each.queue,), each.due)
        oldest.add_metric((each.queue,), each.oldest)
        running.add_metric((each.queue,), each.running)
        expired.add_metric((each.queue,), each.expired)
    return [ready, due, oldest, running, expired]


def _of_stuck(figures: FigureRepository) -> "GaugeMetricFamily":
    stuck = _gauge(
        "procur_jobs_stuck", "Jobs that are failed or dead: somebody has to look", ("kind", "state")
    )
    for (kind, state), number in sorted(figures.stuck().items()):
        stuck.add_metric((kind, state), number)
    return stuck


def _of_groups(figures: FigureRepository, groups: Iterable[str]) -> list["GaugeMetricFamily"]:
    label = ("group",)
    facts = _gauge("procur_group_lag_facts", "Facts in the log that a consumer group has not read", label)
    seconds = _gauge("procur_group_lag_seconds", "Age of the oldest fact a group has not read", label)
    dead = _gauge("procur_group_dead_letters", "Facts that a consumer group could not take", label)
    for each in figures.groups(list(groups)):
        facts.add_metric((each.group,), each.facts)
        seconds.add_metric((each.group,), each.seconds)
        dead.add_metric((each.group,), each.dead)
    return [facts, seconds, dead]


def _single(name: str, text: str, value: float) -> "GaugeMetricFamily":
    family = _gauge(name, text)
    family.add_metric((), value)
    return family


def _gauge(name: str, text: str, labels: tuple[str, ...] = ()) -> "GaugeMetricFamily":
    from prometheus_client.core import GaugeMetricFamily

    return GaugeMetricFamily(name, text, labels=labels)
