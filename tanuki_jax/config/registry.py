"""Named configs: Python functions in `configs/`, or in any other file as `file.py:name`."""

import contextlib
import dataclasses
import difflib
import importlib.util
import inspect
import re
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, get_args, get_type_hints

from tanuki_jax.base.errors import InputError
from tanuki_jax.config.experiment import Experiment
from tanuki_jax.config.limits import check_fields
from tanuki_jax.config.mixture import Mixture
from tanuki_jax.config.renamed import RENAMED
from tanuki_jax.config.sweep import Sweep


class Registry[T]:
    """Functions without arguments that return a config, each registered under a name."""

    def __init__(self, kind: str, result: type[T], *, folder: str = "", parts: Sequence[type] = ()) -> None:
        """Make an empty registry.

        Args:
            kind: what a config is called in errors.
            result: type of the configs.
            folder: folder of `configs/` that has the shipped ones; empty: `configs/` itself.
            parts: dataclasses that a config may hold, besides those that its fields name.
        """
        self.kind, self._result, self._folder, self._parts = kind, result, folder, tuple(parts)
        self._functions: dict[str, Callable[[], T]] = {}

    def __call__(self, name: str) -> Callable[[Callable[[], T]], Callable[[], T]]:
        """Return a decorator that registers a function under `name`. InputError if another function has the name."""
        if not isinstance(name, str):
            raise InputError(f"the name of a registered {self.kind} is {name!r:.80}, and must be text")

        def register(function: Callable[[], T]) -> Callable[[], T]:
            if name in self._functions:
                raise InputError(
                    f"two functions register the {self.kind} {name!r}, the second in {function.__code__.co_filename}"
                )
            self._functions[name] = function
            return function

        return register

    def names(self) -> list[str]:
        """Return the names of the configs that the project ships, sorted."""
        shipped = {module.__name__ for module in _shipped_configs(self._folder)}
        return sorted(name for name, function in self._functions.items() if function.__module__ in shipped)

    def find(self, name: str) -> T:
        """Return the config of that name, or of `path/to/file.py:name`.

        InputError if there is none, which names the nearest, or if it states a field that there is not, lacks one, or
        gives one a value of another type.
        """
        with _explained(self._result, *self._parts):
            config = self._find(name)
        try:
            check_fields(config)
        except InputError as error:
            raise InputError(f"{name}: {error}") from None
        return config

    def _find(self, name: str) -> T:
        if name.endswith(".py"):
            raise InputError(f"{name} is a file; name one of its functions, as in {name}:NAME")
        if ":" in name:
            return self._find_in_file(name)
        names = self.names()
        if name not in names:
            nearest = difflib.get_close_matches(name, names, n=1, cutoff=0.0)[0]
            raise InputError(f"there is no {self.kind} named {name!r}; the nearest is {nearest!r}")
        return self._functions[name]()

    def _find_in_file(self, reference: str) -> T:
        file, _, name = reference.rpartition(":")
        path = Path(file)
        if not path.is_file():
            raise InputError(f"there is no file {file!r}, in which {reference} names the {self.kind} {name!r}")
        if path.suffix != ".py":
            raise InputError(f"{file} is not a file of Python, whose name ends in .py, so {reference} names no config")
        _shipped_configs(self._folder)  # whose configs the file may find by name
        module = load_file(path)
        functions = [(n, f) for n, f in vars(module).items() if inspect.isfunction(f)] + list(self._functions.items())
        public = {n: f for n, f in functions if f.__module__ == module.__name__ and not n.startswith("_")}
        if name not in public:
            raise InputError(f"{file} has no function {name!r}; it has {', '.join(sorted(public)) or 'none'}")
        if arguments := inspect.signature(public[name]).parameters:
            raise InputError(
                f"{reference} takes the arguments {', '.join(arguments)}; a config is a function without arguments"
            )
        config = public[name]()
        if not isinstance(config, self._result):
            raise InputError(f"{reference} returns {type(config).__name__}, not {self._result.__name__}")
        return config


experiment = Registry("experiment", Experiment)
mixture = Registry("mixture", Mixture)
sweep = Registry("sweep", Sweep)


@contextlib.contextmanager
def _explained(*kinds: type) -> Iterator[None]:
    """Turn Python's TypeError about a field of a config into an InputError with the line and the right name."""
    try:
        yield
    except TypeError as error:
        found = re.match(
            r"(\w+)\.__init__\(\) (?:got an unexpected keyword argument '(\w+)'|(missing .*|takes 1 positional .*))",
            str(error),
        )
        kind = _classes(*kinds, Experiment, Mixture).get(found[1]) if found else None
        if found is None or kind is None:
            raise
        # The last frame is the line of the config, or `replace` of dataclasses, which that line calls.
        frames = [
            frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename != dataclasses.__file__
        ]
        line = f"{frames[-1].filename}, line {frames[-1].lineno}"
        raise InputError(f"{line}: {_explanation(kind, found[2], found[3])}") from None


def _explanation(kind: type, unknown: str | None, other: str) -> str:
    if unknown is None:
        if other.startswith("missing"):
            return f"{kind.__name__} is {other}"
        return f"the fields of {kind.__name__} are given by name, as in {dataclasses.fields(kind)[0].name}=..."
    if new := RENAMED.get(kind.__name__, {}).get(unknown):
        return f"{unknown!r} of {kind.__name__} is called {new!r} now"
    nearest = difflib.get_close_matches(unknown, [field.name for field in dataclasses.fields(kind)], n=1, cutoff=0.0)
    return f"{kind.__name__} has no field {unknown!r}" + (f"; the nearest is {nearest[0]!r}" if nearest else "")


def _classes(*kinds: Any) -> dict[str, Any]:
    """Return the dataclasses among some types, and those of their fields, by name."""
    found: dict[str, Any] = {}
    for kind in kinds:
        if isinstance(kind, type) and dataclasses.is_dataclass(kind):
            found |= {kind.__name__: kind, **_classes(*get_type_hints(kind).values())}
        else:
            found |= _classes(*get_args(kind))
    return found


def load_file(path: Path) -> ModuleType:
    """Return the module of a file, which runs once in a process, whatever path names it. InputError if it is not
    Python."""
    name = str(path.resolve())
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException as error:
        del sys.modules[name]
        if isinstance(error, SyntaxError):
            line = f", line {error.lineno}" if error.lineno else ""
            raise InputError(f"{error.filename or path}{line}: {error.msg}") from None
        raise
    return module


def _shipped_configs(sub: str) -> list[ModuleType]:
    """Return the modules of a folder of `configs/`, which is in the package in a wheel, and beside it in a checkout."""
    package = Path(__file__).parent.parent
    folder = next(f for f in (package / "configs", package.parent / "configs") if f.is_dir())
    return [load_file(path) for path in sorted((folder / sub).glob("*.py"))]
