"""ProcurConversationStore beside pydantic-ai's store in memory, and under an agent."""

import asyncio
import dataclasses
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic_ai import Agent
from pydantic_ai.conversation import Conversation
from pydantic_ai.conversation_store import (
    ConversationConflict,
    ConversationEntry,
    ConversationRecord,
    ConversationStore,
    InMemoryConversationStore,
)
from pydantic_ai.exceptions import UserError
from pydantic_ai.messages import ModelRequest, ModelResponse, TextPart, ToolCallPart, UserPromptPart
from pydantic_ai.models.test import TestModel
from pydantic_ai.tools import DeferredToolRequests

from procur.conversations.adapters import ProcurConversationStore
from procur.core.errors import InvalidInput
from procur.db import DatabaseSession
from procur.db.models import AgentConversationRecord, AgentEntryRecord

NUMBERS = count()
WHEN = datetime(2026, 1, 2, tzinfo=UTC)
NAMES = st.sampled_from(["a", "b", "c"])
SCOPES = st.none() | st.sampled_from(["user-1", "user-2"])
OPERATIONS = st.lists(
    st.tuples(st.just("say"), NAMES, SCOPES, st.integers(1, 3))
    | st.tuples(st.just("rewrite"), NAMES, st.none(), st.integers(0, 2))
    | st.tuples(st.just("branch"), NAMES, SCOPES, st.integers(0, 4))
    | st.tuples(st.just("back"), NAMES, st.none(), st.just(0))
    | st.tuples(st.just("fork"), NAMES, NAMES, st.integers(0, 4))
    | st.tuples(st.just("delete"), NAMES, SCOPES, st.just(0))
    | st.tuples(st.just("stale"), NAMES, st.none(), st.just(0)),
    max_size=12,
)


def ask(text):
    return ModelRequest(parts=[UserPromptPart(text, timestamp=WHEN)], timestamp=WHEN)


def run(work):
    return asyncio.run(work)


async def play(store, prefix, operations):
    """Return what each operation let one see, and in the end everything that the store shows."""
    seen = []
    for number, (verb, name, other, size) in enumerate(operations):
        try:
            seen.append(await step(store, prefix, (verb, prefix + name, other, size), number))
        except UserError as error:
            seen.append(type(error).__name__)
    for record in await store.list_conversations():
        entries = await store.load_entries(record.conversation_id)
        lines = [await store.read_history(tip) for tip in record.branches]
        plain = dataclasses.replace(
            record, head_id=None, branches=[], revision="", updated_at=WHEN, forked_at=None
        )
        seen.append((plain, *([entry.message for entry in line] for line in [entries, *lines])))
    return seen


async def step(store, prefix, operation, number):  # noqa: PLR0911 - one per verb
    verb, name, other, size = operation
    held = await store.load(name, scope=other if verb == "say" else None)
    if verb == "say":
        held = held or Conversation(conversation_id=name)
        held.messages += [ask(f"{number}.{n}") for n in range(size)]
        held.usage.requests += 1
        return len(await store.save(held, scope=other))
    if held is None:
        return None
    if verb == "rewrite":
        held.messages = [*held.messages[:size], ask(f"rewritten {number}")]
        held.new_message_index = None
        return len(await store.save(held))
    if verb == "branch":
        done = await store.branch(name, at=size, expected_revision=held.revision, scope=other)
        return done.messages
    if verb == "back":
        tips = (await store.read_record(name)).branches
        if tips:
            done = await store.branch(name, from_entry=tips[0], expected_revision=held.revision)
            return done.messages
    if verb == "fork":
        return (await store.fork(name, at=size, new_conversation_id=prefix + other)).messages
    if verb == "delete":
        await store.delete(name, scope=other)
    if verb == "stale":
        late = await store.load(name)
        await store.save(held)
        late.messages.append(ask("too late"))
        await store.save(late)
    return None


def entries_of(database):
    with database.system_session() as session:
        return session.query(AgentEntryRecord).count()


@given(operations=OPERATIONS)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25, deadline=None)
def test_it_shows_what_the_store_in_memory_shows(database, operations):
    with database.system_session() as session:
        for model in (AgentConversationRecord, AgentEntryRecord):
            session.query(model).delete()
    memory, prefix = InMemoryConversationStore(), f"{next(NUMBERS)}-"
    expected = run(play(memory, prefix, operations))
    found = run(play(ProcurConversationStore(database=database), prefix, operations))
    assert found == expected
    assert entries_of(database) == len(memory._entries)


def test_an_agent_goes_on_after_a_restart(database):
    agent = Agent(TestModel(custom_output_text="noted"))

    def turn(prompt):
        """What a process does between its start and its end."""
        opened = DatabaseSession(database.config)
        store = ProcurConversationStore(database=opened)
        assert isinstance(store, ConversationStore)

        async def once():
            conversation = await store.load("c") or Conversation(conversation_id="c")
            result = await agent.run(prompt, conversation=conversation)
            await store.save(result, scope="user-1")
            return result.conversation

        held = run(once())
        opened.close()
        return held

    turn("laptops")
    held = turn("and phones")
    found = run(ProcurConversationStore(database=database).load("c"))
    assert found == held
    assert found.usage.requests == 2
    assert [type(message) for message in found.messages] == [ModelRequest, ModelResponse] * 2


