"""`procur vendors enrich` and `observations`, against a vendor's web server on loopback."""

import builtins

import pytest

from factories.pages import serving
from factories.terminal import Terminal


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch):
    with serving() as pages:
        monkeypatch.setenv("PROCUR_NET_ALLOW", pages.place)
        monkeypatch.setenv("PROCUR_NET_RATE", "1000")
        pages.put("/", '<a href="/pricing">Pricing</a><a href="/security">Security</a>')
        pages.put(
            "/pricing", "<div><h3>Team</h3><p>$8.75 per user / month</p></div><div><h3>Big</h3>Custom</div>"
        )
        pages.put("/security", "<p>We are SOC 2 Type II certified.</p>")
        yield pages


def test_looking_at_a_vendor_and_at_what_is_known(company: Terminal, site) -> None:
    unknown = company.told("vendors", "observations", "slack")
    assert all(each["kind"] == "import" for each in unknown["observations"])
    company.told("vendors", "change", "slack", "--website", site.url("/"))
    told = company.told("vendors", "enrich", "slack")
    [done] = told["vendors"]
    assert (done["state"], done["changed"], done["claims"]) == ("done", [], 1)
    assert done["skipped"] == {}
    known = company.told("vendors", "observations", "slack")
    [seen] = [
        each
        for each in known["observations"]
        if each["source"] == site.url("/pricing") and each["field"] == "plans"
    ]
    assert (seen["value"], seen["kind"]) == ("Team 8.75, Big quoted", "price_page")
    assert known["confidence"] == done["confidence"]
    shown = company("vendors", "observations", "slack")
    assert "soc2" in shown.out
    assert "certified (Type II)" in shown.out
    assert "confidence" in company("vendors", "show", "slack").out
    assert [
        each["kind"]
        for each in company.told("vendors", "show", "slack")["evidence"]
        if each["framework"] == "soc2"
    ][-1] == "claimed"


def test_asking_only_and_choosing_wrongly(company: Terminal, site) -> None:
    company.told("vendors", "change", "slack", "--page", site.url("/pricing"), "--page", site.url("/gone"))
    asked = company("vendors", "enrich", "slack", "--background")
    assert "procur work" in asked.out
    assert site.paths() == []
    for wrong in ((), ("slack", "--all"), ("--all", "--stale", "3")):
        assert company("vendors", "enrich", *wrong, "--json").error["field"] == "vendor_id"
    assert company("vendors", "enrich", "nobody", "--json").error["code"] == "not_found"
    assert company.told("vendors", "enrich", "--stale", "36500")["asked"] == []


def test_a_missing_extra_is_said_at_once(company: Terminal, site, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *rest: object, **more: object):
        if name.startswith(("selectolax", "protego")):
            raise ImportError(name)
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    error = company("vendors", "enrich", "slack", "--json").error
    assert (error["code"], error["hint"]) == ("not_configured", "pip install 'procur[enrichment]'")
    assert site.paths() == []


def test_prices_from_a_page_are_confirmed_by_hand(company: Terminal, site) -> None:
    catalogue = company.home / "new.csv"
    catalogue.write_text(f"vendor_id,name,category,currency,website\nnew,New,crm,USD,{site.url('/')}\n")
    company.told("vendors", "import", str(catalogue))
    company.told("vendors", "enrich", "new")
    shown = company("vendors", "show", "new").out
    assert site.url("/pricing") in shown.replace("\n", "")
    assert "confirm-prices" in shown
    assert "confirmed" in company("vendors", "confirm-prices", "new").out
    assert company.told("vendors", "show", "new")["unconfirmed_prices_from"] is None
    assert company("vendors", "confirm-prices", "new", "--json").error["field"] == "vendor_id"
    known = company.told("vendors", "observations", "new")["observations"]
    assert "person" in {each["kind"] for each in known if each["field"] == "plans"}
