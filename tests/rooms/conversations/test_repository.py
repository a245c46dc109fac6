"""Conversations and messages: stored once, in order, found again."""

import threading
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from sqlalchemy import text

from procur.core.errors import Conflict, InvalidInput, NotFound
from procur.db.models import Conversation, Message
from procur.db.repositories import (
    AuditRepository,
    ChatSessionRepository,
    ConversationRepository,
    MessageRepository,
    ReportRepository,
    UserRepository,
)


@pytest.fixture
def talks(session):
    return ConversationRepository(session)


def say(talks, *contents, to="conv_123", **more):
    return [talks.add_message(conversation_id=to, role="user", content=one, **more) for one in contents]


def told(messages):
    return [message.content for message in messages]


# P-3: the documented call failed, because the id had no default.
def test_a_conversation_needs_no_id_of_the_callers(talks, people):
    row = talks.create_conversation(user_id=people.alice.id, title="Test")
    assert row.conversation_id == str(row.id)
    assert talks.get_conversation(row.id) is row
    assert talks.get_conversation(str(row.id)) is row


# P-1: without a user, or before anybody opened the conversation, messages were lost or became orphans.
def test_the_first_message_opens_the_conversation(talks, people):
    first, second = say(talks, "hello", "again")
    assert (first.sequence, second.sequence) == (1, 2)
    row = talks.get_conversation("conv_123")
    assert (row.user_id, row.kind, row.last_sequence) == (None, "agent", 2)
    say(talks, "it is me", user_id=people.alice.id)
    assert row.user_id == people.alice.id


# P-4, E-14: "the last two" were the oldest two.
def test_a_limit_keeps_the_newest_in_order(talks):
    say(talks, *"abcdef")
    assert told(talks.get_conversation_messages("conv_123", limit=2)) == ["e", "f"]
    assert told(talks.get_conversation_messages("conv_123")) == [*"abcdef"]
    assert told(talks.messages_before("conv_123", 4, 2)) == ["b", "c"]
    assert told(talks.messages_after("conv_123", 4, 5)) == ["e", "f"]
    assert talks.get_conversation_messages("unheard of") == []


def test_a_message_tried_again_is_stored_once(talks):
    first = say(talks, "hello", message_id="m1")[0]
    assert say(talks, "hello", message_id="m1")[0] is first
    assert talks.get("conv_123").last_sequence == 1
    both = talks.add_messages(
        "conv_123",
        [
            {"role": "user", "content": "hello", "message_id": "m1"},
            {"role": "agent", "content": "hi", "message_id": "m2"},
        ],
    )
    assert [(row.sequence, row.role, row.asked_role) for row in both] == [
        (1, "user", "user"),
        (2, "assistant", "agent"),
    ]
    assert talks.get("conv_123").revision == 2


@pytest.mark.parametrize("other", [{"content": "bye"}, {"role": "agent"}, {"conversation_id": "elsewhere"}])
def test_the_message_id_of_another_message_is_a_conflict(talks, other):
    given = {"conversation_id": "conv_123", "role": "user", "content": "hello", "message_id": "m1"}
    talks.add_message(**given)
    with pytest.raises(Conflict) as caught:
        talks.add_message(**given | other)
    assert caught.value.field == "message_id"
    assert talks.get("conv_123").last_sequence == 1


def test_a_retry_after_the_deletion_does_not_open_the_conversation_again(talks):
    first = say(talks, "hello", message_id="m1")[0]
    talks.delete_conversation("conv_123")
    assert say(talks, "hello", message_id="m1")[0] is first
    assert talks.get_conversation("conv_123") is None


def test_two_writers_get_numbers_without_gaps(database, people):
    errors = []

    def write(name):
        try:
            for number in range(15):
                with database.get_session("acme") as session:
                    # Each message is tried by both writers: it is stored once.
                    say(ConversationRepository(session), f"{number}", message_id=f"m{number}")
                    say(ConversationRepository(session), f"{name} {number}")
        except Exception as error:  # noqa: BLE001 - shown by the test
            errors.append(error)

    writers = [threading.Thread(target=write, args=(name,)) for name in "ab"]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert errors == []
    with database.get_session("acme") as session:
        talks = ConversationRepository(session)
        rows = talks.get_conversation_messages("conv_123")
        assert [row.sequence for row in rows] == list(range(1, 46))
        assert sorted(row.message_id for row in rows if row.message_id) == sorted(f"m{n}" for n in range(15))
        assert talks.get("conv_123").last_sequence == 45


