"""A company whose facts are told: to a mailbox and to web servers on loopback."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import update

from factories.house import House
from factories.mailbox import Mailbox
from factories.pages import Pages
from procur.app import handlers
from procur.audit.trail import record
from procur.core.clock import SteppingClock
from procur.db.models import JobRecord, Notification
from procur.db.repositories import NotificationRepository
from procur.events.facts import Fact
from procur.events.inprocess import deliver
from procur.jobs.drain import drain
from procur.net.client import GuardedClient
from procur.net.settings import NetSettings
from procur.notifications.channels import Channel
from procur.notifications.channels.mail import Mail
from procur.notifications.channels.web import Slack, Webhook
from procur.notifications.settings import MailSettings
from procur.notifications.tasks import send_notification


@dataclass
class Desk:
    """`tell` hands on what has happened and sends what comes of it."""

    house: House
    box: Mailbox
    pages: Pages
    waits: tuple[float, ...] = (3600.0, 3600.0)
    more: dict[str, Channel] = field(default_factory=dict)

    @property
    def now(self) -> datetime:
        return self.house.workspace.clock.now()

    def channels(self) -> dict[str, Channel]:
        client = GuardedClient(NetSettings(allow=(self.pages.place,), total_timeout=5))
        mail = Mail(MailSettings(**self.box.settings()))
        return {"email": mail, "slack": Slack(client), "webhook": Webhook(client), **self.more}

    def happens(self, *facts: Fact, who: str = "olga@acme.example") -> None:
        """Let facts be true, as somebody's doing."""
        with self.house.as_(who).session() as session:
            actor = self.house.actor(session, who)
            for fact in facts:
                record(session, actor, fact, now=self.now, description="it happened")

    def tell(self, *, later: timedelta = timedelta()) -> int:
        """Deliver the facts and do the jobs that are due; return how many attempts there were."""
        deliver(self.house.database, handlers())
        return self.send(later=later)

    def send(self, *, later: timedelta = timedelta()) -> int:
        # Deliveries are written by the machine's clock, whatever the house's says.
        clock = SteppingClock(datetime.now(UTC) + later, timedelta(milliseconds=1))
        task = send_notification(self.channels(), waits=self.waits)
        return drain(self.house.database, (task,), clock=clock)

    def make_due(self) -> None:
        """Let what was put off be due at once."""
        with self.house.database.system_session() as session:
            ready = update(JobRecord).where(JobRecord.state == "ready")
            session.execute(ready.values(run_at=datetime(2020, 1, 1, tzinfo=UTC)))

    def log(self, **equals: Any) -> list[Notification]:
        with self.house.database.get_session("acme", read_only=True) as session:
            return NotificationRepository(session).get_all(limit=1000, **equals)

    def hook(self, path: str = "/hook", **more: Any) -> dict[str, Any]:
        """Add an endpoint as the owner does."""
        from procur.cli.steps.hooks import add_webhook

        given: dict[str, Any] = {"kind": "json", "events": (), "description": None, **more}
        return add_webhook(self.olga, self.pages.url(path), **given)

    @property
    def olga(self) -> Any:
        return self.house.as_("olga@acme.example")

    def subjects(self, of: Callable[[Any], bool] = lambda _mail: True) -> list[str]:
        return [str(mail["Subject"]) for mail in self.box.received if of(mail)]
