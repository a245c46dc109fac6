"""uvicorn, told to let those who follow the stream go first when it stops."""

import asyncio
import socket
from typing import Any

import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.auto import AutoHTTPProtocol

from procur.web.hub import Hub

GRACE = 5  # seconds that open requests have to end in


class _Protocol(AutoHTTPProtocol):  # type: ignore[misc,valid-type] # chosen when uvicorn is imported
    """uvicorn's connection, which lends requests (`scope["state"]["abort"]`) what cuts it off at once."""

    app_state: dict[str, Any]

    def connection_made(self, transport: asyncio.Transport) -> None:
        super().connection_made(transport)
        self.app_state = {**self.app_state, "abort": transport.abort}


class Server(uvicorn.Server):
    """One server on one application; `should_exit = True` stops it, as SIGTERM does."""

    def __init__(self, app: FastAPI, *, host: str = "127.0.0.1", port: int = 8000, **settings: Any) -> None:
        """Take the application, where to listen, and other `settings` of uvicorn's Config."""
        self._hub: Hub = app.state.hub
        given: dict[str, Any] = {
            "http": _Protocol,
            "log_config": None,
            "access_log": False,
            "server_header": False,
            "timeout_graceful_shutdown": GRACE,
            **settings,
        }
        super().__init__(uvicorn.Config(app, host=host, port=port, **given))

    @property
    def addresses(self) -> list[str]:
        """The addresses it listens on, once it has started."""
        places = [one.getsockname() for server in self.servers for one in server.sockets]
        return [f"http://{_spelled(str(place[0]))}:{place[1]}" for place in places]

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End: followers are told first, or their requests would never be over."""
        self._hub.close()
        await super().shutdown(sockets)


def _spelled(host: str) -> str:
    return f"[{host}]" if ":" in host else host
