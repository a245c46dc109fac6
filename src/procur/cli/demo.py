"""`procur demo`: the main job on a fresh embedded database, visibly, without a question."""

import shutil
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.text import Text

from procur.cli.picture import recording_console, save_excerpt
from procur.cli.steps import auditing, closing, deciding, negotiating, requesting, setting_up
from procur.cli.steps.settling import settle, settled
from procur.cli.views import auditing as audit_views
from procur.cli.views import buying as views
from procur.cli.views import closing as closing_views
from procur.cli.views import setting_up as setup_views
from procur.cli.views.common import fact, heading, note, program, short_path
from procur.cli.workspace import Workspace, read_date, simulated_clock
from procur.core.errors import Conflict
from procur.core.ids import seeded_ids
from procur.jobs.task import Task
from procur.notifications.channels.folder import MailFolder
from procur.notifications.settings import MailSettings
from procur.notifications.tasks import default_channels
from procur.workers.tasks import tasks
from procur.workers.tools import Tools

REQUEST = (
    "Project tracking and shared notes for 50 people, at most $9,000 a year, single sign-on a must, "
    "SOC 2 if possible, prefer NET60"
)
ALICE, BOB = "alice@northwind.example", "bob@northwind.example"
# The demo's calendar starts here, so that the same seed gives the same documents on any day.
DAY = date(2026, 12, 1)
# What a buyer would settle when drafting: the award says nothing about it.
DETAILS = {
    "governing_law": "the laws of the State of Oregon",
    "courts": "the courts of Portland, Oregon",
    "availability": "99.9 %",
    "service_credit": "5 % of the month's Charges for each full hour below that level",
    "support": "by e-mail on Business Days, with a first response within 8 hours",
}
SENDER = "Procur <procur@northwind.example>"
MARKER = ".procur-demo"


@click.command()
@click.argument("text", default=REQUEST)
@click.option(
    "--seed",
    default=42,
    show_default=True,
    type=click.IntRange(0, 2**31),
    help="Another seed, other vendors' private figures.",
)
@click.option("--as-of", default=DAY.isoformat(), show_default=True, help="The day on which the demo plays.")
@click.option(
    "--home",
    default="procur-demo",
    show_default=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="The demo's folder; an earlier demo in it is replaced.",
)
@click.option("--json", "as_json", is_flag=True, help="Answer as JSON.")
@click.option("--debug", is_flag=True, expose_value=False, help="Show the traceback of an error.")
@click.option(
    "--picture",
    type=click.Path(dir_okay=False, path_type=Path),
    default=None,
    help="Record an excerpt of the run as an SVG.",
)
def demo(*, text: str, seed: int, as_of: str, home: Path, as_json: bool, picture: Path | None) -> None:
    """See it work: from a request in plain words to a signed contract and a purchase order."""
    home = home.absolute()
    _clear(home)
    day = read_date(as_of, field_name="as_of") or DAY
    start_ms = int(simulated_clock(day).now().timestamp() * 1000)
    workspace = Workspace(
        home, as_json, clock=simulated_clock(day), ids=seeded_ids(seed, start_ms), embedded=True
    )
    console = Console(highlight=False, quiet=as_json) if picture is None else recording_console()
    try:
        told = _Demo(workspace, console, home).run(text, seed)
    finally:
        workspace.close()
    if picture is not None:
        save_excerpt(console, picture)
    if as_json:
        workspace.show(told, views.requests)


def _clear(home: Path) -> None:
    """Remove an earlier demo, and nothing that is not one."""
    if home.exists() and any(home.iterdir()):
        if not (home / MARKER).exists():
            raise Conflict(
                f"{home} is not empty and no earlier demo",
                field="home",
                hint="name another folder with --home",
            )
        shutil.rmtree(home)
    home.mkdir(parents=True, exist_ok=True)
    (home / MARKER).write_text("A demo made by `procur demo`; the next run replaces this folder.\n")


