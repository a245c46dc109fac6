"""`procur demo` finishes, and gives the same documents for the same seed."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from procur.cli import root


def demo(home: Path, *more: str) -> dict[str, Any]:
    done = CliRunner().invoke(root, ["demo", "--home", str(home), "--json", *more], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def files(home: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (home / "documents").iterdir()}


def test_the_demo_finishes_twice_in_one_folder_and_names_what_it_made(tmp_path: Path) -> None:
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-m", "procur", "demo", "--home", "here"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, "")
        assert "PO-2026-00001" in done.stdout
        assert "intact" in done.stdout


def test_the_same_seed_gives_identical_files_and_another_seed_another_deal(tmp_path: Path) -> None:
    first, second, third = (demo(tmp_path / name, *seed) for name, seed in
                            (("a", ()), ("b", ()), ("c", ("--seed", "7"))))  # fmt: skip
    assert files(tmp_path / "a") == files(tmp_path / "b")
    assert {Path(name).suffix for name in files(tmp_path / "a")} >= {".pdf", ".xml"}
    for step in ("match", "compare", "award", "savings", "trail"):
        assert json.dumps(first[step]) == json.dumps(second[step]), step
    assert first["negotiate"]["negotiations"] != third["negotiate"]["negotiations"]
    assert first["verified"]["intact"]


def test_the_demo_is_driven_by_jobs_and_facts(tmp_path: Path) -> None:
    """Every round was a job, everybody who wants to know was told, and nothing waits; its mail stays here."""
    told = demo(tmp_path / "home")
    rounds = sum(each["rounds"] for each in told["negotiate"]["negotiations"])
    mails = list((tmp_path / "home" / "mail").iterdir())
    assert told["work"]["jobs_done"] >= rounds + len(mails) > rounds
    assert told["work"]["facts"] > rounds
    waits = ("jobs_open", "jobs_stuck", "facts_undelivered")
    assert {told["work"][name] for name in waits} == {0}


def test_the_demo_does_not_empty_a_folder_that_is_not_its_own(tmp_path: Path) -> None:
    precious = tmp_path / "thesis.txt"
    precious.write_text("years of work")
    done = CliRunner().invoke(root, ["demo", "--home", str(tmp_path)])
    assert done.exit_code != 0
    assert precious.read_text() == "years of work"
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]
