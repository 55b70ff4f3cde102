from pathlib import Path

import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.chat.builtin import NAMES, find, is_version_of
from tanuki_jax.corpus.chat.template import Template
from tanuki_jax.corpus.records.types import Message


def test_the_project_has_four_templates() -> None:
    assert NAMES == ("chatml", "llama3", "tanuki", "user_assistant")
    assert [find(name).name for name in NAMES] == list(NAMES)


def test_a_template_is_found_by_the_path_of_its_file(tmp_path: Path) -> None:
    path = tmp_path / "own.jinja"
    path.write_text("{{ '狸' }}", encoding="utf-8")
    template = find(str(path))
    assert (template.source, template.name) == ("{{ '狸' }}", str(path))


def test_an_unknown_name_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=r"no chat template tanooki: .* one of chatml, llama3, tanuki, user_assistant$"
    ):
        find("tanooki")
    with pytest.raises(InputError, match="there is no chat template"):
        find(str(tmp_path))


def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.jinja").write_bytes(b"\xff")
    with pytest.raises(InputError, match=r"a\.jinja is not text in UTF-8"):
        find(str(tmp_path / "a.jinja"))


FORMER_CHATML = """{%- for message in messages %}
    {{- '<|im_start|>' + message['role'] + '\\n' }}
    {%- if message['role'] == 'assistant' %}
        {%- generation %}
            {{- message['content'] + '<|im_end|>' }}
        {%- endgeneration %}
    {%- else %}
        {{- message['content'] + '<|im_end|>' }}
    {%- endif %}
    {{- '\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
{%- endif %}
"""


def test_the_version_without_tools_of_a_tokenizers_folder_is_known() -> None:
    former, chat = Template(FORMER_CHATML, "folder"), [Message("user", "a"), Message("assistant", "b", weight=0.5)]
    assert is_version_of(former, find("chatml")) and is_version_of(find("chatml"), find("chatml"))
    assert former.render(chat, bos="", eos="") == find("chatml").render(chat, bos="", eos="")
    assert not is_version_of(former, find("llama3")) and not is_version_of(find("llama3"), find("chatml"))
