import dataclasses
import pickle
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.chat.builtin import NAMES, find
from tanuki_jax.corpus.chat.pretraining import as_text
from tanuki_jax.corpus.chat.template import Span, Template, unused
from tanuki_jax.corpus.records.types import Conversation, Message

SYSTEM, USER, ASSISTANT = (
    Message("system", "短く答える。"),
    Message("user", "3 + 4は？"),
    Message("assistant", "7です。"),
)
AGAIN, MORE = Message("user", "足すと？"), Message("assistant", "7。")
CHAT = (SYSTEM, USER, ASSISTANT, AGAIN, MORE)
CONTENTS = st.text(st.sampled_from("a \n{}%\ufdd0\ufdd1\ufdd2")) | st.text()


def rendered(name: str, messages: Sequence[Message], *, prompt: bool = False) -> list[tuple[str, bool]]:
    return [(span.text, span.learned) for span in find(name).render(messages, bos="<s>", eos="</s>", prompt=prompt)]


def text(template: Template, *messages: Message, prompt: bool = False) -> str:
    return "".join(span.text for span in template.render(messages, bos="<s>", eos="</s>", prompt=prompt))


def test_tanuki_has_a_default_system_message_and_ends_each_answer() -> None:
    system = "以下は、タスクを説明する指示です。要求を適切に満たす応答を書きなさい。"
    assert rendered("tanuki", CHAT[1:]) == [
        (f"<s>{system}\n\n### 指示:\n3 + 4は？\n\n### 応答:\n", False),
        ("7です。</s>", True),
        ("\n\n### 指示:\n足すと？\n\n### 応答:\n", False),
        ("7。</s>", True),
    ]


def test_a_system_message_replaces_tanukis_default() -> None:
    assert rendered("tanuki", CHAT[:2], prompt=True) == [
        ("<s>短く答える。\n\n### 指示:\n3 + 4は？\n\n### 応答:\n", False)
    ]


def test_user_assistant_is_the_form_of_pretraining_with_ends_of_answers() -> None:
    spans = rendered("user_assistant", CHAT)
    assert "".join(part for part, _ in spans).replace("</s>", "") == as_text(Conversation("c", CHAT))
    assert [part for part, learned in spans if learned] == [" 7です。</s>", " 7。</s>"]
    assert rendered("user_assistant", CHAT[:2], prompt=True) == [("短く答える。\nuser: 3 + 4は？\nassistant:", False)]


def test_chatml_puts_each_message_between_its_tokens() -> None:
    assert rendered("chatml", CHAT[1:3], prompt=True) == [
        ("<|im_start|>user\n3 + 4は？<|im_end|>\n<|im_start|>assistant\n", False),
        ("7です。<|im_end|>", True),
        ("\n<|im_start|>assistant\n", False),
    ]


def test_llama3_puts_headers_before_messages_and_strips_them() -> None:
    question = "<s><|start_header_id|>user<|end_header_id|>\n\n3 + 4は？<|eot_id|>"
    header = "<|start_header_id|>assistant<|end_header_id|>\n\n"
    assert rendered("llama3", (USER, Message("assistant", "\n7です。 "))) == [
        (question + header, False),
        ("7です。<|eot_id|>", True),
    ]
    assert rendered("llama3", (), prompt=True) == [("<s><|start_header_id|>assistant<|end_header_id|>\n\n", False)]


@pytest.mark.parametrize("name", NAMES)
def test_a_prompt_is_the_beginning_of_the_complete_conversation(name: str) -> None:
    for turns in (CHAT[:2], CHAT[1:2]):
        [prompt] = rendered(name, turns, prompt=True)
        assert rendered(name, (*turns, ASSISTANT))[0] == prompt


@pytest.mark.parametrize("name", ["tanuki", "user_assistant", "chatml"])
@settings(max_examples=40)
@given(question=CONTENTS, answer=CONTENTS)
def test_contents_of_any_characters_are_not_changed(name: str, question: str, answer: str) -> None:
    contents = {"\ue000": question, "\ue001": answer}
    expected = rendered(name, (Message("user", "\ue000"), Message("assistant", "\ue001")))
    spans = rendered(name, (Message("user", question), Message("assistant", answer)))
    assert spans == [
        ("".join(contents.get(character, character) for character in part), learned) for part, learned in expected
    ]


