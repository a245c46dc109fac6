"""From a fact to a message that somebody has: over real servers, on both databases."""

import json
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from sqlalchemy import event, text

from factories.desk import Desk
from procur.app import handlers
from procur.audit.trail import record
from procur.billing.service import spend
from procur.cli.steps import requesting
from procur.cli.steps.hooks import enable_webhook, replay_webhook, show_webhook
from procur.cli.steps.notifying import resend
from procur.core.actor import Actor
from procur.core.errors import InvalidInput, NotAllowed, NotFound
from procur.core.plans import plan_of
from procur.db.repositories import (
    EventRepository,
    JobRepository,
    NegotiationRepository,
    NotificationRepository,
    UserRepository,
)
from procur.events.facts import (
    ContractRenewalDue,
    EvidenceExpiring,
    MandateWritten,
    NegotiationSettled,
    UsageNearLimit,
)
from procur.events.inprocess import deliver
from procur.jobs.drain import drain
from procur.notifications import endpoints, inbox
from procur.notifications.channels import Outcome, Outgoing
from procur.notifications.channels.mail import Mail
from procur.notifications.handlers import send_all
from procur.notifications.kinds import LOOK, SEND, LookForStuckWork
from procur.notifications.settings import MailSettings
from procur.notifications.signing import verify
from procur.notifications.stuck import look_for_stuck_work
from procur.notifications.topics import TOPICS

BOB, ALICE, OLGA = "bob@acme.example", "alice@acme.example", "olga@acme.example"
EVIDENCE = EvidenceExpiring("boards", "Boards", "SOC 2", "report", "r", "2027-01-01", 31, 30)
# The budget of a request, and what it comes to per person and month, however they are written.
_LIMIT = re.compile(r"(?<![\w-])(?:6[,. ]?417|10[.,](?:69|70))")
RENEWAL = ContractRenewalDue("CON-2026-00001", "Boards", "2027-01-01", 31, 30, True, Decimal(900), "USD")


def to(desk: Desk, address: str) -> list[str]:
    return desk.subjects(lambda mail: address in mail["To"])


def test_a_purchase_is_told_to_those_it_concerns(desk: Desk) -> None:
    """A real request, talks, award, approval: who has to act hears of it, once, and nobody else."""
    house = desk.house
    mia = house.add("mia@acme.example", "member")
    request = house.request()
    house.negotiate(request, rounds=2)
    house.award(request, "boards")
    desk.tell()
    assert to(desk, BOB) == [f"{request} waits for your decision"]
    assert to(desk, ALICE) == []  # she has done all of it herself
    (mail,) = desk.box.received
    plain = mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert f"procur approve {request}" in plain
    assert "Total: $" in plain
    with house.session() as session:
        found = inbox.page(session, house.actor(session, BOB)).rows
        assert [(row.topic, row.state, row.read_at) for row in found] == [("approval_needed", "sent", None)]
    house.approve(request)
    desk.tell()
    assert to(desk, ALICE) == [f"{request} was approved"]
    assert len(to(desk, BOB)) == 1  # he has decided it himself
    house.draft(request, "boards")
    house.sign("CON-2026-00001", "boards")
    desk.tell()
    assert f"{'CON-2026-00001'} is ready to be signed" in to(desk, BOB)
    assert to(desk, mia) == []
    before = len(desk.box.received)
    # Telling it all again, as a replay does, sends nothing twice.
    with house.session() as session:
        events = [each.id for each in EventRepository(session).get_all(limit=1000)]
    assert events
    with house.database.system_session() as session:
        for table in ("inbox", "event_deliveries", "event_offsets"):
            session.execute(text(f"DELETE FROM {table}"))
    desk.tell()
    assert len(desk.box.received) == before
    assert {row.state for row in desk.log()} == {"sent"}


