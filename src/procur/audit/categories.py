"""Which category an event belongs to when nobody says."""

CATEGORIES = ("security", "compliance", "access", "system", "general")
SEVERITIES = ("debug", "info", "warning", "error", "critical")

# An event type belongs where its name, or what it begins with, says.
BY_TYPE = {
    "blocked_content": "security",
    "pii_detected": "security",
    "rate_limit_exceeded": "security",
    "authentication": "access",
    "data_access": "access",
    "tool_execution": "system",
    "circuit_breaker": "system",
}
BY_PREFIX = {"security_": "security", "compliance_": "compliance"}


def category_of(event_type: str) -> str:
    """Return the category of an event type; "general" when the tables do not name it."""
    for prefix, category in BY_PREFIX.items():
        if event_type.startswith(prefix):
            return category
    return BY_TYPE.get(event_type, "general")
