"""Work like a negotiation, made to be counted: chains of steps, each with an effect, a fact, the next job.

Nothing in the tables would refuse an effect that is done twice, so what is counted is what was done.
"""

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar
from uuid import uuid4

from sqlalchemy import text

from procur.core.errors import Unavailable
from procur.db import DatabaseSession, Session
from procur.db.repositories import NotificationRepository
from procur.events.event import Event
from procur.events.facts import Fact
from procur.events.handlers import Handler, on
from procur.events.outbox import publish
from procur.jobs.kinds import Kind
from procur.jobs.task import Task, Work

STEPS = 6


@dataclass(frozen=True, slots=True)
class Step:
    """Which step of which chain."""

    chain: str
    number: int


@dataclass(frozen=True, slots=True)
class StepTaken(Fact):
    """A step of a chain was taken."""

    subject: ClassVar[str] = "chain"
    chain: str
    number: int


STEP = Kind("process_negotiation_round", "negotiation", Step, max_attempts=1000)


def steps(seconds: float = 0.02) -> Task[Step]:
    """Return the task: think for so many seconds, write an effect and a fact, ask for the next step."""

    def think(work: Work, payload: Step) -> dict[str, Any]:
        def slowly() -> dict[str, Any]:
            time.sleep(seconds)
            return {"answer": payload.number * 7}

        return work.step("answer", slowly)

    def commit(session: Session, work: Work, payload: Step, thought: dict[str, Any]) -> None:
        note(session, "step", payload.chain, payload.number)
        if thought != {"answer": payload.number * 7}:
            raise ValueError(f"somebody else's thought: {thought}")
        fact = StepTaken(payload.chain, payload.number)
        publish(session, fact, actor_type="system", actor_id="bench", now=work.now())
        if payload.number < STEPS:
            STEP.ask(session, Step(payload.chain, payload.number + 1))

    return Task(STEP, think=think, commit=commit)


def handlers(groups: Sequence[str] = ("first", "second")) -> tuple[Handler, ...]:
    """Return one group after the other that notes every step."""

    def noting(group: str) -> Handler:
        def react(session: Session, event: Event) -> None:
            note(session, group, event.aggregate_id, int(event.payload["number"]))

        return on(StepTaken, group=group)(react)

    return tuple(noting(group) for group in groups)


def note(session: Session, what: str, chain: str, number: int) -> None:
    """Write an effect that shows twice when it is done twice."""
    NotificationRepository(session).create(
        recipient=chain, channel="in_app", subject=what, body=str(number), message_id=str(uuid4())
    )


def begin(database: DatabaseSession, organization: str, chain: str) -> None:
    """Ask for the first step until the database says that it has it; asking twice does no harm."""
    while True:
        try:
            with database.get_session(organization) as session:
                STEP.ask(session, Step(chain, 1), dedupe_key=chain)
        except Unavailable:
            time.sleep(0.05)
        else:
            return


def begin_many(database: DatabaseSession, organization: str, chains: Sequence[str]) -> None:
    """Ask for the first steps of many chains in one transaction."""
    with database.get_session(organization) as session:
        for chain in chains:
            STEP.ask(session, Step(chain, 1), dedupe_key=chain)


@dataclass(frozen=True, slots=True)
class Count:
    """What was found against what was asked for."""

    expected: int
    found: int
    lost: int
    double: int
    disordered: int

    @property
    def right(self) -> bool:
        """Say whether everything was done once and in order."""
        return (self.found, self.lost, self.double, self.disordered) == (self.expected, 0, 0, 0)


def count(database: DatabaseSession, chains: Sequence[str], what: str) -> Count:
    """Count one kind of effect ("step", or a group's) of these chains, and look at their order."""
    query = text("SELECT recipient, body FROM notifications WHERE subject = :what ORDER BY created_at, id")
    done: dict[str, list[int]] = {}
    with database.system_session(read_only=True) as session:
        for chain, number in session.connection().execute(query, {"what": what}):
            done.setdefault(chain, []).append(int(number))
    wanted = list(range(1, STEPS + 1))
    found = Counter((chain, number) for chain, numbers in done.items() for number in numbers)
    return Count(
        expected=len(chains) * STEPS,
        found=sum(found.values()),
        lost=sum((chain, number) not in found for chain in chains for number in wanted),
        double=sum(times - 1 for times in found.values()),
        disordered=sum(list(dict.fromkeys(numbers)) != sorted(set(numbers)) for numbers in done.values()),
    )


def finished(database: DatabaseSession) -> set[str]:
    """Return the chains that have taken their last step."""
    query = text("SELECT recipient FROM notifications WHERE subject = 'step' AND body = :last")
    with database.system_session(read_only=True) as session:
        return set(session.connection().execute(query, {"last": str(STEPS)}).scalars())
