"""The blocks of a page that are its content, without navigation, advertisement and notices.

Like boilerpipe (Kohlschütter et al., "Boilerplate Detection using Shallow Text Features", 2010), it judges by length
and share of links; beside this by the names that authors give to elements, and by the elements of HTML 5.
"""

import functools
import itertools
import re
from itertools import accumulate
from typing import NamedTuple

from tanuki_jax.corpus.cleaning.extraction.blocks import BREAK, Block, Node, Page
from tanuki_jax.corpus.cleaning.extraction.phrases import (
    is_breadcrumb,
    is_count_of_comments,
    is_notice,
    is_phrase_of_navigation,
)
from tanuki_jax.corpus.cleaning.extraction.widths import width

_NAMES_TEXT = (
    "sidebar sidebars side rail footer foot copyright copy cookie cookies consent gdpr banner banners ad ads adsense "
    "advert adverts advertisement sponsor sponsored promo promotion share shares sharing sharedaddy social sns widget "
    "widgets login signin signup register search searchbox searchform newsletter subscribe popup modal overlay skip "
    "skiplink skiplinks toolbar jump jumplink editsection navbox catlinks printfooter pagetop totop gotop backtotop "
    "feedback followus utility outbrain taboola disqus trackback trackbacks logo sitename siteid postprofile userinfo "
    "signature"
)
_NAMES = frozenset(_NAMES_TEXT.split())
"""Names of elements beside the content."""
_NAMES_OF_LISTS_TEXT = (
    "nav navi navs navbar navigation gnav gnavi lnav lnavi snav hnavi pagenavi globalnav globalnavi localnav subnav "
    "menu menus submenu breadcrumb breadcrumbs crumb crumbs topicpath pankuzu pan sidenav sidemenu related relation "
    "relations relate recommend recommends recommended recommendation recommendations ranking rankings popular "
    "trending pager pagination paging prevnext tagcloud tags tools toc shopnav"
)
_NAMES_OF_LISTS = frozenset(_NAMES_OF_LISTS_TEXT.split())
"""Names of lists of links; a restaurant's menu and a table of rankings have these names, but few links."""
_CONTENT_NAMES_TEXT = (
    "article entry post content contents main honbun body story text maincontent maincontents articlebody"
)
_CONTENT_NAMES = frozenset(_CONTENT_NAMES_TEXT.split())
_VALUES = re.compile(r'\s(?:class|id)="([^"]*)"')
_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_ROLE = re.compile(r'\srole="(?:navigation|contentinfo|complementary|banner|search)"', re.IGNORECASE)
_ASIDE = frozenset(("nav", "aside", "footer", "menu"))
_LISTS = frozenset(("ul", "ol", "dl", "menu", "table"))
_GROUPS = frozenset(("div", "section", "center", "p", "td", "form", "blockquote"))
HEADINGS = frozenset(("h1", "h2", "h3", "h4", "h5", "h6"))
_SENTENCE = re.compile(r"！|？|!|\?|\.(?:\s|$)|…(?:\s|$)|です|ます|である")
"""Signs of a sentence other than "。"; single letters, for their set the engine searches at once."""
_PROSE_WIDTH = 50
_LINKED, _ALL_LINKED = 0.5, 0.8
_NAVIGATING = 0.3
_MOST_OF_PROSE = 0.45
_ONE_ARTICLE, _MAIN, _ARTICLES, _NAMED = 0.2, 0.4, 0.6, 0.8
"""Least share of the prose that must be in the only article, in `main`, in all articles, or in elements with names such
as content, so that the rest of the page is left out."""
_LEAST_PROSE = 300
_MOST_WORDS = 4
_END = 7
_LONGEST_TEASER = 8
_SHORT_LINE = 40


def content_of(page: Page) -> list[bool]:
    """Return whether each block of a page belongs to its content."""
    return _Selection(page).kept


