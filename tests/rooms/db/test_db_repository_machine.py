"""Random histories of two organisations' vendors, beside a plain dictionary that says what must be there."""

from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    rule,
    run_state_machine_as_test,
)

import databases
from factories.people import make_people
from procur.core.errors import Conflict, NotFound
from procur.db import DatabaseSession
from procur.db.repositories import VendorRepository

SLUGS = st.sampled_from(["acme", "rival"])
NAMES = st.sampled_from(["alpha", "beta", "gamma"])


@dataclass(frozen=True)
class Row:
    """What is known of one vendor."""

    slug: str
    vendor_id: str
    name: str
    deleted: bool = False


class Vendors(RuleBasedStateMachine):
    """Creates, changes, hides, restores and removes vendors; each step is a transaction of its own."""

    keys = Bundle("keys")
    lend: Any  # a function that lends a clean database

    def __init__(self) -> None:
        super().__init__()
        self.lent: AbstractContextManager[DatabaseSession] = type(self).lend()
        self.database = self.lent.__enter__()
        make_people(self.database)
        self.rows: dict[UUID, Row] = {}

    def teardown(self) -> None:
        self.lent.__exit__(None, None, None)

    def taken(self, slug: str, vendor_id: str, but: UUID | None = None) -> bool:
        return any(
            row.slug == slug and row.vendor_id == vendor_id and not row.deleted and key != but
            for key, row in self.rows.items()
        )

    @rule(target=keys, slug=SLUGS, vendor_id=NAMES, name=NAMES)
    def create(self, slug: str, vendor_id: str, name: str) -> Any:
        if self.taken(slug, vendor_id):
            with pytest.raises(Conflict, match="vendor_id"), self.database.get_session(slug) as session:
                VendorRepository(session).create(vendor_id=vendor_id, name=name)
            return UUID(int=0)
        with self.database.get_session(slug) as session:
            key = VendorRepository(session).create(vendor_id=vendor_id, name=name).id
        self.rows[key] = Row(slug, vendor_id, name)
        return key

    @rule(slug=SLUGS, vendor_id=NAMES)
    def create_and_give_up(self, slug: str, vendor_id: str) -> None:
        with pytest.raises((ZeroDivisionError, Conflict)), self.database.get_session(slug) as session:  # noqa: PT012 - the rollback is what is tested
            VendorRepository(session).create(vendor_id=vendor_id, name="never")
            _ = 1 / 0

    @rule(key=keys, slug=SLUGS, name=NAMES)
    def update(self, key: UUID, slug: str, name: str) -> None:
        if self.attempt(slug, key, lambda vendors: vendors.update(key, name=name), live=True):
            self.rows[key] = replace(self.rows[key], name=name)

    @rule(key=keys, slug=SLUGS, expected=NAMES, name=NAMES)
    def advance(self, key: UUID, slug: str, expected: str, name: str) -> None:
        known = self.rows.get(key)
        try:
            done = self.attempt(
                slug,
                key,
                lambda vendors: vendors.advance(key, expected={"name": expected}, name=name),
                live=True,
            )
        except Conflict:
            assert known is not None
            assert known.name != expected
            return
        if done and known is not None:
            assert known.name == expected
            self.rows[key] = replace(known, name=name)

    @rule(key=keys, slug=SLUGS)
    def soft_delete(self, key: UUID, slug: str) -> None:
        if self.attempt(slug, key, lambda vendors: vendors.soft_delete(key), live=True):
            self.rows[key] = replace(self.rows[key], deleted=True)

    @rule(key=keys, slug=SLUGS)
    def restore(self, key: UUID, slug: str) -> None:
        try:
            done = self.attempt(slug, key, lambda vendors: vendors.restore(key), live=False)
        except Conflict:
            assert self.taken(slug, self.rows[key].vendor_id, but=key)
            return
        if done:
            self.rows[key] = replace(self.rows[key], deleted=False)

    @rule(key=consumes(keys), slug=SLUGS)
    def delete(self, key: UUID, slug: str) -> None:
        if self.attempt(slug, key, lambda vendors: vendors.delete(key), live=False):
            del self.rows[key]

    @rule(slug=SLUGS, vendor_id=NAMES, name=NAMES)
    def import_one(self, slug: str, vendor_id: str, name: str) -> None:
        with self.database.get_session(slug) as session:
            told = VendorRepository(session).upsert_many([{"vendor_id": vendor_id, "name": name}])
            found = VendorRepository(session).named(vendor_id)
            assert told == {
                "created": int(not self.taken(slug, vendor_id)),
                "updated": int(self.taken(slug, vendor_id)),
            }
            self.rows[found.id] = Row(slug, vendor_id, name)

    def attempt(self, slug: str, key: UUID, act: Any, *, live: bool) -> bool:
        """Do it; say whether it was done, which it is exactly when the organisation has such a row."""
        row = self.rows.get(key)
        there = row is not None and row.slug == slug and not (live and row.deleted)
        try:
            with self.database.get_session(slug) as session:
                act(VendorRepository(session))
        except NotFound:
            assert not there
            return False
        assert there
        return True

    @invariant()
    def both_see_exactly_their_own(self) -> None:
        for slug in ("acme", "rival"):
            own = {key: row for key, row in self.rows.items() if row.slug == slug}
            live = {key: row for key, row in own.items() if not row.deleted}
            with self.database.get_session(slug, read_only=True) as session:
                vendors = VendorRepository(session)
                paged, cursor = [], None
                while True:
                    page = vendors.page(limit=2, cursor=cursor)
                    paged += page.rows
                    cursor = page.next_cursor
                    if cursor is None:
                        break
                assert {row.id: (row.vendor_id, row.name) for row in paged} == {
                    key: (row.vendor_id, row.name) for key, row in live.items()
                }
                assert len(paged) == len(live) == vendors.count()
                assert vendors.count(include_deleted=True) == len(own)
                assert {row.id for row in vendors.get_all(include_deleted=True)} == set(own)
                assert set(vendors.get_many(self.rows)) == set(live)
                assert all(vendors.exists(key) == (key in live) for key in self.rows)


def test_vendors_on_sqlite(sqlite_template: Any, tmp_path: Any) -> None:
    Vendors.lend = staticmethod(lambda: databases.sqlite_database(sqlite_template, tmp_path))
    run_state_machine_as_test(Vendors, settings=_settings(6))


def test_vendors_on_postgresql(postgres_server: Any, postgres_template: str) -> None:
    Vendors.lend = staticmethod(lambda: databases.postgres_database(postgres_server, postgres_template))
    run_state_machine_as_test(Vendors, settings=_settings(3))


def _settings(examples: int) -> settings:
    return settings(
        max_examples=examples,
        stateful_step_count=20,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    )
