"""Tenders, their analyses and the bids."""

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Select, func, select, tuple_
from sqlalchemy.orm import Session, aliased

from procur.core.errors import InvalidInput, NotFound
from procur.db.base import columns_of
from procur.db.models import AnalysisResult, BidDocument, TenderDB
from procur.db.repositories.base import Key, Repository, bounded, by_position, own_organization
from procur.db.repositories.holding import hold
from procur.db.repositories.upserts import write_rows
from procur.db.values import checked, fit, refuse_missing

_BATCH = 500
_IDENTITY = ("source", "external_id")
_RATINGS = (
    "overall_score",
    "strategic_fit",
    "financial_attractiveness",
    "win_probability",
    "resource_requirements",
)


class TenderRepository(Repository[TenderDB]):
    """The tenders an organisation looks at."""

    model = TenderDB

    def create(self, *given: Any, **values: Any) -> TenderDB:
        """Write a tender; by position: organization_id, title, description, organization_name (the buyer)."""
        order = ("organization_id", "title", "description", "organization_name", "deadline")
        return super().create(**by_position(given, values, *order, "estimated_value", *reversed(_IDENTITY)))

    def get_by_id(
        self,
        tender_id: Key | None,
        org_id: Key | None = None,
        *,
        include_deleted: bool = False,
        for_update: bool = False,
    ) -> TenderDB | None:
        """Return the tender, or None. Another organisation's `org_id` is NotFound."""
        own = None if org_id is None else own_organization(self.session, org_id)
        found = super().get_by_id(tender_id, include_deleted=include_deleted, for_update=for_update)
        return found if found is None or own in (None, found.organization_id) else None

    def get_by_external_id(
        self, external_id: str, org_id: Key | None = None, source: str | None = None
    ) -> TenderDB | None:
        """Return the tender that a source (any, if none is named: the newest) knows by this id, or None."""
        named = {} if source is None else {"source": source}
        return self.find(external_id=external_id, **(self._of(org_id) | named))

    def list_by_organization(
        self, org_id: Key, status: str | None = None, limit: int = 100, offset: int = 0
    ) -> list[TenderDB]:
        """Return tenders, newest first. For long lists use `page`."""
        statement = (
            select(TenderDB)
            .where(*self._equal(self._of(org_id) | _with_status(status)))
            .order_by(*self._newest())
            .limit(bounded(limit))
            .offset(bounded(offset, "offset", most=1 << 31))
        )
        return self._all(statement)

    def count_by_organization(self, org_id: Key, status: str | None = None) -> int:
        """Return how many tenders the organisation has."""
        return self.count(**self._of(org_id), **_with_status(status))

    def update_status(
        self,
        tender_id: Key,
        status: str,
        error_message: str | None = None,
        processing_time: float | None = None,
        org_id: Key | None = None,
    ) -> bool:
        """Note how far the analysis has come; the message of an earlier error goes. Time in seconds."""
        row = self._own(tender_id, org_id)
        changes: dict[str, Any] = {"status": status, "error_message": error_message}
        if processing_time is not None:
            changes["processing_time"] = processing_time
        self._change(row, changes)
        return True

    def soft_delete(self, tender_id: Key, org_id: Key | None = None) -> bool:
        """Hide a tender; its source's id is free again."""
        return super().soft_delete(self._own(tender_id, org_id).id)

    def upsert(self, source: str, external_id: str, **values: Any) -> TenderDB:
        """Write a tender as its source has it now, in one statement; optional fields left out stay."""
        self.upsert_many([{"source": source, "external_id": external_id, **values}])
        return self._all(
            select(TenderDB).where(*self._equal({"source": source, "external_id": external_id}))
        )[0]

    def upsert_many(self, tenders: Iterable[Mapping[str, Any]]) -> dict[str, int]:
        """Write many tenders by source and external id; a deleted one stays deleted beside the new one.

        Returns how many were created and updated; all are written or none. Of two with one id the last stays.
        What a new tender needs has to be given for known ones too; optional fields left out stay as they are.
        """
        rows: dict[tuple[str, str], dict[str, Any]] = {}
        for number, given in enumerate(tenders, start=1):
            row = _checked_line(given, number)
            rows[row["source"], row["external_id"]] = row
        hold(self.session, "tenders")  # two imports at once would count each other's rows, or lock crosswise
        known = self._known(list(rows))
        write_rows(
            self.session,
            TenderDB,
            rows.values(),
            key=_IDENTITY,
            where="external_id IS NOT NULL AND deleted_at IS NULL",
        )
        return {"created": len(rows) - len(known), "updated": len(known)}

    def _known(self, keys: list[tuple[str, str]]) -> set[tuple[str, str]]:
        identity = tuple_(TenderDB.source, TenderDB.external_id)
        found: set[tuple[str, str]] = set()
        for start in range(0, len(keys), _BATCH):
            statement = select(TenderDB.source, TenderDB.external_id)
            rows = self.session.execute(statement.where(identity.in_(keys[start : start + _BATCH])))
            found.update((str(source), str(external_id)) for source, external_id in rows)
        return found

    def _own(self, tender_id: Key, org_id: Key | None) -> TenderDB:
        found = self.get_by_id(tender_id, org_id)
        if found is None:
            raise NotFound(f"no {self._noun()} {str(tender_id)[:64]!r}", field="id")
        return found

    def _of(self, org_id: Key | None) -> dict[str, Any]:
        return {} if org_id is None else {"organization_id": own_organization(self.session, org_id)}

    def _noun(self) -> str:
        return "Tender"


