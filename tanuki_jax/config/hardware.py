"""What a kind of device can do: the vendor's figures, and which share of each is reached, measured or assumed. No jax is needed to read it.

A file in TOML holds the fields of `Hardware` by their names, and for each of `EFFICIENCIES` a table with its value and where it is from:

    [efficiency.matmul]
    value = 0.80
    measured = "8192^3 in bfloat16 on random data, one H200"     # or: assumed = "..."
"""

import dataclasses
import difflib
import functools
import math
import tomllib
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any, Literal, get_args, get_type_hints

from tanuki_jax.base.atomic import replace_text
from tanuki_jax.base.errors import InputError

type Kind = Literal["gpu", "tpu", "cpu"]

EFFICIENCIES = {
    "matmul": "of peak_flops, in products with weights",
    "attention": "of peak_flops, in attention: two products forward, five backward, causal",
    "grouped_matmul": "of peak_flops, in products with the weights of experts",
    "cross_entropy": "of peak_flops, in the loss: logits forward, logits again and two gradients backward",
    "memory": "of memory_rate, in what is neither of these: norms, activations, sums, optimizer",
    "node": "of node_rate, in collectives inside a node",
    "network": "of network_rate, in collectives between nodes",
    "overlap": "of the time of collectives over data and fsdp, and of transfers to the host, that other work hides",
}
"""The shares that a prediction needs, and what each is a share of."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Efficiency:
    """A share of what the vendor states, and where it is from."""

    value: float
    """Above 0, up to 1."""
    source: str
    measured: bool
    """Whether it was measured on such a device; assumed if not."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Hardware:
    """A kind of device and of the nodes that it comes in. Rates are in bytes a second, of one device and in one direction."""

    name: str
    kind: Kind
    compiled_as: str
    """The target that programs are compiled for: a name of `names()`, for GPUs one that has a configuration of the compiler."""
    devices_per_node: int
    """That share the fast links; for TPUs the whole slice does, whatever this says."""
    peak_flops: float
    """The vendor's dense bfloat16 FLOP/s."""
    memory_bytes: int
    memory_rate: float
    """Bytes a second, reads and writes together."""
    margin_share: float
    """Share of the memory that is left free for what the compiler does not count: communication buffers, workspaces, fragmentation."""
    node_rate: float
    """To other devices of the node; on a TPU's torus, along one axis of it, both ways round."""
    network_rate: float
    """To devices of other nodes, when all devices of a node send."""
    host_rate: float
    """To or from the host's memory."""
    node_latency: float
    """Seconds that a collective inside a node takes at the least."""
    network_latency: float
    """Seconds that a collective between nodes takes at the least."""
    efficiency: Mapping[str, Efficiency]
    """One for each of `EFFICIENCIES`."""
    device_kinds: tuple[str, ...] = ()
    """Every `jax.Device.device_kind` that JAX reports for such a device."""

    def flops(self, work: str) -> float:
        """FLOP/s reached in a kind of work, `matmul`, `attention`, `grouped_matmul` or `cross_entropy`."""
        return self.peak_flops * self.efficiency[work].value

    @property
    def memory(self) -> float:
        """Bytes a second that are moved in the device's memory."""
        return self.memory_rate * self.efficiency["memory"].value

    def link(self, between_nodes: bool) -> float:
        """Bytes a second that a device sends in collectives."""
        if between_nodes:
            return self.network_rate * self.efficiency["network"].value
        return self.node_rate * self.efficiency["node"].value


def names() -> list[str]:
    """The kinds of devices whose figures are in the package."""
    return sorted(entry.name.removesuffix(".toml") for entry in _folder().iterdir() if entry.name.endswith(".toml"))


@functools.cache
def peak_flops(device_kind: str) -> float | None:
    """Return a device's dense bfloat16 FLOP/s by its `jax.Device.device_kind`; None if no file of the package has it."""
    return next((hardware.peak_flops for hardware in map(find, names()) if device_kind in hardware.device_kinds), None)


def compiler_configuration(compiled_as: str) -> str | None:
    """A `stream_executor.GpuTargetConfigProto` in text form, from which XLA compiles for a GPU that is not here; None if there is none."""
    entry = _folder() / f"{compiled_as}.txtpb"
    return entry.read_text("utf-8") if entry.is_file() else None


def find(name: str) -> Hardware:
    """One of `names()`, or a file of the user's own whose name ends in .toml.

    InputError for another name, and for a file that lacks a figure, has one that is unknown, or one that cannot be.
    """
    if name.endswith(".toml"):
        path = Path(name)
        if not path.is_file():
            raise InputError(f"there is no hardware file {name}")
        return read(path.read_text("utf-8"), name)
    if name not in names():
        nearest = difflib.get_close_matches(name, names(), n=1)
        hint = f"; the nearest is {nearest[0]}" if nearest else ""
        raise InputError(
            f"there is no target {name!r}{hint}; there are {', '.join(names())}, or a hardware file of your own, FILE.toml:2x8"
        )
    return read((_folder() / f"{name}.toml").read_text("utf-8"), f"{name}.toml")


