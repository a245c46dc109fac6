"""People's mails that were not sent, sent once more: permitted, audited, told."""

from collections.abc import Iterable
from datetime import datetime

from procur.audit.trail import record
from procur.core.actor import Actor
from procur.core.errors import InvalidInput
from procur.db import Session
from procur.db.models import Notification
from procur.db.repositories import NotificationRepository, OrganizationRepository
from procur.events.facts import MailsResent
from procur.notifications.endpoints import MOST_AT_ONCE, UNSENT
from procur.notifications.handlers import send_again


def resend(
    session: Session,
    actor: Actor,
    *,
    ids: Iterable[str] = (),
    since: datetime | None = None,
    now: datetime,
) -> list[Notification]:
    """Send mails to people once more, under the same Message-IDs: the named ones, or what was not sent.

    With `since` only what was written from then on. At most a thousand at once.
    """
    actor.require("work.manage")
    log, wanted = NotificationRepository(session), set(map(str, ids))
    found = (
        [row for row in log.get_many(wanted).values() if row.channel == "email"]
        if wanted
        else log.in_states(UNSENT, since=since, limit=MOST_AT_ONCE, channel="email")
    )
    if len(wanted) > len(found):
        missing = sorted(wanted - {str(row.id) for row in found})
        raise InvalidInput(f"no e-mail {missing[0][:60]!r}", field="ids")
    again = send_again(session, found)
    if again:
        slug = OrganizationRepository(session).own().slug
        told = MailsResent(slug, len(again))
        description = f"{len(again)} mails that were not sent are sent once more"
        record(session, actor, told, now=now, description=description, category="system")
    return again
