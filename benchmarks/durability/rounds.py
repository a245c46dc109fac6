"""Negotiation rounds while workers are killed: each on record once, the outcome as if undisturbed.

    python benchmarks/durability/rounds.py [--short] [--json] [--database sqlite|postgresql]

Some `procur work` processes play 200 sessions of six rounds; 200 times one of them is killed (SIGKILL) and
started again at once. Talks are opened as the kills go on, so that there is work under every one of them. The
same talks with the same seeds are played undisturbed in a second database and compared. At the end one worker
is told to stop (SIGTERM) while it works. Exit status 1 when anything deviates.

`idle` is the longest time for which a job that is due, or whose worker is gone, was with nobody, counted from
the last sign of life of its worker. One is killed only while another works, which can take over.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select

sys.path.insert(0, str(Path(__file__).parents[2] / "tests"))

import databases
import postgres
from factories.house import House, make_house
from factories.talks import played
from procur.audit.verify import verify
from procur.core.clock import SystemClock
from procur.db import DatabaseSession
from procur.db.models import EventRecord, JobRecord, NegotiationSessionRecord, OfferRecord
from procur.db.moments import database_time
from procur.jobs.drain import drain
from procur.negotiation.tasks import process_negotiation_round

TICK = 0.05  # seconds between two looks
QUEUE = "negotiation"  # what the workers serve; jobs of schedules wait for others
PRICES = ("12.00", "11.00", "13.50", "12.70")
EXIT_WITHIN = 10.0  # seconds for a worker that was told to stop


@dataclass(frozen=True)
class Plan:
    """How much is done: requests with four vendors each, rounds, kills; leases in seconds."""

    requests: int = 50
    rounds: int = 6
    kills: int = 200
    workers: int = 3
    lease: float = 5.0
    limit: float = 1800.0


@dataclass
class Fleet:
    """The worker processes."""

    home: Path
    environment: dict[str, str]
    lease: float
    processes: list["subprocess.Popen[str]"] = field(default_factory=list)

    def start(self) -> "subprocess.Popen[str]":
        """Start one more worker."""
        command = ["work", "--queues", QUEUE, "--threads", "2", "--lease", str(self.lease)]
        process = subprocess.Popen(  # noqa: S603 - our own command
            [sys.executable, "-m", "procur", *command, "--home", str(self.home)],
            stdout=subprocess.PIPE,
            text=True,
            env=self.environment,
        )
        if process.stdout is not None:
            os.set_blocking(process.stdout.fileno(), False)
        self.processes.append(process)
        return process

    def at_work(self) -> list["subprocess.Popen[str]"]:
        """Return the workers that have said that they work; one that ended by itself is an error."""
        found = []
        for one in self.processes:
            if one.poll() is not None:
                raise RuntimeError(f"a worker ended by itself with status {one.returncode}")
            if getattr(one, "ready", False) or _said_something(one):
                one.ready = True  # type: ignore[attr-defined]
                found.append(one)
        return found

    def kill(self, process: "subprocess.Popen[str]") -> None:
        """End a worker at once, whatever it is at."""
        process.kill()
        self.reap(process)

    def reap(self, process: "subprocess.Popen[str]") -> int:
        """Wait for a process that ends; return its status."""
        code = process.wait(30)
        if process.stdout is not None:
            process.stdout.close()
        self.processes.remove(process)
        return code

    def close(self) -> None:
        """End every worker."""
        for one in list(self.processes):
            self.kill(one)


def _said_something(process: "subprocess.Popen[str]") -> bool:
    try:
        return process.stdout is not None and bool(process.stdout.readline())
    except (BlockingIOError, TypeError):
        return False


@contextmanager
def database_of(kind: str, folder: Path, server: Any = None) -> Iterator[DatabaseSession]:
    """Lend an empty, migrated database."""
    folder.mkdir(parents=True, exist_ok=True)
    if kind == "sqlite":
        database = DatabaseSession(f"sqlite:///{folder / 'procur.db'}")
        database.create_all_tables()
        try:
            yield database
        finally:
            database.close()
        return
    shared = folder.parent
    with databases.postgres_database(server, databases.postgres_template(server, shared)) as database:
        yield database


def house_in(database: DatabaseSession, folder: Path) -> House:
    """Set the company up, with four vendors, by the machine's clock."""
    vendors = [
        {
            "vendor_id": f"vendor{number}",
            "name": f"Vendor {number}",
            "category": "project-management",
            "currency": "USD",
            "captured_on": "2026-11-01",
            "plans": [{"name": "TEAM", "list_price": price, "features": ["kanban", "single sign-on"]}],
        }
        for number, price in enumerate(PRICES)
    ]
    house = make_house(database, folder, vendors=vendors)
    house.workspace = replace(house.workspace, clock=SystemClock(), ids=None)
    return house


