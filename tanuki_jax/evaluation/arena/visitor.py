"""The visitor of a request: a salted hash of the address, and the cookie by which conversations are deleted."""

import hashlib
import hmac
import ipaddress
import re

from starlette.requests import Request
from starlette.responses import Response

from tanuki_jax.evaluation.arena.battle_store import Visitor, hash_of, new_token

COOKIE = "person"
_COOKIE_SECONDS = 365 * 24 * 3_600
_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")
_IPV6_PREFIX = 64


def visitor_of(request: Request, salt: bytes, *, proxies: int) -> tuple[Visitor, str]:
    """Return who sends a request, and the token of his cookie, which is new if he has none.

    Args:
        request: the request.
        salt: secret of the arena, without which nobody finds the address of a hash.
        proxies: number of proxies in front of the server, each of which adds an address to X-Forwarded-For. What stands
            before these is the visitor's own word, and is not believed.
    """
    known = request.cookies.get(COOKIE, "")
    token = known if _TOKEN.fullmatch(known) else new_token()
    hashed = hmac.new(salt, _network(_address(request, proxies)).encode(), hashlib.sha256).hexdigest()
    return Visitor(hashed, hash_of(token)), token


def keep_person(response: Response, token: str, *, secure: bool) -> None:
    """Set the cookie."""
    response.set_cookie(COOKIE, token, max_age=_COOKIE_SECONDS, httponly=True, samesite="strict", secure=secure)


def _address(request: Request, proxies: int) -> str:
    if proxies:
        passed = [each.strip() for line in request.headers.getlist("x-forwarded-for") for each in line.split(",")]
        if len(passed) >= proxies:
            return passed[-proxies]
    return request.client.host if request.client else ""


def _network(address: str) -> str:
    """Return an address as its owner cannot change it: of IPv6, a household has 2^64 addresses."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is None:
        return str(ipaddress.ip_network((parsed, _IPV6_PREFIX), strict=False))
    return str(getattr(parsed, "ipv4_mapped", None) or parsed)
