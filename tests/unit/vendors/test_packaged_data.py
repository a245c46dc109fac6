from collections.abc import Callable
from decimal import Decimal
from importlib.resources import files
from pathlib import Path

import pytest

from procur.vendors.catalogue import ATTRIBUTION, Plan, VendorDraft, read_demo_catalogue, read_file

DATA = files("procur.vendors") / "data"
SHARED = Path(__file__).parents[4] / "shared" / "data" / "pricing"


@pytest.fixture
def vendor() -> Callable[[str], VendorDraft]:
    return {each.vendor_id: each for each in read_demo_catalogue()}.__getitem__


def plan(vendor: VendorDraft, name: str) -> Plan:
    return next(each for each in vendor.plans if each.name == name)


@pytest.mark.parametrize("name", ["saas_list_prices.json", "saas_price_history_2019_2025.csv"])
def test_packaged_files_are_the_original_ones(name: str) -> None:
    if not SHARED.is_dir():
        pytest.skip("the original data set is not at hand")
    assert (DATA / name).read_bytes() == (SHARED / name).read_bytes()


def test_everything_is_read() -> None:
    vendors = read_demo_catalogue()
    assert len(vendors) == 29
    assert sum(len(each.plans) for each in vendors) == 120
    assert sum(len(each.add_ons) for each in vendors) == 144
    assert sum(len(each.price_history) for each in vendors) == 729


def test_no_price_ever_was_a_float() -> None:
    prices = [plan.list_price for each in read_demo_catalogue() for plan in each.plans if plan.list_price]
    assert all(type(price) is Decimal for price in prices)
    assert Decimal("29.26") in prices


def test_attribution_names_source_licence_and_that_it_is_no_offer() -> None:
    for part in ("isa-group/SaaS-analysis", "10.5281/zenodo.16106711", "CC BY 4.0", "not offers"):
        assert part in ATTRIBUTION
    assert "CC BY 4.0" in (DATA / "PROVENANCE.md").read_text(encoding="utf-8")


def test_names_on_price_pages_are_claims_and_never_more(vendor: Callable[[str], VendorDraft]) -> None:
    evidence = [each for draft in read_demo_catalogue() for each in draft.evidence]
    assert {each.kind for each in evidence} == {"claimed"}
    box = {each.framework: each for each in vendor("box").evidence}
    assert set(box) == {"pci-dss", "hipaa", "hitech", "fedramp"}
    assert box["hipaa"].source.startswith("https://web.archive.org/")
    assert str(box["hipaa"].captured_on) == "2025-02-26"
    assert {each.framework for each in vendor("canva").evidence} == {"soc2", "iso27001"}
    assert all(not draft.certifications for draft in read_demo_catalogue())


def test_quote_only_plan_has_no_price(vendor: Callable[[str], VendorDraft]) -> None:
    enterprise = plan(vendor("notion"), "ENTERPRISE")
    assert (enterprise.quote_only, enterprise.list_price) == (True, None)


def test_limits_become_quantities(vendor: Callable[[str], VendorDraft]) -> None:
    assert plan(vendor("zoom"), "PRO").max_quantity == 9
    assert plan(vendor("zoom"), "BUSINESS").min_quantity == 10
    assert plan(vendor("databox"), "GROWTH").unlimited
    assert plan(vendor("canva"), "FREE").min_quantity is None


def test_placeholder_limit_of_a_quoted_plan_is_no_limit(vendor: Callable[[str], VendorDraft]) -> None:
    assert plan(vendor("canva"), "ENTERPRISE").max_quantity is None


def test_bare_month_beside_plans_per_user_is_not_a_flat_price(vendor: Callable[[str], VendorDraft]) -> None:
    assert plan(vendor("zenhub"), "TEAMS").unit == "other"
    assert plan(vendor("zenhub"), "TEAMS").published_unit == "/month"
    assert plan(vendor("databox"), "STARTER").unit == "account"


@pytest.mark.parametrize(
    ("vendor_id", "name", "unit"),
    [
        ("trello", "ENTERPRISE", "user"),
        ("figma", "PROFESSIONAL", "user"),
        ("hypercontext", "PRO", "user"),
        ("webflow", "WEBSITE_BASIC", "site"),
        ("mailchimp", "STANDARD", "other"),
        ("buffer", "TEAM", "other"),
        ("shopify", "BASIC", "other"),
    ],
)
def test_units_are_normalised(
    vendor: Callable[[str], VendorDraft], vendor_id: str, name: str, unit: str
) -> None:
    assert plan(vendor(vendor_id), name).unit == unit


def test_cut_feature_lists_are_marked(vendor: Callable[[str], VendorDraft]) -> None:
    assert not plan(vendor("clockify"), "ENTERPRISE").features_complete
    assert plan(vendor("trello"), "ENTERPRISE").features_complete
    assert "single sign-on" in vendor("clockify").features


def test_features_with_a_value_keep_it(vendor: Callable[[str], VendorDraft]) -> None:
    assert "canvas (LIMITED)" in plan(vendor("slack"), "FREE").features
    assert "invoiceBilling" in plan(vendor("github"), "FREE").features


def test_vendor_without_plans_is_kept(vendor: Callable[[str], VendorDraft]) -> None:
    assert vendor("okta").plans == ()
    assert len(vendor("okta").add_ons) == 18


def test_prepay_factor_belongs_to_priced_plans(vendor: Callable[[str], VendorDraft]) -> None:
    assert plan(vendor("notion"), "BUSINESS").prepay_factor == Decimal("0.8")
    assert plan(vendor("notion"), "ENTERPRISE").prepay_factor is None


def test_plans_survive_storage() -> None:
    for draft in read_demo_catalogue():
        for each in draft.plans:
            assert Plan.from_dict(each.as_dict()) == each


def test_add_ons_and_history_are_json_with_money_as_text(vendor: Callable[[str], VendorDraft]) -> None:
    notion_ai = next(each for each in vendor("notion").add_ons if each.name == "notionAi")
    assert notion_ai.as_dict()["list_price"] == "10"
    point = vendor("trello").price_history[0].as_dict()
    assert point["year"] == 2019
    assert isinstance(point["list_price"], str)


def test_packaged_format_is_read_as_a_file_too(tmp_path: Path) -> None:
    path = tmp_path / "prices.json"
    path.write_bytes((DATA / "saas_list_prices.json").read_bytes())
    report = read_file(path)
    assert report.clean
    assert [each.vendor_id for each in report.vendors] == [each.vendor_id for each in read_demo_catalogue()]
    assert report.vendors[0].plans == read_demo_catalogue()[0].plans
