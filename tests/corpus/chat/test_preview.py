from rich.console import Console

from tanuki_jax.corpus.chat.preview import preview
from tanuki_jax.corpus.chat.template import Span

SPANS = (Span("問い\n", False), Span("答え\n[bold]</s>", True))


def test_a_pipe_shows_what_is_learned_between_brackets_and_where_lines_end() -> None:
    assert preview(SPANS).plain == "問い↵\n⟦答え↵\n[bold]</s>⟧"


def test_control_characters_are_shown_and_give_no_orders_to_a_terminal() -> None:
    shown = preview([Span("a\x1b[31mb\rc\x7f\x9b2J\td\n", False)])
    assert shown.plain == "a␛[31mb␍c␡\ufffd2J␉d↵\n"


def test_a_terminal_shows_what_is_learned_in_green() -> None:
    console = Console(force_terminal=True, color_system="standard", width=80)
    with console.capture() as captured:
        console.print(preview(SPANS))
    plain, learned = captured.get().split("⟦")
    assert "\x1b[1;32m" in plain.split("↵")[-1] + learned
    assert "\x1b" not in plain.split("↵")[0]
