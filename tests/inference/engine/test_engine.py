"""An engine: each text grows as if it were alone."""

import dataclasses
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest
from scipy.special import log_softmax

from tanuki_jax.inference.engine.engine import Engine
from tanuki_jax.inference.engine.job import Job, Update
from tanuki_jax.inference.engine.run_jobs import engine_for
from tanuki_jax.inference.load_model import LoadedModel
from tests.inference.engine.conftest import make_engine, run, tokens_of
from tests.inference.untrained import logits_of, untrained


def prompts(count: int, longest: int = 60) -> list[tuple[int, ...]]:
    random = np.random.default_rng(count)
    return [tuple(random.integers(10, 380, random.integers(1, longest)).tolist()) for _ in range(count)]


def greedy(loaded: LoadedModel, prompt: tuple[int, ...], count: int) -> tuple[int, ...]:
    """Return the most probable tokens after a prompt, by training's forward pass; an end is left out."""
    ids = [*prompt]
    for _ in range(count):
        token = int(logits_of(loaded, ids)[-1, : loaded.tokenizer.vocabulary].argmax())
        if token in loaded.end_ids:
            break
        ids.append(token)
    return tuple(ids[len(prompt) :])


@pytest.mark.parametrize(
    "shape",
    [
        pytest.param({}, id="dense"),
        pytest.param({"experts": 4, "kv_heads": 2}, id="experts", marks=pytest.mark.long),
        pytest.param(
            dict(layers=3, dense_layers=1, experts=4, kv_heads=2, window=5, global_every=2, qk_norm=True)
            | dict(explicit_head_dim=16, router_logits="standardized"),
            id="groups",
            marks=pytest.mark.thorough,
        ),
    ],
)
def test_greedy_answers_are_those_of_the_forward_pass(chat_tokenizer: Path, shape: dict[str, Any]) -> None:
    loaded, some = untrained(chat_tokenizer, **shape), prompts(6)
    jobs = [Job(prompt=prompt, tokens=12) for prompt in some]
    found = run(engine_for(loaded, jobs, rows=4), *jobs)
    assert [tokens_of(updates) for updates in found] == [greedy(loaded, prompt, 12) for prompt in some]


@pytest.mark.parametrize(
    "shape",
    [
        pytest.param({}, id="dense"),
        pytest.param({"experts": 4, "kv_heads": 2}, id="experts", marks=pytest.mark.long),
    ],
)
def test_answers_and_their_logprobs_do_not_depend_on_the_others(chat_tokenizer: Path, shape: dict[str, Any]) -> None:
    engine = make_engine(untrained(chat_tokenizer, **shape), reuse=False)
    some = prompts(12)
    jobs = [
        Job(
            prompt=prompt,
            tokens=number % 9 + 1,
            temperature=number % 3 / 2,
            seed=number,
            top_p=0.9 if number % 4 == 0 else 1,
            logprobs=number % 5 == 0,
        )
        for number, prompt in enumerate(some)
    ]

    def outcome(updates: list[Update]) -> Any:
        return tokens_of(updates), "".join(u.text for u in updates), [s for u in updates for s in u.scores]

    def again(job: Job) -> Job:
        return dataclasses.replace(job)

    alone = [outcome(*run(engine, again(job))) for job in jobs[:6]]
    for seed in range(2):
        order = np.random.default_rng(seed).permutation(12)
        together = run(engine, *(again(jobs[number]) for number in order))
        assert [outcome(together[[*order].index(number)]) for number in range(6)] == alone
    assert engine.pages == (0, 32)


def test_log_probabilities_are_those_of_the_forward_pass(engine: Engine, loaded: LoadedModel) -> None:
    [prompt] = prompts(1)
    [updates] = run(engine, Job(prompt=prompt, tokens=5, logprobs=True, prompt_logprobs=True))
    ids = [*prompt, *tokens_of(updates)]
    scores = [score for update in updates for score in (*update.prompt_scores, *update.scores)]
    expected = log_softmax(logits_of(loaded, ids), axis=1)
    assert [score.token for score in scores] == ids[1:]
    np.testing.assert_allclose([score.logprob for score in scores], expected[range(len(ids) - 1), ids[1:]], atol=1e-4)
    for place, score in enumerate(scores):
        np.testing.assert_allclose(score.top_logprobs, np.sort(expected[place, :384])[::-1][:20], atol=1e-4)
        assert score.logprob in score.top_logprobs or score.token not in score.top_tokens, "the same float"


