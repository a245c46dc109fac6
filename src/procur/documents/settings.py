"""Which store an installation uses: the folder `documents` at home, or what the environment names."""

import re
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from procur.core.errors import InvalidInput
from procur.core.settings import Settings
from procur.documents.store import DocumentStore, LocalStore

FOLDER = "documents"
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_PREFIX = re.compile(r"[A-Za-z0-9._=-]+(/[A-Za-z0-9._=-]+)*")


class DocumentSettings(Settings):
    """Where documents are kept (PROCUR_DOCUMENTS_URL), and how to enter a bucket (PROCUR_S3_…).

    The URL is s3://bucket/prefix, file:///folder or a folder; unset means the folder in the home folder.
    """

    model_config = SettingsConfigDict(env_prefix="PROCUR_", extra="ignore", env_ignore_empty=True)

    documents_url: str | None = None
    s3_endpoint: str | None = Field(None, pattern=r"https?://[^\s/?#@]+/?$")
    s3_region: str | None = None
    s3_access_key_id: str | None = None
    s3_secret_access_key: SecretStr | None = None
    s3_session_token: SecretStr | None = None
    s3_timeout: float = Field(30, gt=0, le=600, description="seconds for a request with its repeats")


def store_from(settings: DocumentSettings, home: Path) -> DocumentStore:
    """Return the store that the settings name; NotConfigured when it needs an extra that is missing."""
    url = (settings.documents_url or "").strip()
    if not url:
        return LocalStore(home / FOLDER)
    try:
        parts = urlsplit(url)
    except ValueError:
        raise _unreadable() from None
    if parts.scheme == "s3":
        return _bucket(settings, parts.netloc, parts.path.strip("/"), odd=bool(parts.query or parts.fragment))
    if parts.scheme == "file" and parts.netloc in {"", "localhost"}:
        return LocalStore(url2pathname(parts.path))
    if parts.scheme:
        raise _unreadable()
    return LocalStore(home / url)


def _bucket(settings: DocumentSettings, name: str, prefix: str, *, odd: bool) -> DocumentStore:
    from procur.documents.s3 import Bucket, S3Store

    strange = prefix and (not _PREFIX.fullmatch(prefix) or {".", ".."} & set(prefix.split("/")))
    if odd or strange or not _BUCKET.fullmatch(name):
        raise _unreadable()
    if (settings.s3_access_key_id is None) != (settings.s3_secret_access_key is None):
        raise InvalidInput(
            "PROCUR_S3_ACCESS_KEY_ID and PROCUR_S3_SECRET_ACCESS_KEY are set together, or not at all",
            field="s3_access_key_id",
        )
    return S3Store(
        Bucket(
            name,
            prefix,
            endpoint=None if settings.s3_endpoint is None else settings.s3_endpoint.rstrip("/"),
            region=settings.s3_region,
            access_key_id=settings.s3_access_key_id,
            secret_access_key=_secret(settings.s3_secret_access_key),
            session_token=_secret(settings.s3_session_token),
            timeout=settings.s3_timeout,
        )
    )


def _secret(value: SecretStr | None) -> str | None:
    return None if value is None else value.get_secret_value()


def _unreadable() -> InvalidInput:
    return InvalidInput(
        "PROCUR_DOCUMENTS_URL cannot be read",
        field="documents_url",
        hint="s3://bucket/prefix, file:///folder, or a folder",
    )
