"""The results of runs, read strictly from their `results.json`: an error names the file and the field."""

import dataclasses
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tanuki_jax.base.errors import InputError
from tanuki_jax.base.json_object import read_object

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
    def figures(self) -> dict[str, float]:
        """Return the figures of all items together, without the tier."""
        return {name: value for name, value in self.overall.items() if not name.startswith(_TIER)}


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

    Raises:
        InputError: a folder has no results, or is named twice; the results are of a later format, or a field is missing
            or of another type.
    """
    resolved = [folder.resolve() for folder in folders]
    if repeated := [folder for folder, path in zip(folders, resolved, strict=True) if resolved.count(path) > 1]:
        raise InputError(f"the run {repeated[0]} is named twice; name each run once")
    runs = [read_run(folder) for folder in folders]
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
    return BenchmarkResult(
        name=name.text(),
        title=place.get("title").text(),
        scale=_scale(place.get("scale")),
        missing=place.get("missing").text(),
        data=tuple(each.fields(_Place.text) for each in place.get("data").each()),
        metrics=place.get("metrics").fields(_metric),
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


def _metric(place: _Place) -> MetricResult:
    mean, low, high = (place.get(name).number_or_none() for name in ("mean", "low", "high"))
    return MetricResult(mean, low, high, place.get("items").count(), place.get("unreadable").count())


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
    )
