"""Docstrings of fields are read from the class or from one that it inherits from."""

import dataclasses

from tanuki_jax.checkpoints.convert_options import Upcycle
from tanuki_jax.config.experiment import Data, Experiment
from tanuki_jax.config.fields import docstring, with_field
from tanuki_jax.config.registry import experiment


def test_a_docstring_is_one_line_below_its_field() -> None:
    assert docstring(Data, "sequence_length") == "T, tokens in a row."
    assert docstring(Experiment, "model") == ""
    assert "\n" not in docstring(Upcycle, "initialisation") != ""


def test_a_class_inside_a_function_has_no_docstrings() -> None:
    @dataclasses.dataclass
    class Inner:
        value: int = 0
        """A value."""

    assert docstring(Inner, "value") == ""


def test_a_field_is_changed_by_its_path() -> None:
    tiny = experiment.find("tiny")
    changed = with_field(tiny, "data.tokenizer.pieces", 7)
    assert changed.data.tokenizer.pieces == 7
    assert with_field(changed, "data.tokenizer.pieces", tiny.data.tokenizer.pieces) == tiny
