"""History from the cache is history from the database after every operation, whoever wrote."""

from uuid import uuid4

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from procur.conversations import ConversationMemory
from procur.db.repositories import ConversationRepository, MessageRepository

WINDOW = 3
MEMORIES = st.sampled_from(["here", "there"])
NAMES = st.sampled_from(["first", "second"])
CONTENTS = st.text(alphabet="abc é", min_size=1, max_size=5)
JSON = st.dictionaries(
    st.sampled_from("xyz"),
    st.one_of(
        st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False, allow_infinity=False), st.text("ab")
    ),
    max_size=2,
)


def machine(database):  # noqa: C901 - one rule each
    class Memories(RuleBasedStateMachine):
        def __init__(self):
            super().__init__()
            self.prefix = uuid4().hex
            self.said = {}
            self.ids = {}
            self.count = 0
            self.memories = {"here": self.new(), "there": self.new()}

        def new(self):
            return ConversationMemory(
                WINDOW, use_database=True, database=database, organization="acme", cache_size=1
            )

        @rule(who=MEMORIES)
        def restart(self, who):
            self.memories[who] = self.new()

        @rule(
            who=MEMORIES, name=NAMES, content=CONTENTS, metadata=JSON, role=st.sampled_from(["user", "agent"])
        )
        def add(self, who, name, content, metadata, role):
            self.count += 1
            message_id = f"{self.prefix}-{self.count}"
            given = (self.prefix + name, role, content, metadata, None, None, "model", "0.25", message_id)
            self.memories[who].add_message(*given)
            self.ids[message_id] = given
            self.said.setdefault(name, []).append((message_id, role, content))

        @rule(who=MEMORIES, place=st.integers(0, 50))
        def try_again(self, who, place):
            if self.ids:
                self.memories[who].add_message(*list(self.ids.values())[place % len(self.ids)])

        @rule(who=MEMORIES, name=NAMES)
        def clear(self, who, name):
            assert self.memories[who].clear_conversation(self.prefix + name) == len(self.said.get(name, []))
            if name in self.said:
                self.said[name] = []

        @rule(who=MEMORIES, name=NAMES)
        def delete(self, who, name):
            assert self.memories[who].delete_conversation(self.prefix + name) == (name in self.said)
            self.said.pop(name, None)

        @rule(name=NAMES)
        def take_back(self, name):
            with database.get_session("acme") as session:
                ConversationRepository(session).pop_message(self.prefix + name)
            if self.said.get(name):
                self.said[name].pop()

        @rule(name=NAMES, place=st.integers(0, 50), content=CONTENTS)
        def edit(self, name, place, content):
            if self.said.get(name):
                place %= len(self.said[name])
                message_id, role, _ = self.said[name][place]
                with database.get_session("acme") as session:
                    messages = MessageRepository(session)
                    messages.update(messages.named(message_id).id, content=content)
                self.said[name][place] = (message_id, role, content)
                # What was sent is not what is stored any more, so trying it again is no longer a retry.
                self.ids.pop(message_id, None)

        @invariant()
        def both_tell_what_was_said(self):
            for name in ("first", "second"):
                expected = [said[1:] for said in self.said.get(name, [])]
                for memory in self.memories.values():
                    cached = memory.get_history(self.prefix + name)
                    assert cached == memory.get_history(self.prefix + name, from_database=True)
                    longer = memory.get_history(self.prefix + name, 7)
                    # Not the metadata: PostgreSQL returns 1e38 as an integer (from the cache, too).
                    told = [(one["role"], one["content"]) for one in longer]
                    assert told == expected[-7:]
                    assert cached == longer[-WINDOW:]

    return Memories


def test_history_from_the_cache_is_history_from_the_database(database, people):
    run_state_machine_as_test(
        machine(database),
        settings=settings(
            max_examples=10,
            stateful_step_count=12,
            deadline=None,
            phases=[Phase.reuse, Phase.generate],  # shrinking would outlast the test's time limit
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        ),
    )
