"""Prompts from Jinja templates: each is a file with blocks for the system message, the prompt, and a worked example."""

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.synthesis.quoting import plain, quote, without_special_tokens
from tanuki_jax.corpus.synthesis.recipe import Ask

if TYPE_CHECKING:
    import jinja2

PROMPT, SYSTEM, EXAMPLE = "prompt", "system", "example"
"""Blocks of a template: the user's message, the system message (may be missing), and an answer as it should be."""


class Prompts:
    """The templates of a folder.

    They are sandboxed, and values are never run as templates: `{{ 7 * 7 }}` in a document stays what it is. Besides
    Jinja's filters there are `quote`, for texts that are not ours (`quoting.quote`), and `plain`, for single words of
    them inside a sentence (`quoting.plain`), and `message`, for a user's turn that the model is to answer. White space
    around a block is cut.
    """

    def __init__(self, folder: Path) -> None:
        """Read no template yet.

        Args:
            folder: folder of the templates.
        """
        import jinja2
        from jinja2.sandbox import ImmutableSandboxedEnvironment

        self._folder = folder
        self._environment = ImmutableSandboxedEnvironment(
            loader=jinja2.FileSystemLoader(folder),
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            autoescape=False,
            auto_reload=False,
        )
        # `str` lets an undefined value say so.
        self._environment.filters["quote"] = lambda text, name="text": quote(str(text), name)
        self._environment.filters["message"] = lambda text: without_special_tokens(str(text))
        self._environment.filters["plain"] = lambda text: plain(str(text))
        self._hashes: dict[str, str] = {}

    def messages(self, ask: Ask) -> list[dict[str, object]]:
        """Return the messages of a request: system, the turns before, and the prompt.

        Raises:
            InputError: the template is missing, is no template, or uses a value that it does not get.
        """
        system = self._render(ask.template, SYSTEM, ask.values)
        opening: list[dict[str, object]] = [{"role": "system", "content": system}] if system else []
        prompt: dict[str, object] = {"role": "user", "content": self._render(ask.template, PROMPT, ask.values)}
        return [*opening, *(dict(message.turn) for message in ask.before), prompt]

    def example(self, template: str, values: Mapping[str, object]) -> str:
        """Return the worked example of a template: an answer as it should be. Errors are those of `messages`."""
        return self._render(template, EXAMPLE, values)

    def hash_of(self, template: str) -> str:
        """Return a hash of a template's file and of the templates that it extends or includes."""
        if template not in self._hashes:
            digest, waiting, seen = hashlib.blake2b(digest_size=8), [template], set[str]()
            while waiting:
                name = waiting.pop()
                if name not in seen:
                    seen.add(name)
                    text = self._source(name)
                    digest.update(text.encode())
                    waiting += re.findall(r"{%-?\s*(?:extends|include|import|from)\s+[\"']([^\"']+)[\"']", text)
            self._hashes[template] = digest.hexdigest()
        return self._hashes[template]

    def _source(self, name: str) -> str:
        path = self._folder / name
        return path.read_text("utf-8") if path.is_file() else ""

    def _render(self, name: str, block: str, values: Mapping[str, Any]) -> str:
        import jinja2

        try:
            template = self._environment.get_template(name)
            made = _block(template, block, values)
        except jinja2.TemplateNotFound as error:
            raise InputError(f"there is no template {error.name} in {self._folder}") from None
        except jinja2.TemplateSyntaxError as error:
            raise InputError(f"the template {error.name}, line {error.lineno}: {error.message}") from None
        except jinja2.TemplateError as error:
            raise InputError(f"the template {name}: {error.message}; it gets {', '.join(sorted(values))}") from None
        if made is None and block != SYSTEM:
            raise InputError(f"the template {name} has no block {block!r}")
        return (made or "").strip()


def _block(template: "jinja2.Template", block: str, values: Mapping[str, Any]) -> str | None:
    """Return a block of a template; None: it has none of that name."""
    context = template.new_context(dict(values))
    next(template.root_render_func(context), None)  # runs the statements before the blocks, such as `extends`
    functions = context.blocks.get(block)
    return None if functions is None else "".join(functions[0](context))
