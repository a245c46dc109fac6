"""Traces by OpenTelemetry (extra `otel`): off, and free of any cost, until an endpoint is configured.

A trace goes on through the database: `Cause.trace` holds the W3C traceparent of the span that runs, jobs and
facts are stored with it, and whoever takes them up names it as the parent of the next span.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from procur.core.context import because_of, current_cause
from procur.core.errors import NotConfigured

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Span, Tracer

SpanKind = Literal["internal", "server", "producer", "consumer"]
Value = str | int | float | bool | None

_tracer: "Tracer | None" = None


def wanted() -> bool:
    """Say whether the environment asks for traces (PROCUR_OTEL=1, or an OTLP endpoint)."""
    switch = os.environ.get("PROCUR_OTEL")
    if switch is not None:
        return switch.strip().lower() in {"1", "true", "yes", "on"}
    names = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
    return any(os.environ.get(name) for name in names)


def configure(service: str = "procur", *, force: bool = False) -> Callable[[], None]:
    """Start to trace if the environment asks for it; return what ends it and sends what is left.

    OTEL_SERVICE_NAME, OTEL_EXPORTER_OTLP_HEADERS, OTEL_TRACES_SAMPLER … are read by OpenTelemetry itself.
    """
    if not (force or wanted()):
        return _nothing
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ModuleNotFoundError as error:
        raise NotConfigured(
            "Traces are asked for, but OpenTelemetry is not installed", hint="pip install 'procur[otel]'"
        ) from error
    named = {} if os.environ.get("OTEL_SERVICE_NAME") else {"service.name": service}
    provider = TracerProvider(resource=Resource.create(named))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    _use(provider)

    def end() -> None:
        _use(None)
        provider.shutdown()

    return end


def _use(provider: "TracerProvider | None") -> None:
    global _tracer  # noqa: PLW0603 - one tracer per process
    _tracer = None if provider is None else provider.get_tracer("procur")


def _nothing() -> None:
    """End what was never begun."""


@contextmanager
def span(
    name: str, *, kind: SpanKind = "internal", parent: str | None = None, **attributes: Value
) -> Iterator["Span | None"]:
    """Trace the block as one span, and let jobs and facts written inside continue it.

    `parent` is a traceparent; without one it is that of `current_cause()`. Where traces are off this does
    nothing, and the block keeps the cause it has. Attributes that are None are left out.
    """
    tracer = _tracer
    if tracer is None:
        yield None
        return
    from opentelemetry import trace
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    carrier = parent or current_cause().trace
    propagator = TraceContextTextMapPropagator()
    context = propagator.extract({} if carrier is None else {"traceparent": carrier})
    known = {key: value for key, value in attributes.items() if value is not None}
    with tracer.start_as_current_span(
        name, context=context, kind=getattr(trace.SpanKind, kind.upper()), attributes=known
    ) as running:
        told: dict[str, str] = {}
        propagator.inject(told)
        with because_of(replace(current_cause(), trace=told.get("traceparent", carrier))):
            yield running


def failed(running: "Span", why: str) -> None:
    """Mark a span as failed."""
    from opentelemetry.trace import Status, StatusCode

    running.set_status(Status(StatusCode.ERROR, why))
