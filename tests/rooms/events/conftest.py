"""Every transport on every database that it runs on."""

import pytest
from contract import InProcess, Threads, Transport

from procur.db import DatabaseSession

TRANSPORTS = {"in process": InProcess, "threads": Threads}


@pytest.fixture(params=TRANSPORTS)
def transport(request: pytest.FixtureRequest, database: DatabaseSession) -> Transport:
    return TRANSPORTS[request.param](database)
