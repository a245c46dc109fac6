"""Appends messages to conversations: each once, in order, whoever else writes at the same time."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Select, case, func, select, text, update
from sqlalchemy.orm import Session

from procur.core.errors import Conflict, InvalidInput, NotFound
from procur.db import tenancy
from procur.db.models import Conversation, Message, UserAccount
from procur.db.repositories.upserts import insert_into
from procur.db.types import clean_text
from procur.db.values import checked

# How other systems call a role; both names are kept.
_ALIASES = {"agent": "assistant"}
_CHAT_ROLES = ("user", "assistant")


def find_conversation(
    session: Session, reference: object, *, include_deleted: bool = False, for_update: bool = False
) -> Conversation | None:
    """Return the conversation with this key or caller's id, or None; a live one before a deleted one."""
    if not isinstance(reference, str | UUID):
        return None
    statement = located(select(Conversation), reference)
    if for_update:
        statement = statement.with_for_update().execution_options(populate_existing=True)
    options = {"include_deleted": include_deleted}
    return session.scalars(statement, execution_options=options).one_or_none()


def located(statement: Select[Any], reference: UUID | str) -> Select[Any]:
    """Narrow a statement on conversations to the one with this key or caller's id."""
    key, name = tenancy.as_uuid(reference), clean_text(str(reference), field="conversation_id")
    own_name = Conversation.conversation_id == name
    statement = statement.where(own_name if key is None else own_name | (Conversation.id == key))
    order = (Conversation.deleted_at.is_not(None), case((own_name, 0), else_=1), Conversation.id.desc())
    return statement.order_by(*order).limit(1)


