"""The task `send_notification`: sends one message, and keeps the delivery log.

The attempt is on record before anything is sent. When a worker dies between sending and the note that it
was sent, the message is sent again: as the same message, under the same Message-ID or event id.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from procur.audit.trail import record
from procur.core.errors import Conflict, NotConfigured
from procur.db import Session
from procur.db.models import Notification, WebhookEndpoint
from procur.db.repositories import (
    NotificationRepository,
    OrganizationRepository,
    UserRepository,
    WebhookRepository,
)
from procur.events.facts import WebhookDisabled
from procur.jobs.task import Later, Task, Work
from procur.notifications.channels import Channel, Outcome, Outgoing, Rejected, Retry, Sent
from procur.notifications.channels.addresses import masked
from procur.notifications.channels.mail import Mail
from procur.notifications.channels.web import Slack, Webhook
from procur.notifications.kinds import SEND, SendNotification
from procur.notifications.messages import Message, switched_off
from procur.notifications.retries import WAITS, seconds_until_next

# A message that nobody can send yet waits so long from one look to the next, and so long in all.
LOOK_AGAIN = timedelta(hours=1)
WAIT_AT_MOST = timedelta(days=3)
# An endpoint to which nothing has got through for so long is switched off.
PATIENCE = timedelta(days=5)


@dataclass(frozen=True, slots=True)
class Suppressed:
    """Nobody wants the message any more."""

    reason: str


Thought = Outcome | Suppressed | None


def default_channels() -> dict[str, Channel]:
    """Return every channel, set up from the environment."""
    return {"email": Mail(), "slack": Slack(), "webhook": Webhook()}


def send_notification(
    channels: Mapping[str, Channel] | None = None, *, waits: tuple[float, ...] = WAITS
) -> Task[SendNotification]:
    """Return the task. `waits` are the seconds between attempts; after the last one it is given up."""
    ways = default_channels() if channels is None else channels

    def think(work: Work, payload: SendNotification) -> Thought:
        try:
            begun = _begin(work, payload.notification_id, ways)
        except NotConfigured as error:
            return _wait_for_set_up(work, payload.notification_id, error)
        if not isinstance(begun, _Begun):
            return begun
        outcome = ways[begun.channel].send(begun.outgoing, now=work.now())
        if isinstance(outcome, Retry):
            return _put_off(work, payload.notification_id, begun.attempts, outcome, waits)
        return outcome

    return Task(SEND, think=think, commit=_commit)


@dataclass(frozen=True, slots=True)
class _Begun:
    channel: str
    outgoing: Outgoing
    attempts: int


def _begin(work: Work, key: UUID, ways: Mapping[str, Channel]) -> _Begun | Suppressed | None:
    """Put an attempt on record and return what is to be sent; None when there is nothing to do any more."""
    with work.session() as session:
        log = NotificationRepository(session)
        row = log.get_by_id(key)
        if row is None or row.state not in {"pending", "failed"}:
            return None
        if row.state == "failed":  # given up with its job, which somebody has had tried again
            log.again([row.id])
        outgoing = _outgoing(session, row, now=work.now())
        if isinstance(outgoing, Suppressed):
            return outgoing
        ways[row.channel].check()
        return _Begun(row.channel, outgoing, log.begin(row.id, job_id=work.job_id).attempts)


def _outgoing(session: Session, row: Notification, *, now: datetime) -> Outgoing | Suppressed:
    """Return the message with all that is needed to send it, or why nobody wants it any more."""
    outgoing = Outgoing(
        message_id=row.message_id,
        event_id=row.event_id or row.id,
        recipient=row.recipient,
        name="",
        company=OrganizationRepository(session).own().name,
        body=row.body,
        message=Message.of_json(row.content, title=row.subject or "", body=row.body),
    )
    if row.endpoint_id is not None:
        endpoint = WebhookRepository(session).get_by_id(row.endpoint_id)
        if endpoint is None:
            return Suppressed("the endpoint was removed")
        if not endpoint.is_active:
            return Suppressed(switched_off(endpoint.disabled_reason))
        return replace(outgoing, url=endpoint.url, keys=_keys(endpoint, now))
    if row.user_id is None:
        return outgoing
    person = UserRepository(session).get_by_id(row.user_id)
    if person is None or not person.is_active:
        return Suppressed("the person has no active account any more")
    return replace(outgoing, name=person.full_name or "")


def _keys(endpoint: WebhookEndpoint, now: datetime) -> tuple[str, ...]:
    """Return the keys that sign now: the endpoint's own, and the one before it for a while."""
    until = endpoint.previous_key_until
    if endpoint.previous_key is None or until is None or until <= now:
        return (endpoint.signing_key,)
    return endpoint.signing_key, endpoint.previous_key


