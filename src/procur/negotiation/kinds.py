"""Kinds of work of this room."""

from dataclasses import dataclass
from uuid import UUID

from procur.jobs.kinds import Kind


@dataclass(frozen=True, slots=True)
class PlayRound:
    """One round of one session; `on_behalf_of` is whose agent plays it, a person's key."""

    request_id: str
    session_id: str
    round: int
    on_behalf_of: UUID | None = None


PROCESS_NEGOTIATION_ROUND = Kind("process_negotiation_round", "negotiation", PlayRound, lasts=120.0)
