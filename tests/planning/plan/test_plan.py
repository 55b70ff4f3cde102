"""The plan command: its page, its file, and errors."""

import json
from pathlib import Path

import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.plan import main

TINY = ["--config=tiny", "--layout.fsdp", "4", "--layout.accumulation", "2", "--layout.remat", "full"]


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep changes that the command makes for jax from other tests."""
    for name, value in {"XLA_FLAGS": "", "JAX_PLATFORMS": "cpu", "TF_CPP_MIN_LOG_LEVEL": "2"}.items():
        monkeypatch.setenv(name, value)


def test_a_plan_is_printed_and_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main([*TINY, "--target=cpu:2x4", "--json", str(tmp_path / "plans" / "tiny.json")])
    page = capsys.readouterr().out
    assert page.startswith(
        "tiny on cpu:2x4 (8 devices): data 2 x fsdp 4, 2 micro-batches of 1 row x 256 tokens per device, "
        "remat full\nfits: "
    )
    assert "products with weights" in page and "all-gather" in page
    written = json.loads((tmp_path / "plans" / "tiny.json").read_text())
    assert (written["experiment"], written["target"], written["devices"]) == ("tiny", "cpu:2x4", 8)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--target=h1000:8"], "there is no target 'h1000'; the nearest is h100"),
        (
            ["--target=cpu:1x6", "--layout.data", "2", "--layout.fsdp", "4"],
            "does not fit 6 devices: the sizes of its axes, multiplied, must be 6,",
        ),
        (
            ["--target=cpu:1x8", "--layout.stage", "3", "--layout.microbatches", "3"],
            r"layout\.stage \(3\) must divide model\.layers \(4\)",
        ),
        (["--target=cpu:1x8", "--csv", "layouts.csv"], "--csv and --plot need --search"),
        (["--target=cpu:1x8", "--search", "--layouts", "0"], "--layouts is 0, and must be above 0"),
        ([], "--target must be given"),
    ],
)
def test_invalid_options_are_refused(words: list[str], message: str) -> None:
    with pytest.raises(InputError, match=message) as error:
        main(["--config=tiny", *words])
    assert "\n" not in str(error.value)
