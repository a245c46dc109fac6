"""The page that tells who signed a contract: the contract itself stays as it was signed, byte for byte."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from procur.contracts.clause_values import clean, day

TEMPLATE = "signatures"


@dataclass(frozen=True, slots=True)
class Signature:
    """One side's signature: the party, the person and the moment."""

    side: str
    party: str
    name: str
    email: str
    at: datetime


def certificate_paper(
    number: str, *, document: str, sha256: str, signatures: tuple[Signature, ...]
) -> dict[str, Any]:
    """Return the certificate as data for its template, signatures in the order they were given."""
    ordered = sorted(signatures, key=lambda signature: signature.at)
    return {
        "title": "Signature certificate",
        "number": clean(number),
        "completed": day(ordered[-1].at.date()),
        "document": [
            {"label": "Document", "value": clean(document)},
            {"label": "SHA-256", "value": sha256},
        ],
        "signatures": [
            {
                "side": signature.side.title(),
                "party": clean(signature.party),
                "name": clean(signature.name),
                "email": clean(signature.email),
                "at": signature.at.strftime("%Y-%m-%d %H:%M:%S"),
            }
            for signature in ordered
        ],
        # The template's header and properties name the parties as the other documents do.
        "parties": [{"name": clean(signature.party)} for signature in ordered],
    }
