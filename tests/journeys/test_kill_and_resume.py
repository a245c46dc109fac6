"""A negotiation that is killed at any point and then resumed ends as one that was left alone."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from factories.house import House
from procur.cli import root
from procur.cli.steps import setting_up
from procur.cli.workspace import Workspace
from procur.core.actor import negotiating_agent
from procur.core.errors import Conflict
from procur.db import Session
from procur.db.repositories import AuditRepository, NegotiationRepository, OfferRepository
from procur.negotiation.service import record_round
from procur.negotiation.tasks import negotiate, seats_of
from procur.negotiation.tasks import play as play_round

NEED = "Project tracking for 50 people, at most $9,000 a year, single sign-on a must"


def procur(home: Path, *command: str) -> Any:
    """Run a command and return its JSON answer."""
    done = CliRunner().invoke(root, [*command, "--home", str(home), "--json"], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


@pytest.fixture
def home(tmp_path: Path, sqlite_template: Path) -> Path:
    """A folder with a company, the packaged catalogue and a request."""
    folder = tmp_path / "home"
    folder.mkdir()
    shutil.copyfile(sqlite_template, folder / "procur.db")
    setting_up.create_database(
        Workspace(folder), name="Acme", email="alice@acme.example", full_name="Alice", country="US",
        billing_email=None, address=(), tax_id=None,
    )  # fmt: skip
    procur(folder, "vendors", "import", "--packaged")
    assert procur(folder, "request", "new", NEED)["request_id"].startswith("REQ-")
    return folder


def number_of(home: Path) -> str:
    listed: str = procur(home, "request", "list")["requests"][0]["request_id"]
    return listed


def talks(home: Path, request_id: str) -> list[dict[str, Any]]:
    """Return every session with every offer."""
    shown = procur(home, "request", "show", request_id)["negotiations"]
    return [procur(home, "negotiation", "show", each["session_id"]) for each in shown]


def test_a_negotiation_killed_in_the_middle_is_finished_by_resume(home: Path, tmp_path: Path) -> None:
    request_id = number_of(home)
    left_alone = tmp_path / "left-alone"
    shutil.copytree(home, left_alone)
    run = ("negotiate", request_id, "--seed", "42", "--rounds", "12")
    process = subprocess.Popen(
        [sys.executable, "-m", "procur", *run, "--home", str(home)],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
    )
    assert process.stdout is not None
    with process.stdout:
        rounds = (line for line in process.stdout if "we offer" in line)
        for line in rounds:
            if line.split()[0] == "4":
                os.kill(process.pid, signal.SIGKILL)
                break
        process.wait(timeout=30)
    assert process.returncode == -signal.SIGKILL
    half = talks(home, request_id)
    assert any(each["status"] == "active" for each in half)
    assert sum(len(each["offers"]) for each in half) >= 2 * 3 * len(half)

    procur(home, "negotiate", request_id, "--resume")
    procur(left_alone, *run)
    resumed, whole = talks(home, request_id), talks(left_alone, request_id)
    assert resumed == whole
    for each in resumed:
        assert each["status"] != "active"
        made = Counter((offer["round"], offer["by"]) for offer in each["offers"])
        assert set(made.values()) == {1}
        assert sorted(number for number, by in made if by == "buyer") == list(range(1, (len(made) + 3) // 2))
        assert procur(home, "negotiation", "replay", each["session_id"])["same"]
    assert procur(home, "audit", "verify")["intact"]


class Crash(Exception):
    """The process ends here."""


def stop(_: object) -> None:
    raise Crash


def opened(house: House) -> str:
    """Open the talks of a new request and stop before the first round."""
    request_id = house.request(NEED)
    with pytest.raises(Crash):
        house.negotiate(request_id, rounds=3, limit=2, on_start=stop)
    return request_id


def play(house: House, request_id: str, crash_at: int | None = None, *, before_commit: bool = False) -> None:
    """Play on; with `crash_at` only until that transaction begins, or until it would be committed."""
    numbers = count(1)

    @contextmanager
    def sessions() -> Iterator[Session]:
        ends_here = next(numbers) == crash_at
        if ends_here and not before_commit:
            raise Crash
        with house.workspace.session() as session:
            yield session
            if ends_here:
                raise Crash

    with house.session() as session:
        agent = negotiating_agent(house.actor(session))
    negotiate(sessions, agent, request_id, now=house.workspace.clock.now)


def played(house: House, request_id: str) -> tuple[list[Any], list[Any]]:
    """Return each session's outcome and its offers, and the audit entries of its rounds."""
    with house.session() as session:
        request = house.row(session, request_id)
        rows = NegotiationRepository(session).for_request(request.id)
        told = [
            (
                (row.status, row.outcome, row.current_round),
                [
                    (offer.round_number, offer.actor, offer.accepted, offer.terms, offer.utility_buyer)
                    for offer in OfferRepository(session).for_session(row.id)
                ],
            )
            for row in rows
        ]
        entries = [
            (each.action, each.event_data.get("round"), names.index(each.resource_id))
            for names in ([row.session_id for row in rows],)
            for each in AuditRepository(session).since(limit=100_000)
            if each.resource_id in names
        ]
    return told, sorted(entries, key=str)


@pytest.mark.parametrize("before_commit", [False, True])
def test_a_crash_between_any_two_transactions_changes_nothing(house: House, before_commit: bool) -> None:
    left_alone = opened(house)
    play(house, left_alone)
    expected = played(house, left_alone)
    assert any(outcome[1] == "accepted" for outcome, _ in expected[0])
    for crash_at in count(1):
        request_id = opened(house)
        try:
            play(house, request_id, crash_at, before_commit=before_commit)
        except Crash:
            play(house, request_id)
            assert played(house, request_id) == expected, f"crash at transaction {crash_at}"
        else:
            break
    assert crash_at > 3 * 2


def test_two_processes_that_resume_at_once_play_no_round_twice(house: House) -> None:
    """The slower one is told that the round is on record, and finds the work done when it resumes."""
    left_alone, request_id = opened(house), opened(house)
    play(house, left_alone)
    with house.session() as session:
        seats = seats_of(session, request_id)
        agent, row = negotiating_agent(house.actor(session)), house.row(session, request_id)
    results = [play_round(seat, seats) for seat in seats]
    play(house, request_id)
    finished = played(house, request_id)
    for result in results:
        with pytest.raises(Conflict), house.workspace.session() as session:
            record_round(session, agent, row, result, now=house.workspace.clock.now())
    assert played(house, request_id) == finished == played(house, left_alone)
