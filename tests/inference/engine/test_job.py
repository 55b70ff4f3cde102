"""Jobs: which of them need the host for every token."""

import pytest

from tanuki_jax.inference.engine.job import Job


@pytest.mark.parametrize(
    "job",
    [
        Job(prompt=(1,), logprobs=True),
        Job(prompt=(1,), bias={1: 0.5}),
    ],
)
def test_what_the_host_must_see_is_detailed(job: Job) -> None:
    assert job.detailed


def test_sampling_and_penalties_are_not_detailed() -> None:
    assert not Job(prompt=(1,), presence_penalty=0.1, frequency_penalty=0.1, repetition_penalty=1.1).detailed
    assert not Job(prompt=(1,), temperature=1, top_k=3, top_p=0.5, min_p=0.1, prompt_logprobs=True).detailed
