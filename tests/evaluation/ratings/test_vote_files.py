"""Vote files are read as they are written, or refused with the line."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tanuki_jax.base.errors import InputError
from tanuki_jax.evaluation.ratings.battles import WINNERS, Battle
from tanuki_jax.evaluation.ratings.vote_files import FASTCHAT, read_votes

HEADER = "model_a,model_b,winner"


def written(folder: Path, text: str, name: str = "votes.csv") -> Path:
    path = folder / name
    path.write_bytes(text.encode())
    return path


def json_line(**changes: object) -> str:
    return json.dumps({"model_a": "x", "model_b": "y", "winner": "tie"} | changes)


def test_csv_is_read_with_all_columns(tmp_path: Path) -> None:
    text = (
        "winner,model_a,model_b,language,voter,weight,length_a,length_b,judge\r\n"
        'model_a,"x, large",y,ja,v1,2.5,10,20,anybody\r\n'
        "tie (bothbad),y,x,,,,,,\r\n"
        "tie,y,x,,,,,,"
    )
    assert read_votes(written(tmp_path, "\ufeff" + text)) == [
        Battle("x, large", "y", "model_a", "", "ja", "", "v1", "", 2.5, {"length": 10.0}, {"length": 20.0}),
        Battle("y", "x", "both_bad"),
        Battle("y", "x", "tie"),
    ]


def test_json_lines_are_read_with_all_fields(tmp_path: Path) -> None:
    lines = [json_line(round=2, cluster="q1", category=None, weight=3), json_line(winner="bothbad", bold_a=1, bold_b=0)]
    assert read_votes(written(tmp_path, "\n".join(lines), "votes.jsonl")) == [
        Battle("x", "y", "tie", round="2", cluster="q1", weight=3.0),
        Battle("x", "y", "both_bad", style_a={"bold": 1.0}, style_b={"bold": 0.0}),
    ]


@given(st.text(max_size=12))
def test_only_exact_words_are_winners(tmp_path_factory: pytest.TempPathFactory, word: str) -> None:
    path = written(tmp_path_factory.getbasetemp(), json_line(winner=word), "one.jsonl")
    if word in WINNERS or word in FASTCHAT:
        assert read_votes(path)[0].winner == FASTCHAT.get(word, word)
    else:
        with pytest.raises(InputError, match="line 1"):
            read_votes(path)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("x,y,Model_A", "line 3: the winner is 'Model_A', .* the nearest is 'model_a'"),
        ("x,y,TIE", "line 3: the winner is 'TIE', .* the nearest is 'tie'"),
        ("x,y, tie", "line 3: the winner is ' tie'"),
        ("x,y,", "line 3: the winner is ''"),
        ("x,y,1", "line 3: the winner is '1'"),
        (",y,tie", "line 3: model_a is ''"),
        ("x, y,tie", "line 3: model_b is ' y'"),
        ("x,x,tie", "line 3: 'x' battles against itself"),
        ("", "line 3: the line is empty"),
        (",,", "line 3: the line is empty"),
        ("x,y", "line 3: 2 cells below a header of 3"),
        ("x,y,tie,z", "line 3: 4 cells below a header of 3"),
        ('x,y,"tie', "line 4: unexpected end of data"),
    ],
)
def test_a_bad_row_of_csv_is_refused_with_its_line(tmp_path: Path, row: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_votes(written(tmp_path, f"{HEADER}\nx,y,tie\n{row}\nx,y,tie\n"))


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("", "line 2: the line is empty"),
        ("{", "line 2: no JSON"),
        ("[1]", "line 2: no JSON object"),
        ('{"model_a": "x", "model_b": "y"}', "line 2: winner is None, and must be text"),
        (json_line(winner=None), "line 2: winner is None"),
        (json_line(winner="A"), "line 2: the winner is 'A'"),
        (json_line(weight="much"), "line 2: weight is 'much', and must be a number"),
        (json_line(weight=True), "line 2: weight is True"),
        (json_line(weight=-1), "line 2: the weight is -1.0"),
        (json_line(weight=float("nan")), "line 2: the weight is nan"),
        (json_line(voter=["v"]), r"line 2: voter is \['v'\], and must be text"),
    ],
)
def test_a_bad_line_of_json_is_refused_with_its_number(tmp_path: Path, line: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_votes(written(tmp_path, f"{json_line()}\n{line}\n{json_line()}\n", "votes.jsonl"))


def test_a_cut_last_line_is_no_vote_that_is_left_out(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="line 2: no JSON"):
        read_votes(written(tmp_path, f"{json_line()}\n{json_line()[:20]}", "votes.jsonl"))


def test_the_line_behind_a_cell_with_line_ends_is_counted(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="line 5: the winner is 'no'"):
        read_votes(written(tmp_path, f'{HEADER}\n"x\nlarge\nmodel",y,tie\nx,y,no\n'))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "has no column 'model_a'"),
        (HEADER + "\n", "has no votes"),
        ("model_a,model_b,Winner\nx,y,tie\n", "has no column 'winner' in its first line; 'Winner' must be called so"),
        ("model_a,model_b,winner,winner\nx,y,tie,tie\n", "has the column 'winner' twice"),
    ],
)
def test_a_file_without_votes_or_columns_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_votes(written(tmp_path, text))


def test_files_that_are_no_votes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="its name must end with"):
        read_votes(tmp_path / "votes.txt")
    with pytest.raises(InputError, match="there is no file"):
        read_votes(tmp_path / "votes.csv")
    (tmp_path / "votes.csv").write_bytes(HEADER.encode() + "\n日本,b,tie".encode("shift-jis"))
    with pytest.raises(InputError, match="is not UTF-8"):
        read_votes(tmp_path / "votes.csv")
