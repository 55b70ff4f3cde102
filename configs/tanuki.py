"""Pretraining of Tanuki's models, by the project's published figures; each gap is named where it is filled.

The upstream project used pipeline parallelism, and FP8 for all matrix products but the 8B's weight gradients; here
everything is bfloat16 with FSDP. Layouts are for nodes of eight H100. `data=-1` takes any number of nodes whose devices
divide the micro-batch.
"""

from dataclasses import replace

from tanuki_jax.config.experiment import (
    AdamW,
    Checkpoints,
    Data,
    Experiment,
    HeldOut,
    Layout,
    NextToken,
    Router,
    Schedule,
    Tokenizer,
    from_checkpoint,
)
from tanuki_jax.config.model import Model
from tanuki_jax.config.registry import experiment

# 65,000 pieces, trained on text that MeCab cut into words; the embedding has rows up to the next multiple of 128.
TOKENIZER = Tokenizer(path="data/tanuki/tokenizer", pieces=65_000, mecab=True)
DATA = Data(
    mixture="tanuki_phase2",
    tokenizer=TOKENIZER,
    stores="data/tanuki/stores",
    sequence_length=2048,
    batch_rows=1536,
)
CHECKPOINTS = Checkpoints(every_steps=1000)
HELD_OUT = HeldOut(every_steps=1000, rows=384)


# Phase 1 also tried 100M, 300M and 1B; their shapes are not recorded. These are ours: heads of 64 (128 for 1b, as in
# the 8B), a hidden size of three times the width, the output tied to the embedding where it would be half of all
# parameters, and about 20 tokens for each parameter.


@experiment("100m")
def tanuki_100m() -> Experiment:
    """Pretrain 97.7 million parameters on 2.1 billion tokens; one GPU is enough."""
    return Experiment(
        name="100m",
        model=Model(vocabulary=65_024, width=640, hidden=1920, layers=12, heads=10, kv_heads=2, tied=True),
        data=replace(DATA, batch_rows=256),
        steps=4_000,
        schedule=Schedule(peak=1e-3, final=1e-4, warmup_steps=200),
        objective=NextToken(z_loss=1e-4),
        layout=Layout(accumulation=4),
        checkpoints=CHECKPOINTS,
        held_out=HeldOut(every_steps=500, rows=64),
    )


@experiment("300m")
def tanuki_300m() -> Experiment:
    """Pretrain 307.8 million parameters on 6.3 billion tokens."""
    return replace(
        tanuki_100m(),
        name="300m",
        model=Model(vocabulary=65_024, width=1024, hidden=3072, layers=20, heads=16, kv_heads=4, tied=True),
        steps=12_000,
        schedule=Schedule(peak=6e-4, final=6e-5, warmup_steps=500),
    )


@experiment("1b")
def tanuki_1b() -> Experiment:
    """Pretrain 1.04 billion parameters on 21 billion tokens; one node."""
    return replace(
        tanuki_100m(),
        name="1b",
        model=Model(vocabulary=65_024, width=2048, hidden=6144, layers=16, heads=16, kv_heads=4),
        data=replace(DATA, batch_rows=512),
        steps=20_000,
        schedule=Schedule(peak=4e-4, final=4e-5, warmup_steps=1000),
        layout=Layout(fsdp=8, accumulation=8),
    )


@experiment("8b")
def tanuki_8b() -> Experiment:
    """Pretrain Tanuki-8B, 7,512,264,704 parameters, on 39 billion tokens.

    Settings are those of its released training script. The script's sequence length, rotary base and Adam epsilon are
    not recorded; they are those of phase 2's first run.
    """
    return Experiment(
        name="8b",
        model=Model(
            vocabulary=65_024,
            width=4096,
            hidden=14_336,
            layers=32,
            heads=32,
            kv_heads=8,
            rope_theta=10_000.0,
            norm_epsilon=1e-5,
            initial_std=0.008,
        ),
        data=DATA,
        steps=12_500,
        schedule=Schedule(peak=1e-4, final=1e-6, warmup_steps=1000),
        objective=NextToken(z_loss=1e-4),
        optimizer=AdamW(epsilon=1e-5, weight_decay=0.1, clip_norm=0.8),
        layout=Layout(fsdp=8, accumulation=8),  # 192 rows: 24 a GPU on one node, 8 on three, 3 on eight
        checkpoints=CHECKPOINTS,
        held_out=HELD_OUT,
    )


