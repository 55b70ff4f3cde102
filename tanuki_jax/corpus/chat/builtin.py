"""Chat templates by name or path."""

from pathlib import Path

from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.chat.template import Template

_FOLDER = Path(__file__).with_name("templates")
NAMES = tuple(sorted(path.stem for path in _FOLDER.glob("*.jinja")))
"""The project's templates; `tanuki` is Tanuki-8B's (### 指示:, ### 応答:), `user_assistant` the form of pretraining."""


def find(name: str) -> Template:
    """Return the project's template of a name, or the template in a file. InputError if there is neither."""
    path = _FOLDER / f"{name}.jinja" if name in NAMES else Path(name)
    if not path.is_file():
        raise InputError(
            f"there is no chat template {name}: give the path of a .jinja file, or one of {', '.join(NAMES)}"
        )
    return Template.read(path, name)


def is_version_of(existing: Template, wanted: Template) -> bool:
    """Whether a template is another, or a former version of it that renders chats without tools as it does."""
    return existing.fingerprint == wanted.fingerprint or existing.fingerprint == _FORMER.get(wanted.name)


_FORMER = {
    "chatml": "3011ac8c7c9fa6f8e01eeb754806398db2e2ab4cb227c2a9c2761139eb85489e",
    "llama3": "f60d768e5e81b73d9dcbeaa0746b6a9db62eb6d216a9a0f056c24f20225c1747",
}
"""Name of a template -> fingerprint of its version without tools, which tokenizers' folders may hold."""
