import gzip
import json
from pathlib import Path

import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.cleaning.draft import Draft, seed_of
from tanuki_jax.corpus.cleaning.engines.stage import Beacon
from tanuki_jax.corpus.cleaning.parts import cut
from tanuki_jax.corpus.cleaning.read_drafts import NoDocument, drafts_of
from tests.corpus.cleaning.corpora import pipeline, texts, write_lines


def read(*paths: Path) -> list[Draft | NoDocument]:
    """Return what the files hold."""
    return [draft for part in cut(pipeline(*paths), "k").parts for draft in drafts_of(part)]


def test_drafts_say_where_they_come_from(tmp_path: Path) -> None:
    file = write_lines(tmp_path / "a.jsonl", [{"text": "一", "url": "http://a/"}, {"id": "x", "text": "二"}])
    first, second = read(file)
    assert isinstance(first, Draft) and isinstance(second, Draft)
    assert first.metadata == {"url": "http://a/", "source": "files", "file": str(file), "row": 0}
    assert (first.id, second.id) == (f"{file}:0", "x")
    assert first.seed == seed_of("一")


def test_every_row_is_a_draft_or_has_a_reason(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    lines = [b"\xef\xbb\xbf" + json.dumps({"text": "good"}).encode(), b"", b"{", b'{"text": "\xff"}', b'{"other": 1}']
    lines += [b'{"text": "\\ud800"}', b'{"messages": [{"role": "user", "content": "a"}]}', b'{"text": " "}']
    file.write_bytes(b"\n".join(lines))
    found = read(file)
    assert len(found) == len(lines) - 1
    reasons = [each.reason for each in found if isinstance(each, NoDocument)]
    assert reasons == ["malformed", "malformed", "no text", "malformed", "a conversation", "no text"]


def test_a_cut_file_gives_what_is_before_the_cut(tmp_path: Path) -> None:
    whole = "".join(json.dumps(row) + "\n" for row in texts(5_000)).encode()
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(whole)[:-2_000])
    found = read(tmp_path / "a.jsonl.gz")
    *drafts, last = found
    assert len(drafts) > 1_000
    assert isinstance(last, NoDocument)
    assert not last.is_row
    assert "cannot be read to its end" in last.place


def test_pages_become_text(tmp_path: Path) -> None:
    article = "これは記事の段落です。読む人のための文が、いくつも続いています。" * 4
    page = f"<html lang=ja><title>題</title><body><article><p>{article}</p></article></body></html>"
    file = write_lines(tmp_path / "a.jsonl", [{"html": page, "url": "http://a/"}, {"html": "<html></html>"}])
    draft, nothing = read(file)
    assert isinstance(draft, Draft)
    assert draft.text == f"{article}\n"
    assert draft.metadata["title"] == "題"
    assert draft.metadata["url"] == "http://a/"
    assert draft.metadata["source"] == "files"
    assert isinstance(nothing, NoDocument)
    assert nothing.reason == "no text in the page"


def test_metadata_of_the_input_do_not_pass_for_those_of_cleaning(tmp_path: Path) -> None:
    row = {"text": "一", "scores": {"quality": "high"}, "cluster_size": 7, "source": "x", "title": "題"}
    [draft] = read(write_lines(tmp_path / "a.jsonl", [row]))
    assert isinstance(draft, Draft)
    assert draft.metadata["input"] == {"scores": {"quality": "high"}, "cluster_size": 7, "source": "x"}
    assert draft.metadata["source"] == "files"
    assert draft.metadata["title"] == "題"
    assert draft.scores == {}


def test_a_row_that_is_skipped_is_not_read(tmp_path: Path) -> None:
    file = write_lines(tmp_path / "a.jsonl", texts(3))
    [part] = cut(pipeline(file), "k").parts
    beacon = Beacon(tmp_path / "beacon", {1: "took too long"})
    shown = []
    for _ in (drafts := drafts_of(part, beacon)):
        shown.append(beacon.read())
    assert shown == [0, 1, 2]
    kinds = [type(each) for each in drafts_of(part, beacon)]
    assert kinds == [Draft, NoDocument, Draft]
    assert list(drafts) == []


def test_a_file_that_is_gone_ends_the_task_and_is_no_loss(tmp_path: Path) -> None:
    file = write_lines(tmp_path / "a.jsonl", texts(3))
    [part] = cut(pipeline(file), "k").parts
    file.unlink()
    with pytest.raises(InputError, match="cannot be read now"):
        list(drafts_of(part))


def test_a_file_in_a_wrong_form_is_one_damaged_file(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("3")
    write_lines(tmp_path / "b.jsonl", texts(2))
    found = read(tmp_path / "a.json", tmp_path / "b.jsonl")
    assert [type(each) for each in found] == [NoDocument, Draft, Draft]
    assert isinstance(found[0], NoDocument) and not found[0].is_row


def test_a_text_file_is_read_in_its_encoding_or_is_malformed(tmp_path: Path) -> None:
    text = "古い家の縁側で、猫が二匹ならんで昼寝をしている。\n"
    for name, encoding in (("a.txt", "utf-8"), ("b.txt", "cp932"), ("c.txt", "iso2022_jp"), ("d.xml", "utf-16")):
        (tmp_path / name).write_bytes(text.encode(encoding))
    (tmp_path / "e.txt").write_bytes("forêt".encode("cp1252"))
    *drafts, uncertain = read(*sorted(tmp_path.iterdir()))
    assert [draft.text for draft in drafts if isinstance(draft, Draft)] == [text] * 4
    encodings = [draft.metadata.get("encoding") for draft in drafts if isinstance(draft, Draft)]
    assert encodings == [None, "cp932", "iso2022_jp", "utf-16-le"]
    assert isinstance(uncertain, NoDocument)
    assert uncertain.reason == "malformed"
    assert uncertain.place.endswith("invalid UTF-8 at byte 3 of the file; it is not certain which encoding it has")
