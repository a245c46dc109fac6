"""What people are told about: topics, the channels they come by unless chosen otherwise, what is a must."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from procur.core.errors import InvalidInput

CHANNELS = ("email", "in_app")  # of people; Slack and webhooks belong to endpoints
_BOTH = ("email", "in_app")
_HERE = ("in_app",)


@dataclass(frozen=True, slots=True)
class Topic:
    """One subject of messages; a `mandatory` one always keeps a channel."""

    name: str
    meaning: str
    channels: tuple[str, ...] = _BOTH
    mandatory: bool = False


TOPICS: dict[str, Topic] = {
    topic.name: topic
    for topic in (
        Topic("approval_needed", "A decision waits for you", mandatory=True),
        Topic("request_decided", "A request of yours was approved, rejected or cancelled"),
        Topic("negotiation_ended", "Talks have ended, with or without an agreement", _HERE),
        Topic("vendor_answer_awaited", "Our offer waits for what the vendor answers", _HERE),
        Topic("contract_to_sign", "A contract is ready to be signed"),
        Topic("contract_signed", "A side has signed, or a contract is in force", _HERE),
        Topic("order_issued", "A purchase order was issued", _HERE),
        Topic("contract_deadline", "A contract renews, must be given notice, or has ended"),
        Topic("evidence_expiring", "What proves a vendor's compliance runs out"),
        Topic("usage_near_limit", "A meter of the plan is nearly or wholly used up"),
        Topic("operations", "Something stopped and waits for an administrator", mandatory=True),
    )
}


def channels_of(preferences: Mapping[str, Any], topic: str) -> tuple[str, ...]:
    """Return the channels by which a person with these preferences hears of a topic.

    What is stored wrongly counts as not chosen.
    """
    chosen = preferences.get("notifications")
    own = chosen.get(topic) if isinstance(chosen, Mapping) else None
    if not isinstance(own, list | tuple):
        return TOPICS[topic].channels
    fitting = tuple(channel for channel in CHANNELS if channel in own)
    return fitting if fitting or not TOPICS[topic].mandatory else TOPICS[topic].channels


def chosen_channels(topic: str, channels: tuple[str, ...]) -> list[str]:
    """Return a choice as it is stored; InvalidInput for an unknown topic or channel, or none for a must."""
    if topic not in TOPICS:
        raise InvalidInput(f"there is no topic {topic[:40]!r}", field="topic", hint=", ".join(TOPICS))
    for channel in channels:
        if channel not in CHANNELS:
            raise InvalidInput(
                f"there is no channel {channel[:40]!r} for people", field="channel", hint=", ".join(CHANNELS)
            )
    if not channels and TOPICS[topic].mandatory:
        raise InvalidInput(
            f"{topic} cannot be switched off: choose at least one channel",
            field="channel",
            hint=", ".join(CHANNELS),
        )
    return [channel for channel in CHANNELS if channel in channels]
