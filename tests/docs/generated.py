"""Reference pages that are made from the code: compared in tests, rewritten with PROCUR_WRITE_DOCS=1."""

import os
from pathlib import Path

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"
NOTE = "<!-- Made from the code. To rewrite it: PROCUR_WRITE_DOCS=1 pytest tests/docs -->"


def is_up_to_date(name: str, text: str) -> bool:
    """Tell whether the page holds this text; with PROCUR_WRITE_DOCS set, write it first."""
    page = REFERENCE / name
    if os.environ.get("PROCUR_WRITE_DOCS"):
        page.write_text(text, encoding="utf-8")
    return page.exists() and page.read_text(encoding="utf-8") == text


def table(head: list[str], rows: list[list[str]]) -> list[str]:
    """Return a Markdown table, with nothing after it when there are no rows."""
    if not rows:
        return []
    lines = [head, ["---"] * len(head), *rows]
    return ["| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines] + [""]
