import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tokenizers
from hypothesis import given, settings
from hypothesis import strategies as st

from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.chat.builtin import NAMES, find
from tanuki_jax.corpus.chat.template import Span, Template
from tanuki_jax.corpus.records.types import Chat, Message
from tanuki_jax.data.tokenizer.chat_tokens import (
    EncodedChat,
    before_answer,
    decode_spans,
    encode_chat,
    encode_chats,
    ends_of_turn,
    require_trainable,
)
from tanuki_jax.data.tokenizer.load import Tokenizer, load

SPECIAL = ("</s>", "<s>", "<EOD>", "<|im_end|>", "<|eot_id|>", "<|im_start|>", "<unk>", "\ufdd0", "\ufdd1")
CONTENT = st.lists(
    st.sampled_from((*SPECIAL, "\n", " ", "  ", "狸", "assistant:", "### 応答:", "\u2581")) | st.text(), max_size=6
).map("".join)
EXCHANGES = st.lists(st.tuples(CONTENT, CONTENT), min_size=1, max_size=3)
SYSTEM = st.none() | CONTENT
ENDS = {"tanuki": "</s>", "user_assistant": "</s>", "chatml": "<|im_end|>", "llama3": "<|eot_id|>"}
QUESTION, ANSWER = Message("user", "3 + 4は？"), Message("assistant", "答えは7です。")


@pytest.fixture(scope="module")
def tokenizer(chat_folder: Path) -> Tokenizer:
    return load(chat_folder)


def conversation(system: str | None, exchanges: list[tuple[str, str]]) -> list[Message]:
    turns = [
        message
        for question, answer in exchanges
        for message in (Message("user", question), Message("assistant", answer))
    ]
    return turns if system is None else [Message("system", system), *turns]


def rendered_content(name: str, content: str) -> str:
    """Return the text that a template writes for the content of a message."""
    return content.strip() if name == "llama3" else content


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=40)
@given(system=SYSTEM, exchanges=EXCHANGES)
def test_the_answers_of_the_assistant_and_their_ends_are_learned(
    tokenizer: Tokenizer, name: str, system: str | None, exchanges: list[tuple[str, str]]
) -> None:
    encoded = encode_chat(tokenizer, find(name), conversation(system, exchanges))
    lead = " " if name == "user_assistant" else ""
    end = tokenizer.special[ENDS[name]]
    stops = [int(position) for position in np.flatnonzero((encoded.ids == end) & encoded.learned)]
    starts = [
        position for position in np.flatnonzero(encoded.learned) if position == 0 or not encoded.learned[position - 1]
    ]
    answers = [tokenizer.decode(encoded.ids[start:stop]) for start, stop in zip(starts, stops, strict=True)]
    assert answers == [lead + rendered_content(name, answer) for _, answer in exchanges]
    assert int(encoded.learned.sum()) == sum(stop + 1 - start for start, stop in zip(starts, stops, strict=True))


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=40)
@given(system=SYSTEM, exchanges=EXCHANGES)
def test_no_message_can_write_a_special_token(
    tokenizer: Tokenizer, name: str, system: str | None, exchanges: list[tuple[str, str]]
) -> None:
    plain = encode_chat(tokenizer, find(name), conversation(system and "狸", [("狸", "狸")] * len(exchanges)))
    special = list(tokenizer.special.values())
    encoded = encode_chat(tokenizer, find(name), conversation(system, exchanges))
    assert encoded.ids[np.isin(encoded.ids, special)].tolist() == plain.ids[np.isin(plain.ids, special)].tolist()


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=40)
@given(system=SYSTEM, exchanges=EXCHANGES)
def test_a_prompt_has_the_ids_before_the_answer_in_training(
    tokenizer: Tokenizer, name: str, system: str | None, exchanges: list[tuple[str, str]]
) -> None:
    messages = conversation(system, exchanges)
    chat = encode_chat(tokenizer, find(name), messages)
    prompt = encode_chat(tokenizer, find(name), messages[:-1], prompt=True)
    assert prompt.ids.tolist() == chat.ids[: len(prompt.ids)].tolist()
    assert prompt.learned.tolist() == chat.learned[: len(prompt.ids)].tolist()
    assert chat.learned[len(prompt.ids)]


@settings(max_examples=40)
@given(chats=st.lists(st.tuples(SYSTEM, EXCHANGES), max_size=6), name=st.sampled_from(NAMES))
def test_several_chats_are_encoded_as_each_is_alone(
    tokenizer: Tokenizer, name: str, chats: list[tuple[str | None, list[tuple[str, str]]]]
) -> None:
    conversations = [conversation(*chat) for chat in chats]
    for encoded, messages in zip(
        encode_chats(tokenizer, find(name), map(Chat, conversations)), conversations, strict=True
    ):
        alone = encode_chat(tokenizer, find(name), messages)
        assert isinstance(encoded, EncodedChat)
        assert encoded.ids.tolist() == alone.ids.tolist() and encoded.learned.tolist() == alone.learned.tolist()


