"""Facts and audit entries name what they belong to: given, or that of the running code."""

from datetime import UTC, datetime

from factories.people import People
from procur.audit.trail import record
from procur.core.context import Cause, because_of
from procur.db import DatabaseSession, Session
from procur.db.repositories import AuditRepository, EventRepository
from procur.events.event import Event
from procur.events.facts import RequestMoved
from procur.events.handlers import on
from procur.events.inprocess import deliver
from procur.identity.service import actor_of

NOW = datetime(2026, 3, 1, tzinfo=UTC)
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def test_a_fact_from_a_handler_continues_the_chain(database: DatabaseSession, people: People) -> None:
    with (
        database.get_session("acme") as session,
        because_of(Cause("request-17", causation_id="job-3", trace=TRACE)),
    ):
        record(session, actor_of(people.alice), _moved("draft", "open"), now=NOW, description="moved")

    @on(RequestMoved, group="follow")
    def follow(session: Session, event: Event) -> None:
        if event.payload["after"] == "open":
            record(session, actor_of(people.alice), _moved("open", "closed"), now=NOW, description="moved on")

    assert deliver(database, [follow]) == 2
    with database.get_session("acme") as session:
        first, second = EventRepository(session).correlated("request-17")
        assert (first.causation_id, first.trace) == ("job-3", TRACE)
        assert (second.causation_id, second.trace) == (str(first.id), TRACE)
        entries = AuditRepository(session).since()
        assert [row.correlation_id for row in entries] == ["request-17", "request-17"]
        record(session, actor_of(people.alice), _moved("a", "b"), now=NOW, description="by hand")
        assert [row.causation_id for row in EventRepository(session).correlated("REQ-1")] == [None]


def _moved(before: str, after: str) -> RequestMoved:
    return RequestMoved("REQ-1", before, after)
