"""The numbers and words behind one move, for the person on whose behalf it was made."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from procur.negotiation.engine.issues import AnyOutcome, Outcome
from procur.negotiation.engine.space import TOLERANCE
from procur.negotiation.engine.utility import AdditiveUtility


@dataclass(frozen=True)
class Move:
    """What happened to one issue since the previous own offer.

    `kind` is "opened", "held", "conceded", "gained" or "swapped" (another value, worth the same to us);
    `own_change` is in own utility, `their_weight` the estimated share of the issue in what they want.
    """

    issue: str
    before: Any
    after: Any
    kind: str
    own_change: float
    their_weight: float


@dataclass(frozen=True)
class Explanation:
    """Why the last answer or offer was given; utilities are our own unless they say otherwise.

    `action` is "propose", "accept", "reject" or "end"; `reason` one of "opening", "time", "trade", "repeat",
    "hold", "last offer", "good enough", "last chance", "below reservation", "not allowed", "not understood",
    "below target" and "nothing to offer".
    """

    action: str
    reason: str
    round_index: int
    outcome: Outcome | None
    own_utility: float | None
    target: float
    reservation: float
    best_received: float | None
    opponent_utility: float | None
    moves: tuple[Move, ...]
    words: str

    def as_dict(self) -> dict[str, Any]:
        """Return the numbers as plain values, for a log or a template."""
        plain = {name: getattr(self, name) for name in self.__dataclass_fields__ if name != "moves"}
        return plain | {"moves": [dict(move.__dict__) for move in self.moves]}


def moves_between(
    before: AnyOutcome | None, after: AnyOutcome, utility: AdditiveUtility, weight: Callable[[str], float]
) -> tuple[Move, ...]:
    """Compare two own offers issue by issue, by what each issue adds to the own utility."""
    found = []
    for name, value in after.items():
        if before is None:
            found.append(Move(name, None, value, "opened", 0.0, weight(name)))
            continue
        change = utility.part(name, value) - utility.part(name, before[name])
        if before[name] == value:
            kind = "held"
        elif abs(change) <= TOLERANCE:
            kind = "swapped"
        else:
            kind = "gained" if change > 0 else "conceded"
        found.append(Move(name, before[name], value, kind, round(change, 12), weight(name)))
    return tuple(found)


def reason_of(moves: tuple[Move, ...]) -> str:
    """Name the kind of offer that these moves make."""
    kinds = {move.kind for move in moves}
    if kinds <= {"opened"}:
        return "opening"
    if kinds <= {"held"}:
        return "hold"
    if "gained" in kinds or "swapped" in kinds:
        return "trade"
    return "time"


_LABELS: Mapping[str, str] = {
    "opened": "asked for {issue} {after}",
    "held": "held {issue} at {after}",
    "conceded": "gave way on {issue} from {before} to {after}",
    "gained": "asked for {issue} {after} instead of {before}",
    "swapped": "changed {issue} from {before} to {after}, worth the same to us",
}


def words_for(moves: tuple[Move, ...]) -> str:
    """Tell the moves in one sentence, with what the other side seems to value most among those given."""
    told = []
    for move in moves:
        issue = _plain(move.issue)
        if move.kind == "conceded" and isinstance(move.after, Decimal):
            told.append(f"conceded {abs(move.after - move.before)} on {issue} (now {move.after})")
        else:
            told.append(_LABELS[move.kind].format(issue=issue, before=move.before, after=move.after))
    given = [move for move in moves if move.kind == "conceded"]
    if given and len(moves) > 1 and reason_of(moves) == "trade":
        most = max(given, key=lambda move: move.their_weight)
        told.append(f"they seem to value {_plain(most.issue)}")
    return "; ".join(told)


def _plain(name: str) -> str:
    return name.replace("_", " ")
