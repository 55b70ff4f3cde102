import dataclasses
from pathlib import Path

import pytest

from tanuki_jax.config.experiment import Layout
from tanuki_jax.training.explain.run_setup import setup_on_this_machine, with_batch_rows
from tests.training.explain.conftest import tiny


def test_a_layout_that_fits_is_kept(tmp_path: Path) -> None:
    setup = setup_on_this_machine(tiny(tmp_path))
    assert setup.experiment == tiny(tmp_path)
    mesh = setup.mesh
    assert (mesh.shape["data"], mesh.shape["fsdp"]) == (2, 4)


@pytest.mark.parametrize(
    ("layout", "rows", "devices", "accumulation"),
    [
        (Layout(fsdp=64, tensor=8, accumulation=2), 16, 8, 2),
        (Layout(stage=2, microbatches=2, accumulation=2), 32, 8, 4),
        (Layout(context=2, offload=("input",)), 16, 8, 1),
        (Layout(attention="hopper"), 16, 8, 1),
        (Layout(), 12, 4, 1),
    ],
)
def test_any_other_becomes_one_that_shares_everything(
    tmp_path: Path, layout: Layout, rows: int, devices: int, accumulation: int
) -> None:
    data = dataclasses.replace(tiny(tmp_path).data, batch_rows=rows)
    setup = setup_on_this_machine(dataclasses.replace(tiny(tmp_path), data=data, layout=layout))
    assert dict(setup.mesh.shape) == {"stage": 1, "data": 1, "fsdp": devices, "expert": 1, "context": 1, "tensor": 1}
    plain = dataclasses.replace(
        layout, data=1, fsdp=devices, context=1, tensor=1, stage=1, microbatches=1, attention="auto", offload=()
    )
    assert setup.experiment.layout == dataclasses.replace(plain, accumulation=accumulation)


@pytest.mark.parametrize(("accumulation", "rows", "divides"), [(2, 16, 2), (6, 16, 2), (4, 12, 4), (8, 4, 4)])
def test_batches_of_other_rows_have_micro_batches_that_divide_them(
    tmp_path: Path, accumulation: int, rows: int, divides: int
) -> None:
    before = dataclasses.replace(tiny(tmp_path), layout=Layout(accumulation=accumulation))
    changed = with_batch_rows(before, rows)
    assert (changed.data.batch_rows, changed.layout.accumulation) == (rows, divides)
    assert dataclasses.replace(changed, data=before.data, layout=before.layout) == before
