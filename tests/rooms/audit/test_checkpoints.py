"""Checkpoints: their format, who may sign what, and what verifying makes of them."""

import base64
import stat
from pathlib import Path
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import text

from factories.people import People
from procur.audit import notes
from procur.audit.checkpoints import Checkpoint, make_checkpoint, origin_of, read_checkpoint
from procur.audit.notes import Signer, Verifier, read_note, split_notes
from procur.audit.seal import seal
from procur.audit.signed import Signed, keep_signed, read_signed, signed_path
from procur.audit.verify import verify
from procur.core.errors import Conflict, InvalidInput, NotConfigured, NotFound, Unavailable
from procur.db import DatabaseSession, Session
from procur.db.repositories import AuditRepository, AuditSealRepository

# From c2sp.org/signed-note's reference implementation and c2sp.org/tlog-checkpoint.
KNOWN_KEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
KNOWN_NOTE = (
    "This is an example message.\n\n— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Z"
    "tg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
)
KNOWN_CHECKPOINT = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"


def write(session: Session, number: int = 3) -> None:
    for each in range(number):
        AuditRepository(session).log_action(action=f"a{each}")
    seal(session)


@pytest.fixture
def signer(people: People) -> Signer:
    return Signer(origin_of(people.organization_id), Ed25519PrivateKey.generate())


def test_notes_of_others_are_read_and_verified() -> None:
    key = Verifier.read(KNOWN_KEY)
    assert str(key) == KNOWN_KEY
    assert read_note(KNOWN_NOTE).signed_by(key) is True
    assert read_note(KNOWN_NOTE.replace("example message", "other message")).signed_by(key) is False
    assert read_note(KNOWN_NOTE).signed_by(Verifier("example.com/bar", key.public_key)) is None
    assert read_checkpoint(KNOWN_CHECKPOINT).size == 20852163


def test_a_checkpoint_is_the_head_signed(session: Session, signer: Signer) -> None:
    write(session)
    note = make_checkpoint(session, signer)
    head = AuditSealRepository(session).head()
    origin, size, root, _time, chain, empty, signature, _ = note.split("\n")
    assert head is not None
    assert (origin, size, empty, chain) == (signer.name, "3", "", f"chain {head.chain_hash}")
    assert base64.b64decode(root).hex() == verify(session).root
    assert signature.startswith(f"— {signer.name} ")
    assert base64.b64decode(signature.split(" ")[2])[:4] == signer.verifier.id
    assert read_note(note).signed_by(signer.verifier) is True
    assert make_checkpoint(session, signer) == note
    report = verify(session, checkpoints=[note], public_keys=[str(signer.verifier)])
    assert (report.intact, report.checkpoints) == (True, 2)


def test_an_empty_trail_can_be_signed(session: Session, signer: Signer) -> None:
    note = make_checkpoint(session, signer)
    write(session)
    assert make_checkpoint(session, signer) != note
    assert verify(session, checkpoints=[note], public_keys=[str(signer.verifier)]).intact


def test_nothing_is_signed_that_does_not_continue_the_last_checkpoint(
    owner: DatabaseSession, signer: Signer, people: People
) -> None:
    with owner.get_session("acme") as session:
        write(session)
        make_checkpoint(session, signer)
        write(session)
    for table in ("audit_seals", "audit_checkpoints"):
        with owner.system_session() as session:
            drop = f"DROP TRIGGER append_only_{table}_update"
            on = f" ON {table}" if owner.engine.dialect.name == "postgresql" else ""
            session.execute(text(drop + on))
    attacks = {
        "head": "UPDATE audit_heads SET chain_hash = '" + "0" * 64 + "'",
        "leaf": "UPDATE audit_seals SET leaf_hash = chain_hash WHERE sequence = 5",
        "gap": "UPDATE audit_seals SET sequence = 99 WHERE sequence = 4",
        "note": "UPDATE audit_checkpoints SET note = replace(note, '3\n', '2\n')",
        "frontier": "UPDATE audit_checkpoints SET frontier = '[]'",
        "frontier's type": "UPDATE audit_checkpoints SET frontier = '5'",
        "head's tree": "UPDATE audit_heads SET frontier = '[1]'",
    }
    for name, attack in attacks.items():
        scope = owner.get_session("acme")
        session = scope.__enter__()
        session.execute(text(attack))
        with pytest.raises(Conflict):
            make_checkpoint(session, signer)
        session.rollback()
        scope.close()
        assert name
    with owner.get_session("acme") as session:
        assert read_checkpoint(read_note(make_checkpoint(session, signer)).text).size == 6


def test_another_key_signs_only_where_the_change_is_stated(session: Session, signer: Signer) -> None:
    write(session)
    make_checkpoint(session, signer)
    other = Signer(signer.name, Ed25519PrivateKey.generate())
    with pytest.raises(Conflict, match=signer.verifier.id.hex()) as caught:
        make_checkpoint(session, other)
    assert "--rotate-from" in str(caught.value.hint)
    note = make_checkpoint(session, other, earlier=[signer.verifier])
    assert read_note(note).signed_by(other.verifier) is True
    both = [str(signer.verifier), str(other.verifier)]
    assert verify(session, checkpoints=[note], public_keys=both).intact
    write(session, 1)
    make_checkpoint(session, other, earlier=[signer.verifier])
    write(session, 1)
    make_checkpoint(session, other)  # the last one is its own by now
    assert verify(session, public_keys=both).checkpoints == 3


