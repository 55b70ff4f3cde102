import re

import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.records.formats.by_suffix import FORMATS, PLAIN_TEXT, format_of


def test_the_suffix_in_any_case_determines_the_format() -> None:
    for suffix, format in FORMATS.items():
        assert format_of(f"a{suffix}") is format_of(f"A{suffix.upper()}") is format
    assert all(format_of(name) is PLAIN_TEXT for name in ("a.txt", "a.txt.gz", "a.py", "a", "jsonl"))


@pytest.mark.parametrize("name", ["a.csv", "A.TSV.gz", "a.tar.zst", "a.zip", "a.arrow", "a.pdf"])
def test_a_file_that_is_no_text_is_refused_by_name(name: str) -> None:
    with pytest.raises(InputError, match=rf"^{re.escape(name)} is .* by its name, and not read: convert it to \.jsonl"):
        format_of(name)


def test_three_formats_are_written_and_the_others_only_read() -> None:
    stems = (".jsonl", ".ndjson", ".json")
    packed = {f"{stem}{packed}" for stem in stems for packed in ("", ".gz", ".zst")}
    crawled = {".warc", ".warc.gz", ".wet", ".wet.gz", ".xml", ".xml.bz2"}
    assert {*FORMATS} == {*packed, ".jsonlines", ".parquet", *crawled}
    assert [suffix for suffix, format in FORMATS.items() if format.write] == [".jsonl", ".jsonl.zst", ".parquet"]
