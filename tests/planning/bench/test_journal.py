"""Lines that a suite of `bench all` saves."""

from pathlib import Path

import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.planning.bench.bench_results import Result
from tanuki_jax.planning.bench.journal import Journal

RESULT = Result(benchmark="b", case="c", variant="v", key={"time": 64}, outcome="failed", detail="why")
LABELS = ("b", "c", "v")


def test_saved_lines_are_read_back(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "folder" / "suite.jsonl")
    assert (journal.results, journal.machine, journal.unfinished, journal.longest_seconds) == ([], {}, None, 0.0)
    journal.open({"device": "cpu"})
    journal.start(LABELS)
    assert journal.unfinished == LABELS
    journal.finish(RESULT, 2.5)
    again = Journal(journal.path)
    assert (again.results, again.machine, again.unfinished) == ([RESULT], {"device": "cpu"}, None)
    assert again.longest_seconds == 2.5


@pytest.mark.parametrize("cut", range(1, 40))
def test_a_truncated_line_is_ignored_and_the_next_one_is_read(tmp_path: Path, cut: int) -> None:
    journal = Journal(tmp_path / "suite.jsonl")
    journal.open({"device": "cpu"})
    journal.start(LABELS)
    journal.finish(RESULT, 2.5)
    journal.path.write_bytes(journal.path.read_bytes()[: -1 - cut])
    assert (journal.results, journal.unfinished) == ([], LABELS)
    journal.finish(RESULT, 2.5)
    assert (journal.results, journal.unfinished) == ([RESULT], None)


def test_another_machine_is_refused(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "suite.jsonl")
    journal.open({"device": "H100", "sizes": "full"})
    journal.open({"device": "H100", "sizes": "full"})
    with pytest.raises(InputError, match=r"has results of another device; delete .* to measure everything again"):
        journal.open({"device": "H200", "sizes": "full"})


def test_a_result_without_a_key_is_measured_again(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "suite.jsonl")
    journal.finish(RESULT, 2.5)
    journal.path.write_text(journal.path.read_text().replace('"key"', '"old"'))
    assert journal.results == []
