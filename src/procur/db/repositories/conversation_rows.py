"""How conversations are looked up, and what changes together in them."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import Select, and_, case, select, update

from procur.core.errors import Conflict, InvalidInput
from procur.db import tenancy
from procur.db.models import Conversation, Message
from procur.db.repositories.appending import find_conversation, located
from procur.db.repositories.base import Key, M, Repository

COUNTED = frozenset({"last_sequence", "revision", "summary_sequence", "title_words"})
TOGETHER = and_(
    Conversation.organization_id == Message.organization_id, Conversation.id == Message.conversation_id
)


class Guarded(Repository[M]):
    """What both tables have in common: columns that follow others, which only the models keep in step."""

    def advance(self, id: Key, *, expected: Mapping[str, Any], **values: Any) -> M:  # noqa: A002 - as above
        """Change a row only if it is still as expected; otherwise somebody else was faster: Conflict."""
        row = self.locked(id)
        statement = select(self.model.id).where(self.model.id == row.id, *self._equal(expected))  # type: ignore[attr-defined]
        if self.session.execute(statement).first() is None:
            raise Conflict(f"{self._noun()} is not as expected any more")
        return self._change(row, values)


@dataclass(frozen=True, slots=True)
class ConversationState:
    """A conversation's counters, and what is kept of it in short."""

    id: UUID
    revision: int
    last_sequence: int
    summary: str | None
    summary_sequence: int


class ConversationRows(Guarded[Conversation]):
    """Conversations, by the caller's own id (text) or by key."""

    model = Conversation
    business_key = "conversation_id"
    # The only kind that this repository sees; None: all.
    kind: ClassVar[str | None] = None

    def get_by_id(
        self,
        id: Key | None,  # noqa: A002 - documented name
        *,
        include_deleted: bool = False,
        for_update: bool = False,
    ) -> Conversation | None:
        """Return the conversation with this key or caller's id, or None."""
        found = find_conversation(self.session, id, include_deleted=include_deleted, for_update=for_update)
        return None if found is not None and self.kind not in {None, found.kind} else found

    def revision_of(self, id: Key) -> tuple[UUID, int] | None:  # noqa: A002 - as everywhere
        """Return a live conversation's key and revision, by which a cache knows whether it is up to date."""
        found = self._columns(id, Conversation.id, Conversation.revision)
        return None if found is None else (found[0], found[1])

    def state_of(self, id: Key) -> ConversationState | None:  # noqa: A002 - as everywhere
        """Return how a live conversation stands in the database now, or None."""
        found = self._columns(id, *(getattr(Conversation, one.name) for one in fields(ConversationState)))
        return None if found is None else ConversationState(*found)

    def _columns(self, id: Key, *columns: Any) -> Any:  # noqa: A002 - as everywhere
        return self.session.execute(self._visible(located(select(*columns), id))).first()

    def exists(self, id: Key | None = None, *, include_deleted: bool = False, **equals: Any) -> bool:  # noqa: A002
        """Say whether there is a conversation with this key or caller's id, or with these values."""
        if id is None:
            return super().exists(include_deleted=include_deleted, **equals)
        found = self.get_by_id(id, include_deleted=include_deleted)
        return found is not None and super().exists(found.id, include_deleted=include_deleted, **equals)

    def _new_business_id(self, values: Mapping[str, Any]) -> str:
        return str(values["id"])

    def _last_used(self) -> tuple[Any, Any]:
        return Conversation.last_activity.desc(), Conversation.id.desc()

    def _key(self, id: Key) -> UUID:  # noqa: A002 - as above
        return self.get(id, include_deleted=True).id

    def _visible(self, statement: Select[Any]) -> Select[Any]:
        return statement if self.kind is None else statement.where(Conversation.kind == self.kind)

    def _refuse_fixed(self, values: Mapping[str, Any]) -> None:
        super()._refuse_fixed(values)
        for name in values:
            if name in COUNTED:
                raise InvalidInput(f"{name} is counted, not set", field=name)
        self._refuse_other_kinds(values.get("kind"))

    def _refuse_other_kinds(self, kind: object) -> None:
        """Refuse what this repository would not see afterwards."""
        if kind is not None and self.kind not in (None, getattr(kind, "value", kind)):
            raise Conflict(f"these are conversations of kind {self.kind} only", field="kind")

    def _change(self, row: Conversation, values: Mapping[str, Any]) -> Conversation:
        """Keep the status and the deletion in step."""
        wanted = dict(values)
        status = getattr(wanted.get("status"), "value", wanted.get("status"))
        if "deleted_at" in wanted:
            live = "active" if row.status == "deleted" else row.status
            wanted["status"] = live if wanted["deleted_at"] is None else "deleted"
        elif status == "deleted":
            wanted["deleted_at"] = row.deleted_at or tenancy.clock_of(self.session).now()
        elif status is not None:
            wanted["deleted_at"] = None
        return super()._change(row, wanted)


def note_change(rows: Repository[Any], key: UUID, sequence: int) -> None:
    """Move a conversation's revision, which caches watch; forget a summary that covers what has changed."""
    covered = Conversation.summary_sequence >= sequence
    statement = (
        update(Conversation)
        .where(Conversation.id == key)
        .values(
            revision=Conversation.revision + 1,
            summary=case((covered, None), else_=Conversation.summary),
            summary_sequence=case((covered, 0), else_=Conversation.summary_sequence),
            updated_at=tenancy.clock_of(rows.session).now(),
        )
        .returning(Conversation)
        .execution_options(synchronize_session=False, populate_existing=True, include_deleted=True)
    )
    rows.session.flush()
    rows.session.scalars(statement).all()
