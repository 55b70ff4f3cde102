"""Settings of one training run, as a tree of dataclasses. A config is a function that returns one `Experiment`."""

import dataclasses
from typing import Annotated, Literal

from tanuki_jax.config.early_stop import EarlyStop
from tanuki_jax.config.limits import Limits, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt, Seed, Share
from tanuki_jax.config.lora import LoRA
from tanuki_jax.config.model import Model
from tanuki_jax.config.muon import Muon
from tanuki_jax.config.supervision import Integrity, Watchdog

Activation = Literal["input", "qkv", "attention", "middle", "hidden"]
"""Activations of a layer, by name: its input; queries, keys and values; attention's output; the residual stream between
attention and SwiGLU; the outputs of the SwiGLU's first two matrices."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Tokenizer:
    """The tokenizer, and how `prepare` trains it if it does not exist yet."""

    path: str
    """Folder made by `prepare`, a SentencePiece `.model`, or a Hugging Face `tokenizer.json`."""
    pieces: PositiveInt = 65_000
    """Size of the vocabulary to train, special tokens included; without effect on an existing tokenizer."""
    sample_bytes: PositiveInt = 1_000_000_000
    """Largest amount of text to train on, in bytes, drawn from the sources in proportion to their weights."""
    mecab: bool = False
    """Whether pieces must not cross the word boundaries that MeCab finds (training only; needs the `corpus` extra)."""
    chat_template: str = ""
    """Name of a template of `tanuki_jax.corpus.chat` or a .jinja file, which `prepare` writes into the tokenizer's
    folder; empty: the folder's own template, if it has one."""
    bos: Literal["auto", "never"] = "auto"
    """Token that begins each document of texts. auto: the one that the tokenizer itself puts before a text, as Llama's;
    never: none. Chats begin as their template does."""


