"""The one list of what the platform does later. Read first."""

from functools import cache
from typing import Any

from procur.audit.tasks import seal_audit
from procur.contracts.tasks import generate_contract, remind_of_contracts
from procur.jobs.task import Task
from procur.negotiation.tasks import process_negotiation_round
from procur.notifications.stuck import look_for_stuck_work
from procur.notifications.tasks import send_notification
from procur.vendors.tasks import enrich_vendor_data, refresh_vendors, remind_of_proofs
from procur.workers.retention import Retention, cleanup
from procur.workers.tools import Tools

QUEUES = ("negotiation", "enrichment", "contracts", "notifications", "default")


def tasks(tools: Tools) -> tuple[Task[Any], ...]:
    """Return every task of every room, with the tools it needs."""
    enrichment = cache(tools.enrichment)
    return (
        cleanup(Retention),
        enrich_vendor_data(enrichment),
        generate_contract(cache(tools.store), cache(tools.vocabulary)),
        look_for_stuck_work(),
        process_negotiation_round(),
        refresh_vendors(enrichment),
        remind_of_contracts(),
        remind_of_proofs(),
        seal_audit(),
        send_notification(tools.channels),
    )
