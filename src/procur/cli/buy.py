"""`procur buy`."""

import re
from typing import Any

import click

from procur.cli.negotiation import live, talks_options
from procur.cli.request import ask_on_terminal, may_ask
from procur.cli.steps import requesting
from procur.cli.steps.purchase import go_on
from procur.cli.views import buying as views
from procur.cli.views import closing as closing_views
from procur.cli.views.common import fact, heading
from procur.cli.workspace import Workspace, console, read_pairs, workspace_command
from procur.core.errors import ProcurError

VIEWS = {
    "match": ("Vendors", views.matching),
    "negotiate": ("How the talks ended", views.negotiations),
    "compare": ("The offers on one basis", views.comparison),
    "award": ("Award", views.award),
    "draft": ("Contract", closing_views.contract),
    "order": ("Purchase order", closing_views.order),
}
_NUMBER = re.compile(r"REQ-\d{4}-\d+")


@click.command()
@click.argument("what")
@click.option(
    "--answer", "answers", multiple=True, metavar="FIELD=TEXT", help="Answer a question beforehand."
)
@click.option("--currency", default=None, help="The currency of amounts that name none.")
@click.option("--assist", "with_model", is_flag=True, help="Let the configured model help (PROCUR_LLM_…).")
@talks_options
@click.option(
    "--set", "details", multiple=True, metavar="FIELD=TEXT", help="Settle a point of the contract; repeat it."
)
@workspace_command
def buy(
    workspace: Workspace,
    *,
    what: str,
    answers: tuple[str, ...],
    currency: str | None,
    with_model: bool,
    seed: int | None,
    rounds: int,
    counterpart: str,
    details: tuple[str, ...],
) -> None:
    """Buy WHAT you say in plain words, or go on with a request (REQ-…) that stopped for a decision."""
    steps: list[dict[str, Any]] = []

    def shown(name: str, told: dict[str, Any]) -> None:
        steps.append({"step": name, **told})
        if not workspace.as_json:
            title, view = VIEWS[name]
            heading(console(), title)
            view(console(), told)

    request_id = what
    if not _NUMBER.fullmatch(what):
        told = requesting.new_request(
            workspace,
            what,
            answers=read_pairs(answers, option="answer"),
            ask=ask_on_terminal if may_ask(workspace) else None,
            currency=currency,
            with_model=with_model,
        )
        request_id = told["request_id"]
        steps.append({"step": "request", **told})
        if not workspace.as_json:
            heading(console(), "Request")
            views.intake(console(), told)
    talks = {"seed": seed, "rounds": rounds, "counterpart": counterpart, **live(workspace)}
    try:
        end = go_on(workspace, request_id, shown, talks, read_pairs(details, option="set"))
    except ProcurError as error:
        error.details.setdefault("request_id", request_id)
        raise
    if workspace.as_json:
        workspace.show({"request_id": request_id, "steps": steps, **end}, views.requests)
        return
    heading(console(), "Next")
    if end["needs"]:
        fact(console(), "stopped", end["needs"])
    fact(console(), "next", end["next"])
