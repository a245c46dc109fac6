"""How the audit trail is sealed outside the request."""

from dataclasses import asdict
from typing import Any

from procur.audit.kinds import SEAL, SealAudit
from procur.audit.seal import Sealing, seal_waiting
from procur.db import Session
from procur.jobs.task import Task, Work


def seal_audit() -> Task[SealAudit]:
    """Seal all that waits, a short transaction per batch; stopped half-way, the rest is sealed next time."""

    def think(work: Work, _: SealAudit) -> Sealing:
        return seal_waiting(work.session)

    def commit(_: Session, _work: Work, _payload: SealAudit, done: Sealing) -> dict[str, Any]:
        return asdict(done)

    return Task(SEAL, think=think, commit=commit)
