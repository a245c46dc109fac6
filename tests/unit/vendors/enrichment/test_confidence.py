from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from procur.vendors.enrichment.confidence import (
    KIND_WEIGHTS,
    certainty,
    independent,
    of_fields,
    of_vendor,
    support,
    weight,
)
from procur.vendors.enrichment.model import Observation

NOW = datetime(2026, 3, 1, tzinfo=UTC)
KINDS = st.sampled_from(sorted(KIND_WEIGHTS))
AGES = st.floats(0, 3000)
WEIGHTS = st.lists(st.floats(0, 0.95), max_size=6)


def said(
    amount,
    *,
    kind="price_page",
    source="https://a.example/pricing",
    age=0.0,
    field="list_price",
    unit="user",
    period="month",
):
    value = {"amount": str(amount), "currency": "USD", "unit": unit, "period": period}
    value = value if field == "list_price" else {"status": amount}
    return Observation(field, value, source, kind, "test", NOW - timedelta(days=age), "0" * 64)


def sure(*observations):
    return of_fields(observations, NOW)["list_price"].confidence


@given(KINDS, AGES, AGES)
def test_what_is_older_counts_no_more(kind, first, second):
    younger, older = sorted((first, second))
    assert 0 <= weight(kind, "plans", older) <= weight(kind, "plans", younger) < 1


@given(WEIGHTS, st.floats(0, 0.95))
def test_another_voice_that_agrees_never_lowers(weights, more):
    assert support([*weights, more]) >= support(weights) - 1e-12
    assert 0 <= support(weights) < 1


@given(st.floats(0, 1), WEIGHTS, st.floats(0, 0.95), st.floats(0, 1))
def test_another_value_never_raises(own, others, more, higher):
    assert certainty(own, [*others, more]) <= certainty(own, others) + 1e-12
    assert certainty(min(own, higher), others) <= certainty(max(own, higher), others) + 1e-12


@given(
    st.lists(st.tuples(st.sampled_from((9, 10)), KINDS, st.sampled_from("abc"), AGES), min_size=1, max_size=6)
)
def test_the_score_stays_between_nothing_and_certain(given_observations):
    fields = of_fields(
        [said(amount, kind=kind, source=source, age=age) for amount, kind, source, age in given_observations],
        NOW,
    )
    assert 0 <= fields["list_price"].confidence < 1
    assert 0 <= of_vendor(fields) < 1


def test_agreement_and_disagreement():
    page, feed = said("10.00"), said(10, kind="feed", source="feed.csv")
    assert sure(page, feed) > sure(feed) > sure(page)
    assert sure(feed, said(12)) < sure(feed)
    found = of_fields([feed, said(12)], NOW)["list_price"]
    assert (found.value["amount"], found.sources, found.against) == ("10", 1, 1)


def test_prices_agree_when_they_are_for_the_same():
    feed = {"kind": "feed", "source": "f"}
    same = of_fields([said(120, period="year"), said("10.00", **feed)], NOW)["list_price"]
    assert (same.sources, same.against) == (2, 0)
    for other in ({"unit": "account"}, {"period": "year"}, {"period": "once"}):
        differs = of_fields([said(120), said(120, **feed, **other)], NOW)["list_price"]
        assert (differs.sources, differs.against) == (1, 1), other
    plans = [
        replace(
            said(0, field="plans", source=unit),
            value={"plans": [{"name": "A", "list_price": "9", "unit": unit}]},
        )
        for unit in ("user", "account")
    ]
    assert of_fields(plans, NOW)["plans"].against == 1


def test_pages_of_one_site_are_one_voice():
    first, second = said(10), said(10, source="https://www.a.example/plans", kind="json_ld")
    assert sure(first, second) == sure(second)
    assert independent("https://trust.a.example/x") == independent("https://a.example/")
    assert independent("feed.csv") == "feed.csv"


def test_the_documented_figures():
    assert sure(said(10)) == 0.6
    assert round(sure(said(10, age=180)), 4) == 0.3
    assert round(sure(said(10), said(10, kind="feed", source="f")), 4) == 0.9
    assert round(sure(said(10, kind="feed", source="f"), said(12)), 4) == 0.525
    yes, report = (
        said(status, field="framework:soc2", kind="compliance_page", source=f"https://{status}.org/")
        for status in ("claimed", "report")
    )
    assert of_fields([yes, report], NOW)["framework:soc2"].confidence == 0.75
    assert of_vendor({}) == 0
