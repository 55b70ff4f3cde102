"""A mixture grown out of a dense model computes what that did, but for what is drawn at random, which is as stated."""

import contextlib
import dataclasses
import functools
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
import optax
import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.checkpoints import upcycling as upcycle
from tanuki_jax.checkpoints.convert_options import ExpertOptions
from tanuki_jax.checkpoints.format import State, damage, finish, read_state, rewrite
from tanuki_jax.checkpoints.hugging_face import export_model as to_hugging_face
from tanuki_jax.checkpoints.hugging_face.configuration import to_config
from tanuki_jax.checkpoints.restore import restore
from tanuki_jax.checkpoints.save import Writer
from tanuki_jax.config import registry
from tanuki_jax.config.experiment import Checkpoints, Experiment, Layout, Start, Tokenizer
from tanuki_jax.config.model import Model
from tanuki_jax.convert import main
from tanuki_jax.data.tokenizer.copy_tokenizer import fingerprint
from tanuki_jax.lm.kernels.attention.attention import self_attention
from tanuki_jax.lm.model.transformer import Ops, hidden_states, output_matrix
from tanuki_jax.lm.model.weights import Params, shapes
from tanuki_jax.lm.parallel.mesh import make_mesh
from tanuki_jax.training.runs.run_folder import RunFolder
from tanuki_jax.training.setup import TrainSetup, initial_state
from tanuki_jax.training.start import begin
from tests.checkpoints.conftest import MakeNative
from tests.training.test_start import Same

pytestmark = pytest.mark.thorough

EXPERTS = ("expert_gate", "expert_up", "expert_down")


@contextlib.contextmanager
def quiet(what: str, values: int) -> Iterator[Callable[[int], None]]:
    """Check that exactly as much is done as was announced."""
    done: list[int] = []
    yield done.append
    assert sum(done) == values, what


def mixture(dense: Model, **fields: Any) -> Experiment:
    tiny = registry.experiment.find("tiny_moe")
    data = dataclasses.replace(tiny.data, tokenizer=Tokenizer(path="t", pieces=300))
    return dataclasses.replace(tiny, data=data, model=dataclasses.replace(dense, experts=4, **fields))


def restored(checkpoint: Path, dtype: str = "float32") -> Params:
    place = jax.sharding.SingleDeviceSharding(jax.devices()[0])
    tree = shapes(read_state(checkpoint).model, dtype)
    wanted = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=place), tree)
    return jax.tree.map(np.asarray, restore(checkpoint, base=wanted)["base"])


def upcycled(source: Path, out: Path, experiment: Experiment, dtype: str = "float32", **options: Any) -> Params:
    upcycle.write(source, out, experiment, ExpertOptions(**options), quiet)
    assert damage(out) == ""
    return restored(out, dtype)


def logits(params: Params, model: Model) -> jax.Array:
    tokens = jax.random.randint(jax.random.key(5), (2, 16), 0, model.vocabulary)
    attend, positions = (
        functools.partial(self_attention, backend="reference"),
        jnp.broadcast_to(jnp.arange(16), (2, 16)),
    )
    states, _ = hidden_states(
        params,
        tokens,
        jnp.ones_like(tokens),
        positions,
        model,
        Ops(attend=attend),
        compute_dtype="float32",
    )
    return states @ output_matrix(params)


def copies(dense: Params, key: str) -> npt.NDArray[Any]:
    """Return the initial values of all experts of all layers."""
    matrix = dense["blocks"][key.removeprefix("expert_")]
    return np.broadcast_to(matrix[:, None], (len(matrix), 4, *matrix.shape[1:]))


@pytest.mark.parametrize(
    ("router_logits", "options"),
    [
        ("plain", {"initialisation": "sparse"}),
        ("standardized", {"initialisation": "sparse"}),
        ("plain", {"noise": 0.0}),
        ("standardized", {"initialisation": "drop", "share": 0.0}),
    ],
    ids=str,
)
def test_equal_experts_give_the_dense_logits(
    router_logits: str, options: dict[str, Any], make_native: MakeNative, tmp_path: Path
) -> None:
    native = make_native(initial_std=0.2)
    experiment = mixture(native.model, router_logits=router_logits)
    values = upcycled(native.path, tmp_path / "out", experiment, **options)
    expected = logits(native.values, native.model)
    assert np.std(expected) > 0.1
    # Rounding of float32 is relative to the largest logits, about 8; how large it is depends on the CPU.
    np.testing.assert_allclose(logits(values, experiment.model), expected, atol=5e-6 * np.abs(expected).max())