@experiment("8b_long")
def tanuki_8b_long() -> Experiment:
    """Continue `8b` on 20 billion tokens in rows of 8,192 with the larger rotary base, as phase 1 ended.

    The peak rate is that of phase 1; the decay to a tenth is our choice.
    """
    short = tanuki_8b()
    return replace(
        short,
        name="8b_long",
        start=from_checkpoint("runs/8b"),
        model=replace(short.model, rope_theta=500_000.0),
        data=replace(short.data, sequence_length=8192),
        steps=_steps(20e9, 1536 * 8192),
        schedule=Schedule(peak=2e-5, final=2e-6, warmup_steps=32),
        layout=Layout(fsdp=8, accumulation=64),  # 24 rows: 3 a GPU on one node, 1 on three
    )


# Phase 1: three nodes, 280 billion tokens in three epochs. The shape of the decay and Adam's epsilon are not recorded;
# here they are a cosine and 1e-8.


@experiment("8b_phase1_epoch1")
def phase1_epoch1() -> Experiment:
    """Pretrain on 195.5 billion tokens, English before Japanese."""
    return replace(
        tanuki_8b(),
        name="8b_phase1_epoch1",
        model=replace(tanuki_8b().model, initial_std=0.02),
        data=replace(DATA, mixture="tanuki_phase1"),
        steps=_steps(195_537_374_076, 1536 * 2048),
        schedule=Schedule(peak=3e-4, final=3e-5, warmup_steps=_steps(2e9, 1536 * 2048)),
        objective=NextToken(),
        optimizer=AdamW(weight_decay=0.1, clip_norm=1.0),
    )


@experiment("8b_phase1_epoch2")
def phase1_epoch2() -> Experiment:
    """Continue on Japanese only, shuffled: between 65 and 90 billion tokens; with 65, phase 1 has its published 280.

    Peaks of 5.8e-5 and 1e-4 were tried too. The batch of epoch 1 and a decay to a tenth are assumed.
    """
    first = phase1_epoch1()
    return replace(
        first,
        name="8b_phase1_epoch2",
        start=from_checkpoint("runs/8b_phase1_epoch1"),
        data=replace(first.data, mixture="tanuki_phase1_japanese"),
        steps=_steps(65e9, 1536 * 2048),
        schedule=Schedule(peak=2e-5, final=2e-6, warmup_steps=_steps(400e6, 1536 * 2048)),
    )


@experiment("8b_phase1_epoch3")
def phase1_epoch3() -> Experiment:
    """Continue on 20 billion tokens in rows of 8,192 with a rotary base of 500,000.

    Data, rows, warm-up and decay are assumed to be those of epoch 2.
    """
    second = phase1_epoch2()
    return replace(
        second,
        name="8b_phase1_epoch3",
        start=from_checkpoint("runs/8b_phase1_epoch2"),
        model=replace(second.model, rope_theta=500_000.0),
        data=replace(second.data, sequence_length=8192),
        steps=_steps(20e9, 1536 * 8192),
        schedule=Schedule(peak=2e-5, final=2e-6, warmup_steps=_steps(400e6, 1536 * 8192)),
        layout=Layout(fsdp=8, accumulation=64),
    )


# Phase 2: sixteen nodes. The z-loss is recorded for the first run, its weight for the released script only. Clipping
# and weight decay of the later runs are not recorded, and stay unchanged.


