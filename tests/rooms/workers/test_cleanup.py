"""Retention: what is past its time goes, in small steps; what somebody may still need stays."""

from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import event

from factories.people import People, make_people
from procur.core.clock import SteppingClock
from procur.core.errors import InvalidInput
from procur.db import DatabaseSession
from procur.db.repositories import (
    EventDeliveryRepository,
    EventOffsetRepository,
    EventRepository,
    IdempotencyRepository,
    InboxRepository,
    JobRepository,
    JobStepRepository,
    LoginAttemptRepository,
    NotificationRepository,
    RetentionRepository,
    ScheduleRepository,
    UserSessionRepository,
)
from procur.jobs.drain import drain
from procur.workers import retention
from procur.workers.kinds import CLEANUP, Cleanup
from procur.workers.retention import Retention, cleanup

NOW = datetime(2026, 11, 21, 3, tzinfo=UTC)
DAY = timedelta(days=1)


def at(days: float) -> SteppingClock:
    """The clock as it was so many days ago."""
    return SteppingClock(NOW - days * DAY, timedelta(0))


def run(database: DatabaseSession, keep: Retention, days: float = 0) -> dict[str, int]:
    """Clean up by a job; return what it says it has removed."""
    with database.get_session("acme") as session:
        key = CLEANUP.ask(session, Cleanup())[0].id
    drain(database, [cleanup(lambda: keep)], organization="acme", clock=at(-days))
    with database.get_session("acme", read_only=True) as session:
        done = JobRepository(session).get(key)
        assert done.state == "done", done.last_error
        removed: dict[str, int] = (done.result or {})["removed"]
        return removed


def test_jobs_go_by_when_they_ended_and_never_while_they_are_open(
    database: DatabaseSession, people: People
) -> None:
    """Random states, ages and durations; beside the rule, kept apart by one day either way."""
    random, expected, steps = Random(11), {}, 0
    limits = {"done": 30, "cancelled": 30, "failed": 180, "dead": 180}
    for number in range(120):
        state = random.choice(["ready", "running", "done", "failed", "dead", "cancelled"])
        age = random.choice([0.5, 29, 31, 100, 179, 181, 400])
        lasted = random.choice([0, 0, 5])
        with database.get_session("acme", clock=at(age)) as session:
            values: dict[str, Any] = {"kind": "other", "dedupe_key": str(number), "state": state}
            if state not in {"ready", "running"}:
                values["finished_at"] = NOW - (age - min(lasted, age)) * DAY
            if state == "running":
                values |= {"lease_token": uuid4(), "lease_until": NOW + DAY}
            job = JobRepository(session).create(**values)
            if number % 3 == 0:
                JobStepRepository(session).remember(job.id, "page", {"text": "…"})
        ended = age - min(lasted, age)
        expected[job.id] = state not in limits or ended <= limits[state]
    with database.get_session("acme", clock=at(400)) as session:
        last = JobRepository(session).create(kind="other", state="done", finished_at=NOW - 300 * DAY)
        schedules = ScheduleRepository(session)
        row = schedules.put("mine", kind="other", cron="0 1 * * *", next_run_at=NOW + DAY)
        schedules.update(row.id, last_job_id=last.id)
        expected[last.id] = True
    with database.get_session("rival", clock=at(400)) as session:
        theirs = JobRepository(session).create(kind="other", state="done", finished_at=NOW - 300 * DAY).id
    removed = run(database, Retention())
    with database.get_session("acme", read_only=True) as session:
        left = {row.id for row in JobRepository(session).get_all(limit=1000, kind="other")}
        assert left == {key for key, stays in expected.items() if stays}
        assert removed["finished_jobs"] + removed["stuck_jobs"] == len(expected) - len(left)
        steps = JobStepRepository(session).count()
        assert 0 < steps < 40 + len(removed) + 2
        fact = EventRepository(session).find(type="RetentionApplied")
        assert fact is not None
        assert fact.payload["removed"] == removed
    with database.get_session("rival", read_only=True) as session:
        assert JobRepository(session).exists(theirs)
    assert "finished_jobs" not in run(database, Retention())


def test_the_oldest_are_found_without_sorting_all(sqlite_database: DatabaseSession) -> None:
    make_people(sqlite_database)
    asked: list[tuple[str, Any]] = []

    def note(_conn: Any, _cursor: Any, statement: str, parameters: Any, *_more: Any) -> None:
        asked.append((statement, parameters))

    with sqlite_database.get_session("acme") as session:
        removals = RetentionRepository(session)
        connection = session.connection()
        event.listen(connection, "before_cursor_execute", note)
        for remove in (removals.finished_jobs, removals.stuck_jobs, removals.login_attempts):
            remove(NOW)
        event.remove(connection, "before_cursor_execute", note)
        found = [(text, values) for text, values in asked if "ORDER BY" in text]
        assert len(found) == 5
        for text, values in found:
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", values).all()
            assert "TEMP B-TREE" not in str(plan)
            assert "USING" in str(plan[0])


