"""What is known of the accelerators that figures are compared with."""

PEAKS = {"A100": 312e12, "H100": 989e12, "H200": 989e12, "B200": 2250e12}
"""Vendors' dense bfloat16 FLOP/s."""


def peak_flops(kind: str) -> float | None:
    """The vendor's FLOP/s of a device of that kind, None if it is not known."""
    return next((peak for name, peak in PEAKS.items() if name in kind), None)
