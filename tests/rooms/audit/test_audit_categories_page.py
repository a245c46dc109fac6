"""The page on types and categories says what the code does."""

from pathlib import Path

from procur.audit.categories import BY_PREFIX, BY_TYPE

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "audit-categories.md"


def test_every_type_stands_with_its_category() -> None:
    rows = [line.split(" | ") for line in PAGE.read_text("utf-8").splitlines() if line.startswith("| `")]
    told = {
        cells[0].strip("| `…"): cells[1] for cells in rows if cells[1] in {*BY_TYPE.values(), "compliance"}
    }
    assert told == BY_TYPE | BY_PREFIX
