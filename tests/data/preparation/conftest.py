"""Tokenizer, documents and worker processes that these tests share."""

import json
import multiprocessing
import random
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from pathlib import Path

import pytest

from tanuki_jax.config import experiment
from tanuki_jax.data.preparation.encode_unit import start_worker
from tanuki_jax.data.tokenizer.load import Tokenizer, load
from tanuki_jax.data.tokenizer.training import train

WORDS = (
    "狸",
    "吾輩は",
    "猫である。",
    "名前は",
    "まだ無い。",
    "def ",
    "return ",
    "x = 1\n",
    "🦝",
    "the river ",
    "本を読んだ。",
    "東京",
    "２０２４年",
    " ",
)


@pytest.fixture(scope="session")
def texts() -> Callable[[int, int, int], list[str]]:
    """Return `texts(seed, count, words)`, which makes documents of up to that many words."""

    def make(seed: int, count: int, words: int) -> list[str]:
        choose = random.Random(seed)
        return [f"{number}: " + "".join(choose.choices(WORDS, k=choose.randint(1, words))) for number in range(count)]

    return make


@pytest.fixture(scope="session")
def tokenizer_folder(tmp_path_factory: pytest.TempPathFactory, texts: Callable[[int, int, int], list[str]]) -> Path:
    folder = tmp_path_factory.mktemp("tokenizer") / "tokenizer"
    train(texts(0, 300, 30), experiment.Tokenizer(path=str(folder), pieces=420), folder)
    return folder


@pytest.fixture(scope="session")
def tokenizer(tokenizer_folder: Path) -> Tokenizer:
    return load(tokenizer_folder)


@pytest.fixture(scope="session")
def workers(tokenizer_folder: Path) -> Iterator[Executor]:
    """Two worker processes, as `prepare` starts them."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(2, context, start_worker, (str(tokenizer_folder),)) as pool:
        yield pool


@pytest.fixture(scope="session")
def write_json_lines() -> Callable[[Path, list[str]], Path]:
    """Return a function that writes documents, one a line, with a blank line before every tenth."""

    def write(path: Path, documents: list[str]) -> Path:
        lines = [json.dumps({"text": text}, ensure_ascii=False) for text in documents]
        path.write_text(
            "".join(("\n" if number % 10 == 9 else "") + line + "\n" for number, line in enumerate(lines)),
            encoding="utf-8",
        )
        return path

    return write
