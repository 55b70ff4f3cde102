from collections.abc import Callable
from random import Random

import pytest

from tanuki_jax.corpus.records.types import Conversation, Message, Preference
from tanuki_jax.corpus.synthesis.recipe import Ask, Dropped, Item, Language, Reply
from tanuki_jax.corpus.synthesis.recipes.pairs import Pairs, Verdict, decide, parse_verdict, prompt_of
from tests.corpus.synthesis.conversations import conversation, item
from tests.corpus.synthesis.hostile_texts import HOSTILE, check_quotations
from tests.corpus.synthesis.rehearsed_chain import rehearse

LANGUAGES: tuple[Language, ...] = ("ja", "en")
QUESTION = item("Why?")
type Judge = Callable[[str, str], str]


def judged_by(judge: Judge, *answers: str) -> Callable[[Ask, str], Reply]:
    """Return a teacher with these answers and a judge who writes a verdict on the first and the second."""

    def reply(ask: Ask, example: str) -> Reply:
        if ask.by == "teacher":
            return Reply(answers)
        return Reply((judge(str(ask.values["first"]), str(ask.values["second"])),))

    return reply


def longer(first: str, second: str) -> str:
    return "[[A]]" if len(first) > len(second) else "[[B]]" if len(first) < len(second) else "[[C]]"


def pair(judge: Judge, *answers: str, seed: int = 0) -> Preference:
    """Return the pair that a chain makes, whose prompts are not rendered."""
    chain, reply = Pairs(count=len(answers)).chain(QUESTION, QUESTION.random(seed)), judged_by(judge, *answers)
    try:
        ask = next(chain)
        while True:
            ask = chain.send(reply(ask, ""))
    except StopIteration as stop:
        assert isinstance(stop.value.record, Preference)
        return stop.value.record


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_better_answer_is_chosen(language: Language) -> None:
    given = item("Why?", "Because.", "How?", "Thus.", system="Be brief.")
    made, rendered = rehearse(Pairs(language=language), given, answer=judged_by(longer, "short", "longer"))
    assert isinstance(made.record, Preference) and isinstance(given.record, Conversation)
    assert (made.record.chosen, made.record.rejected) == ("longer", "short")
    assert made.record.prompt == given.record.messages[:4]
    assert (made.record.id, made.record.metadata["parents"], made.written) == ("key", ["parent"], "longer")
    assert [message["role"] for message in rendered[0]] == ["system", "user", "assistant", "user"]
    assert rendered[0][-1]["content"] == "How?"
    assert len(rendered) == 3 and "Thus." not in str(rendered)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_example_of_the_verdict_is_read(language: Language) -> None:
    with pytest.raises(Dropped, match="contradict each other"):  # the example prefers A in both orders
        rehearse(Pairs(language=language), QUESTION, answer=lambda ask, example: Reply((example, f"{example}!")))


@pytest.mark.parametrize("language", LANGUAGES)
def test_hostile_texts_stay_in_their_quotation(language: Language) -> None:
    given = item(HOSTILE, HOSTILE, HOSTILE)
    templates = check_quotations(Pairs(language=language), given, answer=judged_by(longer, HOSTILE[:5], HOSTILE[:6]))
    assert templates == {f"pairs/answer.{language}.jinja", f"pairs/verdict.{language}.jinja"}


def test_special_tokens_are_broken_in_all_turns_of_the_prompt() -> None:
    given = item("a<|im_end|>", "b<|im_end|>", "c<|im_end|>")
    made, rendered = rehearse(Pairs(), given, answer=judged_by(longer, "x", "xy"))
    assert "<|im_end|>" not in str(rendered)
    assert isinstance(made.record, Preference) and made.record.prompt[0].content == "a<|im_end|>"


def test_the_settings_are_those_of_the_roles() -> None:
    chain = Pairs(count=3).chain(QUESTION, QUESTION.random(0))
    ask = next(chain)
    assert (ask.by, ask.sampling.n, ask.sampling.temperature) == ("teacher", 3, 0.7)
    ask = chain.send(Reply(("a", "b", "c")))
    assert (ask.by, ask.sampling.n, ask.sampling.temperature) == ("judge", 1, 0)


def test_a_judge_that_is_right_never_yields_a_swapped_pair() -> None:
    random = Random(0)
    for seed in range(1_000):
        lengths = random.sample(range(1, 50), random.randint(2, 5))
        found = pair(longer, *("x" * length for length in lengths), seed=seed)
        assert len(found.chosen) == max(lengths)
        assert len(found.rejected) < len(found.chosen)


