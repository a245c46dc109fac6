"""Pages written by hand that must not fall behind the code."""

from pathlib import Path

from procur.approvals.facts import FACTS
from procur.approvals.parsing import OPERATORS
from procur.core.errors import ProcurError
from procur.core.plans import METERS, PLANS

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"


def lines(page: str) -> list[str]:
    return (REFERENCE / page).read_text(encoding="utf-8").splitlines()


def test_every_fact_of_a_policy_is_described():
    page = lines("policy-format.md")
    rows = [f"| `{name}` | {kind} | {meaning} |" for name, (kind, meaning) in FACTS.items()]
    assert [row for row in rows if row not in page] == []


def test_every_operator_stands_with_its_kind():
    page = lines("policy-format.md")
    rows = [f"| `{kind}` | {' '.join(f'`{name}`' for name in names)} |" for kind, names in OPERATORS.items()]
    assert [row for row in rows if not any(line.startswith(row) for line in page)] == []


def test_every_meter_stands_with_the_limits_of_the_plans():
    page = lines("plans-and-usage.md")
    rows = []
    for name, meter in METERS.items():
        again = "never" if meter.period == "total" else f"every {meter.period}"
        limits = ("unlimited" if plan.limits[name] is None else plan.limits[name] for plan in PLANS.values())
        rows.append(f"| `{name}` | {meter.meaning} | {again} | {' | '.join(map(str, limits))} |")
    assert [row for row in rows if row not in page] == []


def test_every_error_stands_with_its_code_and_status():
    page = lines("errors.md")
    # Those without a code of their own end a job, and are seen by nobody.
    kinds = [kind for kind in ProcurError.__subclasses__() if "code" in vars(kind)]
    rows = [f"| `{kind.code}` | `{kind.__name__}` | {kind.status} |" for kind in kinds]
    assert rows
    assert [row for row in rows if not any(line.startswith(row) for line in page)] == []
