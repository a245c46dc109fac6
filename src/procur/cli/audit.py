"""`procur audit`."""

import functools
import sys
import time
from collections.abc import Callable
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from procur.audit.export import Format
from procur.cli.steps import auditing as steps
from procur.cli.views import auditing as views
from procur.cli.workspace import Workspace, workspace_command
from procur.core.errors import Conflict, InvalidInput
from procur.db.repositories import TrailFilter

CATEGORIES = ("security", "compliance", "access", "system", "general")
SEVERITIES = ("debug", "info", "warning", "error", "critical")


def filters(function: Callable[..., None]) -> Callable[..., None]:
    """Give a command the filters of the trail, as one TrailFilter."""

    @click.argument("subject", required=False)
    @click.option("--action", default=None, help="Only entries of this action, such as contract_signed.")
    @click.option("--category", default=None, type=click.Choice(CATEGORIES))
    @click.option("--severity", default=None, type=click.Choice(SEVERITIES))
    @click.option("--user", default=None, help="Only what this person did: an e-mail address or an id.")
    @click.option("--since", default=None, help="From this day or moment (UTC unless it says otherwise).")
    @click.option("--until", default=None, help="Before this day or moment.")
    @functools.wraps(function)
    def command(
        *args: Any,
        subject: str | None,
        action: str | None,
        category: str | None,
        severity: str | None,
        user: str | None,
        since: str | None,
        until: str | None,
        **options: Any,
    ) -> None:
        wanted = TrailFilter(
            subject, action, category, severity, user, _moment(since, "since"), _moment(until, "until")
        )
        function(*args, wanted=wanted, **options)

    return command


@click.group()
def audit() -> None:
    """Show, seal, verify and export the audit trail."""


@audit.command("list")
@filters
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1, 10_000))
@click.option("--cursor", default=None, help="Go on where the last page ended.")
@workspace_command
def list_entries(workspace: Workspace, *, wanted: TrailFilter, limit: int, cursor: str | None) -> None:
    """List the last entries, oldest first: all, or those about one SUBJECT (REQ-…, NEG-…, CON-…).

    An entry has a number once it is sealed, and "-" until then.
    """
    workspace.show(steps.trail(workspace, wanted, limit=limit, cursor=cursor), views.trail)


@audit.command()
@click.option(
    "--every", default=None, type=click.FloatRange(0.1, 86_400), help="Go on, looking every so many seconds."
)
@workspace_command
def seal(workspace: Workspace, *, every: float | None) -> None:
    """Seal the entries that wait for it: number them and chain them up.

    Every command seals what it wrote; this is for what other programs write.
    """
    workspace.show(steps.seal_trail(workspace), views.sealed)
    while every is not None:
        time.sleep(every)
        told = steps.seal_trail(workspace)
        if told["sealed"]:
            workspace.show(told, views.sealed)


@audit.command()
@workspace_command
def keygen(workspace: Workspace) -> None:
    """Make the key that signs checkpoints, and show what others verify with. An existing key stays."""
    workspace.show(steps.make_key(workspace), views.key_made)


@audit.command()
@click.option(
    "--out", default=None, type=click.Path(dir_okay=False, path_type=Path), help="Add the note to this file."
)
@click.option(
    "--rotate-from",
    metavar="VKEY",
    help="The verifier key that signed the last checkpoint, if it was another.",
)
@workspace_command
def checkpoint(workspace: Workspace, *, out: Path | None, rotate_from: str | None) -> None:
    """Seal what waits, and sign how many entries there are and their root. Keep the note elsewhere.

    Nothing is signed that does not continue what was signed last.
    """
    told = steps.checkpoint(workspace, out, rotate_from)
    if told["key_made"] is not None:
        click.echo(f"A new key was made: {told['key_made']}. Its verifier key: {told['verifier']}", err=True)
    workspace.show(told, views.checkpoint)


@audit.command()
@click.option(
    "--checkpoint",
    "checkpoints",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A file with checkpoints that was kept elsewhere; repeat it.",
)
@click.option(
    "--key", "keys", multiple=True, metavar="VKEY", help="A verifier key to trust beside your own; repeat it."
)
@workspace_command
def verify(workspace: Workspace, *, checkpoints: tuple[Path, ...], keys: tuple[str, ...]) -> None:
    """Hash the whole trail again and say what was changed, and where. Writes nothing."""
    told = steps.verify_trail(workspace, checkpoints, keys)
    if told["intact"]:
        workspace.show(told, views.verified)
        return
    lines = [_line(problem) for problem in told["problems"]]
    message, hint = "the audit trail was changed", "restore the database from a backup and compare"
    if _only_unknown_keys(told):
        message = "the audit trail fits its seals, but a checkpoint has no known signature"
        hint = "if that is an earlier key of yours, name it with --key; if not, somebody forged it"
    raise Conflict(
        f"{message}: {lines[0]}",
        hint=hint,
        details=told if workspace.as_json else {"found": lines},
    )


@audit.command()
@filters
@click.option("--format", "form", default="jsonl", show_default=True, type=click.Choice(("jsonl", "csv")))
@click.option(
    "--out", default=None, type=click.Path(dir_okay=False, path_type=Path), help="Write to this file."
)
@workspace_command
def export(workspace: Workspace, *, wanted: TrailFilter, form: Format, out: Path | None) -> None:
    """Write the trail out, all of it or what the filters leave, oldest entry first."""
    lines = steps.export(workspace, wanted, form, out)
    first = next(lines, "")
    with nullcontext(sys.stdout) if out is None else out.open("w", encoding="utf-8", newline="") as file:
        file.write(first)
        written = bool(first) + sum(1 for line in lines if file.write(line))
    if out is not None:
        workspace.show({"file": str(out), "lines": written}, views.exported)


def _only_unknown_keys(told: dict[str, Any]) -> bool:
    kinds = {problem["kind"] for problem in told["problems"]}
    return kinds == {"checkpoint_unknown_key"} and told["found"] == len(told["problems"])


def _line(problem: dict[str, Any]) -> str:
    where = "" if problem["sequence"] is None else f"entry {problem['sequence']}: "
    which = "" if problem["entry_id"] is None else f" ({problem['entry_id']})"
    return f"{where}{problem['says']}{which}"


def _moment(value: str | None, name: str) -> datetime | None:
    if value is None:
        return None
    try:
        found = datetime.fromisoformat(value)
    except ValueError as error:
        raise InvalidInput(f"{name} must be a day such as 2026-12-31 or a moment", field=name) from error
    return found if found.tzinfo else found.replace(tzinfo=UTC)
