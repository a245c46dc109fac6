"""A terminal in an empty folder, and one whose company has a catalogue."""

import shutil
from pathlib import Path

import pytest

from factories.terminal import Terminal


@pytest.fixture(autouse=True)
def own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the settings of whoever runs the tests out of them."""
    for name in ("PROCUR_HOME", "PROCUR_USER", "PROCUR_ORGANIZATION", "PROCUR_DB_URL", "DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    return Terminal(tmp_path / "home")


@pytest.fixture(scope="session")
def company_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a company, its people and the packaged catalogue, made once."""
    home = tmp_path_factory.mktemp("company") / "home"
    run = Terminal(home)
    run.told("init", "--email", "alice@acme.example", "--country", "US", "--address", "1 Harbour Street")
    run.told("vendors", "import", "--packaged")
    run.told("users", "add", "bob@acme.example", "--name", "Bob", "--role", "approver")
    return home


@pytest.fixture
def company(company_folder: Path, tmp_path: Path) -> Terminal:
    """A copy of that folder for one test."""
    shutil.copytree(company_folder, tmp_path / "home")
    return Terminal(tmp_path / "home")
