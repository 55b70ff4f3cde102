"""Markup made ready for the parser: what holds no text is cut, and what would take too long is refused."""

import re

_CUT = re.compile(
    # The first letters are written in both cases, for by a set of letters the engine refuses an alternative at once.
    r"<(?:!--|((?:[sS](?i:cript|tyle|vg|elect)|[nN](?i:oscript)|[tT](?i:emplate|extarea)|[iI](?i:frame)|[oO](?i:bject)"
    r"|[bB](?i:utton)|[aA](?i:udio)|[vV](?i:ideo)|[cC](?i:anvas))\b))"
)
_FORMATTING = re.compile(
    r"</?(?:[aA](?i:(?=bbr|cronym)[a-z]+)|[bB](?i:ig|link|asefont|d[io])?|[iI](?i:ns)?|[uU]"
    r"|[sS](?i:trong|mall|trike|amp)?|[eE](?i:m)|[fF](?i:ont)|[tT](?i:t)|[nN](?i:obr)|[mM](?i:ark)|[wW](?i:br)"
    r"|[cC](?i:ite|ode)|[dD](?i:fn)|[vV](?i:ar)|[kK](?i:bd))(?:[\s/][^<>]*)?>"
)
_WHOLE_TAG = re.compile(r"<[a-zA-Z](?:[^\"'>]++|\"[^\"]*+\"|'[^']*+')*+>")
_LONG, _ATTEMPTS = 1000, 8
_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)")
_NOT_NESTING_TEXT = (
    "area base br col embed hr img input link meta param source track wbr p li dt dd option tr td th tbody thead"
)
_NOT_NESTING = frozenset(_NOT_NESTING_TEXT.split())
"""Elements that hold nothing, or end where the next of their kind begins: they are nested through others only."""
_BARRIERS = frozenset(("table", "td", "th", "caption", "html", "object", "marquee", "applet", "template"))
"""Elements that the end of an element outside of them does not close (HTML standard, section 13.2.4.2)."""


def cut(html: str) -> str:
    """Return a page without comments, scripts, styles, drawings, frames and fields of forms, and without the tags of
    letters (b, font, ...): the parser opens those again in every paragraph, which takes quadratic time and memory."""
    parts: list[str] = []
    position = 0
    absent: set[str] = set()
    while found := _CUT.search(html, position):
        parts.append(html[position : found.start()])
        name = (found[1] or "").lower()
        end = _end_of(html, name, found.end(), absent)
        position = end if end >= 0 else len(html)
        if end < 0 and name not in ("", "script", "style"):  # of an element that never ends, the parser keeps the text
            parts.append(found[0])
            position = found.end()
    parts.append(html[position:])
    return _FORMATTING.sub("", "".join(parts))


def _end_of(html: str, name: str, start: int, absent: set[str]) -> int:
    """Return where an element or comment ends, or -1. What is not found once joins `absent`, and is looked for no more:
    so all searches together are linear."""
    if not name:
        end = html.find("-->", start - 2)
        return end + 3 if end >= 0 else -1
    begins: list[int] = []
    for written in (f"</{name}", f"</{name.upper()}"):
        begin = -1 if written in absent else html.find(written, start, min(begins, default=len(html)))
        if begin >= 0:
            begins.append(begin)
        elif not begins:
            absent.add(written)
    if not begins:
        return -1
    end = html.find(">", min(begins))
    return end + 1 if end >= 0 else len(html)


def is_deeper(html: str, deepest: int) -> bool:
    """Return whether the elements of a page nest deeper than a limit as far as its tags tell, in one pass."""
    opened: list[str] = []
    number: dict[str, int] = {}
    for found in _TAG.finditer(html):
        closing, written = found.groups()
        name = written.lower()
        if name in _NOT_NESTING and name not in _BARRIERS:
            continue
        if not closing:
            if name not in _NOT_NESTING or opened[-1:] != [name]:
                opened.append(name)
                number[name] = number.get(name, 0) + 1
                if len(opened) > deepest:
                    return True
            continue
        if not number.get(name):
            continue
        for index in range(len(opened) - 1, -1, -1):
            if opened[index] == name:
                for other in opened[index:]:
                    number[other] -= 1
                del opened[index:]
                break
            if opened[index] in _BARRIERS and name not in _BARRIERS:
                break
    return False


def without_long_tags(html: str) -> str:
    """Return a page without the attributes of tags longer than 1,000 characters: the parser compares each attribute
    with all others of its tag."""
    parts: list[str] = []
    position = begin = 0
    while len(html) - begin > _LONG:
        if (last := html.rfind(">", begin, begin + _LONG + 1)) >= 0:
            begin = last + 1
            continue
        stop = html.find(">", begin + _LONG) + 1 or len(html)
        start, end = _tag_over(html, begin, stop, position)
        if end - start > _LONG:
            name = _TAG.match(html, start)
            assert name is not None
            parts += [html[position:start], f"{name[0]}>"]
            position = end
        begin = max(stop, position)
    return "".join([*parts, html[position:]])


def _tag_over(html: str, begin: int, stop: int, earliest: int) -> tuple[int, int]:
    """Return the range of the tag that begins before `stop` and reaches beyond `begin`; it may have ">" in its values.
    (0, 0) if what is there is text."""
    found = _TAG.search(html, max(begin, earliest), stop)
    start = found.start() if found else begin
    for _ in range(_ATTEMPTS):
        tag = _TAG.match(html, start)
        if tag is not None and not tag[1]:
            whole = _WHOLE_TAG.match(html, start)
            end = whole.end() if whole else html.find(">", tag.end()) + 1 or len(html)
            if end > begin:
                return start, end
        start = html.rfind("<", earliest, start)
        if start < 0:
            break
    return 0, 0
