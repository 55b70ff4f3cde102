import dataclasses
import gc
import time
from pathlib import Path

import pytest

from tanuki_jax.corpus.records.types import Document
from tanuki_jax.corpus.synthesis.filters import filter_table
from tanuki_jax.corpus.synthesis.filters.filter_table import FILTERS, name_of
from tanuki_jax.corpus.synthesis.made import Made


def test_every_filter_is_a_frozen_dataclass_that_works_without_settings() -> None:
    for name, kind in FILTERS.items():
        each = kind()
        assert dataclasses.is_dataclass(each)
        assert hash(each) == hash(kind())
        assert name_of(each) == name
        assert kind.__module__.endswith(f".{name}")
        assert isinstance(each.reason(Made(Document("a", "\ud800"), "\ud800", ("\ud800",))), str)


def test_every_file_of_a_filter_has_a_row() -> None:
    folder = Path(filter_table.__file__).parent
    with_reason = [path.stem for path in folder.glob("*.py") if "def reason(self, made" in path.read_text("utf-8")]
    assert sorted(with_reason) == sorted(FILTERS)


@pytest.mark.parametrize("name", FILTERS)
@pytest.mark.parametrize("unit", ["ア", "一", "1", "10:", "Aa ", "私の知識は", "「", "当サイト", "\n\n", "約1/3 ", "a"])
def test_a_long_text_of_one_unit_takes_no_longer_than_others(name: str, unit: str) -> None:
    written = (unit * 5_000)[:5_000]
    gc.disable()  # what other tests have left takes seconds to walk
    try:
        start = time.thread_time()
        FILTERS[name]().reason(Made(Document("a", written), written, (written,)))
        assert time.thread_time() - start < 1.5
    finally:
        gc.enable()
