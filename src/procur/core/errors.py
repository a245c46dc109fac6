"""One family of errors: each says what is wrong, in which field, and what to do."""

from collections.abc import Mapping
from typing import Any, ClassVar


class ProcurError(Exception):
    """Base of everything Procur raises on purpose.

    `code` is stable and machine-readable, `status` the HTTP status an API would answer, `field` the input at
    fault, `hint` the next thing to do. `details` holds further JSON-compatible facts.
    """

    code: ClassVar[str] = "error"
    status: ClassVar[int] = 400

    def __init__(
        self,
        message: str,
        *,
        field: str | None = None,
        hint: str | None = None,
        details: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.field = field
        self.hint = hint
        self.details = dict(details or {})

    def as_dict(self) -> dict[str, Any]:
        """Return the error as the JSON object that `--json` and the API show."""
        told = {"code": self.code, "message": self.message, "field": self.field, "hint": self.hint}
        return {key: value for key, value in told.items() if value is not None} | (
            {"details": self.details} if self.details else {}
        )


class InvalidInput(ProcurError):
    """A value from outside does not fit its field."""

    code = "invalid_input"
    status = 422


class NotFound(ProcurError):
    """No such row in this organisation (a row of another organisation is not found either)."""

    code = "not_found"
    status = 404


class Conflict(ProcurError):
    """The row is not in the state this step needs, or somebody else was faster."""

    code = "conflict"
    status = 409


class NotAllowed(ProcurError):
    """This person or agent may not do this."""

    code = "not_allowed"
    status = 403


class NotSignedIn(ProcurError):
    """Nobody knows who is asking: no key, or one that is not valid (any more)."""

    code = "not_signed_in"
    status = 401


class DecisionNeeded(ProcurError):
    """The work stops here until a person decides or supplies something."""

    code = "decision_needed"
    status = 409


class OutsideMandate(ProcurError):
    """An offer breaks a limit that a person or a policy has set."""

    code = "outside_mandate"
    status = 409


class LimitReached(ProcurError):
    """The plan, or the process, allows no more; `details`: of which meter, used, limit, when it is anew."""

    code = "limit_reached"
    status = 429


class NotConfigured(ProcurError):
    """An optional part or outside service is switched off until it is configured or installed."""

    code = "not_configured"
    status = 501


class Unavailable(ProcurError):
    """The database or an outside service cannot be reached, is full, or has another schema version."""

    code = "unavailable"
    status = 503
