"""Scores of documents by the rules of a pipeline alone, in the order of the input."""

import itertools
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from tanuki_jax.base.atomic import replacing
from tanuki_jax.base.errors import InputError
from tanuki_jax.base.progress import progress
from tanuki_jax.corpus.cleaning.draft import BatchRule, Draft, Rule, apply_to_each
from tanuki_jax.corpus.cleaning.part_file import score_of
from tanuki_jax.corpus.cleaning.parts import cut
from tanuki_jax.corpus.cleaning.pipeline import Input, Pipeline, names_of_rules
from tanuki_jax.corpus.cleaning.read_drafts import NoDocument, drafts_of

_NO_SLICES = 1 << 60


class Scored(NamedTuple):
    """Verdict of the rules on a document."""

    id: str
    keep: bool
    """Whether all rules keep it."""
    score: float
    """Score of the rule quality, else that of the judge; without either 1 / (1 + number of reasons)."""
    reasons: tuple[str, ...]
    """Rule and reason of each rule that drops it. The rules behind the first one that does are asked too."""


class Counts(NamedTuple):
    """Numbers of the rows of a file, of those with a text, and of the documents that are kept."""

    rows: int
    texts: int
    kept: int


def score_file(pipeline: Pipeline, source: str, out: Path, text_field: str = "text") -> Counts:
    """Write a line of JSON for each row of a file that is not blank, in its order, and return how many there are.

    A row without a text has the reason for that, and is not kept.

    Raises:
        InputError: the file cannot be read, or not to its end.
    """
    one = Pipeline(
        name="score",
        inputs=(Input(name="score", paths=(source,), text_field=text_field),),
        rules=pipeline.rules,
        part_bytes=_NO_SLICES,
    )
    if Path(source).exists() and out.exists() and Path(source).samefile(out):
        raise InputError(f"the scores would replace the documents of {source}: write them to another file")
    parts = cut(one, "")
    if parts.unreadable:
        raise InputError(parts.unreadable[0])
    rows = texts = kept = 0
    out.parent.mkdir(parents=True, exist_ok=True)
    with (
        replacing(out) as partial,
        partial.open("w", encoding="utf-8") as file,
        progress("score", None, "row") as advance,
    ):
        for part in parts.parts:
            for has_text, scored in _scored(drafts_of(part), pipeline.rules):
                file.write(json.dumps(scored._asdict(), ensure_ascii=False) + "\n")
                rows, texts, kept = rows + 1, texts + has_text, kept + scored.keep
                advance()
    return Counts(rows, texts, kept)


def _scored(drafts: Iterator[Draft | NoDocument], rules: Sequence[Rule]) -> Iterator[tuple[bool, Scored]]:
    """Yield for each row whether it has a text, and its verdict."""
    names = names_of_rules(tuple(rules))
    size = max((rule.batch for rule in rules if isinstance(rule, BatchRule)), default=1)
    for some in itertools.batched(drafts, size):
        found = iter(_score([draft for draft in some if isinstance(draft, Draft)], rules, names))
        for draft in some:
            if isinstance(draft, Draft):
                yield True, next(found)
            elif draft.is_row:
                yield False, Scored("", False, 0.0, (f"{draft.reason}: {draft.place}",))
            else:
                raise InputError(draft.place)


def _score(drafts: Sequence[Draft], rules: Sequence[Rule], names: Sequence[str]) -> Iterator[Scored]:
    """Yield what rules say of documents, which are changed by them."""
    verdicts = [apply_to_each(rule, drafts) for rule in rules]
    for number, draft in enumerate(drafts):
        found = [(name, verdict[number]) for name, verdict in zip(names, verdicts, strict=True)]
        # Where a corpus is cleaned, a record on which a rule fails is set aside.
        reasons = tuple(
            f"{name}: it fails: {type(reason).__name__}" if isinstance(reason, Exception) else f"{name}: {reason}"
            for name, reason in found
            if reason
        )
        value = score_of(draft.scores, 1 / (1 + len(reasons)))
        yield Scored(draft.id, not reasons, round(value, 6), reasons)
