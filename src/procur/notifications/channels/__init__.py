"""The ways out: one small interface, an implementation per channel."""

from procur.notifications.channels.model import (
    Channel,
    Outcome,
    Outgoing,
    Rejected,
    Retry,
    Sent,
)

__all__ = ["Channel", "Outcome", "Outgoing", "Rejected", "Retry", "Sent"]
