"""Children that add messages until they are killed, forked from one parent because Python starts slowly.

Started with a database's URL. Each line "NAME NUMBER" starts a child that adds messages NAME-NUMBER,
NAME-(NUMBER + 1) and so on to one conversation. It tells "NAME PID start" and, each time add_message has
returned, "NAME PID NUMBER". The parent tells "NAME PID end" once a child is gone.
"""

import os
import sys
import threading

from procur.conversations import ConversationMemory
from procur.db import DatabaseSession


def tell(*words):
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


def write(name, number):
    database = DatabaseSession(sys.argv[1])
    memory = ConversationMemory(use_database=True, database=database, organization="acme")
    tell(name, os.getpid(), "start")
    while True:
        memory.add_message("killed", "user", f"{name} says {number}", message_id=f"{name}-{number}")
        tell(name, os.getpid(), number)
        number += 1


def wait(name, child):
    os.waitpid(child, 0)
    tell(name, child, "end")


for line in sys.stdin:
    name, number = line.split()
    child = os.fork()
    if child == 0:
        try:
            write(name, int(number))
        finally:
            os._exit(1)
    threading.Thread(target=wait, args=(name, child)).start()
