"""What sources say of vendors."""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import Table, case, delete, select, tuple_

from procur.db import tenancy
from procur.db.models import VendorObservation
from procur.db.repositories.base import Key, Repository
from procur.db.repositories.upserts import insert_into
from procur.db.values import checked, refuse_missing

_OBSERVATIONS: Table = VendorObservation.__table__  # type: ignore[assignment]
_BATCH = 500
# What a new look replaces.
_SEEN = ("value", "source_kind", "method", "quote", "content_hash", "observed_at")


class VendorObservationRepository(Repository[VendorObservation]):
    """One row for each (vendor, field, source): the newest look. What changed stands in the audit trail."""

    model = VendorObservation

    def replace(
        self, vendor_id: Key, sources: Iterable[str], observations: Iterable[Mapping[str, Any]]
    ) -> tuple[int, int]:
        """Note what these sources say of a vendor now; return how many lines were written and removed.

        The same field from the same source again replaces what was seen before; `value_since` moves only
        when the value does. What one of the sources said before and does not say any more is removed.
        """
        rows = self._rows(self._key(vendor_id), observations)
        read = {checked(VendorObservation, {"source": source})["source"] for source in sources}
        gone = self._forget(self._key(vendor_id), read, list(rows))
        self._write(list(rows.values()))
        return len(rows), gone

    def _rows(
        self, key: UUID, observations: Iterable[Mapping[str, Any]]
    ) -> dict[tuple[str, str], dict[str, Any]]:
        now = tenancy.clock_of(self.session).now()
        owner = tenancy.required_organization_id(self.session)
        rows: dict[tuple[str, str], dict[str, Any]] = {}
        for given in observations:
            row = {"quote": None, **checked(VendorObservation, given), "vendor_id": key}
            row |= {"organization_id": owner, "created_at": now, "updated_at": now}
            row["id"] = tenancy.new_id(self.session)
            row["value_since"] = row.get("observed_at")
            refuse_missing(VendorObservation, row)
            rows[row["field"], row["source"]] = row
        return rows

    def _write(self, rows: list[dict[str, Any]]) -> None:
        if not rows:
            return
        self.session.flush()
        insert = insert_into(self.session, _OBSERVATIONS)
        new = insert.excluded
        same = _OBSERVATIONS.c.value == new.value
        values = {name: new[name] for name in (*_SEEN, "updated_at")}
        values["value_since"] = case((same, _OBSERVATIONS.c.value_since), else_=new.value_since)
        keys = ["organization_id", "vendor_id", "field", "source"]
        statement = insert.on_conflict_do_update(index_elements=keys, set_=values)
        self.session.connection().execute(statement, rows)
        for loaded in list(self.session.identity_map.values()):
            if isinstance(loaded, VendorObservation):
                self.session.expire(loaded)

    def _forget(self, key: UUID, sources: set[str], kept: list[tuple[str, str]]) -> int:
        if not sources:
            return 0
        conditions = [VendorObservation.vendor_id == key, VendorObservation.source.in_(sources)]
        if kept:
            pair = tuple_(VendorObservation.field, VendorObservation.source)
            conditions.append(pair.not_in(kept))
        statement = delete(VendorObservation).where(*conditions)
        gone: Any = self.session.execute(statement.execution_options(synchronize_session="fetch"))
        return int(gone.rowcount)

    def of(self, vendors: Iterable[Key]) -> dict[UUID, list[VendorObservation]]:
        """Return all observations of these vendors, by field, newest first; every vendor has an entry."""
        keys = [self._key(vendor) for vendor in vendors]
        found: dict[UUID, list[VendorObservation]] = {key: [] for key in keys}
        for start in range(0, len(keys), _BATCH):
            statement = (
                select(VendorObservation)
                .where(VendorObservation.vendor_id.in_(keys[start : start + _BATCH]))
                .order_by(
                    VendorObservation.field, VendorObservation.observed_at.desc(), VendorObservation.source
                )
            )
            for row in self._all(statement):
                found[row.vendor_id].append(row)
        return found

    def latest(self, vendor_id: Key) -> dict[str, VendorObservation]:
        """Return the newest observation of each field of a vendor, by field."""
        newest: dict[str, VendorObservation] = {}
        for row in self.of([vendor_id])[self._key(vendor_id)]:
            newest.setdefault(row.field, row)
        return newest
