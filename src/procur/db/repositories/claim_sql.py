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
    "spans": "SELECT key AS span, value ->> 0 AS queue, value ->> 1 AS low, value ->> 2 AS high, "
    "value ->> 3 AS room FROM json_each(:spans)",
    "queues": "SELECT value AS queue FROM json_each(:queues)",
    "kinds": "SELECT value AS kind FROM json_each(:kinds)",
    "spread": "(strftime('%Y-%m-%d %H:%M:%f', 'now', "
    "round((1 << min(attempt, 9)) * abs(random() % 1000000) / 1e6, 3) || ' seconds') || '000')",
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
    "spans": "SELECT * FROM unnest(CAST(:span_queues AS text[]), CAST(:lows AS uuid[]), "
    "CAST(:highs AS uuid[]), CAST(:rooms AS integer[])) "
    "WITH ORDINALITY AS given(queue, low, high, room, span)",
    "queues": "SELECT unnest(CAST(:queues AS text[])) AS queue",
    "kinds": "SELECT unnest(CAST(:kinds AS text[])) AS kind",
    "spread": "(SELECT clock_timestamp()) + make_interval(secs => (1 << LEAST(attempt, 9)) * random())",
    "among_kinds": "= ANY(CAST(:kinds AS text[]))",
    "is_held": "replace(CAST(id AS text) || CAST(lease_token AS text), '-', '') "
    "= ANY(CAST(:held AS text[])) AND state = 'running'",
    "row": "ctid",
    "among_picked": "= ANY(ARRAY(SELECT row FROM picked))",
    "skip": "FOR UPDATE SKIP LOCKED",
}

