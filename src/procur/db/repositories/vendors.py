"""Vendors and their evidence."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Table, delete, func, or_, select, tuple_

from procur.core.errors import InvalidInput
from procur.db import tenancy
from procur.db.models import VendorEvidence, VendorProfileRecord
from procur.db.repositories.base import Key, Repository, bounded
from procur.db.repositories.holding import hold
from procur.db.repositories.upserts import insert_into, write_rows
from procur.db.values import checked, refuse_missing

_EVIDENCE: Table = VendorEvidence.__table__  # type: ignore[assignment]
_BATCH = 500


class VendorRepository(Repository[VendorProfileRecord]):
    """The organisation's vendors."""

    model = VendorProfileRecord
    business_key = "vendor_id"
    prefix = "VEN"

    def get_by_vendor_id(self, vendor_id: str) -> VendorProfileRecord | None:
        """Return the vendor known by this id, or None."""
        return self.get_by_key(vendor_id)

    def get_by_category(self, category: str, limit: int = 1000) -> list[VendorProfileRecord]:
        """Return the vendors of a category, oldest first."""
        return self.get_all(limit=limit, category=category)

    def in_categories(self, categories: Iterable[str], limit: int = 1000) -> list[VendorProfileRecord]:
        """Return the vendors of any of these categories, by name."""
        statement = select(VendorProfileRecord).where(*self._equal({"category": list(categories)}))
        return self._all(statement.order_by(VendorProfileRecord.name, VendorProfileRecord.id).limit(limit))

    def categories(self) -> dict[str, int]:
        """Return the categories in use and how many vendors each has."""
        column = VendorProfileRecord.category
        statement = select(column, func.count()).where(column.is_not(None)).group_by(column).order_by(column)
        return {str(category): number for category, number in self.session.execute(statement)}

    def everyone(self) -> list[VendorProfileRecord]:
        """Return every vendor of the organisation, by its id: what matching looks through."""
        return self._all(select(VendorProfileRecord).order_by(VendorProfileRecord.vendor_id))

    def not_enriched_since(self, moment: datetime, limit: int = 1000) -> list[VendorProfileRecord]:
        """Return the vendors whose data was last looked at before this moment or never, oldest look first."""
        before = checked(VendorProfileRecord, {"last_enriched_at": moment})["last_enriched_at"]
        column = VendorProfileRecord.last_enriched_at
        statement = select(VendorProfileRecord).where(or_(column.is_(None), column < before))
        # NULL sorts first on one database and last on the other.
        order = (column.is_not(None), column, VendorProfileRecord.id)
        return self._all(statement.order_by(*order).limit(bounded(limit)))

    def keys_of(self, vendor_ids: Iterable[str]) -> dict[str, UUID]:
        """Return the row key of each of these vendors, in one query per batch; unknown ones are left out."""
        wanted = list(vendor_ids)
        found: dict[str, UUID] = {}
        for start in range(0, len(wanted), _BATCH):
            part = wanted[start : start + _BATCH]
            columns = select(VendorProfileRecord.vendor_id, VendorProfileRecord.id)
            rows = self.session.execute(columns.where(VendorProfileRecord.vendor_id.in_(part)))
            found.update((vendor_id, key) for vendor_id, key in rows)
        return found

    def search(self, words: str, limit: int = 50) -> list[VendorProfileRecord]:
        """Return vendors whose name contains the text, whatever its case, by name."""
        condition = VendorProfileRecord.name.icontains(words, autoescape=True)
        statement = select(VendorProfileRecord).where(condition)
        return self._all(statement.order_by(VendorProfileRecord.name, VendorProfileRecord.id).limit(limit))

    def upsert_many(self, vendors: Iterable[Mapping[str, Any]]) -> dict[str, int]:
        """Write a catalogue: create vendors by `vendor_id`, update those there are.

        Fields left out stay as they are. Returns how many were created and updated; all are written or none.
        """
        rows: dict[str, dict[str, Any]] = {}
        for number, given in enumerate(vendors, start=1):
            row = self._checked_line(given, number)
            rows[row["vendor_id"]] = row
        hold(self.session, "vendor_profiles")  # as with tenders: one import at a time
        known = self._known(list(rows))
        live = "deleted_at IS NULL"
        write_rows(self.session, VendorProfileRecord, rows.values(), key=["vendor_id"], where=live)
        return {"created": len(rows) - len(known), "updated": len(known)}

    def _checked_line(self, given: Mapping[str, Any], number: int) -> dict[str, Any]:
        try:
            row = checked(VendorProfileRecord, given)
            refuse_missing(VendorProfileRecord, {"id": 0, "organization_id": 0, **row})
        except InvalidInput as error:
            raise InvalidInput(
                f"vendor {number}: {error.message}", field=error.field, details={"line": number}
            ) from error
        return {name: value for name, value in row.items() if name not in {"id", "organization_id"}}

    def _known(self, vendor_ids: list[str]) -> set[str]:
        found: set[str] = set()
        for start in range(0, len(vendor_ids), _BATCH):
            part = vendor_ids[start : start + _BATCH]
            column = VendorProfileRecord.vendor_id
            found.update(self.session.scalars(select(column).where(column.in_(part))))
        return found

    def add_evidence(
        self, vendor_id: Key, *, framework: str, kind: str, source: str, valid_until: date | None = None
    ) -> None:
        """Note a proof or claim; the same one again only moves its date."""
        self.add_evidence_many(
            [
                {
                    "vendor_id": vendor_id,
                    "framework": framework,
                    "kind": kind,
                    "source": source,
                    "valid_until": valid_until,
                }
            ]
        )

    def add_evidence_many(self, evidence: Iterable[Mapping[str, Any]]) -> int:
        """Note many proofs and claims at once; return how many lines were given."""
        now = tenancy.clock_of(self.session).now()
        owner = tenancy.required_organization_id(self.session)
        rows = []
        for given in evidence:
            row = {"valid_until": None, **checked(VendorEvidence, given)}
            row |= {"organization_id": owner, "created_at": now, "updated_at": now}
            row["id"] = tenancy.new_id(self.session)
            refuse_missing(VendorEvidence, row)
            rows.append(row)
        if rows:
            self.session.flush()
            insert = insert_into(self.session, _EVIDENCE)
            statement = insert.on_conflict_do_update(
                index_elements=["organization_id", "vendor_id", "framework", "kind", "source"],
                set_={"valid_until": insert.excluded.valid_until, "updated_at": now},
            )
            self.session.connection().execute(statement, rows)
        return len(rows)

    def evidence_for(self, vendors: Iterable[Key]) -> dict[UUID, list[VendorEvidence]]:
        """Return the evidence of these vendors in one query; every vendor asked for has an entry."""
        keys = [self._key(vendor) for vendor in vendors]
        found: dict[UUID, list[VendorEvidence]] = {key: [] for key in keys}
        for start in range(0, len(keys), _BATCH):
            statement = (
                select(VendorEvidence)
                .where(VendorEvidence.vendor_id.in_(keys[start : start + _BATCH]))
                .order_by(VendorEvidence.framework, VendorEvidence.kind, VendorEvidence.source)
                .execution_options(populate_existing=True)
            )
            for row in self.session.scalars(statement):
                found[row.vendor_id].append(row)
        return found

    def replace_claims(
        self, vendor_id: Key, sources: Iterable[str], claims: Iterable[Mapping[str, Any]]
    ) -> int:
        """Note what these sources claim now (framework and source of each); return how many claims went.

        What one of the sources claimed before and does not any more is removed. Evidence of another kind or
        from elsewhere stays as it is.
        """
        key = self._key(vendor_id)
        read = {checked(VendorEvidence, {"source": source})["source"] for source in sources}
        rows = [{**claim, "vendor_id": key, "kind": "claimed"} for claim in claims]
        conditions = [
            VendorEvidence.vendor_id == key,
            VendorEvidence.kind == "claimed",
            VendorEvidence.source.in_(read),
        ]
        if rows:
            kept = [(row.get("framework"), row.get("source")) for row in rows]
            conditions.append(tuple_(VendorEvidence.framework, VendorEvidence.source).not_in(kept))
        self.session.flush()
        statement = delete(VendorEvidence).where(*conditions)
        done: Any = self.session.execute(statement.execution_options(synchronize_session="fetch"))
        self.add_evidence_many(rows)
        return int(done.rowcount)

    def remove_evidence(self, vendor_id: Key) -> int:
        """Forget a vendor's evidence, before it is imported anew; return how many entries went."""
        key = self._key(vendor_id)
        statement = delete(VendorEvidence).where(VendorEvidence.vendor_id == key)
        done: Any = self.session.execute(statement.execution_options(synchronize_session=False))
        return int(done.rowcount)
