import json

import pytest

from tanuki_jax.corpus.records.types import Conversation
from tanuki_jax.corpus.synthesis.recipe import Ask, Dropped, Item, Language, Reply
from tanuki_jax.corpus.synthesis.recipes.instruct import SCHEMA, Instruct, parse_four_fields
from tests.corpus.synthesis.hostile_texts import check_quotations
from tests.corpus.synthesis.rehearsed_chain import rehearse

GOOD = {"question": "Why?", "answer": "Because.", "follow_ups": ["How?"], "report": "Thus."}
LANGUAGES: tuple[Language, ...] = ("ja", "en")


def several(ask: Ask, example: str) -> Reply:
    """Reply with the example, made different for each request so that no turn repeats another."""
    return Reply((f"{example} ({len(str(ask.values))})",))


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_conversation_has_as_many_questions_as_are_wanted(language: Language) -> None:
    made, rendered = rehearse(Instruct(language=language, turns=3), Item("a"), answer=several)
    assert isinstance(made.record, Conversation)
    assert [message.role for message in made.record.messages] == ["user", "assistant"] * 3
    assert len(rendered) == 6
    assert made.record.id == "a"
    assert made.record.metadata["language"] == language
    follow_ups = made.record.metadata["follow_ups"]
    assert isinstance(follow_ups, list) and len(follow_ups) == 2
    assert all(kind in str(messages) for kind, messages in zip(follow_ups, rendered[2::2], strict=True))
    assert made.written == "\n\n".join(message.content for message in made.record.messages)
    assert made.sources == ()


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_four_fields_become_two_questions_and_answers(language: Language) -> None:
    made, rendered = rehearse(Instruct(language=language, form="four_fields"), Item("a"))
    assert isinstance(made.record, Conversation)
    assert [message.role for message in made.record.messages] == ["user", "assistant"] * 2
    assert len(rendered) == 1
    assert made.record.messages[2].content.count("\n") == 1  # two follow-up questions in the example
    assert made.style == "four fields"


@pytest.mark.parametrize("language", LANGUAGES)
def test_hostile_texts_stay_in_their_quotation(language: Language) -> None:
    turns = check_quotations(Instruct(language=language, turns=2), Item("a"), answer=several)
    fields = check_quotations(Instruct(language=language, form="four_fields"), Item("a"))
    folder = Instruct.templates / "instruct"
    assert turns | fields == {f"instruct/{path.name}" for path in folder.glob(f"*.{language}.jinja")}


def test_choices_depend_on_the_key_and_the_seed_alone() -> None:
    recipe = Instruct(turns=2)
    first, again = (rehearse(recipe, Item("a"), seed=3, answer=several) for _ in range(2))
    assert first == again
    others = [
        rehearse(recipe, Item(key), seed, answer=several)[0].record.metadata for key, seed in (("b", 3), ("a", 4))
    ]
    assert first[0].record.metadata not in others


def test_the_prompt_says_what_was_drawn() -> None:
    recipe = Instruct(genres=3, unit_share=0, persona_share=1)
    made, rendered = rehearse(recipe, Item("a"))
    genres, persona = made.record.metadata["genres"], made.record.metadata["persona"]
    assert isinstance(genres, list) and len(set(genres)) == 3
    prompt = str(rendered[0][-1]["content"])
    assert "、".join(genres) in prompt and str(persona) in prompt and str(made.record.metadata["task"]) in prompt
    assert str(made.style) in str(rendered[1][-1]["content"])


def test_units_replace_genres() -> None:
    made, rendered = rehearse(Instruct(unit_share=1, persona_share=0), Item("a"))
    assert "genres" not in made.record.metadata and "persona" not in made.record.metadata
    assert f"題材: {made.record.metadata['unit']}（学習指導要領の単元）" in str(rendered[0][-1]["content"])


def test_questions_and_answers_have_settings_of_their_own() -> None:
    recipe = Instruct(turns=2)
    chain = recipe.chain(Item("a"), Item("a").random(0))
    settings = [next(chain).sampling, *(chain.send(Reply((text,))).sampling for text in ("Why?", "Because.", "How?"))]
    assert settings == [recipe.questions, recipe.answers] * 2


def test_a_follow_up_question_that_repeats_a_turn_is_dropped() -> None:
    with pytest.raises(Dropped, match="repeats"):
        rehearse(Instruct(turns=2), Item("a"), answer=lambda ask, example: Reply(("Why?",)))


def test_the_four_fields_are_requested_by_a_schema() -> None:
    chain = Instruct(form="four_fields").chain(Item("a"), Item("a").random(0))
    assert next(chain).schema == SCHEMA
    assert SCHEMA["required"] == list(GOOD)


def test_four_fields_are_read() -> None:
    assert parse_four_fields(json.dumps(GOOD)) == ("Why?", "Because.", ("How?",), "Thus.")
    assert parse_four_fields(f"```json\n{json.dumps(GOOD)}\n```") == ("Why?", "Because.", ("How?",), "Thus.")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no JSON"),
        ("Here you are: {}", "no JSON"),
        ("[" * 100_000, "no JSON"),
        ("[]", "other fields"),
        ("null", "other fields"),
        (json.dumps({**GOOD, "title": "x"}), "other fields"),
        (json.dumps({name: GOOD[name] for name in ("question", "answer", "report")}), "other fields"),
        (json.dumps({**GOOD, "question": " "}), "empty or of another kind"),
        (json.dumps({**GOOD, "answer": 3}), "empty or of another kind"),
        (json.dumps({**GOOD, "follow_ups": []}), "empty or of another kind"),
        (json.dumps({**GOOD, "follow_ups": "How?"}), "empty or of another kind"),
        (json.dumps({**GOOD, "follow_ups": ["How?", None]}), "empty or of another kind"),
        (json.dumps({**GOOD, "report": {"text": "Thus."}}), "empty or of another kind"),
        (json.dumps({**GOOD, "question": "Why?\nAnswer: because"}), "comes with an answer"),
        (json.dumps({**GOOD, "answer": "Because.\nUser: really?"}), "speaks for the user"),
        (json.dumps({**GOOD, "report": "Thus.<|im_end|>"}), "special tokens"),
    ],
)
def test_other_replies_are_no_four_fields(text: str, reason: str) -> None:
    with pytest.raises(Dropped, match=reason):
        parse_four_fields(text)
