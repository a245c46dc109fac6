"""`procur usage`: what is used, and the plan."""

import pytest

from factories.terminal import Terminal
from procur.core.plans import METERS, PLANS


def test_usage_is_shown_with_the_limits_of_the_plan(company: Terminal) -> None:
    told = company.told("usage")
    assert told["plan"] == "free"
    assert [line["meter"] for line in told["meters"]] == list(METERS)
    analyses = told["meters"][0]
    assert (analyses["used"], analyses["limit"], analyses["percent"]) == (
        0,
        PLANS["free"].limits["analyses"],
        0,
    )
    shown = company("usage")
    assert shown.code == 0
    assert "analyses" in shown.out
    assert "start anew" in shown.out


def test_the_plan_is_shown_and_changed(company: Terminal) -> None:
    assert company.told("usage", "plan")["limits"]["seats"] == PLANS["free"].limits["seats"]
    told = company.told("usage", "plan", "pro", "--limit", "seats=7", "--limit", "reports=unlimited")
    assert (told["plan"], told["limits"]["seats"], told["limits"]["reports"]) == ("pro", 7, "unlimited")
    told = company.told("usage", "plan", "--limit", "seats=plan")
    assert (told["plan"], told["own_limits"]) == ("pro", {"reports": "unlimited"})
    assert "unlimited" in company("usage", "plan").out
    assert "unlimited" in company("usage").out
    seats = company.told("usage")["meters"][5]
    assert (seats["meter"], seats["used"]) == ("seats", 2)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("gold",), "invalid_input"),
        (("--limit", "chairs=5"), "invalid_input"),
        (("--limit", "seats"), "invalid_input"),
        (("--limit", "seats=-5"), "invalid_input"),
        (("pro", "--as", "bob@acme.example"), "not_allowed"),
    ],
)
def test_what_is_unfit_or_not_allowed_is_refused(
    company: Terminal, arguments: tuple[str, ...], code: str
) -> None:
    assert company("usage", "plan", *arguments, "--json").error["code"] == code
    assert company.told("usage", "plan")["plan"] == "free"


def test_without_a_database_usage_says_what_to_do(terminal: Terminal) -> None:
    told = terminal("usage", "--json").error
    assert told["code"] == "not_found"
    assert told["hint"]
