"""Workers that are killed at their rounds change nothing: `benchmarks/durability/rounds.py` in small."""

import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).parents[3] / "benchmarks" / "durability" / "rounds.py"


@pytest.mark.timeout(300)
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_killed_workers_change_nothing(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest, counted: Any
) -> None:
    spec = importlib.util.spec_from_file_location("rounds_under_kills", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    rounds = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = rounds
    spec.loader.exec_module(rounds)
    server = request.getfixturevalue("postgres_server") if kind == "postgresql" else None
    plan = rounds.Plan(requests=1, rounds=4, kills=2, workers=2, lease=3.0, limit=240.0)
    told = rounds.chaos(kind, tmp_path, plan, server)
    # How long jobs wait is the benchmark's to judge: here other tests keep the processors busy.
    wrong = [one for one in told["deviations"] if not one.startswith("idle")]
    assert (wrong, told["kills"]) == ([], 2)
    counted(told["rounds"], "rounds under kills")