# A lane is what one organisation has in one queue. The index ix_jobs_ready leads with both, so that going
# from one lane to the next is one look into it, however long the lanes are. A queue is walked in two spans:
# the lanes behind the one served last, then those up to it. A queue in which nothing is due is not walked:
# ix_jobs_due knows that at one look for each kind, however many jobs wait for another attempt.
_LANES = """
WITH RECURSIVE step(queue, span, room, organization_id, high, place) AS (
  SELECT start.queue, start.span, start.room, (
      SELECT j.organization_id FROM jobs AS j
      WHERE j.state = 'ready' AND j.queue = start.queue AND j.organization_id > start.low
        AND j.organization_id <= start.high AND j.run_at <= $now AND j.kind $among_kinds
      ORDER BY j.organization_id, j.priority, j.run_at, j.id LIMIT 1
    ), start.high, 1
  FROM ($spans) AS start
  WHERE EXISTS (
    SELECT 1 FROM ($kinds) AS wanted WHERE (
        SELECT min(j.run_at) FROM jobs AS j
        WHERE j.state = 'ready' AND j.queue = start.queue AND j.kind = wanted.kind
      ) <= $now
  )
  UNION ALL
  SELECT step.queue, step.span, step.room, (
      SELECT j.organization_id FROM jobs AS j
      WHERE j.state = 'ready' AND j.queue = step.queue AND j.organization_id > step.organization_id
        AND j.organization_id <= step.high AND j.run_at <= $now AND j.kind $among_kinds
      ORDER BY j.organization_id, j.priority, j.run_at, j.id LIMIT 1
    ), step.high, step.place + CASE WHEN $open_step THEN 1 ELSE 0 END
  FROM step WHERE step.organization_id IS NOT NULL AND step.place < :limit
),
lane AS MATERIALIZED (SELECT * FROM step WHERE $open_step),
"""
# Whose organisation is closed waits until it is opened again.
_OPEN = "EXISTS (SELECT 1 FROM organizations AS o WHERE o.id = {}.organization_id AND o.deleted_at IS NULL)"
# How many candidates a lane gives: all that are wanted if it is alone, fewer the more there are.
_SHARE = "(SELECT 1 + 10 * CAST(:limit AS integer) / (1 + count(*)) FROM lane)"
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
  SELECT j.rowid AS row, lane.span, lane.room, lane.place, lane.queue, row_number() OVER (
      PARTITION BY lane.queue, lane.organization_id ORDER BY j.priority, j.run_at, j.id
    ) AS turn
  FROM lane CROSS JOIN jobs AS j ON j.rowid IN (SELECT row FROM ($top_of_lane))
),
$owed"""
# One of each queue, then the second of each; within a queue one of each organisation, then the second.
_OWED = """owed AS (
  SELECT row, span, room, row_number() OVER (PARTITION BY queue ORDER BY turn, span, place) AS nth
  FROM candidate
)"""
_CLAIM_SQLITE = """$candidates,
picked AS (
  SELECT row FROM owed WHERE nth <= room ORDER BY nth, span LIMIT :limit
) $take
"""
_CANDIDATES_POSTGRES = """$lanes
candidate AS MATERIALIZED (
  SELECT j.row, lane.span, lane.room, lane.place, lane.queue, j.turn
  FROM lane CROSS JOIN LATERAL (
      SELECT one.row, row_number() OVER (ORDER BY one.priority, one.run_at, one.id) AS turn
      FROM ($top_of_lane) AS one
    ) AS j
),
$owed"""
_CLAIM_POSTGRES = """$candidates,
picked AS MATERIALIZED (
  SELECT job.row
  FROM (SELECT * FROM owed WHERE nth <= room ORDER BY nth, span) AS next
  CROSS JOIN LATERAL (
      SELECT j.ctid AS row FROM jobs AS j WHERE j.ctid = next.row AND j.state = 'ready'
      FOR UPDATE SKIP LOCKED
    ) AS job
  LIMIT :limit
) $take
"""
# The same jobs in the same order, only looked at.
_DUE = """$candidates
SELECT j.organization_id, j.id, j.kind, j.queue, j.updated_at FROM owed JOIN jobs AS j ON j.$row = owed.row
WHERE owed.nth <= owed.room ORDER BY owed.nth, owed.span LIMIT :limit
"""
# One after the other, by priority and time, whoever they belong to.
_CLAIM_SOME = """
WITH picked AS (
  SELECT $row AS row FROM jobs
  WHERE state = 'ready' AND run_at <= $now AND kind $among_kinds AND $open_jobs $narrowed
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
# What was left twice comes back one by one: a job that takes its worker with it is not to take with it, again
# and again, those that were claimed beside it.
_REAP = """
UPDATE jobs SET state = CASE WHEN attempt >= max_attempts THEN 'dead' ELSE 'ready' END,
  finished_at = CASE WHEN attempt >= max_attempts THEN $now END,
  run_at = CASE WHEN attempt > 1 THEN $spread ELSE run_at END,
  last_error = 'the worker went away in attempt ' || attempt || ' of ' || max_attempts, $let_go
WHERE state = 'running' AND $row IN (
  SELECT $row FROM jobs
  WHERE state = 'running' AND lease_until < $now ORDER BY lease_until LIMIT :limit $skip
)
RETURNING id, state
"""
_RUNNING = "SELECT count(*) FROM jobs WHERE state = 'running' AND queue = :queue"
_NEXT_DUE = """
SELECT $now AS now, min(first.run_at) AS run_at FROM (
  SELECT (
      SELECT min(j.run_at) FROM jobs AS j
      WHERE j.state = 'ready' AND j.queue = served.queue AND j.kind = wanted.kind
    ) AS run_at
  FROM ($queues) AS served CROSS JOIN ($kinds) AS wanted
) AS first
"""
_FRAGMENTS = {
    "lanes": _LANES,
    "share": _SHARE,
    "top_of_lane": _TOP_OF_LANE,
    "take": _TAKE,
    "let_go": _LET_GO,
    "owed": _OWED,
    "open_step": _OPEN.format("step"),
    "open_jobs": _OPEN.format("jobs"),
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
    spelled = partial(_spelled, dialect)
    claim = spelled(_CLAIM_SQLITE if dialect == "sqlite" else _CLAIM_POSTGRES)
    return ClaimSql(
        claim=claim.bindparams(_TOKEN).columns(**_TYPES),
        due=spelled(_DUE).columns(**{name: _TYPES[name] for name in DUE}),
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