class AnalysisRepository(Repository[AnalysisResult]):
    """What was thought of each tender; nothing is shown of a deleted one."""

    model = AnalysisResult

    def create(self, *given: Any, **values: Any) -> AnalysisResult:
        """Write the analysis of a tender; Conflict if it has one (see `upsert`)."""
        order = ("tender_id", "is_relevant", "confidence", "filter_categories", "filter_reasoning")
        named = by_position(given, values, *order)
        tender = _tender(self.session, named.get("tender_id"))
        return super().create(**{"organization_id": tender.organization_id, **named})

    def upsert(self, tender_id: Key, **values: Any) -> AnalysisResult:
        """Write the analysis of a tender, or the named fields of the one there is, in one statement."""
        tender = TenderRepository(self.session).get(tender_id)
        row = {**checked(AnalysisResult, values), "tender_id": tender.id}
        refuse_missing(AnalysisResult, {"id": 0, "organization_id": 0, **row})
        write_rows(self.session, AnalysisResult, [row], key=["tender_id"])
        return self._all(select(AnalysisResult).where(AnalysisResult.tender_id == tender.id))[0]

    def get_by_tender_id(self, tender_id: Key) -> AnalysisResult | None:
        """Return the analysis of a tender, or None."""
        return self.find(tender_id=self._key(tender_id))

    def get_latest_by_tender(self, tender_id: Key) -> AnalysisResult | None:
        """Return the same (the second documented name): a tender has one analysis."""
        return self.get_by_tender_id(tender_id)

    def update_rating(self, tender_id: Key, overall_score: float | None = None, **ratings: Any) -> bool:
        """Note the ratings from 0 to 10, strengths, risks, requirements and the recommendation."""
        allowed = {*_RATINGS, "strengths", "risks", "requirements", "recommendation"}
        for name in ratings:
            if name not in allowed:
                raise InvalidInput(f"a rating has no field {name!r}", field=name)
        if overall_score is not None:
            ratings["overall_score"] = overall_score
        row = self.get_by_tender_id(tender_id)
        self._change(self.get(None if row is None else row.id), ratings)
        return True

    def get_high_score_tenders(self, org_id: Key, min_score: float = 7.0, limit: int = 50) -> list[TenderDB]:
        """Return the tenders rated this high or higher, the best first."""
        own = own_organization(self.session, org_id)
        least = fit(columns_of(AnalysisResult)["overall_score"], min_score, field="min_score")
        statement = (
            select(TenderDB)
            .join(AnalysisResult, _of_tender(AnalysisResult))
            .where(AnalysisResult.organization_id == own, AnalysisResult.overall_score >= least)
            .order_by(AnalysisResult.overall_score.desc(), TenderDB.created_at.desc(), TenderDB.id.desc())
            .limit(bounded(limit))
        )
        return list(self.session.scalars(statement))

    def _visible(self, statement: Select[Any]) -> Select[Any]:
        return statement.join(TenderDB, _of_tender(AnalysisResult))


