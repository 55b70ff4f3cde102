import contextlib
import json
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.cleaning.across_documents import AcrossDocuments
from tanuki_jax.corpus.cleaning.contamination.evaluation_settings import Evaluation
from tanuki_jax.corpus.cleaning.duplicates.duplicate_settings import Duplicates
from tanuki_jax.corpus.cleaning.engines.engine import Local
from tanuki_jax.corpus.cleaning.engines.stage import Stage
from tanuki_jax.corpus.cleaning.pipeline import Input, Pipeline, rules_key
from tanuki_jax.corpus.cleaning.repeats.repeat_settings import Repeats
from tanuki_jax.corpus.cleaning.rules.adult import Adult
from tanuki_jax.corpus.cleaning.rules.length import Length
from tanuki_jax.corpus.cleaning.rules.noise import Noise
from tanuki_jax.corpus.cleaning.rules.quality import Quality
from tanuki_jax.corpus.cleaning.rules.statistics import Statistics
from tanuki_jax.corpus.cleaning.run_cleaning import Cleaned, clean
from tanuki_jax.corpus.cleaning.text_statistics import Limit
from tests.corpus.cleaning.corpora import pipeline, rows_of, texts, write_lines

WORDS = ["山", "川", "朝", "夜", "電車", "料理", "本", "犬", "空", "海", "町", "友人", "仕事", "旅", "雨", "窓"]
QUESTION = "サイコロを二つ投げるとき、出た目の和が六以上になる確率を求めなさい。"
ADVERTISEMENT = "ただいま送料無料のお得なセールを開催中です、詳しくは店頭で。"


def prose(seed: int, sentences: int = 12) -> str:
    """Return a text that is unlike those of other seeds."""
    draw = random.Random(seed)
    return "".join(
        f"{draw.choice(WORDS)}と{draw.choice(WORDS)}の{draw.randrange(10**6)}番の話は、{draw.choice(WORDS)}で終わった。"
        for _ in range(sentences)
    )


def corpus_of(folder: Path) -> Pipeline:
    """Return a pipeline over a corpus with copies, an advertisement on many pages and a leaked question."""
    rows = [{"id": f"d{n}", "text": prose(n)} for n in range(30)]
    rows += [{"id": f"copy{n}", "text": prose(n) + "追記。"} for n in range(5)]
    for row in rows[10:24]:
        row["text"] += f"\n{ADVERTISEMENT}"
    rows[29]["text"] += f"\n{QUESTION}"
    rows.append({"id": "leak", "text": f"問題。{QUESTION}"})
    files = [write_lines(folder / f"{n}.jsonl", rows[n::3]) for n in range(3)]
    items = write_lines(folder / "items.jsonl", [{"question": QUESTION}])
    return pipeline(
        *files,
        rules=(Length(shortest=10),),
        part_bytes=3_000,
        partitions=2,
        duplicates=Duplicates(),
        repeats=Repeats(documents=10),
        evaluation=Evaluation(paths=(str(items),)),
    )


def texts_of(folder: Path) -> dict[str, str]:
    """Return id -> text of the documents that a run has written."""
    return {row["id"]: row["text"] for row in rows_of(folder / "documents")}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Cleaned:
    """Return a finished run over `corpus_of`."""
    folder = tmp_path_factory.mktemp("run")
    return clean(corpus_of(folder), folder / "out", Local(2))


def test_copies_advertisements_and_questions_are_gone(run: Cleaned) -> None:
    found = texts_of(run.folder)
    assert len([name for name in found if name.startswith("copy") or name in [f"d{n}" for n in range(5)]]) == 5
    assert all(ADVERTISEMENT not in text for text in found.values())
    assert all(QUESTION not in text for text in found.values())
    assert "leak" not in found
    assert found["d29"] == prose(29)
    assert len(found) == 30


def test_documents_say_what_happened_to_them(run: Cleaned) -> None:
    rows = {row["id"]: json.loads(row["metadata"]) for row in rows_of(run.folder / "documents")}
    assert rows["d12"]["changes"] == {"repeated_lines": len(ADVERTISEMENT) + 1}
    assert sorted({row["cluster_size"] for row in rows.values()}) == [1, 2]
    assert rows["d12"]["source"] == "files"
    assert rows["d12"]["file"].endswith(".jsonl")


