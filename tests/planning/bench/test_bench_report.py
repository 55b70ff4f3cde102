"""Tables, files and pictures of results."""

import io
import json
from pathlib import Path

import pytest
import rich.console
from PIL import Image

from tanuki_jax.base.errors import InputError
from tanuki_jax.planning.bench import bench_report
from tanuki_jax.planning.bench.bench_results import Figures, Key, Result
from tanuki_jax.planning.bench.timing import Timing

FIGURES = Figures(timing=Timing(0.002, 0.0019, 0.0025, 50), flops=1e12, temporary_bytes=3 * 2**30, notes={"MFU": 0.456})
KEY: Key = {"time": 64, "library": "fast"}
RESULTS = [
    Result(benchmark="b", case="one case", variant="fast", key=KEY, outcome="measured", figures=FIGURES, ceiling=8e14),
    Result(
        benchmark="b", case="one case", variant="crooked", key={}, outcome="wrong", detail="dq has a row with an error"
    ),
    Result(benchmark="b", case="other case", variant="broken", key={}, outcome="failed", detail="ValueError: no"),
    Result(
        benchmark="b", case="every case", variant="absent", key={}, outcome="unavailable", detail="x is not installed"
    ),
]


def test_a_table_has_a_line_for_every_result() -> None:
    out = io.StringIO()
    rich.console.Console(file=out, width=200).print(bench_report.table("b", RESULTS))
    lines = out.getvalue().splitlines()
    (fast,) = [line for line in lines if line.strip().startswith("fast")]
    for words in ("2 ms", "1.9 ms - 2.5 ms", "500", "62.5%", "3 GiB", "MFU 45.6%"):
        assert words in fast
    for words in ("wrong: dq has a row", "failed: ValueError: no", "unavailable: x is not installed"):
        assert any(words in line for line in lines)


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "h200.json"
    bench_report.write(path, RESULTS, {"device": "H200", "date": "2026-01-02"})
    assert bench_report.read(path) == (RESULTS, {"device": "H200", "date": "2026-01-02"})
    assert [entry.name for entry in path.parent.iterdir()] == ["h200.json"]


def test_a_missing_report_is_an_error_with_the_command(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="bench all --json"):
        bench_report.read(tmp_path / "h200.json")


def test_a_report_of_an_older_version_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "h200.json"
    bench_report.write(path, RESULTS, {})
    report = json.loads(path.read_text())
    del report["results"][0]["key"]
    path.write_text(json.dumps(report))
    with pytest.raises(InputError, match="written by an older version, without keys; run `python -m"):
        bench_report.read(path)


def test_a_picture_is_drawn(tmp_path: Path) -> None:
    bench_report.plot(tmp_path / "bars.png", RESULTS)
    with Image.open(tmp_path / "bars.png") as image:
        assert image.format == "PNG" and len(set(image.convert("L").tobytes())) > 20


def test_a_picture_without_measurements_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is nothing to draw"):
        bench_report.plot(tmp_path / "bars.png", RESULTS[-1:])
    assert not list(tmp_path.iterdir())