def open_talks(house: House, seed: int, plan: Plan) -> str:
    """Open the talks of one more request; workers play them."""
    request_id = house.request()
    house.negotiate(request_id, seed=seed, rounds=plan.rounds, background=True)
    return request_id


def left(database: DatabaseSession, lease: float) -> tuple[int, float]:
    """Return how many jobs are not finished, and for how long (seconds) one has been with nobody."""
    with database.system_session(read_only=True) as session:
        statement = select(
            JobRecord.state, JobRecord.run_at, JobRecord.updated_at, JobRecord.lease_until, database_time()
        ).where(JobRecord.queue == QUEUE, JobRecord.state.in_(("ready", "running")))
        rows = session.execute(statement).all()
    waits = [0.0]
    for state, run_at, updated_at, lease_until, now in rows:
        since = lease_until - timedelta(seconds=lease) if state == "running" else max(run_at, updated_at)
        if state == "ready" or lease_until < now:
            waits.append((now - since).total_seconds())
    return len(rows), max(waits)


def disturb(house: House, fleet: Fleet, plan: Plan) -> tuple[list[str], dict[str, Any]]:
    """Let workers play while they are killed; return the requests and what was seen."""
    chance, opened, kills, idle = random.Random(1), [], 0, 0.0  # noqa: S311 - repeatable on purpose
    began = time.monotonic()
    next_kill = began
    for _ in range(plan.workers):
        fleet.start()
    while True:
        waiting, longest = left(house.database, plan.lease)
        at_work = fleet.at_work()
        # Before the first worker works nothing can be taken: the clock runs from then on.
        idle = max(idle, longest) if at_work else idle
        due = plan.requests * (kills + 1) / (plan.kills + 1)
        if len(opened) < min(due, plan.requests) and waiting < 8 * plan.workers:
            opened.append(open_talks(house, len(opened), plan))
        elif kills < plan.kills and len(at_work) > 1 and time.monotonic() >= next_kill:
            fleet.kill(chance.choice(at_work))
            fleet.start()
            kills += 1
            next_kill = time.monotonic() + chance.uniform(0.1, 0.9)
        elif len(opened) == plan.requests and kills == plan.kills and not waiting:
            break
        if time.monotonic() - began > plan.limit:
            raise RuntimeError(f"not done after {plan.limit} s: {len(opened)} requests, {kills} kills")
        time.sleep(TICK)
    return opened, {"kills": kills, "seconds": time.monotonic() - began, "idle": idle}


def stop_kindly(house: House, fleet: Fleet, plan: Plan) -> tuple[str, dict[str, Any]]:
    """Tell the only worker to stop while it works; return the request, how long it took, what it left."""
    for one in fleet.at_work()[1:]:
        fleet.kill(one)
    worker = fleet.processes[0]
    request_id = open_talks(house, plan.requests, plan)
    until = time.monotonic() + 60
    while not rounds_of(house.database, request_id) and time.monotonic() < until:
        time.sleep(0.005)
    worker.send_signal(signal.SIGTERM)
    began = time.monotonic()
    code = fleet.reap(worker)
    took = time.monotonic() - began
    with house.database.system_session(read_only=True) as session:
        states = Counter(session.scalars(select(JobRecord.state).where(JobRecord.queue == QUEUE)))
    fleet.start()
    until = time.monotonic() + 60
    while left(house.database, plan.lease)[0] and time.monotonic() < until:
        time.sleep(TICK)
    return request_id, {"exit": code, "exit_seconds": took, "left_running": states["running"]}


def rounds_of(database: DatabaseSession, request_id: str) -> int:
    """Return how many rounds of a request are on record as facts."""
    with database.system_session(read_only=True) as session:
        found = select(EventRecord.id).where(
            EventRecord.type == "RoundPlayed", EventRecord.correlation_id == request_id
        )
        return len(session.execute(found).all())


def undisturbed(kind: str, folder: Path, plan: Plan, requests: int, server: Any) -> list[Any]:
    """Play the same talks in one thread of another database; return what they came to."""
    with database_of(kind, folder, server) as database:
        house = house_in(database, folder)
        names = [open_talks(house, seed, plan) for seed in range(requests)]
        drain(database, (process_negotiation_round(),), organization="acme")
        with house.session() as session:
            return [played(session, name) for name in names]


