"""The statements by which workers take jobs and give them back, as SQLite and PostgreSQL each need them.

Plain SQL, because each is one round trip and the same text every time. Lists go in as one JSON text.
"""

from dataclasses import dataclass
from functools import cache, partial
from string import Template

from sqlalchemy import TextClause, Uuid, bindparam, text
from sqlalchemy.sql.selectable import TextualSelect

from procur.db.models import JobRecord

# What a worker learns of a job it has taken; `lease_token` is what it has to show when it writes.
TAKEN = (
    "organization_id",
    "id",
    "kind",
    "queue",
    "priority",
    "payload",
    "attempt",
    "max_attempts",
    "correlation_id",
    "causation_id",
    "trace",
    "run_at",
    "started_at",
    "lease_token",
)
# What somebody learns who only tells others where work waits.
DUE = ("organization_id", "id", "kind", "queue", "updated_at")

_SQLITE = {
    "now": "(strftime('%Y-%m-%d %H:%M:%f', 'now') || '000')",
    "later": "(strftime('%Y-%m-%d %H:%M:%f', 'now', CAST(:seconds AS REAL) || ' seconds') || '000')",
    "queues": "SELECT value AS queue FROM json_each(:queues)",
    "among_queues": "IN (SELECT value FROM json_each(:queues))",
    "among_kinds": "IN (SELECT value FROM json_each(:kinds))",
    "is_held": "(organization_id, id, lease_token) IN (SELECT value ->> 0, value ->> 1, value ->> 2 "
    "FROM json_each(:held)) AND state = 'running'",
    "row": "rowid",
    "among_picked": "IN (SELECT row FROM picked)",
    "skip": "",
}
_POSTGRES = {
    # As a subquery the time is a constant of the statement, and so a bound of an index.
    "now": "(SELECT clock_timestamp())",
    "later": "(SELECT clock_timestamp() + make_interval(secs => CAST(:seconds AS double precision)))",
    "queues": "SELECT unnest(CAST(:queues AS text[])) AS queue",
    "among_queues": "= ANY(CAST(:queues AS text[]))",
    "among_kinds": "= ANY(CAST(:kinds AS text[]))",
    "is_held": "replace(CAST(id AS text) || CAST(lease_token AS text), '-', '') "
    "= ANY(CAST(:held AS text[])) AND state = 'running'",
    "row": "ctid",
    "among_picked": "= ANY(ARRAY(SELECT row FROM picked))",
    "skip": "FOR UPDATE SKIP LOCKED",
}