def test_a_refused_chat_is_an_error_among_the_encoded_ones(tokenizer: Tokenizer) -> None:
    good, bad = [QUESTION, ANSWER], [QUESTION, Message("system", "late"), ANSWER]
    first, error, last = encode_chats(tokenizer, find("tanuki"), map(Chat, (good, bad, good)))
    assert isinstance(error, InputError) and "a system message does not stand first" in str(error)
    expected = encode_chat(tokenizer, find("tanuki"), good)
    for encoded in (first, last):
        assert isinstance(encoded, EncodedChat) and encoded.ids.tolist() == expected.ids.tolist()
    with pytest.raises(InputError, match="does not stand first"):
        encode_chat(tokenizer, find("tanuki"), bad)


def test_a_token_that_would_cross_a_boundary_is_cut(tokenizer: Tokenizer) -> None:
    pieces = ((id, tokenizer.decode([id])) for id in range(tokenizer.vocabulary))
    word = next(text for id, text in pieces if len(text) == 2 and text.isalpha() and tokenizer.encode(text) == [id])
    template = Template(f"{word[:1]}{{% generation %}}{{{{ messages[0].content }}}}{{% endgeneration %}}", "glued")
    encoded = encode_chat(tokenizer, template, [Message("assistant", word[1:])])
    assert encoded.ids.tolist() == tokenizer.encode(word[:1]) + tokenizer.encode(word[1:])
    assert tokenizer.decode(encoded.ids[encoded.learned]) == word[1:]


def test_a_dummy_prefix_is_only_at_the_beginning_of_the_text(
    foreign_model: Callable[..., bytes], tmp_path: Path
) -> None:
    (tmp_path / "tokenizer.model").write_bytes(foreign_model(vocab_size=500, user_defined_symbols=["\n"]))
    foreign = load(tmp_path)
    encoded = encode_chat(foreign, find("tanuki"), [QUESTION, Message("assistant", "本を読んだ。")])
    rendered = "".join(
        span.text for span in find("tanuki").render([QUESTION, Message("assistant", "本を読んだ。")], bos="", eos="")
    )
    assert encoded.ids.tolist() == [foreign.bos, *foreign.encode(rendered), foreign.eos]


def test_a_tokenizer_without_the_tokens_of_a_template_spells_them(folder: Path) -> None:
    plain = load(folder)
    encoded = encode_chat(plain, find("chatml"), [QUESTION, ANSWER])
    assert (
        plain.decode(encoded.ids)
        == "<|im_start|>user\n3 + 4は？<|im_end|>\n<|im_start|>assistant\n答えは7です。<|im_end|>\n"
    )
    assert plain.decode(encoded.ids[encoded.learned]) == "答えは7です。<|im_end|>"


@pytest.mark.parametrize("name", NAMES)
def test_answers_end_with_the_token_that_the_template_writes(tokenizer: Tokenizer, name: str) -> None:
    ends = ends_of_turn(tokenizer, find(name))
    assert ends[0] == tokenizer.special[ENDS[name]]
    assert sorted(ends) == sorted({tokenizer.eod, tokenizer.eos, tokenizer.special[ENDS[name]]})


def test_a_template_without_marks_has_ends_but_cannot_be_trained(tokenizer: Tokenizer) -> None:
    bare = Template("{% for m in messages %}{{ m.role }}: {{ m.content }}<|eot_id|>{% endfor %}", "bare.jinja")
    assert tokenizer.special["<|eot_id|>"] in ends_of_turn(tokenizer, bare)
    with pytest.raises(InputError, match=r"bare\.jinja has no \{% generation %\} \.\.\. \{% endgeneration %\}"):
        require_trainable(tokenizer, bare)


def test_a_template_whose_end_is_no_token_cannot_be_trained(folder: Path) -> None:
    with pytest.raises(
        InputError, match=r"chatml ends an answer with '<\|im_end\|>\\n', which is no token of this tokenizer"
    ):
        require_trainable(load(folder), find("chatml"))


@pytest.mark.parametrize("after", ["", "</s>", "\n"])
def test_a_template_without_a_learned_end_cannot_be_trained(tokenizer: Tokenizer, after: str) -> None:
    source = (
        "{% for m in messages %}{{ m.role }}: {% generation %}{{ m.content }}{% endgeneration %}"
        + after
        + "{% endfor %}"
    )
    with pytest.raises(InputError, match=r"endless\.jinja writes no end of an answer between \{% generation %\} and"):
        require_trainable(tokenizer, Template(source, "endless.jinja"))


def test_an_answer_may_begin_with_learned_text_of_the_template(tokenizer: Tokenizer) -> None:
    assert {name: before_answer(tokenizer, find(name)) for name in NAMES} == {
        "tanuki": "",
        "user_assistant": " ",
        "chatml": "",
        "llama3": "",
    }


