"""Whose turn it is: each queue after the others, and in each queue one organisation after the other."""

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from procur.db.repositories import ClaimedJob, Queues


class Turns:
    """What to claim next. Used by one thread."""

    def __init__(self, wanted: Queues) -> None:
        self.wanted = wanted  # the queue served last is the last of its names
        self.after: dict[str, UUID] = {}  # the organisation that each queue has served last

    def remember(self, taken: Sequence[ClaimedJob]) -> None:
        """Begin the next time behind the queue that was served last, and in each behind its organisation."""
        if not taken:
            return
        self.after |= {job.queue: job.organization_id for job in taken}
        names = self.wanted.names
        begin = names.index(taken[-1].queue) + 1
        self.wanted = replace(self.wanted, names=names[begin:] + names[:begin])
