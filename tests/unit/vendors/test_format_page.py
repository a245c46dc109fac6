import re
from pathlib import Path

import pytest

from procur.vendors.catalogue import ImportReport, read_file
from procur.vendors.catalogue.tables import COLUMNS
from procur.vendors.vocabulary import load

PAGE = (Path(__file__).parents[3] / "docs" / "reference" / "catalogue-format.md").read_text(encoding="utf-8")


def example(kind: str, folder: Path) -> Path:
    (block,) = re.findall(rf"```{kind}\n(.*?)```", PAGE, re.DOTALL)
    path = folder / f"example.{kind}"
    path.write_text(block, encoding="utf-8")
    return path


@pytest.fixture(params=["csv", "json"])
def report(request: pytest.FixtureRequest, tmp_path: Path) -> ImportReport:
    return read_file(example(request.param, tmp_path))


def test_examples_are_taken_without_a_word(report: ImportReport) -> None:
    assert report.clean
    assert report.warnings == ()
    northwind = report.vendors[0]
    assert [each.name for each in northwind.plans] == ["TEAM", "BUSINESS", "ENTERPRISE"]
    assert northwind.plans[2].quote_only
    assert [each.framework for each in northwind.evidence] == ["soc2"]


def test_csv_claims_and_json_states(tmp_path: Path) -> None:
    kinds = {kind: read_file(example(kind, tmp_path)).vendors[0].evidence[0].kind for kind in ("csv", "json")}
    assert kinds == {"csv": "claimed", "json": "report"}


def test_category_words_are_understood(tmp_path: Path) -> None:
    assert read_file(example("csv", tmp_path)).vendors[1].category == "notes-docs"


def test_vocabulary_example_is_taken(tmp_path: Path) -> None:
    assert load(example("toml", tmp_path)).features["offline-maps"].names("offlineMaps")


def test_page_names_every_column() -> None:
    assert [name for name in COLUMNS if f"`{name}`" not in PAGE] == []