def read(text: str, origin: str) -> Hardware:
    """Hardware from the text of a file that errors call `origin`."""
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{origin} is not TOML: {error}") from None
    fields = get_type_hints(Hardware)
    _same_names(values, fields, "field", origin, optional=("device_kinds",))
    shares = values.pop("efficiency")
    kinds = _names(values.pop("device_kinds", []), f"device_kinds of {origin}")
    if not isinstance(shares, dict):
        raise InputError(f"efficiency of {origin} must be tables, as in [efficiency.matmul]")
    _same_names(shares, EFFICIENCIES, "efficiency", origin)
    efficiency = {name: _efficiency(shares[name], f"efficiency.{name}", origin) for name in EFFICIENCIES}
    figures = {name: _figure(name, value, fields[name], origin) for name, value in values.items()}
    hardware = Hardware(efficiency=efficiency, device_kinds=kinds, **figures)
    if hardware.margin_share >= 1:
        raise InputError(f"margin_share of {origin} is {hardware.margin_share:g}, and must be below 1")
    if hardware.kind == "gpu" and compiler_configuration(hardware.compiled_as) is None:
        known = [name for name in names() if compiler_configuration(name)]
        raise InputError(
            f"compiled_as of {origin} is {hardware.compiled_as!r}; GPUs are compiled as one of {', '.join(known)}"
        )
    return hardware


def with_measured(hardware: Hardware, shares: Mapping[str, tuple[float, str]]) -> Hardware:
    """The hardware with efficiencies that were measured on it.

    Args:
        hardware: whose other figures stay.
        shares: for some of `EFFICIENCIES` the share of the vendor's figure, and how it was measured.
    """
    for name, (value, _) in shares.items():
        assert name in EFFICIENCIES
        if not 0 < value <= 1:
            raise InputError(
                f"{name} was measured at {value:.3g} of what {hardware.name} is said to have; one of the two is wrong"
            )
    measured = {name: Efficiency(value=value, source=source, measured=True) for name, (value, source) in shares.items()}
    return dataclasses.replace(hardware, efficiency={**hardware.efficiency, **measured})


def write(hardware: Hardware, path: Path) -> None:
    """A file that `find` reads."""
    lines = [
        f"{field.name} = {_toml(getattr(hardware, field.name))}"
        for field in dataclasses.fields(Hardware)
        if field.name != "efficiency"
    ]
    for name, of in EFFICIENCIES.items():
        share = hardware.efficiency[name]
        lines += ["", f"[efficiency.{name}]  # {of}", f"value = {_toml(share.value)}"]
        lines.append(f"{'measured' if share.measured else 'assumed'} = {_toml(share.source)}")
    replace_text(path, "\n".join(lines) + "\n")


def _folder() -> Any:
    return resources.files("tanuki_jax.config") / "devices"


def _same_names(
    values: Mapping[str, Any], wanted: Mapping[str, Any], what: str, origin: str, optional: tuple[str, ...] = ()
) -> None:
    unknown = [name for name in values if name not in wanted]
    missing = [name for name in wanted if name not in values and name not in optional]
    if missing:
        raise InputError(f"{origin} lacks the {what} {', '.join(missing)}")
    if unknown:
        raise InputError(f"{origin} has the {what} {unknown[0]!r}, which is none of {', '.join(wanted)}")


def _figure(name: str, value: Any, kind: Any, origin: str) -> Any:
    where = f"{name} of {origin} is {value!r}, and must be"
    if kind is Kind:
        if value not in get_args(Kind.__value__):
            raise InputError(f"{where} one of {', '.join(get_args(Kind.__value__))}")
        return value
    if kind is str:
        if not isinstance(value, str) or not value:
            raise InputError(f"{where} a name")
        return value
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value <= 0:
        raise InputError(f"{where} a number above 0")
    if kind is int and value != int(value):
        raise InputError(f"{where} a whole number")
    return kind(value)


def _names(value: Any, field: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(name, str) and name for name in value):
        raise InputError(f"{field} is {value!r}, and must be a list of names")
    return tuple(value)


def _efficiency(table: Any, name: str, origin: str) -> Efficiency:
    if not isinstance(table, dict) or set(table) not in ({"value", "measured"}, {"value", "assumed"}):
        raise InputError(
            f"{name} of {origin} must have a value, and say where it is from in either measured or assumed"
        )
    value: float = _figure(f"{name}.value", table["value"], float, origin)
    if value > 1:
        raise InputError(
            f"{name}.value of {origin} is {value:g}; no device reaches more than 1 of what its vendor states"
        )
    measured = "measured" in table
    return Efficiency(value=value, source=str(table["measured" if measured else "assumed"]), measured=measured)


def _toml(value: Any) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ") + '"'
    return repr(value)
