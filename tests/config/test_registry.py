"""Configs are found by name, in the project or in any file, and a wrong name is answered with the right ones."""

import re
from pathlib import Path

import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.config import registry

USER_FILE = """
from dataclasses import replace
from tanuki_jax.config.experiment import Experiment
from tanuki_jax.config.mixture import Mixture
from tanuki_jax.config.registry import experiment, mixture

@experiment("my-tiny")
def registered() -> Experiment:
    return replace(experiment.find("tiny"), name="my-tiny", steps=7)

def plain() -> Experiment:
    return replace(registered(), name="plain")

def with_steps(steps: int) -> Experiment:
    return replace(registered(), steps=steps)

def corpus() -> Mixture:
    return mixture.find("demo")

def _hidden() -> Experiment:
    return registered()
"""


@pytest.fixture
def user_file(tmp_path: Path, request: pytest.FixtureRequest) -> str:
    """Return a file of a user, which registers a name that is unique to this test: a process registers a name once."""
    file = tmp_path / "mine.py"
    file.write_text(USER_FILE.replace("my-tiny", request.node.name))
    return str(file)


def refusal(name: str) -> str:
    with pytest.raises(InputError) as raised:
        registry.experiment.find(name)
    return str(raised.value)


@pytest.mark.parametrize("name", registry.experiment.names())
def test_an_experiment_has_its_registered_name(name: str) -> None:
    assert registry.experiment.find(name).name == name


@pytest.mark.parametrize("name", registry.sweep.names())
def test_a_sweep_has_its_registered_name(name: str) -> None:
    assert registry.sweep.find(name).name == name


@pytest.mark.parametrize("name", registry.experiment.names())
def test_the_mixture_of_an_experiment_exists(name: str) -> None:
    assert registry.experiment.find(name).data.mixture in registry.mixture.names()


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    assert refusal("8b_phase2_0728") == "there is no experiment named '8b_phase2_0728'; the nearest is '8b_phase2_0729'"
    assert re.fullmatch(r"there is no experiment named ''; the nearest is '\w+'", refusal(""))
    with pytest.raises(
        InputError, match=r"^there is no mixture named 'tanuki_phase'; the nearest is 'tanuki_phase\d'$"
    ):
        registry.mixture.find("tanuki_phase")


def test_functions_of_a_file_are_found_registered_or_not(user_file: str, request: pytest.FixtureRequest) -> None:
    assert registry.experiment.find(f"{user_file}:{request.node.name}").steps == 7
    assert registry.experiment.find(f"{user_file}:registered").steps == 7
    assert registry.experiment.find(f"{user_file}:plain").name == "plain"
    assert registry.mixture.find(f"{user_file}:corpus") == registry.mixture.find("demo")


def test_a_file_is_not_among_the_shipped_names(user_file: str, request: pytest.FixtureRequest) -> None:
    before = registry.experiment.names()
    registry.experiment.find(f"{user_file}:plain")
    assert registry.experiment.names() == before
    assert request.node.name not in before


def test_a_shipped_file_may_be_named_by_its_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(Path(__file__).parents[2])
    assert registry.experiment.find("configs/tanuki.py:8b") == registry.experiment.find("8b")


@pytest.mark.parametrize("name", ["tiny", "_hidden", "replace", ""])
def test_only_the_files_own_public_functions_count(user_file: str, name: str, request: pytest.FixtureRequest) -> None:
    own = ", ".join(sorted(["corpus", "plain", "registered", "with_steps", request.node.name]))
    assert refusal(f"{user_file}:{name}") == f"{user_file} has no function {name!r}; it has {own}"


def test_a_file_without_the_config_is_refused(user_file: str, tmp_path: Path) -> None:
    assert refusal(f"{user_file}:corpus") == f"{user_file}:corpus returns Mixture, not Experiment"
    assert (
        refusal(f"{user_file}:with_steps")
        == f"{user_file}:with_steps takes the arguments steps; a config is a function without arguments"
    )
    assert refusal(user_file) == f"{user_file} is a file; name one of its functions, as in {user_file}:NAME"
    missing = tmp_path / "missing.py"
    assert (
        refusal(f"{missing}:plain")
        == f"there is no file '{missing}', in which {missing}:plain names the experiment 'plain'"
    )
    broken, empty = tmp_path / "broken.py", tmp_path / "empty.py"
    broken.write_text("\ndef config(:\n")
    assert refusal(f"{broken}:config") == f"{broken}, line 2: invalid syntax"
    empty.write_text("")
    assert refusal(f"{empty}:config") == f"{empty} has no function 'config'; it has none"