def test_a_shared_beginning_changes_no_bit(engine: Engine, loaded: LoadedModel) -> None:
    begin = prompts(1, 80)[0] * 2
    jobs = [Job(prompt=(*begin[:50], number), tokens=20, logprobs=True) for number in range(10, 14)]
    before = engine.reused
    shared = run(engine, *jobs) + run(engine, *(dataclasses.replace(job) for job in jobs))
    assert engine.reused - before > 4 * 32
    apart = make_engine(loaded, reuse=False)
    alone = [run(apart, dataclasses.replace(job))[0] for job in jobs]
    assert apart.reused == 0
    assert [[u.scores for u in updates] for updates in shared] == [[u.scores for u in updates] for updates in alone * 2]


def test_an_embedding_is_the_mean_of_the_last_states(engine: Engine, loaded: LoadedModel) -> None:
    some = prompts(3, 100)
    for prompt, [update] in zip(some, run(engine, *(Job(prompt=prompt, embed=True) for prompt in some)), strict=True):
        with_unit_output = dataclasses.replace(
            loaded, parameters=loaded.parameters | {"output": np.eye(loaded.model.width, dtype=np.float32)}
        )
        assert update.embedding is not None
        np.testing.assert_allclose(update.embedding, logits_of(with_unit_output, [*prompt]).mean(axis=0), atol=1e-4)


def test_a_short_prompt_does_not_wait_for_a_long_one(engine: Engine) -> None:
    seen: list[str] = []
    long, short = prompts(1, 100)[0] * 100, Job(prompt=(30, 31), tokens=4)
    engine.submit(Job(prompt=long[:120], tokens=8), lambda update: seen.append("long"))
    assert engine.step()
    engine.submit(short, lambda update: seen.append("short"))
    steps = 0
    while not seen:
        engine.step()
        steps += 1
    assert seen == ["short"] and steps <= 2
    while engine.step():
        pass
    assert seen.count("long") > 0


def test_a_long_prompt_does_not_wait_for_ever(engine: Engine) -> None:
    seen: list[Update] = []
    engine.submit(Job(prompt=(9,) * 120, tokens=1), seen.append)
    for number in range(60):
        engine.submit(Job(prompt=(20, 20 + number), tokens=1), lambda update: None)
        engine.step()
        if seen:
            break
    assert seen and number < 50
    while engine.step():
        pass


def test_cancelled_jobs_give_back_what_they_had(engine: Engine) -> None:
    reports: list[Update] = []
    jobs = [Job(prompt=prompt, tokens=40) for prompt in prompts(20)]
    for job in jobs:
        engine.submit(job, reports.append)
    engine.step()
    assert engine.active == 4 and engine.waiting == 16
    for job in jobs:
        engine.cancel(job)
    engine.cancel(jobs[0])
    before = len(reports)
    assert not engine.step()
    assert (engine.active, engine.waiting, engine.pages[0], len(reports)) == (0, 0, 0, before)


def test_a_stop_string_ends_a_row_at_once(engine: Engine) -> None:
    [whole] = run(engine, Job(prompt=(40, 41), tokens=30))
    text = "".join(update.text for update in whole)
    stop = text[len(text) // 2 :][:2]
    [updates] = run(engine, Job(prompt=(40, 41), tokens=30, stop=(stop,)))
    assert "".join(update.text for update in updates) == text[: text.index(stop)]
    assert updates[-1].finish_reason == "stop_sequence"


@pytest.mark.thorough
def test_a_model_on_several_devices_answers_as_on_one(chat_tokenizer: Path, engine: Engine) -> None:
    spread = Engine(untrained(chat_tokenizer, tensor=8), rows=1, cache_tokens=256, page=16, reuse=False)
    assert len(jax.devices()) == 8
    [prompt] = prompts(1, 90)
    job = Job(prompt=prompt, tokens=10, logprobs=True, prompt_logprobs=True)
    [one], [eight] = run(engine, job), run(spread, dataclasses.replace(job))
    scores = [[score for u in updates for score in (*u.prompt_scores, *u.scores)] for updates in (one, eight)]
    assert [score.token for score in scores[0]] == [score.token for score in scores[1]]
    np.testing.assert_allclose(
        [score.logprob for score in scores[0]], [score.logprob for score in scores[1]], atol=1e-4
    )
