"""LangGraph's checkpoints: heads, the versions of channel values they share, and what tasks wrote."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import Select, Table, delete, insert, literal, select, tuple_
from sqlalchemy.orm import Session

from procur.core.errors import Conflict, InvalidInput
from procur.db import tenancy
from procur.db.arguments import Checked
from procur.db.models import AgentCheckpointBlob, AgentCheckpointRecord, AgentCheckpointWrite
from procur.db.repositories.agent_state import in_parts, named, sized
from procur.db.repositories.holding import hold
from procur.db.repositories.upserts import insert_into

Typed = tuple[str, bytes]  # what LangGraph's serialiser returns: the name of the format, the bytes
_HEADS: Table = AgentCheckpointRecord.__table__  # type: ignore[assignment]
_BLOBS: Table = AgentCheckpointBlob.__table__  # type: ignore[assignment]
_WRITES: Table = AgentCheckpointWrite.__table__  # type: ignore[assignment]


@dataclass(slots=True)
class StoredWrite:
    """What one task wrote to one channel. A negative position is a special channel, which is overwritten."""

    task_id: str
    position: int
    task_path: str
    channel: str
    value: Typed


@dataclass(slots=True)
class StoredCheckpoint:
    """A checkpoint as it is stored. `versions` names the channel values it has; `values` are those found."""

    thread_id: str
    checkpoint_ns: str
    checkpoint_id: str
    parent_id: str | None
    versions: Mapping[str, str]
    checkpoint: Typed
    metadata: Typed
    run_id: str | None = None
    values: dict[str, Typed] = field(default_factory=dict)
    writes: list[StoredWrite] = field(default_factory=list)


class CheckpointRepository(Checked):
    """Threads of checkpoints, newest first by their ids, which rise with time."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.owner: UUID = tenancy.required_organization_id(session)

    def newest(
        self,
        *,
        thread_id: str | None = None,
        checkpoint_ns: str | None = None,
        checkpoint_id: str | None = None,
        before: str | None = None,
        after: StoredCheckpoint | None = None,
        limit: int | None = None,
    ) -> list[StoredCheckpoint]:
        """Return heads without values and writes; `after` is the last of the page before."""
        given = {"thread_id": thread_id, "checkpoint_ns": checkpoint_ns, "checkpoint_id": checkpoint_id}
        statement = select(_HEADS).where(_HEADS.c.organization_id == self.owner)
        for name, value in given.items():
            if value is not None:
                statement = statement.where(
                    _HEADS.c[name] == named(value, name, empty=name == "checkpoint_ns")
                )
        if before is not None:
            statement = statement.where(_HEADS.c.checkpoint_id < named(before, "checkpoint_id"))
        order = (_HEADS.c.checkpoint_id, _HEADS.c.thread_id, _HEADS.c.checkpoint_ns)
        if after is not None:
            last = (after.checkpoint_id, after.thread_id, after.checkpoint_ns)
            statement = statement.where(
                tuple_(*order)
                < tuple_(*(literal(value, column.type) for value, column in zip(last, order, strict=True)))
            )
        statement = statement.order_by(*(column.desc() for column in order)).limit(limit)
        return [_head(row) for row in self.session.execute(statement)]

    def filled(self, heads: Sequence[StoredCheckpoint]) -> Sequence[StoredCheckpoint]:
        """Add the values and writes of these checkpoints, in a statement per namespace."""
        places: dict[tuple[str, str], list[StoredCheckpoint]] = {}
        for head in heads:
            places.setdefault((head.thread_id, head.checkpoint_ns), []).append(head)
        for place, those in places.items():
            self._add_values(place, those)
            self._add_writes(place, those)
        return heads

    def put(self, head: StoredCheckpoint, dump: Callable[[str], Typed], channels: Iterable[str]) -> None:
        """Write a checkpoint; `dump` serialises one of `channels`, asked only for versions not stored yet.

        Values are shared by version, so an unchanged channel costs nothing. A value that a deleted run took
        along is written again with the next checkpoint that still has it.
        """
        place = (
            named(head.thread_id, "thread_id"),
            named(head.checkpoint_ns, "checkpoint_ns", empty=True),
        )
        named(head.checkpoint_id, "checkpoint_id")
        hold(self.session, "agent_checkpoints", head.thread_id, shared=True)
        pairs = {_versioned(head, name) for name in channels}
        found = {pair for part in in_parts(pairs) for pair in self._stored(place, part)}
        now = tenancy.clock_of(self.session).now()
        key = {"organization_id": self.owner, "thread_id": place[0], "checkpoint_ns": place[1]}
        for channel, version in sorted(pairs - found):
            kind, payload = dump(channel)
            row = {"channel": channel, "version": version, "type": kind, "payload": sized(payload, channel)}
            self.session.execute(
                insert_into(self.session, _BLOBS)
                .values(**key, **row, created_at=now)
                .on_conflict_do_nothing()
            )
        values = {
            "parent_checkpoint_id": head.parent_id,
            "run_id": head.run_id and named(head.run_id, "run_id"),
            "channel_versions": dict(head.versions),
            "type": head.checkpoint[0],
            "payload": sized(head.checkpoint[1], "checkpoint"),
            "metadata_type": head.metadata[0],
            "metadata_payload": sized(head.metadata[1], "metadata"),
            "updated_at": now,
        }
        statement = insert_into(self.session, _HEADS).values(
            **key, checkpoint_id=head.checkpoint_id, created_at=now, **values
        )
        self.session.execute(
            statement.on_conflict_do_update(index_elements=list(_HEADS.primary_key.columns), set_=values)
        )

    def put_writes(
        self, thread_id: str, checkpoint_ns: str, checkpoint_id: str, writes: Sequence[StoredWrite]
    ) -> None:
        """Write what a task wrote. A write that is there already stays, but for the special channels."""
        key = {
            "organization_id": self.owner,
            "thread_id": named(thread_id, "thread_id"),
            "checkpoint_ns": named(checkpoint_ns, "checkpoint_ns", empty=True),
            "checkpoint_id": named(checkpoint_id, "checkpoint_id"),
            "created_at": tenancy.clock_of(self.session).now(),
        }
        hold(self.session, "agent_checkpoints", thread_id, shared=True)
        for write in writes:
            changing = {
                "task_path": write.task_path,
                "channel": named(write.channel, "channel"),
                "type": write.value[0],
                "payload": sized(write.value[1], write.channel),
            }
            statement = insert_into(self.session, _WRITES).values(
                **key, task_id=named(write.task_id, "task_id"), position=write.position, **changing
            )
            if write.position < 0:
                keys = list(_WRITES.primary_key.columns)
                statement = statement.on_conflict_do_update(index_elements=keys, set_=changing)
            else:
                statement = statement.on_conflict_do_nothing()
            self.session.execute(statement)

    def delete_thread(self, thread_id: str) -> None:
        """Remove a thread with everything in it."""
        self.lock(thread_id)
        for table in (_HEADS, _BLOBS, _WRITES):
            self.session.execute(delete(table).where(*self._in_thread(table, thread_id)))

    def delete_runs(self, run_ids: Sequence[str]) -> None:
        """Remove the checkpoints of these runs, their writes, and the values that only they had."""
        threads: set[str] = set()
        wanted = [named(run_id, "run_id") for run_id in run_ids]
        of_runs = [_HEADS.c.organization_id == self.owner]
        for part in in_parts(wanted):
            query = select(_HEADS.c.thread_id).where(*of_runs, _HEADS.c.run_id.in_(part)).distinct()
            threads.update(self.session.scalars(query))
        for thread_id in sorted(threads):
            self.lock(thread_id)
            query = select(_HEADS.c.checkpoint_ns, _HEADS.c.checkpoint_id, _HEADS.c.run_id).where(
                *self._in_thread(_HEADS, thread_id)
            )
            gone = [(ns, key) for ns, key, run_id in self.session.execute(query) if run_id in set(wanted)]
            self.remove(thread_id, gone)

    def remove(self, thread_id: str, gone: Sequence[tuple[str, str]]) -> None:
        """Remove checkpoints (namespace, id) of a locked thread, and the values that only they had."""
        for part in in_parts(gone):
            for table in (_HEADS, _WRITES):
                self.session.execute(
                    delete(table).where(
                        *self._in_thread(table, thread_id),
                        tuple_(table.c.checkpoint_ns, table.c.checkpoint_id).in_(part),
                    )
                )
        for checkpoint_ns in sorted({ns for ns, _ in gone}):
            self._sweep((thread_id, checkpoint_ns))

    def copy_thread(self, source: str, target: str) -> None:
        """Copy a whole thread; Conflict if the target has checkpoints already."""
        named(target, "target_thread_id")
        for thread_id in sorted({source, target}):
            self.lock(thread_id)
        if self.newest(thread_id=target, limit=1):
            raise Conflict("the thread to copy to already has checkpoints", field="target_thread_id")
        for table in (_HEADS, _BLOBS, _WRITES):
            names = [column.name for column in table.columns]
            columns = [literal(target) if name == "thread_id" else table.c[name] for name in names]
            rows = select(*columns).where(*self._in_thread(table, source))
            self.session.execute(insert(table).from_select(names, rows))

    def lock(self, thread_id: str) -> None:
        """Keep others from writing to a thread until this transaction ends."""
        hold(self.session, "agent_checkpoints", named(thread_id, "thread_id"))

    # -- parts -----------------------------------------------------------------------------------------------

    def _in_thread(self, table: Table, thread_id: str) -> tuple[Any, ...]:
        return (
            table.c.organization_id == self.owner,
            table.c.thread_id == named(thread_id, "thread_id"),
        )

    def _in_place(self, table: Table, place: tuple[str, str]) -> tuple[Any, ...]:
        return (*self._in_thread(table, place[0]), table.c.checkpoint_ns == place[1])

    def _stored(self, place: tuple[str, str], pairs: list[tuple[str, str]]) -> set[tuple[str, str]]:
        return {(row.channel, row.version) for row in self.session.execute(_keys(self, place, pairs))}

    def _add_values(self, place: tuple[str, str], heads: Sequence[StoredCheckpoint]) -> None:
        wanted = {pair for head in heads for pair in head.versions.items()}
        found: dict[tuple[str, str], Typed] = {}
        for part in in_parts(wanted):
            statement = _keys(self, place, part).add_columns(_BLOBS.c.type, _BLOBS.c.payload)
            for row in self.session.execute(statement):
                found[row.channel, row.version] = (row.type, row.payload)
        for head in heads:
            head.values = {name: found[name, v] for name, v in head.versions.items() if (name, v) in found}

    def _add_writes(self, place: tuple[str, str], heads: Sequence[StoredCheckpoint]) -> None:
        by_id = {head.checkpoint_id: head for head in heads}
        for part in in_parts(by_id):
            statement = select(_WRITES).where(
                *self._in_place(_WRITES, place), _WRITES.c.checkpoint_id.in_(part)
            )
            for row in self.session.execute(statement):
                value = (row.type, row.payload)
                write = StoredWrite(row.task_id, row.position, row.task_path, row.channel, value)
                by_id[row.checkpoint_id].writes.append(write)

    def _sweep(self, place: tuple[str, str]) -> None:
        """Remove the values that no checkpoint of the namespace has."""
        query = select(_HEADS.c.channel_versions).where(*self._in_place(_HEADS, place))
        kept = {pair for versions in self.session.scalars(query) for pair in versions.items()}
        query = select(_BLOBS.c.channel, _BLOBS.c.version).where(*self._in_place(_BLOBS, place))
        there = {(channel, version) for channel, version in self.session.execute(query)}
        for part in in_parts(there - kept):
            pair = tuple_(_BLOBS.c.channel, _BLOBS.c.version)
            self.session.execute(delete(_BLOBS).where(*self._in_place(_BLOBS, place), pair.in_(part)))


def _keys(repository: CheckpointRepository, place: tuple[str, str], pairs: Sequence[Any]) -> Select[Any]:
    pair = tuple_(_BLOBS.c.channel, _BLOBS.c.version)
    return select(_BLOBS.c.channel, _BLOBS.c.version).where(
        *repository._in_place(_BLOBS, place),  # noqa: SLF001 - the same module
        pair.in_(pairs),
    )


def _head(row: Any) -> StoredCheckpoint:
    return StoredCheckpoint(
        thread_id=row.thread_id,
        checkpoint_ns=row.checkpoint_ns,
        checkpoint_id=row.checkpoint_id,
        parent_id=row.parent_checkpoint_id,
        run_id=row.run_id,
        versions=row.channel_versions,
        checkpoint=(row.type, row.payload),
        metadata=(row.metadata_type, row.metadata_payload),
    )


def _versioned(head: StoredCheckpoint, channel: str) -> tuple[str, str]:
    """Return a channel with the version that the checkpoint has of it."""
    if channel not in head.versions:
        raise InvalidInput(f"the checkpoint has no version of the channel {channel[:64]!r}", field="channels")
    return named(channel, "channel"), named(head.versions[channel], "version")
