"""Serve models over HTTP, with the protocol of OpenAI.

python -m tanuki_jax.serve --checkpoint=runs/tiny_dpo
python -m tanuki_jax.serve --checkpoint=runs/8b_dpo --checkpoint=other=exported/other --port 8080
curl http://127.0.0.1:8000/v1/chat/completions -H 'Content-Type: application/json' \\
    -d '{"messages": [{"role": "user", "content": "狸は何を食べますか。"}]}'
"""

import dataclasses
import os
import signal
import threading
from typing import Annotated

import tyro

from tanuki_jax.base.command import enter
from tanuki_jax.base.errors import InputError
from tanuki_jax.config.command_line import parse_options
from tanuki_jax.config.limits import Limits, NonNegativeInt, PositiveInt


@dataclasses.dataclass(frozen=True, kw_only=True)
class Options:
    """Serve models over HTTP, with the protocol of OpenAI: chats, completions, embeddings, tokens, metrics.

    Texts grow together and do not depend on each other. SIGTERM and Ctrl-C finish what was begun.
    """

    checkpoint: tyro.conf.UseAppendAction[tuple[str, ...]] = ()
    """A run, a checkpoint or a folder of Hugging Face, as PATH or NAME=PATH; give it again for further models. Each of
    several adapters of a checkpoint is a model of its own, under the adapter's name."""
    adapter: tyro.conf.UseAppendAction[tuple[str, ...]] = ()
    """Adapter to serve, of checkpoints with several; all of them if none is named."""
    host: str = "127.0.0.1"
    """Address to listen on; 0.0.0.0: all of this machine's."""
    port: Annotated[int, Limits(at_least=0, at_most=65535)] = 8000
    """Port to listen on; 0: any free one, which is printed."""
    key_variable: str = ""
    """Environment variable with the key that requests must have; empty: none is needed."""
    rows: PositiveInt = 64
    """Most answers of a model that are made at once."""
    waiting: PositiveInt = 256
    """Most answers of a model that may wait, beside those that are made; further requests are refused with 429."""
    cache_tokens: NonNegativeInt = 0
    """Tokens of all answers and their prompts whose keys and values are kept; 0: as many as there is memory for."""
    tokens: NonNegativeInt = 0
    """Most new tokens of an answer; 0: as many as the model has room for."""
    body_bytes: PositiveInt = 8 * 1024**2
    """Largest body of a request."""
    prefix_reuse: bool = True
    """Whether prompts that begin alike share what was computed; the answers are the same."""
    finish_seconds: PositiveInt = 60
    """Time after SIGTERM for answers that were begun."""
    end_with_stdin: bool = False
    """Whether the end of the standard input counts as SIGTERM, so that a command that holds a pipe to it leaves no
    server behind when it is killed."""
    tensor: Annotated[PositiveInt, tyro.conf.arg(name="layout.tensor")] = 1
    """Devices of this machine that split heads, hidden units and the vocabulary of each model."""


def main(words: list[str]) -> None:
    """Run the command with its arguments."""
    options = parse_options("serve", words, Options)
    if not options.checkpoint:
        raise InputError("name a model: --checkpoint=runs/NAME")
    if options.end_with_stdin:
        threading.Thread(target=_end_with_stdin, name="end with stdin", daemon=True).start()
    key = os.environ.get(options.key_variable, "").strip() if options.key_variable else ""
    if options.key_variable and not key:
        raise InputError(f"the environment variable {options.key_variable} of --key-variable is not set")
    from tanuki_jax.inference.server.listening import bind, listen  # after parsing: importing jax takes seconds
    from tanuki_jax.inference.server.loading import EngineSettings, find_sources, load_models
    from tanuki_jax.inference.server.registry import Registry

    sources = find_sources(options.checkpoint, options.adapter)
    with bind(options.host, options.port) as socket:
        settings = EngineSettings(
            rows=options.rows,
            cache_tokens=options.cache_tokens,
            reuse=options.prefix_reuse,
            most_waiting=options.waiting,
            tensor=options.tensor,
        )
        registry = Registry(load_models(sources, settings), most_tokens=options.tokens)
        listen(registry, socket, key=key, most_body_bytes=options.body_bytes, finish_seconds=options.finish_seconds)


def _end_with_stdin() -> None:
    """Read the standard input, and send this process SIGTERM at its end."""
    while os.read(0, 1 << 12):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    enter("serve", main)