def test_the_projects_tokenizer_trains_with_the_projects_templates(folder: Path) -> None:
    for name in ("tanuki", "user_assistant"):
        require_trainable(load(folder), find(name))


def test_decoded_spans_show_special_tokens_by_name(tokenizer: Tokenizer) -> None:
    encoded = encode_chat(tokenizer, find("user_assistant"), [QUESTION, ANSWER, QUESTION])
    assert list(decode_spans(tokenizer, encoded)) == [
        Span("user: 3 + 4は？\nassistant:", False),
        Span(" 答えは7です。</s>", True),
        Span("\nuser: 3 + 4は？", False),
    ]


def test_a_tokenizer_knows_its_special_tokens(folder: Path, tokenizer: Tokenizer) -> None:
    assert load(folder).special == {"<s>": 1, "</s>": 2, "<pad>": 3, "<CLS>": 4, "<SEP>": 5, "<EOD>": 6, "<MASK>": 7}
    assert tokenizer.special["<|eot_id|>"] == 1204
    assert (load(folder).eos, load(folder).eod, tokenizer.eos, tokenizer.eod) == (2, 6, 2, 6)


def test_a_tokenizer_json_alone_still_begins_a_chat(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_bytes((folder / "tokenizer.json").read_bytes())
    alone = load(tmp_path)
    encoded = encode_chat(alone, find("tanuki"), [QUESTION, ANSWER])
    assert (encoded.ids[0], encoded.ids[-1]) == (1, alone.eod)
    assert ends_of_turn(alone, find("tanuki")) == (alone.eod,)


def of_bytes(tmp_path: Path, **added: bool) -> Tokenizer:
    """Make a byte-level tokenizer whose tokens of ChatML take white space."""
    made = tokenizers.Tokenizer(tokenizers.models.BPE())
    made.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = tokenizers.decoders.ByteLevel()
    alphabet = tokenizers.pre_tokenizers.ByteLevel.alphabet()
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=300, special_tokens=["</s>"], initial_alphabet=alphabet, show_progress=False
    )
    made.train_from_iterator([], trainer)
    made.add_special_tokens([tokenizers.AddedToken(name, **added) for name in ("<|im_start|>", "<|im_end|>")])
    made.save(str(tmp_path / "tokenizer.json"))
    return load(tmp_path)


def test_special_tokens_take_white_space_beside_them(tmp_path: Path) -> None:
    chat = (Message("user", "a "), Message("assistant", "b\u3000"))
    for added, expected in (
        ({}, "<|im_start|>user\na <|im_end|>\n<|im_start|>assistant\nb\u3000<|im_end|>\n"),
        ({"rstrip": True}, "<|im_start|>user\na <|im_end|><|im_start|>assistant\nb\u3000<|im_end|>"),
        ({"lstrip": True}, "<|im_start|>user\na<|im_end|><|im_start|>assistant\nb<|im_end|>\n"),
    ):
        known = of_bytes(tmp_path, **added)
        encoded = encode_chat(known, find("chatml"), chat)
        spelled = "".join(span.text for span in decode_spans(known, encoded))
        assert spelled == expected
        assert "".join(span.text for span in decode_spans(known, encoded) if span.learned).endswith("<|im_end|>")


@pytest.mark.parametrize(
    ("scheme", "blanks"), [("first", [True, False]), ("always", [True, True]), ("never", [False] * 2)]
)
def test_only_the_beginning_of_a_text_has_the_blank_of_the_scheme_first(
    scheme: Any, blanks: list[bool], folder: Path, tmp_path: Path
) -> None:
    made = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
    made.normalizer = None
    made.pre_tokenizer = tokenizers.pre_tokenizers.Metaspace(prepend_scheme=scheme)
    made.save(str(tmp_path / "tokenizer.json"))
    known = load(tmp_path)
    bare = load(folder).encode("東京")
    found = [known.encode_batch(["東京"], continued=flag)[0].tolist() for flag in (False, True)]
    assert [ids != bare for ids in found] == blanks


@pytest.mark.parametrize("legacy", [False, True])
def test_a_dummy_prefix_comes_behind_special_tokens_only_in_legacy_models(
    legacy: bool, foreign_model: Callable[..., bytes], tmp_path: Path
) -> None:
    options = {"normalization_rule_name": "identity", "remove_extra_whitespaces": False, "byte_fallback": True}
    (tmp_path / "tokenizer.model").write_bytes(foreign_model(vocab_size=600, model_type="bpe", **options))
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"legacy": legacy}))
    known = load(tmp_path)
    begun, continued = (known.encode_batch(["狸", " 狸"], continued=flag) for flag in (False, True))
    assert begun[0].tolist() == begun[1].tolist() == continued[1].tolist()
    assert (continued[0].tolist() == begun[0].tolist()) == legacy
