"""The session's wall: what it adds to every statement and row, and what it refuses."""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import BindParameter, inspect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import ORMExecuteState, Session, UOWTransaction, with_loader_criteria
from sqlalchemy.sql import visitors
from sqlalchemy.sql.selectable import Exists, Select

from procur.core.errors import NotAllowed
from procur.db.base import OfOrganization, SoftDelete, TheOrganization, Times
from procur.db.failures import reads_only
from procur.db.tenancy import clock_of, moment_after, new_id, organization_id


def keep_inside(state: ORMExecuteState) -> None:
    """Add the organisation and the soft deletion to every ORM statement."""
    if not state.is_orm_statement:
        return
    organization = organization_id(state.session)
    if not state.is_select:
        _check_change(state, organization)
    if state.is_insert:
        return
    if state.is_column_load:
        _keep_load_inside(state, organization)
        return
    options = []
    if organization is not None:
        options.append(
            with_loader_criteria(
                OfOrganization, lambda model: model.organization_id == organization, include_aliases=True
            )
        )
        options.append(
            with_loader_criteria(
                TheOrganization, lambda model: model.id == organization, include_aliases=True
            )
        )
    if not state.execution_options.get("include_deleted"):
        options.append(
            with_loader_criteria(SoftDelete, lambda model: model.deleted_at.is_(None), include_aliases=True)
        )
    if options:
        state.statement = state.statement.options(*options)


def _keep_load_inside(state: ORMExecuteState, organization: UUID | None) -> None:
    """Narrow the reload of a row that claims to be loaded: its key may name somebody else's."""
    model: Any = None if state.bind_mapper is None else state.bind_mapper.class_
    if organization is None or model is None or not state.is_select:
        return
    if issubclass(model, OfOrganization):
        state.statement = state.statement.where(model.organization_id == organization)  # type: ignore[attr-defined]
    elif issubclass(model, TheOrganization):
        state.statement = state.statement.where(model.id == organization)  # type: ignore[attr-defined]


def _check_change(state: ORMExecuteState, organization: UUID | None) -> None:
    """Refuse a set-based change that names, or may reach, rows of another organisation."""
    if state.session.info.get("read_only"):
        raise reads_only()
    mapper = state.bind_mapper
    if organization is None or mapper is None:
        return
    statement: Any = state.statement
    given: Any = state.parameters or {}
    rows = [dict(row) for row in (given if isinstance(given, list | tuple) else [given])]
    if issubclass(mapper.class_, OfOrganization):
        column, needed = "organization_id", state.is_insert or (state.is_update and isinstance(given, list))
    elif issubclass(mapper.class_, TheOrganization) and not state.is_delete:
        column, needed = "id", state.is_insert or isinstance(given, list)
    else:
        return
    if state.is_insert and statement.select is not None:
        raise NotAllowed(f"rows of {mapper.class_.__name__} are not inserted from a select")
    if not state.is_delete:
        rows = [{**_named_values(statement), **row} for row in rows] + _several_rows(statement)
    check_rows(rows, column, organization, needed=needed and not getattr(statement, "_multi_values", ()))


def check_rows(rows: Iterable[Mapping[str, Any]], column: str, organization: UUID, *, needed: bool) -> None:
    """Refuse rows that name another organisation or, where they have to name one, none."""
    for row in rows:
        if (needed or column in row) and row.get(column) != organization:
            raise NotAllowed("rows changed together have to name the session's own organisation")


def _named_values(statement: Any) -> dict[str, Any]:
    """Return what `.values(...)` of an INSERT or UPDATE sets, by column; no public attribute tells."""
    pairs = dict(statement._values or {}) | dict(getattr(statement, "_ordered_values", None) or ())  # noqa: SLF001
    return {_name(column): _plain(value) for column, value in pairs.items()}


def _several_rows(statement: Any) -> list[dict[str, Any]]:
    """Return the rows of `.values([...])`, by column."""
    lists = getattr(statement, "_multi_values", ()) or ()
    return [
        {_name(column): _plain(value) for column, value in row.items()}
        for rows in lists
        for row in rows
        if isinstance(row, Mapping)
    ]


