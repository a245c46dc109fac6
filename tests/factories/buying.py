"""A request with its vendor, mandate, negotiation and offer."""

from datetime import date
from typing import Any

from procur.db import Session
from procur.db.models import (
    ContractRecord,
    MandateRecord,
    NegotiationSessionRecord,
    OfferRecord,
    RequestRecord,
    UserAccount,
    VendorProfileRecord,
)
from procur.db.repositories import (
    ContractRepository,
    MandateRepository,
    NegotiationRepository,
    OfferRepository,
    RequestRepository,
    VendorRepository,
)


class Desk:
    """Makes buying rows in one session, each with sensible values that a test may override."""

    def __init__(self, session: Session, buyer: UserAccount) -> None:
        self.session = session
        self.buyer = buyer

    def request(self, **values: Any) -> RequestRecord:
        plain = {"user_id": self.buyer.id, "description": "CRM for 50 people", "quantity": 50}
        return RequestRepository(self.session).create(**plain | values)

    def vendor(self, vendor_id: str = "northwind", **values: Any) -> VendorProfileRecord:
        plain = {"vendor_id": vendor_id, "name": vendor_id.title(), "category": "crm"}
        return VendorRepository(self.session).create(**plain | values)

    def mandate(self, request: RequestRecord, **values: Any) -> MandateRecord:
        plain: dict[str, Any] = {
            "request_id": request.id,
            "max_total": "84000",
            "max_yearly": "84000",
            "max_unit_price": "140",
            "min_quantity": 10,
            "max_quantity": 50,
            "terms_months": [0, 6, 12],
            "payment_terms": ["NET30", "NET45"],
            "currency": "USD",
            "source": "person",
        }
        return MandateRepository(self.session).create(**plain | values)

    def talks(
        self, request: RequestRecord, vendor: VendorProfileRecord, **values: Any
    ) -> NegotiationSessionRecord:
        plain = {"request_id": request.id, "vendor_id": vendor.id}
        return NegotiationRepository(self.session).create(**plain | values)

    def offer(self, request: RequestRecord, vendor: VendorProfileRecord, **values: Any) -> OfferRecord:
        plain: dict[str, Any] = {
            "request_id": request.id,
            "vendor_id": vendor.id,
            "unit_price": "120",
            "quantity": 50,
            "term_months": 12,
            "payment_terms": "NET30",
            "actor": "seller",
        }
        return OfferRepository(self.session).create(**plain | values)

    def contract(self, offer: OfferRecord, **values: Any) -> ContractRecord:

        plain: dict[str, Any] = {
            "request_id": offer.request_id,
            "vendor_id": offer.vendor_id,
            "final_offer_id": offer.id,
            "unit_price": offer.unit_price,
            "quantity": offer.quantity,
            "term_months": offer.term_months,
            "payment_terms": offer.payment_terms,
            "total_value": offer.terms.total,
            "start_date": date(2026, 12, 1),
            "end_date": date(2027, 11, 30),
        }
        return ContractRepository(self.session).create(**plain | values)
