from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from tanuki_jax.base.errors import CommandError, InputError
from tanuki_jax.client.rehearsal.behaviour import Behaviour
from tanuki_jax.corpus.cleaning.draft import Draft
from tanuki_jax.corpus.cleaning.duplicates.duplicate_settings import Duplicates
from tanuki_jax.corpus.cleaning.engines.engine import Local
from tanuki_jax.corpus.cleaning.pipeline import rules_key
from tanuki_jax.corpus.cleaning.rules.judge import Judge
from tanuki_jax.corpus.cleaning.rules.length import Length
from tanuki_jax.corpus.cleaning.run_cleaning import clean
from tests.client.canned import unused_port
from tests.corpus.cleaning.corpora import pipeline, rows_of, texts, write_lines
from tests.corpus.cleaning.endpoints import in_a_thread, mock_teacher, replying


def reply(prompt: str) -> Any:
    """Say yes to documents of an even number, no to others, refuse number 9, and mumble about number 17."""
    number = int(prompt.split("番目")[0].split()[-1]) if "番目" in prompt else 0
    if number == 9:
        return web.json_response({"error": {"message": "the prompt is too long"}}, status=400)
    return "?", {"Hm": 1.0} if number == 17 else {"Yes": 0.1 if number % 2 else 0.8, "No": 0.2}


def test_the_score_is_kept_and_what_the_judge_refuses_is_dropped() -> None:
    drafts = [Draft(str(n), f"{n}番目の文書です。") for n in range(4)]
    with in_a_thread(replying(reply)) as url:
        rule = Judge(url=url, model="m")
        assert rule.apply_batch(drafts) == ["", "the judge says no", "", "the judge says no"]
        assert [round(draft.scores["judge"], 3) for draft in drafts] == [0.8, 0.333, 0.8, 0.333]
        assert rule.apply(drafts[0]) == ""
        assert replace(rule, threshold=0).apply(drafts[1]) == ""
        with pytest.raises(ValueError, match="too long"):
            rule.apply(Draft("a", "9番目"))
        with pytest.raises(InputError, match="judges none of 8 documents"):
            rule.apply_batch([Draft("a", "17番目") for _ in range(8)])


def test_the_question_may_be_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "question.txt"
    file.write_text("Is it about cats?\n")
    seen: list[str] = []

    def note(prompt: str) -> Any:
        seen.append(prompt)
        return "Yes", {"Yes": 1.0}

    with in_a_thread(replying(note)) as url:
        Judge(url=url, model="m", question=str(file), characters=2).apply(Draft("a", "猫の話"))
    assert "Is it about cats? Answer with one word" in seen[0]
    assert "猫の" in seen[0] and "猫の話" not in seen[0]


def test_the_address_is_not_part_of_the_key(tmp_path: Path) -> None:
    rule = Judge(url="http://a", model="m", question="x" * 500)
    key = rules_key(pipeline(tmp_path, rules=(rule,)))
    assert rules_key(pipeline(tmp_path, rules=(replace(rule, url="http://b", concurrency=2, patience=1),))) == key
    assert rules_key(pipeline(tmp_path, rules=(replace(rule, model="n"),))) != key


def test_a_rule_without_an_endpoint_is_refused() -> None:
    with pytest.raises(InputError, match=r"judge\.url and judge\.model"):
        Judge(model="m").apply(Draft("a", "猫。"))


@pytest.mark.thorough
def test_an_address_without_a_server_is_found_at_the_first_look() -> None:
    with pytest.raises(InputError, match="start the server, or correct the address"):
        Judge(url=f"http://127.0.0.1:{unused_port()}", model="m").apply(Draft("a", "猫。"))


@pytest.mark.thorough
def test_a_run_loses_no_document_to_an_endpoint_that_fails(tmp_path: Path) -> None:
    file = write_lines(tmp_path / "a.jsonl", texts(60))
    judge = Judge(model="m", concurrency=4, patience=30)  # batches of 16
    with in_a_thread(replying(reply)) as url:
        rules = (Length(shortest=20), replace(judge, url=url), Length(shortest=10))
        done = clean(pipeline(file, rules=rules, part_bytes=2_000), tmp_path / "out", Local(2))
    # Every fifth is too short, 9 is refused, 17 gets neither yes nor no, and of the others the odd ones are dropped.
    kept = [n for n in range(60) if n % 5 and n % 2 == 0]
    rows = rows_of(tmp_path / "out/documents")
    assert sorted(row["id"] for row in rows) == sorted(f"d{n}" for n in kept)
    assert all('"judge": 0.8' in row["metadata"] for row in rows)
    assert done.cleaned.set_aside == {"a record on which a rule failed": 2}
    assert any("the prompt is too long" in place for place in done.cleaned.places)
    assert done.cleaned.steps["judge"].dropped == {"the judge says no": 60 - 12 - len(kept) - 2}
    assert done.cleaned.rows == done.cleaned.kept + done.cleaned.dropped + 2
    # The endpoint is gone. What comes after the rules needs it no more; a file that is added does.
    copies = pipeline(file, rules=rules, part_bytes=2_000, duplicates=Duplicates(), partitions=1)
    assert clean(copies, tmp_path / "out", Local(1)).written.rows == len(kept)
    rows = rows_of(tmp_path / "out/documents")
    more = write_lines(tmp_path / "b.jsonl", texts(20, start=60))
    impatient = (Length(shortest=20), replace(judge, url=url, patience=0.5), Length(shortest=10))
    both = pipeline(file, more, rules=impatient, part_bytes=2_000)
    with pytest.raises(CommandError):
        clean(both, tmp_path / "out", Local(1))
    assert rows_of(tmp_path / "out/documents") == rows
    with in_a_thread(replying(reply)) as url:
        elsewhere = replace(both, rules=(Length(shortest=20), replace(judge, url=url), Length(shortest=10)))
        again = clean(elsewhere, tmp_path / "out", Local(1))
    assert again.cleaned.rows == 80
    assert again.written.kept == len(kept) + 8


@pytest.mark.thorough
def test_the_mock_teacher_judges_a_corpus(tmp_path: Path) -> None:
    file = write_lines(tmp_path / "a.jsonl", texts(100))
    with in_a_thread(mock_teacher(Behaviour(unavailable=0.02))) as url:
        rules = (Judge(url=url, model="rehearsal", threshold=0, answers=2),)
        done = clean(pipeline(file, rules=rules), tmp_path / "out", Local(1))
    assert done.cleaned.kept == 100
    assert all('"judge": ' in row["metadata"] for row in rows_of(tmp_path / "out/documents"))
