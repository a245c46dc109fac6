"""`procur keys`: made once, shown once, closed for good."""

import pytest

from factories.terminal import Terminal
from procur.cli.workspace import Workspace
from procur.core.errors import NotSignedIn
from procur.db.repositories import ApiKeyRepository, UserRepository
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


def test_any_number_of_keys_can_be_listed_and_closed(company: Terminal) -> None:
    workspace = Workspace(company.home)
    with workspace.database.get_session() as session:
        maker = UserRepository(session).get_all()[0]
        keys = ApiKeyRepository(session)
        for each in range(1001):
            keys.create(
                name=f"k{each}", key_prefix="procur_", key_hash=f"{each:064x}", key_hint=f"{each:04d}",
                scopes=["events.read"], created_by=maker.id,
            )  # fmt: skip
    workspace.close()
    made = company.told("keys", "add", "leaked", "--scope", "events.read")
    decoy = company.told("keys", "add", made["id"], "--scope", "events.read")  # named as another's id
    pages, cursor = [], None
    while cursor is not None or not pages:
        more = () if cursor is None else ("--cursor", cursor)
        told = company.told("keys", "list", "--limit", "500", *more)
        pages.append([each["name"] for each in told["keys"]])
        cursor = told["next_cursor"]
    assert [len(page) for page in pages] == [500, 500, 3]
    assert pages[0][:2] == [made["id"], "leaked"]
    assert "more: --cursor" in company("keys", "list").out
    assert company.told("keys", "revoke", made["id"])["id"] == made["id"]
    assert company.told("keys", "revoke", decoy["hint"][1:])["id"] == decoy["id"]
    assert company.told("keys", "revoke", "k7")["closed_now"] is True
    assert company.told("keys", "add", "k7", "--scope", "events.read")["name"] == "k7"
    assert company.told("keys", "revoke", "k7")["closed_now"] is True  # the one that is open
    for _ in range(2):
        company.told("keys", "add", "twin", "--scope", "events.read")
    assert company("keys", "revoke", "twin", "--json").error["code"] == "invalid_input"
