"""Lines of answers that are lists."""

from typing import Annotated

from tanuki_jax.config.limits import Limits

Several = Annotated[int, Limits(at_least=2, at_most=100)]


def written_lines(answer: str) -> list[str]:
    """Return the lines that are not blank, without white space at their ends."""
    return [line.rstrip() for line in answer.split("\n") if line.strip()]


def begins(line: str, sign: str) -> bool:
    """Whether a line is a sign and a text that does not begin with white space."""
    rest = line.removeprefix(sign)
    return line.startswith(sign) and bool(rest) and not rest[0].isspace()
