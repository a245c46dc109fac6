"""The one list of what the platform is made of: handlers of facts, routers, later pages. Read first."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from procur.core.errors import NotConfigured
from procur.db import DatabaseSession
from procur.events.handlers import Handler
from procur.notifications.handlers import tell_endpoints, tell_people
from procur.workers.handlers import plan_new_organization

if TYPE_CHECKING:
    from fastapi import FastAPI


def handlers() -> tuple[Handler, ...]:
    """Return every handler of every room; a fact is told to those that want it."""
    return (plan_new_organization, tell_people, tell_endpoints)


def create_app(
    database: DatabaseSession,
    *,
    hints: bool = True,
    checks: Mapping[str, Callable[[], None]] | None = None,
) -> "FastAPI":
    """Return the HTTP application on a database (extra `serve`).

    `hints`: listen for what other processes write; not needed where a worker of this process does. `checks`
    is what else has to be there for `/readyz`: each raises one of our errors when it is not.
    """
    try:
        from procur.web.application import application
    except ModuleNotFoundError as error:
        if error.name not in {"fastapi", "starlette"}:
            raise
        raise NotConfigured("Serving over HTTP needs FastAPI", hint="pip install 'procur[serve]'") from error
    groups = {handler.group for handler in handlers()}
    return application(database, hints=hints, groups=groups, checks=checks)
