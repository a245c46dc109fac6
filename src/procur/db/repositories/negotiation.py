"""Mandates, negotiation sessions and offers."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import and_, exists, func, select, update

from procur.core.deal import Terms
from procur.core.errors import Conflict, InvalidInput, NotAllowed
from procur.db import tenancy
from procur.db.models import MandateRecord, NegotiationSessionRecord, OfferRecord
from procur.db.repositories.base import Key, Repository
from procur.db.values import checked


class MandateRepository(Repository[MandateRecord]):
    """How far the agents may go. Mandates are written once; a change is a new version."""

    model = MandateRecord

    def latest_for(self, request_id: Key) -> MandateRecord | None:
        """Return the mandate in force for a request, or None."""
        statement = (
            select(MandateRecord)
            .where(MandateRecord.request_id == self._key(request_id))
            .order_by(MandateRecord.version.desc())
            .limit(1)
        )
        rows = self._all(statement)
        return rows[0] if rows else None

    def versions_for(self, request_id: Key) -> list[MandateRecord]:
        """Return every version, oldest first."""
        statement = select(MandateRecord).where(MandateRecord.request_id == self._key(request_id))
        return self._all(statement.order_by(MandateRecord.version), include_deleted=True)

    def create(self, **values: Any) -> MandateRecord:
        """Write the next version for the request (two at once: the second one gets a Conflict)."""
        if values.get("version") is None and values.get("request_id") is not None:
            newest = select(func.max(MandateRecord.version)).where(
                MandateRecord.request_id == self._key(values["request_id"])
            )
            # Deleted versions keep their number.
            found = self.session.execute(newest, execution_options={"include_deleted": True}).scalar()
            values["version"] = (found or 0) + 1
        return super().create(**values)

    def update(self, id: Key, **values: Any) -> MandateRecord:  # noqa: A002, ARG002 - documented name
        """Refuse: a mandate that could be edited would bind nobody."""
        raise NotAllowed("a mandate cannot be changed", hint="create() a new version")


class NegotiationRepository(Repository[NegotiationSessionRecord]):
    """Talks with vendors."""

    model = NegotiationSessionRecord
    business_key = "session_id"

    def get_by_session_id(self, session_id: str) -> NegotiationSessionRecord | None:
        """Return the session known by this id, or None."""
        return self.get_by_key(session_id)

    def for_request(self, request_id: Key) -> list[NegotiationSessionRecord]:
        """Return the talks about a request, oldest first."""
        return self.get_all(limit=1000, request_id=self._key(request_id))

    def ready(self, request_id: Key) -> list[tuple[str, int]]:
        """Return the talks of a request that can go on at once, with their next round, oldest first.

        Not those in which our offer of that round waits for the vendor's answer.
        """
        talks = NegotiationSessionRecord
        following = talks.current_round + 1
        waits = select(OfferRecord.id).where(
            OfferRecord.negotiation_session_id == talks.id,
            OfferRecord.round_number == following,
            OfferRecord.actor == "buyer",
        )
        statement = (
            select(talks.session_id, following)
            .where(talks.request_id == self._key(request_id), talks.status == "active", ~exists(waits))
            .order_by(talks.created_at, talks.id)
        )
        return [(name, number) for name, number in self.session.execute(statement)]

    def find_for(self, request_id: Key, vendor_id: Key) -> NegotiationSessionRecord | None:
        """Return the talks with one vendor about one request, or None."""
        return self.find(request_id=self._key(request_id), vendor_id=self._key(vendor_id))

    def active(self, limit: int = 1000) -> list[NegotiationSessionRecord]:
        """Return the talks that go on, oldest first."""
        return self.get_all(limit=limit, status="active")

    def increment_round(self, id: Key, expected: int | None = None) -> NegotiationSessionRecord:  # noqa: A002
        """Move to the next round, with `expected` only from that round: a round is never played twice."""
        self.session.flush()
        talks = NegotiationSessionRecord
        conditions = [
            talks.id == self._key(id),
            talks.status == "active",
            talks.current_round < talks.max_rounds,
        ]
        if expected is not None:
            conditions.append(talks.current_round == expected)
        statement = (
            update(talks)
            .where(*conditions)
            .values(current_round=talks.current_round + 1, updated_at=tenancy.clock_of(self.session).now())
            .execution_options(synchronize_session=False)
        )
        moved: Any = self.session.execute(statement)
        row = self._fresh(id)
        if moved.rowcount == 1:
            return row
        if row.status != "active":
            raise Conflict(f"the negotiation is {row.status}", field="status")
        if expected is not None and row.current_round != expected:
            raise Conflict(
                f"the negotiation is in round {row.current_round}, not {expected}", field="current_round"
            )
        raise Conflict(f"all {row.max_rounds} rounds are played", field="current_round")

    def complete_session(
        self,
        id: Key,  # noqa: A002 - documented name
        *,
        outcome: str,
        final_offer_id: Key | None = None,
        savings_achieved: Decimal | float | None = None,
        outcome_reason: str | None = None,
        status: str = "completed",
        completed_at: datetime | None = None,
    ) -> NegotiationSessionRecord:
        """End the talks, once: Conflict when they have ended already."""
        if status == "active":
            raise InvalidInput("a completed session cannot stay active", field="status")
        return self.advance(
            id,
            expected={"status": "active"},
            status=status,
            outcome=outcome,
            outcome_reason=outcome_reason,
            final_offer_id=final_offer_id,
            savings_achieved=savings_achieved,
            completed_at=completed_at or tenancy.clock_of(self.session).now(),
        )

    def _new_business_id(self, values: Any) -> str:
        return f"NEG-{values['id'].hex[12:]}"


@dataclass(frozen=True, slots=True)
class OfferMade:
    """What of an offer a decision needs: not its reasons, which are most of the row."""

    id: UUID
    negotiation_session_id: UUID | None
    mandate_id: UUID | None
    round_number: int
    actor: str
    terms: Terms


class OfferRepository(Repository[OfferRecord]):
    """What was put on the table. Terms never change; triggers hold acceptance to the mandate."""

    model = OfferRecord
    business_key = "offer_id"

    def get_by_offer_id(self, offer_id: str) -> OfferRecord | None:
        """Return the offer known by this id, or None."""
        return self.get_by_key(offer_id)

    def for_session(self, negotiation_session_id: Key) -> list[OfferRecord]:
        """Return the offers of one negotiation in the order they were made."""
        condition = OfferRecord.negotiation_session_id == self._key(negotiation_session_id)
        return self._in_order(condition)

    def for_request(self, request_id: Key) -> list[OfferRecord]:
        """Return every offer for a request in the order they were made."""
        return self._in_order(OfferRecord.request_id == self._key(request_id))

    def made_for(self, request_id: Key) -> list[OfferMade]:
        """Return who offered what in which round of a request, in the order in which it was made."""
        offer = OfferRecord
        told = (offer.id, offer.negotiation_session_id, offer.mandate_id, offer.round_number, offer.actor)
        terms = (offer.unit_price, offer.quantity, offer.term_months, offer.payment_terms, offer.currency)
        statement = (
            select(*told, *terms, offer.value_adds)
            .where(offer.request_id == self._key(request_id))
            .order_by(offer.created_at, offer.round_number, offer.id)
        )
        return [
            OfferMade(*row[:5], Terms(*row[5:10], value_adds=tuple(row[10])))
            for row in self.session.execute(statement)
        ]

    def from_round(self, request_id: Key, number: int) -> list[OfferRecord]:
        """Return the offers for a request of this round and later ones, in the order they were made."""
        least = checked(OfferRecord, {"round_number": number})["round_number"]
        return self._in_order(
            and_(OfferRecord.request_id == self._key(request_id), OfferRecord.round_number >= least)
        )

    def standing(self, request_id: Key, *, actor: str = "seller") -> list[OfferRecord]:
        """Return the newest offer of each negotiation that is not rejected, cheapest unit price first."""
        key = self._key(request_id)
        newest = (
            select(OfferRecord.negotiation_session_id, func.max(OfferRecord.round_number).label("round"))
            .where(OfferRecord.request_id == key, OfferRecord.actor == actor)
            .group_by(OfferRecord.negotiation_session_id)
            .subquery()
        )
        statement = (
            select(OfferRecord)
            .join(
                newest,
                and_(
                    OfferRecord.negotiation_session_id == newest.c.negotiation_session_id,
                    OfferRecord.round_number == newest.c.round,
                ),
            )
            .where(OfferRecord.request_id == key, OfferRecord.actor == actor, OfferRecord.rejected.is_(False))
            .order_by(OfferRecord.unit_price, OfferRecord.created_at, OfferRecord.id)
        )
        return self._all(statement)

    def latest(self, negotiation_session_id: Key, actor: str) -> OfferRecord | None:
        """Return one side's newest offer in a negotiation, or None."""
        statement = (
            select(OfferRecord)
            .where(
                OfferRecord.negotiation_session_id == self._key(negotiation_session_id),
                OfferRecord.actor == actor,
            )
            .order_by(OfferRecord.round_number.desc())
            .limit(1)
        )
        rows = self._all(statement)
        return rows[0] if rows else None

    def accepted_for(self, request_id: Key) -> list[OfferRecord]:
        """Return the accepted offers for a request."""
        return self.get_all(limit=1000, request_id=self._key(request_id), accepted=True)

    def accept(
        self,
        id: Key,  # noqa: A002 - documented name
        *,
        mandate_id: UUID | None = None,
        accepted_at: datetime | None = None,
    ) -> OfferRecord:
        """Accept an offer, under its own mandate or the one given; the database refuses what breaks it.

        It counts as accepted at the moment given, else now; an offer that is accepted already stays as it is.
        """
        row = self.locked(id)
        if row.rejected:
            raise Conflict("a rejected offer cannot be accepted", field="accepted")
        if row.accepted:
            return row
        moment = accepted_at or tenancy.clock_of(self.session).now()
        values: dict[str, Any] = {"accepted": True, "accepted_at": moment}
        if mandate_id is not None and row.mandate_id is None:
            values["mandate_id"] = mandate_id
        return self._change(row, values)

    def reject(self, id: Key) -> OfferRecord:  # noqa: A002
        """Turn an offer down."""
        row = self.locked(id)
        if row.accepted:
            raise Conflict("an accepted offer cannot be rejected", field="rejected")
        return self._change(row, {"rejected": True})

    def _in_order(self, condition: Any) -> list[OfferRecord]:
        order = (OfferRecord.created_at, OfferRecord.round_number, OfferRecord.id)
        return self._all(select(OfferRecord).where(condition).order_by(*order))

    def _new_business_id(self, values: Any) -> str:
        return f"OFR-{values['id'].hex[12:]}"
