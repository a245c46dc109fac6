"""Every shell and Python block of these pages runs, in order, each page in an empty folder."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
PAGES = [
    ROOT / "README.md",
    *sorted((ROOT / "docs" / "tutorial").glob("*.md")),
    ROOT / "docs" / "how-to" / "erase-a-person.md",
    ROOT / "docs" / "how-to" / "follow-the-event-stream.md",
    ROOT / "docs" / "how-to" / "log-security-events.md",
    ROOT / "docs" / "how-to" / "prove-the-audit-trail.md",
    ROOT / "docs" / "how-to" / "react-to-facts.md",
    ROOT / "docs" / "how-to" / "receive-webhooks.md",
    ROOT / "docs" / "how-to" / "use-procur-db-as-a-library.md",
    ROOT / "docs" / "how-to" / "remember-conversations.md",
    ROOT / "docs" / "how-to" / "use-with-agent-libraries.md",
    ROOT / "docs" / "reference" / "negotiation-engine.md",
    ROOT / "docs" / "reference" / "plans-and-usage.md",
]
BLOCK = re.compile(r"(<!-- not run: [^>]+ -->\n)?```(\w+)\n(.*?)```", re.DOTALL)


def blocks(page):
    return [
        (language, code) for skipped, language, code in BLOCK.findall(page.read_text("utf-8")) if not skipped
    ]


@pytest.mark.timeout(400)  # a page is up to forty processes, one after the other
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_blocks_of_a_page_run_in_order(page, tmp_path):
    environment = {
        key: value for key, value in os.environ.items() if not key.startswith(("PROCUR_", "DATABASE_"))
    }
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    for language, code in blocks(page):
        if language in {"sh", "python"}:
            command = (
                ["bash", "-euo", "pipefail", "-c", code] if language == "sh" else [sys.executable, "-c", code]
            )
            done = subprocess.run(
                command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, f"{code}\n{done.stdout}\n{done.stderr}"