class BidDocumentRepository(Repository[BidDocument]):
    """The bids for tenders, version by version; nothing is shown of a deleted tender."""

    model = BidDocument

    def create(self, *given: Any, **values: Any) -> BidDocument:
        """Write the next version of a tender's bid. Others who write one wait for this transaction."""
        order = ("tender_id", "executive_summary", "capabilities", "approach", "value_proposition")
        named = by_position(given, values, *order)
        if "version" in named:
            raise InvalidInput("version is counted here, not given", field="version")
        tender = _tender(self.session, named.get("tender_id"), for_update=True)
        newest = select(func.max(BidDocument.version)).where(BidDocument.tender_id == tender.id)
        version = int(self.session.scalar(newest) or 0) + 1
        return super().create(**{"organization_id": tender.organization_id, **named, "version": version})

    def get_by_tender_id(self, tender_id: Key) -> BidDocument | None:
        """Return the newest version of a tender's bid, or None."""
        versions = self.history(tender_id, limit=1)
        return versions[0] if versions else None

    def get_latest_by_tender(self, tender_id: Key) -> BidDocument | None:
        """Return the same (the second documented name)."""
        return self.get_by_tender_id(tender_id)

    def history(self, tender_id: Key, limit: int = 100) -> list[BidDocument]:
        """Return the versions of a tender's bid, newest first."""
        statement = select(BidDocument).where(BidDocument.tender_id == self._key(tender_id))
        return self._all(statement.order_by(BidDocument.version.desc()).limit(bounded(limit)))

    def list_by_organization(self, org_id: Key, limit: int = 100) -> list[BidDocument]:
        """Return the newest version of each tender's bid, the last written first."""
        own = own_organization(self.session, org_id)
        later = aliased(BidDocument)
        newer = (
            select(later.id)
            .where(
                later.organization_id == BidDocument.organization_id,
                later.tender_id == BidDocument.tender_id,
                later.version > BidDocument.version,
            )
            .exists()
        )
        statement = select(BidDocument).where(BidDocument.organization_id == own, ~newer)
        return self._all(statement.order_by(*self._newest()).limit(bounded(limit)))

    def _visible(self, statement: Select[Any]) -> Select[Any]:
        return statement.join(TenderDB, _of_tender(BidDocument))


def _of_tender(model: Any) -> Any:
    return (TenderDB.organization_id == model.organization_id) & (TenderDB.id == model.tender_id)


def _with_status(status: str | None) -> dict[str, Any]:
    return {} if status is None else {"status": status}


def _checked_line(given: Mapping[str, Any], number: int) -> dict[str, Any]:
    try:
        row = checked(TenderDB, given)
        _refuse_unfit(row)
    except InvalidInput as error:
        raise InvalidInput(
            f"tender {number}: {error.message}", field=error.field, details={"line": number}
        ) from error
    return row


def _refuse_unfit(row: Mapping[str, Any]) -> None:
    for name in _IDENTITY:
        if not row.get(name):
            raise InvalidInput(f"{name} is required", field=name)
    for name in ("id", "organization_id", "created_at", "updated_at", "deleted_at"):
        if name in row:
            raise InvalidInput(f"{name} cannot be given", field=name)
    refuse_missing(TenderDB, {"id": 0, "organization_id": 0, **row})


def _tender(session: Session, tender_id: Key | None, *, for_update: bool = False) -> TenderDB:
    """Return the tender that a new row names; the error names the field."""
    try:
        return TenderRepository(session).get(tender_id, for_update=for_update)
    except NotFound as error:
        raise NotFound(error.message, field="tender_id") from None
