"""Whatever unfit value comes into whatever field: one error that names the field, and nothing is written."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from inspect import signature
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Table, select

from factories.people import People
from factories.rows import TENANT_TABLES, Rows, references, row_of
from factories.unfit import unfit
from procur.core.errors import Conflict, ProcurError
from procur.db import DatabaseSession, Session, repositories
from procur.db.base import Base, columns_of
from procur.db.repositories import (
    AuditRepository,
    ChatSessionRepository,
    LlmCallRepository,
    MandateRepository,
    MessageRepository,
    OfferRepository,
    OrganizationRepository,
    Repository,
    WebhookRepository,
)

FIXED = {"id", "organization_id", "created_at", "updated_at"}
# What never changes refuses every update, fit or not.
NEVER_UPDATED = {AuditRepository, LlmCallRepository, MandateRepository}
# An offer's terms are fixed by a trigger, which does not say which of them was touched.
NAMELESS = {OfferRepository}
# Filled in when None is given.
FILLED_IN = {("mandates", "version"), ("user_accounts", "username")} | {
    (table, "user_id")  # whose report it is
    for table in (
        "action_plan_progress",
        "certification_progress",
        "finance_analysis",
        "generated_documents",
        "logistics_analysis",
    )
}
# Counted by the repository, so they cannot be given at all.
COUNTED = {
    "bid_documents": {"version"},
    "conversations": {"last_sequence", "revision", "summary_sequence", "title_words"},
    "messages": {"id", "organization_id", "sequence", "created_at", "updated_at"},
}
# Whatever is given is made to fit: a conversation that is named for the first time begins, and an entry of
# the audit trail does not fail because of what it is about.
TAKEN = {(MessageRepository, "conversation_id")} | {
    (AuditRepository, name) for name in ("user_id", "actor_id", "resource_id", "ip_address", "user_agent")
}
# What the columns alone do not tell of a valid row.
GIVEN: dict[Any, dict[str, Any]] = {
    AuditRepository: {"action": "test"},
    OrganizationRepository: {"name": "New", "slug": "new"},
    WebhookRepository: {"url": "https://example.com/hook", "signing_key": "x"},
}


def _kinds() -> list[type[Repository[Any]]]:
    """Return every repository, and a plain one for every other table with an id."""
    found: list[type[Repository[Any]]] = [
        kind
        for kind in vars(repositories).values()
        if isinstance(kind, type)
        and issubclass(kind, Repository)
        and kind not in {Repository, ChatSessionRepository}  # some rows of another's table
    ]
    known = {kind.model.__table__ for kind in found}
    for mapper in Base.registry.mappers:
        if mapper.local_table not in known and "id" in mapper.columns:
            found.append(type(f"Any{mapper.class_.__name__}", (Repository,), {"model": mapper.class_}))
            known.add(mapper.local_table)
    return sorted(found, key=lambda kind: kind.__name__)


KINDS = _kinds()


def test_nothing_unfit_is_written(
    database: DatabaseSession, people: People, counted: Callable[[int, str], None]
) -> None:
    with database.system_session() as session:
        own = _filled(session, people.organization_id, "own")
        foreign = _filled(session, people.other_organization_id, "foreign")
        valid = {kind: _valid(session, kind, people) for kind in KINDS}
    before, number, wrong = _contents(database), 0, []
    for kind in KINDS:
        with _session_for(database, kind) as session:
            attempt = _Attempt(kind(session), valid[kind], own[kind.model.__tablename__]["id"])
            wrong += [f"{kind.__name__}: a plain row is {told}" for told in attempt.plain()]
            for field, value, creates in _cases(kind, foreign):
                number += 1
                told = attempt.create(field, value) if creates else attempt.update(field, value)
                if told != field:
                    wrong.append(f"{kind.__name__} {field}={ascii(value)[:50]} {creates=}: {told}")
    after = _contents(database)
    wrong += [f"something has changed {name}" for name in before if before[name] != after[name]]
    counted(number, "unfit values, each refused with its field named, nothing written")
    assert not wrong, f"{len(wrong)} wrong:\n" + "\n".join(wrong)
    assert number > 10_000


def _valid(session: Session, kind: type[Repository[Any]], people: People) -> dict[str, Any]:
    """Return values of a new row whose parents nobody else names, so that no unique rule bites."""
    if kind in GIVEN:
        return GIVEN[kind]
    table = kind.model.__table__
    parents = _filled(session, people.organization_id, f"for {kind.__name__}", _ancestors(table))
    names = {column.name: name for name, column in columns_of(kind.model).items()}
    values = {names[name]: value for name, value in _needed(table, parents, "new").items()}
    return {name: value for name, value in values.items() if name not in COUNTED.get(table.name, ())}


def _filled(session: Session, organization_id: UUID, mark: str, wanted: set[str] | None = None) -> Rows:
    """Write a live row into these tables, or into every one."""
    rows: Rows = {"organizations": {"id": organization_id}}
    for table in (one for one in TENANT_TABLES if wanted is None or one.name in wanted):
        rows[table.name] = _needed(table, rows, mark)
        session.connection().execute(table.insert().values(**rows[table.name]))
    return rows


def _needed(table: Table, parents: Rows, mark: str) -> dict[str, Any]:
    """Return values for the columns that cannot be empty."""
    row = row_of(table, parents, parents["organizations"]["id"], mark)
    return {name: value for name, value in row.items() if not table.columns[name].nullable}


def _ancestors(table: Table) -> set[str]:
    """Return the tables that rows of this one name, and those that these name."""
    order = [one.name for one in TENANT_TABLES]
    earlier = [name for _column, name, _key in references(table) if name in order[: order.index(table.name)]]
    return {*earlier, *(far for name in earlier for far in _ancestors(Base.metadata.tables[name]))}


def _cases(kind: type[Repository[Any]], foreign: Rows) -> Iterator[tuple[str, Any, bool]]:
    """Return field, value, and whether it is given to create() or to update()."""
    columns = columns_of(kind.model)
    arguments = signature(kind.log_action).parameters if issubclass(kind, AuditRepository) else columns
    if arguments is columns:
        yield from (("nonsense", 1, True), ("nonsense\x00", 1, True))
    for field in (name for name in columns if name in arguments and (kind, name) not in TAKEN):
        for value in unfit(columns[field], foreign):
            if value is not None or _has_to_be_given(kind, field):
                yield field, value, True
    if kind in NEVER_UPDATED:
        return
    yield from (("nonsense", 1, False), ("nonsense\x00", 1, False))
    for field in FIXED & columns.keys() - {"id"}:
        yield field, uuid4() if field == "organization_id" else datetime.now(UTC), False
    for field in columns.keys() - FIXED:
        for value in unfit(columns[field], foreign):
            yield field, value, False


def _has_to_be_given(kind: type[Repository[Any]], field: str) -> bool:
    column = columns_of(kind.model)[field]
    generated = {*FIXED, kind.business_key}
    return column.default is None and field not in generated and (column.table.name, field) not in FILLED_IN


class _Attempt:
    """Tries values in one session, which goes on, and is committed, as if nothing had happened."""

    def __init__(self, repository: Repository[Any], valid: dict[str, Any], key: Any) -> None:
        self.repository, self.valid, self.key = repository, valid, key

    def plain(self) -> list[str]:
        """Return what is wrong with a valid row: nothing."""
        told = self._told(self.repository.create, "", **self.valid)
        return [] if told == "accepted" else [told]

    def create(self, field: str, value: Any) -> str:
        """Return the field that the error names, or what happened instead."""
        return self._told(self.repository.create, field, **self.valid | {field: value})

    def update(self, field: str, value: Any) -> str:
        """Return the field that the error names, or what happened instead."""
        return self._told(self.repository.update, field, self.key, **{field: value})

    def _told(self, call: Any, field: str, /, *given: Any, **values: Any) -> str:
        session = self.repository.session
        try:
            call(*given, **values)
        except ProcurError as error:
            if error.__cause__ is not None:
                session.rollback()  # the database has said no
            assert not session.new
            assert not session.dirty
            if given and type(self.repository) in NAMELESS and isinstance(error, Conflict):
                return field
            return error.field or f"{type(error).__name__} without a field: {error}"
        except Exception as error:  # noqa: BLE001 - whatever else comes is the finding
            session.rollback()
            return repr(error)[:200]
        session.rollback()
        return "accepted"


def _session_for(database: DatabaseSession, kind: type[Repository[Any]]) -> AbstractContextManager[Session]:
    return database.system_session() if kind is OrganizationRepository else database.get_session("acme")


def _contents(database: DatabaseSession) -> dict[str, list[str]]:
    with database.system_session(read_only=True) as session:
        connection = session.connection()
        tables = (Base.metadata.tables["organizations"], *TENANT_TABLES)
        return {table.name: sorted(map(repr, connection.execute(select(table)))) for table in tables}
