import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from procur.vendors.catalogue import ImportReport, read_file


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., ImportReport]:
    def write_and_read(content: str | bytes | Any, suffix: str = ".csv") -> ImportReport:
        path = tmp_path / f"vendors{suffix}"
        if not isinstance(content, str | bytes):
            content = json.dumps(content)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_file(path)

    return write_and_read
