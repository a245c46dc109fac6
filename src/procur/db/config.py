"""Where the database is: arguments first, then the environment, then a SQLite file."""

import os
from pathlib import Path
from typing import Any

from pydantic import AliasChoices, Field, SecretStr
from pydantic_settings import SettingsConfigDict
from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from procur.core.errors import InvalidInput
from procur.core.settings import Settings

_PARTS = ("host", "port", "database", "username", "password")


class DatabaseConfig(Settings):
    """Connection settings. Unknown variables are ignored; the password never appears in print.

    A URL (argument, PROCUR_DB_URL, DATABASE_URL) wins over the parts from the environment; parts given as
    arguments win over both. Naming a host, port, user or password means PostgreSQL; with nothing set, the
    database is the file `procur.db` in PROCUR_HOME or the working directory.
    """

    model_config = SettingsConfigDict(env_prefix="PROCUR_DB_", extra="ignore", populate_by_name=True)

    url: SecretStr | None = Field(None, validation_alias=AliasChoices("PROCUR_DB_URL", "DATABASE_URL"))
    host: str | None = None
    port: int | None = Field(None, ge=1, le=65535)
    database: str | None = None
    username: str | None = None
    password: SecretStr | None = None

    pool_size: int = Field(
        5, ge=1, le=1000, validation_alias=AliasChoices("PROCUR_DB_POOL_SIZE", "DB_POOL_SIZE")
    )
    max_overflow: int = Field(
        10, ge=0, le=1000, validation_alias=AliasChoices("PROCUR_DB_MAX_OVERFLOW", "DB_MAX_OVERFLOW")
    )
    pool_timeout: float = Field(30, ge=0)
    pool_recycle: int = Field(3600, ge=-1)
    pool_pre_ping: bool = True
    echo: bool = Field(False, validation_alias=AliasChoices("PROCUR_DB_ECHO", "SQL_ECHO"))
    echo_pool: bool = False
    default_organization: str = Field("default", min_length=1, max_length=80)
    busy_timeout: float = Field(30, ge=0, description="seconds a SQLite writer waits for another")

    def __init__(self, url: str | None = None, /, **values: Any) -> None:
        if url is not None:
            values["url"] = url
        super().__init__(**values)
        self._given = frozenset(name for name in _PARTS if values.get(name) is not None)

    _given: frozenset[str] = frozenset()

    @property
    def sqlalchemy_url(self) -> URL:
        """The address as SQLAlchemy's object."""
        names_server = self._given - {"database"}
        if self.url is not None and not names_server:
            url = self._parse(self.url.get_secret_value())
            return url.set(database=self.database) if "database" in self._given else url
        if names_server or (self._given != {"database"} and self._environment_names_server()):
            return self._server()
        name = self.database or "procur.db"
        name = name if "." in name else f"{name}.db"
        return URL.create("sqlite", database=str(Path(os.environ.get("PROCUR_HOME", "")) / name))

    @property
    def in_memory(self) -> bool:
        """Say whether the database lives in this process's memory only."""
        url = self.sqlalchemy_url
        return url.get_backend_name() == "sqlite" and url.database in {None, "", ":memory:"}

    def _environment_names_server(self) -> bool:
        return any(getattr(self, name) is not None for name in _PARTS)

    def _server(self) -> URL:
        return URL.create(
            "postgresql",
            username=self.username or "procur_user",
            password=None if self.password is None else self.password.get_secret_value(),
            host=self.host or "localhost",
            port=self.port or 5432,
            database=self.database or "procur",
        )

    @staticmethod
    def _parse(address: str) -> URL:
        # Hosting platforms still hand out the scheme that SQLAlchemy dropped.
        address = address.strip()
        if address.startswith("postgres://"):
            address = "postgresql://" + address.removeprefix("postgres://")
        try:
            url = make_url(address)
        except (ArgumentError, ValueError):
            raise InvalidInput(
                "the database URL cannot be read",
                field="url",
                hint="postgresql://user:password@host:5432/name or sqlite:///file.db",
            ) from None
        if url.get_backend_name() not in {"sqlite", "postgresql"}:
            raise InvalidInput(
                f"Procur runs on SQLite and PostgreSQL, not on {url.get_backend_name()}", field="url"
            )
        return url

    @property
    def database_url(self) -> str:
        """The address with its password, escaped."""
        return self.sqlalchemy_url.render_as_string(hide_password=False)

    @property
    def printable_url(self) -> str:
        """The address for people: the password is hidden."""
        return self.sqlalchemy_url.render_as_string(hide_password=True)

    def __str__(self) -> str:
        return self.printable_url

    def __repr__(self) -> str:
        return f"DatabaseConfig({self.printable_url!r})"


def configuration(given: DatabaseConfig | str | None = None, **settings: Any) -> DatabaseConfig:
    """Return the configuration: as given, or made of a URL (also as `database_url`) and single settings."""
    url = settings.pop("database_url", None)
    for name in settings:
        if name not in DatabaseConfig.model_fields:
            raise InvalidInput(f"there is no database setting {name!r}", field=name)
    if not isinstance(given, DatabaseConfig):
        return DatabaseConfig(given or url, **settings)
    if url is not None or settings:
        name = next(iter(settings), "database_url")
        raise InvalidInput(f"{name} belongs into the configuration that is given beside it", field=name)
    return given
