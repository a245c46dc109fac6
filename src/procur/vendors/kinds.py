"""Work that vendors' data asks for."""

from dataclasses import dataclass

from procur.jobs.kinds import Kind


@dataclass(frozen=True, slots=True)
class RemindOfEvidence:
    """Look which proofs run out; days before at which to say so."""

    thresholds: tuple[int, ...] = (60, 14)


REMIND = Kind("remind_of_evidence", "default", RemindOfEvidence)
