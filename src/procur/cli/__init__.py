"""The `procur` command. Only click is loaded until a command is chosen."""

import importlib
import json
import os
import sys
from typing import Any

import click

from procur import __version__
from procur.core.errors import InvalidInput, NotConfigured, ProcurError, Unavailable

# name -> (module under procur.cli, help). The help stands here so that `procur --help` loads no command.
COMMANDS = {
    "demo": ("demo", "See it work: from a request in plain words to a signed contract, on a fresh database"),
    "init": ("setup", "Create the database and your organisation here"),
    "company": ("setup", "Show or change what your organisation is called and where it is"),
    "users": ("setup", "Add and list the people of your organisation"),
    "vendors": ("vendors", "Import a catalogue, look at vendors, record evidence"),
    "buy": ("buy", "All steps for one request, stopping where a person must decide"),
    "request": ("request", "Open a request in plain words, show and list requests"),
    "match": ("request", "Match a request to vendors, with reasons for each one left out"),
    "mandate": ("negotiation", "Show or set how far the buyer's agent may go"),
    "negotiate": ("negotiation", "Negotiate with each shortlisted vendor, or resume after a stop"),
    "negotiation": ("negotiation", "Show or replay a negotiation, record what a vendor answered"),
    "compare": ("decision", "Compare the offers on one basis and explain the three picks"),
    "award": ("decision", "Choose an offer and let policy say what approval it needs"),
    "approve": ("decision", "Approve (or reject) what waits for you"),
    "contract": ("contract", "Draft, show and sign a contract"),
    "po": ("contract", "Issue and show purchase orders (UBL 2.1)"),
    "savings": ("decision", "Savings of an award against stated baselines"),
    "policy": ("decision", "Show the approval policy, or put a new version in force"),
    "usage": ("usage", "Show what is used of the plan, show or change the plan"),
    "notifications": ("notifications", "Read your messages, choose how you are told"),
    "webhooks": ("webhooks", "Let other systems and Slack channels hear what happens"),
    "schedules": ("schedules", "See what is done by the clock, pause it, give it other times"),
    "serve": (
        "serve",
        "Answer over HTTP: the event stream, health, metrics; with workers in the same process",
    ),
    "work": ("work", "Do the jobs that wait, on as many machines as you like"),
    "relay": ("relay", "Tell Celery's workers which jobs are due"),
    "db": ("database", "Show the schema version of the database, or upgrade it"),
    "keys": ("keys", "Make, list and revoke the keys by which programs ask over HTTP"),
    "status": ("jobs", "Show on one screen what waits, what is stuck and what comes next"),
    "jobs": ("jobs", "See jobs, stop them, do again what could not be done"),
    "events": ("events", "Follow facts, redrive what groups could not take in, replay"),
    "audit": ("audit", "Show, seal, verify and export the audit trail"),
}


class LazyGroup(click.Group):
    """A group whose commands are imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the commands in the order in which a buyer meets them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import the command's module and return the command."""
        if cmd_name not in COMMANDS:
            return None
        try:
            module = importlib.import_module(f"procur.cli.{COMMANDS[cmd_name][0]}")
        except ModuleNotFoundError as error:
            if error.name != "rich":
                raise
            raise NotConfigured("This command needs rich", hint="pip install 'procur[cli]'") from error
        command: click.Command = getattr(module, cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="procur")
def root() -> None:
    """Buy well: say what you need, and Procur negotiates for you.

    Start with `procur demo`, or with `procur init` on your own database.
    Every command takes --json, --debug, --home FOLDER and --as E-MAIL.
    """


def main() -> None:
    """Run the command; say plainly what went wrong, and end with a status other than 0."""
    try:
        root.main(prog_name="procur", standalone_mode=False)
    except click.exceptions.Exit as stop:
        sys.exit(stop.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("Stopped.", err=True)
        sys.exit(130)
    except BrokenPipeError:
        # The reader (head, less) went away: nothing to report, and nothing more to flush.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except Exception as error:
        if "--debug" in sys.argv and not isinstance(error, click.ClickException):
            raise
        sys.exit(_tell(error))


def _tell(error: Exception) -> int:
    """Say what went wrong; return the status to end with."""
    if isinstance(error, click.ClickException):
        if "--json" in sys.argv:
            show_error(_misused(error))
        else:
            error.show()
        return error.exit_code
    if isinstance(error, ProcurError):
        show_error(error)
        return 1
    if isinstance(error, OSError):
        place = "" if error.filename is None else f"{error.filename}: "
        show_error(Unavailable(f"{place}{error.strerror or error}", hint="look at the folder and its rights"))
        return 1
    show_error(_unexpected(error))
    return 70


def _misused(error: click.ClickException) -> ProcurError:
    """Return a wrong option or argument as one of our errors."""
    parameter = getattr(error, "param", None)
    context = getattr(error, "ctx", None)
    return InvalidInput(
        error.format_message(),
        field=None if parameter is None else parameter.name,
        hint=f"{context.command_path if context else 'procur'} --help",
    )


def _unexpected(error: Exception) -> ProcurError:
    return ProcurError(
        f"Something went wrong that Procur did not expect: {type(error).__name__}: {error}",
        hint="run the command again with --debug for the details",
    )


def show_error(error: ProcurError) -> None:
    """Print an error as the caller asked: JSON on standard output, or words on standard error."""
    if "--json" in sys.argv:
        told: dict[str, Any] = {"error": error.as_dict()}
        click.echo(json.dumps(told, ensure_ascii=False, indent=2))
        return
    click.echo(f"Error: {error.message}", err=True)
    if error.field:
        click.echo(f"  field: {error.field}", err=True)
    for key, value in error.details.items():
        lines = value if isinstance(value, list) else [value]
        for line in lines:
            click.echo(f"  {key}: {line}", err=True)
    if error.hint:
        click.echo(f"  what to do: {error.hint}", err=True)
