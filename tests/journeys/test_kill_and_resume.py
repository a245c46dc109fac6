"""A negotiation that is killed at any point and then resumed ends as one that was left alone."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import update

from factories.house import House
from factories.talks import played
from procur.cli import root
from procur.cli.steps import setting_up
from procur.cli.workspace import Workspace
from procur.core.actor import negotiating_agent
from procur.core.errors import Conflict
from procur.db import Session
from procur.db.models import JobRecord
from procur.db.moments import database_time
from procur.jobs.drain import drain
from procur.jobs.task import Work
from procur.negotiation.kinds import PlayRound
from procur.negotiation.seats import play as play_round
from procur.negotiation.seats import seats_of
from procur.negotiation.service import record_round
from procur.negotiation.tasks import process_negotiation_round

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


class Crash(BaseException):
    """The process ends here: nothing after it runs, its lease stays in the jobs table."""


def opened(house: House) -> str:
    """Open the talks of a new request; nobody plays yet."""
    request_id = house.request(NEED)
    house.negotiate(request_id, rounds=2, limit=2, background=True)
    return request_id


def play(house: House, crash_at: int | None = None, moment: str = "") -> None:
    """Play on; with `crash_at` only until this moment of that job."""
    task, numbers = process_negotiation_round(), count(1)
    assert task.think is not None
    assert task.commit is not None
    decide, put_on_record = task.think, task.commit

    def think(work: Work, asked: PlayRound) -> Any:
        ends_here = next(numbers) == crash_at
        if ends_here and moment == "before think":
            raise Crash
        thought = decide(work, asked)
        if ends_here and moment == "after think":
            raise Crash
        return thought, ends_here

    def commit(session: Session, work: Work, asked: PlayRound, found: Any) -> Any:
        thought, ends_here = found
        result = put_on_record(session, work, asked, thought)
        if ends_here and moment == "before the commit":
            session.flush()
            raise Crash
        return result

    drain(
        house.database,
        (replace(task, think=think, commit=commit),),
        organization="acme",
        clock=house.workspace.clock,
        ids=house.workspace.ids,
    )


def let_leases_end(house: House) -> None:
    """Let the time pass after which the jobs of a dead process are taken over."""
    with house.database.system_session() as session:
        held = update(JobRecord).where(JobRecord.state == "running").values(lease_until=database_time(-1))
        assert session.execute(held).rowcount == 1


def told(house: House, request_id: str) -> Any:
    with house.session() as session:
        return played(session, request_id)


@pytest.mark.parametrize("moment", ["before think", "after think", "before the commit"])
def test_a_crash_in_any_job_changes_nothing(house: House, moment: str) -> None:
    left_alone = opened(house)
    play(house)
    expected = told(house, left_alone)
    assert any(outcome[1] == "accepted" for outcome, _ in expected[0])
    for crash_at in count(1):
        request_id = opened(house)
        try:
            play(house, crash_at, moment)
        except Crash:
            let_leases_end(house)
            play(house)
            assert told(house, request_id) == expected, f"crash in job {crash_at}"
        else:
            break
    assert crash_at > 2 * 2


def test_a_command_shows_what_others_play_and_waits_for_what_they_have(house: House) -> None:
    """Another process has the first round; the command says so, takes it over and ends as left alone."""
    left_alone = opened(house)
    play(house)
    request_id = opened(house)
    with pytest.raises(Crash):
        play(house, 1, "after think")
    said: list[str] = []

    def end_it(why: str) -> None:
        said.append(why)
        let_leases_end(house)

    shown: list[tuple[int, str]] = []
    house.negotiate(
        request_id,
        resume=True,
        on_round=lambda one: shown.append((one["round"], one["session_id"])),
        on_wait=end_it,
    )
    assert len(said) == 1
    assert "is with this command, which has it until" in said[0]
    assert len(set(shown)) == len(shown)
    assert [number for number, _ in shown] == sorted(number for number, _ in shown)
    assert told(house, request_id) == told(house, left_alone)


def test_two_processes_that_resume_at_once_play_no_round_twice(house: House) -> None:
    """The slower one is told that the round is on record, and finds the work done when it resumes."""
    left_alone, request_id = opened(house), opened(house)
    with house.session() as session:
        seats = seats_of(session, request_id)
        agent, row = negotiating_agent(house.actor(session)), house.row(session, request_id)
    results = [play_round(seat, seats) for seat in seats]
    play(house)
    finished = told(house, request_id)
    for result in results:
        with pytest.raises(Conflict), house.workspace.session() as session:
            record_round(session, agent, row, result, now=house.workspace.clock.now())
    assert told(house, request_id) == finished == told(house, left_alone)
