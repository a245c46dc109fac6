"""Two organisations in one database: one with a row in every table, one that tries to reach them."""

from dataclasses import dataclass
from uuid import UUID

from factories.people import People
from factories.rows import Rows
from procur.db import DatabaseSession


@dataclass(frozen=True)
class Neighbours:
    """Alice's organisation, with one row in every table, beside Charlie's, which has only him."""

    database: DatabaseSession
    people: People
    rows: Rows

    @property
    def organization_id(self) -> UUID:
        return self.people.organization_id

    def keys(self) -> set[str]:
        """Return every key of Alice's rows."""
        keys = {str(value) for row in self.rows.values() for value in row.values() if isinstance(value, UUID)}
        return keys | {str(self.organization_id)}
