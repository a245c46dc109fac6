"""`procur contract` and `procur po`."""

import click

from procur.cli.steps import closing as steps
from procur.cli.views import closing as views
from procur.cli.workspace import Workspace, read_date, read_pairs, workspace_command
from procur.contracts.service import DETAILS


@click.group()
def contract() -> None:
    """Draft, show and sign a contract."""


@contract.command()
@click.argument("request_id")
@click.option("--start", default=None, help="First day of the term, such as 2026-12-01 (default: today).")
@click.option(
    "--set",
    "details",
    multiple=True,
    metavar="FIELD=TEXT",
    help=f"Settle an open point; repeat it. Fields: {', '.join(DETAILS)}.",
)
@click.option("--special-term", "special_terms", multiple=True, help="A paragraph of your own; repeat it.")
@click.option("--background", is_flag=True, help="Ask a worker for it, and do not wait.")
@workspace_command
def draft(
    workspace: Workspace,
    *,
    request_id: str,
    start: str | None,
    details: tuple[str, ...],
    special_terms: tuple[str, ...],
    background: bool,
) -> None:
    """Draft the contract of an approved request as a PDF."""
    draft_now = steps.ask_for_draft if background else steps.draft
    told = draft_now(
        workspace,
        request_id,
        start=read_date(start, field_name="start"),
        details=read_pairs(details, option="set"),
        special_terms=special_terms,
    )
    workspace.show(told, views.asked if background else views.contract)


@contract.command()
@click.argument("contract_id")
@workspace_command
def show(workspace: Workspace, *, contract_id: str) -> None:
    """Show a contract and check its document against the stored hash."""
    workspace.show(steps.show_contract(workspace, contract_id), views.contract)


@contract.command()
@click.argument("contract_id")
@click.option("--for", "side", type=click.Choice(["buyer", "vendor"]), required=True)
@click.option("--despite-open-points", is_flag=True, help="Sign although points are still to be completed.")
@workspace_command
def sign(workspace: Workspace, *, contract_id: str, side: str, despite_open_points: bool) -> None:
    """Sign a contract as yourself (--as) for your side."""
    told = steps.sign(workspace, contract_id, side, despite_open_points=despite_open_points)
    workspace.show(told, views.signatures)


@contract.command("list")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 500))
@click.option("--cursor", default=None, help="Where the last page ended.")
@workspace_command
def list_contracts(workspace: Workspace, *, limit: int, cursor: str | None) -> None:
    """List contracts, newest first."""
    workspace.show(steps.list_contracts(workspace, limit=limit, cursor=cursor), views.contracts)


@click.group()
def po() -> None:
    """Issue and show purchase orders (UBL 2.1)."""


@po.command()
@click.argument("contract_id")
@click.option("--note", default=None, help="A line for the vendor.")
@workspace_command
def issue(workspace: Workspace, *, contract_id: str, note: str | None) -> None:
    """Issue the purchase order of a signed contract."""
    workspace.show(steps.issue(workspace, contract_id, note=note), views.order)


@po.command("show")
@click.argument("po_number")
@workspace_command
def show_po(workspace: Workspace, *, po_number: str) -> None:
    """Show a purchase order and check its file against the stored hash."""
    workspace.show(steps.show_order(workspace, po_number), views.order)


@po.command("list")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 500))
@click.option("--cursor", default=None, help="Where the last page ended.")
@workspace_command
def list_orders(workspace: Workspace, *, limit: int, cursor: str | None) -> None:
    """List purchase orders, newest first."""
    workspace.show(steps.list_orders(workspace, limit=limit, cursor=cursor), views.orders)
