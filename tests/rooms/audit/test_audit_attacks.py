"""The owner of the database changes the past, without triggers or keys in the way: each attack is found.

Every attack comes at several places: the first entry, the last, the middle, and both sides of a batch's end.
"""

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from factories.people import People
from procur.audit.checkpoints import make_checkpoint, origin_of, read_checkpoint
from procur.audit.leaves import GENESIS, chained, leaf_of
from procur.audit.merkle import Tree
from procur.audit.notes import Signer, read_note
from procur.audit.seal import seal, seal_waiting
from procur.audit.signed import Signed
from procur.audit.verify import Report, verify
from procur.core.errors import Conflict
from procur.db import DatabaseSession
from procur.db.repositories import AuditRepository, AuditSealRepository

SIZE, BATCH = 12, 5
PLACES = (1, 5, 6, 7, 10, 12)
FIRST_MARK = 4  # checkpoints at 4 and at 12


@dataclass
class Scene:
    """A sealed trail of twelve entries with two checkpoints that were carried away, and its attacker."""

    database: DatabaseSession
    owner: DatabaseSession
    people: People
    signer: Signer
    checkpoints: list[str]

    def run(self, *statements: str, **values: Any) -> None:
        """Do something as the owner, with every trigger and foreign key out of the way."""
        with self.owner.system_session() as session:
            for statement in statements:
                session.execute(text(statement), {"o": self.mine, **values})

    def org(self, key: Any) -> Any:
        return key.hex if self.owner.engine.dialect.name == "sqlite" else key

    @property
    def mine(self) -> Any:
        return self.org(self.people.organization_id)

    def seals(self) -> list[tuple[Any, ...]]:
        with self.owner.system_session() as session:
            query = (
                "SELECT sequence, audit_log_id, leaf_hash, chain_hash FROM audit_seals "
                "WHERE organization_id = :o ORDER BY sequence"
            )
            return [tuple(row) for row in session.execute(text(query), {"o": self.mine})]

    def entry(self, place: int) -> Any:
        return self.seals()[place - 1][1]

    def reseal(self, *, head: bool = True) -> None:
        """Compute everything anew over the entries as they are, in their sealed order where they have one."""
        self.run("UPDATE audit_seals SET sequence = sequence + 1000 WHERE organization_id = :o")
        with self.owner.get_session("acme") as session:
            seals = AuditSealRepository(session)
            found = [entry for _, entry in seals.walk() if entry["id"] is not None] + seals.strays(100)
            found.sort(key=lambda entry: (entry["created_at"], entry["id"]))
            session.execute(
                text("DELETE FROM audit_seals WHERE organization_id = :o"),
                {"o": self.mine},
            )
            tree, chain = Tree(), GENESIS
            for entry in found:
                leaf = leaf_of(entry)
                tree.append(leaf)
                chain = chained(chain, leaf)
                session.execute(
                    text(
                        "INSERT INTO audit_seals (organization_id, sequence, audit_log_id, leaf_hash, "
                        "chain_hash, sealed_at) VALUES (:o, :n, :e, :l, :c, '2026-01-01 00:00:00.000000')"
                    ),
                    {
                        "o": self.mine,
                        "n": tree.size,
                        "e": entry["id"],
                        "l": leaf.hex(),
                        "c": chain.hex(),
                    },
                )
            if head:
                frontier = "[" + ", ".join(f'"{peak.hex()}"' for peak in tree.peaks) + "]"
                cast = "CAST(:f AS jsonb)" if self.owner.engine.dialect.name == "postgresql" else ":f"
                session.execute(
                    text(
                        f"UPDATE audit_heads SET size = :n, chain_hash = :c, frontier = {cast} "
                        "WHERE organization_id = :o"
                    ),
                    {
                        "n": tree.size,
                        "c": chain.hex(),
                        "f": frontier,
                        "o": self.mine,
                    },
                )
            session.execute(text("DELETE FROM audit_checkpoints"))

    def report(self, slug: str = "acme", *, checkpoints: bool = True) -> Report:
        with self.database.get_session(slug) as session:
            given = self.checkpoints if checkpoints else ()
            return verify(
                session,
                checkpoints=given,
                public_keys=[str(self.signer.verifier)] if checkpoints else (),
                batch=BATCH,
            )


