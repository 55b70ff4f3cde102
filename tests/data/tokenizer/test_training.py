import hashlib
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import sentencepiece

from tanuki_jax.base.errors import InputError
from tanuki_jax.config.experiment import Tokenizer
from tanuki_jax.data.tokenizer.load import load
from tanuki_jax.data.tokenizer.training import train


def config(pieces: int, *, mecab: bool = False) -> Tokenizer:
    return Tokenizer(path="unused", pieces=pieces, mecab=mecab)


def processor(folder: Path) -> sentencepiece.SentencePieceProcessor:
    return sentencepiece.SentencePieceProcessor(model_file=str(folder / "tokenizer.model"))


def learned(folder: Path) -> list[str]:
    """Pieces after the 13 special ones and the 256 bytes."""
    return processor(folder).id_to_piece(list(range(269, processor(folder).get_piece_size())))


def test_the_special_pieces_are_tanukis_in_its_order(folder: Path) -> None:
    pieces = processor(folder)
    assert pieces.id_to_piece(list(range(13))) == [
        *("<unk>", "<s>", "</s>", "<pad>", "<CLS>", "<SEP>", "<EOD>", "<MASK>", "\n"),
        *("<llm-code>", "</llm-code>", "<llm-code-output>", "</llm-code-output>"),
    ]
    assert [pieces.is_control(i) for i in range(13)] == [False] + [True] * 7 + [False] * 5
    assert pieces.is_unknown(0)
    assert all(pieces.is_byte(13 + byte) for byte in range(256))


def test_digits_stand_alone_and_spaces_may_be_pieces_of_their_own(folder: Path) -> None:
    pieces = learned(folder)
    assert all(len(piece) == 1 for piece in pieces if any(character.isdecimal() for character in piece))
    assert "\u2581" * 4 in pieces
    assert all(character in pieces for character in "<>/0Az~")


def test_code_marks_of_the_data_are_one_piece_each(folder: Path) -> None:
    assert load(folder).encode("<llm-code>\n</llm-code><llm-code-output></llm-code-output>") == [9, 8, 10, 11, 12]


def test_spaces_survive_in_a_tokenizer_that_was_trained_without_any(tmp_path: Path) -> None:
    train(["吾輩は狸である。名前はまだ無い。"] * 20, config(378), tmp_path / "tokenizer")
    assert load(tmp_path / "tokenizer").decode(load(tmp_path / "tokenizer").encode("狸 と狐")) == "狸 と狐"


def test_the_same_texts_make_the_same_files_in_another_process(corpus: list[str], folder: Path, tmp_path: Path) -> None:
    (tmp_path / "corpus").write_text("\f".join(corpus))
    program = (
        "import sys; from pathlib import Path; from tanuki_jax.config.experiment import Tokenizer\n"
        "from tanuki_jax.data.tokenizer.training import train\n"
        "train(iter(Path('corpus').read_text().split('\\f')), Tokenizer(path='', pieces=1200), Path('again'))"
    )
    root = Path(__file__).parents[3]
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, env={"PYTHONPATH": str(root)}, capture_output=True, text=True
    )
    printed = [line for line in done.stderr.splitlines() if not line.endswith(" elapsed")]
    assert (done.returncode, done.stdout, printed) == (0, "", [])
    for name in ("tokenizer.model", "tokenizer.json", "tokenizer_config.json"):
        assert (
            hashlib.sha256((tmp_path / "again" / name).read_bytes()).digest()
            == hashlib.sha256((folder / name).read_bytes()).digest()
        )


def test_with_mecab_words_become_pieces_and_no_piece_crosses_them(corpus: list[str], tmp_path: Path) -> None:
    train(corpus[:34], config(570), tmp_path / "free")
    train(corpus[:34], config(490, mecab=True), tmp_path / "marked")
    free, marked = (" ".join(learned(tmp_path / name)) for name in ("free", "marked"))
    assert "図書館で" in free
    assert "図書館で" not in marked
    for word in ("図書館", "インターネット", "カフェ", "子供", "先生"):
        assert word in learned(tmp_path / "marked")


def test_too_little_text_names_the_largest_number_of_pieces_which_then_works(tmp_path: Path) -> None:
    draw = random.Random(0)
    texts = ["".join(draw.choices("狸狐鹿熊犬猫", k=50)) for _ in range(100)]
    with pytest.raises(
        InputError, match=r"data\.tokenizer\.pieces is 65000, but there is text for \d+ at the most"
    ) as most:
        train(texts, config(65_000), tmp_path / "tokenizer")
    pieces = int(str(most.value).split()[-4])
    train(texts, config(pieces), tmp_path / "tokenizer")
    assert load(tmp_path / "tokenizer").vocabulary == pieces
    with pytest.raises(InputError, match=rf"but there is text for {pieces} at the most"):
        train(texts, config(pieces + 1), tmp_path / "more")


def test_too_few_pieces_name_the_smallest_number_which_then_works(tmp_path: Path) -> None:
    for asked in (5, 300):
        with pytest.raises(
            InputError,
            match=rf"data\.tokenizer\.pieces is {asked}, but the characters of the text need 367 at the least",
        ):
            train(["狸と狐"] * 9, config(asked), tmp_path / "tokenizer")
    train(["狸と狐"] * 9, config(367), tmp_path / "tokenizer")


@pytest.mark.parametrize("texts", [[], ["", "\n\n"], ["</s>\n<EOD>"]])
def test_no_text_is_an_input_error(texts: list[str], tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no text to train a tokenizer on"):
        train(texts, config(400), tmp_path / "tokenizer")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", [InputError, KeyboardInterrupt])
def test_what_goes_wrong_while_reading_texts_comes_through_and_leaves_nothing(
    kind: type[BaseException], tmp_path: Path
) -> None:
    def texts() -> Iterator[str]:
        yield "狸\n狐"
        raise kind("line 3 of a.jsonl is not JSON")

    with pytest.raises(kind, match=r"line 3 of a\.jsonl"):
        train(texts(), config(400), tmp_path / "tokenizer")
    assert list(tmp_path.iterdir()) == []


def test_training_that_is_killed_says_so_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    killer = tmp_path / "bin" / "python"
    killer.parent.mkdir()
    killer.write_text("#!/bin/sh\nkill -9 $$\n")
    killer.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(killer))
    with pytest.raises(InputError, match=r"killed by signal 9, .* a smaller tokenizer\.sample_bytes needs less"):
        train(["狸と狐" * 400] * 1000, config(400), tmp_path / "tokenizer")
    assert not (tmp_path / "tokenizer").exists()


def test_a_folder_that_holds_something_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "tokenizer").mkdir()
    (tmp_path / "tokenizer" / "notes").write_text("mine")
    with pytest.raises(InputError, match="exists already"):
        train(["狸"], config(400), tmp_path / "tokenizer")
    assert [file.name for file in (tmp_path / "tokenizer").iterdir()] == ["notes"]


def test_a_failed_write_leaves_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full_disk(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tanuki_jax.data.tokenizer.training.export", full_disk)
    with pytest.raises(OSError, match="No space"):
        train(["狸と狐"] * 9, config(367), tmp_path / "tokenizer")
    assert list(tmp_path.iterdir()) == []
