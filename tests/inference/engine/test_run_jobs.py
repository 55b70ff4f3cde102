"""Jobs run to their ends: completions, their reasons, and what a stop leaves behind."""

import contextlib
import random
import threading
import time
from concurrent.futures import Future

import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.inference.engine import engine as engines
from tanuki_jax.inference.engine.engine import Engine
from tanuki_jax.inference.engine.job import Sampling
from tanuki_jax.inference.engine.run_jobs import engine_for, run_jobs, updates
from tanuki_jax.inference.load_model import LoadedModel, load_model
from tanuki_jax.inference.text import jobs_for
from tanuki_jax.inference.text_deltas import Completion
from tests.inference.conftest import MakeParrot

RANDOM = Sampling(tokens=7, temperature=1.0, top_k=50, seed=3)


def completed(loaded: LoadedModel, texts: list[str], sampling: Sampling, rows: int = 4) -> list[Completion]:
    prompts = [loaded.tokenizer.encode(text) for text in texts]
    jobs = jobs_for(loaded, prompts, sampling)
    return run_jobs(engine_for(loaded, jobs, rows=rows), jobs)


def test_completions_depend_on_neither_the_others_nor_their_order(loaded: LoadedModel) -> None:
    texts = ["fox", "狸", "The quick", "fox", "raccoon " * 9, "昔々、", "dog", "fox", "(dog)", "34"]
    expected = completed(loaded, texts, RANDOM)
    assert [completed(loaded, [texts[n]], RANDOM)[0] for n in (0, 1)] == expected[:2]
    assert len({expected[n].text for n in (0, 3, 7)}) == 3, "equal prompts are sampled differently"
    order = random.Random(0).sample(range(10), 10)
    shuffled = completed(loaded, [texts[n] for n in order], RANDOM)
    by_text = sorted(zip((texts[n] for n in order), shuffled, strict=True))
    assert by_text == sorted(zip(texts, expected, strict=True))
    other_seed = Sampling(tokens=7, temperature=1.0, top_k=50, seed=4)
    assert completed(loaded, texts, other_seed) != expected


def test_completions_have_their_reasons(make_parrot: MakeParrot) -> None:
    loaded = load_model(make_parrot("fox", " に🦝!\n").checkpoint)
    texts = ["fox", "( " * 27 + "fox"]
    assert completed(loaded, texts, Sampling(tokens=30)) == [
        Completion(" に🦝!\n", 8, "eos_token"),
        Completion(" に🦝!", 7, "length"),
    ], "the second text does not fit into the model's limit"
    early, late = completed(loaded, texts[:1] * 2, Sampling(tokens=30, stop=("🦝",)))
    assert early == late and early.text == " に" and early.finish_reason == "stop_sequence"
    assert completed(loaded, texts[:1], Sampling(tokens=7)) == [Completion(" に🦝!", 7, "length")]


def test_a_generator_that_is_closed_leaves_the_engine_idle(loaded: LoadedModel) -> None:
    jobs = jobs_for(loaded, [[30], [31], [32]], Sampling(tokens=60))
    engine = engine_for(loaded, jobs, rows=2)
    with contextlib.closing(updates(engine, jobs)) as stream:
        next(stream)
    assert not engine.step()
    assert (engine.active, engine.waiting, engine.pages[0]) == (0, 0, 0)
    assert len(run_jobs(engine, jobs_for(loaded, [[30]], Sampling(tokens=3)))) == 1


def test_a_text_that_cannot_be_decoded_is_an_error(loaded: LoadedModel, monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken:
        def __init__(self, *arguments: object) -> None:
            pass

        def add(self, ids: list[int], *, ended: bool) -> None:
            raise ValueError

    monkeypatch.setattr(engines, "RowText", Broken)
    jobs = jobs_for(loaded, [[30]], Sampling(tokens=3))
    with pytest.raises(RuntimeError, match="error is in the log"):
        run_jobs(engine_for(loaded, jobs, rows=2), jobs)


def test_the_cache_has_room_for_the_largest_jobs_and_no_more(loaded: LoadedModel) -> None:
    jobs = jobs_for(loaded, [[30] * 60, [31] * 100, [32]], Sampling(tokens=4))
    assert engine_for(loaded, jobs, rows=2).pages == (0, 4), "pages of 64 tokens: 2 and 1, as a power of two"
    assert engine_for(loaded, jobs, rows=16).pages == (0, 4)


def test_jobs_wait_if_there_is_memory_for_few(loaded: LoadedModel, monkeypatch: pytest.MonkeyPatch) -> None:
    jobs = jobs_for(loaded, [[30] * 60, [31] * 100, [32]], Sampling(tokens=4))
    expected = run_jobs(engine_for(loaded, jobs, rows=3), jobs)
    monkeypatch.setattr("tanuki_jax.inference.engine.run_jobs.affordable_tokens", lambda loaded: 128)
    engine = engine_for(loaded, jobs, rows=3)
    assert engine.pages == (0, 2)
    assert run_jobs(engine, jobs_for(loaded, [[30] * 60, [31] * 100, [32]], Sampling(tokens=4))) == expected
    monkeypatch.setattr("tanuki_jax.inference.engine.run_jobs.affordable_tokens", lambda loaded: 127)
    with pytest.raises(InputError, match=r"a text of 128 tokens needs more memory than there is, .* enough for 64"):
        engine_for(loaded, jobs, rows=3)


def test_a_wait_that_is_interrupted_ends_no_step(loaded: LoadedModel, monkeypatch: pytest.MonkeyPatch) -> None:
    jobs = jobs_for(loaded, [[30]], Sampling(tokens=3))
    engine, running = engine_for(loaded, jobs, rows=1), threading.Lock()
    real = Engine.step

    def slow(self: Engine) -> bool:
        assert running.acquire(blocking=False), "two steps at once"
        time.sleep(0.1)
        try:
            return real(self)
        finally:
            running.release()

    monkeypatch.setattr(Engine, "step", slow)
    for _ in range(3):
        with pytest.raises(KeyboardInterrupt), contextlib.closing(updates(engine, jobs)) as stream:
            monkeypatch.setattr(Future, "result", interrupted)
            next(stream)
        monkeypatch.undo()
        monkeypatch.setattr(Engine, "step", slow)
    assert len(run_jobs(engine, jobs_for(loaded, [[30]], Sampling(tokens=3)))) == 1


def interrupted(future: "Future[bool]", timeout: float | None = None) -> bool:
    raise KeyboardInterrupt
