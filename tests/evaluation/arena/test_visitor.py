"""Addresses behind proxies, and hashes that say nothing."""

import pytest
from starlette.requests import Request

from tanuki_jax.evaluation.arena.battle_store import hash_of, new_token
from tanuki_jax.evaluation.arena.visitor import visitor_of


def request(address: str = "192.0.2.1", forwarded: str = "", cookie: str = "") -> Request:
    headers = [(b"x-forwarded-for", forwarded.encode())] * bool(forwarded)
    headers += [(b"cookie", f"person={cookie}".encode())] * bool(cookie)
    return Request({"type": "http", "headers": headers, "client": (address, 1)})


def address_hash(*values: str, proxies: int = 0, salt: bytes = b"salt") -> str:
    return visitor_of(request(*values), salt, proxies=proxies)[0].address


def test_one_address_has_one_hash_that_needs_the_salt() -> None:
    assert address_hash("192.0.2.1") == address_hash("192.0.2.1") != address_hash("192.0.2.2")
    assert address_hash("192.0.2.1") != address_hash("192.0.2.1", salt=b"other")
    assert "192" not in address_hash("192.0.2.1")[:3] and len(address_hash("192.0.2.1")) == 64


@pytest.mark.parametrize(
    ("forwarded", "proxies", "same_as"),
    [
        ("198.51.100.7", 0, "192.0.2.1"),
        ("198.51.100.7", 1, "198.51.100.7"),
        ("6.6.6.6, 198.51.100.7", 1, "198.51.100.7"),
        ("6.6.6.6, 198.51.100.7, 10.0.0.1", 2, "198.51.100.7"),
        ("198.51.100.7", 2, "192.0.2.1"),
        ("", 1, "192.0.2.1"),
    ],
)
def test_only_what_the_proxies_added_is_believed(forwarded: str, proxies: int, same_as: str) -> None:
    assert address_hash("192.0.2.1", forwarded, proxies=proxies) == address_hash(same_as)


def test_a_household_has_one_ipv6_address() -> None:
    assert address_hash("2001:db8::1") == address_hash("2001:db8::ffff") != address_hash("2001:db8:0:1::1")
    assert address_hash("::ffff:192.0.2.1") == address_hash("192.0.2.1")


def test_a_person_is_known_by_his_cookie() -> None:
    token = new_token()
    assert visitor_of(request(cookie=token), b"", proxies=0)[0].person == hash_of(token)
    for forged in ("", "short", "x" * 44, "ü" * 43):
        assert visitor_of(request(cookie=forged), b"", proxies=0)[1] != forged