@pytest.mark.parametrize("verdict", ["[[A]]", "[[B]]"])
def test_a_judge_that_always_names_one_side_yields_nothing(verdict: str) -> None:
    for seed in range(100):
        with pytest.raises(Dropped, match="contradict each other"):
            pair(lambda first, second: verdict, "a", "b", "c", seed=seed)


@pytest.mark.parametrize(
    ("a_first", "b_first", "reason"),
    [
        ("[[C]]", "[[C]]", "the answers are tied"),
        ("I cannot say.", "Nor can I.", "no verdict can be read"),
        ("[[A]]", "?", "one of two verdicts cannot be read"),
        ("?", "[[C]]", "one of two verdicts cannot be read"),
        ("[[A]]", "[[C]]", "one of two verdicts is a tie"),
        ("[[tie]]", "[[B]]", "one of two verdicts is a tie"),
    ],
)
def test_other_verdicts_have_reasons_of_their_own(a_first: str, b_first: str, reason: str) -> None:
    for seed in range(4):
        with pytest.raises(Dropped, match=reason):
            pair(lambda first, second: a_first if first == "a" else b_first, "a", "b", seed=seed)


def test_equal_answers_are_no_pair() -> None:
    with pytest.raises(Dropped, match="alike"):
        pair(longer, "same", " same\n", "same")


def test_the_order_of_answers_depends_on_the_key_and_the_seed_alone() -> None:
    def first_shown(seed: int) -> str:
        chain = Pairs().chain(QUESTION, QUESTION.random(seed))
        next(chain)
        return str(chain.send(Reply(("a", "b"))).values["first"])

    assert [first_shown(seed) for seed in range(20)] == [first_shown(seed) for seed in range(20)]
    assert {first_shown(seed) for seed in range(20)} == {"a", "b"}


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("[[A]]", "A"),
        ("B is longer, but A is right.\n\n[[A]]", "A"),
        ("[[B]]。", "B"),
        ("［［Ａ］］", "A"),
        ("［［B］］", "B"),
        ("[[Ｂ]]", "B"),
        ("[[C]]", "tie"),
        ("［［Ｃ］］", "tie"),
        ("[[tie]]", "tie"),
        ("[[Tie]]", "tie"),
        ("At first [[A]], but no: [[B]]", "B"),
        ("[[A]] [[B]] [[C]]", "tie"),
        ("**[[A]]**", "A"),
        ("[[[A]]]", "A"),
    ],
)
def test_a_verdict_is_read(text: str, verdict: Verdict) -> None:
    assert parse_verdict(text) == verdict


@pytest.mark.parametrize(
    "text",
    [
        "",
        "A",
        "[A]",
        "A is better",
        "[[D]]",
        "[[a]]",
        "[[A]",
        "[A]]",
        "[[AB]]",
        "[[A B]]",
        "((A))",
        "【【A】】",
        "[[]]",
        "[[A/B]]",
    ],
)
def test_nothing_else_is_a_verdict(text: str) -> None:
    assert parse_verdict(text) is None


def test_only_two_verdicts_of_sixteen_decide() -> None:
    verdicts: tuple[Verdict | None, ...] = ("A", "B", "tie", None)
    decided = {(one, two): decide(one, two) for one in verdicts for two in verdicts}
    won = {orders: result for orders, result in decided.items() if result[0] is not None}
    assert won == {("A", "B"): ("first", ""), ("B", "A"): ("second", "")}
    assert all(reason for winner, reason in decided.values() if winner is None)


def test_the_prompt_ends_with_the_last_question() -> None:
    assert [turn.content for turn in prompt_of(conversation("a", "b", "c", "d"))] == ["a", "b", "c"]
    assert [turn.content for turn in prompt_of(conversation("a", system="s"))] == ["s", "a"]


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (Conversation("c", ()), "no question"),
        (Conversation("c", (Message("system", "a"),)), "no question"),
        (Conversation("c", (Message("user", " "),)), "no question"),
        (Conversation("c", (Message("user", "a"),), tools=({"type": "function"},)), "uses tools"),
        (Conversation("c", (Message("user", "a"), Message("tool", "b"))), "uses tools"),
    ],
)
def test_other_conversations_are_dropped(record: Conversation, reason: str) -> None:
    with pytest.raises(Dropped, match=reason):
        rehearse(Pairs(), Item("key", record=record))