@pytest.fixture
def scene(database: DatabaseSession, owner: DatabaseSession, people: People) -> Scene:
    signer = Signer(origin_of(people.organization_id), Ed25519PrivateKey.generate())
    kept = []
    for slug in ("rival", "acme"):
        for number in range(1, SIZE + 1):
            with database.get_session(slug) as session:
                AuditRepository(session).log_action(
                    action=f"a{number}",
                    resource_id=f"r{number}",
                    description=f"{slug} {number}",
                    user_id="u",
                    event_data={"n": number, "price": 1.5},
                    actor_id="somebody",
                )
                if slug == "acme" and number in {FIRST_MARK, SIZE}:
                    session.commit()
                    seal(session)
                    kept.append(make_checkpoint(session, signer))
        seal_waiting(lambda slug=slug: database.get_session(slug))
    scene = Scene(database, owner, people, signer, kept)
    _disarm(owner)
    assert scene.report().intact
    assert scene.report("rival", checkpoints=False).intact
    return scene


def _disarm(owner: DatabaseSession) -> None:
    """Do what somebody with every right on the database can do."""
    with owner.system_session() as session:
        if owner.engine.dialect.name == "postgresql":
            for table in ("audit_logs", "audit_seals", "audit_checkpoints"):
                session.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))
            session.execute(
                text("ALTER TABLE audit_unsealed DROP CONSTRAINT fk_audit_unsealed_id_audit_logs")
            )
            return
        names = "SELECT name FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'append_only_audit%'"
        for name in list(session.execute(text(names)).scalars()):
            session.execute(text(f"DROP TRIGGER {name}"))


def said(report: Report) -> set[tuple[str, int | None]]:
    return {(problem.kind, problem.sequence) for problem in report.problems}


def edit_text(scene: Scene, place: int) -> set[tuple[str, int | None]]:
    scene.run("UPDATE audit_logs SET description = 'nothing to see' WHERE id = :e", e=scene.entry(place))
    return {("edited", place)}


def edit_document(scene: Scene, place: int) -> set[tuple[str, int | None]]:
    scene.run(
        'UPDATE audit_logs SET event_data = \'{"n": 1, "price": 1.4}\' WHERE id = :e', e=scene.entry(place)
    )
    return {("edited", place)}


def edit_time(scene: Scene, place: int) -> set[tuple[str, int | None]]:
    scene.run(
        "UPDATE audit_logs SET created_at = '2020-01-01 00:00:00.000000' WHERE id = :e", e=scene.entry(place)
    )
    return {("edited", place)}


def edit_actor(scene: Scene, place: int) -> set[tuple[str, int | None]]:
    scene.run("UPDATE audit_logs SET actor_id = NULL, user_id = 'eve' WHERE id = :e", e=scene.entry(place))
    return {("edited", place)}


def edit_entry_and_leaf(scene: Scene, place: int) -> set[tuple[str, int | None]]:
    key = scene.entry(place)
    scene.run("UPDATE audit_logs SET description = 'else' WHERE id = :e", e=key)
    with scene.owner.get_session("acme") as session:
        leaf = next(
            leaf_of(entry)
            for seal_, entry in AuditSealRepository(session).walk()
            if seal_["sequence"] == place
        )
    scene.run("UPDATE audit_seals SET leaf_hash = :l WHERE audit_log_id = :e", l=leaf.hex(), e=key)
    return {("seal_changed", place)}


def remove_entry(scene: Scene, place: int) -> set[tuple[str, int | None]]:
    scene.run("DELETE FROM audit_logs WHERE id = :e", e=scene.entry(place))
    return {("removed", place)}


def remove_entry_and_seal(scene: Scene, place: int) -> set[tuple[str, int | None]]:
    key = scene.entry(place)
    scene.run(
        "DELETE FROM audit_logs WHERE id = :e", "DELETE FROM audit_seals WHERE audit_log_id = :e", e=key
    )
    return {("seal_missing", place)}


