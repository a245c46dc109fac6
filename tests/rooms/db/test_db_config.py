"""Where the database is, in the documented order."""

from pathlib import Path

import pytest

from procur.core.errors import InvalidInput
from procur.db.config import DatabaseConfig


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PROCUR_DB_URL", "DATABASE_URL", "PROCUR_HOME", "PROCUR_DB_HOST", "PROCUR_DB_DATABASE"):
        monkeypatch.delenv(name, raising=False)


def test_the_documented_parts_make_the_documented_url() -> None:
    config = DatabaseConfig(
        host="db.example.com",
        port=5432,
        database="procur_prod",
        username="prod_user",
        password="secure_password",
        pool_size=10,
        max_overflow=20,
    )
    assert config.database_url == "postgresql://prod_user:secure_password@db.example.com:5432/procur_prod"
    assert config.pool_size == 10


def test_passwords_are_escaped_and_never_printed() -> None:
    config = DatabaseConfig(host="h", password="p@ss/w:rd%")
    assert config.sqlalchemy_url.password == "p@ss/w:rd%"
    assert "p@ss/w:rd%" not in config.database_url
    assert "p@ss" not in f"{config} {config!r} {config.printable_url}"


def test_without_anything_it_is_a_file_in_the_home_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    assert DatabaseConfig().database_url == "sqlite:///procur.db"
    monkeypatch.setenv("PROCUR_HOME", "/srv/procur")
    assert DatabaseConfig().database_url == "sqlite:////srv/procur/procur.db"


def test_a_name_alone_keeps_the_kind_of_database(monkeypatch: pytest.MonkeyPatch) -> None:
    assert DatabaseConfig(database="procur_test").database_url == "sqlite:///procur_test.db"
    monkeypatch.setenv("PROCUR_DB_URL", "postgresql://u:p@h/one")
    assert DatabaseConfig(database="two").sqlalchemy_url.database == "two"


def test_the_order_is_argument_own_url_common_url_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROCUR_DB_HOST", "parts")
    assert DatabaseConfig().sqlalchemy_url.host == "parts"
    monkeypatch.setenv("DATABASE_URL", "postgres://u:p@common/x")
    assert DatabaseConfig().sqlalchemy_url.host == "common"
    monkeypatch.setenv("PROCUR_DB_URL", "postgresql://u:p@own/x")
    assert DatabaseConfig().sqlalchemy_url.host == "own"
    assert DatabaseConfig("sqlite:///here.db").database_url == "sqlite:///here.db"
    assert DatabaseConfig(host="given").sqlalchemy_url.host == "given"


def test_short_names_and_strangers_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DB_POOL_SIZE", "3")
    monkeypatch.setenv("DB_MAX_OVERFLOW", "4")
    monkeypatch.setenv("SQL_ECHO", "true")
    monkeypatch.setenv("PROCUR_DB_SURPRISE", "x")
    config = DatabaseConfig()
    assert (config.pool_size, config.max_overflow, config.echo) == (3, 4, True)


@pytest.mark.parametrize("url", ["mysql://u:hunter2@h/x", "not a url", "postgresql://u:hunter2@h:port/x"])
def test_an_unusable_url_is_refused_without_showing_it(url: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        _ = DatabaseConfig(url).sqlalchemy_url
    assert "hunter2" not in str(caught.value)


def test_an_unusable_setting_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROCUR_DB_POOL_SIZE", "many")
    with pytest.raises(InvalidInput, match="POOL_SIZE"):
        DatabaseConfig()


def test_nothing_is_opened_before_the_first_use(tmp_path: Path) -> None:
    from procur.db import DatabaseSession

    DatabaseSession(f"sqlite:///{tmp_path / 'x.db'}").get_session()
    assert not (tmp_path / "x.db").exists()
