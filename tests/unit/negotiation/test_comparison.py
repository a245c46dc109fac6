from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from procur.core.deal import Terms
from procur.core.errors import InvalidInput
from procur.negotiation.comparison import Basis, Candidate, Comparison, Evidence, Weights, compare
from procur.negotiation.costing import total_cost

D = Decimal
QUICK = (Phase.explicit, Phase.reuse, Phase.generate)  # a comparison takes too long to shrink by


def terms(price: str, quantity: int = 50, months: int = 12, payment: str = "NET30") -> Terms:
    return Terms(D(price), quantity, months, payment, "USD")


def offer(vendor: str, price: str, fit: str = "0.8", **facts: Any) -> Candidate:
    deal = {key: facts.pop(key) for key in ("quantity", "months", "payment") if key in facts}
    facts.setdefault("data_age_days", 0)
    return Candidate(vendor, vendor.title(), "Pro", terms(price, **deal), D(fit), **facts)


BASIS = Basis(horizon_months=12, units=50, currency="USD")
ASANA = offer("asana", "19.80", "0.92", payment="NET60", evidence=(Evidence("soc2", "report"),))
MONDAY = offer("monday", "14.10", "0.81", months=24, unknown_requirements=("SSO",))
NOTION = offer(
    "notion", "15.20", "0.74", payment="PREPAID", evidence=(Evidence("soc2", "claimed"),), data_age_days=90
)
THREE = [ASANA, MONDAY, NOTION]


def picks(comparison: Comparison) -> dict[str, str]:
    return {found.name: found.key for found in comparison.picks}


def test_the_same_horizon_units_and_rate_for_all() -> None:
    year = total_cost(offer("a", "10", payment="PREPAID"), BASIS)
    assert [year.total, year.present_value, year.effective_unit_price] == [6000, 6000, 10]

    two = Basis(horizon_months=24, units=50, currency="USD")
    extended = total_cost(offer("a", "10", payment="PREPAID"), two)
    assert extended.total == 6000 + 6300  # the second year at 5 % more
    assert extended.present_value == D("11727.27")  # 6000 + 6300 / 1.1
    assert extended.effective_unit_price == D("9.7727")
    assert "assumed" in extended.lines[1].how
    assert total_cost(offer("a", "10", payment="PREPAID", uplift=D(0)), two).total == 12000

    locked = total_cost(offer("a", "10", months=36), two)
    assert locked.total == 12000
    assert (locked.lock_in, locked.lock_in_months) == (D(6000), 12)

    half = total_cost(offer("a", "10", months=6), Basis(18, 50, "USD"))
    assert half.total == 6000 + D("3150.00")  # no rise before a full year is over


def test_units_are_what_is_needed_or_what_must_be_bought() -> None:
    assert total_cost(offer("a", "10", quantity=60), BASIS).total == 7200
    short = total_cost(offer("a", "10", quantity=40), BASIS)
    assert short.total == 6000
    assert "10 of them beyond the offer" in short.lines[0].how


def test_every_line_is_stated() -> None:
    costs = {
        "implementation": D(100),
        "support": D(1200),
        "exit": D(500),
        "credits": D(50),
        "migration": D(0),
    }
    costed = total_cost(offer("a", "10", payment="PREPAID", costs=costs), Basis(18, 50, "USD"))
    told = {line.kind: f"{line.how}: {line.amount}" for line in costed.lines}
    assert told["training"] == "none stated: 0"
    assert told["migration"] == "once, at the start: 0"
    assert told["support"] == "per year, in advance: 1800.00"
    assert told["credits"] == "once, at the start: -50"
    exit_line = next(line for line in costed.lines if line.kind == "exit")
    assert exit_line.present_value < exit_line.amount == 500
    assert costed.present_value == sum(line.present_value for line in costed.lines)