Learn = Literal["all", "last"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Data:
    """The documents of training, and how they become rows."""

    mixture: str
    """Name of a registered mixture, or file.py:name."""
    tokenizer: Tokenizer
    stores: str
    """Folder of the token stores, one subfolder for each source."""
    sequence_length: PositiveInt
    """T, tokens in a row."""
    batch_rows: PositiveInt
    """Rows in one optimizer step, over all devices and accumulation steps."""
    window_documents: PositiveInt = 1_000_000
    """Documents (of pairs of answers: pairs) that are packed together; a larger number leaves less padding and needs
    more memory."""
    held_out_share: Share = 0.002
    """Share of each source's documents that are never trained on, chosen by a hash of the text."""
    malformed_share: Share = 0.001
    """Share of a source's records that may be malformed; with more, `prepare` stops."""
    learn: Learn = "all"
    """Answers of a chat that are learned: all, or only the last one. Flags of a turn, such as `train`, go before."""
    read_threads: PositiveInt = 8
    """Threads that assemble batches ahead of the step."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class NextToken:
    """Prediction of the next token of each document; in chats, only of the assistant's turns (supervised
    fine-tuning)."""

    z_loss: NonNegativeFloat = 0.0
    """Weight of the mean squared log partition function (Chowdhery et al. 2022, section 5)."""
    noise: NonNegativeFloat = 0.0
    """Alpha of NEFTune (Jain et al. 2024): embeddings get uniform noise of at most alpha / sqrt(tokens of the document
    x D)."""

    @property
    def needs_pairs(self) -> bool:
        """Whether rows hold pairs of answers."""
        return False

    @property
    def needs_rng(self) -> bool:
        """Whether the loss draws random numbers."""
        return self.noise > 0

    @property
    def computes_reference(self) -> bool:
        """Whether each step computes the log-probabilities of a reference."""
        return False

    @property
    def stores_reference(self) -> bool:
        """Whether the log-probabilities of a reference are computed before the first step."""
        return False

    def contradiction(self) -> str:
        """Return why the fields contradict each other; empty: they do not."""
        return ""


_WITHOUT_REFERENCE = ("orpo", "simpo")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Preference:
    """Training that makes the chosen answer of each pair more probable than the rejected one."""

    loss: Literal["sigmoid", "ipo", "hinge", "kto", "orpo", "simpo"] = "sigmoid"
    """Loss of a pair's log-probabilities: sigmoid (DPO, Rafailov et al. 2023), ipo (Azar et al. 2024), hinge (SLiC,
    Zhao et al. 2023), kto (Ethayarajh et al. 2024), orpo (Hong et al. 2024) or simpo (Meng et al. 2024). The last two
    need no reference."""
    beta: PositiveFloat = 0.1
    """Scale of the implicit reward log(pi / pi_ref). In ipo: tau. In orpo: weight of the odds ratio."""
    label_smoothing: Annotated[float, Limits(at_least=0, below=0.5)] = 0.0
    """Probability that the answers of a pair are swapped (sigmoid and simpo)."""
    per_token: bool = False
    """Whether log-probabilities are means over an answer's tokens instead of sums; in ipo, orpo and simpo they always
    are."""
    sft_weight: NonNegativeFloat = 0.0
    """Weight of the chosen answers' loss per token, which is added to the loss per pair; orpo adds it with weight 1."""
    margin: NonNegativeFloat = 0.0
    """Gamma of simpo: margin by which the chosen answer's reward should exceed the rejected one's."""
    desirable: NonNegativeFloat = 1.0
    """Weight of chosen answers in kto."""
    undesirable: NonNegativeFloat = 1.0
    """Weight of rejected answers in kto."""
    reference: Literal["adapter_off", "stored"] = "adapter_off"
    """Reference model of the rewards: the model without its adapter, computed in every step; or the model that the run
    starts from, computed once and stored beside the token stores."""

    @property
    def needs_pairs(self) -> bool:
        """Whether rows hold pairs of answers."""
        return True

    @property
    def needs_rng(self) -> bool:
        """Whether the loss draws random numbers."""
        return False

    @property
    def computes_reference(self) -> bool:
        """Whether each step computes the log-probabilities of a reference."""
        return self.reference == "adapter_off" and self.loss not in _WITHOUT_REFERENCE

    @property
    def stores_reference(self) -> bool:
        """Whether the log-probabilities of a reference are computed before the first step."""
        return self.reference == "stored" and self.loss not in _WITHOUT_REFERENCE

    def contradiction(self) -> str:
        """Return why the fields contradict each other; empty: they do not."""
        if self.label_smoothing and self.loss not in ("sigmoid", "simpo"):
            return f"objective.label_smoothing is for the losses sigmoid and simpo, not for {self.loss}"
        return ""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Router:
    """Losses of the routers of a mixture of experts, and the capacity of experts."""

    load_balancing_weight: NonNegativeFloat = 0.02
    """Weight of the load-balancing loss of each layer (Fedus et al. 2022, equation 4, divided by the choices of a
    token, so that an even load gives 1)."""
    z_loss: NonNegativeFloat = 0.0
    """Weight of the router z-loss of each layer (Zoph et al. 2022, equation 5); 0: it is only reported."""
    capacity_factor: Annotated[float, Limits(at_least=0, finite=False)] = 0.0
    """Largest number of tokens that an expert accepts from each device, over the mean number, padding included; tokens
    beyond it bypass the expert. 0: no limit. Held-out losses are computed without a limit."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class AdamW:
    """Adam with decoupled weight decay (Loshchilov and Hutter 2019) after clipping by global norm."""

    b1: Share = 0.9
    """Decay of the first moment."""
    b2: Share = 0.95
    """Decay of the second moment."""
    epsilon: PositiveFloat = 1e-8
    """Number added to the root of the second moment."""
    weight_decay: NonNegativeFloat = 0.1
    """Decay of every matrix in a step, times the learning rate; norms are not decayed."""
    clip_norm: Annotated[float, Limits(above=0, finite=False)] = 1.0
    """Largest global norm of the gradient; inf: no clipping."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Schedule:
    """Learning rate by accepted steps: linear warm-up, a plateau of `stable_steps`, then a decay.

    With `shape="linear"` and `stable_steps` this is warmup-stable-decay (Hu et al. 2024).
    """

    peak: NonNegativeFloat
    """Learning rate after the warm-up."""
    final: NonNegativeFloat = 0.0
    """Learning rate after the decay."""
    warmup_steps: NonNegativeInt = 0
    """Steps from a rate of zero to the peak."""
    stable_steps: NonNegativeInt = 0
    """Steps at the peak, between warm-up and decay."""
    end_step: NonNegativeInt = 0
    """Step at which the decay ends, counted from the start of the warm-up; 0: the run's last step."""
    shape: Literal["cosine", "linear"] = "cosine"
    """Shape of the decay."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Layout:
    """Division of the work among devices: sizes of the mesh axes, and which activations are stored or recomputed."""

    data: Annotated[int, Limits(above=0, or_equal=-1)] = -1
    """Replicas of the parameters; -1: as many as the other axes allow."""
    fsdp: PositiveInt = 1
    """Devices that share parameters, gradients and optimizer state, and split the batch."""
    expert: PositiveInt = 1
    """Devices that split the experts of every layer. They share the other weights as `fsdp` does, and split the
    batch."""
    context: PositiveInt = 1
    """Devices that split each row along time, each with an equal share of causal attention; keys and values are
    gathered."""
    tensor: PositiveInt = 1
    """Devices that split heads, hidden units and the vocabulary, and the time axis between layers."""
    stage: PositiveInt = 1
    """Pipeline stages: devices that split the layers, which micro-batches pass one after the other."""
    interleave: PositiveInt = 1
    """Chunks of layers in each stage, spread over the model; more of them shorten the time that stages wait for each
    other."""
    microbatches: PositiveInt = 1
    """Micro-batches that are in the pipeline together; a multiple of `stage`. A step has `accumulation` times as
    many."""
    zero: Literal[1, 3] = 3
    """ZeRO level of `fsdp` and `expert` (Rajbhandari et al. 2020). 1: they share optimizer state, stored parameters and
    summed gradients, and each device gathers all weights once a step in compute_dtype. 3: they share the weights too,
    gathered layer by layer in every micro-batch."""
    accumulation: PositiveInt = 1
    """Parts of a step whose gradients are summed one after the other; divides batch_rows."""
    remat: Literal["none", "dots", "attention", "full"] = "full"
    """Rematerialisation: what the backward pass computes again. none: nothing; dots: all but matrix products;
    attention: all but attention's output; full: the whole layer."""
    save: tuple[Activation, ...] = ()
    """Activations that are stored in addition."""
    offload: tuple[Activation, ...] = ()
    """Activations that are stored in the host's memory until the backward pass."""
    attention: Literal["auto", "reference", "chunked", "cudnn", "hopper", "tpu"] = "auto"
    """Attention backend."""
    exchange: Literal["auto", "all_gather", "all_to_all", "ragged_all_to_all"] = "auto"
    """Transport of tokens to experts on other devices of `expert`. all_gather: every device gets all tokens;
    all_to_all: each gets padded parts; ragged_all_to_all: parts of their own size (GPUs only)."""
    compute_dtype: Literal["bfloat16", "float32"] = "bfloat16"
    """Type of activations, and of weights in matrix products."""
    projections: Literal["compute_dtype", "fp8"] = "compute_dtype"
    """Type of the layers' products with weights; products with experts are always in compute_dtype. fp8, for GPUs with
    FP8 units and slow elsewhere: forward and d-input in FP8 with one scale for each tensor, d-weight in
    compute_dtype."""
    parameter_dtype: Literal["float32", "bfloat16"] = "float32"
    """Type in which parameters and optimizer moments are stored. Gradients are summed over devices in compute_dtype,
    over micro-batches in float32."""


