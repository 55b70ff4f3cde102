"""Pages built from texts of our own in layouts of our own: `pages/contents.txt` says what a reader should get."""

import itertools
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from pathlib import Path
from string import Template

from tests.corpus.cleaning.extraction.surroundings import words_of

PAGES = Path(__file__).parent / "pages"
LAYOUTS_OF_A_TEXT = 4


@dataclass(frozen=True)
class Content:
    """A text with its title and parts: (mark, text), where the mark says what the part is, as in `contents.txt`."""

    kind: str
    language: str
    title: str
    parts: tuple[tuple[str, str], ...]

    @property
    def text(self) -> str:
        """Return what a reader should get: items keep their marks, cells are separated by bars."""
        shown = [f"{mark} {text}" if mark == "-" or mark[:1].isdigit() else text for mark, text in self.parts]
        return "\n".join([self.title, *shown])


@dataclass(frozen=True)
class BuiltPage:
    name: str
    html: str
    content: Content


def contents() -> list[Content]:
    return [_content(block) for block in (PAGES / "contents.txt").read_text("utf-8").split("====\n")]


def built_pages() -> list[BuiltPage]:
    """Return a page for each text in some of the layouts, so that each layout is used about equally often."""
    layouts = {path.stem: path.read_text("utf-8") for path in sorted((PAGES / "layouts").glob("*.html"))}
    names = itertools.cycle(layouts)
    pages: list[BuiltPage] = []
    for number, content in enumerate(contents()):
        for name in itertools.islice(names, LAYOUTS_OF_A_TEXT):
            draw = random.Random(f"{number}:{name}")
            pages.append(BuiltPage(f"{number}-{name}", _page(layouts[name], content, draw), content))
        next(names)  # another combination for the next text
    return pages


def _content(block: str) -> Content:
    head, *lines = block.strip().split("\n")
    kind, language, title = head.split(" | ")
    parts: list[tuple[str, str]] = []
    for line in lines:
        mark, _, text = line.partition(" ")
        known = mark in {"#", "-", "|", ">", "?", "!", "@"} or (mark[:-1].isdigit() and mark.endswith("."))
        parts.append((mark, text) if known else ("", line))
    return Content(kind, language, title, tuple(parts))


def _groups(content: Content) -> Iterator[tuple[str, list[str]]]:
    """Yield (mark, texts) of neighbouring parts of one kind; numbers have the mark "1."."""
    for mark, parts in itertools.groupby(content.parts, lambda part: "1." if part[0][:1].isdigit() else part[0]):
        yield mark, [escape(text) for _, text in parts]


def _modern(content: Content, level: int = 2, paragraph: str = "p") -> str:
    """Return the parts as elements of HTML 5."""
    html: list[str] = []
    for mark, texts in _groups(content):
        if mark in ("", "?", "!", "@"):
            tag = {"": paragraph, "?": f"h{level + 1}", "!": paragraph, "@": "h4"}[mark]
            html += [f"<{tag}>{text}</{tag}>" for text in texts]
        elif mark == "#":
            html += [f'<h{level} class="heading">{text}</h{level}>' for text in texts]
        elif mark == ">":
            html += [f"<blockquote><p>{text}</p></blockquote>" for text in texts]
        elif mark == "|":
            first, *rows = [row.split(" | ") for row in texts]
            header = "".join(f"<th>{cell}</th>" for cell in first)
            body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>\n" for row in rows)
            html.append(f"<table><thead><tr>{header}</tr></thead><tbody>{body}</tbody></table>")
        else:
            tag = "ul" if mark == "-" else "ol"
            html.append(f"<{tag}>\n" + "".join(f"<li>{text}</li>\n" for text in texts) + f"</{tag}>")
    return "\n".join(html)


