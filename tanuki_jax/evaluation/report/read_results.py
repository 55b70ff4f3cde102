"""The results of runs, read strictly from their `results.json`: an error names the file and the field."""

import dataclasses
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tanuki_jax.base.errors import InputError
from tanuki_jax.base.json_object import read_object
from tanuki_jax.evaluation.tables.table_cells import Direction

FORMAT = 1
FILE = "results.json"
_TIER = "tier: "
_BENCHMARK = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]*")
_KINDS = {str: "a text", int: "a whole number", float: "a number", bool: "true or false", dict: "an object"}


@dataclasses.dataclass(frozen=True)
class RunAnswer:
    """An answer of a model, or the request's failure."""

    by: str
    """Part of the model that answered: model, judge or baseline."""
    text: str
    """Answer without what the model thought before it."""
    thought: str
    """Answer with the thinking before it; empty: it did not think."""
    failure: str
    """The reason why there is no answer; empty: there is one."""
    cut: bool
    """Whether the answer ended at the limit of tokens."""
    label: str = ""
    """Name of the request among those of its item, as in "turn 2"; empty: it has none."""
    prompt: str = ""
    """Text that was sent, all messages of it; empty: the results do not have it."""


@dataclasses.dataclass(frozen=True)
class RunItem:
    """A question, its answers and their scores."""

    id: str
    """Name of the item, unique in its benchmark."""
    cluster: str
    """Name of the text that several items share; empty: it shares none."""
    tags: Mapping[str, str]
    question: str
    expected: str
    scores: Mapping[str, float]
    """Scores by metric; one that could not be read is absent."""
    unreadable: tuple[str, ...]
    """Metrics that could not be read."""
    note: str
    """Remark of the benchmark; empty: none."""
    answers: tuple[RunAnswer, ...]


@dataclasses.dataclass(frozen=True)
class MetricResult:
    """A metric over the items of a benchmark."""

    mean: float | None
    """None: no item could be read."""
    low: float | None
    """Lower end of the 95% interval."""
    high: float | None
    """Upper end of the 95% interval."""
    items: int
    """Number of items in the mean."""
    unreadable: int
    """Number of items that could not be read, which are in no mean."""
    better: Direction = "higher"
    """Better side of the metric."""


class Figure(NamedTuple):
    """A figure of all items of a benchmark together, with its 95% interval if it has one."""

    value: float
    low: float | None = None
    high: float | None = None


def figures_with_bounds(overall: Mapping[str, float]) -> dict[str, Figure]:
    """Return figures by name; the bounds NAME_low and NAME_high of a figure NAME are no figures of their own."""
    bounded = [name for name in overall if {f"{name}_low", f"{name}_high"} <= overall.keys()]
    bounds = {f"{name}_{side}" for name in bounded for side in ("low", "high")}
    return {
        name: Figure(value, overall[f"{name}_low"], overall[f"{name}_high"]) if name in bounded else Figure(value)
        for name, value in overall.items()
        if name not in bounds
    }


@dataclasses.dataclass(frozen=True)
class BenchmarkResult:
    """A benchmark of a run."""

    name: str
    title: str
    scale: tuple[float, float]
    """Worst and best value of its first metric."""
    missing: str
    """The reason why it could not be run; empty: it was."""
    data: tuple[Mapping[str, str], ...]
    """Path and SHA-256 of each file of its data."""
    metrics: Mapping[str, MetricResult]
    """Metrics by name; the first is the one that charts show."""
    overall: Mapping[str, float]
    """Figures of all items together, by name."""
    failed: int
    cut: int
    items: tuple[RunItem, ...]

    @property
    def tier(self) -> str:
        """Return the tier that the benchmark found, as it notes it among `overall`; empty: it finds none."""
        return next((name.removeprefix(_TIER) for name in self.overall if name.startswith(_TIER)), "")

    @property
    def figures(self) -> dict[str, Figure]:
        """Return the figures of all items together, without the tier."""
        return figures_with_bounds({name: value for name, value in self.overall.items() if not name.startswith(_TIER)})


@dataclasses.dataclass(frozen=True)
class RunResults:
    """A finished run of the evaluation."""

    folder: Path
    label: str
    """Its name in the report: the model's, with the evaluation's and the folder if two runs have one name."""
    name: str
    """Name of the evaluation."""
    model: str
    fingerprint: str
    urls: tuple[str, ...]
    config: Mapping[str, Any]
    versions: Mapping[str, Any]
    started: str
    finished: str
    benchmarks: tuple[BenchmarkResult, ...]

    def benchmark(self, name: str) -> BenchmarkResult | None:
        """Return the benchmark of that name; None: the run does not have it, or it is missing."""
        return next((each for each in self.benchmarks if each.name == name and not each.missing), None)