Load = Literal["parameters", "parameters_and_optimizer", "adapter"]
"""Parts of a checkpoint that a run may start from."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Start:
    """Initial weights of a run that has no checkpoint of its own. Resuming is automatic and separate."""

    checkpoint: str = ""
    """A checkpoint, or a run folder for its newest good checkpoint; empty: fresh weights."""
    load: Load = "parameters"
    """Parts that are loaded from that checkpoint: parameters, with its adapter merged; parameters_and_optimizer; or
    adapter, which is trained further, over the parameters that it is for. The learning-rate schedule starts anew in
    each case."""
    data: Literal["anew", "continue"] = "anew"
    """Position where each source begins. anew: its first row; continue: where the run of that checkpoint stopped, in
    sources that it has read, so that an epoch is read to its end before any of it is read again."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Checkpoints:
    """Schedule and retention of checkpoints."""

    every_steps: PositiveInt
    """Steps between two checkpoints; the last step always gets one."""
    keep: PositiveInt = 3
    """Number of newest checkpoints that are kept."""
    keep_every_steps: NonNegativeInt = 0
    """Checkpoints at multiples of this step are never deleted; 0 disables it."""
    keep_best: bool = True
    """Whether the checkpoint with the lowest held-out loss is kept too."""
    retries: NonNegativeInt = 2
    """Consecutive saves that may fail before the run stops; each failure is logged, and the next checkpoint is the next
    try."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Guard:
    """Rejection of steps whose loss or gradient is not finite, or far above the usual."""

    deviations: Annotated[float, Limits(at_least=3, or_equal=0)] = 10.0
    """Standard deviations above the median at which a loss or gradient norm is rejected; the deviation is estimated as
    1.4826 times the median absolute deviation. 0: only values that are not finite are rejected."""
    window: Annotated[int, Limits(at_least=8)] = 128
    """Accepted steps from which median and deviation are estimated. No step is judged until half of them exist, at the
    start and after each change of the mixture's stage."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Rewind:
    """Return to the newest checkpoint before a loss spike, to skip the data of the spike."""

    max_rejected: NonNegativeInt = 8
    """A spike is declared after this many rejected steps within `window` steps; 0 disables it."""
    window: PositiveInt = 64
    """Steps within which rejected steps are counted."""
    raised_steps: Annotated[int, Limits(at_least=16, or_equal=0)] = 128
    """A spike is declared after the smoothed loss stays above its earlier level for this many steps; 0 disables it."""
    max_rewinds: NonNegativeInt = 3
    """Largest number of rewinds; at the next spike the run stops."""
    slow_steps: NonNegativeInt = 0
    """Steps after the checkpoint with a lower learning rate."""
    slow_factor: Annotated[float, Limits(above=0, at_most=1)] = 0.5
    """Learning-rate multiplier during `slow_steps`."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class HeldOut:
    """Loss on documents that are never trained on, for each source."""

    every_steps: PositiveInt
    """Steps between two evaluations; the first and the last step always get one."""
    rows: PositiveInt
    """Rows of each source; a multiple of batch_rows / accumulation."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Logging:
    """Reports in addition to `metrics.jsonl`."""

    every_steps: PositiveInt = 1
    """Steps whose means are one line of metrics, for `loss.png` and TensorBoard too."""
    by_source: bool = False
    """Whether a line also has the loss of each source, `loss/SOURCE`, if several sources are trained on."""
    wandb_project: str = ""
    """Weights & Biases project; empty: not used. Needs the `wandb` extra."""