def test_the_status_follows_the_deletion_and_back(talks, people):
    row = talks.create_conversation(user_id=people.alice.id, conversation_id="c")
    assert talks.delete_conversation("c")
    assert (row.status, row.is_deleted) == ("deleted", True)
    assert talks.get_conversation("c") is None
    assert not talks.delete_conversation("c")
    again = talks.create_conversation(conversation_id="c")
    with pytest.raises(Conflict):
        talks.restore(row.id)
    talks.session.rollback()
    assert again.id != row.id


def test_a_deleted_conversation_comes_back(talks, people):
    row = talks.create_conversation(user_id=people.alice.id, conversation_id="c")
    say(talks, "hello", to="c")
    talks.update_conversation("c", status="deleted")
    assert talks.get_user_conversations(people.alice.id, status="deleted") == [row]
    assert talks.restore("c") is row
    assert (row.status, told(talks.get_conversation_messages("c"))) == ("active", ["hello"])
    talks.update_conversation("c", status="archived", title="Done")
    assert talks.get_user_conversations(people.alice.id) == []
    assert talks.get_user_conversations(people.alice.id, status=None) == [row]
    talks.soft_delete("c")
    assert talks.update_conversation(row.id, status="active").deleted_at is None


def test_conversations_of_a_person_come_last_used_first(talks, people):
    for name in ("a", "b", "c"):
        talks.create_conversation(user_id=people.alice.id, conversation_id=name)
    say(talks, "hello", to="a")
    found = talks.get_user_conversations(people.alice.id, limit=2)
    assert [row.conversation_id for row in found] == ["a", "c"]


def test_costs_are_exact_and_outlive_what_is_deleted(talks):
    say(talks, "a", cost=0.1, model_used="small")
    say(talks, "b", cost=0.2, model_used="small")
    say(talks, "c", cost=Decimal("0.0000000001"), model_used="large")
    say(talks, "d", to="other")
    assert talks.get_conversation_cost("conv_123") == Decimal("0.3000000001")
    talks.pop_message("conv_123")
    talks.delete_conversation("conv_123")
    assert talks.get_conversation_cost("conv_123") == Decimal("0.3000000001")
    assert talks.organization_cost() == {
        "small": Decimal("0.3"),
        "large": Decimal("0.0000000001"),
        None: Decimal(0),
    }
    by_conversation = talks.organization_cost(by="conversation")
    assert list(by_conversation.items()) == [("conv_123", Decimal("0.3000000001")), ("other", Decimal(0))]
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    assert talks.organization_cost(since=tomorrow) == {}
    assert talks.organization_cost(until=tomorrow, by="kind") == {"agent": Decimal("0.3000000001")}


def test_messages_are_taken_back_newest_first(talks):
    say(talks, "a", "b", "c")
    revision = talks.get("conv_123").revision
    assert talks.pop_message("conv_123").content == "c"
    assert told(talks.get_conversation_messages("conv_123")) == ["a", "b"]
    assert talks.get("conv_123").revision > revision
    assert say(talks, "d")[0].sequence == 4
    assert talks.clear_messages("conv_123") == 3
    assert talks.get_conversation_messages("conv_123") == []
    assert talks.pop_message("conv_123") is None
    assert talks.count_messages("conv_123") == 0
    assert talks.clear_messages("unheard of") == 0


def test_a_message_is_edited_and_the_search_follows(talks):
    row = say(talks, "the quick brown fox")[0]
    messages = MessageRepository(talks.session)
    messages.update(row.id, content="the lazy dog")
    assert talks.search("fox") == []
    assert talks.search("lazy DOG") == [row]
    messages.advance(row.id, expected={"content": "the lazy dog"}, content="a cat")
    with pytest.raises(Conflict):
        messages.advance(row.id, expected={"content": "the lazy dog"}, content="a bird")
    assert (told(talks.search("cat")), talks.search("dog")) == (["a cat"], [])
    with pytest.raises(InvalidInput):
        messages.update(row.id, sequence=7)
    messages.soft_delete(row.id)
    assert talks.search("cat") == []
    messages.restore(row.id)
    assert talks.search("cat") == [row]
    messages.delete(row.id)
    assert talks.search("cat") == []


def test_messages_are_found_by_their_own_ids(talks):
    row = say(talks, "hello", message_id="ext-1")[0]
    messages = MessageRepository(talks.session)
    assert messages.get_message(row.id) is row
    assert messages.get_message_by_external_id("ext-1") is row
    assert messages.get_message(uuid4()) is None
    assert messages.create(conversation_id="conv_123", role="system", content="x").sequence == 2