def test_a_paused_conversation_comes_back_whole(database):
    store = ProcurConversationStore(database=database)
    call = ToolCallPart("order", {"n": 2**70, "note": "a\x00b", "z": 1.0}, tool_call_id="c1")
    held = Conversation(
        conversation_id="c",
        messages=[ask("x"), ModelResponse(parts=[TextPart("🙂"), call], timestamp=WHEN)],
        deferred_tool_requests=DeferredToolRequests(approvals=[call], metadata={"c1": {"why": ["limit"]}}),
    )
    run(store.save(held))
    assert run(store.load("c")) == held


def test_of_many_savers_at_once_exactly_one_wins(database):
    store = ProcurConversationStore(database=database)
    run(store.save(Conversation(conversation_id="c", messages=[ask("first")])))
    barrier = threading.Barrier(6)

    def save(number, name):
        held = run(store.load(name)) or Conversation(conversation_id=name)
        held.messages.append(ask(f"{number}"))
        barrier.wait()
        try:
            run(store.save(held))
        except ConversationConflict:
            return None
        return number

    for name, before in (("c", 1), ("new", 0)):
        with ThreadPoolExecutor(6) as pool:
            won = [one for one in pool.map(save, range(6), [name] * 6) if one is not None]
        assert len(won) == 1
        messages = run(store.load(name)).messages
        assert len(messages) == before + 1
        assert messages[-1].parts[0].content == f"{won[0]}"
    assert entries_of(database) == 3  # those who lost left nothing


def test_forks_and_deletions_at_once_break_no_history(database):
    store = ProcurConversationStore(database=database)
    for number in range(4):
        held = Conversation(conversation_id="c", messages=[ask(f"{n}") for n in range(5)])
        run(store.save(held))
        barrier = threading.Barrier(4)

        def fork(name, barrier=barrier):
            barrier.wait()
            try:
                run(store.fork("c", at=3, new_conversation_id=name))
            except UserError:  # it was gone, or is just being deleted
                return None
            return name

        def delete(barrier=barrier):
            barrier.wait()
            run(store.delete("c"))

        with ThreadPoolExecutor(4) as pool:
            forks = [pool.submit(fork, f"fork{number}.{one}") for one in range(3)]
            pool.submit(delete).result()
            names = [one.result() for one in forks]
        for name in filter(None, names):
            assert len(run(store.load(name)).messages) == 3
            run(store.delete(name))
        assert entries_of(database) == 0


def test_deleting_a_conversation_leaves_no_word_of_it_but_what_a_fork_shows(database):
    store = ProcurConversationStore(database=database)
    run(store.save(Conversation(conversation_id="c", messages=[ask(f"{n}") for n in range(600)])))
    held = run(store.load("c"))
    held.messages = [*held.messages[:2], ask("other")]
    held.new_message_index = None
    run(store.save(held))
    run(store.fork("c", at=2, new_conversation_id="fork"))
    run(store.delete("c"))
    assert entries_of(database) == 2
    assert len(run(store.load("fork")).messages) == 2
    run(store.delete("fork"))
    assert entries_of(database) == 0


def test_the_same_id_in_two_organisations_is_two_conversations(database, people):
    acme = ProcurConversationStore(database=database, organization="acme")
    rival = ProcurConversationStore(database=database, organization=people.other_organization_id)
    [entry] = run(acme.save(Conversation(conversation_id="c", messages=[ask("ours")]), scope="acme"))
    revision = run(acme.read_record("c")).revision
    assert run(rival.load("c")) is None
    assert run(rival.list_conversations(scope="acme")) == []
    assert run(rival.list_conversations(scope=str(people.organization_id))) == []
    with pytest.raises(LookupError):
        run(rival.read_entry(entry.id))
    with pytest.raises(LookupError):
        run(rival.read_history(entry.id))
    with pytest.raises(ConversationConflict):
        run(rival.delete_record("c", expected_revision=revision))
    with pytest.raises(ConversationConflict):
        run(rival.write_record(run(acme.read_record("c")), expected_revision=revision))
    with pytest.raises(ConversationConflict):  # stands on an entry of another organisation
        run(
            rival.write_record(
                ConversationRecord(conversation_id="x", head_id=entry.id), expected_revision=None
            )
        )
    on_it = ConversationEntry(parent_id=entry.id, message=ask("mine"))
    record = ConversationRecord(conversation_id="x", head_id=on_it.id)
    with pytest.raises(ConversationConflict):
        run(rival.write_record(record, new_entries=[on_it], expected_revision=None))
    run(rival.delete("c"))
    run(rival.save(Conversation(conversation_id="c", messages=[ask("theirs")])))
    assert run(acme.load("c")).messages == [ask("ours")]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"conversation_id": "a\x00"}, "conversation_id"),
        ({"conversation_id": "x" * 401}, "conversation_id"),
        ({"scope": "a\x00"}, "scope"),
        ({"revision": ""}, "revision"),
        ({"updated_at": datetime(2026, 1, 2)}, "updated_at"),  # noqa: DTZ001 - that is the point
    ],
)
def test_what_is_no_record_is_refused(database, changes, field):
    store = ProcurConversationStore(database=database)
    record = ConversationRecord(**{"conversation_id": "c", "head_id": None, **changes})
    with pytest.raises(InvalidInput) as refused:
        run(store.write_record(record, expected_revision=None))
    assert refused.value.field == field
    assert run(store.list_conversations()) == []


def test_half_a_surrogate_pair_is_refused_and_nothing_is_written(database):
    store = ProcurConversationStore(database=database)
    with pytest.raises(InvalidInput) as refused:
        run(store.save(Conversation(conversation_id="c", messages=[ask("\ud800")])))
    assert refused.value.field == "messages"
    assert run(store.load("c")) is None
