"""Models of quality in fastText's format: ours, or those that others have published."""

import re
import tempfile
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from tanuki_jax.base.atomic import replacing
from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.cleaning.quality.views import base_form, normalized

MAGIC = (793712314).to_bytes(4, "little")
"""First bytes of a fastText model."""
_LABEL = "__label__"
_RATES = (0.5, 0.2, 0.1, 0.05)
_SPACES = re.compile(r"\s+")

type Symbols = Literal["characters", "base_forms", "text"]


class _Model(Protocol):
    """Methods of a fastText model that are used."""

    labels: list[str]

    def predict(self, text: str, k: int) -> tuple[Sequence[str], Sequence[float]]:
        """Return labels and their probabilities."""
        ...

    def save_model(self, path: str) -> None:
        """Write the model."""
        ...


@dataclass(frozen=True, slots=True)
class FastTextModel:
    """A model of fastText that knows good texts."""

    model: _Model
    symbols: Symbols
    label: str

    def score(self, text: str) -> float:
        """Return the probability of the label of good texts."""
        labels, chances = self.model.predict(spaced(text, self.symbols), k=len(self.model.labels))
        return min(float(dict(zip(labels, chances, strict=True))[self.label]), 1.0)


def spaced(text: str, symbols: Symbols) -> str:
    """Return a text as fastText reads it, one line with spaces between its symbols.

    `characters` and `base_forms` (morphemes as a dictionary lists them, as upstream trained) are in NFKC and lower
    case; `text` only loses its line breaks, as models for languages with spaces expect it.
    """
    if symbols == "text":
        return _SPACES.sub(" ", text)
    text, found = (unicodedata.normalize("NFKC", text), ()) if symbols == "characters" else normalized(text)
    if symbols == "characters":
        return " ".join(_SPACES.sub("_", text.lower()))
    return " ".join(_SPACES.sub("_", base_form(morpheme).lower()) for morpheme in found)


def load_fasttext(path: Path, symbols: Symbols, good_label: str) -> FastTextModel:
    """Return a model of fastText. InputError if the file is damaged or the model does not know the label."""
    import fasttext

    try:
        model = fasttext.load_model(str(path))
    except (ValueError, RuntimeError, MemoryError) as error:
        raise InputError(f"{path} is no whole fastText model ({error})") from error
    label = good_label if good_label.startswith(_LABEL) else _LABEL + good_label
    if label not in model.labels:
        known = ", ".join(known.removeprefix(_LABEL) for known in model.labels[:10])
        raise InputError(f"{path} has no label {good_label!r}; name one of {known}")
    return FastTextModel(model, symbols, label)


def train_fasttext(texts: Sequence[str], good: Sequence[bool], path: Path, symbols: Symbols = "characters") -> None:
    """Train a model of labelled texts and write it in fastText's format.

    One thread, so that the same texts give the same model. N-grams of up to 4 characters, or of 2 base forms. On
    Tanuki's labels it is less accurate than the linear model (`training.train`), which is why that is the default;
    this one can be read by every program that reads fastText's.
    """
    with tempfile.TemporaryDirectory() as folder, replacing(path) as partial:
        lines = Path(folder) / "labelled.txt"
        labelled = zip(texts, good, strict=True)
        lines.write_text(
            "".join(f"{_LABEL}{'good' if label else 'bad'} {spaced(text, symbols)}\n" for text, label in labelled),
            encoding="utf-8",
            errors="replace",
        )
        _train(lines, 4 if symbols == "characters" else 2).save_model(str(partial))


def _train(lines: Path, ngrams: int) -> _Model:
    """Return a model of a file in fastText's format; where training diverges, it is repeated with smaller steps."""
    import fasttext

    for rate in _RATES:
        try:
            model: _Model = fasttext.train_supervised(
                str(lines), thread=1, seed=1, verbose=0, dim=16, lr=rate, epoch=30, wordNgrams=ngrams, bucket=200_000
            )
        except RuntimeError:  # "Encountered NaN."
            continue
        return model
    raise InputError(f"fastText learns nothing from these texts at rates of {_RATES}; label more of them")
