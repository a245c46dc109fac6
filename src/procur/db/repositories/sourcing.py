"""Requests."""

from typing import Any
from uuid import UUID

from sqlalchemy import func, select

from procur.db.models import RequestRecord
from procur.db.repositories.base import Key, Repository


class RequestRepository(Repository[RequestRecord]):
    """What people ask to have bought."""

    model = RequestRecord
    business_key = "request_id"
    prefix = "REQ"

    def get_by_request_id(self, request_id: str) -> RequestRecord | None:
        """Return the request people know by this number, or None."""
        return self.get_by_key(request_id)

    def get_by_user(self, user_id: Key, limit: int = 100) -> list[RequestRecord]:
        """Return a person's requests, newest first."""
        return self.page(user_id=user_id, limit=limit).rows

    def get_by_status(self, status: str, limit: int = 100) -> list[RequestRecord]:
        """Return the requests in this state, newest first."""
        return self.page(status=status, limit=limit).rows

    def count_by_status(self) -> dict[str, int]:
        """Return how many requests stand in each state."""
        statement = select(RequestRecord.status, func.count()).group_by(RequestRecord.status)
        return {status: number for status, number in self.session.execute(statement)}  # noqa: C416 - rows, not pairs

    def move(self, id: Key, *, to: str, expected: str | list[str], **values: Any) -> RequestRecord:  # noqa: A002
        """Move a request to another state, only from the expected one(s); Conflict otherwise."""
        return self.advance(id, expected={"status": expected}, status=to, **values)

    def award(self, id: Key, offer_id: UUID) -> RequestRecord:  # noqa: A002
        """Name the offer that won."""
        return self.update(id, awarded_offer_id=offer_id)
