"""The items of a benchmark as a run takes them, or the reason why there are none."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tanuki_jax.base.errors import InputError
from tanuki_jax.evaluation.benchmark import Benchmark, Item, first_items
from tanuki_jax.evaluation.data_rows import checksum
from tanuki_jax.evaluation.evaluation_settings import Evaluation


@dataclass(frozen=True)
class Loaded:
    """Items of a benchmark."""

    items: tuple[Item, ...]
    data: list[dict[str, str]]
    """Path and SHA-256 of each file that they were read from."""


def load_items(benchmark: Benchmark, evaluation: Evaluation) -> Loaded | str:
    """Return the items of a benchmark, or the reason why there are none.

    Args:
        benchmark: benchmark.
        evaluation: evaluation, which names the data folder and the number of items.
    """
    try:
        found = benchmark.load(Path(evaluation.data))
        data = [{"path": str(path), "sha256": checksum(path)} for path in found.files]
    except InputError as error:
        return str(error)
    except OSError as error:  # as of a file that this user may not read
        return f"its data cannot be read: {error}"
    if not found.items:
        return f"its data have no items: {', '.join(map(str, found.files))}"
    if twice := [id for id, number in Counter(each.id for each in found.items).items() if number > 1]:
        return f"two of its items are called {twice[0]!r:.80}"
    return Loaded(first_items(found.items, evaluation.first), data)


def grouped(reasons: Mapping[str, str]) -> list[str]:
    """Return the reasons, each behind the benchmarks that it concerns.

    Args:
        reasons: name of a benchmark -> reason.
    """
    names: dict[str, list[str]] = {}
    for name, why in reasons.items():
        names.setdefault(why, []).append(name)
    return [f"{', '.join(several)}: {why}" for why, several in names.items()]
