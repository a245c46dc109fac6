"""`procur request` and `procur match`."""

import sys
from decimal import Decimal

import click

from procur.cli.steps import requesting as steps
from procur.cli.views import buying as views
from procur.cli.workspace import Workspace, read_pairs, workspace_command
from procur.core.errors import InvalidInput
from procur.core.money import decimal
from procur.sourcing.intake import Intake


def ask_on_terminal(intake: Intake) -> Intake:
    """Ask the person at the terminal for what is missing or contradictory, until nothing is."""
    while not intake.is_complete:
        if intake.questions:
            one = intake.questions[0]
            hint = f" [{', '.join(one.choices[:6])}]" if one.choices else ""
            field, text = one.field, f"{one.text} ({one.why}){hint}"
        else:
            other = intake.contradictions[0]
            field, text = other.field, f"{other.text} Which holds?"
        try:
            intake = intake.answer(field, click.prompt(text, err=True))
        except InvalidInput as error:
            click.echo(error.message, err=True)
    return intake


def may_ask(workspace: Workspace) -> bool:
    """Tell whether a person sits at the terminal."""
    return sys.stdin.isatty() and not workspace.as_json


@click.group()
def request() -> None:
    """Open a request in plain words, show and list requests."""


@request.command()
@click.argument("text")
@click.option(
    "--answer", "answers", multiple=True, metavar="FIELD=TEXT", help="Answer a question beforehand."
)
@click.option("--currency", default=None, help="The currency of amounts that name none, such as EUR.")
@click.option("--assist", "with_model", is_flag=True, help="Let the configured model help (PROCUR_LLM_…).")
@workspace_command
def new(
    workspace: Workspace, *, text: str, answers: tuple[str, ...], currency: str | None, with_model: bool
) -> None:
    """Open a request: what you need, for how many, for how much, and what matters."""
    told = steps.new_request(
        workspace,
        text,
        answers=read_pairs(answers, option="answer"),
        ask=ask_on_terminal if may_ask(workspace) else None,
        currency=currency,
        with_model=with_model,
    )
    workspace.show(told, views.intake)


@request.command()
@click.argument("request_id")
@workspace_command
def show(workspace: Workspace, *, request_id: str) -> None:
    """Show a request and everything that came of it."""
    workspace.show(steps.show_request(workspace, request_id), views.request)


@request.command()
@click.argument("request_id")
@click.option("--reason", required=True, help="Why it is not needed any more.")
@workspace_command
def cancel(workspace: Workspace, *, request_id: str, reason: str) -> None:
    """Cancel a request that is not contracted yet; its talks end."""
    workspace.show(steps.cancel_request(workspace, request_id, reason=reason), views.decided)


@request.command("list")
@click.option("--status", default=None)
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 500))
@click.option("--cursor", default=None, help="Where the last page ended.")
@workspace_command
def list_all(workspace: Workspace, *, status: str | None, limit: int, cursor: str | None) -> None:
    """List requests, newest first."""
    told = steps.list_requests(workspace, status=status, limit=limit, cursor=cursor)
    workspace.show(told, views.requests)


@click.command()
@click.argument("request_id")
@click.option(
    "--limit", default=5, show_default=True, type=click.IntRange(1, 50), help="Length of the shortlist."
)
@click.option(
    "--rate", "rates", multiple=True, metavar="EUR=1.08", help="What one unit of another currency is worth."
)
@workspace_command
def match(workspace: Workspace, *, request_id: str, limit: int, rates: tuple[str, ...]) -> None:
    """Match a request to vendors, with the reason for each one left out."""
    told: dict[str, Decimal] = {}
    for one in rates:
        currency, _, rate = one.partition("=")
        told[currency.strip().upper()] = decimal(rate, field="rate")
        if told[currency.strip().upper()] <= 0:
            raise InvalidInput("a rate is above zero", field="rate")
    workspace.show(steps.match_request(workspace, request_id, limit=limit, rates=told), views.matching)
