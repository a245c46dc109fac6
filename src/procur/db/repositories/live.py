"""The log as those follow it who only look on: by position, without locks and without offsets."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from procur.db import tenancy
from procur.db.arguments import Checked
from procur.db.models import EventHead, EventRecord
from procur.db.repositories.base import bounded


class LiveRepository(Checked):
    """Reads numbered facts. In a system session it tells only how far the logs have grown."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def heads(self, organizations: Collection[UUID]) -> dict[UUID, int]:
        """Return the highest position of each of these organisations; one without facts is left out."""
        wanted = set(organizations)
        own = tenancy.organization_id(self.session)
        if own is not None:
            wanted &= {own}
        if not wanted:
            return {}
        statement = select(EventHead.organization_id, EventHead.position)
        rows = self.session.execute(statement.where(EventHead.organization_id.in_(wanted)))
        return {row.organization_id: row.position for row in rows}

    def after(self, position: int, limit: int = 200) -> list[EventRecord]:
        """Return the organisation's facts behind a position, in order."""
        owner = tenancy.required_organization_id(self.session)
        statement = (
            select(EventRecord)
            .where(EventRecord.organization_id == owner, EventRecord.position > position)
            .order_by(EventRecord.position)
            .limit(bounded(limit))
        )
        return list(self.session.scalars(statement))
