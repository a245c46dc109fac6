"""`procur jobs` and `procur status`: what waits, what is stuck, and how it is done again."""

import pytest

from factories.terminal import Terminal
from procur.cli.workspace import Workspace
from procur.db.base import utc_now
from procur.db.repositories import JobRepository, JobStepRepository

SECRET = {"to": "ann@example.com", "api_key": "abc", "round": 3}


@pytest.fixture
def worked(company: Terminal) -> tuple[Terminal, dict[str, str]]:
    """A company with one job of each fate; their ids by state."""
    workspace, keys = Workspace(company.home), {}
    with workspace.session() as session:
        jobs = JobRepository(session)
        for state in ("ready", "dead", "failed", "done"):
            job, _ = jobs.enqueue("send_notification", SECRET, queue="notifications", max_attempts=2)
            keys[state] = str(job.id)
            if state != "ready":
                error = None if state == "done" else "ConnectionError: refused"
                jobs.update(job.id, state=state, attempt=2, last_error=error, finished_at=utc_now())
        JobStepRepository(session).remember(keys["dead"], "write", {"text": "to ann@example.com"})
        jobs.update(jobs.enqueue("cleanup")[0].id, state="dead", finished_at=utc_now(), last_error="no")
    workspace.close()
    return company, keys


def test_jobs_are_listed_shown_and_counted(worked: tuple[Terminal, dict[str, str]]) -> None:
    company, keys = worked
    dead = company.told("jobs", "list", "--state", "dead", "--kind", "send_notification")["jobs"]
    assert [each["id"] for each in dead] == [keys["dead"]]
    first = company.told("jobs", "list", "--limit", "2", "--queue", "notifications")
    rest = company.told("jobs", "list", "--queue", "notifications", "--cursor", first["next_cursor"])
    assert {each["id"] for each in first["jobs"] + rest["jobs"]} == set(keys.values())
    shown = company("jobs", "show", keys["dead"])
    assert "ConnectionError: refused" in shown.out
    assert "ann@" not in shown.out
    told = company.told("jobs", "show", keys["dead"])
    assert told["payload"] == {"to": "[REDACTED_EMAIL]", "api_key": "[REDACTED_API_KEY]", "round": 3}
    assert [one["step"] for one in told["steps"]] == ["write"]
    kinds = {each["kind"]: each for each in company.told("jobs", "counts")["kinds"]}
    counted = kinds["send_notification"]
    assert [counted[state] for state in ("ready", "dead", "failed", "done", "due")] == [1] * 5
    assert kinds["send_notification"]["oldest_due_seconds"] >= 0
    for view in (("list",), ("counts",), ("dead",)):
        assert "send_notification" in company("jobs", *view).out
    screen = company("status")
    assert screen.code == 0
    assert "1 dead, 1 failed" in screen.out
    (queue,) = [each for each in company.told("status")["queues"] if each["queue"] == "notifications"]
    assert (queue["due"], queue["stuck"]) == (1, 2)


def test_jobs_are_cancelled_and_redriven_on_record(worked: tuple[Terminal, dict[str, str]]) -> None:
    company, keys = worked
    assert company.told("jobs", "redrive", keys["dead"], keys["failed"])["redriven"] == 2
    told = company.told("jobs", "show", keys["dead"])
    assert (told["state"], told["attempt"]) == ("ready", 0)
    assert company.told("jobs", "redrive", "--all")["redriven"] == 1  # the other kind's
    assert company.told("jobs", "redrive", "--all", "--kind", "cleanup")["redriven"] == 0
    assert company.told("jobs", "cancel", keys["ready"], "--reason", "by mistake")["state"] == "cancelled"
    refused = company("jobs", "cancel", keys["done"], "--json")
    assert refused.error["code"] == "conflict"
    assert company("jobs", "redrive", keys["ready"], keys["done"], "--json").error["code"] == "conflict"
    facts = company.told("events", "tail", "--limit", "1000")["events"]
    assert [each["type"] for each in facts][-3:] == ["JobsRedriven", "JobsRedriven", "JobCancelled"]
    entries = company.told("audit", "list")["entries"]
    assert [each["action"] for each in entries][-3:] == ["jobs_redriven", "jobs_redriven", "job_cancelled"]


def test_what_does_not_fit_is_refused(worked: tuple[Terminal, dict[str, str]]) -> None:
    company, keys = worked
    for command, code in (
        (("redrive",), "invalid_input"),
        (("redrive", keys["dead"], "--all"), "invalid_input"),
        (("redrive", keys["dead"], "--kind", "x"), "invalid_input"),
        (("show", "nonsense"), "not_found"),
        (("cancel", "01a1fed4-6886-7860-b721-276b7bdee56d"), "not_found"),
        (("cancel", keys["ready"], "--as", "bob@acme.example"), "not_allowed"),
        (("redrive", "--all", "--as", "bob@acme.example"), "not_allowed"),
    ):
        assert company("jobs", *command, "--json").error["code"] == code
    assert company("jobs", "list", "--as", "bob@acme.example").code == 0


def test_nothing_to_show_is_said(company: Terminal) -> None:
    assert "No jobs" in company("jobs", "list").out
    assert "No dead jobs" in company("jobs", "dead").out
    assert "No jobs yet" in company("jobs", "counts").out
    assert "No job is failed or dead" in company("jobs", "redrive", "--all").out
    assert "No jobs yet" in company("status").out
