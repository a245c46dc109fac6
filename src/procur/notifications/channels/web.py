"""Signed webhooks and Slack's incoming webhooks, by the client that is not led inside."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from procur.core.errors import Unavailable
from procur.net.client import Answer, GuardedClient
from procur.net.errors import Refused
from procur.notifications.channels.addresses import without_address
from procur.notifications.channels.model import Outcome, Outgoing, Rejected, Retry, Sent
from procur.notifications.messages import tidy
from procur.notifications.render import as_slack
from procur.notifications.signing import EVENT_ID, SIGNATURE, TIMESTAMP, sign

_GONE = 410
_PASSING = frozenset({408, 409, 425, 429})
_MOST_BYTES = 2000  # of an answer
_LONGEST_ANSWER = 200
# Slack's words for a channel or a workspace that will not come back.
_SLACK_IS_GONE = frozenset(
    {"no_service", "no_active_hooks", "channel_is_archived", "team_disabled", "invalid_token"}
)


@dataclass(frozen=True)
class Webhook:
    """POSTs a fact as signed JSON; any 2xx is a delivery, 410 ends them."""

    client: GuardedClient = field(default_factory=GuardedClient)

    def check(self) -> None:
        """Say nothing: an endpoint brings all that is needed."""

    def send(self, outgoing: Outgoing, *, now: datetime) -> Outcome:
        """Try once to deliver."""
        body, timestamp = outgoing.body.encode(), int(now.timestamp())
        headers = {
            "Content-Type": "application/json",
            EVENT_ID: str(outgoing.event_id),
            TIMESTAMP: str(timestamp),
            SIGNATURE: sign(outgoing.keys, timestamp=timestamp, body=body),
        }
        answer = _post(self.client, outgoing.url, body, headers)
        if not isinstance(answer, Answer):
            return answer
        if answer.status == _GONE:
            told = _words(answer, outgoing.url)
            return Rejected(told, _GONE, switch_off="the receiver answered 410: it is gone")
        return _outcome(answer, outgoing.url)


@dataclass(frozen=True)
class Slack:
    """POSTs a message to an incoming webhook; its address is a secret."""

    client: GuardedClient = field(default_factory=GuardedClient)

    def check(self) -> None:
        """Say nothing: an endpoint brings all that is needed."""

    def send(self, outgoing: Outgoing, *, now: datetime) -> Outcome:
        """Try once to deliver; Slack says with 429 how long to wait."""
        del now
        body = json.dumps(as_slack(outgoing.message), ensure_ascii=False).encode()
        answer = _post(self.client, outgoing.url, body, {"Content-Type": "application/json; charset=utf-8"})
        if not isinstance(answer, Answer):
            return answer
        said = answer.text.strip()
        if said in _SLACK_IS_GONE or answer.status == _GONE:
            told = _words(answer, outgoing.url)
            return Rejected(told, answer.status, switch_off=f"Slack answered: {tidy(said, 60)}")
        return _outcome(answer, outgoing.url)


def _post(client: GuardedClient, url: str, body: bytes, headers: Mapping[str, str]) -> Answer | Outcome:
    try:
        return client.post(url, body, headers=headers, most=_MOST_BYTES)
    except Refused as error:
        return Rejected(tidy(without_address(error.message, url), 300))
    except Unavailable as error:
        return Retry(tidy(without_address(error.message, url), 300))


def _outcome(answer: Answer, url: str) -> Outcome:
    status = answer.status
    if 200 <= status < 300:  # noqa: PLR2004 - HTTP's successes
        return Sent(status)
    told = _words(answer, url)
    if status >= 500 or status in _PASSING:  # noqa: PLR2004 - HTTP's outages
        return Retry(told, status, answer.retry_after)
    return Rejected(told, status)


def _words(answer: Answer, url: str) -> str:
    said = tidy(without_address(answer.text, url), _LONGEST_ANSWER)
    return f"answered {answer.status}" + (f": {said}" if said else "")
