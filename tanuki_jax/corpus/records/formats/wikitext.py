"""Wikitext, MediaWiki's markup, made plain."""

import html
import re
from collections.abc import Callable, Mapping

_TOKEN = re.compile(r"\{\{|\}\}|^[ \t]*:*\{\||^[ \t]*\|\}(?!\})|\[\[|\]\]", re.MULTILINE)
_CLOSED_BY = {"}}": "{{", "|}": "{|", "]]": "[["}
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_REFERENCE = re.compile(r"<ref\b[^<>]*/>|<ref\b[^<>]*>(?:(?!<ref\b).)*?</ref\s*>", re.DOTALL | re.IGNORECASE)
_MATH = re.compile(
    r"<(?:math|ce|chem)\b[^<>]*>((?:(?!<(?:math|ce|chem)\b).)*?)</(?:math|ce|chem)\s*>", re.DOTALL | re.IGNORECASE
)
_NO_PROSE = re.compile(
    r"<(gallery|timeline|score|imagemap|hiero|graph|mapframe|templatestyles|includeonly)\b[^<>]*"
    r"(?:/>|>(?:(?!<\1\b).)*?</\1\s*>)",
    re.DOTALL | re.IGNORECASE,
)
_BREAK = re.compile(r"<br\b[^<>]*>", re.IGNORECASE)
_KEPT_BREAK = "\v"
"""Sign of a line that <br> ends, until the other lines of its paragraph are joined."""
_TAG = re.compile(r"</?[a-zA-Z][^<>]*>")
_EXTERNAL = re.compile(r"\[(?:https?:|ftp:|mailto:)?//[^\s\[\]]++[^\S\n]*+([^\[\]\n]*+)\]")
_QUOTES = re.compile(r"'{2,5}")
_SWITCH = re.compile(r"__[A-Z]{3,}__")
_HEADING = re.compile(r"(={1,6})[ \t]*(.+?)[ \t]*\1[ \t]*")
_LIST = re.compile(r"([*#:;]+)[ \t]*")
_EMPTY_BRACKETS = re.compile(r"[（(][\s、,，;；:：・]*[)）]")
_COMMA_BEHIND_BRACKET = re.compile(r"([（(])[\s、,，;；]+")
_DROPPED_LINKS = re.compile(
    r"(?i)(?:file|image|media|category|ファイル|画像|カテゴリ|[a-z]{2,3}(?:-[a-z]{2,8})?|simple)\s*:"
)
_SHOWN: Mapping[str, Callable[[list[str]], str]] = {
    "lang": lambda given: given[1] if len(given) > 1 else "",
    "仮リンク": lambda given: given[0],
    "ill2": lambda given: given[0],
    "ill": lambda given: given[0],
    "ruby": lambda given: given[0],
    "読み仮名": lambda given: f"{given[0]}（{given[1]}）" if len(given) > 1 else given[0],
    "nowrap": lambda given: given[0],
    "補助漢字フォント": lambda given: given[0],
    "convert": lambda given: " ".join(given[:2]),
}
"""Name of a template -> the text that it shows. Others show what is no part of the prose, and are removed."""


def plain(wikitext: str) -> str:
    """Return the prose of a page: headings, paragraphs, list items and the texts of links. Templates, tables,
    references, files, categories and headings without content are removed; formulas stay as LaTeX between $."""
    text = _COMMENT.sub("", wikitext)
    text = _NO_PROSE.sub("", _REFERENCE.sub("", text))
    text = _MATH.sub(lambda found: f"${' '.join(found[1].split())}$", text)
    text = _EXTERNAL.sub(r"\1", _without_brackets(text))
    text = _SWITCH.sub("", _QUOTES.sub("", _TAG.sub("", _BREAK.sub(_KEPT_BREAK, text))))
    text = html.unescape(text).replace("\xa0", " ")
    text = _COMMA_BEHIND_BRACKET.sub(r"\1", _EMPTY_BRACKETS.sub("", text))
    return _lines(text)


def _without_brackets(text: str) -> str:
    """Resolve templates, tables and links from the inside, in one pass. What is never closed stays as it is, except a
    table, which ends with the page."""
    open_brackets: list[str] = []
    parts: list[list[str]] = [[]]
    position = 0
    for token in _TOKEN.finditer(text):
        parts[-1].append(text[position : token.start()])
        position = token.end()
        kind = token[0].strip(" \t:")
        if kind not in _CLOSED_BY:
            open_brackets.append(kind)
            parts.append([])
        elif _CLOSED_BY[kind] in open_brackets[-8:]:
            while (opened := open_brackets.pop()) != _CLOSED_BY[kind]:
                inside = "".join(parts.pop())
                parts[-1].append("" if opened == "{|" else opened + inside)
            inside = "".join(parts.pop())
            parts[-1].append(_resolved(opened, inside))
        else:
            parts[-1].append(token[0])
    parts[-1].append(text[position:])
    rest = parts[0]
    for bracket, pieces in zip(open_brackets, parts[1:], strict=True):
        if bracket == "{|":
            break
        rest += [bracket, *pieces]
    return "".join(rest)


def _resolved(opened: str, inside: str) -> str:
    if opened == "{|":
        return ""
    if opened == "{{":
        name, *given = inside.split("|")
        name = name.strip().lower()
        if name.startswith("lang-"):
            name, given = "lang", ["", *given]
        show = _SHOWN.get(name)
        values = [value.strip() for value in given if "=" not in value or "://" in value]
        return show(values) if show and values else ""
    target, bar, label = inside.partition("|")
    if _DROPPED_LINKS.match(target.strip()):
        return ""
    shown = label if bar else target.lstrip(":").partition("#")[0] or target
    return shown.rpartition("|")[2] if bar else shown


def _lines(text: str) -> str:
    """Return the lines of a text, those of a paragraph joined; a blank line separates paragraphs."""
    lines: list[str] = []
    headings: list[tuple[int, str]] = []  # headings above which nothing else has come yet
    inside = False  # whether a line of prose would belong to the paragraph before it
    for line in (line.strip(" \t") for line in text.split("\n")):
        heading = _HEADING.fullmatch(line)
        if heading:
            level = len(heading[1])
            headings = [above for above in headings if above[0] < level] + [(level, heading[2])]
        elif not line or line.strip("-*#:;|!{} ") == "":
            lines += [""] if lines and lines[-1] else []
        else:
            for _, title in headings:
                lines += ([""] if lines and lines[-1] else []) + [title, ""]
            headings = []
            marks = _LIST.match(line)
            if marks:
                lines.append(("- " if marks[1][-1] in "*#" else "") + line[marks.end() :])
            elif inside and lines[-1]:
                spaced = lines[-1][-1].isascii() and line[0].isascii()
                lines[-1] += f" {line}" if spaced else line
            else:
                lines.append(line)
            inside = marks is None
            continue
        inside = False
    return "\n".join(lines).strip("\n").replace(_KEPT_BREAK, "\n")
