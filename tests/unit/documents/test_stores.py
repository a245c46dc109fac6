"""What every store promises, over the local folder and over a real S3 server."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from hashlib import sha256
from pathlib import Path
from uuid import uuid4

import obstore
import pytest

from procur.core.errors import Conflict, InvalidInput, NotConfigured, NotFound, Unavailable
from procur.documents.s3 import Bucket, S3Store
from procur.documents.settings import DocumentSettings, store_from
from procur.documents.store import DocumentStore, LocalStore
from s3 import Server

Forge = Callable[[str, bytes], None]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.stop()


@pytest.fixture
def bucket(server: Server) -> Bucket:
    return server.bucket(f"papers-{uuid4().hex[:8]}", "acme/contracts")


@pytest.fixture(params=["local", "s3"])
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[DocumentStore, Forge]:
    """A store, and a way to change what it holds behind its back."""
    if request.param == "local":
        local = LocalStore(tmp_path / "documents")
        return local, lambda name, data: (local.root / name).write_bytes(data) and None
    remote = S3Store(request.getfixturevalue("bucket"))
    return remote, lambda name, data: obstore.put(remote._client, name, data) and None


@pytest.fixture
def store(kept: tuple[DocumentStore, Forge]) -> DocumentStore:
    return kept[0]


def test_what_is_put_can_be_got(store: DocumentStore) -> None:
    stored = store.put("C-1.pdf", b"one")
    assert (stored.path, stored.sha256, stored.size) == ("C-1.pdf", sha256(b"one").hexdigest(), 3)
    assert store.get(stored.path, sha256=stored.sha256) == b"one"
    assert store.get(stored.path, sha256=stored.sha256.upper()) == b"one"
    assert store.location(stored.path).endswith("/C-1.pdf")
    assert store.put("empty.pdf", b"").size == 0
    assert store.get("empty.pdf") == b""
    with pytest.raises(NotFound):
        store.get("C-9.pdf")


def test_other_content_never_replaces(kept: tuple[DocumentStore, Forge]) -> None:
    store, forge = kept
    first, second = store.put("C-1.pdf", b"one"), store.put("C-1.pdf", b"two")
    assert store.put("C-1.pdf", b"one") == first
    assert second.path == f"C-1-{second.sha256[:12]}.pdf"
    assert store.put("C-1.pdf", b"two") == second
    assert (store.get(first.path), store.get(second.path)) == (b"one", b"two")
    forge(second.path, b"forged")
    with pytest.raises(Conflict, match="under the same hash name"):
        store.put("C-1.pdf", b"two")


def test_a_changed_document_is_noticed(kept: tuple[DocumentStore, Forge]) -> None:
    store, forge = kept
    stored = store.put("C-1.pdf", b"one")
    forge(stored.path, b"two")
    with pytest.raises(Conflict, match="was changed"):
        store.get(stored.path, sha256=stored.sha256)


def test_of_many_who_write_one_name_at_once_nothing_is_lost(store: DocumentStore) -> None:
    contents = [f"content {number % 8}".encode() for number in range(16)]
    with ThreadPoolExecutor(8) as pool:
        places = list(pool.map(lambda data: store.put("C-1.pdf", data), contents))
    assert [store.get(place.path, sha256=place.sha256) for place in places] == contents
    assert len({place.path for place in places}) == 8
    assert "C-1.pdf" in {place.path for place in places}


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "../x", "a/b", "a\\b", "/etc/passwd", ".hidden", "a..b", "x\x00", "a b", "x" * 201, "ü"],
)
def test_names_cannot_leave_the_store(store: DocumentStore, name: str) -> None:
    with pytest.raises(InvalidInput):
        store.put(name, b"x")
    with pytest.raises(InvalidInput):
        store.get(name)


def test_the_longest_name_has_room_for_its_hash(store: DocumentStore) -> None:
    name = "x" * 196 + ".pdf"
    paths = [store.put(name, data).path for data in (b"one", b"two")]
    assert [store.get(path) for path in paths] == [b"one", b"two"]


def test_a_server_that_is_away_is_unavailable_until_it_is_back(server: Server, bucket: Bucket) -> None:
    store = S3Store(replace(bucket, timeout=1))
    stored = store.put("C-1.pdf", b"one")
    server.stop()
    try:
        with pytest.raises(Unavailable, match="does not answer"):
            store.get(stored.path)
        with pytest.raises(Unavailable, match="cannot be stored"):
            store.put("C-2.pdf", b"two")
    finally:
        server.start()
    assert store.get(stored.path, sha256=stored.sha256) == b"one"
    assert store.put("C-2.pdf", b"two").path == "C-2.pdf"


def test_wrong_keys_and_wrong_buckets_are_told_without_the_keys(server: Server, bucket: Bucket) -> None:
    with server.guarded() as (key_id, secret):
        store = S3Store(replace(bucket, access_key_id=key_id, secret_access_key=secret))
        stored = store.put("C-1.pdf", b"one")
        for keys in ({"access_key_id": "AKIANOBODY"}, {"access_key_id": key_id}):
            stranger = S3Store(replace(bucket, secret_access_key="open-sesame", **keys))
            for attempt in (partial(stranger.put, "C-2.pdf", b"x"), partial(stranger.get, stored.path)):
                with pytest.raises(NotConfigured, match="refuses the keys") as refused:
                    attempt()
                assert keys["access_key_id"] not in str(refused.value.as_dict())
        assert "open-sesame" not in repr(stranger.bucket)
    nowhere = S3Store(replace(bucket, name="no-such-bucket"))
    for attempt in (partial(nowhere.put, "C-1.pdf", b"x"), partial(nowhere.get, "C-1.pdf")):
        with pytest.raises(NotConfigured, match="no bucket 'no-such-bucket'"):
            attempt()


def test_the_environment_names_the_store(
    server: Server, bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def chosen() -> DocumentStore:
        return store_from(DocumentSettings(), tmp_path)

    assert chosen().location("a.pdf") == str(tmp_path / "documents/a.pdf")
    monkeypatch.setenv("PROCUR_DOCUMENTS_URL", "")
    assert isinstance(chosen(), LocalStore)
    for url, folder in (("papers", tmp_path / "papers"), ("file:///srv/papers", Path("/srv/papers"))):
        monkeypatch.setenv("PROCUR_DOCUMENTS_URL", url)
        assert chosen().location("a.pdf") == str(folder / "a.pdf")
    monkeypatch.setenv("PROCUR_DOCUMENTS_URL", f"s3://{bucket.name}/acme/2026")
    monkeypatch.setenv("PROCUR_S3_ENDPOINT", server.url + "/")
    monkeypatch.setenv("PROCUR_S3_REGION", "us-east-1")
    monkeypatch.setenv("PROCUR_S3_ACCESS_KEY_ID", "test")
    with pytest.raises(InvalidInput, match="set together"):
        chosen()
    monkeypatch.setenv("PROCUR_S3_SECRET_ACCESS_KEY", "test")
    assert chosen().put("a.pdf", b"one").path == "a.pdf"
    assert chosen().location("a.pdf") == f"s3://{bucket.name}/acme/2026/a.pdf"
    assert S3Store(replace(bucket, prefix="acme")).location("x") == f"s3://{bucket.name}/acme/x"
    with pytest.raises(NotFound):
        S3Store(bucket).get("a.pdf")
    for url in ("ftp://host/x", "s3://", "s3://UP", "s3://bucket/../x", "s3://bucket/x?y=1", "s3://[x"):
        monkeypatch.setenv("PROCUR_DOCUMENTS_URL", url)
        with pytest.raises(InvalidInput, match="cannot be read"):
            chosen()
    monkeypatch.setenv("PROCUR_S3_ENDPOINT", "localhost:9000")
    with pytest.raises(InvalidInput, match="PROCUR_S3_ENDPOINT"):
        chosen()


def test_without_the_extra_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "obstore", None)
    with pytest.raises(NotConfigured, match="not installed") as missing:
        S3Store(Bucket("papers"))
    assert "procur[s3]" in (missing.value.hint or "")
