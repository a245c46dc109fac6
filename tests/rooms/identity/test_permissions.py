"""Every step asks who acts and whether they may: all steps and all roles, against the table that is meant."""

import importlib
import inspect
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from factories.house import ALICE, BOB, OLGA, House
from procur.cli import steps as package
from procur.cli.steps import (
    auditing,
    closing,
    deciding,
    enriching,
    events,
    hooks,
    jobs,
    keys,
    negotiating,
    notifying,
    purchase,
    requesting,
    schedules,
    setting_up,
    settling,
    usage,
)
from procur.cli.workspace import Workspace
from procur.core.actor import MEANING, PERMISSIONS, Actor
from procur.core.errors import NotAllowed, NotFound, ProcurError
from procur.db import DatabaseSession, Session
from procur.db import repositories as tables
from procur.db.repositories import Repository, TrailFilter

REQUEST, TALKS, CONTRACT, ORDER = "REQ-2026-00001", "NEG-2026-00001", "CON-2026-00001", "PO-2026-00001"
NOBODY = "01a1fed4-6886-7860-b721-276b7bdee56d"
SELLER, RIVAL = "sales@boards.example", "sales@tasklane.example"
POLICY = {"name": "p", "version": 1, "currency": "USD", "roles": ["approver"], "rules": []}
Step = Callable[[Workspace], Any]

