"""`procur audit`: numbers, checkpoints in a file, exports, and that nothing else fails for their sake."""

import json
from pathlib import Path
from typing import Literal

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from factories.terminal import Terminal
from procur.audit.notes import Signer
from procur.cli import workspace
from procur.cli.steps import auditing as steps
from procur.cli.workspace import Workspace
from procur.core.errors import Conflict, Unavailable
from procur.db import DatabaseConfig, DatabaseSession
from procur.db.repositories import AuditRepository, TrailFilter


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


def test_a_checkpoint_file_that_is_at_fault_is_not_the_trails_fault(
    company: Terminal, tmp_path: Path
) -> None:
    file = tmp_path / "checkpoints.txt"
    company.told("audit", "checkpoint", "--out", str(file))
    note = file.read_text()
    other = Ed25519PrivateKey.generate()
    name = note.partition("\n")[0]
    strange = Signer(name, other)
    for content, says in (
        (note.replace("time 2", "time 3"), "checkpoint 1 has a signature that is not right"),
        (f"{note}\n{note[:60]}", "checkpoint 2 cannot be read: this is no signed note"),
        (note[:40], "checkpoint 1 cannot be read"),
        ("nonsense", "checkpoint 1 cannot be read"),
        (strange.sign("two\nlines\n"), "checkpoint 1 cannot be read: this is no checkpoint"),
        (
            strange.sign(note.partition("\n\n")[0] + "\n"),
            f"was made with another key (key id {strange.verifier.id.hex()})",
        ),
        (note.replace("procur/", "procur/x"), "checkpoint 1 is of another trail"),
    ):
        file.write_text(content)
        error = company("audit", "verify", "--checkpoint", str(file), "--json").error
        assert (error["code"], error["field"]) == ("invalid_input", "checkpoint")
        assert error["message"].startswith(f"{file}: ")
        assert says in error["message"]
    file.write_bytes(b"\xff")
    assert company("audit", "verify", "--checkpoint", str(file), "--json").error["code"] == "invalid_input"
    told = company.told("audit", "verify")
    assert (told["intact"], told["signatures_checked"], told["checkpoints"]) == (True, True, 1)


@pytest.mark.parametrize("form", ["jsonl", "csv"])
def test_who_exports_keeps_nobody_from_writing(company: Terminal, form: Literal["jsonl", "csv"]) -> None:
    reader = Workspace(company.home)
    lines = steps.export(reader, TrailFilter(), form)
    assert next(lines)
    assert steps.verify_trail(reader)["intact"]
    config = DatabaseConfig(reader.config.database_url, busy_timeout=0)
    writer = DatabaseSession(config)
    with writer.get_session() as session:
        AuditRepository(session).log_action(action="meanwhile")
    writer.close()
    assert "meanwhile" not in "".join(lines)
    reader.close()


def test_verifying_writes_nothing_and_waits_for_nobody(company: Terminal) -> None:
    reader = Workspace(company.home)
    assert steps.verify_trail(reader)["intact"]
    writer = DatabaseSession(reader.config)
    with writer.get_session() as session:
        AuditRepository(session).log_action(action="meanwhile")
        session.flush()
        assert steps.verify_trail(reader)["waiting"] == 0
    assert steps.verify_trail(reader)["waiting"] == 1
    writer.close()
    reader.close()


def test_keys_change_only_when_somebody_says_so(company: Terminal) -> None:
    key = company.home / "audit-key.pem"
    old = company.told("audit", "checkpoint")["verifier"]
    key.rename(company.home / "old.pem")
    error = company("audit", "checkpoint", "--json").error
    assert (error["code"], key.exists()) == ("conflict", False)
    assert "PROCUR_AUDIT_KEY" in error["hint"]
    new = company.told("audit", "keygen")["verifier"]
    assert "--rotate-from" in company("audit", "checkpoint", "--json").error["hint"]
    error = company("audit", "verify", "--json").error
    assert [each["kind"] for each in error["details"]["problems"]] == ["checkpoint_unknown_key"]
    assert "was changed" not in error["message"]
    assert company.told("audit", "verify", "--key", old)["intact"]
    assert company("audit", "checkpoint", "--rotate-from", new, "--json").error["code"] == "conflict"
    assert company.told("audit", "checkpoint", "--rotate-from", old)["verifier"] == new
    company.told("company", "--country", "DE")
    assert company.told("audit", "checkpoint")["size"] > 1
    assert company.told("audit", "verify")["checkpoints"] == 2  # the earlier key is remembered
    (kept,) = company.home.glob("audit-key.pem.*.signed")
    assert kept.stat().st_mode & 0o777 == 0o600


def test_nothing_is_signed_that_does_not_continue_what_was_signed(company: Terminal) -> None:
    company.told("audit", "checkpoint")
    (kept,) = company.home.glob("audit-key.pem.*.signed")
    before = kept.read_text()
    kept.write_text(json.dumps(json.loads(before) | {"root": "A" * 43 + "="}))
    assert "does not continue" in company("audit", "checkpoint", "--json").error["message"]
    kept.write_text("")
    assert company("audit", "checkpoint", "--json").error["code"] == "conflict"
    kept.write_text(before)
    company.told("audit", "checkpoint")


def test_the_trail_goes_out_as_lines_and_as_a_table(company: Terminal, tmp_path: Path) -> None:
    lines = [json.loads(line) for line in company("audit", "export").out.splitlines()]
    assert [line["sequence"] for line in lines] == list(range(1, len(lines) + 1))
    out = tmp_path / "trail.csv"
    assert company.told("audit", "export", "--format", "csv", "--out", str(out))["lines"] == len(lines) + 1
    assert out.read_text().startswith("sequence,leaf_hash,chain_hash,organization_id,id,")
    assert company("audit", "export", "--action", "nothing").out == ""
    assert company("audit", "list", "--since", "yesterday", "--json").error["field"] == "since"
    assert (
        company("audit", "export", "--out", str(tmp_path / "no" / "x"), "--json").error["code"]
        == "unavailable"
    )


@pytest.mark.parametrize("command", ["export", "checkpoint"])
@pytest.mark.parametrize("name", ["procur.db", "audit-key.pem"])
def test_nothing_is_written_over_the_database_or_the_key(company: Terminal, command: str, name: str) -> None:
    assert company("audit", "keygen").code == 0
    before = (company.home / name).read_bytes()
    refused = company("audit", command, "--out", str(company.home / name), "--json")
    assert refused.error["field"] == "out"
    assert (company.home / name).read_bytes() == before


def test_a_database_without_people_is_sealed_verified_and_exported(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal.home.mkdir()
    url = f"sqlite:///{terminal.home / 'own.db'}"
    database = DatabaseSession(url)
    database.create_all_tables()
    with database.get_session() as session:
        AuditRepository(session).log_action(action="seen", description="by another application")
    database.close()
    monkeypatch.setenv("PROCUR_DB_URL", url)
    assert terminal("audit", "seal", "--json").code == 0
    told = terminal("audit", "verify", "--json").json
    assert (told["intact"], told["sealed"]) == (True, 1)
    assert "another application" in terminal("audit", "export").out
    assert terminal("audit", "checkpoint", "--out", str(terminal.home / "notes.txt")).code == 0
    assert terminal("usage", "--json").error["hint"]
