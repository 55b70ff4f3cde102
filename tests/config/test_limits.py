"""Every number of a config has limits beside its field; a value outside them or of another type is refused by name."""

import dataclasses
import importlib
import math
import pkgutil
from collections.abc import Callable, Iterator
from typing import Annotated, Any, get_args, get_type_hints

import pytest

import tanuki_jax
from tanuki_jax import generate
from tanuki_jax.base.errors import InputError
from tanuki_jax.checkpoints.convert_options import ExpertOptions
from tanuki_jax.config.endpoints import Endpoint, Requests
from tanuki_jax.config.experiment import Experiment, NextToken, Preference
from tanuki_jax.config.kinds import bare
from tanuki_jax.config.limits import Limits, NonNegativeInt, PositiveInt, Share, check_fields, hints_of, limits_of
from tanuki_jax.config.mixture import Mixture, Source, Stage
from tanuki_jax.config.muon import Muon
from tanuki_jax.config.registry import experiment
from tanuki_jax.config.remote_model import RemoteModel
from tanuki_jax.config.sweep import Range, Sweep
from tanuki_jax.config.validate import validate
from tanuki_jax.corpus.cleaning.pipeline import Pipeline
from tanuki_jax.corpus.synthesis.recipes.by_rule import ByRule
from tanuki_jax.corpus.synthesis.recipes.keyword import Keyword
from tanuki_jax.corpus.synthesis.recipes.logic_math_code import LogicMathCode
from tanuki_jax.corpus.synthesis.recipes.rag_qa import RagQa
from tanuki_jax.corpus.synthesis.synthesis_settings import Synthesis
from tanuki_jax.evaluation.benchmarks.mgsm_ja import MgsmJa
from tanuki_jax.evaluation.evaluation_settings import Evaluation
from tanuki_jax.planning.bench.bench_options import StepOptions
from tests.config.test_validate import changed


def classes(kind: Any) -> Iterator[Any]:
    """Yield every dataclass in a type, inside unions, tuples and mappings too."""
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        yield kind
        for part in get_type_hints(kind).values():
            yield from classes(part)
    for part in get_args(kind):
        yield from classes(part)


def options() -> Iterator[Any]:
    """Yield the dataclasses of the options of all commands."""
    names = [module.name for module in pkgutil.iter_modules(tanuki_jax.__path__) if not module.ispkg]
    for name in [*names, "checkpoints.convert_options", "planning.bench.bench_options", *OTHER_OPTIONS]:
        if name != "__main__":
            for kind in vars(importlib.import_module(f"tanuki_jax.{name}")).values():
                if isinstance(kind, type) and dataclasses.is_dataclass(kind) and kind.__name__.endswith("Options"):
                    yield kind


OTHER_OPTIONS = ("planning.studies.study_options", "planning.compiled.compile_options")
CLASSES = sorted(
    {kind for root in (Experiment, Mixture, Sweep, Endpoint, Requests, *options()) for kind in classes(root)},
    key=lambda kind: f"{kind.__name__} of {kind.__module__}",
)


def numbers(hint: Any) -> Iterator[Any]:
    """Yield the numbers in a type with their annotations; those of classes in it are theirs."""
    if bare(hint) in (int, float):
        yield hint
    else:
        for part in get_args(bare(hint)):
            yield from numbers(part)


def bad_values(kind: type, limits: Limits) -> list[float]:
    """Return values just outside the limits."""
    step = 1 if kind is int else 0.125
    values = [bound for bound in (limits.above, limits.below) if bound is not None]
    values += [limits.at_least - step] if limits.at_least is not None else []
    values += [limits.at_most + step] if limits.at_most is not None else []
    values += [math.nan, -math.inf] if kind is float else []
    values += [math.inf] if kind is float and limits.finite else []
    return [value for value in values if value != limits.or_equal]


