import dataclasses
import functools

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tanuki_jax.config.mixture import ChatForm, TooLong
from tanuki_jax.corpus.chat import builtin
from tanuki_jax.corpus.chat.pretraining import as_text
from tanuki_jax.corpus.chat.template import Template
from tanuki_jax.corpus.records.types import Conversation, Malformed, Message, Preference, Rating, Unused
from tanuki_jax.data.preparation.chat_documents import Example, Refusal, Rendering, examples
from tanuki_jax.data.preparation.work_units import Row
from tanuki_jax.data.tokenizer.chat_tokens import EncodedChat, encode_chat
from tanuki_jax.data.tokenizer.load import Tokenizer

TANUKI = builtin.find("tanuki")


def rendering(form: ChatForm, sequence_length: int = 10_000, template: Template = TANUKI) -> Rendering:
    return Rendering(form, template, sequence_length)


def chat(*contents: str) -> tuple[Message, ...]:
    return tuple(Message(("user", "assistant")[n % 2], content) for n, content in enumerate(contents))


def pair(prompt: tuple[str, ...], chosen: str, rejected: str) -> Preference:
    return Preference("p", chat(*prompt), chosen, rejected)


def made(
    tokenizer: Tokenizer, how: Rendering, *records: Conversation | Preference | Rating | Malformed | Unused
) -> list[Example | Refusal]:
    return list(examples([Row(0, number, record) for number, record in enumerate(records)], tokenizer, how))


def one(
    tokenizer: Tokenizer, how: Rendering, *records: Conversation | Preference | Rating | Malformed | Unused
) -> Example:
    (example,) = made(tokenizer, how, *records)
    assert isinstance(example, Example), example
    return example


def learned_text(tokenizer: Tokenizer, document: EncodedChat) -> str:
    return tokenizer.decode(document.ids[document.learned])


def test_a_chat_is_one_document_whose_answers_are_learned(tokenizer: Tokenizer) -> None:
    conversation = Conversation("c", chat("東京 x = 1", "吾輩は猫である。", "名前は", "まだ無い。"))
    example = one(tokenizer, rendering("chat"), conversation)
    (document,) = example.documents
    expected = encode_chat(tokenizer, TANUKI, conversation.messages)
    np.testing.assert_array_equal(document.ids, expected.ids)
    np.testing.assert_array_equal(document.learned, expected.learned)
    assert learned_text(tokenizer, document).replace(" ", "") == "吾輩は猫である。まだ無い。"
    assert example.texts == (example.hashed,) == (as_text(conversation),) and example.shortened == ""


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    exchanges=st.lists(st.tuples(st.integers(1, 20), st.integers(1, 20)), min_size=1, max_size=4),
    sequence_length=st.integers(60, 160),
)
def test_a_long_chat_loses_its_last_exchanges_and_no_more(
    tokenizer: Tokenizer, exchanges: list[tuple[int, int]], sequence_length: int
) -> None:
    messages = chat(*(text for question, answer in exchanges for text in ("本" * question, "狸" * answer)))
    lengths = [len(encode_chat(tokenizer, TANUKI, messages[:stop]).ids) for stop in range(2, len(messages) + 1, 2)]
    fitting = sum(length <= sequence_length + 1 for length in lengths)
    (result,) = made(tokenizer, rendering("chat", sequence_length), Conversation("c", messages))
    if not fitting:
        assert isinstance(result, Refusal) and result.kind == "dropped"
        assert result.reason.startswith(
            f"{lengths[-1]:,} tokens are more than data.sequence_length + 1 = {sequence_length + 1:,}"
        )
        return
    assert isinstance(result, Example)
    assert result.hashed == as_text(Conversation("c", messages[: 2 * fitting]))
    assert result.documents[0].ids.tolist() == encode_chat(tokenizer, TANUKI, messages[: 2 * fitting]).ids.tolist()
    assert bool(result.shortened) == (fitting < len(exchanges))
    assert not result.shortened or result.shortened.endswith(
        f"the first {2 * fitting} of {len(messages)} messages are kept"
    )


def test_a_chat_fits_up_to_the_last_token(tokenizer: Tokenizer) -> None:
    conversation = Conversation("c", chat("東京", "吾輩は", "名前は", "まだ無い。"))
    complete, first = (len(encode_chat(tokenizer, TANUKI, conversation.messages[:stop]).ids) for stop in (4, 2))
    kept = [
        made(tokenizer, rendering("chat", length), conversation)[0]
        for length in (complete - 1, complete - 2, first - 1, first - 2)
    ]
    sizes = [len(each.documents[0].ids) if isinstance(each, Example) else each.kind for each in kept]
    assert sizes == [complete, first, first, "dropped"]


