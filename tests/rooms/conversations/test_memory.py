"""The memory over the database: what it promises to the people who use it."""

import threading
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import uuid4

import pytest

from procur.conversations import ConversationMemory, get_conversation_memory
from procur.conversations import memory as module
from procur.core.clock import SteppingClock
from procur.core.errors import Conflict, InvalidInput, Unavailable
from procur.db import DatabaseSession
from procur.db.models import Conversation, Message
from procur.db.repositories import ConversationRepository


@pytest.fixture
def remember(database, people):
    def make(*args, **given):
        return ConversationMemory(*args, **{"database": database, "organization": "acme"} | given)

    return make


@pytest.fixture
def memory(remember):
    return remember(use_database=True)


def contents(messages):
    return [message["content"] for message in messages]


def test_the_documented_calls(memory, people):
    memory.add_message(
        conversation_id="conv_123",
        role="user",
        content="Hello",
        user_id=people.alice.id,
        intent="greeting",
        model_used="gpt-4",
        cost=0.001,
    )
    memory.add_message("conv_123", "agent", "Hi there", {"tone": "warm"})
    history = memory.get_history("conv_123", from_database=True)
    assert [(one["role"], one["content"]) for one in history] == [("user", "Hello"), ("agent", "Hi there")]
    assert set(history[0]) == {"role", "content", "timestamp", "metadata", "intent", "model_used", "cost"}
    assert (history[0]["intent"], history[0]["model_used"]) == ("greeting", "gpt-4")
    assert (history[0]["cost"], history[1]["metadata"]) == (Decimal("0.001"), {"tone": "warm"})
    assert history[0]["timestamp"].tzinfo is not None
    assert memory.get_context_summary("conv_123") == "user: Hello\nagent: Hi there"
    assert memory.get_context_summary("unheard of") == ""
    assert (memory.get_conversation_count(), memory.get_message_count()) == (1, 2)
    assert memory.get_message_count("conv_123") == 2
    assert memory.clear_conversation("conv_123") == 2
    assert memory.get_history("conv_123") == []
    assert memory.get_history("unheard of") == []


# P-2: after a restart the first message was lost, and the history was only what was said since.
def test_a_new_memory_knows_what_was_said_before(memory, remember):
    for number in range(12):
        memory.add_message("c", "user", f"{number}")
    later = remember(3)
    later.add_message("c", "user", "12")
    assert contents(later.get_history("c")) == ["10", "11", "12"]
    assert later.get_message_count("c") == 13


# P-12: reading from the database replaced the cache with the whole conversation.
def test_reading_does_not_widen_the_cache(remember):
    memory = remember(3)
    for number in range(9):
        memory.add_message("c", "user", f"{number}")
    assert len(memory.get_history("c", 100, from_database=True)) == 9
    assert contents(memory.get_history("c")) == ["6", "7", "8"]
    assert len(memory._backend._cache.get("c").entries) == 3


def test_the_cache_holds_the_conversations_used_last(remember):
    memory = remember(cache_size=2)
    for name in "abc":
        memory.add_message(name, "user", "x")
    assert list(memory._backend._cache._held) == ["b", "c"]
    assert contents(memory.get_history("a")) == ["x"]


def test_what_is_returned_is_a_copy(memory):
    memory.add_message("c", "user", "hello", {"nested": {"list": [1]}})
    first = memory.get_history("c")
    first[0]["metadata"]["nested"]["list"].append(2)
    first[0]["content"] = "changed"
    first.clear()
    assert memory.get_history("c")[0]["metadata"] == {"nested": {"list": [1]}}
    given = {"nested": {"list": [1]}}
    memory.add_message("c", "user", "hello", given)
    given["nested"]["list"].append(2)
    assert memory.get_history("c")[1]["metadata"] == {"nested": {"list": [1]}}


def test_a_read_takes_the_cache_when_it_is_up_to_date(memory, monkeypatch):
    for number in range(3):
        memory.add_message("c", "user", f"{number}")
    monkeypatch.setattr(ConversationRepository, "get_conversation_messages", None)
    assert contents(memory.get_history("c", 100)) == ["0", "1", "2"]