def test_one_off_purchases() -> None:
    basis = Basis(horizon_months=0, units=10, currency="USD")
    laptops = offer("a", "900", quantity=10, months=0, costs={"support": D(100)})
    costed = total_cost(laptops, basis)
    assert costed.total == 9000
    assert "not counted" in next(line for line in costed.lines if line.kind == "support").how
    assert "for 10 units" in compare([laptops], basis).picks[1].why[0]


def test_three_picks_with_reasons_in_numbers() -> None:
    found = compare(THREE, BASIS)
    assert picks(found) == {
        "best_value": "monday/Pro",
        "lowest_cost": "monday/Pro",
        "lowest_risk": "asana/Pro",
    }
    cheapest = found.pick("lowest_cost")
    assert cheapest is not None
    assert cheapest.why == (
        "present value $8,393.99 over 12 months for 50 units, $13.99 per unit and month",
        "it also commits to $8,460.00 for 12 months beyond the horizon",
        "$726.01 (8.0%) less than the next, Notion Pro",
    )
    assert found.pick("no such pick") is None


def test_break_even_prices_are_where_the_pick_changes() -> None:
    for which in compare(THREE, BASIS).picks:
        for trigger in which.would_change:
            if trigger.kind not in ("unit_price", "own_unit_price"):
                continue
            wins = trigger.becomes if trigger.kind == "unit_price" else which.key
            step = D("0.01") if trigger.kind == "unit_price" else D("-0.01")
            moved = trigger.becomes if trigger.kind == "unit_price" else which.key
            at, beyond = (
                picks(compare([priced(c, price) if c.key == moved else c for c in THREE], BASIS))[which.name]
                for price in (D(trigger.value), D(trigger.value) + step)
            )
            assert (at == wins) is (trigger.kind == "unit_price")
            assert (beyond == wins) is (trigger.kind == "own_unit_price")


def priced(candidate: Candidate, price: Decimal) -> Candidate:
    return replace(candidate, terms=replace(candidate.terms, unit_price=price))


def triggers(comparison: Comparison, which: str) -> dict[str, str]:
    found = comparison.pick(which)
    assert found is not None
    return {trigger.kind: trigger.words for trigger in found.would_change}


def test_assumptions_that_would_change_a_pick_are_found() -> None:
    rivals = [offer("early", "9.60", payment="PREPAID"), offer("late", "9.70", payment="NET90")]
    words = triggers(compare(rivals, BASIS), "lowest_cost")
    assert words["cost_of_capital"] == ("with a cost of capital below 4.3% (now 10.0%) it would be Early Pro")
    below, above = (
        picks(compare(rivals, replace(BASIS, cost_of_capital=D(rate))))["lowest_cost"]
        for rate in ("0.042", "0.043")
    )
    assert (below, above) == ("early/Pro", "late/Pro")

    locked = [offer("short", "9.70"), offer("lock", "10.00", months=36)]
    long = triggers(compare(locked, replace(BASIS, horizon_months=36)), "lowest_cost")
    assert "yearly price rise after the term below" in long["uplift"]
    assert long["horizon"] == "over 60 months instead of 36 it would be Short Pro"


def test_missing_evidence_blocks_but_is_still_compared() -> None:
    strict = replace(BASIS, required_frameworks=("soc2",))
    found = compare(THREE, strict)
    assert set(picks(found).values()) == {"asana/Pro"}
    rows = {row["candidate"]: row for row in found.as_dict()["candidates"]}
    assert rows["notion/Pro"]["blocked"] == ["soc2 is required and its evidence is: claimed"]
    assert rows["notion/Pro"]["present_value"] == "9120.00"
    words = triggers(found, "best_value")
    assert words["proof"] in (
        "Notion Pro would be picked if it proves: soc2",
        "Monday Pro would be picked if it proves: soc2, SSO",
    )
    assert found.picks[0].why[-1] == "it is the only offer that can be picked"


