"""Every reference of every table, by plain SQL: a row cannot point into another organisation."""

import pytest
from sqlalchemy import Table, UniqueConstraint

from factories.people import People
from factories.rows import TENANT_TABLES, fill, references, row_of
from procur.core.errors import InvalidInput
from procur.db import DatabaseSession
from procur.db.base import Base

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
    row[column] = foreign[parent].get("id") or foreign[parent]["entry_id"]
    with pytest.raises(InvalidInput) as caught, database.get_session("rival") as session:
        session.execute(table.insert().values(**row))
    assert caught.value.field == column
    assert "names nothing in this organisation" in caught.value.message


# What opens a door before a tenant is known: found in the whole database, so unique in it. The others are
# hashes of long random secrets, which nobody can guess to ask about.
GLOBAL = {
    ("oauth_connections", "provider"),
    ("oauth_connections", "subject"),
    ("organizations", "slug"),
    ("user_accounts", "email_key"),
    ("user_accounts", "username"),
}


def test_business_keys_are_unique_per_organisation_only() -> None:
    found = set()
    for table in Base.metadata.tables.values():
        unique = [rule for rule in table.constraints if isinstance(rule, UniqueConstraint)]
        for rule in (*unique, *(index for index in table.indexes if index.unique)):
            names = [column.name for column in rule.columns]
            if "organization_id" not in names:
                found.update((table.name, name) for name in names)
    assert {one for one in found if not one[1].endswith("_hash")} == GLOBAL