# A lane is what one organisation has in one queue. The index ix_jobs_ready leads with both, so that going
# from one lane to the next is one look into it, however long the lanes are. Two rounds: the lanes behind the
# one served last, then those up to it.
_LANES = """
WITH RECURSIVE lane(queue, round, organization_id, last, place) AS (
  SELECT start.queue, bounds.round, (
      SELECT j.organization_id FROM jobs AS j
      WHERE j.state = 'ready' AND j.queue = start.queue AND j.organization_id > bounds.low
        AND j.organization_id <= bounds.high AND j.run_at <= $now AND j.kind $among_kinds
      ORDER BY j.organization_id, j.priority, j.run_at, j.id LIMIT 1
    ), bounds.high, 1
  FROM ($queues) AS start
  CROSS JOIN (
    SELECT 1 AS round, :after AS low, :last AS high UNION ALL SELECT 2, :first, :after
  ) AS bounds
  UNION ALL
  SELECT lane.queue, lane.round, (
      SELECT j.organization_id FROM jobs AS j
      WHERE j.state = 'ready' AND j.queue = lane.queue AND j.organization_id > lane.organization_id
        AND j.organization_id <= lane.last AND j.run_at <= $now AND j.kind $among_kinds
      ORDER BY j.organization_id, j.priority, j.run_at, j.id LIMIT 1
    ), lane.last, lane.place + 1
  FROM lane WHERE lane.organization_id IS NOT NULL AND lane.place < :limit
),
"""
# How many candidates a lane gives: all that are wanted if it is alone, fewer the more there are.
_SHARE = "(SELECT 1 + 10 * CAST(:limit AS integer) / (1 + count(organization_id)) FROM lane)"
_TOP_OF_LANE = """
      SELECT top.$row AS row, top.id, top.priority, top.run_at FROM jobs AS top
      WHERE top.state = 'ready' AND top.queue = lane.queue
        AND top.organization_id = lane.organization_id AND top.run_at <= $now AND top.kind $among_kinds
      ORDER BY top.priority, top.run_at, top.id LIMIT $share
"""
_TAKE = """
UPDATE jobs SET state = 'running', attempt = attempt + 1, lease_until = $later, lease_token = :token,
  worker = :worker, started_at = $now, updated_at = $now
WHERE $row $among_picked RETURNING $taken
"""
_CANDIDATES_SQLITE = """$lanes
candidate AS (
  SELECT j.rowid AS row, lane.round, lane.place, lane.queue, row_number() OVER (
      PARTITION BY lane.queue, lane.organization_id ORDER BY j.priority, j.run_at, j.id
    ) AS turn
  FROM lane CROSS JOIN jobs AS j ON j.rowid IN (SELECT row FROM ($top_of_lane))
  WHERE lane.organization_id IS NOT NULL
)"""
_CLAIM_SQLITE = """$candidates,
picked AS (
  SELECT row FROM candidate ORDER BY turn, round, place, queue LIMIT :limit
) $take
"""
_CANDIDATES_POSTGRES = """$lanes
candidate AS MATERIALIZED (
  SELECT j.row, lane.round, lane.place, lane.queue, j.turn
  FROM lane CROSS JOIN LATERAL (
      SELECT one.row, row_number() OVER (ORDER BY one.priority, one.run_at, one.id) AS turn
      FROM ($top_of_lane) AS one
    ) AS j
  WHERE lane.organization_id IS NOT NULL
)"""
_CLAIM_POSTGRES = """$candidates,
picked AS MATERIALIZED (
  SELECT job.row
  FROM (SELECT * FROM candidate ORDER BY turn, round, place, queue) AS next
  CROSS JOIN LATERAL (
      SELECT j.ctid AS row FROM jobs AS j WHERE j.ctid = next.row AND j.state = 'ready'
      FOR UPDATE SKIP LOCKED
    ) AS job
  LIMIT :limit
) $take
"""
# The same jobs in the same order, only looked at.
_DUE = """$candidates
SELECT j.organization_id, j.id, j.kind, j.queue, j.updated_at
FROM candidate JOIN jobs AS j ON j.$row = candidate.row
ORDER BY candidate.turn, candidate.round, candidate.place, candidate.queue LIMIT :limit
"""
# One after the other, by priority and time, whoever they belong to.
_CLAIM_SOME = """
WITH picked AS (
  SELECT $row AS row FROM jobs
  WHERE state = 'ready' AND run_at <= $now AND kind $among_kinds $narrowed
  ORDER BY priority, run_at, id LIMIT :limit $skip
) $take
"""
_LET_GO = "lease_token = NULL, lease_until = NULL, updated_at = $now"
_FINISH = """
UPDATE jobs SET state = 'done', finished_at = $now, last_error = NULL, $let_go WHERE $is_held RETURNING id
"""
_HAND_BACK = """
UPDATE jobs SET state = 'ready', attempt = attempt - 1, $let_go WHERE $is_held RETURNING id
"""
# Rows that somebody else has locked are passed by: a heartbeat never waits for a commit.
_EXTEND = """
UPDATE jobs SET lease_until = $later WHERE $row IN (SELECT $row FROM jobs WHERE $is_held $skip)
"""
_STILL_HELD = "SELECT id FROM jobs WHERE $is_held"
_REAP = """
UPDATE jobs SET state = CASE WHEN attempt >= max_attempts THEN 'dead' ELSE 'ready' END,
  finished_at = CASE WHEN attempt >= max_attempts THEN $now END,
  last_error = 'the worker went away in attempt ' || attempt || ' of ' || max_attempts, $let_go
WHERE state = 'running' AND $row IN (
  SELECT $row FROM jobs
  WHERE state = 'running' AND lease_until < $now ORDER BY lease_until LIMIT :limit $skip
)
RETURNING id, state
"""
_RUNNING = "SELECT count(*) FROM jobs WHERE state = 'running' AND queue = :queue"
_NEXT_DUE = """
SELECT $now AS now, CASE WHEN EXISTS (
    SELECT 1 FROM jobs
    WHERE state = 'ready' AND queue $among_queues AND run_at <= $now AND kind $among_kinds
  ) THEN $now ELSE (
    SELECT min(run_at) FROM jobs WHERE state = 'ready' AND queue $among_queues AND kind $among_kinds
  ) END AS run_at
"""
_FRAGMENTS = {
    "lanes": _LANES,
    "share": _SHARE,
    "top_of_lane": _TOP_OF_LANE,
    "take": _TAKE,
    "let_go": _LET_GO,
    "taken": ", ".join(TAKEN),
}


