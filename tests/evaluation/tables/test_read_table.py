"""Tables of users: files that describe themselves, plain ones, and errors that name the line."""

from pathlib import Path

import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.evaluation.tables.read_table import OutsideTable, numbers, read_table

DESCRIBED = """# title: Dialogue of small models
# source: votes of our own

# column model: key
# column votes: number
# column loss: number, lower is better; bits a byte
# column closed: flag
# column remark: text
# pair votes loss
model\tvotes\tloss\tclosed\tremark
a "quoted" one\t12\t0.9-1.1\t0\t12 votes
b\t(none)\t2\t1\t
"""


def written(folder: Path, text: str, name: str = "mine.tsv") -> Path:
    path = folder / name
    path.write_bytes(text.encode())
    return path


def test_a_file_describes_its_columns(tmp_path: Path) -> None:
    table = read_table("mine", written(tmp_path, DESCRIBED))
    assert (table.title, table.source) == ("Dialogue of small models", "votes of our own")
    assert [(column.name, column.kind, column.direction) for column in table.columns] == [
        ("model", "key", ""),
        ("votes", "number", ""),
        ("loss", "number", "lower"),
        ("closed", "flag", ""),
        ("remark", "text", ""),
    ]
    assert table.column("loss").meaning == "bits a byte"
    assert table.pairs == (("votes", "loss"),)
    assert [row.label for row in table.rows] == ['a "quoted" one', "b"]
    assert numbers(table.rows[0]) == {"votes": 12, "loss": 1.0, "closed": 0}
    assert numbers(table.rows[1]) == {"loss": 2, "closed": 1}


def test_a_plain_file_has_models_and_numbers(tmp_path: Path) -> None:
    table = read_table("mine", written(tmp_path, '\ufeffmodel,score\r\n"a, b",1\r\nc,2\r\n', "mine.CSV"))
    assert [(row.label, numbers(row)) for row in table.rows] == [("a, b", {"score": 1}), ("c", {"score": 2})]
    assert (table.title, table.source, table.of_models) == ("mine", "mine.CSV", True)
    assert table.column("score").direction == "higher"


def test_several_keys_make_one_name(tmp_path: Path) -> None:
    text = "# column data: key\n# column epoch: key\ndata\tepoch\nx\t2\nx\t3\ny\t-\n"
    table = read_table("mine", written(tmp_path, text))
    assert [row.label for row in table.rows] == ["x, epoch 2", "x, epoch 3", "y"]
    assert not table.of_models


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("model\tscore\na\t1\n\na\t2\n", "line 4: 'a' is in line 2 too"),
        ("model\tscore\na\t1\nA\t2\n", "line 3: 'A' is in line 2 too"),
        ("model\tscore\na\tgood\n", "line 2: score is 'good' is not a number"),
        ("# a remark\nmodel\tscore\na\t1\nb\t1%\n", "line 4: score is '1%' is not a number"),
        (
            "# column model: key\n# column score: number\nmodel\tscroe\na\t1\n",
            "line 3: .*'scroe' is unknown; .*'score'",
        ),
        ("# column model: key\n# column loss: numbers\nmodel\tloss\na\t1\n", "line 2: .*does not describe a column"),
        ("# column model: text\nmodel\na\n", "describes no column as a key"),
        ("# column model: key\n# pair model loss\nmodel\na\n", "a pair names the column 'loss'"),
        ("name\tscore\na\t1\n", "line 1: there is no column 'model'"),
        ("model\tscore\tscore\na\t1\t2\n", "line 1: two columns are called 'score'"),
        ("model\tscore\na\t1\t2\n", "line 2 has 3 cells, and the table has 2 columns"),
        ("model\tscore\n\t1\n", "line 2 has no name"),
        ("model\tscore\n", "has no row below"),
        ("# nothing\n", "is empty"),
    ],
)
def test_an_error_names_the_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InputError, match=f"mine.tsv.*{message}"):
        read_table("mine", written(tmp_path, text))


def test_a_quotation_that_does_not_end_names_its_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"mine.csv, line 3: unexpected end"):
        read_table("mine", written(tmp_path, 'model,score\na,1\n"b,2\n', "mine.csv"))


def test_a_line_is_counted_behind_a_quoted_line_end(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"mine.csv, line 4: score is 'x'"):
        read_table("mine", written(tmp_path, 'model,score\n"a\nb",1\nc,x\n', "mine.csv"))


def test_files_that_are_no_tables_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"must end in \.tsv or \.csv"):
        read_table("mine", tmp_path / "mine.xlsx")
    with pytest.raises(InputError, match=r"there is no file .*mine\.tsv"):
        read_table("mine", tmp_path / "mine.tsv")
    (tmp_path / "old.tsv").write_bytes("model\n狸\n".encode("cp932"))
    with pytest.raises(InputError, match="not in UTF-8"):
        read_table("old", tmp_path / "old.tsv")


def test_a_file_like_a_table_has_its_columns(tmp_path: Path) -> None:
    like: OutsideTable = read_table("mine", written(tmp_path, DESCRIBED))
    newer = read_table("mine", written(tmp_path, "loss\tmodel\n3\ta\n", "newer.tsv"), like=like)
    assert (newer.title, [column.direction for column in newer.columns]) == (
        f"{like.title}, from newer.tsv",
        ["lower", ""],
    )
    assert newer.source == "newer.tsv"
    assert newer.pairs == ()  # the file has no votes
    with pytest.raises(InputError, match="'wins' is unknown; the nearest is"):
        read_table("mine", written(tmp_path, "model\twins\na\t1\n", "other.tsv"), like=like)
