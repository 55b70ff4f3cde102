"""Copies of a kernel with one line changed, to show that its tests fail when it is broken."""

import inspect
from types import ModuleType
from typing import Any


def mutated(kernel: ModuleType, line: str, *, source: ModuleType | None = None, replacement: str = "pass") -> Any:
    """Return a copy of the module `kernel` in which one line is another.

    Args:
        kernel: module of the kernel.
        line: the line to replace, without indentation; it occurs exactly once.
        source: module that holds the line, from which `kernel` imports; None: `kernel` itself.
        replacement: the new line; by default the line is removed.
    """
    source = source or kernel
    lines = inspect.getsource(source).split("\n")
    (number,) = (number for number, text in enumerate(lines) if text.strip() == line)
    indentation = lines[number][: -len(line)]
    changed = _execute(source, [*lines[:number], indentation + replacement, *lines[number + 1 :]])
    if source is kernel:
        return changed
    copy = _execute(kernel, inspect.getsource(kernel).split("\n"))
    imported = [name for name, value in vars(source).items() if vars(kernel).get(name, source) is value]
    vars(copy).update({name: vars(changed)[name] for name in imported})
    return copy


def _execute(module: ModuleType, lines: list[str]) -> ModuleType:
    """Return a new module that is not imported, with these lines; errors name the file of the original."""
    copy = ModuleType(f"{module.__name__}_mutated")
    exec(compile("\n".join(lines), str(module.__file__), "exec"), vars(copy))
    return copy
