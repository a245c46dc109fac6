"""Who fits a request, and why: a shortlist with reasons and everybody left out with theirs.

Values in, values out: no database, model, network or clock.
"""

from procur.vendors.matching.match import DEFAULT_HEADROOM, DEFAULT_WEIGHTS, match
from procur.vendors.matching.model import (
    LEFT_OUT_CODES,
    LeftOut,
    Match,
    Matching,
    Need,
    Part,
    Requirement,
    VendorCard,
    Weights,
)

__all__ = [
    "DEFAULT_HEADROOM",
    "DEFAULT_WEIGHTS",
    "LEFT_OUT_CODES",
    "LeftOut",
    "Match",
    "Matching",
    "Need",
    "Part",
    "Requirement",
    "VendorCard",
    "Weights",
    "match",
]