def _wait_for_set_up(work: Work, key: UUID, error: NotConfigured) -> Suppressed:
    """Let the message wait, without counting an attempt, until the channel is set up or it is old news."""
    told = f"{error.message}: {error.hint}" if error.hint else error.message
    with work.session(read_only=True) as session:
        written_at = NotificationRepository(session).get(key).created_at
    if work.now() - written_at > WAIT_AT_MOST:
        return Suppressed(f"{told} (waited {WAIT_AT_MOST.days} days)")
    again = work.now() + LOOK_AGAIN
    _note_wait(work, key, told, again, None)
    raise Later(told, seconds=LOOK_AGAIN.total_seconds())


def _put_off(work: Work, key: UUID, attempts: int, outcome: Retry, waits: tuple[float, ...]) -> Rejected:
    """Let the message be tried again, at a time that is on record; or give it up."""
    seconds = seconds_until_next(attempts, key, at_least=outcome.after, waits=waits)
    if seconds is None:
        error = f"given up after {attempts} attempts; the last one: {outcome.error}"
        return Rejected(error, outcome.status_code)
    again = work.now() + timedelta(seconds=seconds)
    _note_wait(work, key, outcome.error, again, outcome.status_code)
    raise Later(outcome.error, seconds=seconds)


def _note_wait(work: Work, key: UUID, error: str, again: datetime, status_code: int | None) -> None:
    # A message that was sent or given up meanwhile needs no note; its job finds that out next time.
    with suppress(Conflict), work.session() as session:
        row = NotificationRepository(session).put_off(
            key, error, next_attempt_at=again, status_code=status_code
        )
        if row.endpoint_id is not None and row.attempts:
            _note_failure(session, row.endpoint_id, work.now())


def _commit(session: Session, work: Work, payload: SendNotification, thought: Thought) -> dict[str, str]:
    """Write what became of the message."""
    log = NotificationRepository(session)
    if thought is None:
        return {"state": "nothing to do"}
    if isinstance(thought, Suppressed):
        return {"state": log.suppressed(payload.notification_id, thought.reason).state}
    if isinstance(thought, Sent):
        row = log.sent(payload.notification_id, status_code=thought.status_code, note=thought.note)
        _note_success(session, row.endpoint_id)
        return {"state": row.state}
    assert isinstance(thought, Rejected)  # noqa: S101 - a Retry has been put off
    row = log.failed(payload.notification_id, thought.error, status_code=thought.status_code)
    if row.endpoint_id is not None:
        since = _note_failure(session, row.endpoint_id, work.now())
        reason = thought.switch_off
        if reason is None and work.now() - since > PATIENCE:
            reason = f"nothing got through since {since:%Y-%m-%d %H:%M} UTC"
        if reason is not None:
            _switch_off(session, work, row.endpoint_id, reason)
    return {"state": row.state}


def _note_success(session: Session, endpoint_id: UUID | None) -> None:
    endpoint = WebhookRepository(session).get_by_id(endpoint_id)
    if endpoint is not None and endpoint.failing_since is not None:
        WebhookRepository(session).update(endpoint.id, failing_since=None)


def _note_failure(session: Session, endpoint_id: UUID, now: datetime) -> datetime:
    """Note that an endpoint does not answer; return since when."""
    endpoint = WebhookRepository(session).get_by_id(endpoint_id)
    if endpoint is None:
        return now
    if endpoint.failing_since is None:
        WebhookRepository(session).update(endpoint.id, failing_since=now)
        return now
    return endpoint.failing_since


def _switch_off(session: Session, work: Work, endpoint_id: UUID, reason: str) -> None:
    endpoint = WebhookRepository(session).get_by_id(endpoint_id)
    if endpoint is None or not WebhookRepository(session).switch_off(endpoint.id, reason):
        return
    address = masked(endpoint.url)
    record(
        session,
        work.actor,
        WebhookDisabled(str(endpoint.id), address, reason),
        now=work.now(),
        description=f"The webhook {address} was switched off: {reason}",
        category="system",
    )
