"""What runs on a laptop: code from this Python's standard library, Japanese that rules write, and a model of 1.3 million parameters."""

import sysconfig
from dataclasses import replace
from pathlib import Path

from tanuki_jax.config.experiment import Checkpoints, Data, Experiment, HeldOut, Layout, NextToken, Schedule, Tokenizer
from tanuki_jax.config.mixture import Mixture, Source, Stage
from tanuki_jax.config.model import Model
from tanuki_jax.config.registry import experiment, mixture

# Parts of the standard library that people wrote to be read: no tests, no tables of code points, no installed packages. About 7 MB.
LIBRARY = (
    "*.py",
    "asyncio/*.py",
    "collections/*.py",
    "concurrent/**/*.py",
    "email/**/*.py",
    "html/*.py",
    "http/*.py",
    "importlib/**/*.py",
    "json/*.py",
    "logging/*.py",
    "multiprocessing/**/*.py",
    "re/*.py",
    "unittest/*.py",
    "urllib/*.py",
    "xml/**/*.py",
)


@mixture("demo")
def demo() -> Mixture:
    """Code and docstrings of the Python that runs this, and the three families of rule-written Japanese."""
    library = Path(sysconfig.get_path("stdlib"))
    return Mixture(
        sources=(
            Source(
                name="python_library",
                paths=tuple(str(library / part) for part in LIBRARY),
                kind="standard library of Python",
                language="code",
            ),
            Source(name="dialogue", tasks=("arithmetic", "table", "dialogue"), documents=20_000, kind="rule-written tasks", language="ja"),
        ),
        stages=(Stage(weights={"python_library": 0.5, "dialogue": 0.5}),),
    )


@experiment("tiny")
def tiny() -> Experiment:
    """1.3 million parameters, about two minutes on two CPU cores."""
    return Experiment(
        name="tiny",
        model=Model(vocabulary=2048, width=128, hidden=384, layers=4, heads=4, kv_heads=2),
        data=Data(
            mixture="demo",
            tokenizer=Tokenizer(path="data/demo/tokenizer", pieces=2000, sample_bytes=4_000_000),
            stores="data/demo/stores",
            sequence_length=256,
            batch_rows=16,
            held_out_share=0.02,
            read_threads=1,
        ),
        steps=300,
        schedule=Schedule(peak=4e-3, final=4e-4, warmup_steps=30),
        objective=NextToken(z_loss=1e-4),
        checkpoints=Checkpoints(every_steps=100),
        held_out=HeldOut(every_steps=50, rows=32),
        layout=Layout(compute_dtype="float32", remat="none", accumulation=8),  # two rows at a time stay in a CPU's caches
    )


@experiment("tiny_moe")
def tiny_moe() -> Experiment:
    """`tiny` with eight experts, of which a token takes two: 5.4 million parameters, 1.9 million of them active."""
    dense = tiny()
    return replace(dense, name="tiny_moe", model=replace(dense.model, experts=8, experts_per_token=2, router_logits="standardized"))
