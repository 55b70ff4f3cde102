"""Names that other trainers use for our options, with which an unknown option is answered."""

import re
from collections.abc import Container

USUAL_NAMES: dict[str, str] = {
    "--checkpoint": "model model-path model-name-or-path",
    "--name": "run-name exp-name experiment-name experiment job-name",
    "--seed": "random-seed",
    "--steps": "max-steps num-steps total-steps train-steps num-train-steps max-train-steps train-iters max-iters "
    "iterations num-iterations",
    "--model.vocabulary": "vocab-size padded-vocab-size",
    "--model.width": "hidden-size d-model n-embd embed-dim model-dim dim",
    "--model.hidden": "intermediate-size ffn-hidden-size d-ff ffn-dim mlp-dim",
    "--model.layers": "num-layers n-layer n-layers num-hidden-layers depth",
    "--model.heads": "num-heads n-head n-heads num-attention-heads",
    "--model.kv-heads": "num-kv-heads n-kv-heads num-key-value-heads num-query-groups",
    "--model.explicit-head-dim": "head-dim kv-channels",
    "--model.window": "sliding-window window-size",
    "--model.experts": "num-experts num-local-experts n-experts n-routed-experts",
    "--model.experts-per-token": "num-experts-per-tok moe-router-topk moe-top-k top-k-experts",
    "--model.rope-theta": "rope-theta rotary-base rope-base",
    "--model.norm-epsilon": "rms-norm-eps norm-eps layernorm-epsilon",
    "--model.tied": "tie-word-embeddings tie-embeddings weight-tying",
    "--model.initial-std": "initializer-range init-std init-method-std",
    "--data.mixture": "data dataset datasets dataset-name data-path train-data train-file data-dir dataset-path",
    "--data.tokenizer.path": "tokenizer tokenizer-path tokenizer-name tokenizer-model",
    "--data.tokenizer.chat-template": "chat-template template",
    "--data.sequence-length": "seq-len seq-length sequence-len max-seq-len max-seq-length max-length block-size "
    "context-length context-size ctx-len max-position-embeddings cutoff-len",
    "--data.batch-rows": "batch-size global-batch-size train-batch-size total-batch-size",
    "--data.read-threads": "num-workers dataloader-num-workers data-workers",
    "--schedule.peak": "learning-rate lr max-lr peak-lr lr-peak base-lr",
    "--schedule.final": "min-lr lr-min final-lr min-learning-rate end-lr",
    "--schedule.warmup-steps": "warmup warmup-steps num-warmup-steps lr-warmup-steps lr-warmup-iters warmup-iters",
    "--schedule.end-step": "lr-decay-steps lr-decay-iters decay-steps",
    "--schedule.shape": "lr-scheduler lr-scheduler-type scheduler lr-schedule lr-decay-style",
    "--optimizer.weight-decay": "weight-decay wd",
    "--optimizer.b1": "beta1 adam-beta1 adam-b1",
    "--optimizer.b2": "beta2 adam-beta2 adam-b2",
    "--optimizer.epsilon": "eps adam-epsilon adam-eps",
    "--optimizer.clip-norm": "max-grad-norm grad-clip clip-grad grad-clip-norm gradient-clip-norm gradient-clipping "
    "gradient-clip-val max-norm",
    "--objective.beta": "beta dpo-beta",
    "--objective.loss": "loss loss-type",
    "--objective.label-smoothing": "label-smoothing",
    "--objective.noise": "neftune-noise-alpha neftune",
    "--objective.z-loss": "z-loss z-loss-weight",
    "--lora.rank": "lora-r lora-rank r rank use-lora lora",
    "--lora.alpha": "lora-alpha",
    "--lora.dropout": "lora-dropout",
    "--lora.projections": "target-modules lora-target-modules lora-target",
    "--lora.base": "quantization quantization-bit bnb-4bit-quant-type",
    "--lora.rslora": "use-rslora",
    "--lora.dora": "use-dora",
    "--router.load-balancing-weight": "router-aux-loss-coef moe-aux-loss-coeff aux-loss-weight",
    "--router.capacity-factor": "capacity-factor moe-expert-capacity-factor",
    "--early-stop.patience": "early-stopping-patience early-stopping patience",
    "--early-stop.min-delta": "early-stopping-threshold early-stopping-min-delta min-delta",
    "--layout.data": "dp data-parallel data-parallel-size data-parallel-replicate-degree ddp",
    "--layout.fsdp": "fsdp fsdp-size data-parallel-shard-degree",
    "--layout.zero": "zero zero-stage deepspeed",
    "--layout.tensor": "tp tensor-parallel tensor-parallel-size tensor-model-parallel-size tensor-parallel-degree",
    "--layout.stage": "pp pipeline-parallel pipeline-parallel-size pipeline-model-parallel-size "
    "pipeline-parallel-degree",
    "--layout.context": "cp context-parallel context-parallel-size context-parallel-degree sequence-parallel",
    "--layout.expert": "ep expert-parallel expert-parallel-size expert-model-parallel-size",
    "--layout.accumulation": "gradient-accumulation-steps gradient-accumulation grad-accum grad-accum-steps "
    "accumulation-steps accumulate-grad-batches",
    "--layout.remat": "gradient-checkpointing activation-checkpointing activation-checkpoint recompute remat",
    "--layout.attention": "attn-implementation flash-attention use-flash-attn attention-backend",
    "--layout.compute-dtype": "dtype torch-dtype precision mixed-precision",
    "--checkpoints.every-steps": "save-steps save-every save-interval save-freq checkpoint-every checkpoint-interval "
    "ckpt-interval",
    "--checkpoints.keep": "save-total-limit keep-checkpoints max-checkpoints max-to-keep",
    "--held-out.every-steps": "eval-steps eval-every eval-interval val-interval eval-freq",
    "--logging.every-steps": "logging-steps log-interval log-every log-freq log-steps",
    "--logging.wandb-project": "wandb wandb-project report-to use-wandb",
    "--start.checkpoint": "model model-name model-name-or-path pretrained pretrained-model init-from from-pretrained "
    "load load-checkpoint checkpoint ckpt ckpt-path",
    "--profile": "trace profiler profile-steps",
    "--tokens": "max-new-tokens max-tokens max-length num-tokens new-tokens length",
    "--batch": "batch-size",
    "--out": "output out-dir output-dir output-file output-path",
    "--prompts": "input input-file prompt-file prompts-file",
    "--stop": "stop-sequence stop-sequences stop-strings stop-words",
    "--system": "system-prompt system-message",
    "--adapter": "lora lora-path adapter-name",
    "--json": "output output-file output-path",
    "--dtype": "torch-dtype precision",
}
"""Option -> its names elsewhere, separated by spaces. A name may stand for options of several commands."""

