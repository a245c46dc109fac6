"""How contracts are drafted, and reminded of, outside the request."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

from procur.contracts.kinds import GENERATE, REMIND, GenerateContract, RemindOfRenewals
from procur.contracts.printing import Outdated
from procur.contracts.renewals import remind_of_renewals
from procur.contracts.service import PrintedContract, Wanted, plan_draft, print_draft, record_draft
from procur.core.actor import Actor
from procur.core.errors import Conflict, DecisionNeeded
from procur.db import Session
from procur.documents.store import DocumentStore
from procur.identity.service import actor_for
from procur.jobs.task import GiveUp, Task, Work
from procur.vendors.vocabulary import Vocabulary


def generate_contract(
    store: Callable[[], DocumentStore], vocabulary: Callable[[], Vocabulary]
) -> Task[GenerateContract]:
    """Draft a contract: read, render and store in *think*, write the row and its fact in *commit*.

    Every attempt of one day renders the same bytes and stores the same file; a contract is dated by the day
    on which it is recorded, and held to the mandate as of then.
    """

    def think(work: Work, payload: GenerateContract) -> PrintedContract:
        with _decided(), work.session(read_only=True) as session:
            actor = _on_behalf(session, work, payload)
            facts = plan_draft(session, actor, vocabulary(), _wanted(payload), now=work.now())
        return print_draft(store(), facts)

    def commit(
        session: Session, work: Work, payload: GenerateContract, printed: PrintedContract
    ) -> dict[str, Any]:
        actor = _on_behalf(session, work, payload)
        row = record_draft(session, actor, vocabulary(), _wanted(payload), printed, now=work.now()).row
        return {"contract_id": row.contract_id, "document": row.document_path, "sha256": row.document_hash}

    return Task(GENERATE, think=think, commit=commit)


def remind_of_contracts() -> Task[RemindOfRenewals]:
    """Say which contracts renew, need notice or have ended."""

    def commit(session: Session, work: Work, payload: RemindOfRenewals, _: None) -> dict[str, Any]:
        done = remind_of_renewals(session, work.actor, now=work.now(), thresholds=payload.thresholds)
        if done.more:
            REMIND.ask(session, payload, dedupe_key=f"after {work.job_id}")
        return asdict(done)

    return Task(REMIND, commit=commit)


def _on_behalf(session: Session, work: Work, payload: GenerateContract) -> Actor:
    """Return who asked, with the rights they have now."""
    return work.actor if payload.asked_by is None else actor_for(session, email=payload.asked_by)


def _wanted(payload: GenerateContract) -> Wanted:
    return Wanted(payload.request_id, payload.start_date, payload.details, tuple(payload.special_terms))


@contextmanager
def _decided() -> Iterator[None]:
    """End the job where a person has to decide something first; trying again would change nothing."""
    try:
        yield
    except Outdated:
        raise
    except (Conflict, DecisionNeeded) as error:
        raise GiveUp(error.message, field=error.field, hint=error.hint) from error