class _Place:
    """A value of the file, and the field that holds it."""

    def __init__(self, file: Path, value: Any, field: str = "") -> None:
        self.file, self.value, self.field = file, value, field

    def error(self, fault: str) -> InputError:
        return InputError(f"{self.file}: {self.field or 'the file'} {fault}")

    def optional(self, name: str, default: Any) -> "_Place":
        """Return a field of an object, or the default if it is absent."""
        field = f"{self.field}.{name}" if self.field else name
        return _Place(self.file, self.dictionary().get(name, default), field)

    def _as(self, kind: type) -> Any:
        value = self.value
        wrong = not isinstance(value, kind) or (kind is not bool and isinstance(value, bool))
        if kind is float and isinstance(value, int) and not isinstance(value, bool):
            return float(value)
        if wrong:
            raise self.error(f"is {_shown(value)}, not {_KINDS[kind]}")
        return value

    def get(self, name: str) -> "_Place":
        """Return a field of an object."""
        field = f"{self.field}.{name}" if self.field else name
        if name not in self.dictionary():
            raise InputError(f"{self.file}: {field} is missing; {FILE} is written by python -m tanuki_jax.evaluate")
        return _Place(self.file, self.value[name], field)

    def text(self) -> str:
        return str(self._as(str))

    def flag(self) -> bool:
        return bool(self._as(bool))

    def count(self) -> int:
        if self._as(int) < 0:
            raise self.error(f"is {self.value}, and counts from 0")
        return int(self.value)

    def number(self) -> float:
        value = float(self._as(float))
        if not math.isfinite(value):
            raise self.error(f"is {value}, not a finite number")
        return value

    def number_or_none(self) -> float | None:
        return None if self.value is None else self.number()

    def dictionary(self) -> dict[str, Any]:
        return dict(self._as(dict))

    def each(self) -> Iterator["_Place"]:
        """Yield the values of a list."""
        if not isinstance(self.value, list):
            raise self.error(f"is {_shown(self.value)}, not a list")
        for index, value in enumerate(self.value):
            yield _Place(self.file, value, f"{self.field}[{index}]")

    def fields[T](self, read: Callable[["_Place"], T]) -> dict[str, T]:
        """Return the fields of an object by name."""
        return {name: read(self.get(name)) for name in self.dictionary()}


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def read_runs(folders: Sequence[Path]) -> list[RunResults]:
    """Return the results of runs, each with a label of its own.

    Args:
        folders: folders of runs, and folders below which runs are; a run that is named several times is read once.

    Raises:
        InputError: a folder has no results and no run below it; the results are of a later format, or a field is
            missing or of another type.
    """
    found: dict[Path, Path] = {}
    for run in (run for folder in folders for run in _folders_of_runs(folder)):
        found.setdefault(run.resolve(), run)
    return labelled([read_run(folder) for folder in found.values()])


def _folders_of_runs(folder: Path) -> list[Path]:
    """Return the folder itself if it is that of a run or has no run below it, else the runs below it in order."""
    below = [] if (folder / FILE).is_file() else sorted(file.parent for file in folder.rglob(FILE))
    return below or [folder]


def labelled(runs: Sequence[RunResults]) -> list[RunResults]:
    """Return runs with the names of their models as labels, with evaluation and folder where two would be the same."""
    runs = [dataclasses.replace(run, label=run.model) for run in runs]
    for addition in ("name", "folder"):
        labels = [run.label for run in runs]
        runs = [
            dataclasses.replace(run, label=f"{run.label}, {getattr(run, addition)}")
            if labels.count(run.label) > 1
            else run
            for run in runs
        ]
    return runs


