"""`GET /api/v1/events/stream`: facts as they happen, as server-sent events that can be resumed."""

import asyncio
import re
from collections.abc import Callable, Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query, Request
from fastapi.sse import format_sse_event
from pydantic import BaseModel, Field
from starlette.responses import Response, StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from procur.core.actor import Actor
from procur.core.errors import InvalidInput, NotAllowed, NotSignedIn, ProcurError
from procur.core.logs import get_logger
from procur.core.metrics import metrics
from procur.web import API
from procur.web.deps import actor_again, caller_with, database_of
from procur.web.facts import Wanted
from procur.web.followers import Follower
from procur.web.hub import Hub

HEARTBEAT = 15.0  # seconds of silence after which a sign of life is sent, and between two looks at the key
PROGRESS = 3.0  # seconds after which a client is told its place while it wants nothing of what comes by
SLOW = 30.0  # seconds that a client may leave what it was sent untaken
LAST = 2.0  # the same when the server stops: nobody may hold that up
LONGEST = 900.0  # seconds after which a client has to connect again, perhaps to another process
RETRY = 2000  # milliseconds after which a client that was cut off connects again

MAY = "events.read"

router = APIRouter(prefix=API, tags=["events"])


class Asked(BaseModel):
    """What a follower asks for."""

    after: int | None = Field(None, ge=0, le=(1 << 63) - 1, description="Resume behind this position")
    types: str | None = Field(None, max_length=4000, description="Types of facts, with commas between them")
    aggregate: str | None = Field(
        None, max_length=140, description="What they are about: negotiation, or request:REQ-2026-00001"
    )

    def wanted(self) -> Wanted:
        """Return the filter."""
        names = frozenset(name.strip() for name in (self.types or "").split(",") if name.strip())
        kind, _, key = (self.aggregate or "").partition(":")
        return Wanted(names, kind or None, key or None)


@router.get(
    "/events/stream",
    # Not FastAPI's EventSourceResponse: it would drive a generator, and could not tell a client that takes
    # nothing from one that is served.
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {}}}},
    summary="Follow the facts as they happen",
)
async def stream(
    request: Request,
    actor: Annotated[Actor, Depends(caller_with(MAY))],
    asked: Annotated[Asked, Query()],
    last_event_id: Annotated[str | None, Header()] = None,
) -> Response:
    """Send the organisation's facts, from now on or behind a position (`after`, or `Last-Event-ID`)."""
    hub: Hub = request.app.state.hub
    start = _position(last_event_id) if last_event_id else asked.after
    follower = await hub.follower(actor.organization_id, start, key=actor.key_id)
    database = database_of(request)
    return EventStream(hub, follower, actor, asked.wanted(), again=lambda now: actor_again(database, now))


class EventStream(Response):
    """Sends to one client until it goes, takes nothing for too long, its key is closed, or we stop."""

    media_type = "text/event-stream"

    def __init__(
        self, hub: Hub, follower: Follower, actor: Actor, wanted: Wanted, *, again: Callable[[Actor], Actor]
    ) -> None:
        """Take whom to send what; `again` returns the actor as of now, or raises when nobody is let in."""
        super().__init__(None, headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._hub, self._follower, self._actor, self._wanted = hub, follower, actor, wanted
        self._again = again
        self._now = asyncio.get_running_loop().time
        self._until = self._now() + LONGEST
        self._asked = self._told = self._now()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send until one side ends it."""
        self._hub.follow(self._follower)
        gone = asyncio.ensure_future(_disconnected(receive))
        told = asyncio.ensure_future(self._tell(send))
        over = asyncio.ensure_future(_over(self._follower))
        try:
            await asyncio.wait({gone, told, over}, return_when=asyncio.FIRST_COMPLETED)
            if over.done() or (told.done() and not told.result()):
                # What waits in the connection's buffer is not taken either: closing it would wait for that.
                scope.get("state", {}).get("abort", _nothing)()
                await asyncio.wait({gone}, timeout=1)
        finally:
            for task in (gone, told, over):
                task.cancel()
            await asyncio.gather(gone, told, over, return_exceptions=True)
            self._hub.leave(self._follower)

    async def _tell(self, send: Send) -> bool:
        """Send what comes; False when the client has taken nothing for too long."""
        try:
            await self._follow(send)
        except TimeoutError:
            # It resumes behind the last id it has got; what it has not taken costs nothing here.
            metrics().stream_dropped.inc()
            get_logger("procur.web").warning(
                "event stream client is too slow", position=self._follower.position
            )
            return False
        return True

    async def _follow(self, send: Send) -> None:
        start = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
        await self._send(send, start)
        await self._write(send, comment="following", id=self._follower.position, retry=RETRY)
        why = "closing: connect again"
        try:
            while not self._hub.closing and self._now() < self._until:
                await self._look_at_key()
                await self._tell_next(send)
        except (NotSignedIn, NotAllowed) as error:
            why = f"closing: {error.message}"
        except ProcurError as error:
            get_logger("procur.web").warning("event stream ended", error=error.message)
            why = "the facts cannot be read: connect again later"
        await self._end(send, why)

    async def _look_at_key(self) -> None:
        """See now and then whether the key still opens, and what it still may."""
        if self._now() - self._asked < HEARTBEAT:
            return
        self._actor = await asyncio.to_thread(self._again, self._actor)
        self._actor.require(MAY)
        self._asked = self._now()

    async def _end(self, send: Send, why: str) -> None:
        await self._write(send, comment=why, id=self._follower.position)
        await self._send(send, {"type": "http.response.body", "body": b"", "more_body": False})

    async def _tell_next(self, send: Send) -> None:
        facts = await self._hub.facts(self._follower)
        if not facts:
            if not await self._follower.news(HEARTBEAT):
                await self._write(send, comment="still here", id=self._follower.position)
            return
        chunk = [
            format_sse_event(event=fact.type, data_str=fact.data(self._actor), id=str(fact.position))
            for fact in facts
            if self._wanted.takes(fact)
        ]
        if chunk:
            await self._body(send, b"".join(chunk))
        self._follower.position = facts[-1].position
        if self._now() - self._told > PROGRESS:
            await self._write(send, comment="nothing for you", id=self._follower.position)

    async def _write(self, send: Send, *, comment: str, id: int, retry: int | None = None) -> None:  # noqa: A002
        """Send a comment; its id moves on a client whose filter lets nothing through."""
        await self._body(send, format_sse_event(comment=comment, id=str(id), retry=retry))

    async def _body(self, send: Send, body: bytes) -> None:
        await self._send(send, {"type": "http.response.body", "body": body, "more_body": True})

    async def _send(self, send: Send, message: Mapping[str, Any]) -> None:
        async with asyncio.timeout(SLOW):
            await send(dict(message))
        self._told = self._now()


async def _disconnected(receive: Receive) -> None:
    message: Message = {"type": ""}
    while message["type"] != "http.disconnect":
        message = await receive()


async def _over(follower: Follower) -> None:
    await follower.closing.wait()
    await asyncio.sleep(LAST)


def _nothing() -> None:
    """Do nothing: this server has no connection to cut off."""


def _position(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,18}", text):
        raise InvalidInput("Last-Event-ID is not one of ours", field="Last-Event-ID")
    return int(text)
