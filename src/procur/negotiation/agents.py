"""Who sits at the table: the buyer's agent, and one interface for whoever answers for the vendor."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from procur.core.deal import Mandate, Terms
from procur.core.errors import InvalidInput
from procur.negotiation.engine import AdditiveUtility, AnyIssue, Explanation, Negotiator, Outcome
from procur.negotiation.engine.issues import AnyOutcome

ENGINE_VERSION = "1"


@dataclass(frozen=True, slots=True)
class Exchange:
    """One finished round, as both sides have seen it: numbered from 1."""

    round: int
    buyer: Terms
    vendor: Terms


@dataclass(frozen=True, slots=True)
class Brief:
    """All that the buyer's agent is told about one session: nothing from the vendor's private side."""

    issues: Sequence[AnyIssue]
    utility: AdditiveUtility
    mandate: Mandate
    reservation: float
    rounds: int
    seed: int
    currency: str


@dataclass(frozen=True, slots=True)
class Move:
    """What the buyer's agent does in a round, and the numbers behind it.

    With "offer" the terms are its own, with "accept" the vendor's last ones; "end" has none.
    """

    kind: Literal["offer", "accept", "end"]
    terms: Terms | None
    utility: float | None
    reservation: float
    rationale: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """What the vendor's side says to an offer, typed; `message` is text for people and moves no number."""

    kind: Literal["accept", "counter", "end"]
    terms: Terms | None = None
    message: str | None = None


class Counterpart(Protocol):
    """The vendor's side of a session: a simulator, a person at the vendor, or the vendor's own agent."""

    def answer(self, history: Sequence[Exchange], offer: Terms, round_number: int) -> Answer | None:
        """Answer the buyer's offer of this round; None when there is no answer yet."""


class WaitingForVendor:
    """A counterpart whose answers come from outside (`procur negotiation answer`): there is none yet."""

    def answer(
        self,
        history: Sequence[Exchange],  # noqa: ARG002 - the interface's arguments
        offer: Terms,  # noqa: ARG002
        round_number: int,  # noqa: ARG002
    ) -> Answer | None:
        """Say that the vendor has not answered yet."""
        return None


def outcome_of(terms: Terms) -> Outcome:
    """Return the terms as an outcome of the engine's issues."""
    return {
        "unit_price": terms.unit_price,
        "term_months": terms.term_months,
        "payment_terms": terms.payment_terms,
        "quantity": terms.quantity,
        "value_adds": terms.value_adds,
    }


def terms_of(outcome: AnyOutcome, currency: str) -> Terms:
    """Return an outcome of the engine's issues as typed terms."""
    return Terms(
        unit_price=outcome["unit_price"],
        quantity=int(outcome["quantity"]),
        term_months=int(outcome["term_months"]),
        payment_terms=str(outcome["payment_terms"]),
        currency=currency,
        value_adds=tuple(outcome["value_adds"]),
    )


def buyer_move(
    brief: Brief, history: Sequence[Exchange], round_number: int, *, reservation: float | None = None
) -> Move:
    """Return what the buyer's agent does in this round, given the finished rounds before it.

    `reservation` is the utility of the best alternative (another vendor's standing offer) where that is above
    the brief's own. The agent is built anew from the history, so a resumed session moves as it would have.
    """
    floor = max(brief.reservation, reservation if reservation is not None else brief.reservation)
    agent = Negotiator(
        brief.issues,
        brief.utility,
        floor,
        brief.rounds,
        "buyer",
        seed=brief.seed,
        allowed=lambda outcome: not brief.mandate.breaches(terms_of(outcome, brief.currency)),
    )
    _replay(agent, history, round_number)
    if history:
        last = history[-1].vendor
        answer = agent.respond(outcome_of(last), round_number - 1)
        if answer == "accept":
            return Move("accept", last, brief.utility(outcome_of(last)), floor, _rationale(agent.explain()))
        if answer == "end":
            return Move("end", None, None, floor, _rationale(agent.explain()))
    outcome = agent.propose(round_number - 1)
    if outcome is None:
        return Move("end", None, None, floor, _rationale(agent.explain()))
    return Move(
        "offer", terms_of(outcome, brief.currency), brief.utility(outcome), floor, _rationale(agent.explain())
    )


def _replay(agent: Negotiator, history: Sequence[Exchange], round_number: int) -> None:
    """Let the agent see the finished rounds; it answers the vendor's last offer itself."""
    if [exchange.round for exchange in history] != list(range(1, round_number)):
        raise InvalidInput("the rounds before this one are not complete", field="round")
    for exchange in history:
        agent.replay([("proposed", outcome_of(exchange.buyer), exchange.round - 1)])
        if exchange.round < round_number - 1:
            agent.replay([("received", outcome_of(exchange.vendor), exchange.round)])


def _rationale(explanation: Explanation | None) -> dict[str, Any]:
    """Return the engine's explanation as plain JSON values for the offer's row."""
    if explanation is None:
        return {}
    told = explanation.as_dict()
    told["outcome"] = None if explanation.outcome is None else _plain(explanation.outcome)
    told["moves"] = [_plain(move) for move in told["moves"]]
    return told


def _plain(values: AnyOutcome) -> dict[str, Any]:
    return {name: _plain_value(value) for name, value in values.items()}


def _plain_value(value: Any) -> Any:
    if isinstance(value, tuple):
        return list(value)
    return value if value is None or isinstance(value, int | float | str) else str(value)
