"""Rows that are looked at before anything is trained on them."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.config.mixture import Mixture, Source, Stage
from tanuki_jax.data.preparation.inventory import take_inventory
from tanuki_jax.data.preparation.malformed_sample import check_sample


def check(folder: Path, rows: Sequence[object], share: float = 0.001) -> None:
    (folder / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    source = Source(name="web", paths=(str(folder / "a.jsonl"),))
    check_sample(take_inventory(Mixture(sources=(source,), stages=(Stage(weights={"web": 1}),))), share)


def test_a_wrong_field_is_found_at_once(tmp_path: Path) -> None:
    complaint = (
        r"^200 of the first 200 records of web that were looked at are malformed, more than data\.malformed_share "
        r"\(0\.001\) allows; the first: no field 'text' among 'body'$"
    )
    with pytest.raises(InputError, match=complaint):
        check(tmp_path, [{"body": "a"}] * 300)


def test_a_few_bad_rows_prove_nothing(tmp_path: Path) -> None:
    check(tmp_path, [{"body": "a"}] * 3 + [{"text": "a"}] * 300)
    check(tmp_path, [{"body": "a"}] * 100 + [{"text": "a"}] * 100, share=0.5)
