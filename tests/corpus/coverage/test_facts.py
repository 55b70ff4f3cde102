"""Facts from files, and sentences about those that cannot be counted."""

from pathlib import Path

import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.coverage.facts import Fact, Word, read_facts, spellings_of

TSV = "entity\trelation\tanswers\twrong\nのび太|野比のび太\t特技\t射撃|早撃ち;*昼寝\t料理\n"
YAML = """
- entity: [のび太, 野比のび太]
  relation: 特技
  answers:
  - [射撃, 早撃ち]
  - spellings: 昼寝
    inside: true
  wrong: 料理
"""


def written(folder: Path, name: str, content: str) -> Path:
    path = folder / name
    path.write_text(content, "utf-8")
    return path


def test_both_formats_say_the_same(tmp_path: Path) -> None:
    [tsv], [yaml] = (read_facts(written(tmp_path, name, text)) for name, text in (("a.tsv", TSV), ("a.yaml", YAML)))
    words = (Word("射撃", ("射撃", "早撃ち")), Word("昼寝", ("昼寝",), inside=True))
    assert (tsv.entity, tsv.answers, tsv.wrong) == (
        Word("のび太", ("のび太", "野比のび太")),
        words,
        (Word("料理", ("料理",)),),
    )
    assert tsv.words == yaml.words and (tsv.line, yaml.line) == (2, 2)


def test_blank_lines_and_comments_are_skipped(tmp_path: Path) -> None:
    path = written(tmp_path, "a.tsv", "entity\trelation\tanswers\n# ab\tcd\tef\n\nab\tcd\tef\n")
    assert [(fact.entity.name, fact.line) for fact in read_facts(path)] == [("ab", 4)]


def test_spellings_are_normalised_and_each_is_there_once(tmp_path: Path) -> None:
    [fact] = read_facts(written(tmp_path, "a.tsv", "entity\trelation\tanswers\nＡＢＣ|ABC\tｱﾘｽ\tdef\n"))
    assert spellings_of([fact, fact]) == [("ABC", False), ("def", False), ("アリス", False)]


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("a.tsv", "entity\tanswers\n", "a.tsv:1 is not the header"),
        ("a.tsv", "entity\trelation\tanswers\n", "has no fact"),
        ("a.tsv", "entity\trelation\tanswers\nab\tcd\t\n", "a.tsv:2 has no answer"),
        ("a.tsv", "entity\trelation\tanswers\nab\t\tcd\n", "a.tsv:2 has no relation"),
        ("a.tsv", "entity\trelation\tanswers\nab\tcd\tef\tgh\n", "a.tsv:2 has 4 columns, and the header 3"),
        ("a.tsv", "entity\trelation\tanswers\nab|ef\tcd\tef\n", "'ef' as the entity and as an answer"),
        ("a.tsv", "entity\trelation\tanswers\nab\tcd\tef;ef\n", "'ef' as an answer and as an answer"),
        ("a.tsv", "entity\trelation\tanswers\n\n太\tcd\tef\n", "a.tsv:3 has the spelling '太' of one character"),
        ("a.tsv", "entity\trelation\tanswers\nab\tcd|*太\tef\n", r"a.tsv:2 has the spelling '\*太' behind another"),
        ("a.tsv", "entity\trelation\tanswers\nab\tcd\tef\nab\tcd\tgh\n", "a.tsv:3 has ab, cd again"),
        ("a.yaml", "- entity: ab\n  relation: cd\n  answer: ef\n", "a.yaml:1 has the field 'answer'"),
        ("a.yaml", "- entity: ab\n  relation: cd\n  answers: {spelling: ef}\n", "'spelling' in answers"),
        ("a.yaml", "- entity: ab\n  relation: cd\n  answers: ef\n- text\n", "a.yaml:4 has an item"),
        ("a.yaml", "- entity: NO\n  relation: cd\n  answers: ef\n", "a.yaml:1 has False as a spelling of entity"),
        ("a.yaml", "- entity: ab\n  entity: gh\n  relation: cd\n  answers: ef\n", "the field 'entity' twice"),
        ("a.yaml", "entity: ab\n", "is not a list of facts"),
        ("a.yaml", "- [", "is not YAML"),
        ("a.yaml", "- {entity: ab, relation: cd, answers: ef, neutral: ef}", "'ef' as an answer and as a neutral"),
        ("a.yaml", "- {entity: ab, relation: cd, answers: ef, questions: [3]}", "a.yaml:1 has 3 in questions"),
    ],
)
def test_what_cannot_be_counted_is_a_sentence_with_the_line(
    name: str, content: str, complaint: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=complaint):
        read_facts(written(tmp_path, name, content))


def test_words_and_questions_for_models_are_not_looked_for_in_texts(tmp_path: Path) -> None:
    [fact] = read_facts(written(tmp_path, "a.yaml", f"{YAML}  neutral: 歌唱\n  questions: 何が得意?\n"))
    assert (fact.neutral, fact.questions) == ((Word("歌唱", ("歌唱",)),), ("何が得意?",))
    assert not {"歌唱", "何が得意?"} & {spelling for spelling, _ in spellings_of([fact])}


def test_a_file_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_facts(tmp_path / "none.tsv")


def test_words_of_a_fact_are_all_its_words() -> None:
    words = [Word(name, (name,)) for name in ("aa", "bb", "cc", "dd")]
    assert Fact(words[0], words[1], (words[2],), (words[3],), 1).words == tuple(words)
