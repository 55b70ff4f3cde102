"""A page as blocks of text inside the elements that hold them."""

import html
import re
import time
from dataclasses import dataclass, field

from resiliparse.parse.html import HTMLTree

_TOKEN = re.compile(r'([^<]*+)<(/?[a-zA-Z][^\s/>]*+)((?: [^>][^=>]*+="[^"]*+")*+)>')
"""Text, and name and attributes of the tag behind it, as the parser writes them. A name of an attribute may hold a
quotation mark."""
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_BLOCK_LEVEL_TEXT = (
    "address article aside blockquote body center caption dd details dialog dir div dl dt fieldset figcaption figure "
    "footer form frameset h1 h2 h3 h4 h5 h6 header hgroup li legend main menu nav ol p pre listing xmp section summary "
    "table tbody td tfoot th thead tr ul"
)
_BLOCK_LEVEL = frozenset(_BLOCK_LEVEL_TEXT.split())
_SKIPPED_TEXT = (
    "rt rp rtc head title script style noscript template svg annotation "
    "annotation-xml iframe object select textarea button label option "
    "datalist audio video canvas map noframes noembed dialog progress meter"
)
_SKIPPED = frozenset(_SKIPPED_TEXT.split())
"""Elements whose text is no part of the page's text: readings of kanji, code, and parts of forms."""
_CELLS = ("td", "th")
LISTS = ("ul", "ol", "menu", "dir")
_NO_PART_OF_ITEMS = ("table", "blockquote", "article")
_PLAIN, _ITEM, _CELL, _LIST, _ALONE, _END, _SKIP, _LINK, _LINK_END, _BREAK, _RULE = range(11)
_ROLES = (
    dict.fromkeys(_BLOCK_LEVEL, _PLAIN)
    | {f"/{name}": _END for name in _BLOCK_LEVEL}
    | {"li": _ITEM, "a": _LINK, "/a": _LINK_END, "br": _BREAK, "hr": _RULE}
    | dict.fromkeys(_CELLS, _CELL)
    | dict.fromkeys(LISTS, _LIST)
    | dict.fromkeys(_NO_PART_OF_ITEMS, _ALONE)
    | dict.fromkeys(_SKIPPED, _SKIP)
)
"""Name of a tag, with a slash if it ends an element -> what is done with it; up to `_ALONE` a node begins. Other tags
are part of their line."""
_HIDDEN = re.compile(
    r'\shidden(?:=""|="hidden"|(?=\s|$))|\sstyle="[^"]*(?:display\s*:\s*none|visibility\s*:\s*hidden)|'
    r'\saria-hidden="true"|\srole="(?:dialog|alertdialog|menu|menubar|toolbar|search|tooltip)"',
    re.IGNORECASE,
)
_ASIDE_IN_LINE_TEXT = (
    "headerlink permalink headeranchor header-anchor anchorlink anchor-link mw-editsection mw-jump-link sr-only "
    "screen-reader-text visuallyhidden visually-hidden skiplink skip-link"
)
_ASIDE_IN_LINE = frozenset(_ASIDE_IN_LINE_TEXT.split())
"""Classes of links and notes inside of headings and lines that are no part of their text."""
BREAK = "\0"
"""Character for <br>, until lines are made; the parser leaves none in a text."""
_WIDE = r"\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff"
_WIDE_LINE_END = re.compile(rf"(?<=[{_WIDE}])[ \t]*[\r\n][ \t\r\n]*(?=[{_WIDE}])")
_SPACE = re.compile(r"[ \t\r\n\f\xa0]+")
_CHECKED_EVERY = 8192


@dataclass(slots=True)
class Node:
    """An element that holds blocks."""

    parent: int
    tag: str
    attributes: str
    first: int
    """Number of its first block."""
    last: int = 0
    """Number of the block behind its last one."""
    number: int = 0
    """Number of items or cells before it in its parent, if it is one."""
    items: int = 0
    """Number of items of a list, or cells of a row."""
    item: int = -1
    """Number of the innermost item of a list that it is or lies in, with no table, quotation or article between them;
    -1: none."""
    lists: int = 0
    """Number of lists that it is or lies in."""


@dataclass(slots=True)
class Block:
    """Text without a block-level element in it."""

    text: str
    """Text with `BREAK` for each <br>; the text of a <pre> has its lines."""
    node: int
    """Number of the element that holds it."""
    linked: int
    """Number of characters inside links."""
    links: int = 0
    """Number of links."""


@dataclass(slots=True)
class Page:
    """Blocks in the order of the page, and elements in the order in which they begin."""

    blocks: list[Block] = field(default_factory=list)
    nodes: list[Node] = field(default_factory=list)

    def inside(self, node: int, *tags: str) -> bool:
        """Whether an element is, or lies in, one of some tags."""
        while node >= 0:
            if self.nodes[node].tag in tags:
                return True
            node = self.nodes[node].parent
        return False


class TooSlow(Exception):
    """A page took longer than its time limit."""


class TooDeep(Exception):
    """A page nests its elements deeper than the limit."""