@experiment("8b_phase2_0627")
def phase2_0627() -> Experiment:
    """Continue for 793 billion tokens to step 126,000, the weights from which the 8x8B was upcycled.

    The weights of phase 1 that it started from are not recorded. Its rotary base of 10,000 fits epoch 2, so these are
    used.
    """
    return replace(
        tanuki_8b(),
        name="8b_phase2_0627",
        start=from_checkpoint("runs/8b_phase1_epoch2"),
        data=replace(DATA, batch_rows=3072),
        steps=126_000,
        schedule=Schedule(peak=4e-5, final=1e-6, warmup_steps=1000, end_step=300_000),
    )


@experiment("8b_phase2_0719")
def phase2_0719() -> Experiment:
    """Continue on 93 billion tokens in rows of 8,192.

    Upstream, the share of synthetic text and code grew; here the mixture is that of phase 2.
    """
    before = phase2_0627()
    return replace(
        before,
        name="8b_phase2_0719",
        start=from_checkpoint("runs/8b_phase2_0627"),
        model=replace(before.model, rope_theta=500_000.0),
        data=replace(before.data, sequence_length=8192, batch_rows=1536),
        steps=7_400,
        schedule=Schedule(peak=5e-5, final=0.5e-5, warmup_steps=500),
        optimizer=replace(before.optimizer, epsilon=1e-8),
        layout=Layout(fsdp=8, accumulation=12),  # 128 rows: 1 a GPU on sixteen nodes
    )


@experiment("8b_phase2_0729")
def phase2_0729() -> Experiment:
    """Continue on instructions in logic and mathematics at a small rate.

    The length is not recorded: this is one epoch of the 41.1 billion tokens of the sources with a recorded size, and 6
    billion of the others.
    """
    before = phase2_0719()
    return replace(
        before,
        name="8b_phase2_0729",
        start=from_checkpoint("runs/8b_phase2_0719"),
        data=replace(before.data, mixture="tanuki_phase2_0729"),
        steps=_steps(47.1e9, 1536 * 8192),
        schedule=Schedule(peak=0.5e-5, final=0.1e-5, warmup_steps=50),
    )


# The 8x8B: sixteen nodes, the 8B of step 126,000 copied into eight experts. Upstream reported the router z-loss, but
# did not train with it. 630 billion tokens in all, the second half synthetic only; their division among the stages is
# not recorded, except for the last.


@experiment("8x8b")
def tanuki_8x8b() -> Experiment:
    """Train Tanuki-8x8B, 46,973,325,312 parameters, 13,150,457,856 of them active, on half of its tokens.

    This is its run of 13 July. Upstream trained on FineWeb of 2023-50, a Twitter archive and the corpus of llm-jp; here
    the mixture of phase 2 replaces them. The run starts from the output of `convert upcycle checkpoints/8x8b --from
    runs/8b_phase2_0627 --to 8x8b`, with noise of 0.001.
    """
    dense = phase2_0627()
    return replace(
        dense,
        name="8x8b",
        start=from_checkpoint("checkpoints/8x8b"),
        model=replace(dense.model, experts=8, experts_per_token=2, router_logits="standardized", initial_std=0.02),
        steps=_steps(315e9, 3072 * 2048),
        schedule=Schedule(peak=5e-5, final=5e-6, warmup_steps=1000, end_step=125_000),
        objective=NextToken(),
        router=Router(load_balancing_weight=0.02),
        optimizer=AdamW(weight_decay=0.1, clip_norm=1.0),
        # 384 rows: 6 a GPU on eight nodes, 3 on sixteen
        layout=Layout(fsdp=8, expert=8, accumulation=8, remat="attention"),
    )


@experiment("8x8b_0724")
def tanuki_8x8b_0724() -> Experiment:
    """Continue at half the rate, on synthetic data only.

    The data are not recorded; half of all tokens were synthetic.
    """
    before = tanuki_8x8b()
    return replace(
        before,
        name="8x8b_0724",
        start=from_checkpoint("runs/8x8b"),
        data=replace(before.data, mixture="tanuki_synthetic"),
        steps=_steps(315e9 - 2_720 * 3072 * 4096, 3072 * 2048),
        schedule=Schedule(peak=2.5e-5, final=5e-6, warmup_steps=500),
    )