def test_nobody_is_told_what_their_role_may_not_read(desk: Desk) -> None:
    """A real purchase with a vendor over budget: neither totals nor our limits reach who may not see them."""
    house = desk.house
    mia = house.add("mia@acme.example", "member")
    for path in ("/slack", "/hook"):
        desk.pages.put(path, "ok")
    desk.hook("/slack", kind="slack")
    desk.hook("/hook")
    need = "Project tracking for 50 people, at most $6,417 a year"
    request = requesting.new_request(house.as_(mia), need)["request_id"]
    house.negotiate(request, rounds=2)
    with house.session() as session:
        talks = NegotiationRepository(session).get_all()[0].session_id
    for who in (mia, ALICE):
        _choose(desk, who, "negotiation_ended", ("email",))
    desk.happens(NegotiationSettled(talks, "O-1", Decimal(777), "USD", "us"))
    house.award(request, reason="the third is too dear")
    house.approve(request)
    desk.tell()
    told = [(str(mail["To"]), mail.get_body(("plain",)).get_content()) for mail in desk.box.received]  # type: ignore[union-attr]
    agreed = {name: text for name, text in told if "Terms are agreed" in text}
    assert "$777" not in agreed["Mia <mia@acme.example>"]
    assert "$777" in agreed["Alice <alice@acme.example>"]
    posted = [each.body.decode() for each in desk.pages.asked if each.path == "/slack"]
    assert any("Terms are agreed" in each for each in posted)
    assert any(f"{request} was approved" in each for each in posted)
    assert "777" not in "".join(posted)
    heard = {
        body["type"]: body
        for each in desk.pages.asked
        if each.path == "/hook"
        if (body := json.loads(each.body))
    }
    assert heard.keys() >= {"RequestOpened", "VendorsShortlisted", "MandateWritten", "AwardProposed"}
    assert "over_budget" in heard["VendorsShortlisted"]["data"]["left_out"].values()
    outside = [*posted, *map(json.dumps, heard.values()), *(text for _, text in told)]
    assert not [each for each in outside if _LIMIT.search(each)]
    assert len(_LIMIT.findall(need)) == 1


def test_a_person_chooses_how_to_hear_of_a_topic(desk: Desk) -> None:
    desk.house.add("vera@boards.example", "vendor", "boards")
    _choose(desk, BOB, "evidence_expiring", ())
    _choose(desk, ALICE, "evidence_expiring", ("in_app",))
    desk.happens(EVIDENCE, who=BOB)
    desk.tell()
    assert to(desk, OLGA) == ["SOC 2 of Boards is proved until 2027-01-01 only"]
    assert to(desk, ALICE) == to(desk, BOB) == to(desk, "vera@boards.example") == []
    with desk.house.session() as session:
        assert inbox.unread(session, desk.house.actor(session, ALICE)) == 1
        assert inbox.unread(session, desk.house.actor(session, BOB)) == 0
        fact = EventRepository(session).find(type="NotificationsChosen")
        assert fact is not None
    _choose(desk, BOB, "evidence_expiring", None)
    with desk.house.session() as session:
        told = {each["topic"]: each for each in inbox.choices(session, desk.house.actor(session, BOB))}
        assert not told["evidence_expiring"]["chosen"]
        assert told.keys() == TOPICS.keys()


def test_facts_of_the_calendar_and_of_usage_are_told(desk: Desk) -> None:
    desk.happens(RENEWAL, UsageNearLimit("acme", "analyses", "8", "10", 80, "2026-12"))
    desk.tell()
    assert to(desk, ALICE) == ["CON-2026-00001 with Boards renews on 2027-01-01"]
    assert to(desk, OLGA) == []  # her own doing
    with desk.house.workspace.session() as session:
        limit = int(plan_of("free").limits["analyses"] or 0)
        for _ in range(limit):
            spend(session, None, "analyses")
        told = [each.payload["percent"] for each in EventRepository(session).get_all(type="UsageNearLimit")]
    assert told[1] >= 80
    assert told == [80, told[1], 100]


def _choose(desk: Desk, who: str, topic: str, channels: tuple[str, ...] | None) -> None:
    with desk.house.as_(who).session() as session:
        inbox.choose(session, desk.house.actor(session, who), topic, channels, now=desk.now)


def test_a_retry_is_the_same_message(desk: Desk) -> None:
    """Put off by the server, then a worker that dies between sending and noting it: one Message-ID."""
    desk.box.answers = ["451 come back"]
    desk.happens(EVIDENCE, who=ALICE)
    for person in (OLGA,):
        _choose(desk, person, "evidence_expiring", ("in_app",))
    desk.tell()
    (row,) = desk.log(channel="email")
    assert (row.state, row.attempts, row.status_code, row.error) == ("pending", 1, 451, "451 come back")
    assert row.next_attempt_at is not None

    class Dying(Mail):
        def send(self, outgoing: Outgoing, *, now: Any) -> Outcome:
            super().send(outgoing, now=now)
            raise MemoryError("killed")

    desk.more = {"email": Dying(MailSettings(**desk.box.settings()))}
    desk.make_due()
    desk.send()
    desk.more = {}
    desk.make_due()
    desk.send()
    (row,) = desk.log(channel="email")
    assert (row.state, row.attempts, row.error) == ("sent", 3, None)
    sent = [mail["Message-ID"] for mail in desk.box.received]
    assert sent == [f"<{row.message_id}>"] * 2
    desk.make_due()
    assert desk.send() == 0


