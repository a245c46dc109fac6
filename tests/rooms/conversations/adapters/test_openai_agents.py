"""ProcurSession beside the sessions that OpenAI Agents ships, and under its runner."""

import asyncio
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import count

import pytest
from agents import Agent, ModelResponse, RunConfig, Runner, SessionSettings, SQLiteSession, Usage
from agents.memory import Session
from agents.models.interface import Model
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openai.types.responses import ResponseOutputMessage, ResponseOutputText

from procur.conversations.adapters import ProcurSession
from procur.core.errors import InvalidInput, NotFound

NUMBERS = count()
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
ITEM = st.fixed_dictionaries({"role": st.sampled_from(["user", "assistant"]), "content": JSON})
OPERATIONS = st.lists(
    st.tuples(st.just("add_items"), st.lists(ITEM, max_size=3))
    | st.tuples(st.just("get_items"), st.none() | st.integers(-1, 5))
    | st.tuples(st.sampled_from(["pop_item", "clear_session"])),
    max_size=8,
)


def said(text):
    return {"role": "user", "content": text}


def test_it_is_a_session(database):
    session = ProcurSession("s", database=database)
    assert isinstance(session, Session)
    assert session.session_id == "s"
    assert session.session_settings == SessionSettings()


@given(operations=OPERATIONS)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25, deadline=None)
def test_every_call_answers_as_the_librarys_own_session(database, operations):
    async def play(session):
        answers = []
        for name, *given_values in operations:
            answers.append(await getattr(session, name)(*given_values))
        return [*answers, await session.get_items()]

    theirs = SQLiteSession("s")
    ours = ProcurSession(f"s{next(NUMBERS)}", database=database)
    expected, found = asyncio.run(play(theirs)), asyncio.run(play(ours))
    theirs.close()
    assert json.dumps(found) == json.dumps(expected)  # as text: the order of keys, 1.0 and 1, NaN


@pytest.mark.parametrize(
    "content",
    [
        "a\x00b",
        "\ud800 alone",
        "é 漢 🙂",
        2**200,
        1e308,
        [1.0, 1],
        {"b": 1, "a": {"\x00": "\udfff"}},
        "x" * 300_000,
    ],
    ids=["nul", "surrogate", "unicode", "large", "float", "one", "keys", "long"],
)
def test_items_come_back_as_they_were(database, content):
    session = ProcurSession("s", database=database)
    asyncio.run(session.add_items([said(content)]))
    assert json.dumps(asyncio.run(session.get_items())) == json.dumps([said(content)])


def test_the_settings_limit_what_is_read_unless_the_call_does(database):
    session = ProcurSession("s", database=database, session_settings=SessionSettings(limit=2))
    asyncio.run(session.add_items([said(n) for n in range(5)]))
    assert asyncio.run(session.get_items()) == [said(3), said(4)]
    assert asyncio.run(session.get_items(3)) == [said(2), said(3), said(4)]


def test_writers_at_once_lose_nothing_and_stay_together(database):
    barrier = threading.Barrier(6)

    def write(writer):
        session = ProcurSession("s", database=database)
        barrier.wait()
        for number in range(5):
            asyncio.run(session.add_items([said([writer, number, part]) for part in range(3)]))

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(write, range(6)))
    found = [item["content"] for item in asyncio.run(ProcurSession("s", database=database).get_items())]
    assert len(found) == 6 * 5 * 3
    for start in range(0, len(found), 3):
        writer, number, _ = found[start]
        assert found[start : start + 3] == [[writer, number, part] for part in range(3)]
    for writer in range(6):
        assert [n for w, n, part in found if w == writer and part == 0] == [0, 1, 2, 3, 4]


def test_each_item_is_popped_once(database):
    session = ProcurSession("s", database=database)
    asyncio.run(session.add_items([said(n) for n in range(20)]))
    with ThreadPoolExecutor(5) as pool:
        popped = list(pool.map(lambda _: asyncio.run(session.pop_item())["content"], range(20)))
    assert sorted(popped) == list(range(20))
    assert asyncio.run(session.pop_item()) is None


def test_a_cancelled_call_is_over_when_its_error_comes(database):
    async def cancel():
        session = ProcurSession("s", database=database)
        task = asyncio.create_task(session.add_items([said(1)]))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return await session.get_items()

    assert asyncio.run(cancel()) == [said(1)]


class Echo(Model):
    """Says how many messages it was shown."""

    async def get_response(self, system_instructions, input, *args, **kwargs):  # noqa: A002
        content = ResponseOutputText(annotations=[], text=f"I saw {len(input)}", type="output_text")
        answer = ResponseOutputMessage(
            id=f"m{len(input)}", content=[content], role="assistant", status="completed", type="message"
        )
        return ModelResponse(output=[answer], usage=Usage(), response_id=None)

    def stream_response(self, *args, **kwargs):
        raise NotImplementedError


def test_an_agent_remembers_across_sessions(database):
    agent = Agent(name="buyer", model=Echo())
    quiet = RunConfig(tracing_disabled=True)

    def ask(prompt, session):
        return asyncio.run(Runner.run(agent, prompt, session=session, run_config=quiet)).final_output

    def ours():
        return ProcurSession("laptops", database=database)

    theirs = SQLiteSession("laptops")
    for prompt, answer in (("hello", "I saw 1"), ("again", "I saw 3")):
        assert ask(prompt, ours()) == ask(prompt, theirs) == answer
    assert asyncio.run(ours().get_items()) == asyncio.run(theirs.get_items())
    theirs.close()


def test_the_same_id_in_two_organisations_is_two_sessions(database, people):
    acme = ProcurSession("s", database=database, organization=people.organization_id)
    rival = ProcurSession("s", database=database, organization="rival")
    asyncio.run(acme.add_items([said("ours")]))
    assert asyncio.run(rival.get_items()) == []
    assert asyncio.run(rival.pop_item()) is None
    asyncio.run(rival.clear_session())
    asyncio.run(rival.add_items([said("theirs")]))
    assert asyncio.run(acme.get_items()) == [said("ours")]
    with pytest.raises(NotFound):
        asyncio.run(ProcurSession("s", database=database, organization="nobody").get_items())


@pytest.mark.parametrize("session_id", ["", "a\x00b", "\ud800", "é" * 201, 7])
def test_an_id_that_is_no_key_is_refused(database, session_id):
    session = ProcurSession(session_id, database=database)
    with pytest.raises(InvalidInput) as refused:
        asyncio.run(session.add_items([said("x")]))
    assert refused.value.field == "conversation_id"


def test_what_json_does_not_know_is_refused_and_nothing_is_written(database):
    session = ProcurSession("s", database=database)
    with pytest.raises(InvalidInput) as refused:
        asyncio.run(session.add_items([said("fine"), said({1, 2})]))
    assert refused.value.field == "items"
    assert asyncio.run(session.get_items()) == []
