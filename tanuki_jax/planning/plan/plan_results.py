"""Results of a plan: memory, traffic and time of an experiment's step on a target."""

import dataclasses

GIB = 2**30


@dataclasses.dataclass(frozen=True, kw_only=True)
class Memory:
    """Bytes on one device at the peak of a step, and a margin for what the compiler does not count."""

    parameters: int
    """Trained parameters."""
    optimizer: int
    activations: int
    """Arrays that the forward pass keeps for the backward pass."""
    temporaries: int
    """All other arrays at the peak: batch, gradients, gathered weights, buffers of one layer."""
    margin: int
    """Memory kept free for communication buffers, workspaces of libraries and fragmentation."""
    capacity: int
    """Memory of the device."""
    frozen: int = 0
    """Frozen weights."""
    host: int = 0
    """Bytes in the host's memory for this device, in addition to the other figures."""

    @property
    def state(self) -> int:
        """Bytes that are also held between steps."""
        return self.frozen + self.parameters + self.optimizer

    @property
    def peak(self) -> int:
        """Bytes that the compiler counts."""
        return self.state + self.activations + self.temporaries

    @property
    def needed(self) -> int:
        """Bytes that the step needs to run."""
        return self.peak + self.margin

    @property
    def free(self) -> int:
        """Bytes left beside peak and margin; negative if the step does not fit."""
        return self.capacity - self.needed

    @property
    def fits(self) -> bool:
        return self.free >= 0

    @property
    def verdict(self) -> str:
        """`fits`, or the excess, as in `3.2 GiB too large`."""
        return "fits" if self.fits else f"{-self.free / GIB:.1f} GiB too large"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Traffic:
    """All collectives of one kind over the same mesh axes, in one step."""

    kind: str
    """HLO's name: all-gather, reduce-scatter, all-reduce, all-to-all, collective-permute, ragged-all-to-all."""
    between_nodes: bool
    """Whether a group has devices in several nodes."""
    count: int
    """Number of calls."""
    sent_bytes: int
    """Bytes that a device sends in all calls, by a ring algorithm where there is one."""
    seconds: float
    """Time of all calls at the link's rate, latency included."""
    axes: tuple[str, ...] = ()
    """Mesh axes of the groups."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Term:
    """A part of the predicted step time."""

    name: str
    seconds: float
    measured: bool
    """Whether the rate was measured on such a device; if not, it is assumed."""
    hidden: float = 0.0
    """Seconds that other work hides."""
    source: str = ""
    """Source of the rate."""

    @property
    def shown(self) -> float:
        """Seconds that the part adds to the step."""
        return self.seconds - self.hidden


@dataclasses.dataclass(frozen=True, kw_only=True)
class Plan:
    """Memory and time of a step of an experiment on a target."""

    experiment: str
    target: str
    devices: int
    memory: Memory
    model_flops: int
    """Model FLOPs of a step on all devices: three times the forward pass (frozen weights twice), attention over one
    causal document a row."""
    issued_flops: int
    """FLOPs of a step on all devices, recomputation and idle rounds of a pipeline included."""
    traffic: tuple[Traffic, ...]
    terms: tuple[Term, ...]
    seconds: float
    """Time of a step: the sum of the terms without the seconds that are hidden."""
    bubble: float
    """Share of a step for which pipeline stages are idle."""
    tokens: int
    """Tokens of a step."""
    steps: int
    peak_flops: float
    """Dense bfloat16 FLOP/s of a device, as the vendor states it."""
    compile_seconds: float
    kind: str = "gpu"
    """Kind of the devices."""
    layout: str = ""
    """Description of mesh and micro-batches."""
    advice: tuple[str, ...] = ()
    """Changes that make the step fit, or use free memory."""
    notes: tuple[str, ...] = ()
    """Assumptions of the prediction, and what it leaves out."""

    @property
    def bound(self) -> Term:
        """The part that adds most to the step."""
        return max(self.terms, key=lambda term: term.shown)

    @property
    def tokens_per_second(self) -> float:
        """Tokens per second of one device."""
        return self.tokens / self.seconds / self.devices

    @property
    def mfu(self) -> float:
        """Model FLOPs utilisation: model FLOPs over those of all devices at the vendor's peak."""
        return self.model_flops / (self.seconds * self.devices * self.peak_flops)

    @property
    def days(self) -> float:
        """Days of all steps."""
        return self.steps * self.seconds / 86_400

    @property
    def device_hours(self) -> float:
        """Hours of all steps, times the number of devices."""
        return self.days * 24 * self.devices