def test_only_the_last_answer_of_a_preference_is_learned(tokenizer: Tokenizer) -> None:
    preference = pair(("東京", "まだ無い。", "名前は"), "吾輩は", "本を読んだ。")
    example = one(tokenizer, rendering("preference"), preference)
    assert [learned_text(tokenizer, document).strip() for document in example.documents] == ["吾輩は", "本を読んだ。"]
    prompt = encode_chat(tokenizer, TANUKI, preference.prompt, prompt=True).ids.tolist()
    for document in example.documents:
        begins = int(np.flatnonzero(document.learned)[0])
        assert document.ids[:begins].tolist() == prompt[:begins] and begins >= len(prompt) - 1
        assert document.learned[begins : begins + 2].all()
    assert example.hashed == "user: 東京\nassistant: まだ無い。\nuser: 名前は"


def test_a_pair_fits_if_both_documents_fit_into_one_row(tokenizer: Tokenizer) -> None:
    preference = pair(("東京",), "吾輩は", "本を読んだ。")
    positions = sum(len(document.ids) - 1 for document in one(tokenizer, rendering("preference"), preference).documents)
    assert isinstance(made(tokenizer, rendering("preference", positions), preference)[0], Example)
    (refused,) = made(tokenizer, rendering("preference", positions - 1), preference)
    assert isinstance(refused, Refusal) and refused.kind == "dropped"
    assert f"take {positions} positions of a row, and data.sequence_length is {positions - 1}" in refused.reason


def test_records_that_teach_nothing_are_refused(tokenizer: Tokenizer) -> None:
    nothing = Template("{{ messages[0].content }}{% generation %}{% endgeneration %}", "nothing")
    picky = Template("{{ raise_exception('no systems here') }}{% generation %}{% endgeneration %}", "picky")
    unheard = Template("{{ messages[0].content }}{% generation %}!{% endgeneration %}", "unheard")
    conversation = Conversation("c", chat("東京", "吾輩は"))
    cases: list[tuple[Rendering, Conversation | Preference | Rating | Malformed | Unused, str, str]] = [
        (rendering("chat", template=nothing), conversation, "malformed", "no token of it is learned"),
        (rendering("chat", template=picky), conversation, "malformed", "no systems here"),
        (rendering("preference", template=unheard), pair(("東京",), "吾輩は", "名前は"), "unused", "the same tokens"),
        (rendering("preference"), Unused("chosen equals rejected"), "unused", "chosen equals rejected"),
        (rendering("chat"), Malformed("not JSON"), "malformed", "not JSON"),
    ]
    for how, record, kind, reason in cases:
        (refused,) = made(tokenizer, how, record)
        assert isinstance(refused, Refusal) and refused.kind == kind and reason in refused.reason


def test_an_answer_that_is_not_to_be_learned_is_context(tokenizer: Tokenizer) -> None:
    first, second = chat("東京", "吾輩は"), chat("大阪", "猫である。")
    flagged = (first[0], dataclasses.replace(first[1], weight=0.0), *second)
    whole, kept = (
        made(tokenizer, rendering("chat"), Conversation("c", messages))[0] for messages in ((*first, *second), flagged)
    )
    assert isinstance(whole, Example) and isinstance(kept, Example)
    np.testing.assert_array_equal(whole.documents[0].ids, kept.documents[0].ids)
    assert learned_text(tokenizer, kept.documents[0]).strip() == "猫である。"
    assert learned_text(tokenizer, whole.documents[0]) != learned_text(tokenizer, kept.documents[0])


def test_a_third_document_has_the_answer_of_the_record_before(tokenizer: Tokenizer) -> None:
    answers = ["吾輩は", "猫である。", "名前は"]
    records = [pair((f"東京{number}",), answer, "x = 1") for number, answer in enumerate(answers)]
    results = made(tokenizer, rendering("kto"), records[0], Malformed("bad"), records[1], records[2])
    assert [each.row.row for each in results] == [1, 0, 2, 3] and isinstance(results[0], Refusal)
    documents = [each.documents for each in results[1:] if isinstance(each, Example)]
    learned = [[learned_text(tokenizer, document).strip() for document in three] for three in documents]
    assert learned == [
        ["吾輩は", "x = 1", "猫である。"],
        ["猫である。", "x = 1", "吾輩は"],
        ["名前は", "x = 1", "猫である。"],
    ]
    prompts = [[tokenizer.decode(document.ids[~document.learned]) for document in three] for three in documents]
    assert all(len(set(three)) == 1 and f"東京{number}" in three[0] for number, three in enumerate(prompts))


