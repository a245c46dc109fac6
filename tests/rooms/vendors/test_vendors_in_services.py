"""A catalogue is taken over whole or not at all; what is changed by hand meets the same rules."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from factories.house import BOB, VENDORS, House
from procur.cli.steps import setting_up
from procur.core.actor import negotiating_agent
from procur.core.errors import InvalidInput, NotAllowed, NotFound
from procur.db.repositories import AuditRepository, EventRepository, VendorRepository
from procur.vendors.service import record_evidence
from procur.vendors.vocabulary import load

GOOD = "fresh,Fresh Boards,project-management,USD,TEAM,9.50"
BAD = "broken,Broken,project-management,USD,TEAM,nine"
HEADER = "vendor_id,name,category,currency,plan,list_price"


def catalogue(house: House, *rows: str) -> Path:
    path = house.workspace.home / "more.csv"
    path.write_text("\n".join((HEADER, *rows)))
    return path


def stored(house: House) -> tuple[list[Any], int, int, int]:
    with house.session() as session:
        vendors = VendorRepository(session).everyone()
        told = sorted((row.vendor_id, row.name, str(row.list_price), row.country) for row in vendors)
        evidence = VendorRepository(session).evidence_for([row.id for row in vendors])
        return (
            told,
            sum(map(len, evidence.values())),
            AuditRepository(session).count(),
            EventRepository(session).count(),
        )


def test_a_file_with_one_bad_row_imports_nothing(house: House) -> None:
    before = stored(house)
    with pytest.raises(InvalidInput, match="1 of 2 rows") as told:
        setting_up.import_catalogue(house.alice, catalogue(house, GOOD, BAD))
    assert any("line 3" in line and "list_price" in line for line in told.value.details["rejected"])
    assert stored(house) == before


def test_with_leave_the_good_rows_are_taken_and_the_bad_ones_told(house: House) -> None:
    told = setting_up.import_catalogue(house.alice, catalogue(house, GOOD, BAD), skip_bad_rows=True)
    assert (told["created"], told["rejected"]) == (1, 1)
    assert told["rejected_rows"][0]["vendor_id"] == "broken"
    names = [row[0] for row in stored(house)[0]]
    assert "fresh" in names
    assert "broken" not in names


def test_importing_again_updates_and_makes_no_doubles(house: House) -> None:
    path = house.workspace.home / "vendors.json"
    before = stored(house)
    told = setting_up.import_catalogue(house.alice, path)
    assert (told["created"], told["updated"]) == (0, 3)
    assert stored(house)[:2] == before[:2]
    changed = json.loads(json.dumps(VENDORS))
    changed[0]["plans"][0]["list_price"] = "12.75"
    path.write_text(json.dumps(changed))
    setting_up.import_catalogue(house.alice, path)
    assert setting_up.show_vendor(house.alice, "boards")["list_price"] == 12.75
    assert len(stored(house)[0]) == 3


def test_what_people_recorded_survives_the_next_import(house: House) -> None:
    setting_up.update_vendor(
        house.alice, "boards", contact_email="a@boards.example", country="US", address=("1 Road",)
    )
    told = {"vendor_id": "boards", "framework": "ISO 27001", "kind": "certified", "source": "certificate"}
    setting_up.add_evidence(house.alice, **told, valid_until=date(2027, 1, 1))
    setting_up.import_catalogue(house.alice, house.workspace.home / "vendors.json")
    shown = setting_up.show_vendor(house.alice, "boards")
    assert (shown["contact_email"], shown["country"]) == ("a@boards.example", "US")
    with house.session() as session:
        assert VendorRepository(session).named("boards").vendor_metadata["address"] == ["1 Road"]
    assert {each["framework"] for each in shown["evidence"]} == {"iso27001", "soc2"}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("contact_email", "nonsense"),
        ("country", "Germany"),
        ("website", "javascript:alert(1)"),
        ("tax_id", "=1+1"),
        ("address", ("a line\nand another",)),
        ("name", "Other"),
        ("list_price", "1"),
    ],
)
def test_a_vendor_is_changed_by_the_rules_of_an_import(house: House, field: str, value: Any) -> None:
    before = stored(house)
    with pytest.raises(InvalidInput) as told:
        setting_up.update_vendor(house.alice, "boards", **{field: value})
    assert told.value.field == field
    assert stored(house) == before


def test_a_change_is_on_record_with_what_was_there_before(house: House) -> None:
    setting_up.update_vendor(house.alice, "boards", country="us")
    setting_up.update_vendor(house.alice, "boards", country="DE")
    with house.session() as session:
        last = AuditRepository(session).since(limit=1000)[-1]
    assert last.action == "vendor_changed"
    assert dict(last.changes) == {"country": {"before": "US", "after": "DE"}}


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("framework", {"framework": "SOC 99"}),
        ("kind", {"kind": "promised"}),
        ("valid_until", {"valid_until": date(2026, 11, 30)}),
        ("source", {"source": "  "}),
        ("source", {"source": "\u200b\u00a0\u2060"}),
        ("source", {"source": "\u3164"}),
        ("source", {"source": "a\x07b"}),
    ],
)
def test_evidence_that_says_nothing_is_refused(house: House, field: str, changes: dict[str, Any]) -> None:
    told = {"vendor_id": "boards", "framework": "SOC 2", "kind": "report", "source": "seen"}
    told = {**told, "valid_until": None}
    before = stored(house)
    with pytest.raises(InvalidInput) as error:
        setting_up.add_evidence(house.alice, **told | changes)
    assert error.value.field == field
    assert stored(house) == before


def test_the_database_takes_no_blank_evidence_either(house: House) -> None:
    with house.session() as session:
        vendors = VendorRepository(session)
        with pytest.raises(InvalidInput) as error:
            vendors.add_evidence(vendors.named("boards").id, framework="soc2", kind="report", source=" ")
    assert error.value.field == "source"


def test_agents_record_no_evidence_and_approvers_import_nothing(house: House) -> None:
    seen = {"vendor_id": "boards", "framework": "SOC 2", "kind": "report", "source": "x"}
    now = house.workspace.clock.now()
    with house.session() as session:
        agent = negotiating_agent(house.actor(session))
        with pytest.raises(NotAllowed):
            record_evidence(session, agent, load(None), **seen, valid_until=None, now=now)
        assert house.actor(session, BOB).may("evidence.write")
    with pytest.raises(NotAllowed, match=r"vendor\.write"):
        setting_up.import_catalogue(house.bob, house.workspace.home / "vendors.json")


def test_an_unknown_vendor_is_not_found(house: House) -> None:
    for step in (setting_up.show_vendor, setting_up.update_vendor):
        with pytest.raises((NotFound, InvalidInput)):
            step(house.alice, "nobody")
    with pytest.raises(NotFound):
        setting_up.update_vendor(house.alice, "nobody", country="US")
