"""Lists that are right, short, invented, repeated or refused."""

from pathlib import Path

import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.coverage.facts import read_facts
from tanuki_jax.evaluation.benchmark import Item, Reply, Scores
from tanuki_jax.evaluation.benchmarks.recall import FACTS, MOST_INVENTED, Recall
from tests.evaluation.benchmarks.probe_runs import means, ran
from tests.evaluation.scripted import refused

OWN = """
- entity: のび太
  relation: 特技
  answers: [[射撃, 早撃ち], [あやとり, 綾取り], [昼寝, 居眠り]]
  neutral: 優しさ
  questions: [のび太の特技は何。, のび太は何が得意。]
- entity: 四国
  relation: {spellings: [県], inside: true}
  answers: [[徳島県, 徳島], [香川県, 香川], [愛媛県, 愛媛], [高知県, 高知]]
"""


@pytest.fixture
def recall(tmp_path: Path) -> Recall:
    (tmp_path / "own.yaml").write_text(OWN, "utf-8")
    return Recall(facts="own.yaml")


PACKAGE = Recall().load(Path()).items


def score(answer: str, item: Item = PACKAGE[0]) -> Scores:
    """Return the scores of an answer to an item of the package."""
    chain = Recall().chain(item)
    next(chain)
    with pytest.raises(StopIteration) as end:
        chain.send([Reply(answer)])
    found: Scores = end.value.value
    return found


@pytest.mark.parametrize(
    ("answer", "found", "invented"),
    [
        ("・射撃\n・あやとり\n・昼寝", 3, 0),
        ("・早撃ち\n・綾取り\n・お昼寝", 3, 0),
        ("のび太くんの特技は、射撃とあやとりと昼寝です。", 3, 0),
        ("1. 射撃\n2. あやとり\n3. あやとり\n4. 料理\n5. 音楽", 2, 2),
        ("・料理\n・音楽\n・サッカー", 0, 3),
        ("・射撃\n・思いやり", 1, 0),
        ("申し訳ありませんが、お答えできません。", 0, 0),
        ("", 0, 0),
    ],
)
def test_an_answer_is_judged_by_both_sides(answer: str, found: int, invented: int) -> None:
    values = score(answer).values
    precision, share = (found / (found + invented) if found else 0), found / 3
    expected = 2 * precision * share / (precision + share) if found else 0
    assert values == {"f1": pytest.approx(expected), "found": found / 3, "invented": invented}


def test_the_note_names_what_is_invented() -> None:
    assert score("・射撃\n・料理\n・音楽").note == "invented: 料理, 音楽"


def test_an_endless_list_counts_as_the_longest_that_does() -> None:
    answer = "\n".join(f"・{word}{number}番目の遊び" for number, word in enumerate("あいうえおかきくけこ" * 5))
    assert score(answer).values["invented"] == MOST_INVENTED


def test_the_expected_answer_of_each_fact_is_complete_and_pure() -> None:
    for item in PACKAGE:
        for answer in (item.expected, "\n".join(f"・{word.name}" for word in item.row.answers)):
            assert score(answer, item).values == {"f1": 1.0, "found": 1.0, "invented": 0.0}, answer


def test_each_spelling_is_found_alone() -> None:
    """Also without a bullet, as in an answer of one word."""
    for item in PACKAGE:
        for word in item.row.answers:
            for spelling in word.spellings:
                for answer in (f"・{spelling}", spelling):
                    values = score(answer, item).values
                    assert values["found"] == pytest.approx(1 / len(item.row.answers)), answer
                    assert values["invented"] == 0, answer


def test_wrong_answers_of_each_fact_are_invented() -> None:
    """The grader takes some titles with 「と」 or 「・」 in them for two items."""
    for item in PACKAGE:
        values = score("\n".join(f"・{word.name}" for word in item.row.wrong), item).values
        assert values["found"] == 0 and values["invented"] >= len(item.row.wrong), item


def test_the_package_has_fifty_facts_with_questions() -> None:
    facts = read_facts(FACTS)
    assert len(facts) >= 30 and all(fact.questions for fact in facts)
    assert facts[0].entity.name == "のび太"
    questions = [question for fact in facts for question in fact.questions]
    assert len(set(questions)) == len(questions)


def test_own_facts_are_asked_and_wordings_share_a_cluster(recall: Recall, tmp_path: Path) -> None:
    items = recall.load(tmp_path).items
    assert [item.question for item in items] == [
        *("のび太の特技は何。", "のび太は何が得意。", "四国の県をすべて挙げてください。")
    ]
    assert items[0].cluster == items[1].cluster != items[2].cluster
    assert items[2].expected == "徳島県、香川県、愛媛県、高知県"
    result = ran(recall, lambda text: "・徳島\n・香川\n・岡山" if "四国" in text else "・射撃", tmp_path)
    assert result["data"][0]["path"].endswith("own.yaml")
    assert [item["scores"]["invented"] for item in result["items"]] == [0, 0, 1]
    assert means(result)["found"] == pytest.approx((1 / 3 + 1 / 3 + 2 / 4) / 3)


def test_a_failed_request_invents_nothing_and_is_in_no_such_mean(recall: Recall, tmp_path: Path) -> None:
    result = ran(recall, lambda text: refused() if "四国" in text else "・料理", tmp_path)
    assert result["failed"] == 1 and means(result) == {"f1": 0.0, "found": 0.0, "invented": 1.0}
    sides = {name: metric["better"] for name, metric in result["metrics"].items()}
    assert sides == {"f1": "higher", "found": "higher", "invented": "lower"}
    assert result["metrics"]["invented"]["unreadable"] == 1 and result["metrics"]["found"]["items"] == 3


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("- {entity: ab, relation: cd, answer: ef}", "own.yaml:1 has the field 'answer'"),
        ("- {entity: ab, relation: cd, answers: ef, questions: [3]}", "own.yaml:1 has 3 in questions"),
        ("- {entity: ab, relation: cd}", "own.yaml:1 has no answer"),
        ("[", "own.yaml is not YAML"),
    ],
)
def test_own_facts_are_read_strictly(recall: Recall, content: str, complaint: str, tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text(content, "utf-8")
    with pytest.raises(InputError, match=complaint):
        recall.load(tmp_path)
