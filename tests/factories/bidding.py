"""A tender with its analysis and its bid."""

from typing import Any

from procur.db import Session
from procur.db.models import AnalysisResult, BidDocument, TenderDB
from procur.db.repositories import AnalysisRepository, BidDocumentRepository, TenderRepository


class BidDesk:
    """Makes bidding rows in one session, each with sensible values that a test may override."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.tenders = TenderRepository(session)
        self.analyses = AnalysisRepository(session)
        self.bids = BidDocumentRepository(session)

    def tender(self, **values: Any) -> TenderDB:
        plain = {"title": "Network security", "description": "Firewalls", "organization_name": "City"}
        return self.tenders.create(**plain | values)

    def analysis(self, tender: TenderDB, **values: Any) -> AnalysisResult:
        plain = {"tender_id": tender.id, "is_relevant": True, "confidence": 0.8}
        return self.analyses.create(**plain | values)

    def bid(self, tender: TenderDB, **values: Any) -> BidDocument:
        texts = ("executive_summary", "capabilities", "approach", "value_proposition")
        return self.bids.create(**{"tender_id": tender.id, **dict.fromkeys(texts, "text"), **values})
