"""Drop documents by the address of their page."""

import functools
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from tanuki_jax.corpus.cleaning.draft import Draft
from tanuki_jax.corpus.cleaning.vocabulary import load_vocabulary

_WORDS = re.compile(r"[a-z]+|[0-9]+")


@dataclass(frozen=True, kw_only=True)
class Addresses:
    """Drop documents whose address is on a list, or has a word that marks it.

    RefinedWeb (Penedo et al., 2023, G.1) blocks by a list of domains and by words in URLs too. A document without
    `url` in its metadata is kept.
    """

    block_list: str = ""
    """Path of a text file of your own with one entry a line: a domain, which blocks its subdomains too, or the
    beginning of a URL without its scheme, such as `example.com/shop/`. Empty: none."""
    words: str = "url_words"
    """Vocabulary of words that a URL must not have between its punctuation; empty: none."""

    def apply(self, draft: Draft) -> str:
        """Return the reason to drop the document; empty: keep it."""
        url = draft.metadata.get("url")
        if not isinstance(url, str) or not url:
            return ""
        address = _without_scheme(url.lower())
        if self.block_list and _blocked(address, *_block_list(self.block_list)):
            return "blocked address"
        return "word in address" if self.words and not _words(self.words).isdisjoint(_WORDS.findall(address)) else ""


def _without_scheme(url: str) -> str:
    """Return host and path of a URL, without user, port and "www."."""
    try:
        parts = urlsplit(url if "//" in url else f"//{url}")
        host = parts.hostname or ""
    except ValueError:  # such as an unclosed bracket
        return url
    query = f"?{parts.query}" if parts.query else ""
    return f"{host.removeprefix('www.')}{parts.path or '/'}{query}"


def _blocked(address: str, domains: frozenset[str], beginnings: tuple[str, ...]) -> bool:
    host = address.partition("/")[0]
    labels = host.split(".")
    return address.startswith(beginnings) or any(".".join(labels[start:]) in domains for start in range(len(labels)))


@functools.cache
def _block_list(path: str) -> tuple[frozenset[str], tuple[str, ...]]:
    """Return blocked domains, and blocked beginnings of addresses."""
    entries = [_without_scheme(entry.lower()) for entry in load_vocabulary(path)]
    domains = frozenset(entry[:-1] for entry in entries if entry.endswith("/") and entry.count("/") == 1)
    return domains, tuple(entry for entry in entries if entry[:-1] not in domains)


@functools.cache
def _words(vocabulary: str) -> frozenset[str]:
    return frozenset(load_vocabulary(vocabulary))
