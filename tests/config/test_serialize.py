"""Configs are written as JSON and read back without loss, and an edited file is checked field by field."""

import dataclasses
import json
import math
from collections.abc import Iterator
from pathlib import Path
from types import UnionType
from typing import Any, Literal, get_args, get_origin, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tanuki_jax.base.errors import InputError
from tanuki_jax.config import registry
from tanuki_jax.config.experiment import Experiment, Preference, Rewind, Router, Schedule
from tanuki_jax.config.lora import LoRA
from tanuki_jax.config.mixture import Mixture, Source, Stage
from tanuki_jax.config.renamed import RENAMED
from tanuki_jax.config.serialize import from_json, read_json, to_json

PLAIN = {int: st.integers(), float: st.floats(allow_nan=False), str: st.text(), bool: st.booleans()}


def trees(kind: Any) -> st.SearchStrategy[Any]:
    """Generate trees of a dataclass by the types of its fields."""
    if dataclasses.is_dataclass(kind):
        assert isinstance(kind, type)
        return st.builds(kind, **{name: trees(part) for name, part in get_type_hints(kind).items()})
    if kind in PLAIN:
        return PLAIN[kind]
    form, parts = get_origin(kind), get_args(kind)
    if form is UnionType:
        return st.one_of([trees(part) for part in parts])
    if form is Literal:
        return st.sampled_from(parts)
    if form is tuple:
        return st.lists(trees(parts[0]), max_size=3).map(tuple)
    return st.dictionaries(trees(parts[0]), trees(parts[1]), max_size=3)


def paths(tree: dict[str, Any], before: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield the path of every field, inner and outer."""
    for name, value in tree.items():
        yield (*before, name)
        if isinstance(value, dict):
            yield from paths(value, (*before, name))


TINY = json.loads(to_json(registry.experiment.find("tiny")))
PATHS = [path for path in paths(TINY) if path[-1] != "kind"]


def edited(path: tuple[str, ...]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return a copy of `tiny` as JSON, and the part of it that holds the field at `path`."""
    tree = json.loads(json.dumps(TINY))
    part = tree
    for name in path[:-1]:
        part = part[name]
    return tree, part


@given(trees(Experiment))
def test_any_experiment_is_read_back_equal(experiment: Experiment) -> None:
    assert from_json(to_json(experiment), Experiment) == experiment


@given(trees(Source) | trees(Stage))
def test_tuples_and_mappings_are_read_back_equal(part: Source | Stage) -> None:
    assert from_json(to_json(part), type(part)) == part


@pytest.mark.parametrize("name", registry.mixture.names())
def test_mixtures_are_read_back_equal(name: str) -> None:
    mixture = registry.mixture.find(name)
    assert from_json(to_json(mixture), Mixture) == mixture


@given(trees(Experiment))
def test_json_has_the_fields_in_declared_order(experiment: Experiment) -> None:
    expected = dataclasses.asdict(experiment)
    for name in ("objective", "optimizer"):
        expected[name] = {"kind": type(getattr(experiment, name)).__name__} | expected[name]
    read = json.loads(to_json(experiment))
    assert read == json.loads(json.dumps(expected))
    assert list(paths(read)) == list(paths(expected))


def test_an_objective_without_kind_is_next_token() -> None:
    tree, part = edited(("objective", "kind"))
    del part["kind"]
    assert from_json(json.dumps(tree), Experiment).objective == registry.experiment.find("tiny").objective
    part["kind"] = "Guess"
    with pytest.raises(
        InputError, match=r'^objective\.kind of the config is "Guess", not one of NextToken, Preference$'
    ):
        from_json(json.dumps(tree), Experiment)


def test_equal_configs_give_equal_text() -> None:
    assert to_json(Schedule(peak=1)) == to_json(Schedule(peak=1.0))


def test_infinity_is_read_back() -> None:
    schedule = Schedule(peak=math.inf)
    assert from_json(to_json(schedule), Schedule) == schedule


def test_japanese_is_not_escaped() -> None:
    assert "青空文庫" in to_json(Source(name="青空文庫"))


@pytest.mark.parametrize("path", PATHS, ids=".".join)
def test_a_missing_field_is_its_default_or_named(path: tuple[str, ...]) -> None:
    tree, part = edited(path)
    owner: object = registry.experiment.find("tiny")
    for name in path[:-1]:
        owner = getattr(owner, name)
    field = next(field for field in dataclasses.fields(owner) if field.name == path[-1])  # type: ignore[arg-type]
    del part[path[-1]]
    default = field.default if field.default_factory is dataclasses.MISSING else field.default_factory()
    if default is dataclasses.MISSING:
        with pytest.raises(InputError, match=rf"^runs/x/config\.json lacks the field {'.'.join(path)} of \w+$"):
            from_json(json.dumps(tree), Experiment, "runs/x/config.json")
    else:
        read: object = from_json(json.dumps(tree), Experiment, "runs/x/config.json")
        for name in path:
            read = getattr(read, name)
        assert read == default


@pytest.mark.parametrize("path", PATHS, ids=".".join)
def test_an_unknown_field_is_named(path: tuple[str, ...]) -> None:
    tree, part = edited(path)
    part["colour"] = "red"
    with pytest.raises(InputError, match=f"the config has the field {'.'.join((*path[:-1], 'colour'))}, which "):
        from_json(json.dumps(tree), Experiment)


@pytest.mark.parametrize("path", PATHS, ids=".".join)
def test_a_field_is_never_null(path: tuple[str, ...]) -> None:
    tree, part = edited(path)
    part[path[-1]] = None
    with pytest.raises(InputError, match=f"^{'.'.join(path)} of the config is null, not "):
        from_json(json.dumps(tree), Experiment)


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("steps", True, "steps of the config is true, not a whole number"),
        ("steps", 1.5, "steps of the config is 1.5, not a whole number"),
        ("schedule.peak", "3e-3", 'schedule.peak of the config is "3e-3", not a number'),
        ("schedule.peak", False, "schedule.peak of the config is false, not a number"),
        ("model.tied", 1, "model.tied of the config is 1, not true or false"),
        ("model", [], "model of the config is [], not the fields of Model"),
        ("name", {"a": 1}, 'name of the config is {"a": 1}, not text'),
        ("layout.zero", True, "layout.zero of the config is true, not one of 1, 3"),
        ("optimizer.kind", ["AdamW"], 'optimizer.kind of the config is ["AdamW"], not one of AdamW, Muon'),
        ("schedule.peak", 10**400, f"schedule.peak of the config is 1{'0' * 79}, not a number"),
        ("layout.remat", "some", 'layout.remat of the config is "some", not one of none, dots, attention, full'),
    ],
)
def test_a_value_of_another_type_is_shown(path: str, value: object, message: str) -> None:
    tree, part = edited(tuple(path.split(".")))
    part[path.rpartition(".")[2]] = value
    with pytest.raises(InputError) as raised:
        from_json(json.dumps(tree), Experiment)
    assert str(raised.value) == message