def test_purging_leaves_no_word_but_an_audit_entry(talks, people):
    secret = "the launch code is swordfish"
    row = talks.create_conversation(conversation_id="c", title="swordfish plans")
    say(talks, secret, to="c")
    with pytest.raises(Conflict):
        talks.delete("c")
    purged = talks.purge("c", reason="privacy request", actor_id=people.alice.id)
    assert purged.rows == {"conversations": 1, "messages": 1}
    assert talks.get_conversation(row.id, include_deleted=True) is None
    for table in ("conversations", "messages"):
        assert talks.session.execute(text(f"SELECT count(*) FROM {table}")).scalar() == 0
    entry = AuditRepository(talks.session).get_by_resource("conversation", row.id)[0]
    assert entry.action == "conversation_purged"
    assert "swordfish" not in str(vars(entry))
    if talks.session.get_bind().dialect.name == "sqlite":
        assert talks.session.execute(text("SELECT count(*) FROM search_messages_keys")).scalar() == 0


def test_a_report_that_is_purged_takes_its_chat_along(session, people):
    reports = ReportRepository(session)
    report = reports.create(
        user_id=people.alice.id,
        product_name="Tea",
        destination_country="Japan",
        business_type="Merchant",
        company_size="Micro",
    )
    chats = ChatSessionRepository(session)
    chats.create_conversation(people.alice.id, conversation_id="chat", report_id=report.id)
    chats.add_message("chat", "user", "Which certificate?")
    assert chats.add_message("second", "user", "x", report_id=report.id).sequence == 1
    reports.purge(report.id, reason="test")
    assert chats.get_all(include_deleted=True) == []
    assert chats.search("certificate") == []
    with pytest.raises(InvalidInput) as caught:
        chats.add_message("third", "user", "x", report_id=report.id)
    assert caught.value.field == "report_id"


def test_a_person_who_is_removed_takes_the_conversations_along(database, people):
    with database.get_session("acme") as session:
        say(ConversationRepository(session), "hello", user_id=people.alice.id)
    with database.get_session("acme") as session:
        UserRepository(session).purge(people.alice.id, reason="test")
    with database.get_session("acme") as session:
        talks = ConversationRepository(session)
        assert talks.get_conversation("conv_123", include_deleted=True) is None
        assert talks.search("hello") == []


def test_what_has_expired_is_deleted(talks):
    now = datetime.now(UTC)
    talks.create_conversation(conversation_id="old", expires_at=now - timedelta(hours=1))
    talks.create_conversation(conversation_id="new", expires_at=now + timedelta(hours=24))
    talks.create_conversation(conversation_id="for ever")
    assert talks.expire(now) == 1
    assert talks.expire(now) == 0
    assert [row.conversation_id for row in talks.get_all()] == ["new", "for ever"]
    assert talks.get("old", include_deleted=True).status == "deleted"


def test_an_export_chat_has_two_roles_and_its_own_repository(talks):
    chats = ChatSessionRepository(talks.session)
    say(talks, "hello", to="agent talk")
    chats.add_message("chat", "user", "Which certificate?", sources=[{"title": "FDA"}])
    assert chats.add_message("chat", "assistant", "FDA").role == "assistant"
    for role in ("system", "tool"):
        with pytest.raises(InvalidInput) as caught:
            chats.add_message("chat", role, "x")
        assert caught.value.field == "role"
    assert [row.conversation_id for row in chats.get_all()] == ["chat"]
    assert chats.get_conversation("agent talk") is None
    assert chats.get("chat").last_sequence == 2
    assert chats.search("hello") == []


def test_a_summary_is_kept_until_what_it_covers_changes(talks):
    say(talks, "a", "b", "c")
    seen = talks.state_of("conv_123")
    assert talks.set_summary("conv_123", "a was said", through=1, seen=seen)
    say(talks, "d")
    assert talks.get("conv_123").summary == "a was said"
    talks.pop_message("conv_123")
    assert talks.get("conv_123").summary_sequence == 1
    talks.clear_messages("conv_123")
    cleared = talks.state_of("conv_123")
    assert (cleared.summary, cleared.summary_sequence) == (None, 0)


def test_a_summary_of_what_has_changed_meanwhile_is_not_kept(database, people):
    with database.get_session("acme") as session:
        say(ConversationRepository(session), "a", "b", "c")
        seen = ConversationRepository(session).state_of("conv_123")
    with database.get_session("acme") as session:
        ConversationRepository(session).pop_message("conv_123")
    with database.get_session("acme") as session:
        assert not ConversationRepository(session).set_summary("conv_123", "a, b, c", through=3, seen=seen)


HUGE = "x" * 200_001
BAD = {
    "role": [None, "boss", 7, ["user"], "user\x00"],
    "content": [None, HUGE, "\x00", "\ud800", b"bytes", 7],
    "conversation_id": ["", "x" * 256, "a\x00", "\udfff"],
    "message_id": ["", "x" * 256, "\x00", 7],
    "intent": ["x" * 101, "\ud800"],
    "model_used": ["x" * 101, 7],
    "cost": [-1, "NaN", float("inf"), "much", Decimal("1e20"), Decimal("0.00000000001"), True],
    "extra_metadata": [["list"], {"a": 2**63}, {"a": float("nan")}, {"a": "\x00"}, "text", {"a": object()}],
    "sources": ["text", {"a": 1}, [float("inf")], [2**63]],
    "user_id": ["nobody", 1, uuid4()],
    "kind": ["party", 7],
    "title": ["x" * 256],
    "unheard_of": [1],
}


