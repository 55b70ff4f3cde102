"""List the commands, or run one: `tanuki train ...` and `python -m tanuki_jax.train ...` are the same."""

import ast
import difflib
import runpy
import sys
from pathlib import Path


def commands() -> dict[str, str]:
    """Return name and first docstring line of every command, without importing any of them."""
    files = sorted(path for path in Path(__file__).parent.glob("*.py") if not path.name.startswith("__"))
    return {
        path.stem: (ast.get_docstring(ast.parse(path.read_text("utf-8"))) or "").partition("\n")[0] for path in files
    }


def main() -> None:
    """Run the command that the first word names, or print the list of commands."""
    known, words = commands(), sys.argv[1:]
    if words and words[0] in known:
        sys.argv = sys.argv[1:]
        runpy.run_module(f"tanuki_jax.{words[0]}", run_name="__main__", alter_sys=True)
        return
    if words and words[0] not in ("-h", "--help"):
        nearest = difflib.get_close_matches(words[0], known, n=1, cutoff=0.0)[0]
        print(f"tanuki: there is no command {words[0]!r}; the nearest is {nearest}", file=sys.stderr)
        sys.exit(2)
    print("tanuki COMMAND, or python -m tanuki_jax.COMMAND, where COMMAND is one of\n")
    for name, line in known.items():
        print(f"  {name:<12}{line}")
    print("\nEach answers --help.")


if __name__ == "__main__":
    main()