def test_what_cannot_be_sent_ends_in_the_servers_words(desk: Desk) -> None:
    desk.box.recipients = {BOB: "550 5.1.1 no such person"}
    desk.box.answers = ["451 busy"] * 9
    desk.happens(EVIDENCE, who=OLGA)
    for _ in range(4):
        desk.tell()
        desk.make_due()
    bob, alice = (desk.log(channel="email", recipient=who)[0] for who in (BOB, ALICE))
    assert (bob.state, bob.attempts, bob.error) == ("failed", 1, "550 5.1.1 no such person")
    assert (alice.state, alice.attempts) == ("failed", 3)
    assert alice.error == "given up after 3 attempts; the last one: 451 busy"


def test_mail_waits_until_it_is_set_up_or_old_news(desk: Desk) -> None:
    desk.more = {"email": Mail(MailSettings())}
    desk.happens(EVIDENCE, who=OLGA)
    desk.tell()
    for row in (rows := desk.log(channel="email")):
        assert (row.state, row.attempts) == ("pending", 0)
        assert "PROCUR_SMTP_HOST" in str(row.error)
    assert len(rows) == 2
    desk.more = {}
    with desk.house.as_(OLGA).session() as session:
        UserRepository(session).update(
            UserRepository(session).get_by_email(BOB).id,  # type: ignore[union-attr]
            is_active=False,
        )
    desk.make_due()
    desk.send()
    bob, alice = (desk.log(channel="email", recipient=who)[0] for who in (BOB, ALICE))
    assert (alice.state, alice.attempts) == ("sent", 1)
    assert (bob.state, bob.error) == ("suppressed", "the person has no active account any more")
    desk.more = {"email": Mail(MailSettings())}
    desk.happens(EVIDENCE, who=OLGA)
    desk.tell()
    desk.make_due()
    desk.send(later=timedelta(days=4))
    newest = desk.log(channel="email", recipient=ALICE)[-1]
    assert newest.state == "suppressed"
    assert "waited 3 days" in str(newest.error)


def test_endpoints_hear_facts_signed_and_once(desk: Desk) -> None:
    desk.pages.put("/hook", status=200)
    desk.pages.put("/some", status=200)
    everything = desk.hook("/hook")
    some = desk.hook("/some", events=("MandateWritten",))
    limits = MandateWritten("REQ-1", 1, Decimal(9000), None, Decimal(12), "person")
    desk.happens(limits, EVIDENCE)
    desk.tell()
    deliver(desk.house.database, handlers())
    heard = [each for each in desk.pages.asked if each.path == "/hook"]
    types = [json.loads(each.body)["type"] for each in heard]
    assert sorted(types) == ["EvidenceExpiring", "MandateWritten", "WebhookAdded"]  # not its own
    for each in heard:
        told = json.loads(each.body)
        assert verify(everything["signing_key"], each.headers, each.body, tolerance=1e9) == told["id"]
        assert told["organization"] == "acme"
        assert "9000" not in each.body.decode()
    (named,) = [each for each in desk.pages.asked if each.path == "/some"]
    body = json.loads(named.body)
    assert body["data"]["max_total"] == "9000"
    assert body["subject"] == {"type": "request", "id": "REQ-1"}
    assert verify(some["signing_key"], named.headers, named.body, tolerance=1e9) == body["id"]


def test_slack_gets_messages_only(desk: Desk) -> None:
    address = "https://hooks.slack.com/services/T0A1B2C3/B4D5E6F7/abcdefghijklmnopqrstuvwx"
    given = {"url": address, "event_types": (), "description": None, "now": desk.now}
    with desk.house.session() as session:
        olga = desk.house.actor(session, OLGA)
        with pytest.raises(InvalidInput, match="Slack") as refused:
            endpoints.add(session, olga, kind="json", **given)
        assert "--slack" in str(refused.value.hint)
        row, _ = endpoints.add(session, olga, kind="slack", **given)
        assert endpoints.address(row) == "https://hooks.slack.com/…uvwx"


