"""Lists the doors of the house, a line each: the first line of each door's docstring."""

import ast
from pathlib import Path


def doors() -> dict[str, str]:
    """Name and first docstring line of every room that is a command, without importing any of them."""
    files = sorted(Path(__file__).parent.glob("*/__main__.py"))
    return {file.parent.name: (ast.get_docstring(ast.parse(file.read_text("utf-8"))) or "").partition("\n")[0] for file in files}


if __name__ == "__main__":
    print("python -m tanuki_jax.NAME, where NAME is one of\n")
    for name, line in doors().items():
        print(f"  {name:<12}{line}")
    print("\nEach answers --help.")
