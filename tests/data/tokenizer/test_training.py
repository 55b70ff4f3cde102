import errno
import hashlib
import os
import random
import re
import signal
import subprocess
import sys
import threading
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
    """Return the pieces after the 13 special ones and the 256 bytes."""
    return processor(folder).id_to_piece(list(range(269, processor(folder).get_piece_size())))


def test_the_special_pieces_are_those_of_tanuki_in_its_order(folder: Path) -> None:
    pieces = processor(folder)
    assert pieces.id_to_piece(list(range(13))) == [
        *("<unk>", "<s>", "</s>", "<pad>", "<CLS>", "<SEP>", "<EOD>", "<MASK>", "\n"),
        *("<llm-code>", "</llm-code>", "<llm-code-output>", "</llm-code-output>"),
    ]
    assert [pieces.is_control(i) for i in range(13)] == [False] + [True] * 7 + [False] * 5
    assert pieces.is_unknown(0)
    assert all(pieces.is_byte(13 + byte) for byte in range(256))


def test_digits_are_single_pieces_and_spaces_may_be_pieces(folder: Path) -> None:
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


def test_too_little_text_names_the_largest_number_that_works(tmp_path: Path) -> None:
    draw = random.Random(0)
    texts = ["".join(draw.choices("狸狐鹿熊犬猫", k=50)) for _ in range(100)]
    with pytest.raises(
        InputError, match=r"data\.tokenizer\.pieces is 65000, but there is text for at most \d+"
    ) as most:
        train(texts, config(65_000), tmp_path / "tokenizer")
    pieces = int(re.findall(r"\d+", str(most.value))[-1])
    train(texts, config(pieces), tmp_path / "tokenizer")
    assert load(tmp_path / "tokenizer").vocabulary == pieces
    with pytest.raises(InputError, match=rf"but there is text for at most {pieces}"):
        train(texts, config(pieces + 1), tmp_path / "more")


def test_too_few_pieces_name_the_smallest_number_that_works(tmp_path: Path) -> None:
    for pieces in (5, 300):
        with pytest.raises(
            InputError,
            match=rf"data\.tokenizer\.pieces is {pieces}, but the text's characters need at least 367",
        ):
            train(["狸と狐"] * 9, config(pieces), tmp_path / "tokenizer")
    train(["狸と狐"] * 9, config(367), tmp_path / "tokenizer")


@pytest.mark.parametrize("texts", [[], ["", "\n\n"], ["</s>\n<EOD>"]])
def test_no_text_is_an_input_error(texts: list[str], tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no text to train a tokenizer on"):
        train(texts, config(400), tmp_path / "tokenizer")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", [InputError, KeyboardInterrupt])
def test_an_error_of_the_texts_is_raised_and_leaves_nothing(kind: type[BaseException], tmp_path: Path) -> None:
    def texts() -> Iterator[str]:
        yield "狸\n狐"
        raise kind("line 3 of a.jsonl is not JSON")

    with pytest.raises(kind, match=r"line 3 of a\.jsonl"):
        train(texts(), config(400), tmp_path / "tokenizer")
    assert list(tmp_path.iterdir()) == []


def children() -> set[int]:
    """Return the processes that this thread has started."""
    return set(map(int, Path(f"/proc/self/task/{threading.get_native_id()}/children").read_text().split()))


def test_a_killed_trainer_is_an_input_error_and_leaves_nothing(tmp_path: Path) -> None:
    others = children()

    def texts() -> Iterator[str]:
        yield "狸と狐"
        (trainer,) = children() - others
        os.kill(trainer, signal.SIGKILL)
        yield from ["狸と狐" * 400] * 1000

    with pytest.raises(InputError, match=r"killed by signal 9, .*: set a smaller data\.tokenizer\.sample_bytes"):
        train(texts(), config(400), tmp_path / "tokenizer")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_with_files_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "tokenizer").mkdir()
    (tmp_path / "tokenizer" / "notes").write_text("text")
    with pytest.raises(InputError, match="exists already"):
        train(["狸"], config(400), tmp_path / "tokenizer")
    assert [file.name for file in (tmp_path / "tokenizer").iterdir()] == ["notes"]


SMALL_FILES = """
import resource, signal, sys
from pathlib import Path
from tanuki_jax.config.experiment import Tokenizer
from tanuki_jax.data.tokenizer.training import train
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
try:
    train(["狸と狐"] * 9, Tokenizer(path="", pieces=367), Path(sys.argv[1]))
except OSError as error:
    sys.exit(error.errno)
"""


def test_a_failed_write_leaves_no_folder(tmp_path: Path) -> None:
    train(["狸と狐"] * 9, config(367), tmp_path / "complete")
    sizes = {path.name: path.stat().st_size for path in (tmp_path / "complete").iterdir()}
    assert sizes["tokenizer.model"] < 10_000 < sizes["tokenizer.json"], "the second file should be the one that fails"
    (tmp_path / "empty").mkdir()
    words = [sys.executable, "-c", SMALL_FILES, str(tmp_path / "empty" / "tokenizer")]
    assert subprocess.run(words, check=False).returncode == errno.EFBIG
    assert list((tmp_path / "empty").iterdir()) == []