def _name(column: Any) -> str:
    return str(getattr(column, "key", column))


def _plain(value: Any) -> Any:
    return value.value if isinstance(value, BindParameter) else value


@compiles(Exists)
def _exists(element: Exists, compiler: Any, **options: Any) -> str:
    """Refuse `exists().where(...)` of a model, to which no organisation is added; looked at when compiled."""
    for select in visitors.iterate(element):
        # Where the model stands in SELECT or FROM, the organisation is added; in WHERE alone it is not.
        if isinstance(select, Select) and not (select.columns_clause_froms or select._from_obj):  # noqa: SLF001
            _refuse_unfiltered(select)
    sql: str = compiler.visit_unary(element, **options)
    return sql


def _refuse_unfiltered(select: Any) -> None:
    conditions = [] if select.whereclause is None else list(visitors.iterate(select.whereclause))
    # Columns of models carry a note of it; statements on tables say themselves whose rows they mean.
    of_models = [one for one in conditions if "parententity" in getattr(one, "_annotations", ())]
    filtered = {_table(one) for one in of_models if getattr(one, "name", "") == "organization_id"}
    for column in of_models:
        mapper = column._annotations["parententity"].mapper  # noqa: SLF001 - no public attribute tells
        if issubclass(mapper.class_, OfOrganization | TheOrganization) and _table(column) not in filtered:
            raise NotAllowed(
                f"exists() over {mapper.class_.__name__} would look into every organisation",
                hint="name what is looked for: exists(select(Model.id).where(...))",
            )


def _table(column: Any) -> str:
    return str(getattr(getattr(column, "table", None), "name", ""))


def check_mappings(session: Session, mapper: Any, rows: list[dict[str, Any]]) -> None:
    """Look at rows that are written without objects, which no other check sees."""
    if session.info.get("read_only"):
        raise reads_only()
    organization = organization_id(session)
    model = inspect(mapper).class_
    if organization is None:
        return
    if issubclass(model, OfOrganization):
        check_rows(rows, "organization_id", organization, needed=True)
    elif issubclass(model, TheOrganization):
        check_rows(rows, "id", organization, needed=True)


def check_objects(session: Session, rows: Iterable[object]) -> None:
    """Look at objects that are written past the unit of work."""
    if session.info.get("read_only"):
        raise reads_only()
    organization = organization_id(session)
    if organization is not None:
        for row in rows:
            _check_owner(row, organization)


def fill_and_check(session: Session, _context: UOWTransaction, _instances: object) -> None:
    """Give new rows their organisation, key and times; refuse rows of another organisation."""
    changed = [row for row in session.dirty if session.is_modified(row)]
    if session.info.get("read_only") and (session.new or session.deleted or changed):
        raise reads_only()
    organization = organization_id(session)
    for row in session.new:
        if isinstance(row, OfOrganization) and row.organization_id is None:
            row.organization_id = organization  # type: ignore[unreachable]  # unset until now
        _complete(session, row)
    for row in (*session.new, *changed, *session.deleted):
        if organization is not None:
            _check_owner(row, organization)
    for row in changed:
        if isinstance(row, Times) and not inspect(row).attrs.updated_at.history.has_changes():
            row.updated_at = moment_after(session, row.updated_at)


def _complete(session: Session, row: object) -> None:
    if hasattr(row, "id") and row.id is None:
        row.id = new_id(session)
    if hasattr(row, "created_at") and row.created_at is None:
        row.created_at = clock_of(session).now()
    if isinstance(row, Times) and row.updated_at is None:
        row.updated_at = row.created_at  # type: ignore[unreachable]  # unset until now


def _check_owner(row: object, organization: UUID) -> None:
    if isinstance(row, OfOrganization):
        now, before = row.organization_id, inspect(row).attrs.organization_id.history.deleted
    elif isinstance(row, TheOrganization):
        now, before = row.id, inspect(row).attrs.id.history.deleted
    else:
        return
    if now != organization or any(value != organization for value in before or ()):
        raise NotAllowed(f"a {type(row).__name__} of another organisation cannot be written here")
