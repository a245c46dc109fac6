import errno
import os
from pathlib import Path

import pytest

from procur.core.errors import Unavailable
from procur.documents.store import LocalStore


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path / "documents")


def files(store: LocalStore) -> list[str]:
    return sorted(path.name for path in store.root.iterdir())


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
