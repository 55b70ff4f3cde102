from rich.console import Console

from tanuki_jax.corpus.chat.preview import preview
from tanuki_jax.corpus.chat.template import Span

SPANS = (Span("問い\n", False), Span("答え\n[bold]</s>", True))


def test_plain_output_has_brackets_around_learned_text_and_marks_line_ends() -> None:
    assert preview(SPANS).plain == "問い↵\n⟦答え↵\n[bold]</s>⟧"


def test_control_characters_are_shown_as_pictures() -> None:
    shown = preview([Span("a\x1b[31mb\rc\x7f\x9b2J\td\n", False)])
    assert shown.plain == "a␛[31mb␍c␡\ufffd2J␉d↵\n"


def test_a_terminal_shows_learned_text_in_green() -> None:
    console = Console(force_terminal=True, color_system="standard", width=80)
    with console.capture() as captured:
        console.print(preview(SPANS))
    plain, learned = captured.get().split("⟦")
    assert "\x1b[1;32m" in plain.split("↵")[-1] + learned
    assert "\x1b" not in plain.split("↵")[0]


def test_a_weight_that_is_not_1_stands_behind_the_text() -> None:
    assert preview([Span("a", 0.0), Span("b", 0.25), Span("c", 1.0)]).plain == "a⟦b⟧×0.25⟦c⟧"
