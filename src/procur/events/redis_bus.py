"""The bus over Redis Streams: the same groups, offsets, inbox and dead letters as without Redis.

Streams say who works on what, and wake consumers on many machines at once. Redis may be emptied or go away
at any moment: the relay adds again what the groups have not read.
"""

import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any
from uuid import UUID

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, ResponseError
from redis.retry import Retry

from procur.core.backoff import pause_after
from procur.core.errors import InvalidInput, Unavailable
from procur.db import DatabaseSession
from procur.db.repositories import ConsumerRepository
from procur.db.wake import Wake
from procur.events.bus import complain, told
from procur.events.careful import CarefulReads
from procur.events.groups import Group, Retrying, groups_of, waiting
from procur.events.handlers import Handler
from procur.events.numbering import number
from procur.events.redis_consumer import StreamConsumer
from procur.events.redis_relay import StreamRelay
from procur.events.redis_settings import URL, EventsRedisSettings
from procur.events.redis_streams import Streams
from procur.events.running import RunningBus

_PAUSES = (0.05, 2.0)  # seconds after the first and at most after later failures
_TRIMS = 1.0
_COUNT = 200
_BLOCK = 0.5  # seconds that a consumer waits in Redis at most, so that it notices the end


class RedisBus(RunningBus):
    """Numbers facts, adds them to streams, takes them in. Several processes may run one each.

    A bus is started once; `wake` is one that is listening already, else it has its own.
    """

    def __init__(
        self,
        database: DatabaseSession,
        handlers: Iterable[Handler],
        settings: EventsRedisSettings,
        *,
        wake: Wake | None = None,
        threads: int = 1,
        poll: float = 1.0,
        idle: float = 30.0,
        retrying: Retrying | None = None,
    ) -> None:
        """`threads` consumers per group; `idle`: seconds after which another one takes over."""
        super().__init__(database, wake)
        self.groups = groups_of(handlers)
        self._client = _connect(settings)
        self._streams = Streams(self._client, settings.prefix, [group.name for group in self.groups])
        self._number, self._poll = threads, poll
        self._idle, self._reads = idle, CarefulReads(database, retrying or Retrying(), _COUNT)

    def _runs(self) -> list[tuple[str, Callable[[], None]]]:
        runs: list[tuple[str, Callable[[], None]]] = [("relay", self._relay_on)]
        if self.groups:
            runs.append(("retries", self._try_again_on))
        for group in self.groups:
            runs += [(f"{group.name}-{n}", partial(self._consume_on, group)) for n in range(self._number)]
        return runs

    def stop(self, timeout: float = 5.0) -> bool:
        """Stop the threads, and close the connection to Redis when all have ended."""
        stopped = super().stop(timeout)
        if stopped:
            self._client.close()
        return stopped

    # -- the threads ---------------------------------------------------------------------------------------

    def _relay_on(self) -> None:
        relay, trims_at = StreamRelay(self.database, self.groups, self._streams), 0.0

        def once() -> None:
            nonlocal trims_at
            seen = self._wake.seen()
            grown = number(self.database)
            moved = relay.forward() if self.groups else 0
            if self.groups and time.monotonic() >= trims_at:
                self._streams.trim()
                trims_at = time.monotonic() + _TRIMS
            if not grown and not moved:
                self._wake.wait(seen, self._poll)

        self._again_and_again("relay", once)
        self._last("relay", relay.leave)

    def _consume_on(self, group: Group) -> None:
        consumer = StreamConsumer(self._reads, group, self._streams, self._stopping, idle=self._idle)
        self._again_and_again(group.name, lambda: consumer.consume(min(_BLOCK, max(0.05, self._poll))))
        self._last(group.name, consumer.leave)

    def _try_again_on(self) -> None:
        """Try again what is due; when, stands in the database."""

        def once() -> None:
            for group, organization in waiting(self.database, self.groups):
                try:
                    self._try_again(group, organization)
                except Exception as error:  # noqa: BLE001 - one organisation's trouble must not stop the others
                    _say("retries", error)
            self._stopping.wait(self._poll)

        self._again_and_again("retries", once)

    def _try_again(self, group: Group, organization: UUID) -> None:
        with self.database.get_session(organization, read_only=True) as session:
            due = ConsumerRepository(session).due(group.name, 1)
        batch = self._reads.read_on(group, organization) if due else None
        if batch is not None:
            told(group, batch)

    def _again_and_again(self, doing: str, once: Callable[[], object]) -> None:
        """Do it until the bus stops, whatever goes wrong in between."""
        failures = 0
        while not self._stopping.is_set():
            try:
                once()
            except BaseException as error:  # noqa: BLE001 - a thread that ended would be missed for ever
                if self._made_groups(error):
                    continue
                failures += 1
                _say(doing, error)
                self._stopping.wait(pause_after(failures, first=_PAUSES[0], longest=_PAUSES[1]))
            else:
                failures = 0

    def _made_groups(self, error: BaseException) -> bool:
        """Make the groups when that is what Redis misses: at the first start, and after it was emptied."""
        if not isinstance(error, ResponseError) or "NOGROUP" not in str(error):
            return False
        try:
            self._streams.set_up()
        except RedisError:
            return False
        return True

    def _last(self, doing: str, once: Callable[[], object]) -> None:
        try:
            once()
        except RedisError as error:
            _say(doing, error)


def _connect(settings: EventsRedisSettings) -> Redis:
    if settings.url is None:
        raise InvalidInput("no Redis is named for the facts", field=URL)
    # A client that tries again by itself hides that an answer was lost, and what was read with it.
    options: dict[str, Any] = {
        "retry": Retry(NoBackoff(), 0),
        "socket_timeout": 10,
        "socket_connect_timeout": 3,
    }
    try:
        return Redis.from_url(settings.url, decode_responses=True, **options)
    except ValueError as error:
        raise InvalidInput(f"{URL}: {error}", field=URL) from error


def _say(doing: str, error: BaseException) -> None:
    """Write what went wrong; that Redis is away is not a fault of ours."""
    complain(doing, Unavailable(f"Redis: {error}") if isinstance(error, RedisError) else error)