class MessageWriter:
    """Stores messages at the end of a conversation, which it opens if there is none."""

    def __init__(self, session: Session, *, kind: str | None = None) -> None:
        """Write to conversations of this kind only (None: to all)."""
        self.session = session
        self.kind = kind
        self.owner = tenancy.required_organization_id(session)

    def append(
        self, reference: UUID | str, messages: Sequence[Mapping[str, Any]], opening: Mapping[str, Any]
    ) -> tuple[Conversation | None, list[Message]]:
        """Store the messages in one go; those whose message_id is stored already are returned as they are.

        Returned with their conversation (None: it has been deleted since they were stored). `opening` are its
        fields, should it begin here. A key (not text) that names no conversation is NotFound.
        """
        drafts = [draft(message) for message in messages]
        named = [one["message_id"] for one in drafts if one["message_id"] is not None]
        if len(set(named)) < len(named):
            raise InvalidInput("two of these messages have the same message_id", field="message_id")
        if not drafts:
            return find_conversation(self.session, reference), []
        conversation = self._step(reference, len(drafts))
        stored = self._stored(named)
        if conversation is None:
            if len(stored) == len(drafts):  # said and stored before the conversation was deleted
                self._refuse_others(stored, drafts, str(reference))
                return None, [stored[one["message_id"]] for one in drafts]
            conversation = self._open(reference, len(drafts), drafts, opening)
            stored = self._stored(named)  # somebody else may have opened it first, with these very messages
        try:
            if self.kind not in {None, conversation.kind}:
                raise Conflict("another kind of conversation has this id", field="conversation_id")  # noqa: TRY301
            _refuse_roles(conversation.kind, drafts)
            self._refuse_others(stored, drafts, conversation.conversation_id)
            self._adopt(conversation, opening.get("user_id"))
        except (Conflict, InvalidInput):
            self._move(conversation.id, -len(drafts))
            raise
        first = conversation.last_sequence - len(drafts) + 1
        if stored:
            conversation = self._move(conversation.id, -len(stored)) or conversation
        new = [one for one in drafts if one["message_id"] not in stored]
        rows = [self._row(conversation, first + place, one) for place, one in enumerate(new)]
        self.session.add_all(rows)
        self.session.flush()
        fresh = iter(rows)
        return conversation, [stored.get(one["message_id"]) or next(fresh) for one in drafts]

    def _step(self, reference: UUID | str, count: int) -> Conversation | None:
        """Count the messages in, in one statement, which also makes other writers wait for their turn."""
        if tenancy.as_uuid(reference) is None:
            name = clean_text(str(reference), field="conversation_id")
            return self._count(Conversation.conversation_id == name, count)
        found = find_conversation(self.session, reference)  # a key, or a caller's id that looks like one
        if found is None and isinstance(reference, UUID):
            raise NotFound(f"no Conversation {str(reference)!r}", field="conversation_id")
        return None if found is None else self._move(found.id, count)

    def _move(self, key: UUID, count: int) -> Conversation | None:
        return self._count(Conversation.id == key, count)

    def _count(self, condition: Any, count: int) -> Conversation | None:
        statement = (
            update(Conversation)
            .where(Conversation.organization_id == self.owner, Conversation.deleted_at.is_(None), condition)
            .values(**self._counted(count))
            .returning(Conversation)
            .execution_options(synchronize_session=False, populate_existing=True)
        )
        self.session.flush()
        return self.session.scalars(statement).one_or_none()

    def _counted(self, count: int) -> dict[str, Any]:
        now = tenancy.clock_of(self.session).now()
        return {
            "last_sequence": Conversation.last_sequence + count,
            "revision": Conversation.revision + count,
            "last_activity": now,
            "updated_at": now,
        }

    def _open(
        self,
        reference: UUID | str,
        count: int,
        drafts: list[dict[str, Any]],
        opening: Mapping[str, Any],
    ) -> Conversation:
        """Write the conversation, or count into the one that somebody else has opened meanwhile."""
        now = tenancy.clock_of(self.session).now()
        if not reference:
            raise InvalidInput("conversation_id is empty", field="conversation_id")
        values = checked(Conversation, {**opening, "conversation_id": str(reference)})
        _refuse_roles(values.get("kind", "agent"), drafts)
        table: Any = Conversation.__table__
        statement = insert_into(self.session, table).values(
            **values,
            id=tenancy.new_id(self.session),
            organization_id=self.owner,
            last_sequence=count,
            revision=count,
            last_activity=now,
            created_at=now,
            updated_at=now,
        )
        statement = statement.on_conflict_do_update(
            index_elements=["organization_id", "conversation_id"],
            index_where=text("deleted_at IS NULL"),
            set_={
                **self._counted(count),
                "last_sequence": table.c.last_sequence + count,
                "revision": table.c.revision + count,
            },
        ).returning(table.c.id)
        key = self.session.execute(statement).scalar_one()
        fresh = select(Conversation).where(Conversation.id == key).execution_options(populate_existing=True)
        return self.session.scalars(fresh).one()

    def _stored(self, named: list[str]) -> dict[str, Message]:
        if not named:
            return {}
        statement = select(Message).where(Message.message_id.in_(named))
        found = self.session.scalars(statement, execution_options={"include_deleted": True})
        return {row.message_id: row for row in found if row.message_id is not None}

    def _refuse_others(
        self, stored: Mapping[str, Message], drafts: list[dict[str, Any]], reference: str
    ) -> None:
        """Refuse a message_id that already names something else: that message would be lost."""
        if not stored:
            return
        keys = {row.conversation_id for row in stored.values()}
        statement = select(Conversation.id, Conversation.conversation_id).where(Conversation.id.in_(keys))
        found = self.session.execute(statement, execution_options={"include_deleted": True})
        names = {key: name for key, name in found}  # noqa: C416 - rows, not pairs
        for one in drafts:
            row = stored.get(one["message_id"])
            if row is None:
                continue
            same_place = reference in {names.get(row.conversation_id), str(row.conversation_id)}
            if not same_place or (row.asked_role, row.content) != (_asked(one), one["content"]):
                raise Conflict("there is already another message with this message_id", field="message_id")

    def _adopt(self, conversation: Conversation, user_id: object) -> None:
        """Note whose conversation it is; refuse a person of another organisation."""
        person = checked(Conversation, {"user_id": user_id})["user_id"]
        if person is None or person == conversation.user_id:
            return
        known = select(func.count()).select_from(UserAccount).where(UserAccount.id == person)
        if not self.session.execute(known).scalar_one():
            raise InvalidInput("user_id names nothing in this organisation", field="user_id")
        if conversation.user_id is None:
            conversation.user_id = person

    def _row(self, conversation: Conversation, sequence: int, values: Mapping[str, Any]) -> Message:
        return Message(
            **values,
            organization_id=self.owner,
            id=tenancy.new_id(self.session),
            conversation_id=conversation.id,
            sequence=sequence,
            created_at=conversation.last_activity,
        )


def draft(message: Mapping[str, Any]) -> dict[str, Any]:
    """Return a message's checked fields, the defaults filled in."""
    given = dict(message)
    role = getattr(given.get("role"), "value", given.get("role"))
    if isinstance(role, str) and role in _ALIASES:
        given.update(role=_ALIASES[role], role_alias=role)
    for name, default in (("cost", 0), ("sources", []), ("extra_metadata", {})):
        if given.get(name) is None:
            given[name] = default
    for name in ("role", "content", "message_id"):
        given.setdefault(name, None)
    values = checked(Message, given)
    if values["cost"] < 0:
        raise InvalidInput("cost cannot be negative", field="cost")
    if values["message_id"] == "":
        raise InvalidInput("message_id is empty", field="message_id")
    return values


def _asked(values: Mapping[str, Any]) -> str:
    return str(values.get("role_alias") or values["role"])


def _refuse_roles(kind: str, drafts: list[dict[str, Any]]) -> None:
    for one in drafts:
        if kind == "export_chat" and one["role"] not in _CHAT_ROLES:
            raise InvalidInput(
                f"role must be one of {', '.join(_CHAT_ROLES)} in an export chat", field="role"
            )
