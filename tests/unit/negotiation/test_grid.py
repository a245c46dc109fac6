"""The goals that the engine was accepted with, on the rebuilt grid, with one seed per case."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

GRID = Path(__file__).parents[3] / "benchmarks" / "negotiation_grid.py"


@pytest.fixture(scope="module")
def figures():
    done = subprocess.run(
        [sys.executable, str(GRID), "--short", "--json"], capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


def test_no_deal_is_below_the_floor_over_the_budget_or_under_the_buyers_own_bid(figures):
    assert figures["faults"] == 0


def test_the_buyer_reaches_its_goals_on_price_alone(figures):
    reached = figures["price"]["all"]
    assert reached["agreement"] >= 0.97
    assert reached["mean_savings"] >= 0.085
    assert reached["mean_share"] >= 0.55


def test_the_buyer_reaches_its_goals_with_every_issue_on_the_table(figures):
    reached = figures["terms"]["all"]
    assert reached["agreement"] >= 0.97
    assert reached["mean_savings"] >= 0.085
    assert reached["mean_share"] >= 0.55


def test_even_the_tough_sellers_give_more_than_nothing(figures):
    assert figures["price"]["seller"]["tough"]["mean_savings"] > 0.05