@experiment("8x8b_0806")
def tanuki_8x8b_0806() -> Experiment:
    """Continue on the last 34 billion tokens, synthetic only, in rows of 4,096, with the large rotary base and a linear
    decay to a hundredth."""
    before = tanuki_8x8b_0724()
    return replace(
        before,
        name="8x8b_0806",
        start=from_checkpoint("runs/8x8b_0724"),
        model=replace(before.model, rope_theta=500_000.0),
        data=replace(before.data, mixture="tanuki_8x8b_annealing", sequence_length=4096),
        steps=2_720,
        schedule=Schedule(peak=1e-5, final=1e-7, warmup_steps=50, shape="linear"),
    )


@experiment("8x100m")
def tanuki_8x100m() -> Experiment:
    """Train `100m` with eight experts in place of each SwiGLU, for experiments; from fresh weights, or upcycled with
    --start.checkpoint."""
    dense = tanuki_100m()
    return replace(
        dense, name="8x100m", model=replace(dense.model, experts=8, experts_per_token=2, router_logits="standardized")
    )


# The 38B was abandoned because of loss spikes whose cause was never established; FP8, the rotary base and chance were
# suspected. All figures are from the script of a restart, except the first run's peak, final rate and warm-up. Sixteen
# nodes.


@experiment("38b")
def tanuki_38b() -> Experiment:
    """Pretrain 37.7 billion parameters: the first run up to step 16,000, where its restart began.

    Its tokenizer was another, of about 66,000 pieces. A rotary base above the restarts' 10,000 is inferred from the
    suspicion.
    """
    return Experiment(
        name="38b",
        model=Model(
            vocabulary=66_048,
            width=7168,
            hidden=25_088,
            layers=56,
            heads=56,
            kv_heads=8,
            rope_theta=500_000.0,
            initial_std=0.008,
        ),
        data=replace(
            DATA,
            tokenizer=Tokenizer(path="data/tanuki/tokenizer_66k", pieces=66_000, mecab=True),
            stores="data/tanuki/stores_66k",
            batch_rows=2304,
        ),
        steps=16_000,
        # The decay ends after one epoch, 203.7 billion tokens.
        schedule=Schedule(peak=1e-4, final=0.99e-4, warmup_steps=1000, end_step=43_167),
        objective=NextToken(z_loss=1e-4),
        optimizer=AdamW(epsilon=1e-5, weight_decay=0.1, clip_norm=1.0),
        layout=Layout(fsdp=16, tensor=4, accumulation=18),  # 128 rows: 4 for every group of four GPUs on sixteen nodes
        checkpoints=CHECKPOINTS,
        held_out=HELD_OUT,
    )


@experiment("38b_restart1")
def tanuki_38b_restart1() -> Experiment:
    """Continue at half the rate, with eight times the warm-up, the small rotary base and fresh optimizer moments."""
    first = tanuki_38b()
    return replace(
        first,
        name="38b_restart1",
        start=from_checkpoint("runs/38b"),
        model=replace(first.model, rope_theta=10_000.0),
        steps=43_167,
        schedule=Schedule(peak=0.5e-4, final=0.499e-4, warmup_steps=8000),
    )


@experiment("38b_restart2")
def tanuki_38b_restart2() -> Experiment:
    """Continue at a fifth of the first run's rate: the second restart, whose step 6,000 was the last one exported."""
    return replace(
        tanuki_38b_restart1(),
        name="38b_restart2",
        start=from_checkpoint("runs/38b_restart1"),
        steps=6_000,
        schedule=Schedule(peak=2e-5, final=1.99e-5, warmup_steps=8000, end_step=43_167),
    )


def _steps(tokens: float, tokens_per_step: int) -> int:
    return round(tokens / tokens_per_step)
