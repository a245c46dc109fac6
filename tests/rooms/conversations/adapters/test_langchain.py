"""ProcurChatMessageHistory beside LangChain's own history in memory, and under its runnable."""

import asyncio
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from langchain_core.chat_history import BaseChatMessageHistory, InMemoryChatMessageHistory
from langchain_core.language_models.fake_chat_models import ParrotFakeChatModel
from langchain_core.messages import AIMessage, ChatMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.runnables.history import RunnableWithMessageHistory

from procur.conversations.adapters import ProcurChatMessageHistory, ProcurSession
from procur.core.errors import InvalidInput

pytestmark = pytest.mark.filterwarnings("ignore::langchain_core._api.deprecation.LangChainDeprecationWarning")

NUMBERS = count()
EXTRA = st.dictionaries(st.text(), st.text() | st.integers() | st.none(), max_size=2)
CALL = st.builds(lambda name: {"name": name, "args": {"q": [1.5, None]}, "id": "c1"}, st.text(min_size=1))
MESSAGE = st.one_of(
    st.builds(HumanMessage, content=st.text(), additional_kwargs=EXTRA, id=st.none() | st.text()),
    st.builds(AIMessage, content=st.text(), tool_calls=st.lists(CALL, max_size=2), response_metadata=EXTRA),
    st.builds(SystemMessage, content=st.lists(st.builds(lambda t: {"type": "text", "text": t}, st.text()))),
    st.builds(ToolMessage, content=st.text(), tool_call_id=st.text(), artifact=EXTRA),
    st.builds(ChatMessage, content=st.text(), role=st.text(min_size=1)),
)
OPERATIONS = st.lists(
    st.tuples(st.sampled_from(["add_messages", "aadd_messages"]), st.lists(MESSAGE, max_size=3))
    | st.tuples(st.just("add_user_message"), st.text())
    | st.tuples(st.sampled_from(["clear", "aclear", "aget_messages"])),
    max_size=6,
)


@given(operations=OPERATIONS)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25, deadline=None)
def test_it_holds_what_the_history_in_memory_holds(database, operations):
    theirs = InMemoryChatMessageHistory()
    ours = ProcurChatMessageHistory(f"s{next(NUMBERS)}", database=database)
    for name, *values in operations:
        for history in (theirs, ours):
            answer = getattr(history, name)(*values)
            if asyncio.iscoroutine(answer):
                asyncio.run(answer)
        assert ours.messages == theirs.messages
    assert asyncio.run(ours.aget_messages()) == theirs.messages
    assert str(ours) == str(theirs)


def test_a_runnable_remembers(database):
    def history(session_id):
        return ProcurChatMessageHistory(session_id, database=database)

    chain = RunnableWithMessageHistory(ParrotFakeChatModel(), history)
    config = {"configurable": {"session_id": "laptops"}}
    assert chain.invoke([HumanMessage("one")], config).content == "one"
    asyncio.run(chain.ainvoke([HumanMessage("two")], config))
    assert [message.content for message in history("laptops").messages] == ["one", "one", "two", "two"]
    assert isinstance(history("laptops"), BaseChatMessageHistory)


@pytest.mark.parametrize("text", ["a\x00b", "\ud800", "🙂"], ids=["nul", "surrogate", "emoji"])
def test_text_comes_back_as_it_was(database, text):
    history = ProcurChatMessageHistory("s", database=database)
    message = HumanMessage(content=text, additional_kwargs={"z": 2**90, "a": 1})
    history.add_messages([message])
    assert history.messages == [message]
    assert list(history.messages[0].additional_kwargs) == ["z", "a"]


def test_what_json_does_not_know_is_refused_and_nothing_is_written(database):
    history = ProcurChatMessageHistory("s", database=database)
    with pytest.raises(InvalidInput) as refused:
        history.add_messages([HumanMessage("fine"), HumanMessage("x", additional_kwargs={"o": object()})])
    assert refused.value.field == "messages"
    assert history.messages == []


def test_organisations_and_libraries_do_not_meet(database, people):
    acme = ProcurChatMessageHistory("s", database=database, organization="acme")
    rival = ProcurChatMessageHistory("s", database=database, organization=people.other_organization_id)
    acme.add_messages([HumanMessage("ours")])
    assert rival.messages == []
    rival.clear()
    other_library = ProcurSession("s", database=database, organization="acme")
    assert asyncio.run(other_library.get_items()) == []
    asyncio.run(other_library.clear_session())
    assert acme.messages == [HumanMessage("ours")]
