"""What a request asks for, resolved against the vocabulary once, and how plans and evidence answer it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from procur.vendors.catalogue import ACCEPTED_EVIDENCE, EvidenceDraft, Plan
from procur.vendors.matching.model import Need, Requirement, VendorCard
from procur.vendors.vocabulary import Feature, Vocabulary, normalise, read_name

# How much a piece of evidence is worth; a claim on a price page is little more than nothing.
LADDER = {
    "certified": Decimal("1.0"),
    "report": Decimal("0.85"),
    "in_progress": Decimal("0.4"),
    "claimed": Decimal("0.2"),
}
_KIND_WORDS = {
    "certified": "certificate on record",
    "report": "report on record",
    "in_progress": "in progress",
    "claimed": "only named by the vendor",
}


@dataclass(slots=True)
class AskedFeature:
    """A feature asked for; a phrase the vocabulary does not know is looked up word by word."""

    kind: str
    phrase: str
    feature: Feature | None
    _seen: dict[str, str] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """Return the vocabulary key, or the phrase as written."""
        return self.feature.key if self.feature else self.phrase

    @property
    def label(self) -> str:
        """Return the words for a reader."""
        return self.feature.label if self.feature else self.phrase

    def found_in(self, names: Sequence[str]) -> str | None:
        """Return the first published name that means this feature."""
        return next((name for name in names if self._verdict(name) == "means"), None)

    def lookalike_in(self, names: Iterable[str]) -> str | None:
        """Return the first published name that only looks like this feature."""
        return next((name for name in names if self._verdict(name) == "resembles"), None)

    def status(self, plan: Plan) -> str:
        """Return met, not_met or unknown for one plan.

        Absent from a complete list of features is not met; from a cut or empty list it is unknown, and so is
        a phrase the vocabulary does not know, because the vendor may only call it something else.
        """
        if self.found_in(plan.features):
            return "met"
        if self.feature is None or not plan.features or not plan.features_complete:
            return "unknown"
        return "not_met"

    def _verdict(self, name: str) -> str:
        """Return what a published name is; remembered, because ten thousand vendors use the same names."""
        known = self._seen.get(name)
        if known is None:
            known = self._judge(name)
            self._seen[name] = known
        return known

    def _judge(self, name: str) -> str:
        if self.feature is None:
            return "means" if self._says(name) else "other"
        if self.feature.names(name):
            return "means"
        return "resembles" if self.feature.resembles(name) else "other"

    def _says(self, name: str) -> bool:
        asked = set(normalise(self.phrase).split())
        forms = (normalise(name), read_name(name))
        return bool(asked) and any(asked <= set(form.split()) for form in forms)


@dataclass(frozen=True, slots=True)
class AskedFramework:
    """A compliance framework asked for."""

    kind: str
    key: str
    label: str
    ask: str

    def best(self, evidence: Sequence[EvidenceDraft], today: date) -> EvidenceDraft | None:
        """Return the strongest evidence that still holds."""
        fitting = [each for each in evidence if each.framework == self.key and _holds(each, today)]
        return max(fitting, key=lambda each: LADDER[each.kind], default=None)


@dataclass(frozen=True, slots=True)
class Asked:
    """Everything a request asks for."""

    must_haves: tuple[AskedFeature, ...]
    nice_to_haves: tuple[AskedFeature, ...]
    frameworks: tuple[AskedFramework, ...]


def resolve(need: Need, vocabulary: Vocabulary) -> Asked:
    """Return what a request asks for; a framework named among the features counts as a framework."""
    features: dict[str, list[AskedFeature]] = {"must_have": [], "nice_to_have": []}
    frameworks: dict[str, AskedFramework] = {}
    wanted = [("required_framework", each) for each in need.required_frameworks]
    wanted += [("must_have", each) for each in need.must_haves]
    wanted += [("preferred_framework", each) for each in need.preferred_frameworks]
    wanted += [("nice_to_have", each) for each in need.nice_to_haves]
    for kind, phrase in wanted:
        framework = vocabulary.framework(phrase)
        if kind in features and framework is None:
            asked = AskedFeature(kind, phrase, vocabulary.feature(phrase))
            if asked.key not in {each.key for group in features.values() for each in group}:
                features[kind].append(asked)
            continue
        rank = {"must_have": "required_framework", "nice_to_have": "preferred_framework"}.get(kind, kind)
        key, label = (framework.key, framework.label) if framework else (phrase, phrase)
        ask = (framework.ask if framework else "") or f"evidence of {label}"
        frameworks.setdefault(key, AskedFramework(rank, key, label, ask))
    return Asked(tuple(features["must_have"]), tuple(features["nice_to_have"]), tuple(frameworks.values()))


def answers(asked: Asked, card: VendorCard, plan: Plan, today: date) -> tuple[Requirement, ...]:
    """Return what the catalogue says about everything asked, for one plan of a vendor."""
    features = (_feature_answer(each, card, plan) for each in (*asked.must_haves, *asked.nice_to_haves))
    frameworks = (_framework_answer(each, card, today) for each in asked.frameworks)
    return (*features, *frameworks)


def questions(asked: Asked, answered: Sequence[Requirement]) -> list[str]:
    """Return what to ask the vendor because the catalogue does not settle it."""
    asks = {each.key: each.ask for each in asked.frameworks}
    found = []
    for each in answered:
        if each.status == "met":
            continue
        if each.key in asks and each.kind.endswith("framework"):
            found.append(f"Do you hold {asks[each.key]}? {each.words}")
        elif each.status == "unknown":
            found.append(f"Does the plan {each.plan} include {each.label}? {each.words}")
    return found


def _feature_answer(asked: AskedFeature, card: VendorCard, plan: Plan) -> Requirement:
    status, name = asked.status(plan), asked.found_in(plan.features)
    if name:
        words = f"The plan {plan.name} lists {name}."
    elif status == "not_met":
        words = f"The plan {plan.name} does not list it."
    elif (elsewhere := asked.found_in(card.features)) is not None:
        words = f"The vendor names {elsewhere}; the catalogue does not say for which plan."
    elif asked.feature is None:
        words = "No feature in the catalogue is called that."
    else:
        words = "The catalogue's list of this plan's features is not complete."
    return Requirement(
        asked.kind, asked.key, asked.label, status, words, feature=name, plan=plan.name, source=card.source
    )


def _framework_answer(asked: AskedFramework, card: VendorCard, today: date) -> Requirement:
    best = asked.best(card.evidence, today)
    if best is None:
        old = [each.valid_until for each in card.evidence if each.framework == asked.key and each.valid_until]
        words = f"The evidence on record ran out on {max(old)}." if old else "The catalogue has no evidence."
        return Requirement(asked.kind, asked.key, asked.label, "unknown", words)
    until = f", valid until {best.valid_until}" if best.valid_until else ""
    words = f"{_KIND_WORDS[best.kind].capitalize()}{until} ({best.source})."
    status = "met" if best.kind in ACCEPTED_EVIDENCE else "unknown"
    return Requirement(asked.kind, asked.key, asked.label, status, words, source=best.source)


def _holds(evidence: EvidenceDraft, today: date) -> bool:
    return evidence.valid_until is None or evidence.valid_until >= today
