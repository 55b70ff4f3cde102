"""Models with all that is known of them: the numbers of outside tables, and the metrics of runs."""

import dataclasses
import difflib
from collections.abc import Mapping, Sequence

from tanuki_jax.base.errors import InputError
from tanuki_jax.evaluation.report.read_results import RunResults
from tanuki_jax.evaluation.tables.probe_tiers import has_tiers, tiers_of
from tanuki_jax.evaluation.tables.read_table import OutsideTable, numbers
from tanuki_jax.evaluation.tables.table_cells import Direction, model_key


@dataclasses.dataclass(frozen=True)
class JoinedMetric:
    """A metric of the joined board."""

    name: str
    """Table and column, or benchmark and metric, joined by a point."""
    direction: Direction = "higher"
    flag: bool = False
    """Whether the numbers are 0 and 1."""
    measured: bool = False
    """Whether runs measured it; otherwise it is from a table."""
    first: bool = False
    """Whether it is the first metric of a benchmark."""


@dataclasses.dataclass
class JoinedModel:
    """A model of the joined board."""

    label: str
    """Name of the model as the first source writes it."""
    values: dict[str, float] = dataclasses.field(default_factory=dict)
    """Numbers by the name of the metric."""
    texts: dict[str, str] = dataclasses.field(default_factory=dict)
    """Numbers as the tables state them, by the name of the metric."""
    sources: list[str] = dataclasses.field(default_factory=list)
    """Tables and runs that have the model."""
    measured: bool = False
    """Whether a run measured it."""
    tier: str = ""
    """Tier by the probes of a run, or of a table; empty: none."""


@dataclasses.dataclass(frozen=True)
class JoinedBoard:
    """Models and metrics of all tables and runs."""

    metrics: Mapping[str, JoinedMetric]
    models: tuple[JoinedModel, ...]
    """Models of the runs first, then those of the tables in their order."""
    pairs: tuple[tuple[str, str], ...]
    """Metrics that the tables propose to compare."""

    def find(self, name: str) -> JoinedMetric:
        """Return a metric by its name, or by its last part if no other has the same. InputError if there is none."""
        if name in self.metrics:
            return self.metrics[name]
        found = [metric for metric in self.metrics.values() if metric.name.rpartition(".")[2] == name]
        if len(found) > 1:
            raise InputError(f"the metric {name!r} is one of {', '.join(metric.name for metric in found)}; name one")
        if not found:
            nearest = difflib.get_close_matches(name, self.metrics, n=1, cutoff=0.0)
            hint = f"the nearest is {nearest[0]!r}" if nearest else "no table and no run has metrics"
            raise InputError(f"there is no metric {name!r}; {hint}")
        return found[0]

    def has(self, name: str) -> bool:
        """Whether a table or a run has a model."""
        return any(model_key(model.label) == model_key(name) for model in self.models)

    def without(self, names: Sequence[str]) -> frozenset[str]:
        """Return the labels of models to leave out. InputError if no table and no run has one of them."""
        labels = {model_key(model.label): model.label for model in self.models}
        for name in names:
            if model_key(name) not in labels:
                nearest = difflib.get_close_matches(model_key(name), labels, n=1, cutoff=0.0)
                hint = f"; the nearest is {labels[nearest[0]]!r}" if nearest else ""
                raise InputError(f"there is no model {name!r} to leave out{hint}")
        return frozenset(labels[model_key(name)] for name in names)


def join(tables: Sequence[OutsideTable], runs: Sequence[RunResults]) -> JoinedBoard:
    """Return the join of tables and runs, by the names of models (`model_key`).

    Rows of a table whose key is not `model`, such as teams, are joined with no other source. If several runs have a
    metric of one model, that of the run that finished last counts.

    Raises:
        InputError: a table has the name of a benchmark.
    """
    metrics: dict[str, JoinedMetric] = {}
    models: dict[str, JoinedModel] = {}
    for run in runs:
        models.setdefault(model_key(run.model), JoinedModel(run.model, measured=True)).sources.append(run.label)
    for run in sorted(runs, key=lambda run: run.finished):
        model = models[model_key(run.model)]
        for benchmark in run.benchmarks:
            model.tier = benchmark.tier or model.tier
            for number, (name, result) in enumerate(benchmark.metrics.items()):
                metric = JoinedMetric(f"{benchmark.name}.{name}", result.better, measured=True, first=number == 0)
                metrics.setdefault(metric.name, metric)
                if result.mean is not None:
                    model.values[metric.name] = result.mean
    for table in tables:
        if any(benchmark.name == table.name for run in runs for benchmark in run.benchmarks):
            raise InputError(f"the table {table.name!r} has the name of a benchmark of the runs; give it another name")
        _add(table, metrics, models)
    pairs = tuple((f"{table.name}.{x}", f"{table.name}.{y}") for table in tables for x, y in table.pairs)
    return JoinedBoard(metrics, tuple(models.values()), pairs)


def _add(table: OutsideTable, metrics: dict[str, JoinedMetric], models: dict[str, JoinedModel]) -> None:
    """Add the columns and rows of a table."""
    for column in table.columns:
        if column.measures:
            name = f"{table.name}.{column.name}"
            metrics[name] = JoinedMetric(name, column.direction, flag=column.kind == "flag")
    tiers = tiers_of(table) if has_tiers(table) else {}
    for row in table.rows:
        key = model_key(row.label) if table.of_models else f"{table.name}/{row.label}"
        model = models.setdefault(key, JoinedModel(row.label))
        model.sources.append(table.name)
        model.values |= {f"{table.name}.{name}": value for name, value in numbers(row).items()}
        model.texts |= {f"{table.name}.{name}": cell.text for name, cell in row.cells.items()}
        if row.label in tiers and not model.tier:
            model.tier = tiers[row.label].value


def unusable(table: OutsideTable) -> dict[str, str]:
    """Return the columns of a table that the joined board cannot use -> the reason. Keys are not among them."""
    columns = [column for column in table.columns if column.kind != "key"]
    if not table.of_models:
        return {column.name: "the rows are no models" for column in columns}
    texts = {column.name: "text" for column in columns if not column.measures}
    empty = {column.name for column in columns if all(row.cells[column.name].number is None for row in table.rows)}
    return {column.name: texts.get(column.name, "no number") for column in columns if column.name in empty}


def unmeasured(table: OutsideTable, runs: Sequence[RunResults]) -> list[str]:
    """Return the models of a table that no run measured."""
    measured = {model_key(run.model) for run in runs}
    return [row.label for row in table.rows if model_key(row.label) not in measured]
