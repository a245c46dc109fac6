import errno
import os
from hashlib import sha256
from pathlib import Path

import pytest

from procur.core.errors import Conflict, InvalidInput, NotFound, Unavailable
from procur.documents.store import DocumentStore, LocalStore


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path / "documents")


def files(store: LocalStore) -> list[str]:
    return sorted(path.name for path in store.root.iterdir())


def test_what_is_put_can_be_got(store: LocalStore) -> None:
    kept: DocumentStore = store
    stored = kept.put("C-1.pdf", b"one")
    assert (stored.path, stored.sha256, stored.size) == ("C-1.pdf", sha256(b"one").hexdigest(), 3)
    assert kept.get(stored.path, sha256=stored.sha256) == b"one"
    assert kept.get(stored.path, sha256=stored.sha256.upper()) == b"one"


def test_the_same_content_is_one_file(store: LocalStore) -> None:
    assert store.put("C-1.pdf", b"one") == store.put("C-1.pdf", b"one")
    assert files(store) == ["C-1.pdf"]


def test_other_content_never_replaces(store: LocalStore) -> None:
    first, second = store.put("C-1.pdf", b"one"), store.put("C-1.pdf", b"two")
    assert second.path == f"C-1-{second.sha256[:12]}.pdf"
    assert store.put("C-1.pdf", b"two") == second
    assert store.get(first.path) == b"one"
    assert store.get(second.path) == b"two"


def test_other_content_under_the_hash_name_is_a_conflict(store: LocalStore) -> None:
    store.put("C-1.pdf", b"one")
    second = store.put("C-1.pdf", b"two")
    (store.root / second.path).write_bytes(b"forged")
    with pytest.raises(Conflict):
        store.put("C-1.pdf", b"two")


def test_a_changed_document_is_noticed(store: LocalStore) -> None:
    stored = store.put("C-1.pdf", b"one")
    (store.root / stored.path).write_bytes(b"two")
    with pytest.raises(Conflict, match="was changed"):
        store.get(stored.path, sha256=stored.sha256)


def test_a_missing_document_is_not_found(store: LocalStore) -> None:
    with pytest.raises(NotFound):
        store.get("C-9.pdf")


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "../x", "a/b", "a\\b", "/etc/passwd", ".hidden", "a..b", "x\x00", "a b", "x" * 201, "ü"],
)
def test_names_cannot_leave_the_store(store: LocalStore, name: str) -> None:
    with pytest.raises(InvalidInput):
        store.put(name, b"x")
    with pytest.raises(InvalidInput):
        store.get(name)


def test_an_interrupted_write_leaves_nothing(store: LocalStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(Unavailable, match="No space left"):
        store.put("C-1.pdf", b"one")
    assert files(store) == []


def test_a_file_system_without_links_is_served_too(
    store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unsupported(*_: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", unsupported)
    first, second = store.put("C-1.pdf", b"one"), store.put("C-1.pdf", b"two")
    assert store.put("C-1.pdf", b"one") == first
    assert (store.get(first.path), store.get(second.path)) == (b"one", b"two")
    assert len(files(store)) == 2


def test_a_store_that_is_no_folder_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(Unavailable):
        LocalStore(tmp_path / "file").put("C-1.pdf", b"one")
