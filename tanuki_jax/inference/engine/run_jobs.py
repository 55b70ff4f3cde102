"""Jobs that are known in advance, run to their ends in this process."""

import functools
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor

from tanuki_jax.inference.engine.engine import Engine, page_tokens
from tanuki_jax.inference.engine.job import Job, Update
from tanuki_jax.inference.load_model import LoadedModel
from tanuki_jax.inference.text_deltas import Completion


def engine_for(loaded: LoadedModel, *, rows: int, longest: int) -> Engine:
    """Return an engine whose programs are compiled when they are first needed, for one number of rows.

    Args:
        loaded: model and tokenizer.
        rows: most jobs that are worked on at once.
        longest: most tokens of a prompt and its new tokens together.
    """
    page = page_tokens(loaded.limit)
    pages = -(-longest // page)
    return Engine(loaded, rows=rows, cache_tokens=rows * pages * page, page=page, reuse=False, ready=False)


def updates(engine: Engine, jobs: Sequence[Job]) -> Generator[tuple[int, Update]]:
    """Run jobs, and yield (number of a job, what is new of it) until all are done.

    Jobs that are not done when the generator is closed are cancelled.

    Raises:
        RuntimeError: a job failed; the error is in the log.
    """
    reported: list[tuple[int, Update]] = []
    left = len(jobs)

    def report(number: int, update: Update) -> None:
        reported.append((number, update))

    for number, job in enumerate(jobs):
        engine.submit(job, functools.partial(report, number))
    # Ctrl-C is raised in the main thread: in another one a step ends as a whole, and the engine stays usable.
    with ThreadPoolExecutor(max_workers=1) as thread:
        try:
            while left:
                thread.submit(engine.step).result()
                news, reported[:] = [*reported], []
                left -= sum(update.done for _, update in news)
                if any(update.failed for _, update in news):
                    raise RuntimeError("a text could not be generated; the error is in the log above")
                yield from news
        finally:
            if left:
                for job in jobs:
                    engine.cancel(job)


def run_jobs(
    engine: Engine, jobs: Sequence[Job], on_done: Callable[[Completion], None] = lambda completion: None
) -> list[Completion]:
    """Run jobs, and return the completion of each, in their order.

    Args:
        engine: an engine of the jobs' model.
        jobs: jobs that make tokens.
        on_done: called with each completion as soon as it is complete.
    """
    news: list[list[Update]] = [[] for _ in jobs]
    completions: dict[int, Completion] = {}
    for number, update in updates(engine, jobs):
        news[number].append(update)
        if update.finish_reason is not None:
            text, tokens = "".join(each.text for each in news[number]), sum(len(each.tokens) for each in news[number])
            completions[number] = Completion(text, tokens, update.finish_reason)
            on_done(completions[number])
    return [completions[number] for number in range(len(jobs))]
