"""The opener's last offer, take it or leave it: the one with the highest expected gain."""

from procur.negotiation.engine.opponent import OpponentModel
from procur.negotiation.engine.space import TOLERANCE, Bid, Space

LEVELS = 12
PER_LEVEL = 100  # bids looked at per level


def chance(model: OpponentModel, bid: Bid, last_received: Bid | None, leeway: float) -> float:
    """Estimate how likely the other side takes the bid as the last one, in [0, 1].

    Certain when it is worth as much to them as what they asked for last, falling in a straight line to
    nothing where they would give up the share `leeway` of it.
    """
    asked = 1.0 if last_received is None else model.score(last_received)
    reach = max(leeway * asked, TOLERANCE)
    return min(1.0, max(0.0, 1.0 - (asked - model.score(bid)) / reach))


def last_offer(
    space: Space,
    model: OpponentModel,
    reservation: float,
    received: tuple[Bid | None, Bid | None],
    leeway: float,
) -> tuple[Bid, float]:
    """Return the bid with the highest chance x gain, and its expected own utility.

    `received` is the latest and the best acceptable offer received. When nothing has a chance, the bid that
    they like most and we can still bear.
    """
    latest, best = received
    span = max(0.0, space.best - reservation)
    bids = [
        bid
        for level in range(LEVELS)
        for bid in space.at_least(reservation + span * level / LEVELS, span / LEVELS, PER_LEVEL)
    ]
    if space.price is not None:
        # The price can be adjusted, so nothing is gained by a combination that they did not bring up.
        tried = model.brought_up if best is None or best.own < reservation else {best.codes}
        bids = [bid for bid in bids if bid.codes in tried] or bids

    def gain(bid: Bid) -> float:
        return round(chance(model, bid, latest, leeway) * (bid.own - reservation), 12)

    chosen = max(bids, key=lambda bid: (gain(bid), model.score(bid)))
    return chosen, reservation + gain(chosen)
