"""Texts and tokenizers for these tests: generated Japanese, code and English from the standard library."""

import argparse
import inspect
import io
import json
import random
import textwrap
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import sentencepiece
import tokenizers

from tanuki_jax.config import experiment
from tanuki_jax.data.tokenizer.training import train

SUBJECTS = (
    "吾輩",
    "山の狸",
    "隣の先生",
    "古い友人",
    "駅前のカフェ",
    "小さな村の子供たち",
    "２０２４年のデータ",
    "A社の担当者",
)
PLACES = ("庭で", "東京の図書館で", "川のほとりで", "雨の日に", "夜明け前に", "インターネット上で", "誰もいない教室で")
ACTIONS = (
    "昼寝をしている。",
    "本を読んだ。",
    "名前を忘れたらしい……",
    "「ここは静かですね」と言った。",
    "3,500円を支払った！",
    "歌っていたか？",
)
BROKEN = (
    *(
        "\0",
        "\x07",
        "\x10",
        "\x10\x01",
        "\x10\x02",
        "\x1b[0m",
        "\t",
        "\r\n",
        "\r",
        "\n",
        " ",
        "\u3000",
        "\u2028",
        "\ufeff",
        "\ufffd",
        "\ufdd0",
    ),
    *("\u2581", "\u2585", "\u2047", "e\u0301", "か\u3099", "\U0010ffff", "\ue000", "\u202e"),
    *(
        "<unk>",
        "<s>",
        "</s>",
        "<pad>",
        "<CLS>",
        "<SEP>",
        "<EOD>",
        "<MASK>",
        "<0x41>",
        "<0xE3>",
        "<0x0A>",
        "||||",
        "<llm-code>",
        "</llm-code-output>",
    ),
    *(
        "\U0001f600",
        "\U0001f468\u200d\U0001f469\u200d\U0001f467",
        "\U0001f1ef\U0001f1f5",
        "\u2764\ufe0f",
        "\U0001f44d\U0001f3fd",
        "한국어",
        "עברית",
        "ไทย",
    ),
    *(
        b"\xe3\x81".decode(errors="replace"),
        b"\xff\xfe\x00".decode(errors="replace"),
        b"\xed\xa0\x80".decode(errors="replace"),
    ),
)

CHAT_TOKENS = ("<|im_start|>", "<|im_end|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>")

SCALARS = [i for i in range(0x110000) if not 0xD800 <= i < 0xE000]


def japanese() -> list[str]:
    return ["".join(parts) for parts in product(SUBJECTS, ("は", "が"), PLACES, ACTIONS)]


@pytest.fixture(scope="session")
def corpus() -> list[str]:
    """Training documents, about 150 kB."""
    sentences = japanese()
    random.Random(0).shuffle(sentences)
    stories = ["\n".join(sentences[i : i + 20]) for i in range(0, len(sentences), 20)]
    return stories + [inspect.getsource(module) for module in (inspect, textwrap)]


@pytest.fixture(scope="session")
def strings(corpus: list[str]) -> list[str]:
    """5,000 texts that are not in `corpus`: Japanese, English, code, emoji, broken text, and mixtures."""
    draw = random.Random(1)
    sentences = japanese()
    code = inspect.getsource(argparse).splitlines() + inspect.getsource(random).splitlines()
    english = [line.strip() for line in (inspect.getdoc(argparse) or "").splitlines() + code if " " in line.strip()]
    kinds = (sentences, code, english, BROKEN)

    def text() -> str:
        kind = draw.choice((*kinds, None))
        parts = [draw.choice(kind or draw.choice(kinds)) for _ in range(draw.randint(1, 12))]
        return draw.choice(("", " ", "\n", "  ")).join(
            part if draw.random() < 0.8 else part[: draw.randint(0, len(part))] for part in parts
        )

    return [text() for _ in range(4500)] + [
        "".join(map(chr, draw.sample(SCALARS, draw.randint(0, 40)))) for _ in range(500)
    ]


@pytest.fixture(scope="session")
def folder(corpus: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with a tokenizer of 1,200 pieces."""
    folder = tmp_path_factory.mktemp("trained") / "tokenizer"
    train(corpus, experiment.Tokenizer(path=str(folder), pieces=1200), folder)
    return folder


@pytest.fixture(scope="session")
def foreign_model(corpus: list[str]) -> Callable[..., bytes]:
    """Return a function that trains a model with SentencePiece's defaults and the options that it is called with."""

    def train_with(**options: Any) -> bytes:
        model = io.BytesIO()
        lines = [line for text in corpus for line in text.splitlines()]
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(lines), model_writer=model, minloglevel=2, **options
        )
        return model.getvalue()

    return train_with


@pytest.fixture(scope="session")
def chat_folder(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with the same tokenizer in Hugging Face's form, with the special tokens of ChatML and Llama 3."""
    chat_folder = tmp_path_factory.mktemp("trained") / "chat"
    chat_folder.mkdir()
    tokenizer = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.add_special_tokens([*CHAT_TOKENS])
    tokenizer.save(str(chat_folder / "tokenizer.json"))
    config = json.loads((folder / "tokenizer_config.json").read_text())
    additional = [*config.get("additional_special_tokens", []), *CHAT_TOKENS]
    (chat_folder / "tokenizer_config.json").write_text(json.dumps(config | {"additional_special_tokens": additional}))
    return chat_folder
