"""One side of an alternating-offers negotiation: proposes, answers, explains itself."""

import math
import random
from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

from procur.core.errors import InvalidInput
from procur.negotiation.engine.acceptance import good_enough
from procur.negotiation.engine.aspiration import CAUTIOUS, Tactics, elapsed, target
from procur.negotiation.engine.endgame import last_offer
from procur.negotiation.engine.explanation import Explanation, moves_between, reason_of, words_for
from procur.negotiation.engine.issues import AnyIssue, AnyOutcome, Outcome
from procur.negotiation.engine.opponent import OpponentModel
from procur.negotiation.engine.space import TOLERANCE, Allowed, Bid, space_of
from procur.negotiation.engine.utility import AdditiveUtility

Answer = Literal["accept", "reject", "end"]

MOST_CANDIDATES = 400  # bids looked at per round
WINDOW = 0.05  # how far above the target a discrete bid may lie, as a share of the range
REPEAT_COST = 0.02  # estimated opponent utility that a bid not made before may lose against a repeated one
CURIOSITY = 0.005  # random part of a bid's score, which breaks ties and blurs what we prefer


class _Plan(NamedTuple):
    """The next own offer: decided on which knowledge, its target, and what making it is worth."""

    knowledge: tuple[int, int, float]
    bid: Bid
    wanted: float
    worth: float


