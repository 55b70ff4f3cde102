"""Equations in worked solutions, checked with fractions."""

import itertools
import re
from fractions import Fraction

CHAIN = re.compile(r"[\d+\-×÷/().^π√=]+")
SIDE = re.compile(r"[\d+\-×÷/().^]+")


def equations(text: str) -> list[tuple[str, str]]:
    """Return the equations between numbers in a text: both sides of each, as they are written."""
    found = []
    for chain in CHAIN.finditer(text):
        sides = chain[0].split("=")
        if re.match("[A-Za-z:°]|あまり", text[chain.end() :]):  # the last side goes on, and is more than a number
            sides.pop()
        if sides and re.match("[A-Za-z:°]", text[chain.start() - 1 : chain.start()]):
            del sides[0]
        found += [(a, b) for a, b in itertools.pairwise(sides) if _is_number(a) and _is_number(b)]
    return found


def is_true(left: str, right: str) -> bool:
    """Whether both sides have one value."""
    return value(left) == value(right)


def value(side: str) -> Fraction:
    """Compute a side."""
    python = re.sub(r"\d+(?:\.\d+)?", r"Fraction('\g<0>')", side.replace("×", "*").replace("÷", "/").replace("^", "**"))
    return Fraction(eval(python, {"Fraction": Fraction}))


def _is_number(side: str) -> bool:
    if not SIDE.fullmatch(side) or not re.search(r"\d", side):
        return False
    try:
        value(side)
    except (SyntaxError, TypeError):
        return False
    return True
