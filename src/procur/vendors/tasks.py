"""What is done for vendors' data outside the request."""

from dataclasses import asdict
from typing import Any

from procur.db import Session
from procur.jobs.task import Task, Work
from procur.vendors.expiring import remind_of_evidence
from procur.vendors.kinds import REMIND, RemindOfEvidence


def remind_of_proofs() -> Task[RemindOfEvidence]:
    """Say which proofs run out."""

    def commit(session: Session, work: Work, payload: RemindOfEvidence, _: None) -> dict[str, Any]:
        done = remind_of_evidence(session, work.actor, now=work.now(), thresholds=payload.thresholds)
        if done.more:
            REMIND.ask(session, payload, dedupe_key=f"after {work.job_id}")
        return asdict(done)

    return Task(REMIND, commit=commit)
