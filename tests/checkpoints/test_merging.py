"""Adapters merged, matrix by matrix as on the devices, and put together."""

import dataclasses
import functools
from pathlib import Path

import jax
import numpy as np
import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.checkpoints import merging as adapters
from tanuki_jax.checkpoints.format import read_state
from tanuki_jax.checkpoints.hugging_face import export_model as to_hugging_face
from tanuki_jax.checkpoints.parameters import Weights, load
from tanuki_jax.config.experiment import Layout
from tanuki_jax.config.lora import NO_ADAPTER, LoRA
from tanuki_jax.convert import main
from tanuki_jax.lm.model.weights import flatten
from tanuki_jax.lm.parallel.mesh import make_mesh
from tanuki_jax.lm.parallel.sharding import with_shardings
from tests.checkpoints.conftest import Adapt, MakeNative

pytestmark = pytest.mark.thorough

LOW = LoRA(rank=3, alpha=6.0, name="low")
DORA = LoRA(rank=2, alpha=3.0, dora=True, rslora=True, projections=("q", "o", "down"), name="dora")
OUTSIDE = LoRA(rank=2, alpha=3.0, projections=("v", "embedding", "output"), name="outside")
OF_EXPERTS = LoRA(rank=2, alpha=3.0, projections=("v", "expert_up", "expert_down"), name="experts")


def nothing(done: int) -> None:
    pass


on_mesh = functools.partial(with_shardings, make_mesh(Layout(fsdp=2, data=4)))


@pytest.mark.parametrize(
    ("of", "fields"),
    [(LOW, {}), (DORA, {"heads": 2}), (OUTSIDE, {}), (OF_EXPERTS, {"experts": 4})],
    ids=["LoRA", "DoRA", "embedding, output", "experts"],
)
def test_a_merged_checkpoint_holds_what_is_merged_on_the_devices(
    of: LoRA, fields: dict[str, int], make_native: MakeNative, adapt: Adapt, tmp_path: Path
) -> None:
    base = make_native(**fields)
    tuned = adapt(base, "tuned", of)
    lost = adapters.merge(tuned, tmp_path / "merged", "", "float32", nothing)
    assert lost == 0 and not read_state(tmp_path / "merged").adapters
    merged, on_devices = load(tmp_path / "merged", "float32", on_mesh), load(tuned, "float32", on_mesh)
    jax.tree.map(lambda one, two: np.testing.assert_allclose(one, two, rtol=1e-5, atol=1e-6), merged, on_devices)
    for path, before in flatten(base.values):
        name = path.rpartition(".")[2]
        assert np.array_equal(dict(flatten(merged))[path], before) == (name not in of.projections), name
    jax.tree.map(np.testing.assert_array_equal, load(tuned, "float32", on_mesh, NO_ADAPTER), base.values)


def test_a_weight_outside_the_layers_is_merged_part_by_part(make_native: MakeNative, adapt: Adapt) -> None:
    """Matrices of large vocabularies are written so by `stream`."""
    merged = Weights(adapt(make_native(), "tuned", OUTSIDE))
    for name, part in (("embedding", (slice(3, 9), slice(0, 32))), ("output", (slice(0, 32), slice(10, 200)))):
        np.testing.assert_allclose(merged.read(name, *part), merged.read(name)[part], rtol=1e-6)
        assert merged.read(name).shape == ((400, 32) if name == "embedding" else (32, 400))


def test_an_adapter_is_merged_into_the_dequantized_weights(
    make_native: MakeNative, adapt: Adapt, tmp_path: Path
) -> None:
    base = make_native()
    tuned = adapt(base, "tuned", dataclasses.replace(LOW, base="nf4", projections=("q", "v")))
    adapters.merge(tuned, tmp_path / "merged", "", "float32", nothing)
    merged, on_devices = load(tmp_path / "merged", "float32", on_mesh), load(tuned, "float32", on_mesh)
    jax.tree.map(lambda one, two: np.testing.assert_allclose(one, two, rtol=1e-5, atol=1e-6), merged, on_devices)
    for name, before in base.values["blocks"].items():
        assert np.array_equal(merged["blocks"][name], before) == name.endswith("norm"), name
    assert len(np.unique(merged["blocks"]["gate"][0, :, 0])) <= 16
    jax.tree.map(np.testing.assert_array_equal, load(tuned, "float32", on_mesh, NO_ADAPTER), base.values)


