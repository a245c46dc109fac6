"""What a call to the outside can end with, apart from an answer."""

from procur.core.errors import NotAllowed


class Refused(NotAllowed):
    """The call is not made, or its answer not taken, and trying again will not change that.

    What may work another time (a time-out, a server's outage) is Unavailable.
    """

    code = "refused"
