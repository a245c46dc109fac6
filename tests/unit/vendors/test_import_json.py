import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from procur.core.errors import InvalidInput
from procur.vendors.catalogue import ImportReport, read_file

Read = Callable[..., ImportReport]


def reason(report: ImportReport) -> str:
    assert len(report.rejected) == 1, report.rejected
    return report.rejected[0].reason


def vendor(**fields: Any) -> dict[str, Any]:
    return {"vendor_id": "acme", "name": "Acme", "category": "crm", "currency": "USD"} | fields


def with_plan(**fields: Any) -> list[dict[str, Any]]:
    return [vendor(plans=[{"name": "TEAM", "list_price": 5} | fields])]


def test_fewest_above_most_is_refused(read: Read) -> None:
    report = read(with_plan(min_quantity=10, max_quantity=5), ".json")
    assert "10 is above max_quantity 5" in reason(report)


@pytest.mark.parametrize("wrap", [lambda entries: entries, lambda entries: {"vendors": entries}])
def test_json_lists_vendors(read: Read, wrap: Callable[[Any], Any]) -> None:
    report = read(wrap([vendor(plans=[{"name": "A", "list_price": "0.10"}])]), ".json")
    assert report.vendors[0].plans[0].list_price == Decimal("0.10")
    assert report.counted_in == "entry"


def test_json_fractions_never_become_floats(read: Read) -> None:
    content = json.dumps(with_plan(list_price="PRICE")).replace('"PRICE"', "29.2600")
    assert str(read(content, ".json").vendors[0].plans[0].list_price) == "29.2600"


@pytest.mark.parametrize(
    ("entries", "field", "why"),
    [
        ([vendor(colour="red")], "colour", "is not a field"),
        ([vendor(name=5)], "name", "must be text, not a number"),
        ([vendor(name="a\ud800b")], "name", "U+D800"),
        ([vendor(features="sso")], "features", "must be a list, not text"),
        ([vendor(plans={})], "plans", "list of objects"),
        (["acme"], "entry", "must be an object"),
        (with_plan(list_price=True), "plans[0].list_price", "must be a number"),
        (with_plan(list_price=-1), "plans[0].list_price", "below zero"),
        (with_plan(list_price=[]), "plans[0].list_price", "is missing"),
        (with_plan(quote_only=True), "plans[0].list_price", "although the plan is quote only"),
        (with_plan(name=""), "plans[0].name", "is missing"),
        (with_plan(prize=5), "plans[0].prize", "is not a field"),
        ([vendor(plans=[{}])], "plans[0].name", "is missing"),
        ([vendor(plans=[{"name": "A", "list_price": 1}] * 2)], "plans[1].name", "stands twice"),
        ([vendor(evidence=[{"framework": "SOC 2", "kind": "sure"}])], "evidence[0].kind", "must be one of"),
        ([vendor(), vendor()], "vendor_id", "stands twice"),
    ],
)
def test_bad_entries_name_number_field_and_reason(read: Read, entries: Any, field: str, why: str) -> None:
    report = read(entries, ".json")
    assert (field, len(entries)) in {(each.field, each.line) for each in report.rejected}
    assert any(why in each.reason for each in report.rejected if each.field == field)
    assert report.vendors == ()


@pytest.mark.parametrize(
    "content",
    ["{", "[NaN]", '[{"name": 1, "name": 2}]', "[" * 100_000, '"text"', "{}", "[1" + "0" * 5000 + "]"],
)
def test_files_that_are_no_list_of_vendors_are_refused(read: Read, content: str) -> None:
    with pytest.raises(InvalidInput):
        read(content, ".json")


def test_compliance_words_become_claims_with_their_source(read: Read) -> None:
    entry = vendor(
        source="https://acme.example/pricing",
        captured_on="2026-03-31",
        certifications=["ISO 27001"],
        plans=[{"name": "A", "list_price": 1, "features": ["SOC 2 compliance"]}],
    )
    (acme,) = read([entry], ".json").vendors
    assert {(each.framework, each.kind) for each in acme.evidence} == {
        ("soc2", "claimed"),
        ("iso27001", "claimed"),
    }
    assert {each.source for each in acme.evidence} == {"https://acme.example/pricing"}
    assert str(acme.evidence[0].captured_on) == "2026-03-31"


def test_stated_evidence_stands_for_the_claim(read: Read) -> None:
    entry = vendor(
        features=["SOC 2"],
        evidence=[{"framework": "SOC 2 Type II", "kind": "report", "valid_until": "2027-01-31"}],
    )
    (acme,) = read([entry], ".json").vendors
    assert [(each.framework, each.kind, each.source) for each in acme.evidence] == [
        ("soc2", "report", "imported from vendors.json")
    ]


@settings(max_examples=200, deadline=None)
@given(
    entry=st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=8),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    [
                        "id",
                        "vendor",
                        "plans",
                        "plan",
                        "name",
                        "list_price",
                        "features",
                        "limits",
                        "add_ons",
                        "unit",
                        "vendor_id",
                        "category",
                        "currency",
                        "evidence",
                        "security_features_named",
                        "features_on",
                    ]
                ),
                inner,
                max_size=8,
            )
        ),
        max_leaves=20,
    )
)
def test_no_entry_breaks_the_reader(entry: Any, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("fuzz") / "vendors.json"
    path.write_text(json.dumps([entry, {"id": "x", "vendor": entry, "plans": entry, "limits": entry}]))
    report = read_file(path)
    assert not report.clean
    assert all(isinstance(each.reason, str) and each.reason for each in report.rejected)
