"""What is compared: offers with all that is known about them, and the one basis they are compared on."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from procur.core.deal import Terms

# How much a piece of evidence proves, from an auditor's certificate to nothing.
EVIDENCE_LADDER = {
    "certified": Decimal(1),
    "report": Decimal("0.85"),
    "in_progress": Decimal("0.4"),
    "claimed": Decimal("0.2"),
    "none": Decimal(0),
}

# kind of cost -> (label, when it is paid). Credits are subtracted.
COST_KINDS = {
    "implementation": ("implementation", "start"),
    "training": ("training", "start"),
    "integration": ("integration", "start"),
    "migration": ("migration in", "start"),
    "support": ("support", "yearly"),
    "overage": ("overage", "yearly"),
    "administration": ("internal administration", "yearly"),
    "exit": ("exit", "end"),
    "credits": ("credits", "start"),
}


@dataclass(frozen=True, slots=True)
class Evidence:
    """What proves a vendor's compliance with one framework; `kind` is a step of EVIDENCE_LADDER."""

    framework: str
    kind: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """One offer and its facts.

    `fit` (0 to 1) with its words comes from matching. `costs` are amounts per kind of COST_KINDS: once, or
    per year for yearly kinds; what is missing counts as 0 and is shown as "none stated". `uplift` is the
    yearly price rise after the term where the offer itself states one. `value_adds` is what each extra is
    worth to the buyer per year (once for a one-off purchase), in money, as the buyer stated it. `blocked`
    are reasons from outside.
    """

    vendor_id: str
    name: str
    plan: str
    terms: Terms
    fit: Decimal
    fit_words: str = ""
    evidence: tuple[Evidence, ...] = ()
    unknown_requirements: tuple[str, ...] = ()
    data_age_days: int | None = None
    list_unit_price: Decimal | None = None
    costs: Mapping[str, Decimal] = field(default_factory=dict)
    uplift: Decimal | None = None
    value_adds: Mapping[str, Decimal] = field(default_factory=dict)
    blocked: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """Names the candidate within a comparison: a vendor may offer several plans."""
        return f"{self.vendor_id}/{self.plan}"

    def evidence_for(self, framework: str) -> str:
        """Return the best kind of evidence for a framework, "none" if there is none."""
        kinds = [found.kind for found in self.evidence if found.framework == framework]
        return max(kinds, key=lambda kind: EVIDENCE_LADDER[kind], default="none")


@dataclass(frozen=True, slots=True)
class Weights:
    """How much cost, fit and low risk count for best value; only their proportions matter."""

    cost: Decimal = Decimal("0.5")
    fit: Decimal = Decimal("0.3")
    risk: Decimal = Decimal("0.2")


@dataclass(frozen=True, slots=True)
class Basis:
    """What all offers of one comparison share.

    `horizon_months` is 0 for one-off purchases. `cost_of_capital` and `uplift` (the yearly price rise assumed
    once a term has ended) are yearly fractions. `billing` is how often NETn invoices come.
    """

    horizon_months: int
    units: int
    currency: str
    cost_of_capital: Decimal = Decimal("0.10")
    uplift: Decimal = Decimal("0.05")
    billing: str = "annual"
    required_frameworks: tuple[str, ...] = ()
    weights: Weights = field(default_factory=Weights)
