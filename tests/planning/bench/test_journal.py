"""The lines that a part of `bench all` keeps."""

from pathlib import Path

import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.planning.bench.bench_results import Result
from tanuki_jax.planning.bench.journal import Journal

RESULT = Result(benchmark="b", case="c", variant="v", outcome="failed", detail="why")
KEY = ("b", "c", "v")


def test_what_was_kept_is_there_again(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "folder" / "part.jsonl")
    assert (journal.results, journal.where, journal.hanging, journal.longest) == ([], {}, None, 0.0)
    journal.open({"device": "cpu"})
    journal.begin(KEY)
    assert journal.hanging == KEY
    journal.finish(RESULT, 2.5)
    again = Journal(journal.path)
    assert (again.results, again.where, again.hanging, again.longest) == ([RESULT], {"device": "cpu"}, None, 2.5)


@pytest.mark.parametrize("cut", range(1, 40))
def test_a_line_that_was_cut_short_does_not_count_nor_spoil_the_next(tmp_path: Path, cut: int) -> None:
    journal = Journal(tmp_path / "part.jsonl")
    journal.open({"device": "cpu"})
    journal.begin(KEY)
    journal.finish(RESULT, 2.5)
    journal.path.write_bytes(journal.path.read_bytes()[: -1 - cut])
    assert (journal.results, journal.hanging) == ([], KEY)
    journal.finish(RESULT, 2.5)
    assert (journal.results, journal.hanging) == ([RESULT], None)


def test_another_machine_is_refused(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "part.jsonl")
    journal.open({"device": "H100", "sizes": "full"})
    journal.open({"device": "H100", "sizes": "full"})
    with pytest.raises(InputError, match="begun with another device; delete"):
        journal.open({"device": "H200", "sizes": "full"})
