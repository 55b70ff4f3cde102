import pytest

from tanuki_jax.corpus.cleaning.audit.ask_person import ask
from tanuki_jax.corpus.cleaning.audit.sample import Drawn


def answered(monkeypatch: pytest.MonkeyPatch, words: list[str]) -> list[tuple[str, str]]:
    """Return the labels of three documents when a person types some words."""
    typed = iter(words)

    def read(prompt: str) -> str:
        assert "1 story, 2 noise" in prompt
        word = next(typed, None)
        if word is None:
            raise EOFError
        return word

    monkeypatch.setattr("builtins.input", read)
    found: list[tuple[str, str]] = []
    documents = [Drawn(f"{n}", f"文書{n}" * 1_000) for n in range(3)]
    ask(documents, ("story", "noise"), lambda document, label: found.append((document.id, label)))
    return found


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["1", "2", "1"], [("0", "story"), ("1", "noise"), ("2", "story")]),
        (["1", "q"], [("0", "story")]),
        (["s", "9", "x", "2"], [("1", "noise")]),
        (["m", "2"], [("0", "noise")]),
    ],
)
def test_numbers_label_and_letters_move_on(
    monkeypatch: pytest.MonkeyPatch, words: list[str], expected: list[tuple[str, str]]
) -> None:
    assert answered(monkeypatch, words) == expected


def test_all_of_a_text_can_be_seen(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    answered(monkeypatch, ["m", "q"])
    assert "1,500 more characters" in capsys.readouterr().out
