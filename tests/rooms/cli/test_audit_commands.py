"""`procur audit`: numbers, checkpoints in a file, exports, and that nothing else fails for their sake."""

import json
from pathlib import Path

import pytest

from factories.terminal import Terminal
from procur.cli import workspace
from procur.core.errors import Conflict, Unavailable


def test_a_command_seals_what_it_wrote(company: Terminal) -> None:
    company.told("company", "--country", "DE")
    numbers = [each["sequence"] for each in company.told("audit", "list")["entries"]]
    assert numbers == list(range(1, len(numbers) + 1))
    told = company.told("audit", "verify")
    assert (told["intact"], told["waiting"], told["sealed"]) == (True, 0, len(numbers))


@pytest.mark.parametrize("error", [Unavailable("busy"), Conflict("the head of the audit trail was changed")])
def test_a_command_does_not_fail_because_nothing_could_be_sealed(
    company: Terminal, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(*_: object) -> None:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(workspace, "seal_waiting", fail)
        answer = company("company", "--country", "DE", "--json")
    assert (answer.code, answer.json["country"]) == (0, "DE")
    quiet = isinstance(error, Unavailable)
    assert answer.err == ("" if quiet else f"The audit entries of this command are not sealed: {error}\n")
    told = company.told("audit", "list")["entries"][-1]
    assert (told["sequence"], company.told("audit", "verify")["waiting"]) == (None, 1)
    assert company.told("audit", "seal")["sealed"] == 1
    assert company.told("audit", "verify")["waiting"] == 0


def test_checkpoints_gather_in_a_file_and_show_a_cut_trail(company: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "checkpoints.txt"
    answer = company("audit", "checkpoint", "--out", str(file))
    assert "A new key was made" in answer.err
    assert (company.home / "audit-key.pem").stat().st_mode & 0o777 == 0o600
    key = company.told("audit", "keygen")["verifier"]
    company.told("company", "--country", "DE")
    assert company("audit", "checkpoint", "--out", str(file)).err == ""
    told = company.told("audit", "verify", "--checkpoint", str(file), "--key", key)
    assert (told["intact"], told["checkpoints"], told["signatures_checked"]) == (True, 4, True)
    forged = file.read_text().replace("time 2", "time 3", 1)
    file.write_text(forged)
    error = company("audit", "verify", "--checkpoint", str(file), "--json").error
    assert [each["kind"] for each in error["details"]["problems"]] == ["checkpoint_invalid"]
    assert company("audit", "verify", "--key", "nonsense", "--json").error["field"] == "key"
    empty = tmp_path / "empty.txt"
    empty.write_text("")
    assert company("audit", "verify", "--checkpoint", str(empty), "--json").error["code"] == "invalid_input"


@pytest.mark.parametrize(
    ("field", "arguments"),
    [
        ("since", ["--since", "0001-01-01T00:00:00+14:00"]),
        ("until", ["--until", "9999-12-31T23:59:59-14:00"]),
        ("subject", ["a\udcffb"]),  # what the shell's $'a\xffb' arrives as
        ("subject", ["a\x00b"]),
        ("user", ["--user", "a\udcffb"]),
        ("action", ["--action", "a\udcffb"]),
    ],
)
@pytest.mark.parametrize("command", ["list", "export"])
def test_an_unfit_filter_is_named(company: Terminal, command: str, field: str, arguments: list[str]) -> None:
    error = company("audit", command, *arguments, "--json").error
    assert (error["code"], error["field"]) == ("invalid_input", field)


def test_the_trail_goes_out_as_lines_and_as_a_table(company: Terminal, tmp_path: Path) -> None:
    lines = [json.loads(line) for line in company("audit", "export").out.splitlines()]
    assert [line["sequence"] for line in lines] == list(range(1, len(lines) + 1))
    out = tmp_path / "trail.csv"
    assert company.told("audit", "export", "--format", "csv", "--out", str(out))["lines"] == len(lines)
    assert out.read_text().startswith("sequence,leaf_hash,chain_hash,organization_id,id,")
    assert company("audit", "export", "--action", "nothing").out == ""
    assert company("audit", "list", "--since", "yesterday", "--json").error["field"] == "since"
    assert (
        company("audit", "export", "--out", str(tmp_path / "no" / "x"), "--json").error["code"]
        == "unavailable"
    )
