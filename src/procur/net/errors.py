"""What a call to the outside can end with, apart from an answer."""

from procur.core.errors import NotAllowed, Unavailable


class Refused(NotAllowed):
    """The call is not made, or its answer not taken, and trying again will not change that.

    What may work another time (a time-out, a server's outage) is Unavailable.
    """

    code = "refused"


class LeadsNowhere(Refused):
    """The address redirects on and on."""


class NotYourTurn(Unavailable):
    """So many want to read from this host that our turn is too far off to wait for: `seconds` from now."""

    def __init__(self, message: str, *, seconds: float) -> None:
        super().__init__(message)
        self.seconds = seconds
