"""Small things that all views use."""

import shutil
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from procur.core.money import show, show_price
from procur.negotiation.wording import SHORT


def money(amount: Any, currency: str) -> str:
    """Return an amount (Decimal or the text of one) as a reader expects it; a dash when there is none."""
    return "–" if amount is None else show(Decimal(str(amount)), currency)


def percent(share: Any) -> str:
    """Return a share such as 0.125 as "12.5 %"."""
    return "–" if share is None else f"{Decimal(str(share)) * 100:.1f} %"


def heading(console: Console, text: str) -> None:
    """Print the title of a step."""
    console.print()
    console.rule(Text(text, style="bold"), align="left", style="dim")


def note(console: Console, text: str) -> None:
    """Print an explanation in a quiet colour; nothing in it is markup."""
    console.print(Text(text, style="dim"))


def fact(console: Console, name: str, value: object) -> None:
    """Print one named value."""
    console.print(Text.assemble((f"  {name}: ", "bold"), str(value)))


def grid(*columns: str, right: tuple[str, ...] = ()) -> Table:
    """Return a table with these columns; those in `right` are figures."""
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for column in columns:
        table.add_column(column, justify="right" if column in right else "left", overflow="fold")
    return table


def row(table: Table, *cells: object, style: str | None = None) -> None:
    """Add a row; cells are plain text, never markup."""
    table.add_row(*(cell if isinstance(cell, Text) else Text(str(cell)) for cell in cells), style=style)


def short_path(path: str) -> str:
    """Return a path as it would be typed from here."""
    try:
        return str(Path(path).relative_to(Path.cwd()))
    except ValueError:
        return path


def program() -> str:
    """Return how this command is called from here: by its name, or by its path where it is not on PATH."""
    found = shutil.which("procur")
    called = Path(sys.argv[0])
    return "procur" if found is not None or called.name != "procur" else short_path(str(called.absolute()))


def terms_line(terms: dict[str, Any]) -> str:
    """Return terms in one short line: "$9.40 × 50, 24 mo, NET60, onboarding"."""
    price = show_price(Decimal(str(terms["unit_price"])), terms["currency"])
    parts = [f"{price} × {terms['quantity']}"]
    if terms["term_months"]:
        parts.append(f"{terms['term_months']} mo")
    parts.append(terms["payment_terms"])
    parts += [SHORT.get(name, name) for name in terms["value_adds"]]
    return ", ".join(parts)