def remove_and_renumber(scene: Scene, place: int) -> set[tuple[str, int | None]]:
    remove_entry_and_seal(scene, place)
    for number in range(place + 1, SIZE + 1):
        scene.run(
            "UPDATE audit_seals SET sequence = :n - 1 WHERE organization_id = :o AND sequence = :n", n=number
        )
    return {("seal_changed", place), ("seal_missing", SIZE)} if place < SIZE else {("seal_missing", SIZE)}


def remove_the_rest(scene: Scene, place: int) -> set[tuple[str, int | None]]:
    for _, key, *_ in scene.seals()[place - 1 :]:
        scene.run(
            "DELETE FROM audit_logs WHERE id = :e", "DELETE FROM audit_seals WHERE audit_log_id = :e", e=key
        )
    return {("seal_missing", place)}


def roll_back(scene: Scene, place: int) -> set[tuple[str, int | None]]:
    """Take away the last entries with their seals, checkpoints and head: only what was carried away tells."""
    remove_the_rest(scene, place)
    scene.reseal()
    assert scene.report(checkpoints=False).intact
    return {("truncated", place)}


def insert_entry(scene: Scene, place: int) -> set[tuple[str, int | None]]:
    _copy(scene, place)
    return {("inserted", None)}


def insert_with_seal(scene: Scene, place: int) -> set[tuple[str, int | None]]:
    key = _copy(scene, place)
    _, _, leaf, chain = scene.seals()[place - 1]
    _forge(scene, SIZE + 1, key, leaf, chain)
    return {("seal_inserted", SIZE + 1), ("edited", SIZE + 1), ("seal_changed", SIZE + 1)}


def insert_before_the_first(scene: Scene, place: int) -> set[tuple[str, int | None]]:
    key = _copy(scene, place)
    _forge(scene, place - SIZE - 1, key, "0" * 64, "0" * 64)
    return {("seal_inserted", None)}


def swap(scene: Scene, place: int) -> set[tuple[str, int | None]]:
    """Let two entries change places, with their seals."""
    one, other = (place, place + 1) if place < SIZE else (place - 1, place)
    for old, new in ((one, 999), (other, one), (999, other)):
        scene.run(
            "UPDATE audit_seals SET sequence = :n WHERE organization_id = :o AND sequence = :s", n=new, s=old
        )
    return {("seal_changed", one), ("seal_changed", other)}


def swap_contents(scene: Scene, place: int) -> set[tuple[str, int | None]]:
    """Let two seals name one another's entry."""
    one, other = (place, place + 1) if place < SIZE else (place - 1, place)
    keys = scene.entry(one), scene.entry(other)
    for seq, key in ((one, uuid4().hex), (other, keys[0]), (one, keys[1])):
        scene.run(
            "UPDATE audit_seals SET audit_log_id = :e WHERE organization_id = :o AND sequence = :s",
            e=key,
            s=seq,
        )
    return {("edited", one), ("edited", other)}


def move_away(scene: Scene, place: int) -> set[tuple[str, int | None]]:
    """Move an entry to another organisation: both say so."""
    _move(scene, place, "audit_logs")
    assert said(scene.report("rival", checkpoints=False)) == {("inserted", None)}
    return {("removed", place)}


def move_away_with_seal(scene: Scene, place: int) -> set[tuple[str, int | None]]:
    key = scene.entry(place)
    _move(scene, place, "audit_logs")
    scene.run(
        "UPDATE audit_seals SET organization_id = :r, sequence = :n WHERE audit_log_id = :e",
        r=scene.org(scene.people.other_organization_id),
        n=SIZE + 1,
        e=key,
    )
    there = said(scene.report("rival", checkpoints=False))
    assert there == {("seal_inserted", SIZE + 1), ("edited", SIZE + 1), ("seal_changed", SIZE + 1)}
    return {("seal_missing", place)}