@pytest.mark.parametrize("scale", ["absolute", "relative"])
def test_noise_has_the_stated_size_and_is_each_experts_own(
    scale: Literal["absolute", "relative"], make_native: MakeNative, tmp_path: Path
) -> None:
    native = make_native()
    values = upcycled(native.path, tmp_path / "out", mixture(native.model), noise=0.1, noise_scale=scale)
    for key in EXPERTS:
        noise = values["blocks"][key] - copies(native.values, key)
        matrices = noise.reshape(12, -1)
        if scale == "relative":
            matrices = matrices / np.repeat([matrix.std() for matrix in native.values["blocks"][key[7:]]], 4)[:, None]
        np.testing.assert_allclose(matrices.std(axis=1), 0.1, rtol=0.08)
        np.testing.assert_allclose(matrices.mean(axis=1), 0, atol=0.01)
        assert np.abs(np.corrcoef(matrices) - np.eye(12)).max() < 0.12


def test_the_rest_is_copied_and_the_router_is_as_a_new_model_has_it(make_native: MakeNative, tmp_path: Path) -> None:
    native = make_native(tied=True)
    values = upcycled(native.path, tmp_path / "out", mixture(native.model, initial_std=0.5, rope_theta=500_000.0))
    routers = values["blocks"].pop("router")
    np.testing.assert_allclose(routers.std(axis=(1, 2)), 0.5, rtol=0.2)
    assert len({router.tobytes() for router in routers}) == 3
    for key in EXPERTS:
        assert values["blocks"].pop(key).shape == copies(native.values, key).shape
        del native.values["blocks"][key[7:]]
    jax.tree.map(np.testing.assert_array_equal, values, native.values)
    state = read_state(tmp_path / "out")
    assert (state.step, state.tokens, state.data, state.sequence_length) == (0, 0, "", 128)
    assert (state.model.initial_std, state.model.rope_theta, state.model.experts) == (0.5, 500_000.0, 4)


def test_a_seed_says_what_is_drawn(make_native: MakeNative, tmp_path: Path) -> None:
    native = make_native()
    first, again, other = (
        upcycled(native.path, tmp_path / name, mixture(native.model), initialisation="drop", seed=seed)["blocks"]
        for name, seed in (("first", 1), ("again", 1), ("other", 2))
    )
    for key in ("router", *EXPERTS):
        np.testing.assert_array_equal(first[key], again[key])
        assert (first[key] != other[key]).any()


def trained(folder: Path) -> tuple[Experiment, dict[str, Any]]:
    """Make a run with one checkpoint, whose matrices have no mean of zero; return its experiment and its state."""
    model = Model(vocabulary=400, width=64, hidden=56, layers=2, heads=4, kv_heads=2)
    experiment = dataclasses.replace(mixture(model), model=model)
    state = initial_state(experiment)
    leaves, tree = jax.tree.flatten(state)
    random = np.random.default_rng(4)
    leaves = [
        jnp.asarray(random.normal(0.3, 0.1, leaf.shape), leaf.dtype) if leaf.ndim else leaf + 7 for leaf in leaves
    ]
    state = jax.tree.unflatten(tree, leaves)
    at = State(
        step=7,
        tokens=70,
        skipped=(3,),
        model=model,
        tokenizer="",
        sequence_length=128,
        data="fingerprint",
        files={},
    )
    writer = Writer(folder / "checkpoints", Checkpoints(every_steps=1, keep=1), lambda *_, **__: None)
    writer.save(
        {"base": state["parameters"], "optimizer": {"moments": state["optimizer"], "accepted": state["accepted"]}}, at
    )
    writer.wait()
    (folder / "config.json").write_text("{}")
    return experiment, jax.tree.map(np.asarray, state)


def drawn_anew(dense: Params, blocks: Params) -> dict[tuple[int, int], tuple[int, ...]]:
    """Map (layer, expert) to hidden units unlike the dense model's, which must be the same in the three matrices."""
    found = {}
    for layer, expert in np.ndindex(2, 4):
        units = set()
        for key in EXPERTS:
            differs = blocks[key][layer, expert] != dense["blocks"][key[7:]][layer]
            differs = differs if key == "expert_down" else differs.T
            assert (differs.all(axis=1) == differs.any(axis=1)).all()
            units.add(tuple(np.flatnonzero(differs[:, 0]).tolist()))
        (found[layer, expert],) = units
    return found


