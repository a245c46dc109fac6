"""Summaries in the window: whoever writes them, in the database and in this process."""

import pytest

from procur.conversations import ConversationMemory
from procur.core.errors import InvalidInput
from procur.db.repositories import ConversationRepository


@pytest.fixture(params=["stored", "local"])
def remember(request, database, people):
    stored = request.param == "stored"
    kept = ConversationMemory(use_database=stored, database=database, organization="acme")

    def make(**given):
        memory = ConversationMemory(use_database=stored, database=database, organization="acme", **given)
        memory._backend = memory._windows._backend = kept._backend
        return memory

    return make


def say(memory, count=30):
    for number in range(count):
        memory.add_message("c", "user", f"message {number} " + "word " * number)


def test_a_summary_in_one_paragraph_reaches_the_window(remember):
    memory = remember(summarise=lambda _previous, _messages: "All of it was about laptops. " * 100)
    say(memory)
    window = memory.get_window("c", 200)
    assert window.summary.startswith("All of it was about laptops. All")
    assert window.tokens <= 200


def test_the_first_message_stays_in_the_default_summary(remember):
    memory = remember()
    say(memory, 80)
    summary = memory.get_window("c", 400).summary.split("\n")
    assert (summary[0], summary.count("[…]")) == ("user: message 0", 1)


@pytest.mark.parametrize("answer", ["", " \n", None, b"laptops", 7, ["laptops"], "lap\x00tops"])
def test_a_summary_that_says_nothing_is_refused_and_the_last_one_stays(remember, answer):
    answers = iter(["about laptops", answer, "about laptops and chairs"])
    memory = remember(summarise=lambda _previous, _messages: next(answers))
    say(memory, 10)
    assert memory.get_window("c", 60).summary == "about laptops"
    say(memory, 10)
    with pytest.raises(InvalidInput) as refused:
        memory.get_window("c", 60)
    assert refused.value.field == "summary"
    assert memory._backend.talk("c").summary == "about laptops"
    assert memory.get_window("c", 60).summary == "about laptops and chairs"


def test_the_place_itself_refuses_an_empty_summary(remember):
    memory = remember()
    say(memory, 3)
    with pytest.raises(InvalidInput) as refused:
        memory._backend.keep_summary("c", "", 2, memory._backend.talk("c"))
    assert (refused.value.field, memory._backend.talk("c").summary) == ("summary", None)


def test_a_conversation_deleted_while_it_is_summed_up_is_empty(remember):
    def summarise(_previous, _messages):
        memory.delete_conversation("c")
        return "about laptops"

    memory = remember(summarise=summarise)
    say(memory)
    window = memory.get_window("c", 100)
    assert (window.messages, window.summary, window.tokens) == ([], None, 0)


@pytest.mark.parametrize("number", [None, 1.5, "3", True, -1])
def test_tokens_are_counted_in_whole_numbers(remember, number):
    memory = remember(count_tokens=lambda _text: number)
    say(memory, 2)
    with pytest.raises(InvalidInput) as refused:
        memory.get_window("c", 100)
    assert refused.value.field == "count_tokens"


def test_an_empty_summary_kept_by_an_older_version_is_written_anew(database, people):
    memory = ConversationMemory(database=database, organization="acme")
    say(memory)
    with database.get_session("acme") as session:
        row = ConversationRepository(session).get("c")
        row.summary, row.summary_sequence = "", 29
    assert memory.get_window("c", 200).summary.startswith("user: message 0")
