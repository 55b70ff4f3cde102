"""A disk that is full while a teacher writes."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.corpus.synthesis.echo import FILE, texts_of
from tests.faults.conftest import Record, fill
from tests.rehearsal import rehearsing

pytestmark = pytest.mark.faults
FREE = (0, 4 << 10, 20 << 10, 60 << 10, 100 << 10)
"""Bytes that are free when the command starts."""


def test_a_full_disk_ends_a_synthesis_run_that_goes_on_later(tmp_path: Path, small_disk: Path, record: Record) -> None:
    with rehearsing(tmp_path / "log.jsonl", "--latency", "0.02") as teacher:
        command = [sys.executable, "-m", "tanuki_jax.synthesize", f"--config={FILE}:slow"]
        command += ["--teacher.urls", teacher.url, "--teacher.concurrency", "20", "--out"]
        subprocess.run([*command, str(tmp_path / "out")], check=True, capture_output=True)
        asked = len(teacher.log_lines())
        for free in FREE:
            ballast = fill(small_disk, leave=free)
            ended = subprocess.run([*command, str(small_disk / "out")], capture_output=True, text=True, check=False)
            assert ended.returncode == 2, ended.stderr
            assert "the disk is full" in ended.stderr.splitlines()[-1]
            assert "Traceback" not in ended.stderr
            ballast.unlink()
        subprocess.run([*command, str(small_disk / "out")], check=True, capture_output=True)
        again = len(teacher.log_lines()) - 2 * asked
    assert texts_of(small_disk / "out") == texts_of(tmp_path / "out")
    record("full disk while a teacher writes", len(FREE), f"went on; {again:,} requests of {asked:,} asked again")