def recompute(scene: Scene, place: int) -> set[tuple[str, int | None]]:
    """Edit, then compute every hash anew up to the head: without a checkpoint from outside nothing shows."""
    edit_text(scene, place)
    scene.reseal()
    assert scene.report(checkpoints=False).intact
    return {("checkpoint_differs", 1 if place <= FIRST_MARK else FIRST_MARK + 1)}


def remove_and_recompute(scene: Scene, place: int) -> set[tuple[str, int | None]]:
    remove_entry_and_seal(scene, place)
    scene.reseal()
    assert scene.report(checkpoints=False).intact
    if place == SIZE:
        return {("truncated", SIZE)}
    if place <= FIRST_MARK:
        return {("checkpoint_differs", 1)}
    return {("truncated", SIZE)}  # eleven entries are left, and the first four fit


def insert_and_recompute(scene: Scene, place: int) -> set[tuple[str, int | None]]:
    _copy(scene, place)
    scene.reseal()
    assert scene.report(checkpoints=False).intact
    # Behind the last checkpoint an entry may be added: that is what a trail is for.
    return {("checkpoint_differs", 1 if place < FIRST_MARK else FIRST_MARK + 1)} if place < SIZE else set()


def recompute_without_head(scene: Scene, place: int) -> set[tuple[str, int | None]]:
    edit_text(scene, place)
    scene.reseal(head=False)
    mark = 1 if place <= FIRST_MARK else FIRST_MARK + 1
    return {("head_changed", SIZE), ("checkpoint_differs", mark)}


def rewind_head(scene: Scene, place: int) -> set[tuple[str, int | None]]:
    scene.run("UPDATE audit_heads SET size = :n WHERE organization_id = :o", n=place - 1)
    return {("seal_inserted", place)}


def remove_head(scene: Scene, place: int) -> set[tuple[str, int | None]]:
    scene.run("DELETE FROM audit_heads WHERE organization_id = :o")
    return {("seal_inserted", 1)}


def bend_head(scene: Scene, place: int) -> set[tuple[str, int | None]]:
    scene.run("UPDATE audit_heads SET chain_hash = :c WHERE organization_id = :o", c=f"{place:064x}")
    return {("head_changed", SIZE)}


def bend_seal(scene: Scene, place: int) -> set[tuple[str, int | None]]:
    scene.run("UPDATE audit_seals SET leaf_hash = 'zz' WHERE organization_id = :o AND sequence = :s", s=place)
    return {("edited", place), ("seal_changed", place)}


def forge_kept_checkpoint(scene: Scene, place: int) -> set[tuple[str, int | None]]:
    scene.run(
        "UPDATE audit_checkpoints SET note = replace(note, 'time 2', 'time 3') WHERE organization_id = :o"
    )
    return {("checkpoint_invalid", FIRST_MARK), ("checkpoint_invalid", SIZE)}


def rewrite_and_sign(scene: Scene, place: int) -> set[tuple[str, int | None]]:
    """Compute everything anew and keep a checkpoint of one's own making instead of the real ones."""
    edit_text(scene, place)
    scene.reseal()
    with scene.owner.get_session("acme") as session:
        make_checkpoint(session, Signer(scene.signer.name, Ed25519PrivateKey.generate()))
    return {("checkpoint_unknown_key", SIZE), ("checkpoint_differs", 1 if place <= FIRST_MARK else 5)}


Attack = Callable[[Scene, int], set[tuple[str, int | None]]]
ATTACKS: list[Attack] = [
    edit_text,
    edit_document,
    edit_time,
    edit_actor,
    edit_entry_and_leaf,
    remove_entry,
    remove_entry_and_seal,
    remove_and_renumber,
    remove_the_rest,
    roll_back,
    insert_entry,
    insert_with_seal,
    insert_before_the_first,
    swap,
    swap_contents,
    move_away,
    move_away_with_seal,
    recompute,
    remove_and_recompute,
    insert_and_recompute,
    recompute_without_head,
    rewind_head,
    remove_head,
    bend_head,
    bend_seal,
    forge_kept_checkpoint,
    rewrite_and_sign,
]