def test_counts_of_all_steps_add_up(run: Cleaned) -> None:
    assert (run.cleaned.rows, run.cleaned.kept, run.written.rows, run.written.kept) == (36, 36, 36, 30)
    assert run.written.rows == run.written.kept + run.written.dropped
    assert run.written.steps["duplicates"].dropped.total() == 5
    assert run.written.steps["repeated_lines"].changed == 14
    assert {(each["id"], each["dropped"]) for each in run.contaminated} == {("d29", False), ("leak", True)}


def test_a_short_document_stays_if_nothing_was_cut_from_it(tmp_path: Path) -> None:
    rows = [{"id": f"d{n}", "text": f"{prose(n)}\n{ADVERTISEMENT}"} for n in range(10)]
    rows += [{"id": "short", "text": "短い文書です。"}, {"id": "cut", "text": f"短い。\n{ADVERTISEMENT}"}]
    one = pipeline(write_lines(tmp_path / "a.jsonl", rows), rules=(), repeats=Repeats(documents=10), partitions=1)
    done = clean(one, tmp_path / "out", Local(1))
    assert set(texts_of(done.folder)) == {*(f"d{n}" for n in range(10)), "short"}
    left = done.written.steps["what_is_left"]
    assert (left.documents, left.dropped) == (12, {"too little is left": 1})


def test_a_second_run_does_nothing(run: Cleaned) -> None:
    files = {path: path.stat().st_mtime_ns for path in (run.folder / "documents").iterdir()}
    again = clean(run.pipeline, run.folder, Local(2))
    assert {path: path.stat().st_mtime_ns for path in (run.folder / "documents").iterdir()} == files
    assert again.written == run.written


def test_parts_and_partitions_change_no_document(run: Cleaned, tmp_path: Path) -> None:
    other = clean(replace(run.pipeline, part_bytes=1 << 20, partitions=3), tmp_path / "out", Local(1))
    assert texts_of(other.folder) == texts_of(run.folder)


@pytest.mark.parametrize(("parts", "tasks"), [(1, 3), (12, 3), (40, 10)])
def test_tasks_that_compare_grow_in_number_with_the_parts(tmp_path: Path, parts: int, tasks: int) -> None:
    settings = pipeline(tmp_path / "a.jsonl", duplicates=Duplicates(), partitions=3)
    files = [tmp_path / f"{n}.parquet" for n in range(parts)]
    stages = AcrossDocuments(settings, files, ["files"] * parts, tmp_path).stages()
    assert [next(stages).tasks for _ in range(3)] == [parts, tasks, tasks]


def test_a_file_that_is_added_cleans_and_signs_no_other_again(tmp_path: Path) -> None:
    before = corpus_of(tmp_path)
    clean(before, tmp_path / "out", Local(2))
    folders = [tmp_path / "out" / name for name in ("clean", "signatures")]
    files = {path: path.stat().st_mtime_ns for folder in folders for path in folder.rglob("*.*")}
    assert len(files) == 3 * len(list(folders[0].glob("*.json")))
    added = write_lines(tmp_path / "9.jsonl", [{"id": "new", "text": prose(3)}, {"id": "other", "text": prose(99)}])
    paths = (*before.inputs[0].paths, str(added))
    clean(replace(before, inputs=(replace(before.inputs[0], paths=paths),)), tmp_path / "out", Local(2))
    assert {path: path.stat().st_mtime_ns for path in files} == files
    found = texts_of(tmp_path / "out")
    assert len([text for text in found.values() if text.startswith(prose(3))]) == 1
    assert "other" in found