def test_a_single_record_has_no_other_answer(tokenizer: Tokenizer) -> None:
    (refused,) = made(tokenizer, rendering("kto"), pair(("東京",), "吾輩は", "x = 1"))
    assert (
        isinstance(refused, Refusal)
        and refused.kind == "malformed"
        and "no record with another prompt" in refused.reason
    )


def test_the_name_of_a_token_in_a_message_stays_text(tokenizer: Tokenizer) -> None:
    spelled = Conversation("c", chat("</s>", "</s> 狸"))
    encode = functools.partial(encode_chat, tokenizer, TANUKI)
    plain = dataclasses.replace(spelled, messages=chat("東京", "狸"))
    ends = [int((encode(each.messages).ids == tokenizer.eos).sum()) for each in (spelled, plain)]
    (document,) = one(tokenizer, rendering("chat"), spelled).documents
    assert int((document.ids == tokenizer.eos).sum()) == ends[0] == ends[1]


def test_only_the_last_answer_may_be_learned(tokenizer: Tokenizer) -> None:
    conversation = Conversation("c", chat("東京", "吾輩は", "名前は", "まだ無い。"))
    how = dataclasses.replace(rendering("chat"), learn="last")
    (document,) = one(tokenizer, how, conversation).documents
    assert learned_text(tokenizer, document).replace(" ", "") == "まだ無い。"
    assert how.settings == rendering("chat").settings | {"learn": "last"}


def test_of_a_shortened_chat_the_last_kept_answer_is_learned(tokenizer: Tokenizer) -> None:
    messages = chat("東京", "吾輩は", "名前は", "まだ無い。" * 30)
    length = len(encode_chat(tokenizer, TANUKI, messages[:2]).ids) + 5
    how = dataclasses.replace(rendering("chat", length), learn="last")
    kept = one(tokenizer, how, Conversation("c", messages))
    assert learned_text(tokenizer, kept.documents[0]).replace(" ", "") == "吾輩は" and kept.shortened
    silent = (messages[0], dataclasses.replace(messages[1], weight=0.0), *messages[2:])
    (dropped,) = made(tokenizer, rendering("chat", length), Conversation("c", silent))
    assert isinstance(dropped, Refusal) and dropped.kind == "dropped" and "or its learned answer," in dropped.reason
    (unused,) = made(tokenizer, how, Conversation("c", silent[:2]))
    assert isinstance(unused, Refusal) and unused.kind == "unused"
    assert dataclasses.replace(rendering("kto"), learn="last").settings == rendering("kto").settings


def test_the_other_answer_is_one_to_another_prompt(tokenizer: Tokenizer) -> None:
    rated = [Rating(f"{n}", chat(prompt), answer, True) for n, (prompt, answer) in enumerate(RATED)]
    examples = [each for each in made(tokenizer, rendering("kto"), *rated) if isinstance(each, Example)]
    others = {each.row.row: learned_text(tokenizer, each.documents[2]).replace(" ", "") for each in examples}
    assert others == {0: "まだ無い。", 1: "まだ無い。", 2: "猫である。", 3: "猫である。", 4: "ある。"}
    (alone,) = {each.kind for each in made(tokenizer, rendering("kto"), *rated[:2]) if isinstance(each, Refusal)}
    assert alone == "malformed"


RATED = [
    ("東京", "吾輩は"),
    ("東京", "猫である。"),
    ("名前は", "まだ無い。"),
    ("名前は", "ある。"),
    ("本を", "読んだ。"),
]


def test_an_answer_keeps_its_weight(tokenizer: Tokenizer) -> None:
    question, half, again, whole = chat("東京", "吾輩は", "名前は", "まだ無い。")
    messages = (question, dataclasses.replace(half, weight=0.25), again, whole)
    (document,) = one(tokenizer, rendering("chat"), Conversation("c", messages)).documents
    assert sorted(set(document.weights.tolist())) == [0, 0.25, 1]
    assert tokenizer.decode(document.ids[document.weights == 0.25]).replace(" ", "") == "吾輩は"