def test_an_endpoint_that_is_gone_is_switched_off_and_somebody_hears_of_it(desk: Desk) -> None:
    desk.pages.put("/hook", status=200)
    desk.pages.put("/gone", "bye", status=410)
    hook = desk.hook("/gone", events=("EvidenceExpiring",))
    desk.happens(EVIDENCE, EVIDENCE)
    desk.tell()
    desk.tell()
    states = {(row.state, row.status_code) for row in desk.log(channel="webhook")}
    assert ("failed", 410) in states
    assert len(desk.pages.asked) <= 2
    subjects = to(desk, OLGA)
    assert f"A webhook was switched off: {desk.pages.url('/…')}" in subjects
    # What happens while it is off is on record, and delivered when somebody asks for it.
    desk.happens(EVIDENCE)
    desk.tell()
    missed = desk.log(channel="webhook")[-1]
    assert (missed.state, missed.attempts) == ("suppressed", 0)
    assert missed.error == "the endpoint is switched off: the receiver answered 410: it is gone"
    asked = len(desk.pages.asked)
    desk.pages.put("/gone", status=200)
    enable_webhook(desk.olga, hook["id"])
    replay_webhook(desk.olga, hook["id"], (), since=None, everything=False)
    desk.send()
    assert {row.state for row in desk.log(channel="webhook")} == {"sent"}
    heard = [json.loads(each.body)["id"] for each in desk.pages.asked[asked:]]
    assert sorted(heard) == sorted(str(row.event_id) for row in desk.log(channel="webhook"))
    assert len(heard) == 3


def test_an_endpoint_to_which_nothing_gets_through_is_switched_off(desk: Desk) -> None:
    desk.pages.put("/down", status=503)
    hook = desk.hook("/down", events=("EvidenceExpiring",))
    desk.happens(EVIDENCE)
    desk.tell()
    (row,) = desk.log(channel="webhook")
    assert (row.state, row.status_code, row.attempts) == ("pending", 503, 1)
    for days in (0, 3):
        desk.make_due()
        desk.send(later=timedelta(days=days))
    assert desk.log(channel="webhook")[0].state == "failed"
    assert show_webhook(desk.olga, hook["id"])["active"]
    desk.happens(EVIDENCE)
    desk.tell()
    for _ in range(2):
        desk.make_due()
        desk.send(later=timedelta(days=6))
    told = show_webhook(desk.olga, hook["id"])
    assert not told["active"]
    assert "nothing got through since" in told["disabled_reason"]
    enable_webhook(desk.olga, hook["id"])
    before = {row.message_id for row in desk.log(channel="webhook")}
    again = replay_webhook(desk.olga, hook["id"], (), since=None, everything=False)["replayed"]
    assert len(again) == 2
    # Still down: what is replayed has all its attempts again.
    desk.send()
    assert {(row.state, row.attempts) for row in desk.log(channel="webhook")} == {("pending", 1)}
    desk.pages.put("/down", status=200)
    desk.make_due()
    desk.send()
    assert {row.state for row in desk.log(channel="webhook")} == {"sent"}
    assert {row.message_id for row in desk.log(channel="webhook")} == before
    assert show_webhook(desk.olga, hook["id"])["failing_since"] is None


def test_mail_that_was_not_sent_is_sent_again(desk: Desk) -> None:
    """Refused, or its workers died until its job was given up: it is on record, and sent when asked for."""

    class Dying(Mail):
        def send(self, outgoing: Outgoing, *, now: Any) -> Outcome:
            raise MemoryError("killed")

    def look() -> None:
        with desk.house.workspace.session() as session:
            LOOK.ask(session, LookForStuckWork())
        drain(desk.house.database, (look_for_stuck_work(),))

    def states() -> dict[str, str]:
        return {row.recipient: row.state for row in desk.log(channel="email", topic="evidence_expiring")}

    desk.box.recipients = {BOB: "550 5.1.1 no such person"}
    desk.happens(EVIDENCE, who=OLGA)
    deliver(desk.house.database, handlers())
    look()
    assert states() == {BOB: "pending", ALICE: "pending"}  # on its way: nothing to note
    desk.more = {"email": Dying(MailSettings(**desk.box.settings()))}
    desk.send()
    for _ in range(SEND.max_attempts):
        desk.make_due()
        desk.send()
    with desk.house.session() as session:
        dead = JobRepository(session).dead()
    assert {row.kind for row in dead} == {SEND.name}
    assert states() == {BOB: "pending", ALICE: "pending"}
    look()
    assert states() == {BOB: "failed", ALICE: "failed"}
    desk.more = {}
    # The job itself can be tried again as well.
    with desk.house.workspace.session() as session:
        bobs = desk.log(channel="email", recipient=BOB)[0]
        JobRepository(session).redrive(next(job.id for job in dead if job.id == bobs.job_id))
    desk.send()
    assert desk.log(channel="email", recipient=BOB)[0].error == "550 5.1.1 no such person"
    desk.box.recipients = {}
    with pytest.raises(NotAllowed):
        resend(desk.house.as_(BOB), (), failed=True, since=None)
    later = datetime.now(UTC) + timedelta(days=1)
    assert resend(desk.olga, (), failed=True, since=later) == {"again": []}
    again = resend(desk.olga, (), failed=True, since=None)["again"]
    assert {each["to"] for each in again} == {BOB, ALICE}
    with pytest.raises(InvalidInput):
        resend(desk.olga, (str(desk.log(channel="in_app")[0].id),), failed=False, since=None)
    desk.send()
    assert states() == {BOB: "sent", ALICE: "sent"}
    assert to(desk, ALICE) == ["SOC 2 of Boards is proved until 2027-01-01 only"]
    assert {f"<{row.message_id}>" for row in desk.log(channel="email", topic="evidence_expiring")} == {
        str(mail["Message-ID"]) for mail in desk.box.received
    }
    resend(desk.olga, (str(bobs.id),), failed=False, since=None)
    desk.send()
    assert len(to(desk, BOB)) == 2
    with desk.house.session() as session:
        told = [each.payload["mails"] for each in EventRepository(session).get_all(type="MailsResent")]
    assert told == [2, 1]


