"""Rules of CONTRIBUTING.md that a machine can check, and what every command does for its user."""

import ast
import functools
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from tanuki_jax.__main__ import commands
from tanuki_jax.config.registry import experiment

ROOT = Path(__file__).parent.parent
HOST_OR_MACHINE = re.compile(
    r"\b(?:pypi|npmjs|debian|anaconda)\.(?:org|com)|python(?:hosted)|(?:extra-)?index-url\s*=|find-links\s*="
    r"|(?<![\w.])/(?:home|root|work|opt|Users)/\w"
)
VAGUE = {"util", "utils", "common", "helper", "helpers", "misc"}


def files_of_the_repository(suffix: str = "") -> list[Path]:
    """Return the files that git tracks or would track, so that a new file is judged before it is committed."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    files = [
        ROOT / name for name in listed.stdout.decode().split("\0") if name.endswith(suffix) and (ROOT / name).is_file()
    ]
    assert files
    return files


@functools.cache
def trees() -> dict[str, ast.Module]:
    """Return the name and the syntax tree of every Python file of the repository, parsed once."""
    return {shown(path): ast.parse(path.read_text("utf-8")) for path in files_of_the_repository(".py")}


def statements(tree: ast.Module) -> Iterator[ast.AST]:
    """Yield a file and its statements that may have a body. To walk expressions too takes five times as long."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        inner = [
            each for name in ("body", "orelse", "finalbody", "handlers", "cases") for each in getattr(node, name, [])
        ]
        waiting += [each for each in inner if not isinstance(each, ast.Expr | ast.Assign | ast.Return)]


def run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *words], cwd=ROOT, capture_output=True, text=True, check=False)


def shown(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_files_can_be_read_in_one_sitting() -> None:
    lengths = {shown(path): len(path.read_text("utf-8").splitlines()) for path in files_of_the_repository(".py")}
    assert {name: lines for name, lines in lengths.items() if lines > (600 if name.startswith("tests/") else 400)} == {}


def test_functions_fit_on_a_screen() -> None:
    long = {}
    for name, tree in trees().items():
        for node in statements(tree):
            if (
                isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
                and node.end_lineno is not None
                and node.end_lineno - node.lineno >= 60
            ):
                long[f"{name}:{node.lineno} {node.name}"] = node.end_lineno - node.lineno + 1
    assert long == {}


def test_a_name_says_what_is_in_the_file() -> None:
    assert [shown(path) for path in files_of_the_repository() if VAGUE & {path.stem, path.parent.name}] == []


def test_packages_open_with_a_docstring_and_nothing_else() -> None:
    bodies = {name: tree.body for name, tree in trees().items() if name.endswith("/__init__.py")}
    assert [name for name, body in bodies.items() if body[1:] or (body and not isinstance(body[0], ast.Expr))] == []


def test_base_imports_rich_alone_and_matplotlib_and_jinja2_when_called() -> None:
    standard = {*sys.stdlib_module_names, "tanuki_jax"}
    for path in sorted((ROOT / "tanuki_jax" / "base").glob("*.py")):
        tree = trees()[shown(path)]
        assert imported(tree.body) - standard <= {"rich"}, path
        assert imported(ast.walk(tree)) - standard <= {"rich", "matplotlib", "jinja2"}, path


def imported(statements: Iterable[ast.AST]) -> set[str]:
    """Return the top-level packages that these statements import."""
    nodes = list(statements)
    names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)]
    return {name.partition(".")[0] for name in names}


def test_nothing_names_a_package_registry_or_a_folder_of_one_machine() -> None:
    found = []
    for path in files_of_the_repository():
        text = path.read_bytes().decode("utf-8", errors="ignore")
        found += [f"{shown(path)}: {match[0]}" for match in HOST_OR_MACHINE.finditer(text)]
    assert found == []


def test_constraints_are_exact_and_without_addresses() -> None:
    lines = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if not line.startswith("#")]
    assert [line for line in lines if not re.fullmatch(r"[a-z0-9-]+==[0-9][0-9a-z.]*", line)] == []
    assert lines == sorted(lines)


def test_the_list_of_commands_is_complete() -> None:
    listing = run("-m", "tanuki_jax")
    assert listing.returncode == 0
    assert dict(re.findall(r"^  (\w+) +(\S.*)$", listing.stdout, flags=re.MULTILINE)) == commands()
    for name in commands():
        assert "__name__ ==" in (ROOT / "tanuki_jax" / f"{name}.py").read_text("utf-8"), name


def test_an_unknown_command_is_refused_with_the_nearest() -> None:
    result = run("-m", "tanuki_jax", "trian")
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr == "tanuki: there is no command 'trian'; the nearest is train\n"


def test_a_command_may_follow_the_name_of_the_package() -> None:
    assert run("-m", "tanuki_jax", "train", "--help").stdout == run("-m", "tanuki_jax.train", "--help").stdout


@pytest.mark.parametrize("command", commands())
def test_a_command_explains_itself(command: str) -> None:
    result = run("-m", f"tanuki_jax.{command}", "--help")
    assert result.returncode == 0, result.stderr
    assert "usage" in result.stdout.lower()


@pytest.mark.parametrize("command", commands())
def test_a_command_refuses_an_unknown_option_in_plain_words(command: str) -> None:
    result = run("-m", f"tanuki_jax.{command}", "--no-such-option-exists", "3")
    assert (result.returncode, result.stdout) == (2, "")
    assert re.fullmatch(rf"tanuki_jax\.{command}: [^\n]+\n", result.stderr), result.stderr


def test_preparing_data_does_not_wait_for_jax() -> None:
    """By running it, since an import may hide in a library."""
    result = run(
        "-c",
        "import sys, tanuki_jax.prepare, tanuki_jax.data.preparation.prepare_data; "
        "print(sorted({'jax', 'flax', 'torch'} & set(sys.modules)))",
    )
    assert (result.returncode, result.stdout) == (0, "[]\n"), result.stderr


def test_a_wheel_carries_the_configs_inside_the_package(tmp_path: Path) -> None:
    assert run("-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)).returncode == 0
    (wheel,) = tmp_path.glob("*.whl")
    unpacked = tmp_path / "site"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(unpacked)
    assert {path.name for path in unpacked.iterdir() if path.suffix != ".dist-info"} == {"tanuki_jax"}
    templates = {path.relative_to(unpacked).as_posix() for path in unpacked.rglob("*.jinja")}
    ours = {shown(path) for path in files_of_the_repository(".jinja")}
    assert templates == {path for path in ours if path.startswith("tanuki_jax/")} != set()
    program = (
        f"import sys; sys.path.insert(0, {str(unpacked)!r})\n"
        "from tanuki_jax.corpus.chat.builtin import NAMES\n"
        "from tanuki_jax.config import registry\n"
        "assert len(NAMES) == 4\n"
        f"assert registry.__file__.startswith({str(unpacked)!r})\n"
        "print(*registry.experiment.names())"
    )
    found = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert found.stdout.split() == experiment.names() != []