def test_a_kept_checkpoint_counts_only_under_a_known_key(session: Session, signer: Signer) -> None:
    write(session)
    make_checkpoint(session, signer)
    other = Verifier(signer.name, Ed25519PrivateKey.generate().public_key().public_bytes_raw())
    report = verify(session, public_keys=[str(other)])
    assert [(each.kind, each.sequence) for each in report.problems] == [("checkpoint_unknown_key", 3)]
    assert (report.intact, report.checkpoints) == (False, 0)
    assert verify(session, public_keys=[str(other), str(signer.verifier)]).checkpoints == 1
    assert verify(session).checkpoints == 1  # nobody asked about signatures


def test_what_was_signed_last_holds_whatever_the_database_says(
    database: DatabaseSession, owner: DatabaseSession, signer: Signer, people: People
) -> None:
    with database.get_session("acme") as session:
        write(session, 2)
        make_checkpoint(session, signer)
        write(session, 3)
        said = read_checkpoint(read_note(make_checkpoint(session, signer)).text)
    signed = Signed(said.size, said.root)
    with database.get_session("acme") as session:
        write(session, 1)
        for wrong in (Signed(5, bytes(32)), Signed(4, said.root), Signed(1, said.root), Signed(9, said.root)):
            with pytest.raises(Conflict, match="nothing is signed"):
                make_checkpoint(session, signer, signed=wrong)
        assert read_checkpoint(read_note(make_checkpoint(session, signer, signed=signed)).text).size == 6


def test_what_was_signed_is_kept_whole_and_for_its_owner(tmp_path: Path, signer: Signer) -> None:
    path = signed_path(tmp_path / "key.pem", UUID(int=7))
    assert read_signed(path) is None
    for size in (1, 2):
        keep_signed(path, Signed(size, bytes(32), (signer.verifier,)))
        assert read_signed(path) == Signed(size, bytes(32), (signer.verifier,))
    assert list(tmp_path.glob("key.pem*")) == [path]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    for bent in ("", "{}", "[]", '{"size": -1}', path.read_text().replace("2", '"2"', 1), "\udcff"):
        path.write_text(bent, errors="surrogateescape")
        with pytest.raises(Conflict, match="signed last"):
            read_signed(path)
    with pytest.raises(Unavailable):
        keep_signed(tmp_path / "no" / "file", Signed(1, bytes(32)))


def test_where_the_past_differs_is_told_in_words_that_make_sense(session: Session, signer: Signer) -> None:
    write(session, 5)
    good = make_checkpoint(session, signer)
    for sizes, says in (
        ((5,), "two checkpoints at 5 contradict each other"),
        ((0,), "the checkpoint at 0 does not fit: it is of no empty trail"),
        ((1,), "rewritten at the entry 1:"),
        ((3,), "rewritten between the entries 1 and 3:"),
    ):
        given = [signer.sign(Checkpoint(signer.name, size, bytes(32)).text()) for size in sizes]
        report = verify(session, checkpoints=[good, *given], public_keys=[str(signer.verifier)])
        (problem,) = report.problems
        assert says in problem.says
        assert problem.sequence == max(1, min(sizes[0], 5 if sizes[0] == 5 else 1))


def test_checkpoints_that_prove_nothing_are_told(session: Session, signer: Signer, people: People) -> None:
    write(session)
    note, key = make_checkpoint(session, signer), str(signer.verifier)
    other = Signer(signer.name, Ed25519PrivateKey.generate())
    foreign = Signer(origin_of(people.other_organization_id), signer.key)
    elsewhere = foreign.sign(Checkpoint(foreign.name, 3, bytes(32)).text())
    ahead = signer.sign(Checkpoint(signer.name, 9, bytes(32)).text())
    for given, kind in (
        (note.replace("time 2", "time 3"), "checkpoint_invalid"),
        (other.sign(read_note(note).text), "checkpoint_unknown_key"),
        ("nonsense", "checkpoint_invalid"),
        (signer.sign("two\nlines\n"), "checkpoint_invalid"),
        (elsewhere, "checkpoint_foreign"),
        (ahead, "truncated"),
        (signer.sign(Checkpoint(signer.name, 2, bytes(32)).text()), "checkpoint_differs"),
    ):
        report = verify(session, checkpoints=[given], public_keys=[key])
        assert [problem.kind for problem in report.problems] == [kind], given


def test_a_file_holds_several_notes(signer: Signer) -> None:
    made = [signer.sign(Checkpoint(signer.name, size, bytes(32)).text()) for size in (1, 2, 3)]
    assert split_notes("\n".join(made)) == made
    assert split_notes("".join(made).replace("\n", "\r\n")) == made
    assert split_notes("\n\n") == []


@pytest.mark.parametrize(
    "key", ["", "x", "a+b+c", KNOWN_KEY.replace("530d903a", "530d903b"), KNOWN_KEY[:-8], "a b" + KNOWN_KEY]
)
def test_what_is_no_verifier_key_is_refused(key: str) -> None:
    with pytest.raises(InvalidInput):
        Verifier.read(key)


def test_a_key_is_its_owners_alone_and_stays(tmp_path: Path) -> None:
    path = tmp_path / "audit-key.pem"
    with pytest.raises(NotFound):
        notes.read_key(path, "name")
    notes.make_key(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    before = path.read_bytes()
    with pytest.raises(Conflict):
        notes.make_key(path)
    assert path.read_bytes() == before
    note = notes.read_key(path, "name").sign("text\n")
    assert read_note(note).signed_by(notes.read_key(path, "name").verifier) is True
    path.write_text("no key")
    with pytest.raises(InvalidInput):
        notes.read_key(path, "name")


def test_without_cryptography_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "cryptography.exceptions", None)
    with pytest.raises(NotConfigured) as caught:
        notes.make_key(tmp_path / "key.pem")
    assert caught.value.hint == "pip install 'procur[audit]'"
