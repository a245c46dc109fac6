import re
from pathlib import Path

from pydantic import AliasChoices
from pydantic.fields import FieldInfo

from procur.db.config import DatabaseConfig
from procur.documents.settings import DocumentSettings
from procur.net.settings import NetSettings
from procur.notifications.settings import MailSettings
from procur.workers.retention import Retention

ROOT = Path(__file__).parents[2]
NAME = re.compile(r"\bPROCUR_[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*\b")


def names_in(*folders: str) -> set[str]:
    files = [path for folder in folders for path in (ROOT / folder).rglob("*.py") if path != Path(__file__)]
    return {name for path in files for name in NAME.findall(path.read_text(encoding="utf-8"))}


def settings() -> set[str]:
    families = {
        "PROCUR": DocumentSettings,
        "PROCUR_DB": DatabaseConfig,
        "PROCUR_KEEP": Retention,
        "PROCUR_NET": NetSettings,
        "PROCUR_SMTP": MailSettings,
    }
    return {
        variable(family, name, field)
        for family, model in families.items()
        for name, field in model.model_fields.items()
    }


def variable(family: str, name: str, field: FieldInfo) -> str:
    """Return the variable of a setting: the first of its own names, else the one made of the field's."""
    if isinstance(field.validation_alias, AliasChoices):
        return str(field.validation_alias.choices[0])
    return f"{family}_{name.upper()}"


def described() -> set[str]:
    return set(NAME.findall((ROOT / "docs/reference/environment.md").read_text(encoding="utf-8")))


def test_every_variable_that_the_code_names_is_described():
    made_up_by_tests = {"PROCUR_DB_SURPRISE"}
    families = {
        "PROCUR_DB",
        "PROCUR_KEEP",
        "PROCUR_LLM",
        "PROCUR_LOG",
        "PROCUR_NET",
        "PROCUR_S3",
        "PROCUR_SMTP",
    }  # "PROCUR_LLM_…" in a help text
    assert (
        names_in("src", "tests", "benchmarks") | settings()
    ) - made_up_by_tests - families - described() == set()


def test_every_variable_that_is_described_exists():
    assert described() - names_in("src", "tests") - settings() == set()