def cases(tree: Any, prefix: str = "") -> Iterator[tuple[str, float]]:
    """Yield the path of every limited number of a tree, with values that are outside its limits."""
    root: Any = type(tree)
    kinds = get_type_hints(root)
    for name, hint in hints_of(root).items():
        if (limits := limits_of(hint)) is not None:
            yield from ((prefix + name, value) for value in bad_values(kinds[name], limits))
    for field in dataclasses.fields(tree):
        if dataclasses.is_dataclass(value := getattr(tree, field.name)):
            yield from cases(value, f"{prefix}{field.name}.")


TINY = experiment.find("tiny")
PAIRS = dataclasses.replace(TINY, objective=Preference())


WITHOUT_LIMITS = {"Choice.values", "Trial.reference", "Stage.weights"}
"""Values of fields of any kind, which those fields limit; published figures; and weights, which the mixture checks."""


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: f"{kind.__module__}.{kind.__name__}")
def test_every_number_has_limits(kind: Any) -> None:
    found = {name: [limits_of(number) for number in numbers(hint)] for name, hint in hints_of(kind).items()}
    assert not {
        name for name, each in found.items() if None in each and f"{kind.__name__}.{name}" not in WITHOUT_LIMITS
    }


def test_the_classes_of_configs_and_commands_are_all_seen() -> None:
    assert {Experiment, NextToken, Preference, Source, Stage, Range, generate.Options, ExpertOptions} <= set(CLASSES)


@pytest.mark.parametrize("tree", [TINY, PAIRS], ids=["next token", "preference"])
def test_a_number_outside_its_limits_is_refused_by_name(tree: Experiment) -> None:
    outside = list(cases(tree))
    assert {"steps", "model.rope_scaling.factor", "data.tokenizer.pieces"} <= {path for path, _ in outside}
    for path, value in outside:
        with pytest.raises(InputError) as raised:
            validate(changed(tree, path, value))
        assert str(raised.value).startswith(f"{path} is {value}, and must be "), path


@pytest.mark.parametrize("name", ["steps", "model.layers", "seed"])
def test_a_whole_number_is_no_float_and_no_truth_value(name: str) -> None:
    for value in (2.0, True):
        with pytest.raises(InputError, match=f"^{name} is {value}, and must be a whole number$"):
            validate(changed(TINY, name, value))


def test_a_float_field_takes_a_whole_number() -> None:
    validate(changed(TINY, "optimizer.clip_norm", 1))


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("layout.remat", "ful", "one of none, dots, attention, full"),
        ("layout.zero", True, "one of 1, 3"),
        ("layout.save", ["qkv"], "a tuple; write (...) for [...]"),
        ("layout.save", ("qvk",), None),
        ("model", {}, "Model(...)"),
        ("model.tied", "yes", "true or false"),
        ("model.rope_scaling", 8.0, "RopeScaling(...)"),
        ("lora", None, "LoRA(...)"),
        ("optimizer", "Muon", "AdamW(...) or Muon(...)"),
        pytest.param("optimizer", Muon, "AdamW(...) or Muon(...)", id="optimizer-class"),
        ("runs", None, "text"),
    ],
)
def test_a_value_of_another_type_is_refused_by_name(path: str, value: object, words: str | None) -> None:
    with pytest.raises(InputError) as raised:
        validate(changed(TINY, path, value))
    if words is None:
        assert str(raised.value).startswith(f"{path}[0] is 'qvk', and must be one of input, qkv, ")
    else:
        assert str(raised.value) == f"{path} is {value!r}, and must be {words}"


@pytest.mark.parametrize(
    ("limits", "value", "message"),
    [
        (Limits(above=0), -1, "above 0"),
        (Limits(above=0), math.inf, "finite and above 0"),
        (Limits(at_least=0, below=1), 1.0, "at least 0 and below 1"),
        (Limits(above=0, at_most=0.5, finite=False), math.nan, "above 0 and at most 0.5"),
        (Limits(at_least=3, or_equal=0), 2, "at least 3, or 0"),
        (Limits(), math.nan, "finite"),
    ],
)
def test_limits_are_described_in_words(limits: Limits, value: float, message: str) -> None:
    assert not limits.allow(value)
    assert limits.describe(value) == message