@pytest.mark.parametrize("share", [0.3, 1.0])
def test_drop_redraws_a_share_of_units_with_the_spread_of_the_old_ones(share: float, tmp_path: Path) -> None:
    experiment, state = trained(tmp_path / "run")
    dense = state["parameters"]
    blocks = upcycled(
        tmp_path / "run", tmp_path / "out", mixture(experiment.model), initialisation="drop", share=share
    )["blocks"]
    units = drawn_anew(dense, blocks)
    assert {len(drawn) for drawn in units.values()} == {int(share * 56)}
    assert len(set(units.values())) == (1 if share == 1 else 8)
    for (layer, expert), drawn in units.items():
        for key in EXPERTS:
            here = (list(drawn),) if key == "expert_down" else (slice(None), list(drawn))
            old, new = dense["blocks"][key[7:]][layer][here], blocks[key][layer, expert][here]
            np.testing.assert_allclose(new.mean(), old.mean(), atol=0.015)
            np.testing.assert_allclose(new.std(), old.std(), rtol=0.1)


def test_training_goes_on_with_the_copied_moments(tmp_path: Path) -> None:
    experiment, state = trained(tmp_path / "run")
    out = tmp_path / "out"
    upcycled(tmp_path / "run", out, mixture(experiment.model), initialisation="drop", optimizer="copied")
    going_on = dataclasses.replace(
        mixture(experiment.model),
        layout=Layout(fsdp=2, expert=4),
        start=Start(checkpoint=str(out), load="parameters_and_optimizer"),
        runs=str(tmp_path / "runs"),
    )
    begun, _ = begin(TrainSetup(going_on, make_mesh(going_on.layout)), RunFolder(going_on, writes=True), Same())
    dense, sparse = state["optimizer"][0], begun["optimizer"][0]
    assert (sparse.count, begun["accepted"]) == (7, 0)
    units = drawn_anew(state["parameters"], begun["parameters"]["blocks"])
    for old, new in ((dense.mu, sparse.mu), (dense.nu, sparse.nu)):
        blocks = {key: np.asarray(leaf) for key, leaf in new["blocks"].items()}
        assert not blocks.pop("router").any()
        for (layer, expert), drawn in units.items():
            for key in EXPERTS:
                expected = old["blocks"][key[7:]][layer].copy()
                (expected if key == "expert_down" else expected.T)[list(drawn)] = 0
                np.testing.assert_array_equal(blocks[key][layer, expert], expected)
        for key, leaf in blocks.items():
            if key not in EXPERTS:
                np.testing.assert_array_equal(leaf, old["blocks"][key])
        np.testing.assert_array_equal(new["embedding"], old["embedding"])


def test_without_noise_all_moments_are_copied(tmp_path: Path) -> None:
    experiment, state = trained(tmp_path / "run")
    out, model = tmp_path / "out", mixture(experiment.model)
    upcycled(tmp_path / "run", out, model, initialisation="sparse", optimizer="copied")
    wanted = jax.eval_shape(
        lambda: {"moments": initial_state(model)["optimizer"], "accepted": jnp.zeros((), jnp.int32)}
    )
    place = jax.sharding.SingleDeviceSharding(jax.devices()[0])
    wanted = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=place), wanted)
    moments = restore(out, optimizer=wanted)["optimizer"]["moments"][0]
    assert isinstance(moments, optax.ScaleByAdamState)
    for key in EXPERTS:
        np.testing.assert_array_equal(moments.mu["blocks"][key], copies(state["optimizer"][0].mu, key))


@pytest.mark.parametrize(("dtype", "initialisation"), [("float32", "noise"), ("bfloat16", "drop")])
def test_a_folder_of_hugging_face_gives_the_same_bits(
    dtype: str, initialisation: str, make_native: MakeNative, tokenizer: Path, tmp_path: Path
) -> None:
    native = make_native(dtype=dtype, tokenizer=str(tokenizer))
    to_hugging_face.write(native.path, tmp_path / "theirs", "", lambda _: None)
    ours, theirs = (
        upcycled(source, tmp_path / name, mixture(native.model), dtype, initialisation=initialisation)
        for name, source in (("a", native.path), ("b", tmp_path / "theirs"))
    )
    jax.tree.map(np.testing.assert_array_equal, ours, theirs)
    assert ours["norm"].dtype == dtype
    assert sorted(path.name for path in (tmp_path / "b").iterdir()) == ["base", "state.json", "tokenizer"]


