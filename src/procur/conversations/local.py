"""Conversations in this process only: nothing outlives it."""

import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from procur.conversations.backend import Talk
from procur.conversations.entries import Entry, plain_json
from procur.core.clock import Clock
from procur.core.errors import Conflict, InvalidInput
from procur.db.models import Conversation
from procur.db.repositories.appending import draft
from procur.db.repositories.conversation_messages import summary_of
from procur.db.values import checked
from procur.db.words import phrases, searchable


@dataclass
class _Kept:
    entries: list[Entry] = field(default_factory=list)
    by_id: dict[str, Entry] = field(default_factory=dict)
    last_sequence: int = 0
    changes: int = 0
    spent: dict[Any, Decimal] = field(default_factory=dict)
    summary: str | None = None
    summary_through: int = 0


class LocalTalks:
    """Keeps the `size` conversations used last, each of them whole. Safe under threads."""

    def __init__(self, *, size: int, clock: Clock) -> None:
        self._size = size
        self._clock = clock
        self._lock = threading.RLock()
        self._talks: OrderedDict[str, _Kept] = OrderedDict()

    def add(self, name: str, message: Mapping[str, Any], opening: Mapping[str, Any]) -> None:  # noqa: ARG002
        """Keep a message; one with the message_id of another is a Conflict."""
        values = draft(message)
        checked(Conversation, {"conversation_id": name})
        if not name:
            raise InvalidInput("conversation_id is empty", field="conversation_id")
        role = values.get("role_alias") or values["role"]
        with self._lock:
            known = self._known(values["message_id"])
            if known is not None:
                where, entry = known
                if (where, entry.role, entry.content) != (name, role, values["content"]):
                    raise Conflict(
                        "there is already another message with this message_id", field="message_id"
                    )
                return
            kept = self._talks.setdefault(name, _Kept())
            self._talks.move_to_end(name)
            kept.last_sequence += 1
            entry = Entry(
                sequence=kept.last_sequence,
                role=role,
                content=values["content"],
                timestamp=self._clock.now(),
                metadata=plain_json(values["extra_metadata"]),
                intent=values.get("intent"),
                model_used=values.get("model_used"),
                cost=values["cost"],
            )
            kept.entries.append(entry)
            if values["message_id"] is not None:
                kept.by_id[values["message_id"]] = entry
            while len(self._talks) > self._size:
                self._talks.popitem(last=False)

    def newest(self, name: str, count: int, *, fresh: bool = False) -> list[Entry]:  # noqa: ARG002
        """Return the newest messages in order."""
        with self._lock:
            if name in self._talks:
                self._talks.move_to_end(name)
            return self._entries(name)[-count:]

    def before(self, name: str, sequence: int, count: int) -> list[Entry]:
        """Return the last messages before this one, in order."""
        return [entry for entry in self._entries(name) if entry.sequence < sequence][-count:]

    def after(self, name: str, sequence: int, count: int) -> list[Entry]:
        """Return the first messages after this one, in order."""
        return [entry for entry in self._entries(name) if entry.sequence > sequence][:count]

    def talk(self, name: str) -> Talk | None:
        """Return how the conversation stands, or None."""
        with self._lock:
            kept = self._talks.get(name)
            if kept is None:
                return None
            return Talk(
                kept.last_sequence, kept.summary, kept.summary_through, (kept.changes, kept.summary_through)
            )

    def keep_summary(self, name: str, summary: str, through: int, talk: Talk) -> bool:
        """Keep what was said up to this message in short; False when it has changed since `talk`."""
        with self._lock:
            kept = self._talks.get(name)
            if kept is None or (kept.changes, kept.summary_through) != talk.seen:
                return False
            kept.summary, kept.summary_through = summary_of(summary), through
            return True

    def clear(self, name: str) -> int:
        """Forget all messages; return how many."""
        with self._lock:
            kept = self._talks.get(name)
            if kept is None:
                return 0
            cleared = len(kept.entries)
            _spend(kept.spent, kept.entries)
            kept.entries.clear()
            kept.changes += 1
            kept.summary, kept.summary_through = None, 0
            return cleared

    def delete(self, name: str) -> bool:
        """Forget the conversation; False when there is none."""
        with self._lock:
            return self._talks.pop(name, None) is not None

    def cleanup(self, moment: datetime) -> int:
        """Forget the conversations that nobody has used since; return how many."""
        with self._lock:
            old = [
                name
                for name, kept in self._talks.items()
                if not kept.entries or kept.entries[-1].timestamp < moment
            ]
            for name in old:
                del self._talks[name]
            return len(old)

    def conversations(self) -> int:
        """Return how many conversations there are."""
        return len(self._talks)

    def messages(self, name: str | None) -> int:
        """Return how many messages there are."""
        with self._lock:
            names = list(self._talks) if name is None else [name]
            return sum(len(self._entries(one)) for one in names)

    def cost(self, name: str) -> Decimal:
        """Return what the conversation has cost."""
        with self._lock:
            kept = self._talks.get(name)
            return Decimal(0) if kept is None else sum(self._spent(kept).values(), Decimal(0))

    def costs(self, since: datetime | None, until: datetime | None, by: str) -> dict[Any, Decimal]:
        """Return what all conversations have cost, by "model" or "conversation"."""
        if since is not None or until is not None or by not in {"model", "conversation"}:
            raise InvalidInput(
                "without a database costs go by model or conversation, at any time", field="by"
            )
        total: dict[Any, Decimal] = {}
        with self._lock:
            for name, kept in self._talks.items():
                for model, cost in self._spent(kept).items():
                    key = model if by == "model" else name
                    total[key] = total.get(key, Decimal(0)) + cost
        return dict(sorted(total.items(), key=lambda pair: (-pair[1], str(pair[0]))))

    def search(self, term: str, name: str | None, limit: int) -> list[tuple[str, Entry]]:
        """Return the messages with these words and the conversations they are in, newest first."""
        wanted = [f" {' '.join(phrase)} " for phrase in phrases(term)]
        with self._lock:
            names = list(self._talks) if name is None else [name]
            found = [
                (one, entry)
                for one in names
                for entry in self._entries(one)
                if wanted and all(phrase in f" {searchable(entry.content)} " for phrase in wanted)
            ]
        found.sort(key=lambda pair: (pair[1].timestamp, pair[1].sequence), reverse=True)
        return found[:limit]

    def _entries(self, name: str) -> list[Entry]:
        with self._lock:
            kept = self._talks.get(name)
            return [] if kept is None else list(kept.entries)

    def _known(self, message_id: str | None) -> tuple[str, Entry] | None:
        if message_id is None:
            return None
        for name, kept in self._talks.items():
            if message_id in kept.by_id:
                return name, kept.by_id[message_id]
        return None

    def _spent(self, kept: _Kept) -> dict[Any, Decimal]:
        return _spend(dict(kept.spent), kept.entries)


def _spend(spent: dict[Any, Decimal], entries: list[Entry]) -> dict[Any, Decimal]:
    for entry in entries:
        spent[entry.model_used] = spent.get(entry.model_used, Decimal(0)) + entry.cost
    return spent
