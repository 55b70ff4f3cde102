"""Errors as clients of OpenAI's protocol expect them: `{"error": {"message", "type", "param", "code"}}`."""

from collections.abc import Mapping

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from tanuki_jax.base.errors import InputError

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


class EngineFailed(Exception):
    """The engine ended with an error; no job of the model can be done any more."""


ENGINE_FAILED = ApiError(500, "the model ended with an error; the server must be restarted")


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


def install_handlers(app: FastAPI) -> None:
    """Let every error of an endpoint become an answer in OpenAI's form."""

    @app.exception_handler(ApiError)
    async def _api_error(request: Request, error: ApiError) -> JSONResponse:
        return JSONResponse(error.body(), error.status, headers=error.headers)

    @app.exception_handler(InputError)
    async def _input_error(request: Request, error: InputError) -> JSONResponse:
        return JSONResponse(ApiError(400, str(error)).body(), 400)

    @app.exception_handler(RequestValidationError)
    async def _validation_error(request: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        path = ".".join(str(part) for part in first["loc"] if part != "body")
        message = f"{path}: {first['msg']}" if path else str(first["msg"])
        return JSONResponse(ApiError(400, message, param=path or None).body(), 400)

    @app.exception_handler(EngineFailed)
    async def _engine_failed(request: Request, error: EngineFailed) -> JSONResponse:
        return JSONResponse(ENGINE_FAILED.body(), 500)

    @app.exception_handler(ClientLeft)
    async def _client_left(request: Request, error: ClientLeft) -> Response:
        return Response(status_code=499)  # nobody reads it

    @app.exception_handler(Exception)
    async def _fault(request: Request, error: Exception) -> JSONResponse:
        return JSONResponse(ApiError(500, "the server has a fault; its log says which").body(), 500)

    @app.exception_handler(HTTPException)
    async def _http_error(request: Request, error: HTTPException) -> JSONResponse:
        return JSONResponse(ApiError(error.status_code, str(error.detail)).body(), error.status_code, error.headers)
