"""Names of options in other trainers lead to options that exist."""

import re

import pytest

from tanuki_jax import generate, plan, prepare, serve, train
from tanuki_jax.checkpoints import convert_options
from tanuki_jax.config.experiment import Experiment
from tanuki_jax.config.options import options_of
from tanuki_jax.config.registry import experiment
from tanuki_jax.config.usual_names import ADVICE, USUAL_NAMES, usual_name

TRAIN = {
    option.name
    for name in ("tiny", "tiny_dpo")
    for option in [*options_of(Experiment, experiment.find(name)), *options_of(train.Options)]
}
OTHERS = {
    option.name
    for form in (prepare.Options, plan.Options, generate.Options, serve.Options, convert_options.ToHuggingFace)
    for option in options_of(form)
}


def test_every_usual_name_leads_to_an_option() -> None:
    assert set(USUAL_NAMES) <= TRAIN | OTHERS
    assert {option for advice in ADVICE.values() for option in re.findall(r"--[\w.-]+\w", advice)} <= TRAIN


@pytest.mark.parametrize("known", [TRAIN, {option.name for option in options_of(generate.Options)}])
def test_a_usual_name_leads_to_one_option_of_a_command(known: set[str]) -> None:
    names = [name for option, names in USUAL_NAMES.items() if option in known for name in names.split()]
    assert sorted({name for name in names if names.count(name) > 1}) == []
    assert not {f"--{name}" for name in names} & known


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("--learning-rate", "use --schedule.peak"),
        ("--train.LR", "use --schedule.peak"),
        ("--batch-size", "use --data.batch-rows"),
        ("--max-steps", "use --steps"),
        ("--seq-len", "use --data.sequence-length"),
        ("--gradient-accumulation-steps", "use --layout.accumulation"),
        ("--bf16", "--layout.compute-dtype is bfloat16 unless you choose float32"),
        ("--load-in-4bit", "--lora.base nf4 keeps the frozen weights in 4 bits, --lora.base int8 in 8"),
        ("--warmup", "use --schedule.warmup-steps"),
        ("--weight-decay", "use --optimizer.weight-decay"),
        ("--colour", ""),
    ],
)
def test_names_from_elsewhere_are_answered(name: str, expected: str) -> None:
    assert usual_name(name, TRAIN) == expected


def test_an_option_of_another_command_is_not_offered() -> None:
    assert usual_name("--batch-size", OTHERS) == "use --batch"
    assert usual_name("--resume", OTHERS) == usual_name("--learning-rate", OTHERS) == ""
