import json
from pathlib import Path

import numpy as np

from tanuki_jax.corpus.cleaning.contamination.decontaminate import (
    count_common,
    count_without_items,
    decontaminate,
    find_evidence,
    read_evidence,
)
from tanuki_jax.corpus.cleaning.contamination.evaluation_items import EvaluationIndex, Item, load
from tanuki_jax.corpus.cleaning.contamination.evaluation_settings import Evaluation
from tanuki_jax.corpus.cleaning.part_file import write_part
from tanuki_jax.corpus.records.types import Document

QUESTION = "サイコロを二つ投げるとき、出た目の和が六以上になる確率を求めなさい。"
PHRASE = "次の文章を読んで、あとの問いに答えなさい。"
SETTINGS = Evaluation(paths=("-",), gram=12, shortest=8, common=3)
PROSE = "山の朝は静かで、鳥の声だけが聞こえた。" * 5


def test_a_leaked_item_stays_evidence_however_often_it_was_copied() -> None:
    index = EvaluationIndex([Item("q", QUESTION)], SETTINGS)
    assert not count_without_items([f"{number}。{QUESTION}" for number in range(50)], index).any()


def test_a_phrase_of_the_corpus_is_no_evidence() -> None:
    index = EvaluationIndex([Item("q", PHRASE + QUESTION)], SETTINGS)
    counts = count_without_items([f"{PHRASE}{number}の話。" for number in range(5)], index)
    assert (counts >= 5).sum() == len(PHRASE) - 12 + 1
    assert counts.max() == 5


def test_sentences_of_an_item_are_cut_from_a_long_document() -> None:
    index = EvaluationIndex([Item("q", QUESTION)], SETTINGS)
    every = np.ones(index.size, np.bool_)
    found = decontaminate(f"{PROSE}\n{QUESTION}\n{PROSE}", index, every, SETTINGS)
    assert found.items == (f"q: {QUESTION}",)
    assert found.text == f"{PROSE}\n\n{PROSE}"
    assert decontaminate(PROSE, index, every, SETTINGS).text == PROSE


def test_choices_that_follow_a_question_are_cut_with_it(tmp_path: Path) -> None:
    items = tmp_path / "items.jsonl"
    items.write_text(json.dumps({"question": QUESTION, "choices": ["一割", "三割"], "answer": "七割"}))
    settings = Evaluation(paths=(str(items),), fields=("question",), gram=12)
    index = load(settings)
    text = f"{PROSE}\n{QUESTION}\nA. 一割　B. 三割\nC. 七割\n\n三割の人が来た。{PROSE}"
    found = decontaminate(text, index, np.ones(index.size, np.bool_), settings)
    assert found.text == f"{PROSE}\n\n三割の人が来た。{PROSE}"


def test_a_document_that_is_mostly_items_is_dropped() -> None:
    index = EvaluationIndex([Item("q", QUESTION)], SETTINGS)
    found = decontaminate(f"問題。{QUESTION}", index, np.ones(index.size, np.bool_), SETTINGS)
    assert found.text == ""
    assert found.items == (f"q: {QUESTION}",)


def test_parts_are_counted_one_by_one(tmp_path: Path) -> None:
    items = tmp_path / "items.jsonl"
    items.write_text(json.dumps({"question": PHRASE + QUESTION}))
    settings = Evaluation(paths=(str(items),), gram=12, common=4)
    counted = []
    for number in range(2):
        part, out = tmp_path / f"{number}.parquet", tmp_path / f"{number}.counts"
        write_part(part, [Document(f"{n}", f"{PHRASE}{n}") for n in range(2)])
        count_common(part, out, settings)
        counted.append(out)
    index, evidence = load(settings), []
    for files in (counted[:1], counted):
        find_evidence(files, tmp_path / "evidence", settings)
        evidence.append(read_evidence(tmp_path / "evidence", index))
    assert evidence[0].all()
    assert (~evidence[1]).sum() == len(PHRASE) - 12 + 1
    assert index.size == len(PHRASE + QUESTION) - 12 + 1