INSIDE = {"owner", "admin", "approver", "buyer", "member", "viewer"}
DECIDE = {"owner", "admin", "approver", "buyer"}
BUY = {"owner", "admin", "buyer"}
ADMIN = {"owner", "admin"}
EVERYBODY = INSIDE | {"vendor", "agent", "system"}
# What is meant, step by step: written down here, not read from the code.
MEANT: dict[str, tuple[set[str], Step]] = {
    "new_request": (BUY | {"member"}, lambda w: requesting.new_request(w, "nonsense")),
    "show_request": (INSIDE | {"system"}, lambda w: requesting.show_request(w, REQUEST)),
    "list_requests": (
        INSIDE | {"system"},
        lambda w: requesting.list_requests(w, status=None, limit=5, cursor=None),
    ),
    "match_request": (BUY | {"member"}, lambda w: requesting.match_request(w, REQUEST, limit=5)),
    "cancel_request": (BUY | {"member"}, lambda w: requesting.cancel_request(w, REQUEST, reason="no")),
    "show_mandate": (DECIDE, lambda w: negotiating.show_mandate(w, REQUEST)),
    "set_mandate": (BUY, lambda w: negotiating.set_mandate(w, REQUEST)),
    "negotiate_request": (BUY | {"agent"}, lambda w: negotiating.negotiate_request(w, REQUEST)),
    "show_negotiations": (DECIDE, lambda w: negotiating.show_negotiations(w, REQUEST)),
    "show_negotiation": (DECIDE, lambda w: negotiating.show_negotiation(w, TALKS)),
    "replay_negotiation": (DECIDE, lambda w: negotiating.replay_negotiation(w, TALKS)),
    "answer_for_vendor": (
        BUY | {"agent"},
        lambda w: negotiating.answer_for_vendor(w, TALKS, "end", message=None),
    ),
    "compare_request": (DECIDE, lambda w: deciding.compare_request(w, REQUEST)),
    "award_request": (BUY, lambda w: deciding.award_request(w, REQUEST, "best_value")),
    "waiting_approvals": (INSIDE | {"system"}, deciding.waiting_approvals),
    "approve_request": (
        {"owner", "admin", "approver"},
        lambda w: deciding.approve_request(w, REQUEST, approve=True, reason=None),
    ),
    "show_policy": (DECIDE, deciding.show_policy),
    "set_policy": (ADMIN, lambda w: deciding.set_policy(w, POLICY)),
    "draft": (BUY, lambda w: closing.draft(w, REQUEST)),
    "show_contract": (DECIDE | {"vendor"}, lambda w: closing.show_contract(w, CONTRACT)),
    "list_contracts": (DECIDE | {"vendor"}, lambda w: closing.list_contracts(w, limit=5, cursor=None)),
    "sign": (DECIDE, lambda w: closing.sign(w, CONTRACT, "buyer")),
    "sign for the vendor": ({"vendor"}, lambda w: closing.sign(w, CONTRACT, "vendor")),
    "issue": (BUY, lambda w: closing.issue(w, CONTRACT)),
    "show_order": (DECIDE | {"vendor"}, lambda w: closing.show_order(w, ORDER)),
    "list_orders": (DECIDE | {"vendor"}, lambda w: closing.list_orders(w, limit=5, cursor=None)),
    "savings": (DECIDE, lambda w: closing.savings(w, REQUEST)),
    "trail": (DECIDE | {"system"}, lambda w: auditing.trail(w, limit=5)),
    "verify_trail": (DECIDE | {"system"}, auditing.verify_trail),
    "seal_trail": (DECIDE | {"system"}, auditing.seal_trail),
    "make_key": (DECIDE | {"system"}, auditing.make_key),
    "checkpoint": (DECIDE | {"system"}, lambda w: auditing.checkpoint(w, None)),
    "export": (DECIDE | {"system"}, lambda w: list(auditing.export(w, TrailFilter(), "jsonl"))),
    "change_company": (INSIDE, setting_up.change_company),
    "change_company to another": (ADMIN, lambda w: setting_up.change_company(w, country="DE")),
    "add_person": (
        ADMIN,
        lambda w: setting_up.add_person(w, email="new@acme.example", full_name="New", role="viewer"),
    ),
    "list_people": (DECIDE, setting_up.list_people),
    "import_catalogue": (BUY, lambda w: setting_up.import_catalogue(w, w.home / "vendors.json")),
    "list_vendors": (
        INSIDE,
        lambda w: setting_up.list_vendors(w, category=None, search=None, limit=5, cursor=None),
    ),
    "show_vendor": (INSIDE, lambda w: setting_up.show_vendor(w, "boards")),
    "confirm_vendor_prices": (BUY, lambda w: setting_up.confirm_vendor_prices(w, "boards")),
    "update_vendor": (BUY, lambda w: setting_up.update_vendor(w, "boards", country="US")),
    "add_evidence": (
        DECIDE,
        lambda w: setting_up.add_evidence(
            w, vendor_id="boards", framework="SOC 2", kind="report", source="seen", valid_until=None
        ),
    ),
    "show_usage": (INSIDE, usage.show_usage),
    "show_plan": (INSIDE, usage.show_plan),
    "change_plan": (ADMIN, lambda w: usage.change_plan(w, "pro")),
    "list_jobs": (DECIDE, lambda w: jobs.list_jobs(w, limit=5, cursor=None)),
    "show_job": (DECIDE, lambda w: jobs.show_job(w, NOBODY)),
    "job_counts": (DECIDE, jobs.job_counts),
    "work_status": (DECIDE, jobs.work_status),
    "cancel_job": (ADMIN, lambda w: jobs.cancel_job(w, NOBODY, reason=None)),
    "redrive_jobs": (ADMIN, lambda w: jobs.redrive_jobs(w, (), kind=None)),
    "add_key": (ADMIN, lambda w: keys.add_key(w, name="k", scopes=("events.read",), expires_at=None)),
    "list_keys": (ADMIN, lambda w: keys.list_keys(w, limit=5, cursor=None)),
    "revoke_key": (ADMIN, lambda w: keys.revoke_key(w, NOBODY, reason=None)),
    "list_all": (DECIDE, schedules.list_all),
    "pause": (ADMIN, lambda w: schedules.pause(w, "cleanup")),
    "resume": (ADMIN, lambda w: schedules.resume(w, "cleanup")),
    "run": (ADMIN, lambda w: schedules.run(w, "cleanup")),
    "change": (ADMIN, lambda w: schedules.change(w, "cleanup", cron="0 5 * * *", timezone=None)),
    "tail": (DECIDE, lambda w: events.tail(w, limit=5, after=None, types=(), aggregate=None)),
    "follow": (DECIDE, lambda w: next(events.follow(w, after=0, types=(), aggregate=None))),
    "show": (DECIDE, lambda w: events.show(w, NOBODY)),
    "groups": (DECIDE, events.groups),
    "dead": (DECIDE, lambda w: events.dead(w, None, limit=5)),
    "redrive": (ADMIN, lambda w: events.redrive(w, ("webhooks",))),
    "drop": (ADMIN, lambda w: events.drop(w, (NOBODY,), reason="x")),
    "replay": (ADMIN, lambda w: events.replay(w, "webhooks", position=1, since=None, event=None)),
    "watch_negotiation": (
        DECIDE,
        lambda w: negotiating.watch_negotiation(w, TALKS, on_round=lambda _told: None),
    ),
    "settled": (DECIDE, settling.settled),
    "ask_for_draft": (BUY, lambda w: closing.ask_for_draft(w, REQUEST)),
    "enrich_vendors": (
        BUY,
        lambda w: enriching.enrich_vendors(w, ("boards",), every=False, stale=None, background=True),
    ),
    "vendor_observations": (INSIDE, lambda w: enriching.vendor_observations(w, "boards")),
    # One's own messages: everybody's.
    "list_messages": (
        EVERYBODY,
        lambda w: notifying.list_messages(w, unread=False, sent=True, limit=5, cursor=None),
    ),
    "show_message": (EVERYBODY, lambda w: notifying.show_message(w, NOBODY)),
    "read_messages": (EVERYBODY, lambda w: notifying.read_messages(w, (), everything=True)),
    "preferences": (
        EVERYBODY,
        lambda w: notifying.preferences(w, None, channels=(), off=False, usual=False),
    ),
    "resend": (ADMIN, lambda w: notifying.resend(w, (), failed=True, since=None)),
    "add_webhook": (
        ADMIN,
        lambda w: hooks.add_webhook(w, "https://127.0.0.1/", kind="json", events=(), description=None),
    ),
    "list_webhooks": (ADMIN, lambda w: hooks.list_webhooks(w, limit=5, cursor=None)),
    "show_webhook": (ADMIN, lambda w: hooks.show_webhook(w, NOBODY)),
    "rotate_key": (ADMIN, lambda w: hooks.rotate_key(w, NOBODY, hours=1)),
    "disable_webhook": (ADMIN, lambda w: hooks.disable_webhook(w, NOBODY, reason="x")),
    "enable_webhook": (ADMIN, lambda w: hooks.enable_webhook(w, NOBODY)),
    "remove_webhook": (ADMIN, lambda w: hooks.remove_webhook(w, NOBODY)),
    "replay_webhook": (
        ADMIN,
        lambda w: hooks.replay_webhook(w, NOBODY, (), since=None, everything=False),
    ),
    "ping_webhook": (ADMIN, lambda w: hooks.ping_webhook(w, NOBODY)),
    "list_deliveries": (
        ADMIN,
        lambda w: hooks.list_deliveries(w, NOBODY, state=None, limit=5, cursor=None),
    ),
    "go_on": (INSIDE | {"system"}, lambda w: purchase.go_on(w, REQUEST, lambda _name, _told: None, {})),
}
# For whoever installs: there may be nobody on record yet, or no schema to find them by.
OPERATOR = {
    "create_database",
    "upgrade_database",
    "schema_version",
    "make_role",
    "role_script",
    "serve",
    "relay",
    "until_stopped",
    "work",
    "work_for_celery",
    "work_once",
}
# Parts of other steps, which have asked by then.
PARTS = {"do_now", "play_off", "settle"}


