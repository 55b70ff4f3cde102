import json
from pathlib import Path

import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.chat.template import Template
from tanuki_jax.corpus.chat.template_files import find, read, write

TEMPLATE = Template("{{ '狸' }}", "own")


def configure(folder: Path, **fields: object) -> None:
    (folder / "tokenizer_config.json").write_text(json.dumps(fields), encoding="utf-8")


def test_a_template_is_read_from_the_folder_or_any_file_in_it(tmp_path: Path) -> None:
    write(tmp_path, TEMPLATE)
    (tmp_path / "tokenizer.model").touch()
    assert read(tmp_path).source == read(tmp_path / "tokenizer.model").source == TEMPLATE.source


def test_other_fields_of_the_config_stay(tmp_path: Path) -> None:
    configure(tmp_path, eos_token="</s>", chat_template="old")
    write(tmp_path, TEMPLATE)
    assert json.loads((tmp_path / "tokenizer_config.json").read_text()) == {
        "eos_token": "</s>",
        "chat_template": "{{ '狸' }}",
    }


def test_the_template_file_precedes_the_config_until_one_is_written(tmp_path: Path) -> None:
    configure(tmp_path, chat_template="in the config")
    (tmp_path / "chat_template.jinja").write_text("in the file")
    assert read(tmp_path).source == "in the file"
    write(tmp_path, TEMPLATE)
    assert read(tmp_path).source == TEMPLATE.source


@pytest.mark.parametrize(
    ("templates", "expected"),
    [
        ([{"name": "tool_use", "template": "tools"}, {"name": "default", "template": "plain"}], "plain"),
        ([{"name": "rag", "template": "only"}], "only"),
    ],
)
def test_the_default_of_several_templates_is_used(tmp_path: Path, templates: list[object], expected: str) -> None:
    configure(tmp_path, chat_template=templates)
    assert read(tmp_path).source == expected


def test_a_folder_without_a_template_is_refused_with_the_remedy(tmp_path: Path) -> None:
    assert find(tmp_path) is None
    configure(tmp_path, eos_token="</s>")
    assert find(tmp_path) is None
    with pytest.raises(InputError, match=r"has no chat template: put a chat_template\.jinja there, or name"):
        read(tmp_path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "is not JSON"),
        ("[]", "is not a JSON object"),
        ('{"chat_template": 3}', "is neither text nor a list"),
        (
            '{"chat_template": [{"name": "a", "template": ""}, {"name": "b", "template": ""}]}',
            "is called default; their names: a, b",
        ),
        ('{"chat_template": []}', "is called default; their names: none"),
        ('{"chat_template": "{% if %}"}', r"in .*tokenizer_config\.json is not a Jinja template"),
    ],
)
def test_the_fault_of_a_folder_is_named(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "tokenizer_config.json").write_text(content)
    with pytest.raises(InputError, match=message):
        read(tmp_path)


def test_a_template_that_is_not_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "chat_template.jinja").write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match=r"chat_template\.jinja is not text in UTF-8$"):
        find(tmp_path)
