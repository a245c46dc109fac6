"""Every command: its help, its JSON, and what it says when something is wrong."""

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from factories.terminal import Terminal
from procur.cli import COMMANDS, root

NEED = "Project tracking for 50 people, at most $9,000 a year, single sign-on a must"


def paths(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield every command and group as it is typed."""
    yield path
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            assert found is not None, name
            yield from paths(found, (*path, name))


ALL = sorted(paths(root))
LEAVES = [path for path in ALL if path and not any(other[:-1] == path for other in ALL)]
# What each command needs to get as far as its work; the rest needs nothing.
ARGUMENTS: dict[tuple[str, ...], tuple[str, ...]] = {
    ("approve",): ("REQ-1",),
    ("award",): ("REQ-1",),
    ("buy",): ("REQ-2026-99999",),
    ("compare",): ("REQ-1",),
    ("contract", "draft"): ("REQ-1",),
    ("contract", "show"): ("CON-1",),
    ("contract", "sign"): ("CON-1", "--for", "buyer"),
    ("events", "show"): ("1",),
    ("jobs", "cancel"): ("nobody",),
    ("jobs", "redrive"): ("nobody",),
    ("jobs", "show"): ("nobody",),
    ("keys", "revoke"): ("nobody",),
    ("mandate", "set"): ("REQ-1",),
    ("mandate", "show"): ("REQ-1",),
    ("match",): ("REQ-1",),
    ("negotiate",): ("REQ-1",),
    ("negotiation", "answer"): ("NEG-1", "accept"),
    ("negotiation", "replay"): ("NEG-1",),
    ("negotiation", "show"): ("NEG-1",),
    ("negotiation", "watch"): ("REQ-1",),
    ("notifications", "read"): ("nobody",),
    ("notifications", "show"): ("nobody",),
    ("po", "issue"): ("CON-1",),
    ("po", "show"): ("PO-1",),
    ("request", "cancel"): ("REQ-1", "--reason", "not needed"),
    ("request", "show"): ("REQ-1",),
    ("savings",): ("REQ-1",),
    ("users", "add"): ("x@acme.example", "--name", "X", "--role", "vendor", "--vendor", "nobody"),
    ("vendors", "change"): ("nobody", "--country", "US"),
    ("vendors", "confirm-prices"): ("nobody",),
    ("vendors", "enrich"): ("nobody",),
    ("vendors", "evidence"): ("nobody", "--framework", "SOC 2", "--kind", "report", "--source", "x"),
    ("vendors", "observations"): ("nobody",),
    ("vendors", "show"): ("nobody",),
    ("webhooks", "deliveries"): ("nobody",),
    ("webhooks", "disable"): ("nobody",),
    ("webhooks", "enable"): ("nobody",),
    ("webhooks", "remove"): ("nobody",),
    ("webhooks", "replay"): ("nobody",),
    ("webhooks", "rotate"): ("nobody",),
    ("webhooks", "show"): ("nobody",),
    ("webhooks", "test"): ("nobody",),
}
MORE: dict[tuple[str, ...], tuple[str, ...]] = {
    ("events", "drop"): ("01a1fed4-6886-7860-b721-276b7bdee56d", "--reason", "no use"),
    ("events", "redrive"): ("webhooks",),
    ("events", "replay"): ("webhooks", "--from-position", "1"),
    ("keys", "add"): ("k", "--scope", "events.read"),
    ("notifications", "retry"): ("--failed",),
    ("policy", "set"): ("policy.json",),
    ("request", "new"): (NEED,),
    ("schedules", "pause"): ("cleanup",),
    ("schedules", "resume"): ("cleanup",),
    ("schedules", "run"): ("cleanup",),
    ("schedules", "set"): ("cleanup", "--cron", "0 5 * * *"),
    ("vendors", "import"): ("--packaged",),
    ("webhooks", "add"): ("https://hooks.example/procur",),
}
OFFLINE = {("demo",), ("init",)}


@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_each_command_explains_itself(terminal: Terminal, path: tuple[str, ...]) -> None:
    answer = terminal.plain(*path, "--help")
    assert (answer.code, answer.err) == (0, "")
    assert answer.out.startswith("Usage: procur")
    assert not terminal.home.exists()


def test_help_and_import_load_neither_the_database_nor_the_screen() -> None:
    """`procur --help` answers at once: what is slow to load is loaded by the command that needs it."""
    for work in ("import procur", "import sys; sys.argv = ['procur', '--help']; procur.cli.main()"):
        script = (
            "import sys, procur, procur.cli\n"
            f"try:\n    {work}\nexcept SystemExit:\n    pass\n"
            "slow = ('sqlalchemy', 'rich', 'pydantic', 'typst', 'lxml')\n"
            "print([name for name in slow if name in sys.modules])"
        )
        done = subprocess.run(
            [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True
        )
        assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("path", [path for path in LEAVES if path not in OFFLINE], ids=" ".join)
def test_without_a_database_each_command_says_what_to_do(terminal: Terminal, path: tuple[str, ...]) -> None:
    terminal.home.mkdir()
    (terminal.home / "policy.json").write_text("{}")
    arguments = ARGUMENTS.get(path, MORE.get(path, ()))
    arguments = tuple(str(terminal.home / one) if one.endswith(".json") else one for one in arguments)
    told = terminal(*path, *arguments, "--json").error
    assert told["code"] in {"not_found", "unavailable"}
    assert told["hint"]
    plain = terminal(*path, *arguments)
    assert plain.code != 0
    assert plain.out == ""
    assert plain.err.startswith("Error: ")
    assert "Traceback" not in plain.err
    assert [one.name for one in terminal.home.iterdir()] == ["policy.json"]


@pytest.mark.parametrize("path", sorted(ARGUMENTS), ids=" ".join)
def test_an_unknown_id_is_told_as_one_json_document(company: Terminal, path: tuple[str, ...]) -> None:
    told = company(*path, *ARGUMENTS[path], "--json").error
    assert told["code"] == "not_found"
    assert told["message"]
    assert "field" in told


def test_arguments_that_no_database_can_hold_are_refused(company: Terminal) -> None:
    for path in sorted(ARGUMENTS):
        for evil in ("a\x00b", "x" * 5000, "\ud800", "'; DROP TABLE offers; --", "../../etc/passwd"):
            command = [evil if one in ARGUMENTS[path][:1] else one for one in ARGUMENTS[path]]
            told = company(*path, *command, "--json").error
            assert told["code"] in {"not_found", "invalid_input", "decision_needed"}, (path, evil, told)


@pytest.mark.parametrize(
    ("command", "field"),
    [
        (("mandate", "set", "REQ-1", "--max-total", "much"), "max_total"),
        (("mandate", "set", "REQ-1", "--max-total", "1e99"), "max_total"),
        (("mandate", "set", "REQ-1", "--max-yearly", "NaN"), "max_yearly"),
        (("mandate", "set", "REQ-1", "--max-quantity", "1.5"), "max_quantity"),
        (("mandate", "set", "REQ-1", "--payment", "NET31"), "payment_terms"),
        (("negotiation", "answer", "NEG-1", "counter", "--unit-price", "ten"), "unit_price"),
        (("negotiation", "answer", "NEG-1", "shrug"), "answer"),
        (("negotiate", "REQ-1", "--rounds", "0"), "rounds"),
        (("negotiate", "REQ-1", "--seed", "-1"), "seed"),
        (("match", "REQ-1", "--rate", "EUR=dear"), "rate"),
        (("request", "list", "--limit", "x"), "limit"),
        (("request", "list", "--cursor", "abc"), "cursor"),
        (("request", "list", "--status", "lost"), "status"),
        (("request", "new", NEED, "--answer", "nonsense"), "answer"),
        (("contract", "draft", "REQ-1", "--start", "tomorrow"), "start"),
        (("contract", "sign", "CON-1", "--for", "me"), "side"),
        (("vendors", "import"), "file"),
        (("vendors", "import", "/nonexistent.csv"), "path"),
        (
            ("vendors", "evidence", "trello", "--framework", "SOC 2", "--kind", "hope", "--source", "x"),
            "kind",
        ),
        (("users", "add", "x@y.example", "--name", "X", "--role", "king"), "role"),
        (("policy", "set", "/nonexistent.json"), "file"),
        (("request", "show"), "request_id"),
    ],
    ids=lambda one: " ".join(one) if isinstance(one, tuple) else one,
)
def test_a_wrong_value_is_told_with_its_field(
    company: Terminal, command: tuple[str, ...], field: str
) -> None:
    told = company(*command, "--json").error
    assert (told["code"], told["field"]) == ("invalid_input", field)
    plain = company(*command)
    assert plain.code != 0
    assert plain.out == ""
    assert "Traceback" not in plain.err


def test_a_command_or_option_that_does_not_exist_is_told_as_json_too(terminal: Terminal) -> None:
    for command in (("buyy",), ("request", "lost"), ("request", "list", "--all")):
        answer = terminal.plain(*command, "--json")
        assert answer.error["code"] == "invalid_input"
        assert answer.code == 2


def test_debug_shows_the_traceback_and_nothing_else_does(company: Terminal) -> None:
    assert "Traceback" not in company("request", "show", "REQ-1").err
    done = subprocess.run(
        [sys.executable, "-m", "procur", "request", "show", "REQ-1", "--debug", "--home", str(company.home)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode != 0
    assert "Traceback" in done.stderr


def test_what_procur_did_not_expect_is_told_in_the_same_form(
    company: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError("secret detail")

    monkeypatch.setattr("procur.cli.steps.requesting.list_requests", fail)
    answer = company("request", "list", "--json")
    assert (answer.code, answer.error["code"]) == (70, "error")
    assert "--debug" in answer.error["hint"]


def test_an_incomplete_request_is_told_with_every_question_and_nothing_is_stored(company: Terminal) -> None:
    told = company("request", "new", "CRM", "--json").error
    assert told["code"] == "decision_needed"
    assert [line.partition(":")[0] for line in told["details"]["question"]] == ["quantity", "budget"]
    plain = company("request", "new", "CRM")
    assert plain.code == 1
    assert "quantity" in plain.err
    assert "budget" in plain.err
    assert company.told("request", "list")["requests"] == []


def test_init_twice_changes_nothing(company: Terminal) -> None:
    before = company.told("audit", "list")
    told = company("init", "--name", "Other", "--email", "eve@evil.example", "--json").error
    assert told["code"] == "conflict"
    assert company.told("audit", "list") == before


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_told(terminal: Terminal) -> None:
    terminal.home.mkdir(mode=0o500)
    assert terminal("init", "--json").error["code"] == "unavailable"


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    terminal = Terminal(tmp_path / "file" / "home")
    for command in (("init",), ("demo",), ("request", "list")):
        told = terminal(*command, "--json").error
        assert told["code"] in {"unavailable", "not_found", "invalid_input"}, told
    assert (tmp_path / "file").read_text() == "in the way"


def test_a_database_of_another_version_is_told_and_left_alone(company: Terminal) -> None:
    path = company.home / "procur.db"
    with sqlite3.connect(path) as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    database.close()
    told = company("request", "list", "--json").error
    assert told["code"] == "unavailable"
    assert "9999" in told["message"]
    assert told["hint"]


def test_a_file_that_is_no_database_is_told(terminal: Terminal) -> None:
    terminal.home.mkdir()
    (terminal.home / "procur.db").write_text("this is not a database, whatever its name says" * 100)
    told = terminal("request", "list", "--json").error
    assert told["code"] in {"unavailable", "invalid_input"}


def test_a_stranger_is_nobody_here(company: Terminal) -> None:
    for command in (("request", "new", NEED), ("approve",), ("company", "--country", "DE")):
        told = company(*command, "--as", "eve@evil.example", "--json").error
        assert (told["code"], told["field"]) == ("not_found", "as")
    told = company("request", "list", "--organization", "rival", "--json").error
    assert told["code"] == "not_found"


def test_a_changed_audit_trail_is_one_json_document_and_an_error(company: Terminal) -> None:
    path = company.home / "procur.db"
    with sqlite3.connect(path) as database:
        database.execute("DROP TRIGGER append_only_audit_logs_update")
        database.execute(
            "UPDATE audit_logs SET actor_id = 'eve' "
            "WHERE id = (SELECT audit_log_id FROM audit_seals WHERE sequence = 2)"
        )
    database.close()
    told = company("audit", "verify", "--json").error
    assert (told["code"], told["details"]["problems"][0]["sequence"]) == ("conflict", 2)
    plain = company("audit", "verify")
    assert plain.code == 1
    assert "entry 2" in plain.err


def test_every_command_of_the_table_exists() -> None:
    assert {path[0] for path in LEAVES} == set(COMMANDS)
    assert json.dumps(sorted(COMMANDS))
