"""Every shipped config as it resolves today, so that a changed default shows in review.

After a change that is meant: `python -m tests.config.test_golden` from the root of the repository writes the files anew.
"""

import sysconfig
from pathlib import Path

import pytest

from tanuki_jax.config import registry
from tanuki_jax.config.serialize import to_json

GOLDEN = Path(__file__).parent / "golden"


def resolved() -> dict[str, str]:
    """File name -> text of every experiment and mixture. The standard library's folder, which differs by machine, is {stdlib}."""
    experiments = {
        f"experiment_{name}.json": to_json(registry.experiment.find(name)) for name in registry.experiment.names()
    }
    mixtures = {f"mixture_{name}.json": to_json(registry.mixture.find(name)) for name in registry.mixture.names()}
    return {
        name: text.replace(sysconfig.get_path("stdlib"), "{stdlib}") for name, text in (experiments | mixtures).items()
    }


RESOLVED = resolved()


@pytest.mark.parametrize("name", RESOLVED)
def test_a_config_resolves_to_its_golden_file(name: str) -> None:
    file = GOLDEN / name
    assert file.is_file(), f"{name} is new: write it with python -m tests.config.test_golden"
    assert RESOLVED[name] == file.read_text("utf-8"), "if the change is meant: python -m tests.config.test_golden"


def test_no_golden_file_is_left_of_a_config_that_is_gone() -> None:
    assert {file.name for file in GOLDEN.iterdir()} == set(RESOLVED)


if __name__ == "__main__":
    for old in GOLDEN.iterdir():
        old.unlink()
    for name, text in RESOLVED.items():
        (GOLDEN / name).write_text(text, "utf-8")
