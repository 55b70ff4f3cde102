"""The tree that describes one training run, and its parts. A config is a function that returns one `Experiment`."""

import dataclasses
from typing import Annotated, Literal

from tanuki_jax.config.limits import Limits, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt, Share
from tanuki_jax.config.lora import LoRA
from tanuki_jax.config.model import Model

Activation = Literal["input", "qkv", "attention", "middle", "hidden"]
"""A layer's activations by name: its input; queries, keys and values; attention's output; the stream between attention and SwiGLU; what
the SwiGLU's first two matrices give."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Tokenizer:
    """Which tokenizer is used, and how it is trained if it does not exist yet."""

    path: str
    """Folder made by `prepare`, or a SentencePiece `.model`, or a Hugging Face `tokenizer.json`."""
    pieces: PositiveInt = 65_000
    """Vocabulary to train, special tokens included."""
    sample_bytes: PositiveInt = 1_000_000_000
    """Text to train on at the most, in bytes, drawn from the sources in proportion to their weights."""
    mecab: bool = False
    """Whether pieces may not cross the word boundaries that MeCab finds (training only; needs the `corpus` extra)."""
    chat_template: str = ""
    """A template of `tanuki_jax.corpus.chat` or a .jinja file, which `prepare` writes into the tokenizer's folder; empty: what is there."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Data:
    """What is read, and how it becomes rows."""

    mixture: str
    """Name of a registered mixture, or file.py:name."""
    tokenizer: Tokenizer
    stores: str
    """Folder of the token stores, one subfolder a source."""
    sequence_length: PositiveInt
    """T, tokens in a row."""
    batch_rows: PositiveInt
    """Rows in one optimizer step, over all devices and accumulation steps."""
    window_documents: PositiveInt = 1_000_000
    """Documents that are packed together: more leave less padding, and need more memory."""
    held_out_share: Share = 0.002
    """Share of every source's documents that are never trained on, chosen by a hash of the text."""
    malformed_share: Share = 0.001
    """Share of a source's records that may be malformed before `prepare` gives up."""
    read_threads: PositiveInt = 8
    """Threads that assemble batches ahead of the step."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class NextToken:
    """Predict the next token of each document; of chats, those of the assistant's turns (supervised fine-tuning)."""

    z_loss: NonNegativeFloat = 0.0
    """Weight of the mean squared log partition function (Chowdhery et al. 2022, section 5)."""
    noise: NonNegativeFloat = 0.0
    """Alpha of NEFTune (Jain et al. 2024): embeddings get uniform noise of at most alpha / sqrt(tokens of the document x D)."""

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
    """Make the chosen answer of each pair more probable than the rejected one."""

    loss: Literal["sigmoid", "ipo", "hinge", "kto", "orpo", "simpo"] = "sigmoid"
    """Of the log-probabilities of both answers: DPO's (Rafailov et al. 2023), IPO's (Azar et al. 2024), SLiC's (Zhao et al. 2023), KTO's
    (Ethayarajh et al. 2024), ORPO's (Hong et al. 2024) or SimPO's (Meng et al. 2024). The last two need no reference."""
    beta: PositiveFloat = 0.1
    """What rewards, log-probabilities over those of the reference, are multiplied with; ipo: tau; orpo: weight of the odds ratio."""
    label_smoothing: Annotated[float, Limits(at_least=0, below=0.5)] = 0.0
    """Probability that a pair is the wrong way round (sigmoid and simpo)."""
    per_token: bool = False
    """Whether log-probabilities are means over an answer's tokens; those of ipo, orpo and simpo always are."""
    sft_weight: NonNegativeFloat = 0.0
    """Weight of the chosen answers' loss a token, added to the loss a pair; orpo adds it with weight 1."""
    margin: NonNegativeFloat = 0.0
    """Gamma of simpo: by how much the reward of the chosen answer should be the higher one."""
    desirable: NonNegativeFloat = 1.0
    """Weight of chosen answers in kto."""
    undesirable: NonNegativeFloat = 1.0
    """Weight of rejected answers in kto."""
    reference: Literal["adapter_off", "stored"] = "adapter_off"
    """What rewards are relative to: the model without its adapter, in every step; or the model that the run starts from, computed once
    and kept beside the token stores."""

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
    """How the routers of a mixture of experts are trained, and whether experts may be full."""

    load_balancing_weight: NonNegativeFloat = 0.02
    """Weight of the load-balancing loss of each layer (Fedus et al. 2022, equation 4, over the choices of a token: 1 where all is even)."""
    z_loss: NonNegativeFloat = 0.0
    """Weight of the router z-loss of each layer (Zoph et al. 2022, equation 5); 0: it is reported only."""
    capacity_factor: Annotated[float, Limits(at_least=0, finite=False)] = 0.0
    """Most tokens that an expert takes from each device, over their mean number, padding counted; what comes after them passes the layer
    by. 0: it takes all. Held-out losses are always of all."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class AdamW:
    """Adam with decoupled weight decay (Loshchilov and Hutter 2019) after clipping by global norm."""

    b1: Share = 0.9
    """Decay of the first moment."""
    b2: Share = 0.95
    """Decay of the second moment."""
    epsilon: PositiveFloat = 1e-8
    """Added to the root of the second moment."""
    weight_decay: NonNegativeFloat = 0.1
    """Times the learning rate, of every matrix; norms are not decayed."""
    clip_norm: Annotated[float, Limits(above=0, finite=False)] = 1.0
    """Largest global norm of the gradient."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Schedule:
    """Learning rate against accepted steps: linear warm-up, a plateau if `stable_steps`, then a decay.

    With `shape="linear"` and `stable_steps` this is warmup-stable-decay (Hu et al. 2024).
    """

    peak: NonNegativeFloat
    """Learning rate after the warm-up."""
    final: NonNegativeFloat = 0.0
    """Learning rate after the decay."""
    warmup_steps: NonNegativeInt = 0
    """Steps from zero to the peak."""
    stable_steps: NonNegativeInt = 0
    """Steps at the peak between warm-up and decay."""
    end_step: NonNegativeInt = 0
    """Step at which the decay ends, warm-up included; 0: the run's last step."""
    shape: Literal["cosine", "linear"] = "cosine"
    """Form of the decay."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Layout:
    """How the work lies on the devices: sizes of the mesh axes, and what is stored against what is computed again."""

    data: Annotated[int, Limits(above=0, or_equal=-1)] = -1
    """Replicas of the parameters; -1: whatever the other axes leave."""
    fsdp: PositiveInt = 1
    """Devices that share the parameters, gradients and optimizer state, and split the batch."""
    expert: PositiveInt = 1
    """Devices that split the experts of every layer. They share everything else as `fsdp` does, and split the batch."""
    context: PositiveInt = 1
    """Devices that split each row along time, so that each has an equal share of causal attention; keys and values are gathered."""
    tensor: PositiveInt = 1
    """Devices that split heads, hidden units and the vocabulary, and the time axis between layers."""
    stage: PositiveInt = 1
    """Devices that split the layers: micro-batches pass through the stages one behind the other."""
    interleave: PositiveInt = 1
    """Groups of layers that each stage holds, spread over the model; with more of them stages wait less for each other."""
    microbatches: PositiveInt = 1
    """Micro-batches that are on their way through the stages together; a multiple of stage. A step has accumulation times as many."""
    zero: Literal[1, 3] = 3
    """What `fsdp` and `expert` share (Rajbhandari et al. 2020): 1, optimizer state, stored parameters and summed gradients, while each
    device gathers all weights once a step in compute_dtype; 3, also those, a layer at a time in every micro-batch."""
    accumulation: PositiveInt = 1
    """Parts of a step whose gradients are summed one after the other; divides batch_rows."""
    remat: Literal["none", "dots", "attention", "full"] = "full"
    """What the backward pass computes again: nothing; all but matrix products; all but attention's output; the whole layer."""
    save: tuple[Activation, ...] = ()
    """Activations that are kept in addition."""
    offload: tuple[Activation, ...] = ()
    """Activations that are kept in the host's memory until they are needed."""
    attention: Literal["auto", "reference", "chunked", "cudnn", "hopper", "tpu"] = "auto"
    """Attention backend."""
    exchange: Literal["auto", "all_gather", "all_to_all", "ragged_all_to_all"] = "auto"
    """How tokens reach the experts of other devices of `expert`: all tokens go to all of them, padded parts go to each, or parts of
    their own size do (GPUs only)."""
    compute_dtype: Literal["bfloat16", "float32"] = "bfloat16"
    """Type of activations and of the weights in matrix products."""
    projections: Literal["compute_dtype", "fp8"] = "compute_dtype"
    """What the layers' products with weights are computed in; those with experts are always in compute_dtype. "fp8" is for GPUs that
    have such units, and is slow elsewhere: forward and d-input in FP8 with a scale for each tensor, d-weight in compute_dtype."""
    parameter_dtype: Literal["float32", "bfloat16"] = "float32"
    """Type in which parameters and optimizer moments are kept. Gradients are summed over devices in compute_dtype, over micro-batches
    in float32."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Start:
    """Where a run that has no checkpoint of its own begins. Resuming is automatic and separate."""

    checkpoint: str = ""
    """Empty: fresh weights. Else a checkpoint, or a run folder, whose newest good checkpoint is taken."""
    load: Literal["parameters", "parameters_and_optimizer"] = "parameters"
    """What is taken from that checkpoint; the learning-rate schedule and the data start anew either way."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Checkpoints:
    """When checkpoints are written and which stay."""

    every_steps: PositiveInt
    """Steps between two checkpoints; the last step always gets one."""
    keep: PositiveInt = 3
    """Newest checkpoints that stay."""
    keep_every_steps: NonNegativeInt = 0
    """Checkpoints of the multiples of this step stay for good; 0: none does."""
    keep_best: bool = True
    """Whether the one with the lowest held-out loss stays too."""
    retries: NonNegativeInt = 2
    """Saves in a row that may fail before the run does; each is said, and the next checkpoint is the next try."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Guard:
    """Which steps are rejected: those whose loss or gradient is not finite, or lies far above what is usual."""

    deviations: Annotated[float, Limits(at_least=3, or_equal=0)] = 10.0
    """Standard deviations above the median at which a loss or gradient norm is rejected, estimated as 1.4826 times the median absolute
    deviation; 0: only what is not finite is."""
    window: Annotated[int, Limits(at_least=8)] = 128
    """Accepted steps that say what is usual. None is judged before half of them are there, nor again when the mixture's stage changes."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Rewind:
    """When a run goes back to the newest checkpoint from before a spike, to leave out the data of the spike."""

    max_rejected: NonNegativeInt = 8
    """Rejected steps among the last `window` that are a spike; 0: no number is."""
    window: PositiveInt = 64
    """Steps among which rejected ones are counted."""
    raised_steps: Annotated[int, Limits(at_least=16, or_equal=0)] = 128
    """Steps for which the smoothed loss stays above its level before that are a spike; 0: no number is."""
    max_rewinds: NonNegativeInt = 3
    """Times that a run goes back; at the next spike it stops."""
    slow_steps: NonNegativeInt = 0
    """Steps after the checkpoint for which the learning rate is lower."""
    slow_factor: Annotated[float, Limits(above=0, at_most=1)] = 0.5
    """What it is multiplied with in those."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Watchdog:
    """When a run counts as stuck: every thread's stack is written down, and the process ends, to be started again."""

    multiple: Annotated[float, Limits(above=1, or_equal=0)] = 20.0
    """A step, evaluation or save may take so many times what is usual for it; the first of each may take as long as it likes. 0: never."""
    least_seconds: NonNegativeFloat = 600.0
    """Nothing counts as stuck before."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Integrity:
    """Whether the hardware computes what it should."""

    every_steps: NonNegativeInt = 0
    """Steps between two checks: a step is computed twice more, which must agree bit for bit, and so must all replicas of the parameters.
    0: none."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class HeldOut:
    """Loss on documents that are never trained on, per source."""

    every_steps: PositiveInt
    """Steps between two evaluations; the first and the last step always get one."""
    rows: PositiveInt
    """Rows of each source; a multiple of batch_rows / accumulation."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Logging:
    """What is reported beside `metrics.jsonl`."""

    every_steps: PositiveInt = 1
    """Steps between two lines of metrics; `loss.png` and TensorBoard follow them."""
    wandb_project: str = ""
    """Weights & Biases project; empty: not used. Needs the `wandb` extra."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Experiment:
    """One training run."""

    name: str
    """Name of the run; its folder is `runs`/name."""
    model: Model
    data: Data
    steps: PositiveInt
    """Optimizer steps, those included that are rejected."""
    schedule: Schedule
    checkpoints: Checkpoints
    held_out: HeldOut
    objective: NextToken | Preference = NextToken()
    lora: LoRA = dataclasses.field(default_factory=LoRA)
    router: Router = Router()
    optimizer: AdamW = AdamW()
    guard: Guard = Guard()
    rewind: Rewind = Rewind()
    watchdog: Watchdog = Watchdog()
    integrity: Integrity = Integrity()
    layout: Layout = Layout()
    start: Start = Start()
    logging: Logging = Logging()
    seed: Annotated[int, Limits(at_least=0, below=2**32)] = 0
    """Of weights, packing order and every random key."""
    runs: str = "runs"
    """Folder of all run folders."""


def from_checkpoint(path: str, load: Literal["parameters", "parameters_and_optimizer"] = "parameters") -> Start:
    """A start from the weights at `path`: a checkpoint, or a run folder for its newest good one."""
    return Start(checkpoint=path, load=load)
