from tanuki_jax.corpus.records.formats.by_suffix import FORMATS, PLAIN_TEXT, format_of


def test_the_suffix_in_any_case_determines_the_format() -> None:
    for suffix, format in FORMATS.items():
        assert format_of(f"a{suffix}") is format_of(f"A{suffix.upper()}") is format
    assert all(format_of(name) is PLAIN_TEXT for name in ("a.json", "a.txt.gz", "a.py", "a", "jsonl"))


def test_json_lines_have_five_suffixes_and_three_formats_are_written() -> None:
    assert list(FORMATS) == [".jsonl", ".jsonl.gz", ".jsonl.zst", ".json.gz", ".json.zst", ".parquet"]
    assert [suffix for suffix, format in FORMATS.items() if format.write] == [".jsonl", ".jsonl.zst", ".parquet"]
