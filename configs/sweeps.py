"""Sweeps: layouts that the upstream project tried on its cluster, to be planned; and small searches to train on a
laptop."""

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

from tanuki_jax.config.experiment import Experiment, HeldOut, Layout
from tanuki_jax.config.mixture import Mixture, Stage
from tanuki_jax.config.model import Model
from tanuki_jax.config.registry import experiment, mixture, sweep
from tanuki_jax.config.sweep import Choice, Range, Sweep, Trial

GPUS = 8
"""GPUs of a node."""
OVER = "out of memory"
NO_FLASH = "without flash attention"


class Row(NamedTuple):
    """A row of phase 1's table that names a layout."""

    number: int
    size: float
    """Nominal size, in 1e9 parameters."""
    nodes: int
    rows: int
    """Rows of a step."""
    micro: int
    """Rows of a micro-batch; 0: all rows of a replica."""
    zero: int
    stages: int
    tensor: int
    recomputed: bool
    """Whether the backward pass recomputed activations."""
    length: int
    """Tokens of a row."""
    least: int
    """Memory in GB of the GPU with the least; 0: not legible."""
    most: int
    """Memory in GB of the GPU with the most; 0: not legible."""
    tflops: float
    """TFLOP/s of a GPU; 0: not legible."""
    end: str
    """Remark in the table, such as an error."""


