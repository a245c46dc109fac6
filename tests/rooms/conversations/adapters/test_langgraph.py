"""ProcurSaver under real graphs, beside LangGraph's saver in memory."""

import asyncio
import operator
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated, TypedDict

import pytest
from langgraph.channels.delta import DeltaChannel
from langgraph.checkpoint.base import empty_checkpoint
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command, interrupt

from procur.conversations.adapters import ProcurSaver
from procur.core.errors import Conflict, InvalidInput
from procur.db.models import AgentCheckpointBlob, AgentCheckpointRecord, AgentCheckpointWrite


class State(TypedDict):
    budget: int
    notes: Annotated[list[str], operator.add]


def approval_graph(saver):
    """A purchase that stops for an approver."""

    def plan(state):
        return {"notes": [f"plan for {state['budget']}"]}

    def approve(state):
        return {"notes": [f"approved: {interrupt({'budget': state['budget']})}"]}

    def order(state):
        return {"notes": [f"ordered after {len(state['notes'])} notes"]}

    graph = StateGraph(State)
    for name, step in (("plan", plan), ("approve", approve), ("order", order)):
        graph.add_node(name, step)
    graph.add_edge(START, "plan")
    graph.add_edge("plan", "approve")
    graph.add_edge("approve", "order")
    graph.add_edge("order", END)
    return graph.compile(checkpointer=saver)


def thread(name="t", **more):
    return {"configurable": {"thread_id": name, **more}}


def story(make_saver):
    """Stop, resume in another process, go back in time, change the past; tell what could be seen of it."""
    seen = []
    paused = approval_graph(make_saver()).invoke({"budget": 5, "notes": []}, thread())
    seen.append(paused["__interrupt__"][0].value)
    seen.append(approval_graph(make_saver()).invoke(Command(resume="yes"), thread()))
    history = list(approval_graph(make_saver()).get_state_history(thread()))
    seen.append([(one.values, one.next, one.metadata["step"], one.metadata["source"]) for one in history])
    [before_approval] = [one for one in history if one.next == ("approve",)]
    changed = approval_graph(make_saver()).update_state(before_approval.config, {"budget": 9})
    seen.append(approval_graph(make_saver()).invoke(None, changed)["__interrupt__"][0].value)
    seen.append(approval_graph(make_saver()).invoke(Command(resume="no"), thread()))
    after = list(approval_graph(make_saver()).get_state_history(thread(), filter={"source": "update"}))
    seen.append([one.values for one in after])
    two = approval_graph(make_saver()).get_state_history(thread(), limit=2, before=history[0].config)
    seen.append([one.values for one in two])
    first = approval_graph(make_saver()).get_state(before_approval.config)
    seen.append((first.values, [task.interrupts[0].value for task in first.tasks]))
    return seen


def test_interrupt_resume_and_time_travel_go_as_in_memory(database):
    memory = InMemorySaver()
    assert story(lambda: ProcurSaver(database=database)) == story(lambda: memory)


def test_the_same_asynchronously(database):
    async def run(saver):
        graph = approval_graph(saver)
        await graph.ainvoke({"budget": 5, "notes": []}, thread())
        done = await graph.ainvoke(Command(resume="yes"), thread())
        return done, [one.values async for one in graph.aget_state_history(thread())]

    assert asyncio.run(run(ProcurSaver(database=database))) == asyncio.run(run(InMemorySaver()))


def append(old, batches):
    return [*old, *(item for batch in batches for item in batch)]


def delta_graph(saver):
    """A channel whose value LangGraph rebuilds from the writes of earlier checkpoints."""

    class Log(TypedDict):
        log: Annotated[list[str], DeltaChannel(append, list, snapshot_frequency=3)]

    graph = StateGraph(Log)
    graph.add_node("talk", lambda state: {"log": [f"answer {len(state['log'])}"]})
    graph.add_edge(START, "talk")
    graph.add_edge("talk", END)
    return graph.compile(checkpointer=saver)


