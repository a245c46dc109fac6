"""What the other side seems to want, learnt from the offers it made and nothing else.

A frequency model in the line of HardHeaded (van Krimpen, Looije, Hajizadeh 2011) and of "Rethinking frequency
opponent modeling" (Tunali, Aydogan, Sanchez-Anguix 2017): values offered often and early are liked, and an
issue weighs more the more its offered values stay the same while others move. Baarslag (thesis 2014, table
6.4) found such models to reach about four fifths of what knowing the preferences would bring.
"""

from math import sqrt

from procur.negotiation.engine.space import Bid, Space
from procur.negotiation.engine.utility import AdditiveUtility

# Before the first offers tell, values are ranked by our own distance from its favourite: this many offers
# are worth as much as that prior.
PRIOR_OFFERS = 6.0


class OpponentModel:
    """Estimates the other side's utility in [0, 1] of any bid."""

    def __init__(self, space: Space, utility: AdditiveUtility) -> None:
        self._space = space
        parts = [[utility.part(issue.name, value) for value in issue.values] for issue in space.choices]
        swings = [max(part) - min(part) for part in parts]
        # Own worth of each value in [0, 1] of its issue's swing.
        self._own = [
            [(worth - min(part)) / swing if swing > 0 else 0.0 for worth in part]
            for part, swing in zip(parts, swings, strict=True)
        ]
        self._counts = [[0.0] * len(part) for part in parts]
        self._offers = 0
        self._mass = 0.0
        self._price_low = self._price_high = 0.0
        self._price_near = self._price_run = 0.0
        if space.price is not None:
            near, far = space.price_ends()
            self._price_near, self._price_run = float(near), float(far - near)
            swings.append(
                utility.part(space.price.name, space.price.price(near))
                - utility.part(space.price.name, space.price.price(far))
            )
        total = sum(swings)
        even = 1.0 / max(1, len(swings))
        # What weighs for us is likelier to weigh for them than not: both bargain about the same money.
        self._prior = [(swing / total + even) / 2 if total > 0 else even for swing in swings]
        self.weights = list(self._prior)
        self._worths = [[1.0 - worth for worth in own] for own in self._own]

    def learn(self, bid: Bid, elapsed: float) -> None:
        """Take in one received offer; `elapsed` in [0, 1] is how far the deadline has come.

        Early offers tell most about what is liked, as later ones are concessions.
        """
        mass = 1.0 - 0.5 * elapsed
        for counts, code in zip(self._counts, bid.codes, strict=True):
            counts[code] += mass
        place = self._place(bid.steps)
        self._price_low = place if not self._offers else min(self._price_low, place)
        self._price_high = place if not self._offers else max(self._price_high, place)
        self._offers += 1
        self._mass += mass
        self._estimate()

    def _place(self, steps: int) -> float:
        """Return where a price lies between our best (0) and our worst (1)."""
        if not self._price_run:
            return 0.0
        return min(1.0, max(0.0, (steps - self._price_near) / self._price_run))

    def _estimate(self) -> None:
        """Recompute the worth of each value and the weight of each issue."""
        trust = self._offers / (self._offers + PRIOR_OFFERS)
        firmness = []
        for k, (counts, own) in enumerate(zip(self._counts, self._own, strict=True)):
            top = max(counts)
            favourite = own[counts.index(top)]
            self._worths[k] = [
                trust * sqrt(count / top) + (1.0 - trust) * (1.0 - abs(worth - favourite))
                for count, worth in zip(counts, own, strict=True)
            ]
            firmness.append(top / self._mass)
        if self._space.price is not None:
            firmness.append(1.0 - (self._price_high - self._price_low))
        # Half prior, half how firmly the issue was held, as far as enough offers were seen.
        raw = [
            prior * (1.0 - trust + trust * 2.0 * firm * firm)
            for prior, firm in zip(self._prior, firmness, strict=True)
        ]
        total = sum(raw)
        self.weights = [weight / total for weight in raw] if total > 0 else list(self._prior)

    def score(self, bid: Bid) -> float:
        """Return the estimated worth of the bid to the other side, in [0, 1]."""
        total = 0.0
        for weight, worths, code in zip(self.weights, self._worths, bid.codes, strict=False):
            total += weight * worths[code]
        if self._space.price is not None:
            total += self.weights[-1] * self._place(bid.steps)
        return total

    def weight(self, name: str) -> float:
        """Return the estimated weight of one issue, all issues summing to 1."""
        names = [issue.name for issue in self._space.choices]
        if self._space.price is not None:
            names.append(self._space.price.name)
        return self.weights[names.index(name)]
