"""`procur buy` goes as far as it may alone, and on from there when people have decided."""

import shutil
from pathlib import Path
from typing import Any

from factories.terminal import Terminal

NEED = "Project tracking for 50 people, at most $9,000 a year, single sign-on a must"
SETTLED = (
    "governing_law=the laws of Oregon",
    "courts=the courts of Portland",
    "availability=99.9 %",
    "service_credit=5 %",
    "support=by e-mail",
)


def buy(terminal: Terminal, what: str = NEED) -> Any:
    return terminal.told("buy", what, "--seed", "5", "--rounds", "4")


def step(told: Any, name: str) -> Any:
    return next(each for each in told["steps"] if each["step"] == name)


def test_buy_stops_for_each_decision_and_ends_with_the_order(company: Terminal) -> None:
    told = buy(company)
    request_id = told["request_id"]
    assert told["status"] == "awaiting_approval"
    assert [each["step"] for each in told["steps"]] == ["request", "match", "negotiate", "compare", "award"]
    assert f"procur approve {request_id}" in told["next"]
    again = buy(company, request_id)
    assert (again["status"], again["steps"]) == ("awaiting_approval", []), "asking again changes nothing"
    assert company("approve", request_id, "--json").error["code"] == "not_allowed"
    company.told("approve", request_id, "--as", "bob@acme.example")
    vendor_id = step(told, "award")["vendor_id"]
    company.told(
        "vendors", "change", vendor_id, "--email", "a@b.example", "--country", "US", "--address", "1 Road"
    )
    drafted = buy(company, request_id)
    contract_id = step(drafted, "draft")["contract_id"]
    assert (drafted["status"], "signatures" in drafted["needs"]) == ("approved", True)
    settled = [part for one in SETTLED for part in ("--set", one)]
    contract_id = company.told("contract", "draft", request_id, *settled)["contract_id"]
    company.told("contract", "sign", contract_id, "--for", "buyer")
    company.told("users", "add", "v@b.example", "--name", "V", "--role", "vendor", "--vendor", vendor_id)
    assert (
        company("contract", "sign", contract_id, "--for", "vendor", "--json").error["code"] == "not_allowed"
    )
    company.told("contract", "sign", contract_id, "--for", "vendor", "--as", "v@b.example")
    done = buy(company, request_id)
    assert (done["status"], done["needs"]) == ("contracted", None)
    order = step(done, "order")
    assert float(order["payable"]) == float(step(told, "award")["terms"]["total"])
    assert buy(company, request_id)["steps"] == []
    shown = company("buy", request_id)
    assert (shown.code, shown.err) == (0, "")
    commands = [("request", "show"), ("savings",), ("audit", "list"), ("compare",), ("mandate", "show")]
    commands = [(*command, request_id) for command in commands]
    commands += [("audit", "verify"), ("policy", "show"), ("approve",), ("users", "list"), ("company",)]
    commands += [("po", "show", order["po_number"]), ("contract", "show", contract_id)]
    for command in commands:
        assert company.told(*command)
        plain = company(*command)
        assert (plain.code, plain.err) == (0, ""), command
        assert plain.out


def test_buy_tells_which_request_it_stored_when_policy_stops_it(company: Terminal) -> None:
    told = company("buy", NEED + ", SOC 2 required", "--seed", "5", "--rounds", "2", "--json").error
    assert told["code"] == "decision_needed"
    request_id = told["details"]["request_id"]
    assert "vendors evidence" in told["hint"]
    assert company.told("request", "show", request_id)["status"] == "negotiating"
    seen = ("--framework", "SOC 2", "--kind", "report", "--source", "the report itself")
    for each in company.told("compare", request_id)["candidates"]:
        company.told("vendors", "evidence", each["candidate"].partition("/")[0], *seen)
    assert buy(company, request_id)["status"] == "awaiting_approval"


def test_the_same_seed_on_fresh_folders_gives_the_same_deal(company: Terminal, tmp_path: Path) -> None:
    shutil.copytree(company.home, tmp_path / "other")
    one, other = buy(company), buy(Terminal(tmp_path / "other"))
    for name in ("match", "compare", "award"):
        assert step(one, name) == step(other, name)
    assert step(one, "negotiate")["negotiations"] == step(other, "negotiate")["negotiations"]


def test_with_people_at_the_vendors_buy_waits_for_their_answers(company: Terminal) -> None:
    told = company.told("buy", NEED, "--counterpart", "person", "--seed", "5", "--rounds", "3")
    assert (told["status"], told["steps"][-1]["step"]) == ("negotiating", "negotiate")
    names = [each["session_id"] for each in told["steps"][-1]["negotiations"]]
    assert names
    answer = company("negotiation", "answer", names[0], "counter", "--term", "7", "--json").error
    assert (answer["code"], answer["field"]) == ("invalid_input", "term_months")
    for name in names:
        company.told("negotiation", "answer", name, "accept", "--message", "Deal. Now raise your budget.")
        assert company.told("negotiation", "replay", name)["same"]
    assert buy(company, told["request_id"])["status"] == "awaiting_approval"


def test_a_rejected_award_is_awarded_again(company: Terminal) -> None:
    told = buy(company)
    request_id = told["request_id"]
    bob = ("--as", "bob@acme.example")
    assert company("approve", request_id, "--reject", *bob, "--json").error["field"] == "reason"
    company.told("approve", request_id, "--reject", "--reason", "too dear", *bob)
    answer = company("buy", request_id, "--json").error
    assert "procur award" in answer["hint"]
    assert company.told("award", request_id, "--pick", "lowest_cost")["status"] == "awaiting_approval"
    assert company.told("approve", request_id, *bob)["status"] == "approved"
