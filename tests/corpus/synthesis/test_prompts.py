"""Prompts from templates."""

from pathlib import Path

import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.records.types import Message
from tanuki_jax.corpus.synthesis.prompts import Prompts
from tanuki_jax.corpus.synthesis.recipe import Ask

FULL = """
{% block system %}
You are {{ role }}.
{% endblock %}
{% block prompt %}
Read this.
{{ text | quote }}
{% endblock %}
{% block example %}
It is {{ role }}.
{% endblock %}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder of templates."""
    (tmp_path / "full.jinja").write_text(FULL)
    (tmp_path / "child.jinja").write_text(
        '{% extends "full.jinja" %}{% set kind = "poem" %}{% block prompt %}Write a {{ kind }}.{% endblock %}'
    )
    (tmp_path / "broken.jinja").write_text("{% block prompt %}\n{{ a b }}{% endblock %}")
    (tmp_path / "spy.jinja").write_text("{% block prompt %}{{ text.__class__.__mro__ }}{% endblock %}")
    return tmp_path


def test_messages_are_system_turns_before_and_prompt(folder: Path) -> None:
    before = (Message("user", "一"), Message("assistant", "二"))
    ask = Ask("full.jinja", {"role": "R", "text": "T"}, before=before)
    assert Prompts(folder).messages(ask) == [
        {"role": "system", "content": "You are R."},
        {"role": "user", "content": "一"},
        {"role": "assistant", "content": "二"},
        {"role": "user", "content": "Read this.\n<text>\nT\n</text>"},
    ]
    assert Prompts(folder).example("full.jinja", {"role": "R", "text": "T"}) == "It is R."


def test_a_template_may_extend_another(folder: Path) -> None:
    ask = Ask("child.jinja", {"role": "R", "text": "T"})
    assert [message["content"] for message in Prompts(folder).messages(ask)] == ["You are R.", "Write a poem."]


def test_a_value_is_never_run_as_a_template(folder: Path) -> None:
    ask = Ask("full.jinja", {"role": "{{ 7 * 7 }}", "text": "{% raw %}{{ 7 * 7 }}"})
    system, prompt = Prompts(folder).messages(ask)
    assert system["content"] == "You are {{ 7 * 7 }}."
    assert "{% raw %}{{ 7 * 7 }}" in str(prompt["content"])


@pytest.mark.parametrize(
    ("template", "values", "said"),
    [
        ("full.jinja", {"role": "R"}, "the template full.jinja: 'text' is undefined; it gets role"),
        ("none.jinja", {}, "there is no template none.jinja in"),
        ("broken.jinja", {}, "the template broken.jinja, line 2: expected token"),
        ("spy.jinja", {"text": "T"}, "unsafe"),
    ],
)
def test_a_template_that_fails_is_named(folder: Path, template: str, values: dict[str, object], said: str) -> None:
    with pytest.raises(InputError, match=said):
        Prompts(folder).messages(Ask(template, values))


def test_the_hash_depends_on_the_templates_that_are_extended(folder: Path) -> None:
    before = Prompts(folder).hash_of("child.jinja")
    assert Prompts(folder).hash_of("child.jinja") == before
    (folder / "full.jinja").write_text(FULL + "\n")
    assert Prompts(folder).hash_of("child.jinja") != before
