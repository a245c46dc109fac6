"""What a contract says, gathered from stored rows; what nobody has recorded stays None."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from procur.contracts.contract_facts import Billing, ContractFacts, Evidence, PartyFacts
from procur.core.finance import add_months
from procur.db import Session
from procur.db.models import OfferRecord, Organization, RequestRecord, VendorEvidence, VendorProfileRecord
from procur.db.repositories import NegotiationRepository, OrganizationRepository, VendorRepository
from procur.negotiation.briefs import Economics
from procur.negotiation.wording import extra_label
from procur.vendors.catalogue import ACCEPTED_EVIDENCE
from procur.vendors.vocabulary import Vocabulary

_BILLING: dict[str, Billing] = {"monthly": "monthly", "quarterly": "quarterly", "annual": "yearly"}


def contract_facts(
    session: Session,
    request: RequestRecord,
    offer: OfferRecord,
    vendor: VendorProfileRecord,
    vocabulary: Vocabulary,
    *,
    number: str,
    on: date,
    start: date,
    details: Mapping[str, Any],
    special_terms: tuple[str, ...],
) -> ContractFacts:
    """Return what the contract says; the same rows and arguments always give equal facts."""
    terms = offer.terms
    organization = OrganizationRepository(session).get(request.organization_id)
    talks = NegotiationRepository(session).get(offer.negotiation_session_id)
    recurring = bool(terms.term_months)
    end = add_months(start, terms.term_months) - timedelta(days=1) if recurring else None
    features = {key: feature.label for key, feature in vocabulary.features.items()}
    return ContractFacts(
        number=number,
        effective_date=on,
        buyer=_buyer(organization),
        vendor=PartyFacts(
            legal_name=vendor.name,
            address_lines=tuple(vendor.vendor_metadata.get("address", ())),
            country=vendor.country,
            tax_id=vendor.tax_id,
            email=vendor.contact_email,
        ),
        request_type=request.request_type,  # type: ignore[arg-type]  # a CHECK holds the four values
        item=_item(vendor, talks.plan, request),
        # Never the request's own words: they hold the budget, and the vendor reads this.
        description=_what(request, vocabulary),
        terms=replace(terms, value_adds=tuple(extra_label(name) for name in terms.value_adds)),
        start_date=start,
        end_date=end,
        auto_renew=False,
        price_hold="price_hold" in terms.value_adds,
        must_haves=tuple(features.get(key, key) for key in request.must_haves),
        compliance=_compliance(session, request, vendor, vocabulary),
        billing=_BILLING[Economics.from_settings(organization.settings).billing] if recurring else "once",
        special_terms=special_terms,
        **details,
    )


def _item(vendor: VendorProfileRecord, plan: str | None, request: RequestRecord) -> str:
    """Return what is bought: a plan of a service, or a model of a thing."""
    if not plan:
        return vendor.name
    return f"{vendor.name}, plan {plan}" if request.request_type == "saas" else f"{vendor.name} {plan}"


def _what(request: RequestRecord, vocabulary: Vocabulary) -> str:
    """Return what is bought, by category."""
    keys = [request.category or "", *request.specs.get("also_wanted", ())]
    labels = [vocabulary.categories[key].label if key in vocabulary.categories else key for key in keys]
    return ", ".join(label for label in labels if label)


def _buyer(organization: Organization) -> PartyFacts:
    """Return the buying organisation as a party, from what its settings say."""
    told = organization.settings.get("company", {})
    return PartyFacts(
        legal_name=organization.name,
        address_lines=tuple(told.get("address", ())),
        country=organization.country,
        registration_id=told.get("registration_id"),
        tax_id=told.get("tax_id"),
        email=organization.billing_email,
    )


def _compliance(
    session: Session, request: RequestRecord, vendor: VendorProfileRecord, vocabulary: Vocabulary
) -> tuple[Evidence, ...]:
    """Return each framework asked for with its best stored proof; a claim proves nothing."""
    rows = VendorRepository(session).evidence_for([vendor.id]).get(vendor.id, ())
    wanted = [(key, True) for key in request.compliance_requirements]
    wanted += [(key, False) for key in request.specs.get("compliance_preferred", ())]
    found = []
    for key, required in wanted:
        label = vocabulary.frameworks[key].label if key in vocabulary.frameworks else key
        proofs = [row for row in rows if row.framework == key and row.kind in ACCEPTED_EVIDENCE]
        if proofs:
            best = min(proofs, key=_strength)
            status = "certified" if best.kind == "certified" else "report"
            found.append(
                Evidence(label, status, best.source, best.valid_until, required=required)  # type: ignore[arg-type]
            )
        else:
            found.append(Evidence(label, required=required))
    return tuple(found)


def _strength(row: VendorEvidence) -> tuple[int, int]:
    until = row.valid_until or date.max
    return (ACCEPTED_EVIDENCE.index(row.kind), -until.toordinal())