class _Selection:
    """The blocks that are kept so far, and the sums of text, links and prose of every element."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._holders = [node for node in page.nodes if node.last > node.first]
        self._lengths = [len(block.text) for block in page.blocks]
        self._prose = [_prose(block) for block in page.blocks]
        self._text_until = [0, *accumulate(self._lengths)]
        self._links_until = [0, *accumulate(block.linked for block in page.blocks)]
        self._prose_until = [0, *accumulate(self._prose)]
        self.kept = [True] * len(page.blocks)
        self._main = (0, len(page.blocks))
        self._drop_named()
        self._keep_main()
        self._drop_lists_of_links()
        self._drop_lines_of_links()
        self._drop_teasers()
        self._drop_phrases()
        self._drop_empty_headings()

    def _prose_of(self, node: Node) -> int:
        return self._prose_until[node.last] - self._prose_until[node.first]

    def _drop(self, node: Node) -> None:
        self.kept[node.first : node.last] = [False] * (node.last - node.first)

    def _drop_named(self) -> None:
        """Drop elements that are beside the content by their kind or name, unless most of the prose is in them."""
        most = _MOST_OF_PROSE * self._prose_until[-1]
        for node in self._holders:
            if node.tag == "body" or node.tag == "main":
                continue
            aside = node.tag in _ASIDE or (
                node.attributes != "" and node.tag not in HEADINGS and self._is_named_aside(node)
            )
            if aside or (node.tag == "form" and self._is_form(node)):
                if self._prose_of(node) <= most:
                    self._drop(node)
            elif node.tag == "header" and not self._page.inside(node.parent, "article", "main", "section"):
                self._drop_header(node)

    def _is_named_aside(self, node: Node) -> bool:
        named = _named(node.attributes)
        if named.beside or not named.of_links:
            return named.beside
        text = self._text_until[node.last] - self._text_until[node.first]
        return self._links_until[node.last] - self._links_until[node.first] >= _NAVIGATING * text

    def _is_form(self, node: Node) -> bool:
        """Whether a form is for input, and not around a page."""
        return self._prose_of(node) < 200

    def _drop_header(self, header: Node) -> None:
        """Drop the header of a site; a heading in it is kept if the page has no other."""
        blocks = self._page.blocks
        others = [*range(header.first), *range(header.last, len(blocks))]
        titled = any(self._page.nodes[blocks[number].node].tag in ("h1", "h2") for number in others)
        for number in range(header.first, header.last):
            heading = self._page.nodes[blocks[number].node].tag == "h1"
            self.kept[number] = self._prose[number] > 0 or (heading and not titled and not blocks[number].linked)

    def _keep_main(self) -> None:
        """Keep only the part of the page that is said to be the content, if it has most of the prose that is left."""
        prose = [value if kept else 0 for value, kept in zip(self._prose, self.kept, strict=True)]
        until = [0, *accumulate(prose)]
        for choose, least_share, alone in (
            (_is_article, _ONE_ARTICLE, True),
            (_is_main, _MAIN, False),
            (_is_article, _ARTICLES, False),
            (_is_named_content, _NAMED, False),
        ):
            ranges = _outermost([(node.first, node.last) for node in self._holders if choose(node)])
            inside = sum(until[last] - until[first] for first, last in ranges)
            enough = inside >= _LEAST_PROSE if alone and len(ranges) == 1 else not alone
            if inside and enough and inside >= least_share * until[-1]:
                first, last = self._with_heading(ranges[0][0]), ranges[-1][1]
                keep = [False] * len(self.kept)
                for begin, end in [(first, ranges[0][0]), *ranges]:
                    keep[begin:end] = self.kept[begin:end]
                self.kept = keep
                self._main = (first, last)
                return
        self._cut_ends(until)

    def _cut_ends(self, until: list[int]) -> None:
        """Without a declared main part, drop the short blocks before the first heading or prose, and behind the last
        prose if they are mostly links."""
        if not until[-1]:
            return
        nodes, blocks = self._page.nodes, self._page.blocks
        first = next(
            number
            for number in range(len(blocks))
            if self.kept[number] and (self._prose[number] or nodes[blocks[number].node].tag in HEADINGS)
        )
        for number in range(first):
            if blocks[number].linked > _LINKED * self._lengths[number]:
                self.kept[number] = False
        last = max(number for number in range(len(blocks)) if self.kept[number] and self._prose[number])
        self._main = (first, last + 1)

    def _with_heading(self, first: int) -> int:
        """Return the number of the first heading right above a block, or the block's."""
        for number in range(first - 1, max(-1, first - 6), -1):
            if self.kept[number] and self._page.nodes[self._page.blocks[number].node].tag in ("h1", "h2"):
                return number
        return first

    def _drop_lists_of_links(self) -> None:
        """Drop lists and tables, and groups of two or more lines, that are links and hardly anything else; before and
        behind the main part single lines too."""
        first, last = self._main
        for node in self._holders:
            is_list = node.tag in _LISTS
            if not (is_list or node.tag in _GROUPS):
                continue
            text = self._text_until[node.last] - self._text_until[node.first]
            links = self._links_until[node.last] - self._links_until[node.first]
            if not text or links < _ALL_LINKED * text or self._prose_of(node):
                continue
            block = self._page.blocks[node.first]
            several = node.last - node.first >= 2 or BREAK in block.text or block.links >= 2
            if is_list or several or node.first < first or node.last > last:
                self._drop(node)

    def _drop_lines_of_links(self) -> None:
        """Drop blocks of three or more short lines that are mostly links."""
        for number, block in enumerate(self._page.blocks):
            if block.links >= 2 and not self._prose[number]:
                lines = [line for line in block.text.split(BREAK) if line.strip()]
                linked = block.linked >= _LINKED * sum(map(str.isalpha, block.text))
                if linked and len(lines) >= 3 and max(map(len, lines)) <= _SHORT_LINE:
                    self.kept[number] = False

    def _drop_teasers(self) -> None:
        """Drop headings that are links, with what follows up to the next heading if there is no prose in it."""
        blocks, nodes = self._page.blocks, self._page.nodes
        headings = [number for number, block in enumerate(blocks) if nodes[block.node].tag in HEADINGS]
        for first, last in itertools.pairwise([*headings, len(blocks)]):
            linked = blocks[first].linked >= _ALL_LINKED * self._lengths[first]
            if linked and last - first <= _LONGEST_TEASER and not any(self._prose[first + 1 : last]):
                self.kept[first:last] = [False] * (last - first)

    def _drop_phrases(self) -> None:
        """Drop lines that navigate or notify: paths, "back to top", copyright, consent to cookies."""
        first, last = self._main
        for number, block in enumerate(self._page.blocks):
            tag = self._page.nodes[block.node].tag
            if not self.kept[number] or (tag in ("td", "th") and not block.linked):
                continue
            outside = number < first + 2 or number >= last - 2
            if (
                is_phrase_of_navigation(block.text)
                or (tag not in HEADINGS and is_count_of_comments(block.text))
                or is_breadcrumb(block.text, block.linked)
                or (outside and is_notice(block.text))
            ):
                self.kept[number] = False

    def _drop_empty_headings(self) -> None:
        """Drop headings below which everything was dropped."""
        nodes, blocks = self._page.nodes, self._page.blocks
        below, lost = _END, False  # level of the next heading that is kept, 0 for text; whether text was dropped since
        for number in range(len(blocks) - 1, -1, -1):
            tag = nodes[blocks[number].node].tag
            level = int(tag[1]) if tag in HEADINGS else 0
            if not self.kept[number]:
                lost = lost or bool(blocks[number].text)
            elif level and lost and (below == _END or 0 < below <= level):
                self.kept[number] = False
            else:
                below, lost = level, False