class _Demo:
    """The steps in order; each shows its answer and keeps it."""

    def __init__(self, workspace: Workspace, console: Console, home: Path) -> None:
        self.workspace, self.console, self.home = workspace, console, home
        self.told: dict[str, Any] = {}
        self.tasks: tuple[Task[Any], ...] = ()

    def run(self, text: str, seed: int) -> dict[str, Any]:
        """Play the demo and return every step's answer by name."""
        self.set_up()
        self.settle()
        request_id = self.request(text)
        self.settle()
        self.negotiate(request_id, seed)
        self.settle()
        self.decide(request_id)
        self.settle()
        self.close(request_id)
        self.settle()
        self.look_back(request_id)
        return self.told

    def step(self, name: str, title: str, told: dict[str, Any], view: Any) -> dict[str, Any]:
        """Show one answer under its heading."""
        self.told[name] = told
        heading(self.console, title)
        view(self.console, told)
        return told

    def settle(self) -> None:
        """Tell everybody what has happened, and do the work that follows, as workers would."""
        if not self.tasks:
            mail = MailSettings(sender=SENDER, public_url=None)
            channels = default_channels() | {"email": MailFolder(self.home / "mail", mail)}
            tools = Tools(self.workspace.database, self.home, self.workspace.clock, channels)
            self.tasks = tasks(tools)
        settle(self.workspace, self.tasks)

    def as_person(self, email: str | None) -> None:
        """Let the next steps be somebody else's; None is Alice, the owner."""
        self.workspace.who = email

    def set_up(self) -> None:
        """Create the database, the company, its people and the catalogue."""
        told = setting_up.create_database(
            self.workspace,
            name="Northwind Studio",
            email=ALICE,
            full_name="Alice Archer",
            country="US",
            billing_email="orders@northwind.example",
            address=("1 Harbour Street", "Portland, Oregon"),
            tax_id=None,
        )
        setting_up.add_person(self.workspace, email=BOB, full_name="Bob Baker", role="approver")
        self.step("database", "1  A fresh embedded database", told, setup_views.made)
        note(self.console, "  Alice Archer buys, Bob Baker approves; both are made up for the demo.")
        day = self.workspace.clock.today().isoformat()
        note(
            self.console,
            f"  The demo plays on {day}, whatever the date, so that a seed repeats it bit for bit.",
        )
        told = setting_up.import_catalogue(self.workspace, None)
        self.step("catalogue", "2  A real catalogue", told, setup_views.imported)

    def request(self, text: str) -> str:
        """Read the request and match it."""
        told = requesting.new_request(self.workspace, text)
        heading(self.console, "3  A request in plain words")
        self.console.print(Text(f"  “{text}”", style="italic"))
        self.told["request"] = told
        views.intake(self.console, told)
        request_id: str = told["request_id"]
        told = requesting.match_request(self.workspace, request_id, limit=5)
        self.step("match", "4  Vendors, and why the others are not among them", told, views.matching)
        return request_id

    def negotiate(self, request_id: str, seed: int) -> None:
        """Negotiate with each vendor, printing every round as it is played."""
        heading(self.console, "5  Negotiation, with all vendors side by side")
        told = negotiating.negotiate_request(
            self.workspace,
            request_id,
            seed=seed,
            on_start=partial(views.talks_begin, self.console),
            on_round=partial(views.live_round, self.console),
        )
        self.told["negotiate"] = told
        views.negotiations(self.console, told)

    def decide(self, request_id: str) -> None:
        """Compare, award, and let the approver decide: the requester cannot."""
        told = deciding.compare_request(self.workspace, request_id)
        self.step("compare", "6  The offers on one basis", told, views.comparison)
        told = deciding.award_request(self.workspace, request_id, "best_value")
        self.step("award", "7  Policy and approval", told, views.award)
        if told["status"] == "awaiting_approval":
            self.as_person(BOB)
            told = deciding.approve_request(
                self.workspace, request_id, approve=True, reason="Inside the budget"
            )
            self.told["approval"] = told
            fact(self.console, "Bob Baker", "approves; Alice could not, it is her own request")
            views.decided(self.console, told)
            self.as_person(None)

    def close(self, request_id: str) -> None:
        """Draft, sign and order."""
        vendor_id = self.told["award"]["vendor_id"]
        signer = f"sales@{vendor_id.lower()}.example"
        setting_up.update_vendor(
            self.workspace, vendor_id, contact_email=signer, country="US", address=("1 Demo Road",)
        )
        drafted = closing.draft(self.workspace, request_id, details=DETAILS)
        self.step("contract", "8  Contract and purchase order", drafted, closing_views.contract)
        setting_up.add_person(
            self.workspace, email=signer, full_name="Vera Vance", role="vendor", vendor_id=vendor_id
        )
        closing.sign(self.workspace, drafted["contract_id"], "buyer")
        self.as_person(signer)
        told = closing.sign(self.workspace, drafted["contract_id"], "vendor")
        self.as_person(None)
        self.told["signed"] = told
        closing_views.signatures(self.console, told)
        note(
            self.console,
            f"  {signer}, the vendor's address and its signature stand in for the vendor's own: demo input.",
        )
        told = closing.issue(self.workspace, drafted["contract_id"])
        self.told["order"] = told
        closing_views.order(self.console, told)

    def look_back(self, request_id: str) -> None:
        """Show the savings, the trail and where to look further."""
        self.step("savings", "9  Savings, trail, and where to look further",
                  closing.savings(self.workspace, request_id), closing_views.savings)  # fmt: skip
        self.workspace.seal()
        trail = auditing.trail(self.workspace, limit=1000)
        self.told["trail"] = trail
        shown = [each for each in trail["entries"] if each["action"] != "round_played"]
        audit_views.trail(self.console, {**trail, "entries": shown, "total": len(shown)})
        rounds = trail["total"] - len(shown)
        note(self.console, f"  and {rounds} entries for the rounds of the negotiation")
        told = auditing.verify_trail(self.workspace)
        self.told["verified"] = told
        audit_views.verified(self.console, told)
        self.settle()
        self.told["work"] = work = settled(self.workspace)
        views.work_done(self.console, work)
        session_id = self.told["negotiate"]["negotiations"][0]["session_id"]
        self.console.print(Text("\nLook further:", style="bold"))
        for command in (
            f"procur request show {request_id}",
            f"procur negotiation show {session_id}",
            f"procur negotiation replay {session_id}",
            f"procur compare {request_id} --horizon 12",
            "procur audit verify",
        ):
            self.console.print(
                Text(f"  {command.replace('procur', program(), 1)} --home {short_path(str(self.home))}")
            )
        self.told["files"] = {
            "database": str(self.home / "procur.db"),
            "contract": self.told["contract"]["document"],
            "order": self.told["order"]["xml"],
            "printed_order": self.told["order"]["document"],
            "mail": str(self.home / "mail"),
        }