def test_changed_rules_make_all_parts_anew_and_say_so(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = write_lines(tmp_path / "a.jsonl", texts(20))
    clean(pipeline(file), tmp_path / "out", Local(1))
    with caplog.at_level("INFO", "tanuki_jax.corpus"):
        clean(pipeline(file, rules=(Length(shortest=99),)), tmp_path / "out", Local(1))
    assert caplog.messages == ["rules changed: length.shortest from 20 to 99 (since the last run); 1 part is made anew"]
    assert texts_of(tmp_path / "out") == {}
    assert len(list((tmp_path / "out" / "clean").glob("*.parquet"))) == 1


@pytest.mark.thorough
def test_the_copy_of_the_preferred_source_is_kept_in_any_order(tmp_path: Path) -> None:
    books = write_lines(tmp_path / "books.jsonl", [{"id": f"book{n}", "text": prose(n)} for n in range(6)])
    web = write_lines(tmp_path / "web.jsonl", [{"id": f"web{n}", "text": prose(n) + "追記。"} for n in range(3, 9)])
    inputs = [
        Input(name="web", paths=(str(web),)),
        Input(name="books", paths=(str(books),), priority=1),
    ]
    expected = {*(f"book{n}" for n in range(6)), *(f"web{n}" for n in range(6, 9))}
    one = replace(pipeline(web, duplicates=Duplicates(), partitions=2), inputs=tuple(inputs))
    assert set(texts_of(clean(one, tmp_path / "one", Local(1)).folder)) == expected
    other = replace(one, inputs=tuple(reversed(inputs)), partitions=1)
    assert set(texts_of(clean(other, tmp_path / "other", Local(1)).folder)) == expected
    # Without a priority the longer copies stay, and neither part is cleaned or signed again.
    signatures = {path: path.stat().st_mtime_ns for path in (tmp_path / "one/signatures").rglob("*.signatures")}
    equal = replace(one, inputs=tuple(replace(each, priority=0) for each in inputs))
    found = texts_of(clean(equal, tmp_path / "one", Local(1)).folder)
    assert set(found) == {*(f"book{n}" for n in range(3)), *(f"web{n}" for n in range(3, 9))}
    assert {path: path.stat().st_mtime_ns for path in signatures} == signatures


def test_an_advertisement_that_noise_cuts_is_removed_from_all_pages(tmp_path: Path) -> None:
    advertisement = (
        "この記事を読むとポイントが貯まります！続きを読むには無料の会員登録をお済ませください。"
        "関連記事やおすすめ記事を毎朝メールでお届けします。登録はこちらのページから一分で終わります。"
    )
    rows = [{"id": f"d{n}", "text": f"{prose(n)}\n{advertisement if n < 20 else ''}"} for n in range(22)]
    file = write_lines(tmp_path / "a.jsonl", rows)
    clean(pipeline(file, rules=(Noise(),), repeats=Repeats(documents=10), partitions=1), tmp_path / "out", Local(1))
    assert {id: text.strip() for id, text in texts_of(tmp_path / "out").items()} == {
        f"d{n}": prose(n) for n in range(22)
    }


def test_documents_can_be_json_lines(tmp_path: Path) -> None:
    file = write_lines(tmp_path / "a.jsonl", texts(20))
    clean(pipeline(file, format="jsonl.zst"), tmp_path / "out", Local(1))
    [written] = (tmp_path / "out" / "documents").iterdir()
    assert written.name.endswith(".jsonl.zst")


def test_empty_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").touch()
    with pytest.raises(InputError, match="all empty"):
        clean(pipeline(tmp_path / "a.jsonl"), tmp_path / "out", Local(1))


def test_settings_that_cannot_work_are_found_before_anything_is_read(tmp_path: Path) -> None:
    file = write_lines(tmp_path / "a.jsonl", texts(20))
    missing = str(tmp_path / "none")
    for fields, message in (
        ({"rules": (Quality(model=missing),)}, "quality model"),
        ({"rules": (Adult(words=(missing,)),)}, "vocabulary"),
        ({"rules": (Statistics(limits=(Limit(statistic="typo"),)),)}, "the rule statistics fails"),
        ({"evaluation": Evaluation(paths=(missing,))}, "no file matches"),
    ):
        with pytest.raises(InputError, match=message):
            clean(pipeline(file, **fields), tmp_path / "out", Local(1))
    assert not (tmp_path / "out").exists()


def test_a_file_that_a_rule_names_is_part_of_its_key(tmp_path: Path) -> None:
    words = tmp_path / "words.txt"
    words.write_text("山")
    before = rules_key(pipeline(tmp_path / "a", rules=(Adult(words=(str(words),)),)))
    words.write_text("川")
    assert rules_key(pipeline(tmp_path / "a", rules=(Adult(words=(str(words),)),))) != before


class Stopping:
    """An engine that is killed in the last stage, after some of its tasks."""

    def run(self, stage: Stage, tasks: Sequence[int], each_look: Callable[[], None]) -> None:
        """Do the tasks; in the last stage only the first, and then end."""
        chosen = tasks[:1] if stage.title == "write" else tasks
        Local(2).run(stage, chosen, each_look)
        if stage.title == "write":
            raise KeyboardInterrupt


@pytest.mark.parametrize(
    "fields",
    [
        {"shortest_left": 250},
        pytest.param({"duplicates": None}, marks=pytest.mark.thorough),
        pytest.param({"partitions": 5}, marks=pytest.mark.thorough),
    ],
)
def test_going_back_to_settings_after_a_kill_gives_their_documents(
    run: Cleaned, tmp_path: Path, fields: dict[str, Any]
) -> None:
    out = tmp_path / "out"
    clean(run.pipeline, out, Local(2))
    with contextlib.suppress(KeyboardInterrupt):
        clean(replace(run.pipeline, **fields), out, Stopping())
    clean(run.pipeline, out, Local(2))
    assert texts_of(out) == texts_of(run.folder)


def test_another_format_replaces_the_documents(tmp_path: Path) -> None:
    file = write_lines(tmp_path / "a.jsonl", texts(20))
    for format in ("parquet", "jsonl.zst", "parquet"):
        clean(pipeline(file, format=format), tmp_path / "out", Local(1))
        [written] = (tmp_path / "out" / "documents").iterdir()
        assert written.name.endswith(format)


def test_other_bands_sign_anew(tmp_path: Path) -> None:
    file = write_lines(tmp_path / "a.jsonl", texts(20))
    for bands in (96, 50):
        clean(pipeline(file, duplicates=Duplicates(bands=bands), partitions=1), tmp_path / "out", Local(1))
        assert len(list((tmp_path / "out" / "signatures").iterdir())) == 1


def test_files_of_others_are_left_alone(tmp_path: Path) -> None:
    file = write_lines(tmp_path / "in" / "a.jsonl", texts(20))
    (tmp_path / "mine" / "documents").mkdir(parents=True)
    (tmp_path / "mine" / "documents" / "thesis.docx").touch()
    with pytest.raises(InputError, match="is no folder of a cleaning run"):
        clean(pipeline(file), tmp_path / "mine", Local(1))
    clean(pipeline(file), tmp_path / "out", Local(1))
    own = next((tmp_path / "out" / "documents").iterdir())
    with pytest.raises(InputError, match="the folder of the run"):
        clean(pipeline(own), tmp_path / "out", Local(1))
    assert own.exists()


CONFIG = """
from pathlib import Path
from tests.corpus.cleaning.test_run_cleaning import corpus_of

def mine():
    return corpus_of(Path({folder!r}))
"""


@pytest.mark.thorough
@pytest.mark.parametrize("kills", [2, pytest.param(20, marks=pytest.mark.long)])
def test_a_run_that_is_killed_ends_with_the_same_documents(run: Cleaned, tmp_path: Path, kills: int) -> None:
    config = tmp_path / "config.py"
    config.write_text(CONFIG.format(folder=str(run.folder.parent)))
    words: list[Any] = [sys.executable, "-m", "tanuki_jax.clean", f"--config={config}:mine", "--out", tmp_path / "out"]
    times = {path: path.stat() for path in run.folder.parent.glob("*.jsonl")}
    draw = random.Random(kills)
    for _ in range(kills):
        process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(draw.uniform(1.5, 4.0))
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert times
    subprocess.run(words, check=True, capture_output=True)
    assert texts_of(tmp_path / "out") == texts_of(run.folder)
