"""Sweeps in a file of their own, whose data and runs are in its folder."""

from pathlib import Path

SWEEPS = """
from dataclasses import replace
from tanuki_jax.config.experiment import Experiment
from tanuki_jax.config.mixture import Mixture, Source, Stage
from tanuki_jax.config.registry import experiment
from tanuki_jax.config.sweep import Choice, Sweep, Trial

def letters() -> Mixture:
    sources = (Source(name="tasks", tasks=("arithmetic",), documents=400),)
    return Mixture(sources=sources, stages=(Stage(weights={"tasks": 1.0}),))

def base() -> Experiment:
    tiny = experiment.find("tiny")
    tokenizer = replace(tiny.data.tokenizer, path=FOLDER + "/tokenizer", pieces=600)
    mixture, stores = __file__ + ":letters", FOLDER + "/stores"
    shapes = {"sequence_length": 64, "batch_rows": 8, "held_out_share": 0.2}
    data = replace(tiny.data, mixture=mixture, stores=stores, tokenizer=tokenizer, **shapes)
    layout, held_out = replace(tiny.layout, accumulation=1), replace(tiny.held_out, rows=8)
    return replace(tiny, data=data, steps=12, layout=layout, held_out=held_out)

def seeds() -> Sweep:
    axes = {"seed": Choice(values=(1, 2))}
    return Sweep(name="seeds", objective="held_out/all", direction="minimize", base=base(), axes=axes)

def longer() -> Sweep:
    return replace(seeds(), name="longer", base=replace(base(), steps=100))

def endless() -> Sweep:
    return replace(seeds(), name="endless", base=replace(base(), steps=1_000_000))

def empty() -> Sweep:
    return Sweep(name="empty", objective="held_out/all", direction="minimize")

def no_target() -> Sweep:
    trials = (Trial(name="one", experiment=base()),)
    return Sweep(name="no_target", objective="tflops", direction="maximize", trials=trials)

def refused() -> Sweep:
    trials = tuple(Trial(name=name, experiment=name + " cannot be", target="h100:1x8") for name in ("one", "two"))
    return Sweep(name="refused", objective="tflops", direction="maximize", trials=trials)
"""


def own_sweeps(folder: Path) -> Path:
    """Write the sweeps into a folder. Return their file."""
    file = folder / "own.py"
    file.write_text(SWEEPS.replace("FOLDER", repr(str(folder))))
    return file
