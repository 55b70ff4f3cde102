"""Hardware files: the vendor's figures of a device, and the share of each that programs reach, measured or assumed.

A file is TOML with the fields of `Hardware`, and a table with value and source for each of `EFFICIENCIES`:

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
    "attention": "of peak_flops, in causal attention: two products forward, five backward",
    "grouped_matmul": "of peak_flops, in products with the weights of experts",
    "cross_entropy": "of peak_flops, in the loss: logits forward, logits again and two gradients backward",
    "memory": "of memory_rate, in all other work: norms, activations, sums, optimizer",
    "node": "of node_rate, in collectives inside a node",
    "network": "of network_rate, in collectives between nodes",
    "overlap": "of the time of collectives over data and fsdp, and of transfers to the host: hidden by other work",
}
"""Shares that a prediction needs, and the rate that each is a share of."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Efficiency:
    """A share of a rate that the vendor states."""

    value: float
    """The share, above 0 and at most 1."""
    source: str
    """Measurement of the share, or reason to assume it."""
    measured: bool
    """Whether the share was measured on such a device; if not, it is assumed."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Hardware:
    """A device and its node. Rates are bytes a second of one device in one direction."""

    name: str
    kind: Kind
    compiled_as: str
    """Name of the target that programs are compiled for; a GPU needs one with a compiler configuration."""
    devices_per_node: int
    """Devices that share the fast links. TPUs ignore it: all devices of a slice do."""
    peak_flops: float
    """The vendor's dense bfloat16 FLOP/s."""
    memory_bytes: int
    """Memory of a device."""
    memory_rate: float
    """Bytes a second, reads and writes together."""
    margin_share: float
    """Share of the memory kept free for what the compiler does not count: communication, workspaces, fragmentation."""
    node_rate: float
    """Rate to other devices of the node; on a TPU torus, along one axis in both directions."""
    network_rate: float
    """Rate to devices of other nodes while all devices of a node send."""
    host_rate: float
    """Rate to or from the host's memory."""
    node_latency: float
    """Shortest time of a collective inside a node, in seconds."""
    network_latency: float
    """Shortest time of a collective between nodes, in seconds."""
    efficiency: Mapping[str, Efficiency]
    """An efficiency for each of `EFFICIENCIES`."""
    device_kinds: tuple[str, ...] = ()
    """Every `jax.Device.device_kind` that JAX reports for such a device."""

    def flops(self, work: str) -> float:
        """Return the FLOP/s reached in `matmul`, `attention`, `grouped_matmul` or `cross_entropy`."""
        return self.peak_flops * self.efficiency[work].value

    @property
    def memory(self) -> float:
        """Rate reached in the device's memory, in bytes a second."""
        return self.memory_rate * self.efficiency["memory"].value

    def link(self, between_nodes: bool) -> float:
        """Return the rate at which a device sends in collectives, in bytes a second."""
        if between_nodes:
            return self.network_rate * self.efficiency["network"].value
        return self.node_rate * self.efficiency["node"].value


def names() -> list[str]:
    """Return the names of the hardware files in the package."""
    return sorted(entry.name.removesuffix(".toml") for entry in _folder().iterdir() if entry.name.endswith(".toml"))


@functools.cache
def peak_flops(device_kind: str) -> float | None:
    """Return the dense bfloat16 FLOP/s of a `jax.Device.device_kind`; None if no file of the package has it."""
    return next((hardware.peak_flops for hardware in map(find, names()) if device_kind in hardware.device_kinds), None)


def compiler_configuration(compiled_as: str) -> str | None:
    """Return XLA's description of a GPU (text of a `stream_executor.GpuTargetConfigProto`); None if there is none."""
    entry = _folder() / f"{compiled_as}.txtpb"
    return entry.read_text("utf-8") if entry.is_file() else None


def find(name: str) -> Hardware:
    """Return the hardware of a name of `names()`, or of a file whose name ends in .toml.

    InputError for an unknown name, and for a file with a missing, unknown or impossible figure.
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
            f"there is no target {name!r}{hint}; choose one of {', '.join(names())}, or a hardware file, FILE.toml:2x8"
        )
    return read((_folder() / f"{name}.toml").read_text("utf-8"), f"{name}.toml")


def read(text: str, origin: str) -> Hardware:
    """Return the hardware of a file's text. InputError, with `origin` as the file's name, if it is invalid."""
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{origin} is not TOML: {error}") from None
    fields = get_type_hints(Hardware)
    _same_names(values, fields, "field", origin, optional=("device_kinds",))
    shares = values.pop("efficiency")
    kinds = _names(values.pop("device_kinds", []), f"device_kinds of {origin}")
    if not isinstance(shares, dict):
        raise InputError(f"efficiency in {origin} must have tables, as in [efficiency.matmul]")
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
    """Return the hardware with measured efficiencies.

    Args:
        hardware: its other figures are kept.
        shares: share of the vendor's rate, and how it was measured, for some of `EFFICIENCIES`.

    Raises:
        InputError: a share is not above 0 or is above 1.
    """
    for name, (value, _) in shares.items():
        assert name in EFFICIENCIES
        if not 0 < value <= 1:
            raise InputError(
                f"{name} was measured at {value:.3g} of the rate of {hardware.name}; one of the two is wrong"
            )
    measured = {name: Efficiency(value=value, source=source, measured=True) for name, (value, source) in shares.items()}
    return dataclasses.replace(hardware, efficiency={**hardware.efficiency, **measured})


def write(hardware: Hardware, path: Path) -> None:
    """Write a hardware file."""
    lines = [
        f"{field.name} = {_toml(getattr(hardware, field.name))}"
        for field in dataclasses.fields(Hardware)
        if field.name != "efficiency"
    ]
    for name, meaning in EFFICIENCIES.items():
        share = hardware.efficiency[name]
        lines += ["", f"[efficiency.{name}]  # {meaning}", f"value = {_toml(share.value)}"]
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
        raise InputError(f"{origin} has no {what} {', '.join(missing)}")
    if unknown:
        raise InputError(f"{origin} has an unknown {what} {unknown[0]!r}; known are {', '.join(wanted)}")


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
        raise InputError(f"{name} of {origin} must have a value, and its source as either measured or assumed")
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
