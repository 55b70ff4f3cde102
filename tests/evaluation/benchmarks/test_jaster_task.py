"""The recipe of the Jaster family: what is sent, and what is compared."""

import dataclasses
from pathlib import Path

import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.evaluation.benchmark import Reply, Scores
from tanuki_jax.evaluation.benchmarks.jaster_task import INTRODUCTION, JasterTask, first_paragraph, picture_of
from tanuki_jax.evaluation.benchmarks.jcommonsenseqa import JCommonsenseQa
from tanuki_jax.evaluation.benchmarks.mgsm_ja import MgsmJa
from tests.evaluation.benchmarks.jaster_data import write_jcommonsenseqa


def graded(task: JasterTask, data: Path, *replies: Reply) -> Scores:
    chain = task.chain(task.load(data).items[0])
    next(chain)
    try:
        chain.send(replies)
    except StopIteration as end:
        scores: Scores = end.value
    return scores


def test_examples_are_turns_and_the_instruction_is_in_the_first(tmp_path: Path) -> None:
    write_jcommonsenseqa(tmp_path)
    task = JCommonsenseQa(shots=2)
    item = task.load(tmp_path).items[1]
    [ask] = next(task.chain(item))
    messages = ask.body["messages"]
    assert [each["role"] for each in messages] == ["user", "assistant", "user", "assistant", "user"]
    assert messages[0]["content"].startswith(
        f"{INTRODUCTION}\n{task.instruction}\n\n質問：trainの0番はどれ？\n選択肢：0."
    )
    assert (messages[1]["content"], messages[3]["content"]) == ("0", "1")
    assert (
        messages[4]["content"]
        == item.question
        == "質問：validの1番はどれ？\n選択肢：0.あの札,1.いの札,2.うの札,3.えの札,4.おの札"
    )


def test_only_the_first_items_are_asked(tmp_path: Path) -> None:
    write_jcommonsenseqa(tmp_path, 120)
    assert [len(JCommonsenseQa(first=first).load(tmp_path).items) for first in (100, 0)] == [100, 120]
    assert len(JCommonsenseQa().load(tmp_path).items) == 100


def test_too_few_examples_are_an_error(tmp_path: Path) -> None:
    write_jcommonsenseqa(tmp_path)
    with pytest.raises(InputError, match="jcommonsenseqa_4shot needs 4 examples, and there are 3"):
        JCommonsenseQa(shots=4).load(tmp_path)


def test_a_text_ends_where_the_answer_begins(tmp_path: Path) -> None:
    write_jcommonsenseqa(tmp_path)
    task = JCommonsenseQa(shots=1, form="text")
    [ask] = next(task.chain(task.load(tmp_path).items[0]))
    assert ask.path == "completions" and ask.body["stop"] == ["\n\n"]
    assert ask.body["prompt"].endswith(
        "### 応答:\n0\n\n### 入力:\n" + task.load(tmp_path).items[0].question + "\n\n### 応答:\n"
    )


def logprobs(prompt: str, ending: str, nats: float) -> Reply:
    """Return the reply of a server whose tokens are the prompt and the ending."""
    return Reply(
        logprobs={
            "tokens": [prompt, ending, "x"],
            "text_offset": [0, len(prompt), len(prompt + ending)],
            "token_logprobs": [None, nats, -9.0],
            "top_logprobs": [None, {"?": -0.5}, {"x": -9.0}],
        }
    )


def test_the_likeliest_label_is_the_answer(tmp_path: Path) -> None:
    write_jcommonsenseqa(tmp_path)
    task = JCommonsenseQa(form="loglikelihood")
    prompt = task.prompt((), task.load(tmp_path).items[0].row[1])
    replies = [logprobs(prompt, str(label), -1.0 - (label != 0)) for label in range(5)]
    assert graded(task, tmp_path, *replies).values == {"correct": 1.0}
    assert graded(task, tmp_path, *replies[::-1]).values == {"correct": 0.0}


def test_a_server_without_log_probabilities_has_no_score(tmp_path: Path) -> None:
    write_jcommonsenseqa(tmp_path)
    silent = graded(JCommonsenseQa(form="loglikelihood"), tmp_path, *[Reply("0")] * 5)
    assert not silent.values and silent.unreadable == ("correct",) and "echo" in silent.note
    assert graded(JCommonsenseQa(form="loglikelihood"), tmp_path, *[Reply(failure="x")] * 5).values == {"correct": 0.0}


def test_an_answer_without_labels_is_right_if_the_model_would_write_it(tmp_path: Path) -> None:
    (tmp_path / "mgsm.tsv").write_text("1+1は？\t2\n", encoding="utf-8")
    task = MgsmJa(form="loglikelihood", path="mgsm.tsv")
    prompt = task.prompt((), task.load(tmp_path).items[0].row[1])
    likely, other = logprobs(prompt, "2", -0.25), logprobs(prompt, "2", -1.0)
    silent = dataclasses.replace(likely, logprobs={**likely.logprobs, "top_logprobs": [None] * 3})
    found = [graded(task, tmp_path, reply) for reply in (likely, other, silent)]
    assert [scores.values.get("correct") for scores in found] == [1, 0, None]
    assert found[2].unreadable == ("correct",) and "top_logprobs" in found[2].note


@pytest.mark.parametrize(
    ("answer", "compared"),
    [(" 3\n", "3"), ("'３'", "3"), ('"neutral"\n\nなぜなら', "neutral"), ("3です", "3です"), ("", "")],
)
def test_the_first_paragraph_is_compared(answer: str, compared: str) -> None:
    assert first_paragraph(answer) == compared


@pytest.mark.parametrize(
    ("id", "picture"),
    [("127202-129817-129818", "127202"), ("91337_217583-96105-91680", "91337_217583"), ("69501-75698-g103", "69501")],
)
def test_the_picture_is_the_first_part_of_the_captions_id(id: str, picture: str) -> None:
    assert picture_of({"yjcaptions_id": id}) == picture and picture_of({}) == ""
