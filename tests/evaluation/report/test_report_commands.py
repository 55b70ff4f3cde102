"""`evaluate report` as a user runs it."""

import re
from pathlib import Path

import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.config.command_line import parse_options
from tanuki_jax.evaluation.report.report_commands import report
from tanuki_jax.evaluation.report.report_options import Report
from tests.evaluation.report.made_runs import write_two_runs


def run(folder: Path, *words: str) -> tuple[str, str]:
    """Return the page and the Markdown of a report."""
    report(parse_options("evaluate report", [*words, "--out", str(folder / "out")], Report))
    return tuple((folder / "out" / name).read_text("utf-8") for name in ("report.html", "report.md"))  # type: ignore[return-value]


def test_a_report_is_one_page_without_script_and_network(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    head = "# column model: key\n# column votes: number\n# column note: text\n"
    (tmp_path / "mine.tsv").write_text(f"{head}model\tvotes\tnote\ntiny_dpo\t5\tnew\nelsewhere\t7\t\n")
    runs = [str(folder) for folder in write_two_runs(tmp_path)]
    html, markdown = run(tmp_path, *runs, "--table", f"mine={tmp_path / 'mine.tsv'}", "contest", "probe_matrix")
    assert "<title>Evaluation of tiny_dpo, Tanuki-8B-dpo-v1.0</title>" in html
    assert "<script" not in html and not re.search(r'(?:src|href)="(?!data:|#|questions/)', html)
    for title in (
        "Missing benchmarks",
        "Scores",
        "Japanese MT-Bench: score by category",
        "School problems by rule: correct by level",
        "Differences between runs over the same items",
        "Runs and tables joined",
        "Correlations of metrics",
        "Tiers of the models",
    ):
        assert f">{title}</h" in html, title
        assert f"# {title}\n" in markdown, title
    assert [title for title in re.findall("(?m)^## (.*)$", markdown) if title != "Correlations of metrics"][:4] == [
        "Scores",
        "Missing benchmarks",
        "Differences between runs over the same items",
        "Runs",
    ]
    for address in re.findall(r'href="(questions/[^"]+)"', html):
        assert (tmp_path / "out" / address).is_file()
    out = capsys.readouterr().out
    assert "table mine, unknown to the runs: elsewhere" in out
    assert "table mine, not in the joined table: note (text)" in out
    assert "Source: mine.tsv." in html and "Not in the joined table: note (text)." in html
    assert "out/report.html" in out


def test_the_tables_alone_make_a_report_with_the_decks_correlations(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    html, markdown = run(tmp_path, "--correlate")
    assert "<title>Evaluation: outside tables</title>" in html
    assert "| Team たぬき |" in markdown and "(報告無し)" in html
    assert "Unknown to the runs" not in html
    out = capsys.readouterr().out
    assert "Correlations of metrics. Each row is a pair of metrics, over the models" in out
    assert re.search("one metric +other metric +models +r +rank r +models left", out)
    for x, y, of_all, of_rest in (
        ("rating", "jmt_avg", "0.864", "0.894"),
        ("rating", "nejumi_lb3_total", "0.708", "0.918"),
        ("rating", "jaster_0shot", "0.560", "0.933"),
    ):
        assert re.search(rf"board\.{x} +board\.{y} .* {of_all} \[.* {of_rest} \[", out), out


def test_chosen_metrics_and_models_are_correlated(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--correlate", "--metrics", "rating", "win_rate", "--without", "gpt-3.5-turbo", "PLAMO-100B"]
    html, _ = run(tmp_path, *words)
    assert "board.win_rate against board.rating" in html
    assert re.search(r"board\.rating +board\.win_rate +13 .* 11 ", capsys.readouterr().out)


def test_pairs_of_the_package_are_drawn_only_if_wanted(tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_text("# column model: key\n# column x: number\n# column y: number\n# pair x y\n")
    with (tmp_path / "a.tsv").open("a") as file:
        file.write("model\tx\ty\na\t1\t2\nb\t2\t1\n")
    runs = [str(folder) for folder in write_two_runs(tmp_path)]
    for words, drawn in (
        (runs, 0),
        ([*runs, "--table", "contest"], 1),
        (["--table", f"mine={tmp_path / 'a.tsv'}"], 1),
        (["--table", "board"], 5),
        ([*runs, "--correlate"], 8),
        ([*runs, "--metrics", "rating", "jmt_avg"], 1),
    ):
        html, _ = run(tmp_path, *words)
        assert len(re.findall(r"<h3>\S+ against \S+</h3>", html)) == drawn, words


def test_a_table_without_the_models_to_leave_out_is_shown(tmp_path: Path) -> None:
    html, _ = run(tmp_path, "--table", "contest")
    assert "7 models, r = 0." in html and "without Tanuki" not in html


def test_a_faulty_word_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    for words, message in (
        (["--metrics", "rating", "jmt"], "there is no metric 'jmt'"),
        (["--without", "Tanuki-9B"], "there is no model 'Tanuki-9B'"),
        ([str(tmp_path / "absent")], "there is no folder"),
    ):
        with pytest.raises(InputError, match=message):
            run(tmp_path, *words)
    assert not (tmp_path / "out").exists()
