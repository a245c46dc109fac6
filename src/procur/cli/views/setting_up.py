"""Set-up, people and vendors in a terminal."""

from typing import Any

from rich.console import Console
from rich.text import Text

from procur.cli.views.common import fact, grid, heading, money, note, row, short_path


def created(console: Console, told: dict[str, Any]) -> None:
    """Show what `procur init` made."""
    for name in ("database", "documents", "organization", "owner"):
        fact(console, name, told[name])
    note(console, 'Next: procur vendors import FILE.csv (or --packaged), then procur request new "…"')


def schema(console: Console, told: dict[str, Any]) -> None:
    """Show schema versions."""
    for name, value in told.items():
        fact(console, name, "none" if value is None else value)


def role(console: Console, told: dict[str, Any]) -> None:
    """Show the role that was made."""
    fact(console, "role", told["role"])
    for statement in told["statements"]:
        console.print(Text(f"    {statement};", style="dim"), soft_wrap=True)
    note(console, f"Next: export PROCUR_DB_URL='{told['url']}'")


def role_script(console: Console, told: dict[str, Any]) -> None:
    """Show SQL for somebody else to run."""
    for statement in told["statements"]:
        console.print(Text(f"{statement};"), soft_wrap=True)


def made(console: Console, told: dict[str, Any]) -> None:
    """Show where the demo's database and documents are."""
    fact(console, "database", short_path(told["database"].removeprefix("sqlite:///")))
    fact(console, "documents", short_path(told["documents"]))


def company(console: Console, told: dict[str, Any]) -> None:
    """Show the organisation."""
    for name, value in told.items():
        fact(console, name.replace("_", " "), value or "–")


def person(console: Console, told: dict[str, Any]) -> None:
    """Show a person who was added."""
    fact(
        console,
        told["email"],
        f"{told['name']}, {told['role']}" + (f" of {told['vendor']}" if told["vendor"] else ""),
    )


def people(console: Console, told: dict[str, Any]) -> None:
    """Show everybody."""
    table = grid("e-mail", "name", "role")
    for each in told["people"]:
        role = each["role"] + (f" ({each['vendor']})" if each["vendor"] else "")
        row(table, each["email"], each["name"] or "", role)
    console.print(table)


def imported(console: Console, told: dict[str, Any]) -> None:
    """Show what an import took over and what it refused."""
    fact(
        console,
        "imported",
        f"{told['created']} new vendors, {told['updated']} updated, from {told['source']}",
    )
    fact(
        console,
        "plans",
        f"{told['plans']}, of which {told['quote_only_plans']} are only quoted and have no list price",
    )
    for bad in told["rejected_rows"]:
        where = f"row {bad['line']} ({bad['vendor_id'] or 'no vendor id'}), {bad['field']}"
        console.print(Text(f"    not taken: {where}: {bad['reason']}", style="yellow"))
    for warning in told["warnings"]:
        console.print(Text(f"    {warning}", style="yellow"))
    if told["attribution"]:
        note(console, told["attribution"])


def vendors(console: Console, told: dict[str, Any]) -> None:
    """Show a page of vendors."""
    if not told["vendors"]:
        note(console, "No vendors. Import some: procur vendors import FILE.csv, or --packaged")
        return
    table = grid("vendor", "name", "category", "cheapest list price", right=("cheapest list price",))
    for each in told["vendors"]:
        price = (
            money(each["list_price"], each["currency"]) if each["list_price"] is not None else "only quoted"
        )
        row(table, each["vendor_id"], each["name"], each["category"] or "", price)
    console.print(table)
    note(
        console,
        f"{len(told['vendors'])} of {told['total']}"
        + (f"; more: --cursor {told['next_cursor']}" if told["next_cursor"] else ""),
    )


def vendor(console: Console, told: dict[str, Any]) -> None:
    """Show what is known of one vendor and where it comes from."""
    heading(console, f"{told['name']} ({told['vendor_id']})")
    fact(console, "category", told["category"])
    fact(console, "contact", f"{told['contact_email'] or 'unknown'}, {told['country'] or 'country unknown'}")
    fact(
        console,
        "source",
        f"{told['source'] or 'not stated'}, captured {told['captured_on'] or 'on an unknown day'}",
    )
    if told["confidence"] is not None:
        fact(
            console,
            "confidence",
            f"{told['confidence']:.0%}: procur vendors observations {told['vendor_id']}",
        )
    table = grid("plan", "list price", "per", "features", right=("list price", "features"))
    for plan in told["plans"]:
        price = "only quoted" if plan["quote_only"] else money(plan["list_price"], told["currency"])
        row(table, plan["name"], price, f"{plan['unit']}, {plan['period']}", len(plan["features"]))
    console.print(table)
    if told["unconfirmed_prices_from"]:
        note(
            console,
            f"These prices were read at {told['unconfirmed_prices_from']}; other vendors are not measured "
            f"against them until a person confirms them: procur vendors confirm-prices {told['vendor_id']}",
        )
    if not told["evidence"]:
        note(console, "No compliance evidence on record: unknown, not absent. procur vendors evidence …")
    for each in told["evidence"]:
        until = f", valid until {each['valid_until']}" if each["valid_until"] else ""
        fact(console, each["framework"], f"{each['kind']}{until}: {each['source']}")


def evidence(console: Console, told: dict[str, Any]) -> None:
    """Show evidence that was recorded."""
    fact(console, told["vendor"], f"{told['framework']} {told['kind']} recorded: {told['source']}")


def confirmed(console: Console, told: dict[str, Any]) -> None:
    """Show that prices read from a page count as confirmed."""
    fact(console, told["vendor_id"], f"the prices read at {told['prices_from']} are confirmed")


def changed(console: Console, told: dict[str, Any]) -> None:
    """Show what changed about a vendor."""
    for name, value in told["changed"].items():
        fact(console, f"{told['vendor']} {name}", value)