def _prose(block: Block) -> int:
    """Return the width of a block if it is prose: long enough, with a sentence, and mostly not links."""
    text = block.text
    if len(text) < _PROSE_WIDTH // 2 or block.linked > _LINKED * len(text):
        return 0
    wide = width(text)
    return wide if wide >= _PROSE_WIDTH and ("。" in text or _SENTENCE.search(text)) else 0


def _is_main(node: Node) -> bool:
    return node.tag == "main" or 'role="main"' in node.attributes


def _is_article(node: Node) -> bool:
    return node.tag == "article" or 'itemprop="articleBody"' in node.attributes


def _is_named_content(node: Node) -> bool:
    return node.attributes != "" and node.tag != "body" and _named(node.attributes).content


class _Named(NamedTuple):
    """The meanings of an element's names."""

    beside: bool
    """Whether it is beside the content."""
    of_links: bool
    """Whether it is a list of links."""
    content: bool
    """Whether it is the content."""


@functools.lru_cache(8192)
def _named(attributes: str) -> _Named:
    """Return the meanings of the names in an element's attributes."""
    names = _names(attributes)
    beside = not _NAMES.isdisjoint(names) or ("role=" in attributes and _ROLE.search(attributes) is not None)
    return _Named(beside, not _NAMES_OF_LISTS.isdisjoint(names), not _CONTENT_NAMES.isdisjoint(names))


def _names(attributes: str) -> set[str]:
    """Return the words of an element's classes and id in lower case, and each class without hyphens, underscores and
    digits. A name of five words or more is a title made into an address, and says nothing about the element."""
    names: set[str] = set()
    for value in _VALUES.findall(attributes):
        for name in value.split():
            words = _WORDS.findall(name)
            if len(words) <= _MOST_WORDS:
                names.update(word.lower() for word in words)
                names.add("".join(words).lower())
    return names


def _outermost(ranges: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the ranges that lie in no other; they are in the order of their beginnings."""
    kept: list[tuple[int, int]] = []
    for first, last in ranges:
        if not kept or first >= kept[-1][1]:
            kept.append((first, last))
    return kept
