"""The tables of the package are those of the deck, and a user's tables stand beside them."""

import subprocess
import zipfile
from pathlib import Path

import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.evaluation.tables.outside_tables import NAMES, outside_tables, shipped
from tanuki_jax.evaluation.tables.read_table import numbers


@pytest.mark.parametrize("name", NAMES)
def test_a_table_of_the_package_states_title_source_and_columns(name: str) -> None:
    table = shipped(name)
    assert table.title != name
    assert "talk of February 2025" in table.source
    assert any(column.direction for column in table.columns) or name == "probe_matrix"
    assert {each for pair in table.pairs for each in pair} <= {column.name for column in table.columns}


def test_every_file_of_data_is_a_named_table() -> None:
    folder = Path(__file__).parents[3] / "tanuki_jax" / "evaluation" / "tables" / "data"
    assert sorted(path.stem for path in folder.iterdir()) == sorted(NAMES)


def test_sizes_and_sums_are_those_of_the_deck() -> None:
    assert {name: len(shipped(name).rows) for name in NAMES} == {
        "board": 13,
        "probe_matrix": 21,
        "post_training": 11,
        "contest": 7,
        "mt_bench_by_tokens": 8,
    }
    board = [numbers(row) for row in shipped("board").rows]
    assert sum(row["battles"] for row in board) == 4098  # each of 2,049 battles counts for two models
    assert sum(row["rating"] for row in board) == 13495
    probes = [numbers(row) for row in shipped("probe_matrix").rows]
    columns = ("q1", "q2", "q2_complement", "q2a", "q2b")
    assert [sum(row[name] for row in probes) for name in columns] == [15, 11, 10, 7, 13]


def test_the_totals_of_the_contest_are_means_of_their_parts() -> None:
    for row in map(numbers, shipped("contest").rows):
        for whole, parts in {
            "overall": ("neo_total", "add_total"),
            "neo_total": ("neo_short", "neo_long"),
            "add_total": ("add_short", "add_long"),
        }.items():
            assert row[whole] == pytest.approx(sum(row[part] for part in parts) / 2, abs=0.0151), (row, whole)


def test_odd_cells_of_the_deck_are_stated_and_have_clear_numbers() -> None:
    rows = {row.label: row for row in shipped("mt_bench_by_tokens").rows}
    assert rows["Tanuki-8b (ours)"].cells["jmt_bench"].text.startswith("4.9-5.0 (")
    assert numbers(rows["Tanuki-8b (ours)"]) == {"tokens_b": 280, "jmt_bench": pytest.approx(4.95)}
    assert numbers(rows["Mistral-7b"]) == {"jmt_bench": 5.3}  # its number of tokens is a rumour
    plamo = next(row for row in shipped("board").rows if row.label == "PLAMO-100B")
    assert numbers(plamo) == {"rating": 1002, "win_rate": 0.29, "battles": 297}


def test_all_tables_are_selected_unless_some_are_named(tmp_path: Path) -> None:
    (tmp_path / "mine.tsv").write_text("model\tscore\na\t1\n")
    both = outside_tables([f"mine={tmp_path / 'mine.tsv'}"])
    assert [[table.name for table in each] for each in both] == [list(NAMES), ["mine"]]
    one = outside_tables(["contest", f"mine={tmp_path / 'mine.tsv'}"])
    assert [[table.name for table in each] for each in one] == [["contest"], ["mine"]]


def test_a_file_with_the_name_of_a_table_replaces_it(tmp_path: Path) -> None:
    (tmp_path / "new.tsv").write_text("model\trating\na\t1000\n")
    package, own = outside_tables([f"board={tmp_path / 'new.tsv'}"])
    assert "board" not in [table.name for table in package]
    assert own[0].title == f"{shipped('board').title}, from new.tsv"
    assert own[0].source == "new.tsv"
    (tmp_path / "stated.tsv").write_text("# title: Mine\n# source: votes of May\nmodel\trating\na\t1000\n")
    _, [stated] = outside_tables([f"board={tmp_path / 'stated.tsv'}"])
    assert (stated.title, stated.source) == ("Mine", "votes of May")
    (tmp_path / "own.tsv").write_text("# column model: key\n# column votes: number\nmodel\tvotes\na\t10\n")
    _, [other] = outside_tables([f"board={tmp_path / 'own.tsv'}"])
    assert (other.title, other.source) == ("board", "own.tsv")
    (tmp_path / "new.tsv").write_text("model\tratings\na\t1000\n")
    with pytest.raises(InputError, match="line 1: the column 'ratings' is unknown; the nearest is 'rating'"):
        outside_tables([f"board={tmp_path / 'new.tsv'}"])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["bord"], "there is no table 'bord'"),
        (["mine="], "is not NAME=FILE"),
        (["=a.tsv"], "is not NAME=FILE"),
        (["my table=a.tsv"], "is not NAME=FILE"),
        (["board", "board"], "names 'board' twice"),
        (["board=a.xls"], "must end in"),
    ],
)
def test_words_that_name_no_table_are_refused(words: list[str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        outside_tables(words)


def test_the_data_are_in_the_wheel(tmp_path: Path) -> None:
    import sys

    root = Path(__file__).parents[3]
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=root, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert {f"tanuki_jax/evaluation/tables/data/{name}.tsv" for name in NAMES} <= {*names}
