"""Errors over HTTP, as RFC 9457 describes them: application/problem+json."""

import http
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from procur.core.context import current_cause
from procur.core.errors import InvalidInput, NotSignedIn, ProcurError

MEDIA_TYPE = "application/problem+json"
_CODES = {404: "not_found", 405: "method_not_allowed", 413: "too_large", 415: "unsupported_media_type"}


def install(app: FastAPI) -> None:
    """Let the application answer every error as a problem."""
    app.add_exception_handler(ProcurError, _refused)
    app.add_exception_handler(RequestValidationError, _unfit)
    app.add_exception_handler(HTTPException, _http)


def problem(error: ProcurError) -> Response:
    """Return the answer to one of our errors: its code, status, field, hint and details."""
    told = error.as_dict()
    headers = {"WWW-Authenticate": 'Bearer realm="procur"'} if isinstance(error, NotSignedIn) else None
    return _answer(error.status, told.pop("code"), told.pop("message"), told, headers)


def unexpected() -> Response:
    """Return the answer to a defect; what it was stands in the log, under the correlation id."""
    return _answer(500, "unexpected", "Something went wrong that Procur did not expect", {})


def _answer(
    status: int, code: str, detail: str, more: dict[str, Any], headers: dict[str, str] | None = None
) -> Response:
    body = {
        "type": f"urn:procur:error:{code}",
        "title": http.HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": code,
        "correlation_id": current_cause().correlation_id,
        **more,
    }
    return JSONResponse(body, status, headers, media_type=MEDIA_TYPE)


def _refused(_request: Request, error: Exception) -> Response:
    return problem(error if isinstance(error, ProcurError) else ProcurError(str(error)))


def _unfit(_request: Request, error: Exception) -> Response:
    first = error.errors()[0] if isinstance(error, RequestValidationError) else {"loc": (), "msg": ""}
    field = ".".join(str(part) for part in first["loc"][1:]) or "body"
    return problem(InvalidInput(f"{field}: {first['msg']}", field=field))


def _http(_request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    headers = dict(error.headers or {}) if isinstance(error, HTTPException) else {}
    phrase = http.HTTPStatus(status).phrase
    return _answer(status, _CODES.get(status, "error"), phrase, {}, headers)
