"""Documents in a bucket that speaks S3 (AWS, MinIO, Ceph, R2 …): the same promises as the local folder.

A name is written only if it is free (`If-None-Match: *`), decided by the server, so of two writers at once
one is first. The client is obstore, from the extra `s3`; it repeats what the network lost, and a repeated
write that had arrived finds its own content.
"""

import re
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from procur.core.errors import NotConfigured, NotFound, ProcurError, Unavailable
from procur.documents.naming import digest_of, names_for, safe_name, taken, unchanged
from procur.documents.store import StoredDocument

if TYPE_CHECKING:
    import obstore

_CODE = re.compile(r"<Code>(?P<code>\w{1,60})</Code>")
_CONNECT = timedelta(seconds=5)
_RETRIES = 3


@dataclass(frozen=True, slots=True)
class Bucket:
    """Where a bucket is and how to enter it. Without keys obstore looks for AWS_… and the machine's role.

    `timeout` bounds a request and all its repeats, in seconds.
    """

    name: str
    prefix: str = ""
    endpoint: str | None = None
    region: str | None = None
    access_key_id: str | None = None
    secret_access_key: str | None = field(default=None, repr=False)
    session_token: str | None = field(default=None, repr=False)
    timeout: float = 30.0

    @property
    def url(self) -> str:
        """The bucket's address as people write it: s3://bucket/prefix."""
        return f"s3://{self.name}/{self.prefix}".rstrip("/")


class S3Store:
    """Keeps documents in one bucket, below a prefix."""

    def __init__(self, bucket: Bucket) -> None:
        try:
            import obstore
        except ImportError as error:
            raise NotConfigured(
                f"Documents in {bucket.url} need obstore, which is not installed",
                hint="pip install 'procur[s3]'",
            ) from error
        self.bucket = bucket
        self._obstore = obstore
        self._client = _client(bucket)

    def put(self, name: str, data: bytes) -> StoredDocument:
        """Write atomically; equal content is one object, other content becomes name-<hash>.<suffix>."""
        digest = digest_of(data)
        for candidate in names_for(name, digest):
            if self._place(candidate, data):
                return StoredDocument(candidate, digest, len(data))
        raise taken(name)

    def get(self, path: str, *, sha256: str | None = None) -> bytes:
        """Return the content; Conflict if it is not what `sha256` says."""
        return unchanged(path, self._read(safe_name(path)), sha256)

    def location(self, path: str) -> str:
        """Return the object's address: s3://bucket/prefix/name."""
        return f"{self.bucket.url}/{path}"

    def _place(self, name: str, data: bytes) -> bool:
        """Put the content under this name; False if the name is taken by other content."""
        exceptions = self._obstore.exceptions
        try:
            # One request, not a multipart upload: those know no condition.
            self._obstore.put(self._client, name, data, mode="create", use_multipart=False)
        except exceptions.AlreadyExistsError:
            return self._read(name) == data
        except (exceptions.BaseError, OSError) as error:
            raise self._failed(f"The document {name} cannot be stored", error) from error
        return True

    def _read(self, name: str) -> bytes:
        try:
            return bytes(self._obstore.get(self._client, name).bytes())
        except (self._obstore.exceptions.BaseError, OSError) as error:
            if isinstance(error, FileNotFoundError) and _code_of(error) != "NoSuchBucket":
                raise NotFound(f"No document {name}", field="path") from error
            raise self._failed(f"The document {name} cannot be read", error) from error

    def _failed(self, what: str, error: Exception) -> ProcurError:
        """Return what to tell; the client's own words would quote addresses and key ids."""
        exceptions, code = self._obstore.exceptions, _code_of(error)
        if isinstance(error, exceptions.PermissionDeniedError | exceptions.UnauthenticatedError):
            return NotConfigured(
                f"{what}: {self.bucket.url} refuses the keys" + (f" ({code})" if code else ""),
                hint="set PROCUR_S3_ACCESS_KEY_ID and PROCUR_S3_SECRET_ACCESS_KEY to keys that may read and "
                "write there",
            )
        if code == "NoSuchBucket":
            return NotConfigured(
                f"{what}: there is no bucket {self.bucket.name!r}",
                hint="create it, or name another in PROCUR_DOCUMENTS_URL",
            )
        return Unavailable(
            f"{what}: {self.bucket.url} does not answer" + (f" as expected ({code})" if code else ""),
            hint="nothing was recorded; try again when the store is back",
        )


def _code_of(error: Exception) -> str | None:
    """Return the code that the server gave its refusal, such as NoSuchBucket."""
    found = _CODE.search(str(error))
    return None if found is None else found["code"]


def _client(bucket: Bucket) -> "obstore.store.S3Store":
    from obstore.store import S3Store as Client

    timeout = timedelta(seconds=bucket.timeout)
    settings: dict[str, Any] = {
        "endpoint": bucket.endpoint,
        "region": bucket.region,
        "access_key_id": bucket.access_key_id,
        "secret_access_key": bucket.secret_access_key,
        "session_token": bucket.session_token,
        "prefix": bucket.prefix or None,
    }
    return Client(
        bucket.name,
        **{name: value for name, value in settings.items() if value is not None},
        client_options={
            # Unencrypted only where the operator has written http://, as for a store on this machine.
            "allow_http": (bucket.endpoint or "").startswith("http://"),
            "timeout": timeout,
            "connect_timeout": min(_CONNECT, timeout),
        },
        retry_config={"max_retries": _RETRIES, "retry_timeout": timeout},
    )
