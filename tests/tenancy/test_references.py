"""Every reference of every table, by plain SQL: a row cannot point into another organisation."""

from collections.abc import Callable

import pytest
from sqlalchemy import UniqueConstraint

from factories.neighbours import Neighbours
from factories.rows import TENANT_TABLES, Rows, references, row_of
from procur.core.errors import InvalidInput
from procur.db.base import Base


def test_no_row_can_point_into_another_organisation(
    neighbours: Neighbours, counted: Callable[[int, str], None]
) -> None:
    """Every table gets a row of Charlie's; before, the same row is tried with each foreign parent."""
    people, attempts = neighbours.people, 0
    own: Rows = {"organizations": {"id": people.other_organization_id}}
    with neighbours.database.get_session("rival") as session:
        for table in TENANT_TABLES:
            own[table.name] = row = row_of(table, own, people.other_organization_id, "rival")
            for column, parent, key in references(table):
                foreign = neighbours.rows[parent][key]
                with pytest.raises(InvalidInput) as caught, session.begin_nested():
                    session.execute(table.insert().values(**{**row, column: foreign}))
                assert caught.value.field == column, (table.name, column)
                assert "names nothing in this organisation" in caught.value.message
                attempts += 1
            session.execute(table.insert().values(**row))
        session.rollback()
    counted(attempts, "references into another organisation, all refused")


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
