"""What others do in the same run on the same machine: Celery on Redis, Procrastinate, Huey.

Empty jobs are asked for first; then two worker processes do them, and the rate is taken from the middle of
the run (10 % to 90 % done), so that nobody pays for starting up. The latency is the time from asking for one
job on an idle queue until that job runs, and is taken `PINGS` times with a pause in between.
"""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import redis

HERE = Path(__file__).parent
PINGS, PAUSE = 40, 0.1
PROGRAMS = Path(sys.executable).parent
WAIT = 120.0


@dataclass(frozen=True)
class Figures:
    """Empty jobs per second with two processes; the median idle latency in milliseconds."""

    name: str
    jobs_per_second: float
    latency_ms: float


@dataclass(frozen=True)
class Peer:
    """How one library is measured; `left` says how many jobs wait or run."""

    name: str
    variables: dict[str, str]
    workers: tuple[tuple[str, ...], ...]
    ask: Callable[[int], None]
    ping: Callable[[int], None]
    left: Callable[[], int]


def measure(peer: Peer, jobs: int) -> Figures:
    """Measure one peer."""
    peer.ask(jobs)
    with running(peer.workers, peer.variables):
        rate = middle_rate(peer.left, jobs)
        latency = idle_latency(peer.ping)
    return Figures(peer.name, rate, latency)


def middle_rate(left: Callable[[], int], jobs: int) -> float:
    """Return jobs per second between 10 % and 90 % of the work, as seen every few milliseconds."""
    until, begun = time.monotonic() + WAIT, None
    while time.monotonic() < until:
        now, done = time.perf_counter(), jobs - left()
        if begun is None and done >= 0.1 * jobs:
            begun = now, done
        if begun is not None and done >= 0.9 * jobs:
            while left():
                time.sleep(0.01)
            return (done - begun[1]) / (now - begun[0])
        time.sleep(0.005)
    raise SystemExit(f"only {jobs - left()} of {jobs} jobs were done")


def idle_latency(ping: Callable[[int], None]) -> float:
    """Return the median time (ms) from asking for a job until it runs, one at a time."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ear:
        ear.bind(("127.0.0.1", 0))
        ear.settimeout(30)
        port, taken = ear.getsockname()[1], []
        for _ in range(PINGS):
            time.sleep(PAUSE)
            asked = time.perf_counter()
            ping(port)
            ear.recv(1)
            taken.append((time.perf_counter() - asked) * 1000)
    return median(taken)


@contextmanager
def running(commands: tuple[tuple[str, ...], ...], variables: dict[str, str]) -> Iterator[None]:
    """Run these programs; kill them with all their children in the end."""
    environment = {**os.environ, **variables, "PYTHONPATH": str(HERE)}
    quiet: Any = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    started = [
        subprocess.Popen(  # noqa: S603 - our own programs
            [str(PROGRAMS / command[0]), *command[1:]], env=environment, start_new_session=True, **quiet
        )
        for command in commands
    ]
    try:
        yield
    finally:
        for process in started:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def celery_peer(redis_url: str) -> Peer:
    """Return Celery with one worker of two processes, as its documentation sets it up, without results."""
    os.environ["BENCH_REDIS_URL"] = redis_url
    import peer_apps

    peer_apps.REDIS = redis_url
    app, broker = peer_apps.celery_app(), redis.Redis.from_url(redis_url)
    options = ("--pool", "prefork", "--concurrency", "2", "--loglevel", "ERROR")
    worker = ("celery", "-A", "peer_apps:celery", "worker", *options)

    def ask(number: int) -> None:
        with app.producer_pool.acquire(block=True) as producer:
            for _ in range(number):
                app.send_task("nothing", producer=producer)

    def left() -> int:
        counts = broker.pipeline().llen("celery").hlen("unacked").execute()
        return int(sum(counts))

    return Peer(
        "Celery + Redis",
        {"BENCH_PEER": "celery", "BENCH_REDIS_URL": redis_url},
        (worker,),
        ask,
        lambda port: app.send_task("answer", (port,)),
        left,
    )


def procrastinate_peer(postgres_url: str) -> Peer:
    """Return Procrastinate with two workers of one process each; its jobs are plain functions in threads."""
    import peer_apps
    import psycopg
    from procrastinate import SyncPsycopgConnector

    app = peer_apps.procrastinate_app(SyncPsycopgConnector(conninfo=postgres_url))
    app.open()
    app.schema_manager.apply_schema()
    watch = psycopg.connect(postgres_url, autocommit=True)
    worker = ("procrastinate", "--app", "peer_apps.procrastinate", "worker", "--concurrency", "4")
    nothing, answer = app.tasks["nothing"], app.tasks["answer"]

    def ask(number: int) -> None:
        for _ in range(0, number, 500):
            nothing.batch_defer(*[{} for _ in range(500)])

    def left() -> int:
        query = "SELECT count(*) FROM procrastinate_jobs WHERE status IN ('todo', 'doing')"
        row = watch.execute(query).fetchone()
        return 0 if row is None else int(row[0])

    return Peer(
        "Procrastinate (PostgreSQL)",
        {"BENCH_PEER": "procrastinate", "BENCH_POSTGRES_URL": postgres_url},
        (worker, worker),
        ask,
        lambda port: answer.defer(port=port),
        left,
    )


def huey_peer(*, redis_url: str = "", path: str = "") -> Peer:
    """Return Huey with two worker processes, on Redis or on SQLite."""
    import peer_apps

    peer_apps.REDIS, peer_apps.SQLITE = redis_url, path
    app, nothing, answer = peer_apps.huey_app()
    command = ("huey_consumer", "peer_apps.huey", "--workers", "2", "--worker-type", "process", "--quiet")

    def ask(number: int) -> None:
        for _ in range(number):
            nothing()

    return Peer(
        f"Huey ({'SQLite' if path else 'Redis'})",
        {"BENCH_PEER": "huey", "BENCH_REDIS_URL": redis_url, "BENCH_SQLITE_PATH": path},
        (command,),
        ask,
        answer,
        app.pending_count,
    )


def peers(redis_urls: list[str], postgres_url: str, folder: Path) -> Iterator[Peer]:
    """Return every peer, each on a database of its own."""
    yield celery_peer(redis_urls[0])
    yield procrastinate_peer(postgres_url)
    yield huey_peer(redis_url=redis_urls[1])
    yield huey_peer(path=str(folder / "huey.db"))


def all_figures(jobs: int) -> list[Figures]:
    """Measure every peer on servers of its own."""
    sys.path.insert(0, str(HERE.parents[1] / "tests"))
    import tempfile

    import postgres
    import redis_server

    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="procur-bench-")))
        store: Any = postgres.start(os.getpid())
        stack.callback(postgres.stop, store)
        broker = redis_server.start(os.getpid(), persistence="none")
        stack.callback(redis_server.stop, broker)
        urls = [redis_server.empty_database(broker) for _ in range(2)]
        return [measure(peer, jobs) for peer in peers(urls, store.url, folder)]


if __name__ == "__main__":
    for one in all_figures(2000 if "--short" in sys.argv else 10_000):
        print(f"{one.name:<28} {one.jobs_per_second:8.0f} jobs/s   p50 {one.latency_ms:7.1f} ms")
