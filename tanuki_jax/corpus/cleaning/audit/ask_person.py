"""Labels by a person in the terminal."""

from collections.abc import Callable, Sequence

from rich.console import Console
from rich.panel import Panel

from tanuki_jax.corpus.cleaning.audit.sample import Drawn

_LONGEST = 1_500
"""Characters of a document that are shown at first; `m` shows all."""


def ask(drawn: Sequence[Drawn], categories: Sequence[str], label: Callable[[Drawn, str], None]) -> None:
    """Show documents one by one, and hand the category that a person chooses to `label`, until the input ends.

    A category is chosen by its number; `m` shows all of a text, `s` leaves it out, `q` ends.
    """
    console = Console(markup=False, highlight=False)
    keys = ", ".join(f"{number} {name}" for number, name in enumerate(categories, start=1))
    for position, document in enumerate(drawn, start=1):
        _show(console, document, f"{position} of {len(drawn)}", _LONGEST)
        while True:
            try:
                word = input(f"{keys}; m more, s skip, q quit: ").strip().lower()
            except EOFError:
                return
            if word == "q":
                return
            if word == "s":
                break
            if word == "m":
                _show(console, document, f"{position} of {len(drawn)}", len(document.text))
            elif word.isdecimal() and 1 <= int(word) <= len(categories):
                label(document, categories[int(word) - 1])
                break
            else:
                console.print(f"{word!r} is no number from 1 to {len(categories)}")


def _show(console: Console, document: Drawn, title: str, characters: int) -> None:
    more = f"\n... {len(document.text) - characters:,} more characters" if len(document.text) > characters else ""
    console.print(Panel(document.text[:characters] + more, title=title, subtitle=document.id))