PHASE1 = (
    (3, 10, 2, 32, 0, 1, 1, 1, False, 2048, 64, 80, 72.7, ""),
    (4, 10, 2, 32, 0, 0, 1, 1, False, 2048, 0, 0, 0, OVER),
    (5, 10, 2, 16, 0, 0, 1, 1, False, 2048, 0, 0, 0, OVER),
    (6, 10, 2, 32, 0, 1, 1, 2, False, 2048, 71, 71, 104, ""),
    (7, 10, 2, 32, 0, 1, 2, 2, False, 2048, 62, 62, 124.36, ""),
    (8, 10, 2, 32, 0, 1, 4, 4, False, 2048, 66, 66, 0, "an assertion"),
    (9, 10, 2, 32, 0, 1, 2, 2, False, 2048, 66, 66, 116.12, ""),
    (10, 10, 2, 32, 0, 1, 6, 6, False, 2048, 0, 0, 0, "does not divide"),
    (11, 10, 2, 32, 0, 1, 2, 1, False, 2048, 60, 60, 116, ""),
    (12, 10, 2, 32, 0, 1, 4, 1, False, 2048, 55, 55, 77.88, ""),
    (13, 2.7, 1, 64, 0, 1, 1, 1, False, 2048, 80, 80, 107.23, ""),
    (14, 2.7, 1, 64, 0, 1, 2, 2, False, 2048, 0, 0, 0, ""),
    (15, 2.7, 1, 16, 0, 1, 1, 2, False, 2048, 0, 0, 0, NO_FLASH),
    (16, 7, 2, 32, 0, 1, 1, 1, False, 2048, 0, 0, 0, ""),
    (17, 7, 2, 32, 0, 1, 2, 1, False, 2048, 46, 46, 112, ""),
    (18, 7, 2, 48, 0, 1, 2, 1, False, 2048, 59, 59, 132, ""),
    (19, 7, 2, 64, 0, 1, 2, 1, False, 2048, 69, 69, 142, OVER),
    (20, 7, 2, 80, 0, 1, 2, 1, False, 2048, 70, 70, 0, OVER),
    (21, 7, 3, 96, 0, 1, 3, 1, False, 2048, 65, 67, 70, ""),
    (22, 7, 3, 96, 0, 1, 6, 1, False, 2048, 0, 0, 0, OVER),
    (23, 7, 3, 96, 0, 1, 3, 3, False, 2048, 0, 0, 0, "does not divide"),
    (24, 7, 3, 72, 0, 1, 3, 3, False, 2048, 0, 0, 0, "does not divide"),
    (25, 7, 3, 96, 0, 1, 3, 1, False, 2048, 0, 0, 70, OVER),
    (26, 7, 3, 96, 0, 1, 3, 1, False, 2048, 0, 0, 70, OVER),
    (27, 7, 3, 72, 0, 1, 3, 1, False, 2048, 0, 0, 0, OVER),
    (28, 7, 3, 72, 0, 1, 1, 1, False, 2048, 0, 0, 0, ""),
    (29, 7, 3, 96, 0, 1, 3, 1, False, 2048, 65, 66, 102, ""),
    (30, 7, 3, 96, 0, 1, 3, 2, False, 2048, 0, 0, 0, OVER),
    (31, 7, 3, 96, 0, 1, 6, 1, False, 2048, 0, 0, 0, ""),
    (32, 13, 3, 48, 0, 1, 3, 1, False, 2048, 69, 70, 107, ""),
    (33, 7, 3, 96, 0, 1, 3, 1, True, 2048, 37, 38, 110, ""),
    (34, 7, 3, 192, 0, 1, 3, 1, True, 2048, 43, 44, 116, ""),
    (35, 7, 3, 768, 0, 1, 3, 1, True, 2048, 0, 0, 0, OVER),
    (36, 7, 3, 384, 0, 1, 3, 1, True, 2048, 0, 0, 0, OVER),
    (37, 7, 3, 288, 0, 1, 3, 1, True, 2048, 0, 0, 0, OVER),
    (38, 7, 3, 240, 0, 1, 3, 1, True, 2048, 0, 0, 0, OVER),
    (39, 7, 1, 80, 0, 1, 1, 1, True, 2048, 0, 0, 0, OVER),
    (40, 7, 1, 64, 0, 1, 1, 1, True, 2048, 0, 0, 0, OVER),
    (41, 7, 1, 32, 0, 1, 1, 1, True, 2048, 0, 0, 0, OVER),
    (42, 7, 1, 32, 0, 1, 1, 1, False, 2048, 70, 80, 240, ""),
    (43, 13, 1, 32, 0, 1, 1, 1, False, 2048, 0, 0, 0, OVER),
    (44, 10, 1, 32, 0, 1, 1, 1, False, 2048, 0, 0, 0, OVER),
    (45, 10, 1, 24, 0, 1, 1, 1, False, 2048, 0, 0, 0, OVER),
    (46, 10, 1, 16, 0, 1, 1, 1, False, 2048, 80, 80, 180.72, "out of memory, and yet figures"),
    (47, 7, 1, 32, 0, 1, 1, 1, False, 2048, 70, 80, 244, ""),
    (48, 13, 3, 1024, 1, 1, 3, 1, False, 2048, 0, 0, 0, OVER),
    (49, 13, 3, 512, 1, 1, 3, 1, False, 2048, 0, 0, 142.13, ""),
    (50, 13, 2, 512, 1, 1, 2, 1, False, 2048, 74, 70, 320, ""),
    (51, 13, 2, 512, 2, 1, 2, 1, False, 2048, 50, 70, 334, ""),
    (52, 13, 2, 512, 3, 1, 2, 1, False, 2048, 0, 0, 0, "does not divide"),
    (53, 13, 2, 512, 4, 1, 2, 1, False, 2048, 0, 0, 0, OVER),
    (54, 13, 2, 256, 1, 0, 2, 1, False, 2048, 0, 0, 0, OVER),
    (55, 13, 2, 128, 1, 0, 2, 1, False, 2048, 0, 0, 0, OVER),
    (56, 13, 2, 16, 1, 0, 2, 1, False, 2048, 0, 0, 0, OVER),
    (57, 13, 2, 512, 2, 1, 4, 1, False, 2048, 60, 75, 334, ""),
    (58, 13, 2, 512, 2, 1, 2, 2, False, 2048, 60, 64, 270, ""),
    (59, 7, 1, 1024, 1, 1, 1, 1, False, 2048, 0, 0, 0, OVER),
    (60, 7, 2, 1024, 2, 1, 2, 1, False, 2048, 54, 54, 306, ""),
    (61, 7, 2, 1536, 1, 1, 2, 1, False, 2048, 0, 0, 0, OVER),
    (62, 7, 2, 1280, 1, 1, 2, 1, False, 2048, 45, 45, 270, ""),
    (63, 7, 2, 1280, 2, 1, 2, 1, False, 2048, 54, 54, 310, ""),
    (64, 7, 2, 1536, 2, 1, 2, 1, False, 2048, 54, 54, 311, ""),
    (65, 7, 2, 2048, 2, 1, 2, 1, False, 2048, 54, 54, 314, ""),
    (66, 7, 3, 1024, 2, 1, 6, 1, False, 2048, 32, 44, 264, ""),
    (67, 7, 3, 1536, 3, 1, 3, 1, False, 2048, 59, 60, 308, ""),
    (68, 13, 3, 1536, 3, 1, 3, 1, False, 2048, 0, 0, 0, OVER),
    (69, 13, 3, 1536, 3, 1, 6, 1, False, 2048, 70, 70, 240, ""),
    (70, 13, 3, 512, 3, 1, 6, 1, False, 2048, 0, 0, 0, "an error"),
    (71, 13, 3, 768, 3, 1, 6, 1, False, 2048, 0, 0, 324, ""),
    (72, 13, 3, 1536, 3, 1, 6, 1, False, 2048, 0, 0, 0, "an error"),
    (73, 13, 3, 1536, 6, 1, 6, 1, False, 2048, 0, 0, 0, OVER),
    (74, 13, 3, 1536, 3, 1, 3, 1, False, 2048, 0, 0, 0, OVER),
    (75, 13, 3, 1536, 3, 1, 1, 1, False, 2048, 0, 0, 0, "does not divide"),
    (76, 13, 3, 1536, 3, 1, 6, 1, True, 2048, 35, 40, 250, ""),
    (77, 13, 3, 1536, 6, 1, 6, 1, True, 2048, 42, 47, 220, ""),
    (78, 13, 3, 1536, 3, 1, 12, 1, True, 2048, 0, 0, 0, "it hung"),
    (79, 7, 3, 1536, 1, 1, 3, 1, False, 4096, 60, 65, 401, ""),
    (80, 7, 3, 1536, 2, 1, 3, 1, False, 4096, 77, 79, 423, ""),
    (81, 7, 3, 1536, 2, 1, 6, 1, True, 4096, 32, 35, 430, ""),
    (82, 7, 3, 2048, 2, 1, 3, 1, False, 4096, 73, 75, 270, ""),
    (83, 7, 3, 2048, 2, 1, 6, 1, False, 4096, 73, 75, 272, ""),
    (84, 13, 2, 1536, 2, 1, 4, 1, False, 2048, 0, 0, 430, ""),
    (85, 13, 3, 1536, 3, 1, 6, 1, False, 2048, 71, 79, 422, ""),
    (86, 6, 3, 1536, 3, 1, 3, 1, False, 2048, 0, 0, 460, ""),
    (87, 7, 3, 1536, 3, 1, 6, 1, False, 2048, 0, 0, 375, ""),
)

