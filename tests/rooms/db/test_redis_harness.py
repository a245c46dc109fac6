"""The tests' own Redis: found, shared, killed and brought back, and gone when its run is gone."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

import redis_server
import watching


@pytest.fixture(params=["none", "everysec"])
def restartable(request: pytest.FixtureRequest) -> Iterator[tuple[redis_server.Server, str]]:
    if redis_server.program() is None:
        pytest.skip(redis_server.FIX)
    server = redis_server.start(os.getpid(), persistence=request.param)
    yield server, request.param
    redis_server.stop(server)


def test_each_caller_gets_an_empty_database(redis_of_run: redis_server.Server, run_folder: Path) -> None:
    assert redis_server.shared(run_folder, os.getpid()) == redis_of_run
    first, second = (redis_server.empty_database(redis_of_run) for _ in range(2))
    with redis.Redis.from_url(first) as one, redis.Redis.from_url(second) as other:
        one.set("mine", 1)
        assert other.keys() == []


def test_a_killed_server_comes_back_with_what_it_kept(restartable: tuple[redis_server.Server, str]) -> None:
    server, persistence = restartable
    with redis.Redis.from_url(server.url) as client:
        client.set("kept", "yes")
    watching.kill(server)
    with redis.Redis.from_url(server.url) as client, pytest.raises(redis.ConnectionError):
        client.ping()
    watching.revive(server)
    with redis.Redis.from_url(server.url) as client:
        # What was written reached the system before the answer: a kill loses less than a power failure.
        assert client.get("kept") == (b"yes" if persistence == "everysec" else None)
