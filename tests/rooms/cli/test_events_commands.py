"""`procur events`: what happened, what could not be taken in, and how it is delivered again."""

from uuid import UUID

import pytest

from factories.terminal import Terminal
from procur.cli.steps import events as steps
from procur.cli.workspace import Workspace
from procur.core.errors import NotAllowed
from procur.db import Session
from procur.events.event import Event
from procur.events.groups import Retrying
from procur.events.handlers import Handler
from procur.events.inprocess import deliver


def _choke(_session: Session, event: Event) -> None:
    if event.type == "UserAdded":
        raise ValueError("no room for people")


CHOKES = Handler("directory", frozenset(), _choke)


@pytest.fixture
def choked(company: Terminal, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """A company of which a group could not take in who its people are."""
    workspace = Workspace(company.home)
    deliver(workspace.database, [CHOKES], retrying=Retrying(attempts=1))
    workspace.close()
    monkeypatch.setattr(steps, "handlers", lambda: (CHOKES,))
    return company


def test_facts_are_shown_and_followed(company: Terminal) -> None:
    told = company.told("events", "tail", "--limit", "1000")
    events = told["events"]
    assert [each["position"] for each in events] == list(range(1, len(events) + 1))
    assert told["next"] == len(events)
    assert company.told("events", "tail", "--type", "Nothing") == {"events": [], "next": len(events)}
    assert company.told("events", "tail", "--limit", "1")["events"] == events[-1:]
    assert company.told("events", "tail", "--after", str(len(events)))["events"] == []
    added = company.told("events", "tail", "--type", "UserAdded")["events"]
    assert added == [each for each in events if each["type"] == "UserAdded"] != []
    mail = added[-1]["about"].removeprefix("user ")
    assert added[-1] in company.told("events", "tail", "--aggregate", mail)["events"]
    assert "UserAdded" in company("events", "tail").out
    shown = company.told("events", "show", added[0]["id"])
    assert shown == company.told("events", "show", str(added[0]["position"]))
    assert shown["deliveries"] == []
    workspace = Workspace(company.home)
    following = steps.follow(workspace, after=len(events) - 1, types=(), aggregate=None)
    assert next(following) == events[-1]
    assert next(following) is None
    company.told("company", "--country", "DE")
    assert (next(following) or {})["position"] == len(events) + 1
    workspace.close()


def test_nothing_to_show_is_said(company: Terminal) -> None:
    assert "No dead letters" in company("events", "dead").out
    assert "No facts" in company("events", "tail", "--type", "Nothing").out
    assert company("events", "show", "999999", "--json").error["code"] == "not_found"


def test_dead_letters_are_listed_redriven_and_given_up(choked: Terminal) -> None:
    dead = choked.told("events", "dead")["dead"]
    number = len(dead)
    assert {each["error"] for each in dead} == {"ValueError: no room for people"}
    (group,) = choked.told("events", "groups")["groups"]
    assert (group["group"], group["behind"], group["pending"], group["dead"]) == ("directory", 0, 0, number)
    shown = choked.told("events", "show", dead[0]["event"]["id"])
    assert [one["state"] for one in shown["deliveries"]] == ["dead"]
    assert "no room for people" in choked("events", "dead", "directory").out
    assert "directory" in choked("events", "groups").out
    assert choked.told("events", "redrive", dead[0]["id"]) == {"redriven": 1}
    assert choked.told("events", "redrive", "directory") == {"redriven": number - 1}
    assert choked.told("events", "dead")["dead"] == []
    _deliver(choked)
    again = choked.told("events", "dead")["dead"]
    assert len(again) == number
    ids = [each["event"]["id"] for each in again]
    assert choked.told("events", "drop", *ids, "--reason", "tests are no people") == {"dropped": number}
    assert choked.told("events", "dead")["dead"] == []
    for arguments in (["redrive", ids[0]], ["drop", ids[0], "--reason", "x"]):
        assert choked("events", *arguments, "--json").error["code"] == "not_found"
    facts = {each["type"] for each in choked.told("events", "tail")["events"]}
    assert {"DeadLettersRedriven", "DeadLettersDropped"} <= facts
    trail = [each["action"] for each in choked.told("audit", "list")["entries"]]
    assert trail.count("dead_letters_redriven") == 2


def test_what_would_reach_nobody_is_refused(choked: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    dead = [each["id"] for each in choked.told("events", "dead")["dead"]]
    for arguments in (["redrive", dead[0], "directroy"], ["redrive", "directory", "other"]):
        assert choked("events", *arguments, "--json").error["code"] == "invalid_input"
    monkeypatch.setattr(steps, "handlers", lambda: (Handler("another", frozenset(), _choke),))
    for arguments in (
        ["redrive", "directory"],
        ["redrive", dead[0]],
        ["replay", "directory", "--since", "2026-01-01"],
    ):
        error = choked("events", *arguments, "--json").error
        assert (error["code"], error["hint"]) == ("not_found", "groups: another")
    assert [each["id"] for each in choked.told("events", "dead")["dead"]] == dead


def test_a_group_is_replayed(choked: Terminal) -> None:
    last = choked.told("events", "tail")["next"]
    told = choked.told("events", "replay", "directory", "--from-position", "1")
    assert told == {"group": "directory", "position": 1, "facts": last}
    (group,) = choked.told("events", "groups")["groups"]
    assert (group["behind"], group["dead"]) == (last, 0)
    _deliver(choked)
    told = choked.told("events", "replay", "directory", "--since", "2100-01-01")
    assert told["facts"] == 0
    (first, *_) = choked.told("events", "tail", "--after", "0")["events"]
    assert choked.told("events", "replay", "directory", "--from-event", first["id"])["position"] == 1
    for arguments in (["nobody", "--from-position", "1"], ["directory", "--from-event", str(UUID(int=1))]):
        assert choked("events", "replay", *arguments, "--json").error["code"] == "not_found"
    for more in ([], ["--since", "x"], ["--from-position", "1", "--since", "2026-01-01"]):
        assert choked("events", "replay", "directory", *more, "--json").error["code"] == "invalid_input"


def test_only_who_may_manage_work_changes_it(choked: Terminal) -> None:
    workspace = Workspace(choked.home, who="bob@acme.example")
    for change in (
        lambda: steps.redrive(workspace, ("directory",)),
        lambda: steps.replay(workspace, "directory", position=1, since=None, event=None),
    ):
        with pytest.raises(NotAllowed):
            change()
    assert steps.dead(workspace, None, limit=1)["dead"]
    workspace.close()


def _deliver(terminal: Terminal) -> None:
    workspace = Workspace(terminal.home)
    deliver(workspace.database, [CHOKES], retrying=Retrying(attempts=1))
    workspace.close()