def check_time(deadline: float) -> None:
    """Raise TooSlow if the process has used more CPU seconds than `deadline`."""
    if time.process_time() > deadline:
        raise TooSlow


def page_of(tree: HTMLTree, deadline: float, deepest: int) -> Page:
    """Return the blocks of a parsed page. TooSlow if the process has used more CPU seconds than `deadline`, TooDeep if
    block-level elements nest deeper than `deepest`."""
    body = tree.body
    if body is None:
        return Page()
    written = body.html
    if "<!--" in written:
        written = _COMMENT.sub("", written)
    return _Walk(deepest).page(written, deadline)


class _Walk:
    """The state while the tags of a page are read in order; the parser has made them well-formed."""

    def __init__(self, deepest: int) -> None:
        self._page = Page()
        self._deepest = deepest
        self._open: list[int] = []
        self._parts: list[str] = []
        self._linked = 0
        self._links = 0
        self._skipped = ""
        self._depth = 0
        self._in_link = False
        self._counted = False

    def page(self, written: str, deadline: float) -> Page:
        tokens = _TOKEN.findall(written)
        for start in range(0, len(tokens), _CHECKED_EVERY):
            check_time(deadline)
            self._read(tokens[start : start + _CHECKED_EVERY])
        if self._parts:
            self._flush()
        for number in self._open:  # what a tag that was not understood has left open
            self._page.nodes[number].last = len(self._page.blocks)
        return self._page

    def _read(self, tokens: list[tuple[str, str, str]]) -> None:
        parts, skipped = self._parts, self._skipped
        for text, name, attributes in tokens:
            if skipped:
                if name.endswith(skipped) and name.removeprefix("/") == skipped:
                    self._depth += 1 if name == skipped else -1
                    skipped = skipped if self._depth else ""
                continue
            if text and not text.isspace():
                parts.append(text)
                if self._in_link:
                    self._linked += len(text)
                    self._links += not self._counted
                    self._counted = True
            elif text and parts:
                parts.append("\n" if "\n" in text else " ")
            role = _ROLES.get(name)
            if role == _END:
                self._close()
            elif role == _SKIP or (attributes and _is_hidden(attributes)):
                if name not in _VOID:
                    skipped, self._depth = name, 1
            elif role is None:
                pass
            elif role <= _ALONE:
                self._begin(name, attributes, role)
            elif role == _LINK:
                # A link without an address is one that a script follows, unless it is the aim of another link.
                self._in_link = "href=" in attributes or not ("name=" in attributes or "id=" in attributes)
                self._counted = False
            elif role == _LINK_END:
                self._in_link = False
            elif role == _BREAK:
                parts.append(BREAK)
            elif parts:
                self._flush()
        self._skipped = skipped

    def _begin(self, name: str, attributes: str, role: int) -> None:
        if self._parts:
            self._flush()
        nodes, opened = self._page.nodes, self._open
        if len(opened) >= self._deepest:
            raise TooDeep
        parent, number, item, lists = -1, 0, -1, 0
        if opened:
            parent = opened[-1]
            outer = nodes[parent]
            item, lists = outer.item, outer.lists
            if role in (_ITEM, _CELL):
                number = outer.items
                outer.items += 1
        if role == _ITEM:
            item = len(nodes)
        elif role == _LIST:
            lists += 1
        elif role == _ALONE:
            item = -1
        opened.append(len(nodes))
        nodes.append(Node(parent, name, attributes, len(self._page.blocks), 0, number, 0, item, lists))

    def _close(self) -> None:
        if self._parts:
            self._flush()
        if self._open:
            number, blocks = self._open.pop(), self._page.blocks
            node = self._page.nodes[number]
            if node.first == len(blocks) and node.tag in _CELLS:
                blocks.append(Block("", number, 0))  # so that the cells of a row stay in columns
            node.last = len(blocks)

    def _flush(self) -> None:
        text = "".join(self._parts)
        linked, links, self._linked, self._links = self._linked, self._links, 0, 0
        self._parts.clear()
        node = self._open[-1] if self._open else 0
        if "&" in text:
            text = html.unescape(text)
        if self._open and self._page.nodes[node].tag in ("pre", "listing", "xmp"):
            text = text.replace(BREAK, "\n").replace("\r\n", "\n").strip("\n")
        elif text.isascii():
            text = " ".join(text.split()).strip(f" {BREAK}")
        else:
            text = _SPACE.sub(" ", _WIDE_LINE_END.sub("", text) if "\n" in text else text).strip(f" \u3000{BREAK}")
        if text and not text.isspace():
            self._page.blocks.append(Block(text, node, linked, links))


_VOID_TEXT = "area base br col embed hr img input link meta param source track wbr"
_VOID = frozenset(_VOID_TEXT.split())


def _is_hidden(attributes: str) -> bool:
    classes = attributes.find(' class="') + 8
    if classes >= 8 and not _ASIDE_IN_LINE.isdisjoint(attributes[classes : attributes.index('"', classes)].split()):
        return True
    return ("hidden" in attributes or "none" in attributes or "role=" in attributes) and (
        _HIDDEN.search(attributes) is not None
    )
