"""Every transport on every database that it runs on."""

import pytest
from contract import InProcess, RedisStreams, Threads, Transport

from procur.db import DatabaseSession

TRANSPORTS = {"in process": InProcess, "threads": Threads}
REDIS = "redis streams"


@pytest.fixture(params=[*TRANSPORTS, pytest.param(REDIS, marks=pytest.mark.slow)])
def transport(request: pytest.FixtureRequest, database: DatabaseSession) -> Transport:
    if request.param == REDIS:
        return RedisStreams(database, request.getfixturevalue("redis_url"))
    return TRANSPORTS[request.param](database)
