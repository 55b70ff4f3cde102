import itertools
import re
from fractions import Fraction

from tanuki_jax.corpus.tasks.dice import CONDITIONS, favourable
from tanuki_jax.corpus.tasks.dice_probes import Event, event_questions, probe_events, probe_questions
from tanuki_jax.corpus.tasks.registry import SCHOOL
from tanuki_jax.corpus.tasks.splits import tasks


def test_the_event_of_the_talk_has_thirty_five_of_thirty_six_pairs() -> None:
    event = Event((6, 6), ("和", "以上", 3))
    assert event.chance == Fraction(35, 36)
    assert set(event.every) - set(event.pairs) == {(1, 1)}


def test_a_reader_of_the_text_alone_gets_each_probability() -> None:
    """Read the numbers from the question, and count."""
    seen = set()
    for _, (_, *questions) in probe_questions(0):
        for question in questions:
            first, second = (int(number) for number in re.findall(r"1から(\d)まで", question.text))
            [(operation, number, relation)] = re.findall(r"2つの数の(.)が(\d+)(以上|以下)になる確率", question.text)
            results = [
                {"和": a + b, "積": a * b, "差": abs(a - b)}[operation]
                for a in range(1, first + 1)
                for b in range(1, second + 1)
            ]
            hits = [each >= int(number) if relation == "以上" else each <= int(number) for each in results]
            assert question.event is not None and question.event.chance == Fraction(sum(hits), len(hits))
            seen.add(question.event)
    assert seen == set(probe_events()) and len(seen) > 100


def test_the_complement_of_each_event_is_rare() -> None:
    assert all(Fraction(5, 6) <= event.chance < 1 for event in probe_events())
    pairs = [(event.sides, event.pairs) for event in probe_events()]
    assert len(set(pairs)) == len(pairs)


def test_no_problem_that_trains_has_an_event_or_its_complement() -> None:
    """Read the events of training problems from the tasks themselves."""
    trained = set()
    for task in itertools.islice(tasks("probability", "train"), 8_000):
        if task.problem.kind in ("two_dice", "pairs_of_dice"):
            trained.add(frozenset(favourable(*task.problem.values)))
    assert len(trained) > 50
    every = frozenset(itertools.product(range(1, 7), range(1, 7)))
    usual = [frozenset(event.pairs) for event in probe_events() if event.sides == (6, 6)]
    assert usual and not {*usual, *(every - pairs for pairs in usual)} & trained


def test_no_wording_of_a_task_family_is_asked() -> None:
    texts = {wording.text for family in SCHOOL.values() for level in family.wordings.values() for wording in level}
    trained = itertools.islice(tasks("probability", "train"), 3000)
    options = {line for task in trained for line in lines(task.messages[0].content)}
    for _, questions in itertools.islice(probe_questions(0), 100):
        assert not {question.text for question in questions} & texts
        assert not {option for question in questions for option in question.options} & options


def lines(text: str) -> list[str]:
    return [re.sub(r"^[ア-オ] ", "", line) for line in text.splitlines()]


def test_one_seed_gives_one_order_and_another_another() -> None:
    first, again, other = ([*itertools.islice(probe_questions(seed), 50)] for seed in (3, 3, 4))
    assert first == again != other
    assert [name for name, _ in first] != [name for name, _ in other]
    names = [name for name, _ in probe_questions(3)]
    assert len(names) == len(set(names)) == 3 * len(probe_events())
    assert names[:50] == [name for name, _ in first]
    # Results of older runs can be compared only as long as seed 0 gives these.
    assert [name for name, _ in itertools.islice(probe_questions(0), 3)] == [
        "7x7_差5以下_1",
        "7x8_差5以下_0",
        "8x8_積5以上_0",
    ]


def test_the_right_reading_of_a_probability_is_at_each_place() -> None:
    places = set()
    for _, (meaning, *_) in itertools.islice(probe_questions(0), 60):
        text = meaning.options[int(meaning.right) - 1]
        assert "近づいていく" in text and sum("近づいていく" in option for option in meaning.options) == 1
        assert f"{meaning.right}. {text}" in meaning.text and len(set(meaning.options)) == 5
        places.add(meaning.right)
    assert places == {"1", "2", "3", "4", "5"}


def test_three_questions_on_an_event_differ_in_the_way_alone() -> None:
    plain, listing, complement = event_questions("振ります。", Event((6, 6), ("和", "以上", 3)))
    assert [each.number for each in (plain, listing, complement)] == ["q2", "q2a", "q2b"]
    assert plain.text == "振ります。出た2つの数の和が3以上になる確率を求めてください。"
    assert listing.text.startswith(plain.text) and "書き出し" in listing.text
    assert complement.text.startswith(plain.text) and "余事象" in complement.text


def test_conditions_of_dice_are_those_of_the_split() -> None:
    """Conditions that change would move problems between the sides; see `splits.py`."""
    assert len(CONDITIONS) == 67
    assert favourable("差", "ちょうど", 5) == ((1, 6), (6, 1))
