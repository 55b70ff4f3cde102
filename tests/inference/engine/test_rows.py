"""Rows: what changes the logits of their next token."""

import numpy as np

from tanuki_jax.inference.engine.job import Job
from tanuki_jax.inference.engine.pages import Allocation
from tanuki_jax.inference.engine.rows import ActiveRow
from tanuki_jax.inference.text_deltas import RowText


class OnlyFive:
    def allowed(self) -> np.typing.NDArray[np.bool_]:
        return np.arange(6) == 5

    def add(self, token: int) -> None:
        pass


def row(job: Job, new: list[int]) -> ActiveRow:
    text = RowText(lambda ids: "", job.prompt, (), 100)
    ids = [*job.prompt, *new]
    return ActiveRow(job, lambda update: None, Allocation([], 0), np.zeros(1, np.int32), text, ids, 0)


def test_a_grammar_leaves_only_what_it_allows() -> None:
    bias = row(Job(prompt=(1,), tokens=9, grammar=OnlyFive(), bias={5: 1.0}), []).bias(6)
    np.testing.assert_array_equal(bias, [-np.inf] * 5 + [1])


def test_the_last_token_of_a_prompt_is_left_for_decoding() -> None:
    assert row(Job(prompt=(1, 2, 3), tokens=4), []).to_read == 2
    assert row(Job(prompt=(1, 2, 3), embed=True), []).to_read == 3
    assert row(Job(prompt=(1, 2, 3), tokens=4), [5]).left == 3


def test_programs_get_the_tokens_of_rows_with_penalties() -> None:
    assert row(Job(prompt=(1, 2), tokens=4, presence_penalty=0.5), [5]).as_program_row().ids == [1, 2, 5]
    assert not row(Job(prompt=(1, 2), tokens=4), [5]).as_program_row().ids
