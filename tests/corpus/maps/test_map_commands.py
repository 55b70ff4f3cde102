"""`clean map` as a user runs it."""

from pathlib import Path

import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.clean import main
from tests.corpus.coverage.scanned import write_corpus
from tests.corpus.maps.two_corpora import texts_of


@pytest.mark.long  # compiles UMAP
def test_a_map_has_its_numbers_page_and_picture(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, texts in (("a", texts_of(0, 80)), ("b", texts_of(1, 80)), ("c", texts_of(1, 40, seed=1))):
        write_corpus(tmp_path / f"{name}.jsonl", texts)
    corpora = [f"{name}={tmp_path / name}.jsonl" for name in "abc"]
    main(["map", "--corpora", *corpora, "--out", str(tmp_path / "out")])
    output = capsys.readouterr().out
    assert "a and b" in output and "control: two halves of c" in output and "c: 0." in output
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"map.html", "map.png"}


@pytest.mark.parametrize(
    ("corpora", "more", "complaint"),
    [
        (["a"], [], "--corpora a is not NAME=FILES"),
        (["a=x"], [], "needs 2 to 7 corpora"),
        (["a=x", "a=y"], [], "each with a name of its own"),
        (["a=x", "b=y"], ["--endpoint", "http://127.0.0.1:1", "--checkpoint", "c"], "give one of them"),
        (["a=x", "b=y"], [], "the corpus a cannot be drawn from: no file matches x"),
    ],
)
def test_options_that_cannot_be_used_are_a_sentence(
    corpora: list[str], more: list[str], complaint: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=complaint):
        main(["map", "--corpora", *corpora, "--out", str(tmp_path), *more])


def test_a_small_corpus_is_a_sentence(tmp_path: Path) -> None:
    files = write_corpus(tmp_path / "a.jsonl", ["狸", "狐"])
    with pytest.raises(InputError, match="a has 2 different documents, and at least 20 are needed"):
        main(["map", "--corpora", f"a={files}", f"b={files}", "--out", str(tmp_path / "out")])
