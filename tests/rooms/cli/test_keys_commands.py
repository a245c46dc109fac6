"""`procur keys`: made once, shown once, closed for good."""

import pytest

from factories.terminal import Terminal
from procur.cli.workspace import Workspace
from procur.core.errors import NotSignedIn
from procur.web.deps import actor_by_key
from procur.web.uses import KeyUses


def test_a_key_is_shown_once_and_opens_until_it_is_revoked(company: Terminal) -> None:
    made = company.told(
        "keys", "add", "dashboard", "--scope", "events.read", "--scope", "work.read", "--days", "30"
    )
    workspace = Workspace(company.home)
    actor = actor_by_key(workspace.database, made["key"])
    assert actor.key_id is not None
    KeyUses(workspace.database).note(actor.key_id)
    assert actor.id == "alice@acme.example"
    assert actor.may("events.read")
    assert not actor.may("user.write")  # its maker may, the key has no such scope
    (listed,) = company.told("keys", "list")["keys"]
    assert (listed["name"], listed["scopes"], listed["requests"]) == (
        "dashboard",
        ["events.read", "work.read"],
        1,
    )
    assert made["key"] not in company("keys", "list").out
    assert listed["hint"][1:] == made["key"][-4:]
    assert company.told("keys", "revoke", "dashboard", "--reason", "lost")["closed_now"] is True
    assert company.told("keys", "revoke", listed["id"])["closed_now"] is False
    with pytest.raises(NotSignedIn, match="revoked"):
        actor_by_key(workspace.database, made["key"])
    workspace.close()
    actions = [each["action"] for each in company.told("audit", "list")["entries"]]
    assert actions[-2:] == ["api_key_made", "api_key_revoked"]
    assert made["key"] not in str(company.told("audit", "list")) + str(company.told("events", "tail"))


def test_what_does_not_fit_is_refused(company: Terminal) -> None:
    for command, code in (
        (("add", "x", "--scope", "everything"), "invalid_input"),
        (("add", " ", "--scope", "events.read"), "invalid_input"),
        (("add", "x", "--scope", "events.read", "--until", "2020-01-01"), "invalid_input"),
        (("add", "x", "--scope", "events.read", "--until", "2099-01-01", "--days", "1"), "invalid_input"),
        (("add", "x", "--scope", "events.read", "--as", "bob@acme.example"), "not_allowed"),
        (("revoke", "nobody"), "not_found"),
    ):
        assert company("keys", *command, "--json").error["code"] == code
    assert "No keys" in company("keys", "list").out
