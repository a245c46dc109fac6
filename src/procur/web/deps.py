"""Who is asking: an API key becomes an organisation, a person and what they may do."""

from collections.abc import Callable
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPBearer
from fastapi.security.http import HTTPAuthorizationCredentials

from procur.core.actor import Actor
from procur.core.errors import NotAllowed, NotSignedIn
from procur.db import DatabaseSession
from procur.db.repositories import ApiKeyRepository, UserRepository

_bearer = HTTPBearer(auto_error=False, description="An API key: procur keys add")


def database_of(request: Request) -> DatabaseSession:
    """Return the application's database."""
    database: DatabaseSession = request.app.state.database
    return database


def actor_by_key(database: DatabaseSession, key: str) -> Actor:
    """Return who acts by this key, with its scopes; NotSignedIn when it opens nothing (any more)."""
    with database.system_session() as session:
        keys = ApiKeyRepository(session)
        try:
            found = keys.find_by_key(key)
        except NotAllowed as refused:
            raise NotSignedIn(refused.message, details=refused.details) from refused
        if found is None:
            raise NotSignedIn("this API key is not known", hint="procur keys list")
        keys.touch(found.id)
        maker = UserRepository(session).get(found.created_by)
        return Actor(
            organization_id=found.organization_id,
            kind="user",
            id=maker.email,
            name=f"{maker.full_name or maker.email} by the key {found.name}",
            role=maker.role,
            user_id=maker.id,
            scopes=frozenset(found.scopes),
        )


def caller(
    request: Request, given: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
) -> Actor:
    """Return who is asking, for routes that anybody with a key may ask."""
    if given is None:
        raise NotSignedIn("this needs an API key", hint="send it as: Authorization: Bearer procur_…")
    return actor_by_key(database_of(request), given.credentials)


def caller_with(permission: str) -> Callable[[Actor], Actor]:
    """Return a dependency: who is asking, if they may do this."""

    def permitted(actor: Annotated[Actor, Depends(caller)]) -> Actor:
        actor.require(permission)
        return actor

    return permitted