@pytest.mark.parametrize("turns", range(2, 7))
def test_pruning_keeps_what_a_delta_channel_is_rebuilt_from(sqlite_database, turns):
    saver = ProcurSaver(database=sqlite_database)
    for turn in range(turns):
        before = delta_graph(saver).invoke({"log": [f"question {turn}"]}, thread())
    earlier = len(list(saver.list(thread())))
    saver.prune(["t"])
    assert delta_graph(saver).get_state(thread()).values == before
    assert len(list(saver.list(thread()))) < earlier
    after = delta_graph(saver).invoke({"log": ["go on"]}, thread())
    assert after["log"][:-2] == before["log"]


def rows(database, model):
    with database.system_session() as session:
        return session.query(model).count()


def test_an_unchanged_value_is_stored_once_and_goes_with_its_last_checkpoint(database):
    saver = ProcurSaver(database=database)
    config = thread(checkpoint_ns="")
    for step in range(4):
        checkpoint = empty_checkpoint() | {
            "id": f"{step}",
            "channel_values": {"catalogue": "large", "step": step},
            "channel_versions": {"catalogue": 1, "step": step},
        }
        config = saver.put(config, checkpoint, {"step": step, "run_id": f"run{step}"}, {"step": step})
    assert rows(database, AgentCheckpointBlob) == 1 + 4
    saver.prune(["t"])
    assert rows(database, AgentCheckpointBlob) == 2
    assert saver.get_tuple(thread()).checkpoint["channel_values"] == {"catalogue": "large", "step": 3}
    saver.delete_for_runs(["run3", "no such run"])
    assert rows(database, AgentCheckpointBlob) == rows(database, AgentCheckpointRecord) == 0


def test_a_value_that_a_deleted_run_took_along_is_written_again(database):
    saver = ProcurSaver(database=database)
    checkpoint = empty_checkpoint() | {
        "id": "1",
        "channel_values": {"a": "x"},
        "channel_versions": {"a": 1},
    }
    config = saver.put(thread(checkpoint_ns=""), checkpoint, {"run_id": "first"}, {"a": 1})
    saver.delete_for_runs(["first"])
    saver.put(config, checkpoint | {"id": "2"}, {"run_id": "second"}, {})
    assert saver.get_tuple(thread()).checkpoint["channel_values"] == {"a": "x"}


def test_listing_more_than_a_page_misses_and_repeats_nothing(database):
    saver = ProcurSaver(database=database)
    for number in range(120):
        checkpoint = empty_checkpoint() | {"id": f"{number:04}"}
        saver.put(thread(f"t{number % 3}", checkpoint_ns=f"{number % 2}"), checkpoint, {"step": number}, {})
    found = [one.checkpoint["id"] for one in saver.list(None)]
    assert found == [f"{number:04}" for number in reversed(range(120))]
    assert len(list(saver.list(thread("t0"), limit=7))) == 7
    assert [one.metadata["step"] for one in saver.list(None, filter={"step": 3})] == [3]
    assert list(saver.list(None, limit=0)) == []
    assert (
        len(list(saver.list(thread("t1", checkpoint_ns="1"), before=thread("t1", checkpoint_id="0061"))))
        == 10
    )


def test_ids_are_ordered_byte_by_byte_whatever_the_server_speaks(database):
    saver = ProcurSaver(database=database)
    ids = ["1-b", "1B", "1_a", "1a", "1é", "2"]
    for checkpoint_id in ids:
        saver.put(thread(checkpoint_ns=""), empty_checkpoint() | {"id": checkpoint_id}, {}, {})
    assert [one.checkpoint["id"] for one in saver.list(thread())] == sorted(ids, reverse=True)


