"""Look at vendors' pages and feeds, and show what is known of a vendor and how sure that is."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from procur.cli.steps.doing import do_now
from procur.cli.steps.setting_up import vocabulary_of
from procur.cli.workspace import Workspace
from procur.core.errors import InvalidInput
from procur.db import Session
from procur.db.repositories import JobRepository, VendorObservationRepository, VendorRepository
from procur.vendors.enrichment import confidence
from procur.vendors.enrichment.model import FRAMEWORK
from procur.vendors.enrichment.service import ask_enrichment, known_observations
from procur.vendors.enrichment.tools import EnrichmentTools
from procur.vendors.tasks import enrich_vendor_data

OnVendor = Callable[[dict[str, Any]], None]


def enrich_vendors(
    workspace: Workspace,
    vendor_ids: tuple[str, ...],
    *,
    every: bool,
    stale: int | None,
    background: bool,
    on_vendor: OnVendor | None = None,
) -> dict[str, Any]:
    """Ask for vendors to be looked at and, unless in the background, do it here, telling of each."""
    if sum((bool(vendor_ids), every, stale is not None)) != 1:
        raise InvalidInput("name vendors, or say --all or --stale DAYS", field="vendor_id")
    workspace.require("vendor.write")
    tools = EnrichmentTools.from_environment(workspace.home, vocabulary_of(workspace))
    if not background:
        tools.ready()
    with workspace.session() as session:
        person = workspace.actor(session, "vendor.write")
        names = vendor_ids or _chosen(session, workspace, stale)
        asked = ask_enrichment(session, person, names, now=workspace.clock.now())
        jobs = {str(job.payload["vendor_id"]): job.id for job, _ in asked}
    if background:
        return {"asked": list(jobs), "vendors": []}
    return {"asked": list(jobs), "vendors": [_do(workspace, tools, *one, on_vendor) for one in jobs.items()]}


def vendor_observations(workspace: Workspace, vendor_id: str) -> dict[str, Any]:
    """Return what is known of a vendor field by field: what is likeliest and how sure, and who says what."""
    with workspace.session(read_only=True) as session:
        workspace.actor(session, "vendor.read")
        vendor = VendorRepository(session).named(vendor_id)
        rows = VendorObservationRepository(session).of([vendor.id])[vendor.id]
        since = {(row.field, row.source): row.value_since for row in rows}
        known = known_observations(vendor, rows)
        fields = confidence.of_fields(known, workspace.clock.now())
        return {
            "vendor_id": vendor.vendor_id,
            "name": vendor.name,
            "confidence": vendor.confidence_score,
            "last_enriched_at": vendor.last_enriched_at,
            "fields": [
                {
                    "field": name,
                    "value": told(each.value),
                    "confidence": round(each.confidence, 4),
                    "agree": each.sources,
                    "disagree": each.against,
                }
                for name, each in sorted(fields.items())
            ],
            "observations": [
                {
                    "field": each.field,
                    "value": told(each.value),
                    "source": each.source,
                    "kind": each.source_kind,
                    "method": each.method,
                    "quote": each.quote,
                    "observed_at": each.observed_at,
                    "value_since": since.get((each.field, each.source)),
                }
                for each in sorted(known, key=lambda each: (each.field, each.source))
            ],
        }


def told(value: Mapping[str, Any]) -> str:
    """Return an observed value in words."""
    if "amount" in value:
        terms = ", ".join(str(value[name]) for name in ("unit", "period") if value.get(name))
        return f"{value['amount']} {value.get('currency') or ''}".strip() + (f" per {terms}" if terms else "")
    if "plans" in value:
        prices = (f"{plan['name']} {plan.get('list_price') or 'quoted'}" for plan in value["plans"])
        return ", ".join(prices)
    if "rating" in value:
        return f"{value['rating']} of 5 ({value.get('count', 0)} ratings)"
    if "status" in value:
        kind = f" (Type {value['type']})" if value.get("type") else ""
        return f"{str(value['status']).replace('_', ' ')}{kind}"
    return str(value.get("text", ""))


def label(field: str) -> str:
    """Return a field's name as it is shown."""
    return field.removeprefix(FRAMEWORK).replace("_", " ")


def _chosen(session: Session, workspace: Workspace, stale: int | None) -> list[str]:
    repository = VendorRepository(session)
    rows = (
        repository.everyone()
        if stale is None
        else repository.not_enriched_since(workspace.clock.now() - timedelta(days=stale))
    )
    return [row.vendor_id for row in rows if row.website or row.vendor_metadata.get("pages")]


def _do(
    workspace: Workspace, tools: EnrichmentTools, vendor_id: str, job_id: UUID, on_vendor: OnVendor | None
) -> dict[str, Any]:
    task = enrich_vendor_data(lambda: tools)
    do_now(workspace, task, job_id)
    workspace.to_seal()
    with workspace.session(read_only=True) as session:
        job = JobRepository(session).get(job_id)
        result = {"vendor": vendor_id, **(job.result or {}), "state": job.state}
        if job.state != "done":
            result["error"] = job.last_error
            result["next_attempt"] = job.run_at if job.state == "ready" else None
    if on_vendor is not None:
        on_vendor(result)
    return result
