"""Celery from the command line: the relay, and a worker."""

from collections.abc import Sequence

from procur.app import handlers
from procur.cli.steps.working import until_stopped
from procur.cli.workspace import Workspace
from procur.core.errors import NotConfigured
from procur.db import DatabaseSession
from procur.workers.tasks import tasks
from procur.workers.tools import Tools


def relay(workspace: Workspace) -> None:
    """Relay until a signal comes."""
    _need_celery()
    from procur.workers.relay_house import RelayHouse

    tools = Tools.from_environment(workspace.home, workspace.database)
    house = RelayHouse(workspace.database, tools, handlers())
    text = "Telling Celery which jobs are due. Ctrl-C stops."
    until_stopped(workspace, "procur-relay", house, {"relay": True}, text)


def work_for_celery(workspace: Workspace, queues: Sequence[str], *, processes: int, lease: float) -> None:
    """Be a worker of Celery's with so many processes, until Celery is told to stop."""
    _need_celery()
    from procur.workers.celery_app import Built, worker_app

    config, home = workspace.database.config, workspace.home
    workspace.database.close()

    def build() -> Built:
        database = DatabaseSession(config)
        return database, tasks(Tools.from_environment(home, database))

    options = ["--queues", ",".join(queues), "--concurrency", str(processes)]
    worker_app(build, lease=lease).worker_main(["worker", *options])


def _need_celery() -> None:
    from importlib.util import find_spec

    if find_spec("celery") is None:
        raise NotConfigured("Celery is not installed", hint="pip install 'procur[celery]'")
