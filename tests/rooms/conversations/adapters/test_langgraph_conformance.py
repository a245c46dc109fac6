"""LangGraph's own conformance suite against our checkpointer, on both databases."""

import asyncio

from langgraph.checkpoint.conformance import checkpointer_test, validate
from langgraph.checkpoint.conformance.capabilities import ALL_CAPABILITIES

from procur.conversations.adapters import ProcurSaver


def test_the_conformance_suite_passes_with_base_and_extended_capabilities(database):
    @checkpointer_test(name="ProcurSaver")
    async def saver():
        yield ProcurSaver(database=database)

    report = asyncio.run(validate(saver))
    failures = [failure for result in report.results.values() for failure in result.failures]
    assert failures == []
    assert {name for name, result in report.results.items() if result.passed} == {
        capability.value for capability in ALL_CAPABILITIES
    }
    assert report.conformance_level() == "FULL"
    assert sum(result.tests_passed for result in report.results.values()) >= 70
