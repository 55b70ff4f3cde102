"""Post-training by the published figures: SFT on 140,078 conversations, then DPO on about 30,000 pairs.

The paper reports full fine-tuning, except for the 8x8B's DPO, which is LoRA; the slides report LoRA for both. Both are
configs: `8b_sft` and `8b_sft_lora`, and so on. LoRA's rank, alpha and dropout are those of the released scripts, which
also adapted the embedding and the output matrix, frozen here; learning rates with LoRA are ours, except the 8x8B's DPO.
Lengths of conversations and answers are not recorded: steps are computed from 1,000 tokens a conversation and 1,500 a
pair (both answers with their prompts). Layouts are for one node of eight H100 (8B), one, two or four H200 (8B with
adapters) and eight nodes (8x8B).
"""

from dataclasses import replace

from tanuki_jax.config.experiment import (
    Checkpoints,
    Experiment,
    HeldOut,
    Layout,
    NextToken,
    Preference,
    Router,
    Schedule,
    from_checkpoint,
)
from tanuki_jax.config.lora import LoRA, Projection
from tanuki_jax.config.mixture import ChatForm, Mixture, Source, Stage
from tanuki_jax.config.registry import experiment, mixture

CONVERSATIONS, CONVERSATION_TOKENS = 140_078, 1_000
PAIRS_8B, PAIRS_8X8B, PAIR_TOKENS = 30_295, 30_078, 1_500
TIME = 4096

EXPERTS: tuple[Projection, ...] = ("q", "k", "v", "o", "expert_gate", "expert_up", "expert_down")
RELEASED_LORA = LoRA(rank=128, alpha=256.0, dropout=0.05)
LAYOUT_8B_LORA = Layout(accumulation=20, remat="attention", save=("qkv", "hidden"))  # 4 rows: 65 GiB on one GPU


@mixture("tanuki_sft")
def tanuki_sft() -> Mixture:
    """Read the conversations of SFT, weighted by their numbers; the first set's is the remainder of the published sum.

    Upstream took parts of the sets: all but the first 1,000; 1,000 to 26,000; 501,000 to 551,000; the first 55,000, one
    turn each.
    """
    taken = {
        "sft-ramdom-to-fixed-multiturn-Calm3": CONVERSATIONS - 130_000,
        "sft-Synthetic-Calm3-MT-Coding-137k": 25_000,
        "sft-Synthetic-JP-EN-Coding-Dataset-687k": 50_000,
        "sft-AutoMultiTurnByCalm3-22B": 55_000,
    }
    return Mixture(sources=tuple(_source(name, "chat") for name in taken), stages=(Stage(weights=taken),))


@mixture("tanuki_dpo_8b")
def tanuki_dpo_8b() -> Mixture:
    """Read 30,295 pairs of the SFT model's answers, in which Nemotron-4-340B preferred the same answer in both
    orders."""
    return Mixture(sources=(_source("dpo-8b", "preference"),), stages=(Stage(weights={"dpo-8b": 1.0}),))


@mixture("tanuki_dpo_8x8b")
def tanuki_dpo_8x8b() -> Mixture:
    """Read 30,078 such pairs of the 8x8B."""
    return Mixture(sources=(_source("dpo-8x8b", "preference"),), stages=(Stage(weights={"dpo-8x8b": 1.0}),))


@experiment("8b_sft")
def tanuki_8b_sft() -> Experiment:
    """Tune all parameters for one epoch, in rows of 4,096 tokens (upstream took 2,048 or 4,096)."""
    return _sft("8b_sft", _base("8b_phase2_0729"), peak=5e-6, rows=80, layout=Layout(fsdp=8, accumulation=10))


@experiment("8b_sft_lora")
def tanuki_8b_sft_lora() -> Experiment:
    """Tune adapters as in `8b_sft`, as reported in the slides."""
    full = tanuki_8b_sft()
    return replace(
        full, name="8b_sft_lora", schedule=replace(full.schedule, peak=1e-4), lora=RELEASED_LORA, layout=LAYOUT_8B_LORA
    )


@experiment("8b_dpo")
def tanuki_8b_dpo() -> Experiment:
    """Train all parameters by DPO for one epoch; the reference's log-probabilities are computed once."""
    return _dpo(
        "8b_dpo",
        tanuki_8b_sft(),
        mixture="tanuki_dpo_8b",
        epochs_of_pairs=PAIRS_8B,
        peak=5e-7,
        objective=Preference(beta=0.01, reference="stored"),
    )


