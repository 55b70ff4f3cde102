"""The prefix that a model generates before an answer."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from tanuki_jax.inference.engine.job import Update
from tanuki_jax.inference.server.generation import Answer, PrefixRemoval


@given(text=st.text("ab ", max_size=6), prefix=st.sampled_from(["", " ", "a ", "ab"]), cuts=st.lists(st.integers(0, 6)))
def test_a_prefix_is_removed_once_however_the_text_is_cut(text: str, prefix: str, cuts: list[int]) -> None:
    bounds = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    removal, answer = PrefixRemoval(prefix), Answer()
    for begin, end in itertools.pairwise(bounds):
        answer.add(removal.rest(Update(text=text[begin:end])))
    answer.add(removal.rest(Update(done=True)))
    assert answer.text == text.removeprefix(prefix)
