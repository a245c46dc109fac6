"""Where an adapter keeps things: a database and an organisation; and how it calls them from async code."""

import asyncio
import json
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar
from uuid import UUID

from procur.core.errors import InvalidInput, NotConfigured
from procur.db import DatabaseSession, SessionScope, get_db_session

P = ParamSpec("P")
T = TypeVar("T")


class Place:
    """A database (the process's own if none is given) and an organisation (or the default one)."""

    def __init__(self, database: DatabaseSession | None, organization: UUID | str | None) -> None:
        self._database = database
        self._organization = organization

    def reading(self) -> SessionScope:
        """Open a transaction that only reads."""
        return self._home().get_session(self._organization, read_only=True)

    def writing(self) -> SessionScope:
        """Open a transaction; it commits when its block ends well."""
        return self._home().get_session(self._organization)

    def _home(self) -> DatabaseSession:
        return self._database or get_db_session()


async def in_thread(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run database work off the event loop; a cancelled caller still waits until it is done or undone.

    Otherwise the caller's next call could overtake the one it gave up.
    """
    work = asyncio.ensure_future(asyncio.to_thread(function, *args, **kwargs))
    cancelled: asyncio.CancelledError | None = None
    while not work.done():
        try:
            await asyncio.wait({work})
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        work.exception()  # looked at, so that asyncio does not report it a second time
        raise cancelled
    return work.result()


def dumped(value: Any, field: str) -> str:
    """Return JSON text that reads back as `value`, with NUL, half surrogates, large integers and NaN."""
    try:
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        text.encode()
    except UnicodeEncodeError:
        return json.dumps(value, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidInput(f"{field} cannot be written as JSON: {str(error)[:120]}", field=field) from error
    return text


def missing(extra: str, library: str) -> NotConfigured:
    """Return the error for a library that is not installed."""
    return NotConfigured(f"{library} is not installed", hint=f"pip install 'procur[{extra}]'")