def test_the_tokenizer_is_copied_into_the_new_checkpoint(
    make_native: MakeNative, tokenizer: Path, tmp_path: Path
) -> None:
    native = make_native(tokenizer=str(tokenizer))
    upcycled(native.path, tmp_path / "mixture", mixture(native.model))
    state = read_state(tmp_path / "mixture")
    assert state.tokenizer == "tokenizer" and "tokenizer/tokenizer.model" in state.files
    assert state.tokenizer_fingerprint == fingerprint(tmp_path / "mixture" / "tokenizer")


def test_a_missing_tokenizer_is_refused_and_nothing_is_left(make_native: MakeNative, tmp_path: Path) -> None:
    native = make_native(tokenizer="gone")
    with pytest.raises(InputError, match=r"the tokenizer of .* is not at gone; run this in the folder where"):
        upcycled(native.path, tmp_path / "mixture", mixture(native.model))
    assert not (tmp_path / "mixture").exists()


CONFIGS = """
from dataclasses import replace

from tanuki_jax.config.experiment import Tokenizer
from tanuki_jax.config.model import Model
from tanuki_jax.config.registry import experiment


def moe(**fields):
    tiny = experiment.find("tiny_moe")
    model = {"vocabulary": 400, "width": 32, "hidden": 56, "layers": 3, "heads": 4, "kv_heads": 2, "experts": 4}
    data = replace(tiny.data, tokenizer=Tokenizer(path="t", pieces=300))
    return replace(tiny, name="grown", data=data, model=Model(**model | fields))


def same():
    return moe()


def flat():
    return moe(experts=0)


def greedy():
    return moe(experts_per_token=5)


"""
FIELDS = {"vocabulary": 512, "width": 64, "hidden": 48, "layers": 2, "heads": 8, "kv_heads": 4, "tied": True}
CONFIGS += "\n\n".join(f"def other_{field}():\n    return moe({field}={value})\n" for field, value in FIELDS.items())


@pytest.mark.parametrize(
    ("words", "done"),
    [
        (["--noise", "0.01"], "copies plus noise of standard deviation 0.01"),
        (["--noise-scale", "relative"], "copies plus noise of standard deviation 0.001 times that of each matrix"),
        (["--initialisation=drop", "--share=0.25"], "copies with 0.25 of the hidden units redrawn"),
    ],
    ids=["absolute", "relative", "drop"],
)
def test_the_door_says_what_was_done(
    words: list[str], done: str, make_native: MakeNative, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "configs.py").write_text(CONFIGS)
    native, out = make_native(), tmp_path / "out"
    main(["upcycle", str(out), "--from", str(native.path), "--to", f"{tmp_path}/configs.py:same", *words])
    printed = capsys.readouterr()
    assert printed.out.splitlines() == [
        f"{out}: 99,936 parameters, 67,680 of them active for each token",
        f"each layer of {native.path} became 4 experts: {done}; the routers are fresh",
        f"start training from it with --start.checkpoint={out}",
    ]
    assert printed.err == ""


