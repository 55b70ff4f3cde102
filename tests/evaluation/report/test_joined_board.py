"""The join of runs and tables, by the names of models."""

from pathlib import Path

import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.evaluation.report.joined_board import JoinedModel, join, unmeasured, unusable
from tanuki_jax.evaluation.report.read_results import RunResults, read_run, read_runs
from tanuki_jax.evaluation.tables.outside_tables import NAMES, shipped
from tanuki_jax.evaluation.tables.read_table import read_table
from tests.evaluation.report.made_runs import choice_benchmark, results, write_run, write_two_runs

TANUKI = "Tanuki-8B-dpo-v1.0"


@pytest.fixture
def runs(tmp_path: Path) -> list[RunResults]:
    return read_runs(write_two_runs(tmp_path))


def model_of(models: tuple[JoinedModel, ...], label: str) -> JoinedModel:
    return next(model for model in models if model.label == label)


def test_a_model_has_the_numbers_of_all_sources(runs: list[RunResults]) -> None:
    board = join([shipped(name) for name in NAMES], runs)
    model = model_of(board.models, TANUKI)
    assert model.values["board.rating"] == 1000
    assert model.values["jcommonsenseqa_0shot.strict"] == pytest.approx(0.65)
    assert model.values["probe_matrix.q1"] == 0
    assert (model.measured, model.tier) == (True, "low")
    assert model.sources == [TANUKI, "board", "probe_matrix"]
    assert model_of(board.models, "tiny_dpo").sources == ["tiny_dpo"]
    assert [model.measured for model in board.models[:3]] == [True, True, False]
    assert board.metrics["jcommonsenseqa_0shot.strict"].measured
    assert ("board.rating", "board.jmt_avg") in board.pairs


def test_names_are_joined_whatever_the_case_and_organization() -> None:
    board = join([shipped("board"), shipped("probe_matrix")], [])
    assert model_of(board.models, "Calm3-22b-chat").sources == ["board", "probe_matrix"]
    assert model_of(board.models, "GPT-4o-mini-2024-07-18").values["probe_matrix.q2a"] == 0


def test_rows_that_are_no_models_are_joined_with_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_text("model\tscore\njaster\t1\n")
    board = join([shipped("post_training"), read_table("mine", tmp_path / "a.tsv")], [])
    assert [model.sources for model in board.models if model.label == "jaster"] == [["post_training"], ["mine"]]


def test_the_run_that_finished_last_counts(tmp_path: Path) -> None:
    late = results("a", [choice_benchmark(10)], finished="2026-12-02T00:00:00Z")
    early = results("a", [choice_benchmark(20)], finished="2026-12-01T00:00:00Z")
    runs = [read_run(write_run(tmp_path / name, value)) for name, value in (("late", late), ("early", early))]
    [model] = join([], runs).models
    assert model.values["jcommonsenseqa_0shot.strict"] == pytest.approx(0.5)


def test_a_metric_may_be_named_by_its_last_part(runs: list[RunResults]) -> None:
    board = join([shipped("board"), shipped("contest")], runs)
    assert board.find("rating").name == "board.rating"
    assert board.find("school_problems.correct").name == "school_problems.correct"
    with pytest.raises(InputError, match=r"there is no metric 'ratng'; the nearest is"):
        board.find("ratng")
    assert board.find("strict").name == "jcommonsenseqa_0shot.strict"


def test_a_name_of_several_metrics_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_text("model\trating\nx\t1\n")
    board = join([shipped("board"), read_table("mine", tmp_path / "a.tsv")], [])
    with pytest.raises(InputError, match=r"'rating' is one of board\.rating, mine\.rating; name one"):
        board.find("rating")


def test_models_to_leave_out_must_exist() -> None:
    board = join([shipped("board")], [])
    assert board.without(["plamo-100b"]) == {"PLAMO-100B"}
    assert board.has("plamo-100b") and not board.has("plamo")
    with pytest.raises(InputError, match="there is no model 'Tanuki-9B' to leave out; the nearest is 'Tanuki-8"):
        board.without(["Tanuki-9B"])


def test_a_table_must_not_have_the_name_of_a_benchmark(tmp_path: Path, runs: list[RunResults]) -> None:
    (tmp_path / "a.tsv").write_text("model\tscore\nx\t1\n")
    with pytest.raises(InputError, match="'mt_bench_ja' has the name of a benchmark"):
        join([read_table("mt_bench_ja", tmp_path / "a.tsv")], runs)


def test_columns_that_cannot_be_joined_have_a_reason(tmp_path: Path) -> None:
    head = "# column model: key\n# column note: text\n# column votes: number\n# column loss: number\n"
    (tmp_path / "a.tsv").write_text(f"{head}model\tnote\tvotes\tloss\nx\tgood\t1\t\ny\t\t\t(unknown)\n")
    assert unusable(read_table("mine", tmp_path / "a.tsv")) == {"note": "text", "loss": "no number"}
    assert {*unusable(shipped("contest")).values()} == {"the rows are no models"}
    assert unusable(shipped("mt_bench_by_tokens")) == {}


def test_models_of_a_table_without_a_run_are_known(tmp_path: Path, runs: list[RunResults]) -> None:
    (tmp_path / "a.tsv").write_text(f"model\tscore\nx\t1\n{TANUKI.upper()}\t2\n")
    assert unmeasured(read_table("mine", tmp_path / "a.tsv"), runs) == ["x"]
