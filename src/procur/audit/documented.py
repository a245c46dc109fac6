"""The documented shorthands: one call per kind of event, each with its severity."""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from procur.core.redaction import redact

_PREVIEW = 100  # characters of a blocked text that are kept
_LOOK_AT = 2000  # what is longer than this is not searched for more than the preview needs
_NUMBERS = "0123456789 \t\n.,:;/_|-"
_TELLING = 9  # so many digits at a cut may be most of a card or an account


class DocumentedEvents:
    """What guards, agents and services report."""

    def log_event(
        self,
        event_type: str,
        details: Mapping[str, Any] | None = None,
        user_id: object = None,
        severity: str = "info",
        event_category: str | None = None,
    ) -> UUID:
        """Record one event; see AuditLogger."""
        raise NotImplementedError

    def log_blocked_content(self, content: str, user_id: object = None, reason: str | None = None) -> UUID:
        """Record that a text was refused; its first 100 characters are kept, redacted."""
        return self.log_event("blocked_content", _told(content, reason), user_id, "warning")

    def log_pii_detected(self, pii_types: Iterable[str], user_id: object = None) -> UUID:
        """Record which kinds of personal data were seen, never the data (see redaction.kinds_in)."""
        return self.log_event("pii_detected", {"pii_types": sorted(pii_types)}, user_id, "info")

    def log_security_event(
        self,
        event_type: str,
        content: str | Mapping[str, Any] = "",
        user_id: object = None,
        *,
        severity: str = "critical",
        details: Mapping[str, Any] | None = None,
    ) -> UUID:
        """Record "security_<event_type>"; an object in place of a text is taken for details."""
        if isinstance(content, Mapping):
            return self.log_event(f"security_{event_type}", {**content, **(details or {})}, user_id, severity)
        return self.log_event(
            f"security_{event_type}", {**_told(content), **(details or {})}, user_id, severity
        )

    def log_tool_execution(
        self,
        tool_name: str,
        parameters: Mapping[str, Any] | None = None,
        result: object = "",
        user_id: object = None,
        success: bool = True,
    ) -> UUID:
        """Record that an agent used a tool, and the first 100 characters of what came back."""
        details = {
            "tool": tool_name,
            "parameters": dict(parameters or {}),
            "result_preview": _preview(str(result)),
            "success": success,
        }
        return self.log_event("tool_execution", details, user_id, "info" if success else "error")

    def log_rate_limit_exceeded(self, user_id: object, limit_type: str) -> UUID:
        """Record that somebody asked too often (per minute, hour, day)."""
        return self.log_event("rate_limit_exceeded", {"limit_type": limit_type}, user_id, "warning")

    def log_authentication(self, user_id: object, success: bool, method: str = "unknown") -> UUID:
        """Record a sign-in, or an attempt."""
        details = {"success": success, "method": method}
        return self.log_event("authentication", details, user_id, "info" if success else "warning")

    def log_data_access(self, user_id: object, resource: str, action: str, success: bool = True) -> UUID:
        """Record that somebody read, wrote, exported or deleted data."""
        details = {"resource": resource, "action": action, "success": success}
        return self.log_event("data_access", details, user_id, "info")

    def log_circuit_breaker(self, service: str, state: str, details: Mapping[str, Any] | None = None) -> UUID:
        """Record that calls to an outside service were cut off ("open") or let through again."""
        told = {"service": service, "state": state, **(details or {})}
        return self.log_event("circuit_breaker", told, None, "warning" if state == "open" else "info")

    def log_compliance_event(
        self, event_type: str, user_id: object = None, details: Mapping[str, Any] | None = None
    ) -> UUID:
        """Record "compliance_<event_type>": consent, export, erasure, retention."""
        return self.log_event(f"compliance_{event_type}", dict(details or {}), user_id, "info")

    # The names that some callers know them by.
    log_pii_detection = log_pii_detected
    log_circuit_breaker_event = log_circuit_breaker


def _told(content: object, reason: str | None = None) -> dict[str, Any]:
    text = content if isinstance(content, str) else "" if content is None else str(content)
    told = {"content_preview": _preview(text), "content_length": len(text)}
    return told if reason is None else {"reason": reason, **told}


def _preview(content: str) -> str:
    """Redact first and cut then; of what either cut goes through, no number stays that might tell."""
    head = content
    if len(content) > _LOOK_AT:
        head = _without_last_number(content[:_LOOK_AT].rpartition(" ")[0] or content[:_LOOK_AT])
    told = redact(head)
    return told if len(told) <= _PREVIEW else _without_last_number(told[:_PREVIEW])


def _without_last_number(text: str) -> str:
    kept = text.rstrip(_NUMBERS)
    digits = sum(character.isdigit() for character in text[len(kept) :])
    return kept if digits >= _TELLING else text
