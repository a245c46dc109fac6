"""`procur init`, `procur company`, `procur users`."""

import getpass

import click

from procur.cli.steps import setting_up as steps
from procur.cli.views import setting_up as views
from procur.cli.workspace import Workspace, workspace_command


@click.command()
@click.option("--name", default="My company", show_default=True, help="The company's legal name.")
@click.option("--email", default=None, help="Your e-mail address; you become the owner.")
@click.option("--full-name", default=None, help="Your name.")
@click.option("--country", default=None, help="Two letters, such as US or DE; orders need it.")
@click.option("--billing-email", default=None, help="Where orders come from (default: your address).")
@click.option("--address", multiple=True, help="A line of the address; give it once per line.")
@click.option("--tax-id", default=None)
@workspace_command
def init(  # one option per fact about the company
    workspace: Workspace,
    *,
    name: str,
    email: str | None,
    full_name: str | None,
    country: str | None,
    billing_email: str | None,
    address: tuple[str, ...],
    tax_id: str | None,
) -> None:
    """Create the database and your organisation in this folder."""
    user = getpass.getuser()
    told = steps.create_database(
        workspace,
        name=name,
        email=email or f"{user}@localhost",
        full_name=full_name or user,
        country=country,
        billing_email=billing_email,
        address=address,
        tax_id=tax_id,
    )
    workspace.show(told, views.created)


@click.command()
@click.option("--name", default=None)
@click.option("--country", default=None, help="Two letters, such as US or DE.")
@click.option("--billing-email", default=None)
@click.option("--address", multiple=True)
@click.option("--tax-id", default=None)
@workspace_command
def company(
    workspace: Workspace,
    *,
    name: str | None,
    country: str | None,
    billing_email: str | None,
    address: tuple[str, ...],
    tax_id: str | None,
) -> None:
    """Show or change what your organisation is called and where it is."""
    told = steps.change_company(
        workspace,
        name=name,
        country=country,
        billing_email=billing_email,
        address=address,
        tax_id=tax_id,
    )
    workspace.show(told, views.company)


@click.group()
def users() -> None:
    """Add and list the people of your organisation."""


@users.command("add")
@click.argument("email")
@click.option("--name", "full_name", required=True)
@click.option(
    "--role",
    required=True,
    type=click.Choice(["owner", "admin", "approver", "buyer", "member", "viewer", "vendor"]),
)
@click.option("--vendor", "vendor_id", default=None, help="With --role vendor: the vendor they sign for.")
@workspace_command
def add(workspace: Workspace, *, email: str, full_name: str, role: str, vendor_id: str | None) -> None:
    """Add a person."""
    told = steps.add_person(workspace, email=email, full_name=full_name, role=role, vendor_id=vendor_id)
    workspace.show(told, views.person)


@users.command("list")
@workspace_command
def list_users(workspace: Workspace) -> None:
    """List everybody."""
    workspace.show(steps.list_people(workspace), views.people)