ADVICE: dict[str, str] = {
    "a run resumes by itself when the same command is started again; --start.checkpoint begins a new run from other "
    "weights": "resume resume-from resume-from-checkpoint auto-resume continue",
    "a run is written to the folder RUNS/NAME, set by --runs and --name": "output-dir out-dir output out save-dir save "
    "save-path checkpoint-dir log-dir logging-dir",
    "training is counted in --steps of --data.batch-rows x --data.sequence-length tokens": "epochs epoch num-epochs "
    "num-train-epochs max-epochs",
    "warm-up is counted in steps, --schedule.warmup-steps": "warmup-ratio warmup-fraction warmup-epochs",
    "--data.batch-rows are the rows of a step on all devices; --layout.accumulation divides them into micro-batches": (
        "per-device-train-batch-size per-device-batch-size micro-batch-size micro-batch device-batch-size"
    ),
    "--layout.compute-dtype is bfloat16 unless you choose float32": "bf16 fp32 bfloat16 float32",
    "--layout.projections fp8 computes products in 8 bits": "fp8",
    "--lora.base nf4 keeps the frozen weights in 4 bits, --lora.base int8 in 8": "load-in-4bit load-in-8bit qlora",
    "there is no float16; --layout.compute-dtype is bfloat16 unless you choose float32": "fp16 float16 half",
    "every device that jax sees is used; --layout.fsdp, --layout.tensor and other axes of the layout divide the work": (
        "num-gpus gpus n-gpus ngpus devices num-devices n-devices nproc-per-node nproc world-size num-nodes nnodes"
    ),
}
"""Advice -> names elsewhere that no option here matches. Advice is for commands that have the options in it."""


def usual_name(name: str, known: Container[str]) -> str:
    """Return advice for an unknown option whose name other trainers use; empty: none.

    Args:
        name: unknown option, as in --lr or --optimizer.lr.
        known: options of the command.
    """
    for words in dict.fromkeys((name.lstrip("-").lower(), name.lstrip("-").lower().rpartition(".")[2])):
        for option, names in USUAL_NAMES.items():
            if option in known and words in names.split():
                return f"use {option}"
        for advice, names in ADVICE.items():
            if words in names.split() and all(option in known for option in re.findall(r"--[\w.-]+\w", advice)):
                return advice
    return ""
