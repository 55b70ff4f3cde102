"""Configs for a laptop: code of this Python's standard library, rule-written Japanese, and a model of 1.3 million
parameters."""

import sysconfig
from dataclasses import replace
from pathlib import Path

from tanuki_jax.config.experiment import (
    AdamW,
    Checkpoints,
    Data,
    Experiment,
    HeldOut,
    Layout,
    NextToken,
    Preference,
    Schedule,
    Tokenizer,
    from_checkpoint,
)
from tanuki_jax.config.lora import LoRA
from tanuki_jax.config.mixture import Mixture, Source, Stage
from tanuki_jax.config.model import Model
from tanuki_jax.config.registry import experiment, mixture

# Parts of the standard library that are good to read: no tests, no tables of code points, no installed packages. About
# 7 MB.
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
    """Read code and docstrings of the Python that runs this, and three families of rule-written Japanese tasks."""
    library = Path(sysconfig.get_path("stdlib"))
    return Mixture(
        sources=(
            Source(
                name="python_library",
                paths=tuple(str(library / part) for part in LIBRARY),
                kind="standard library of Python",
                language="code",
            ),
            Source(
                name="dialogue",
                tasks=("arithmetic", "table", "dialogue"),
                documents=20_000,
                kind="rule-written tasks",
                language="ja",
            ),
        ),
        stages=(Stage(weights={"python_library": 0.5, "dialogue": 0.5}),),
    )


@mixture("demo_chats")
def demo_chats() -> Mixture:
    """Read instructions that demand a form for their answers, and requests that leave it open."""
    source = Source(
        name="instructions",
        tasks=("instructions", "style"),
        documents=20_000,
        form="chat",
        kind="rule-written tasks",
        language="ja",
    )
    return Mixture(sources=(source,), stages=(Stage(weights={"instructions": 1.0}),))


@mixture("demo_pairs")
def demo_pairs() -> Mixture:
    """Read requests that leave the form open, with one answer in the better of two forms and one in the worse."""
    source = Source(
        name="style", tasks=("style",), documents=8_000, form="preference", kind="rule-written pairs", language="ja"
    )
    return Mixture(sources=(source,), stages=(Stage(weights={"style": 1.0}),))


@experiment("tiny")
def tiny() -> Experiment:
    """Pretrain 1.3 million parameters, about two minutes on two CPU cores."""
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
        # Two rows at a time fit a CPU's caches.
        layout=Layout(compute_dtype="float32", remat="none", accumulation=8),
    )


@experiment("tiny_moe")
def tiny_moe() -> Experiment:
    """Pretrain `tiny` with eight experts, two for each token: 5.4 million parameters, 1.9 million of them active."""
    dense = tiny()
    return replace(
        dense, name="tiny_moe", model=replace(dense.model, experts=8, experts_per_token=2, router_logits="standardized")
    )


@experiment("tiny_sft")
def tiny_sft() -> Experiment:
    """Tune `tiny` to answer in the requested form."""
    base = tiny()
    return replace(
        base,
        name="tiny_sft",
        start=from_checkpoint("runs/tiny"),
        data=replace(
            base.data,
            mixture="demo_chats",
            tokenizer=replace(base.data.tokenizer, chat_template="user_assistant"),
            stores="data/demo/chats",
        ),
        steps=1000,
        schedule=Schedule(peak=3e-3, warmup_steps=20),
        objective=NextToken(),
        optimizer=AdamW(weight_decay=0.0),
    )


@experiment("tiny_dpo")
def tiny_dpo() -> Experiment:
    """Train an adapter of `tiny_sft` that prefers the form that fits the manner of a request."""
    base = tiny_sft()
    return replace(
        base,
        name="tiny_dpo",
        start=from_checkpoint("runs/tiny_sft"),
        data=replace(base.data, mixture="demo_pairs", stores="data/demo/pairs"),
        steps=40,
        schedule=Schedule(peak=2e-4, warmup_steps=6),
        objective=Preference(beta=0.1, sft_weight=0.5),
        held_out=HeldOut(every_steps=20, rows=64),
        lora=LoRA(rank=16, alpha=32.0, base="float32"),
    )
