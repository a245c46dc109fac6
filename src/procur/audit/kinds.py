"""Work that the audit trail asks for."""

from dataclasses import dataclass

from procur.jobs.kinds import Kind


@dataclass(frozen=True, slots=True)
class SealAudit:
    """Seal what was written to the trail since."""


SEAL = Kind("seal_audit", "default", SealAudit)
