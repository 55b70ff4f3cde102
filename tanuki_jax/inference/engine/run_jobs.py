"""Jobs that are known in advance, run to their ends in this process."""

import functools
from collections.abc import Callable, Generator, Sequence

from tanuki_jax.base.errors import InputError
from tanuki_jax.inference.engine.cache_size import affordable_tokens, page_tokens
from tanuki_jax.inference.engine.engine import Engine
from tanuki_jax.inference.engine.job import Job, Update
from tanuki_jax.inference.load_model import LoadedModel
from tanuki_jax.inference.text_deltas import Completion


def engine_for(loaded: LoadedModel, jobs: Sequence[Job], *, rows: int) -> Engine:
    """Return an engine whose programs are compiled when they are first needed, for one number of rows.

    Its cache has room for the largest `rows` of the jobs at once, or for fewer if there is not the memory; the others
    wait. The room is a power of two of pages, so that few programs are compiled for jobs of many lengths.

    Args:
        loaded: model and tokenizer.
        jobs: what it is to run; it runs others too that are no longer.
        rows: most jobs that are worked on at once.

    Raises:
        InputError: there is no memory for the longest job.
    """
    page = page_tokens(loaded.limit)
    needed = sorted((-(-(len(job.prompt) + job.tokens) // page) for job in jobs), reverse=True)
    pages, affordable = 1 << (sum(needed[:rows]) - 1).bit_length(), affordable_tokens(loaded) // page
    if needed[0] > affordable:
        raise InputError(
            f"a text of {needed[0] * page:,} tokens needs more memory than there is, which is enough for "
            f"{affordable * page:,}; ask for fewer --tokens"
        )
    tokens = min(pages, affordable) * page
    return Engine(loaded, rows=rows, cache_tokens=tokens, page=page, reuse=False, ready=False)


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

    try:
        for number, job in enumerate(jobs):
            engine.submit(job, functools.partial(report, number))
        while left:
            engine.step_elsewhere()
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
