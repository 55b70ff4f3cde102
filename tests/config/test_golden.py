"""Every shipped config as it resolves, so that each changed value shows in review.

`golden/defaults.json` has the defaults of the dataclasses, and each other file the fields of one config that differ
from them. Together they are the resolved config, and a new field with a default touches `defaults.json` alone.
"""

import dataclasses
import json
import sysconfig
from pathlib import Path
from typing import Any

import pytest

from tanuki_jax.config import registry
from tanuki_jax.config.experiment import Experiment
from tanuki_jax.config.mixture import Mixture
from tanuki_jax.config.serialize import from_json, to_json
from tests.config.test_limits import classes

GOLDEN = Path(__file__).parent / "golden"
STDLIB = sysconfig.get_path("stdlib")
"""Folder of the standard library, which differs between machines: {stdlib} in the files."""
REGENERATE = "if the change is meant, write the files again from the root: python -m tests.config.test_golden"

CONFIGS: dict[str, Experiment | Mixture] = {
    **{f"experiment_{name}.json": registry.experiment.find(name) for name in registry.experiment.names()},
    **{f"mixture_{name}.json": registry.mixture.find(name) for name in registry.mixture.names()},
}


def default(field: dataclasses.Field[Any]) -> Any:
    """Return the default of a field, or MISSING."""
    return field.default if field.default_factory is dataclasses.MISSING else field.default_factory()


def differences(value: Any, plain: Any) -> Any:
    """Return the JSON value `plain` of a config without the fields that have the default of their dataclass."""
    if isinstance(value, tuple):
        return [differences(item, plain_item) for item, plain_item in zip(value, plain, strict=True)]
    if not dataclasses.is_dataclass(value):
        return plain
    names = [field.name for field in dataclasses.fields(value)]
    result = {name: part for name, part in plain.items() if name not in names}  # the class of an objective
    for field in dataclasses.fields(value):
        part, before = getattr(value, field.name), default(field)
        changes = differences(part, plain[field.name])
        nested = dataclasses.is_dataclass(part)
        unchanged = type(part) is type(before) and not changes.keys() - {"kind"} if nested else part == before
        if not unchanged:
            result[field.name] = changes
    return result


def defaults() -> dict[str, dict[str, Any]]:
    """Return class -> field -> default, or the name of the dataclass that is the default."""
    found = {kind for root in (Experiment, Mixture) for kind in classes(root)}
    return {
        kind.__name__: {
            field.name: type(value).__name__ if dataclasses.is_dataclass(value) else value
            for field in dataclasses.fields(kind)
            if (value := default(field)) is not dataclasses.MISSING
        }
        for kind in sorted(found, key=lambda kind: kind.__name__)
    }


def golden_texts() -> dict[str, str]:
    """Return the text of every golden file by its name."""
    values = {"defaults.json": defaults()} | {
        name: differences(config, json.loads(to_json(config))) for name, config in CONFIGS.items()
    }
    return {
        name: json.dumps(value, indent=2, ensure_ascii=False).replace(STDLIB, "{stdlib}") + "\n"
        for name, value in values.items()
    }


TEXTS = golden_texts()


@pytest.mark.parametrize("name", TEXTS)
def test_a_config_resolves_to_its_golden_file(name: str) -> None:
    file = GOLDEN / name
    assert file.is_file(), f"{name} is new: {REGENERATE}"
    assert TEXTS[name] == file.read_text("utf-8"), REGENERATE


@pytest.mark.parametrize("name", CONFIGS)
def test_differences_and_defaults_are_the_resolved_config(name: str) -> None:
    config = CONFIGS[name]
    assert from_json(TEXTS[name].replace("{stdlib}", STDLIB), type(config)) == config


def test_every_golden_file_has_a_config() -> None:
    assert {file.name for file in GOLDEN.iterdir()} == set(TEXTS), REGENERATE


if __name__ == "__main__":
    for old in GOLDEN.iterdir():
        old.unlink()
    for name, text in TEXTS.items():
        (GOLDEN / name).write_text(text, "utf-8")
