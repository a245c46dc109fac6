"""Webhook addresses and messages to people."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from factories.people import People
from procur.core.errors import Conflict, InvalidInput, NotFound
from procur.db import DatabaseSession, Session
from procur.db.repositories import NotificationRepository, WebhookRepository


def test_an_endpoint_gets_its_own_signing_key(session: Session, people: People) -> None:
    hooks = WebhookRepository(session)
    first, one = hooks.add("https://a.example/hook", ["OfferAccepted"], created_by=people.alice.id)
    _second, two = hooks.add("https://b.example/hook")
    assert one != two
    assert first.signing_key == one
    assert one not in repr(first)
    fresh = hooks.rotate_key(first.id)
    assert fresh not in {one, two}
    assert hooks.get(first.id).signing_key == fresh


def test_facts_go_to_those_who_want_them(session: Session) -> None:
    hooks = WebhookRepository(session)
    everything, _key = hooks.add("https://a.example/all")
    some, _key = hooks.add("https://a.example/some", ["OfferAccepted", "ContractSigned"])
    off, _key = hooks.add("https://a.example/off")
    hooks.update(off.id, is_active=False)
    gone, _key = hooks.add("https://a.example/gone")
    hooks.soft_delete(gone.id)
    assert hooks.wanting("OfferAccepted") == [everything, some, off]
    assert hooks.wanting("RequestOpened") == [everything, off]
    again, _key = hooks.add("https://a.example/gone")
    assert hooks.wanting("RequestOpened") == [everything, off, again]


@pytest.mark.parametrize(
    "url",
    [
        "ftp://a.example",
        "file:///etc/passwd",
        "//a.example",
        "https://",
        "a.example/hook",
        "https://user:secret@a.example/",
        "https://a.example/\nx",
        "https://[::1/",
        "javascript:alert(1)",
        "https://a.example/" + "x" * 2000,
        5,
        None,
    ],
)
def test_what_is_no_web_address_is_refused(session: Session, url: str) -> None:
    hooks = WebhookRepository(session)
    with pytest.raises(InvalidInput) as caught:
        hooks.add(url)
    assert caught.value.field == "url"
    row, _key = hooks.add("https://a.example/hook")
    with pytest.raises(InvalidInput) as caught:
        hooks.update(row.id, url=url)
    assert caught.value.field == "url"


def test_an_address_is_registered_once_per_organisation(database: DatabaseSession, people: People) -> None:
    with database.get_session("acme") as session:
        WebhookRepository(session).add("https://a.example/hook")
    with pytest.raises(Conflict) as caught, database.get_session("acme") as session:
        WebhookRepository(session).add("https://a.example/hook")
    assert caught.value.field == "url"
    with database.get_session("rival") as session:
        WebhookRepository(session).add("https://a.example/hook")
        assert len(WebhookRepository(session).wanting("x")) == 1


PLAIN = {"recipient": "bob@acme.example", "channel": "email", "body": "Please approve."}


def test_a_message_is_queued_once(database: DatabaseSession, people: People) -> None:
    def queue(_: int) -> bool:
        with database.get_session("acme") as session:
            return NotificationRepository(session).queue(**PLAIN, message_id="approve-1")[1]

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(queue, range(18))) == 1
    with database.get_session("rival") as session:
        assert NotificationRepository(session).queue(**PLAIN, message_id="approve-1")[1]
    with database.get_session("acme") as session:
        messages = NotificationRepository(session)
        assert messages.queue(**PLAIN)[1]
        assert messages.queue(**PLAIN)[1]
        assert len(messages.pending()) == 3
        assert messages.pending(channel="slack") == []


def test_a_message_is_sent_or_fails_once(session: Session, people: People) -> None:
    messages = NotificationRepository(session)
    first = messages.queue(**PLAIN, user_id=people.bob.id)[0]
    second = messages.queue(**PLAIN, subject="Approval")[0]
    sent = messages.sent(first.id)
    assert sent.state == "sent"
    assert sent.sent_at is not None
    assert messages.failed(second.id, "mailbox full").error == "mailbox full"
    for key in (first.id, second.id):
        with pytest.raises(Conflict):
            messages.sent(key)
        with pytest.raises(Conflict):
            messages.failed(key, "x")
    assert messages.pending() == []
    assert messages.for_recipient("bob@acme.example") == [second, first]
    read = messages.mark_read(first.id).read_at
    assert messages.mark_read(first.id).read_at == read is not None


def test_a_foreign_message_is_not_found(database: DatabaseSession, people: People) -> None:
    with database.get_session("acme") as session:
        key = NotificationRepository(session).queue(**PLAIN)[0].id
    with database.get_session("rival") as session:
        messages = NotificationRepository(session)
        assert messages.pending() == messages.for_recipient("bob@acme.example") == []
        for call in (messages.sent, messages.mark_read):
            with pytest.raises(NotFound):
                call(key)
        with pytest.raises(InvalidInput) as caught:
            messages.queue(**PLAIN, user_id=people.bob.id)
        assert caught.value.field == "user_id"
        session.rollback()