@dataclass
class Machine(Workspace):
    """A workspace in which not a person acts but an agent or the system."""

    role: str = "agent"

    def actor(self, session: Session, permission: str | None = None) -> Actor:
        person = super().actor(session)
        kind: Any = self.role
        acting = replace(person, kind=kind, role=self.role)
        if permission is not None:
            acting.require(permission)
        return acting


@pytest.fixture
def bought(house: House) -> House:
    """Everything there is to see: Alice has bought from Boards."""
    house.negotiate(house.request(), rounds=2)
    house.award(REQUEST, "boards")
    house.approve(REQUEST)
    house.draft(REQUEST, "boards")
    house.add(RIVAL, "vendor", "tasklane")
    house.sign(CONTRACT, "boards")
    closing.issue(house.alice, CONTRACT)
    return house


def people(house: House) -> dict[str, Workspace]:
    """Return a workspace for every role of the table."""
    known = {"owner": OLGA, "buyer": ALICE, "approver": BOB, "vendor": SELLER}
    found: dict[str, Workspace] = {}
    for role in PERMISSIONS:
        if role in {"agent", "system"}:
            plain = house.alice
            found[role] = Machine(
                plain.home, who=ALICE, organization=plain.organization, clock=plain.clock, role=role,
                _database=house.database,
            )  # fmt: skip
        else:
            found[role] = house.as_(known.get(role) or house.add(f"{role}@acme.example", role))
    return found


