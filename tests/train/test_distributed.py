"""How a process finds the others of its job; test_run.py trains in several."""

import re
import subprocess
import sys

import pytest

from tanuki_jax.errors import InputError
from tanuki_jax.train.distributed import join


def test_a_job_that_is_not_there_is_refused_in_a_sentence() -> None:
    words = ("-m", "tanuki_jax.train", "--config=tiny", "--distributed")
    refused = subprocess.run([sys.executable, *words], capture_output=True, text=True, check=False)
    assert refused.returncode == 2
    assert re.fullmatch(r"tanuki_jax.train: .* no SLURM, TPU slice or Open MPI was found, .* is not set\n", refused.stderr), refused.stderr


@pytest.mark.parametrize("said", ["", "two"])
def test_a_job_must_say_how_many_processes_it_has(monkeypatch: pytest.MonkeyPatch, said: str) -> None:
    monkeypatch.setenv("JAX_COORDINATOR_ADDRESS", "localhost:1")
    monkeypatch.setenv("JAX_NUM_PROCESSES", said)
    with pytest.raises(InputError, match=f"with JAX_COORDINATOR_ADDRESS, JAX_NUM_PROCESSES must be a whole number, and is '{said}'$"):
        join()
