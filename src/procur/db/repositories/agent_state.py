"""What the stores of the agent libraries share (checks), and the items of a conversation."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import Table, delete, func, insert, select
from sqlalchemy.orm import Session

from procur.core.errors import InvalidInput
from procur.db import tenancy
from procur.db.arguments import Checked
from procur.db.models import AgentItemRecord
from procur.db.repositories.holding import hold
from procur.db.types import clean_text

T = TypeVar("T")
LARGEST_PAYLOAD = 64 << 20  # bytes of one item, message or channel value
_LONGEST = {"checkpoint_ns": 1000, "checkpoint_id": 100, "task_id": 200, "entry_id": 200, "revision": 200}
_LONGEST_OTHERWISE = 400
_SOME = 400  # values per statement; both databases bound their number
_ITEMS: Table = AgentItemRecord.__table__  # type: ignore[assignment]


def named(value: Any, field: str, *, empty: bool = False) -> str:
    """Return a name that a library or its user gave; it must fit a key, so it is measured in bytes."""
    if not isinstance(value, str):
        raise InvalidInput(f"{field} must be text, not {type(value).__name__}", field=field)
    if not value and not empty:
        raise InvalidInput(f"{field} is required", field=field)
    longest = _LONGEST.get(field, _LONGEST_OTHERWISE)
    if len(clean_text(value, field=field).encode()) > longest:
        raise InvalidInput(f"{field} is too long: at most {longest} bytes", field=field)
    return value


def sized(payload: T, field: str) -> T:
    """Return what a library serialised (bytes or text) unless it is larger than a row should be."""
    if len(payload) > LARGEST_PAYLOAD:  # type: ignore[arg-type]
        raise InvalidInput(f"{field} is too large: at most {LARGEST_PAYLOAD} bytes", field=field)
    return payload


def in_parts(values: Iterable[T]) -> Iterator[list[T]]:
    """Cut many values into lists that fit one statement."""
    rest = list(values)
    for start in range(0, len(rest), _SOME):
        yield rest[start : start + _SOME]


class AgentItemRepository(Checked):
    """The items of a conversation in the order they came; the text is the library's and comes back as it was.

    `kind` says whose items: an OpenAI Agents session and a LangChain history of the same id are two things.
    """

    def __init__(self, session: Session, kind: str) -> None:
        self.session = session
        self.kind = kind
        self.owner: UUID = tenancy.required_organization_id(session)

    def newest(self, conversation_id: str, limit: int | None = None) -> list[str]:
        """Return the newest items in their order, all of them when `limit` is None."""
        statement = select(_ITEMS.c.content).where(*self._of(conversation_id))
        statement = statement.order_by(_ITEMS.c.sequence.desc())
        if limit is not None:
            statement = statement.limit(min(limit, 1 << 31))
        return list(self.session.scalars(statement))[::-1]

    def append(self, conversation_id: str, contents: Sequence[str]) -> None:
        """Add items at the end, together: those of another writer come before or after, never between."""
        if not contents:
            return
        for content in contents:
            sized(content, "items")
        where = self._of(conversation_id)
        self._hold(conversation_id)
        last = self.session.scalar(select(func.max(_ITEMS.c.sequence)).where(*where)) or 0
        now = tenancy.clock_of(self.session).now()
        key = {"organization_id": self.owner, "kind": self.kind, "conversation_id": conversation_id}
        rows = [
            {**key, "sequence": last + number, "content": content, "created_at": now}
            for number, content in enumerate(contents, start=1)
        ]
        self.session.execute(insert(_ITEMS), rows)

    def pop(self, conversation_id: str) -> str | None:
        """Remove the newest item and return it; two who pop at once get two items."""
        where = self._of(conversation_id)
        self._hold(conversation_id)
        newest = select(func.max(_ITEMS.c.sequence)).where(*where).scalar_subquery()
        statement = delete(_ITEMS).where(*where, _ITEMS.c.sequence == newest).returning(_ITEMS.c.content)
        found: str | None = self.session.scalars(statement).one_or_none()
        return found

    def clear(self, conversation_id: str) -> int:
        """Remove every item; return how many there were."""
        self._hold(conversation_id)
        done: Any = self.session.execute(delete(_ITEMS).where(*self._of(conversation_id)))
        return int(done.rowcount)

    def _of(self, conversation_id: str) -> tuple[Any, ...]:
        wanted = named(conversation_id, "conversation_id")
        return (
            _ITEMS.c.organization_id == self.owner,
            _ITEMS.c.kind == self.kind,
            _ITEMS.c.conversation_id == wanted,
        )

    def _hold(self, conversation_id: str) -> None:
        hold(self.session, "agent_items", self.kind, conversation_id)
