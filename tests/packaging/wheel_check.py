"""Build the wheel, install it with its own dependencies only, and use it: `make wheel-check`.

What a tool needs beyond that is an extra; a developer's environment has them all and would not notice.
"""

import os
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROGRAM = """
import sys
import time

started = time.perf_counter()
import procur
took = time.perf_counter() - started
assert took < 0.1, f"import procur took {took:.3f} s"
assert "sqlalchemy" not in sys.modules, "import procur loads SQLAlchemy"

from procur.audit import AuditLogger
from procur.conversations import ConversationMemory
from procur.db import get_session, init_db
from procur.db.repositories import VendorRepository

database = init_db("sqlite:///x.db", create_tables=True)
with get_session() as session:
    VendorRepository(session).create(vendor_id="north", name="North Paper")
with get_session() as session:
    assert VendorRepository(session).count() == 1

memory = ConversationMemory(use_database=True)
memory.add_message("first", "user", "Hello")
assert [entry["content"] for entry in memory.get_history("first", from_database=True)] == ["Hello"]

logger = AuditLogger(use_database=True)
logger.log_event(event_type="login", details={"way": "password"}, user_id="1")
assert logger.get_stats()["stored"] == 1
logger.close()
database.close()

extras = {"cryptography", "fastapi", "lxml", "psycopg", "rich", "typst"} & set(sys.modules)
assert not extras, f"loaded without being asked for: {extras}"
print(f"{procur.__file__}: import {1000 * took:.1f} ms")
"""


def run(*command: str | Path, cwd: Path) -> None:
    """Run a program without our environment's say; its output is ours."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PROCUR_", "DB_", "DATABASE_", "PYTHONPATH", "VIRTUAL_ENV"))
    }
    subprocess.run([str(part) for part in command], cwd=cwd, env=environment, check=True)


def main() -> None:
    """Build, install, try; a failing step ends it with that step's status."""
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="procur-wheel-") as name:
        folder = Path(name)
        wheels = folder / "wheels"
        run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", wheels, cwd=ROOT)
        venv.create(folder / "clean", with_pip=True)
        python = folder / "clean" / "bin" / "python"
        [wheel] = wheels.glob("procur-*.whl")
        run(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", wheel, cwd=folder)
        (folder / "work").mkdir()
        run(python, "-W", "error", "-c", PROGRAM, cwd=folder / "work")
    taken = time.monotonic() - started
    sys.stdout.write(f"The wheel works with its own dependencies only ({taken:.0f} s)\n")


if __name__ == "__main__":
    main()