def read_run(folder: Path) -> RunResults:
    """Return the results in a run's folder. InputError as in `read_runs`."""
    file = folder / FILE
    if not file.is_file():
        fault = f"the folder {folder} has no {FILE}" if folder.is_dir() else f"there is no folder {folder}"
        raise InputError(f"{fault}; a run is a folder that python -m tanuki_jax.evaluate has finished")
    try:
        root = _Place(file, read_object(file))
    except InputError as error:
        raise InputError(f"{error}; the command of the run writes it again, from the answers beside it") from None
    format_ = root.get("format")
    if format_.count() > FORMAT:
        raise InputError(f"{file} has format {format_.value}, and this version reads {FORMAT}: update tanuki_jax")
    if format_.value != FORMAT:
        raise format_.error(f"is {format_.value}, and there is no format but {FORMAT}")
    model = root.get("model")
    benchmarks = tuple(_benchmark(each) for each in root.get("benchmarks").each())
    names = [each.name for each in benchmarks]
    if repeated := [name for name in names if names.count(name) > 1]:
        raise InputError(f"{file}: benchmarks has {repeated[0]!r} twice")
    return RunResults(
        folder=folder,
        label=model.get("name").text(),
        name=root.get("name").text(),
        model=model.get("name").text(),
        fingerprint=model.get("fingerprint").text(),
        urls=tuple(each.text() for each in model.get("urls").each()),
        config=root.get("config").dictionary(),
        versions=root.get("versions").dictionary(),
        started=root.get("started").text(),
        finished=root.get("finished").text(),
        benchmarks=benchmarks,
    )


def _benchmark(place: _Place) -> BenchmarkResult:
    name = place.get("name")
    if not _BENCHMARK.fullmatch(name.text()):
        raise name.error(f"is {_shown(name.value)}; a benchmark's name has letters, digits, _, - and . only")
    items = tuple(_item(each) for each in place.get("items").each())
    ids = set()
    for index, item in enumerate(items):
        if item.id in ids:
            raise InputError(f"{place.file}: {place.field}.items[{index}].id is {item.id!r}, which an item has already")
        ids.add(item.id)
    scale = _scale(place.get("scale"))
    metrics = place.get("metrics")
    first = next(iter(metrics.dictionary()), "")
    return BenchmarkResult(
        name=name.text(),
        title=place.get("title").text(),
        scale=scale,
        missing=place.get("missing").text(),
        data=tuple(each.fields(_Place.text) for each in place.get("data").each()),
        metrics={
            each: _metric(metrics.get(each), "lower" if each == first and scale[0] > scale[1] else "higher")
            for each in metrics.dictionary()
        },
        overall=place.optional("overall", {}).fields(_Place.number),
        failed=place.get("failed").count(),
        cut=place.get("cut").count(),
        items=items,
    )


def _scale(place: _Place) -> tuple[float, float]:
    ends = [each.number() for each in place.each()]
    if len(ends) != 2 or ends[0] == ends[1]:
        raise place.error(f"is {_shown(place.value)}, not two numbers that differ")
    return ends[0], ends[1]


def _metric(place: _Place, usual: Direction) -> MetricResult:
    """Return a metric; results of earlier versions do not state its better side, which is then the usual one."""
    mean, low, high = (place.get(name).number_or_none() for name in ("mean", "low", "high"))
    better = place.optional("better", usual)
    if better.text() not in ("higher", "lower"):
        raise better.error(f"is {_shown(better.value)}, not 'higher' or 'lower'")
    return MetricResult(mean, low, high, place.get("items").count(), place.get("unreadable").count(), better.value)


def _item(place: _Place) -> RunItem:
    return RunItem(
        id=place.get("id").text(),
        cluster=place.get("cluster").text(),
        tags=place.get("tags").fields(_Place.text),
        question=place.get("question").text(),
        expected=place.get("expected").text(),
        scores=place.get("scores").fields(_Place.number),
        unreadable=tuple(each.text() for each in place.get("unreadable").each()),
        note=place.optional("note", "").text(),
        answers=tuple(_answer(each) for each in place.get("answers").each()),
    )


def _answer(place: _Place) -> RunAnswer:
    return RunAnswer(
        by=place.optional("by", "model").text(),
        text=place.get("text").text(),
        thought=place.optional("thought", "").text(),
        failure=place.get("failure").text(),
        cut=place.get("cut").flag(),
        label=place.optional("label", "").text(),
        prompt=_prompt(place.optional("request", {})),
    )


def _prompt(request: _Place) -> str:
    """Return the text of a request: a prompt, one message alone, or all messages below their roles."""
    messages = [*request.optional("messages", []).each()]
    contents = [each.get("content").text() for each in messages]
    if len(messages) < 2:
        return contents[0] if contents else request.optional("prompt", "").text()
    roles = (each.get("role").text() for each in messages)
    return "\n\n".join(f"{role}:\n{content}" for role, content in zip(roles, contents, strict=True))
