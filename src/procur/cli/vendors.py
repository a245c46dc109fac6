"""`procur vendors`."""

from pathlib import Path
from typing import Any

import click

from procur.cli.steps import enriching
from procur.cli.steps import setting_up as steps
from procur.cli.views import enriching as sources
from procur.cli.views import setting_up as views
from procur.cli.workspace import Workspace, console, read_date, workspace_command
from procur.core.errors import InvalidInput


@click.group()
def vendors() -> None:
    """Import a catalogue, look at vendors and what their pages say, record evidence."""


@vendors.command("import")
@click.argument("file", required=False, type=click.Path(dir_okay=False, path_type=Path))
@click.option("--packaged", is_flag=True, help="Import the packaged public SaaS list prices (CC BY 4.0).")
@click.option("--skip-bad-rows", is_flag=True, help="Take the good rows although others are bad.")
@workspace_command
def import_file(workspace: Workspace, *, file: Path | None, packaged: bool, skip_bad_rows: bool) -> None:
    """Import vendors from a CSV or JSON FILE: all of it or, when a row is bad, nothing."""
    if (file is None) == (not packaged):
        raise InvalidInput("name a file, or say --packaged", field="file")
    workspace.show(steps.import_catalogue(workspace, file, skip_bad_rows=skip_bad_rows), views.imported)


@vendors.command("list")
@click.option("--category", default=None)
@click.option("--search", default=None, help="Part of a name.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 500))
@click.option("--cursor", default=None, help="Where the last page ended.")
@workspace_command
def list_all(
    workspace: Workspace, *, category: str | None, search: str | None, limit: int, cursor: str | None
) -> None:
    """List vendors."""
    told = steps.list_vendors(workspace, category=category, search=search, limit=limit, cursor=cursor)
    workspace.show(told, views.vendors)


@vendors.command()
@click.argument("vendor_id")
@workspace_command
def show(workspace: Workspace, *, vendor_id: str) -> None:
    """Show plans, prices, evidence and where they come from."""
    workspace.show(steps.show_vendor(workspace, vendor_id), views.vendor)


@vendors.command()
@click.argument("vendor_id", nargs=-1)
@click.option("--all", "every", is_flag=True, help="Every vendor with a website or named pages.")
@click.option(
    "--stale",
    metavar="DAYS",
    default=None,
    type=click.IntRange(0, 36500),
    help="Those not looked at for so many days.",
)
@click.option("--background", is_flag=True, help="Only ask for it; `procur work` or `procur serve` does it.")
@workspace_command
def enrich(
    workspace: Workspace, *, vendor_id: tuple[str, ...], every: bool, stale: int | None, background: bool
) -> None:
    """Look at what vendors' own pages and the feeds say: prices, compliance claims, ratings.

    What people recorded or imported is not overwritten.
    """
    told = enriching.enrich_vendors(
        workspace,
        vendor_id,
        every=every,
        stale=stale,
        background=background,
        on_vendor=None if workspace.as_json else lambda one: sources.looked_at(console(), one),
    )
    workspace.show(told, sources.enriched)


@vendors.command()
@click.argument("vendor_id")
@workspace_command
def observations(workspace: Workspace, *, vendor_id: str) -> None:
    """Show what is known of a vendor: from where, how fresh and how sure."""
    workspace.show(enriching.vendor_observations(workspace, vendor_id), sources.observations)


@vendors.command()
@click.argument("vendor_id")
@click.option("--framework", required=True, help='Such as "SOC 2" or "ISO 27001".')
@click.option("--kind", required=True, type=click.Choice(["certified", "report", "in_progress", "claimed"]))
@click.option("--source", required=True, help="What was seen and where: a file, a link, a report number.")
@click.option("--valid-until", default=None, help="A date such as 2026-12-31.")
@workspace_command
def evidence(
    workspace: Workspace, *, vendor_id: str, framework: str, kind: str, source: str, valid_until: str | None
) -> None:
    """Record what proves a vendor's compliance with a framework."""
    told = steps.add_evidence(
        workspace,
        vendor_id=vendor_id,
        framework=framework,
        kind=kind,
        source=source,
        valid_until=read_date(valid_until, field_name="valid_until"),
    )
    workspace.show(told, views.evidence)


@vendors.command()
@click.argument("vendor_id")
@click.option("--email", "contact_email", default=None, help="Where orders go.")
@click.option("--country", default=None, help="Two letters, such as US or DE.")
@click.option("--address", multiple=True, help="A line of the address; give it once per line.")
@click.option("--tax-id", default=None)
@click.option("--website", default=None)
@click.option("--page", "pages", multiple=True, help="A page to look at for data; give it once per page.")
@workspace_command
def change(workspace: Workspace, *, vendor_id: str, **given: Any) -> None:
    """Change what is known of a vendor."""
    changes = {name: value for name, value in given.items() if value}
    workspace.show(steps.update_vendor(workspace, vendor_id, **changes), views.changed)


@vendors.command("confirm-prices")
@click.argument("vendor_id")
@workspace_command
def confirm(workspace: Workspace, *, vendor_id: str) -> None:
    """Confirm the prices that were read from a vendor's page: `procur vendors show` names them.

    Until then they say where the talks with this vendor begin, but no other vendor is measured against them.
    """
    workspace.show(steps.confirm_vendor_prices(workspace, vendor_id), views.confirmed)
