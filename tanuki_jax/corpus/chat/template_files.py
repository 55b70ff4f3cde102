"""The chat template in a tokenizer's folder, in the files that transformers reads."""

import json
from pathlib import Path
from typing import Any

from tanuki_jax.base.atomic import replace_text
from tanuki_jax.base.errors import InputError
from tanuki_jax.base.json_object import read_object
from tanuki_jax.corpus.chat.template import Template

CONFIG = "tokenizer_config.json"
JINJA = "chat_template.jinja"
_DEFAULT = "default"


def find(tokenizer: Path) -> Template | None:
    """Return the template beside a tokenizer; None if there is none.

    It is `chat_template.jinja`, or without that file `chat_template` in `tokenizer_config.json`.

    Args:
        tokenizer: the tokenizer's folder, or a file in it.

    Raises:
        InputError: the template is not text, has a syntax error, or is one of several and none is called `default`.
    """
    folder = _folder(tokenizer)
    if (folder / JINJA).is_file():
        return Template.read(folder / JINJA, str(folder / JINJA))
    source = tokenizer_config(folder).get("chat_template")
    name = f"in {folder / CONFIG}"
    if isinstance(source, list):
        source = _default(source, name)
    if source is not None and not isinstance(source, str):
        raise InputError(f"the chat_template {name} is neither text nor a list of named templates")
    return None if source is None else Template(source, name)


def read(tokenizer: Path) -> Template:
    """Return the template beside a tokenizer, like `find`. InputError also if there is none."""
    template = find(tokenizer)
    if template is None:
        raise InputError(
            f"the tokenizer's folder {_folder(tokenizer)} has no chat template: "
            f"put a {JINJA} there, or name a template in --data.tokenizer.chat_template of `prepare`"
        )
    return template


def write(tokenizer: Path, template: Template) -> None:
    """Make this the template of a tokenizer's folder; the other fields of its `tokenizer_config.json` stay."""
    folder = _folder(tokenizer)
    config = tokenizer_config(folder) or {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "clean_up_tokenization_spaces": False,
    }
    replace_text(
        folder / CONFIG, json.dumps(config | {"chat_template": template.source}, ensure_ascii=False, indent=2) + "\n"
    )
    (folder / JINJA).unlink(missing_ok=True)


def _folder(tokenizer: Path) -> Path:
    return tokenizer if tokenizer.is_dir() else tokenizer.parent


def tokenizer_config(folder: Path) -> dict[str, Any]:
    """Return the fields of `tokenizer_config.json`; empty if there is no such file. InputError if it is no object."""
    path = folder / CONFIG
    return read_object(path) if path.is_file() else {}


def _default(templates: list[Any], name: str) -> object:
    """Return the template called `default`, or the only one."""
    named = {str(entry.get("name")): entry.get("template") for entry in templates if isinstance(entry, dict)}
    if len(named) == 1:
        return next(iter(named.values()))
    if _DEFAULT not in named:
        raise InputError(
            f"no chat template {name} is called {_DEFAULT}; their names: {', '.join(map(str, named)) or 'none'}"
        )
    return named[_DEFAULT]