@pytest.mark.parametrize("name", NAMES)
def test_the_templates_of_the_project_mark_learned_text(name: str) -> None:
    assert find(name).marks_learned


def test_a_template_without_marks_learns_nothing() -> None:
    template = Template("{# {% generation %} #}{{ messages[0].content }}", "bare")
    assert not template.marks_learned
    assert template.render([USER], bos="", eos="") == (Span("3 + 4は？", False),)


def test_neighbours_of_one_kind_are_one_span() -> None:
    template = Template(
        "{% for i in range(3) %}{% generation %}{{ i }}{% endgeneration %}{% endfor %}{{ 'x' }}y", "counting"
    )
    assert template.render([], bos="", eos="") == (Span("012", True), Span("xy", False))


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("{{ messages | tojson }}", '[{"role": "user", "content": "3 + 4は？"}]'),
        ("{{ {'b': '<', 'a': 1} | tojson(indent=1, sort_keys=true) }}", '{\n "a": 1,\n "b": "<"\n}'),
        ("{% for m in messages %}{% if m.role == 'user' %}{% break %}{% endif %}{% endfor %}{{ bos_token }}", "<s>"),
        ("  {% if true %}\nline\n  {% endif %}\n", "line\n"),
        ("{{ tools is none }} {{ documents is none }} {{ missing is defined }}", "True True False"),
        ("{{ '20' in strftime_now('%Y-%m-%d') }}", "True"),
        ("{% set ns = namespace(n=1) %}{% for m in messages %}{% set ns.n = ns.n + 1 %}{% endfor %}{{ ns.n }}", "2"),
    ],
)
def test_a_template_has_the_variables_and_filters_of_transformers(source: str, expected: str) -> None:
    assert text(Template(source, "t"), USER) == expected


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("{{ raise_exception('only one turn') }}", "t refuses this conversation: only one turn"),
        ("{{ messages[0].content + 1 }}", "t refuses this conversation: can only concatenate str"),
        ("{{ messages[7]['content']['x'] }}", "t refuses this conversation: .* has no element 7"),
        ("{{ messages.append(1) }}", "t refuses this conversation: .*unsafe"),
        ("{{ ''.__class__.__mro__ }}", "t refuses this conversation: .*unsafe"),
        ("{% macro f(x) %}{{ f(x) }}{% endmacro %}{{ f(1) }}", "t refuses this conversation: maximum recursion"),
    ],
)
def test_a_template_that_raises_is_an_input_error(source: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        text(Template(source, "t"), USER)


@pytest.mark.parametrize("name", ["tanuki", "user_assistant"])
def test_a_system_message_in_the_middle_is_refused(name: str) -> None:
    with pytest.raises(InputError, match="does not stand first"):
        rendered(name, (USER, SYSTEM, ASSISTANT))


def test_a_syntax_error_is_refused_with_its_line() -> None:
    with pytest.raises(InputError, match=r"broken\.jinja is not a Jinja template: line 2: "):
        Template("{{ bos_token }}\n{% if %}", "broken.jinja")
    with pytest.raises(InputError, match="line 1: "):
        Template("{% generation %}{{ messages }}", "open.jinja")


def test_a_template_can_be_pickled_and_is_identified_by_its_source() -> None:
    template = find("tanuki")
    assert pickle.loads(pickle.dumps(template)) == template
    assert Template(template.source, "copy").fingerprint == template.fingerprint != find("chatml").fingerprint


def test_unused_characters_are_in_none_of_the_texts() -> None:
    characters = unused(["".join(map(chr, range(0xFDD0, 0xFDEF))), "\U000f0000"])
    assert [next(characters), next(characters)] == ["\ufdef", "\U000f0001"]


def test_a_break_that_leaves_learned_text_is_refused() -> None:
    source = "{% for m in messages %}{% generation %}{% break %}{% endgeneration %}{% endfor %}"
    with pytest.raises(InputError, match="t is not a Jinja template: 'break' outside loop"):
        Template(source, "t")


def test_a_template_that_reads_the_clock_is_known() -> None:
    assert Template("{{ strftime_now('%Y') }}", "t").reads_clock
    assert not any(find(name).reads_clock for name in NAMES)


def test_answers_that_are_not_to_be_learned_are_told_apart_by_their_number() -> None:
    unlearned = dataclasses.replace(ASSISTANT, weight=0.0)
    for name in NAMES:
        turns = (USER, ASSISTANT, USER, unlearned, USER, ASSISTANT)
        every, some = (
            find(name).render(messages, bos="<s>", eos="</s>")
            for messages in ((USER, ASSISTANT, USER, ASSISTANT, USER, ASSISTANT), turns)
        )
        assert "".join(span.text for span in every) == "".join(span.text for span in some)
        assert (sum(span.learned for span in every), sum(span.learned for span in some)) == (3, 2)
    twice = Template("{% for m in messages %}{% generation %}{{ m.content }}{% endgeneration %}{% endfor %}", "twice")
    with pytest.raises(InputError, match="the chat template twice marks 2 parts of a conversation with 1 answers"):
        twice.render((USER, unlearned), bos="", eos="")


CALL = {"type": "function", "function": {"name": "weather", "arguments": {"city": "奈良"}}}
CALLING = Message("assistant", "", fields={"role": "assistant", "content": None, "tool_calls": [CALL]})
RESULT = Message("tool", "雨")


@pytest.mark.parametrize(
    ("name", "call", "result"),
    [
        (
            "chatml",
            '<tool_call>\n{"name": "weather", "arguments": {"city": "奈良"}}\n</tool_call><|im_end|>',
            "user\n<tool_response>\n雨\n</tool_response>\n<tool_response>\n雨\n</tool_response><|im_end|>",
        ),
        (
            "llama3",
            '{"name": "weather", "parameters": {"city": "奈良"}}<|eot_id|>',
            "<|start_header_id|>ipython<|end_header_id|>\n\n雨<|eot_id|><|start_header_id|>ipython",
        ),
    ],
)
def test_calls_are_learned_and_results_are_not(name: str, call: str, result: str) -> None:
    chat = (USER, CALLING, RESULT, RESULT, Message("assistant", "雨です。"))
    spans = find(name).render(
        chat, bos="<s>", eos="</s>", tools=[{"type": "function", "function": {"name": "weather"}}]
    )
    learned = [span.text for span in spans if span.learned]
    assert len(learned) == 2 and learned[0] == call and learned[1].startswith("雨です。")
    assert result in "".join(span.text for span in spans if not span.learned)
    assert '"name": "weather"' in spans[0].text and USER.content in spans[0].text


def test_a_template_that_leaves_something_out_refuses() -> None:
    thought = Message("assistant", "a", fields={"role": "assistant", "content": "a", "reasoning_content": "hm"})
    cases = [
        ("tanuki", (USER, CALLING), (), "tool_calls"),
        ("user_assistant", (USER, Message("assistant", "a"), RESULT), (), "the role tool"),
        ("tanuki", (USER,), [{"name": "f"}], "tools"),
        ("chatml", (USER, thought), (), "reasoning_content"),
    ]
    for name, messages, tools, what in cases:
        with pytest.raises(
            InputError, match=f"^the chat template {name} does not read {what}, which this conversation"
        ):
            find(name).render(messages, bos="<s>", eos="</s>", tools=tools)


def test_a_template_that_writes_every_role_writes_that_of_tools() -> None:
    plain = Template("{% for m in messages %}[{{ m.role }}]{{ m.content }}{% endfor %}", "plain")
    assert text(plain, USER, RESULT).endswith("[tool]雨")


def test_an_answer_has_its_weight() -> None:
    half = Message("assistant", "半", weight=0.5)
    spans = find("chatml").render((USER, half, USER, Message("assistant", "全")), bos="", eos="")
    assert [(span.text, span.weight) for span in spans if span.learned] == [("半<|im_end|>", 0.5), ("全<|im_end|>", 1)]


@pytest.mark.parametrize("source", ["{{ messages[0].content | truncate(1) }}", "{{ cycler() }}", "{{ 10 ** 5000 }}"])
def test_a_faulty_template_is_refused(source: str) -> None:
    with pytest.raises(InputError, match=r"^the chat template faulty "):
        Template(source, "faulty").render([USER], bos="", eos="")


def test_a_mark_inside_another_is_refused() -> None:
    inner = "{% generation %}{% generation %}a{% endgeneration %}b{% endgeneration %}"
    with pytest.raises(InputError, match=r"^the chat template nested has {% generation %} inside another$"):
        Template(inner, "nested").render([USER], bos="", eos="")
