"""The HTTP application: routes, errors, and what lives as long as it does."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager

from fastapi import FastAPI

from procur import __version__
from procur.db import DatabaseSession
from procur.web import API, health, problems, stream
from procur.web.edge import Edge
from procur.web.figures import Figures
from procur.web.hub import Hub
from procur.web.uses import KeyUses


def application(
    database: DatabaseSession,
    *,
    hints: bool = True,
    groups: Iterable[str] = (),
    checks: Mapping[str, health.Check] | None = None,
) -> FastAPI:
    """Return the application on this database. It reads nothing before its first request.

    `hints`: listen for what other processes write (see `procur.db.wake`); `groups` are the consumer groups
    whose lag is shown; `checks` is what else has to be there for `/readyz`.
    """
    hub = Hub(database, hints=hints)

    @asynccontextmanager
    async def life(_app: FastAPI) -> AsyncIterator[None]:
        hub.start()
        yield
        hub.close()
        await asyncio.to_thread(app.state.uses.flush)

    app = FastAPI(
        title="Procur", version=__version__, lifespan=life, openapi_url=f"{API}/openapi.json",
        docs_url=None, redoc_url=None,
    )  # fmt: skip
    app.state.database = database
    app.state.hub = hub
    app.state.figures = Figures(database, groups)
    app.state.uses = KeyUses(database)
    app.state.checks = health.Checks(
        health.database_checks(database) | {"stream": hub.check} | dict(checks or {})
    )
    app.include_router(health.router)
    app.include_router(stream.router)
    problems.install(app)
    app.add_middleware(Edge)
    return app