# Run of phase 2's table; nominal size in 1e9 parameters; layers; rows of a step; whether activations were recomputed;
# memory in GB, 0: not legible; TFLOP/s of a GPU. Each is the fastest run of a model and number of rows.
PHASE2 = (
    (4, 28, 56, 768, False, 0, 237),
    (0, 28, 56, 1536, False, 70, 233),
    (7, 37, 70, 768, False, 0, 300),
    (16, 37, 70, 1536, False, 77, 175),
    (22, 37, 70, 2304, True, 60, 333),
    (40, 37, 70, 36864, True, 54, 368),
    (24, 43, 80, 2304, True, 66, 331),
    (31, 46, 85, 2304, True, 66, 337),
    (37, 46, 85, 8216, True, 63, 364),
    (38, 46, 85, 16432, True, 63, 382),
    (39, 46, 85, 36864, True, 63, 380),
)

# Nominal size -> layers and width; heads have 128. Every number of stages in the table divides the layers.
SHAPES = {2.7: (32, 2560), 6: (27, 4096), 7: (30, 4096), 10: (36, 4608), 13: (36, 5376)}


@sweep("layouts_phase1")
def layouts_phase1() -> Sweep:
    """Plan the layouts of phase 1's table: 2.7 to 13 billion parameters on one to three nodes of eight H100.

    The table's figures are the reference. It was read from a picture and explains little of its columns. The
    assumptions are:

    - Up to row 47 it names no micro-batch: all rows of a replica are processed at once, as in the example scripts of
      its trainer. In rows 79 to 85 the micro-batch is in a later column. The 2,072 rows of a step in rows 82 and 83 are
      2,048. Row 66, which ran, cannot have had six stages on two nodes: it had three. Row 86 does not say whether
      activations were recomputed: none were. Row 88 names no stages and is left out, as are figures whose column is in
      doubt (rows 15, 16, 31 and 43). "10a" and "10b" are one size.
    - Models are Llamas near the nominal size, with a number of layers that all numbers of stages divide, the phase's
      later vocabulary, and no grouped queries. Rows have 2,048 tokens, or 4,096 where the table says 4k.
    - ZeRO 1 is `zero=1` over all replicas (8 of 24 where 24 do not divide the width), ZeRO 0 is replicas. Recomputation
      is `remat="full"`. No recomputation, or that of attention's scores, which this project never stores, is
      `remat="dots"`: activations between matrix products are recomputed.
    - The upstream schedule, one forward, one backward, holds as many micro-batches as there are stages, and idles
      little. Ours stores less of each, and up to four times as many are in the pipeline; rows of a step are rounded to
      such a multiple. Rows that were processed at once are divided into one micro-batch for each stage.
    - Memory is that of the fullest GPU. TFLOP/s counted recomputation, and attention without the causal half:
      `issued_tflops` is that figure, and `tflops` is three quarters of it where everything was recomputed. Ours count
      half of attention, 4% less at 2,048 tokens, 8% at 4,096.
    """
    trials = tuple(_phase1_trial(Row(*row)) for row in PHASE1)
    return Sweep(name="layouts_phase1", objective="tflops", direction="maximize", trials=trials)