def test_a_wrong_item_of_a_tuple_or_a_mapping_is_named() -> None:
    source, stage = (
        json.loads(to_json(Source(name="a", paths=("b", "c")))),
        json.loads(to_json(Stage(weights={"a": 1.0}))),
    )
    source["paths"][1] = 3
    with pytest.raises(InputError, match=r"paths\[1\] of the config is 3, not text"):
        from_json(json.dumps(source), Source)
    stage["weights"]["a"] = "much"
    with pytest.raises(InputError, match=r'weights\.a of the config is "much", not a number'):
        from_json(json.dumps(stage), Stage)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "f.json is not JSON: line 1, column 1"),
        ('{\n  "name": tiny\n}', "f.json is not JSON: line 2, column 11"),
        ("[" * 100_000, "f.json is nested too deeply to be read"),
        (f'{{"steps": {"1" * 5000}}}', "f.json cannot be read: Exceeds the limit"),
        ("[1, 2]", "the root of f.json is [1, 2], not the fields of Experiment"),
    ],
)
def test_text_that_is_no_config_is_refused(text: str, message: str) -> None:
    with pytest.raises(InputError) as raised:
        from_json(text, Experiment, "f.json")
    assert str(raised.value).startswith(message)


@pytest.mark.parametrize("kind", [LoRA, Preference, Rewind, Router])
def test_a_file_with_former_names_is_read(kind: type) -> None:
    new = to_json(kind())
    old = new
    for former, name in RENAMED[kind.__name__].items():
        old = old.replace(f'"{name}"', f'"{former}"')
    assert old != new
    assert from_json(old, kind) == kind()
    former, name = next(iter(RENAMED[kind.__name__].items()))
    with pytest.raises(InputError, match=f"the config has {former} and {name}, the former and the present name"):
        from_json(json.dumps(json.loads(new) | json.loads(old)), kind)


def test_every_former_name_leads_to_a_field() -> None:
    kinds = {kind.__name__: kind for kind in (LoRA, Preference, Rewind, Router)}
    assert RENAMED.keys() == kinds.keys()
    for name, kind in kinds.items():
        fields = {field.name for field in dataclasses.fields(kind)}
        assert set(RENAMED[name].values()) <= fields
        assert not set(RENAMED[name]) & fields


def test_bytes_that_are_not_utf_8_are_refused() -> None:
    with pytest.raises(InputError, match=r"^not UTF-8: '.runs.: .a/.*udcff"):
        to_json(dataclasses.replace(registry.experiment.find("tiny"), runs="a/\udcff"))


def test_a_file_that_is_not_utf_8_is_named(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_bytes(b"\xff")
    with pytest.raises(InputError, match=r"config\.json is not JSON: 'utf-8' codec can't decode"):
        read_json(tmp_path / "config.json", Experiment)
