"""`procur relay`."""

import click

from procur.cli.steps import relaying as steps
from procur.cli.workspace import Workspace, workspace_command


@click.command()
@workspace_command
def relay(workspace: Workspace) -> None:
    """Tell Celery's workers which jobs are due, and the rooms what has happened, until stopped.

    Beside `procur work --celery` one of these has to run; several do no harm. The jobs are rows of the
    database: Redis only carries their ids, and what it loses is told again. Needs PROCUR_CELERY_BROKER_URL.
    """
    steps.relay(workspace)
