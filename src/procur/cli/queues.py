"""Which queues a process serves, and how many of their jobs run at once, as people type it."""

from collections.abc import Sequence

from procur.cli.workspace import read_pairs
from procur.core.errors import InvalidInput
from procur.workers.tasks import QUEUES


def read_queues(text: str) -> list[str]:
    """Return the queues that are named with commas between them."""
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names or (unknown := sorted(set(names) - set(QUEUES))):
        named = ", ".join(unknown) if names else "none"
        raise InvalidInput(f"no such queue: {named}", field="queues", hint="queues: " + ", ".join(QUEUES))
    return names


def read_limits(limits: tuple[str, ...], queues: Sequence[str]) -> dict[str, int]:
    """Return {queue: jobs at once} of texts QUEUE=NUMBER; only queues that are served can have one."""
    bounds = {queue: _number(text) for queue, text in read_pairs(limits, option="limit").items()}
    if unknown := sorted(set(bounds) - set(queues)):
        raise InvalidInput(
            f"--limit is for a queue that this process serves, not {', '.join(unknown)}",
            field="limit",
            hint="queues: " + (", ".join(queues) or "none"),
        )
    return bounds


def tell_limits(limits: dict[str, int]) -> str:
    """Say what is limited, in one line."""
    bounds = ", ".join(f"{queue} {number}" for queue, number in sorted(limits.items()))
    return f"at once on all machines: {bounds}"


def _number(text: str) -> int:
    if not text.isdecimal() or not int(text[:9]) > 0:
        raise InvalidInput(f"a limit is a whole number from 1, not {text!r}", field="limit")
    return int(text[:9])
