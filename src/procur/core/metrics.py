"""What this process counts, in a Prometheus registry of its own that is made at first use."""

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    pass

# Seconds: rounds with a model take minutes, empty jobs a millisecond.
_TASK_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600)
_HTTP_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Metrics:
    """The counters and histograms of one process. No label holds a tenant's name or an id."""

    def __init__(self) -> None:
        from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

        self.registry: CollectorRegistry = CollectorRegistry()
        self.task_seconds = Histogram(
            "procur_task_seconds",
            "Seconds that one attempt at a job took, by kind and outcome",
            ("kind", "outcome"),
            buckets=_TASK_SECONDS,
            registry=self.registry,
        )
        self.claims = Counter(
            "procur_job_claims", "Jobs that this process has claimed", ("queue",), registry=self.registry
        )
        self.facts = Counter(
            "procur_facts_delivered",
            "Facts handed to consumer groups by this process, by outcome",
            ("group", "outcome"),
            registry=self.registry,
        )
        self.http_seconds = Histogram(
            "procur_http_seconds",
            "Seconds until an answer was complete, by method, route and status",
            ("method", "route", "status"),
            buckets=_HTTP_SECONDS,
            registry=self.registry,
        )
        self.stream_clients = Gauge(
            "procur_stream_clients", "Clients that follow the event stream", registry=self.registry
        )
        self.stream_dropped = Counter(
            "procur_stream_clients_dropped",
            "Clients of the event stream that took nothing for too long",
            registry=self.registry,
        )


@cache
def metrics() -> Metrics:
    """Return this process's counters."""
    return Metrics()


def count_attempt(kind: str, outcome: str, seconds: float) -> None:
    """Count one attempt at a job: done, retried, put_off, failed, dead, lost or interrupted."""
    metrics().task_seconds.labels(kind, outcome).observe(seconds)


def count_claims(queue: str, number: int) -> None:
    """Count jobs that were claimed from a queue."""
    metrics().claims.labels(queue).inc(number)


def count_facts(group: str, outcome: str, number: int = 1) -> None:
    """Count facts that a consumer group got: done, retried or dead."""
    metrics().facts.labels(group, outcome).inc(number)
