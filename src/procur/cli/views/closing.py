"""Contracts, orders and savings in a terminal."""

from typing import Any

from rich.console import Console
from rich.text import Text

from procur.cli.views.common import fact, grid, money, note, percent, row, short_path


def contract(console: Console, told: dict[str, Any]) -> None:
    """Show a contract and what a person still has to complete."""
    currency = told["currency"]
    fact(console, told["contract_id"], f"{told.get('title', 'contract')}, {told['status'].replace('_', ' ')}")
    fact(console, "total", money(told["total_value"], currency))
    fact(
        console,
        "term",
        f"{told['start_date']} to {told['end_date']}" if told["end_date"] else told["start_date"],
    )
    if told.get("clauses"):
        note(console, "  " + "  ".join(told["clauses"]))
    for point in told.get("open_points", []):
        where = f" (clause {', '.join(point['clauses'])})" if point["clauses"] else ""
        console.print(Text(f"    to be completed: {point['what']}{where}", style="yellow"))
    fact(console, "document", short_path(told["document"]))
    fact(console, "SHA-256", told["sha256"])
    signatures(console, told)


def asked(console: Console, told: dict[str, Any]) -> None:
    """Show that a worker was asked for the draft."""
    fact(console, told["request_id"], f"drafted by job {told['job_id']} in the queue {told['queue']}")
    note(console, "  A worker (`procur serve` or `procur work`) drafts it; then: procur contract list")


def signatures(console: Console, told: dict[str, Any]) -> None:
    """Show who has signed."""
    fact(console, "signed for the buyer", told["signed_by_buyer"] or "not yet")
    fact(console, "signed for the vendor", told["signed_by_vendor"] or "not yet")
    if told["certificate"]:
        fact(console, "signature certificate", short_path(told["certificate"]))
    fact(console, "status", told["status"].replace("_", " "))


def order(console: Console, told: dict[str, Any]) -> None:
    """Show a purchase order."""
    currency = told["currency"]
    fact(console, told["po_number"], f"{told['status']} on {told['issue_date']} under {told['contract_id']}")
    table = grid("item", "quantity", "price", "total", right=("quantity", "price", "total"))
    for line in told["lines"]:
        item = f"{line['item']}: {line['description']}" if line["description"] else line["item"]
        row(
            table,
            item,
            f"{line['quantity'].normalize():f}",
            money(line["unit_price"], currency),
            money(line["line_total"], currency),
        )
    console.print(table)
    fact(console, "payable", money(told["payable"], currency) + " (tax treatment not stated)")
    fact(console, "UBL 2.1 order", short_path(told["xml"]))
    fact(console, "the same on paper", short_path(told["document"]))
    note(console, "  valid against the UBL 2.1 schema and the Peppol order rules")


def savings(console: Console, told: dict[str, Any]) -> None:
    """Show the savings against each baseline: views of the same money, never added up."""
    currency = told["currency"]
    table = grid("against", "baseline", "saving", "", "how", right=("baseline", "saving", ""))
    for each in told["savings"]:
        row(
            table, each["baseline"], money(each["baseline_total"], currency), money(each["amount"], currency),
            percent(each["percent"]), each["words"],
        )  # fmt: skip
    console.print(table)
    payment = told["payment_terms"]
    fact(console, "payment terms are worth", f"{money(payment['worth'], currency)}: {payment['words']}")
    note(console, "  Each line is another view of the same money; they are never added up.")


def policy_set(console: Console, told: dict[str, Any]) -> None:
    """Show that a policy came into force."""
    fact(
        console,
        told["name"],
        f"version {told['version']} is in force, {told['rules']} rules, {told['hash'][:12]}",
    )


def contracts(console: Console, told: dict[str, Any]) -> None:
    """Show a page of contracts."""
    if not told["contracts"]:
        note(console, "No contracts yet.")
        return
    table = grid("contract", "status", "ends", "total", right=("total",))
    for each in told["contracts"]:
        total = money(each["total_value"], each["currency"])
        row(table, each["contract_id"], each["status"].replace("_", " "), each["end_date"] or "–", total)
    console.print(table)
    if told["next_cursor"]:
        note(console, f"more: --cursor {told['next_cursor']}")


def orders(console: Console, told: dict[str, Any]) -> None:
    """Show a page of purchase orders."""
    if not told["orders"]:
        note(console, "No purchase orders yet.")
        return
    table = grid("order", "status", "issued", "contract", "payable", right=("payable",))
    for each in told["orders"]:
        payable = money(each["payable"], each["currency"])
        row(table, each["po_number"], each["status"], each["issue_date"], each["contract_id"], payable)
    console.print(table)
    if told["next_cursor"]:
        note(console, f"more: --cursor {told['next_cursor']}")