class Negotiator:
    """Negotiates for one side, told its own preferences and the offers it receives, nothing else.

    Rounds are counted from 0; in each both sides act once, the opener first, and `deadline` is their number.
    The opener calls `propose(0)` first; the second mover `respond(offer, 0)`. After a "reject" the same side
    proposes in the same round. The second mover's offer of the last round cannot be answered, so its last
    chance to agree is to accept there, and the opener's last offer is take it or leave it.

    `utility` values outcomes, `reservation` is the utility of no deal (change it with `set_reservation` when
    another vendor makes an offer). `allowed` is the mandate: an outcome for which it says False is neither
    proposed nor accepted. `seed` is the only source of chance: the same inputs give the same moves.
    """

    def __init__(  # noqa: PLR0917 - the order in which every bench passes them
        self,
        issues: Sequence[AnyIssue],
        utility: AdditiveUtility,
        reservation: float,
        deadline: int,
        role: str = "buyer",
        seed: int | str = 0,
        *,
        allowed: Allowed | None = None,
        tactics: Tactics = CAUTIOUS,
    ) -> None:
        if deadline < 1:
            raise InvalidInput("a negotiation needs at least one round", field="deadline")
        self.role = role
        self.reservation = reservation
        self._utility = utility
        self._deadline = deadline
        self._seed = seed
        self._allowed = allowed
        self._tactics = tactics
        self._space = space_of(issues, utility, allowed)
        self._model = OpponentModel(self._space, utility)
        self._opens: bool | None = None
        self._received: list[float] = []
        self._best: Bid | None = None
        self._latest: Bid | None = None
        self._made: dict[tuple[tuple[int, ...], int], int] = {}
        self._previous: Outcome | None = None
        self._conceded = math.inf
        self._plan: _Plan | None = None
        self._explanation: Explanation | None = None

    def set_reservation(self, value: float) -> None:
        """Set the utility of no deal, such as the best standing offer of another vendor."""
        self.reservation = value

    def respond(self, offer: AnyOutcome, round_index: int, deadline: int | None = None) -> Answer:
        """Answer an offer of the other side; "end" means that no outcome is worth more than no deal."""
        rounds = deadline or self._deadline
        bid = self._learn(offer, round_index, rounds)
        if bid is None:
            return self._answer("reject", "not understood", round_index, offer, None, 0.0)
        if self._space.best < self.reservation - TOLERANCE:
            return self._answer("end", "nothing to offer", round_index, offer, bid, self.reservation)
        plan = self._planned(round_index, rounds)
        wanted = plan.wanted
        if not self._acceptable(offer, bid):
            return self._answer("reject", "not allowed", round_index, offer, bid, wanted)
        last_chance = round_index >= rounds - 1 and not self._opens
        taken = good_enough(
            bid.own,
            plan.worth,
            self.reservation,
            self._received,
            rounds - round_index - (not self._opens),
            last_chance=last_chance,
            settle=self._tactics.settle,
        )
        if taken:
            reason = "good enough" if bid.own >= plan.worth - TOLERANCE or not last_chance else "last chance"
            return self._answer("accept", reason, round_index, offer, bid, wanted)
        below = bid.own < self.reservation - TOLERANCE
        reason = "below reservation" if below else "below target"
        return self._answer("reject", reason, round_index, offer, bid, wanted)

    def propose(self, round_index: int, deadline: int | None = None) -> Outcome | None:
        """Return the next own offer, None when no outcome is worth more than no deal."""
        rounds = deadline or self._deadline
        if self._opens is None:
            self._opens = True
        if self._space.best < self.reservation - TOLERANCE:
            self._answer("end", "nothing to offer", round_index, None, None, self.reservation)
            return None
        plan = self._planned(round_index, rounds)
        bid = plan.bid
        outcome = self._space.decode(bid)
        moves = moves_between(self._previous, outcome, self._utility, self._model.weight)
        last = round_index >= self._last(rounds)
        repeats = self._best is not None and bid[1:] == self._best[1:]
        self._explanation = Explanation(
            action="propose",
            reason="repeat" if repeats else "last offer" if last else reason_of(moves),
            round_index=round_index,
            outcome=outcome,
            own_utility=bid.own,
            target=plan.wanted,
            reservation=self.reservation,
            best_received=self._best.own if self._best else None,
            opponent_utility=round(self._model.score(bid), 12),
            moves=moves,
            words=words_for(moves),
        )
        self._remember(outcome, bid)
        return outcome

    def replay(self, history: Iterable[tuple[Literal["proposed", "received"], AnyOutcome, int]]) -> None:
        """Bring a new negotiator to where another one stood: (who, offer, round) in order."""
        for who, offer, round_index in history:
            if who == "received":
                self._learn(offer, round_index, self._deadline)
                continue
            if self._opens is None:
                self._opens = True
            bid = self._space.read(offer)
            if bid is None:
                raise InvalidInput("the replayed offer is not one of these issues", field="history")
            self._remember(dict(offer), bid)

    def explain(self) -> Explanation | None:
        """Return the numbers and words behind the last answer or offer; None before the first."""
        return self._explanation

    def _last(self, rounds: int) -> int:
        """Return the round of the last own offer that the other side can still answer."""
        return rounds - 1 if self._opens else max(0, rounds - 2)

    def _acceptable(self, offer: AnyOutcome, bid: Bid) -> bool:
        return self._space.within(bid) and (self._allowed is None or self._allowed(dict(offer)))

    def _learn(self, offer: AnyOutcome, round_index: int, rounds: int) -> Bid | None:
        """Take in a received offer; None when it is not an outcome of the issues."""
        if self._opens is None:
            self._opens = False
        bid = self._space.read(offer)
        if bid is None:
            return None
        self._model.learn(bid, min(1.0, round_index / rounds))
        self._received.append(bid.own)
        self._latest = bid
        better = self._best is None or bid.own > self._best.own
        # It may be proposed again, and then with its price on our grid.
        if better and self._acceptable(offer, bid) and self._acceptable(self._space.decode(bid), bid):
            self._best = bid
        return bid

    def _remember(self, outcome: Outcome, bid: Bid) -> None:
        self._made[bid[1:]] = self._made.get(bid[1:], 0) + 1
        self._previous = outcome
        self._conceded = min(self._conceded, bid.own)

    def _planned(self, round_index: int, rounds: int) -> _Plan:
        """Return the own offer for this round; decided once per round and knowledge."""
        knowledge = (round_index, len(self._received), self.reservation)
        if self._plan is None or self._plan.knowledge != knowledge:
            wanted = self._target(round_index, rounds)
            leeway = self._tactics.leeway
            # The second mover can still take the opener's last offer, so it keeps to its curve.
            if leeway is not None and self._opens and round_index >= rounds - 1:
                bid, worth = self._last_bid(leeway)
            else:
                bid = self._choose(wanted, round_index)
                worth = bid.own
            self._plan = _Plan(knowledge, bid, wanted, worth)
        return self._plan

    def _target(self, round_index: int, rounds: int) -> float:
        """Return the own utility to ask for: never below the reservation or the best offer received."""
        last = self._last(rounds)
        time = elapsed(round_index, last)
        wanted = target(self._tactics, (self.reservation, self._space.best), time, rounds, self._received)
        if self._tactics.steady:
            wanted = min(wanted, self._conceded)
        if self._best is not None:
            wanted = max(wanted, self._best.own)
        return min(max(wanted, self.reservation), self._space.best)

    def _choose(self, wanted: float, round_index: int) -> Bid:
        """Return the bid worth `wanted` or more that the other side should like most."""
        span = self._space.best - self.reservation
        chance = random.Random(f"{self._seed}:{self.role}:{round_index}")  # noqa: S311 - not a secret

        def appeal(bid: Bid) -> float:
            repeated = REPEAT_COST * self._made.get(bid[1:], 0)
            return self._model.score(bid) - repeated + CURIOSITY * chance.random()

        return max(self._space.at_least(wanted, WINDOW * span, MOST_CANDIDATES), key=appeal)

    def _last_bid(self, leeway: float) -> tuple[Bid, float]:
        """Return the opener's take-it-or-leave-it offer, and what making it is worth.

        The best offer received is proposed again when nothing promises more.
        """
        received = (self._latest, self._best)
        bid, expected = last_offer(self._space, self._model, self.reservation, received, leeway)
        if self._best is not None and self._best.own >= expected - TOLERANCE:
            return self._best, self._best.own
        return bid, expected

    def _answer(  # noqa: PLR0917 - private, and each call names a case
        self,
        answer: Answer,
        reason: str,
        round_index: int,
        offer: AnyOutcome | None,
        bid: Bid | None,
        wanted: float,
    ) -> Answer:
        """Record why an offer was answered like this."""
        worth = f"worth {bid.own:.3f} to us" if bid else "which cannot be read"
        self._explanation = Explanation(
            action=answer,
            reason=reason,
            round_index=round_index,
            outcome=dict(offer) if offer is not None else None,
            own_utility=bid.own if bid else None,
            target=wanted,
            reservation=self.reservation,
            best_received=self._best.own if self._best else None,
            opponent_utility=round(self._model.score(bid), 12) if bid else None,
            moves=(),
            words=f"{answer}: {reason}" + (f", an offer {worth}" if offer is not None else ""),
        )
        return answer