@pytest.mark.parametrize(
    ("limits", "value"),
    [
        (Limits(above=0), 10**400),
        (Limits(above=0, finite=False), math.inf),
        (Limits(at_least=3, or_equal=0), 0),
        (Limits(at_least=3, at_most=4), 3),
        (Limits(at_least=3, at_most=4), 4),
    ],
)
def test_a_number_within_its_limits_is_allowed(limits: Limits, value: float) -> None:
    assert limits.allow(value)


def test_items_of_a_tuple_have_limits() -> None:
    with pytest.raises(InputError, match=r"^--layers\[1\] is 0, and must be above 0$"):
        check_fields(StepOptions(layers=(2, 0)), lambda path: f"--{path}")


def test_what_a_mapping_and_a_tuple_hold_is_checked_too() -> None:
    with pytest.raises(InputError, match=r"^stages\[0\]\.weights\.a is '1', and must be a number$"):
        Mixture(sources=(Source(name="a"),), stages=(Stage(weights={"a": "1"}),))  # type: ignore[dict-item]
    with pytest.raises(InputError, match=r"^sources\[0\] is 'a', and must be Source\(\.\.\.\)$"):
        Mixture(sources=("a",), stages=(Stage(weights={"a": 1}),))  # type: ignore[arg-type]


def test_numbers_of_items_are_named_with_their_position() -> None:
    with pytest.raises(InputError, match=r"^sources\[1\]\.documents is -1, and must be at least 0$"):
        Mixture(sources=(Source(name="a"), Source(name="b", documents=-1)), stages=(Stage(weights={"a": 1}),))
    with pytest.raises(InputError, match=r"^range\.high is inf, and must be finite$"):
        Range(low=1.0, high=math.inf)


def test_fields_are_spelled_as_the_caller_wants() -> None:
    @dataclasses.dataclass
    class Options:
        read_threads: PositiveInt = 1
        share: Share = 0.0
        other: Annotated[int, "a note"] = -1
        late: NonNegativeInt = 0

    check_fields(Options())
    with pytest.raises(InputError, match=r"^--read-threads is 0, and must be above 0$"):
        check_fields(Options(read_threads=0), lambda path: "--" + path.replace("_", "-"))


FORGOTTEN_COMMAS: dict[str, Callable[[Any], object]] = {
    "benchmarks": lambda one: Evaluation(name="e", benchmarks=one),
    "trials": lambda one: Sweep(name="s", trials=one, objective="loss", direction="minimize"),
    "sources": lambda one: Mixture(sources=one, stages=()),
    "inputs": lambda one: Pipeline(name="p", inputs=one, rules=()),
    "rules": lambda one: Pipeline(name="p", inputs=(), rules=one),
    "filters": lambda one: Synthesis(name="s", recipe=ByRule(), kind="k", filters=one),
    "families": lambda one: ByRule(families=one),
    "words": lambda one: Keyword(words=one),
    "areas": lambda one: LogicMathCode(areas=one),
    "levels": lambda one: RagQa(levels=one),
    "urls": lambda one: RemoteModel(urls=one),
}


@pytest.mark.parametrize("field", FORGOTTEN_COMMAS)
@pytest.mark.parametrize("one", [MgsmJa(), "easy", 3, None])
def test_a_forgotten_comma_is_named(field: str, one: object) -> None:
    with pytest.raises(InputError, match=f"{field} is .*, and must be a tuple; add the comma, as in "):
        FORGOTTEN_COMMAS[field](one)


def test_a_list_is_no_tuple() -> None:
    with pytest.raises(InputError, match=r"benchmarks is \[MgsmJa\(.*, and must be a tuple; write \(\.\.\.\) for"):
        Evaluation(name="e", benchmarks=[MgsmJa()])  # type: ignore[arg-type]
