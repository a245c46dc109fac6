"""A web server on loopback whose pages a test decides."""

import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Handler = BaseHTTPRequestHandler
Serve = Callable[[Handler], None]


@dataclass(frozen=True)
class Asked:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Pages:
    """`pages` maps a path to what serves it; everything else is 404. `asked` is what came in."""

    port: int = 0
    pages: dict[str, Serve] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)

    @property
    def place(self) -> str:
        return f"127.0.0.1:{self.port}"

    def url(self, path: str = "/") -> str:
        return f"http://{self.place}{path}"

    def paths(self) -> list[str]:
        return [each.path for each in self.asked]

    def put(
        self,
        path: str,
        body: str | bytes = b"",
        *,
        kind: str = "text/html; charset=utf-8",
        status: int = 200,
        **headers: str,
    ) -> None:
        packed = body.encode() if isinstance(body, str) else body
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.pages[path] = lambda handler: send(handler, status, packed, {"Content-Type": kind, **named})

    def redirect(self, path: str, location: str, status: int = 302) -> None:
        self.put(path, status=status, Location=location)


def send(handler: Handler, status: int, body: bytes, headers: dict[str, str]) -> None:
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name, value)
    if not {"Content-Length", "Transfer-Encoding"} & set(headers):
        handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


@contextmanager
def serving(tls: ssl.SSLContext | None = None) -> Iterator[Pages]:
    pages = Pages()

    class _Handler(BaseHTTPRequestHandler):
        def _any(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(length)
            pages.asked.append(Asked(self.command, self.path, dict(self.headers.items()), body))
            serve = pages.pages.get(self.path)
            try:
                if serve is None:
                    send(self, 404, b"no such page", {"Content-Type": "text/plain"})
                else:
                    serve(self)
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True  # the other side had enough

        do_GET = do_POST = _any  # noqa: N815 - the names http.server looks for

        def log_message(self, *_: object) -> None:
            """Say nothing on the terminal."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    pages.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield pages
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
