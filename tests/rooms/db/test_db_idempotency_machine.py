"""Any order of begin, finish, commit, rollback, expiry and time gives what a dictionary would give."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

import databases
from procur.core.errors import Conflict
from procur.db import DatabaseSession, Session
from procur.db.repositories import Fresh, IdempotencyRepository, InFlight, Mismatch, Replay

START = datetime(2026, 5, 1, tzinfo=UTC)
LOCK, KEEP = 10, 40
KEYS, HASHES = st.sampled_from("ab"), st.sampled_from("xy")


@dataclass(frozen=True)
class Held:
    """What the model knows of one key."""

    request_hash: str
    claim: Fresh
    locked_until: datetime
    expires_at: datetime
    answer: int | None = None


class Clock:
    """A clock that the machine moves."""

    def __init__(self) -> None:
        self.moment = START

    def now(self) -> datetime:
        return self.moment

    def today(self) -> Any:
        return self.moment.date()


class Keys(RuleBasedStateMachine):
    """The repository beside a dictionary; `tentative` is what the open transaction sees."""

    database: DatabaseSession

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.session: Session = self._opened()
        IdempotencyRepository(self.session).expire(START + timedelta(days=10_000))
        self._end(commit=True)
        self.committed: dict[str, Held] = {}
        self.tentative: dict[str, Held] = {}
        self.claims: list[tuple[str, Fresh]] = []

    def _opened(self) -> Session:
        self.scope = self.database.get_session(clock=self.clock)
        return self.scope.__enter__()

    def _end(self, *, commit: bool) -> None:
        error = None if commit else ZeroDivisionError()
        self.scope.__exit__(type(error) if error else None, error, None)
        self.session = self._opened()

    @rule(key=KEYS, request_hash=HASHES)
    def begin(self, key: str, request_hash: str) -> None:
        told = IdempotencyRepository(self.session).begin(
            key, request_hash, lock_seconds=LOCK, keep_seconds=KEEP
        )
        now, held = self.clock.now(), self.tentative.get(key)
        abandoned = (
            held is not None
            and held.answer is None
            and held.locked_until <= now
            and held.request_hash == request_hash
        )
        if held is None or held.expires_at <= now or abandoned:
            assert isinstance(told, Fresh)
            until, end = now + timedelta(seconds=LOCK), now + timedelta(seconds=KEEP)
            self.tentative[key] = Held(request_hash, told, until, end)
            self.claims.append((key, told))
        elif held.request_hash != request_hash:
            assert told == Mismatch()
        elif held.answer is None:
            assert told == InFlight(held.locked_until)
        else:
            assert told == Replay(held.answer, {"answer": held.answer})

    @precondition(lambda self: self.claims)
    @rule(data=st.data(), status=st.integers(200, 599))
    def finish(self, data: st.DataObject, status: int) -> None:
        key, claim = data.draw(st.sampled_from(self.claims))
        held = self.tentative.get(key)
        holds = held is not None and held.claim == claim and held.answer is None
        keys = IdempotencyRepository(self.session)
        if held is not None and holds:
            keys.finish(claim, status=status, body={"answer": status})
            self.tentative[key] = replace(held, answer=status)
        else:
            with pytest.raises(Conflict):
                keys.finish(claim, status=status, body={"answer": status})

    @rule(seconds=st.sampled_from([1, LOCK - 1, LOCK, KEEP]))
    def wait(self, seconds: int) -> None:
        self.clock.moment += timedelta(seconds=seconds)

    @rule()
    def expire(self) -> None:
        gone = [key for key, held in self.tentative.items() if held.expires_at <= self.clock.now()]
        assert IdempotencyRepository(self.session).expire() == len(gone)
        for key in gone:
            del self.tentative[key]

    @rule()
    def commit(self) -> None:
        self._end(commit=True)
        self.committed = dict(self.tentative)

    @rule()
    def roll_back(self) -> None:
        self._end(commit=False)
        self.tentative = dict(self.committed)

    @invariant()
    def every_key_is_known(self) -> None:
        rows = {row.key: row for row in IdempotencyRepository(self.session).get_all()}
        assert rows.keys() == self.tentative.keys()
        for key, held in self.tentative.items():
            assert (rows[key].request_hash, rows[key].response_status) == (held.request_hash, held.answer)

    def teardown(self) -> None:
        self.scope.close()


def test_keys_behave_like_a_dictionary(sqlite_template: Path, tmp_path: Path) -> None:
    with databases.sqlite_database(sqlite_template, tmp_path) as database:
        machine = type("Machine", (Keys,), {"database": database})
        run_state_machine_as_test(
            machine, settings=settings(max_examples=60, stateful_step_count=25, deadline=None)
        )
