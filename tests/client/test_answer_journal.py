"""The journal of answers: what a kill, a full disk or another process does to it."""

import subprocess
import sys
import time
from pathlib import Path

import pytest
import zstandard

from tanuki_jax.base.errors import InputError
from tanuki_jax.client.answer_journal import AnswerJournal, Stored, hash_of

ODD = "線\u2028と\x85\r\n、半分の\ud800サロゲート🦝"


def stored(text: str) -> Stored:
    return Stored((text,), ("stop",), 3, 4)


def write(path: Path, *texts: str) -> None:
    """Write each text in a frame of its own."""
    with AnswerJournal(path) as journal:
        for text in texts:
            journal.add(hash_of({"prompt": text}), stored(text))
            journal.flush()


def read(path: Path) -> dict[str, Stored]:
    with AnswerJournal(path) as journal:
        return journal.answers


def test_answers_come_back_as_they_were(tmp_path: Path) -> None:
    full = Stored(("一", ODD), ("stop", None), 1, 2, 0.5, {"content": [{"token": "5", "logprob": -0.1}]})
    with AnswerJournal(tmp_path / "j") as journal:
        journal.add("a", full)
        journal.add("b", stored(ODD))
    assert read(tmp_path / "j") == {"a": full, "b": stored(ODD)}


def test_a_file_that_ends_anywhere_keeps_its_whole_frames(tmp_path: Path) -> None:
    write(tmp_path / "j", "一", "二")
    first = (tmp_path / "j").stat().st_size
    write(tmp_path / "j", "三")
    content = (tmp_path / "j").read_bytes()
    for end in range(first, len(content)):
        torn = tmp_path / f"torn{end}"
        torn.write_bytes(content[:end])
        assert [each.texts for each in read(torn).values()] == [("一",), ("二",)]
        write(torn, "四")
        assert [each.texts for each in read(torn).values()] == [("一",), ("二",), ("四",)]


def test_damage_in_the_middle_loses_one_frame_and_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    texts = [f"{number}番目の答え" for number in range(9)]
    write(tmp_path / "j", *texts)
    content = bytearray((tmp_path / "j").read_bytes())
    content[len(content) // 2] ^= 0xFF
    (tmp_path / "j").write_bytes(content)
    found = {each.texts[0] for each in read(tmp_path / "j").values()}
    assert found < {*texts}
    assert len(found) == 8
    assert "is damaged: " in caplog.text
    write(tmp_path / "j", "新しい答え")
    assert {each.texts[0] for each in read(tmp_path / "j").values()} == found | {"新しい答え"}


def test_lines_of_another_version_are_passed_over(tmp_path: Path) -> None:
    write(tmp_path / "j", "一")
    lines = b'{"hash": "a", "texts": ["x"], "ends": [null], "rest": {"new": 1}}\n[1]\nno JSON\n'
    with (tmp_path / "j").open("ab") as file:
        file.write(zstandard.compress(lines))
    assert [each.texts for each in read(tmp_path / "j").values()] == [("一",)]


def test_a_changed_request_has_another_hash() -> None:
    body = {"model": "m", "messages": [{"role": "user", "content": "問"}], "seed": 1, "temperature": 0.5}
    changed = [{**body, "model": "n"}, {**body, "seed": 2}, {**body, "temperature": 0}, {**body, "n": 2}]
    changed.append({**body, "messages": [{"role": "user", "content": "問。"}]})
    assert len({hash_of(each) for each in [body, *changed]}) == 6
    assert hash_of(dict(reversed(body.items()))) == hash_of(body)


def test_one_process_at_a_time_writes(tmp_path: Path) -> None:
    with AnswerJournal(tmp_path / "j"), pytest.raises(InputError, match="another process writes"):
        AnswerJournal(tmp_path / "j")
    write(tmp_path / "j", "一")


FULL_DISK = """
import random, resource, signal, sys
from pathlib import Path
from tanuki_jax.client.answer_journal import AnswerJournal, Stored
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
draw = random.Random(0)
with AnswerJournal(Path(sys.argv[1])) as journal:
    for number in range(1_000):
        journal.add(str(number), Stored((draw.randbytes(300).hex(),), ("stop",), 1, 1))
        journal.flush()
"""


def test_a_full_disk_leaves_whole_frames(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(tmp_path / "j")], capture_output=True, text=True, check=False
    )
    assert "File too large" in ended.stderr
    found = read(tmp_path / "j")
    assert [int(key) for key in found] == [*range(len(found))]
    assert 20 < len(found) < 100
    write(tmp_path / "j", "一")
    assert len(read(tmp_path / "j")) == len(found) + 1


def test_the_time_of_reading_grows_with_the_number_of_answers(tmp_path: Path) -> None:
    """Ten times as many frames take about ten times as long; a square would be a hundred times."""
    seconds = []
    for count in (4_000, 40_000):
        line = '{"hash": "%s", "texts": ["狸"], "ends": ["stop"], "rest": {}}\n'
        frames = [zstandard.compress((line % number).encode()) for number in range(count)]
        (tmp_path / "j").write_bytes(b"".join(frames))
        began = time.thread_time()
        assert len(read(tmp_path / "j")) == count
        seconds.append(time.thread_time() - began)
    assert seconds[1] < 30 * seconds[0]


@pytest.mark.parametrize("characters", [1_000_000, 10_000_000])
def test_long_answers_come_back(characters: int, tmp_path: Path) -> None:
    text = "".join(map(str, range(characters // 5)))[:characters]
    write(tmp_path / "j", "一", text, "二")
    assert [each.texts[0] for each in read(tmp_path / "j").values()] == ["一", text, "二"]


def test_a_file_of_something_else_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "j").write_bytes(b"")
    assert read(tmp_path / "j") == {} and caplog.text == ""
    (tmp_path / "j").write_bytes(b"no journal")
    assert read(tmp_path / "j") == {} and "j is damaged: 10 bytes of answers are lost" in caplog.text
