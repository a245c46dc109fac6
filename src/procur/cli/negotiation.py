"""`procur mandate`, `procur negotiate`, `procur negotiation`."""

import functools
import json
from collections.abc import Callable
from decimal import Decimal
from functools import partial
from typing import Any

import click

from procur.cli.steps import negotiating as steps
from procur.cli.views import buying as views
from procur.cli.workspace import Workspace, console, workspace_command
from procur.core.deal import PAYMENT_TERMS
from procur.core.errors import Conflict
from procur.core.money import decimal
from procur.negotiation.service import DEFAULT_ROUNDS


class Amount(click.ParamType[Decimal]):
    """An amount of money typed as a decimal number."""

    name = "amount"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Decimal:  # noqa: ARG002
        """Read the amount; the error names the option."""
        return decimal(value, field=(param.name if param else None) or "amount")


AMOUNT = Amount()


def live(workspace: Workspace) -> dict[str, Any]:
    """Return what prints talks as they go; nothing where JSON is wanted."""
    if workspace.as_json:
        return {}
    return {
        "on_start": partial(views.talks_begin, console()),
        "on_round": partial(views.live_round, console()),
        "on_wait": partial(views.waits, console()),
    }


@click.group()
def mandate() -> None:
    """Show or set how far the buyer's agent may go."""


@mandate.command("show")
@click.argument("request_id")
@workspace_command
def show_mandate(workspace: Workspace, *, request_id: str) -> None:
    """Show the mandates of a request, or the one it would get."""
    workspace.show(steps.show_mandate(workspace, request_id), views.mandate)


@mandate.command("set")
@click.argument("request_id")
@click.option("--max-total", type=AMOUNT, default=None, help="The whole commitment.")
@click.option("--max-yearly", type=AMOUNT, default=None)
@click.option("--max-unit-price", type=AMOUNT, default=None)
@click.option("--min-quantity", type=int, default=None)
@click.option("--max-quantity", type=int, default=None)
@click.option("--term", "terms_months", type=int, multiple=True, help="An allowed term in months; repeat it.")
@click.option("--payment", "payment_terms", type=click.Choice(PAYMENT_TERMS), multiple=True)
@click.option("--reason", default=None)
@workspace_command
def set_mandate(workspace: Workspace, *, request_id: str, reason: str | None, **limits: Any) -> None:
    """Write the next version: the mandate in force, with these limits instead."""
    given = {name: value for name, value in limits.items() if value not in (None, ())}
    workspace.show(steps.set_mandate(workspace, request_id, reason=reason, **given), views.mandate_line)


def talks_options(function: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of talks: who answers, for how long, from which seed."""

    @click.option("--seed", type=click.IntRange(0, 2**31), default=None, help="Repeat a run bit for bit.")
    @click.option("--rounds", default=DEFAULT_ROUNDS, show_default=True, type=click.IntRange(1, 100))
    @click.option(
        "--counterpart",
        type=click.Choice(["simulated", "person"]),
        default="simulated",
        show_default=True,
        help="Who answers for the vendor. A simulated vendor shows how talks could go; it is not the vendor.",
    )
    @functools.wraps(function)
    def command(**options: Any) -> None:
        function(**options)

    return command


@click.command()
@click.argument("request_id")
@talks_options
@click.option(
    "--limit", default=5, show_default=True, type=click.IntRange(1, 50), help="Length of the shortlist."
)
@click.option("--resume", is_flag=True, help="Play on what a stop left unfinished.")
@click.option("--background", is_flag=True, help="Only open the talks; workers play the rounds.")
@workspace_command
def negotiate(
    workspace: Workspace,
    *,
    request_id: str,
    seed: int | None,
    rounds: int,
    counterpart: str,
    limit: int,
    resume: bool,
    background: bool,
) -> None:
    """Negotiate with each shortlisted vendor, several issues at once, under the request's mandate.

    The rounds are jobs: this process works them off, together with any `procur work` on the same database.
    """
    told = steps.negotiate_request(
        workspace,
        request_id,
        seed=seed,
        rounds=rounds,
        counterpart=counterpart,
        limit=limit,
        resume=resume,
        background=background,
        **live(workspace),
    )
    workspace.show(told, views.in_background if background else views.negotiations)


@click.group()
def negotiation() -> None:
    """Show, watch or replay a negotiation, record what a vendor answered."""


@negotiation.command("watch")
@click.argument("number")
@workspace_command
def watch_negotiation(workspace: Workspace, *, number: str) -> None:
    """Show the rounds of a request or session as they come on record, until the talks have ended.

    NUMBER is REQ-… or NEG-…. It only looks: whoever plays the rounds (`procur work`, another `procur
    negotiate`), and stopping it with Ctrl-C, changes nothing. With --json each round is a line of its own.
    """

    def line(told: dict[str, Any]) -> None:
        click.echo(json.dumps(told, ensure_ascii=False, default=str))

    shown = line if workspace.as_json else partial(views.live_round, console())
    told = steps.watch_negotiation(workspace, number, on_round=shown)
    if workspace.as_json:
        line(told)
    else:
        views.negotiations(console(), told)


@negotiation.command("show")
@click.argument("session_id")
@workspace_command
def show_negotiation(workspace: Workspace, *, session_id: str) -> None:
    """Show every offer of a session, with the buyer's utility and what was conceded."""
    workspace.show(steps.show_negotiation(workspace, session_id), views.negotiation)


@negotiation.command("replay")
@click.argument("session_id")
@workspace_command
def replay_negotiation(workspace: Workspace, *, session_id: str) -> None:
    """Decide every round again from the seed and the offers, and compare with the record."""
    told = steps.replay_negotiation(workspace, session_id)
    if told["same"] or not workspace.as_json:
        workspace.show(told, views.replayed)
    if not told["same"]:
        raise Conflict(
            f"the replay of {session_id} differs from what is stored",
            hint="procur audit verify; restore the database from a backup and compare",
            details=told if workspace.as_json else None,
        )


@negotiation.command("answer")
@click.argument("session_id")
@click.argument("answer", type=click.Choice(["accept", "counter", "end"]))
@click.option("--unit-price", type=AMOUNT, default=None)
@click.option("--quantity", type=int, default=None)
@click.option("--term", "term_months", type=int, default=None, help="Months.")
@click.option("--payment", "payment_terms", type=click.Choice(PAYMENT_TERMS), default=None)
@click.option(
    "--extra",
    "value_adds",
    multiple=True,
    help="An extra with the price; none unless named.",
)
@click.option("--message", default=None, help="The vendor's words, kept with the offer; they move no number.")
@click.option("--background", is_flag=True, help="Only record the answer; workers play our next round.")
@workspace_command
def answer_negotiation(
    workspace: Workspace,
    *,
    session_id: str,
    answer: str,
    message: str | None,
    background: bool,
    **changes: Any,
) -> None:
    """Record a vendor's ANSWER to our last offer; what it does not name stays as offered, extras apart."""
    told = steps.answer_for_vendor(
        workspace, session_id, answer, message=message, background=background, **changes
    )
    workspace.show(told, views.negotiations)