def test_threads_at_once_lose_nothing(database):
    saver = ProcurSaver(database=database)
    barrier = threading.Barrier(4)

    def work(worker):
        barrier.wait()
        graph = approval_graph(saver)
        for round_number in range(2):
            name = f"w{worker}r{round_number}"
            graph.invoke({"budget": worker, "notes": []}, thread(name))
            graph.invoke(Command(resume="yes"), thread(name))
            saver.prune([name])
        task = f"task{worker}"
        saver.put_writes(thread("shared", checkpoint_id="1"), [("notes", worker), ("budget", 1)], task)

    saver.put(thread("shared", checkpoint_ns=""), empty_checkpoint() | {"id": "1"}, {}, {})
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    assert len(list(saver.list(None))) == 4 * 2 + 1
    found = saver.get_tuple(thread("shared")).pending_writes
    assert [(task, value) for task, channel, value in found if channel == "notes"] == [
        (f"task{worker}", worker) for worker in range(4)
    ]


def test_a_copy_is_whole_and_its_own(database):
    saver = ProcurSaver(database=database)
    approval_graph(saver).invoke({"budget": 5, "notes": []}, thread())
    saver.copy_thread("t", "copy")
    assert (
        approval_graph(saver).invoke(Command(resume="yes"), thread("copy"))["notes"][-1]
        == "ordered after 2 notes"
    )
    assert approval_graph(saver).get_state(thread()).next == ("approve",)
    with pytest.raises(Conflict):
        saver.copy_thread("t", "copy")
    saver.delete_thread("t")
    assert approval_graph(saver).get_state(thread("copy")).values["budget"] == 5


def test_the_same_thread_in_two_organisations_is_two_threads(database, people):
    acme = ProcurSaver(database=database, organization="acme")
    rival = ProcurSaver(database=database, organization=people.other_organization_id)
    approval_graph(acme).invoke(
        {"budget": 5, "notes": []},
        thread(),
    )
    before = [
        rows(database, model) for model in (AgentCheckpointRecord, AgentCheckpointBlob, AgentCheckpointWrite)
    ]
    [newest, *_] = acme.list(thread())
    run_id = newest.metadata.get("run_id", "r")
    assert rival.get_tuple(thread()) is None
    assert rival.get_tuple(newest.config) is None
    assert list(rival.list(None)) == []
    rival.delete_thread("t")
    rival.delete_for_runs([run_id])
    rival.prune(["t"], strategy="delete")
    rival.prune(["t"])
    rival.copy_thread("t", "stolen")
    assert rival.get_tuple(thread("stolen")) is None
    rival.put_writes(newest.config, [("notes", ["injected"])], "task")
    rival.put(newest.config, empty_checkpoint() | {"id": "zzz"}, {}, {})
    assert [one.checkpoint["id"] for one in rival.list(None)] == ["zzz"]
    rival.delete_thread("t")
    found = [
        rows(database, model) for model in (AgentCheckpointRecord, AgentCheckpointBlob, AgentCheckpointWrite)
    ]
    assert found == before
    assert acme.get_tuple(thread()) == newest


@pytest.mark.parametrize(
    ("config", "field"),
    [
        ({"configurable": {}}, "thread_id"),
        (thread(""), "thread_id"),
        (thread("a\x00"), "thread_id"),
        (thread("x" * 401), "thread_id"),
        (thread(checkpoint_ns="\ud800"), "checkpoint_ns"),
    ],
)
def test_names_that_are_no_keys_are_refused(database, config, field):
    saver = ProcurSaver(database=database)
    for call in (
        lambda: saver.put(config, empty_checkpoint(), {}, {}),
        lambda: saver.get_tuple(config),
        lambda: list(saver.list(config)),
    ):
        with pytest.raises(InvalidInput) as refused:
            call()
        assert refused.value.field == field


def test_an_unknown_way_to_prune_is_refused(sqlite_database):
    with pytest.raises(InvalidInput) as refused:
        ProcurSaver(database=sqlite_database).prune(["t"], strategy="some")
    assert refused.value.field == "strategy"
