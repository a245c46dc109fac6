"""A mandate as plain values."""

from typing import Any

from procur.core.deal import Mandate
from procur.db.models import MandateRecord


def mandate_dict(row: MandateRecord) -> dict[str, Any]:
    """Return a stored mandate with its limits."""
    return limits_dict(row.limits) | {
        "version": row.version,
        "source": row.source,
        "reason": row.reason,
        "expires_at": None if row.expires_at is None else row.expires_at.isoformat(),
    }


def limits_dict(mandate: Mandate) -> dict[str, Any]:
    """Return how far a mandate goes."""
    return {
        "currency": mandate.currency,
        "max_total": mandate.max_total,
        "max_yearly": mandate.max_yearly,
        "max_unit_price": mandate.max_unit_price,
        "quantity": [mandate.min_quantity, mandate.max_quantity],
        "terms_months": list(mandate.terms_months),
        "payment_terms": list(mandate.payment_terms),
    }