def _phase1_trial(row: Row) -> Trial:
    reference = _reference(row.tflops, row.recomputed, max(row.least, row.most), row.end)
    planned = _phase1_experiment(row)
    return Trial(
        name=f"row {row.number}: {row.size}b",
        experiment=planned,
        target=f"h100:{row.nodes}x{GPUS}",
        reference=reference,
    )


def _phase1_experiment(row: Row) -> Experiment | str:
    """Return the run of a row, or the reason why there is none."""
    replicas, rest = divmod(row.nodes * GPUS, row.stages * row.tensor)
    if rest:
        return f"{row.stages} stages of {row.tensor} GPUs each do not divide {row.nodes * GPUS} GPUs"
    micro = row.micro or row.rows // replicas
    if row.rows % (replicas * micro):
        return f"{row.rows} rows are not a multiple of {replicas} replicas x micro-batches of {micro} rows"
    if row.micro == 0:
        micro //= row.stages
    parts = row.rows // (replicas * micro)
    microbatches = row.stages * max(1, min(4, parts // row.stages)) if row.stages > 1 else 1
    layers, width = SHAPES[row.size]
    split = 1 if row.zero == 0 else replicas if width % replicas == 0 else GPUS
    layout = Layout(
        data=replicas // split,
        fsdp=split,
        tensor=row.tensor,
        stage=row.stages,
        microbatches=microbatches,
        accumulation=round(parts / microbatches),
        zero=1,
        remat="full" if row.recomputed else "dots",
        attention="reference" if row.end == NO_FLASH else "auto",
    )
    model = Model(
        vocabulary=65_024, width=width, hidden=_hidden(width), layers=layers, heads=width // 128, kv_heads=width // 128
    )
    base = experiment.find("8b_phase1_epoch1")
    planned = replace(base, name=f"row_{row.number}", model=model, data=replace(base.data, sequence_length=row.length))
    return _laid_out(planned, layout, layout.accumulation * microbatches * replicas * micro)


@sweep("layouts_phase2")
def layouts_phase2() -> Sweep:
    """Plan the models and rows of phase 2's table on sixteen nodes of eight H100.

    Layouts are ours, because the table's are not legible. Widths of 6,144, 48 heads and 21,504 hidden units are the
    table's; eight key and value heads, and 66,048 pieces, are the 38B's. Rows are rounded to a multiple of 768. Memory
    and TFLOP/s of the fastest upstream run are the reference; `layouts_phase1` says how they are counted.
    """
    return Sweep(name="layouts_phase2", objective="tflops", direction="maximize", trials=tuple(_phase2_trials()))


def _phase2_trials() -> Iterator[Trial]:
    base = experiment.find("38b")
    for run, size, layers, rows, recomputed, memory, tflops in PHASE2:
        planned = replace(
            base, name=f"run_{run}", model=replace(base.model, width=6144, hidden=21_504, heads=48, layers=layers)
        )
        rounded = round(rows / 768) * 768
        for name, layout, micro in _phase2_layouts(layers):
            parts = rounded // (micro * layout.data * layout.fsdp)
            laid_out = _laid_out(planned, replace(layout, accumulation=parts // layout.microbatches), rounded)
            yield Trial(
                name=f"run {run}: {size}b, {rows} rows, {name}",
                experiment=laid_out,
                target=f"h100:16x{GPUS}",
                reference=_reference(tflops, recomputed, memory, ""),
            )


def _phase2_layouts(layers: int) -> Iterator[tuple[str, Layout, int]]:
    """Yield (name, layout, rows of a micro-batch) for 128 GPUs; with stages where two or four divide the layers."""
    yield "fsdp", Layout(data=1, fsdp=128, remat="full"), 6
    yield "fsdp, attention kept", Layout(data=1, fsdp=128, remat="attention"), 6
    yield "fsdp and tensor", Layout(data=1, fsdp=32, tensor=4, remat="full"), 12
    stages = next((size for size in (4, 2) if layers % size == 0), 1)
    if stages > 1:
        layout = Layout(
            data=1, fsdp=32 // stages, tensor=4, stage=stages, microbatches=4 * stages, zero=1, remat="full"
        )
        yield f"{stages} stages and tensor", layout, 3


def _reference(tflops: float, recomputed: bool, memory: float, end: str) -> dict[str, float | str]:
    """Return the figures of a run under the names of a plan's; figures that are not legible are left out."""
    figures = {"tflops": tflops * 0.75 if recomputed else tflops, "issued_tflops": tflops, "needed_gib": memory}
    legible: dict[str, float | str] = {name: value for name, value in figures.items() if value}
    return legible | ({"outcome": end} if end else {})


def _hidden(width: int) -> int:
    """Return the SwiGLU's size that has the parameters of a plain feed-forward layer of four times the width."""
    return -(-8 * width // 3 // 256) * 256


def _laid_out(planned: Experiment, layout: Layout, rows: int) -> Experiment:
    held_out = HeldOut(every_steps=planned.held_out.every_steps, rows=rows // layout.accumulation)
    return replace(planned, data=replace(planned.data, batch_rows=rows), layout=layout, held_out=held_out)


# Sweeps for a laptop: each run takes about a minute, after `prepare --config=tiny`.


@mixture("demo_mostly_code")
def demo_mostly_code() -> Mixture:
    """Read `demo` with four tokens of code to one of dialogue."""
    return replace(mixture.find("demo"), stages=(Stage(weights={"python_library": 0.8, "dialogue": 0.2}),))


@mixture("demo_mostly_dialogue")
def demo_mostly_dialogue() -> Mixture:
    """Read `demo` with four tokens of dialogue to one of code."""
    return replace(mixture.find("demo"), stages=(Stage(weights={"python_library": 0.2, "dialogue": 0.8}),))


@sweep("learning_rate")
def learning_rate() -> Sweep:
    """Train `tiny` for a third of its steps with several peak learning rates, each with two seeds."""
    axes: dict[str, Choice | Range] = {
        "schedule.peak": Range(low=1e-3, high=1.6e-2, log=True),
        "seed": Choice(values=(0, 1)),
    }
    base = replace(experiment.find("tiny"), steps=100)
    return Sweep(name="learning_rate", objective="held_out/all", direction="minimize", base=base, axes=axes)


@sweep("mixture")
def mixtures() -> Sweep:
    """Train `tiny` with several shares of its two sources."""
    axes = {
        "data.mixture": Choice(values=("demo_mostly_code", "demo", "demo_mostly_dialogue")),
        "seed": Choice(values=(0, 1)),
    }
    base = replace(experiment.find("tiny"), steps=100)
    return Sweep(name="mixture", objective="held_out/all", direction="minimize", base=base, axes=axes)


@sweep("batch")
def batch() -> Sweep:
    """Train `tiny` with smaller and larger steps over the same tokens; the rate grows with the square root of the
    rows."""
    tiny = experiment.find("tiny")
    trials = []
    for rows in (8, 16, 32):
        share = rows / tiny.data.batch_rows
        scaled = replace(tiny.schedule, peak=tiny.schedule.peak * share**0.5, warmup_steps=round(10 / share))
        layout = replace(tiny.layout, accumulation=rows // 2)
        tried = replace(
            tiny, data=replace(tiny.data, batch_rows=rows), steps=round(100 / share), schedule=scaled, layout=layout
        )
        trials.append(Trial(name=f"{rows} rows", experiment=tried))
    return Sweep(name="batch", objective="held_out/all", direction="minimize", trials=tuple(trials))


@sweep("router")
def router() -> Sweep:
    """Train `tiny_moe` with several weights of the load-balancing loss."""
    axes = {
        "router.load_balancing_weight": Choice(values=(0.0, 0.002, 0.02, 0.2)),
        "model.router_logits": Choice(values=("plain", "standardized")),
    }
    base = replace(experiment.find("tiny_moe"), steps=100)
    return Sweep(name="router", objective="held_out/all", direction="minimize", base=base, axes=axes)