@pytest.mark.parametrize(("field", "value"), [(name, one) for name, values in BAD.items() for one in values])
def test_bad_input_is_one_error_that_names_the_field(database, people, field, value):
    given = {"conversation_id": "c", "role": "user", "content": "hello"} | {field: value}
    with pytest.raises(InvalidInput) as caught, database.get_session("acme") as session:
        ConversationRepository(session).add_message(**given)
    assert caught.value.field == field
    with database.system_session() as session:
        for table in (Conversation, Message):
            assert session.query(table).count() == 0


def test_people_and_conversations_of_others_are_not_found(database, people):
    with database.get_session("acme") as session:
        key = say(ConversationRepository(session), "ours", message_id="m1")[0].conversation_id
    with database.get_session("rival") as session:
        theirs = ConversationRepository(session)
        with pytest.raises(NotFound):
            theirs.add_message(key, "user", "let me in")
        assert theirs.search("ours") == []
        assert theirs.search_conversations(None, "ours") == []
        assert theirs.get_conversation_messages(key) == []
        assert theirs.organization_cost() == {}
        # Business keys are the organisation's own.
        assert theirs.add_message("conv_123", "user", "ours too", message_id="m1").sequence == 1
        with pytest.raises(InvalidInput):
            theirs.add_message("conv_123", "user", "x", user_id=people.alice.id)
        assert theirs.get("conv_123").last_sequence == 1


# Writing, changing and expiring reached conversations that the same repository would not show.
def test_chats_leave_other_kinds_of_conversation_alone(talks):
    chats = ChatSessionRepository(talks.session)
    now = datetime(2026, 1, 1, tzinfo=UTC)
    say(talks, "hello")
    talks.update("conv_123", expires_at=now)
    with pytest.raises(Conflict) as refused:
        chats.add_message("conv_123", "user", "not here")
    assert refused.value.field == "conversation_id"
    row = talks.get("conv_123")
    assert (row.last_sequence, told(talks.get_conversation_messages("conv_123"))) == (1, ["hello"])
    assert chats.expire(now + timedelta(days=1)) == 0
    assert talks.get_conversation("conv_123") is not None
    chats.add_message("chat", "user", "here")
    chats.update("chat", kind="export_chat", expires_at=now)
    for write in (
        lambda: chats.create(kind="agent"),
        lambda: chats.create_conversation(kind="support"),
        lambda: chats.update("chat", kind="agent"),
        lambda: chats.update_conversation("chat", kind="agent"),
        lambda: chats.add_message("new", "user", "x", kind="agent"),
    ):
        with pytest.raises(Conflict) as refused:
            write()
        assert refused.value.field == "kind"
    assert chats.expire(now + timedelta(days=1)) == 1


def test_the_messages_of_a_deleted_conversation_are_hidden_with_it(talks):
    messages = MessageRepository(talks.session)
    row = say(talks, "hello", message_id="m1")[0]
    talks.delete_conversation("conv_123")
    assert messages.get_message(row.id) is messages.get_message_by_external_id("m1") is None
    assert (messages.get_all(), messages.count(), messages.exists(row.id)) == ([], 0, False)
    for change in (lambda: messages.update(row.id, content="edited"), lambda: messages.soft_delete(row.id)):
        with pytest.raises(NotFound):
            change()
    talks.restore(talks.get("conv_123", include_deleted=True).id)
    assert messages.get_message(row.id).content == "hello"


def test_deleting_at_once_deletes_one_time(database, people):
    with database.get_session("acme") as session:
        say(ConversationRepository(session), "hello")
    answers, start = [], threading.Barrier(3)

    def delete():
        start.wait()
        try:
            with database.get_session("acme") as session:
                answers.append(ConversationRepository(session).delete_conversation("conv_123"))
        except Exception as error:  # noqa: BLE001 - shown by the test
            answers.append(error)

    threads = [threading.Thread(target=delete) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(str, answers)) == ["False", "False", "True"]


@pytest.mark.parametrize("name", ["since", "until"])
@pytest.mark.parametrize("moment", ["x", datetime(2026, 1, 1).date(), datetime(2026, 1, 1)])  # noqa: DTZ001 - refused
def test_costs_are_asked_for_between_moments(talks, name, moment):
    with pytest.raises(InvalidInput) as refused:
        talks.organization_cost(**{name: moment})
    assert refused.value.field == name