def test_a_chat_that_is_too_long_can_be_truncated_or_dropped(tokenizer: Tokenizer) -> None:
    conversation = Conversation("c", chat("東京", "吾輩は猫である。" * 3, "名前は", "まだ無い。"))
    whole = encode_chat(tokenizer, TANUKI, conversation.messages)
    length = len(encode_chat(tokenizer, TANUKI, conversation.messages[:2]).ids) - 5
    cut = one(tokenizer, dataclasses.replace(rendering("chat", length), too_long="truncate"), conversation)
    np.testing.assert_array_equal(cut.documents[0].ids, whole.ids[: length + 1])
    np.testing.assert_array_equal(cut.documents[0].weights, whole.weights[: length + 1])
    assert cut.shortened.endswith(f": the first {length + 1} tokens are kept")
    cases: list[tuple[TooLong, int, str]] = [
        ("drop", length, "too_long of the source can be"),
        ("truncate", 5, "no learned token would be"),
    ]
    for how, short, reason in cases:
        (refused,) = made(tokenizer, dataclasses.replace(rendering("chat", short), too_long=how), conversation)
        assert isinstance(refused, Refusal) and refused.kind == "dropped" and reason in refused.reason


def test_answers_that_are_too_long_can_be_shortened(tokenizer: Tokenizer) -> None:
    preference = pair(("東京", "吾輩は猫である。" * 3, "名前は"), "まだ無い。", "ある。")
    last, whole = pair(("名前は",), "まだ無い。", "ある。"), rendering("preference")
    expected, complete = one(tokenizer, whole, last), one(tokenizer, whole, preference)
    length = sum(len(document.ids) - 1 for document in expected.documents) + 2
    how = rendering("preference", length)
    (dropped,) = made(tokenizer, how, preference)
    assert isinstance(dropped, Refusal) and dropped.kind == "dropped" and "too_long of the source" in dropped.reason
    kept = one(tokenizer, dataclasses.replace(how, too_long="exchanges"), preference)
    for ours, theirs in zip(kept.documents, expected.documents, strict=True):
        np.testing.assert_array_equal(ours.ids, theirs.ids)
    assert kept.shortened.endswith("the last 1 of 3 messages of the prompt are kept")
    assert kept.hashed == complete.hashed  # whether it is held out does not depend on its length
    longest = max(len(document.ids) for document in complete.documents)
    room = 2 * longest - 4
    cut = one(tokenizer, dataclasses.replace(rendering("preference", room), too_long="truncate"), preference)
    assert sum(len(document.ids) - 1 for document in cut.documents) <= room
    for ours, theirs in zip(cut.documents, complete.documents, strict=True):
        np.testing.assert_array_equal(ours.ids, theirs.ids[: len(ours.ids)])


def test_a_rated_answer_is_the_first_or_second_document(tokenizer: Tokenizer) -> None:
    records: list[Rating | Preference] = [
        Rating("g", chat("東京"), "吾輩は", True),
        Rating("b", chat("名前は"), "まだ無い。", False),
        pair(("東京 x",), "猫である。", "ある。"),
    ]
    good, bad, both = made(tokenizer, rendering("kto"), *records)
    assert isinstance(good, Example) and isinstance(bad, Example) and isinstance(both, Example)
    texts = [
        [learned_text(tokenizer, each).replace(" ", "") for each in example.documents] for example in (good, bad, both)
    ]
    assert texts == [["吾輩は", "", "まだ無い。"], ["", "まだ無い。", "吾輩は"], ["猫である。", "ある。", "まだ無い。"]]
    assert [len(each.ids) == 1 for each in (*good.documents, *bad.documents)] == [
        False,
        True,
        False,
        True,
        False,
        False,
    ]
    assert good.hashed == as_text(Conversation("", chat("東京"))) and bad.texts[0] == ""


def test_tools_and_reasoning_reach_the_template_and_the_hash(tokenizer: Tokenizer) -> None:
    source = (
        "{{ tools | tojson }}{{ messages[0].content }}{% generation %}{{ messages[1].reasoning }}x{% endgeneration %}"
    )
    template, thought = Template(source, "t"), {"role": "assistant", "content": "a", "reasoning": "猫"}
    messages = (Message("user", "東京"), Message("assistant", "a", fields=thought))
    with_tools = Conversation("c", messages, tools=({"name": "f"},))
    example = one(tokenizer, rendering("chat", template=template), with_tools)
    assert '[{"name": "f"}]' in tokenizer.decode(example.documents[0].ids).replace(" ", "").replace(":", ": ")
    assert "猫" in learned_text(tokenizer, example.documents[0]) and '"reasoning": "猫"' in example.hashed
    (refused,) = made(tokenizer, rendering("chat"), with_tools)
    assert isinstance(refused, Refusal) and refused.kind == "malformed" and "does not read reasoning" in refused.reason