def test_a_rewritten_past_under_a_forged_checkpoint_is_neither_believed_nor_signed(scene: Scene) -> None:
    last = read_checkpoint(read_note(scene.checkpoints[-1]).text)
    rewrite_and_sign(scene, 6)
    key = str(scene.signer.verifier)
    with scene.database.get_session("acme") as session:
        report = verify(session, public_keys=[key])
        assert [problem.kind for problem in report.problems] == ["checkpoint_unknown_key"]
        assert report.checkpoints == 0
        forged = read_note(AuditSealRepository(session).checkpoint_notes()[0])
    with pytest.raises(Conflict, match="another key"), scene.database.get_session("acme") as session:
        make_checkpoint(session, scene.signer)
    # Nor where the note is gone: the root that was signed last is not in this trail.
    mine = Signed(last.size, last.root)
    scene.run("DELETE FROM audit_checkpoints")
    with pytest.raises(Conflict, match="nothing is signed"), scene.database.get_session("acme") as session:
        make_checkpoint(session, scene.signer, signed=mine)
    assert forged.key_ids != [scene.signer.verifier.id.hex()]


def _copy(scene: Scene, place: int) -> str:
    """Write an entry of one's own invention right behind another, in its likeness."""
    key = scene.entry(place)
    new = f"{int(str(key).replace('-', ''), 16) + 1:032x}"
    with scene.owner.system_session() as session:
        first = session.execute(text("SELECT * FROM audit_logs LIMIT 1")).mappings().one()
        names = ", ".join(name for name in first if name not in {"id", "description"})
        session.execute(
            text(
                f"INSERT INTO audit_logs (id, description, {names}) "
                f"SELECT :n, 'never happened', {names} FROM audit_logs WHERE id = :e"
            ),
            {"n": new, "e": key},
        )
    return new


def _forge(scene: Scene, number: int, key: str, leaf: str, chain: str) -> None:
    scene.run(
        "INSERT INTO audit_seals (organization_id, sequence, audit_log_id, leaf_hash, chain_hash, sealed_at) "
        "VALUES (:o, :n, :e, :l, :c, '2026-01-01 00:00:00.000000')",
        n=number,
        e=key,
        l=leaf,
        c=chain,
    )


def _move(scene: Scene, place: int, table: str) -> None:
    scene.run(
        f"UPDATE {table} SET organization_id = :r WHERE id = :e",
        r=scene.org(scene.people.other_organization_id),
        e=scene.entry(place),
    )


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.__name__)
def test_an_attack_is_found_where_it_happened(
    scene: Scene, attack: Attack, counted: Callable[[int, str], None]
) -> None:
    counts = 0
    for place in PLACES:
        before = _snapshot(scene)
        expected = attack(scene, place)
        found = said(scene.report())
        assert expected <= found, (attack.__name__, place, scene.report().problems)
        assert bool(found) == bool(expected), (attack.__name__, place, found)
        counts += bool(expected)
        _restore(scene, before)
        assert scene.report().intact, (attack.__name__, place)
    counted(counts, "attacks on the audit trail, each found where it happened")


TABLES = ("audit_logs", "audit_seals", "audit_heads", "audit_checkpoints")


def _snapshot(scene: Scene) -> dict[str, list[dict[str, Any]]]:
    with scene.owner.system_session() as session:
        return {
            table: [dict(row) for row in session.execute(text(f"SELECT * FROM {table}")).mappings()]
            for table in TABLES
        }


def _restore(scene: Scene, rows: dict[str, list[dict[str, Any]]]) -> None:
    from psycopg.types.json import Jsonb

    with scene.owner.system_session() as session:
        for table in TABLES:
            session.execute(text(f"DELETE FROM {table}"))
            for row in rows[table]:
                values = {
                    name: Jsonb(value) if isinstance(value, dict | list) else value
                    for name, value in row.items()
                }
                names = ", ".join(row)
                session.execute(
                    text(f"INSERT INTO {table} ({names}) VALUES ({', '.join(f':{n}' for n in row)})"), values
                )


@pytest.fixture
def kept(scene: Scene) -> Scene:
    return scene