def test_what_rounding_takes_of_an_adapter_is_told(
    make_native: MakeNative, adapt: Adapt, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tuned = adapt(make_native(), "tuned", LOW)
    main(["merge", str(tuned), str(tmp_path / "merged"), "--dtype", "bfloat16"])
    assert Weights(tmp_path / "merged").read("blocks.q", 0).dtype == "bfloat16"
    assert "error of rounding to bfloat16: 0." in capsys.readouterr().out


def test_adapters_of_one_base_are_combined_and_chosen_by_name(
    make_native: MakeNative, adapt: Adapt, tmp_path: Path
) -> None:
    base = make_native()
    low, dora = adapt(base, "one", LOW), adapt(base, "two", DORA)
    assert adapters.combine([low, dora], tmp_path / "both") == ["low", "dora"]
    for name, alone in (("low", low), ("dora", dora)):
        expected, found = (
            load(path, "float32", on_mesh, chosen) for path, chosen in ((alone, ""), (tmp_path / "both", name))
        )
        jax.tree.map(np.testing.assert_array_equal, expected, found)
    with pytest.raises(InputError, match="has the adapters low, dora; name one, or none"):
        load(tmp_path / "both", "float32", on_mesh)
    with pytest.raises(InputError, match="has no adapter named 'lower'; it has low, dora"):
        Weights(tmp_path / "both", "lower")


def test_adapters_of_one_name_get_others(make_native: MakeNative, adapt: Adapt, tmp_path: Path) -> None:
    base = make_native()
    one, two = adapt(base, "one", LOW), adapt(base, "second", LOW)
    main(["adapters", str(tmp_path / "both"), "--from", str(one), str(two), "--names", "first", "second"])
    for name, alone in (("first", one), ("second", two)):
        expected, found = (
            load(path, "float32", on_mesh, chosen) for path, chosen in ((alone, ""), (tmp_path / "both", name))
        )
        jax.tree.map(np.testing.assert_array_equal, expected, found)
    assert [lora.name for lora in read_state(tmp_path / "both").adapters.values()] == ["first", "second"]
    for names, complaint in (
        (["first"], "there are 1 names for the adapters of 2 checkpoints"),
        (["a", "none"], "'none' cannot be an adapter's name"),
        (["a.b", "c"], "'a.b' cannot be an adapter's name"),
        (["same", "same"], "both have an adapter named 'same'; give them other names with --names"),
    ):
        with pytest.raises(InputError, match=complaint):
            adapters.combine([one, two], tmp_path / "none", names)
    with pytest.raises(InputError, match="has the adapters first, second, for which 'a' is one name"):
        adapters.combine([tmp_path / "both", one], tmp_path / "none", ["a", "b"])
    assert not (tmp_path / "none").exists()


def test_an_adapter_over_an_adapter_is_over_the_merged_parameters(
    make_native: MakeNative, adapt: Adapt, tmp_path: Path
) -> None:
    base = make_native()
    first = adapt(base, "first", LOW)
    adapters.merge(first, tmp_path / "merged", "", "float32", nothing)
    over_merged = adapt(dataclasses.replace(base, path=tmp_path / "merged"), "over merged", DORA)
    over_adapter = adapt(dataclasses.replace(base, path=first), "over_adapter", DORA)
    assert read_state(over_adapter).base == str(first)
    expected, found = (load(path, "float32", on_mesh)["blocks"]["q"].shape for path in (over_merged, over_adapter))
    assert expected == found
    without = load(over_adapter, "float32", on_mesh, NO_ADAPTER)
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6), without, load(first, "float32", on_mesh)
    )


def test_a_changed_or_missing_base_is_named(make_native: MakeNative, adapt: Adapt, tmp_path: Path) -> None:
    base, other = make_native(), make_native("other", hidden=64)
    tuned, elsewhere = adapt(base, "tuned", LOW), adapt(other, "elsewhere", DORA)
    with pytest.raises(InputError, match="are not for the parameters that those of"):
        adapters.combine([tuned, elsewhere], tmp_path / "both")
    with pytest.raises(InputError, match="both have an adapter named 'low'"):
        adapters.combine([tuned, tuned], tmp_path / "both")
    with pytest.raises(InputError, match="has no adapter that could be merged"):
        adapters.merge(base.path, tmp_path / "merged", "", "float32", nothing)
    base.path.rename(tmp_path / "away")
    with pytest.raises(InputError, match=r"need the parameters of .*, but there is no checkpoint"):
        to_hugging_face.write(tuned, tmp_path / "theirs", "", nothing)
    other.path.rename(base.path)
    with pytest.raises(InputError, match="are for other parameters than those that"):
        load(tuned, "float32", on_mesh)
    assert not (tmp_path / "theirs").exists()
