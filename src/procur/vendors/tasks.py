"""What is done for vendors' data outside the request."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from procur.core.errors import InvalidInput, NotConfigured, Unavailable
from procur.core.logs import get_logger
from procur.db import Session
from procur.db.repositories import VendorRepository
from procur.jobs.task import GiveUp, Task, Work
from procur.vendors.enrichment.fetching import Fetcher
from procur.vendors.enrichment.model import Observation, Seen
from procur.vendors.enrichment.service import apply_seen, view_of
from procur.vendors.enrichment.tools import EnrichmentTools
from procur.vendors.expiring import remind_of_evidence
from procur.vendors.kinds import ENRICH, REFRESH, REMIND, EnrichVendor, RefreshStale, RemindOfEvidence
from procur.vendors.refreshing import refresh_stale_vendors

# What a reader ends with on a page that nobody thought of. Anything else (the database, the lease) ends
# the attempt.
_MISREAD = (ArithmeticError, ValueError, LookupError, TypeError, AttributeError, RecursionError)


def remind_of_proofs() -> Task[RemindOfEvidence]:
    """Say which proofs run out."""

    def commit(session: Session, work: Work, payload: RemindOfEvidence, _: None) -> dict[str, Any]:
        done = remind_of_evidence(session, work.actor, now=work.now(), thresholds=payload.thresholds)
        if done.more:
            REMIND.ask(session, payload, dedupe_key=f"after {work.job_id}")
        return asdict(done)

    return Task(REMIND, commit=commit)


def refresh_vendors(made: Callable[[], EnrichmentTools]) -> Task[RefreshStale]:
    """Ask for the data of vendors that nobody has looked up for long, where it can be looked up at all."""

    def think(_work: Work, _payload: RefreshStale) -> None:
        _ready(made())

    def commit(session: Session, work: Work, payload: RefreshStale, _: None) -> dict[str, Any]:
        asked = refresh_stale_vendors(session, now=work.now(), days=payload.days, most=payload.most)
        return {"asked": asked}

    return Task(REFRESH, think=think, commit=commit)


def _ready(tools: EnrichmentTools) -> None:
    try:
        tools.ready()
    except NotConfigured as error:
        raise GiveUp(error.message, hint=error.hint) from error


def enrich_vendor_data(made: Callable[[], EnrichmentTools]) -> Task[EnrichVendor]:
    """Return the task that looks at a vendor's sources and stores what they say.

    `made` gives the tools, always the same ones: what is known of hosts and their turns is in them.
    """

    def think(work: Work, payload: EnrichVendor) -> Seen:
        tools = made()
        _ready(tools)
        with work.session(read_only=True) as session:
            vendor = view_of(VendorRepository(session).named(payload.vendor_id))
        # In the last attempt what can be had is better than nothing.
        last = work.attempt >= ENRICH.max_attempts
        fetch = Fetcher(tools.manners, work.step, work.now, give_up=last)
        observations, misread = list[Observation](), False
        for source in tools.sources:
            work.check()
            try:
                observations += source.observe(vendor, fetch)
            except InvalidInput as error:
                fetch.skip(source.name, error.message)
            except _MISREAD as error:
                # Ours to mend; what the other sources say of the vendor is no worse for it.
                get_logger("procur.vendors").exception("source_not_read", source=source.name)
                misread = True
                fetch.skip(source.name, f"it could not be read ({type(error).__name__})")
        if fetch.outages and not observations:
            raise Unavailable(f"{vendor.name} cannot be reached", details={"skipped": fetch.skipped})
        files = tuple(each.source for each in observations if each.source_kind == "feed")
        skipped = dict(fetch.skipped)
        if not vendor.website and not vendor.pages:
            skipped["website"] = "no website is on record: procur vendors change … --website https://…"
        read = tuple(dict.fromkeys((*fetch.read, *files)))
        return Seen(tuple(observations), read, skipped, frozenset(fetch.gone), fetch.finished, misread)

    def commit(session: Session, work: Work, payload: EnrichVendor, seen: Seen) -> dict[str, Any]:
        return apply_seen(session, work.actor, vendor_id=payload.vendor_id, seen=seen, now=work.now())

    return Task(ENRICH, think=think, commit=commit)
