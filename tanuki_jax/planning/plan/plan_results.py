"""What a plan says of an experiment on a target."""

import dataclasses

GIB = 2**30


@dataclasses.dataclass(frozen=True, kw_only=True)
class Memory:
    """Bytes on one device at a step's peak: what the compiler counts, and what has to stay free for what it does not."""

    parameters: int
    """What is trained."""
    optimizer: int
    activations: int
    """What the forward pass keeps for the backward pass."""
    temporaries: int
    """All else at the peak: batch, gradients, gathered weights, what a layer needs while it is computed."""
    margin: int
    """For communication buffers, workspaces of libraries and fragmentation."""
    capacity: int
    """What the device has."""
    frozen: int = 0
    """Weights that are not trained."""
    host: int = 0
    """In the host's memory, for this device; in none of the other figures."""

    @property
    def state(self) -> int:
        """What is there between steps too."""
        return self.frozen + self.parameters + self.optimizer

    @property
    def peak(self) -> int:
        """What the compiler counts."""
        return self.state + self.activations + self.temporaries

    @property
    def needed(self) -> int:
        """What has to be there for the step to run."""
        return self.peak + self.margin

    @property
    def free(self) -> int:
        """What is left above peak and margin; negative where the step does not fit."""
        return self.capacity - self.needed

    @property
    def fits(self) -> bool:
        return self.free >= 0

    @property
    def verdict(self) -> str:
        """In words, as `3.2 GiB too large`."""
        return "fits" if self.fits else f"{-self.free / GIB:.1f} GiB too large"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Traffic:
    """One kind of collective over one kind of group, in one step."""

    kind: str
    """HLO's name: all-gather, reduce-scatter, all-reduce, all-to-all, collective-permute, ragged-all-to-all."""
    between_nodes: bool
    """Whether a group has devices of several nodes."""
    count: int
    """How often it is called."""
    sent_bytes: int
    """What a device sends in all of them, by a ring where the collective has one."""
    seconds: float
    """At the link's rate, latency included."""
    axes: tuple[str, ...] = ()
    """Mesh axes of its groups."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Term:
    """A part of the predicted step time."""

    name: str
    seconds: float
    measured: bool
    """Whether its rate was measured on such a device; assumed if not."""
    hidden: float = 0.0
    """Seconds of it in which other work goes on."""
    source: str = ""
    """Where the rate is from."""

    @property
    def shown(self) -> float:
        """Seconds by which it makes the step longer."""
        return self.seconds - self.hidden


@dataclasses.dataclass(frozen=True, kw_only=True)
class Plan:
    """What a step of an experiment needs on a target, and how long it takes."""

    experiment: str
    target: str
    devices: int
    memory: Memory
    model_flops: int
    """Of a step, all devices: three times the forward pass, attention as one causal document a row; no gradients of frozen weights."""
    issued_flops: int
    """Of a step, all devices, recomputation and a pipeline's idle rounds included."""
    traffic: tuple[Traffic, ...]
    terms: tuple[Term, ...]
    seconds: float
    """Of a step; communication that other work hides is not in it, so it is less than the sum of the terms."""
    bubble: float
    """Share of a step in which a pipeline's stages have nothing to do."""
    tokens: int
    """Of a step."""
    steps: int
    peak_flops: float
    """The vendor's dense bfloat16 FLOP/s of a device."""
    compile_seconds: float
    kind: str = "gpu"
    """Of the devices."""
    layout: str = ""
    """Mesh and micro-batches in words."""
    advice: tuple[str, ...] = ()
    """What to change where the step does not fit, or leaves much room."""
    notes: tuple[str, ...] = ()
    """What the prediction leaves out or takes for granted with this experiment."""

    @property
    def bound(self) -> Term:
        """What makes the step longest."""
        return max(self.terms, key=lambda term: term.shown)

    @property
    def tokens_per_second(self) -> float:
        """Of a device."""
        return self.tokens / self.seconds / self.devices

    @property
    def mfu(self) -> float:
        """Model FLOPs utilisation: the model's operations over what the devices could do at the vendor's peak."""
        return self.model_flops / (self.seconds * self.devices * self.peak_flops)

    @property
    def days(self) -> float:
        """Of all steps."""
        return self.steps * self.seconds / 86_400

    @property
    def device_hours(self) -> float:
        """Of all steps and devices."""
        return self.days * 24 * self.devices
