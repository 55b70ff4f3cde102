"""Sources of documents, and the proportions in which they are read."""

import dataclasses
import math
from collections.abc import Mapping
from typing import Literal, get_args

from tanuki_jax.base.errors import InputError
from tanuki_jax.config.limits import NonNegativeFloat, NonNegativeInt, check_fields

PairForm = Literal["preference", "kto"]
PAIR_FORMS: tuple[str, ...] = get_args(PairForm)
"""Forms of rows with answers to a prompt that are compared or rated."""
ChatForm = Literal["chat", PairForm]
"""Forms that the tokenizer's chat template renders."""
TooLong = Literal["by_form", "exchanges", "truncate", "drop"]
Form = Literal["text", ChatForm]
"""Forms in which the rows of a source are read (`Source.form`)."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Source:
    """Documents under one name: files, or tasks that write them. Its token store is the folder of that name."""

    name: str
    paths: tuple[str, ...] = ()
    """Files or globs (`**` includes subfolders), local, gs:// or s3://: JSON lines (.jsonl, also compressed as .gz or
    .zst) and .parquet; any other file is one document."""
    tasks: tuple[str, ...] = ()
    """Families of `tanuki_jax.corpus.tasks` that write this source instead of files."""
    documents: NonNegativeInt = 0
    """Number of documents that the tasks write."""
    text_field: str = "text"
    """Field of JSONL and Parquet rows that holds the text; rows with `messages` are conversations."""
    form: Form = "text"
    """Form of the records. text: every token is trained on; chat: rendered by the tokenizer's template, only the
    assistant's turns are trained on; preference: a chosen and a rejected chat; kto: these two, or one answer that is
    good or bad, and another whose answer belongs to another prompt."""
    fields: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """Name of a field as `form` expects it -> its name in the rows, such as `{"prompt": "question"}`."""
    too_long: TooLong = "by_form"
    """Treatment of chats and answers that are too long for a row. exchanges: a chat loses its last exchanges, a prompt
    its first ones; truncate: the end is cut off; drop: they are left out. by_form: exchanges for chats, drop for
    answers."""
    billion_tokens: NonNegativeFloat = 0.0
    """Published size, in 1e9 tokens, from which weights are derived."""
    teacher: str = ""
    """Model that wrote the documents; empty: people."""
    kind: str = ""
    """Description in a few words."""
    language: str = ""
    """Language: ja, en, code, or ja+en."""
    held_out: bool = False
    """Whether every document is held out: the source is prepared and evaluated, and nothing of it is trained on. It
    has no weight then."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Stage:
    """Weights that hold from one data step until the next stage begins."""

    weights: Mapping[str, float]
    """Source name -> share of tokens; shares may have any sum. Sources without a weight are not read."""
    from_step: NonNegativeInt = 0
    """Data step at which the stage begins."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Mixture:
    """Sources and the stages of their weights (a curriculum if there are several)."""

    sources: tuple[Source, ...]
    stages: tuple[Stage, ...]

    def __post_init__(self) -> None:
        check_fields(self)
        names = [source.name for source in self.sources]
        if len(set(names)) != len(names):
            raise InputError(
                f"a mixture names a source twice: {', '.join(sorted({n for n in names if names.count(n) > 1}))}"
            )
        steps = [stage.from_step for stage in self.stages]
        if not steps or steps[0] != 0 or steps != sorted(set(steps)):
            raise InputError(f"from_step of a mixture's stages must begin at 0 and increase, unlike {steps}")
        for stage in self.stages:
            if unknown := sorted(set(stage.weights) - set(names)):
                raise InputError(f"a stage has weights for {', '.join(unknown)}, but the mixture has no such source")
            if not all(math.isfinite(w) and w >= 0 for w in stage.weights.values()) or sum(stage.weights.values()) <= 0:
                raise InputError(
                    f"weights of the stage from data step {stage.from_step} must be finite, at least 0, and not all 0"
                )
            if weighted := [each.name for each in self.sources if each.held_out and stage.weights.get(each.name, 0)]:
                raise InputError(
                    f"the stage from data step {stage.from_step} has a weight for {', '.join(weighted)}, of which "
                    "held_out says that nothing is trained on; remove the weight, or held_out"
                )

    @property
    def used(self) -> tuple[Source, ...]:
        """Return the sources with a weight above zero in some stage, in the mixture's order."""
        return tuple(
            source for source in self.sources if any(stage.weights.get(source.name, 0) > 0 for stage in self.stages)
        )

    @property
    def stored(self) -> tuple[Source, ...]:
        """Return the sources that need a token store, in the mixture's order: those that are used or held out."""
        used = self.used
        return tuple(source for source in self.sources if source.held_out or source in used)


def by_tokens(sources: tuple[Source, ...], epochs: Mapping[str, float] | None = None) -> dict[str, float]:
    """Return weights in proportion to the sources' published tokens, times the number of epochs (default 1) of each."""
    return {source.name: source.billion_tokens * (epochs or {}).get(source.name, 1.0) for source in sources}
