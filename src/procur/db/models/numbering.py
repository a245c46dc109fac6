"""Counters behind the numbers that people see."""

from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Integer, String, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from procur.db.base import Base, OfOrganization, Times


class NumberSequence(OfOrganization, Times, Base):
    """The last number given out for a kind and year."""

    __tablename__ = "number_sequences"

    organization_id: Mapped[UUID] = mapped_column(Uuid(), ForeignKey("organizations.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(String(32), primary_key=True)
    year: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    value: Mapped[int] = mapped_column(BigInteger, default=0)
