"""pydantic-ai's conversations: a record per conversation over a log of messages that forks share."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from json import dumps, loads
from typing import Any
from uuid import UUID

from sqlalchemy import Table, delete, insert, literal, or_, select, update
from sqlalchemy.orm import Session

from procur.db import tenancy
from procur.db.arguments import Checked
from procur.db.models import AgentConversationRecord, AgentEntryRecord
from procur.db.repositories.agent_state import in_parts, named, sized
from procur.db.repositories.holding import hold
from procur.db.repositories.upserts import insert_into
from procur.db.values import fit

_RECORDS: Table = AgentConversationRecord.__table__  # type: ignore[assignment]
_ENTRIES: Table = AgentEntryRecord.__table__  # type: ignore[assignment]


@dataclass(frozen=True, slots=True)
class StoredEntry:
    """One message of the log; `content` is the library's JSON text."""

    entry_id: str
    parent_id: str | None
    content: str


@dataclass(frozen=True, slots=True)
class StoredRecord:
    """Where a conversation stands; `content` is the library's whole record as JSON text."""

    conversation_id: str
    revision: str
    head_id: str | None
    scope: str | None
    branches: Sequence[str]
    saved_at: datetime
    content: str


class AgentRecordRepository(Checked):
    """Records with optimistic concurrency, and the entries under them."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.owner: UUID = tenancy.required_organization_id(session)

    def find(self, conversation_id: str) -> str | None:
        """Return the record's content, or None."""
        found: str | None = self.session.scalar(
            select(_RECORDS.c.content).where(*self._record(conversation_id))
        )
        return found

    def newest(self, *, scope: str | None = None, limit: int | None = None) -> list[str]:
        """Return the contents of the records, of one scope if one is named, last saved first."""
        statement = select(_RECORDS.c.content).where(_RECORDS.c.organization_id == self.owner)
        if scope is not None:
            statement = statement.where(_RECORDS.c.scope == named(scope, "scope", empty=True))
        statement = statement.order_by(_RECORDS.c.saved_at.desc(), _RECORDS.c.created_at)
        return list(self.session.scalars(statement.limit(limit)))

    def write(self, record: StoredRecord, entries: Sequence[StoredEntry], expected: str | None) -> bool:
        """Write a record with its new entries; False when it is not at revision `expected` any more.

        False too when it builds on an entry that is gone. The caller rolls back then.
        """
        self._hold(shared=True)
        where = self._record(record.conversation_id)
        revision = select(_RECORDS.c.revision).where(*where).with_for_update()
        if self.session.scalar(revision) != expected:
            return False
        new = {entry.entry_id for entry in entries}
        needed = {entry.parent_id for entry in entries} | {record.head_id}
        if not self._are_there({one for one in needed if one is not None} - new):
            return False
        now = tenancy.clock_of(self.session).now()
        self._add(record.conversation_id, entries, now)
        values = _record_values(record) | {"updated_at": now}
        if expected is None:
            key = {"organization_id": self.owner, "conversation_id": record.conversation_id}
            statement = insert_into(self.session, _RECORDS).values(**key, **values, created_at=now)
            return self._changed(statement.on_conflict_do_nothing())
        return self._changed(update(_RECORDS).where(*where, _RECORDS.c.revision == expected).values(**values))

    def delete(self, conversation_id: str, *, expected: str) -> bool:
        """Remove a conversation and what only it reaches; False when `expected` is not its revision."""
        self._hold(shared=False)
        statement = (
            delete(_RECORDS)
            .where(*self._record(conversation_id), _RECORDS.c.revision == expected)
            .returning(_RECORDS.c.head_id, _RECORDS.c.branches)
        )
        gone = self.session.execute(statement).one_or_none()
        if gone is None:
            return False
        line = self._line(conversation_id, [gone.head_id, *loads(gone.branches)])
        for part in in_parts(_last_first(line, line.keys() - self._reached(line))):
            self.session.execute(
                delete(_ENTRIES).where(
                    _ENTRIES.c.organization_id == self.owner, _ENTRIES.c.entry_id.in_(part)
                )
            )
        return True

    def entry(self, entry_id: str) -> StoredEntry | None:
        """Return one entry, or None."""
        statement = select(_ENTRIES).where(
            _ENTRIES.c.organization_id == self.owner, _ENTRIES.c.entry_id == named(entry_id, "entry_id")
        )
        found = self.session.execute(statement).one_or_none()
        return None if found is None else _entry(found)

    def history(self, head_id: str, limit: int | None = None) -> list[StoredEntry]:
        """Return the entries from the first to `head_id`, or the last `limit` of them, in one statement."""
        walk = (
            select(_ENTRIES.c.entry_id, _ENTRIES.c.parent_id, literal(1).label("depth"))
            .where(
                _ENTRIES.c.organization_id == self.owner, _ENTRIES.c.entry_id == named(head_id, "entry_id")
            )
            .cte("walk", recursive=True)
        )
        step = select(_ENTRIES.c.entry_id, _ENTRIES.c.parent_id, walk.c.depth + 1).where(
            _ENTRIES.c.organization_id == self.owner, _ENTRIES.c.entry_id == walk.c.parent_id
        )
        if limit is not None:
            step = step.where(walk.c.depth < limit)
        walk = walk.union_all(step)
        statement = (
            select(_ENTRIES)
            .join(walk, _ENTRIES.c.entry_id == walk.c.entry_id)
            .where(_ENTRIES.c.organization_id == self.owner)
            .order_by(walk.c.depth.desc())
        )
        return [_entry(row) for row in self.session.execute(statement)]

    # -- parts -----------------------------------------------------------------------------------------------

    def _record(self, conversation_id: str) -> tuple[Any, ...]:
        return (
            _RECORDS.c.organization_id == self.owner,
            _RECORDS.c.conversation_id == named(conversation_id, "conversation_id"),
        )

    def _hold(self, *, shared: bool) -> None:
        """Keep a deletion from sweeping entries that somebody is just building on."""
        hold(self.session, "agent_entries", shared=shared)

    def _changed(self, statement: Any) -> bool:
        return self.session.scalar(statement.returning(_RECORDS.c.conversation_id)) is not None

    def _are_there(self, entry_ids: set[str]) -> bool:
        found: set[str] = set()
        for part in in_parts(entry_ids):
            statement = select(_ENTRIES.c.entry_id).where(
                _ENTRIES.c.organization_id == self.owner, _ENTRIES.c.entry_id.in_(part)
            )
            found.update(self.session.scalars(statement))
        return found == entry_ids

    def _add(self, conversation_id: str, entries: Sequence[StoredEntry], now: datetime) -> None:
        rows = [
            {
                "organization_id": self.owner,
                "entry_id": named(entry.entry_id, "entry_id"),
                "parent_id": entry.parent_id,
                "conversation_id": conversation_id,
                "content": sized(entry.content, "message"),
                "created_at": now,
            }
            for entry in entries
        ]
        if rows:
            self.session.execute(insert(_ENTRIES), rows)

    def _line(self, conversation_id: str, tips: Iterable[str | None]) -> dict[str, str | None]:
        """Return the entries a conversation stored or stands on, each with its parent."""
        own = [_ENTRIES.c.conversation_id == conversation_id]
        own += [_ENTRIES.c.entry_id.in_(part) for part in in_parts(tip for tip in tips if tip is not None)]
        line = (
            select(_ENTRIES.c.entry_id, _ENTRIES.c.parent_id)
            .where(_ENTRIES.c.organization_id == self.owner, or_(*own))
            .cte("line", recursive=True)
        )
        step = select(_ENTRIES.c.entry_id, _ENTRIES.c.parent_id).where(
            _ENTRIES.c.organization_id == self.owner, _ENTRIES.c.entry_id == line.c.parent_id
        )
        line = line.union(step)
        return {row.entry_id: row.parent_id for row in self.session.execute(select(line))}

    def _reached(self, line: Mapping[str, str | None]) -> set[str]:
        """Return those of these entries that the remaining conversations stand on."""
        records, entries = _RECORDS.c, _ENTRIES.c
        own = records.organization_id == self.owner
        tips: set[str | None] = set()
        for part in in_parts(line):
            tips.update(self.session.scalars(select(records.head_id).where(own, records.head_id.in_(part))))
            children = select(entries.entry_id, entries.parent_id).where(
                entries.organization_id == self.owner, entries.parent_id.in_(part)
            )
            tips.update(row.parent_id for row in self.session.execute(children) if row.entry_id not in line)
        for branches in self.session.scalars(select(records.branches).where(own, records.branches != "[]")):
            tips.update(loads(branches))
        reached: set[str] = set()
        for tip in tips:
            entry_id = tip
            while entry_id is not None and entry_id in line and entry_id not in reached:
                reached.add(entry_id)
                entry_id = line[entry_id]
        return reached


def _last_first(line: Mapping[str, str | None], entry_ids: Iterable[str]) -> list[str]:
    """Return entries so that none comes after its parent: in that order they can be deleted."""
    depths: dict[str | None, int] = {}
    for entry_id in line:
        above: list[str] = []
        at: str | None = entry_id
        while at is not None and at in line and at not in depths:
            above.append(at)
            at = line[at]
        start = depths.get(at, 0) + 1
        depths |= {one: start + number for number, one in enumerate(reversed(above))}
    return sorted(entry_ids, key=lambda one: depths[one], reverse=True)


def _record_values(record: StoredRecord) -> dict[str, Any]:
    return {
        "revision": named(record.revision, "revision"),
        "scope": None if record.scope is None else named(record.scope, "scope", empty=True),
        "head_id": record.head_id,
        "branches": dumps([named(one, "entry_id") for one in record.branches]),
        "saved_at": fit(_RECORDS.c.saved_at, record.saved_at, field="updated_at"),
        "content": sized(record.content, "record"),
    }


def _entry(row: Any) -> StoredEntry:
    return StoredEntry(row.entry_id, row.parent_id, row.content)
