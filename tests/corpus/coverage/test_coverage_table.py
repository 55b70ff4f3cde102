"""Tables of conditions, from the widest to the narrowest."""

from pathlib import Path

from tanuki_jax.corpus.coverage.coverage_table import Condition, as_markdown, as_tsv, conditions
from tests.corpus.coverage.scanned import counted, fact


def test_conditions_go_from_the_widest_to_the_narrowest(tmp_path: Path) -> None:
    text = "のび太の特技は射撃だと思う、たぶん。"
    facts = [fact("のび太", "特技", "射撃", wrong=["料理"]), fact("のび太", "学年", "小学生")]
    counts = counted(tmp_path, [text, text, "のび太の特技"], *facts)
    rows = [*conditions(counts, 4, 70, "both")]
    assert as_tsv(rows).splitlines() == [
        "condition\tcount\ttexts\ttimes\tnote",
        "all documents\t4\t\t\t",
        "のび太\t3\t\t3\t",
        "のび太 - 特技\t3\t\t\t",
        "のび太 - 特技 - 射撃\t2\t\t\t",
        "のび太 - 特技 - 射撃 (within 70 characters)\t2\t1\t2\t",
        "のび太 - 特技 - 料理\t0\t\t\ta wrong answer",
        "のび太 - 特技 - 料理 (within 70 characters)\t0\t0\t0\ta wrong answer",
        "のび太 - 学年\t0\t\t\t",
        "のび太 - 学年 - 小学生\t0\t\t\t",
        "のび太 - 学年 - 小学生 (within 70 characters)\t0\t0\t0\t",
    ]
    assert as_markdown(rows).splitlines()[:3] == [
        "| condition | documents | texts | times | note |",
        "|---|---:|---:|---:|---|",
        "| all documents | 4 |  |  |  |",
    ]


def test_numbers_are_separated_for_readers_and_not_for_programs() -> None:
    rows = [Condition("a|b", 12345, 6789, 23456, "a wrong answer")]
    assert as_tsv(rows).splitlines()[1] == "a|b\t12345\t6789\t23456\ta wrong answer"
    assert as_markdown(rows).splitlines()[2] == "| a\\|b | 12,345 | 6,789 | 23,456 | a wrong answer |"


def test_the_word_that_an_answer_is_near_is_named(tmp_path: Path) -> None:
    counts = counted(tmp_path, ["のび太の特技は射撃"], fact("のび太", "特技", "射撃"), around="entity")
    *_, last = conditions(counts, 1, 1234, "entity")
    assert last == ("のび太 - 特技 - 射撃 (within 1234 characters of the entity)", 1, 1, 1, "")
