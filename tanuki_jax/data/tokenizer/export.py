"""Convert a SentencePiece model to Hugging Face's form, and count the texts that two tokenizers encode differently."""

import dataclasses
import json
from collections.abc import Iterable, Sequence
from itertools import batched
from pathlib import Path
from typing import Any

import numpy as np
from sentencepiece import sentencepiece_model_pb2
from tokenizers import Regex, decoders, models, normalizers
from tokenizers import Tokenizer as HuggingFaceTokenizer

from tanuki_jax.base.atomic import replace_text
from tanuki_jax.base.errors import InputError
from tanuki_jax.data.tokenizer.hugging_face_backend import CONFIG
from tanuki_jax.data.tokenizer.load import JSON, Tokenizer, find_file, load
from tanuki_jax.data.tokenizer.special_pieces import ESCAPES, NORMALIZATION, SPACE

_NORMAL, _CONTROL, _USER_DEFINED = 1, 3, 4
"""SentencePiece's types of pieces: learned; a token that no text becomes; a text that always becomes one piece."""
_UNIGRAM = 1
"""SentencePiece's type of a unigram model."""
_FIELDS = {"<CLS>": "cls_token", "<SEP>": "sep_token", "<MASK>": "mask_token"}


def parse_model(model: bytes) -> Any:
    """Return the `ModelProto` in the content of a `.model` file that SentencePiece has read or written."""
    return sentencepiece_model_pb2.ModelProto.FromString(model)  # type: ignore[attr-defined]


def export(path: str | Path, folder: Path) -> None:
    """Write `tokenizer.json` and `tokenizer_config.json` of the tokenizer at `path` into `folder`, for transformers.

    A Hugging Face tokenizer is copied. A SentencePiece model must be a unigram model, else InputError. Its control
    pieces become special tokens of transformers, which encodes `</s>` in a text as the token unless it is called with
    `split_special_tokens=True`, as chat templates need; `tokenizers` alone, and this package, encode it as text.
    """
    file = find_file(path)
    if file.suffix == ".json":
        for source, name in ((file, JSON), (file.with_name(CONFIG), CONFIG)):
            if source.is_file():
                replace_text(folder / name, source.read_text(encoding="utf-8"))
        return
    load(file)
    model = parse_model(file.read_bytes())
    if model.trainer_spec.model_type != _UNIGRAM:
        raise InputError(
            f"{file} is not a unigram model, the only type that can be exported: use its publisher's tokenizer.json"
        )
    replace_text(folder / JSON, _unigram(model).to_str(pretty=True))
    replace_text(folder / CONFIG, json.dumps(_config(model), ensure_ascii=False, indent=2) + "\n")


def is_unigram(file: Path) -> bool:
    """Whether a SentencePiece model is a unigram model."""
    return bool(parse_model(file.read_bytes()).trainer_spec.model_type == _UNIGRAM)


def write_sentencepiece_config(file: Path, folder: Path) -> None:
    """Write the `tokenizer_config.json` with which transformers reads a SentencePiece model that is alone."""
    of_llama = {"tokenizer_class": "LlamaTokenizer", "add_bos_token": False, "add_eos_token": False, "legacy": False}
    config = _config(parse_model(file.read_bytes())) | of_llama
    replace_text(folder / CONFIG, json.dumps(config, ensure_ascii=False, indent=2) + "\n")


def with_control_pieces(content: bytes, names: Sequence[str]) -> bytes:
    """Return the content of a SentencePiece model with further control pieces, which no text becomes, at its end."""
    model = parse_model(content)
    for name in names:
        model.pieces.add(piece=name, score=0.0, type=_CONTROL)
    model.trainer_spec.control_symbols.extend(names)
    model.trainer_spec.vocab_size = len(model.pieces)
    grown: bytes = model.SerializeToString()
    return grown


def _unigram(model: Any) -> HuggingFaceTokenizer:
    """Return a tokenizer of the same pieces and scores: the best path through a text is the same up to rounding."""
    trained, rule = model.trainer_spec, model.normalizer_spec
    escapes = ESCAPES if rule.name == NORMALIZATION else ()
    tokenizer = HuggingFaceTokenizer(models.Unigram(_vocabulary(model), trained.unk_id, trained.byte_fallback))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Replace(character, escape) for character, escape in escapes]
        + ([normalizers.Precompiled(rule.precompiled_charsmap)] if rule.precompiled_charsmap and not escapes else [])
        + ([normalizers.Strip(), normalizers.Replace(Regex(" {2,}"), " ")] if rule.remove_extra_whitespaces else [])
        + ([normalizers.Prepend(" ")] if rule.add_dummy_prefix else [])
        + [normalizers.Replace(" ", SPACE)]
    )
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace(SPACE, " "), decoders.ByteFallback(), decoders.Fuse()]
        + ([decoders.Strip(" ", 1, 0)] if rule.add_dummy_prefix else [])
        + [decoders.Replace(escape, character) for character, escape in reversed(escapes)]
    )
    return tokenizer


def _vocabulary(model: Any) -> list[tuple[str, float]]:
    """Return pieces and scores.

    SentencePiece matches learned pieces by their scores, and user-defined pieces always; their score is zero, so that
    they win here too. `tokenizers` matches every piece by its score, so a piece that no text may become gets a score
    below the sum of its characters' scores.
    """
    worst = min(piece.score for piece in model.pieces if piece.type == _NORMAL)
    matched = (_NORMAL, _USER_DEFINED)
    return [
        (piece.piece, piece.score if piece.type in matched else (len(piece.piece) + 1) * worst)
        for piece in model.pieces
    ]


def _config(model: Any) -> dict[str, Any]:
    trained = model.trainer_spec
    fields = {
        trained.unk_piece: "unk_token",
        trained.bos_piece: "bos_token",
        trained.eos_piece: "eos_token",
        trained.pad_piece: "pad_token",
    }
    fields |= _FIELDS
    control = [piece.piece for piece in model.pieces if piece.type == _CONTROL]
    named = {fields[name]: name for name in (trained.unk_piece, *control) if name in fields}
    return {
        "tokenizer_class": "PreTrainedTokenizerFast",
        **named,
        "additional_special_tokens": [name for name in control if name not in fields],
        "clean_up_tokenization_spaces": False,
    }


@dataclasses.dataclass(frozen=True)
class Disagreement:
    """Counts of texts that two tokenizers encode or decode differently."""

    total: int
    """All texts."""
    different: int
    """Texts with different ids."""
    lost: int
    """Texts that at least one tokenizer does not decode to the same text."""
    examples: tuple[str, ...]
    """First few texts that are different or lost."""

    @property
    def rate(self) -> float:
        """Return the share of texts that encode differently."""
        return self.different / max(self.total, 1)


def disagreement(tokenizer: Tokenizer, exported: Tokenizer, texts: Iterable[str], *, examples: int = 5) -> Disagreement:
    """Encode and decode every text with both tokenizers. Texts contain no surrogates."""
    total = different = lost = 0
    first: list[str] = []
    for batch in batched(texts, 256):
        for text, ours, theirs in zip(batch, tokenizer.encode_batch(batch), exported.encode_batch(batch), strict=True):
            differs = not np.array_equal(ours, theirs)
            loses = tokenizer.decode(ours) != text or exported.decode(theirs) != text
            total, different, lost = total + 1, different + differs, lost + loses
            if (differs or loses) and len(first) < examples:
                first.append(text)
    return Disagreement(total, different, lost, tuple(first))
