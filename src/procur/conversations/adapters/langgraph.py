"""LangGraph: checkpoints of graphs in the company's database."""

from collections.abc import Iterator, Sequence
from secrets import randbelow
from typing import Any, cast
from uuid import UUID

from procur.conversations.adapters.place import Place, missing
from procur.core.errors import InvalidInput
from procur.db import DatabaseSession
from procur.db.repositories import CheckpointRepository, StoredCheckpoint, StoredWrite

try:
    from langchain_core.runnables import RunnableConfig
    from langgraph.checkpoint.base import (
        WRITES_IDX_MAP,
        ChannelVersions,
        Checkpoint,
        CheckpointMetadata,
        CheckpointTuple,
        get_checkpoint_id,
        get_checkpoint_metadata,
        writes_sort_key,
    )
    from langgraph.checkpoint.serde.base import SerializerProtocol

    from procur.conversations.adapters.langgraph_async import AsyncTwins
except ModuleNotFoundError as error:
    raise missing("langgraph", "langgraph-checkpoint") from error

_PAGE = 50  # checkpoints read at once while listing
_COUNTERS = "counters_since_delta_snapshot"  # of channels whose value is spread over earlier checkpoints


class ProcurSaver(AsyncTwins):
    """LangGraph's checkpointer: `graph.compile(checkpointer=ProcurSaver())`.

    Values are serialised by `serde` (LangGraph's own unless given, encrypted if you give its encrypting one);
    names of threads, channels, runs and versions are stored as they are.
    """

    def __init__(
        self,
        *,
        database: DatabaseSession | None = None,
        organization: UUID | str | None = None,
        serde: SerializerProtocol | None = None,
    ) -> None:
        super().__init__(serde=serde)
        self._place = Place(database, organization)

    def get_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        """Return the checkpoint that `config` names, or the newest of its thread and namespace."""
        thread_id, checkpoint_ns = _thread(config)
        with self._place.reading() as session:
            repository = CheckpointRepository(session)
            heads = repository.newest(
                thread_id=thread_id,
                checkpoint_ns=checkpoint_ns or "",
                checkpoint_id=get_checkpoint_id(config),
                limit=1,
            )
            found = repository.filled(heads)
        return self._tuple(found[0]) if found else None

    def list(
        self,
        config: RunnableConfig | None,
        *,
        filter: dict[str, Any] | None = None,  # noqa: A002 - LangGraph's name
        before: RunnableConfig | None = None,
        limit: int | None = None,
    ) -> Iterator[CheckpointTuple]:
        """Yield checkpoints, newest first; no transaction stays open between them."""
        thread_id, checkpoint_ns = _thread(config) if config else (None, None)
        checkpoint_id = get_checkpoint_id(config) if config else None
        earlier = get_checkpoint_id(before) if before else None
        last: StoredCheckpoint | None = None
        left = limit
        while left is None or left > 0:
            size = _PAGE if left is None or filter else min(left, _PAGE)
            with self._place.reading() as session:
                repository = CheckpointRepository(session)
                heads = repository.newest(
                    thread_id=thread_id,
                    checkpoint_ns=checkpoint_ns,
                    checkpoint_id=checkpoint_id,
                    before=earlier,
                    after=last,
                    limit=size,
                )
                wanted = [head for head in heads if self._matches(head, filter)]
                found = repository.filled(wanted if left is None else wanted[:left])
            yield from map(self._tuple, found)
            if len(heads) < size:
                return
            last = heads[-1]
            left = None if left is None else left - len(found)

    def put(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,  # noqa: ARG002 - what is stored says which values are new
    ) -> RunnableConfig:
        """Store a checkpoint and those values of its channels that are not stored yet."""
        thread_id, checkpoint_ns = _thread(config)
        rest = {key: value for key, value in checkpoint.items() if key != "channel_values"}
        values = checkpoint["channel_values"]
        versions = {name: _version(version) for name, version in checkpoint["channel_versions"].items()}
        told = get_checkpoint_metadata(config, metadata)
        run_id = told.get("run_id")
        head = StoredCheckpoint(
            thread_id=thread_id,
            checkpoint_ns=checkpoint_ns or "",
            checkpoint_id=checkpoint["id"],
            parent_id=get_checkpoint_id(config),
            versions=versions,
            checkpoint=self.serde.dumps_typed(rest),
            metadata=self.serde.dumps_typed(told),
            run_id=run_id if isinstance(run_id, str) and run_id else None,
        )
        with self._place.writing() as session:
            CheckpointRepository(session).put(
                head, lambda name: self.serde.dumps_typed(values[name]), values.keys() & versions.keys()
            )
        return _config(thread_id, head.checkpoint_ns, head.checkpoint_id)

    def put_writes(
        self, config: RunnableConfig, writes: Sequence[tuple[str, Any]], task_id: str, task_path: str = ""
    ) -> None:
        """Store what a task wrote after the checkpoint that `config` names."""
        thread_id, checkpoint_ns = _thread(config)
        rows = [
            StoredWrite(
                task_id,
                WRITES_IDX_MAP.get(channel, position),
                task_path,
                channel,
                self.serde.dumps_typed(value),
            )
            for position, (channel, value) in enumerate(writes)
        ]
        with self._place.writing() as session:
            CheckpointRepository(session).put_writes(
                thread_id, checkpoint_ns or "", config["configurable"]["checkpoint_id"], rows
            )

    def delete_thread(self, thread_id: str) -> None:
        """Delete every checkpoint, value and write of a thread."""
        with self._place.writing() as session:
            CheckpointRepository(session).delete_thread(str(thread_id))

    def delete_for_runs(self, run_ids: Sequence[str]) -> None:
        """Delete the checkpoints and writes of these runs."""
        with self._place.writing() as session:
            CheckpointRepository(session).delete_runs([str(run_id) for run_id in run_ids])

    def copy_thread(self, source_thread_id: str, target_thread_id: str) -> None:
        """Copy a thread with its whole past; Conflict if the target has checkpoints already."""
        with self._place.writing() as session:
            CheckpointRepository(session).copy_thread(str(source_thread_id), str(target_thread_id))

    def prune(self, thread_ids: Sequence[str], *, strategy: str = "keep_latest") -> None:
        """Keep the newest checkpoint of each namespace, or (`delete`) none.

        Earlier checkpoints stay as long as a `DeltaChannel` of the kept one is read through them.
        """
        if strategy not in {"keep_latest", "delete"}:
            raise InvalidInput("strategy must be keep_latest or delete", field="strategy")
        for thread_id in map(str, thread_ids):
            if strategy == "delete":
                self.delete_thread(thread_id)
                continue
            with self._place.writing() as session:
                self._keep_latest(CheckpointRepository(session), thread_id)

    def get_next_version(self, current: str | None, channel: None) -> str:  # noqa: ARG002 - LangGraph's
        """Return a later version, random behind the point: two branches may count on from one value."""
        number = 1 if current is None else int(str(current).split(".", maxsplit=1)[0]) + 1
        return f"{number:032}.{randbelow(10**16):016}"

    # -- parts -----------------------------------------------------------------------------------------------

    def _matches(self, head: StoredCheckpoint, wanted: dict[str, Any] | None) -> bool:
        if not wanted:
            return True
        metadata = self.serde.loads_typed(head.metadata)
        return all(metadata.get(key) == value for key, value in wanted.items())

    def _tuple(self, head: StoredCheckpoint) -> CheckpointTuple:
        load = self.serde.loads_typed
        writes = sorted(
            head.writes, key=lambda one: writes_sort_key(one.task_path, one.task_id, one.position)
        )
        values = {name: load(value) for name, value in head.values.items()}
        place = head.thread_id, head.checkpoint_ns
        return CheckpointTuple(
            config=_config(*place, head.checkpoint_id),
            checkpoint=cast("Checkpoint", {**load(head.checkpoint), "channel_values": values}),
            metadata=load(head.metadata),
            parent_config=_config(*place, head.parent_id) if head.parent_id else None,
            pending_writes=[(one.task_id, one.channel, load(one.value)) for one in writes],
        )

    def _keep_latest(self, repository: CheckpointRepository, thread_id: str) -> None:
        repository.lock(thread_id)
        heads = {
            (one.checkpoint_ns, one.checkpoint_id): one for one in repository.newest(thread_id=thread_id)
        }
        kept: set[tuple[str, str]] = set()
        for namespace in {ns for ns, _ in heads}:
            one: StoredCheckpoint | None = heads[max(key for key in heads if key[0] == namespace)]
            spread = set(self.serde.loads_typed(one.metadata).get(_COUNTERS) or ()) if one else set()
            while one is not None:
                kept.add((namespace, one.checkpoint_id))
                if spread:
                    spread -= repository.filled([one])[0].values.keys()
                one = heads.get((namespace, one.parent_id or "")) if spread else None
        repository.remove(thread_id, [key for key in heads if key not in kept])


def _thread(config: RunnableConfig) -> tuple[str, str | None]:
    """Return the thread and, if it is named, the namespace of a config."""
    asked = config.get("configurable") or {}
    thread_id = asked.get("thread_id")
    if thread_id is None:
        raise InvalidInput("the config names no thread_id", field="thread_id")
    return str(thread_id), asked.get("checkpoint_ns")


def _config(thread_id: str, checkpoint_ns: str, checkpoint_id: str) -> RunnableConfig:
    place = {"thread_id": thread_id, "checkpoint_ns": checkpoint_ns, "checkpoint_id": checkpoint_id}
    return {"configurable": place}


def _version(version: str | float) -> str:
    """Return a version as text; 1 and 1.0 are the same version."""
    return str(int(version)) if isinstance(version, float) and version.is_integer() else str(version)