def test_what_is_no_file_of_python_is_refused(tmp_path: Path) -> None:
    for name, content, message in (
        ("a.txt", "x", "is not a file of Python, whose name ends in .py"),
        ("nul.py", "\0", "nul.py.*: source code string cannot contain null bytes"),
        ("number.py", "from tanuki_jax.config.registry import experiment\nexperiment(3)", "is 3, and must be text"),
    ):
        (tmp_path / name).write_text(content)
        assert re.search(message, refusal(f"{tmp_path / name}:x"))


def test_a_name_is_registered_once(tmp_path: Path) -> None:
    file = tmp_path / "again.py"
    file.write_text(
        "from tanuki_jax.config.registry import experiment\n\n@experiment('tiny')\ndef mine():\n    return 1\n"
    )
    assert refusal(f"{file}:mine") == f"two functions register the experiment 'tiny', the second in {file}"


def test_a_file_whose_code_failed_is_run_again(tmp_path: Path) -> None:
    file = tmp_path / "failing.py"
    file.write_text("missing_name\n")
    with pytest.raises(NameError):
        registry.experiment.find(f"{file}:config")
    file.write_text(
        "from tanuki_jax.config.registry import experiment\n\ndef config():\n    return experiment.find('tiny')\n"
    )
    assert registry.experiment.find(f"{file}:config").name == "tiny"


FAULTY = """
from dataclasses import replace
from tanuki_jax.config.experiment import Experiment, Model, Rewind
from tanuki_jax.config.registry import experiment

def stated() -> Experiment:
    return replace(experiment.find("tiny"), rewind=Rewind(most=3))

def replaced() -> Experiment:
    tiny = experiment.find("tiny")
    return replace(tiny, lora=replace(tiny.lora, magnitude=True))

def unknown() -> Experiment:
    return replace(experiment.find("tiny"), rewind=Rewind(max_rewind=3))

def mistyped() -> Experiment:
    return replace(experiment.find("tiny"), modle=3)

def short() -> Experiment:
    return replace(experiment.find("tiny"), model=Model(width=64, vocabulary=512, layers=2, heads=2, kv_heads=2))

def at_fault() -> Experiment:
    return replace(experiment.find("tiny"), name=len())

def positional() -> Experiment:
    return replace(experiment.find("tiny"), rewind=Rewind(3))

def other_type() -> Experiment:
    return replace(experiment.find("tiny"), model={})
"""


def test_a_former_field_name_is_answered_with_the_new_one(tmp_path: Path) -> None:
    file = tmp_path / "old.py"
    file.write_text(FAULTY)
    assert refusal(f"{file}:stated") == f"{file}, line 7: 'most' of Rewind is called 'max_rewinds' now"
    assert refusal(f"{file}:replaced") == f"{file}, line 11: 'magnitude' of LoRA is called 'dora' now"


def test_a_field_that_is_not_there_is_answered_with_the_nearest(tmp_path: Path) -> None:
    file = tmp_path / "old.py"
    file.write_text(FAULTY)
    nearest = "Rewind has no field 'max_rewind'; the nearest is 'max_rewinds'"
    assert refusal(f"{file}:unknown") == f"{file}, line 14: {nearest}"
    assert refusal(f"{file}:mistyped") == f"{file}, line 17: Experiment has no field 'modle'; the nearest is 'model'"
    assert refusal(f"{file}:short") == (f"{file}, line 20: Model is missing 1 required keyword-only argument: 'hidden'")
    expected = f"{file}, line 26: the fields of Rewind are given by name, as in max_rejected=..."
    assert refusal(f"{file}:positional") == expected
    assert refusal(f"{file}:other_type") == f"{file}:other_type: model is {{}}, and must be Model(...)"
    with pytest.raises(TypeError, match="len"):  # a fault of the file's code keeps its traceback
        registry.experiment.find(f"{file}:at_fault")


def test_a_former_field_name_at_module_level_is_answered_too(tmp_path: Path) -> None:
    file = tmp_path / "old.py"
    file.write_text("from tanuki_jax.config.experiment import Router\n\nROUTER = Router(load_balancing=0.1)\n")
    expected = f"{file}, line 3: 'load_balancing' of Router is called 'load_balancing_weight' now"
    assert refusal(f"{file}:anything") == expected
