"""Errors as clients of OpenAI's protocol expect them: `{"error": {"message", "type", "param", "code"}}`."""

import logging
import time
from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from tanuki_jax.base.command import printable
from tanuki_jax.base.errors import InputError

_log = logging.getLogger(__name__)

_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    404: "not_found_error",
    413: "invalid_request_error",
    429: "rate_limit_error",
}


class ApiError(Exception):
    """An answer that is an error."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        param: str | None = None,
        code: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.message, self.param, self.code = status, message, param, code
        self.headers = dict(headers or {})

    def body(self) -> dict[str, object]:
        """Return the JSON of the answer."""
        kind = _TYPES.get(self.status, "server_error" if self.status >= 500 else "invalid_request_error")
        return {"error": {"message": self.message, "type": kind, "param": self.param, "code": self.code}}


class ClientLeft(Exception):
    """The client closed the connection before its answer was complete."""


class AnswerFailed(Exception):
    """An answer that cannot be completed."""

    def __init__(self, answer: ApiError) -> None:
        super().__init__(answer.message)
        self.answer = answer


ENGINE_ENDED = ApiError(500, "the model ended with an error; the server must be restarted")
JOB_ENDED = ApiError(500, "this answer ended with an error, which is in the log of the server")
STOPPING = ApiError(503, "the server is stopping; ask again", code="stopping")


class ErrorDetails(BaseModel):
    """One error."""

    message: str = Field(description="One sentence with the field, its value and the remedy.")
    type: str
    param: str | None = Field(description="Field of the request.")
    code: str | None = Field(description="Short name of the error.")


class ErrorBody(BaseModel):
    """Answer to a request that is refused."""

    error: ErrorDetails


ERRORS: dict[int | str, dict[str, object]] = {
    400: {"model": ErrorBody, "description": "The request cannot be answered as it is."},
    401: {"model": ErrorBody, "description": "The key is missing or wrong."},
    404: {"model": ErrorBody, "description": "There is no such model."},
    413: {"model": ErrorBody, "description": "The body is too large."},
    429: {"model": ErrorBody, "description": "The queue is full; Retry-After says when to try again."},
    503: {"model": ErrorBody, "description": "The server is not ready."},
}
"""Errors of every endpoint, for the OpenAPI schema."""


def refusal(path: str, error: ApiError) -> JSONResponse:
    """Return the answer to a request that is refused, and log it in one line."""
    _log.info(
        "%s  %s  refused with %d: %s",
        time.strftime("%H:%M:%S"),
        printable(path),
        error.status,
        printable(error.message),
    )
    return JSONResponse(error.body(), error.status, headers=error.headers)


def install_handlers(app: FastAPI) -> None:
    """Let every error of an endpoint become an answer in OpenAI's form."""

    @app.exception_handler(ApiError)
    async def _api_error(request: Request, error: ApiError) -> JSONResponse:
        return refusal(request.url.path, error)

    @app.exception_handler(InputError)
    async def _input_error(request: Request, error: InputError) -> JSONResponse:
        return refusal(request.url.path, ApiError(400, str(error)))

    @app.exception_handler(RequestValidationError)
    async def _validation_error(request: Request, error: RequestValidationError) -> JSONResponse:
        return refusal(request.url.path, of_validation(error.errors()))

    @app.exception_handler(AnswerFailed)
    async def _answer_failed(request: Request, error: AnswerFailed) -> JSONResponse:
        return refusal(request.url.path, error.answer)

    @app.exception_handler(ClientLeft)
    async def _client_left(request: Request, error: ClientLeft) -> Response:
        return Response(status_code=499)  # nobody reads it

    @app.exception_handler(Exception)
    async def _fault(request: Request, error: Exception) -> JSONResponse:
        return refusal(request.url.path, ApiError(500, "the server has a fault; its log says which"))

    @app.exception_handler(HTTPException)
    async def _http_error(request: Request, error: HTTPException) -> JSONResponse:
        path, known = request.url.path, "; /docs lists the endpoints"
        messages = {
            404: f"there is no {path:.100}{known}",
            405: f"{path:.100} does not answer {request.method}{known}",
            400: "the body cannot be read as JSON in UTF-8",
        }
        message = str(error.detail) if error.status_code == 413 else messages.get(error.status_code, str(error.detail))
        return refusal(path, ApiError(error.status_code, message))


_TEXTS = "give a text, a list of ids, or a list of several of either kind"
_FORMS = {"prompt": _TEXTS, "input": _TEXTS}
"""Field with several forms -> what to give."""


def of_validation(faults: Sequence[Mapping[str, Any]]) -> ApiError:
    """Return the error for a body that does not have the form of a request.

    Where a field may have one of several forms, each form has its fault: the one that looked deepest into the value, or
    that found the right type, is the form that was meant.
    """

    def meant(fault: Mapping[str, Any]) -> tuple[bool, int]:
        return not fault["type"].endswith("_type"), len(fault["loc"])

    fault = max(faults, key=meant)
    loc = [str(part) for part in fault["loc"] if part not in ("body", "query")]
    if fault["type"] == "json_invalid":
        return ApiError(400, f"the body is not JSON: {fault['ctx']['error'].lower()} at character {loc[-1]}")
    if not loc:
        return ApiError(400, "the body is no JSON object: send one, with the header Content-Type: application/json")
    value = repr(fault["input"])
    message = fault["msg"][:1].lower() + fault["msg"][1:]
    if loc[0] in _FORMS and fault["type"] != "missing":
        message = _FORMS[loc[0]]
    shown = "" if fault["type"] == "missing" else f", not {value if len(value) <= 40 else value[:40] + '...'}"
    return ApiError(400, f"{loc[0]}: {message}{shown}", param=loc[0])
