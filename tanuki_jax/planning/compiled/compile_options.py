"""Command-line options of `bench compile`."""

import dataclasses


@dataclasses.dataclass(frozen=True, kw_only=True)
class CompileOptions:
    """Compile every kernel for a GPU that need not be present; list registers, spills, memory and predicted times."""

    target: str = "h200"
    """GPU to compile for: the name of a file in `config/devices`, as h100, or a hardware file of your own."""
    json: str = ""
    """Report to write; results of other versions of jax in it are kept."""
