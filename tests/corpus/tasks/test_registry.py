import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.tasks.registry import FAMILIES, SCHOOL, find


def test_find_returns_the_family_of_a_name() -> None:
    assert [find(name).name for name in FAMILIES] == [*FAMILIES]
    assert [*FAMILIES][:5] == ["arithmetic", "table", "dialogue", "instructions", "style"]
    assert [*FAMILIES][5:] == [*SCHOOL]


def test_an_unknown_family_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(InputError, match="no task family named 'arithmetics'; the nearest is 'arithmetic'"):
        find("arithmetics")
