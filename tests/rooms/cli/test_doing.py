"""A command's own job, when a worker is faster."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Event, Timer

from factories.house import House
from procur.cli.steps.doing import do_now
from procur.db.repositories import JobRepository
from procur.jobs.drain import execute_one
from procur.jobs.kinds import Kind
from procur.jobs.task import Task, Work


@dataclass(frozen=True, slots=True)
class Nothing:
    pass


KIND = Kind("wait_for_it", "default", Nothing)


def test_a_command_waits_for_the_worker_that_took_its_job(house: House) -> None:
    taken, go_on, done = Event(), Event(), []

    def think(work: Work, payload: Nothing) -> None:
        del payload
        done.append(work.job_id)
        taken.set()
        assert go_on.wait(30)

    task = Task(KIND, think=think)
    with house.workspace.session() as session:
        job = KIND.ask(session, Nothing())[0].id
    with ThreadPoolExecutor(1) as pool:
        worker = pool.submit(execute_one, house.database, [task], job)
        assert taken.wait(30)
        do_now(house.workspace, task, job, patience=0)
        with house.session() as session:
            assert JobRepository(session).get(job).state == "running"
        Timer(0.3, go_on.set).start()
        do_now(house.workspace, task, job)
        with house.session() as session:
            assert JobRepository(session).get(job).state == "done"
        worker.result()
    do_now(house.workspace, task, job)  # over: nothing to wait for
    assert done == [job]
