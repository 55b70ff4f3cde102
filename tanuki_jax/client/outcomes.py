"""The table of outcomes of an attempt: final or tried again, and what each of them means for the endpoint."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Outcome:
    """The end of an attempt, and what follows from it."""

    kind: str
    """Name; also the kind of a request's failure."""
    again: bool
    """Whether the request is tried again, after a wait: what Retry-After says, or backoff with jitter."""
    uses_try: bool
    """Whether the attempt counts as one of the request's tries."""
    unhealthy: bool
    """Whether it counts against the endpoint's health. If not, it shows that the endpoint is alive."""
    overloaded: bool
    """Whether the endpoint gets fewer requests at a time."""
    statuses: tuple[int, ...] = ()
    """Status codes with this outcome."""


YES, NO = True, False

ANSWERED = Outcome("answered", again=NO, uses_try=YES, unhealthy=NO, overloaded=NO)

# Final: the same request would be answered in the same way again.
#                          kind              again uses_try unhealthy overloaded statuses
BAD_REQUEST = Outcome("bad_request", NO, YES, NO, NO, (400, 422))
UNAUTHORIZED = Outcome("unauthorized", NO, YES, NO, NO, (401, 403))
NOT_FOUND = Outcome("not_found", NO, YES, NO, NO, (404,))
REFUSED = Outcome("refused", NO, YES, NO, NO)  # every other 4xx
REDIRECT = Outcome("redirect", NO, YES, NO, NO)  # 3xx; it is not followed: the key would go to another server
TOO_LARGE = Outcome("too_large", NO, YES, NO, NO)  # the body of the answer is longer than the client's limit

# Tried again.
SERVER_TIMEOUT = Outcome("server_timeout", YES, YES, YES, YES, (408,))
CONFLICT = Outcome("conflict", YES, YES, NO, NO, (409,))
RATE_LIMITED = Outcome("rate_limited", YES, NO, NO, YES, (429,))  # delays a request and never drops it
UNAVAILABLE = Outcome("unavailable", YES, YES, YES, YES, (503,))
SERVER_ERROR = Outcome("server_error", YES, YES, YES, NO)  # every other 5xx
UNREACHABLE = Outcome("unreachable", YES, NO, YES, NO)  # no connection: no server has seen the request
UNKNOWN_HOST = Outcome("unknown_host", YES, YES, YES, NO)  # the name has no address: more often wrong than down
TLS = Outcome("tls", YES, YES, YES, NO)  # no TLS at that port, or a certificate that is not trusted
RESET = Outcome("reset", YES, YES, YES, NO)  # the connection ended before the answer began
TIMEOUT = Outcome("timeout", YES, YES, YES, YES)  # no complete answer within the seconds of an attempt
CUT = Outcome("cut", YES, YES, YES, NO)  # the answer ended early: a body too short, a stream without finish_reason
MALFORMED = Outcome("malformed", YES, YES, YES, NO)  # 200 with no JSON, or JSON that is no answer; or no HTTP

TABLE = (
    ANSWERED,
    *(BAD_REQUEST, UNAUTHORIZED, NOT_FOUND, REFUSED, REDIRECT, TOO_LARGE),
    *(SERVER_TIMEOUT, CONFLICT, RATE_LIMITED, UNAVAILABLE, SERVER_ERROR),
    *(UNREACHABLE, UNKNOWN_HOST, TLS, RESET, TIMEOUT, CUT, MALFORMED),
)
NO_SERVER = frozenset(outcome.kind for outcome in (UNREACHABLE, UNKNOWN_HOST, TLS, RESET))
"""Kinds of outcomes at an address where perhaps no server is."""
DEADLINE = "deadline"
"""Kind of a failure without an outcome: no endpoint could take the request before its deadline, or the first
attempt took longer."""

_BY_STATUS = {status: outcome for outcome in TABLE for status in outcome.statuses}
_BY_HUNDRED = {2: ANSWERED, 3: REDIRECT, 4: REFUSED, 5: SERVER_ERROR}


def of_status(status: int) -> Outcome:
    """Return the outcome of a status code. A body is yet to be read if it is `ANSWERED`."""
    return _BY_STATUS.get(status) or _BY_HUNDRED.get(status // 100, MALFORMED)


def of_error(error: Exception) -> Outcome | None:
    """Return the outcome of an error that aiohttp or the system raised during an attempt; None: a fault of ours."""
    import aiohttp

    rows: tuple[tuple[type[Exception] | tuple[type[Exception], ...], Outcome], ...] = (  # the first that fits counts
        ((aiohttp.ClientConnectorDNSError, aiohttp.InvalidURL), UNKNOWN_HOST),
        ((aiohttp.ClientSSLError, aiohttp.ClientConnectorCertificateError), TLS),
        ((aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError), UNREACHABLE),
        (aiohttp.ClientPayloadError, CUT),
        (TimeoutError, TIMEOUT),
        ((aiohttp.ServerDisconnectedError, aiohttp.ClientOSError, ConnectionError), RESET),
        (aiohttp.ClientError, MALFORMED),  # what came is no HTTP
    )
    return next((outcome for kinds, outcome in rows if isinstance(error, kinds)), None)
