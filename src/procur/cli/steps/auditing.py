"""The audit trail: show, seal, sign, verify, export."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from procur.audit import notes
from procur.audit.checkpoints import (
    Checkpoint,
    Flaw,
    assess,
    make_checkpoint,
    origin_of,
    read_checkpoint,
)
from procur.audit.export import Format, export_trail
from procur.audit.seal import seal_waiting
from procur.audit.signed import Signed, keep_signed, read_signed, signed_path
from procur.audit.verify import verify
from procur.cli.workspace import Workspace
from procur.core.errors import Conflict, InvalidInput, Unavailable
from procur.db import Session
from procur.db.repositories import AuditRepository, AuditSealRepository, TrailEntry, TrailFilter

KEY_VARIABLE = "PROCUR_AUDIT_KEY"


def trail(
    workspace: Workspace, wanted: TrailFilter | None = None, *, limit: int = 100, cursor: str | None = None
) -> dict[str, Any]:
    """Return the last entries that are wanted, oldest first; `next_cursor` leads to those before them."""
    with workspace.session(read_only=True) as session:
        workspace.actor(session, "audit.read")
        repository = AuditRepository(session)
        page = repository.trail(wanted, cursor=cursor, limit=limit)
        return {
            "entries": [_entry(each) for each in reversed(page.rows)],
            "total": repository.count_trail(wanted),
            "next_cursor": page.next_cursor,
        }


def verify_trail(
    workspace: Workspace, checkpoints: Sequence[Path] = (), keys: Sequence[str] = ()
) -> dict[str, Any]:
    """Verify the trail against its seals and the checkpoints of these files; nothing is written."""
    given = [(path, _notes_of(path)) for path in checkpoints]
    with workspace.session(read_only=True) as session:
        origin = origin_of(workspace.actor(session, "audit.read").organization_id)
        known = [*keys, *_own_keys(workspace, session)]
        verifiers = [notes.Verifier.read(key) for key in known]
        for path, found in given:
            for number, note in enumerate(found, start=1):
                _check_given(path, number, assess(note, origin, verifiers))
        report = verify(
            session, checkpoints=[note for _, found in given for note in found], public_keys=known
        )
        return {**report.as_dict(), "signatures_checked": bool(known)}


def seal_trail(workspace: Workspace) -> dict[str, Any]:
    """Seal all that waits."""
    workspace.require("audit.read")
    done = seal_waiting(workspace.session)
    return {"sealed": done.sealed, "size": done.size}


def make_key(workspace: Workspace) -> dict[str, Any]:
    """Write a new key, unless there is one, and return what others verify with."""
    with workspace.session(read_only=True) as session:
        workspace.actor(session, "audit.read")
        path = _key_path(workspace)
        if not path.exists():
            notes.make_key(path)
        return {"key": str(path), "verifier": str(_signer(workspace, session).verifier)}


def checkpoint(workspace: Workspace, out: Path | None, rotate_from: str | None = None) -> dict[str, Any]:
    """Seal, sign, and add the note to a file; the first time also make the key.

    `rotate_from` is the verifier key of the last checkpoint, where that is not one's own.
    """
    workspace.require("audit.read")
    _check_target(workspace, out)
    before = () if rotate_from is None else (notes.Verifier.read(rotate_from),)
    seal_waiting(workspace.session)
    made = not _key_path(workspace).exists()
    if made:
        _refuse_second_key(workspace, rotating=bool(before))
        notes.make_key(_key_path(workspace))
    with workspace.session() as session:
        signer = _signer(workspace, session)
        path = _signed_path(workspace, session)
        signed = read_signed(path)
        earlier = tuple(dict.fromkeys((*(signed.earlier if signed else ()), *before)))
        note = make_checkpoint(session, signer, signed=signed, earlier=earlier)
    # After the commit: what was rolled back is not held against what comes instead.
    said = read_checkpoint(notes.read_note(note).text)
    keep_signed(path, Signed(said.size, said.root, earlier))
    if out is not None:
        _append(out, note)
    return {
        "note": note,
        "size": said.size,
        "file": None if out is None else str(out),
        "verifier": str(signer.verifier),
        "key_made": str(_key_path(workspace)) if made else None,
    }


def export(workspace: Workspace, wanted: TrailFilter, form: Format, out: Path | None = None) -> Iterator[str]:
    """Yield the lines of an export, to be written to `out`."""
    _check_target(workspace, out)
    with workspace.session(read_only=True) as session:
        workspace.actor(session, "audit.read")
        yield from export_trail(session, wanted, form=form)


def _key_path(workspace: Workspace) -> Path:
    """Return where the private key is: PROCUR_AUDIT_KEY, else beside the database in the home folder."""
    named = os.environ.get(KEY_VARIABLE)
    return Path(named) if named else workspace.home / "audit-key.pem"


def _signer(workspace: Workspace, session: Session) -> notes.Signer:
    organization = workspace.actor(session, "audit.read").organization_id
    return notes.read_key(_key_path(workspace), origin_of(organization))


def _signed_path(workspace: Workspace, session: Session) -> Path:
    return signed_path(_key_path(workspace), workspace.actor(session, "audit.read").organization_id)


def _own_keys(workspace: Workspace, session: Session) -> list[str]:
    """Return the verifier keys of this installation, its own first; none where it has no key."""
    if not _key_path(workspace).exists():
        return []
    signed = read_signed(_signed_path(workspace, session))
    own = _signer(workspace, session).verifier
    return [str(key) for key in (own, *(signed.earlier if signed else ()))]


def _refuse_second_key(workspace: Workspace, *, rotating: bool) -> None:
    """Refuse to make a key beside one that has signed already: that one is somewhere else."""
    with workspace.session(read_only=True) as session:
        signed_before = AuditSealRepository(session).last_checkpoint() is not None
    if signed_before and not rotating:
        raise Conflict(
            f"there is no key at {_key_path(workspace)}, and the last checkpoint was made with one",
            hint=f"name its file in {KEY_VARIABLE}; or procur audit checkpoint --rotate-from VKEY",
        )


def _check_given(path: Path, number: int, found: Checkpoint | Flaw) -> None:
    if isinstance(found, Flaw):
        other = found.kind == "checkpoint_unknown_key"
        raise InvalidInput(
            f"{path}: checkpoint {number} {found.says}",
            field="checkpoint",
            hint="name that key with --key, if you trust it" if other else None,
        )


def _notes_of(path: Path) -> list[str]:
    try:
        found = notes.split_notes(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise Unavailable(f"{path} cannot be read: {error.strerror}", field="checkpoint") from error
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{path} holds no checkpoint", field="checkpoint") from error
    if not found:
        raise InvalidInput(f"{path} holds no checkpoint", field="checkpoint")
    return found


def _check_target(workspace: Workspace, out: Path | None) -> None:
    """Refuse to write over the database or the signing key."""
    kept = [_key_path(workspace)]
    if workspace.config.sqlalchemy_url.get_backend_name() == "sqlite":
        kept.append(Path(workspace.config.sqlalchemy_url.database or ""))
    if out is not None and out.resolve() in [path.resolve() for path in kept]:
        raise InvalidInput(f"{out} is the database or the signing key", field="out", hint="name another file")


def _append(path: Path, note: str) -> None:
    """Add a note to a file, behind an empty line, and see it on the disk."""
    try:
        with path.open("a", encoding="utf-8") as file:
            file.write(f"\n{note}" if file.tell() else note)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise Unavailable(f"{path} cannot be written: {error.strerror}", field="out") from error


def _entry(entry: TrailEntry) -> dict[str, Any]:
    row = entry.row
    return {
        "sequence": entry.sequence,
        "id": str(row.id),
        "at": row.created_at.isoformat(),
        "by": row.actor_id,
        "actor_type": row.actor_type,
        "action": row.action,
        "category": row.event_category,
        "severity": row.severity,
        "about": f"{row.resource_type} {row.resource_id}",
        "description": row.description,
        "data": dict(row.event_data),
    }
