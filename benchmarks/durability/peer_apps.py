"""The peers' side of the comparison: an empty job and a job that calls back, for each library.

Their own workers import this module and take what they connect to from the environment.
"""

import os
import socket
from typing import Any

REDIS = os.environ.get("BENCH_REDIS_URL", "")
POSTGRES = os.environ.get("BENCH_POSTGRES_URL", "")
SQLITE = os.environ.get("BENCH_SQLITE_PATH", "")


def answer(port: int) -> None:
    """Tell the one who measures that a job runs."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        out.sendto(b"!", ("127.0.0.1", port))


def celery_app() -> Any:
    """Return Celery on Redis without results."""
    from celery import Celery

    app = Celery("peers", broker=REDIS)
    app.conf.update(task_ignore_result=True, broker_connection_retry_on_startup=True)
    app.task(name="nothing")(_nothing)
    app.task(name="answer")(answer)
    return app


def huey_app() -> tuple[Any, Any, Any]:
    """Return Huey on Redis or on SQLite, without results, and its two tasks."""
    from huey import RedisHuey, SqliteHuey

    made = SqliteHuey(filename=SQLITE, results=False) if SQLITE else RedisHuey(url=REDIS, results=False)
    return made, made.task(name="nothing")(_nothing), made.task(name="answer")(answer)


def procrastinate_app(connector: Any = None) -> Any:
    """Return Procrastinate on PostgreSQL; a worker needs its asynchronous connector."""
    from procrastinate import App, PsycopgConnector

    app = App(connector=connector or PsycopgConnector(conninfo=POSTGRES))
    app.task(name="nothing", pass_context=False)(_nothing)
    app.task(name="answer", pass_context=False)(answer)
    return app


def _nothing() -> None:
    """Do nothing."""


if os.environ.get("BENCH_PEER") == "celery":
    celery = celery_app()
elif os.environ.get("BENCH_PEER") == "huey":
    huey, *_ = huey_app()
elif os.environ.get("BENCH_PEER") == "procrastinate":
    procrastinate = procrastinate_app()
