"""Every reference of every table, by plain SQL: a row cannot point into another organisation."""

import pytest
from sqlalchemy import Table

from factories.people import People
from factories.rows import TENANT_TABLES, fill, references, row_of
from procur.core.errors import InvalidInput
from procur.db import DatabaseSession

ALL = [(table, column, parent) for table in TENANT_TABLES for column, parent in references(table)]


@pytest.mark.parametrize(
    ("table", "column", "parent"), ALL, ids=[f"{table.name}.{column}" for table, column, _ in ALL]
)
def test_a_row_cannot_point_into_another_organisation(
    database: DatabaseSession, people: People, table: Table, column: str, parent: str
) -> None:
    with database.system_session() as session:
        foreign = fill(session.connection(), people.organization_id, mark="acme")
        own = fill(session.connection(), people.other_organization_id, mark="rival", before=table)
    row = row_of(table, own, people.other_organization_id, "rival")
    row[column] = foreign[parent]["id"]
    with pytest.raises(InvalidInput) as caught, database.get_session("rival") as session:
        session.execute(table.insert().values(**row))
    assert caught.value.field == column
    assert "names nothing in this organisation" in caught.value.message


def test_the_same_row_may_stand_in_two_organisations(database: DatabaseSession, people: People) -> None:
    """Every business key may be taken by both; only what signs in is unique in the whole database."""
    with database.system_session() as session:
        connection = session.connection()
        first = fill(connection, people.organization_id, mark="same")
        known = {"user_accounts": {"id": people.charlie.id}}
        second = fill(connection, people.other_organization_id, mark="same", known=known)
    assert first.keys() == second.keys()