def _with_breaks(content: Content, columns: int = 0) -> str:
    """Return the parts as they were written in 2001: letters in fonts, lines ended by <br>, perhaps at a width."""
    html: list[str] = []
    for mark, texts in _groups(content):
        if mark == "|":
            rows = "".join("<tr>" + "".join(f"<td>{c}" for c in row.split(" | ")) + "\n" for row in texts)
            html.append(f"<table border=1 cellpadding=3>{rows}</table>")
        elif mark == "#":
            html += [f"<font size=+1 color=#336699><b>{text}</b></font><br><br>" for text in texts]
        elif mark in ("-", "1."):
            html.append(
                "".join(f"<li>{text}\n" for text in texts).join(("<ul>", "</ul>") if mark == "-" else ("<ol>", "</ol>"))
            )
        else:
            lines = ["<br>\n".join(_wrapped(text, columns)) if columns else text for text in texts]
            html.append("<br><br>\n".join(lines) + "<br><br>")
    return "\n".join(html)


def _wrapped(text: str, columns: int) -> list[str]:
    if text.isascii():
        lines = [""]
        for word in text.split(" "):
            if len(lines[-1]) + len(word) > columns:
                lines.append("")
            lines[-1] += f" {word}" if lines[-1] else word
        return lines
    lines = [""]
    for letter in text:
        if len(lines[-1]) >= columns // 2 and letter not in "、。」）":
            lines.append("")
        lines[-1] += letter
    return lines


def _list(names: list[str], form: str) -> str:
    """Return names as links, each in an element that `form` gives: {0} is a number, {1} the name."""
    return "\n".join(form.format(number, name) for number, name in enumerate(names, 1))


def _posts(content: Content) -> str:
    tags = {"@": "<dt>{}", "-": "<dd>- {}"}
    return "\n".join(tags.get(mark, "<dd>{}").format(text) for mark, texts in _groups(content) for text in texts)


def _nested(inside: str, depth: int, draw: random.Random) -> str:
    for _ in range(depth):
        inside = f'<div class="css-{draw.randrange(1 << 24):06x}">{inside}</div>'
    return inside


def _page(layout: str, content: Content, draw: random.Random) -> str:
    """Return a page: the layout with the content and words around it in its places."""
    words = words_of(content.language, draw)
    modern = _modern(content)
    soup = re.sub("</(?:p|li|td|tr)>", "", modern)
    link = '<a href="/p/{0}.html">{1}</a>'
    places = {
        "title": escape(content.title),
        "language": content.language,
        "modern": modern,
        "modern3": _modern(content, level=3),
        "modern_divs": _modern(content, paragraph="div"),
        "soup": soup,
        "breaks": _with_breaks(content),
        "wrapped": _with_breaks(content, draw.choice((48, 56, 64))),
        "posts": _posts(content),
        "menu": _list(words.menu, f"<li>{link}</li>"),
        "menu_rows": _list(words.menu, f"<tr><td><font size=-1>{link}</font></td></tr>"),
        "keys": _list(words.menu, f"[{{0}}]{link}<br>"),
        "others": _list(words.others, f"<li>{link}</li>"),
        "others_dd": _list(words.others, f"<dd>{link}</dd>"),
        "items": _list(words.others, '<li><a href="/i/{0}"><img src="/{0}.jpg" alt="{1}"><span>{1}</span></a></li>'),
        "teasers": _list(words.others, f'<div class="box"><h3>{link}</h3><p class="date">{{0}}/12</p></div>'),
        "small": _list(words.small, f"<li>{link}</li>"),
        "scripted": "x" * 400,
        "hashed_menu": _nested(_list(words.menu, f"<div><div>{link}</div></div>"), 4, draw),
        "hashed_content": _nested(f"<h1>{escape(content.title)}</h1>{modern}", 9, draw),
        "hashed_others": _nested(
            f"<span>{words.phrases['related']}</span>" + _list(words.others, f"<div>{link}</div>"), 3, draw
        ),
    }
    single = {f"menu{n}": name for n, name in enumerate(words.menu)}
    single |= {f"other{n}": name for n, name in enumerate(words.others)}
    return Template(layout).substitute(single | words.phrases | places)
