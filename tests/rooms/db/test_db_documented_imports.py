"""What an import costs, and that the database works without any extra (tests/packaging tries the wheel)."""

import subprocess
import sys

BUDGET = """
import sys, time
started = time.perf_counter()
import procur
took = time.perf_counter() - started
heavy = {"sqlalchemy", "alembic", "pydantic", "click"} & set(sys.modules)
print(took < 0.1, sorted(heavy))
"""
WITHOUT_EXTRAS = """
import sys
EXTRAS = {"cryptography", "fastapi", "langchain_core", "langgraph", "lxml", "openai", "psycopg", "psycopg2",
          "pydantic_ai", "agents", "rich", "starlette", "typst"}

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in EXTRAS:
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Refuse())
import procur.audit, procur.conversations
from procur.db import get_db_session, init_db, session_scope
from procur.db.repositories import VendorRepository
init_db("sqlite:///:memory:")
with session_scope() as session:
    print(VendorRepository(session).create(vendor_id="v", name="V").name)
get_db_session().close()
"""


def run(program: str) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_importing_procur_costs_nothing_and_loads_no_library() -> None:
    assert run(BUDGET) == "True []"


def test_the_database_memory_and_audit_log_need_no_extra() -> None:  # E-1
    assert run(WITHOUT_EXTRAS) == "V"
