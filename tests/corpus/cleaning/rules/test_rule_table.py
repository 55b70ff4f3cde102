import dataclasses

from tanuki_jax.corpus.cleaning.rules.rule_table import RULES, name_of


def test_every_rule_is_a_frozen_dataclass_that_works_without_settings() -> None:
    for name, kind in RULES.items():
        rule = kind()
        assert dataclasses.is_dataclass(rule)
        assert hash(rule) == hash(kind())
        assert name_of(rule) == name
