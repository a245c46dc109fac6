"""Structured logs: one line per thing that happened, as JSON or for a terminal, without secrets.

`configure()` is called once by a program (the command, a worker, the server). Before that, and in a program
of somebody else's, lines go to the standard library's logging and nothing of it is changed.
"""

import logging
import os
import sys
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, TextIO

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from procur.core.context import current_cause
from procur.core.errors import InvalidInput
from procur.core.redaction import redact_value
from procur.core.settings import Settings

if TYPE_CHECKING:
    from structlog.stdlib import BoundLogger

Fields = MutableMapping[str, Any]
_ATTRIBUTE = "procur_fields"
_about: ContextVar[dict[str, object]] = ContextVar("procur_about", default={})  # noqa: B039 - never changed
# Chatty below warning, and what they say there is said by our own lines.
_QUIET = ("httpx2", "httpcore2", "uvicorn.access", "uvicorn.error", "asyncio")


class LogSettings(Settings):
    """PROCUR_LOG_FORMAT: "json" or "console" (default: console on a terminal); PROCUR_LOG_LEVEL: INFO."""

    model_config = SettingsConfigDict(env_prefix="PROCUR_LOG_", extra="ignore")

    format: Literal["json", "console"] | None = None
    level: str = Field("INFO", pattern=r"(?i)^(debug|info|warning|error|critical)$")


@cache
def get_logger(name: str) -> "BoundLogger":
    """Return the logger of a part ("procur.jobs"): `get_logger(...).info("job", kind=…, seconds=…)`.

    Ask for it where a line is written: the first call loads structlog.
    """
    import structlog

    logger: BoundLogger = structlog.wrap_logger(
        logging.getLogger(name),
        processors=[
            structlog.stdlib.filter_by_level,
            _name_cause,
            _to_record,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        context_class=dict,
    )
    return logger


@contextmanager
def about(**fields: object) -> Iterator[None]:
    """Put these fields (job_id, organization_id …) on every line written inside the block."""
    token = _about.set({**_about.get(), **fields})
    try:
        yield
    finally:
        _about.reset(token)


def line(name: str, event: str, **fields: object) -> None:
    """Write one line at level INFO; where nobody wants such lines this costs next to nothing."""
    if logging.getLogger(name).isEnabledFor(logging.INFO):
        get_logger(name).info(event, **fields)


def configure(settings: LogSettings | None = None, *, stream: TextIO | None = None) -> logging.Handler:
    """Send all lines, also those of libraries, to `stream` (standard error); return the handler.

    Calling it again replaces what an earlier call has set up, and nothing else.
    """
    import structlog

    wanted = settings or LogSettings()
    target = sys.stderr if stream is None else stream
    form = wanted.format or ("console" if target.isatty() else "json")
    handler = _Handler(target)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[_from_record],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                structlog.processors.TimeStamper(fmt="iso", utc=True),
                _without_secrets,
                _renderer(form, target),
            ],
            use_get_message=True,
        )
    )
    root = logging.getLogger()
    for old in [one for one in root.handlers if isinstance(one, _Handler)]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(wanted.level.upper())
    for name in _QUIET:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
    return handler


class _Handler(logging.StreamHandler[TextIO]):
    """Ours, so that `configure` knows which one to replace."""


def _renderer(form: str, target: TextIO) -> Any:
    import structlog

    if form == "console":
        colours = target.isatty() and "NO_COLOR" not in os.environ
        return structlog.dev.ConsoleRenderer(
            colors=colours, exception_formatter=structlog.dev.plain_traceback, sort_keys=False
        )
    return structlog.processors.JSONRenderer(default=str, ensure_ascii=False)


def _name_cause(_logger: object, _method: str, fields: Fields) -> Fields:
    """Add what the line belongs to, where the line itself does not say so."""
    for name, value in _about.get().items():
        fields.setdefault(name, value)
    cause = current_cause()
    if cause.correlation_id is not None:
        fields.setdefault("correlation_id", cause.correlation_id)
    if cause.trace is not None:
        fields.setdefault("trace_id", cause.trace.split("-")[1] if cause.trace.count("-") == 3 else None)  # noqa: PLR2004
    return fields


def _to_record(_logger: object, _method: str, fields: Fields) -> tuple[tuple[str], dict[str, Any]]:
    """Hand the line to the standard library: its message, and the fields in one attribute of the record."""
    exc_info = fields.pop("exc_info", None)
    message = str(fields.pop("event", ""))
    extra = {_ATTRIBUTE: {name: _short(value) for name, value in fields.items()}}
    return (message,), {"extra": extra, "exc_info": exc_info}


def _from_record(_logger: object, _method: str, fields: Fields) -> Fields:
    """Give every record, ours or a library's, its level, its logger's name and its fields."""
    record: logging.LogRecord = fields["_record"]
    own: dict[str, Any] = getattr(record, _ATTRIBUTE, {})
    fields["level"] = record.levelname.lower()
    fields["logger"] = record.name
    if record.exc_info:
        fields["exc_info"] = record.exc_info
    fields.update(own or _name_cause(None, "", {}))
    return fields


def _without_secrets(_logger: object, _method: str, fields: Fields) -> Fields:
    try:
        return dict(redact_value(dict(fields)))
    except InvalidInput as error:  # nested too deeply to be looked through: it is not written at all
        return {"event": error.message} | {name: fields[name] for name in ("level", "logger", "timestamp")}


def _short(value: object) -> Any:
    """Return a value that JSON knows; keys and decimals as text, everything else as it is."""
    if value is None or isinstance(value, str | int | float | bool | dict | list | tuple):
        return value
    return str(value)