TEXTS = (
    "user_id",
    "actor_id",
    "action",
    "resource_type",
    "resource_id",
    "description",
    "ip_address",
    "user_agent",
    "correlation_id",
)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], database=None
)
@given(
    place=st.integers(1, SIZE),
    column=st.sampled_from(TEXTS),
    value=st.one_of(st.none(), st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=20)),
)
def test_any_edit_of_any_text_is_found(kept: Scene, place: int, column: str, value: str | None) -> None:
    if column == "action" and value is None:
        value = ""
    key = kept.entry(place)
    with kept.owner.system_session() as session:
        query = text(f"SELECT {column} FROM audit_logs WHERE id = :e")
        before = session.execute(query, {"e": key}).scalar_one()
    kept.run(f"UPDATE audit_logs SET {column} = :v WHERE id = :e", v=value, e=key)
    found = said(kept.report())
    kept.run(f"UPDATE audit_logs SET {column} = :v WHERE id = :e", v=before, e=key)
    assert found == (set() if value == before else {("edited", place)})


@pytest.mark.parametrize(
    ("column", "value"),
    [
        *itertools.product(("description", "actor_id"), ("CAST(X'FF' AS TEXT)", "CAST(description AS BLOB)")),
        ("created_at", "'soon'"),
        ("created_at", "1795219200"),
        ("event_data", "5"),
        ("event_data", "'{'"),
        ("id", "'nobody'"),
        ("event_data", "X'00'"),
    ],
)
def test_what_only_sqlite_lets_into_a_column_is_found_and_no_error(
    sqlite_database: DatabaseSession, column: str, value: str
) -> None:
    with sqlite_database.get_session() as session:
        AuditRepository(session).log_action(action="a", description="A", actor_id="A", event_data={"a": 5})
        seal(session)
    _disarm(sqlite_database)
    with sqlite_database.system_session() as session:
        session.execute(text(f"UPDATE audit_logs SET {column} = {value}"))
    with sqlite_database.get_session() as session:
        assert {problem.kind for problem in verify(session).problems} <= {"edited", "removed", "inserted"}
        assert not verify(session).intact


@pytest.mark.parametrize("kept", [4, 5])
@pytest.mark.parametrize(
    "bent",
    [
        "frontier = 'null'",
        "frontier = '5'",
        "frontier = 'junk'",
        "frontier = '[5]'",
        "frontier = '[\"\"]'",
        "size = 'x'",
    ],
)
def test_a_bent_head_is_told_and_nothing_is_sealed_or_signed_on_it(
    database: DatabaseSession, owner: DatabaseSession, people: People, bent: str, kept: int
) -> None:
    if owner.engine.dialect.name == "postgresql":  # whose columns take neither
        bent = bent.replace("size = 'x'", "chain_hash = 'x'").replace("junk", '"junk"')
    with database.get_session("acme") as session:
        for number in range(kept):
            AuditRepository(session).log_action(action=f"a{number}")
        seal(session)
        AuditRepository(session).log_action(action="waits")
    _disarm(owner)
    with owner.system_session() as session:
        session.execute(text(f"UPDATE audit_heads SET {bent}"))
    signer = Signer(origin_of(people.organization_id), Ed25519PrivateKey.generate())
    for step in (seal, lambda session: make_checkpoint(session, signer)):
        with (
            pytest.raises(Conflict, match="head of the audit trail") as caught,
            database.get_session("acme") as s,
        ):
            step(s)
        assert caught.value.hint == "procur audit verify"
    with database.get_session("acme") as session:
        kinds = {problem.kind for problem in verify(session).problems}
    assert kinds == {"head_changed"}


@pytest.mark.parametrize("value", ["'infinity'", "'4712-01-01 00:00:00 BC'"])
def test_times_that_python_does_not_know_are_found(scene: Scene, value: str) -> None:
    if scene.owner.engine.dialect.name == "sqlite":
        return
    scene.run(f"UPDATE audit_logs SET created_at = {value} WHERE id = :e", e=scene.entry(3))
    assert said(scene.report()) == {("edited", 3)}