def test_work_that_was_given_up_is_told_once(desk: Desk) -> None:
    def look() -> list[str]:
        with desk.house.workspace.session() as session:
            LOOK.ask(session, LookForStuckWork())
        drain(desk.house.database, (look_for_stuck_work(),))
        desk.tell()
        return to(desk, OLGA)

    def end(state: str = "dead") -> None:
        with desk.house.workspace.session() as session:
            jobs = JobRepository(session)
            now = datetime.now(UTC)
            jobs.update(jobs.enqueue("enrich_vendor_data")[0].id, state=state, finished_at=now)

    assert look() == []
    end()
    end()
    assert look() == ["Given up: 2 jobs"]
    assert look() == ["Given up: 2 jobs"]
    end("failed")
    assert look()[1:] == ["Given up: 1 job"]
    assert "procur jobs list --state failed" in str(desk.box.received[-1])
    assert to(desk, BOB) == []


def test_many_recipients_cost_few_statements(desk: Desk) -> None:
    rows = [
        {
            "recipient": f"p{n}@acme.example", "channel": "email", "body": "b", "subject": "s",
            "message_id": f"m{n}", "topic": "operations",
        }
        for n in range(1200)
    ]  # fmt: skip
    asked: list[str] = []
    with desk.house.workspace.session() as session:
        bind = session.connection().engine

        def note(*given: Any) -> None:
            asked.append(given[2])

        event.listen(bind, "before_cursor_execute", note)
        try:
            assert len(send_all(session, rows)) == 1200
            assert send_all(session, rows) == []
        finally:
            event.remove(bind, "before_cursor_execute", note)
    assert len(asked) < 20, len(asked)


def test_neighbours_hear_nothing(desk: Desk) -> None:
    house = desk.house
    desk.pages.put("/hook", status=200)
    hook = desk.hook()["id"]
    desk.happens(EVIDENCE)
    desk.tell()
    foreign = str(desk.log()[0].id)
    with house.database.get_session("rival") as session:
        charlie = UserRepository(session).get_by_email("charlie@rival.example")
        assert charlie is not None
        actor = Actor(charlie.organization_id, "user", charlie.email, "Charlie", "owner", charlie.id)
        assert NotificationRepository(session).count() == 0
        with pytest.raises(NotFound):
            inbox.one(session, actor, foreign)
        for act in (
            endpoints.rotate, endpoints.enable, endpoints.remove, endpoints.ping, endpoints.replay,
            partial(endpoints.disable, reason="x"),
        ):  # fmt: skip
            with pytest.raises(NotFound):
                act(session, actor, hook, now=desk.now)  # type: ignore[operator]
        record(session, actor, EVIDENCE, now=desk.now, description="theirs")
    with house.session() as session:
        bobs = inbox.page(session, house.actor(session, BOB)).rows[0]
        with pytest.raises(NotFound):  # nor is it Alice's
            inbox.one(session, house.actor(session, ALICE), str(bobs.id))
    before, heard = len(desk.log()), len(desk.pages.asked)
    desk.tell()
    assert (len(desk.log()), len(desk.pages.asked)) == (before, heard)
