"""Models to serve, from their checkpoints."""

import dataclasses
import logging
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from tanuki_jax.base.errors import InputError
from tanuki_jax.base.progress import progress
from tanuki_jax.checkpoints.format import find, read_state
from tanuki_jax.checkpoints.hugging_face import import_model
from tanuki_jax.checkpoints.hugging_face.configuration import read_configuration
from tanuki_jax.checkpoints.parameters import choose_adapter
from tanuki_jax.inference.engine.cache_size import affordable_tokens, page_tokens
from tanuki_jax.inference.engine.engine import Engine
from tanuki_jax.inference.load_model import LoadedModel, load_model
from tanuki_jax.inference.server.fingerprint import fingerprint
from tanuki_jax.inference.server.served_model import ServedModel
from tanuki_jax.lm.model.weights import count_parameters

_log = logging.getLogger(__name__)


class Source(NamedTuple):
    """A model to serve."""

    name: str
    checkpoint: Path
    """Native checkpoint, or folder of Hugging Face."""
    adapter: str
    is_native: bool


class EngineSettings(NamedTuple):
    """Sizes of the engine of each model."""

    rows: int
    cache_tokens: int
    """0: as many as there is memory for, at most a text of the model's length for each row."""
    reuse: bool
    most_waiting: int
    tensor: int


def find_sources(checkpoints: Sequence[str], adapters: Sequence[str]) -> list[Source]:
    """Return the models to serve, before anything is loaded.

    Args:
        checkpoints: PATH or NAME=PATH of runs, checkpoints and folders of Hugging Face.
        adapters: names of the adapters to serve; empty: all. Each of a checkpoint's several adapters is a model of that
            name, or NAME:ADAPTER; the only adapter of a checkpoint has the checkpoint's name.

    Raises:
        InputError: there is no checkpoint, an adapter is in none of them, or two models have one name.
    """
    sources = [source for argument in checkpoints for source in _sources_of(argument, adapters)]
    if unknown := [name for name in adapters if name not in {source.adapter for source in sources}]:
        raise InputError(f"no checkpoint has an adapter named {unknown[0]!r}")
    names = [source.name for source in sources]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise InputError(f"two models are called {twice}; give names: --checkpoint NAME=PATH")
    return sources


def _sources_of(argument: str, adapters: Sequence[str]) -> Iterator[Source]:
    name, equals, path = argument.partition("=")
    if not equals or Path(argument).exists():
        name, path = "", argument
    elif not name or not path:
        raise InputError(f"--checkpoint {argument} is neither PATH nor NAME=PATH")
    folder = Path(path)
    if _is_hugging_face(folder):
        read_configuration(folder)
        yield Source(name or folder.resolve().name, folder, "", is_native=False)
        return
    checkpoint = find(path)
    inside = checkpoint.parent.name == "checkpoints"
    own_name = (checkpoint.parent.parent if inside else checkpoint).resolve().name
    state = read_state(checkpoint)
    wanted = [adapter for adapter in state.adapters if not adapters or adapter in adapters]
    if len(state.adapters) < 2 and (wanted or not state.adapters):
        yield Source(name or own_name, checkpoint, choose_adapter(checkpoint, state, ""), is_native=True)
        return
    for adapter in wanted:
        yield Source(f"{name}:{adapter}" if name else adapter, checkpoint, adapter, is_native=True)


def _is_hugging_face(folder: Path) -> bool:
    return (folder / "config.json").is_file() and any(folder.glob("*.safetensors"))


def load_models(sources: Sequence[Source], settings: EngineSettings) -> list[ServedModel]:
    """Load the models and compile their programs. InputError if one cannot be loaded, or has no room."""
    loaded = [_load(source, settings.tensor) for source in sources]
    return [
        _served(source, model, settings, models=len(loaded) - number)
        for number, (source, model) in enumerate(zip(sources, loaded, strict=True))
    ]


def _load(source: Source, tensor: int) -> LoadedModel:
    with progress(f"loading {source.checkpoint}", None), tempfile.TemporaryDirectory() as scratch:
        checkpoint = source.checkpoint
        if not source.is_native:
            checkpoint = Path(scratch) / "imported"
            import_model.write(source.checkpoint, checkpoint, lambda _: None)
        loaded = load_model(checkpoint, source.adapter, tensor)
        # The template is read later, when the folder of the conversion is gone.
        return loaded if source.is_native else dataclasses.replace(loaded, tokenizer_path=source.checkpoint)


def _served(source: Source, loaded: LoadedModel, settings: EngineSettings, *, models: int) -> ServedModel:
    page = page_tokens(loaded.limit)
    tokens = settings.cache_tokens or _cache_tokens(loaded, settings.rows, models)
    if tokens < settings.rows * page:
        raise InputError(
            f"a cache of {tokens:,} tokens is less than {page} for each of {settings.rows} rows; "
            "ask for fewer --rows or more --cache-tokens"
        )
    with progress(f"compiling {source.name}", None):
        engine = Engine(loaded, rows=settings.rows, cache_tokens=tokens, page=page, reuse=settings.reuse)
    served = ServedModel(
        source.name,
        loaded,
        engine,
        most_waiting=settings.most_waiting,
        fingerprint=fingerprint(source.checkpoint, source.adapter),
    )
    size = f"{count_parameters(loaded.model):,} parameters, texts of up to {engine.longest} tokens"
    chats = "chats" if served.chats else "no chats"
    _log.info("%s: %s, %d at once, a cache of %s tokens, %s", source.name, size, settings.rows, f"{tokens:,}", chats)
    if not served.chats:
        _log.info("%s cannot chat: %s", source.name, served.why_no_chats)
    return served


def _cache_tokens(loaded: LoadedModel, rows: int, models: int) -> int:
    """Return how many tokens there is memory for, shared with the caches of the models that follow."""
    page = page_tokens(loaded.limit)
    longest = -(-loaded.limit // page) * page
    return min(rows * longest, affordable_tokens(loaded, models))