@experiment("8b_dpo_lora")
def tanuki_8b_dpo_lora() -> Experiment:
    """Train adapters as in `8b_dpo`, as reported in the slides, with beta and learning rate of the 8x8B."""
    full = tanuki_8b_dpo()
    return replace(
        full,
        name="8b_dpo_lora",
        schedule=replace(full.schedule, peak=2e-6),
        objective=Preference(beta=0.1),
        lora=replace(RELEASED_LORA, dropout=0.0),
        layout=LAYOUT_8B_LORA,
    )


@experiment("8x8b_sft")
def tanuki_8x8b_sft() -> Experiment:
    """Tune all parameters for one epoch, at a tenth of the 8B's rate."""
    layout = Layout(fsdp=8, expert=8, accumulation=2, remat="attention")
    tuned = _sft("8x8b_sft", _base("8x8b_0806"), peak=5e-7, rows=128, layout=layout)
    # The weight is the coefficient in the released model's configuration.
    return replace(tuned, router=Router(load_balancing_weight=0.001))


@experiment("8x8b_sft_lora")
def tanuki_8x8b_sft_lora() -> Experiment:
    """Tune adapters as in `8x8b_sft`, as reported in the slides; adapters of experts have no dropout."""
    full, lora = tanuki_8x8b_sft(), replace(RELEASED_LORA, dropout=0.0, projections=EXPERTS)
    return replace(full, name="8x8b_sft_lora", schedule=replace(full.schedule, peak=1e-5), lora=lora)


@experiment("8x8b_dpo_lora")
def tanuki_8x8b_dpo_lora() -> Experiment:
    """Train adapters by DPO for two epochs."""
    return replace(
        _dpo(
            "8x8b_dpo_lora",
            tanuki_8x8b_sft(),
            mixture="tanuki_dpo_8x8b",
            epochs_of_pairs=2 * PAIRS_8X8B,
            peak=2e-6,
            objective=Preference(beta=0.1),
        ),
        lora=replace(RELEASED_LORA, dropout=0.0, projections=EXPERTS),
    )


def _source(name: str, form: ChatForm) -> Source:
    kind = "conversations" if form == "chat" else "pairs of answers of the SFT model"
    return Source(name=name, paths=(f"data/sources/{name}/*.jsonl.zst",), form=form, kind=kind, language="ja+en")


def _base(name: str) -> Experiment:
    """Return the last stage of pretraining, with its final weights as the start."""
    before = experiment.find(name)
    return replace(before, start=from_checkpoint(f"runs/{name}"))


def _sft(name: str, base: Experiment, *, peak: float, rows: int, layout: Layout) -> Experiment:
    """Return an SFT run with a warm-up over a tenth of its steps and a cosine decay to zero.

    Adam's constants are not recorded; they are transformers' defaults.
    """
    steps = _steps(CONVERSATIONS * CONVERSATION_TOKENS, rows)
    return replace(
        base,
        name=name,
        data=replace(
            base.data,
            mixture="tanuki_sft",
            tokenizer=replace(base.data.tokenizer, chat_template="tanuki"),
            stores="data/tanuki/chats",
            sequence_length=TIME,
            batch_rows=rows,
            malformed_share=0.01,
        ),
        steps=steps,
        schedule=Schedule(peak=peak, warmup_steps=round(0.1 * steps)),
        objective=NextToken(),
        optimizer=replace(base.optimizer, weight_decay=0.0, clip_norm=1.0, epsilon=1e-8, b2=0.999),
        layout=layout,
        checkpoints=Checkpoints(every_steps=200),
        held_out=HeldOut(every_steps=50, rows=rows),
    )


def _dpo(
    name: str, sft: Experiment, *, mixture: str, epochs_of_pairs: int, peak: float, objective: Preference
) -> Experiment:
    """Return a DPO run with the rows and layout of its SFT run."""
    steps = _steps(epochs_of_pairs * PAIR_TOKENS, sft.data.batch_rows)
    return replace(
        sft,
        name=name,
        start=from_checkpoint(f"runs/{sft.name}"),
        data=replace(sft.data, mixture=mixture, stores="data/tanuki/pairs"),
        steps=steps,
        schedule=Schedule(peak=peak, warmup_steps=round(0.1 * steps)),
        objective=objective,
    )


def _steps(tokens: int, rows: int) -> int:
    return round(tokens / (rows * TIME))
