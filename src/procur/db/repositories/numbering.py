"""Numbers that people see: REQ-2026-00042."""

from uuid import UUID

from sqlalchemy import Table, select
from sqlalchemy.orm import Session

from procur.core.errors import InvalidInput
from procur.db import tenancy
from procur.db.arguments import Checked
from procur.db.models import NumberSequence
from procur.db.repositories.upserts import insert_into

SEQUENCES: Table = NumberSequence.__table__  # type: ignore[assignment]


class NumberRepository(Checked):
    """Counts up per organisation, kind and year; no number is given out twice."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def next(self, kind: str, year: int | None = None, *, organization_id: UUID | None = None) -> str:
        """Return the next number. Others who want one of this kind wait until this transaction ends."""
        wanted = self._year(kind, year)
        value = _step(self.session, kind, wanted, organization_id=organization_id)
        return _number(kind, wanted, value)

    def upcoming(self, kind: str, year: int | None = None) -> str:
        """Return the number that `next` would give now; until then somebody else may have taken it."""
        wanted, owner = self._year(kind, year), tenancy.required_organization_id(self.session)
        statement = select(SEQUENCES.c.value).where(
            SEQUENCES.c.organization_id == owner, SEQUENCES.c.kind == kind, SEQUENCES.c.year == wanted
        )
        return _number(kind, wanted, (self.session.execute(statement).scalar() or 0) + 1)

    def _year(self, kind: str, year: int | None) -> int:
        if not kind.isalnum() or len(kind) > 16:  # noqa: PLR2004 - a prefix, not a sentence
            raise InvalidInput(f"{kind!r} is no kind of number", field="kind")
        return tenancy.clock_of(self.session).today().year if year is None else year


def _number(kind: str, year: int, value: int) -> str:
    return f"{kind}-{year}-{value:05d}"


def _step(session: Session, kind: str, year: int, *, organization_id: UUID | None = None) -> int:
    """Count one up in one statement, which also locks the row; return the new value."""
    now = tenancy.clock_of(session).now()
    owner = tenancy.organization_id(session) or organization_id or tenancy.required_organization_id(session)
    statement = (
        insert_into(session, SEQUENCES)
        .values(organization_id=owner, kind=kind, year=year, value=1, created_at=now, updated_at=now)
        .on_conflict_do_update(
            index_elements=["organization_id", "kind", "year"],
            set_={"value": SEQUENCES.c.value + 1, "updated_at": now},
        )
        .returning(SEQUENCES.c.value)
    )
    value: int = session.execute(statement).scalar_one()
    return value