def refused(step: Step, workspace: Workspace) -> bool:
    """Tell whether the person may not do this; what else stands in the way does not count."""
    try:
        step(workspace)
    except NotAllowed as error:
        return "needs the permission" in error.message
    except ProcurError:
        pass
    return False


def everything(database: DatabaseSession) -> dict[str, int]:
    kinds = [
        each for each in vars(tables).values() if isinstance(each, type) and issubclass(each, Repository)
    ]
    with database.system_session() as session:
        return {
            kind.__name__: kind(session).count(include_deleted=True)
            for kind in kinds
            if kind is not Repository
        }


def steps_there_are() -> set[str]:
    """Return the name of every step: what takes a workspace and begins with no underscore."""
    found = set()
    for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
        for name, function in inspect.getmembers(importlib.import_module(module.name), inspect.isfunction):
            first = next(iter(inspect.signature(function).parameters), None)
            if function.__module__ == module.name and first == "workspace" and not name.startswith("_"):
                found.add(name)
    return found - {"vocabulary_of"}


def test_the_table_holds_every_step() -> None:
    assert {name.split()[0] for name in MEANT} | OPERATOR | PARTS == steps_there_are()


def test_every_permission_says_what_it_is_for() -> None:
    assert set().union(*PERMISSIONS.values()) == set(MEANING)


def test_nobody_does_more_than_is_meant_and_everybody_as_much(
    bought: House, database: DatabaseSession
) -> None:
    who = people(bought)
    assert set().union(*(roles for roles, _ in MEANT.values())) == set(who)
    before = everything(database)
    passed = [
        (name, role)
        for name, (roles, step) in MEANT.items()
        for role, workspace in who.items()
        if role not in roles and not refused(step, workspace)
    ]
    assert passed == []
    assert everything(database) == before
    stopped = [
        (name, role) for name, (roles, step) in MEANT.items() for role in roles if refused(step, who[role])
    ]
    assert stopped == []


def test_a_stranger_sees_nothing(bought: House, database: DatabaseSession) -> None:
    stranger, before = bought.as_("nobody@x.example"), everything(database)
    for name, (_, step) in MEANT.items():
        with pytest.raises(NotFound, match="Nobody here"):
            step(stranger)
        assert everything(database) == before, name


def test_a_vendors_person_reads_their_own_contracts_and_orders_only(bought: House) -> None:
    seller, rival = bought.as_(SELLER), bought.as_(RIVAL)
    assert closing.show_contract(seller, CONTRACT)["contract_id"] == CONTRACT
    assert closing.show_order(seller, ORDER)["po_number"] == ORDER
    assert len(closing.list_contracts(seller, limit=5, cursor=None)["contracts"]) == 1
    assert len(closing.list_orders(seller, limit=5, cursor=None)["orders"]) == 1
    for step, what in ((closing.show_contract, CONTRACT), (closing.show_order, ORDER)):
        with pytest.raises(NotFound):
            step(rival, what)
    assert closing.list_contracts(rival, limit=5, cursor=None)["contracts"] == []
    assert closing.list_orders(rival, limit=5, cursor=None)["orders"] == []


def test_whoever_only_looks_sees_a_request_without_its_private_side(bought: House) -> None:
    viewer = bought.as_(bought.add("vic@acme.example", "viewer"))
    told, whole = (requesting.show_request(each, REQUEST) for each in (viewer, bought.alice))
    assert (told["mandate"], told["negotiations"], told["awarded"]) == (None, [], None)
    assert all(whole[name] for name in ("mandate", "negotiations", "awarded"))
    assert told["status"] == whole["status"] == "contracted"
