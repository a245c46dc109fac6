"""Who is asking: an API key becomes an organisation, a person and what they may do."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPBearer
from fastapi.security.http import HTTPAuthorizationCredentials

from procur.core.actor import Actor
from procur.core.errors import NotAllowed, NotSignedIn
from procur.db import DatabaseSession, Session
from procur.db.models import ApiKey
from procur.db.repositories import ApiKeyRepository, UserRepository
from procur.web.uses import KeyUses

_bearer = HTTPBearer(auto_error=False, description="An API key: procur keys add")


def database_of(request: Request) -> DatabaseSession:
    """Return the application's database."""
    database: DatabaseSession = request.app.state.database
    return database


def actor_by_key(database: DatabaseSession, key: str) -> Actor:
    """Return who acts by this key, with its scopes; NotSignedIn when it opens nothing (any more)."""
    with _looking(database) as session:
        return _actor(session, ApiKeyRepository(session).find_by_key(key))


def actor_again(database: DatabaseSession, actor: Actor) -> Actor:
    """Return who acts by the same key as of now; NotSignedIn when it opens nothing any more."""
    with _looking(database) as session:
        found = None if actor.key_id is None else ApiKeyRepository(session).find_open(actor.key_id)
        return _actor(session, found)


@contextmanager
def _looking(database: DatabaseSession) -> Iterator[Session]:
    # Read-only: on SQLite whoever may write waits for all who do, with a nonsense key too.
    with database.system_session(read_only=True) as session:
        try:
            yield session
        except NotAllowed as refused:
            raise NotSignedIn(refused.message, details=refused.details) from refused


def _actor(session: Session, found: ApiKey | None) -> Actor:
    if found is None:
        raise NotSignedIn("this API key is not known", hint="procur keys list")
    maker = UserRepository(session).get(found.created_by)
    return Actor(
        organization_id=found.organization_id,
        kind="user",
        id=maker.email,
        name=f"{maker.full_name or maker.email} by the key {found.name}",
        role=maker.role,
        user_id=maker.id,
        scopes=frozenset(found.scopes),
        key_id=found.id,
    )


def caller(
    request: Request, given: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
) -> Actor:
    """Return who is asking, for routes that anybody with a key may ask."""
    if given is None:
        raise NotSignedIn("this needs an API key", hint="send it as: Authorization: Bearer procur_…")
    actor = actor_by_key(database_of(request), given.credentials)
    if actor.key_id is not None:
        uses: KeyUses = request.app.state.uses
        uses.note(actor.key_id)
    return actor


def caller_with(permission: str) -> Callable[[Actor], Actor]:
    """Return a dependency: who is asking, if they may do this."""

    def permitted(actor: Annotated[Actor, Depends(caller)]) -> Actor:
        actor.require(permission)
        return actor

    return permitted
