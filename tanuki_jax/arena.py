"""Rate models from blind votes: a board with intervals, its charts, and what the votes of each pair say.

python -m tanuki_jax.arena rate votes.csv --anchor=Tanuki-8B-dpo-v1.0 --output=board.csv
python -m tanuki_jax.arena rate first.csv second.jsonl --anchor=Tanuki-8B-dpo-v1.0 --output=board.csv --unit voter
"""

from collections.abc import Callable
from typing import Any

from tanuki_jax.base.command import enter
from tanuki_jax.base.errors import InputError
from tanuki_jax.config.command_line import parse_options
from tanuki_jax.evaluation.arena.rate_options import Rate


def rate_votes(words: list[str]) -> None:
    options = parse_options("arena rate", words, Rate)
    from tanuki_jax.evaluation.arena.rate_commands import rate

    rate(options)


ACTIONS: dict[str, tuple[Callable[[list[str]], None], Any]] = {"rate": (rate_votes, Rate)}


def main(words: list[str]) -> None:
    """Run the action that the first word names, or print the list of actions."""
    if not words or words[0] in ("-h", "--help"):
        print(f"usage: python -m tanuki_jax.arena {{{','.join(ACTIONS)}}} ...\n")
        for name, (_, options) in ACTIONS.items():
            print(f"  {name:<16}{options.__doc__}")
        print("\nEach has --help.")
        return
    if words[0] not in ACTIONS:
        raise InputError(f"there is no action {words[0]!r}; choose one of {', '.join(ACTIONS)}")
    run, _ = ACTIONS[words[0]]
    run(words[1:])


if __name__ == "__main__":
    enter("arena", main)
