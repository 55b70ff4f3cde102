"""Where documents come from, and in what proportion they are read."""

import dataclasses
import math
from collections.abc import Mapping
from typing import Literal

from tanuki_jax.base.errors import InputError
from tanuki_jax.config.limits import NonNegativeFloat, NonNegativeInt, check_limits


@dataclasses.dataclass(frozen=True, kw_only=True)
class Source:
    """Documents under one name: files, or tasks that write them. Its store is the folder of that name."""

    name: str
    paths: tuple[str, ...] = ()
    """Files or globs (`**` goes into folders), local, gs:// or s3://; .jsonl, .jsonl.zst, .parquet, else one document a file."""
    tasks: tuple[str, ...] = ()
    """Families of `tanuki_jax.corpus.tasks` that write this source instead of files."""
    documents: NonNegativeInt = 0
    """How many documents the tasks write."""
    text_field: str = "text"
    """Field of JSONL and Parquet rows that holds the text; rows with `messages` are conversations."""
    form: Literal["text", "chat", "preference", "kto"] = "text"
    """What a record becomes: a text, all of which is learned; a chat by the tokenizer's template, of which the assistant's turns are
    learned; a chosen and a rejected chat; or these two and one whose answer is another prompt's."""
    billion_tokens: NonNegativeFloat = 0.0
    """Published size, in 1e9 tokens; what weights derive from."""
    teacher: str = ""
    """Model that wrote it; empty: people."""
    kind: str = ""
    """What it is, in a few words."""
    language: str = ""
    """ja, en, code, or ja+en."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Stage:
    """Weights that hold from one data step until the next stage begins."""

    weights: Mapping[str, float]
    """Source name -> share of tokens, of any sum. A source that is not named is not read."""
    from_step: NonNegativeInt = 0
    """Data step at which the stage begins."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Mixture:
    """Sources and the stages of their weights (a curriculum where there are several)."""

    sources: tuple[Source, ...]
    stages: tuple[Stage, ...]

    def __post_init__(self) -> None:
        check_limits(self)
        names = [source.name for source in self.sources]
        if len(set(names)) != len(names):
            raise InputError(
                f"a mixture names a source twice: {', '.join(sorted({n for n in names if names.count(n) > 1}))}"
            )
        steps = [stage.from_step for stage in self.stages]
        if not steps or steps[0] != 0 or steps != sorted(set(steps)):
            raise InputError(f"the stages of a mixture begin at data step 0 and go up, not at {steps}")
        for stage in self.stages:
            if unknown := set(stage.weights) - set(names):
                raise InputError(f"a stage weighs {', '.join(sorted(unknown))}, which the mixture has no source for")
            if not all(math.isfinite(w) and w >= 0 for w in stage.weights.values()) or sum(stage.weights.values()) <= 0:
                raise InputError(
                    f"weights are finite, not negative, and not all zero, unlike those of the stage from data step {stage.from_step}"
                )

    @property
    def used(self) -> tuple[Source, ...]:
        """The sources that some stage gives a weight above zero, in the mixture's order."""
        return tuple(
            source for source in self.sources if any(stage.weights.get(source.name, 0) > 0 for stage in self.stages)
        )


def by_tokens(sources: tuple[Source, ...], epochs: Mapping[str, float] | None = None) -> dict[str, float]:
    """Weights in proportion to the sources' published tokens, times the number of epochs (default 1) of each."""
    return {source.name: source.billion_tokens * (epochs or {}).get(source.name, 1.0) for source in sources}