def facts(database: DatabaseSession, ages: list[float], subject: str = "r") -> list[UUID]:
    keys = []
    for position, age in enumerate(ages, start=1):
        with database.get_session("acme", clock=at(age)) as session:
            row = EventRepository(session).append(
                type="RequestOpened", aggregate_type="request", aggregate_id=subject, version=position
            )
            EventRepository(session).update(row.id, position=position)
            keys.append(row.id)
    return keys


def test_the_inbox_goes_only_behind_the_offset(database: DatabaseSession, people: People) -> None:
    keys = facts(database, [400, 399, 398, 397, 396, 200, 1])
    with database.get_session("acme", clock=at(300)) as session:
        inbox, deliveries = InboxRepository(session), EventDeliveryRepository(session)
        for consumer, position in (("fast", 6), ("slow", 4)):
            EventOffsetRepository(session).move(consumer, position, expected=None)
            for key in keys:
                inbox.take_in(consumer, key)
        inbox.take_in("provider", "message 7")
        deliveries.ensure("fast", keys[:3])
        (first, second, third) = (deliveries.find(event_id=key) for key in keys[:3])
        assert first is not None
        assert second is not None
        assert third is not None
        deliveries.done([first.id])
        deliveries.failed(second.id, error="no", next_attempt_at=None)
    assert run(database, Retention()) == {"inbox": 4 + 4 + 1, "deliveries": 1}
    with database.get_session("acme", read_only=True) as session:
        rows = InboxRepository(session).get_all()
        left = {(row.consumer, keys.index(UUID(row.event_id)) + 1) for row in rows}
        # Unread by the slow one, set aside or waiting at the fast one.
        assert left == {("slow", 5), ("slow", 6), ("slow", 7), ("fast", 7), ("fast", 2), ("fast", 3)}
        assert EventRepository(session).count(type="RequestOpened") == 7


def test_messages_sessions_keys_and_attempts_go_in_their_time(
    database: DatabaseSession, people: People
) -> None:
    for age in (400, 1):
        with database.get_session("acme", clock=at(age)) as session:
            notes = NotificationRepository(session)
            for end in (notes.sent, None):
                row, _ = notes.queue(recipient="a@acme.example", channel="in_app", body="…")
                if end is not None:
                    end(row.id)
            sessions = UserSessionRepository(session)
            ended = NOW - (age - 1) * DAY
            first, _ = sessions.open(people.alice.id, expires_at=ended)
            sessions.rotate(first.id, expires_at=ended)
            LoginAttemptRepository(session).record(people.alice.id, succeeded=False)
            IdempotencyRepository(session).begin(f"key {age}", request_hash="0" * 64)
    removed = run(database, Retention())
    assert removed == {
        "notifications": 1,
        "idempotency_keys": 1,
        "sessions": 2,
        "login_attempts": 1,
    }
    with database.get_session("acme", read_only=True) as session:
        assert NotificationRepository(session).count() == 3
        assert UserSessionRepository(session).count() == 2
        assert LoginAttemptRepository(session).count() == 1
        assert IdempotencyRepository(session).count() == 1


def test_much_is_removed_in_batches_and_jobs_that_follow(
    database: DatabaseSession, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "BATCH", 5)
    monkeypatch.setattr(retention, "_MOST", 2)
    with database.get_session("acme", clock=at(100)) as session:
        for _ in range(23):
            JobRepository(session).create(kind="other", state="done", finished_at=NOW - 99 * DAY)
    assert run(database, Retention()) == {"finished_jobs": 10}
    with database.get_session("acme", read_only=True) as session:
        assert JobRepository(session).count(kind="other") == 0
        parts = [row.payload["part"] for row in JobRepository(session).get_all(kind="cleanup")]
        assert sorted(parts) == [1, 2, 3]
        found = EventRepository(session).get_all(type="RetentionApplied")
        assert sorted(row.payload["removed"]["finished_jobs"] for row in found) == [3, 10, 10]


def test_each_call_removes_no_more_than_it_is_asked_to(database: DatabaseSession, people: People) -> None:
    with database.get_session("acme", clock=at(100)) as session:
        for number in range(7):
            InboxRepository(session).take_in("provider", f"message {number}")
    with database.get_session("acme") as session:
        old = RetentionRepository(session)
        assert [old.inbox(NOW - 30 * DAY, limit=5), old.inbox(NOW - 30 * DAY, limit=5)] == [5, 2]


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROCUR_KEEP_FINISHED_JOBS", "7")
    monkeypatch.setenv("PROCUR_KEEP_SESSIONS", "")
    assert (Retention().finished_jobs, Retention().sessions) == (7, 30)
    for name, value in (("INBOX", "0"), ("SESSIONS", "soon")):
        monkeypatch.setenv(f"PROCUR_KEEP_{name}", value)
        with pytest.raises(InvalidInput, match=f"PROCUR_KEEP_{name}"):
            Retention()
        monkeypatch.delenv(f"PROCUR_KEEP_{name}")
