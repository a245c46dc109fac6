"""The memory without a database: the same answers, in this process only."""

import threading
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from procur.conversations import ConversationMemory
from procur.core.clock import SteppingClock
from procur.core.errors import Conflict, InvalidInput


@pytest.fixture
def memory():
    return ConversationMemory(3, use_database=False)


def contents(messages):
    return [message["content"] for message in messages]


def test_it_needs_neither_database_nor_user(memory):
    memory.add_message("c", "user", "hello", user_id=1)
    memory.add_message("c", "agent", "hi", {"a": [1]}, cost=0.5, model_used="m")
    assert [one["role"] for one in memory.get_history("c")] == ["user", "agent"]
    memory.get_history("c")[1]["metadata"]["a"].append(2)
    assert memory.get_history("c", from_database=True)[1]["metadata"] == {"a": [1]}
    assert memory.conversation_cost("c") == Decimal("0.5")
    assert memory.organization_cost() == {"m": Decimal("0.5"), None: Decimal(0)}


def test_the_newest_come_in_order_and_none_is_dropped(memory):
    for number in range(9):
        memory.add_message("c", "user", f"{number}")
    assert contents(memory.get_history("c")) == ["6", "7", "8"]
    assert len(memory.get_history("c", 100)) == 9
    assert memory.get_message_count("c") == memory.get_message_count() == 9


def test_conversations_used_longest_ago_give_way():
    memory = ConversationMemory(use_database=False, cache_size=2)
    for name in ("a", "b"):
        memory.add_message(name, "user", "x")
    memory.get_history("a")
    memory.add_message("c", "user", "x")
    assert memory.get_history("b") == []
    assert (len(memory.get_history("a")), memory.get_conversation_count()) == (1, 2)


def test_a_message_tried_again_is_kept_once(memory):
    for _ in range(2):
        memory.add_message("c", "user", "hello", message_id="m1")
    assert memory.get_message_count("c") == 1
    with pytest.raises(Conflict):
        memory.add_message("d", "user", "hello", message_id="m1")


def test_clearing_and_deleting(memory):
    memory.add_message("c", "user", "x", cost=1)
    assert (memory.clear_conversation("c"), memory.clear_conversation("d")) == (1, 0)
    assert (memory.get_history("c"), memory.conversation_cost("c")) == ([], Decimal(1))
    assert (memory.delete_conversation("c"), memory.delete_conversation("c")) == (True, False)
    assert memory.get_conversation_count() == 0


def test_old_conversations_are_forgotten():
    clock = SteppingClock(datetime(2026, 1, 1, tzinfo=UTC), timedelta(hours=13))
    memory = ConversationMemory(use_database=False, clock=clock)
    memory.add_message("a", "user", "x")
    memory.add_message("b", "user", "x")
    assert memory.cleanup_old_conversations() == 1
    assert (memory.get_history("a"), len(memory.get_history("b"))) == ([], 1)


def test_words_are_found(memory):
    memory.add_message("a", "user", "Bob@Acme.com is away")
    memory.add_message("b", "user", "away with it")
    assert [one["conversation_id"] for one in memory.search("AWAY")] == ["b", "a"]
    assert contents(memory.search('"is away"')) == ["Bob@Acme.com is away"]
    assert memory.search("away", "a", limit=1)[0]["conversation_id"] == "a"
    assert memory.search("?") == []


def test_window_and_summary_cover_everything(memory):
    for number in range(20):
        memory.add_message("c", "user", f"message {number}")
    window = memory.get_window("c", 60)
    assert window.summary_through == 20 - len(window.messages) > 0
    assert memory.get_window("c", 60) == window
    assert memory.get_window("unheard of", 60).messages == []
    memory.clear_conversation("c")
    assert memory.get_window("c", 60).summary is None


@pytest.mark.parametrize(
    ("field", "value"), [("role", "boss"), ("content", "\x00"), ("cost", -1), ("conversation_id", "")]
)
def test_bad_input_keeps_nothing(memory, field, value):
    given = {"conversation_id": "c", "role": "user", "content": "x"} | {field: value}
    with pytest.raises(InvalidInput) as caught:
        memory.add_message(**given)
    assert caught.value.field == field
    assert memory.get_conversation_count() == 0


def test_threads_may_share_it(memory):
    def write():
        for number in range(200):
            memory.add_message("c", "user", f"{number}")

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert memory.get_message_count("c") == 800


def test_costs_by_other_things_need_a_database(memory):
    with pytest.raises(InvalidInput):
        memory.organization_cost(by="user")
