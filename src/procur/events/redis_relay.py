"""From the database into the streams: facts in order of position, each at least once."""

import time
from collections.abc import Sequence
from uuid import UUID, uuid4

from procur.core.logs import get_logger
from procur.db import DatabaseSession
from procur.db.repositories import ConsumerRepository, EventOffsetRepository
from procur.events.groups import Group, waiting
from procur.events.redis_streams import Streams

_BATCH = 500
LEASE = 3.0  # seconds until another relay takes over from one that went away


class StreamRelay:
    """Adds what the groups have not read. Any number may run; one of them adds at a time.

    How far it has got stands in Redis, beside the entries and written with them: what Redis loses, it loses
    together. Where it knows nothing of an organisation, the relay begins at the slowest group's offset.
    """

    def __init__(
        self, database: DatabaseSession, groups: Sequence[Group], streams: Streams, *, stalled: float = 30.0
    ) -> None:
        self._database, self._groups, self._streams = database, groups, streams
        self._token, self._leads = uuid4().hex, False
        self._stalled = stalled
        self._seen: dict[UUID, tuple[list[int], float]] = {}  # the groups' places, and since when

    def forward(self) -> int:
        """Add what is new to the streams; return how many entries that were."""
        if not self._streams.relays(self._token, LEASE):
            self._leads = False
            return 0
        # Whoever takes over cannot know what became of the entries before: what is unread is added again.
        anew, self._leads = not self._leads, True
        behind = {key for _, key in waiting(self._database, self._groups)}
        self._seen = {key: seen for key, seen in self._seen.items() if key in behind}
        return sum(self._forward(key, anew=anew) for key in behind)

    def leave(self) -> None:
        """Let another relay go on at once."""
        if self._leads:
            self._streams.leave_relay(self._token)
            self._leads = False

    def _forward(self, organization: UUID, *, anew: bool) -> int:
        places, total = self._places(organization), 0
        added = None if anew else self._streams.added(organization)
        if added is None or self._begins_again(organization, places, added):
            added = min(places)
        while (room := self._streams.room(organization)) > 0:
            with self._database.get_session(organization, read_only=True) as session:
                events = ConsumerRepository(session).after(added, min(_BATCH, room))
            if not events:
                break  # and nothing is noted: Redis may have been emptied since it was asked
            added = events[-1].position or added
            self._streams.add(organization, events, upto=added)
            total += len(events)
        return total

    def _begins_again(self, organization: UUID, places: list[int], added: int) -> bool:
        """Say whether to add again what was added: a group was set back, or entries must have been lost."""
        now = time.monotonic()
        before, since = self._seen.get(organization, (None, now))
        if before != places or min(places) >= added:
            self._seen[organization] = places, now
            # Who had read everything before is either at the end of what was added, or was set back.
            return before is None or any(here < there for here, there in zip(places, before, strict=True))
        if now - since < self._stalled:
            return False
        self._seen[organization] = places, now
        get_logger("procur.events").warning(
            "facts added again", organization_id=organization, after=min(places)
        )
        return True

    def _places(self, organization: UUID) -> list[int]:
        """Return how far each group has read."""
        with self._database.get_session(organization, read_only=True) as session:
            offsets = EventOffsetRepository(session)
            return [(offsets.position(group.name) or 0) for group in self._groups]
