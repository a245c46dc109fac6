"""The libraries are extras: loaded when their adapter is asked for, and asked for by name when missing."""

import subprocess
import sys

import pytest

LIBRARIES = {"agents", "langchain_core", "langgraph", "pydantic_ai", "openai"}
ADAPTERS = [
    ("ProcurSession", "agents", "openai-agents"),
    ("ProcurChatMessageHistory", "langchain_core", "langchain"),
    ("ProcurSaver", "langgraph", "langgraph"),
    ("ProcurConversationStore", "pydantic_ai", "pydantic-ai"),
]


def python(program):
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_importing_us_loads_none_of_them():
    program = "import sys, procur, procur.conversations, procur.conversations.adapters; print(*sys.modules)"
    assert LIBRARIES & {name.partition(".")[0] for name in python(program).split()} == set()


@pytest.mark.parametrize(("adapter", "library", "extra"), ADAPTERS)
def test_a_missing_library_says_what_to_install(adapter, library, extra):
    program = (
        f"import sys; sys.modules[{library!r}] = None\n"
        "from procur.core.errors import NotConfigured\n"
        f"try:\n    from procur.conversations.adapters import {adapter}\n"
        "except NotConfigured as error:\n    print(error.hint)\n"
    )
    assert python(program) == f"pip install 'procur[{extra}]'"


@pytest.mark.parametrize(("adapter", "library", "extra"), ADAPTERS)
def test_each_adapter_loads_its_library_only(adapter, library, extra):
    program = f"import sys; from procur.conversations.adapters import {adapter}; print(*sys.modules)"
    loaded = LIBRARIES & {name.partition(".")[0] for name in python(program).split()}
    needs = {"agents": {"openai"}, "langgraph": {"langchain_core"}}
    assert loaded == {library} | needs.get(library, set())


def test_other_names_are_unknown():
    from procur.conversations import adapters

    with pytest.raises(AttributeError):
        _ = adapters.ProcurNothing
