"""The command: its output, its folders, and what it says of wrong words."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from tanuki_jax.base.errors import InputError
from tanuki_jax.client.run_guard import Stalled
from tanuki_jax.config.endpoints import Requests
from tanuki_jax.evaluate import main
from tanuki_jax.evaluation.benchmarks.benchmark_table import BENCHMARKS
from tanuki_jax.evaluation.benchmarks.jcommonsenseqa import JCommonsenseQa
from tanuki_jax.evaluation.benchmarks.mt_bench_ja import MtBenchJa
from tanuki_jax.evaluation.evaluation_settings import Evaluation
from tanuki_jax.evaluation.named_evaluations import EVALUATIONS, evaluation, to_plain
from tests.evaluation.benchmarks.jaster_data import write_jcommonsenseqa
from tests.evaluation.benchmarks.judged_questions import write_questions
from tests.evaluation.scripted import refused, scripted

FILE = Path(__file__)


def test_a_run_prints_its_scores_and_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    write_jcommonsenseqa(tmp_path / "data")
    with scripted(lambda body: "0", name="dir/model", fingerprint="0123456789abcdef" * 2) as url:
        main(["--config=jaster", "--endpoint", url, "--first", "2"])
    out = capsys.readouterr().out
    assert re.search(r"jcommonsenseqa_2shot +strict +0\.500 .* 2 ", out)
    assert "jnli_0shot, jnli_2shot: not run" in out and "no such file" in out
    [results] = (tmp_path / "evaluations" / "jaster").glob("*/results.json")
    assert results.parent.name == "dir_model-01234567"
    assert json.loads(results.read_text("utf-8"))["config"]["first"] == 2


def test_scores_that_nobody_could_read_say_why(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "held_out").mkdir()
    (tmp_path / "held_out" / "a.jsonl").write_text('{"text": "狸がいた。"}\n')

    def script(body: dict[str, Any]) -> Any:
        return refused() if "messages" in body else "x"

    with scripted(script) as url:
        main(["--config=small", "--endpoint", url, "--data", str(tmp_path), "--out", str(tmp_path / "out")])
    out = capsys.readouterr().out
    assert "held_out_texts: no score could be read: " in out
    assert "exact_formats, obeyed_commands, school_problems: not run" in out and "answered 400" in out


def test_a_figure_with_bounds_is_one_row(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with scripted(lambda body: "1") as url:
        main(["--config=probes", "--endpoint", url, "--first", "2", "--out", str(tmp_path / "out")])
    out = capsys.readouterr().out
    assert re.search(r" free_minus_fixed +-?[0-9.]+ +-[0-9.]+ to [0-9.]+ ", out)
    assert "free_minus_fixed_low" not in out


def judged_and_not() -> Evaluation:
    """Return an evaluation of which one benchmark needs a judge."""
    limits = Requests(failure_share=1.0, attempt_seconds=0.5, stalled_seconds=0.6)
    return Evaluation(name="both", benchmarks=(MtBenchJa(), JCommonsenseQa()), requests=limits)


def test_a_judge_that_dies_stops_its_own_benchmark_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_jcommonsenseqa(tmp_path)
    write_questions(tmp_path)

    def judge(body: dict[str, Any]) -> Any:
        return "こんにちは。" if len(body["messages"]) == 1 else web.Response(status=429)

    with scripted(lambda body: "0") as url, scripted(judge, name="judge") as other:
        words = [f"--config={FILE}:judged_and_not", "--endpoint", url, "--judge.urls", other, "--data", str(tmp_path)]
        with pytest.raises(Stalled, match="no request has finished for"):
            main([*words, "--out", str(tmp_path / "out")])
    out = capsys.readouterr().out
    assert "mt_bench_ja: not run, it was stopped: no request has finished" in " ".join(out.split())
    judged, other_one = json.loads((tmp_path / "out" / "results.json").read_text("utf-8"))["benchmarks"]
    assert judged["missing"] and not judged["items"] and other_one["metrics"]["strict"]["items"] == 3


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--config=small"], "name one model: --endpoint"),
        (["--config=small", "--endpoint", "a", "--follow", "b"], "name one model: --endpoint"),
        (["--config=small", "--follow", "nowhere"], "there is no run at nowhere to follow"),
        (["--config=small", "--follow", "a", "--key-variable", "KEY"], "--key-variable has no meaning with --follow"),
        (["--config=small", "--checkpoint", "nowhere"], "^there is no checkpoint at nowhere: no such folder$"),
        (["--weak", "nowhere"], "nowhere"),
        (["export", "--config=small", "--tasks", "x"], "but as --config=jaster_text does"),
        (["export", "--config=jaster_text", "--tasks", "x"], "no such file or directory; it is in the repository"),
        (["export", "--tasks", "x"], "--config=NAME, one of jaster_text$"),
        (["repot", "nowhere"], "'repot' is none of report, export, --weak; the nearest is report"),
        (["--config=smal"], "the nearest is 'small'"),
        (["--config=small", "--endpoint", "localhost:80"], "^--endpoint: 'localhost:80' is no address such as http://"),
        (
            ["--config=small", "--endpoint", "http://me:secret@a"],
            "^--endpoint: the address has a user name or password",
        ),
    ],
)
def test_wrong_words_are_said(words: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=message):
        main(words)


def test_a_weak_family_becomes_a_row_of_the_plan(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with scripted(lambda body: "わかりません。") as url:
        words = ["--config=exact_formats", "--endpoint", url, "--benchmarks.exact_formats.count", "20"]
        main([*words, "--out", str(tmp_path / "out")])
    main(["--weak", str(tmp_path / "out"), "--records", "10", "--output", str(tmp_path / "plan.jsonl")])
    rows = [json.loads(line) for line in (tmp_path / "plan.jsonl").read_text().splitlines()]
    found = {(row["kind"], row["name"], row["missing"]) for row in rows}
    assert found == {("family", "instructions", 5), ("family", "style", 5)}
    assert "the plan: " in capsys.readouterr().out


def test_an_export_names_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_jcommonsenseqa(tmp_path / "mine")
    monkeypatch.chdir(tmp_path)
    main(["export", "--config=jaster_text", "--data", "mine", "--tasks", "tasks"])
    out = " ".join(capsys.readouterr().out.split())
    assert "not exported: mgsm_ja_0shot_text, mgsm_ja_2shot_text, mgsm_ja_0shot_loglikelihood" in out
    assert "4 tasks: tasks" in out and "--tasks tanuki_jcommonsenseqa_0shot_text,tanuki_" in out


def test_the_help_of_an_export_shows_what_it_takes(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["export", "--help"])
    out = capsys.readouterr().out
    assert "--data" in out and "Configs: jaster_text." in out


def test_the_help_tells_the_judge_from_the_baseline(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    out = re.sub(r"[\s│]+", " ", capsys.readouterr().out)
    for option, words in (("judge", "Model that judges, for benchmarks"), ("baseline", "Model whose answers others")):
        for name in ("urls", "model", "key-variable"):
            assert re.search(rf"--{option}\.{name} [\w\[\] .]+ {words}", out), (option, name)


def test_every_config_has_known_benchmarks_of_different_names() -> None:
    for name in evaluation.names():
        config = evaluation.find(name)
        plain = to_plain(config)
        assert len(plain["benchmarks"]) == len(config.benchmarks)
        assert {each["kind"] for each in plain["benchmarks"].values()} <= BENCHMARKS.keys()
        assert json.loads(EVALUATIONS.show(config)) == json.loads(json.dumps(plain))
