"""Hardware files: those of the package, those of users, and invalid ones."""

from pathlib import Path

import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.config.hardware import (
    EFFICIENCIES,
    compiler_configuration,
    find,
    names,
    peak_flops,
    read,
    with_measured,
    write,
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return a user's file, a copy of the H100's."""
    path = tmp_path / "my.toml"
    write(find("h100"), path)
    return path


def test_the_package_has_gpus_tpus_and_this_machine() -> None:
    assert names() == ["a100", "b200", "cpu", "h100", "h200", "v5e", "v5p", "v6e"]
    kinds = {name: find(name).kind for name in names()}
    assert {name for name, kind in kinds.items() if kind == "gpu"} == {"a100", "b200", "h100", "h200"}
    assert all((compiler_configuration(name) is not None) == (kind == "gpu") for name, kind in kinds.items())


@pytest.mark.parametrize(
    ("device_kind", "peak"),
    [
        ("NVIDIA A100-SXM4-80GB", 312e12),
        ("NVIDIA B200", 2250e12),
        ("NVIDIA H100 80GB HBM3", 989e12),
        ("NVIDIA H200", 989e12),
        ("TPU v5 lite", 197e12),
        ("TPU v5p", 459e12),
        ("TPU v6e", 918e12),
        ("cpu", None),
    ],
)
def test_a_peak_is_found_by_the_device_kind_that_jax_reports(device_kind: str, peak: float | None) -> None:
    assert peak_flops(device_kind) == peak


def test_no_two_files_list_the_same_device_kind() -> None:
    kinds = [kind for name in names() for kind in find(name).device_kinds]
    assert len(set(kinds)) == len(kinds)


def test_a_users_file_may_leave_device_kinds_out(file: Path) -> None:
    lines = file.read_text().splitlines(keepends=True)
    file.write_text("".join(line for line in lines if not line.startswith("device_kinds")))
    assert find(str(file)).device_kinds == ()


def test_memory_and_its_rate_agree_with_the_compiler_configuration() -> None:
    for name in ("a100", "b200", "h100", "h200"):
        configuration = compiler_configuration(name) or ""
        hardware = find(name)
        assert f"device_memory_size: {hardware.memory_bytes}\n" in configuration
        assert f"memory_bandwidth: {hardware.memory_rate:.0f}\n" in configuration


def test_every_efficiency_has_a_source_and_some_were_measured() -> None:
    for name in names():
        shares = find(name).efficiency
        assert set(shares) == set(EFFICIENCIES)
        assert all(0 < share.value <= 1 and share.source for share in shares.values())
    measured = [name for name, share in find("h200").efficiency.items() if share.measured]
    assert measured == ["matmul", "memory"]
    assert find("h200").flops("matmul") == pytest.approx(790e12, rel=1e-3)
    assert find("h200").memory == pytest.approx(4.3e12, rel=1e-3)


def test_a_file_is_read_back_as_it_was_written(file: Path) -> None:
    assert find(str(file)) == find("h100")


def test_measured_efficiencies_are_written_to_a_file(file: Path) -> None:
    measured = with_measured(find(str(file)), {"attention": (0.61, 'ours, "T 8192"')})
    write(measured, file)
    share = find(str(file)).efficiency["attention"]
    assert (share.value, share.measured, share.source) == (0.61, True, 'ours, "T 8192"')
    assert find(str(file)).efficiency["matmul"] == find("h100").efficiency["matmul"]
    with pytest.raises(InputError, match=r"attention was measured at 1\.2 of the rate of h100"):
        with_measured(find("h100"), {"attention": (1.2, "a clock that stood still")})


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("peak_flops = 989000000000000.0", "", r"has no field peak_flops$"),
        (
            "peak_flops = 989000000000000.0",
            "peak_flops = -1",
            r"peak_flops of my\.toml is -1, and must be a number above 0",
        ),
        ("peak_flops = 989000000000000.0", "peak_flops = nan", r"peak_flops of my\.toml is nan"),
        ("peak_flops = 989000000000000.0", "peak_flops = inf", r"peak_flops of my\.toml is inf"),
        ("peak_flops = 989000000000000.0", 'peak_flops = "many"', r"peak_flops of my\.toml is 'many'"),
        ("peak_flops = 989000000000000.0", "peak_flops = true", r"peak_flops of my\.toml is True"),
        (
            "devices_per_node = 8",
            "devices_per_node = 7.5",
            r"devices_per_node of my\.toml is 7\.5, and must be a whole number",
        ),
        ("margin_share = 0.08", "margin_share = 1", r"margin_share of my\.toml is 1, and must be below 1"),
        ('kind = "gpu"', 'kind = "npu"', r"kind of my\.toml is 'npu', and must be one of gpu, tpu, cpu"),
        ('kind = "gpu"', 'kind = "gpu"\ncolour = "green"', r"has an unknown field 'colour'; known are name, kind"),
        (
            'compiled_as = "h100"',
            'compiled_as = "h101"',
            r"compiled_as of my\.toml is 'h101'; GPUs are compiled as one of a100, b200, h100, h200",
        ),
        ('name = "h100"', "name = ", r"my\.toml is not TOML: "),
        (
            'device_kinds = ["NVIDIA H100 80GB HBM3"]',
            'device_kinds = "NVIDIA H100"',
            r"device_kinds of my\.toml is 'NVIDIA H100', and must be a list of names",
        ),
        ("[efficiency.overlap]", "[efficiency.luck]", r"has no efficiency overlap$"),
        (
            "value = 0.799",
            "value = 1.01",
            r"efficiency\.matmul\.value of my\.toml is 1\.01; no device reaches more than 1",
        ),
        ("value = 0.799", "", r"efficiency\.matmul of my\.toml must have a value, and its source as"),
        ("value = 0.56", "value = 0", r"efficiency\.attention\.value of my\.toml is 0"),
    ],
)
def test_a_missing_unknown_or_impossible_figure_is_named(file: Path, before: str, after: str, message: str) -> None:
    text = file.read_text()
    assert before in text
    with pytest.raises(InputError, match=message):
        read(text.replace(before, after, 1), "my.toml")


def test_an_unknown_name_is_refused_with_the_nearest() -> None:
    with pytest.raises(InputError, match=r"no target 'h1000'; the nearest is h100; choose one of a100, b200, cpu"):
        find("h1000")
    with pytest.raises(InputError, match=r"no hardware file nowhere\.toml"):
        find("nowhere.toml")
