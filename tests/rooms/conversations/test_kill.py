"""No acknowledged message is lost and none is stored twice, however often its writers are killed."""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from procur.db.repositories import ConversationRepository

pytestmark = pytest.mark.slow

KILLS = 12  # per writer; two writers
WRITER = Path(__file__).with_name("writer.py")


class Writer:
    """One of two that write to the same conversation; killed and started again by the test."""

    def __init__(self, name, children):
        self.name = name
        self.children = children
        self.acknowledged = []
        self.kills = 0
        self.pid = None
        self.running = False
        self.news = threading.Condition()

    def start(self):
        self.running = True
        self.pid = None
        self.children.stdin.write(f"{self.name} {len(self.acknowledged)}\n")
        self.children.stdin.flush()

    def hear(self, pid, what):
        with self.news:
            self.pid = int(pid)
            if what == "end":
                self.running = False
            elif what != "start":
                # The unacknowledged message is tried again first: numbers come in order, none twice.
                assert int(what) == len(self.acknowledged)
                self.acknowledged.append(int(what))
            self.news.notify_all()

    def kill(self, *, after, then):
        """Kill it `then` seconds after so many acknowledgements of its present life."""
        enough = len(self.acknowledged) + after
        with self.news:
            assert self.news.wait_for(lambda: self.pid and len(self.acknowledged) >= enough, 30)
        time.sleep(then)  # the moment of the kill is what is tried out
        os.kill(self.pid, signal.SIGKILL)
        with self.news:
            assert self.news.wait_for(lambda: not self.running, 30)
        self.kills += 1


def listen(children, writers, errors):
    for line in children.stdout:
        name, pid, what = line.split()
        try:
            writers[name].hear(pid, what)
        except AssertionError as error:  # shown by the test
            errors.append(error)


# P-2: messages were lost after each restart.
def test_nothing_acknowledged_is_lost_and_nothing_is_stored_twice(database, people, counted):
    chance = random.Random(20261121)
    command = [sys.executable, str(WRITER), database.config.database_url]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    ) as children:
        writers = {name: Writer(name, children) for name in ("one", "two")}
        errors = []
        ear = threading.Thread(target=listen, args=(children, writers, errors))
        ear.start()
        for writer in writers.values():
            writer.start()
        for _ in range(KILLS):
            for writer in writers.values():
                writer.kill(after=chance.randrange(4), then=chance.uniform(0, 0.03))
                if writer.kills < KILLS:
                    writer.start()
        children.stdin.close()
        ear.join(30)
    assert errors == []
    with database.get_session("acme") as session:
        rows = ConversationRepository(session).get_conversation_messages("killed")
    stored = [row.message_id for row in rows]
    acknowledged = [f"{one.name}-{number}" for one in writers.values() for number in one.acknowledged]
    kills = sum(one.kills for one in writers.values())
    lost = set(acknowledged) - set(stored)
    twice = len(stored) - len(set(stored))
    unheard = set(stored) - set(acknowledged)  # stored, but the writer died before it could say so
    counted(kills, "SIGKILLs of writers of a conversation")
    counted(len(acknowledged), "messages acknowledged under kill -9: 0 lost, 0 twice")
    assert (kills, lost, twice) == (2 * KILLS, set(), 0)
    assert len(acknowledged) > KILLS
    assert len(unheard) <= 2
    assert [row.sequence for row in rows] == list(range(1, len(rows) + 1))
    assert [row.content for row in rows] == [row.message_id.replace("-", " says ") for row in rows]
