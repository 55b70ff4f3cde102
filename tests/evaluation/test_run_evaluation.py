"""Whole runs against a scripted model: scores, failures, what is missing, and answers that are kept."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from tanuki_jax.base.errors import InputError
from tanuki_jax.client.run_guard import Stalled
from tanuki_jax.config.endpoints import Requests
from tanuki_jax.config.remote_model import RemoteModel
from tanuki_jax.evaluation.benchmark import Benchmark
from tanuki_jax.evaluation.benchmarks.exact_formats import ExactFormats
from tanuki_jax.evaluation.benchmarks.jcommonsenseqa import JCommonsenseQa
from tanuki_jax.evaluation.benchmarks.jnli import Jnli
from tanuki_jax.evaluation.evaluation_settings import Evaluation
from tanuki_jax.evaluation.run_evaluation import Evaluated, answerer, evaluate
from tests.evaluation.benchmarks.jaster_data import write_jcommonsenseqa
from tests.evaluation.scripted import answer, asked, refused, scripted

LIMITS = Requests(failure_share=1.0, tries=1)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    write_jcommonsenseqa(tmp_path / "data", 5)
    return tmp_path / "data"


def ran(url: str, data: Path, out: Path, *benchmarks: Benchmark) -> Evaluated:
    chosen = benchmarks or (JCommonsenseQa(),)
    evaluation = Evaluation(name="test", benchmarks=chosen, data=str(data), requests=LIMITS)
    return evaluate(evaluation, answerer(RemoteModel(urls=(url,)), "endpoint"), out)


def number_of(body: dict[str, Any]) -> int:
    """Return the number that the last question asks for, -1 for the look at the endpoint."""
    found = re.findall(r"(\d)番はどれ", asked(body))
    return int(found[-1]) if found else -1


def test_each_score_is_counted(data: Path, tmp_path: Path) -> None:
    answers = ["0", "答えは1番です", "3", "わかりません", "４"]

    with scripted(lambda body: answers[number_of(body)]) as url:
        [result] = ran(url, data, tmp_path / "out").benchmarks
    means = {name: metric["mean"] for name, metric in result["metrics"].items()}
    assert means == {"strict": 0.4, "flexible": 0.6, "control": 0.6}  # 0 and 4; 0, 1 and 4; 0, 3 and 4
    assert result["metrics"]["strict"]["low"] < 0.4 < result["metrics"]["strict"]["high"]


def test_a_failed_request_is_wrong_and_counted(data: Path, tmp_path: Path) -> None:
    with scripted(lambda body: refused() if number_of(body) == 1 else str(max(number_of(body), 0))) as url:
        [result] = ran(url, data, tmp_path / "out").benchmarks
    assert result["failed"] == 1 and result["metrics"]["strict"] | {"low": 0, "high": 0} == {
        **{"mean": 0.8, "low": 0, "high": 0, "items": 5, "unreadable": 0, "better": "higher"}
    }
    assert "too long" in result["items"][1]["answers"][0]["failure"]


def test_a_cut_answer_is_counted(data: Path, tmp_path: Path) -> None:
    with scripted(lambda body: answer(body, "0", "length")) as url:
        assert ran(url, data, tmp_path / "out").benchmarks[0]["cut"] == 5


def test_thinking_is_no_part_of_the_answer(data: Path, tmp_path: Path) -> None:
    with scripted(lambda body: f"<think>1か0か</think>\n{max(number_of(body), 0)}") as url:
        [result] = ran(url, data, tmp_path / "out").benchmarks
    assert result["metrics"]["strict"]["mean"] == 1
    assert result["items"][0]["answers"][0]["thought"].startswith("<think>")


def test_missing_data_are_named_and_the_rest_is_run(data: Path, tmp_path: Path) -> None:
    with scripted(lambda body: "0") as url:
        first, second = ran(url, data, tmp_path / "out", Jnli(), JCommonsenseQa()).benchmarks
    assert "jnli" in first["missing"] and "no such file" in first["missing"]
    assert second["metrics"]["strict"]["items"] == 5


def test_a_model_without_chats_still_continues_texts(data: Path, tmp_path: Path) -> None:
    def script(body: dict[str, Any]) -> Any:
        return refused() if "messages" in body else "0"

    with scripted(script) as url:
        chats, texts = ran(url, data, tmp_path / "out", JCommonsenseQa(), JCommonsenseQa(form="text")).benchmarks
    assert "answered 400" in chats["missing"] and texts["metrics"]["strict"]["mean"] == 0.2


def test_nothing_to_run_is_an_error(data: Path, tmp_path: Path) -> None:
    with scripted(lambda body: "0") as url, pytest.raises(InputError, match="no benchmark can be run: jnli_0shot"):
        ran(url, data, tmp_path / "out", Jnli())


def test_a_run_without_a_whole_benchmark_has_no_results(data: Path, tmp_path: Path) -> None:
    limits = Requests(failure_share=1.0, attempt_seconds=0.5, stalled_seconds=0.6)
    evaluation = Evaluation(name="test", benchmarks=(JCommonsenseQa(),), data=str(data), requests=limits)
    with scripted(lambda body: web.Response(status=429) if number_of(body) > 2 else "0") as url:
        model = answerer(RemoteModel(urls=(url,)), "endpoint")
        with pytest.raises(Stalled, match="no request has finished"):
            evaluate(evaluation, model, tmp_path / "out")
    assert not (tmp_path / "out" / "results.json").exists()
    with scripted(lambda body: "0") as url:
        again = evaluate(evaluation, answerer(RemoteModel(urls=(url,)), "endpoint"), tmp_path / "out")
    assert (again.counts.asked, again.counts.reused) == (2, 3)


def test_a_second_run_asks_for_nothing(data: Path, tmp_path: Path) -> None:
    with scripted(lambda body: "0") as url:
        first, second = (ran(url, data, tmp_path / "out") for _ in range(2))
    assert (first.counts.asked, second.counts.asked, second.counts.reused) == (5, 0, 5)
    assert first.benchmarks == second.benchmarks


def test_failed_requests_are_sent_again(data: Path, tmp_path: Path) -> None:
    broken = True

    def script(body: dict[str, Any]) -> Any:
        return web.Response(status=500) if broken and number_of(body) == 2 else "0"

    with scripted(script) as url:
        assert ran(url, data, tmp_path / "out").benchmarks[0]["failed"] == 1
        broken = False
        again = ran(url, data, tmp_path / "out")
    assert again.benchmarks[0]["failed"] == 0 and again.counts.asked == 1


@pytest.mark.parametrize(("name", "fingerprint"), [("m", "g"), ("n", "f"), ("m", "")])
def test_two_models_in_one_folder_share_no_answer(name: str, fingerprint: str, data: Path, tmp_path: Path) -> None:
    with scripted(lambda body: "0") as url:
        path = ran(url, data, tmp_path / "out").results
    with scripted(lambda body: "1", name=name, fingerprint=fingerprint) as url:
        this = rf"this one is {name} {fingerprint or 'at http'}.*: name another --out"
        with pytest.raises(InputError, match=f"has the results of the model m f, and {this}"):
            ran(url, data, tmp_path / "out")
        path.unlink()
        other = ran(url, data, tmp_path / "out")
    assert other.counts.asked == 5 and other.benchmarks[0]["items"][0]["answers"][0]["text"] == "1"


def test_servers_without_fingerprints_share_no_answer(data: Path, tmp_path: Path) -> None:
    for text in ("0", "1"):
        with scripted(lambda body, text=text: text, fingerprint="") as url:  # type: ignore[misc]
            ended = ran(url, data, tmp_path / "out")
        assert ended.counts.asked == 5
        ended.results.unlink()


def test_another_model_behind_one_address_is_noticed(data: Path, tmp_path: Path) -> None:
    text = "0"
    with scripted(lambda body: text, fingerprint="") as url:
        ran(url, data, tmp_path / "out")
        assert ran(url, data, tmp_path / "out").counts.asked == 0
        text = "1"
        with pytest.raises(InputError, match="it may be another model: name another --out"):
            ran(url, data, tmp_path / "out")


def test_results_hold_what_is_needed_to_repeat_them(data: Path, tmp_path: Path) -> None:
    with scripted(lambda body: "0") as url:
        path = ran(url, data, tmp_path / "out").results
    results = json.loads(path.read_text("utf-8"))
    [benchmark] = results["benchmarks"]
    assert len(benchmark["data"][0]["sha256"]) == 64
    assert results["model"]["fingerprint"] == "m f" and results["config"]["benchmarks"]["jcommonsenseqa_0shot"]
    request = benchmark["items"][0]["answers"][0]["request"]
    assert request["messages"][0]["content"].startswith("以下に、") and request["temperature"] == 0
    assert {"tanuki-jax", "python"} <= results["versions"].keys()


def test_a_folder_of_something_else_is_refused(data: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").write_text("")
    with scripted(lambda body: "0") as url, pytest.raises(InputError, match="name a new one by --out"):
        ran(url, data, tmp_path / "out")


def test_greetings_of_other_models_are_not_forgotten(data: Path, tmp_path: Path) -> None:
    text = "0"
    with scripted(lambda body: text, fingerprint="") as url:
        ran(url, data, tmp_path / "out")
        (tmp_path / "out" / "results.json").unlink()
        with scripted(lambda body: "2", fingerprint="") as other:
            ran(other, data, tmp_path / "out").results.unlink()
        ran(url, data, tmp_path / "out", JCommonsenseQa(form="text"))
        text = "1"
        with pytest.raises(InputError, match="it may be another model"):
            ran(url, data, tmp_path / "out")


def test_other_benchmarks_of_the_same_model_share_the_folder(data: Path, tmp_path: Path) -> None:
    with scripted(lambda body: "0") as url:
        ran(url, data, tmp_path / "out")
    with scripted(lambda body: "0") as moved:  # the fingerprint is the same at another address
        ran(moved, data, tmp_path / "out", JCommonsenseQa(form="text"))
        assert ran(moved, data, tmp_path / "out").counts.reused == 5


def test_a_run_that_stops_is_one_error(data: Path, tmp_path: Path) -> None:
    limits = Requests(failure_share=0.0, failure_least=1, tries=1)
    evaluation = Evaluation(name="test", benchmarks=(JCommonsenseQa(),), data=str(data), requests=limits)
    with scripted(lambda body: "0" if number_of(body) < 0 else refused()) as url, pytest.raises(InputError):
        evaluate(evaluation, answerer(RemoteModel(urls=(url,)), "endpoint"), tmp_path / "out")


@pytest.mark.parametrize(
    ("text", "reason"), [("{row}\n{row}", "two of its items are called"), ("[" * 100_000, "nested too deeply")]
)
def test_data_that_cannot_be_used_are_named(text: str, reason: str, data: Path, tmp_path: Path) -> None:
    path = data / JCommonsenseQa().path
    path.write_text(text.replace("{row}", path.read_text("utf-8").splitlines()[0]), "utf-8")
    with scripted(lambda body: "0") as url:
        first, _ = ran(url, data, tmp_path / "out", JCommonsenseQa(), ExactFormats(count=1)).benchmarks
    assert reason in first["missing"]


def test_halves_of_surrogate_pairs_end_no_run(data: Path, tmp_path: Path) -> None:
    path = data / JCommonsenseQa().path
    path.write_text(path.read_text("utf-8").replace("番はどれ", "番はどれ\\ud800", 1), "utf-8")
    refusal = {"error": {"message": "too long \ud800"}}

    def script(body: dict[str, Any]) -> Any:
        return web.json_response(refusal, status=400) if number_of(body) == 1 else "0\udc00"

    with scripted(script, fingerprint="\udfff") as url:
        path = ran(url, data, tmp_path / "out").results
    [result] = json.loads(path.read_text("utf-8"))["benchmarks"]
    assert result["failed"] == 1 and "too long ?" in result["items"][1]["answers"][0]["failure"]


@pytest.mark.parametrize("content", ["", "no JSON", '{"greetings": {', "[1]"])
def test_a_damaged_record_is_named(content: str, data: Path, tmp_path: Path) -> None:
    with scripted(lambda body: "0") as url:
        ran(url, data, tmp_path / "out")
        (tmp_path / "out" / "run.json").write_text(content)
        with pytest.raises(InputError, match=r"run\.json is not .*; name another --out$"):
            ran(url, data, tmp_path / "out")


@pytest.mark.parametrize("content", ['{"greetings": {"m f": 3}, "model": 3}', '{"greetings": []}', "{}"])
def test_a_record_of_something_else_is_passed_over(content: str, data: Path, tmp_path: Path) -> None:
    with scripted(lambda body: "0") as url:
        ran(url, data, tmp_path / "out")
        (tmp_path / "out" / "run.json").write_text(content)
        assert ran(url, data, tmp_path / "out").counts.reused == 5


@pytest.mark.parametrize("kept", [0.0, 0.5], ids=["nothing", "half"])
@pytest.mark.parametrize("added", [b"", b"no journal"])
def test_answers_that_a_journal_has_lost_are_asked_for_again(
    kept: float, added: bytes, data: Path, tmp_path: Path
) -> None:
    journal = tmp_path / "out" / "answers.zst"
    with scripted(lambda body: "0") as url:
        first = ran(url, data, tmp_path / "out")
        whole = journal.read_bytes()
        journal.write_bytes(whole[: int(kept * len(whole))] + added)
        again = ran(url, data, tmp_path / "out")
    assert again.benchmarks == first.benchmarks
    assert again.counts.asked + again.counts.reused == 5 and again.counts.asked > 0