Objective = NextToken | Preference
"""Settings of an objective."""
Optimizer = AdamW | Muon
"""Settings of an optimizer."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Experiment:
    """Settings of one training run."""

    name: str
    """Name of the run, whose folder is RUNS/NAME."""
    model: Model
    data: Data
    steps: PositiveInt
    """Optimizer steps, rejected ones included."""
    schedule: Schedule
    checkpoints: Checkpoints
    held_out: HeldOut
    early_stop: EarlyStop = dataclasses.field(default_factory=EarlyStop)
    objective: Objective = NextToken()
    lora: LoRA = dataclasses.field(default_factory=LoRA)
    router: Router = Router()
    optimizer: Optimizer = AdamW()
    guard: Guard = Guard()
    rewind: Rewind = Rewind()
    watchdog: Watchdog = dataclasses.field(default_factory=Watchdog)
    integrity: Integrity = dataclasses.field(default_factory=Integrity)
    layout: Layout = Layout()
    start: Start = Start()
    logging: Logging = Logging()
    seed: Seed = 0
    """Seed of weights, packing order and every random key."""
    runs: str = "runs"
    """Folder of all run folders."""


def from_checkpoint(path: str, load: Load = "parameters") -> Start:
    """Return a start from the weights at `path`: a checkpoint, or a run folder for its newest good one."""
    return Start(checkpoint=path, load=load)
