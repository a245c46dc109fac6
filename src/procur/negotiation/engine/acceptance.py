"""When to take an offer."""

from collections.abc import Sequence

from procur.negotiation.engine.space import TOLERANCE


def good_enough(
    offered: float,
    own_next: float,
    reservation: float,
    received: Sequence[float],
    rounds_left: int,
    *,
    last_chance: bool,
    settle: float,
) -> bool:
    """Tell whether an offer worth `offered` should be accepted.

    AC_combi of Baarslag, Hindriks and Jonker ("Effective acceptance conditions", 2014): accept what is at
    least as good as the own next offer; near the deadline also the best of the offers seen in as many rounds
    as are left, if it brings `settle` of the gain that the own next offer would; with no further chance,
    anything not below the reservation.
    """
    if offered < reservation - TOLERANCE:
        return False
    if last_chance or offered >= own_next - TOLERANCE:
        return True
    window = received[-max(1, rounds_left) :]
    near_end = rounds_left <= max(1, len(received) // 10)
    enough = (offered - reservation) >= settle * (own_next - reservation) - TOLERANCE
    return near_end and enough and offered >= max(window) - TOLERANCE
