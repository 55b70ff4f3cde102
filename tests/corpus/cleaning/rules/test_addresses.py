from pathlib import Path

import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.cleaning.draft import Draft
from tanuki_jax.corpus.cleaning.rules.addresses import Addresses


def apply(rule: Addresses, url: object) -> str:
    return rule.apply(Draft("a", "猫。", {"url": url}))


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("https://example.com/", "blocked address"),
        ("http://www.EXAMPLE.com:8080/a?b", "blocked address"),
        ("https://user@shop.example.com/cat", "blocked address"),
        ("https://myexample.com/", ""),
        ("https://example.org/shop/1", "blocked address"),
        ("https://example.org/about", ""),
        ("https://example.net/", ""),
        ("http://[broken", ""),
        ("", ""),
        (None, ""),
    ],
)
def test_domains_and_beginnings_are_blocked(tmp_path: Path, url: object, reason: str) -> None:
    path = tmp_path / "list.txt"
    path.write_text("# mine\nexample.com\nhttps://example.org/shop/\n", encoding="utf-8")
    assert apply(Addresses(block_list=str(path)), url) == reason


def test_words_of_addresses_are_whole_words() -> None:
    assert apply(Addresses(), "https://example.com/free-Porn/1") == "word in address"
    assert apply(Addresses(), "https://xxx.example.com/") == "word in address"
    assert apply(Addresses(), "https://essex.example.com/casinoroyale") == ""
    assert apply(Addresses(words=""), "https://example.com/porn") == ""


def test_a_block_list_that_is_missing_is_refused() -> None:
    with pytest.raises(InputError, match=r"nowhere\.txt"):
        apply(Addresses(block_list="nowhere.txt"), "https://example.com/")