def test_what_others_write_is_seen(memory, remember):
    memory.add_message("c", "user", "mine")
    other = remember()
    other.add_message("c", "user", "theirs")
    assert contents(memory.get_history("c")) == ["mine", "theirs"]
    other.delete_conversation("c")
    assert memory.get_history("c") == []
    other.add_message("c", "user", "anew")
    assert contents(memory.get_history("c")) == ["anew"]


def test_a_message_tried_again_is_told_once(memory):
    for _ in range(3):
        memory.add_message("c", "user", "hello", message_id="m1")
    memory.add_message("c", "agent", "hi", message_id="m2")
    memory.add_message("c", "user", "hello", message_id="m1")
    assert (
        contents(memory.get_history("c"))
        == ["hello", "hi"]
        == contents(memory.get_history("c", from_database=True))
    )
    with pytest.raises(Conflict):
        memory.add_message("c", "user", "other", message_id="m1")


def test_threads_share_a_memory(memory):
    def write(name):
        for number in range(10):
            memory.add_message("c", "user", f"{name}{number}")
            memory.get_history("c")

    threads = [threading.Thread(target=write, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert memory.get_history("c", 40) == memory.get_history("c", 40, from_database=True)
    assert memory.get_message_count("c") == 40


# P-7: card numbers and keys stood in the messages verbatim.
def test_card_numbers_and_secrets_are_masked(memory, remember):
    said = "pay with 4111 1111 1111 1111, key sk-abcdefghijklmnopqrstuvwx"
    memory.add_message("c", "user", said, {"card": "4111111111111111", "password": "hunter2!"})
    told = memory.get_history("c")[0]
    assert "4111" not in told["content"] + str(told["metadata"])  # an id may hold these digits
    assert "sk-abc" not in str(told)
    assert "hunter2" not in str(told)
    assert told == memory.get_history("c", from_database=True)[0]
    assert memory.search("1111") == []
    remember(redact=None).add_message("d", "user", said)
    assert memory.get_history("d")[0]["content"] == said
    remember(redact=str.upper).add_message("e", "user", "quiet", {"a": "b"})
    assert memory.get_history("e")[0]["content"] == "QUIET"


# P-11: one session, got from a generator that was closed at once, was shared by all threads.
def test_the_callers_session_decides(database, people, remember):
    with database.get_session("acme") as session:
        memory = remember(db_session=session)
        memory.add_message("c", "user", "hello")
        assert contents(memory.get_history("c")) == ["hello"]
        assert memory._backend._cache.get("c") is None
        with database.get_session("acme", read_only=True) as other:
            assert other.query(Message).count() == 0
    assert memory._backend._cache.get("c").revision == 1


def test_what_the_caller_rolls_back_is_forgotten(database, people, remember):
    scope = database.get_session("acme")
    session = scope.__enter__()
    memory = remember(db_session=session)
    memory.add_message("c", "user", "hello")
    session.rollback()
    assert memory.get_history("c") == []
    with session.begin_nested() as savepoint:
        memory.add_message("c", "user", "in the savepoint")
        savepoint.rollback()
    memory.add_message("c", "user", "outside")
    session.commit()
    assert contents(memory.get_history("c")) == ["outside"]
    assert contents(remember().get_history("c")) == ["outside"]
    scope.close()


def test_the_window_covers_the_whole_conversation(memory):
    for number in range(30):
        memory.add_message("c", "user", f"message {number} " + "word " * number)
    for budget in (10, 40, 120, 500, 120, 100_000):
        window = memory.get_window("c", budget)
        assert window.tokens <= budget
        told = contents(window.messages)
        assert told == contents(memory.get_history("c", 30))[30 - len(told) :]
        assert window.summary_through >= 30 - len(told) or window.summary is None
        assert (window.summary is None) == (len(told) == 30)
    memory.add_message("c", "user", "one more")
    window = memory.get_window("c", 120)
    assert contents(window.messages)[-1] == "one more"
    assert window.summary_through >= 31 - len(window.messages)


def test_a_summary_is_stored_and_continued(remember):
    asked = []

    def summarise(previous, messages):
        asked.append((previous, contents(messages)))
        return f"{previous or ''}{len(messages)};"

    memory = remember(summarise=summarise, count_tokens=len)
    for number in range(6):
        memory.add_message("c", "user", f"{number:06}")
    window = memory.get_window("c", 40)
    assert (contents(window.messages), window.summary) == (["000003", "000004", "000005"], "3;")
    assert asked == [(None, ["000000", "000001", "000002"])]
    assert remember(summarise=None, count_tokens=len).get_window("c", 40).summary == "3;"
    memory.add_message("c", "user", "000006")
    assert memory.get_window("c", 40).summary == "3;1;"
    assert asked[1:] == [("3;", ["000003"])]
    memory.clear_conversation("c")
    assert memory.get_window("c", 40).summary is None


def test_costs_and_search_reach_the_whole_organisation(memory, remember):
    memory.add_message("a", "user", "a red apple", cost=0.1, model_used="m")
    memory.add_message("b", "user", "a green apple", cost=0.2, model_used="m")
    assert memory.conversation_cost("a") == Decimal("0.1")
    assert memory.organization_cost() == {"m": Decimal("0.3")}
    assert memory.organization_cost(by="conversation") == {"b": Decimal("0.2"), "a": Decimal("0.1")}
    found = memory.search("apple")
    assert [(one["conversation_id"], one["content"]) for one in found] == [
        ("b", "a green apple"),
        ("a", "a red apple"),
    ]
    assert contents(memory.search("apple", "a")) == ["a red apple"]
    assert remember(organization="rival").search("apple") == []


def test_old_conversations_leave_the_cache_and_stay_in_the_database(remember, database):
    start = datetime.now(UTC)
    memory = remember(max_age_hours=1, clock=SteppingClock(start + timedelta(hours=2)))
    memory.add_message("c", "user", "x")
    with database.get_session("acme") as session:
        ConversationRepository(session).update("c", expires_at=start - timedelta(hours=1))
        ConversationRepository(session).add_message("d", "user", "y")
    memory.get_history("d")
    assert memory.cleanup_old_conversations() == 3
    assert memory._backend._cache.get("d") is None
    assert memory.get_history("c") == []
    assert contents(memory.get_history("d")) == ["y"]


def test_a_database_that_is_away_acknowledges_nothing_and_comes_back(memory, database, monkeypatch, tmp_path):
    for number in range(12):
        memory.add_message("c", "user", f"{number}")
    address = database.config.database_url
    away = (
        f"sqlite:///{tmp_path / 'missing' / 'procur.db'}"
        if address.startswith("sqlite")
        else "postgresql://nobody@127.0.0.1:1/none"
    )
    gone = DatabaseSession(away)
    monkeypatch.setattr(memory._backend, "_database", gone)
    with pytest.raises(Unavailable):
        memory.add_message("c", "user", "12", message_id="m12")
    assert contents(memory.get_history("c")) == [f"{number}" for number in range(2, 12)]
    for call in (
        lambda: memory.get_history("c", 12),
        lambda: memory.get_history("c", from_database=True),
        lambda: memory.get_history("d"),
    ):
        with pytest.raises(Unavailable):
            call()
    gone.close()
    monkeypatch.setattr(memory._backend, "_database", database)
    memory.add_message("c", "user", "12", message_id="m12")
    assert contents(memory.get_history("c"))[-2:] == ["11", "12"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("conversation_id", ""),
        ("conversation_id", "x" * 256),
        ("conversation_id", 7),
        ("conversation_id", "\x00"),
        ("role", "boss"),
        ("role", None),
        ("content", None),
        ("content", "x" * 200_001),
        ("content", "a\x00"),
        ("content", "\ud800"),
        ("metadata", {"a": float("nan")}),
        ("metadata", {"a": "\ud800"}),
        ("metadata", "text"),
        ("metadata", {"a": object()}),
        ("user_id", 1),
        ("user_id", uuid4()),
        ("intent", "x" * 101),
        ("model_used", "\x00"),
        ("cost", -0.1),
        ("cost", float("nan")),
        ("message_id", "x" * 256),
    ],
)
def test_bad_input_changes_neither_database_nor_cache(memory, database, field, value):
    given = {"conversation_id": "c", "role": "user", "content": "hello"}
    memory.add_message("c", "user", "before")
    with pytest.raises(InvalidInput) as caught:
        memory.add_message(**given | {field: value})
    assert caught.value.field == field
    assert contents(memory.get_history("c")) == ["before"]
    with database.system_session() as session:
        assert (session.query(Conversation).count(), session.query(Message).count()) == (1, 1)


@pytest.mark.parametrize("count", [0, -1, True, 2.5, "3", 10**9])
def test_a_count_is_a_whole_number(memory, remember, count):
    for call in (
        lambda: memory.get_history("c", count),
        lambda: remember(count),
        lambda: memory.search("x", limit=count),
        lambda: remember(cache_size=count),
    ):
        with pytest.raises(InvalidInput):
            call()


def test_the_environment_chooses(monkeypatch):
    monkeypatch.setenv("CONVERSATION_WINDOW_SIZE", "4")
    monkeypatch.setenv("USE_DATABASE", "False")
    memory = ConversationMemory()
    assert (memory.max_messages, memory.use_database) == (4, False)
    assert ConversationMemory(7, use_database=True).use_database
    monkeypatch.delenv("USE_DATABASE")
    assert ConversationMemory().use_database
    monkeypatch.setenv("CONVERSATION_WINDOW_SIZE", "many")
    with pytest.raises(InvalidInput, match="CONVERSATION_WINDOW_SIZE"):
        ConversationMemory()


@pytest.mark.parametrize("word", ["n", "none", "no", "off", "0", "false", " OFF "])
def test_many_words_in_the_environment_say_no_database(monkeypatch, word):
    monkeypatch.setenv("USE_DATABASE", word)
    monkeypatch.setenv("CONVERSATION_WINDOW_SIZE", "")
    memory = ConversationMemory()
    assert (memory.use_database, memory.max_messages) == (False, 10)


def test_a_session_is_used_whatever_the_environment_says(monkeypatch, session):
    monkeypatch.setenv("USE_DATABASE", "false")
    memory = ConversationMemory(db_session=session)
    memory.add_message("c", "user", "hello")
    assert (memory.use_database, ConversationRepository(session).get("c").last_sequence) == (True, 1)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("db_session", object()),
        ("db_session", "sqlite://"),
        ("organization", ""),
        ("organization", " "),
        ("max_age_hours", float("inf")),
        ("max_age_hours", float("nan")),
        ("max_age_hours", "24"),
        ("max_age_hours", None),
        ("max_age_hours", -1),
        ("max_age_hours", 10**9),
    ],
)
def test_what_makes_no_memory_is_refused_by_name(field, value):
    with pytest.raises(InvalidInput) as refused:
        ConversationMemory(**{field: value})
    assert refused.value.field == field


@pytest.mark.parametrize("depth", [101, 260, 300, 500, 5000])
def test_metadata_nested_too_deep_is_refused_by_name(memory, depth):
    metadata = {"a": 1}
    for _ in range(depth - 1):
        metadata = {"a": metadata}
    with pytest.raises(InvalidInput) as refused:
        memory.add_message("c", "user", "hello", metadata)
    assert refused.value.field == "metadata"
    assert memory.get_history("c") == []


def test_metadata_may_be_nested_a_hundred_deep(memory):
    metadata = {"a": 1}
    for number in range(99):
        metadata = {"a": metadata} if number % 2 else {"a": metadata, "b": [number]}
    memory.add_message("c", "user", "hello", metadata)
    assert memory.get_history("c", from_database=True)[0]["metadata"] == metadata


def test_the_process_has_one_memory(monkeypatch):
    monkeypatch.setattr(module, "_shared", None)
    assert get_conversation_memory() is get_conversation_memory()