def checked(house: House, names: list[str], expected: list[Any]) -> dict[str, Any]:
    """Compare with the undisturbed run and count what must be once."""
    with house.session() as session:
        found = [played(session, name) for name in names]
        trail = verify(session).intact
    with house.database.system_session(read_only=True) as session:
        offers = select(OfferRecord.negotiation_session_id, OfferRecord.round_number, OfferRecord.actor)
        sides = Counter(tuple(row) for row in session.execute(offers))
        facts = Counter(
            (name, payload["round"])
            for name, payload in session.execute(
                select(EventRecord.aggregate_id, EventRecord.payload).where(EventRecord.type == "RoundPlayed")
            )
        )
        states = Counter(session.scalars(select(JobRecord.state).where(JobRecord.queue == QUEUE)))
        rounds = sum(session.scalars(select(NegotiationSessionRecord.current_round)))
        open_talks_left = sum(
            status == "active" for status in session.scalars(select(NegotiationSessionRecord.status))
        )
    return {
        "sessions": sum(len(talks) for talks, _, _ in found),
        "rounds": rounds,
        "facts": sum(facts.values()),
        "twice": sum(count > 1 for count in [*sides.values(), *facts.values()]),
        "unfinished": open_talks_left + sum(states[name] for name in states if name != "done"),
        "different": sum(one != other for one, other in zip(found, expected, strict=True)),
        "trail_intact": trail,
    }


def chaos(kind: str, folder: Path, plan: Plan, server: Any = None) -> dict[str, Any]:
    """Run everything on one kind of database; return the figures and what deviates."""
    expected = undisturbed(kind, folder / "undisturbed", plan, plan.requests + 1, server)
    home = folder / "disturbed"
    with database_of(kind, home, server) as database:
        house = house_in(database, home)
        url = database.config.sqlalchemy_url.render_as_string(hide_password=False)
        fleet = Fleet(home, os.environ | {"PROCUR_DB_URL": url, "PYTHONUNBUFFERED": "1"}, plan.lease)
        try:
            names, seen = disturb(house, fleet, plan)
            last, stopped = stop_kindly(house, fleet, plan)
        finally:
            fleet.close()
        told = {"database": kind, **seen, **stopped, **checked(house, [*names, last], expected)}
    told["deviations"] = deviations(told, plan)
    return told


def deviations(told: dict[str, Any], plan: Plan) -> list[str]:
    """Return what is not as it must be."""
    wrong = {
        "rounds twice on record": told["twice"],
        "requests unlike the undisturbed run": told["different"],
        "talks or jobs not finished": told["unfinished"],
        "facts other than rounds": told["facts"] != told["rounds"],
        "broken trail": not told["trail_intact"],
        "idle for more than twice the lease": told["idle"] > 2 * plan.lease,
        "slow to stop": told["exit_seconds"] > EXIT_WITHIN,
        "jobs kept by a worker that stopped": told["left_running"],
        "a worker that did not end well": told["exit"] != 0,
    }
    return [f"{name}: {value}" for name, value in wrong.items() if value]


def main() -> int:
    """Run and print a table or JSON; 1 when anything deviates."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--short", action="store_true", help="20 sessions, 10 kills")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default=None)
    options = parser.parse_args()
    plan = Plan(requests=5, kills=10) if options.short else Plan()
    kinds = [options.database] if options.database else ["sqlite", "postgresql"]
    server = postgres.start(os.getpid()) if "postgresql" in kinds else None
    told = []
    with tempfile.TemporaryDirectory() as folder:
        try:
            for kind in kinds:
                (Path(folder) / kind).mkdir()
                told.append(chaos(kind, Path(folder) / kind, plan, server))
        finally:
            if server is not None:
                postgres.stop(server)
    if options.json:
        print(json.dumps({"at": datetime.now(UTC).isoformat(), "runs": told}, indent=2))
    else:
        _print(told, plan)
    return 1 if any(one["deviations"] for one in told) else 0


def _print(told: list[dict[str, Any]], plan: Plan) -> None:
    print(f"{plan.workers} worker processes of 2 threads, leases of {plan.lease:g} s, SIGKILL at random")
    names = ("kills", "sessions", "rounds", "facts", "twice", "different", "unfinished", "trail_intact")
    rows = [(name.replace("_", " "), [str(one[name]) for one in told]) for name in names]
    rows.append(("longest idle, s", [f"{one['idle']:.2f}" for one in told]))
    rows.append(("seconds in all", [f"{one['seconds']:.0f}" for one in told]))
    rows.append(("exit after SIGTERM, s", [f"{one['exit_seconds']:.2f}" for one in told]))
    print(f"{'':24}" + "".join(f"{one['database']:>14}" for one in told))
    for name, values in rows:
        print(f"{name:24}" + "".join(f"{value:>14}" for value in values))
    for one in told:
        for wrong in one["deviations"]:
            print(f"{one['database']}: {wrong}")


if __name__ == "__main__":
    sys.exit(main())
