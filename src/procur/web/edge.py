"""What happens around every request: its correlation id, span, log line, figures and headers."""

import time
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from procur.core.context import because_of, current_cause
from procur.core.logs import get_logger
from procur.core.metrics import metrics
from procur.core.tracing import span
from procur.web.correlation import HEADER, cause_of
from procur.web.problems import unexpected

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
}
# Asked every few seconds by machines: counted, and logged only when something asks for more.
_ASKED_ALL_THE_TIME = frozenset({"/healthz", "/readyz", "/metrics"})


class Edge:
    """ASGI middleware; streams pass through as they come."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        cause = cause_of(Headers(scope=scope))
        method = scope["method"] if scope["method"] in _METHODS else "OTHER"
        started = time.perf_counter()
        status = 0

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers[HEADER] = str(current_cause().correlation_id)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        with because_of(cause), span(f"HTTP {method}", kind="server", parent=cause.trace) as running:
            try:
                await self.app(scope, receive, answer)
            except Exception:  # the last place that knows the correlation id
                get_logger("procur.web").exception("request failed", method=method, path=scope["path"])
                if status:  # the answer has begun, so that only its end can tell
                    raise
                await unexpected()(scope, receive, answer)
            finally:
                route = route_of(scope)
                seconds = time.perf_counter() - started
                if running is not None:
                    running.update_name(f"{method} {route}")
                    running.set_attributes(_attributes(method, route, status))
                _note(method, route, status, seconds)


def route_of(scope: Scope) -> str:
    """Return the path as the routes spell it ("/items/{id}"), so that there are few different ones."""
    return str(getattr(scope.get("route"), "path", None) or "(none)")


def _note(method: str, route: str, status: int, seconds: float) -> None:
    metrics().http_seconds.labels(method, route, str(status or 499)).observe(seconds)
    log = get_logger("procur.web")
    write = log.debug if route in _ASKED_ALL_THE_TIME else log.info
    write("request", method=method, route=route, status=status or 499, ms=round(seconds * 1000, 1))


def _attributes(method: str, route: str, status: int) -> dict[str, Any]:
    return {"http.request.method": method, "http.route": route, "http.response.status_code": status or 499}
