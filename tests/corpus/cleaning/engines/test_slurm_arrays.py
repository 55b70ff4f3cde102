import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.cleaning.engines.slurm import require_slurm


def test_a_machine_without_slurm_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(InputError, match="no sbatch and no squeue and no srun"):
        require_slurm()