def test_the_door_says_how_to_go_on_with_the_copied_optimizer(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "configs.py").write_text(
        CONFIGS.replace('"width": 32', '"width": 64').replace('"layers": 3', '"layers": 2')
    )
    trained(tmp_path / "run")
    out = tmp_path / "out"
    words = ["--initialisation", "sparse", "--optimizer", "copied"]
    main(["upcycle", str(out), "--from", str(tmp_path / "run"), "--to", f"{tmp_path}/configs.py:same", *words])
    printed = capsys.readouterr().out
    assert (
        f"each layer of {tmp_path}/run/checkpoints/00000007 became 4 experts: equal copies; the routers are fresh"
        in printed
    )
    assert printed.splitlines()[-1].endswith(f"--start.checkpoint={out} --start.load=parameters_and_optimizer")


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--to", "configs.py:same", "--share", "1.5"], "--share is 1.5, and must be at least 0 and at most 1"),
        (
            ["--to", "configs.py:same", "--share", "nan"],
            "--share is nan, and must be finite and at least 0 and at most 1",
        ),
        (["--to", "configs.py:same", "--noise=-0.1"], "--noise is -0.1, and must be at least 0"),
        (["--to", "configs.py:same", "--noise", "inf"], "--noise is inf, and must be finite"),
        (["--to", "configs.py:same", "--seed=-1"], "--seed is -1, and must be at least 0 and below 4294967296"),
        (
            ["--to", "configs.py:same", "--initialisation", "magic"],
            "--initialisation takes one of noise, sparse, drop, not 'magic'",
        ),
        (
            ["--to", "configs.py:same", "--optimizer", "copied"],
            "native has no optimizer state to copy; take --optimizer fresh",
        ),
        (
            ["--to", "configs.py:same", "--from", "theirs", "--optimizer", "copied"],
            "theirs has no optimizer state to copy",
        ),
        (
            ["--to", "configs.py:same", "--from", "grown"],
            "grown has 4 experts already; a mixture is made of a dense model",
        ),
        (["--to", "configs.py:same", "--from", "nowhere"], "there is no checkpoint at nowhere"),
        (["--to", "configs.py:flat"], "the experiment 'grown' has no experts (its model.experts is 0)"),
        (["--to", "configs.py:greedy"], "model.experts_per_token (5) must not exceed model.experts (4)"),
        (["--to", "8x9b"], "there is no experiment named '8x9b'; the nearest is '8x8b'"),
        (["--from", "native"], "--to must be given"),
        *(
            (
                ["--to", f"configs.py:other_{field}"],
                f"native has {field} {have}, and the experiment 'grown' {FIELDS[field]}; they must",
            )
            for field, have in {
                "vocabulary": 400,
                "width": 32,
                "hidden": 56,
                "layers": 3,
                "heads": 4,
                "kv_heads": 2,
                "tied": False,
            }.items()
        ),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence_and_leaves_nothing(
    words: list[str], complaint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing but the shape of the source is looked at, so that there need be nothing else."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "configs.py").write_text(CONFIGS)
    model = Model(vocabulary=400, width=32, hidden=56, layers=3, heads=4, kv_heads=2)
    for name, shape in (("native", model), ("grown", dataclasses.replace(model, experts=4))):
        (tmp_path / name).mkdir()
        at = State(step=7, tokens=70, skipped=(), model=shape, tokenizer="", sequence_length=128, data="", files={})
        finish(tmp_path / name, at)
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "config.json").write_text(json.dumps(to_config(model, "float32", 128)))
    before = sorted(tmp_path.iterdir())
    with pytest.raises(InputError) as refused:
        main(["upcycle", "out", *(["--from", "native"] if "--from" not in words else []), *words])
    assert complaint in str(refused.value)
    assert sorted(tmp_path.iterdir()) == before


def test_moments_of_another_optimizer_are_not_copied(make_native: MakeNative, tmp_path: Path) -> None:
    native = make_native()
    (native.path / "optimizer").mkdir()
    rewrite(native.path, dataclasses.replace(read_state(native.path), optimizer="Muon"))
    with pytest.raises(InputError, match=r"has the optimizer state of Muon, .* has AdamW; take --optimizer fresh"):
        upcycled(native.path, tmp_path / "out", mixture(native.model), optimizer="copied")


def test_a_folder_that_is_there_stays_as_it_is(make_native: MakeNative, tmp_path: Path) -> None:
    native = make_native()
    (tmp_path / "out").mkdir()
    with pytest.raises(InputError, match="out exists already"):
        upcycled(native.path, tmp_path / "out", mixture(native.model))
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.long
def test_a_layer_of_8x8b_with_its_vocabulary_fits_in_3_gib(tmp_path: Path) -> None:
    """Another layer would only lie on disk, and take as long. 10 GB are written."""
    (tmp_path / "configs.py").write_text("""
from dataclasses import replace

from tanuki_jax.config.registry import experiment


def one_layer():
    mixture = experiment.find("8x8b")
    return replace(mixture, model=replace(mixture.model, layers=1))
""")
    program = """
import dataclasses, resource, sys
from pathlib import Path
import jax
import numpy as np
from tanuki_jax.config.registry import experiment
from tanuki_jax.convert import main
from tanuki_jax.checkpoints.hugging_face.configuration import to_config
from tanuki_jax.lm.model.weights import shapes
from tests.checkpoints.weights import write_weights

native, out, target = sys.argv[1:]
model = dataclasses.replace(experiment.find(target).model, experts=0)
halves = jax.tree.map(lambda leaf: np.broadcast_to(np.float32(0.5), leaf.shape), shapes(model))
write_weights(Path(native), model, halves, sequence_length=2048)
main(["upcycle", out, "--from", native, "--to", target, "--initialisation", "drop"])
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
    words = [str(tmp_path / "native"), str(tmp_path / "out"), f"{tmp_path}/configs.py:one_layer"]
    done = subprocess.run([sys.executable, "-c", program, *words], capture_output=True, text=True, check=True)
    for folder in words[:2]:
        shutil.rmtree(folder)
    kibibytes = int(done.stdout.split()[-1]) / (1 if sys.platform == "linux" else 1024)
    assert kibibytes < 3 * 2**20
