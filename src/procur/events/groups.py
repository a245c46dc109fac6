"""Consumer groups: every fact reaches each group once, in order per aggregate; what fails is tried again."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from random import Random
from uuid import UUID

from procur.core.backoff import wait_before
from procur.core.errors import InvalidInput
from procur.db import DatabaseSession
from procur.db.repositories import ConsumerRepository
from procur.events.handlers import Handler

_RANDOM = Random()  # noqa: S311 - spreads retries


@dataclass(frozen=True, slots=True)
class Group:
    """The handlers that share one offset: they take a fact in together, in one transaction."""

    name: str
    handlers: tuple[Handler, ...]
    from_beginning: bool = True

    def wants(self, kind: str) -> bool:
        """Say whether any handler is for facts of this type."""
        return any(handler.wants(kind) for handler in self.handlers)


@dataclass(frozen=True, slots=True)
class Retrying:
    """How often a fact is tried; seconds until the next try: after the first failure, and at most."""

    attempts: int = 8
    first: float = 1.0
    most: float = 300.0

    def seconds(self, attempt: int) -> float | None:
        """Return how long to wait after this failed attempt (from 1), None when it was the last."""
        if attempt >= self.attempts:
            return None
        return wait_before(attempt, random=_RANDOM, first=self.first, longest=self.most)


@dataclass(slots=True)
class Batch:
    """What one transaction of a group has done; of the `failed` facts some are `dead`: set aside for good."""

    passed: int = 0
    taken: list[UUID] = field(default_factory=list)
    failed: int = 0
    dead: int = 0


def groups_of(handlers: Iterable[Handler]) -> tuple[Group, ...]:
    """Return the groups that these handlers form, by name."""
    found: dict[str, list[Handler]] = {}
    for handler in handlers:
        found.setdefault(handler.group, []).append(handler)
    for name, members in found.items():
        if len({one.from_beginning for one in members}) > 1:
            raise InvalidInput(f"the handlers of {name!r} do not agree on where they begin", field="group")
    return tuple(Group(name, tuple(own), own[0].from_beginning) for name, own in sorted(found.items()))


def waiting(
    database: DatabaseSession, groups: Sequence[Group], organization: UUID | str | None = None
) -> list[tuple[Group, UUID]]:
    """Return where there is something to read or to try again now."""
    by_name = {group.name: group for group in groups}
    scope = (
        database.system_session(read_only=True)
        if organization is None
        else database.get_session(organization, read_only=True)
    )
    with scope as session:
        pairs = ConsumerRepository(session).waiting(by_name)
    return [(by_name[name], key) for name, key in pairs]
