"""The prefix that a model generates before an answer."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from tanuki_jax.inference.answer_prefix import PrefixRemoval
from tanuki_jax.inference.engine.job import Update


@given(text=st.text("ab ", max_size=6), prefix=st.sampled_from(["", " ", "a ", "ab"]), cuts=st.lists(st.integers(0, 6)))
def test_a_prefix_is_removed_once_however_the_text_is_cut(text: str, prefix: str, cuts: list[int]) -> None:
    bounds = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    removal, found = PrefixRemoval(prefix), ""
    for begin, end in itertools.pairwise(bounds):
        found += removal.rest(Update(text=text[begin:end])).text
    found += removal.rest(Update(done=True)).text
    assert found == text.removeprefix(prefix)
