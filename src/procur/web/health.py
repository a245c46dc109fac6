"""Alive, ready, and how it goes: for load balancers, orchestrators and Prometheus."""

import threading
import time
from collections.abc import Callable, Mapping

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from procur.core.errors import ProcurError, Unavailable
from procur.db import DatabaseSession
from procur.web.figures import exposition

# Raises one of our errors when something is missing.
Check = Callable[[], None]

FRESH = 1.0  # seconds for which nothing is asked again, however many ask

router = APIRouter(tags=["health"])


class Checks:
    """What has to be there for requests to be served, asked at most once a second."""

    def __init__(self, checks: Mapping[str, Check]) -> None:
        self._checks = checks
        self._lock = threading.Lock()
        self._asked = -FRESH
        self._found: dict[str, str] = {}

    def found(self) -> dict[str, str]:
        """Return what each check says: "ok", or what is missing."""
        with self._lock:
            if time.monotonic() - self._asked >= FRESH:
                self._found = {name: _said(check) for name, check in self._checks.items()}
                self._asked = time.monotonic()
            return self._found


@router.get("/healthz", response_class=PlainTextResponse, summary="Whether the process is alive")
async def alive() -> str:
    """Answer without asking anything else: a database that is away is no reason to restart this process."""
    return "ok\n"


@router.get("/readyz", summary="Whether requests can be served, and what is missing")
def ready(request: Request) -> Response:
    """Ask the database, its schema and the workers; 503 when anything is missing."""
    checks: Checks = request.app.state.checks
    found = checks.found()
    missing = [name for name, said in found.items() if said != "ok"]
    body = {"ready": not missing, "missing": missing, "checks": found}
    return JSONResponse(body, 503 if missing else 200)


@router.get("/metrics", response_class=PlainTextResponse, summary="Figures for Prometheus")
def figures(request: Request) -> Response:
    """Return what this process has counted and what the database says, as Prometheus reads it."""
    text, media_type = exposition(request.app.state.figures, request.headers.get("accept", ""))
    return Response(text, media_type=media_type)


def database_checks(database: DatabaseSession) -> dict[str, Check]:
    """Return what has to be there in any case."""

    def answers() -> None:
        if not database.check_connection():
            raise Unavailable("the database does not answer")

    return {"database": answers, "schema": database.check_schema}


def _said(check: Check) -> str:
    try:
        check()
    except ProcurError as error:
        return error.message
    return "ok"
