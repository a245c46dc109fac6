"""What the other side seems to want, learnt from the offers it made and nothing else.

A frequency model in the line of HardHeaded (van Krimpen, Looije, Hajizadeh 2011) and of "Rethinking frequency
opponent modeling" (Tunali, Aydogan, Sanchez-Anguix 2017): values offered often and early are liked, and an
issue weighs more the more its offered values stay the same while others move. Baarslag (thesis 2014, table
6.4) found such models to reach about four fifths of what knowing the preferences would bring.

Where there is a price, it measures the rest: both sides value it alike, in opposite directions, so two
consecutive offers that differ in the choices tell by their price difference what the choices are worth.
"""

from math import sqrt

from procur.negotiation.engine.space import Bid, Space
from procur.negotiation.engine.utility import AdditiveUtility

# Before the first offers tell, values are ranked by our own distance from its favourite: this many offers
# are worth as much as that prior.
PRIOR_OFFERS = 6.0
LEARNING_RATE = 0.7  # how far one price difference moves the belief about the choices that changed with it
TINY = 1e-9


class OpponentModel:
    """Estimates the other side's utility of any bid: 1 for all it may want, 0 for all that we want."""

    def __init__(self, space: Space, utility: AdditiveUtility) -> None:
        self._names = [issue.name for issue in space.choices]
        parts = [[utility.part(issue.name, value) for value in issue.values] for issue in space.choices]
        swings = [max(part) - min(part) for part in parts]
        # Own worth of each value in [0, 1] of its issue's swing.
        self._own = [
            [(worth - min(part)) / swing if swing > 0 else 0.0 for worth in part]
            for part, swing in zip(parts, swings, strict=True)
        ]
        self._counts = [[0.0] * len(part) for part in parts]
        self.brought_up: set[tuple[int, ...]] = set()  # combinations of choices in received offers
        self._offers = 0
        self._mass = 0.0
        self._last: Bid | None = None
        self._drops: list[float] = []
        self._priced = space.price is not None
        self._near = self._run = 0.0
        if space.price is not None:
            near, far = space.price_ends()
            self._near, self._run = float(near), float(far - near)
            name, price = space.price.name, space.price.price
            self._names.append(name)
            swings.append(utility.part(name, price(near)) - utility.part(name, price(far)))
        total, even = sum(swings), 1.0 / len(swings)
        if self._priced:
            self._prior = swings
        else:
            # What weighs for us is likelier to weigh for them than not.
            self._prior = [(swing / total + even) / 2 if total > 0 else even for swing in swings]
        self._swings = list(self._prior)
        self._worths = [[1.0 - worth for worth in own] for own in self._own]
        self._normalise()

    def learn(self, bid: Bid, elapsed: float) -> None:
        """Take in one received offer; `elapsed` in [0, 1] is how far the deadline has come.

        Early offers tell most about what is liked, as later ones are concessions.
        """
        mass = 1.0 - 0.5 * elapsed
        for counts, code in zip(self._counts, bid.codes, strict=True):
            counts[code] += mass
        self.brought_up.add(bid.codes)
        self._offers += 1
        self._mass += mass
        self._learn_values()
        if self._priced:
            self._learn_from_price(bid)
        else:
            self._learn_from_firmness()
        self._last = bid
        self._normalise()

    def score(self, bid: Bid) -> float:
        """Return the estimated worth of the bid to them; beyond 1 for a price beyond our range."""
        total = 0.0
        for weight, worths, code in zip(self.weights, self._worths, bid.codes, strict=False):
            total += weight * worths[code]
        return total + self.weights[-1] * self._place(bid) if self._priced else total

    def weight(self, name: str) -> float:
        """Return the estimated weight of one issue, all issues summing to 1."""
        return self.weights[self._names.index(name)]

    def _place(self, bid: Bid) -> float:
        """Return where the price lies between our best (0) and our worst (1), and beyond."""
        return (bid.steps - self._near) / self._run if self._run else 0.0

    def _learn_values(self) -> None:
        """Re-estimate what each value of a choice is worth, as a share of its issue."""
        trust = self._offers / (self._offers + PRIOR_OFFERS)
        for k, (counts, own) in enumerate(zip(self._counts, self._own, strict=True)):
            top = max(counts)
            favourite = own[counts.index(top)]
            self._worths[k] = [
                trust * sqrt(count / top) + (1.0 - trust) * (1.0 - abs(worth - favourite))
                for count, worth in zip(counts, own, strict=True)
            ]

    def _learn_from_firmness(self) -> None:
        """Weigh an issue by the prior and by how firmly it was held, the more the more offers were seen."""
        trust = self._offers / (self._offers + PRIOR_OFFERS)
        for k, counts in enumerate(self._counts):
            firm = max(counts) / self._mass
            self._swings[k] = self._prior[k] * (1.0 - trust + trust * 2.0 * firm * firm)

    def _learn_from_price(self, bid: Bid) -> None:
        """Correct what the choices weigh by the price that was asked for changing them.

        A normalised least-mean-squares step: the price should have moved by what the changed choices are
        worth and by the usual concession, which is seen where only the price moved.
        """
        if self._last is None:
            return
        gained = (self._place(bid) - self._place(self._last)) * self._swings[-1]
        changes = [
            (k, self._worths[k][new] - self._worths[k][old])
            for k, (new, old) in enumerate(zip(bid.codes, self._last.codes, strict=True))
            if new != old
        ]
        if not changes:
            self._drops.append(max(0.0, -gained))
            return
        drop = sum(self._drops) / len(self._drops) if self._drops else 0.0
        believed = sum(self._swings[k] * change for k, change in changes)
        square = sum(change * change for _, change in changes)
        step = LEARNING_RATE * (-drop - gained - believed) / max(square, TINY)
        for k, change in changes:
            self._swings[k] = max(0.0, self._swings[k] + step * change)

    def _normalise(self) -> None:
        total = sum(self._swings)
        even = 1.0 / len(self._swings)
        self.weights = [swing / total if total > 0 else even for swing in self._swings]
