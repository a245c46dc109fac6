"""`procur` with one kind of work, which takes until a file is there: slow_work.py FILE LASTS ARGUMENTS."""

import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from procur.cli import main
from procur.jobs.kinds import Kind
from procur.jobs.task import Task, Work
from procur.workers import house


@dataclass(frozen=True)
class Nothing:
    """No payload."""


SLOW = Kind("slow", "default", Nothing)


def wait_for(file: Path) -> Any:
    def think(_work: Work, _payload: Nothing) -> None:
        while not file.exists():
            time.sleep(0.02)

    return think


if __name__ == "__main__":
    kind = Kind("slow", "default", Nothing, lasts=float(sys.argv[2]))
    task = Task(kind, wait_for(Path(sys.argv[1])))
    house.tasks = lambda _tools: (task,)
    sys.argv[1:] = sys.argv[3:]
    main()