def test_what_would_put_the_pick_out() -> None:
    words = triggers(compare(THREE, BASIS), "lowest_cost")
    assert words["requirement"] == "if soc2 were a must, Monday Pro is out and it would be Asana Pro"
    assert words["unmet"] == "if SSO turns out not to be met, Monday Pro is out and it would be Notion Pro"
    alone = triggers(compare([MONDAY], BASIS), "lowest_cost")
    assert alone["unmet"].endswith("nobody could be picked")


def test_nobody_to_pick() -> None:
    assert compare([], BASIS).reason == "there is no offer to compare"
    found = compare([replace(ASANA, blocked=("left the negotiation",))], BASIS)
    assert found.picks == ()
    assert found.reason == "no offer can be picked: Asana Pro: left the negotiation"
    assert len(found.rows) == 1


def test_extras_count_for_value_and_not_for_cost() -> None:
    deal = replace(terms("10"), value_adds=("training",))
    with_extra = replace(offer("a", "10"), terms=deal, value_adds={"training": D(800), "unused": D(5)})
    plain = offer("b", "9")
    found = compare([with_extra, plain], BASIS)
    assert picks(found)["best_value"] == "a/Pro"
    assert picks(found)["lowest_cost"] == "b/Pro"


def test_equal_offers_are_told_apart_the_same_way_each_time() -> None:
    twins = [offer("b", "10"), offer("a", "10")]
    assert set(picks(compare(twins, BASIS)).values()) == {"a/Pro"}


@pytest.mark.parametrize(
    ("candidates", "basis", "message"),
    [
        ([ASANA, ASANA], BASIS, "compared with itself"),
        ([ASANA], replace(BASIS, currency="EUR"), "is in USD"),
        ([ASANA], replace(BASIS, horizon_months=0), "needs a horizon"),
        ([ASANA], replace(BASIS, units=0), "at least one unit"),
        ([ASANA], replace(BASIS, weights=Weights(D(0), D(0), D(0))), "weights"),
        ([replace(ASANA, fit=D("1.1"))], BASIS, "fit"),
        ([replace(ASANA, costs={"bribe": D(1)})], BASIS, "bribe"),
    ],
)
def test_what_cannot_be_compared_is_refused(candidates: list[Candidate], basis: Basis, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        compare(candidates, basis)


offers = st.builds(
    offer,
    vendor=st.sampled_from(["a", "b", "c", "d"]),
    price=st.decimals(min_value="0.01", max_value=40, places=2).map(str),
    fit=st.decimals(min_value=0, max_value=1, places=2).map(str),
    months=st.sampled_from([1, 6, 12, 24, 36]),
    payment=st.sampled_from(["PREPAID", "NET30", "NET60"]),
    quantity=st.integers(40, 60),
    unknown_requirements=st.sampled_from([(), ("SSO",), ("SSO", "audit log")]),
    data_age_days=st.sampled_from([None, 10, 400]),
)
tables = st.lists(offers, min_size=1, max_size=4, unique_by=lambda found: found.key)


@settings(max_examples=30, deadline=None, phases=QUICK)
@given(tables, st.randoms(use_true_random=False), st.sampled_from([12, 24, 36]))
def test_the_order_given_does_not_matter(table: list[Candidate], chance: Any, months: int) -> None:
    basis = replace(BASIS, horizon_months=months)
    shuffled = list(table)
    chance.shuffle(shuffled)
    assert compare(table, basis).as_dict() == compare(shuffled, basis).as_dict()


@settings(max_examples=40, deadline=None, phases=QUICK)
@given(tables, st.integers(0, 3), st.decimals(min_value="0.01", max_value=10, places=2))
def test_a_lower_price_never_costs_a_pick(table: list[Candidate], which: int, less: Decimal) -> None:
    chosen = table[which % len(table)]
    cheaper = priced(chosen, max(chosen.terms.unit_price - less, D(0)))
    before = picks(compare(table, BASIS))
    after = picks(compare([cheaper if c.key == chosen.key else c for c in table], BASIS))
    for name, key in before.items():
        if key == chosen.key:
            assert after[name] == key