# The planner's statistics of this table are always out of date: thousands of rows change their state between
# two looks. Going by the indexes is right however many there are.
PLAN_BY_INDEX = text(
    "SELECT "
    + ", ".join(
        f"set_config('enable_{way}', 'off', true)"
        for way in ("sort", "incremental_sort", "bitmapscan", "seqscan", "hashjoin", "mergejoin")
    )
)


_TYPES = {name: JobRecord.__table__.c[name].type for name in (*TAKEN, *DUE)}
_TOKEN = bindparam("token", type_=Uuid())


@dataclass(frozen=True, slots=True)
class ClaimSql:
    """All statements for one kind of database."""

    claim: TextualSelect
    due: TextualSelect
    finish: TextualSelect
    hand_back: TextualSelect
    extend: TextClause
    still_held: TextualSelect
    reap: TextualSelect
    running: TextClause
    next_due: TextualSelect


@cache
def claim_sql(dialect: str) -> ClaimSql:
    """Return the statements for `sqlite` or `postgresql`."""
    moment = JobRecord.__table__.c.run_at.type
    bounds = [bindparam(name, type_=Uuid()) for name in ("after", "first", "last")]
    spelled = partial(_spelled, dialect)
    claim = spelled(_CLAIM_SQLITE if dialect == "sqlite" else _CLAIM_POSTGRES)
    return ClaimSql(
        claim=claim.bindparams(_TOKEN, *bounds).columns(**_TYPES),
        due=spelled(_DUE).bindparams(*bounds).columns(**{name: _TYPES[name] for name in DUE}),
        finish=spelled(_FINISH).columns(id=Uuid()),
        hand_back=spelled(_HAND_BACK).columns(id=Uuid()),
        extend=spelled(_EXTEND),
        still_held=spelled(_STILL_HELD).columns(id=Uuid()),
        reap=spelled(_REAP).columns(id=Uuid(), state=JobRecord.__table__.c.state.type),
        running=spelled(_RUNNING),
        next_due=spelled(_NEXT_DUE).columns(run_at=moment, now=moment),
    )


@cache
def claim_some(dialect: str, narrowed_by: tuple[str, ...]) -> TextualSelect:
    """Return the statement that takes jobs of some organisation, id or correlation (columns of the jobs)."""
    columns = [JobRecord.__table__.c[name] for name in narrowed_by]
    conditions = "".join(f" AND {column.name} = :{column.name}" for column in columns)
    statement = _spelled(dialect, _CLAIM_SOME, narrowed=conditions)
    only = [bindparam(column.name, type_=column.type) for column in columns]
    return statement.bindparams(_TOKEN, *only).columns(**_TYPES)


def _spelled(dialect: str, statement: str, **more: str) -> TextClause:
    """Put in the fragments, and those they hold."""
    lite = dialect == "sqlite"
    words = {**_FRAGMENTS, **(_SQLITE if lite else _POSTGRES), **more}
    words["candidates"] = _CANDIDATES_SQLITE if lite else _CANDIDATES_POSTGRES
    while "$" in (statement := Template(statement).substitute(words)):
        pass
    return text(statement)
