"""The small generic repository: one table, one organisation, plain values in, rows out."""

import base64
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, ClassVar, Generic, TypeVar
from uuid import UUID

from sqlalchemy import Select, Uuid, bindparam, delete, func, literal, select, tuple_, update
from sqlalchemy.orm import Session

from procur.core.errors import Conflict, InvalidInput, NotFound
from procur.db import tenancy
from procur.db.arguments import Checked
from procur.db.base import OfOrganization, columns_of
from procur.db.models import Base, Organization
from procur.db.repositories.cascades import depending, has_dependents
from procur.db.repositories.numbering import NumberRepository
from procur.db.types import UtcDateTime, clean_text
from procur.db.values import checked, fit, refuse_missing

M = TypeVar("M", bound=Base)
Key = UUID | str
LARGEST_PAGE = 1000
_FIXED = frozenset({"id", "organization_id", "created_at", "updated_at"})


@dataclass(frozen=True, slots=True)
class Page(Generic[M]):
    """Some rows, and where the next ones start (None: these were the last)."""

    rows: list[M]
    next_cursor: str | None


@cache
def _by_id(model: Any) -> Select[Any]:
    return select(model).where(model.id == bindparam("id", type_=Uuid()))


class Repository(Checked, Generic[M]):
    """Named queries over one table. The session says whose rows; deleted rows are hidden unless asked for."""

    model: ClassVar[Any]
    # The id people see, and how one is made when none is given.
    business_key: ClassVar[str | None] = None
    prefix: ClassVar[str | None] = None
    # Fields that `update` leaves alone, and the method that changes each.
    changed_by: ClassVar[Mapping[str, str]] = {}

    def __init__(self, session: Session) -> None:
        self.session = session
        if not tenancy.crosses_organizations(session):
            tenancy.organization_id(session)  # refuses a session that belongs to nobody

    # -- writing -------------------------------------------------------------------------------------------

    def create(self, **values: Any) -> M:
        """Write a new row and return it."""
        row = self.model(**self._prepared(values))
        self.session.add(row)
        self.session.flush()
        created: M = row
        return created

    def update(self, id: Key, **values: Any) -> M:  # noqa: A002 - documented name
        """Change the named fields of a row; an unknown field is an error."""
        row = self.get(id)
        return self._change(row, values)

    def advance(self, id: Key, *, expected: Mapping[str, Any], **values: Any) -> M:  # noqa: A002
        """Change a row only if it is still as expected; otherwise somebody else was faster: Conflict."""
        self._refuse_fixed(values)
        wanted = checked(self.model, values)
        if not wanted:
            raise InvalidInput("name at least one field to change")
        if "updated_at" in self.model.__mapper__.columns:
            wanted["updated_at"] = tenancy.clock_of(self.session).now()
        self.session.flush()
        statement = (
            update(self.model)
            .where(self.model.id == self._key(id), *self._equal(expected))
            .values(**wanted)
            .execution_options(synchronize_session=False)
        )
        changed: Any = self.session.execute(statement)
        row = self._fresh(id)
        if changed.rowcount != 1:
            now = {name: getattr(row, name) for name in expected}
            raise Conflict(
                f"{self._noun()} is not as expected any more",
                details={name: str(v) for name, v in now.items()},
            )
        return row

    def _leave(self, called: str, id: Key, states: tuple[str, ...], **values: Any) -> M:  # noqa: A002
        """Take a row out of one of these states; Conflict says in which one it is instead."""
        wanted = checked(self.model, values) | {"updated_at": tenancy.clock_of(self.session).now()}
        statement = (
            update(self.model)
            .where(self.model.id == self._key(id), self.model.state.in_(states))
            .values(**wanted)
            .execution_options(synchronize_session=False)
        )
        changed: Any = self.session.execute(statement)
        row: Any = self._fresh(id)
        if changed.rowcount != 1:
            raise Conflict(f"this {called} is {row.state}", field="state", details={"state": row.state})
        left: M = row
        return left

    def _remove_before(self, moment: datetime) -> int:
        """Remove rows written before a moment for good; return how many."""
        oldest = checked(self.model, {"created_at": moment})["created_at"]
        statement = delete(self.model).where(self.model.created_at < oldest)
        gone: Any = self.session.execute(statement.execution_options(synchronize_session="fetch"))
        return int(gone.rowcount)

    def soft_delete(self, id: Key) -> bool:  # noqa: A002 - documented name
        """Hide a row; `restore` brings it back."""
        row = self.get(id)
        self._change(row, {"deleted_at": tenancy.clock_of(self.session).now()})
        return True

    def restore(self, id: Key) -> M:  # noqa: A002 - documented name
        """Bring a hidden row back; Conflict if its business id has been given away since."""
        row = self.get(id, include_deleted=True)
        return self._change(row, {"deleted_at": None})

    def delete(self, id: Key) -> bool:  # noqa: A002 - documented name
        """Remove a row for good; Conflict while others refer to it or would go with it."""
        row = self.get(id, include_deleted=True, for_update=bool(depending(self.model.__table__)))
        if has_dependents(self.session, row):
            raise Conflict(
                f"other rows would go with this {self._noun()}",
                hint="soft_delete it, or purge it for good: that is audited",
            )
        self.session.delete(row)
        self.session.flush()
        return True

    # -- reading -------------------------------------------------------------------------------------------

    def get(self, id: Key | None, *, include_deleted: bool = False, for_update: bool = False) -> M:  # noqa: A002
        """Return the row; NotFound when this organisation has none with this id (None included)."""
        row = self.get_by_id(id, include_deleted=include_deleted, for_update=for_update)
        if row is None:
            raise NotFound(f"no {self._noun()} {str(id)[:64]!r}", field="id")
        return row

    def get_by_id(
        self,
        id: Key | None,  # noqa: A002 - documented name
        *,
        include_deleted: bool = False,
        for_update: bool = False,
    ) -> M | None:
        """Return the row, or None. `for_update` locks it until the transaction ends."""
        key = tenancy.as_uuid(id)
        if key is None:
            return None
        statement = self._visible(_by_id(self.model))
        if for_update:
            statement = statement.with_for_update().execution_options(populate_existing=True)
        found: M | None = self.session.scalars(
            statement, {"id": key}, execution_options={"include_deleted": include_deleted}
        ).one_or_none()
        return found

    def locked(self, id: Key | None) -> M:  # noqa: A002 - as everywhere
        """Return the row as it is now, whatever was read before; nobody else changes it until the end.

        Lock first, decide then: a request before its contract, and both before anything is written.
        """
        return self.get(id, for_update=True)

    def get_many(self, ids: Iterable[Key]) -> dict[UUID, M]:
        """Return the rows with these ids, by id; unknown ones are left out."""
        keys = [key for key in map(tenancy.as_uuid, ids) if key is not None]
        rows = self._all(select(self.model).where(self.model.id.in_(keys))) if keys else []
        return {row.id: row for row in rows}  # type: ignore[attr-defined]

    def find(self, *, include_deleted: bool = False, **equals: Any) -> M | None:
        """Return the newest row with these values, or None."""
        statement = select(self.model).where(*self._equal(equals)).order_by(*self._newest()).limit(1)
        rows = self._all(statement, include_deleted=include_deleted)
        return rows[0] if rows else None

    def get_by_key(self, value: str) -> M | None:
        """Return the row with this business id, or None."""
        if self.business_key is None:
            raise InvalidInput(f"{self._noun()} has no business id")
        equals: dict[str, Any] = {self.business_key: value}
        return self.find(**equals)

    def named(self, value: str) -> M:
        """Return the row with this business id; NotFound when this organisation has none."""
        row = self.get_by_key(value)
        if row is None:
            raise NotFound(f"no {self._noun()} {value[:64]!r}", field=self.business_key)
        return row

    def get_all(
        self, limit: int = 100, offset: int = 0, *, include_deleted: bool = False, **equals: Any
    ) -> list[M]:
        """Return rows, oldest first. For long lists use `page`: an offset costs what it skips."""
        statement = select(self.model).where(*self._equal(equals)).order_by(*self._oldest())
        statement = statement.limit(bounded(limit)).offset(bounded(offset, "offset", most=1 << 31))
        return self._all(statement, include_deleted=include_deleted)

    def page(
        self, *, limit: int = 50, cursor: str | None = None, include_deleted: bool = False, **equals: Any
    ) -> Page[M]:
        """Return rows, newest first, from where the last page ended."""
        size = bounded(limit, least=1)
        statement = select(self.model).where(*self._equal(equals)).order_by(*self._newest()).limit(size + 1)
        if cursor is not None:
            moment, key = read_cursor(cursor)
            statement = statement.where(
                tuple_(self.model.created_at, self.model.id)
                < tuple_(literal(moment, UtcDateTime()), literal(key, Uuid()))
            )
        rows = self._all(statement, include_deleted=include_deleted)
        more = len(rows) > size
        rows = rows[:size]
        return Page(rows, cursor_of(rows[-1]) if more else None)

    def count(self, *, include_deleted: bool = False, **equals: Any) -> int:
        """Return how many rows have these values."""
        statement = self._visible(select(func.count()).select_from(self.model).where(*self._equal(equals)))
        options = {"include_deleted": include_deleted}
        return int(self.session.execute(statement, execution_options=options).scalar_one())

    def exists(self, id: Key | None = None, *, include_deleted: bool = False, **equals: Any) -> bool:  # noqa: A002
        """Say whether there is a row with this id, or with these values."""
        if id is not None:
            key = tenancy.as_uuid(id)
            if key is None:
                return False
            equals = {**equals, "id": key}
        statement = self._visible(select(self.model.id).where(*self._equal(equals)).limit(1))
        options = {"include_deleted": include_deleted}
        return self.session.execute(statement, execution_options=options).first() is not None

    # -- for the subclasses ----------------------------------------------------------------------------------

    def _all(self, statement: Select[Any], *, include_deleted: bool = False) -> list[M]:
        options = {"include_deleted": include_deleted}
        return list(self.session.scalars(self._visible(statement), execution_options=options))

    def _visible(self, statement: Select[Any]) -> Select[Any]:
        """Narrow a statement further than the session does (see OrganizationRepository)."""
        return statement

    def _fresh(self, id: Key) -> M:  # noqa: A002
        """Return the row as the database has it now, whatever was loaded before."""
        statement = select(self.model).where(self.model.id == self._key(id))
        rows = self._all(statement.execution_options(populate_existing=True))
        if not rows:
            raise NotFound(f"no {self._noun()} {str(id)[:64]!r}", field="id")
        return rows[0]

    def _prepared(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Return checked values with keys, owner and business id filled in."""
        values = dict(given)
        if "organization_id" in values:
            values["organization_id"] = own_organization(self.session, values["organization_id"], adopt=True)
        elif issubclass(self.model, OfOrganization):
            values["organization_id"] = tenancy.required_organization_id(self.session)
        values = checked(self.model, values)
        values.setdefault("id", tenancy.new_id(self.session))
        if self.business_key and values.get(self.business_key) is None:
            values[self.business_key] = self._new_business_id(values)
        refuse_missing(self.model, values)
        return values

    def _new_business_id(self, values: Mapping[str, Any]) -> str:
        year = tenancy.clock_of(self.session).today().year
        numbers = NumberRepository(self.session)
        return numbers.next(self.prefix or "NR", year, organization_id=values["organization_id"])

    def _change(self, row: M, values: Mapping[str, Any]) -> M:
        self._refuse_fixed(values)
        for name, value in checked(self.model, values).items():
            setattr(row, name, value)
        self.session.flush()
        return row

    def _refuse_fixed(self, values: Mapping[str, Any]) -> None:
        for name in values:
            if name in _FIXED:
                raise InvalidInput(f"{name} cannot be changed", field=name)
            if name in self.changed_by:
                raise InvalidInput(f"{name} is changed by {self.changed_by[name]}", field=name)

    def _equal(self, equals: Mapping[str, Any]) -> list[Any]:
        columns = columns_of(self.model)
        conditions = []
        for name, value in equals.items():
            if name not in columns:
                raise InvalidInput(f"{self.model.__name__} has no field {name!r}", field=name)
            attribute = getattr(self.model, name)
            if value is None:
                conditions.append(attribute.is_(None))
            elif isinstance(value, list | tuple | set | frozenset):
                conditions.append(attribute.in_([fit(columns[name], one, field=name) for one in value]))
            else:
                conditions.append(attribute == fit(columns[name], value, field=name))
        return conditions

    def _key(self, id: Key) -> UUID:  # noqa: A002
        key = tenancy.as_uuid(id)
        if key is None:
            raise NotFound(f"no {self._noun()} {str(id)[:64]!r}", field="id")
        return key

    def _newest(self) -> Sequence[Any]:
        return self.model.created_at.desc(), self.model.id.desc()

    def _oldest(self) -> Sequence[Any]:
        return self.model.created_at, self.model.id

    def _noun(self) -> str:
        return str(self.model.__name__.removesuffix("Record"))


def own_organization(session: Session, reference: Key, *, adopt: bool = False) -> UUID:
    """Return the key of the named organisation if this session may write there; else it does not exist."""
    if not isinstance(reference, UUID):
        if not isinstance(reference, str):
            raise InvalidInput("organization_id must be an id or a slug", field="organization_id")
        clean_text(reference, field="organization_id")
    own = tenancy.organization_id(session)
    if own is not None and tenancy.as_uuid(reference) == own:
        return own
    found = tenancy.find_organization(session.connection(), reference)
    if own is None and found is not None:
        return found
    if own is not None and (
        found == own or (found is None and _is_own_name(session, own, str(reference), adopt=adopt))
    ):
        return own
    raise NotFound(f"no organisation {str(reference)[:80]!r}", field="organization_id")


def _is_own_name(session: Session, own: UUID, name: str, *, adopt: bool) -> bool:
    """Let a single company call itself by its own name without setting up organisations.

    Documented code passes organization_id="acme-corp" and opens sessions that name none. The default
    organisation takes the first such name it is created with; any other stays unknown, and none is taken once
    a second organisation exists.
    """
    if tenancy.is_bound(session):
        return False
    company = session.get_one(Organization, own)
    known: str | None = company.settings.get("known_as")
    if adopt and known is None and _is_only_one(session):
        company.settings["known_as"] = known = name
        session.flush()
    return known == name


def _is_only_one(session: Session) -> bool:
    with tenancy.across(session.connection()):
        # The table and not the model: a session sees its own organisation only.
        return session.scalar(select(func.count()).select_from(Organization.__table__)) == 1


def by_position(given: Sequence[Any], values: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """Return all values by name, where the first ones were given by position."""
    if len(given) > len(names):
        raise InvalidInput(f"at most {len(names)} values go by position: {', '.join(names)}")
    for name in names[: len(given)]:
        if name in values:
            raise InvalidInput(f"{name} is given twice", field=name)
    return dict(zip(names, given, strict=False)) | dict(values)


def bounded(number: Any, field: str = "limit", *, least: int = 0, most: int = LARGEST_PAGE) -> int:
    """Return a whole number within these bounds; too large a one is cut, everything else refused."""
    if isinstance(number, bool) or not isinstance(number, int) or number < least:
        raise InvalidInput(f"{field} must be a whole number from {least}", field=field)
    return min(number, most)


def cursor_of(row: Any) -> str:
    """Return the cursor that a page after this row starts from."""
    return (
        base64.urlsafe_b64encode(f"{row.created_at.isoformat()} {row.id.hex}".encode()).decode().rstrip("=")
    )


def read_cursor(cursor: str) -> tuple[datetime, UUID]:
    """Return the moment and key that a cursor names."""
    try:
        moment, key = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode().split(" ")
        when = datetime.fromisoformat(moment)
        if when.tzinfo is None:
            raise ValueError("no timezone")  # noqa: TRY301 - one answer to every flaw
        return when, UUID(key)
    except ValueError as error:
        raise InvalidInput("this cursor is not one of ours", field="cursor") from error
